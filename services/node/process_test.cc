// jcm-node as a process: arguments, exit codes, signals.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "ledger/base/keys.h"
#include "ledger/base/random.h"
#include "services/node/testing/test_registry.h"
#include "tools/client/bundle_builder.h"

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

  // Reads until so many lines have these words; false if the process ends before.
  bool WaitFor(const std::string& words, size_t times = 1) {
    while (Count(words) < times) {
      if (!ReadMore()) return false;
    }
    return true;
  }
  size_t Count(const std::string& words) const {
    size_t count = 0;
    for (size_t at = text_.find(words); at != std::string::npos; at = text_.find(words, at + 1)) ++count;
    return count;
  }
  // The port that it said last.
  int port() const { return std::atoi(text_.c_str() + text_.rfind("(port ") + 6); }
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

// Hands in an act, which the node records and then signs. It may be gone before it answers.
void Enrol(const TestSite& site, int port, const std::string& person_id) {
  SystemRandom random;
  client::BundleBuilder builder("JPN", ledger::v1::BUNDLE_MODE_ATOMIC, random);
  ledger::v1::Command command;
  command.set_provenance(ledger::v1::PROVENANCE_NATIVE);
  auto* person = command.mutable_enrol_person();
  person->set_person_id(person_id);
  person->add_roles(ledger::v1::ROLE_ACCOUNT_REPRESENTATIVE);
  auto* key = person->add_keys()->mutable_key();
  key->set_type(1);
  key->set_key(PrivateKey::Generate(random).public_key().bytes());
  ASSERT_TRUE(builder.Add("home", command).ok());
  registry::v1::SubmitBundleRequest request;
  request.set_signed_bundle(builder.Sign({*PrivateKey::FromPem(site.Read("JPN/persons/operator-1.key"))})->bytes);
  registry::v1::SubmitBundleResponse response;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  registry::v1::LedgerService::NewStub(site.Channel(port, "JPN", "JPN/clients/person-operator-1"))
      ->SubmitBundle(&context, request, &response);
}

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

TEST(JcmNode, StartsAnewInPlaceAndForgetsNoTryBeforeOneHasLasted) {
  namespace fs = std::filesystem;
  const TestSite site;
  // The folder of its signer's record is a link, so that it can be exchanged in one go.
  const auto link_signer_to = [&](const std::string& target) {
    fs::create_symlink(site.Path(target), site.Path("JPN/next"));
    fs::rename(site.Path("JPN/next"), site.Path("JPN/signer"));
  };
  fs::create_directories(site.Path("JPN/true-signer"));
  std::ofstream(site.Path("JPN/no-folder")) << "not a folder";
  link_signer_to("JPN/true-signer");
  Process node({"--config", site.WriteConfig("JPN", {})});
  for (size_t round = 1; round <= 2; ++round) {
    ASSERT_TRUE(node.WaitFor("serving on", round)) << node.text();
    // What it signs can't be written down, and then it can.
    link_signer_to("JPN/no-folder");
    Enrol(site, node.port(), "clerk-" + std::to_string(round));
    ASSERT_TRUE(node.WaitFor(" of 60) after STORE_FAILED", round)) << node.text();
    link_signer_to("JPN/true-signer");
  }
  ASSERT_TRUE(node.WaitFor("serving on", 3)) << node.text();
  EXPECT_EQ(node.Count("starting anew (1 of 60)"), 1u) << "the second time is not the first one again" << node.text();
  node.Signal(SIGTERM);
  EXPECT_EQ(node.Wait(), 0) << node.text();
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
