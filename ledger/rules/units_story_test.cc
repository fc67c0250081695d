// TH014 as it was: 2,017 t of 2021 decided at a meeting, issued in Thailand, 1,009 of them moved to the Government of
// Japan as ITMOs and retired there. Through the engine, with signatures, imports and a replay of both books.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/rules/invariants.h"
#include "ledger/rules/testing.h"
#include "ledger/rules/units.h"

namespace jcm::rules {
namespace {

constexpr char kLot[] = "TH014-2021-1";

v1::UnitRange Range(Serial first, Serial last) {
  v1::UnitRange range;
  range.set_lot_id(kLot);
  range.set_first(first);
  range.set_last(last);
  return range;
}

class Th014 : public testing::Test {
 protected:
  Th014() : pair_(At("2025-10-30T03:00:00Z")) {
    for (bool japan : {true, false}) {
      TestRegistry& side = pair_.of(japan);
      side.AddAccount("GOV", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {});
      side.AddAccount("ENT", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"representative"});
      side.AddAccount("RET", v1::ACCOUNT_CLASS_RETIREMENT, {});
      side.AddAccount("SUS", v1::ACCOUNT_CLASS_SUSPENSE, {});
    }
    Decide();
  }

  void Submit(bool japan, const v1::Command& command, const std::vector<std::string>& signers) {
    const absl::Status done = pair_.of(japan).Submit("TH", command, signers);
    ASSERT_TRUE(done.ok()) << ToText(done) << " for " << command.ShortDebugString();
  }
  void Settle() {
    const absl::Status settled = pair_.Settle();
    ASSERT_TRUE(settled.ok()) << ToText(settled);
  }
  std::string Handle(bool japan, const std::string& number) { return pair_.of(japan).AccountHandle(number, "TH"); }
  const state::MapState& State(bool japan) { return pair_.of(japan).book("TH").state(); }

  void Decide() {
    v1::DecisionText text;
    text.set_kind(v1::DECISION_KIND_ISSUANCE);
    text.set_title("Issuance of TH014");
    v1::IssuanceText* issuance = text.mutable_issuance();
    issuance->set_project_id("TH014");
    *issuance->mutable_monitoring_start() = MakeDate(2021, 1, 1);
    *issuance->mutable_monitoring_end() = MakeDate(2021, 12, 31);
    issuance->set_verified_tonnes(2017);
    issuance->set_allocation_method("explicit");
    v1::LotText* lot = issuance->add_lots();
    lot->set_lot_id(kLot);
    lot->set_vintage(2021);
    lot->set_tonnes(2017);
    for (int i = 0; i < 2; ++i) {
      v1::AllocationRow* row = issuance->add_rows();
      row->set_row(static_cast<uint32_t>(i + 1));
      row->set_party(i == 0 ? v1::PARTY_KIND_GOVERNMENT_OF_JAPAN : v1::PARTY_KIND_PARTICIPANT);
      row->set_party_label(i == 0 ? "Government of Japan" : "project participants (Thailand)");
      row->set_issuing_registry("THA");
      *row->mutable_range() = i == 0 ? Range(1, 1009) : Range(1010, 2017);
    }
    const std::string bytes = state::Serialise(text);
    text_digest_ = std::string(AsBytes(Sha256(bytes)));

    v1::Command open;
    open.mutable_open_decision()->set_decision_id("TH-JC7-TH014");
    open.mutable_open_decision()->set_mode(v1::DECISION_MODE_MEETING);
    open.mutable_open_decision()->set_rulebook_version("TH/1");
    open.mutable_open_decision()->set_text(bytes);
    *open.mutable_open_decision()->mutable_meeting_date() = MakeDate(2025, 10, 30);
    open.mutable_open_decision()->set_meeting_name("7th Joint Committee");
    open.mutable_open_decision()->set_report_digest(std::string(32, 'r'));
    Submit(true, open, {"secretary"});
    Settle();
    for (bool japan : {true, false}) {
      v1::Command vote;
      vote.mutable_cast_vote()->set_decision_id("TH-JC7-TH014");
      vote.mutable_cast_vote()->set_text_digest(text_digest_);
      vote.mutable_cast_vote()->set_member_id(absl::StrCat(pair_.of(japan).code(), "-chair"));
      vote.mutable_cast_vote()->set_vote(v1::VOTE_YES);
      vote.mutable_cast_vote()->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
      Submit(japan, vote, {"chair"});
    }
    Settle();
    v1::Command confirm;
    confirm.mutable_confirm_outcome()->set_decision_id("TH-JC7-TH014");
    confirm.mutable_confirm_outcome()->set_text_digest(text_digest_);
    confirm.mutable_confirm_outcome()->set_outcome(v1::DECISION_OUTCOME_ADOPTED);
    Submit(false, confirm, {"secretary"});
    Settle();
  }

  v1::Command IssueCommand() {
    v1::Command issue;
    issue.mutable_issue_credits()->set_decision_id("TH-JC7-TH014");
    issue.mutable_issue_credits()->set_text_digest(text_digest_);
    for (uint32_t row : {1u, 2u}) {
      v1::IssueTarget* target = issue.mutable_issue_credits()->add_targets();
      target->set_row(row);
      target->set_account(Handle(false, row == 1 ? "GOV" : "ENT"));
    }
    return issue;
  }

  v1::Command AuthorizeCommand() {
    v1::Command command;
    v1::AuthorizeItmo* authorize = command.mutable_authorize_itmo();
    authorize->set_authorization_id("TH-A1");
    authorize->set_project_id("TH014");
    authorize->add_purposes(v1::AUTHORIZED_PURPOSE_NDC);
    authorize->set_authorized_party("JPN");
    authorize->set_quantity(1009);
    authorize->set_vintage_first(2021);
    authorize->set_vintage_last(2021);
    authorize->set_first_transfer_trigger(v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER);
    authorize->set_document_digest(std::string(32, 'a'));
    return command;
  }

  v1::Command InitCommand(const std::string& id) {
    v1::Command command;
    v1::InitTransfer* init = command.mutable_init_transfer();
    init->set_transfer_id(id);
    init->set_from_account(Handle(false, "GOV"));
    *init->add_ranges() = Range(1, 1009);
    init->set_authorization_id("TH-A1");
    init->set_expires_at_us(pair_.host().now().micros + 20 * uint64_t{86'400'000'000});
    *init->mutable_action_date() = MakeDate(2025, 11, 11);
    init->set_to_hint("Government of Japan");
    return command;
  }

  TestPair pair_;
  std::string text_digest_;
};

TEST_F(Th014, BringsThousandAndNineItmosToJapan) {
  Submit(false, IssueCommand(), {"operator"});
  EXPECT_TRUE(HasReason(pair_.host().Submit("TH", IssueCommand(), {"operator"}), Reason::DECISION_ALREADY_ISSUED));
  Submit(false, AuthorizeCommand(), {"ministry"});

  // The holder withdraws a first attempt, and somebody else cannot.
  Submit(false, InitCommand("X0"), {"operator"});
  v1::Command withdraw;
  withdraw.mutable_withdraw_transfer()->set_transfer_id("X0");
  EXPECT_TRUE(HasReason(pair_.host().Submit("TH", withdraw, {"representative"}), Reason::ACCOUNT_NOT_AUTHORIZED));
  Submit(false, withdraw, {"operator"});

  Submit(false, InitCommand("X1"), {"operator"});
  Settle();
  v1::Command accept;
  accept.mutable_accept_transfer()->set_transfer_id("X1");
  accept.mutable_accept_transfer()->set_to_account(Handle(true, "GOV"));
  accept.mutable_accept_transfer()->set_suspense_account(Handle(true, "SUS"));
  Submit(true, accept, {"operator"});
  Settle();

  auto blocks = ReadBlocks(State(true), Range(1, 2017));
  ASSERT_TRUE(blocks.ok());
  ASSERT_EQ(blocks->size(), 1u);
  EXPECT_EQ((*blocks)[0].last(), 1009u);
  EXPECT_EQ((*blocks)[0].account(), Handle(true, "GOV"));
  EXPECT_EQ((*blocks)[0].first_allottee(), v1::PARTY_KIND_GOVERNMENT_OF_JAPAN);
  auto first_transfer = State(true).Get<v1::FirstTransferRecord>(state::Shadow(v1::TABLE_FIRST_TRANSFER), "post:X1");
  ASSERT_TRUE(first_transfer.ok() && first_transfer->has_value());
  EXPECT_EQ((*first_transfer)->action_date().month(), 11);
  EXPECT_EQ((*first_transfer)->tonnes(), 1009u);

  v1::Command retire;
  retire.mutable_retire_credits()->set_retirement_id("R1");
  retire.mutable_retire_credits()->set_from_account(Handle(true, "GOV"));
  retire.mutable_retire_credits()->set_retirement_account(Handle(true, "RET"));
  *retire.mutable_retire_credits()->add_ranges() = Range(1, 1009);
  Submit(true, retire, {"operator"});
  retire.mutable_retire_credits()->set_retirement_id("R2");
  EXPECT_TRUE(HasReason(pair_.jpn().Submit("TH", retire, {"operator"}), Reason::UNITS_FINAL));

  for (const std::string& violation : CheckInvariants(State(true), State(false))) ADD_FAILURE() << violation;
  EXPECT_TRUE(pair_.jpn().book("TH").ReplayAll().ok());
  EXPECT_TRUE(pair_.host().book("TH").ReplayAll().ok());
}

TEST_F(Th014, CreditsSuspenseWhenTheAccountWasClosedMeanwhile) {
  Submit(false, IssueCommand(), {"operator"});
  Submit(false, AuthorizeCommand(), {"ministry"});
  Submit(false, InitCommand("X1"), {"operator"});
  Settle();
  v1::Command accept;
  accept.mutable_accept_transfer()->set_transfer_id("X1");
  accept.mutable_accept_transfer()->set_to_account(Handle(true, "ENT"));
  accept.mutable_accept_transfer()->set_suspense_account(Handle(true, "SUS"));
  Submit(true, accept, {"representative"});
  ASSERT_TRUE(pair_.jpn().SetAccountState("ENT", v1::ACCOUNT_STATE_CLOSED).ok());
  Settle();
  auto blocks = ReadBlocks(State(true), Range(1, 1009));
  ASSERT_TRUE(blocks.ok());
  ASSERT_EQ(blocks->size(), 1u);
  EXPECT_EQ((*blocks)[0].account(), Handle(true, "SUS"));
  EXPECT_TRUE(pair_.jpn().book("TH").ReplayAll().ok());
}

TEST_F(Th014, ExpiresUnansweredAndReturnsItsHeadroom) {
  Submit(false, IssueCommand(), {"operator"});
  Submit(false, AuthorizeCommand(), {"ministry"});
  Submit(false, InitCommand("X1"), {"operator"});
  pair_.Advance(21 * uint64_t{86'400'000'000});
  Settle();
  const auto out = pair_.host().book("TH").Find<v1::TransferOutRecord>(v1::TABLE_TRANSFER_OUT, "X1");
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->void_cause(), v1::VOID_CAUSE_EXPIRED);
  EXPECT_EQ(pair_.host().book("TH").Find<v1::AuthorizationRecord>(v1::TABLE_AUTHORIZATION, "TH-A1")->held(), 0u);
  Submit(false, InitCommand("X2"), {"operator"});
  EXPECT_TRUE(pair_.host().book("TH").ReplayAll().ok());
}

}  // namespace
}  // namespace jcm::rules
