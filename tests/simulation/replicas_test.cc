// A registry on three replicas over one shared log, with a partner of three replicas too: any of them answers, any one
// may die, and what leaves a registry has two signatures of three.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/book/note.h"
#include "ledger/registry/keys.h"
#include "tests/simulation/story.h"

namespace jcm::simulation {
namespace {

// Japan and Thailand with `count` replicas each; the partnership is open and TH014 decided and issued in Thailand.
struct Replicated {
  explicit Replicated(uint64_t seed, int count = 3)
      : world(seed),
        japan(world.AddReplicas("JPN", {{"TH", "THA"}}, count)),
        thailand(world.AddReplicas("THA", {{"TH", "JPN"}}, count)),
        story(world, "TH", "JPN", "THA") {
    world.Start();
    story.SetUp("TH014", 2021);
    decided = story.DecideInMeeting(
        "D-1", "TH014", 2021,
        {{v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "THA", 600}, {v1::PARTY_KIND_PARTICIPANT, "THA", 400}});
    story.Must(story.Issue(*thailand[0], decided, {{1, "government"}, {2, "company"}}), "issue");
    Rest();
  }

  std::vector<Node*> All() {
    std::vector<Node*> all = japan;
    all.insert(all.end(), thailand.begin(), thailand.end());
    return all;
  }

  // Every running replica of a registry has applied the same, and shows the same books, checkpoints and cosignatures.
  bool AtRest() {
    for (const std::vector<Node*>* side : {&japan, &thailand}) {
      Node* first = nullptr;
      for (Node* node : *side) {
        if (!node->running() || !node->core().quarantine().empty()) continue;
        if (first == nullptr) first = node;
        if (!(node->core().applied() == first->core().applied())) return false;
        for (const std::string& book : {std::string("home"), std::string("TH")}) {
          const auto info = node->core().View()->Info({node->registry(), book});
          if (!info.ok() || info->checkpoint_size != info->size) return false;
          if (book == "TH" && info->cosigned_size != info->size) return false;
        }
      }
    }
    return true;
  }
  void Rest() {
    ASSERT_TRUE(world.RunUntil([&] { return AtRest() && story.InStep(); }, 300'000'000));
  }

  Node* Sequencer(const std::vector<Node*>& side) {
    for (Node* node : side) {
      if (node->options().replica_name == world.shared_log(node->registry()).holder()) return node;
    }
    return nullptr;
  }
  Node* Follower(const std::vector<Node*>& side) {
    for (Node* node : side) {
      if (node != Sequencer(side) && node->running()) return node;
    }
    return nullptr;
  }

  World world;
  std::vector<Node*> japan;
  std::vector<Node*> thailand;
  Story story;
  Decided decided;
};

void ExpectSameEntries(const Node& a, const Node& b, const BookId& book) {
  auto one = const_cast<Node&>(a).core().View();
  auto other = const_cast<Node&>(b).core().View();
  const auto info = one->Info(book);
  ASSERT_TRUE(info.ok());
  ASSERT_EQ(info->size, other->Info(book)->size);
  for (uint64_t i = 0; i < info->size; ++i) {
    EXPECT_EQ(one->Entry(book, i)->SerializeAsString(), other->Entry(book, i)->SerializeAsString()) << i;
  }
}

TEST(Replicas, EachHasTheSameEntriesByteForByte) {
  Replicated r(1);
  for (size_t i = 1; i < 3; ++i) {
    ExpectSameEntries(*r.japan[0], *r.japan[i], {"JPN", "TH"});
    ExpectSameEntries(*r.japan[0], *r.japan[i], {"JPN", "home"});
    ExpectSameEntries(*r.japan[0], *r.japan[i], {"THA", "TH"});
    ExpectSameEntries(*r.thailand[0], *r.thailand[i], {"THA", "TH"});
  }
}

TEST(Replicas, AnyOfThemAnswersAndThenShowsWhatItAnswered) {
  Replicated r(2);
  uint64_t next = 1;
  for (Node* node : r.thailand) {
    const std::string id = absl::StrCat("T-", next);
    ASSERT_TRUE(
        r.story.Transfer(*node, id, "ministry", "government", "company", Range(r.decided.lot_id, next, next + 9))
            .ok() ||
        r.story.Transfer(*node, id, "operator", "government", "company", Range(r.decided.lot_id, next, next + 9)).ok());
    next += 10;
  }
  r.Rest();
}

TEST(Replicas, CheckpointsAndCosignaturesHaveTwoSignaturesOfEachSide) {
  Replicated r(3);
  for (Node* node : r.All()) {
    absl::StatusOr<std::string> text = node->core().View()->NewestNote({node->registry(), "TH"});
    ASSERT_TRUE(text.ok() && !text->empty());
    absl::StatusOr<book::Note> note = book::ParseNote(*text);
    ASSERT_TRUE(note.ok());
    std::map<std::string, std::set<std::string>> signers;
    for (const book::NoteSignature& line : note->signatures) {
      const size_t end = line.key_name.rfind('/');
      signers[line.key_name.substr(0, end)].insert(line.key_name.substr(end + 1));
    }
    EXPECT_GE(signers["demo.invalid/JPN"].size(), 2u) << *text;
    EXPECT_GE(signers["demo.invalid/THA"].size(), 2u) << *text;
  }
}

TEST(Replicas, GoOnWithoutTheOneThatOrdered) {
  Replicated r(4);
  for (int round = 0; round < 3; ++round) {
    Node* sequencer = r.Sequencer(r.thailand);
    ASSERT_NE(sequencer, nullptr);
    sequencer->Kill();
    Node* other = r.Follower(r.thailand);
    const uint64_t before = r.world.clock().MonotonicMicros();
    const absl::Status done = r.story.Cancel(*other, absl::StrCat("C-", round), "company", "company",
                                             Range(r.decided.lot_id, 601 + 10 * round, 610 + 10 * round));
    EXPECT_TRUE(done.ok()) << ToText(done);
    EXPECT_LT(r.world.clock().MonotonicMicros() - before, 3'000'000u);
    ASSERT_TRUE(sequencer->Restart().ok());
    r.Rest();
  }
}

TEST(Replicas, NeitherCheckpointNorCosignatureLeavesWithOneOfThree) {
  Replicated r(5);
  Node* alone = r.Sequencer(r.thailand);
  for (Node* node : r.thailand) {
    if (node != alone) node->Kill();
  }
  const uint64_t signed_before = alone->core().View()->Info({"THA", "TH"})->checkpoint_size;
  // The log still has its quorum: acts are recorded, but nothing is said in the registry's name.
  ASSERT_TRUE(r.story.Cancel(*alone, "C", "company", "company", Range(r.decided.lot_id, 601, 610)).ok());
  r.world.Run(5'000'000);
  EXPECT_EQ(alone->core().View()->Info({"THA", "TH"})->checkpoint_size, signed_before);
  for (Node* node : r.japan) EXPECT_EQ(node->core().View()->Info({"THA", "TH"})->size, signed_before);
  for (Node* node : r.thailand) {
    if (node != alone) {
      ASSERT_TRUE(node->Restart().ok());
    }
  }
  r.Rest();
  for (Node* node : r.japan) EXPECT_GT(node->core().View()->Info({"THA", "TH"})->size, signed_before);
}

TEST(Replicas, OneThatDivergesSpeaksNoMore) {
  Replicated r(6);
  Node* bad = r.Follower(r.thailand);
  // An account's record on one disk changes by itself: from now on its trees are other ones.
  r.world.AppendUnchecked(*bad, {"THA", "TH"});
  ASSERT_TRUE(
      r.story.Cancel(*r.Sequencer(r.thailand), "C", "company", "company", Range(r.decided.lot_id, 601, 610)).ok());
  ASSERT_TRUE(r.world.RunUntil([&] { return !bad->core().quarantine().empty(); }));
  EXPECT_FALSE(bad->core().Status().quarantine.empty());
  // It answers neither partners nor clients, and stays so over a restart.
  for (int i = 0; i < 2; ++i) {
    absl::StatusOr<std::string> answer = absl::InternalError("none");
    mirror::v1::ReadEntriesRequest request;
    request.set_book("THA/TH");
    bad->core().AnswerPeer("JPN", registry::PeerTransport::Method::kReadEntries, request.SerializeAsString(),
                           [&](absl::StatusOr<std::string> given) { answer = std::move(given); });
    EXPECT_TRUE(HasReason(answer.status(), Reason::REPLICA_QUARANTINED)) << ToText(answer.status());
    const absl::Status refused = r.story.Cancel(*bad, "C2", "company", "company", Range(r.decided.lot_id, 611, 620));
    EXPECT_TRUE(HasReason(refused, Reason::REPLICA_QUARANTINED)) << ToText(refused);
    bad->Kill(100);
    ASSERT_TRUE(bad->Restart().ok());
    r.world.Run(1'000'000);
  }
  // The other two go on, and the partner notices nothing.
  r.Rest();
  for (Node* node : r.japan) EXPECT_EQ(node->core().Status().partners[0].halt, "");
}

TEST(Replicas, OneThatIsReplacedJoinsFromASiblingAndSigns) {
  Replicated r(7);
  Node* replaced = r.Follower(r.thailand);
  Node* sibling = r.Sequencer(r.thailand);
  r.world.Replace(*replaced, *sibling);
  ASSERT_TRUE(r.story.Cancel(*sibling, "C", "company", "company", Range(r.decided.lot_id, 601, 610)).ok());
  replaced->options().marked_restored = true;
  ASSERT_TRUE(replaced->Restart().ok());
  r.Rest();
  // It takes part again: with it and one other there are two.
  for (Node* node : r.thailand) {
    if (node != replaced && node != sibling) node->Kill();
  }
  ASSERT_TRUE(r.story.Cancel(*replaced, "C2", "company", "company", Range(r.decided.lot_id, 611, 620)).ok());
  r.Rest();
}

TEST(Replicas, OneThatTheLogCannotBringUpToDateSaysSo) {
  Replicated r(8);
  Node* late = r.Follower(r.thailand);
  late->Kill();
  ASSERT_TRUE(
      r.story.Cancel(*r.Sequencer(r.thailand), "C", "company", "company", Range(r.decided.lot_id, 601, 610)).ok());
  ASSERT_TRUE(
      r.story.Cancel(*r.Sequencer(r.thailand), "C2", "company", "company", Range(r.decided.lot_id, 611, 620)).ok());
  log::MemoryLog& log = r.world.shared_log("THA").memory();
  ASSERT_TRUE(log.Trim(log.Tail()->index).ok());
  ASSERT_TRUE(late->Restart().ok());
  ASSERT_TRUE(r.world.RunUntil([&] { return !late->core().failure().ok(); }));
  EXPECT_TRUE(HasReason(late->core().failure(), Reason::LOG_TRIMMED)) << ToText(late->core().failure());
}

TEST(Replicas, StopWhenTheLogHasLostWhatTheyApplied) {
  Replicated r(9);
  r.world.shared_log("THA").Empty();
  for (Node* node : r.thailand) node->Kill();
  for (Node* node : r.thailand) ASSERT_TRUE(node->Restart().ok());
  for (Node* node : r.thailand) {
    ASSERT_TRUE(r.world.RunUntil([&] { return !node->core().failure().ok(); }));
    EXPECT_TRUE(HasReason(node->core().failure(), Reason::LOG_DIVERGED)) << ToText(node->core().failure());
    // What they have can still be read.
    EXPECT_TRUE(node->core().View()->Info({"THA", "TH"}).ok());
  }
}

TEST(Replicas, RefuseNewWorkWhenTooMuchOfTheLogWaitsForCheckpoints) {
  Replicated r(10);
  Node* alone = r.Sequencer(r.thailand);
  for (Node* node : r.thailand) {
    if (node != alone) node->Kill();
  }
  alone->Kill(100);
  alone->options().limits.log_high_water_bytes = 3'000;
  ASSERT_TRUE(alone->Restart().ok());
  absl::Status status;
  int accepted = 0;
  for (; accepted < 20 && status.ok(); ++accepted) {
    status = r.story.Cancel(*alone, absl::StrCat("C-", accepted), "company", "company",
                            Range(r.decided.lot_id, 601 + accepted, 601 + accepted));
  }
  EXPECT_TRUE(HasReason(status, Reason::LOG_FULL)) << ToText(status);
  EXPECT_GT(accepted, 1);
  for (Node* node : r.thailand) {
    if (node != alone) {
      ASSERT_TRUE(node->Restart().ok());
    }
  }
  r.Rest();
  EXPECT_TRUE(r.story.Cancel(*alone, "again", "company", "company", Range(r.decided.lot_id, 650, 650)).ok());
}

TEST(Replicas, TrimTheLogBehindWhatIsSettled) {
  Replicated r(11);
  Node* sequencer = r.Sequencer(r.thailand);
  for (Node* node : r.thailand) {
    node->Kill(100);
    node->options().limits.log_kept_batches = 20;
    ASSERT_TRUE(node->Restart().ok());
  }
  r.Rest();
  sequencer = r.Sequencer(r.thailand);
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(
        r.story
            .Cancel(*sequencer, absl::StrCat("C-", i), "company", "company", Range(r.decided.lot_id, 601 + i, 601 + i))
            .ok());
  }
  r.Rest();
  log::MemoryLog& log = r.world.shared_log("THA").memory();
  EXPECT_GT(*log.First(), 200u);
  EXPECT_LE(*log.First() + 20, log.Tail()->index + 1);
  // All of them still start.
  for (Node* node : r.thailand) {
    node->Kill(100);
    ASSERT_TRUE(node->Restart().ok());
  }
  r.Rest();
}

}  // namespace
}  // namespace jcm::simulation
