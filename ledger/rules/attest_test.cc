// Mode ATTESTED: documents stand for the acts of a partner that keeps no book.
#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

const BookTime kStart = At("2026-03-02T00:00:00Z");

class AttestRules : public testing::Test {
 protected:
  AttestRules() {
    v1::Command mode;
    mode.mutable_set_partnership_mode()->set_mode(v1::PARTNERSHIP_MODE_ATTESTED);
    mode.mutable_set_partnership_mode()->set_document_digest(std::string(32, 'm'));
    EXPECT_EQ(jpn().Submit("TH", mode, {"operator"}), absl::OkStatus());
  }

  TestRegistry& jpn() { return pair_.jpn(); }

  std::string Open(v1::DecisionMode mode) {
    v1::DecisionText text;
    text.set_kind(v1::DECISION_KIND_ISSUANCE);
    text.set_title("Issuance of credits");
    v1::IssuanceText* issuance = text.mutable_issuance();
    issuance->set_project_id("TH014");
    *issuance->mutable_monitoring_start() = MakeDate(2021, 1, 1);
    *issuance->mutable_monitoring_end() = MakeDate(2021, 12, 31);
    issuance->set_verified_tonnes(2'017);
    v1::LotText* lot = issuance->add_lots();
    lot->set_lot_id("TH014-2021-1");
    lot->set_vintage(2021);
    lot->set_tonnes(2'017);
    AddRow(issuance, 1, v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "JPN", 1, 1'009);
    AddRow(issuance, 2, v1::PARTY_KIND_PARTICIPANT, "THA", 1'010, 2'017);
    issuance->set_allocation_method("explicit");
    v1::Command command;
    v1::OpenDecision* open = command.mutable_open_decision();
    open->set_decision_id("D1");
    open->set_mode(mode);
    open->set_rulebook_version("TH/1");
    open->set_text(state::Serialise(text));
    if (mode == v1::DECISION_MODE_MEETING) {
      *open->mutable_meeting_date() = MakeDate(2026, 3, 1);
      open->set_meeting_name("7th Joint Committee");
      open->set_report_digest(std::string(32, 'r'));
    }
    const Digest digest = Sha256(open->text());
    digest_ = std::string(AsBytes(digest));
    return Why(jpn().Submit("TH", command, {"secretary"}));
  }

  static void AddRow(v1::IssuanceText* text, uint32_t number, v1::PartyKind party, const std::string& registry,
                     uint64_t first, uint64_t last) {
    v1::AllocationRow* row = text->add_rows();
    row->set_row(number);
    row->set_party(party);
    row->set_party_label("a party");
    row->set_issuing_registry(registry);
    row->mutable_range()->set_lot_id("TH014-2021-1");
    row->mutable_range()->set_first(first);
    row->mutable_range()->set_last(last);
  }

  std::string Attest(v1::AttestedStage stage, const v1::Date& legal_date,
                     const std::function<void(v1::Attest&)>& change) {
    v1::Command command;
    *command.mutable_legal_date() = legal_date;
    command.mutable_attest()->set_stage(stage);
    command.mutable_attest()->set_document_digest(std::string(32, 'd'));
    change(*command.mutable_attest());
    return Why(jpn().Submit("TH", command, {"secretary", "secretary2"}));
  }

  std::string Distribute(const v1::Date& date) {
    return Attest(v1::ATTESTED_STAGE_DISTRIBUTED, date, [&](v1::Attest& a) {
      a.mutable_distributed()->set_decision_id("D1");
      a.mutable_distributed()->set_text_digest(digest_);
    });
  }

  std::string PartnersVote(const v1::Date& date, v1::Vote vote, bool co_chair) {
    return Attest(v1::ATTESTED_STAGE_VOTE, date, [&](v1::Attest& a) {
      a.mutable_vote()->set_decision_id("D1");
      a.mutable_vote()->set_text_digest(digest_);
      a.mutable_vote()->set_member_id(co_chair ? "their-chair" : "their-member");
      a.mutable_vote()->set_vote(vote);
      a.set_vote_by_co_chair(co_chair);
    });
  }

  std::string Confirm(v1::DecisionOutcome outcome) {
    return Attest(v1::ATTESTED_STAGE_OUTCOME_CONFIRMED, MakeDate(2026, 3, 2), [&](v1::Attest& a) {
      a.mutable_confirmed()->set_decision_id("D1");
      a.mutable_confirmed()->set_text_digest(digest_);
      a.mutable_confirmed()->set_outcome(outcome);
    });
  }

  absl::Status Vote(const std::string& person, v1::Vote vote) {
    v1::Command command;
    command.mutable_cast_vote()->set_decision_id("D1");
    command.mutable_cast_vote()->set_text_digest(digest_);
    command.mutable_cast_vote()->set_member_id("JPN-" + person);
    command.mutable_cast_vote()->set_vote(vote);
    command.mutable_cast_vote()->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
    return jpn().Submit("TH", command, {person});
  }

  v1::DecisionRecord Decision() { return *jpn().book("TH").Find<v1::DecisionRecord>(v1::TABLE_DECISION, "D1"); }

  // A meeting decision, adopted and confirmed.
  void Adopt() {
    ASSERT_EQ(Open(v1::DECISION_MODE_MEETING), "OK");
    ASSERT_EQ(Vote("chair", v1::VOTE_YES), absl::OkStatus());
    ASSERT_EQ(PartnersVote(MakeDate(2026, 3, 1), v1::VOTE_YES, true), "OK");
    pair_.Advance(1);
    ASSERT_EQ(jpn().TickAll("TH").status(), absl::OkStatus());
    ASSERT_EQ(Decision().state(), v1::DECISION_STATE_ADOPTED);
    ASSERT_EQ(Confirm(v1::DECISION_OUTCOME_ADOPTED), "OK");
  }

  TestPair pair_{kStart};
  std::string digest_;
};

TEST_F(AttestRules, AdoptAMeetingDecisionOnTheWordOfADocument) {
  Adopt();
  EXPECT_TRUE(RequireConfirmedDecision({}, jpn().book("TH").state(), "D1", digest_).ok());
  const auto reaction = jpn().book("TH").Find<v1::ReactionRecord>(state::Shadow(v1::TABLE_REACTION), "D1");
  EXPECT_EQ(reaction->provenance(), v1::PROVENANCE_ATTESTED);
  EXPECT_EQ(jpn().book("TH").ReplayAll(), absl::OkStatus());
}

TEST_F(AttestRules, LetAnElectronicDecisionLapseByLegalDates) {
  pair_.SetNow(At("2026-03-20T00:00:00Z"));
  ASSERT_EQ(Open(v1::DECISION_MODE_ELECTRONIC), "OK");
  EXPECT_EQ(PartnersVote(MakeDate(2026, 3, 20), v1::VOTE_YES, true), "VOTE_NOT_ALLOWED");
  ASSERT_EQ(Distribute(MakeDate(2026, 3, 20)), "OK");
  EXPECT_EQ(Distribute(MakeDate(2026, 3, 20)), "ALREADY_EXISTS");
  ASSERT_EQ(Vote("chair", v1::VOTE_YES), absl::OkStatus());
  ASSERT_EQ(PartnersVote(MakeDate(2026, 3, 20), v1::VOTE_YES, true), "OK");
  pair_.SetNow(At("2026-03-30T16:59:59Z"));
  ASSERT_EQ(jpn().TickAll("TH").status(), absl::OkStatus());
  EXPECT_EQ(Decision().state(), v1::DECISION_STATE_OPEN);
  pair_.SetNow(At("2026-03-30T17:00:00Z"));
  ASSERT_EQ(jpn().TickAll("TH").status(), absl::OkStatus());
  EXPECT_EQ(Decision().state(), v1::DECISION_STATE_ADOPTED);
  EXPECT_EQ(Decision().adopted_at_us(), At("2026-03-30T17:00:00Z").micros);
}

TEST_F(AttestRules, NeedADocumentTwoPersonsAndADayThatHasCome) {
  ASSERT_EQ(Open(v1::DECISION_MODE_ELECTRONIC), "OK");
  v1::Command command;
  command.mutable_attest()->set_stage(v1::ATTESTED_STAGE_DISTRIBUTED);
  command.mutable_attest()->mutable_distributed()->set_decision_id("D1");
  command.mutable_attest()->mutable_distributed()->set_text_digest(digest_);
  EXPECT_EQ(Why(jpn().Submit("TH", command, {"secretary", "secretary2"})), "FIELD_REQUIRED");  // the document
  command.mutable_attest()->set_document_digest(std::string(32, 'd'));
  EXPECT_EQ(Why(jpn().Submit("TH", command, {"secretary", "secretary2"})), "FIELD_REQUIRED");  // the date
  *command.mutable_legal_date() = MakeDate(2026, 3, 2);
  EXPECT_EQ(Why(jpn().Submit("TH", command, {"secretary"})), "TWO_PERSONS_REQUIRED");
  *command.mutable_legal_date() = MakeDate(2026, 3, 3);
  EXPECT_EQ(Why(jpn().Submit("TH", command, {"secretary", "secretary2"})), "FIELD_INVALID");
  *command.mutable_legal_date() = MakeDate(2026, 3, 2);
  command.set_provenance(v1::PROVENANCE_NATIVE);
  EXPECT_EQ(Why(jpn().Submit("TH", command, {"secretary", "secretary2"})), "FIELD_INVALID");
  command.clear_provenance();
  EXPECT_EQ(Why(jpn().Submit("TH", command, {"organization", "secretary"})), "OK");
}

TEST_F(AttestRules, NeverStandForAPartnerThatKeepsABook) {
  TestPair node;
  v1::Command command;
  *command.mutable_legal_date() = MakeDate(2026, 3, 2);
  command.mutable_attest()->set_stage(v1::ATTESTED_STAGE_DISTRIBUTED);
  command.mutable_attest()->set_document_digest(std::string(32, 'd'));
  EXPECT_EQ(Why(node.jpn().Submit("TH", command, {"secretary", "secretary2"})), "MODE_NOT_ALLOWED");
}

TEST_F(AttestRules, NameTheRightDecisionTextAndOutcome) {
  ASSERT_EQ(Open(v1::DECISION_MODE_MEETING), "OK");
  EXPECT_EQ(Confirm(v1::DECISION_OUTCOME_ADOPTED), "OUTCOME_DIFFERS");
  EXPECT_EQ(Confirm(v1::DECISION_OUTCOME_UNSPECIFIED), "FIELD_INVALID");
  EXPECT_EQ(PartnersVote(MakeDate(2026, 3, 1), v1::VOTE_YES, false), "VOTE_NOT_ALLOWED");
  EXPECT_EQ(PartnersVote(MakeDate(2026, 3, 1), v1::VOTE_UNSPECIFIED, true), "FIELD_INVALID");
  digest_ = std::string(32, 'x');
  EXPECT_EQ(PartnersVote(MakeDate(2026, 3, 1), v1::VOTE_YES, true), "DECISION_TEXT_MISMATCH");
  EXPECT_EQ(Attest(static_cast<v1::AttestedStage>(99), MakeDate(2026, 3, 1), [](v1::Attest&) {}), "FIELD_INVALID");
}

TEST_F(AttestRules, RecordThePartnersIssuanceAuthorizationAndFirstTransfer) {
  Adopt();
  const auto issue = [&] {
    return Attest(v1::ATTESTED_STAGE_ISSUED, MakeDate(2026, 3, 2), [&](v1::Attest& a) {
      a.mutable_issued()->set_decision_id("D1");
      a.mutable_issued()->set_text_digest(digest_);
    });
  };
  EXPECT_EQ(issue(), "OK");
  EXPECT_EQ(issue(), "ALREADY_EXISTS");
  const auto issuance = jpn().book("TH").Find<v1::IssuanceRecord>(state::Shadow(v1::TABLE_ISSUANCE), "D1");
  EXPECT_EQ(issuance->tonnes(), 1'008u);
  EXPECT_EQ(issuance->registry(), "THA");

  const auto authorize = [&](const std::function<void(v1::AuthorizeItmo&)>& change) {
    return Attest(v1::ATTESTED_STAGE_AUTHORIZED, MakeDate(2026, 3, 2), [&](v1::Attest& a) {
      v1::AuthorizeItmo* act = a.mutable_authorized();
      act->set_authorization_id("AU1");
      act->set_project_id("TH014");
      act->add_purposes(v1::AUTHORIZED_PURPOSE_NDC);
      act->set_authorized_party("JPN");
      act->set_quantity(1'009);
      act->set_vintage_first(2021);
      act->set_vintage_last(2021);
      act->set_first_transfer_trigger(v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER);
      change(*act);
    });
  };
  EXPECT_EQ(authorize([](v1::AuthorizeItmo& a) { a.set_quantity(0); }), "QUANTITY_NOT_POSITIVE");
  EXPECT_EQ(authorize([](v1::AuthorizeItmo& a) { a.set_quantity(~uint64_t{0}); }), "QUANTITY_OVERFLOW");
  EXPECT_EQ(authorize([](v1::AuthorizeItmo& a) { a.set_vintage_first(2020); }), "VINTAGE_BEFORE_2021");
  EXPECT_EQ(authorize([](v1::AuthorizeItmo& a) { a.set_vintage_last(2020); }), "FIELD_INVALID");
  EXPECT_EQ(authorize([](v1::AuthorizeItmo& a) { a.clear_purposes(); }), "FIELD_REQUIRED");
  EXPECT_EQ(authorize([](v1::AuthorizeItmo& a) { a.add_purposes(v1::AUTHORIZED_PURPOSE_NDC); }), "FIELD_INVALID");
  EXPECT_EQ(authorize([](v1::AuthorizeItmo& a) { a.clear_first_transfer_trigger(); }), "FIELD_INVALID");
  EXPECT_EQ(authorize([](v1::AuthorizeItmo&) {}), "OK");
  EXPECT_EQ(authorize([](v1::AuthorizeItmo&) {}), "ALREADY_EXISTS");

  const auto first_transfer = [&](const std::string& id, uint64_t first, uint64_t last, const std::string& under) {
    return Attest(v1::ATTESTED_STAGE_FIRST_TRANSFERRED, MakeDate(2026, 3, 2), [&](v1::Attest& a) {
      v1::RecordFirstTransfer* act = a.mutable_first_transferred();
      act->set_first_transfer_id(id);
      act->set_authorization_id(under);
      *act->mutable_action_date() = MakeDate(2026, 3, 2);
      v1::UnitRange* range = act->add_ranges();
      range->set_lot_id("TH014-2021-1");
      range->set_first(first);
      range->set_last(last);
    });
  };
  EXPECT_EQ(first_transfer("F1", 1, 10, "AU9"), "AUTHORIZATION_UNKNOWN");
  EXPECT_EQ(first_transfer("F1", 2'000, 2'018, "AU1"), "RANGE_OUTSIDE_LOT");
  EXPECT_EQ(first_transfer("F1", 1, 1'010, "AU1"), "AUTHORIZATION_EXHAUSTED");
  EXPECT_EQ(first_transfer("F1", 1, 1'000, "AU1"), "OK");
  EXPECT_EQ(first_transfer("F2", 1'000, 1'001, "AU1"), "ALREADY_FIRST_TRANSFERRED");
  EXPECT_EQ(first_transfer("F2", 1'001, 1'010, "AU1"), "AUTHORIZATION_EXHAUSTED");
  EXPECT_EQ(jpn().book("TH").ReplayAll(), absl::OkStatus());
}

}  // namespace
}  // namespace jcm::rules
