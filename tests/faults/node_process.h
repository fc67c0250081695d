// jcm-node as a child process that can be killed at any moment.
//
//   NodeProcess node;
//   node.Start("/site/JPN.textproto", "/site/JPN.log");
//   node.Kill();                      // SIGKILL, and waits until it is gone
//
// The child never outlives the test: it is killed by its id when this object goes, and by the kernel when the thread
// that started it dies. So start nodes from the test's main thread.
#ifndef TESTS_FAULTS_NODE_PROCESS_H_
#define TESTS_FAULTS_NODE_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace jcm::faults {

class NodeProcess {
 public:
  NodeProcess() = default;
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;
  ~NodeProcess();

  // Where and how it runs.
  struct Surroundings {
    int network_namespace = -1;            // a descriptor; negative: the test's own
    std::vector<std::string> environment;  // "NAME=value", beside the test's
  };
  // What the node prints is appended to `log`.
  void Start(const std::string& config, const std::string& log) { Start(config, log, Surroundings()); }
  void Start(const std::string& config, const std::string& log, const Surroundings& surroundings);
  // False once it has ended by itself or was ended.
  bool Running();
  void Kill();
  // SIGSTOP and SIGCONT: the process holds its connections and says nothing.
  void Pause();
  void Resume();
  // SIGTERM, and waits. Returns the exit code, or -signal.
  int Stop();

 private:
  int Wait();

  pid_t pid_ = -1;
};

}  // namespace jcm::faults

#endif  // TESTS_FAULTS_NODE_PROCESS_H_
