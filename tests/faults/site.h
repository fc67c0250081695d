// Two governments' machines on loopback: certificates, keys, configurations, stores, and a jcm-node process each.
//
//   Site site;                                  // in TEST_TMPDIR; removed with everything in it at the end
//   site.Start("JPN"); site.Start("THA");       // returns when the node answers
//   site.Kill("JPN"); site.Start("JPN");
//   auto stub = api::LedgerService::NewStub(site.Channel("JPN"));
//
// The nodes are real: mutual TLS, RocksDB, the machine's clock. Start, Kill and Stop belong to the test's main thread;
// all else may be used from any thread.
#ifndef TESTS_FAULTS_SITE_H_
#define TESTS_FAULTS_SITE_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "grpcpp/channel.h"
#include "jcm/registry/v1/read_services.pb.h"
#include "ledger/base/keys.h"
#include "ledger/log/etcd/testing/etcd_cluster.h"
#include "tests/faults/network.h"
#include "tests/faults/node_process.h"

namespace jcm::faults {

namespace api = ::jcm::registry::v1;

inline constexpr char kDomain[] = "demo.invalid";
inline constexpr char kPartnership[] = "TH";

// Asks until it is so, with short pauses; false after `seconds`.
bool Eventually(const std::function<bool()>& condition, int seconds = 30);

struct SiteOptions {
  // With several replicas a registry has a cluster of three real etcd members.
  std::map<std::string, int> replicas = {{"JPN", 1}, {"THA", 1}};
  // If not null, each node and each member is on a machine of its own there: "JPN/1", "JPN/etcd/0". It must outlive the
  // site.
  Network* network = nullptr;
  // Certificates that are valid since yesterday, for clocks that are set back.
  bool certificates_of_yesterday = false;
};

// With several replicas, "JPN" means all of them, and for calls any one that runs; "JPN/2" is one of them.
class Site {
 public:
  explicit Site(int replicas = 1) : Site(SiteOptions{{{"JPN", replicas}, {"THA", replicas}}}) {}
  explicit Site(const SiteOptions& options);
  ~Site();

  struct StartOptions {
    bool marked_restored = false;
    bool after_loss = false;
    std::vector<std::string> environment = {};  // "NAME=value", of the process
  };
  // Checks that the node comes up; prints its log otherwise.
  void Start(const std::string& registry) { Start(registry, StartOptions()); }
  void Start(const std::string& registry, const StartOptions& options);
  void Kill(const std::string& registry);
  void Stop(const std::string& registry);
  void Pause(const std::string& node);
  void Resume(const std::string& node);
  // Forgets all batches of the registry's log but the newest one.
  void TrimLog(const std::string& registry);
  log::EtcdCluster& etcd(const std::string& registry) { return *etcd_.at(registry); }

  // To the node as it runs now, with an operator's certificate. A channel of a killed node stays broken: ask again.
  std::shared_ptr<grpc::Channel> Channel(const std::string& registry);
  // To that node, whether it answers or not: a connection of its own, which is kept.
  std::shared_ptr<grpc::Channel> ChannelTo(const std::string& node);
  api::GetNodeStatusResponse Status(const std::string& registry);
  // All of the registry's nodes, whether they run or not: "JPN/1", …
  std::vector<std::string> NodesOf(const std::string& registry) const;
  // Calls to this registry go to `node` too, or no more; Start, Resume, Kill and Pause see to that by themselves.
  void SendTo(const std::string& node, bool send);
  // The same of a node that may be starting anew; without content if it does not answer.
  api::GetNodeStatusResponse TryStatus(const std::string& node);

  // "operator-1", "operator-2", "secretariat-1", "chair-1", "ministry-1", "company-1", "company-2".
  PrivateKey Person(const std::string& registry, const std::string& id) const;
  std::string Pseudonym(const std::string& registry, const std::string& id) const;
  int replicas(const std::string& registry) const { return options_.replicas.at(registry); }
  PublicKey ReplicaKey(const std::string& registry, int replica = 1) const;
  PublicKey RecoveryKey(const std::string& registry) const;

  // What jcmctl needs to speak to the node as its operator-1.
  std::string ClientFlags(const std::string& node) const;

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string DataDir(const std::string& node) const { return Path(node + "/data"); }
  std::string SignerDir(const std::string& node) const { return Path(node + "/signer"); }
  std::string VaultDir(const std::string& node) const { return Path(node + "/vault"); }
  // The last lines that the node printed.
  std::string Log(const std::string& registry) const;

 private:
  std::string Read(const std::string& name) const;
  std::string WriteConfig(const std::string& node, const StartOptions& options) const;
  std::shared_ptr<grpc::Channel> Connect(const std::string& node) const;
  void WaitForNode(const std::string& node);
  void StartEtcd(const std::string& registry);

  const SiteOptions options_;
  std::string folder_;
  std::map<std::string, std::unique_ptr<log::EtcdCluster>> etcd_;  // by registry
  std::map<std::string, std::string> addresses_;                   // by node
  std::map<std::string, NodeProcess> nodes_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;      // to nodes that run
  std::map<std::string, std::shared_ptr<grpc::Channel>> own_channels_;  // by node, see ChannelTo
  size_t next_channel_ = 0;
};

}  // namespace jcm::faults

#endif  // TESTS_FAULTS_SITE_H_
