// One fault at a time, and what must come of it. The same faults come in any order and number in fault_chaos_test.
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/book/leaf.h"
#include "ledger/registry/keys.h"
#include "ledger/store/memory_store.h"
#include "tests/simulation/history.h"

namespace jcm::simulation {
namespace {

constexpr uint64_t kFailoverMicros = 3'000'000;
constexpr uint64_t kRestMicros = 60'000'000;

// Thailand on three replicas, Japan on one; all at rest.
struct Faults : Pair {
  explicit Faults(int japan_replicas = 1) : Pair(7, japan_replicas, 3), history(*this) {
    world.AnswerWithin(5'000'000);
    Rest();
  }

  void Rest() {
    world.Run(1'000'000);
    EXPECT_TRUE(world.RunUntil([this] { return Sequencer(true) != nullptr && AtRest(); }, kRestMicros));
  }
  SharedLog& log() { return world.shared_log("THA"); }
  absl::Status Act(Node& node) {
    ++acts;
    const absl::Status done = story.Cancel(node, absl::StrCat("F-", acts), "company", "company",
                                           Range(decided.lot_id, kFirstOfCompany + acts, kFirstOfCompany + acts));
    if (done.ok()) ++history.cancelled_elsewhere;
    return done;
  }
  // An act is recorded soon, whomever one asks but these.
  void ExpectService(Node* not_this = nullptr, uint64_t within_us = kFailoverMicros) {
    Node* node = nullptr;
    const auto found = [&] {
      for (Node* each : thailand) {
        if (each != not_this && Healthy(*each)) node = each;
      }
      return node != nullptr;
    };
    ASSERT_TRUE(world.RunUntil(found, within_us));
    const uint64_t before = world.clock().MonotonicMicros();
    const absl::Status done = Act(*node);
    EXPECT_TRUE(done.ok()) << ToText(done);
    EXPECT_LT(world.clock().MonotonicMicros() - before, within_us);
  }
  // Restarts what has stopped.
  void Supervise() {
    for (Node* node : All()) {
      if (node->running() && node->core().failure().ok()) continue;
      if (node->running()) node->Kill();
      EXPECT_TRUE(node->Restart().ok());
    }
  }
  bool Diverged(Node& node) { return HasReason(node.core().failure(), Reason::LOG_DIVERGED); }
  bool AllDiverged() {
    for (Node* node : thailand) {
      if (!Diverged(*node)) return false;
    }
    return true;
  }
  uint64_t Cancelled() { return story.TonnesIn(*thailand[0], v1::BLOCK_STATE_CANCELLED); }

  History history;
  uint64_t acts = 0;
};

// ---- disks ---------------------------------------------------------------------------------------------------------

TEST(Disk, WhatWasNotSyncedComesBackFromTheLog) {
  Faults f;
  Node& node = *f.Sequencer(true);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(f.Act(node).ok());
  EXPECT_TRUE(f.Act(node).ok());
  node.Kill(0);
  ASSERT_TRUE(node.Restart().ok());
  f.Rest();
  EXPECT_EQ(f.Cancelled(), 4u);
  f.history.Check();
}

TEST(Disk, AFailedSyncStopsTheReplicaAndAnotherOneGoesOn) {
  Faults f;
  Node& node = *f.Sequencer(true);
  node.disk().FailSync(1);
  static_cast<void>(f.Act(node));
  EXPECT_TRUE(f.world.RunUntil([&] { return !node.core().failure().ok(); }));
  EXPECT_TRUE(HasReason(node.core().failure(), Reason::STORE_FAILED)) << ToText(node.core().failure());
  f.ExpectService(&node);
  f.Supervise();
  f.Rest();
}

TEST(Disk, ASignersRecordThatCannotBeWrittenStopsTheReplica) {
  Faults f;
  Node& node = *f.Sequencer(true);
  f.world.Cut("THA", "JPN", true);  // so that what fails is the record of its own checkpoint
  f.world.Run(1'000'000);
  node.files().FailNthWrite(1);
  EXPECT_TRUE(f.Act(node).ok());
  // It can't sign any more in this run: it says so and makes room.
  EXPECT_TRUE(f.world.RunUntil([&] { return !node.core().failure().ok(); }, 5'000'000));
  f.ExpectService(&node);
  f.world.Cut("THA", "JPN", false);
  f.Supervise();
  f.Rest();
}

TEST(Disk, ADamagedSignersRecordIsConfirmedBySiblings) {
  Faults f;
  Node& node = *f.Follower(true);
  node.Kill();
  ASSERT_TRUE(node.files().Damage("/signer/THA-TH"));
  ASSERT_TRUE(node.Restart().ok());
  f.ExpectService();
  f.Rest();
}

// A block of any family rots on the replica that orders: it stops or goes on, and the registry goes on.
TEST(Disk, ARottenBlockIsNeverReadAsGood) {
  for (const store::Family family : store::kAllFamilies) {
    SCOPED_TRACE(store::FamilyName(family));
    Faults f;
    Node& node = *f.Sequencer(true);
    for (const std::string& key : node.disk().Keys(family)) {
      if (key != store::kIdentityKey) node.disk().Spoil(family, key);
    }
    static_cast<void>(f.Act(node));  // it may refuse, but not lie
    f.world.Run(3'000'000);
    f.ExpectService(&node, 10'000'000);
    f.world.Run(5'000'000);
    f.ExpectService(&node, 10'000'000);
    // Its partner has seen nothing but good checkpoints, also of what came after.
    const uint64_t size = f.Follower(true)->core().View()->Info({"THA", "TH"})->size;
    EXPECT_TRUE(f.world.RunUntil(
        [&] {
          return f.japan[0]->core().View()->Info({"THA", "TH"})->executed_size >= size;
        },
        30'000'000))
        << "the partner does not hear of the last acts";
    EXPECT_EQ(f.japan[0]->core().Status().partners[0].halt, "");
  }
}

TEST(Disk, AnEntryWithAFlippedBitIsNeverShown) {
  Faults f;
  Node& node = *f.Follower(true);
  const BookId book{"THA", "TH"};
  const auto entry = [&](uint64_t i) { return node.core().View()->Entry(book, i); };
  std::vector<std::string> whole;
  for (uint64_t i = 0; i < node.core().View()->Info(book)->size; ++i) whole.push_back(entry(i)->SerializeAsString());
  size_t flipped = 0;
  for (const std::string& key : node.disk().Keys(store::Family::kEntry)) {
    const std::string prefix = registry::BookPrefix(book);
    if (key.compare(0, prefix.size(), prefix) != 0) continue;
    ASSERT_TRUE(node.disk().Damage(store::Family::kEntry, key));
    size_t refused = 0;
    for (uint64_t i = 0; i < whole.size(); ++i) {
      const auto shown = entry(i);
      if (shown.ok()) {
        EXPECT_EQ(shown->SerializeAsString(), whole[i]) << "entry " << i;
        continue;
      }
      ++refused;
      EXPECT_TRUE(HasReason(shown.status(), Reason::STORE_CORRUPT)) << ToText(shown.status());
      EXPECT_NE(std::string(shown.status().message()).find(absl::StrCat("THA/TH entry ", i)), std::string::npos)
          << "it says which: " << shown.status().message();
    }
    EXPECT_GT(refused, 0u);
    ASSERT_TRUE(node.disk().Damage(store::Family::kEntry, key));  // flips it back
    ++flipped;
  }
  EXPECT_GT(flipped, 0u);
}

TEST(Disk, AFlippedBitInTheStateSilencesTheReplicaAtTheNextCheckpoint) {
  Faults f;
  Node& node = *f.Follower(true);
  // Silently, as memory does: disks have checksums. The block of the company, so that the next act reads it.
  int flipped = 0;
  for (const std::string& key : node.disk().Keys(store::Family::kState)) {
    const std::string blocks = registry::StateKey({"THA", "TH"}, v1::TABLE_BLOCK, "");
    if (key.compare(0, blocks.size(), blocks) == 0 && node.disk().Damage(store::Family::kState, key)) ++flipped;
  }
  ASSERT_GT(flipped, 0);
  f.ExpectService(&node);
  EXPECT_TRUE(
      f.world.RunUntil([&] { return !node.core().quarantine().empty() || !node.core().failure().ok(); }, 10'000'000));
  f.history.silenced.insert(node.address());
  f.ExpectService(&node);
  f.world.Run(2'000'000);
  EXPECT_EQ(f.japan[0]->core().Status().partners[0].halt, "");
}

TEST(Disk, AStoreWhoseFilesAreGoneDoesNotOpen) {
  Faults f;
  Node& node = *f.Follower(true);
  for (const store::Family family : store::kAllFamilies) {
    node.Kill();
    const auto whole = node.CopyDisk();
    node.disk().LoseFamily(family);
    const absl::Status started = node.Restart();
    EXPECT_TRUE(HasReason(started, Reason::STORE_CORRUPT)) << ToText(started);
    EXPECT_NE(std::string(started.message()).find(store::FamilyName(family)), std::string::npos);
    node.PutDisk(whole);
    ASSERT_TRUE(node.Restart().ok());
  }
  f.Rest();
}

TEST(Disk, AStoreThatWasRolledBackCatchesUpBeforeItSigns) {
  Faults f;
  Node& node = *f.Follower(true);
  node.Kill(100);
  const auto old = node.CopyDisk();
  ASSERT_TRUE(node.Restart().ok());
  for (int i = 0; i < 3; ++i) f.ExpectService();
  f.Rest();
  node.Kill(100);
  node.PutDisk(old);
  ASSERT_TRUE(node.Restart().ok());
  f.ExpectService();
  f.Rest();
  f.history.Check();
}

// ---- the log -------------------------------------------------------------------------------------------------------

TEST(SharedLogFaults, AnAppendWithoutAnAnswerIsRecordedOnce) {
  for (const log::AppendFate fate :
       {log::AppendFate::kUnknownIn, log::AppendFate::kUnknownOut, log::AppendFate::kUnknownLater}) {
    Faults f;
    f.log().memory().NextAppend(fate);
    const uint64_t before = f.Cancelled();
    bool arrived = false;
    f.world.WhenStepping([&] {
      // The late one arrives while it is being asked for.
      if (!arrived && fate == log::AppendFate::kUnknownLater) arrived = f.log().memory().SettleLate(true) > 0;
    });
    const absl::Status done = f.Act(*f.Sequencer(true));
    EXPECT_TRUE(done.ok()) << ToText(done);
    f.world.WhenStepping(nullptr);
    f.Rest();
    EXPECT_EQ(f.Cancelled(), before + 1);
  }
}

TEST(SharedLogFaults, WithoutBellsFollowersLookThemselves) {
  Faults f;
  f.log().memory().MuteDoorbells(true);
  f.ExpectService(f.Sequencer(true));
  f.Rest();
}

TEST(SharedLogFaults, AServerThatShowsThePastDelaysAndHarmsNothing) {
  Faults f;
  for (int i = 0; i < 3; ++i) f.ExpectService();
  f.log().memory().Lag(3);
  Node& node = *f.Follower(true);
  node.Kill(100);
  ASSERT_TRUE(node.Restart().ok());
  f.world.Run(1'500'000);
  f.log().memory().Lag(0);
  f.Rest();
  for (Node* each : f.thailand) EXPECT_TRUE(each->core().failure().ok()) << ToText(each->core().failure());
}

TEST(SharedLogFaults, WhoCannotReachTheLogMakesRoom) {
  Faults f;
  Node& node = *f.Sequencer(true);
  f.log().Reach(node.address(), false);
  f.world.Run(3'000'000);
  f.ExpectService(&node);
  f.log().Reach(node.address(), true);
  f.Rest();
}

TEST(SharedLogFaults, AnEmptiedLogStopsEveryReplicaThoughNobodyAsks) {
  Faults f;
  f.log().Empty();
  EXPECT_TRUE(f.world.RunUntil([&] { return f.AllDiverged(); }, 10'000'000));
}

TEST(SharedLogFaults, ARolledBackLogStopsEveryReplicaThoughNobodyAsks) {
  Faults f;
  f.log().memory().LoseTail(1);
  EXPECT_TRUE(f.world.RunUntil([&] { return f.AllDiverged(); }, 10'000'000));
}

TEST(SharedLogFaults, NothingIsAcknowledgedOnALogThatWasEmptied) {
  Faults f;
  f.ExpectService();
  f.Rest();
  const uint64_t before = f.Cancelled();
  f.log().Empty();
  for (Node* node : f.thailand) EXPECT_FALSE(f.Act(*node).ok());
  EXPECT_EQ(f.Cancelled(), before);
}

TEST(SharedLogFaults, ANewGenerationGoesOnBehindTheMostAdvancedReplica) {
  for (const bool emptied : {true, false}) {
    Faults f;
    for (int i = 0; i < 3; ++i) f.ExpectService();
    f.Rest();
    Node& late = *f.Follower(true);
    late.Kill(100);
    f.ExpectService();
    f.ExpectService();
    f.world.Run(1'000'000);
    if (emptied) {
      f.log().Empty();
    } else {
      f.log().memory().LoseTail(2);
    }
    ASSERT_TRUE(f.world.RunUntil(
        [&] {
          for (Node* node : f.thailand) {
            if (node != &late && !f.Diverged(*node)) return false;
          }
          return true;
        },
        10'000'000));
    ASSERT_TRUE(late.Restart().ok());
    f.StartLogAnew(true);
    f.ExpectService(nullptr, 10'000'000);
    f.Rest();
    EXPECT_EQ(f.Cancelled(), f.acts);
    f.history.Check();
  }
}

TEST(NewGeneration, IsNotDueWhileTheLogIsInOrder) {
  Faults f;
  const absl::Status refused = f.AgreeOnNewLog(*f.thailand[0], {}).status();
  EXPECT_TRUE(HasReason(refused, Reason::GENERATION_NOT_DUE)) << ToText(refused);
}

TEST(NewGeneration, IsNotStartedWhenTheLogHasComeBackMeanwhile) {
  Faults f;
  f.ExpectService();
  f.Rest();
  f.log().memory().Lag(1);
  ASSERT_TRUE(f.world.RunUntil([&] { return f.AllDiverged(); }, 10'000'000));
  const absl::StatusOr<std::string> agreement = f.AgreeOnNewLog(*f.thailand[0], {f.thailand[1], f.thailand[2]});
  ASSERT_TRUE(agreement.ok()) << ToText(agreement.status());
  const uint64_t generation = f.thailand[0]->core().applied().generation;
  f.log().memory().Lag(0);
  const absl::Status refused = f.BeginNewLog(*f.thailand[0], *agreement);
  EXPECT_TRUE(HasReason(refused, Reason::GENERATION_NOT_DUE)) << ToText(refused);
  f.world.Run(2'000'000);
  f.Supervise();
  f.ExpectService(nullptr, 10'000'000);
  f.Rest();
  EXPECT_EQ(f.thailand[0]->core().applied().generation, generation);
  f.history.Check();
}

TEST(NewGeneration, TakesNoAgreementThatIsOldOrOfAnOldGeneration) {
  Faults f;
  f.log().Empty();
  ASSERT_TRUE(f.world.RunUntil([&] { return f.AllDiverged(); }, 10'000'000));
  Node& first = *f.thailand[0];
  const uint64_t generation = first.core().applied().generation;
  const absl::Status not_new = first.core().AgreeGeneration("", generation).status();
  EXPECT_TRUE(HasReason(not_new, Reason::GENERATION_OUTDATED)) << ToText(not_new);
  const absl::StatusOr<std::string> agreement = f.AgreeOnNewLog(first, {f.thailand[1]});
  ASSERT_TRUE(agreement.ok()) << ToText(agreement.status());
  f.world.AdvanceTo(BookTime::FromMicros(f.world.clock().Now().micros + 2 * 3'600'000'000));
  const absl::Status signed_late = f.thailand[2]->core().AgreeGeneration(*agreement, 0).status();
  EXPECT_TRUE(HasReason(signed_late, Reason::GENERATION_OUTDATED)) << ToText(signed_late);
  const absl::Status started_late = f.BeginNewLog(first, *agreement);
  EXPECT_TRUE(HasReason(started_late, Reason::GENERATION_OUTDATED)) << ToText(started_late);
  EXPECT_TRUE(f.AllDiverged());
}

TEST(NewGeneration, IsRefusedWhileASiblingHasMoreThoughTheOthersAgreed) {
  Faults f;
  Node& ahead = *f.Sequencer(true);
  std::vector<Node*> behind;
  for (Node* node : f.thailand) {
    if (node != &ahead) behind.push_back(node);
  }
  for (Node* node : behind) node->Kill(100);
  const absl::Status done = f.Act(ahead);
  ASSERT_TRUE(done.ok()) << ToText(done);
  f.log().Empty();
  for (Node* node : behind) ASSERT_TRUE(node->Restart().ok());
  ASSERT_TRUE(f.world.RunUntil([&] { return f.AllDiverged(); }, 10'000'000));
  const absl::StatusOr<std::string> agreement = f.AgreeOnNewLog(*behind[0], {behind[1]});
  ASSERT_TRUE(agreement.ok()) << ToText(agreement.status());
  const absl::Status not_signed = ahead.core().AgreeGeneration(*agreement, 0).status();
  EXPECT_TRUE(HasReason(not_signed, Reason::GENERATION_BEHIND)) << ToText(not_signed);
  const absl::Status not_started = f.BeginNewLog(*behind[0], *agreement);
  EXPECT_TRUE(HasReason(not_started, Reason::GENERATION_BEHIND)) << ToText(not_started);
  // From the one that has most it goes on, and nothing is missing.
  f.StartLogAnew(true);
  f.ExpectService(nullptr, 10'000'000);
  f.Rest();
  EXPECT_EQ(f.Cancelled(), f.acts);
  f.history.Check();
}

TEST(NewGeneration, IsNotSignedByAReplicaInQuarantine) {
  Faults f;
  Node& node = *f.Follower(true);
  for (const std::string& key : node.disk().Keys(store::Family::kState)) {
    const std::string blocks = registry::StateKey({"THA", "TH"}, v1::TABLE_BLOCK, "");
    if (key.compare(0, blocks.size(), blocks) == 0) node.disk().Damage(store::Family::kState, key);
  }
  f.ExpectService(&node);
  ASSERT_TRUE(f.world.RunUntil([&] { return !node.core().quarantine().empty(); }, 10'000'000));
  f.log().Empty();
  f.world.Run(5'000'000);
  const absl::Status refused = node.core().AgreeGeneration("", 0).status();
  EXPECT_TRUE(HasReason(refused, Reason::REPLICA_QUARANTINED)) << ToText(refused);
}

TEST(SharedLogFaults, NobodyOrdersBehindWhatASiblingHasApplied) {
  Faults f;
  Node& late = *f.Follower(true);
  const uint64_t had = late.core().applied().index;
  late.Kill(100);
  f.ExpectService();
  f.Rest();
  // The log forgets what the others have, and the one that never had it finds nothing wrong.
  f.log().memory().LoseTail(f.log().memory().Tail()->index - had);
  ASSERT_TRUE(late.Restart().ok());
  f.log().Deceive(late.address(), late.options().replica_name);
  f.world.Run(500'000);
  EXPECT_FALSE(f.Act(late).ok()) << "a second history has begun";
  f.world.Run(5'000'000);
  EXPECT_FALSE(f.Act(late).ok()) << "a second history has begun when the others had stopped";
}

// ---- clocks --------------------------------------------------------------------------------------------------------

TEST(Clocks, AReplicaWhoseClockWasSetStopsOrderingAndAnotherOneGoesOn) {
  for (const int64_t step : {3'600'000'000, -3'600'000'000}) {
    Faults f;
    Node& node = *f.Sequencer(true);
    node.clock().Step(step);
    f.world.Run(2'000'000);
    f.ExpectService(&node, 5'000'000);
    EXPECT_NE(f.Sequencer(true), &node);
    const uint64_t stamped = f.thailand[0]->core().applied().time.micros;
    EXPECT_LE(stamped, f.world.clock().Now().micros + 1'000'000) << "nothing is stamped by a clock that was set";
    node.clock().Repair();
    f.Rest();
  }
}

TEST(Clocks, APartnerWhoseClockWasSetCosignsNothingAndStopsNobody) {
  Faults f;
  f.japan[0]->clock().Step(3'600'000'000);
  for (int i = 0; i < 3; ++i) f.ExpectService();
  f.world.Run(3'000'000);
  f.ExpectService();
  for (Node* node : f.thailand) EXPECT_EQ(node->core().Status().clock_state, "RUNNING") << node->address();
  f.japan[0]->clock().Repair();
  f.Rest();
}

TEST(Clocks, ARegistryOfOneStopsAndGoesOnWhenTheClockIsRight) {
  Pair f(7, 1, 1);
  f.world.AnswerWithin(5'000'000);
  ASSERT_TRUE(f.world.RunUntil([&] { return f.AtRest(); }));
  Node& node = *f.thailand[0];
  node.clock().Step(3'600'000'000);
  f.world.Run(1'000'000);
  const auto act = [&](uint64_t serial) {
    return f.story.Cancel(node, absl::StrCat("F-", serial), "company", "company",
                          Range(f.decided.lot_id, serial, serial));
  };
  const absl::Status refused = act(601);
  EXPECT_TRUE(HasReason(refused, Reason::CLOCK_NOT_TRUSTED)) << ToText(refused);
  node.clock().Repair();
  f.world.Run(3'000'000);
  const absl::Status done = act(602);
  EXPECT_TRUE(done.ok()) << ToText(done);
}

// ---- partitions ----------------------------------------------------------------------------------------------------

TEST(Partitions, AReplicaWithoutSiblingsSignsNothingAlone) {
  Faults f;
  Node& node = *f.Sequencer(true);
  for (Node* other : f.thailand) {
    if (other != &node) f.world.Cut(node.address(), other->address(), true);
  }
  f.world.Run(2'000'000);
  f.ExpectService(&node, 10'000'000);
  for (Node* other : f.thailand) f.world.Cut(node.address(), other->address(), false);
  f.Rest();
  f.history.Check();
}

TEST(Partitions, WithoutThePartnerEachGovernmentGoesOn) {
  Faults f;
  f.world.Cut("THA", "JPN", true);
  for (int i = 0; i < 3; ++i) f.ExpectService();
  f.world.Run(10'000'000);
  f.world.Cut("THA", "JPN", false);
  f.Rest();
  f.history.Check();
}

// ---- losses --------------------------------------------------------------------------------------------------------

TEST(Losses, AReplicaIsReplacedFromASiblingsStore) {
  Faults f;
  Node& node = *f.Follower(true);
  f.world.Replace(node, *f.Sequencer(true));
  node.options().marked_restored = true;
  f.ExpectService(&node);
  ASSERT_TRUE(node.Restart().ok());
  f.Rest();
  f.ExpectService(nullptr);
  f.Rest();
  f.history.Check();
}

TEST(Losses, ThreeReplicasThatAreAloneResumeByTwoPersons) {
  Faults f;
  f.ExpectService();
  f.Rest();
  f.world.Cut("THA", "JPN", true);
  for (Node* node : f.thailand) {
    node->Kill(100);
    node->options().marked_restored = true;
    ASSERT_TRUE(node->Restart().ok());
  }
  f.world.Run(3'000'000);
  const absl::Status refused = f.Act(*f.Sequencer(true));
  EXPECT_TRUE(HasReason(refused, Reason::BOOK_NOT_ORDERING)) << ToText(refused);
  for (const char* partnership : {"home", "TH"}) {
    Node& node = *f.Follower(true);
    absl::Status handed_in = absl::UnknownError("no answer");
    node.core().HandInStatement(partnership, book::LeafKind::RESUME_ALONE,
                                f.world.SignResumeAlone(node, {"THA", partnership}, {"operator", "operator2"}),
                                [&handed_in](absl::Status status) { handed_in = std::move(status); });
    f.world.Run(1'000'000);
    EXPECT_TRUE(handed_in.ok()) << ToText(handed_in);
  }
  f.ExpectService();
  f.world.Cut("THA", "JPN", false);
  f.Rest();
  f.history.Check();
}

TEST(Losses, AReplicasKeyIsChangedWhileTheOthersSign) {
  Faults f;
  Node& node = *f.Follower(true);
  ASSERT_TRUE(f.world.ChangeReplicaKey(*f.Sequencer(true), node, {{"THA", "home"}, {"THA", "TH"}}).ok());
  f.world.Run(2'000'000);
  f.ExpectService();
  f.world.UseNewReplicaKey(node);
  f.ExpectService();
  f.Rest();
  // With it and one other there are two.
  for (Node* other : f.thailand) {
    if (other == &node || other == f.Sequencer(true)) continue;
    other->Kill(100);
    f.ExpectService();
    f.Rest();
    ASSERT_TRUE(other->Restart().ok());
    break;
  }
  f.Rest();
}

// All three machines of a government and its log are gone: what was cosigned comes back from the other government.
TEST(Losses, AWholeSiteComesBackFromThePartner) {
  enum class Meanwhile { kNothing, kSequencerDies, kAnotherOneOrdersToo };
  for (const Meanwhile meanwhile : {Meanwhile::kNothing, Meanwhile::kSequencerDies, Meanwhile::kAnotherOneOrdersToo}) {
    SCOPED_TRACE(static_cast<int>(meanwhile));
    Faults f;
    for (int i = 0; i < 3; ++i) f.ExpectService();
    f.Rest();
    f.world.Run(5'000'000);
    const auto info = [&](Node& node, const char* partnership) {
      return node.core().View()->Info({"THA", partnership});
    };
    const Digest home = info(*f.thailand[0], "home")->root;
    const Digest book = info(*f.thailand[0], "TH")->root;
    for (Node* node : f.thailand) {
      node->LoseSite();
      node->options().limits.batch_bytes = 3'000;  // home comes back in several batches
    }
    f.log().Empty();
    for (Node* node : f.thailand) ASSERT_TRUE(node->Restart().ok());
    if (meanwhile != Meanwhile::kNothing) {
      // Of what the first one has fetched, a part comes into the log, and the rest never does.
      f.log().memory().NextAppend(log::AppendFate::kIn);
      for (int i = 0; i < 100; ++i) f.log().memory().NextAppend(log::AppendFate::kUnknownOut);
      EXPECT_TRUE(f.world.RunUntil([&] { return f.Sequencer(true) != nullptr; }));
      Node& node = *f.Sequencer(true);
      f.world.Run(2'000'000);
      if (meanwhile == Meanwhile::kSequencerDies) {
        node.Kill(0);
        f.log().memory().ForgetFates();
        f.world.Run(3'000'000);
        ASSERT_TRUE(node.Restart().ok());
      } else {
        Node& other = *f.Follower(true);
        f.log().Deceive(other.address(), other.options().replica_name);
        f.world.Run(1'000'000);
        f.log().memory().ForgetFates();
        f.log().Reach(node.address(), false);
        f.world.Run(300'000);
        f.log().Reach(node.address(), true);
        f.log().Deceive(other.address(), "");
      }
    }
    EXPECT_TRUE(f.world.RunUntil(
        [&] {
          for (Node* node : f.thailand) {
            if (!Pair::Healthy(*node)) return false;
            for (const auto& each : node->core().Status().books) {
              if (each.state != "ORDERING") return false;
            }
          }
          return true;
        },
        kRestMicros));
    for (Node* node : f.thailand) {
      ASSERT_TRUE(info(*node, "home").ok() && info(*node, "TH").ok()) << node->address();
      EXPECT_TRUE(info(*node, "home")->root == home) << node->address();
      EXPECT_TRUE(info(*node, "TH")->root == book) << node->address();
    }
    f.ExpectService(nullptr, 10'000'000);
    f.Rest();
    f.history.Check();
  }
}

}  // namespace
}  // namespace jcm::simulation
