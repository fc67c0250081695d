// Decisions by the clock: that windows end when the rulebook says so, that outcomes are what the votes say, and that
// what is attested for a partner without a book is what its act says. All bytes are true, so that only these checks can
// tell.
#include "tools/jcm-verify/audit/decision_audit.h"

#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/book/leaf.h"
#include "ledger/rules/testing.h"
#include "tools/jcm-verify/audit/audit.h"
#include "tools/jcm-verify/audit/testing/damaged_story.h"

namespace jcm::verify {
namespace {

using rules::At;
using rules::MakeDate;

constexpr uint64_t kHour = 3'600'000'000;

v1::RulebookParameters TenDays(int japan_minutes, int partner_minutes) {
  v1::RulebookParameters parameters;
  parameters.set_e_decision_days(10);
  v1::ZoneOffset* zone = parameters.add_zone_offsets();
  *zone->mutable_from() = MakeDate(2000, 1, 1);
  zone->set_japan_minutes(japan_minutes);
  zone->set_partner_minutes(partner_minutes);
  return parameters;
}

TEST(DecisionWindow, EndsWithTheTenthDayInTheLaterCapital) {
  // Noon in Tokyo, ten in Bangkok: 24:00 of the 12th in Bangkok.
  EXPECT_EQ(WindowEndOf(At("2026-03-02T03:00:00Z").micros, TenDays(540, 420)), At("2026-03-12T17:00:00Z").micros);
  // Already the 3rd in Tokyo, still the 2nd in Santiago.
  EXPECT_EQ(WindowEndOf(At("2026-03-02T20:00:00Z").micros, TenDays(540, -180)), At("2026-03-13T15:00:00Z").micros);
}

TEST(DecisionWindow, UsesTheZoneOfEachDay) {
  v1::RulebookParameters parameters = TenDays(540, 420);
  v1::ZoneOffset* zone = parameters.add_zone_offsets();
  *zone->mutable_from() = MakeDate(2026, 3, 10);
  zone->set_japan_minutes(540);
  zone->set_partner_minutes(360);
  EXPECT_EQ(WindowEndOf(At("2026-03-02T03:00:00Z").micros, parameters), At("2026-03-12T18:00:00Z").micros);
}

TEST(DecisionWindow, IsNoneWithoutZonesOrBeyondTheCalendar) {
  EXPECT_FALSE(WindowEndOf(At("2026-03-02T03:00:00Z").micros, v1::RulebookParameters()).has_value());
  EXPECT_FALSE(WindowEndOf(~uint64_t{0}, TenDays(540, 420)).has_value());
  EXPECT_FALSE(WindowEndOf(At("2026-03-02T03:00:00Z").micros, TenDays(1'000'000, 420)).has_value());
}

// A registry pair in which one decision is opened by Japan and runs by the clock.
class DecisionStory : public testing::Test {
 protected:
  static constexpr char kId[] = "TH-E9";

  void Submit(bool japan, v1::Command command, const std::vector<std::string>& signers) {
    const absl::Status done = story_.pair().of(japan).Submit("TH", command, signers);
    ASSERT_TRUE(done.ok()) << done << command.ShortDebugString();
  }
  void Settle() { ASSERT_TRUE(story_.pair().Settle().ok()); }
  rules::TestRegistry& TestRegistryOf(bool japan) { return story_.pair().of(japan); }

  void Open() {
    v1::DecisionText text;
    text.set_kind(v1::DECISION_KIND_DOCUMENT);
    text.set_title("Guidelines");
    text.set_document_digest(std::string(32, 'g'));
    v1::Command open;
    open.mutable_open_decision()->set_decision_id(kId);
    open.mutable_open_decision()->set_mode(v1::DECISION_MODE_ELECTRONIC);
    open.mutable_open_decision()->set_rulebook_version("TH/1");
    open.mutable_open_decision()->set_text(state::Serialise(text));
    const Digest digest = Sha256(open.open_decision().text());
    digest_ = std::string(AsBytes(digest));
    Submit(true, open, {"secretary"});
  }
  void Distribute() {
    Settle();
    v1::Command distribute;
    distribute.mutable_distribute_decision()->set_decision_id(kId);
    distribute.mutable_distribute_decision()->set_text_digest(digest_);
    Submit(false, distribute, {"secretary"});
    Settle();
  }
  void Vote(bool japan, const std::string& member, v1::Vote says) {
    v1::Command vote;
    vote.mutable_cast_vote()->set_decision_id(kId);
    vote.mutable_cast_vote()->set_text_digest(digest_);
    vote.mutable_cast_vote()->set_member_id((japan ? "JPN-" : "THA-") + member);
    vote.mutable_cast_vote()->set_vote(says);
    vote.mutable_cast_vote()->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
    Submit(japan, vote, {member});
  }

  BookCopy Book() { return story_.Copy("JPN", "TH"); }

  // The entry with which the decision got its outcome.
  static uint64_t OutcomeIn(const BookCopy& copy) {
    for (uint64_t at = 0; at < copy.entries.size(); ++at) {
      v1::Effects effects;
      v1::DecisionRecord record;
      if (!effects.ParseFromString(copy.entries[at].effects())) continue;
      const v1::Effect* effect = EffectOn(&effects, v1::TABLE_DECISION);
      if (effect == nullptr || !record.ParseFromString(effect->new_value())) continue;
      if (record.decision_id() == kId && record.state() != v1::DECISION_STATE_OPEN) return at;
    }
    ADD_FAILURE() << "no outcome";
    return 0;
  }
  std::string AfterOutcome(const std::function<void(v1::DecisionRecord*)>& change) {
    BookCopy copy = Book();
    const uint64_t at = OutcomeIn(copy);
    StoryBooks::ChangeEffects(&copy, at, [&](v1::Effects* effects) {
      ChangeRecord<v1::DecisionRecord>(EffectOn(effects, v1::TABLE_DECISION), change);
    });
    return FailedChecks(AuditUpTo(std::move(copy), at, story_));
  }

  StoryBooks story_{StoryBooks::NothingYet(), At("2026-03-02T03:00:00Z")};
  std::string digest_;
};

TEST_F(DecisionStory, LapsesIntoAdoptionWhenTheWindowEndsAndNotADayEarlier) {
  Open();
  Distribute();
  Vote(true, "chair", v1::VOTE_YES);
  Vote(false, "chair", v1::VOTE_YES);
  story_.pair().SetNow(At("2026-03-12T17:00:00Z"));
  Settle();
  EXPECT_EQ(AllFindings(story_.Audit(story_.All())), "");
  uint64_t window_end = 0;
  EXPECT_EQ(AfterOutcome([&](v1::DecisionRecord* record) { window_end = record->adopted_at_us(); }), "");
  EXPECT_EQ(window_end, At("2026-03-12T17:00:00Z").micros);
  EXPECT_EQ(
      AfterOutcome([](v1::DecisionRecord* record) { record->set_adopted_at_us(record->adopted_at_us() - 24 * kHour); }),
      "decision");
  EXPECT_EQ(AfterOutcome([](v1::DecisionRecord* record) { record->set_adopted_at_us(record->adopted_at_us() - 1); }),
            "decision");
  // Votes are said to be complete only up to where both sides have closed them.
  EXPECT_EQ(AfterOutcome([](v1::DecisionRecord* record) {
              record->set_outcome_through_us(record->outcome_through_us() + kHour);
            }),
            "decision");
  // And up to an hour before its end the window had not ended.
  EXPECT_EQ(
      AfterOutcome([](v1::DecisionRecord* record) { record->set_outcome_through_us(record->adopted_at_us() - kHour); }),
      "decision");
}

TEST_F(DecisionStory, IsNotAdoptedOverAnObjection) {
  Open();
  Distribute();
  Vote(true, "chair", v1::VOTE_YES);
  Vote(false, "chair", v1::VOTE_YES);
  Vote(false, "member", v1::VOTE_NO);
  story_.pair().SetNow(At("2026-03-13T17:00:00Z"));
  Settle();
  story_.pair().SetNow(At("2026-06-10T00:00:00Z"));  // behind the long stop
  Settle();
  EXPECT_EQ(AllFindings(story_.Audit(story_.All())), "");
  EXPECT_EQ(AfterOutcome([](v1::DecisionRecord* record) {
              EXPECT_EQ(record->state(), v1::DECISION_STATE_NOT_ADOPTED);
              record->set_state(v1::DECISION_STATE_ADOPTED);
              record->set_adopted_at_us(At("2026-03-12T17:00:00Z").micros);
            }),
            "decision");
  // Nor can it be dropped before its long stop.
  EXPECT_EQ(AfterOutcome(
                [](v1::DecisionRecord* record) { record->set_outcome_through_us(At("2026-04-01T00:00:00Z").micros); }),
            "decision");
}

TEST_F(DecisionStory, IsAdoptedAtOnceWhenAllHaveSaidYes) {
  Open();
  Distribute();
  for (const char* member : {"chair", "member"}) {
    Vote(true, member, v1::VOTE_YES);
    Vote(false, member, v1::VOTE_YES);
  }
  Settle();
  EXPECT_EQ(AllFindings(story_.Audit(story_.All())), "");
  EXPECT_EQ(AfterOutcome([](v1::DecisionRecord* record) {
              record->set_state(v1::DECISION_STATE_NOT_ADOPTED);
              record->set_adopted_at_us(0);
            }),
            "decision");
}

TEST_F(DecisionStory, CountsAnAlternateFromWhenTheCoChairHasGoneAndNotBefore) {
  TestRegistryOf(false).AddPerson("alternate", {v1::ROLE_JC_MEMBER});
  v1::Command appoint;
  appoint.mutable_appoint_member()->set_member_id("THA-alternate");
  appoint.mutable_appoint_member()->set_pseudonym(TestRegistryOf(false).Pseudonym("alternate", "TH"));
  appoint.mutable_appoint_member()->set_alternate_of("THA-chair");
  *appoint.mutable_appoint_member()->mutable_term_end() = MakeDate(2026, 3, 31);
  Submit(false, appoint, {"secretary"});
  Open();
  Distribute();
  Vote(true, "chair", v1::VOTE_YES);
  v1::Command end;
  end.mutable_end_member()->set_member_id("THA-chair");
  Submit(false, end, {"secretary"});
  Settle();
  Vote(false, "alternate", v1::VOTE_YES);
  story_.pair().SetNow(At("2026-03-12T17:00:00Z"));
  Settle();
  // The alternate's own term ends by the clock.
  story_.pair().SetNow(At("2026-04-02T00:00:00Z"));
  Settle();
  EXPECT_EQ(AllFindings(story_.Audit(story_.All())), "");
  EXPECT_EQ(AfterOutcome([](v1::DecisionRecord* record) {
              EXPECT_EQ(record->state(), v1::DECISION_STATE_ADOPTED);
              record->set_adopted_at_us(record->adopted_at_us() - kHour);
            }),
            "decision");
}

TEST_F(DecisionStory, HasNoVoteOfAMemberWhoHasDeclaredAConflict) {
  Open();
  v1::Command declare;
  declare.mutable_declare_conflict()->set_member_id("JPN-member");
  declare.mutable_declare_conflict()->set_object(kId);
  declare.mutable_declare_conflict()->set_text("advises a participant");
  declare.mutable_declare_conflict()->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
  Submit(true, declare, {"member"});
  const uint64_t at = Book().entries.size() - 1;
  Distribute();
  for (const bool japan : {true, false}) Vote(japan, "chair", v1::VOTE_YES);
  Vote(false, "member", v1::VOTE_YES);
  Settle();
  EXPECT_EQ(AllFindings(story_.Audit(story_.All())), "");
  // The recusal is written by the declaration itself, and by nothing else can it become a yes.
  BookCopy copy = Book();
  StoryBooks::ChangeEffects(&copy, at, [&](v1::Effects* effects) {
    ChangeRecord<v1::VoteRecord>(EffectOn(effects, v1::TABLE_VOTE),
                                 [](v1::VoteRecord* vote) { vote->set_vote(v1::VOTE_YES); });
  });
  EXPECT_EQ(FailedChecks(AuditUpTo(std::move(copy), at, story_)), "decision");
}

TEST_F(DecisionStory, HasNoVotesClosedThatAreStillToCome) {
  Open();
  Distribute();
  Vote(true, "chair", v1::VOTE_YES);
  Settle();
  BookCopy copy = Book();
  for (uint64_t at = 0; at < copy.entries.size(); ++at) {
    v1::Effects effects;
    ASSERT_TRUE(effects.ParseFromString(copy.entries[at].effects()));
    if (EffectOn(&effects, v1::TABLE_VOTES_CLOSED) == nullptr) continue;
    StoryBooks::ChangeEffects(&copy, at, [&](v1::Effects* changed) {
      ChangeRecord<v1::VotesClosedRecord>(EffectOn(changed, v1::TABLE_VOTES_CLOSED), [](v1::VotesClosedRecord* closed) {
        closed->set_through_us(closed->through_us() + kHour);
      });
    });
    EXPECT_EQ(FailedChecks(AuditUpTo(copy, at, story_)), "decision");
    return;
  }
  FAIL() << "no votes were closed";
}

// ---- a partner without a book
// ----------------------------------------------------------------------------------------

class AttestedStory : public DecisionStory {
 protected:
  AttestedStory() {
    v1::Command mode;
    mode.mutable_set_partnership_mode()->set_mode(v1::PARTNERSHIP_MODE_ATTESTED);
    mode.mutable_set_partnership_mode()->set_document_digest(std::string(32, 'm'));
    Submit(true, mode, {"operator"});
    Open();
    Attest(v1::ATTESTED_STAGE_DISTRIBUTED, [&](v1::Attest* attest) {
      attest->mutable_distributed()->set_decision_id(kId);
      attest->mutable_distributed()->set_text_digest(digest_);
    });
    Vote(true, "chair", v1::VOTE_YES);
    Attest(v1::ATTESTED_STAGE_VOTE, [&](v1::Attest* attest) {
      attest->mutable_vote()->set_decision_id(kId);
      attest->mutable_vote()->set_text_digest(digest_);
      attest->mutable_vote()->set_member_id("their-chair");
      attest->mutable_vote()->set_vote(v1::VOTE_YES);
      attest->set_vote_by_co_chair(true);
    });
    story_.pair().SetNow(At("2026-03-12T17:00:00Z"));
    EXPECT_TRUE(story_.pair().jpn().TickAll("TH").ok());
    Attest(v1::ATTESTED_STAGE_OUTCOME_CONFIRMED, [&](v1::Attest* attest) {
      attest->mutable_confirmed()->set_decision_id(kId);
      attest->mutable_confirmed()->set_text_digest(digest_);
      attest->mutable_confirmed()->set_outcome(v1::DECISION_OUTCOME_ADOPTED);
    });
    Attest(v1::ATTESTED_STAGE_AUTHORIZED, [](v1::Attest* attest) {
      v1::AuthorizeItmo* authorize = attest->mutable_authorized();
      authorize->set_authorization_id("AU1");
      authorize->set_project_id("TH014");
      authorize->add_purposes(v1::AUTHORIZED_PURPOSE_NDC);
      authorize->set_authorized_party("JPN");
      authorize->set_quantity(1'009);
      authorize->set_vintage_first(2021);
      authorize->set_vintage_last(2021);
      authorize->set_first_transfer_trigger(v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER);
    });
  }

  void Attest(v1::AttestedStage stage, const std::function<void(v1::Attest*)>& say) {
    v1::Command command;
    *command.mutable_legal_date() = MakeDate(2026, 3, 2);
    command.mutable_attest()->set_stage(stage);
    command.mutable_attest()->set_document_digest(std::string(32, 'd'));
    say(command.mutable_attest());
    Submit(true, command, {"secretary", "secretary2"});
  }

  // The entry that attests the stage.
  static uint64_t Attested(const BookCopy& copy, v1::AttestedStage stage) {
    for (uint64_t at = 0; at < copy.entries.size(); ++at) {
      if (book::DecodeLeaf(copy.entries[at].leaf())->kind != book::LeafKind::COMMAND) continue;
      const v1::Command command = StoryBooks::CommandOf(copy.entries[at]);
      if (command.has_attest() && command.attest().stage() == stage) return at;
    }
    ADD_FAILURE() << "it is not attested";
    return 0;
  }
  template <typename Record>
  std::string AfterAttested(v1::AttestedStage stage, uint32_t table, const std::function<void(Record*)>& change) {
    BookCopy copy = Book();
    const uint64_t at = Attested(copy, stage);
    StoryBooks::ChangeEffects(&copy, at,
                              [&](v1::Effects* effects) { ChangeRecord<Record>(EffectOn(effects, table), change); });
    return FailedChecks(AuditUpTo(std::move(copy), at, story_));
  }
};

TEST_F(AttestedStory, IsCleanAsItWasTold) {
  const AuditReport report = story_.Audit({story_.Copy("JPN", "home"), Book()});
  EXPECT_EQ(AllFindings(report), "");
  EXPECT_GT(report.books()[1].count(Check::ATTESTED).passed, 8u);
}

TEST_F(AttestedStory, SaysOnlyWhatItsActsSay) {
  constexpr uint32_t kReaction = v1::TABLE_REACTION + kShadowOffset;
  constexpr uint32_t kVote = v1::TABLE_VOTE + kShadowOffset;
  EXPECT_EQ(AfterAttested<v1::ReactionRecord>(v1::ATTESTED_STAGE_DISTRIBUTED, kReaction,
                                              [](v1::ReactionRecord* reaction) {
                                                reaction->set_distributed_at_us(reaction->distributed_at_us() - 1);
                                              }),
            "attested");
  EXPECT_EQ(AfterAttested<v1::VoteRecord>(v1::ATTESTED_STAGE_VOTE, kVote,
                                          [](v1::VoteRecord* vote) { vote->set_member_id("somebody-else"); }),
            "attested");
  EXPECT_EQ(AfterAttested<v1::VoteRecord>(v1::ATTESTED_STAGE_VOTE, kVote,
                                          [](v1::VoteRecord* vote) { vote->set_at_us(vote->at_us() + 1); }),
            "attested");
  EXPECT_EQ(AfterAttested<v1::AuthorizationRecord>(
                v1::ATTESTED_STAGE_AUTHORIZED, v1::TABLE_AUTHORIZATION + kShadowOffset,
                [](v1::AuthorizationRecord* authorization) { authorization->set_quantity(2'000); }),
            "attested");
  EXPECT_EQ(AfterAttested<v1::AttestationRecord>(
                v1::ATTESTED_STAGE_VOTE, v1::TABLE_ATTESTATION,
                [](v1::AttestationRecord* record) { record->set_document_digest(std::string(32, 'x')); }),
            "attested");
}

TEST_F(AttestedStory, NeverStandsForAPartnerThatKeepsABook) {
  BookCopy copy = Book();
  // As if the mode had never been set: all that is built on it is without ground.
  for (uint64_t at = 0; at < copy.entries.size(); ++at) {
    if (book::DecodeLeaf(copy.entries[at].leaf())->kind != book::LeafKind::COMMAND) continue;
    if (StoryBooks::CommandOf(copy.entries[at]).body_case() != v1::Command::kSetPartnershipMode) continue;
    StoryBooks::ChangeEffects(&copy, at, [](v1::Effects* effects) { effects->clear_effects(); });
  }
  const std::string failed = FailedChecks(AuditUpTo(copy, Attested(copy, v1::ATTESTED_STAGE_DISTRIBUTED), story_));
  EXPECT_EQ(failed, "attested");
}

}  // namespace
}  // namespace jcm::verify
