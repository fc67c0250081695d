#include "ledger/log/etcd/testing/etcd_cluster.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ledger/base/status.h"
#include "ledger/log/etcd/etcd_client.h"

namespace jcm::log {
namespace {

constexpr int kExecFailed = 127;
constexpr char kLoopback[] = "127.0.0.1";
constexpr int kClientPort = 2379;
constexpr int kPeerPort = 2380;
constexpr std::chrono::milliseconds kPollEvery{50};
constexpr std::chrono::seconds kLeaderTimeout{10};
constexpr size_t kLogEndBytes = 2000;
// Another process may take a port between our look and etcd's start.
constexpr int kStartTriesMax = 3;

// Ports that are free now. All are held until all are found, so that they differ.
absl::StatusOr<std::vector<int>> FreePorts(size_t count) {
  std::vector<int> sockets;
  std::vector<int> ports;
  for (size_t i = 0; i < count; ++i) {
    const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    sockets.push_back(handle);
    if (handle < 0 || bind(handle, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      break;
    }
    ports.push_back(ntohs(address.sin_port));
  }
  for (const int handle : sockets) close(handle);
  if (ports.size() != count) return Error(Reason::INTERNAL, "no free loopback ports");
  return ports;
}

std::string MakeDirectory() {
  const char* base = std::getenv("TEST_TMPDIR");
  if (base == nullptr) base = std::getenv("TMPDIR");
  std::string path = absl::StrCat(base != nullptr ? base : "/tmp", "/etcd-XXXXXX");
  JCM_CHECK(mkdtemp(path.data()) != nullptr);
  return path;
}

std::string Url(const std::string& address, int port) {
  return absl::StrCat(address == kLoopback ? "http://" : "https://", address, ":", port);
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

absl::Status CheckInstalled() {
  if (access(kEtcdProgram, X_OK) == 0) return absl::OkStatus();
  return Error(Reason::CONFIG_INVALID,
               absl::StrCat(kEtcdProgram, " is missing: install Debian's etcd-server (tools/install-packages)"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<EtcdCluster>> EtcdCluster::Start(size_t members) {
  JCM_CHECK(members == 1 || members == 3);
  JCM_RETURN_IF_ERROR(CheckInstalled());
  absl::Status healthy;
  for (int tried = 0; tried < kStartTriesMax; ++tried) {
    std::unique_ptr<EtcdCluster> cluster(new EtcdCluster);
    cluster->directory_ = MakeDirectory();
    JCM_ASSIGN_OR_RETURN(const std::vector<int> ports, FreePorts(2 * members));
    for (size_t i = 0; i < members; ++i) {
      Member member;
      member.name = absl::StrCat("m", i + 1);
      member.place.address = kLoopback;
      member.client_port = ports[2 * i];
      member.peer_port = ports[2 * i + 1];
      cluster->members_.push_back(member);
    }
    for (Member& member : cluster->members_) JCM_RETURN_IF_ERROR(cluster->Launch(member));
    healthy = cluster->WaitUntilHealthy();
    if (healthy.ok()) return cluster;
  }
  return healthy;
}

absl::StatusOr<std::unique_ptr<EtcdCluster>> EtcdCluster::Start(const std::vector<Place>& places) {
  JCM_RETURN_IF_ERROR(CheckInstalled());
  std::unique_ptr<EtcdCluster> cluster(new EtcdCluster);
  cluster->directory_ = MakeDirectory();
  for (const Place& place : places) {
    Member member;
    member.name = absl::StrCat("m", cluster->members_.size() + 1);
    member.place = place;
    member.client_port = kClientPort;
    member.peer_port = kPeerPort;
    cluster->members_.push_back(std::move(member));
  }
  JCM_RETURN_IF_ERROR(cluster->MakeCertificate());
  for (Member& member : cluster->members_) JCM_RETURN_IF_ERROR(cluster->Launch(member));
  JCM_RETURN_IF_ERROR(cluster->WaitUntilHealthy());
  return cluster;
}

// One for all members and clients, which vouches for itself: who reaches these machines is no part of what is tested.
absl::Status EtcdCluster::MakeCertificate() {
  tls_ = {absl::StrCat(directory_, "/etcd.pem"), absl::StrCat(directory_, "/etcd.pem"),
          absl::StrCat(directory_, "/etcd.key")};
  const std::string addresses = absl::StrJoin(members_, ",", [](std::string* text, const Member& member) {
    absl::StrAppend(text, "IP:", member.place.address);
  });
  const std::string command = absl::StrCat(
      "openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=etcd-member",
      " -addext subjectAltName=", addresses, " -addext extendedKeyUsage=serverAuth,clientAuth -keyout ", tls_.key,
      " -out ", tls_.certificate, " 2> ", directory_, "/openssl.log");
  if (std::system(command.c_str()) == 0) return absl::OkStatus();
  return Error(Reason::INTERNAL, ReadAll(absl::StrCat(directory_, "/openssl.log")));
}

EtcdOptions EtcdCluster::ClientOptions() const {
  EtcdOptions options;
  options.endpoints = endpoints();
  if (tls_.ca.empty()) return options;
  options.ca_pem = ReadAll(tls_.ca);
  options.certificate_pem = ReadAll(tls_.certificate);
  options.key_pem = ReadAll(tls_.key);
  return options;
}

EtcdCluster::~EtcdCluster() {
  for (size_t i = 0; i < members_.size(); ++i) Kill(i);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string EtcdCluster::endpoint(size_t member) const {
  return absl::StrCat(members_[member].place.address, ":", members_[member].client_port);
}

std::vector<std::string> EtcdCluster::endpoints() const {
  std::vector<std::string> all;
  for (size_t i = 0; i < members_.size(); ++i) all.push_back(endpoint(i));
  return all;
}

std::string EtcdCluster::LogPath(const Member& member) const {
  return absl::StrCat(directory_, "/", member.name, ".log");
}

// The flags are those of deploy/etcd/README.md as far as they make sense without TLS and for minutes.
std::vector<std::string> EtcdCluster::Arguments(const Member& member) const {
  std::vector<std::string> peers;
  for (const Member& each : members_)
    peers.push_back(absl::StrCat(each.name, "=", Url(each.place.address, each.peer_port)));
  std::vector<std::string> arguments = {
      kEtcdProgram,
      absl::StrCat("--name=", member.name),
      absl::StrCat("--data-dir=", directory_, "/", member.name),
      absl::StrCat("--listen-client-urls=", Url(member.place.address, member.client_port)),
      absl::StrCat("--advertise-client-urls=", Url(member.place.address, member.client_port)),
      absl::StrCat("--listen-peer-urls=", Url(member.place.address, member.peer_port)),
      absl::StrCat("--initial-advertise-peer-urls=", Url(member.place.address, member.peer_port)),
      absl::StrCat("--initial-cluster=", absl::StrJoin(peers, ",")),
      absl::StrCat("--initial-cluster-token=", directory_),
      "--initial-cluster-state=new",
      "--pre-vote",
      "--quota-backend-bytes=4294967296",
      "--max-request-bytes=1572864",
      "--auto-compaction-mode=revision",
      "--auto-compaction-retention=10000",
      "--experimental-initial-corrupt-check",
      "--heartbeat-interval=100",
      "--election-timeout=1000",
      "--logger=zap"};
  if (tls_.ca.empty()) return arguments;
  for (const char* whose : {"--", "--peer-"}) {
    for (const std::string& flag :
         {absl::StrCat("trusted-ca-file=", tls_.ca), absl::StrCat("cert-file=", tls_.certificate),
          absl::StrCat("key-file=", tls_.key), std::string("client-cert-auth")}) {
      arguments.push_back(absl::StrCat(whose, flag));
    }
  }
  return arguments;
}

absl::Status EtcdCluster::Launch(Member& member) {
  JCM_CHECK(member.pid < 0);
  const int output = open(LogPath(member).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (output < 0) return Error(Reason::INTERNAL, absl::StrCat("can't write ", LogPath(member)));
  const std::vector<std::string> texts = Arguments(member);
  std::vector<char*> arguments;
  for (const std::string& text : texts) arguments.push_back(const_cast<char*>(text.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  JCM_CHECK(pid >= 0);
  if (pid == 0) {
    // Other threads of the test do not exist here: only calls that are safe after fork.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(kExecFailed);
    const int space = member.place.network_namespace;
    if (space >= 0 && setns(space, CLONE_NEWNET) != 0) _exit(kExecFailed);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(kEtcdProgram, arguments.data());
    _exit(kExecFailed);
  }
  close(output);
  member.pid = pid;
  member.paused = false;
  return absl::OkStatus();
}

void EtcdCluster::Kill(size_t member) {
  Member& killed = members_[member];
  if (killed.pid < 0) return;
  kill(killed.pid, SIGKILL);
  waitpid(killed.pid, nullptr, 0);
  killed.pid = -1;
  killed.paused = false;
}

void EtcdCluster::Pause(size_t member) {
  JCM_CHECK(IsRunning(member));
  kill(members_[member].pid, SIGSTOP);
  members_[member].paused = true;
}

void EtcdCluster::Resume(size_t member) {
  JCM_CHECK(IsRunning(member));
  kill(members_[member].pid, SIGCONT);
  members_[member].paused = false;
}

absl::Status EtcdCluster::Restart(size_t member) {
  Kill(member);
  return Launch(members_[member]);
}

void EtcdCluster::Wipe(size_t member) {
  Kill(member);
  std::error_code ignored;
  std::filesystem::remove_all(absl::StrCat(directory_, "/", members_[member].name), ignored);
}

absl::StatusOr<size_t> EtcdCluster::AskLeader() {
  uint64_t leader = 0;
  size_t index = members_.size();
  for (size_t i = 0; i < members_.size(); ++i) {
    if (!IsRunning(i) || members_[i].paused) continue;
    EtcdOptions options = ClientOptions();
    options.endpoints = {endpoint(i)};
    JCM_ASSIGN_OR_RETURN(const std::shared_ptr<EtcdClient> client, EtcdClient::Create(options));
    JCM_ASSIGN_OR_RETURN(const EtcdEndpointHealth health, client->AnyHealth());
    if (health.leader == 0 || (leader != 0 && health.leader != leader)) {
      return Error(Reason::LOG_UNAVAILABLE, absl::StrCat(health.endpoint, " knows another leader or none"));
    }
    leader = health.leader;
    if (health.IsLeader()) index = i;
    etcdserverpb::TxnRequest read;
    read.add_success()->mutable_request_range()->set_key("any");
    JCM_RETURN_IF_ERROR(client->Read(read).status());
  }
  if (index == members_.size()) return Error(Reason::LOG_UNAVAILABLE, "the leader does not run");
  return index;
}

absl::Status EtcdCluster::WaitUntilHealthy(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const absl::Status status = AskLeader().status();
    if (status.ok()) return status;
    for (Member& member : members_) {
      if (member.pid > 0 && waitpid(member.pid, nullptr, WNOHANG) == member.pid) {
        member.pid = -1;
        return Error(Reason::INTERNAL, absl::StrCat("etcd member ", member.name, " ended: ", LogEnd(member)));
      }
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return Error(Reason::LOG_UNAVAILABLE, absl::StrCat(status.message(), "; ", LogEnd(members_[0])));
    }
    std::this_thread::sleep_for(kPollEvery);
  }
}

absl::StatusOr<size_t> EtcdCluster::Leader() {
  const auto deadline = std::chrono::steady_clock::now() + kLeaderTimeout;
  for (;;) {
    absl::StatusOr<size_t> leader = AskLeader();
    if (leader.ok() || std::chrono::steady_clock::now() > deadline) return leader;
    std::this_thread::sleep_for(kPollEvery);
  }
}

std::string EtcdCluster::LogEnd(const Member& member) const {
  const std::string all = ReadAll(LogPath(member));
  return all.substr(all.size() - std::min(all.size(), kLogEndBytes));
}

}  // namespace jcm::log
