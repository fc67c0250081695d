#include "tests/faults/site.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "grpcpp/grpcpp.h"
#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"
#include "ledger/log/etcd/etcd_client.h"
#include "ledger/log/etcd/etcd_log.h"

namespace jcm::faults {
namespace {

namespace fs = std::filesystem;

constexpr char kPkiScript[] = "deploy/pki/make-development-pki";
constexpr int kMessageBytesMax = 8 << 20;
constexpr int kReconnectMs = 20;
constexpr int kConnectMs = 5'000;
constexpr int kStartSeconds = 30;
constexpr int kNodePort = 7001;
constexpr int kEtcdMembers = 3;
constexpr size_t kLogTailBytes = 4'000;

struct PersonRow {
  const char* id;
  const char* role;
};
constexpr PersonRow kPersons[] = {
    {"operator-1", "SYSTEM_OPERATOR"},       {"operator-2", "SYSTEM_OPERATOR"},
    {"secretariat-1", "SECRETARIAT"},        {"chair-1", "JC_MEMBER"},
    {"ministry-1", "AUTHORIZING_MINISTRY"},  {"company-1", "ACCOUNT_REPRESENTATIVE"},
    {"company-2", "ACCOUNT_REPRESENTATIVE"},
};

std::string PeerOf(const std::string& registry) { return registry == "JPN" ? "THA" : "JPN"; }

// A loopback address that hardly anybody else uses, so that no port of it is taken while a node is down.
std::string OwnAddress() {
  const std::string bytes = SystemRandom().Bytes(3);
  const auto part = [&bytes](size_t i) { return static_cast<int>(static_cast<unsigned char>(bytes[i])); };
  return absl::StrCat("127.", 64 + part(0) % 64, ".", part(1), ".", 1 + part(2) % 254);
}

int FreePort(const std::string& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  JCM_CHECK(fd >= 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  JCM_CHECK(inet_pton(AF_INET, address.c_str(), &name.sin_addr) == 1);
  JCM_CHECK(bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0);
  socklen_t size = sizeof(name);
  JCM_CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0);
  close(fd);
  return ntohs(name.sin_port);
}

}  // namespace

bool Eventually(const std::function<bool()>& condition, int seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

Site::Site(const SiteOptions& options) : options_(options) {
  const char* base = std::getenv("TEST_TMPDIR");
  std::string pattern = absl::StrCat(base != nullptr ? base : "/tmp", "/site-XXXXXX");
  JCM_CHECK(mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  const int replicas = std::max(options.replicas.at("JPN"), options.replicas.at("THA"));
  std::string command =
      absl::StrCat(options.certificates_of_yesterday ? "faketime -f -1d " : "", kPkiScript, " --replicas ", replicas);
  for (const PersonRow& person : kPersons) absl::StrAppend(&command, " --person ", person.id);
  absl::StrAppend(&command, " --program test ", folder_, "/pki JPN THA > ", folder_, "/pki.log 2>&1");
  JCM_CHECK(std::system(command.c_str()) == 0);
  for (const char* registry : {"JPN", "THA"}) {
    for (const std::string& node : NodesOf(registry)) {
      std::error_code error;
      fs::create_directories(Path(node), error);
      nodes_[node];
      if (options.network != nullptr) {
        options.network->AddMachine(node);
        addresses_[node] = absl::StrCat(options.network->Address(node), ":", kNodePort);
        continue;
      }
      const std::string address = OwnAddress();
      addresses_[node] = absl::StrCat(address, ":", FreePort(address));
    }
    if (options.replicas.at(registry) > 1) StartEtcd(registry);
  }
}

void Site::StartEtcd(const std::string& registry) {
  std::vector<log::EtcdCluster::Place> places;
  for (int i = 0; i < kEtcdMembers && options_.network != nullptr; ++i) {
    const std::string machine = absl::StrCat(registry, "/etcd/", i);
    options_.network->AddMachine(machine);
    places.push_back({options_.network->Address(machine), options_.network->Of(machine).network_namespace});
  }
  absl::StatusOr<std::unique_ptr<log::EtcdCluster>> cluster =
      places.empty() ? log::EtcdCluster::Start(kEtcdMembers) : log::EtcdCluster::Start(places);
  if (!cluster.ok()) std::fprintf(stderr, "%s\n", ToText(cluster.status()).c_str());
  JCM_CHECK(cluster.ok());
  etcd_[registry] = *std::move(cluster);
}

std::vector<std::string> Site::NodesOf(const std::string& name) const {
  if (name.find('/') != std::string::npos || replicas(name) == 1) return {name};
  std::vector<std::string> nodes;
  for (int i = 1; i <= replicas(name); ++i) nodes.push_back(absl::StrCat(name, "/", i));
  return nodes;
}

Site::~Site() {
  channels_.clear();
  own_channels_.clear();
  nodes_.clear();  // kills what still runs
  std::error_code error;
  fs::remove_all(folder_, error);
}

std::string Site::Read(const std::string& name) const {
  std::ifstream in(Path("pki/" + name));
  JCM_CHECK(in.good());
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string Site::WriteConfig(const std::string& node, const StartOptions& options) const {
  const std::string registry = node.substr(0, 3);
  const std::string replica = node.size() > 4 ? node.substr(4) : "1";
  const std::string peer = PeerOf(registry);
  const auto certificate = [](const std::string& name) { return name == "1" ? std::string("node") : "node-" + name; };
  std::string text =
      absl::Substitute(R"(registries {
  registry: "$0" domain: "$1" replica_name: "$5" demonstration: true
  data_dir: "$6/data" signer_record: "$6/signer" vault_dir: "$6/vault"
  marked_restored: $2 after_loss: $3
  replica_key: "pki/$0/replica-$5.key" recovery_key: "pki/$0/recovery.pub" offsite_key: "pki/$0/offsite.key"
  listen: "$4"
  tls { certificate: "pki/$0/$7.pem" key: "pki/$0/$7.key" ca: "pki/$0/ca.pem" }
  poll_interval_ms: 20 poll_interval_max_ms: 200
  channel_roles { identity: "jcm:$0:person:operator-1" roles: CHANNEL_ROLE_OPERATOR }
)",
                       registry, kDomain, options.marked_restored ? "true" : "false",
                       options.after_loss ? "true" : "false", addresses_.at(node), replica, node, certificate(replica));
  const std::vector<std::string> peers = NodesOf(peer);
  absl::StrAppend(&text, absl::Substitute(R"(  partnerships {
    partnership: "$0" peer_registry: "$1" peer_address: "$2" peer_tls_server_name: "localhost" peer_ca: "pki/$1/ca.pem"
)",
                                          kPartnership, peer, addresses_.at(peers[0])));
  for (size_t i = 1; i < peers.size(); ++i) {
    absl::StrAppend(&text, absl::Substitute("    peer_replicas { address: \"$0\" tls_server_name: \"localhost\" }\n",
                                            addresses_.at(peers[i])));
  }
  text += "  }\n";
  for (const std::string& sibling : NodesOf(registry)) {
    if (sibling == node) continue;
    const std::string name = sibling.substr(4);
    absl::StrAppend(&text, absl::Substitute(R"(  siblings {
    replica_name: "$0" address: "$1" tls_server_name: "localhost" replica_key: "pki/$2/replica-$0.pub"
  }
)",
                                            name, addresses_.at(sibling), registry));
  }
  if (etcd_.count(registry) > 0) {
    text += "  etcd {";
    for (const std::string& endpoint : etcd_.at(registry)->endpoints()) {
      absl::StrAppend(&text, " endpoints: \"", endpoint, "\"");
    }
    const log::EtcdCluster::Tls& tls = etcd_.at(registry)->tls();
    if (!tls.ca.empty()) {
      absl::StrAppend(&text, " ca: \"", tls.ca, "\" certificate: \"", tls.certificate, "\" key: \"", tls.key, "\"");
    }
    text += " }\n";
  }
  for (const PersonRow& person : kPersons) {
    absl::StrAppend(&text,
                    absl::Substitute(R"(  first_persons {
    person_id: "$0" roles: "$1" public_key: "pki/$2/persons/$0.pub"
    pseudonyms { partnership: "$3" handle: "$4" }
  }
)",
                                     person.id, person.role, registry, kPartnership, Pseudonym(registry, person.id)));
  }
  std::string path = Path(registry + "-" + replica + ".textproto");
  std::ofstream(path, std::ios::trunc) << text << "}\n";
  return path;
}

void Site::Start(const std::string& name, const StartOptions& options) {
  const std::vector<std::string> nodes = NodesOf(name);
  // All of them first: each waits for a majority.
  for (const std::string& node : nodes) {
    NodeProcess::Surroundings surroundings;
    if (options_.network != nullptr) surroundings.network_namespace = options_.network->Of(node).network_namespace;
    surroundings.environment = options.environment;
    nodes_.at(node).Start(WriteConfig(node, options), Path(node + ".log"), surroundings);
  }
  for (const std::string& node : nodes) WaitForNode(node);
}

void Site::WaitForNode(const std::string& registry) {
  NodeProcess& node = nodes_.at(registry);
  const std::shared_ptr<grpc::Channel> channel = Connect(registry);
  const auto stub = api::NodeService::NewStub(channel);
  grpc::Status last;
  const bool up = Eventually(
      [&] {
        if (!node.Running()) return true;
        grpc::ClientContext context;
        // A call that waits drives the connection on; one that fails at once would leave it alone in between.
        context.set_wait_for_ready(true);
        context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
        api::GetNodeStatusResponse response;
        last = stub->GetNodeStatus(&context, {}, &response);
        return last.ok();
      },
      kStartSeconds);
  if (!up || !last.ok() || !node.Running()) {
    std::fprintf(stderr, "%s did not start: %s\n%s\n", registry.c_str(), last.error_message().c_str(),
                 Log(registry).c_str());
    std::abort();
  }
  std::lock_guard<std::mutex> lock(mutex_);
  channels_[registry] = channel;
}

void Site::Kill(const std::string& name) {
  for (const std::string& node : NodesOf(name)) {
    nodes_.at(node).Kill();
    std::lock_guard<std::mutex> lock(mutex_);
    if (nodes_.size() > 2) channels_.erase(node);
  }
}

void Site::Stop(const std::string& name) {
  for (const std::string& node : NodesOf(name)) {
    const int code = nodes_.at(node).Stop();
    if (code != 0) std::fprintf(stderr, "%s ended with %d\n%s\n", node.c_str(), code, Log(node).c_str());
    JCM_CHECK(code == 0);
  }
}

void Site::Pause(const std::string& node) {
  nodes_.at(node).Pause();
  std::lock_guard<std::mutex> lock(mutex_);
  channels_.erase(node);
}

void Site::Resume(const std::string& node) {
  nodes_.at(node).Resume();
  WaitForNode(node);
}

void Site::SendTo(const std::string& node, bool send) {
  if (send) return WaitForNode(node);
  std::lock_guard<std::mutex> lock(mutex_);
  channels_.erase(node);
}

void Site::TrimLog(const std::string& registry) {
  absl::StatusOr<std::shared_ptr<log::EtcdClient>> client = log::EtcdClient::Create(etcd(registry).ClientOptions());
  JCM_CHECK(client.ok());
  absl::StatusOr<std::unique_ptr<log::EtcdLog>> log = log::EtcdLog::Open(*client, "jcm/" + registry);
  JCM_CHECK(log.ok());
  const absl::StatusOr<log::LogPosition> tail = (*log)->Tail();
  JCM_CHECK(tail.ok() && (*log)->Trim(tail->index).ok());
}

std::shared_ptr<grpc::Channel> Site::Connect(const std::string& node) const {
  const std::string registry = node.substr(0, 3);
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = Read(registry + "/ca.pem");
  tls.pem_cert_chain = Read(registry + "/clients/person-operator-1.pem");
  tls.pem_private_key = Read(registry + "/clients/person-operator-1.key");
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("localhost");
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);  // how long one attempt may take
  return grpc::CreateCustomChannel(addresses_.at(node), grpc::SslCredentials(tls), arguments);
}

std::shared_ptr<grpc::Channel> Site::Channel(const std::string& registry) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::shared_ptr<grpc::Channel>> running;
  for (const std::string& node : NodesOf(registry)) {
    const auto channel = channels_.find(node);
    if (channel != channels_.end()) running.push_back(channel->second);
  }
  JCM_CHECK(!running.empty());
  return running[next_channel_++ % running.size()];
}

std::shared_ptr<grpc::Channel> Site::ChannelTo(const std::string& node) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<grpc::Channel>& channel = own_channels_[node];
  if (channel == nullptr) channel = Connect(node);
  return channel;
}

api::GetNodeStatusResponse Site::Status(const std::string& registry) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  api::GetNodeStatusResponse response;
  const grpc::Status status = api::NodeService::NewStub(Channel(registry))->GetNodeStatus(&context, {}, &response);
  if (!status.ok()) std::fprintf(stderr, "status of %s: %s\n", registry.c_str(), status.error_message().c_str());
  JCM_CHECK(status.ok());
  return response;
}

api::GetNodeStatusResponse Site::TryStatus(const std::string& node) {
  grpc::ClientContext context;
  // As in WaitForNode: the node may have started anew since the last call.
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
  api::GetNodeStatusResponse response;
  const grpc::Status status = api::NodeService::NewStub(ChannelTo(node))->GetNodeStatus(&context, {}, &response);
  return status.ok() ? response : api::GetNodeStatusResponse();
}

std::string Site::ClientFlags(const std::string& node) const {
  const std::string folder = absl::StrCat(Path("pki/"), node.substr(0, 3));
  return absl::StrCat("--registry ", node.substr(0, 3), " --address ", addresses_.at(node), " --server-name localhost",
                      " --tls-ca ", folder, "/ca.pem --tls-cert ", folder, "/clients/person-operator-1.pem --tls-key ",
                      folder, "/clients/person-operator-1.key");
}

PrivateKey Site::Person(const std::string& registry, const std::string& id) const {
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(Read(absl::StrCat(registry, "/persons/", id, ".key")));
  JCM_CHECK(key.ok());
  return *key;
}

std::string Site::Pseudonym(const std::string& registry, const std::string& id) const {
  const Digest digest = Sha256(absl::StrCat(registry, "/", id));
  return HexEncode(absl::string_view(AsBytes(digest)).substr(0, 16));
}

PublicKey Site::ReplicaKey(const std::string& registry, int replica) const {
  absl::StatusOr<PublicKey> key = PublicKey::FromPem(Read(absl::StrCat(registry, "/replica-", replica, ".pub")));
  JCM_CHECK(key.ok());
  return *key;
}

PublicKey Site::RecoveryKey(const std::string& registry) const {
  absl::StatusOr<PublicKey> key = PublicKey::FromPem(Read(registry + "/recovery.pub"));
  JCM_CHECK(key.ok());
  return *key;
}

std::string Site::Log(const std::string& registry) const {
  std::ifstream in(Path(NodesOf(registry)[0] + ".log"));
  std::stringstream text;
  text << in.rdbuf();
  const std::string all = text.str();
  return all.size() > kLogTailBytes ? all.substr(all.size() - kLogTailBytes) : all;
}

}  // namespace jcm::faults
