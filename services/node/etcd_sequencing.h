// The log of a registry with several replicas, as the configuration says: etcd, and the hint at who orders.
#ifndef SERVICES_NODE_ETCD_SEQUENCING_H_
#define SERVICES_NODE_ETCD_SEQUENCING_H_

#include <memory>

#include "absl/status/statusor.h"
#include "ledger/log/etcd/etcd_client.h"
#include "ledger/log/log.h"
#include "ledger/registry/sequencing.h"
#include "services/node/config.h"

namespace jcm::services {

struct EtcdSequencing {
  std::shared_ptr<log::EtcdClient> client;
  std::unique_ptr<log::Log> log;
  std::shared_ptr<registry::SequencerHint> hint;
};

// Does not wait for etcd to answer. CONFIG_INVALID.
absl::StatusOr<EtcdSequencing> OpenEtcdSequencing(const RegistrySettings& settings);

}  // namespace jcm::services

#endif  // SERVICES_NODE_ETCD_SEQUENCING_H_
