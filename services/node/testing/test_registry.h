// A folder with development certificates and keys, and registries started from configurations in it: what tests of the
// node itself need. Real files, real TLS, loopback.
//
//   TestSite site;                                     // made by deploy/pki/make-development-pki
//   auto node = site.Start("JPN", {});
//   auto channel = site.Channel(node->port(), "JPN", "JPN/clients/person-operator-1");
#ifndef SERVICES_NODE_TESTING_TEST_REGISTRY_H_
#define SERVICES_NODE_TESTING_TEST_REGISTRY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "services/node/config.h"
#include "services/node/registry_node.h"

namespace jcm::services::testing {

class TestSite {
 public:
  // Registries JPN, THA and MDV, each with a CA of its own; persons operator-1, auditor-1, representative-1; program
  // gateway. In `false/`: a CA of another JPN.
  TestSite();
  ~TestSite();

  struct Options {
    std::string folder;                  // of the store; "" = the registry's code
    std::string listen = "127.0.0.1:0";  // host:port
    std::string peer_address;            // of the partner's node; "" = no link
    std::string peer_ca;                 // path without ".pem"; "" = the partner's own
    std::string domain = "demo.invalid";
    std::string clock_file;  // path of the simulated clock; "" = the machine's
  };
  // A configuration of JPN or THA with the partnership TH.
  std::string Config(const std::string& registry, const Options& options) const;
  std::string WriteConfig(const std::string& registry, const Options& options) const;  // its path
  absl::StatusOr<NodeSettings> Load(const std::string& registry, const Options& options) const;
  absl::StatusOr<std::unique_ptr<RegistryNode>> Start(const std::string& registry, const Options& options) const;

  // To a node of `server_registry`, with the certificate at PKI/`client` (without suffix; "" = none).
  std::shared_ptr<grpc::Channel> Channel(int port, const std::string& server_registry, const std::string& client,
                                         grpc::ChannelArguments arguments = {}) const;

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  // Files of the PKI.
  std::string Read(const std::string& name) const;
  void Write(const std::string& name, const std::string& text) const;

 private:
  std::string folder_;
};

}  // namespace jcm::services::testing

#endif  // SERVICES_NODE_TESTING_TEST_REGISTRY_H_
