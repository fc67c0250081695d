// Domestic transfer, retirement and cancellation in one book.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/rules/book_pair.h"
#include "ledger/rules/side.h"
#include "ledger/rules/units.h"

namespace jcm::rules {
namespace {

v1::IssuanceText Text(const std::string& lot_id, int year, Tonnes tonnes, const std::string& registry) {
  v1::IssuanceText text;
  text.set_project_id("TH014");
  text.mutable_monitoring_start()->set_year(year);
  text.mutable_monitoring_start()->set_month(1);
  text.mutable_monitoring_start()->set_day(1);
  *text.mutable_monitoring_end() = text.monitoring_start();
  text.set_verified_tonnes(tonnes);
  v1::LotText* lot = text.add_lots();
  lot->set_lot_id(lot_id);
  lot->set_vintage(year);
  lot->set_tonnes(tonnes);
  v1::AllocationRow* row = text.add_rows();
  row->set_row(1);
  row->set_party(v1::PARTY_KIND_PARTICIPANT);
  row->set_party_label("participants");
  row->set_issuing_registry(registry);
  row->mutable_range()->set_lot_id(lot_id);
  row->mutable_range()->set_first(1);
  row->mutable_range()->set_last(tonnes);
  return text;
}

// Japan issued 100 t of 2019 and of 2022, Thailand 100 t of 2023, each to account "ent".
class Operations : public testing::Test {
 protected:
  explicit Operations(const v1::RulebookParameters& parameters = BookPair::DefaultParameters()) : pair_(parameters) {
    for (int side : {kJapanSide, kHostSide}) {
      pair_.AddAccount(side, "ent", v1::ACCOUNT_CLASS_ENTITY_HOLDING);
      pair_.AddAccount(side, "other", v1::ACCOUNT_CLASS_ENTITY_HOLDING);
      pair_.AddAccount(side, "ret", v1::ACCOUNT_CLASS_RETIREMENT);
      pair_.AddAccount(side, "can", v1::ACCOUNT_CLASS_CANCELLATION);
    }
    Issue(kJapanSide, "D2019", Text("L2019", 2019, 100, "JPN"));
    Issue(kJapanSide, "D2022", Text("L2022", 2022, 100, "JPN"));
    Issue(kHostSide, "D2023", Text("L2023", 2023, 100, "THA"));
    EXPECT_TRUE(pair_.Import(kHostSide, 10).ok());
  }

  void Issue(int side, const std::string& decision, const v1::IssuanceText& text) {
    pair_.AddDecision(decision, text);
    v1::IssueCredits command;
    command.set_decision_id(decision);
    command.set_text_digest(BookPair::DigestOf(text));
    command.add_targets()->set_row(1);
    command.mutable_targets(0)->set_account("ent");
    const absl::Status issued = pair_.Do(
        side, "operator", [&](const RuleInput& input, Transition& t) { return ApplyIssueCredits(input, command, t); });
    EXPECT_TRUE(issued.ok()) << issued;
  }

  // Authorizes for `purpose` and first-transfers 1..50 of Japan's lot of 2022.
  void FirstTransfer(v1::AuthorizedPurpose purpose) {
    v1::AuthorizeItmo authorize;
    authorize.set_authorization_id("A1");
    authorize.set_project_id("TH014");
    authorize.add_purposes(purpose);
    authorize.set_authorized_party("JPN");
    authorize.set_quantity(50);
    authorize.set_vintage_first(2021);
    authorize.set_vintage_last(2025);
    authorize.set_first_transfer_trigger(v1::FIRST_TRANSFER_TRIGGER_USE);
    authorize.set_document_digest(std::string(32, 'd'));
    v1::RecordFirstTransfer record;
    record.set_first_transfer_id("F1");
    record.set_authorization_id("A1");
    AddRange("L2022", 1, 50, record.mutable_ranges());
    record.mutable_action_date()->set_year(2026);
    record.mutable_action_date()->set_month(1);
    record.mutable_action_date()->set_day(1);
    EXPECT_TRUE(pair_
                    .Do(kHostSide, "ministry",
                        [&](const RuleInput& input, Transition& t) { return ApplyAuthorizeItmo(input, authorize, t); })
                    .ok());
    EXPECT_TRUE(
        pair_
            .Do(kHostSide, "ministry",
                [&](const RuleInput& input, Transition& t) { return ApplyRecordFirstTransfer(input, record, t); })
            .ok());
    EXPECT_TRUE(pair_.Import(kJapanSide, 10).ok());
  }

  static void AddRange(const std::string& lot, Serial first, Serial last, UnitRanges* ranges) {
    v1::UnitRange* range = ranges->Add();
    range->set_lot_id(lot);
    range->set_first(first);
    range->set_last(last);
  }

  absl::Status Transfer(const std::string& to, Serial first, Serial last,
                        std::vector<std::string> persons = {"rep-ent"}) {
    v1::TransferCredits command;
    command.set_transfer_id("T" + std::to_string(++next_id_));
    command.set_from_account("ent");
    command.set_to_account(to);
    AddRange("L2019", first, last, command.mutable_ranges());
    return pair_.DoTogether(kJapanSide, persons, [&](const RuleInput& input, Transition& t) {
      return ApplyTransferCredits(input, command, t);
    });
  }

  absl::Status Retire(int side, const std::string& lot, Serial first, Serial last, const std::string& id = "") {
    v1::RetireCredits command;
    command.set_retirement_id(id.empty() ? "R" + std::to_string(++next_id_) : id);
    command.set_from_account("ent");
    command.set_retirement_account("ret");
    AddRange(lot, first, last, command.mutable_ranges());
    return pair_.Do(side, "rep-ent",
                    [&](const RuleInput& input, Transition& t) { return ApplyRetireCredits(input, command, t); });
  }

  absl::Status Cancel(int side, const std::string& lot, Serial first, Serial last, v1::CancellationPurpose purpose) {
    v1::CancelCredits command;
    command.set_cancellation_id("C" + std::to_string(++next_id_));
    command.set_from_account("ent");
    command.set_cancellation_account("can");
    command.set_purpose(purpose);
    AddRange(lot, first, last, command.mutable_ranges());
    return pair_.Do(side, "rep-ent",
                    [&](const RuleInput& input, Transition& t) { return ApplyCancelCredits(input, command, t); });
  }

  BookPair pair_;
  int next_id_ = 0;
};

TEST_F(Operations, MoveUnitsBetweenAccountsOfOneRegistry) {
  EXPECT_TRUE(Transfer("other", 11, 20).ok());
  EXPECT_TRUE(HasReason(Transfer("other", 20, 21), Reason::UNITS_NOT_HELD));
  auto record = pair_.state(kJapanSide).Get<v1::TransferRecord>(v1::TABLE_TRANSFER, "T1");
  ASSERT_TRUE(record.ok() && record->has_value());
  EXPECT_EQ((*record)->tonnes(), 10u);
}

TEST_F(Operations, AreForTheAccountsRepresentative) {
  EXPECT_TRUE(HasReason(Transfer("other", 1, 1, {"rep-other"}), Reason::ACCOUNT_NOT_AUTHORIZED));
  EXPECT_TRUE(HasReason(Transfer("nobody", 1, 1), Reason::ACCOUNT_UNKNOWN));
  EXPECT_TRUE(HasReason(Transfer("ret", 1, 1), Reason::ACCOUNT_CLASS_WRONG));
  EXPECT_TRUE(HasReason(Transfer("ent", 1, 1), Reason::FIELD_INVALID));
}

TEST_F(Operations, LetAFrozenAccountReceiveButNotSend) {
  pair_.SetAccountState(kJapanSide, "other", v1::ACCOUNT_STATE_FROZEN);
  EXPECT_TRUE(Transfer("other", 1, 1).ok());
  pair_.SetAccountState(kJapanSide, "other", v1::ACCOUNT_STATE_CLOSED);
  EXPECT_TRUE(HasReason(Transfer("other", 2, 2), Reason::ACCOUNT_NOT_ACTIVE));
  pair_.SetAccountState(kJapanSide, "ent", v1::ACCOUNT_STATE_FROZEN);
  pair_.SetAccountState(kJapanSide, "other", v1::ACCOUNT_STATE_ACTIVE);
  EXPECT_TRUE(HasReason(Transfer("other", 2, 2), Reason::ACCOUNT_NOT_ACTIVE));
}

TEST_F(Operations, RetireUnitsFromBefore2021WithoutAnITMO) { EXPECT_TRUE(Retire(kJapanSide, "L2019", 1, 10).ok()); }

TEST_F(Operations, RetireUnitsOnceAndNeverMoveThemAgain) {
  ASSERT_TRUE(Retire(kJapanSide, "L2019", 1, 10).ok());
  EXPECT_TRUE(HasReason(Retire(kJapanSide, "L2019", 10, 11), Reason::UNITS_FINAL));
  EXPECT_TRUE(HasReason(Transfer("other", 5, 5), Reason::UNITS_FINAL));
  EXPECT_TRUE(HasReason(Cancel(kJapanSide, "L2019", 1, 1, v1::CANCELLATION_PURPOSE_VOLUNTARY), Reason::UNITS_FINAL));
}

TEST_F(Operations, UseAnIdOnce) {
  ASSERT_TRUE(Retire(kJapanSide, "L2019", 1, 1, "same").ok());
  EXPECT_TRUE(HasReason(Retire(kJapanSide, "L2019", 2, 2, "same"), Reason::ALREADY_EXISTS));
}

TEST_F(Operations, RetireInJapanNothingThatWasNeverAuthorized) {
  EXPECT_TRUE(HasReason(Retire(kJapanSide, "L2022", 1, 10), Reason::UNIT_NOT_AUTHORIZED));
  FirstTransfer(v1::AUTHORIZED_PURPOSE_NDC);
  EXPECT_TRUE(Retire(kJapanSide, "L2022", 1, 50).ok());
  EXPECT_TRUE(HasReason(Retire(kJapanSide, "L2022", 51, 51), Reason::UNIT_NOT_AUTHORIZED));
}

TEST_F(Operations, RetireNothingAuthorizedForOtherPurposesOnly) {
  FirstTransfer(v1::AUTHORIZED_PURPOSE_IMP);
  EXPECT_TRUE(HasReason(Retire(kJapanSide, "L2022", 1, 10), Reason::PURPOSE_NOT_ALLOWED));
  EXPECT_TRUE(Cancel(kJapanSide, "L2022", 1, 10, v1::CANCELLATION_PURPOSE_OIMP).ok());
}

TEST_F(Operations, CancelForInternationalPurposesOnlyWhatIsAuthorizedForThem) {
  const v1::CancellationPurpose oimp = v1::CANCELLATION_PURPOSE_OIMP;
  EXPECT_TRUE(HasReason(Cancel(kJapanSide, "L2022", 1, 10, oimp), Reason::UNIT_NOT_AUTHORIZED));
  EXPECT_TRUE(HasReason(Cancel(kJapanSide, "L2019", 1, 10, oimp), Reason::VINTAGE_BEFORE_2021));
  FirstTransfer(v1::AUTHORIZED_PURPOSE_NDC);
  EXPECT_TRUE(HasReason(Cancel(kJapanSide, "L2022", 1, 10, oimp), Reason::PURPOSE_NOT_ALLOWED));
  EXPECT_TRUE(Cancel(kJapanSide, "L2022", 1, 10, v1::CANCELLATION_PURPOSE_VOLUNTARY).ok());
}

TEST_F(Operations, NeedAKnownPurposeToCancel) {
  EXPECT_TRUE(
      HasReason(Cancel(kJapanSide, "L2019", 1, 1, v1::CANCELLATION_PURPOSE_UNSPECIFIED), Reason::FIELD_REQUIRED));
  EXPECT_TRUE(
      HasReason(Cancel(kJapanSide, "L2019", 1, 1, static_cast<v1::CancellationPurpose>(99)), Reason::FIELD_INVALID));
}

TEST_F(Operations, LetAHostRetireWhatItIssuedForItsOwnNdc) { EXPECT_TRUE(Retire(kHostSide, "L2023", 1, 10).ok()); }

class OperationsByTwo : public Operations {
 protected:
  static v1::RulebookParameters TwoSignatures() {
    v1::RulebookParameters parameters = BookPair::DefaultParameters();
    parameters.set_operation_signatures(2);
    return parameters;
  }
  OperationsByTwo() : Operations(TwoSignatures()) {}
};

TEST_F(OperationsByTwo, NeedTwoDifferentPersons) {
  EXPECT_TRUE(HasReason(Transfer("other", 1, 1), Reason::TWO_PERSONS_REQUIRED));
  EXPECT_TRUE(HasReason(Transfer("other", 1, 1, {"rep-ent", "rep-ent"}), Reason::TWO_PERSONS_REQUIRED));
  EXPECT_TRUE(Transfer("other", 1, 1, {"rep-ent", "approver"}).ok());
}

TEST(RulebookInForce, IsTheNewestWhoseDayHasBegun) {
  BookPair pair;
  RuleInput input;
  input.book = BookId{"JPN", "TH"};
  Transition transition(pair.state(kJapanSide));
  v1::RulebookRecord later;
  later.set_version("later");
  later.mutable_parameters()->set_operation_signatures(2);
  v1::ZoneOffset* zone = later.mutable_parameters()->add_zone_offsets();
  zone->mutable_from()->set_year(2013);
  zone->mutable_from()->set_month(1);
  zone->mutable_from()->set_day(1);
  zone->set_japan_minutes(540);
  later.mutable_effective_date()->set_year(2026);
  later.mutable_effective_date()->set_month(1);
  later.mutable_effective_date()->set_day(1);
  ASSERT_TRUE(transition.Put(v1::TABLE_RULEBOOK, "later", later).ok());
  const BookTime tokyo_midnight = BookTime::FromSeconds(1'767'225'600 - 9 * 3600);
  input.time = tokyo_midnight;
  EXPECT_EQ(ParametersInForce(transition, input)->operation_signatures(), 2u);
  input.time = BookTime::FromMicros(tokyo_midnight.micros - 1);
  EXPECT_EQ(ParametersInForce(transition, input)->operation_signatures(), 1u);
  input.time = BookTime::FromSeconds(1'500'000'000);
  EXPECT_TRUE(HasReason(ParametersInForce(transition, input).status(), Reason::RULEBOOK_UNKNOWN));
}

}  // namespace
}  // namespace jcm::rules
