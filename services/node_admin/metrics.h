// A registry's figures as Prometheus text. The names are a contract with those who watch: they are listed in README.md
// and never change their meaning.
#ifndef SERVICES_NODE_ADMIN_METRICS_H_
#define SERVICES_NODE_ADMIN_METRICS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "ledger/registry/registry_host.h"

namespace jcm::services {

// What the node knows besides the registry.
struct NodeFigures {
  uint64_t worker_queue_depth = 0;
  uint64_t worker_queue_limit = 0;
  int64_t tls_days_left = 0;  // until this node's certificate expires; negative afterwards
};

std::string MetricsText(const std::string& registry, const registry::RegistryStatus& status, const NodeFigures& node);

}  // namespace jcm::services

#endif  // SERVICES_NODE_ADMIN_METRICS_H_
