// One registry of a node, running: store, log, keys, registry, services, server.
//
//   JCM_ASSIGN_OR_RETURN(std::unique_ptr<RegistryNode> node, RegistryNode::Start(settings.registries[0],
//   settings.config));
//   ...
//   node->Stop();       // no new calls, running ones finish or are cancelled, the registry closes
#ifndef SERVICES_NODE_REGISTRY_NODE_H_
#define SERVICES_NODE_REGISTRY_NODE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/node/config.h"

namespace jcm::services {

// Larger messages are refused by gRPC itself (RESOURCE_EXHAUSTED) before they are read.
inline constexpr int kMessageBytesMax = 4 * 1024 * 1024;

class RegistryNode {
 public:
  // Errors: PORT_TAKEN, CONFIG_INVALID (address that this machine does not have), STORE_LOCKED,
  // STORE_OF_OTHER_REGISTRY, STORE_CORRUPT, STORE_FAILED, and what RegistryHost::Start says.
  static absl::StatusOr<std::unique_ptr<RegistryNode>> Start(const RegistrySettings& settings,
                                                             const node::v1::NodeConfig& process);
  ~RegistryNode();

  // As RegistryHost::Failure. LOG_TRIMMED: stop the node, Join, start again.
  absl::Status Failure() const;

  // Lets gRPC's health service say SERVING while the registry takes part, and NOT_SERVING once it has failed or is in
  // quarantine. To be called now and then; not after Stop.
  void ShowHealth();

  // Puts a sibling's proven snapshot in the place of this replica's store. No node of these settings may be running.
  // Blocks. Errors: as JoinFromSiblings.
  static absl::Status Join(const RegistrySettings& settings);

  // The port that the server listens on, also where the configuration says 0.
  int port() const;

  // Idempotent. Takes at most the process's stop_timeout_seconds and what running reads still need.
  void Stop();

 private:
  struct Parts;
  explicit RegistryNode(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace jcm::services

#endif  // SERVICES_NODE_REGISTRY_NODE_H_
