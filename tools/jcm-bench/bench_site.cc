#include "tools/jcm-bench/bench_site.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "grpcpp/grpcpp.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"

namespace jcm::bench {
namespace {

constexpr int kStartSeconds = 60;
constexpr int kMessageBytesMax = 4 * 1024 * 1024;  // as the node's
constexpr int kExecFailed = 127;

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Of a loopback address that hardly anybody else uses, so that no outgoing connection takes one of the ports before its
// node listens. All are held until all are found, so that they differ.
absl::StatusOr<std::vector<std::string>> FreeAddresses(int count) {
  const std::string bytes = SystemRandom().Bytes(3);
  const auto part = [&bytes](size_t i) { return static_cast<int>(static_cast<unsigned char>(bytes[i])); };
  const std::string host = absl::StrCat("127.", 64 + part(0) % 64, ".", part(1), ".", 1 + part(2) % 254);
  std::vector<std::string> addresses;
  std::vector<int> sockets;
  for (int i = 0; i < count; ++i) {
    const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    JCM_CHECK(inet_pton(AF_INET, host.c_str(), &name.sin_addr) == 1);
    socklen_t size = sizeof(name);
    sockets.push_back(handle);
    if (handle < 0 || bind(handle, reinterpret_cast<sockaddr*>(&name), size) != 0 ||
        getsockname(handle, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
      break;
    }
    addresses.push_back(absl::StrCat(host, ":", ntohs(name.sin_port)));
  }
  for (const int handle : sockets) close(handle);
  if (addresses.size() != static_cast<size_t>(count)) return Error(Reason::INTERNAL, "no free port");
  return addresses;
}

std::string NodeFile(int replica) { return replica == 1 ? "node" : absl::StrCat("node-", replica); }

}  // namespace

absl::Status BenchSite::Start(const SiteOptions& options, const People& people) {
  options_ = options;
  std::error_code error;
  std::filesystem::remove_all(options.directory, error);
  std::filesystem::create_directories(options.directory, error);
  const std::string pki =
      absl::StrCat(options.pki_script, " --replicas ", options.replicas, " --person operator-1 --program bench ",
                   Path("pki"), " ", kRegistry, " > ", Path("pki.log"), " 2>&1");
  if (std::system(pki.c_str()) != 0) return Error(Reason::CONFIG_INVALID, Path("pki.log"));
  JCM_ASSIGN_OR_RETURN(addresses_, FreeAddresses(options.replicas));
  // All files before the first process: they share the persons' keys.
  std::vector<std::string> configs;
  for (int replica = 1; replica <= options.replicas; ++replica) configs.push_back(WriteConfig(replica, people));
  for (int replica = 1; replica <= options.replicas; ++replica) {
    JCM_RETURN_IF_ERROR(Launch(replica, configs[static_cast<size_t>(replica - 1)]));
  }
  return absl::OkStatus();
}

absl::Status BenchSite::Launch(int replica, const std::string& config) {
  const std::string log = Path(absl::StrCat("node-", replica, ".log"));
  const int output = open(log.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  if (output < 0) return Error(Reason::INTERNAL, absl::StrCat("can't write ", log));
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    // Other threads do not exist here: only calls that are safe after fork.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(kExecFailed);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execl(options_.node.c_str(), options_.node.c_str(), "--config", config.c_str(), nullptr);
    _exit(kExecFailed);
  }
  close(output);
  if (child < 0) return Error(Reason::INTERNAL, "fork");
  processes_.push_back(child);
  return absl::OkStatus();
}

void BenchSite::Stop() {
  for (const pid_t process : processes_) kill(process, SIGTERM);
  for (const pid_t process : processes_) waitpid(process, nullptr, 0);
  processes_.clear();
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> BenchSite::Connect(int replica) const {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ReadFile(Path("pki/JPN/ca.pem"));
  tls.pem_cert_chain = ReadFile(Path("pki/JPN/clients/person-operator-1.pem"));
  tls.pem_private_key = ReadFile(Path("pki/JPN/clients/person-operator-1.key"));
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("localhost");
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  const auto channel =
      grpc::CreateCustomChannel(addresses_[static_cast<size_t>(replica - 1)], grpc::SslCredentials(tls), arguments);
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(kStartSeconds))) {
    return Error(Reason::CONFIG_INVALID,
                 absl::StrCat("the node does not answer: ", Path(absl::StrCat("node-", replica, ".log"))));
  }
  return channel;
}

std::string BenchSite::WriteConfig(int replica, const People& people) const {
  const std::string store = absl::StrCat("replica-", replica);
  std::string text = absl::Substitute(R"(registries {
  registry: "$0" domain: "$1" replica_name: "$2" demonstration: true
  data_dir: "$3/data" signer_record: "$3/signer" vault_dir: "$3/vault"
  replica_key: "pki/$0/replica-$2.key" recovery_key: "pki/$0/recovery.pub" offsite_key: "pki/$0/offsite.key"
  listen: "$4"
  tls { certificate: "pki/$0/$5.pem" key: "pki/$0/$5.key" ca: "pki/$0/ca.pem" }
  channel_roles { identity: "jcm:$0:person:operator-1" roles: CHANNEL_ROLE_OPERATOR }
)",
                                      kRegistry, kDomain, replica, store, addresses_[static_cast<size_t>(replica - 1)],
                                      NodeFile(replica));
  const registry::RegistryOptions registry_options = people.Options();
  for (const auto& one : registry_options.partnerships) {
    absl::StrAppend(&text, absl::Substitute("  partnerships { partnership: \"$0\" peer_registry: \"$1\" }\n",
                                            one.partnership, one.peer_registry));
  }
  for (int sibling = 1; sibling <= options_.replicas; ++sibling) {
    if (sibling == replica) continue;
    absl::StrAppend(&text, absl::Substitute(R"(  siblings {
    replica_name: "$0" address: "$1" tls_server_name: "localhost" replica_key: "pki/$2/replica-$0.pub"
  }
)",
                                            sibling, addresses_[static_cast<size_t>(sibling - 1)], kRegistry));
  }
  if (!options_.etcd_endpoints.empty()) {
    text += "  etcd {";
    for (const std::string& endpoint : options_.etcd_endpoints)
      absl::StrAppend(&text, " endpoints: \"", endpoint, "\"");
    text += " }\n";
  }
  for (const v1::EnrolPerson& person : registry_options.genesis.persons()) {
    const std::string key = absl::StrCat(person.person_id(), ".pub");
    absl::StatusOr<PublicKey> parsed =
        PublicKey::FromBytes(static_cast<SignatureType>(person.keys(0).key().type()), person.keys(0).key().key());
    JCM_CHECK(parsed.ok());
    std::ofstream(Path(key)) << parsed->ToPem();
    absl::StrAppend(&text, absl::Substitute(R"(  first_persons {
    person_id: "$0" roles: "$1" public_key: "$2"
)",
                                            person.person_id(), v1::Role_Name(person.roles(0)).substr(5), key));
    for (const v1::Handle& handle : person.pseudonyms()) {
      absl::StrAppend(&text, absl::Substitute("    pseudonyms { partnership: \"$0\" handle: \"$1\" }\n",
                                              handle.partnership(), handle.handle()));
    }
    text += "  }\n";
  }
  std::string path = Path(absl::StrCat("replica-", replica, ".textproto"));
  std::ofstream(path) << text << "}\n";
  return path;
}

}  // namespace jcm::bench
