// PeerTransport over gRPC with mutual TLS: how a registry calls its partners' nodes.
//
// One channel per partner's replica and per sibling, which reconnects by itself. The other end must show a certificate
// for the configured DNS name, vouched for by the partner's CA, whose URI says that it is a node of that partner's
// registry; else nothing is sent. Calls never block. Errors: UNAVAILABLE (no link, stopped, unreachable, not the right
// node), DEADLINE_EXCEEDED, and what the partner's node refused.
#ifndef SERVICES_NODE_PEER_TRANSPORT_H_
#define SERVICES_NODE_PEER_TRANSPORT_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "ledger/registry/registry_host.h"
#include "services/common/worker_pool.h"
#include "services/node/config.h"

namespace jcm::services {

class GrpcPeerTransport : public registry::PeerTransport {
 public:
  // `own` is this node's certificate. Peers without an address get no link.
  // `registry` and `siblings`: the other replicas of this registry, called "JPN/2".
  GrpcPeerTransport(const TlsSettings& own, const std::vector<PeerSettings>& peers,
                    std::chrono::milliseconds call_timeout, const std::string& registry = "",
                    const std::vector<SiblingSettings>& siblings = {});
  ~GrpcPeerTransport() override;

  void Call(const std::string& peer_registry, Method method, std::string request, Done done) override;

  // Cancels what is under way and waits for it; later calls fail at once. Before the registry goes.
  void Stop();

 private:
  struct Pending;
  // The replicas of one registry, or one sibling. Calls stay with one until it fails.
  struct Link {
    std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
    std::atomic<size_t> current{0};
  };
  std::chrono::milliseconds TimeoutOf(Method method) const;
  void Finished(Pending* pending);
  void Fail(Done done, absl::Status status);

  const std::chrono::milliseconds call_timeout_;
  std::map<std::string, Link> links_;  // by registry or sibling
  WorkerPool callbacks_;               // calls that fail at once fail here
  std::mutex mutex_;
  std::condition_variable idle_;
  std::set<Pending*> pending_;
  bool stopped_ = false;
};

// A channel to a sibling, which must show that replica's certificate.
std::shared_ptr<grpc::Channel> ConnectSibling(const TlsSettings& own, const std::string& registry,
                                              const SiblingSettings& sibling);

// "/jcm.mirror.v1.MirrorService/ReadEntries"
const char* PeerMethodName(registry::PeerTransport::Method method);

}  // namespace jcm::services

#endif  // SERVICES_NODE_PEER_TRANSPORT_H_
