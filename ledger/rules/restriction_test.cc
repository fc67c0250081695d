// Disposal restrictions: what is restricted stays where it is until two persons lift the restriction.
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

class Restriction : public testing::Test {
 protected:
  void SetUp() override {
    government_ = jpn().AddAccount("JP-GOV", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {"operator"});
    company_ = jpn().AddAccount("JP-CO", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"representative"});
    v1::Command command;
    command.set_provenance(v1::PROVENANCE_MIGRATED);
    v1::MigrateUnits* units = command.mutable_migrate_units();
    units->set_statement_id("OPEN-1");
    v1::MigratedLot* lot = units->add_lots();
    lot->set_lot_id("LOT");
    lot->set_project_id("TH014");
    lot->set_vintage(2016);
    lot->set_first_serial(1);
    lot->set_tonnes(100);
    *lot->mutable_monitoring_start() = MakeDate(2016, 1, 1);
    *lot->mutable_monitoring_end() = MakeDate(2016, 12, 31);
    v1::MigratedBlock* block = units->add_blocks();
    *block->mutable_range() = Range(1, 100);
    block->set_account(company_);
    block->set_state(v1::BLOCK_STATE_HELD);
    block->set_first_allottee(v1::PARTY_KIND_PARTICIPANT);
    block->set_issuing_registry("JPN");
    ASSERT_EQ(Submit(command), "OK");
    v1::Command sign;
    sign.set_provenance(v1::PROVENANCE_MIGRATED);
    v1::SignOpeningStatement* statement = sign.mutable_sign_opening_statement();
    statement->set_statement_id("OPEN-1");
    *statement->mutable_as_of() = MakeDate(2026, 3, 1);
    statement->set_files_digest(std::string(32, 'f'));
    statement->set_lots(1);
    statement->set_blocks(1);
    statement->set_held(100);
    ASSERT_EQ(Submit(sign, {"operator", "secretary"}), "OK");
  }
  TestRegistry& jpn() { return pair_.jpn(); }
  std::string Submit(const v1::Command& command, std::vector<std::string> signers = {"operator"}) {
    return Why(jpn().Submit("TH", command, signers));
  }
  static v1::UnitRange Range(uint64_t first, uint64_t last) {
    v1::UnitRange range;
    range.set_lot_id("LOT");
    range.set_first(first);
    range.set_last(last);
    return range;
  }
  std::string Restrict(uint64_t first, uint64_t last, const std::string& text,
                       std::vector<std::string> signers = {"operator", "secretary"}) {
    v1::Command command;
    v1::RestrictUnits* restrict = command.mutable_restrict_units();
    restrict->set_account(company_);
    *restrict->add_ranges() = Range(first, last);
    restrict->set_restriction(text);
    restrict->set_document_digest(std::string(32, 'd'));
    return Submit(command, signers);
  }
  std::string Transfer(const std::string& id, uint64_t first, uint64_t last) {
    v1::Command command;
    command.mutable_transfer_credits()->set_transfer_id(id);
    command.mutable_transfer_credits()->set_from_account(company_);
    command.mutable_transfer_credits()->set_to_account(government_);
    *command.mutable_transfer_credits()->add_ranges() = Range(first, last);
    return Submit(command, {"representative"});
  }

  TestPair pair_;
  std::string government_;
  std::string company_;
};

TEST_F(Restriction, HoldsUnitsUntilTwoPersonsLiftIt) {
  EXPECT_EQ(Restrict(41, 60, "attachment 2026-7", {"operator"}), "TWO_PERSONS_REQUIRED");
  ASSERT_EQ(Restrict(41, 60, "attachment 2026-7"), "OK");
  EXPECT_EQ(Transfer("T-1", 50, 70), "UNITS_RESTRICTED");
  EXPECT_EQ(Transfer("T-2", 61, 70), "OK");
  EXPECT_EQ(Transfer("T-3", 1, 40), "OK");
  EXPECT_EQ(Restrict(41, 60, ""), "OK");
  EXPECT_EQ(Transfer("T-4", 41, 60), "OK");
  ASSERT_TRUE(pair_.Settle().ok());
  EXPECT_TRUE(jpn().book("TH").ReplayAll().ok());
}

TEST_F(Restriction, IsNeitherLaidOnTwiceNorLiftedWhereThereIsNone) {
  ASSERT_EQ(Restrict(41, 60, "attachment 2026-7"), "OK");
  EXPECT_EQ(Restrict(60, 61, "attachment 2026-8"), "FIELD_INVALID");
  EXPECT_EQ(Restrict(60, 61, ""), "FIELD_INVALID");
  EXPECT_EQ(Restrict(101, 101, "attachment 2026-8"), "RANGE_OUTSIDE_LOT");
}

}  // namespace
}  // namespace jcm::rules
