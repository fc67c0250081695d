// Calls to an etcd cluster: several endpoints, one deadline per call, and answers that say how much is known.
//
//   JCM_ASSIGN_OR_RETURN(std::shared_ptr<EtcdClient> client, EtcdClient::Create(options));
//   JCM_ASSIGN_OR_RETURN(etcdserverpb::TxnResponse seen, client->Read(ranges));     // tried at each endpoint
//   absl::StatusOr<etcdserverpb::TxnResponse> done = client->Commit(txn);           // sent once
//   if (HasReason(done.status(), Reason::APPEND_UNKNOWN)) { ... it may have happened, or happen later ... }
//
// Not for: anything that etcd's access control should protect. Whoever can reach etcd with a certificate can write all
// of it; what the log carries is checked by those who read it.
#ifndef LEDGER_LOG_ETCD_ETCD_CLIENT_H_
#define LEDGER_LOG_ETCD_ETCD_CLIENT_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "etcd/etcdserverpb/rpc.pb.h"

namespace grpc {
class ClientContext;
}

namespace jcm::log {

inline constexpr size_t kEtcdEndpointsMax = 16;
// etcd answers a request that lost its leader after 7 s. We don't wait for that.
inline constexpr std::chrono::milliseconds kEtcdCallTimeout{1000};
// More than a page of the log (kReadPageBatches in etcd_log.h) with all its framing.
inline constexpr int kEtcdAnswerMaxBytes = 16 * 1024 * 1024;

struct EtcdOptions {
  // "host:port", in the order of preference. Several clients of one cluster may begin at different ones.
  std::vector<std::string> endpoints;
  // PEM, all three or none. Without TLS only 127.0.0.1, ::1 and localhost are accepted. The names in a member's
  // certificate must cover its endpoint. Taken over once: a renewed certificate needs a new client.
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem;
  std::chrono::milliseconds call_timeout = kEtcdCallTimeout;
};

// What one endpoint says of itself.
struct EtcdEndpointHealth {
  std::string endpoint;
  bool answers = false;
  std::string error;  // why it does not answer, or its alarms ("NOSPACE", "CORRUPT"); empty: none
  std::string version;
  uint64_t cluster = 0;
  uint64_t member = 0;
  uint64_t leader = 0;  // the member that leads, as this one knows; 0: none
  uint64_t db_bytes = 0;
  uint64_t db_in_use_bytes = 0;
  bool IsLeader() const { return answers && leader != 0 && leader == member; }
};

// Ends a call that another thread is waiting in. May be used again after that call has returned; not for two calls at
// a time.
class EtcdCallHandle {
 public:
  // From now on, the call and all later ones with this handle end at once.
  void Cancel();

 private:
  friend class EtcdClient;
  std::mutex mutex_;
  grpc::ClientContext* context_ = nullptr;
  bool cancelled_ = false;
};

// Thread-safe. Each call blocks for at most the call timeout per endpoint that it tries. A call that gets no answer
// moves all later ones to the next endpoint.
class EtcdClient {
 public:
  // Connects when first used. CONFIG_INVALID.
  static absl::StatusOr<std::shared_ptr<EtcdClient>> Create(const EtcdOptions& options);
  ~EtcdClient();

  // A Txn that writes nothing, linearizable unless its ranges say otherwise. It is tried at each endpoint.
  // LOG_UNAVAILABLE if none answers.
  absl::StatusOr<etcdserverpb::TxnResponse> Read(const etcdserverpb::TxnRequest& ranges);

  // A Txn that may write. It is sent once. APPEND_UNKNOWN unless it was answered: it may be done, or be done later.
  absl::StatusOr<etcdserverpb::TxnResponse> Commit(const etcdserverpb::TxnRequest& txn);

  // Deletes [key, range_end) and returns the revision of that. Repeatable, so tried at each endpoint. LOG_UNAVAILABLE.
  absl::StatusOr<int64_t> DeleteRange(absl::string_view key, absl::string_view range_end);

  // Gives free what was deleted up to `revision`. OK too if somebody has done that already. LOG_UNAVAILABLE.
  absl::Status Compact(int64_t revision);

  // A lease of about `ttl_seconds`; etcd rounds up to 1.5 times its election timeout. LOG_UNAVAILABLE.
  absl::StatusOr<int64_t> GrantLease(int64_t ttl_seconds);
  // Seconds that are left now; 0: the lease is gone. LOG_UNAVAILABLE.
  absl::StatusOr<int64_t> KeepLeaseAlive(int64_t lease);
  // Deletes the lease with its keys. LOG_UNAVAILABLE.
  absl::Status RevokeLease(int64_t lease);

  // Waits, without a deadline, for puts to keys in [key, range_end) from now on, and calls `changed` when the watch is
  // in place and for each answer. Returns when the watch breaks, with the reason, or is cancelled. Events may be lost
  // or come twice: only a doorbell.
  absl::Status Watch(absl::string_view key, absl::string_view range_end, EtcdCallHandle* handle,
                     const std::function<void()>& changed);

  // Asks all endpoints, one after the other.
  std::vector<EtcdEndpointHealth> Health();
  // Of the first endpoint that answers. LOG_UNAVAILABLE.
  absl::StatusOr<EtcdEndpointHealth> AnyHealth();

  // Where the next call goes.
  std::string CurrentEndpoint() const;
  size_t endpoints() const { return endpoints_.size(); }
  // What `endpoint` answers is of no use: later calls go to another one, unless they do already.
  void Leave(absl::string_view endpoint);

 private:
  struct Endpoint;

  explicit EtcdClient(std::chrono::milliseconds call_timeout);
  size_t Current() const { return current_.load() % endpoints_.size(); }
  // Moves on from `failed`, unless another call has done so already.
  void MoveOn(size_t failed);
  EtcdEndpointHealth AskHealth(Endpoint& endpoint);
  template <typename Call>
  absl::Status TryEach(absl::string_view what, const Call& call);

  const std::chrono::milliseconds call_timeout_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::atomic<size_t> current_{0};
};

// The smallest key behind all keys that begin with `prefix`, for ranges. `prefix` must not end with 0xff.
std::string EndOfPrefix(absl::string_view prefix);

}  // namespace jcm::log

#endif  // LEDGER_LOG_ETCD_ETCD_CLIENT_H_
