// Machines with a network of their own: namespaces on one bridge, and cuts between them. Nothing leaves this process'
// network, and nothing outlives the process, however it ends: all hangs on namespaces that only it and its children are
// in.
//
//   Network network;                                  // once in a process, before anything has threads
//   network.AddMachine("JPN/1"); network.AddMachine("JPN/2");
//   node.Start(config, log, network.Of("JPN/1"));      // node_process.h
//   network.Cut("JPN/1", "JPN/2");                     // both ways: packets vanish, nobody is told
//   network.CutOneWay("JPN/1", "JPN/3");               // JPN/3 hears nothing from JPN/1, and speaks on to it
//   network.PullPlug("JPN/2");                         // its link goes down
//   network.Heal();
//
// The process itself sits at the bridge and reaches every machine whose link is up. Needs root and iproute2; without
// them the constructor ends the process and says what is missing: a test of partitions is never passed by not running.
// Not thread-safe.
#ifndef TESTS_FAULTS_NETWORK_H_
#define TESTS_FAULTS_NETWORK_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace jcm::faults {

// What a process is started in. Negative: where the test is.
struct Machine {
  int network_namespace = -1;  // a descriptor, kept by the Network
};

class Network {
 public:
  Network();
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  void AddMachine(const std::string& name);
  Machine Of(const std::string& name) const;
  // "10.77.0.3"
  const std::string& Address(const std::string& name) const;

  void Cut(const std::string& a, const std::string& b);
  void CutOneWay(const std::string& from, const std::string& to);
  void PullPlug(const std::string& name);
  // All machines reach each other again.
  void Heal();

 private:
  struct Host {
    std::string space;  // the namespace's name
    std::string cable;  // the bridge's end of its link
    std::string address;
    int descriptor = -1;
  };

  std::map<std::string, Host> hosts_;
  std::vector<std::pair<std::string, std::string>> cuts_;  // namespace, address that it does not reach
  std::vector<std::string> unplugged_;                     // cables
};

}  // namespace jcm::faults

#endif  // TESTS_FAULTS_NETWORK_H_
