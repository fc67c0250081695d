// Opening statements: what an earlier registry had, taken over to the tonne and usable once two persons have signed.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

class Migration : public testing::Test {
 protected:
  void SetUp() override {
    government_ = jpn().AddAccount("JP-GOV", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {"operator"});
    company_ = jpn().AddAccount("JP-CO", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"representative"});
    retired_ = jpn().AddAccount("JP-RET", v1::ACCOUNT_CLASS_RETIREMENT, {"operator"});
    cancelled_ = jpn().AddAccount("JP-CAN", v1::ACCOUNT_CLASS_CANCELLATION, {"operator"});
  }
  TestRegistry& jpn() { return pair_.jpn(); }

  static v1::Command Part() {
    v1::Command command;
    command.set_provenance(v1::PROVENANCE_MIGRATED);
    command.mutable_migrate_units()->set_statement_id("OPEN-1");
    return command;
  }
  // Serials 50001..50100 of an issuance of 2016.
  static v1::MigratedLot* AddLot(v1::Command* command) {
    v1::MigratedLot* lot = command->mutable_migrate_units()->add_lots();
    lot->set_lot_id("TH014-2016-old");
    lot->set_project_id("TH014");
    lot->set_vintage(2016);
    lot->set_first_serial(50'001);
    lot->set_tonnes(100);
    lot->set_number_text("JP-TH-TH014-1-{first}-{last}");
    *lot->mutable_monitoring_start() = MakeDate(2016, 1, 1);
    *lot->mutable_monitoring_end() = MakeDate(2016, 12, 31);
    return lot;
  }
  static v1::MigratedBlock* AddBlock(v1::Command* command, uint64_t first, uint64_t last, const std::string& account,
                                     v1::BlockState state) {
    v1::MigratedBlock* block = command->mutable_migrate_units()->add_blocks();
    block->mutable_range()->set_lot_id("TH014-2016-old");
    block->mutable_range()->set_first(first);
    block->mutable_range()->set_last(last);
    block->set_account(account);
    block->set_state(state);
    block->set_first_allottee(v1::PARTY_KIND_GOVERNMENT_OF_JAPAN);
    block->set_issuing_registry("JPN");
    if (state == v1::BLOCK_STATE_HELD) return block;
    block->set_end_id(state == v1::BLOCK_STATE_RETIRED ? "OLD-R-7" : "OLD-C-3");
    *block->mutable_end_date() = MakeDate(2019, 4, 1);
    if (state == v1::BLOCK_STATE_CANCELLED) block->set_purpose(v1::CANCELLATION_PURPOSE_VOLUNTARY);
    return block;
  }
  std::string Submit(const v1::Command& command, std::vector<std::string> signers = {"operator"}) {
    return Why(jpn().Submit("TH", command, signers));
  }
  static v1::Command Signature(uint64_t held) {
    v1::Command command;
    command.set_provenance(v1::PROVENANCE_MIGRATED);
    v1::SignOpeningStatement* statement = command.mutable_sign_opening_statement();
    statement->set_statement_id("OPEN-1");
    *statement->mutable_as_of() = MakeDate(2026, 3, 1);
    statement->set_files_digest(std::string(32, 'f'));
    statement->set_lots(1);
    statement->set_blocks(4);
    statement->set_held(held);
    statement->set_retired(10);
    statement->set_cancelled(5);
    return command;
  }
  v1::Command Transfer(uint64_t first, uint64_t last) {
    v1::Command command;
    v1::TransferCredits* transfer = command.mutable_transfer_credits();
    transfer->set_transfer_id("T-" + std::to_string(first));
    transfer->set_from_account(company_);
    transfer->set_to_account(government_);
    v1::UnitRange* range = transfer->add_ranges();
    range->set_lot_id("TH014-2016-old");
    range->set_first(first);
    range->set_last(last);
    return command;
  }

  TestPair pair_;
  std::string government_;
  std::string company_;
  std::string retired_;
  std::string cancelled_;
};

TEST_F(Migration, TakesOverUnitsWithTheirNumbersAndLetsNobodyUseThemUnsigned) {
  v1::Command command = Part();
  AddLot(&command);
  AddBlock(&command, 50'001, 50'060, government_, v1::BLOCK_STATE_HELD);
  AddBlock(&command, 50'061, 50'085, company_, v1::BLOCK_STATE_HELD);
  AddBlock(&command, 50'086, 50'095, retired_, v1::BLOCK_STATE_RETIRED);
  AddBlock(&command, 50'096, 50'100, cancelled_, v1::BLOCK_STATE_CANCELLED);
  ASSERT_EQ(Submit(command), "OK");
  EXPECT_EQ(Submit(command), "ALREADY_EXISTS");
  EXPECT_EQ(Submit(Transfer(50'061, 50'070), {"representative"}), "STATEMENT_NOT_SIGNED");

  EXPECT_EQ(Submit(Signature(85)), "TWO_PERSONS_REQUIRED");
  EXPECT_EQ(Submit(Signature(84), {"operator", "secretary"}), "STATEMENT_DIFFERS");
  ASSERT_EQ(Submit(Signature(85), {"operator", "secretary"}), "OK");
  EXPECT_EQ(Submit(Signature(85), {"operator", "secretary"}), "MIGRATION_CLOSED");

  EXPECT_EQ(Submit(Transfer(50'061, 50'070), {"representative"}), "OK");
  EXPECT_EQ(Submit(Transfer(1, 10), {"representative"}), "RANGE_OUTSIDE_LOT");
  EXPECT_EQ(Submit(Transfer(50'086, 50'090), {"representative"}), "UNITS_FINAL");
  const auto retirement = jpn().book("TH").Find<v1::RetirementRecord>(v1::TABLE_RETIREMENT, "OLD-R-7");
  ASSERT_TRUE(retirement.has_value());
  EXPECT_EQ(retirement->tonnes(), 10u);
  EXPECT_EQ(retirement->legal_date().year(), 2019);
  EXPECT_EQ(retirement->provenance(), v1::PROVENANCE_MIGRATED);
  ASSERT_TRUE(pair_.Settle().ok());
  EXPECT_TRUE(jpn().book("TH").ReplayAll().ok());
}

TEST_F(Migration, RefusesWhatDoesNotAddUp) {
  v1::Command command = Part();
  command.set_provenance(v1::PROVENANCE_NATIVE);
  AddLot(&command);
  EXPECT_EQ(Submit(command), "FIELD_INVALID");
  command = Part();
  EXPECT_EQ(Submit(command), "FIELD_REQUIRED");
  AddLot(&command)->set_project_id("TH999");
  EXPECT_EQ(Submit(command), "PROJECT_UNKNOWN");
  command = Part();
  AddLot(&command)->set_vintage(2017);
  EXPECT_EQ(Submit(command), "VINTAGE_OUTSIDE_PERIOD");
  command = Part();
  AddLot(&command);
  ASSERT_EQ(Submit(command), "OK");
  const auto block = [&](uint64_t first, uint64_t last, const std::string& account, v1::BlockState state) {
    v1::Command part = Part();
    AddBlock(&part, first, last, account, state);
    return Submit(part);
  };
  EXPECT_EQ(block(50'000, 50'001, government_, v1::BLOCK_STATE_HELD), "RANGE_OUTSIDE_LOT");
  EXPECT_EQ(block(50'100, 50'101, government_, v1::BLOCK_STATE_HELD), "RANGE_OUTSIDE_LOT");
  EXPECT_EQ(block(50'001, 50'010, retired_, v1::BLOCK_STATE_HELD), "ACCOUNT_CLASS_WRONG");
  EXPECT_EQ(block(50'001, 50'010, government_, v1::BLOCK_STATE_RETIRED), "ACCOUNT_CLASS_WRONG");
  EXPECT_EQ(block(50'001, 50'010, government_, v1::BLOCK_STATE_SENT), "FIELD_INVALID");
  ASSERT_EQ(block(50'001, 50'010, government_, v1::BLOCK_STATE_HELD), "OK");
  EXPECT_EQ(block(50'010, 50'020, company_, v1::BLOCK_STATE_HELD), "RANGES_OVERLAP");
  // One retirement is one record: its blocks come together.
  ASSERT_EQ(block(50'021, 50'025, retired_, v1::BLOCK_STATE_RETIRED), "OK");
  EXPECT_EQ(block(50'026, 50'030, retired_, v1::BLOCK_STATE_RETIRED), "ALREADY_EXISTS");
}

TEST_F(Migration, KeepsPastTransfersAsHistoryAndMovesNothingByThem) {
  v1::Command command = Part();
  AddLot(&command);
  AddBlock(&command, 50'001, 50'100, government_, v1::BLOCK_STATE_HELD)->set_restriction("attachment 2025-3");
  ASSERT_EQ(Submit(command), "OK");
  command = Part();
  v1::MigratedTransfer* transfer = command.mutable_migrate_units()->add_transfers();
  transfer->set_transfer_id("OLD-T-1");
  transfer->set_from_account(company_);
  transfer->set_to_account(company_);
  v1::UnitRange* range = transfer->add_ranges();
  range->set_lot_id("TH014-2016-old");
  range->set_first(50'001);
  range->set_last(50'030);
  *transfer->mutable_date() = MakeDate(2018, 5, 1);
  EXPECT_EQ(Submit(command), "FIELD_INVALID");
  transfer->set_to_account(government_);
  range->set_last(50'101);
  EXPECT_EQ(Submit(command), "RANGE_OUTSIDE_LOT");
  range->set_last(50'030);
  ASSERT_EQ(Submit(command), "OK");
  EXPECT_EQ(Submit(command), "ALREADY_EXISTS");

  v1::Command signature = Signature(100);
  v1::SignOpeningStatement* statement = signature.mutable_sign_opening_statement();
  statement->set_blocks(1);
  statement->clear_retired();
  statement->clear_cancelled();
  EXPECT_EQ(Submit(signature, {"operator", "secretary"}), "STATEMENT_DIFFERS");  // the transfer
  statement->set_transfers(1);
  EXPECT_EQ(Submit(signature, {"operator", "secretary"}), "STATEMENT_DIFFERS");  // the restriction
  statement->set_restricted(100);
  ASSERT_EQ(Submit(signature, {"operator", "secretary"}), "OK");

  const auto record = jpn().book("TH").Find<v1::TransferRecord>(v1::TABLE_TRANSFER, "OLD-T-1");
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->tonnes(), 30u);
  EXPECT_EQ(record->legal_date().year(), 2018);
  EXPECT_EQ(record->provenance(), v1::PROVENANCE_MIGRATED);
  v1::Command native;
  *native.mutable_transfer_credits()->add_ranges() = *range;
  native.mutable_transfer_credits()->set_transfer_id("T-1");
  native.mutable_transfer_credits()->set_from_account(government_);
  native.mutable_transfer_credits()->set_to_account(company_);
  EXPECT_EQ(Submit(native), "UNITS_RESTRICTED");
  ASSERT_TRUE(pair_.Settle().ok());
  EXPECT_TRUE(jpn().book("TH").ReplayAll().ok());
}

TEST_F(Migration, IsClosedInABookForEverOnceItsOneStatementIsSigned) {
  v1::Command command = Part();
  AddLot(&command);
  AddBlock(&command, 50'001, 50'060, government_, v1::BLOCK_STATE_HELD);
  ASSERT_EQ(Submit(command), "OK");
  v1::Command other = Part();
  other.mutable_migrate_units()->set_statement_id("OPEN-2");
  AddLot(&other)->set_lot_id("another");
  EXPECT_EQ(Submit(other), "ALREADY_EXISTS");
  v1::Command signature = Signature(60);
  v1::SignOpeningStatement* statement = signature.mutable_sign_opening_statement();
  statement->set_blocks(1);
  statement->clear_retired();
  statement->clear_cancelled();
  ASSERT_EQ(Submit(signature, {"operator", "secretary"}), "OK");

  EXPECT_EQ(Submit(other), "MIGRATION_CLOSED");
  v1::Command project;
  project.set_provenance(v1::PROVENANCE_MIGRATED);
  project.mutable_register_project()->set_project_id("TH777");
  project.mutable_register_project()->set_title_en("late");
  EXPECT_EQ(Submit(project), "MIGRATION_CLOSED");
  project.set_provenance(v1::PROVENANCE_NATIVE);
  EXPECT_EQ(Submit(project), "OK");
}

TEST_F(Migration, ClosesABookInWhichThereWereNoUnits) {
  v1::Command signature = Signature(0);
  v1::SignOpeningStatement* statement = signature.mutable_sign_opening_statement();
  statement->clear_blocks();
  statement->clear_retired();
  statement->clear_cancelled();
  EXPECT_EQ(Submit(signature, {"operator", "secretary"}), "STATEMENT_DIFFERS");  // a lot that was not taken over
  statement->clear_lots();
  ASSERT_EQ(Submit(signature, {"operator", "secretary"}), "OK");
  v1::Command late = Part();
  AddLot(&late);
  EXPECT_EQ(Submit(late), "MIGRATION_CLOSED");
}

TEST_F(Migration, SaysOfMigratedActsAloneWhereTheyComeFrom) {
  v1::Command command;
  command.set_provenance(v1::PROVENANCE_NATIVE);
  command.mutable_register_project()->set_project_id("TH777");
  command.mutable_register_project()->set_title_en("from a file");
  v1::MigrationSource* source = command.mutable_source();
  source->set_file("projects.csv");
  source->set_row(7);
  source->set_object("TH777");
  source->set_row_commitment(std::string(32, 'c'));
  EXPECT_EQ(Submit(command), "FIELD_INVALID");
  command.set_provenance(v1::PROVENANCE_MIGRATED);
  source->set_row_commitment("short");
  EXPECT_EQ(Submit(command), "FIELD_INVALID");
  source->set_row_commitment(std::string(32, 'c'));
  EXPECT_EQ(Submit(command), "OK");
}

TEST_F(Migration, LeavesTheDaysOfALotIssuedForGood) {
  v1::Command command = Part();
  AddLot(&command);
  ASSERT_EQ(Submit(command), "OK");
  bool found = false;
  ASSERT_TRUE(jpn()
                  .book("TH")
                  .state()
                  .Scan(v1::TABLE_ISSUED_PERIOD, "TH014/", "",
                        [&](absl::string_view, absl::string_view value) {
                          v1::IssuedPeriodRecord period;
                          found = period.ParseFromArray(value.data(), static_cast<int>(value.size())) &&
                                  period.decision_id() == "OPEN-1";
                          return !found;
                        })
                  .ok());
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace jcm::rules
