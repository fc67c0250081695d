// The log of a registry that runs on several replicas: slots in an etcd cluster, which all replicas share.
//
//   JCM_ASSIGN_OR_RETURN(std::shared_ptr<EtcdClient> client, EtcdClient::Create(options));
//   JCM_ASSIGN_OR_RETURN(std::unique_ptr<EtcdLog> log, EtcdLog::Open(client, "jcm/JPN"));
//   JCM_RETURN_IF_ERROR(CheckContinues(*log, applied));
//   ... apply everything after applied.index; append as log.h says, with at least log->Generation() in the header ...
//
// etcd orders and carries batches, and is trusted for no more than that: whoever reads checks hashes and the chain, and
// safety comes from the compare of the slot alone. Never from a lease, a watch, a revision or one read.
// Layout: etcd_layout.h.
//
// Generations. A batch whose header has a higher generation opens it and goes on through the log, as with every Log.
// StartGeneration is for an etcd that was emptied or set back: the log begins anew behind what the replicas have.
#ifndef LEDGER_LOG_ETCD_ETCD_LOG_H_
#define LEDGER_LOG_ETCD_ETCD_LOG_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/log/etcd/etcd_client.h"
#include "ledger/log/etcd/etcd_layout.h"
#include "ledger/log/etcd/etcd_log_view.h"
#include "ledger/log/log.h"

namespace jcm::log {

// Trimming deletes so many batches with one call.
inline constexpr uint64_t kEtcdTrimmedAtOnceBatches = 1000;
inline constexpr size_t kEtcdPrefixMaxBytes = 200;

// Thread-safe. All calls block for round trips; each of them for at most the client's call timeout per endpoint.
class EtcdLog : public Log {
 public:
  // `prefix` has letters, digits, '-', '_' and single '/' inside, e.g. "jcm/JPN": one log per prefix. Does not wait for
  // etcd to answer; a thread listens for appends from now on. CONFIG_INVALID.
  static absl::StatusOr<std::unique_ptr<EtcdLog>> Open(std::shared_ptr<EtcdClient> client, absl::string_view prefix);
  // Ends the thread, at once.
  ~EtcdLog() override;

  // As log.h says, and LOG_UNAVAILABLE if no endpoint answers. That of Append has written nothing.
  //
  // Append puts the record if its slot is absent, the batch before it is the one that was checked, and no newer
  // generation exists. CHAIN_BROKEN also for a record of an older generation than the newest one; QUEUE_FULL for one
  // that would open one more than kGenerationsMax.
  absl::StatusOr<LogPosition> Tail() override;
  absl::StatusOr<uint64_t> First() override;
  absl::Status Append(uint64_t index, absl::string_view record) override;
  absl::StatusOr<std::vector<Batch>> Read(uint64_t from, uint64_t to, size_t max_bytes) override;
  // May be called by several replicas at a time. Deletes, then compacts. LOG_UNAVAILABLE: part of it may be done; the
  // next call goes on.
  absl::Status Trim(uint64_t below) override;
  void AddDoorbell(const Doorbell& doorbell) override;
  // Names a member that gave a damaged or missing record which another one has.
  std::string Warning() override { return view_.Damage(); }

  // The smallest generation that the next batch may have; 0 if the log is empty. Above Tail().generation after
  // StartGeneration, until there is a batch.
  absl::StatusOr<uint64_t> Generation() override;

  // Lets the log begin anew behind `after`, whatever etcd has or lost: afterwards Tail() is `after`, First() is its
  // index + 1, and older slots are never read again and go with the next trim. An operator's act that the majority of
  // replicas agreed to, with `after` the position of the replica that goes on; a replica that is ahead of `after` will
  // stop with LOG_DIVERGED. OK again for the same act.
  //
  //   LOG_SLOT_TAKEN  this generation exists, with another content
  //   CHAIN_BROKEN    a newer generation exists, or `after` is not older than `generation`
  //   APPEND_UNKNOWN  it may be done or not; call it again
  absl::Status StartGeneration(const LogPosition& after, uint64_t generation) override;

  // About what etcd keeps on disk, all logs and what was not compacted yet included: for a high-water mark. etcd stops
  // writing altogether at its quota. LOG_UNAVAILABLE.
  absl::StatusOr<uint64_t> BytesKept();

  EtcdClient& client() { return *client_; }

 private:
  EtcdLog(std::shared_ptr<EtcdClient> client, EtcdKeys keys);

  enum class Refused { kTaken, kGap, kLookAgain };

  absl::Status AppendLocked(uint64_t index, absl::string_view record);
  etcdserverpb::TxnRequest AppendTxn(const LogState& state, const Batch& batch, absl::string_view record) const;
  // What the else branch of AppendTxn says.
  static Refused WhyRefused(const etcdserverpb::TxnResponse& response);
  void LearnAppended(LogState state, const Batch& batch, int64_t revision);
  absl::Status TrimGeneration(const LogState& state, size_t at, uint64_t end, int64_t* revision);
  absl::Status DeleteSlots(uint64_t generation, uint64_t to, int64_t* revision);
  void Listen();
  bool WaitToListenAgain(std::chrono::milliseconds wait);

  const std::shared_ptr<EtcdClient> client_;
  const EtcdKeys keys_;
  EtcdLogView view_;
  Doorbells doorbells_;
  std::mutex append_mutex_;  // held while a batch is appended
  std::mutex trim_mutex_;
  EtcdCallHandle listening_;
  std::mutex stop_mutex_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;
  std::thread listener_;
};

}  // namespace jcm::log

#endif  // LEDGER_LOG_ETCD_ETCD_LOG_H_
