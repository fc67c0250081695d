#include "ledger/log/etcd/sequencer_hint.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/log/etcd/testing/etcd_cluster.h"

namespace jcm::log {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kSoon{6};

bool Comes(const std::function<bool()>& condition, milliseconds limit = kSoon) {
  const auto deadline = steady_clock::now() + limit;
  while (!condition()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return true;
}

class SequencerHintTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto cluster = EtcdCluster::Start(1);
    ASSERT_TRUE(cluster.ok()) << ToText(cluster.status());
    cluster_ = std::move(cluster).value();
    first_ = New("node-1");
    second_ = New("node-2");
  }
  std::unique_ptr<SequencerHint> New(const std::string& replica) {
    EtcdOptions options;
    options.endpoints = cluster_->endpoints();
    return std::make_unique<SequencerHint>(*EtcdClient::Create(options), "jcm/JPN", replica);
  }
  bool AllSee(const std::string& holder) {
    return Comes([&] { return first_->Holder() == holder && second_->Holder() == holder; });
  }

  std::unique_ptr<EtcdCluster> cluster_;
  std::unique_ptr<SequencerHint> first_;
  std::unique_ptr<SequencerHint> second_;
};

TEST_F(SequencerHintTest, IsHeldByTheFirstAndPassesOnWhenThatResigns) {
  EXPECT_EQ(first_->Holder(), "");
  first_->Campaign();
  ASSERT_TRUE(AllSee("node-1"));
  EXPECT_TRUE(first_->IsHolder());
  second_->Campaign();
  // Longer than a lease: it is kept alive, and the other one waits.
  std::this_thread::sleep_for(seconds(kSequencerLeaseSeconds + 1));
  EXPECT_TRUE(AllSee("node-1"));
  first_->Resign();
  EXPECT_FALSE(first_->IsHolder()) << "at once";
  ASSERT_TRUE(AllSee("node-2"));
  second_.reset();
  EXPECT_TRUE(Comes([&] { return first_->Holder() == ""; }, seconds(1))) << "a replica that ends gives it up";
}

TEST_F(SequencerHintTest, IsTakenOverOnlyFromTheHolderThatWasMeant) {
  first_->Campaign();
  ASSERT_TRUE(AllSee("node-1"));
  second_->TakeOver("node-3");
  std::this_thread::sleep_for(3 * kSequencerPollEvery);
  EXPECT_TRUE(AllSee("node-1"));
  second_->TakeOver("node-1");
  ASSERT_TRUE(AllSee("node-2"));
  EXPECT_FALSE(first_->IsHolder());
}

TEST_F(SequencerHintTest, AReplicaThatRestartsUnderTheSameNameHasItAgain) {
  first_->Campaign();
  ASSERT_TRUE(AllSee("node-1"));
  // Another lease has the key now, as after a crash.
  const auto restarted = New("node-1");
  restarted->Campaign();
  EXPECT_TRUE(Comes([&] { return restarted->IsHolder(); }));
  first_->Resign();
  EXPECT_TRUE(Comes([&] { return restarted->IsHolder(); }));
}

TEST_F(SequencerHintTest, NobodyIsKnownWhileEtcdIsSilentAndNoCallWaits) {
  first_->Campaign();
  ASSERT_TRUE(AllSee("node-1"));
  cluster_->Pause(0);
  const auto began = steady_clock::now();
  first_->Holder();
  second_->TakeOver("node-1");
  first_->Campaign();
  EXPECT_LT(steady_clock::now() - began, milliseconds(500));
  EXPECT_TRUE(AllSee(""));
  cluster_->Resume(0);
  EXPECT_TRUE(Comes([&] { return first_->Holder() != "" && first_->Holder() == second_->Holder(); }));
}

}  // namespace
}  // namespace jcm::log
