#include "services/node/testing/test_registry.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "ledger/base/status.h"

namespace jcm::services::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kPkiScript[] =
    "deploy/pki/make-development-pki --person operator-1 --person auditor-1 "
    "--person representative-1 --program gateway ";

void Run(const std::string& command) { JCM_CHECK(std::system(command.c_str()) == 0); }

}  // namespace

TestSite::TestSite() {
  std::string pattern =
      (fs::path(std::getenv("TEST_TMPDIR") != nullptr ? std::getenv("TEST_TMPDIR") : "/tmp") / "site-XXXXXX").string();
  JCM_CHECK(mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  Run(absl::StrCat(kPkiScript, folder_, "/pki JPN THA MDV > /dev/null"));
  Run(absl::StrCat(kPkiScript, folder_, "/pki/false JPN > /dev/null"));
}

TestSite::~TestSite() {
  std::error_code error;
  fs::remove_all(folder_, error);
}

std::string TestSite::Config(const std::string& registry, const Options& options) const {
  const std::string peer = registry == "JPN" ? "THA" : "JPN";
  const std::string store = options.folder.empty() ? registry : options.folder;
  const std::string peer_ca = options.peer_ca.empty() ? peer + "/ca" : options.peer_ca;
  const std::string link =
      options.peer_address.empty()
          ? ""
          : absl::Substitute("peer_address: \"$0\" peer_tls_server_name: \"localhost\"", options.peer_address);
  const std::string clock = options.clock_file.empty()
                                ? ""
                                : absl::Substitute("  clock { kind: KIND_FILE path: \"$0\" }\n", options.clock_file);
  return absl::StrCat(
      absl::Substitute(R"(registries {
  registry: "$0" domain: "$1" replica_name: "1" demonstration: true
  data_dir: "$2/data" signer_record: "$2/signer" vault_dir: "$2/vault"
  replica_key: "pki/$0/replica-1.key" recovery_key: "pki/$0/recovery.pub" offsite_key: "pki/$0/offsite.key"
  listen: "$3"
  tls { certificate: "pki/$0/node.pem" key: "pki/$0/node.key" ca: "pki/$0/ca.pem" }
)",
                       registry, options.domain, store, options.listen),
      clock,
      absl::Substitute(R"(  partnerships { partnership: "TH" peer_registry: "$0" $1 peer_ca: "pki/$2.pem" }
)",
                       peer, link, peer_ca),
      absl::Substitute(R"(  first_persons {
    person_id: "operator-1" roles: "SYSTEM_OPERATOR" public_key: "pki/$0/persons/operator-1.pub"
    pseudonyms { partnership: "TH" handle: "00112233445566778899aabbccddeeff" }
  }
  channel_roles { identity: "jcm:$0:person:operator-1" roles: CHANNEL_ROLE_OPERATOR }
  channel_roles { identity: "jcm:$0:person:auditor-1" roles: CHANNEL_ROLE_AUDITOR }
}
)",
                       registry));
}

std::string TestSite::WriteConfig(const std::string& registry, const Options& options) const {
  const std::string path = Path(registry + ".textproto");
  std::ofstream(path) << Config(registry, options);
  return path;
}

absl::StatusOr<NodeSettings> TestSite::Load(const std::string& registry, const Options& options) const {
  return LoadConfig(WriteConfig(registry, options));
}

absl::StatusOr<std::unique_ptr<RegistryNode>> TestSite::Start(const std::string& registry,
                                                              const Options& options) const {
  JCM_ASSIGN_OR_RETURN(NodeSettings settings, Load(registry, options));
  return RegistryNode::Start(settings.registries[0], settings.config);
}

std::string TestSite::Read(const std::string& name) const {
  std::ifstream in(Path("pki/" + name));
  JCM_CHECK(in.good());
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void TestSite::Write(const std::string& name, const std::string& text) const {
  std::ofstream(Path("pki/" + name)) << text;
}

std::shared_ptr<grpc::Channel> TestSite::Channel(int port, const std::string& server_registry,
                                                 const std::string& client, grpc::ChannelArguments arguments) const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = Read(server_registry + "/ca.pem");
  if (!client.empty()) {
    options.pem_cert_chain = Read(client + ".pem");
    options.pem_private_key = Read(client + ".key");
  }
  // Each channel shows its own certificate: none may take over another one's connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(8 * 1024 * 1024);
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port), grpc::SslCredentials(options), arguments);
}

}  // namespace jcm::services::testing
