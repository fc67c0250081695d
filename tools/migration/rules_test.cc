// What is planned from files, through the ledger's real rules: accepted row by row, once, to the tonne; and re-executed
// by the other government. The same against a real node, through kills: tests/faults/migration_test.cc.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/base/file_system.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/cycle_testing.h"
#include "tools/migration/acts.h"
#include "tools/migration/checks.h"
#include "tools/migration/folder.h"
#include "tools/migration/sample_files.h"
#include "tools/migration/statement.h"

namespace jcm::migration {
namespace {

using rules::Why;

// The books of the test have a project TH014 already.
MigrationFiles Sample() {
  MigrationFiles sample(10);
  for (auto& [name, text] : sample.files) {
    for (size_t at = text.find("TH014"); at != std::string::npos; at = text.find("TH014", at)) {
      text.replace(at, 5, "TH114");
    }
  }
  return sample;
}

class TakenOver : public testing::Test {
 protected:
  void SetUp() override {
    MemoryFileSystem disk;
    ASSERT_TRUE(disk.MakeDirs("/m").ok());
    for (const auto& [name, text] : Sample().files) ASSERT_TRUE(disk.WriteFileAtomically("/m/" + name, text).ok());
    Problems problems;
    migration_ = ReadFolder(disk, "/m", &problems);
    CheckRows(migration_, &problems);
    ASSERT_FALSE(problems.any());
    for (const AccountRow& row : migration_.accounts) {
      names_.accounts[{"TH", row.number}] = secret_.Handle("TH", row.number);
    }
    auto home = PlanHome(migration_, secret_);
    ASSERT_TRUE(home.ok());
    for (const PlannedAct& act : *home) Record(act);
    for (const PlannedAct& act : PlanBooks(migration_, secret_, names_, &problems)) Record(act);
    EXPECT_FALSE(problems.any());
  }
  rules::TestRegistry& jpn() { return story_.pair().jpn(); }
  void Record(const PlannedAct& act) {
    EXPECT_EQ(Why(jpn().Submit(act.partnership, act.command, {"operator"})), "OK")
        << act.command.source().file() << " " << act.command.source().row() << " " << act.command.source().object();
    ++recorded_;
  }
  std::string Sign(uint64_t more_held = 0) {
    v1::Command command = StatementActs(migration_)[0].second;
    v1::SignOpeningStatement* statement = command.mutable_sign_opening_statement();
    statement->set_held(statement->held() + more_held);
    return Why(jpn().Submit("TH", command, {"operator", "secretary"}));
  }

  const Secret secret_{std::string(32, 's')};
  rules::CyclePair story_;
  Migration migration_;
  Names names_;
  uint64_t recorded_ = 0;
};

TEST_F(TakenOver, IsAcceptedRowByRowAndTheStatementHasItsSums) {
  EXPECT_EQ(recorded_, CountActs(migration_));
  EXPECT_EQ(Sign(1), "STATEMENT_DIFFERS");
  EXPECT_EQ(Sign(), "OK");
  const auto statement = story_.book().Find<v1::OpeningStatementRecord>(v1::TABLE_STATEMENT, "OPEN-TH");
  ASSERT_TRUE(statement.has_value());
  EXPECT_EQ(statement->held(), 10'085u);
  EXPECT_EQ(statement->retired(), 10u);
  EXPECT_EQ(statement->cancelled(), 5u);
  EXPECT_EQ(statement->restricted(), 5u);
  EXPECT_EQ(statement->files_digest(), migration_.FilesDigest());
  ASSERT_TRUE(story_.pair().Settle().ok());
  EXPECT_TRUE(story_.book().ReplayAll().ok());
  EXPECT_TRUE(jpn().home().ReplayAll().ok());
}

TEST_F(TakenOver, KeepsDossiersTransfersAndEndsWithTheirOldNumbersAndDays) {
  EXPECT_EQ(story_.StateOf("sun", "REGISTRATION"), "REGISTERED");
  EXPECT_EQ(story_.StateOf("AM1", "VERSION"), "APPROVED");
  EXPECT_EQ(story_.Dossier("TPE1").designations_size(), 2);
  const auto project = story_.book().Find<v1::ProjectRecord>(v1::TABLE_PROJECT, "TH001");
  ASSERT_TRUE(project.has_value());
  EXPECT_EQ(project->crediting_end().year(), 2025);
  const auto lot = story_.book().Find<v1::LotRecord>(v1::TABLE_LOT, "OLD-2016");
  ASSERT_TRUE(lot.has_value());
  EXPECT_EQ(lot->first_serial(), 50'001u);
  const auto retirement = story_.book().Find<v1::RetirementRecord>(v1::TABLE_RETIREMENT, "OLD-R-7");
  ASSERT_TRUE(retirement.has_value());
  EXPECT_EQ(retirement->tonnes(), 10u);
  EXPECT_EQ(retirement->from_account(), secret_.Handle("TH", "JP-CO"));
  const auto transfer = story_.book().Find<v1::TransferRecord>(v1::TABLE_TRANSFER, "OLD-T-1");
  ASSERT_TRUE(transfer.has_value());
  EXPECT_EQ(transfer->legal_date().day(), 1);
}

TEST_F(TakenOver, IsRefusedTheSecondTimeByTheLedgerItself) {
  Problems problems;
  for (const PlannedAct& act : PlanBooks(migration_, secret_, names_, &problems)) {
    EXPECT_THAT(Why(jpn().Submit(act.partnership, act.command, {"operator"})),
                ::testing::AnyOf("ALREADY_EXISTS", "RANGES_OVERLAP"))
        << act.command.source().object();
  }
  EXPECT_EQ(Sign(), "OK");
  EXPECT_EQ(Sign(), "MIGRATION_CLOSED");
}

}  // namespace
}  // namespace jcm::migration
