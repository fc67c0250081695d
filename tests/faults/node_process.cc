#include "tests/faults/node_process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "ledger/base/status.h"

namespace jcm::faults {
namespace {

constexpr char kNode[] = "services/node/jcm-node";
constexpr int kExecFailed = 127;

}  // namespace

NodeProcess::~NodeProcess() { Kill(); }

void NodeProcess::Start(const std::string& config, const std::string& log, const Surroundings& surroundings) {
  JCM_CHECK(pid_ < 0);
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  JCM_CHECK(output >= 0);
  const char* const arguments[] = {kNode, "--config", config.c_str(), nullptr};
  std::vector<char*> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(*variable);
  for (const std::string& variable : surroundings.environment) {
    environment.push_back(const_cast<char*>(variable.c_str()));
  }
  environment.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  JCM_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    // Other threads of the test do not exist here: only calls that are safe after fork.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(kExecFailed);
    const int space = surroundings.network_namespace;
    if (space >= 0 && setns(space, CLONE_NEWNET) != 0) _exit(kExecFailed);
    dup2(output, STDERR_FILENO);
    execve(kNode, const_cast<char* const*>(arguments), environment.data());
    _exit(kExecFailed);
  }
  close(output);
}

bool NodeProcess::Running() {
  if (pid_ < 0) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

int NodeProcess::Wait() {
  int status = 0;
  JCM_CHECK(waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void NodeProcess::Pause() { JCM_CHECK(pid_ > 0 && kill(pid_, SIGSTOP) == 0); }

void NodeProcess::Resume() { JCM_CHECK(pid_ > 0 && kill(pid_, SIGCONT) == 0); }

void NodeProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  Wait();
}

int NodeProcess::Stop() {
  JCM_CHECK(pid_ >= 0);
  kill(pid_, SIGTERM);
  return Wait();
}

}  // namespace jcm::faults
