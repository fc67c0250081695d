#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

std::string DocumentText(const std::string& title) {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_DOCUMENT);
  text.set_title(title);
  text.set_document_digest(std::string(32, 'd'));
  return state::Serialise(text);
}

std::string DigestOf(const std::string& bytes) {
  const Digest digest = Sha256(bytes);
  return std::string(AsBytes(digest));
}

v1::Command OpenCommand(const std::string& id) {
  v1::Command command;
  v1::OpenDecision* open = command.mutable_open_decision();
  open->set_decision_id(id);
  open->set_mode(v1::DECISION_MODE_ELECTRONIC);
  open->set_rulebook_version("TH/1");
  open->set_text(DocumentText("Rules of procedure"));
  return command;
}

const std::string& TextDigest() {
  static const std::string* const digest = new std::string(DigestOf(DocumentText("Rules of procedure")));
  return *digest;
}

v1::Command DistributeCommand(const std::string& id) {
  v1::Command command;
  command.mutable_distribute_decision()->set_decision_id(id);
  command.mutable_distribute_decision()->set_text_digest(TextDigest());
  return command;
}

v1::Command VoteCommand(const std::string& id, const std::string& member_id, v1::Vote vote) {
  v1::Command command;
  v1::CastVote* cast = command.mutable_cast_vote();
  cast->set_decision_id(id);
  cast->set_text_digest(TextDigest());
  cast->set_member_id(member_id);
  cast->set_vote(vote);
  cast->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
  return command;
}

absl::Status Vote(TestRegistry& side, const std::string& person, v1::Vote vote) {
  return side.Submit("TH", VoteCommand("D1", absl::StrCat(side.code(), "-", person), vote), {person});
}

v1::DecisionRecord Decision(TestRegistry& owner) {
  return *owner.book("TH").Find<v1::DecisionRecord>(v1::TABLE_DECISION, "D1");
}

// Opened by Japan and distributed in Thailand on 2026-03-02 at 09:00 in Tokyo.
void OpenAndDistribute(TestPair& pair) {
  ASSERT_EQ(pair.jpn().Submit("TH", OpenCommand("D1"), {"secretary"}), absl::OkStatus());
  ASSERT_EQ(pair.Import(pair.host()), absl::OkStatus());
  ASSERT_EQ(pair.host().Submit("TH", DistributeCommand("D1"), {"secretary"}), absl::OkStatus());
  ASSERT_EQ(pair.Import(pair.jpn()), absl::OkStatus());
}

v1::Command ConfirmCommand(v1::DecisionOutcome outcome) {
  v1::Command command;
  command.mutable_confirm_outcome()->set_decision_id("D1");
  command.mutable_confirm_outcome()->set_text_digest(TextDigest());
  command.mutable_confirm_outcome()->set_outcome(outcome);
  return command;
}

// All four members say yes, and both books know.
void Adopt(TestPair& pair) {
  OpenAndDistribute(pair);
  for (TestRegistry* side : {&pair.jpn(), &pair.host()}) {
    ASSERT_EQ(Vote(*side, "chair", v1::VOTE_YES), absl::OkStatus());
    ASSERT_EQ(Vote(*side, "member", v1::VOTE_YES), absl::OkStatus());
  }
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  ASSERT_EQ(Decision(pair.jpn()).state(), v1::DECISION_STATE_ADOPTED);
}

TEST(Decision, IsAdoptedAtTheEndOfTheTenthDayInTheLaterCapital) {
  TestPair pair;
  OpenAndDistribute(pair);
  pair.SetNow(At("2026-03-05T00:00:00Z"));
  ASSERT_EQ(Vote(pair.jpn(), "chair", v1::VOTE_YES), absl::OkStatus());
  ASSERT_EQ(Vote(pair.host(), "chair", v1::VOTE_YES), absl::OkStatus());
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  pair.SetNow(At("2026-03-12T16:59:59Z"));
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  EXPECT_EQ(Decision(pair.jpn()).state(), v1::DECISION_STATE_OPEN);

  pair.SetNow(At("2026-03-12T17:00:00Z"));
  ASSERT_EQ(pair.jpn().TickAll("TH").status(), absl::OkStatus());
  ASSERT_EQ(pair.host().TickAll("TH").status(), absl::OkStatus());
  ASSERT_EQ(pair.Import(pair.jpn()), absl::OkStatus());
  EXPECT_EQ(Decision(pair.jpn()).state(), v1::DECISION_STATE_ADOPTED);
  EXPECT_EQ(Decision(pair.jpn()).adopted_at_us(), At("2026-03-12T17:00:00Z").micros);
  EXPECT_EQ(pair.jpn().book("TH").ReplayAll(), absl::OkStatus());
  EXPECT_EQ(pair.host().book("TH").ReplayAll(), absl::OkStatus());
}

TEST(Decision, IsAdoptedAtOnceWhenAllHaveSaidYesAndIsThenConfirmed) {
  TestPair pair;
  OpenAndDistribute(pair);
  for (TestRegistry* side : {&pair.jpn(), &pair.host()}) {
    pair.Advance(1'000'000);
    ASSERT_EQ(Vote(*side, "chair", v1::VOTE_YES), absl::OkStatus());
    ASSERT_EQ(Vote(*side, "member", v1::VOTE_YES), absl::OkStatus());
  }
  EXPECT_EQ(Why(RequireConfirmedDecision({}, pair.jpn().book("TH").state(), "D1", TextDigest()).status()),
            "DECISION_NOT_CONFIRMED");
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  EXPECT_EQ(Decision(pair.jpn()).state(), v1::DECISION_STATE_ADOPTED);
  EXPECT_EQ(Decision(pair.jpn()).adopted_at_us(), At("2026-03-02T00:00:02Z").micros);
  EXPECT_EQ(Why(RequireConfirmedDecision({}, pair.jpn().book("TH").state(), "D1", TextDigest()).status()),
            "DECISION_NOT_CONFIRMED");

  ASSERT_EQ(pair.host().Submit("TH", ConfirmCommand(v1::DECISION_OUTCOME_ADOPTED), {"secretary"}), absl::OkStatus());
  EXPECT_TRUE(RequireConfirmedDecision({}, pair.host().book("TH").state(), "D1", TextDigest()).ok());
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  EXPECT_TRUE(RequireConfirmedDecision({}, pair.jpn().book("TH").state(), "D1", TextDigest()).ok());
  EXPECT_EQ(Why(RequireConfirmedDecision({}, pair.jpn().book("TH").state(), "D1", "other").status()),
            "DECISION_TEXT_MISMATCH");
  EXPECT_EQ(Why(RequireConfirmedDecision({}, pair.jpn().book("TH").state(), "D2", TextDigest()).status()),
            "DECISION_UNKNOWN");
}

TEST(Decision, WithoutEffectIfItIsDisputed) {
  TestPair pair;
  Adopt(pair);
  v1::Command dispute;
  dispute.mutable_dispute_outcome()->set_decision_id("D1");
  dispute.mutable_dispute_outcome()->set_text_digest(TextDigest());
  EXPECT_EQ(Why(pair.host().Submit("TH", dispute, {"secretary"})), "FIELD_REQUIRED");
  dispute.mutable_dispute_outcome()->set_reason("a vote was recorded wrongly");
  EXPECT_EQ(Why(pair.jpn().Submit("TH", dispute, {"secretary"})), "WRONG_SIDE");
  ASSERT_EQ(pair.host().Submit("TH", dispute, {"secretary"}), absl::OkStatus());
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  for (TestRegistry* side : {&pair.jpn(), &pair.host()}) {
    EXPECT_EQ(Why(RequireConfirmedDecision({}, side->book("TH").state(), "D1", TextDigest()).status()),
              "DECISION_NOT_CONFIRMED");
  }
  EXPECT_EQ(Why(pair.host().Submit("TH", ConfirmCommand(v1::DECISION_OUTCOME_ADOPTED), {"secretary"})),
            "ALREADY_EXISTS");
  EXPECT_EQ(Why(pair.host().Submit("TH", dispute, {"secretary"})), "ALREADY_EXISTS");
}

TEST(Decision, RefusesAConfirmationThatDiffersFromTheVotes) {
  TestPair pair;
  OpenAndDistribute(pair);
  EXPECT_EQ(Why(pair.host().Submit("TH", ConfirmCommand(v1::DECISION_OUTCOME_ADOPTED), {"secretary"})),
            "OUTCOME_DIFFERS");
  TestPair adopted;
  Adopt(adopted);
  EXPECT_EQ(Why(adopted.host().Submit("TH", ConfirmCommand(v1::DECISION_OUTCOME_NOT_ADOPTED), {"secretary"})),
            "OUTCOME_DIFFERS");
  EXPECT_EQ(Why(adopted.host().Submit("TH", ConfirmCommand(v1::DECISION_OUTCOME_UNSPECIFIED), {"secretary"})),
            "FIELD_INVALID");
  EXPECT_EQ(Why(adopted.jpn().Submit("TH", ConfirmCommand(v1::DECISION_OUTCOME_ADOPTED), {"secretary"})), "WRONG_SIDE");
}

// Executes a confirmation in Thailand's book on a state in which the owner's record was changed.
TEST(Decision, RecomputesTheOutcomeBeforeConfirmingIt) {
  TestPair pair;
  Adopt(pair);
  const TestBook& book = pair.host().book("TH");
  const v1::DecisionRecord stated = *book.Find<v1::DecisionRecord>(state::Shadow(v1::TABLE_DECISION), "D1");
  const std::vector<std::function<void(v1::DecisionRecord&)>> changes = {
      [](v1::DecisionRecord& r) { r.set_adopted_at_us(r.adopted_at_us() + 1); },
      [](v1::DecisionRecord& r) { r.set_outcome_through_us(r.outcome_through_us() + 1); },
      [](v1::DecisionRecord& r) { r.set_outcome_through_us(1); },
  };
  v1::Command command = ConfirmCommand(v1::DECISION_OUTCOME_ADOPTED);
  command.set_provenance(v1::PROVENANCE_NATIVE);
  const std::string signed_part = state::Serialise(pair.host().Sign("TH", command, {"secretary"}));
  EntryInput input;
  input.book = book.id();
  input.sequence = book.size();
  input.time = pair.host().now();
  input.command = signed_part;
  auto needs = CollectNeeds(book.state(), input);
  auto context = BuildContext(pair.host().home().state(), input.book, *needs,
                              [](uint64_t) { return absl::StatusOr<Digest>(Digest{}); });
  ASSERT_TRUE(context.ok());
  input.context = *context;
  EXPECT_EQ(Why(Execute(book.state(), input, PlainVerifier()).status()), "OK");
  for (const auto& change : changes) {
    v1::DecisionRecord changed = stated;
    change(changed);
    state::MapState state = book.state();
    v1::Effects effects;
    v1::Effect* effect = effects.add_effects();
    effect->set_table(state::Shadow(v1::TABLE_DECISION));
    effect->set_key("D1");
    effect->set_old_value(state::Serialise(stated));
    effect->set_new_value(state::Serialise(changed));
    ASSERT_TRUE(state.Apply(effects).ok());
    EXPECT_EQ(Why(Execute(state, input, PlainVerifier()).status()), "OUTCOME_DIFFERS");
  }
}

TEST(Decision, IsNotAdoptedAtTheLongStopAndThatIsConfirmedToo) {
  TestPair pair;
  OpenAndDistribute(pair);
  pair.SetNow(At("2026-05-31T00:00:00Z"));
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  EXPECT_EQ(Decision(pair.jpn()).state(), v1::DECISION_STATE_NOT_ADOPTED);
  ASSERT_EQ(pair.host().Submit("TH", ConfirmCommand(v1::DECISION_OUTCOME_NOT_ADOPTED), {"secretary"}),
            absl::OkStatus());
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  EXPECT_EQ(Why(RequireConfirmedDecision({}, pair.jpn().book("TH").state(), "D1", TextDigest()).status()),
            "DECISION_NOT_CONFIRMED");
}

TEST(Decision, RefusesVotesThatAreNotAMembers) {
  TestPair pair;
  OpenAndDistribute(pair);
  const auto vote = [&](const std::string& member, const std::string& author) {
    return Why(pair.jpn().Submit("TH", VoteCommand("D1", member, v1::VOTE_YES), {author}));
  };
  EXPECT_EQ(vote("JPN-chair", "member"), "ROLE_NOT_ALLOWED");  // somebody else's vote
  EXPECT_EQ(vote("nobody", "member"), "MEMBER_UNKNOWN");
  EXPECT_EQ(vote("THA-chair", "chair"), "WRONG_SIDE");
  EXPECT_EQ(vote("JPN-member", "secretary"), "ROLE_NOT_ALLOWED");
  EXPECT_EQ(vote("JPN-member", "organization"), "ROLE_NOT_ALLOWED");
  v1::Command end;
  end.mutable_end_member()->set_member_id("JPN-member");
  ASSERT_EQ(pair.jpn().Submit("TH", end, {"secretary"}), absl::OkStatus());
  EXPECT_EQ(vote("JPN-member", "member"), "MEMBER_UNKNOWN");
}

TEST(Decision, RefusesVotesOnAnotherTextOrDecision) {
  TestPair pair;
  OpenAndDistribute(pair);
  v1::Command command = VoteCommand("D1", "JPN-member", v1::VOTE_YES);
  command.mutable_cast_vote()->set_text_digest(std::string(32, 'x'));
  EXPECT_EQ(Why(pair.jpn().Submit("TH", command, {"member"})), "DECISION_TEXT_MISMATCH");
  EXPECT_EQ(Why(pair.jpn().Submit("TH", VoteCommand("D9", "JPN-member", v1::VOTE_YES), {"member"})),
            "DECISION_UNKNOWN");
  command = VoteCommand("D1", "JPN-member", v1::VOTE_UNSPECIFIED);
  EXPECT_EQ(Why(pair.jpn().Submit("TH", command, {"member"})), "FIELD_INVALID");
  command = VoteCommand("D1", "JPN-member", v1::VOTE_YES);
  command.mutable_cast_vote()->clear_form();
  EXPECT_EQ(Why(pair.jpn().Submit("TH", command, {"member"})), "FIELD_INVALID");
}

TEST(Decision, TakesARecordedVoteOnlyWithADocumentAndTwoPersons) {
  TestPair pair;
  OpenAndDistribute(pair);
  v1::Command command = VoteCommand("D1", "JPN-member", v1::VOTE_YES);
  command.mutable_cast_vote()->set_form(v1::VOTE_FORM_RECORDED_BY_SECRETARIAT);
  EXPECT_EQ(Why(pair.jpn().Submit("TH", command, {"secretary", "secretary2"})), "FIELD_REQUIRED");
  command.mutable_cast_vote()->set_document_digest(std::string(32, 'v'));
  EXPECT_EQ(Why(pair.jpn().Submit("TH", command, {"secretary"})), "TWO_PERSONS_REQUIRED");
  EXPECT_EQ(Why(pair.jpn().Submit("TH", command, {"organization", "secretary"})), "ROLE_NOT_ALLOWED");
  EXPECT_EQ(Why(pair.jpn().Submit("TH", command, {"secretary", "organization"})), "ROLE_NOT_ALLOWED");
  EXPECT_EQ(Why(pair.jpn().Submit("TH", command, {"secretary", "secretary2"})), "OK");
}

TEST(Decision, IsVotedOnAfterItsDistributionOnTheOtherSide) {
  TestPair pair;
  ASSERT_EQ(pair.jpn().Submit("TH", OpenCommand("D1"), {"secretary"}), absl::OkStatus());
  EXPECT_EQ(Why(Vote(pair.host(), "chair", v1::VOTE_YES)), "DECISION_UNKNOWN");
  ASSERT_EQ(pair.Import(pair.host()), absl::OkStatus());
  EXPECT_EQ(Why(Vote(pair.host(), "chair", v1::VOTE_YES)), "VOTE_NOT_ALLOWED");
  EXPECT_EQ(Why(Vote(pair.jpn(), "chair", v1::VOTE_YES)), "OK");
}

TEST(Decision, TakesNoVoteOnceItHasEnded) {
  TestPair pair;
  Adopt(pair);
  EXPECT_EQ(Why(Vote(pair.jpn(), "member", v1::VOTE_NO)), "DECISION_NOT_OPEN");
  TestPair late;
  OpenAndDistribute(late);
  late.SetNow(At("2026-05-31T00:00:00Z"));  // the long stop, before anybody has said so
  EXPECT_EQ(Why(Vote(late.jpn(), "member", v1::VOTE_YES)), "DECISION_NOT_OPEN");
}

TEST(Decision, OfOneTextIsDistributedOnceAndByTheOtherSide) {
  TestPair pair;
  OpenAndDistribute(pair);
  EXPECT_EQ(Why(pair.host().Submit("TH", DistributeCommand("D1"), {"secretary"})), "ALREADY_EXISTS");
  EXPECT_EQ(Why(pair.jpn().Submit("TH", DistributeCommand("D1"), {"secretary"})), "WRONG_SIDE");
  EXPECT_EQ(Why(pair.host().Submit("TH", DistributeCommand("D2"), {"secretary"})), "DECISION_UNKNOWN");
  v1::Command other = DistributeCommand("D1");
  other.mutable_distribute_decision()->set_text_digest(std::string(32, 'x'));
  EXPECT_EQ(Why(pair.host().Submit("TH", other, {"secretary"})), "DECISION_TEXT_MISMATCH");
}

TEST(Decision, StartsAgainWhenItsTextIsAmended) {
  TestPair pair;
  OpenAndDistribute(pair);
  ASSERT_EQ(Vote(pair.jpn(), "chair", v1::VOTE_YES), absl::OkStatus());
  ASSERT_EQ(Vote(pair.host(), "chair", v1::VOTE_YES), absl::OkStatus());
  v1::Command amend;
  amend.mutable_amend_decision()->set_decision_id("D1");
  amend.mutable_amend_decision()->set_text(DocumentText("Rules of procedure"));
  EXPECT_EQ(Why(pair.jpn().Submit("TH", amend, {"secretary"})), "ALREADY_EXISTS");
  amend.mutable_amend_decision()->set_text(DocumentText("Rules of procedure, revised"));
  ASSERT_EQ(pair.Import(pair.host()), absl::OkStatus());
  EXPECT_EQ(Why(pair.host().Submit("TH", amend, {"secretary"})), "WRONG_SIDE");
  pair.SetNow(At("2026-03-11T00:00:00Z"));
  ASSERT_EQ(pair.jpn().Submit("TH", amend, {"secretary"}), absl::OkStatus());
  amend.mutable_amend_decision()->set_text(DocumentText("Rules of procedure"));
  EXPECT_EQ(Why(pair.jpn().Submit("TH", amend, {"secretary"})), "ALREADY_EXISTS");  // votes on it would come back

  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  v1::Command distribute;
  distribute.mutable_distribute_decision()->set_decision_id("D1");
  distribute.mutable_distribute_decision()->set_text_digest(DigestOf(DocumentText("Rules of procedure, revised")));
  ASSERT_EQ(pair.host().Submit("TH", distribute, {"secretary"}), absl::OkStatus());
  pair.SetNow(At("2026-03-21T17:00:00Z"));
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  EXPECT_EQ(Decision(pair.jpn()).state(), v1::DECISION_STATE_OPEN);  // the old yes votes don't count
  EXPECT_EQ(Decision(pair.jpn()).text_version(), 2u);
  EXPECT_EQ(Why(Vote(pair.jpn(), "chair", v1::VOTE_YES)), "DECISION_TEXT_MISMATCH");
}

TEST(Decision, IsWithdrawnByItsOwnerWhileItIsOpen) {
  TestPair pair;
  OpenAndDistribute(pair);
  v1::Command withdraw;
  withdraw.mutable_withdraw_decision()->set_decision_id("D1");
  EXPECT_EQ(Why(pair.jpn().Submit("TH", withdraw, {"secretary"})), "FIELD_REQUIRED");
  withdraw.mutable_withdraw_decision()->set_reason("taken to a meeting");
  EXPECT_EQ(Why(pair.host().Submit("TH", withdraw, {"secretary"})), "WRONG_SIDE");
  ASSERT_EQ(pair.jpn().Submit("TH", withdraw, {"secretary"}), absl::OkStatus());
  EXPECT_EQ(Why(pair.jpn().Submit("TH", withdraw, {"secretary"})), "DECISION_NOT_OPEN");
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  EXPECT_EQ(Why(Vote(pair.host(), "chair", v1::VOTE_YES)), "DECISION_NOT_OPEN");
  EXPECT_EQ(Why(pair.host().Submit("TH", ConfirmCommand(v1::DECISION_OUTCOME_ADOPTED), {"secretary"})),
            "DECISION_NOT_OPEN");
  auto due = EarliestDeadline(pair.host().book("TH").state());
  EXPECT_FALSE(due->has_value());
}

TEST(Decision, OpenedByBothSidesUnderOneIdIsNeverAdopted) {
  TestPair pair;
  ASSERT_EQ(pair.jpn().Submit("TH", OpenCommand("D1"), {"secretary"}), absl::OkStatus());
  ASSERT_EQ(pair.host().Submit("TH", OpenCommand("D1"), {"secretary"}), absl::OkStatus());
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  EXPECT_EQ(Why(Vote(pair.jpn(), "chair", v1::VOTE_YES)), "VOTE_NOT_ALLOWED");
  EXPECT_EQ(Why(pair.host().Submit("TH", DistributeCommand("D1"), {"secretary"})), "WRONG_SIDE");
  pair.SetNow(At("2026-07-01T00:00:00Z"));
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  EXPECT_EQ(Decision(pair.jpn()).state(), v1::DECISION_STATE_NOT_ADOPTED);
  EXPECT_EQ(Decision(pair.host()).state(), v1::DECISION_STATE_NOT_ADOPTED);
}

TEST(Decision, RefusesOpeningsOutOfShape) {
  TestPair pair;
  const auto open = [&](const std::function<void(v1::OpenDecision&)>& change) {
    v1::Command command = OpenCommand("D1");
    change(*command.mutable_open_decision());
    return Why(pair.jpn().Submit("TH", command, {"secretary"}));
  };
  EXPECT_EQ(open([](v1::OpenDecision& o) { o.set_decision_id("a/b"); }), "FIELD_INVALID");
  EXPECT_EQ(open([](v1::OpenDecision& o) { o.clear_mode(); }), "FIELD_INVALID");
  EXPECT_EQ(open([](v1::OpenDecision& o) { o.set_rulebook_version("TH/9"); }), "RULEBOOK_UNKNOWN");
  EXPECT_EQ(open([](v1::OpenDecision& o) { o.set_text("\xff"); }), "MESSAGE_MALFORMED");
  EXPECT_EQ(open([](v1::OpenDecision& o) { o.clear_text(); }), "FIELD_REQUIRED");
  EXPECT_EQ(open([](v1::OpenDecision& o) { o.set_report_digest(std::string(32, 'r')); }), "FIELD_INVALID");
  EXPECT_EQ(open([](v1::OpenDecision& o) { o.set_mode(v1::DECISION_MODE_MEETING); }), "FIELD_REQUIRED");
  v1::DecisionText text;
  text.set_title("Issuance");
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  EXPECT_EQ(open([&](v1::OpenDecision& o) { o.set_text(state::Serialise(text)); }), "FIELD_REQUIRED");
  text.mutable_issuance()->set_project_id("TH999");
  EXPECT_EQ(open([&](v1::OpenDecision& o) { o.set_text(state::Serialise(text)); }), "PROJECT_UNKNOWN");
  text.mutable_issuance()->set_project_id("TH014");
  EXPECT_NE(open([&](v1::OpenDecision& o) { o.set_text(state::Serialise(text)); }), "OK");
  text.set_kind(v1::DECISION_KIND_DOCUMENT);
  EXPECT_EQ(open([&](v1::OpenDecision& o) { o.set_text(state::Serialise(text)); }), "FIELD_REQUIRED");
  text.set_document_digest(std::string(32, 'd'));
  EXPECT_EQ(open([&](v1::OpenDecision& o) { o.set_text(state::Serialise(text)); }), "FIELD_INVALID");
  EXPECT_EQ(open([](v1::OpenDecision&) {}), "OK");
  EXPECT_EQ(open([](v1::OpenDecision&) {}), "ALREADY_EXISTS");
}

TEST(Decision, OfAMeetingIsAdoptedByTheCoChairsWithoutAClock) {
  TestPair pair;
  v1::Command command = OpenCommand("D1");
  v1::OpenDecision* open = command.mutable_open_decision();
  open->set_mode(v1::DECISION_MODE_MEETING);
  *open->mutable_meeting_date() = MakeDate(2025, 10, 30);
  open->set_meeting_name("7th Joint Committee");
  open->set_report_digest(std::string(32, 'r'));
  open->add_annex_digests("short");
  EXPECT_EQ(Why(pair.jpn().Submit("TH", command, {"secretary"})), "FIELD_INVALID");
  open->set_annex_digests(0, std::string(32, 'a'));
  ASSERT_EQ(pair.jpn().Submit("TH", command, {"secretary"}), absl::OkStatus());
  EXPECT_EQ(Why(Vote(pair.jpn(), "member", v1::VOTE_YES)), "VOTE_NOT_ALLOWED");
  ASSERT_EQ(Vote(pair.jpn(), "chair", v1::VOTE_YES), absl::OkStatus());
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  const BookTime confirmed = pair.host().now();
  ASSERT_EQ(Vote(pair.host(), "chair", v1::VOTE_YES), absl::OkStatus());
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  EXPECT_EQ(Decision(pair.jpn()).state(), v1::DECISION_STATE_ADOPTED);
  EXPECT_EQ(Decision(pair.jpn()).adopted_at_us(), confirmed.micros);
  EXPECT_EQ(Why(pair.host().Submit("TH", ConfirmCommand(v1::DECISION_OUTCOME_ADOPTED), {"chair"})), "OK");
}

TEST(Decision, AnswersALargerClosingWithTheSameOne) {
  TestPair pair;
  OpenAndDistribute(pair);
  pair.Advance(1'000'000);
  ASSERT_EQ(Vote(pair.jpn(), "chair", v1::VOTE_YES), absl::OkStatus());
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  const auto own = pair.jpn().book("TH").Find<v1::VotesClosedRecord>(v1::TABLE_VOTES_CLOSED, "D1");
  const auto other = pair.host().book("TH").Find<v1::VotesClosedRecord>(v1::TABLE_VOTES_CLOSED, "D1");
  ASSERT_TRUE(own.has_value() && other.has_value());
  EXPECT_EQ(own->through_us(), other->through_us());
  EXPECT_EQ(own->co_chair_id(), "JPN-chair");
  EXPECT_EQ(other->members_in_office(), 2u);
}

}  // namespace
}  // namespace jcm::rules
