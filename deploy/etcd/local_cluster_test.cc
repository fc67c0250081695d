// The script for trials gives three members with TLS, to those with a certificate only, and keeps their data.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/log/etcd/etcd_client.h"
#include "ledger/log/etcd/etcd_log.h"
#include "ledger/log/log_testing.h"

namespace jcm::log {
namespace {

using std::chrono::steady_clock;

constexpr char kScript[] = "deploy/etcd/run-local-cluster";
constexpr std::chrono::seconds kStartTimeout{20};
// Below the ports that the system gives away by itself; by process, as tests may run beside each other.
constexpr int kFirstPort = 20000;
constexpr int kPorts = 6;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class LocalCluster : public ::testing::Test {
 protected:
  void Start() {
    const std::string port = absl::StrCat(base_port_);
    const char* const arguments[] = {kScript, "--base-port", port.c_str(), directory_.c_str(), nullptr};
    const pid_t parent = getpid();
    script_ = fork();
    ASSERT_GE(script_, 0);
    if (script_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (getppid() != parent) _exit(127);
      execv(kScript, const_cast<char* const*>(arguments));
      _exit(127);
    }
  }
  // Its exit code.
  int Stop() {
    kill(script_, SIGTERM);
    int status = -1;
    waitpid(script_, &status, 0);
    script_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void TearDown() override {
    if (script_ > 0) Stop();
  }
  EtcdOptions Options() {
    EtcdOptions options;
    for (int i = 0; i < 3; ++i) options.endpoints.push_back(absl::StrCat("127.0.0.1:", base_port_ + i));
    options.ca_pem = ReadFile(directory_ + "/ca.pem");
    options.certificate_pem = ReadFile(directory_ + "/client.pem");
    options.key_pem = ReadFile(directory_ + "/client.key");
    return options;
  }
  // All three answer and know one leader.
  bool Healthy() {
    const auto deadline = steady_clock::now() + kStartTimeout;
    while (steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      const auto client = EtcdClient::Create(Options());
      if (!client.ok() || Options().key_pem.empty()) continue;
      int answering = 0;
      for (const EtcdEndpointHealth& health : (*client)->Health()) answering += health.answers && health.leader != 0;
      if (answering == 3) return true;
    }
    return false;
  }
  std::unique_ptr<EtcdLog> Open() { return std::move(*EtcdLog::Open(*EtcdClient::Create(Options()), "jcm/JPN")); }

  const std::string directory_ = absl::StrCat(std::getenv("TEST_TMPDIR"), "/etcd");
  const int base_port_ = kFirstPort + static_cast<int>(getpid() % 2000) * kPorts;
  pid_t script_ = -1;
};

TEST_F(LocalCluster, KeepsALogForThoseWithACertificate) {
  Start();
  ASSERT_TRUE(Healthy()) << ReadFile(directory_ + "/member-1.log");
  AppendAll(*Open(), 3);

  EtcdOptions plain = Options();
  plain.ca_pem = plain.certificate_pem = plain.key_pem = "";
  EXPECT_FALSE((*EtcdClient::Create(plain))->AnyHealth().ok()) << "without TLS";
  EtcdOptions distrustful = Options();
  distrustful.ca_pem = distrustful.certificate_pem;
  EXPECT_FALSE((*EtcdClient::Create(distrustful))->AnyHealth().ok()) << "members of another CA";

  // A paused member ends too.
  const int paused = std::atoi(ReadFile(directory_ + "/member-2.pid").c_str());
  ASSERT_GT(paused, 1);
  kill(paused, SIGSTOP);
  EXPECT_EQ(Stop(), 0);
  EXPECT_FALSE((*EtcdClient::Create(Options()))->AnyHealth().ok()) << "all members end with the script";
  Start();
  ASSERT_TRUE(Healthy()) << ReadFile(directory_ + "/member-1.log");
  EXPECT_EQ(Bodies(Open()->Read(1, kToTail, kPlentyBytes)), "1 2 3");
}

}  // namespace
}  // namespace jcm::log
