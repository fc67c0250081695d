// Reads a node's configuration and everything that it names: keys, certificates, addresses.
//
//   JCM_ASSIGN_OR_RETURN(NodeSettings settings, LoadConfig("/etc/jcm/jpn.textproto"));
//
// What may be in it is described by proto/jcm/node/v1/config.proto. Nothing is opened, made or bound here, so this is
// all that `jcm-node --check` does. Errors name file, line and field:
//   CONFIG_INVALID           not text format, unknown field, a value that is not allowed, a file that is not there
//   KEY_FILE_INVALID         a key or certificate that can't be used
//   SIMULATED_CLOCK_REFUSED  a simulated clock without `demonstration`
#ifndef SERVICES_NODE_CONFIG_H_
#define SERVICES_NODE_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/book.pb.h"
#include "jcm/node/v1/config.pb.h"
#include "ledger/base/keys.h"
#include "services/node/policy.h"

namespace jcm::services {

// A partner's registry: in Japan's node one per partner, elsewhere Japan.
struct NodeEndpoint {
  std::string address;
  std::string server_name;  // DNS name in its certificate
};

struct PeerSettings {
  std::string partnership;
  std::string registry;
  std::vector<NodeEndpoint> endpoints;  // of its replicas; none: no link
  std::string ca_pem;
};

// Another replica of this registry.
struct SiblingSettings {
  std::string name;
  NodeEndpoint endpoint;
};

struct TlsSettings {
  std::string certificate_pem;
  std::string key_pem;
  std::string ca_pem;  // vouches for this registry's own clients
};

struct RegistrySettings {
  node::v1::RegistryConfig config;  // as read, defaults filled in, paths absolute
  absl::optional<PrivateKey> replica_key;
  std::string offsite_key;  // 32 bytes
  std::string backup_key;   // 32 bytes; offsite_key unless there is one of its own
  TlsSettings tls;
  std::vector<PeerSettings> peers;
  std::vector<SiblingSettings> siblings;
  TlsSettings etcd_tls;  // empty: without TLS
  PolicyOptions policy;
  ledger::v1::Genesis genesis;  // all but what depends on the book
  bool simulated_clock() const { return config.clock().kind() == node::v1::ClockConfig::KIND_FILE; }
};

struct NodeSettings {
  node::v1::NodeConfig config;  // defaults filled in; without `registries`
  std::vector<RegistrySettings> registries;
};

// `path` is for messages and for relative paths inside the file.
absl::StatusOr<NodeSettings> LoadConfig(const std::string& path);

// "<domain>/<REGISTRY>/<replica>", the name of a replica's key in signed notes.
std::string ReplicaKeyName(const node::v1::RegistryConfig& config);

// "host:port" with a host and a port 0..65535; "[::1]:7001" for IPv6. `port` may be null.
bool IsHostPort(absl::string_view address, uint16_t* port);

}  // namespace jcm::services

#endif  // SERVICES_NODE_CONFIG_H_
