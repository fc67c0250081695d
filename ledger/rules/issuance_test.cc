#include "ledger/rules/issuance.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/rules/book_pair.h"
#include "ledger/rules/units.h"

namespace jcm::rules {
namespace {

v1::Date Day(int year, int month, int day) {
  v1::Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}

void AddRow(v1::PartyKind party, const std::string& registry, Serial first, Serial last, v1::IssuanceText* text) {
  v1::AllocationRow* row = text->add_rows();
  row->set_row(static_cast<uint32_t>(text->rows_size()));
  row->set_party(party);
  row->set_party_label("a party");
  row->set_issuing_registry(registry);
  row->mutable_range()->set_lot_id(text->lots(0).lot_id());
  row->mutable_range()->set_first(first);
  row->mutable_range()->set_last(last);
}

// TH014: 2,017 t of 2021, of which Japan issues 1,009 to its government and Thailand 1,008 to participants.
v1::IssuanceText Th014() {
  v1::IssuanceText text;
  text.set_project_id("TH014");
  *text.mutable_monitoring_start() = Day(2021, 1, 1);
  *text.mutable_monitoring_end() = Day(2021, 12, 31);
  text.set_verified_tonnes(2017);
  text.set_allocation_method("explicit");
  v1::LotText* lot = text.add_lots();
  lot->set_lot_id("TH014-2021-1");
  lot->set_vintage(2021);
  lot->set_tonnes(2017);
  AddRow(v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "JPN", 1, 1009, &text);
  AddRow(v1::PARTY_KIND_PARTICIPANT, "THA", 1010, 2017, &text);
  return text;
}

absl::Status Check(const v1::IssuanceText& text) {
  return CheckIssuanceText(text, BookPair::DefaultParameters(), "TH", "JPN", "THA");
}

TEST(IssuanceText, IsAcceptedWhenRowsCoverLotsExactly) { EXPECT_TRUE(Check(Th014()).ok()) << Check(Th014()); }

TEST(IssuanceText, IsRefusedForEachFault) {
  const std::vector<std::pair<Reason, std::function<void(v1::IssuanceText&)>>> cases = {
      {Reason::FIELD_REQUIRED, [](auto& t) { t.clear_project_id(); }},
      {Reason::FIELD_REQUIRED, [](auto& t) { t.clear_monitoring_end(); }},
      {Reason::FIELD_INVALID, [](auto& t) { *t.mutable_monitoring_end() = Day(2021, 2, 30); }},
      {Reason::FIELD_INVALID, [](auto& t) { *t.mutable_monitoring_end() = Day(2020, 12, 31); }},
      {Reason::PERIOD_STRADDLES_2021, [](auto& t) { *t.mutable_monitoring_start() = Day(2020, 12, 31); }},
      {Reason::FIELD_INVALID, [](auto& t) { t.set_allocation_method("halves"); }},
      {Reason::QUANTITY_NOT_POSITIVE, [](auto& t) { t.set_verified_tonnes(0); }},
      {Reason::VERIFIED_AMOUNT_EXCEEDED, [](auto& t) { t.set_verified_tonnes(2016); }},
      {Reason::FIELD_REQUIRED, [](auto& t) { t.clear_lots(); }},
      {Reason::VINTAGE_OUTSIDE_PERIOD, [](auto& t) { t.mutable_lots(0)->set_vintage(2022); }},
      {Reason::QUANTITY_NOT_POSITIVE, [](auto& t) { t.mutable_lots(0)->set_tonnes(0); }},
      {Reason::QUANTITY_OVERFLOW, [](auto& t) { t.mutable_lots(0)->set_tonnes(kSerialMax + 1); }},
      {Reason::FIELD_INVALID, [](auto& t) { t.mutable_lots(0)->set_lot_id("TH014/2021"); }},
      {Reason::ALLOCATION_INVALID, [](auto& t) { *t.add_lots() = t.lots(0); }},
      {Reason::FIELD_REQUIRED, [](auto& t) { t.clear_rows(); }},
      {Reason::ALLOCATION_INVALID, [](auto& t) { t.mutable_rows(1)->set_row(3); }},
      {Reason::FIELD_REQUIRED, [](auto& t) { t.mutable_rows(0)->clear_party(); }},
      {Reason::FIELD_REQUIRED, [](auto& t) { t.mutable_rows(0)->clear_party_label(); }},
      {Reason::ALLOCATION_INVALID, [](auto& t) { t.mutable_rows(0)->set_issuing_registry("MDV"); }},
      {Reason::ALLOCATION_INVALID, [](auto& t) { t.mutable_rows(0)->mutable_range()->set_lot_id("other"); }},
      {Reason::RANGE_OUTSIDE_LOT, [](auto& t) { t.mutable_rows(1)->mutable_range()->set_last(2018); }},
      {Reason::RANGE_INVALID, [](auto& t) { t.mutable_rows(0)->mutable_range()->set_first(0); }},
      {Reason::ALLOCATION_INVALID, [](auto& t) { t.mutable_rows(0)->mutable_range()->set_last(1008); }},
      {Reason::ALLOCATION_INVALID, [](auto& t) { t.mutable_rows(0)->mutable_range()->set_last(1010); }},
      {Reason::ALLOCATION_INVALID, [](auto& t) { t.mutable_rows(1)->mutable_range()->set_last(2016); }},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    v1::IssuanceText text = Th014();
    cases[i].second(text);
    EXPECT_EQ(ReasonOf(Check(text)), cases[i].first) << "case " << i << ": " << Check(text);
  }
}

TEST(IssuanceText, NamesNoRowOfJapanWhereTheHostIssuesFirst) {
  v1::RulebookParameters parameters = BookPair::DefaultParameters();
  parameters.set_cross_border_mode(v1::CROSS_BORDER_MODE_HOST_FIRST);
  EXPECT_TRUE(HasReason(CheckIssuanceText(Th014(), parameters, "TH", "JPN", "THA"), Reason::MODE_NOT_ALLOWED));
  v1::IssuanceText text = Th014();
  text.mutable_rows(0)->set_issuing_registry("THA");
  EXPECT_TRUE(CheckIssuanceText(text, parameters, "TH", "JPN", "THA").ok());
}

class Issuance : public testing::Test {
 protected:
  Issuance() {
    for (int side : {kJapanSide, kHostSide}) {
      pair_.AddAccount(side, "gov", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING);
      pair_.AddAccount(side, "ent", v1::ACCOUNT_CLASS_ENTITY_HOLDING);
    }
    pair_.AddDecision("D1", Th014());
  }

  absl::Status Issue(int side, const std::string& decision, const v1::IssuanceText& text,
                     const std::vector<std::pair<uint32_t, std::string>>& targets) {
    v1::IssueCredits command;
    command.set_decision_id(decision);
    command.set_text_digest(BookPair::DigestOf(text));
    for (const auto& [row, account] : targets) {
      v1::IssueTarget* target = command.add_targets();
      target->set_row(row);
      target->set_account(account);
    }
    return pair_.Do(side, "operator",
                    [&](const RuleInput& input, Transition& t) { return ApplyIssueCredits(input, command, t); });
  }

  absl::Status IssueTh014(int side) {
    return side == kJapanSide ? Issue(side, "D1", Th014(), {{1, "gov"}}) : Issue(side, "D1", Th014(), {{2, "ent"}});
  }

  BookPair pair_;
};

TEST_F(Issuance, GivesEachSideItsRowsAndNoOthers) {
  ASSERT_TRUE(IssueTh014(kJapanSide).ok());
  ASSERT_TRUE(IssueTh014(kHostSide).ok());
  for (int side : {kJapanSide, kHostSide}) {
    auto blocks = ReadBlocks(pair_.state(side), [] {
      v1::UnitRange range;
      range.set_lot_id("TH014-2021-1");
      range.set_first(1);
      range.set_last(2017);
      return range;
    }());
    ASSERT_TRUE(blocks.ok());
    ASSERT_EQ(blocks->size(), 1u);
    const v1::BlockRecord& block = (*blocks)[0];
    EXPECT_EQ(block.first(), side == kJapanSide ? 1u : 1010u);
    EXPECT_EQ(block.last(), side == kJapanSide ? 1009u : 2017u);
    EXPECT_EQ(block.account(), side == kJapanSide ? "gov" : "ent");
    EXPECT_EQ(block.issuing_registry(), side == kJapanSide ? "JPN" : "THA");
    EXPECT_EQ(block.allocation_row(), side == kJapanSide ? 1u : 2u);
    auto record = pair_.state(side).Get<v1::IssuanceRecord>(v1::TABLE_ISSUANCE, "D1");
    ASSERT_TRUE(record.ok() && record->has_value());
    EXPECT_EQ((*record)->tonnes(), side == kJapanSide ? 1009u : 1008u);
  }
}

TEST_F(Issuance, HappensOncePerDecisionAndSide) {
  ASSERT_TRUE(IssueTh014(kJapanSide).ok());
  EXPECT_TRUE(HasReason(IssueTh014(kJapanSide), Reason::DECISION_ALREADY_ISSUED));
}

TEST_F(Issuance, NeedsTheConfirmedText) {
  v1::IssuanceText other = Th014();
  other.set_verified_tonnes(3000);
  EXPECT_TRUE(HasReason(Issue(kJapanSide, "D1", other, {{1, "gov"}}), Reason::DECISION_TEXT_MISMATCH));
  EXPECT_FALSE(Issue(kJapanSide, "D2", other, {{1, "gov"}}).ok());
}

TEST_F(Issuance, NeedsExactlyItsOwnRowsAsTargets) {
  EXPECT_TRUE(HasReason(Issue(kJapanSide, "D1", Th014(), {}), Reason::TARGETS_DIFFER));
  EXPECT_TRUE(HasReason(Issue(kJapanSide, "D1", Th014(), {{2, "gov"}}), Reason::TARGETS_DIFFER));
  EXPECT_TRUE(HasReason(Issue(kJapanSide, "D1", Th014(), {{1, "gov"}, {2, "ent"}}), Reason::TARGETS_DIFFER));
}

TEST_F(Issuance, NeedsActiveAccountsOfAFittingClass) {
  EXPECT_TRUE(HasReason(Issue(kJapanSide, "D1", Th014(), {{1, "nobody"}}), Reason::ACCOUNT_UNKNOWN));
  EXPECT_TRUE(HasReason(Issue(kJapanSide, "D1", Th014(), {{1, "ent"}}), Reason::ACCOUNT_CLASS_WRONG));
  EXPECT_TRUE(HasReason(Issue(kHostSide, "D1", Th014(), {{2, "gov"}}), Reason::ACCOUNT_CLASS_WRONG));
  pair_.SetAccountState(kJapanSide, "gov", v1::ACCOUNT_STATE_FROZEN);
  EXPECT_TRUE(HasReason(IssueTh014(kJapanSide), Reason::ACCOUNT_NOT_ACTIVE));
}

TEST_F(Issuance, IsRefusedForDaysThatAnotherDecisionIssuedOnEitherSide) {
  v1::IssuanceText later = Th014();
  *later.mutable_monitoring_start() = Day(2021, 12, 31);
  later.mutable_lots(0)->set_lot_id("TH014-2021-2");
  for (v1::AllocationRow& row : *later.mutable_rows()) row.mutable_range()->set_lot_id("TH014-2021-2");
  ASSERT_TRUE(IssueTh014(kHostSide).ok());
  pair_.AddDecision("D2", later, 2);
  EXPECT_TRUE(HasReason(Issue(kHostSide, "D2", later, {{2, "ent"}}), Reason::PERIOD_OVERLAPS));
  ASSERT_TRUE(pair_.Import(kJapanSide, 10).ok());
  EXPECT_TRUE(HasReason(Issue(kJapanSide, "D2", later, {{1, "gov"}}), Reason::PERIOD_OVERLAPS));
  EXPECT_TRUE(IssueTh014(kJapanSide).ok());
}

TEST_F(Issuance, FollowsTheDecisionConfirmedFirstWhereTwoClaimTheSameDays) {
  v1::IssuanceText rival = Th014();
  rival.mutable_lots(0)->set_lot_id("TH014-2021-2");
  for (v1::AllocationRow& row : *rival.mutable_rows()) row.mutable_range()->set_lot_id("TH014-2021-2");
  pair_.AddDecision("D0", rival, 2);
  // Neither side knows of an issuance; D1 was confirmed at 1, D0 at 2.
  EXPECT_TRUE(HasReason(Issue(kJapanSide, "D0", rival, {{1, "gov"}}), Reason::PERIOD_OVERLAPS));
  EXPECT_TRUE(HasReason(Issue(kHostSide, "D0", rival, {{2, "ent"}}), Reason::PERIOD_OVERLAPS));
  EXPECT_TRUE(IssueTh014(kJapanSide).ok());
  EXPECT_TRUE(IssueTh014(kHostSide).ok());
}

TEST_F(Issuance, IsRefusedOnBothSidesWhereRivalsWereConfirmedAtTheSameInstant) {
  v1::IssuanceText rival = Th014();
  rival.set_project_id("TH015");  // other days do not help: the lot is the same
  pair_.AddDecision("D0", rival, 1);
  EXPECT_TRUE(HasReason(IssueTh014(kJapanSide), Reason::PERIOD_OVERLAPS));
  EXPECT_TRUE(HasReason(Issue(kHostSide, "D0", rival, {{2, "ent"}}), Reason::PERIOD_OVERLAPS));
}

TEST_F(Issuance, MarksUnitsThatTheHostFirstTransferredBefore) {
  ASSERT_TRUE(pair_
                  .Do(kHostSide, "ministry",
                      [](const RuleInput& input, Transition& t) {
                        v1::AuthorizeItmo command;
                        command.set_authorization_id("A1");
                        command.set_project_id("TH014");
                        command.add_purposes(v1::AUTHORIZED_PURPOSE_NDC);
                        command.set_authorized_party("JPN");
                        command.set_quantity(433);
                        command.set_vintage_first(2021);
                        command.set_vintage_last(2021);
                        command.set_first_transfer_trigger(v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER);
                        command.set_document_digest(std::string(32, 'd'));
                        return ApplyAuthorizeItmo(input, command, t);
                      })
                  .ok());
  const absl::Status recorded = pair_.Do(kHostSide, "ministry", [](const RuleInput& input, Transition& t) {
    v1::RecordFirstTransfer command;
    command.set_first_transfer_id("F1");
    command.set_authorization_id("A1");
    v1::UnitRange* range = command.add_ranges();
    range->set_lot_id("TH014-2021-1");
    range->set_first(101);
    range->set_last(533);
    *command.mutable_action_date() = Day(2025, 12, 16);
    return ApplyRecordFirstTransfer(input, command, t);
  });
  ASSERT_TRUE(recorded.ok()) << recorded;
  ASSERT_TRUE(pair_.Import(kJapanSide, 10).ok());
  ASSERT_TRUE(IssueTh014(kJapanSide).ok());
  v1::UnitRange all;
  all.set_lot_id("TH014-2021-1");
  all.set_first(1);
  all.set_last(2017);
  auto blocks = ReadBlocks(pair_.state(kJapanSide), all);
  ASSERT_TRUE(blocks.ok());
  ASSERT_EQ(blocks->size(), 3u);
  EXPECT_EQ((*blocks)[1].first(), 101u);
  EXPECT_EQ((*blocks)[1].last(), 533u);
  EXPECT_EQ((*blocks)[1].first_transfer_id(), "F1");
  EXPECT_EQ((*blocks)[0].first_transfer_id(), "");
  EXPECT_EQ((*blocks)[2].first_transfer_id(), "");
}

}  // namespace
}  // namespace jcm::rules
