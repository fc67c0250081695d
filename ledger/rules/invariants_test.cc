// The checker of invariants itself: it must see each violation in states that no rule would make.
#include "ledger/rules/invariants.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/rules/book_pair.h"
#include "ledger/rules/units.h"

namespace jcm::rules {
namespace {

v1::UnitRange Range(Serial first, Serial last) {
  v1::UnitRange range;
  range.set_lot_id("L");
  range.set_first(first);
  range.set_last(last);
  return range;
}

// Japan issued 1..50 of a lot of 100 t; Thailand may issue the rest.
class Invariants : public testing::Test {
 protected:
  Invariants() {
    pair_.AddAccount(kJapanSide, "gov", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING);
    pair_.AddAccount(kHostSide, "gov", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING);
    v1::IssuanceText text;
    text.set_project_id("TH014");
    text.mutable_monitoring_start()->set_year(2021);
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
      row->set_issuing_registry(i == 0 ? "JPN" : "THA");
      *row->mutable_range() = Range(i == 0 ? 1 : 51, i == 0 ? 50 : 100);
    }
    pair_.AddDecision("D1", text);
    v1::IssueCredits command;
    command.set_decision_id("D1");
    command.set_text_digest(BookPair::DigestOf(text));
    command.add_targets()->set_row(1);
    command.mutable_targets(0)->set_account("gov");
    EXPECT_TRUE(pair_
                    .Do(kJapanSide, "operator",
                        [&](const RuleInput& input, Transition& t) { return ApplyIssueCredits(input, command, t); })
                    .ok());
  }

  // Changes a book's records as no rule would.
  void Tamper(int side, const std::function<void(Transition&)>& change) {
    EXPECT_TRUE(pair_
                    .Do(side, "",
                        [&](const RuleInput&, Transition& t) {
                          change(t);
                          return absl::OkStatus();
                        })
                    .ok());
  }

  template <typename Record>
  void Edit(int side, uint32_t table, const std::string& key, const std::function<void(Record&)>& edit) {
    Tamper(side, [&](Transition& t) {
      auto record = t.Get<Record>(table, key);
      ASSERT_TRUE(record.ok());
      Record changed = record->value_or(Record());
      edit(changed);
      ASSERT_TRUE(t.Put(table, key, changed).ok());
    });
  }

  void EditBlock(const std::function<void(v1::BlockRecord&)>& edit) {
    Edit<v1::BlockRecord>(kJapanSide, v1::TABLE_BLOCK, BlockKey("L", 1), edit);
  }

  bool Sees(const std::string& words) const {
    const std::vector<std::string> violations = CheckInvariants(pair_.state(kJapanSide), pair_.state(kHostSide));
    const std::string all = absl::StrJoin(violations, "\n");
    EXPECT_TRUE(absl::StrContains(all, words)) << "reported: " << all;
    return absl::StrContains(all, words);
  }

  BookPair pair_;
};

TEST_F(Invariants, HoldInAStateThatRulesMade) {
  EXPECT_TRUE(CheckInvariants(pair_.state(kJapanSide), pair_.state(kHostSide)).empty());
}

TEST_F(Invariants, MissUnitsThatVanished) {
  EditBlock([](v1::BlockRecord& block) { block.set_last(49); });
  EXPECT_TRUE(Sees("serials 50..50 are nowhere"));
}

TEST_F(Invariants, SeeUnitsThatAreInTwoPlaces) {
  EditBlock([](v1::BlockRecord& block) { block.set_last(51); });
  EXPECT_TRUE(Sees("serial 51 is both JPN BLOCK_STATE_HELD and not issued"));
}

TEST_F(Invariants, SeeUnitsInBothRegistries) {
  Tamper(kHostSide, [&](Transition& t) {
    auto lot = pair_.state(kJapanSide).Get<v1::LotRecord>(v1::TABLE_LOT, "L");
    auto block = pair_.state(kJapanSide).Get<v1::BlockRecord>(v1::TABLE_BLOCK, BlockKey("L", 1));
    ASSERT_TRUE(t.Put(v1::TABLE_LOT, "L", **lot).ok());
    ASSERT_TRUE(t.Put(v1::TABLE_BLOCK, BlockKey("L", 1), **block).ok());
  });
  EXPECT_TRUE(Sees("serial 1 is both"));
}

TEST_F(Invariants, SeeBlocksOutsideTheirLotOrWithoutAny) {
  EditBlock([](v1::BlockRecord& block) { block.set_last(101); });
  EXPECT_TRUE(Sees("lies outside its lot"));
  Tamper(kJapanSide, [](Transition& t) { ASSERT_TRUE(t.Delete(v1::TABLE_LOT, "L").ok()); });
  EXPECT_TRUE(Sees("has no lot"));
}

TEST_F(Invariants, SeeTravellingUnitsWithoutATransfer) {
  EditBlock([](v1::BlockRecord& block) {
    block.set_state(v1::BLOCK_STATE_IN_TRANSIT);
    block.set_end_id("X1");
  });
  EXPECT_TRUE(Sees("is in transit by no transfer in flight"));
  EditBlock([](v1::BlockRecord& block) { block.set_state(v1::BLOCK_STATE_SENT); });
  EXPECT_TRUE(Sees("of a transfer that was not posted"));
}

TEST_F(Invariants, SeeAnItmoFromBefore2021) {
  EditBlock([](v1::BlockRecord& block) { block.set_first_transfer_id("F1"); });
  EXPECT_TRUE(CheckInvariants(pair_.state(kJapanSide), pair_.state(kHostSide)).empty());
  Edit<v1::LotRecord>(kJapanSide, v1::TABLE_LOT, "L", [](v1::LotRecord& lot) { lot.set_vintage(2020); });
  EXPECT_TRUE(Sees("of vintage 2020 is an ITMO"));
}

TEST_F(Invariants, SeeAnIssuanceWithoutAConfirmedDecisionOrOfAnotherAmount) {
  Edit<v1::IssuanceRecord>(kJapanSide, v1::TABLE_ISSUANCE, "D1", [](v1::IssuanceRecord& r) { r.set_tonnes(51); });
  EXPECT_TRUE(Sees("D1 issued 51 t of 50"));
  Edit<v1::ReactionRecord>(kJapanSide, state::Shadow(v1::TABLE_REACTION), "D1",
                           [](v1::ReactionRecord& r) { r.set_state(v1::REACTION_STATE_DISPUTED); });
  EXPECT_TRUE(Sees("which is not adopted and confirmed"));
}

TEST_F(Invariants, SeeTwoIssuancesForTheSameDays) {
  v1::IssuanceText text;
  text.set_project_id("TH014");
  text.mutable_monitoring_start()->set_year(2021);
  *text.mutable_monitoring_end() = text.monitoring_start();
  pair_.AddDecision("D2", text);
  Edit<v1::IssuanceRecord>(kHostSide, v1::TABLE_ISSUANCE, "D2", [](v1::IssuanceRecord& r) { r.set_registry("THA"); });
  EXPECT_TRUE(Sees("decisions D1 and D2 are issued for the same days"));
}

TEST_F(Invariants, SeeAuthorizationsThatDoNotAddUp) {
  Edit<v1::AuthorizationRecord>(kHostSide, v1::TABLE_AUTHORIZATION, "A1", [](v1::AuthorizationRecord& r) {
    r.set_quantity(10);
    r.set_held(11);
  });
  EXPECT_TRUE(Sees("authorization A1 says 0 t first transferred and 11 t held"));
  EXPECT_TRUE(Sees("authorization A1 is exceeded"));
}

TEST_F(Invariants, SeeAUnitFirstTransferredTwice) {
  for (const char* id : {"F1", "F2"}) {
    Edit<v1::FirstTransferRecord>(kHostSide, v1::TABLE_FIRST_TRANSFER, id, [&](v1::FirstTransferRecord& r) {
      r.set_first_transfer_id(id);
      r.set_tonnes(10);
      *r.add_ranges() = Range(1, 10);
    });
  }
  EXPECT_TRUE(Sees("serial 1 is first transferred by F1 and F2"));
}

TEST_F(Invariants, SeeASumThatIsNotThatOfItsRanges) {
  Edit<v1::RetirementRecord>(kJapanSide, v1::TABLE_RETIREMENT, "R1", [](v1::RetirementRecord& r) {
    r.set_tonnes(9);
    *r.add_ranges() = Range(1, 10);
  });
  EXPECT_TRUE(Sees("retirement R1 has another sum"));
}

TEST_F(Invariants, SeeFinalUnitsThatMove) {
  EditBlock([](v1::BlockRecord& block) { block.set_state(v1::BLOCK_STATE_RETIRED); });
  const state::MapState before = pair_.state(kJapanSide);
  EXPECT_TRUE(CheckFinality(before, pair_.state(kJapanSide)).empty());
  EditBlock([](v1::BlockRecord& block) { block.set_last(49); });
  EXPECT_EQ(CheckFinality(before, pair_.state(kJapanSide)), std::vector<std::string>{"final unit L 50 has moved"});
  EditBlock([](v1::BlockRecord& block) {
    block.set_last(50);
    block.set_account("elsewhere");
  });
  EXPECT_FALSE(CheckFinality(before, pair_.state(kJapanSide)).empty());
}

TEST_F(Invariants, LetALaterFirstTransferCutAFinalBlock) {
  EditBlock([](v1::BlockRecord& block) { block.set_state(v1::BLOCK_STATE_RETIRED); });
  const state::MapState before = pair_.state(kJapanSide);
  Tamper(kJapanSide, [](Transition& t) {
    ASSERT_TRUE(AddFirstTransferRange(Range(11, 20), "F1", "A1", t).ok());
    auto blocks = ReadBlocks(t, Range(1, 50));
    ASSERT_TRUE(blocks.ok() && MarkFirstTransferred(t, *blocks).ok() && WriteBlocks(*blocks, t).ok());
  });
  EXPECT_TRUE(CheckFinality(before, pair_.state(kJapanSide)).empty());
}

}  // namespace
}  // namespace jcm::rules
