// jcm-node as a process: arguments, exit codes, signals.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "services/node/testing/test_registry.h"

namespace jcm::services {
namespace {

using testing::TestSite;

// A child process whose stderr can be read.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    std::vector<std::string> all = {"services/node/jcm-node"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& argument : all) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(ends[1]);
    output_ = ends[0];
  }
  ~Process() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(output_);
  }

  // Reads until a line has these words; false if the process ends before.
  bool WaitFor(const std::string& words) {
    while (text_.find(words) == std::string::npos) {
      if (!ReadMore()) return false;
    }
    return true;
  }
  void Signal(int number) const { kill(pid_, number); }
  // The exit code, or -signal.
  int Wait() {
    while (ReadMore()) {
    }
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  const std::string& text() const { return text_; }

 private:
  bool ReadMore() {
    char buffer[4096];
    const ssize_t size = read(output_, buffer, sizeof(buffer));
    if (size <= 0) return false;
    text_.append(buffer, static_cast<size_t>(size));
    return true;
  }

  pid_t pid_ = -1;
  int output_ = -1;
  std::string text_;
};

TEST(JcmNode, StopsInGoodOrderOnSigtermAndStartsAgain) {
  const TestSite site;
  const std::string config = site.WriteConfig("JPN", {});
  for (const int signal_number : {SIGTERM, SIGINT, SIGTERM}) {
    Process node({"--config", config});
    ASSERT_TRUE(node.WaitFor("serving on 127.0.0.1:0")) << node.text();
    node.Signal(signal_number);
    EXPECT_EQ(node.Wait(), 0) << node.text();
    EXPECT_NE(node.text().find("JPN: stopped"), std::string::npos) << node.text();
    EXPECT_NE(node.text().find("DEMONSTRATION, NOT AN OFFICIAL RECORD"), std::string::npos);
  }
}

TEST(JcmNode, StartsAgainAfterItWasKilled) {
  const TestSite site;
  const std::string config = site.WriteConfig("JPN", {});
  for (int i = 0; i < 3; ++i) {
    Process node({"--config", config});
    ASSERT_TRUE(node.WaitFor("serving on")) << node.text();
    node.Signal(SIGKILL);
    EXPECT_EQ(node.Wait(), -SIGKILL);
  }
}

TEST(JcmNode, ChecksAConfigurationAndTouchesNothing) {
  const TestSite site;
  Process check({"--config", site.WriteConfig("JPN", {}), "--check"});
  EXPECT_EQ(check.Wait(), 0) << check.text();
  EXPECT_FALSE(std::ifstream(site.Path("JPN/data")).good());
}

TEST(JcmNode, EndsWithTwoForAWrongConfiguration) {
  const TestSite site;
  const std::string config = site.WriteConfig("JPN", {});
  std::ofstream(config, std::ios::app) << "nonsense: 1\n";
  for (const bool check : {true, false}) {
    Process node(check ? std::vector<std::string>{"--config", config, "--check"}
                       : std::vector<std::string>{"--config", config});
    EXPECT_EQ(node.Wait(), 2);
    EXPECT_NE(node.text().find("CONFIG_INVALID"), std::string::npos) << node.text();
    EXPECT_NE(node.text().find("JPN.textproto:15: "), std::string::npos) << node.text();
  }
}

TEST(JcmNode, EndsWithOneForAStoreThatAnotherProcessHasOpen) {
  const TestSite site;
  const std::string config = site.WriteConfig("JPN", {});
  Process first({"--config", config});
  ASSERT_TRUE(first.WaitFor("serving on")) << first.text();
  Process second({"--config", config});
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_NE(second.text().find("STORE_LOCKED (9007)"), std::string::npos) << second.text();
}

TEST(JcmNode, ExplainsItsUsage) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, std::vector<std::string>{"--config"}, std::vector<std::string>{"--help"}}) {
    Process node(arguments);
    EXPECT_EQ(node.Wait(), 2);
    EXPECT_EQ(node.text(), "usage: jcm-node --config FILE [--check]\n");
  }
}

}  // namespace
}  // namespace jcm::services
