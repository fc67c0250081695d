// Authorization, first transfer and cross-border transfer, act by act; all orders are in border_interleavings_test.cc.
#include "ledger/rules/border.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/rules/book_pair.h"
#include "ledger/rules/units.h"

namespace jcm::rules {
namespace {

constexpr uint64_t kDayMicros = 86'400'000'000;

// Thailand issued 1..60 of lot L (2021), Japan 61..100; both to "gov".
class Border : public testing::Test {
 protected:
  Border() {
    for (int side : {kJapanSide, kHostSide}) {
      pair_.AddAccount(side, "gov", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING);
      pair_.AddAccount(side, "ent", v1::ACCOUNT_CLASS_ENTITY_HOLDING);
      pair_.AddAccount(side, "ret", v1::ACCOUNT_CLASS_RETIREMENT);
      pair_.AddAccount(side, "sus", v1::ACCOUNT_CLASS_SUSPENSE);
    }
    v1::IssuanceText text;
    text.set_project_id("TH014");
    text.mutable_monitoring_start()->set_year(2021);
    text.mutable_monitoring_start()->set_month(1);
    text.mutable_monitoring_start()->set_day(1);
    *text.mutable_monitoring_end() = text.monitoring_start();
    text.set_verified_tonnes(100);
    v1::LotText* lot = text.add_lots();
    lot->set_lot_id("L");
    lot->set_vintage(2021);
    lot->set_tonnes(100);
    for (int i = 0; i < 2; ++i) {
      v1::AllocationRow* row = text.add_rows();
      row->set_row(static_cast<uint32_t>(i + 1));
      row->set_party(v1::PARTY_KIND_GOVERNMENT_OF_JAPAN);
      row->set_party_label("government");
      row->set_issuing_registry(i == 0 ? "THA" : "JPN");
      *row->mutable_range() = Range(i == 0 ? 1 : 61, i == 0 ? 60 : 100);
    }
    pair_.AddDecision("D1", text);
    for (int side : {kHostSide, kJapanSide}) {
      v1::IssueCredits command;
      command.set_decision_id("D1");
      command.set_text_digest(BookPair::DigestOf(text));
      command.add_targets()->set_row(side == kHostSide ? 1 : 2);
      command.mutable_targets(0)->set_account("gov");
      EXPECT_TRUE(pair_
                      .Do(side, "operator",
                          [&](const RuleInput& input, Transition& t) { return ApplyIssueCredits(input, command, t); })
                      .ok());
    }
    News();
  }

  static v1::UnitRange Range(Serial first, Serial last) {
    v1::UnitRange range;
    range.set_lot_id("L");
    range.set_first(first);
    range.set_last(last);
    return range;
  }

  void News() {
    for (int i = 0; i < 3; ++i) {
      for (int side : {kJapanSide, kHostSide}) {
        const absl::Status imported = pair_.Import(side, 100);
        ASSERT_TRUE(imported.ok()) << ToText(imported);
      }
    }
  }

  static v1::AuthorizeItmo Authorization(const std::string& id, Tonnes quantity) {
    v1::AuthorizeItmo command;
    command.set_authorization_id(id);
    command.set_project_id("TH014");
    command.add_purposes(v1::AUTHORIZED_PURPOSE_NDC);
    command.set_authorized_party("JPN");
    command.set_quantity(quantity);
    command.set_vintage_first(2021);
    command.set_vintage_last(2022);
    command.set_first_transfer_trigger(v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER);
    command.set_document_digest(std::string(32, 'd'));
    return command;
  }

  absl::Status Authorize(const v1::AuthorizeItmo& command, int side = kHostSide) {
    return pair_.Do(side, "ministry",
                    [&](const RuleInput& input, Transition& t) { return ApplyAuthorizeItmo(input, command, t); });
  }

  absl::Status Revoke(const std::string& id) {
    v1::RevokeAuthorization command;
    command.set_authorization_id(id);
    command.set_document_digest(std::string(32, 'r'));
    return pair_.Do(kHostSide, "ministry",
                    [&](const RuleInput& input, Transition& t) { return ApplyRevokeAuthorization(input, command, t); });
  }

  absl::Status FirstTransfer(const std::string& id, Serial first, Serial last,
                             const std::string& authorization = "A1") {
    v1::RecordFirstTransfer command;
    command.set_first_transfer_id(id);
    command.set_authorization_id(authorization);
    *command.add_ranges() = Range(first, last);
    command.mutable_action_date()->set_year(2025);
    command.mutable_action_date()->set_month(12);
    command.mutable_action_date()->set_day(16);
    return pair_.Do(kHostSide, "ministry",
                    [&](const RuleInput& input, Transition& t) { return ApplyRecordFirstTransfer(input, command, t); });
  }

  absl::Status Init(int side, const std::string& id, Serial first, Serial last, const std::string& authorization,
                    uint64_t days = 5) {
    v1::InitTransfer command;
    command.set_transfer_id(id);
    command.set_from_account("gov");
    *command.add_ranges() = Range(first, last);
    command.set_authorization_id(authorization);
    command.set_expires_at_us(pair_.time().micros + days * kDayMicros);
    return pair_.Do(side, "rep-gov",
                    [&](const RuleInput& input, Transition& t) { return ApplyInitTransfer(input, command, t); });
  }

  absl::Status Accept(int side, const std::string& id, const std::string& to = "gov",
                      const std::string& suspense = "sus") {
    v1::AcceptTransfer command;
    command.set_transfer_id(id);
    command.set_to_account(to);
    command.set_suspense_account(suspense);
    return pair_.Do(side, absl::StrCat("rep-", to),
                    [&](const RuleInput& input, Transition& t) { return ApplyAcceptTransfer(input, command, t); });
  }

  absl::Status Retire(int side, Serial first, Serial last) {
    v1::RetireCredits command;
    command.set_retirement_id(absl::StrCat("R", first));
    command.set_from_account("gov");
    command.set_retirement_account("ret");
    *command.add_ranges() = Range(first, last);
    return pair_.Do(side, "rep-gov",
                    [&](const RuleInput& input, Transition& t) { return ApplyRetireCredits(input, command, t); });
  }

  template <typename Record>
  Record Find(int side, uint32_t table, const std::string& key) {
    auto record = pair_.state(side).Get<Record>(table, key);
    EXPECT_TRUE(record.ok() && record->has_value()) << key;
    return record.ok() && record->has_value() ? **record : Record();
  }

  std::vector<v1::BlockRecord> Blocks(int side, Serial first, Serial last) {
    return *ReadBlocks(pair_.state(side), Range(first, last));
  }

  BookPair pair_;
};

TEST_F(Border, OnlyTheHostAuthorizesAndFirstTransfers) {
  EXPECT_TRUE(HasReason(Authorize(Authorization("A1", 10), kJapanSide), Reason::WRONG_SIDE));
}

TEST_F(Border, AnAuthorizationIsRefusedForEachFault) {
  const std::vector<std::pair<Reason, std::function<void(v1::AuthorizeItmo&)>>> cases = {
      {Reason::FIELD_REQUIRED, [](auto& c) { c.clear_purposes(); }},
      {Reason::FIELD_INVALID, [](auto& c) { c.add_purposes(v1::AUTHORIZED_PURPOSE_NDC); }},
      {Reason::FIELD_INVALID, [](auto& c) { c.set_purposes(0, v1::AUTHORIZED_PURPOSE_IMP); }},
      {Reason::FIELD_REQUIRED, [](auto& c) { c.clear_first_transfer_trigger(); }},
      {Reason::FIELD_INVALID, [](auto& c) { c.set_authorized_party("KOR"); }},
      {Reason::QUANTITY_NOT_POSITIVE, [](auto& c) { c.set_quantity(0); }},
      {Reason::QUANTITY_OVERFLOW, [](auto& c) { c.set_quantity(kSerialMax + 1); }},
      {Reason::VINTAGE_BEFORE_2021, [](auto& c) { c.set_vintage_first(2020); }},
      {Reason::FIELD_INVALID, [](auto& c) { c.set_vintage_last(2020); }},
      {Reason::FIELD_REQUIRED, [](auto& c) { c.clear_document_digest(); }},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    v1::AuthorizeItmo command = Authorization("A1", 10);
    cases[i].second(command);
    EXPECT_EQ(ReasonOf(Authorize(command)), cases[i].first) << i;
  }
  EXPECT_TRUE(Authorize(Authorization("A1", 10)).ok());
  EXPECT_TRUE(HasReason(Authorize(Authorization("A1", 10)), Reason::ALREADY_EXISTS));
}

TEST_F(Border, AFirstTransferIsWithinItsAuthorizationAndOncePerUnit) {
  ASSERT_TRUE(Authorize(Authorization("A1", 10)).ok());
  v1::AuthorizeItmo other = Authorization("A2", 10);
  other.set_project_id("TH015");
  ASSERT_TRUE(Authorize(other).ok());
  EXPECT_TRUE(HasReason(FirstTransfer("F1", 61, 71), Reason::AUTHORIZATION_EXHAUSTED));
  EXPECT_TRUE(HasReason(FirstTransfer("F1", 61, 70, "A2"), Reason::AUTHORIZATION_NOT_APPLICABLE));
  EXPECT_TRUE(HasReason(FirstTransfer("F1", 61, 70, "A3"), Reason::AUTHORIZATION_UNKNOWN));
  EXPECT_TRUE(HasReason(FirstTransfer("F1", 60, 61), Reason::AUTHORIZATION_NOT_APPLICABLE));
  EXPECT_TRUE(FirstTransfer("F1", 61, 65).ok());
  EXPECT_TRUE(HasReason(FirstTransfer("F1", 66, 66), Reason::ALREADY_EXISTS));
  EXPECT_TRUE(HasReason(FirstTransfer("F2", 65, 66), Reason::ALREADY_FIRST_TRANSFERRED));
  News();
  EXPECT_TRUE(Retire(kJapanSide, 61, 65).ok());
  EXPECT_TRUE(HasReason(Retire(kJapanSide, 66, 66), Reason::UNIT_NOT_AUTHORIZED));
}

TEST_F(Border, APostIsTheFirstTransferAndTravelsWithItsMark) {
  ASSERT_TRUE(Authorize(Authorization("A1", 10)).ok());
  ASSERT_TRUE(Init(kHostSide, "X1", 1, 10, "A1").ok());
  EXPECT_EQ(Find<v1::AuthorizationRecord>(kHostSide, v1::TABLE_AUTHORIZATION, "A1").held(), 10u);
  News();
  ASSERT_TRUE(Accept(kJapanSide, "X1").ok());
  EXPECT_TRUE(Blocks(kJapanSide, 1, 10).empty()) << "a promise credits nothing";
  News();
  const auto out = Find<v1::TransferOutRecord>(kHostSide, v1::TABLE_TRANSFER_OUT, "X1");
  EXPECT_EQ(out.state(), v1::TRANSFER_OUT_STATE_POSTED);
  EXPECT_EQ(out.first_transfer_id(), FirstTransferIdOfPost("X1"));
  ASSERT_EQ(out.blocks_size(), 1);
  EXPECT_EQ(out.blocks(0).first_transfer_id(), FirstTransferIdOfPost("X1"));
  EXPECT_EQ(out.action_date().year(), 2026);
  const auto first_transfer =
      Find<v1::FirstTransferRecord>(kHostSide, v1::TABLE_FIRST_TRANSFER, FirstTransferIdOfPost("X1"));
  EXPECT_EQ(first_transfer.tonnes(), 10u);
  EXPECT_EQ(first_transfer.transfer_id(), "X1");
  const auto authorization = Find<v1::AuthorizationRecord>(kHostSide, v1::TABLE_AUTHORIZATION, "A1");
  EXPECT_EQ(authorization.held(), 0u);
  EXPECT_EQ(authorization.first_transferred(), 10u);
  ASSERT_EQ(Blocks(kJapanSide, 1, 10).size(), 1u);
  EXPECT_EQ(Blocks(kJapanSide, 1, 10)[0].account(), "gov");
  EXPECT_EQ(Blocks(kJapanSide, 1, 10)[0].first_transfer_id(), FirstTransferIdOfPost("X1"));
  EXPECT_EQ(Blocks(kHostSide, 1, 10)[0].state(), v1::BLOCK_STATE_SENT);
  EXPECT_TRUE(Retire(kJapanSide, 1, 10).ok());
  EXPECT_TRUE(HasReason(Retire(kHostSide, 1, 1), Reason::UNITS_NOT_HELD));
}

TEST_F(Border, UnitsOfTheHostLeaveItUnderAnAuthorizationWithHeadroomOnly) {
  ASSERT_TRUE(Authorize(Authorization("A1", 10)).ok());
  EXPECT_TRUE(HasReason(Init(kHostSide, "X1", 1, 10, ""), Reason::UNIT_NOT_AUTHORIZED));
  EXPECT_TRUE(HasReason(Init(kHostSide, "X1", 1, 11, "A1"), Reason::AUTHORIZATION_EXHAUSTED));
  EXPECT_TRUE(Init(kHostSide, "X1", 1, 6, "A1").ok());
  EXPECT_TRUE(HasReason(Init(kHostSide, "X2", 7, 11, "A1"), Reason::AUTHORIZATION_EXHAUSTED));
  EXPECT_TRUE(HasReason(Init(kHostSide, "X2", 6, 7, "A1"), Reason::UNITS_IN_TRANSIT));
  EXPECT_TRUE(HasReason(Init(kJapanSide, "Y1", 61, 62, "A1"), Reason::AUTHORIZATION_NOT_APPLICABLE));
  EXPECT_TRUE(Init(kJapanSide, "Y1", 61, 62, "").ok());
}

TEST_F(Border, ARevocationVoidsWhatIsOnItsWayAndNothingElse) {
  ASSERT_TRUE(Authorize(Authorization("A1", 30)).ok());
  ASSERT_TRUE(FirstTransfer("F1", 61, 70).ok());
  ASSERT_TRUE(Init(kHostSide, "X1", 1, 10, "A1").ok());
  ASSERT_TRUE(Revoke("A1").ok());
  const auto out = Find<v1::TransferOutRecord>(kHostSide, v1::TABLE_TRANSFER_OUT, "X1");
  EXPECT_EQ(out.state(), v1::TRANSFER_OUT_STATE_VOIDED);
  EXPECT_EQ(out.void_cause(), v1::VOID_CAUSE_REVOKED);
  const auto authorization = Find<v1::AuthorizationRecord>(kHostSide, v1::TABLE_AUTHORIZATION, "A1");
  EXPECT_EQ(authorization.held(), 0u);
  EXPECT_EQ(authorization.first_transferred(), 10u);
  EXPECT_TRUE(HasReason(Init(kHostSide, "X2", 1, 1, "A1"), Reason::AUTHORIZATION_NOT_APPLICABLE));
  EXPECT_TRUE(HasReason(FirstTransfer("F2", 71, 71), Reason::AUTHORIZATION_NOT_APPLICABLE));
  EXPECT_TRUE(HasReason(Revoke("A1"), Reason::AUTHORIZATION_NOT_APPLICABLE));
  News();
  EXPECT_TRUE(Retire(kJapanSide, 61, 70).ok());
}

TEST_F(Border, AnExpiryIsAheadAndWithinTheRulebooksMaximum) {
  EXPECT_TRUE(HasReason(Init(kJapanSide, "Y1", 61, 62, "", 0), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(Init(kJapanSide, "Y1", 61, 62, "", 91), Reason::FIELD_INVALID));
  ASSERT_TRUE(Init(kJapanSide, "Y1", 61, 62, "", 90).ok());
  pair_.Advance(90 * kDayMicros - 1);
  ASSERT_TRUE(pair_.Tick(kJapanSide).ok());
  EXPECT_EQ(Find<v1::TransferOutRecord>(kJapanSide, v1::TABLE_TRANSFER_OUT, "Y1").state(),
            v1::TRANSFER_OUT_STATE_INITIATED);
  pair_.Advance(1);
  ASSERT_TRUE(pair_.Tick(kJapanSide).ok());
  EXPECT_EQ(Find<v1::TransferOutRecord>(kJapanSide, v1::TABLE_TRANSFER_OUT, "Y1").void_cause(), v1::VOID_CAUSE_EXPIRED);
  EXPECT_EQ(Blocks(kJapanSide, 61, 100).size(), 1u) << "what came back merges with its neighbours";
}

TEST_F(Border, OnlySoManyTransfersWaitAtTheSameTime) {
  for (size_t i = 0; i < 40; ++i) ASSERT_TRUE(Init(kJapanSide, absl::StrCat("Y", i), 61 + i, 61 + i, "").ok());
  const absl::Status refused = pair_.Do(kJapanSide, "rep-gov", [&](const RuleInput& input, Transition& t) {
    for (size_t i = 40; i < kTransfersInFlightMax; ++i) {
      JCM_RETURN_IF_ERROR(AddDeadline(pair_.time(), v1::DEADLINE_KIND_TRANSFER_EXPIRY, absl::StrCat("Y", i), t));
    }
    v1::InitTransfer command;
    command.set_transfer_id("one-more");
    command.set_from_account("gov");
    command.set_expires_at_us(pair_.time().micros + kDayMicros);
    *command.add_ranges() = Range(100, 100);
    return ApplyInitTransfer(input, command, t);
  });
  EXPECT_TRUE(HasReason(refused, Reason::QUEUE_FULL)) << refused;
}

TEST_F(Border, AnAnswerNeedsATransferAndIsGivenOnce) {
  EXPECT_TRUE(HasReason(Accept(kHostSide, "Y1"), Reason::TRANSFER_UNKNOWN));
  ASSERT_TRUE(Init(kJapanSide, "Y1", 61, 62, "").ok());
  EXPECT_TRUE(HasReason(Accept(kHostSide, "Y1"), Reason::TRANSFER_UNKNOWN)) << "not imported yet";
  News();
  EXPECT_TRUE(HasReason(Accept(kHostSide, "Y1", "ret"), Reason::ACCOUNT_CLASS_WRONG));
  EXPECT_TRUE(HasReason(Accept(kHostSide, "Y1", "gov", "ent"), Reason::ACCOUNT_CLASS_WRONG));
  EXPECT_TRUE(HasReason(Accept(kHostSide, "Y1", "gov", "nobody"), Reason::ACCOUNT_UNKNOWN));
  ASSERT_TRUE(Accept(kHostSide, "Y1").ok());
  EXPECT_TRUE(HasReason(Accept(kHostSide, "Y1"), Reason::TRANSFER_ALREADY_ANSWERED));
}

TEST_F(Border, CreditsOfAClosedAccountGoToSuspenseAndThoseOfAFrozenOneArrive) {
  ASSERT_TRUE(Init(kJapanSide, "Y1", 61, 62, "").ok());
  ASSERT_TRUE(Init(kJapanSide, "Y2", 63, 64, "").ok());
  News();
  ASSERT_TRUE(Accept(kHostSide, "Y1", "gov").ok());
  ASSERT_TRUE(Accept(kHostSide, "Y2", "ent").ok());
  pair_.SetAccountState(kHostSide, "gov", v1::ACCOUNT_STATE_CLOSED);
  pair_.SetAccountState(kHostSide, "ent", v1::ACCOUNT_STATE_FROZEN);
  News();
  EXPECT_EQ(Blocks(kHostSide, 61, 62).at(0).account(), "sus");
  EXPECT_EQ(Blocks(kHostSide, 63, 64).at(0).account(), "ent");
  EXPECT_EQ(Find<v1::TransferInRecord>(kHostSide, v1::TABLE_TRANSFER_IN, "Y1").credited_account(), "sus");
  EXPECT_TRUE(HasReason(Retire(kHostSide, 61, 62), Reason::ACCOUNT_NOT_ACTIVE));
}

TEST_F(Border, ImportsRefuseImpossibleActs) {
  const auto import = [&](v1::Table table, const google::protobuf::MessageLite& record, const std::string& old_value) {
    return pair_.Do(kJapanSide, "", [&](const RuleInput& input, Transition& t) {
      v1::Effect effect;
      effect.set_table(table);
      effect.set_old_value(old_value);
      effect.set_new_value(state::Serialise(record));
      return OnImportedUnitRecord(input, effect, t);
    });
  };
  v1::TransferOutRecord posted;
  posted.set_transfer_id("X1");
  posted.set_state(v1::TRANSFER_OUT_STATE_POSTED);
  EXPECT_TRUE(HasReason(import(v1::TABLE_TRANSFER_OUT, posted, ""), Reason::IMPOSSIBLE_ACT)) << "never accepted";
  v1::TransferInRecord answer;
  answer.set_transfer_id("Y1");
  answer.set_state(v1::TRANSFER_IN_STATE_ACCEPTED);
  EXPECT_TRUE(HasReason(import(v1::TABLE_TRANSFER_IN, answer, ""), Reason::IMPOSSIBLE_ACT)) << "never sent";
  ASSERT_TRUE(Init(kJapanSide, "Y1", 61, 61, "").ok());
  answer.set_state(v1::TRANSFER_IN_STATE_CREDITED);
  EXPECT_TRUE(HasReason(import(v1::TABLE_TRANSFER_IN, answer, ""), Reason::IMPOSSIBLE_ACT)) << "not posted";
  v1::FirstTransferRecord first_transfer;
  first_transfer.set_first_transfer_id("F1");
  *first_transfer.add_ranges() = Range(70, 71);
  EXPECT_TRUE(HasReason(import(v1::TABLE_FIRST_TRANSFER, first_transfer, "changed"), Reason::IMPOSSIBLE_ACT));
  EXPECT_TRUE(import(v1::TABLE_FIRST_TRANSFER, first_transfer, "").ok());
  first_transfer.set_first_transfer_id("F2");
  EXPECT_TRUE(HasReason(import(v1::TABLE_FIRST_TRANSFER, first_transfer, ""), Reason::IMPOSSIBLE_ACT)) << "twice";
}

TEST_F(Border, UnitsThatAreHereCannotComeInAgain) {
  ASSERT_TRUE(Authorize(Authorization("A1", 10)).ok());
  ASSERT_TRUE(Init(kHostSide, "X1", 1, 10, "A1").ok());
  News();
  ASSERT_TRUE(Accept(kJapanSide, "X1").ok());
  v1::TransferOutRecord forged = Find<v1::TransferOutRecord>(kHostSide, v1::TABLE_TRANSFER_OUT, "X1");
  forged.set_state(v1::TRANSFER_OUT_STATE_POSTED);
  *forged.mutable_ranges(0) = Range(61, 70);
  forged.mutable_blocks(0)->set_first(61);
  forged.mutable_blocks(0)->set_last(70);
  const absl::Status imported = pair_.Do(
      kJapanSide, "", [&](const RuleInput& input, Transition& t) { return OnImportedTransferOut(input, forged, t); });
  EXPECT_TRUE(HasReason(imported, Reason::IMPOSSIBLE_ACT)) << imported;
}

}  // namespace
}  // namespace jcm::rules
