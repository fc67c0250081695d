// Can this process listen on an address? Asked before a store is opened, and to say why a server did not start.
#ifndef SERVICES_NODE_LISTEN_PROBE_H_
#define SERVICES_NODE_LISTEN_PROBE_H_

#include <string>

#include "absl/status/status.h"

namespace jcm::services {

// OK, PORT_TAKEN, or CONFIG_INVALID if this machine does not have the address. Binds for a moment and lets go.
absl::Status ProbeListen(const std::string& host_port);

}  // namespace jcm::services

#endif  // SERVICES_NODE_LISTEN_PROBE_H_
