// Two registries, of one or three replicas, under a seed that decides what goes wrong: machines die and lose what was
// not synced, disks refuse to sync, blocks rot, files of keys and signatures fail to be written, the shared log can't
// be reached, loses answers, lets them arrive late, shows the past, forgets its bells and comes back emptied or rolled
// back, clocks are set, replicas are cut off from each other, from the log and from the other government, and one is
// replaced from a sibling's store. Then the faults end, and what history.h checks must hold. A failure prints its seed;
// tests/simulation/README.md says how to run it again.
#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/store/memory_store.h"
#include "tests/simulation/history.h"

namespace jcm::simulation {
namespace {

constexpr uint64_t kSeeds = 1'000;
constexpr int kRoundsPerSeed = 20;
constexpr int kClients = 3;
constexpr uint64_t kQuietMicros = 120'000'000;
constexpr uint64_t kClockStepMaxMicros = 3'600'000'000;
constexpr uint64_t kNoticeMicros = 15'000'000;

// By seed, so that most are quick.
std::pair<int, int> ShapeOf(uint64_t seed) {
  switch (seed % 5) {
    case 0:
      return {3, 3};
    case 1:
      return {1, 1};
    default:
      return {1, 3};
  }
}

class FaultChaos : public testing::TestWithParam<uint64_t> {
 protected:
  FaultChaos()
      : seed_(GetParam()),
        pair_(seed_, ShapeOf(seed_).first, ShapeOf(seed_).second),
        history_(pair_),
        world_(pair_.world) {}

  Random& random() { return world_.random(); }
  bool Chance(uint64_t percent) { return random().Below(100) < percent; }
  bool Shared(bool thai) { return pair_.Side(thai).size() > 1; }
  size_t Running(bool thai) {
    size_t running = 0;
    for (Node* node : pair_.Side(thai)) running += node->running() ? 1 : 0;
    return running;
  }
  Node* Any(bool thai) {
    std::vector<Node*> running;
    for (Node* node : pair_.Side(thai)) {
      if (node->running()) running.push_back(node);
    }
    return running.empty() ? nullptr : running[random().Below(running.size())];
  }

  void Start(Node& node) {
    if (node.running()) return;
    absl::Status started = node.Restart();
    // The write that the disk was to refuse may be one of the start: then whoever supervises tries again.
    if (HasReason(started, Reason::STORE_FAILED)) started = node.Restart();
    // A machine with a rotten disk may say so when it starts, and stays down.
    ASSERT_TRUE(started.ok() || damaged_.count(&node) > 0) << node.address() << ": " << ToText(started);
  }

  // Whoever watches over the processes: one that has stopped begins again.
  void Supervise() {
    for (Node* node : pair_.All()) {
      if (!node->running() || node->core().failure().ok()) continue;
      node->Kill(random().Below(3));
      Start(*node);
      if (HasFatalFailure()) return;
    }
  }

  void LogFault(bool thai, Node& node) {
    SharedLog& log = world_.shared_log(thai ? "THA" : "JPN");
    switch (random().Below(5)) {
      case 0:
        log.Reach(node.address(), Chance(50));
        break;
      case 1:
        log.LoseAnswers(Chance(50) ? 300 : 0);
        break;
      case 2:
        log.Deceive(node.address(), Chance(50) ? node.options().replica_name : "");
        break;
      case 3:
        log.memory().Lag(random().Below(3));
        break;
      case 4:
        log.memory().MuteDoorbells(Chance(50));
        break;
    }
  }

  void DiskFault(bool thai, Node& node) {
    switch (random().Below(4)) {
      case 0:
        node.disk().FailSync(1 + random().Below(5));
        break;
      case 1:
        node.disk().FailWrite(1 + random().Below(10));
        break;
      case 2:
        node.files().FailNthWrite(1 + random().Below(3));
        break;
      case 3: {
        // Two others must be whole: a majority of rotten disks is a lost site.
        const auto& side = pair_.Side(thai);
        const bool another =
            std::any_of(side.begin(), side.end(), [&](Node* each) { return damaged_.count(each) > 0; });
        if (!Shared(thai) || another) break;
        const store::Family family = store::kAllFamilies[random().Below(store::kFamilyCount)];
        const std::vector<std::string> keys = node.disk().Keys(family);
        if (keys.empty()) break;
        damaged_.insert(&node);
        node.disk().Spoil(family, keys[random().Below(keys.size())]);
        break;
      }
    }
  }

  void Fault() {
    const bool thai = Chance(60);
    Node& node = *pair_.Side(thai)[random().Below(pair_.Side(thai).size())];
    switch (random().Below(8)) {
      case 0:
      case 1:
        if (node.running() && (Running(thai) > 1 || !Shared(thai))) node.Kill(random().Below(4));
        break;
      case 2:
        Start(node);
        break;
      case 3:
      case 4:
        if (Shared(thai)) LogFault(thai, node);
        break;
      case 5:
        DiskFault(thai, node);
        break;
      case 6:
        if (Chance(50)) {
          node.clock().Repair();
        } else {
          node.clock().Step((Chance(50) ? 1 : -1) * static_cast<int64_t>(random().Below(kClockStepMaxMicros)) / 4);
        }
        break;
      case 7:
        Cut(node);
        break;
    }
  }

  void Cut(Node& node) {
    std::vector<Node*> others = pair_.Side(Chance(50));
    Node& other = *others[random().Below(others.size())];
    if (&other != &node) world_.Cut(node.address(), other.address(), Chance(50));
  }

  void EndFaults(bool thai) {
    if (Shared(thai)) {
      SharedLog& log = world_.shared_log(thai ? "THA" : "JPN");
      log.LoseAnswers(0);
      log.memory().Lag(0);
      log.memory().MuteDoorbells(false);
      for (Node* node : pair_.Side(thai)) {
        log.Reach(node->address(), true);
        log.Deceive(node->address(), "");
      }
    }
    for (Node* node : pair_.Side(thai)) {
      node->clock().Repair();
      node->disk().FailSync(0);
      node->disk().FailWrite(0);
      node->files().FailNthWrite(0);
      for (Node* other : pair_.All()) world_.Cut(node->address(), other->address(), false);
    }
  }

  // Replicas on rotten disks get a sibling's store.
  void ReplaceDamaged(bool thai) {
    for (Node* node : pair_.Side(thai)) {
      if (damaged_.count(node) == 0) continue;
      Node* sibling = nullptr;
      const auto whole = [&] {
        for (Node* each : pair_.Side(thai)) {
          if (damaged_.count(each) == 0 && Pair::Healthy(*each)) sibling = each;
        }
        return sibling != nullptr;
      };
      ASSERT_TRUE(world_.RunUntil(whole, kNoticeMicros));
      if (node->running()) node->Kill(100);
      world_.Replace(*node, *sibling);
      node->options().marked_restored = true;
      damaged_.erase(node);
      Start(*node);
    }
  }

  // The cluster comes back empty, or as it was a moment ago. Whoever had more must stop, and after an operator's act
  // nothing that was acknowledged is missing.
  void LoseLog(bool thai) {
    EndFaults(thai);
    for (Node* node : pair_.Side(thai)) Start(*node);
    if (HasFatalFailure()) return;
    ReplaceDamaged(thai);
    if (HasFatalFailure()) return;
    SharedLog& log = world_.shared_log(thai ? "THA" : "JPN");
    const auto caught_up = [&] {
      Supervise();
      for (Node* node : pair_.Side(thai)) {
        if (!Pair::Healthy(*node) || node->core().applied().index != log.memory().Tail()->index) return false;
      }
      return true;
    };
    ASSERT_TRUE(world_.RunUntil(caught_up, kQuietMicros));
    if (Chance(50)) {
      log.Empty();
    } else {
      log.memory().LoseTail(1 + random().Below(4));
    }
    const auto stopped = [&] {
      for (Node* node : pair_.Side(thai)) {
        if (!HasReason(node->core().failure(), Reason::LOG_DIVERGED)) return false;
      }
      return true;
    };
    // Clients go on asking meanwhile, and are told nothing that could be lost.
    for (int i = 0; i < 3; ++i) {
      Work();
      world_.Run(random().Below(500'000));
    }
    ASSERT_TRUE(world_.RunUntil(stopped, kNoticeMicros))
        << "a replica goes on although its log lost what it applied" << pair_.Describe();
    pair_.StartLogAnew(thai);
  }

  void Work() {
    for (int client = 0; client < kClients; ++client) {
      if (!history_.Ready(client) || Chance(30)) continue;
      Node* node = Any(true);
      if (node != nullptr) history_.Send(client, *node);
    }
    Node* reader = Any(Chance(50));
    if (reader != nullptr && damaged_.count(reader) == 0) history_.Sample(*reader);
  }

  const uint64_t seed_;
  Pair pair_;
  History history_;
  World& world_;
  std::set<Node*> damaged_;
};

TEST_P(FaultChaos, EveryActOnceAndNothingContradicted) {
  SCOPED_TRACE(absl::StrCat("seed ", seed_));
  world_.AnswerWithin(5'000'000);
  world_.Disturb(/*lost_permille=*/30, /*delay_max_us=*/30'000);
  const int log_lost_at = Chance(25) ? static_cast<int>(random().Below(kRoundsPerSeed)) : -1;
  for (int round = 0; round < kRoundsPerSeed; ++round) {
    if (Chance(70)) Fault();
    if (round == log_lost_at && Shared(true)) LoseLog(true);
    if (HasFatalFailure()) return;
    Work();
    world_.Run(random().Below(600'000));
    Supervise();
    if (HasFatalFailure()) return;
  }
  const size_t acknowledged = history_.acknowledged();

  world_.Disturb(0, 5'000);
  for (bool thai : {false, true}) {
    EndFaults(thai);
    for (Node* node : pair_.Side(thai)) Start(*node);
    if (HasFatalFailure()) return;
    ReplaceDamaged(thai);
    if (HasFatalFailure()) return;
  }
  // What clocks that were ahead have stamped is overtaken.
  world_.AdvanceTo(BookTime::FromMicros(world_.clock().Now().micros + 2 * kClockStepMaxMicros));
  // Service is back: what was asked, and one more act of each client, gets its outcome.
  for (int client = 0; client < kClients; ++client) {
    static_cast<void>(history_.Ready(client));
    history_.Send(client, *Any(true));
  }
  history_.Resolve([this] { Supervise(); });
  const auto at_rest = [&] {
    Supervise();
    for (Node* node : pair_.All()) {
      if (!Pair::Healthy(*node)) return false;
    }
    return pair_.AtRest();
  };
  ASSERT_TRUE(world_.RunUntil(at_rest, kQuietMicros)) << "no rest after the faults have ended" << pair_.Describe();
  for (Node* node : pair_.All()) {
    EXPECT_EQ(node->core().quarantine(), "") << node->address();
    history_.Sample(*node);
  }
  history_.Check();
  RecordProperty("acts", static_cast<int>(history_.acts()));
  RecordProperty("acknowledged", static_cast<int>(acknowledged));
}

// JCM_SEEDS=20000 runs more of them.
uint64_t Seeds() {
  const char* wanted = std::getenv("JCM_SEEDS");
  uint64_t seeds = kSeeds;
  if (wanted != nullptr && !absl::SimpleAtoi(wanted, &seeds)) seeds = kSeeds;
  return seeds;
}

INSTANTIATE_TEST_SUITE_P(Seeds, FaultChaos, testing::Range<uint64_t>(1, Seeds() + 1));

}  // namespace
}  // namespace jcm::simulation
