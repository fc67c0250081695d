// All orders of votes, ticks, imports and the end of the window over two books, compared with the rule of
// decision_outcome.h written down a second time, directly over the list of all votes.
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/date.h"
#include "ledger/base/hash.h"
#include "ledger/rules/decision_outcome.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

constexpr uint64_t kHourUs = 3'600'000'000;

std::string Text() {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_DOCUMENT);
  text.set_title("Rules of procedure");
  text.set_document_digest(std::string(32, 'd'));
  return state::Serialise(text);
}

std::string TextDigest() {
  const Digest digest = Sha256(Text());
  return std::string(AsBytes(digest));
}

// What the specification knows: each vote and when it was recorded.
struct SpecVote {
  BookTime at;
  bool owner;
  uint64_t order;  // of recording over both books, for votes of one side
  std::string member;
  v1::Vote vote;
};

struct World {
  TestPair pair;
  std::vector<SpecVote> votes;
  v1::DecisionState last_state = v1::DECISION_STATE_OPEN;
  std::map<bool, uint64_t> through;
};

v1::DecisionRecord DecisionOf(World& world) {
  return *world.pair.jpn().book("TH").Find<v1::DecisionRecord>(v1::TABLE_DECISION, "D1");
}

// ---- the rule, a second time
// ------------------------------------------------------------------------------------------

bool RuleHolds(const std::vector<SpecVote>& so_far, bool window_over) {
  const std::map<bool, std::vector<std::string>> members = {{true, {"JPN-chair", "JPN-member"}},
                                                            {false, {"THA-chair", "THA-member"}}};
  bool all_yes = true;
  bool chairs_yes = true;
  bool any_no = false;
  for (const auto& [owner, ids] : members) {
    bool some_yes = false;
    for (const std::string& id : ids) {
      v1::Vote last = v1::VOTE_UNSPECIFIED;
      for (const SpecVote& vote : so_far) {
        if (vote.member == id) last = vote.vote;
      }
      if (last == v1::VOTE_YES) some_yes = true;
      if (last != v1::VOTE_YES && last != v1::VOTE_RECUSED) all_yes = false;
      if (last == v1::VOTE_NO) any_no = true;
      if (id == ids[0] && last != v1::VOTE_YES) chairs_yes = false;
    }
    if (!some_yes) all_yes = false;
  }
  return all_yes || (window_over && chairs_yes && !any_no);
}

// The instant of adoption; 0 if there is none before the long stop.
uint64_t SpecAdoptedAt(std::vector<SpecVote> votes, BookTime start, BookTime window_end, BookTime long_stop) {
  std::stable_sort(votes.begin(), votes.end(), [](const SpecVote& a, const SpecVote& b) {
    if (a.at != b.at) return a.at < b.at;
    if (a.owner != b.owner) return a.owner;
    return a.order < b.order;
  });
  std::vector<SpecVote> so_far;
  bool window_checked = false;
  for (size_t i = 0; i <= votes.size(); ++i) {
    if (!window_checked && (i == votes.size() || votes[i].at >= window_end)) {
      window_checked = true;
      if (RuleHolds(so_far, true)) return window_end.micros;
    }
    if (i == votes.size() || votes[i].at >= long_stop) break;
    so_far.push_back(votes[i]);
    if (votes[i].at >= start && RuleHolds(so_far, votes[i].at >= window_end)) return votes[i].at.micros;
  }
  return 0;
}

// ---- actions
// -----------------------------------------------------------------------------------------------------------

using Action = std::function<void(World&)>;

void Open(World& world) {
  v1::Command command;
  command.mutable_open_decision()->set_decision_id("D1");
  command.mutable_open_decision()->set_mode(v1::DECISION_MODE_ELECTRONIC);
  command.mutable_open_decision()->set_rulebook_version("TH/1");
  command.mutable_open_decision()->set_text(Text());
  ASSERT_EQ(world.pair.jpn().Submit("TH", command, {"secretary"}), absl::OkStatus());
  ASSERT_EQ(world.pair.Import(world.pair.host()), absl::OkStatus());
}

void Distribute(World& world) {
  v1::Command command;
  command.mutable_distribute_decision()->set_decision_id("D1");
  command.mutable_distribute_decision()->set_text_digest(TextDigest());
  ASSERT_EQ(world.pair.host().Submit("TH", command, {"secretary"}), absl::OkStatus());
}

// A vote may come too late, when its own book knows of the outcome: then it is refused and does not count.
Action Votes(bool japan, const std::string& person, v1::Vote vote) {
  return [=](World& world) {
    TestRegistry& side = world.pair.of(japan);
    const std::string member = absl::StrCat(side.code(), "-", person);
    v1::Command command;
    command.mutable_cast_vote()->set_decision_id("D1");
    command.mutable_cast_vote()->set_text_digest(TextDigest());
    command.mutable_cast_vote()->set_member_id(member);
    command.mutable_cast_vote()->set_vote(vote);
    command.mutable_cast_vote()->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
    const absl::Status status = side.Submit("TH", command, {person});
    if (HasReason(status, Reason::DECISION_NOT_OPEN)) return;
    ASSERT_EQ(status, absl::OkStatus());
    world.votes.push_back({side.now(), japan, world.votes.size(), member, vote});
  };
}

Action Imports(bool japan) {
  return [=](World& world) { ASSERT_EQ(world.pair.Import(world.pair.of(japan)), absl::OkStatus()); };
}

Action Ticks(bool japan) {
  return [=](World& world) { ASSERT_EQ(world.pair.of(japan).TickAll("TH").status(), absl::OkStatus()); };
}

void WindowPasses(World& world) { world.pair.Advance(11 * kMicrosPerDay); }

// ---- what must hold
// -----------------------------------------------------------------------------------------------------

void CheckAlways(World& world) {
  const v1::DecisionRecord decision = DecisionOf(world);
  if (world.last_state != v1::DECISION_STATE_OPEN) {
    ASSERT_EQ(decision.state(), world.last_state);
  }
  world.last_state = decision.state();
  for (const bool japan : {true, false}) {
    const auto closed = world.pair.of(japan).book("TH").Find<v1::VotesClosedRecord>(v1::TABLE_VOTES_CLOSED, "D1");
    const uint64_t through = closed.has_value() ? closed->through_us() : 0;
    ASSERT_GE(through, world.through[japan]);
    ASSERT_LE(through, world.pair.of(japan).now().micros);
    world.through[japan] = through;
  }
}

void CheckAtTheEnd(World world, int* adopted) {
  // Everything recorded arrives in the end, and time goes on: past the window, then past the long stop.
  ASSERT_EQ(world.pair.Settle(), absl::OkStatus());
  world.pair.Advance(12 * kMicrosPerDay);
  ASSERT_EQ(world.pair.Settle(), absl::OkStatus());
  world.pair.Advance(90 * kMicrosPerDay);
  ASSERT_EQ(world.pair.Settle(), absl::OkStatus());

  const v1::DecisionRecord decision = DecisionOf(world);
  const auto reaction = *world.pair.host().book("TH").Find<v1::ReactionRecord>(v1::TABLE_REACTION, "D1");
  const BookTime start =
      ClockStart(BookTime::FromMicros(decision.opened_at_us()), BookTime::FromMicros(reaction.distributed_at_us()));
  const uint64_t expected =
      SpecAdoptedAt(world.votes, start, WindowEnd(start, decision.parameters()),
                    LongStop(BookTime::FromMicros(decision.opened_at_us()), decision.parameters()));
  ASSERT_EQ(decision.adopted_at_us(), expected);
  ASSERT_EQ(decision.state(), expected != 0 ? v1::DECISION_STATE_ADOPTED : v1::DECISION_STATE_NOT_ADOPTED);
  *adopted += expected != 0 ? 1 : 0;

  // The other side comes to the same outcome from its own book.
  v1::Command confirm;
  confirm.mutable_confirm_outcome()->set_decision_id("D1");
  confirm.mutable_confirm_outcome()->set_text_digest(TextDigest());
  confirm.mutable_confirm_outcome()->set_outcome(expected != 0 ? v1::DECISION_OUTCOME_ADOPTED
                                                               : v1::DECISION_OUTCOME_NOT_ADOPTED);
  ASSERT_EQ(world.pair.host().Submit("TH", confirm, {"secretary"}), absl::OkStatus());
  for (const bool japan : {true, false}) {
    auto due = EarliestDeadline(world.pair.of(japan).book("TH").state());
    ASSERT_TRUE(due.ok());
    ASSERT_FALSE(due->has_value());  // nothing is left waiting
  }
}

// Tries every order of the streams' actions; each stream keeps its own order. The clocks go on by an hour per action.
struct Explorer {
  std::vector<std::vector<Action>> streams;
  int orders = 0;
  int adopted = 0;

  void Explore(const World& world, std::vector<size_t> done) {
    bool last = true;
    for (size_t i = 0; i < streams.size(); ++i) {
      if (done[i] == streams[i].size()) continue;
      last = false;
      World next = world;
      next.pair.Advance(kHourUs);
      streams[i][done[i]](next);
      CheckAlways(next);
      if (testing::Test::HasFatalFailure()) return;
      std::vector<size_t> next_done = done;
      ++next_done[i];
      Explore(next, next_done);
      if (testing::Test::HasFatalFailure()) return;
    }
    if (!last) return;
    ++orders;
    CheckAtTheEnd(world, &adopted);
  }

  void Run(World world) { Explore(world, std::vector<size_t>(streams.size(), 0)); }
};

World Distributed() {
  World world;
  Open(world);
  Distribute(world);
  return world;
}

constexpr v1::Vote kYes = v1::VOTE_YES;
constexpr v1::Vote kNo = v1::VOTE_NO;

TEST(DecisionInterleavings, OfFourYesVotes) {
  World world = Distributed();
  ASSERT_EQ(world.pair.Import(world.pair.jpn()), absl::OkStatus());
  Explorer explorer;
  explorer.streams = {{Votes(true, "chair", kYes)},
                      {Votes(true, "member", kYes)},
                      {Votes(false, "chair", kYes)},
                      {Votes(false, "member", kYes)},
                      {Ticks(true)},
                      {Ticks(false), Imports(true)}};
  explorer.Run(world);
  EXPECT_EQ(explorer.orders, 2'520);
  EXPECT_EQ(explorer.adopted, explorer.orders);
}

TEST(DecisionInterleavings, OfANoThatIsTakenBackWhileTheWindowEnds) {
  World world = Distributed();
  ASSERT_EQ(world.pair.Import(world.pair.jpn()), absl::OkStatus());
  Explorer explorer;
  explorer.streams = {{Votes(true, "chair", kYes)},
                      {Votes(false, "chair", kYes)},
                      {Votes(false, "member", kNo), Votes(false, "member", kYes)},
                      {WindowPasses},
                      {Ticks(false), Imports(true)}};
  explorer.Run(world);
  EXPECT_EQ(explorer.orders, 1'260);
  EXPECT_EQ(explorer.adopted, explorer.orders);
}

TEST(DecisionInterleavings, OfANoBeforeOrAfterTheSecondCoChair) {
  World world = Distributed();
  ASSERT_EQ(world.pair.Import(world.pair.jpn()), absl::OkStatus());
  Explorer explorer;
  explorer.streams = {{Votes(true, "chair", kYes)},
                      {Votes(false, "chair", kYes)},
                      {Votes(true, "member", kNo)},
                      {WindowPasses},
                      {Ticks(true)},
                      {Ticks(false), Imports(true)}};
  explorer.Run(world);
  EXPECT_EQ(explorer.orders, 2'520);
  EXPECT_GT(explorer.adopted, 0);                // the no came after the outcome
  EXPECT_LT(explorer.adopted, explorer.orders);  // the no came in time
}

TEST(DecisionInterleavings, OfADistributionThatArrivesLate) {
  Explorer explorer;
  explorer.streams = {{Votes(true, "chair", kYes)},
                      {Votes(false, "chair", kYes)},
                      {Imports(true), Ticks(true)},
                      {WindowPasses},
                      {Imports(false), Ticks(false)}};
  explorer.Run(Distributed());
  EXPECT_EQ(explorer.orders, 1'260);
  EXPECT_EQ(explorer.adopted, explorer.orders);
}

}  // namespace
}  // namespace jcm::rules
