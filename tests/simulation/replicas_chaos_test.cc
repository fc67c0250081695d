// Two registries of three replicas each under a seed: replicas die and come back, the log can't be reached, loses
// answers and shows the past, replicas believe wrong things of who orders, the network loses and delays. Afterwards
// every acknowledged act is recorded exactly once, each side's replicas have the same entries byte for byte, both sides
// agree, and no unit has come or gone. A failure prints its seed.
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/simulation/story.h"

namespace jcm::simulation {
namespace {

constexpr uint64_t kSeeds = 6;
constexpr int kFaultsPerSeed = 40;
constexpr uint64_t kTonnes = 1'000;

class ReplicasChaos : public testing::TestWithParam<uint64_t> {
 protected:
  ReplicasChaos()
      : seed_(GetParam()),
        world_(seed_),
        japan_(world_.AddReplicas("JPN", {{"TH", "THA"}}, 3)),
        thailand_(world_.AddReplicas("THA", {{"TH", "JPN"}}, 3)),
        story_(world_, "TH", "JPN", "THA") {}

  std::vector<Node*>& Side(bool thai) { return thai ? thailand_ : japan_; }
  Random& random() { return world_.random(); }
  Node& Any(bool thai) {
    std::vector<Node*> running;
    for (Node* node : Side(thai)) {
      if (node->running()) running.push_back(node);
    }
    return *running[random().Below(running.size())];
  }
  size_t Running(bool thai) {
    size_t running = 0;
    for (Node* node : Side(thai)) running += node->running() ? 1 : 0;
    return running;
  }

  bool AtRest() {
    for (bool thai : {false, true}) {
      for (Node* node : Side(thai)) {
        if (!(node->core().applied() == Side(thai)[0]->core().applied())) return false;
        const auto info = node->core().View()->Info({node->registry(), "TH"});
        if (!info.ok() || info->checkpoint_size != info->size || info->cosigned_size != info->size) return false;
      }
    }
    return story_.InStep();
  }

  void Fault() {
    const bool thai = random().Below(2) == 0;
    SharedLog& log = world_.shared_log(thai ? "THA" : "JPN");
    Node& node = *Side(thai)[random().Below(3)];
    switch (random().Below(8)) {
      case 0:
      case 1:
        if (node.running() && Running(thai) > 1) node.Kill(random().Below(4));
        break;
      case 2:
        if (!node.running()) {
          ASSERT_TRUE(node.Restart().ok());
        }
        break;
      case 3:
        log.Reach(node.address(), random().Below(2) == 0);
        break;
      case 4:
        log.LoseAnswers(random().Below(2) == 0 ? 300 : 0);
        break;
      case 5:
        log.Deceive(node.address(), random().Below(2) == 0 ? node.options().replica_name : "");
        break;
      case 6:
        log.memory().Lag(random().Below(3));
        log.memory().MuteDoorbells(random().Below(2) == 0);
        break;
      case 7:
        world_.Cut(node.address(), Side(random().Below(2) == 0)[random().Below(3)]->address(), random().Below(2) == 0);
        break;
    }
  }

  void EndFaults() {
    for (bool thai : {false, true}) {
      SharedLog& log = world_.shared_log(thai ? "THA" : "JPN");
      log.LoseAnswers(0);
      log.memory().Lag(0);
      log.memory().MuteDoorbells(false);
      for (Node* node : Side(thai)) {
        log.Reach(node->address(), true);
        log.Deceive(node->address(), "");
        if (!node->running()) {
          ASSERT_TRUE(node->Restart().ok());
        }
        for (bool other : {false, true}) {
          for (Node* each : Side(other)) world_.Cut(node->address(), each->address(), false);
        }
      }
    }
    world_.Disturb(0, 5'000);
  }

  const uint64_t seed_;
  World world_;
  std::vector<Node*> japan_;
  std::vector<Node*> thailand_;
  Story story_;
};

TEST_P(ReplicasChaos, LosesNothingAndRepeatsNothing) {
  SCOPED_TRACE(absl::StrCat("seed ", seed_));
  world_.Start();
  story_.SetUp("TH014", 2021);
  const Decided decided = story_.DecideInMeeting(
      "D-1", "TH014", 2021,
      {{v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "THA", 600}, {v1::PARTY_KIND_PARTICIPANT, "THA", kTonnes - 600}});
  story_.Must(story_.Issue(*thailand_[0], decided, {{1, "government"}, {2, "company"}}), "issue");
  world_.Disturb(/*lost_permille=*/50, /*delay_max_us=*/50'000);

  // One tonne each: what became of an act is seen in its serial.
  std::map<uint64_t, bool> acknowledged;  // by serial; false: not known
  for (int i = 0; i < kFaultsPerSeed; ++i) {
    Fault();
    if (HasFatalFailure()) return;
    const uint64_t serial = 601 + static_cast<uint64_t>(i);
    if (serial > kTonnes) break;
    const absl::Status done =
        story_.Cancel(Any(true), absl::StrCat("C-", i), "company", "company", Range(decided.lot_id, serial, serial));
    const bool unknown = HasReason(done, Reason::APPEND_UNKNOWN) || HasReason(done, Reason::STORE_FAILED) ||
                         HasReason(done, Reason::QUEUE_FULL) || HasReason(done, Reason::BOOK_NOT_ORDERING) ||
                         HasReason(done, Reason::CLOCK_NOT_TRUSTED) || !ReasonOf(done).has_value() ||
                         absl::IsDeadlineExceeded(done);
    EXPECT_TRUE(done.ok() || unknown) << ToText(done);
    acknowledged[serial] = done.ok();
    world_.Run(random().Below(500'000));
  }
  EndFaults();
  if (HasFatalFailure()) return;
  ASSERT_TRUE(world_.RunUntil([&] { return AtRest(); }, 300'000'000));

  for (bool thai : {false, true}) {
    for (Node* node : Side(thai)) {
      EXPECT_EQ(node->core().quarantine(), "");
      EXPECT_EQ(node->core().Status().partners[0].halt, "");
      for (const BookId& book : {BookId{"JPN", "TH"}, BookId{"THA", "TH"}}) {
        auto ours = node->core().View();
        auto theirs = Side(thai)[0]->core().View();
        const uint64_t size = ours->Info(book)->size;
        ASSERT_EQ(size, theirs->Info(book)->size);
        for (uint64_t at = 0; at < size; ++at) {
          ASSERT_EQ(*ours->LeafHash(book, at), *theirs->LeafHash(book, at)) << book.ToString() << " " << at;
        }
      }
    }
  }
  const uint64_t cancelled = story_.TonnesIn(*thailand_[0], v1::BLOCK_STATE_CANCELLED);
  uint64_t sure = 0;
  for (const auto& entry : acknowledged) sure += entry.second ? 1 : 0;
  EXPECT_GE(cancelled, sure);
  EXPECT_LE(cancelled, acknowledged.size());
  EXPECT_EQ(story_.TonnesIn(*thailand_[0], v1::BLOCK_STATE_HELD) + cancelled, kTonnes);
  EXPECT_GT(sure, 0u) << "nothing was ever acknowledged: the test shows nothing";
}

// JCM_SEEDS=1000 runs more of them.
uint64_t Seeds() {
  const char* wanted = std::getenv("JCM_SEEDS");
  uint64_t seeds = kSeeds;
  if (wanted != nullptr && !absl::SimpleAtoi(wanted, &seeds)) seeds = kSeeds;
  return seeds;
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReplicasChaos, testing::Range<uint64_t>(1, Seeds() + 1));

}  // namespace
}  // namespace jcm::simulation
