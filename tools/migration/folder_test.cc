// Files that are right agree to the tonne; of files that are not, every row that is wrong is told, by its place and
// reason.
#include "tools/migration/folder.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/base/file_system.h"
#include "tools/migration/checks.h"
#include "tools/migration/reconciliation.h"
#include "tools/migration/sample_files.h"

namespace jcm::migration {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Migration ReadAll(const MigrationFiles& sample, Problems* problems) {
  MemoryFileSystem disk;
  EXPECT_TRUE(disk.MakeDirs("/m").ok());
  for (const auto& [name, text] : sample.files) {
    EXPECT_TRUE(disk.WriteFileAtomically(absl::StrCat("/m/", name), text).ok());
  }
  Migration migration = ReadFolder(disk, "/m", problems);
  CheckRows(migration, problems);
  return migration;
}

// "file row column reason" of each problem.
std::vector<std::string> Told(const MigrationFiles& sample) {
  Problems problems;
  ReadAll(sample, &problems);
  std::vector<std::string> told;
  for (const Problem& problem : problems.list()) {
    told.push_back(
        absl::StrCat(problem.file, " ", problem.row, " ", problem.column, " ", Describe(problem.reason).name));
  }
  return told;
}

// "per key stated blocks history" of each sum that differs.
std::vector<std::string> Differing(const Reconciliation& reconciliation) {
  std::vector<std::string> told;
  for (const ReconciledRow& row : reconciliation.rows) {
    if (!row.differs()) continue;
    told.push_back(
        absl::StrCat(NameOf(row.dimension), " ", row.key, " ", row.stated, " ", row.blocks, " ", row.history));
  }
  return told;
}

Reconciliation ReconcileFiles(const MigrationFiles& sample) {
  Problems problems;
  const Migration migration = ReadAll(sample, &problems);
  EXPECT_THAT(Told(sample), IsEmpty());
  return Reconcile(migration);
}

TEST(Folder, ReadsEveryFileOfTheFormat) {
  Problems problems;
  const Migration migration = ReadAll(MigrationFiles(), &problems);
  EXPECT_THAT(Told(MigrationFiles()), IsEmpty());
  EXPECT_EQ(migration.accounts.size(), 5u);
  EXPECT_EQ(migration.accounts[1].holder, "架空ヒノデ商事, 株式会社");
  EXPECT_EQ(migration.lots[0].first_serial, 50'001u);
  EXPECT_EQ(migration.lots[0].number_text, "JP-TH-TH014-1-{first}-{last}");
  EXPECT_EQ(migration.entities[1].grants.size(), 2u);
  EXPECT_EQ(migration.transfers[0].origin.source_row, 40u);
  EXPECT_EQ(migration.file_digests.size(), 16u);
}

TEST(Folder, TellsEveryRowThatIsWrongAndNotOnlyTheFirst) {
  MigrationFiles sample;
  sample.Replace("accounts.csv", "JP-CO,ENTITY_HOLDING", "JP-CO,ENTITY");
  sample.Replace("issuances.csv", "2016,50001,100", "2019,0,1e2");
  sample.Replace("transfers.csv", "2018-02-01", "2018-02-30");
  sample.Replace("balances.csv", "2016,70", "2016,-70");
  sample.Replace("balances.csv", "2016,15", "2016,");
  sample.Append("balances.csv", "TH,JP-ICE,TH014,2016,0");
  const std::vector<std::string> told = Told(sample);
  for (const char* expected :
       {"accounts.csv 3 class FIELD_INVALID", "issuances.csv 2 first_serial QUANTITY_NOT_POSITIVE",
        "issuances.csv 2 tonnes FIELD_INVALID", "issuances.csv 2 vintage VINTAGE_OUTSIDE_PERIOD",
        "transfers.csv 2 date FIELD_INVALID", "balances.csv 2 tonnes FIELD_INVALID",
        "balances.csv 3 tonnes FIELD_REQUIRED", "balances.csv 6  FILE_MALFORMED"}) {
    EXPECT_THAT(told, Contains(expected));
  }
}

TEST(Folder, RefusesColumnsAndFilesThatTheFormatDoesNotHave) {
  MigrationFiles sample;
  sample.Replace("events.csv", "text,", "texts,");
  sample.Replace("balances.csv", "vintage,tonnes", "vintage,vintage");
  sample.files["block.csv"] = "partnership\n";
  sample.files["notes.txt"] = "not a table";
  const std::vector<std::string> told = Told(sample);
  EXPECT_THAT(told, Contains("events.csv 1 texts FILE_MALFORMED"));
  EXPECT_THAT(told, Contains("balances.csv 1 vintage FILE_MALFORMED"));
  EXPECT_THAT(told, Contains("balances.csv 1 tonnes FILE_MALFORMED"));
  EXPECT_THAT(told, Contains("block.csv 0  FILE_MALFORMED"));
}

TEST(Folder, NeedsSourcesAndComparesDocumentsWithTheirDigests) {
  MigrationFiles sample;
  sample.files["extract.txt"] += "altered";
  EXPECT_THAT(Told(sample), ElementsAre("sources.csv 0 sha256 DIGEST_MISMATCH"));
  MigrationFiles elsewhere;
  elsewhere.Replace("sources.csv", ",extract.txt", ",../extract.txt");
  EXPECT_THAT(Told(elsewhere), ElementsAre("sources.csv 0 file NOT_FOUND"));
  MigrationFiles unknown;
  unknown.Replace("events.csv", "Tokyo,extract", "Tokyo,memory");
  EXPECT_THAT(Told(unknown), ElementsAre("events.csv 2 source OBJECT_UNKNOWN"));
  MigrationFiles none;
  none.files.erase("sources.csv");
  EXPECT_THAT(Told(none), Contains("sources.csv 0  FILE_MALFORMED"));
}

TEST(Checks, FindNamesThatAreNotThereAndObjectsThatAreThereTwice) {
  MigrationFiles sample;
  sample.Append("accounts.csv", "JP-GOV,ENTITY_HOLDING,ACTIVE,XX,,,,,extract,");
  sample.Replace("allotments.csv", "50060,JP-GOV", "50060,JP-NO");
  sample.Append("issuances.csv", "TH,OLD-2016,TH999,2016,1,1,,2016-01-01,2016-12-31,,extract");
  sample.Append("balances.csv", "TH,JP-GOV,TH014,2016,70,extract");
  sample.Append("events.csv", "TH,SIGNED,2015-11-19,Bangkok,extract,2");
  const std::vector<std::string> told = Told(sample);
  EXPECT_THAT(told, Contains("accounts.csv 7 account_number ALREADY_EXISTS"));
  EXPECT_THAT(told, Contains("accounts.csv 7 partnerships OBJECT_UNKNOWN"));
  EXPECT_THAT(told, Contains("allotments.csv 2 account_number ACCOUNT_UNKNOWN"));
  EXPECT_THAT(told, Contains("issuances.csv 3 lot_id ALREADY_EXISTS"));
  EXPECT_THAT(told, Contains("issuances.csv 3 project_id PROJECT_UNKNOWN"));
  EXPECT_THAT(told, Contains("balances.csv 6 account_number ALREADY_EXISTS"));
  EXPECT_THAT(told, Contains("events.csv 3 date ALREADY_EXISTS"));
}

TEST(Checks, FindBlocksThatOverlapOrLieWhereTheyCannot) {
  MigrationFiles sample;
  sample.Replace("blocks.csv", "50071,50085,JP-CO", "50070,50085,JP-RET");
  sample.Replace("blocks.csv", "50096,50100,JP-CAN,OLD-C-3", "50096,50101,JP-CAN,OLD-C-4");
  sample.Replace("restrictions.csv", "50071,50075", "50086,50087");
  EXPECT_THAT(Told(sample),
              UnorderedElementsAre("blocks.csv 3 first RANGES_OVERLAP", "blocks.csv 3 end_id ACCOUNT_CLASS_WRONG",
                                   "blocks.csv 5 last RANGE_OUTSIDE_LOT", "blocks.csv 5 end_id OBJECT_UNKNOWN",
                                   "blocks.csv 5 first OBJECT_UNKNOWN", "cancellations.csv 2  FIELD_REQUIRED",
                                   "restrictions.csv 2 first UNITS_NOT_HELD"));
}

TEST(Checks, FindDossiersThatStandNowhereAndStatesThatAreNone) {
  MigrationFiles sample;
  sample.Replace("strands.csv", "TH,AM1,VERSION,1,APPROVED", "TH,AM2,VERSION,1,APPROVED");
  sample.Replace("strands.csv", "REGISTRATION,1,REGISTERED", "REGISTRATION,2,ENROLLED");
  sample.Replace("strands.csv", "MONITORING,1", "MONITOR,1");
  sample.Replace("entities.csv", "2018-02-01", "2016-02-01");
  EXPECT_THAT(
      Told(sample),
      UnorderedElementsAre("strands.csv 2 dossier_id DOSSIER_UNKNOWN", "methodologies.csv 2 dossier_id FIELD_REQUIRED",
                           "strands.csv 4 state FIELD_INVALID", "strands.csv 4 instance FIELD_INVALID",
                           "strands.csv 5 strand STEP_UNKNOWN", "entities.csv 3 from FIELD_INVALID"));
}

TEST(Checks, LetNothingHappenAfterTheDayOfTheStatement) {
  MigrationFiles sample;
  sample.Replace("retirements.csv", "2019-04-01", "2026-03-02");
  EXPECT_THAT(Told(sample), ElementsAre("retirements.csv 2 date FIELD_INVALID"));
}

TEST(Reconciliation, AgreesPerAccountProjectVintageAndClass) {
  const Reconciliation reconciliation = ReconcileFiles(MigrationFiles(10));
  EXPECT_FALSE(reconciliation.differs());
  std::vector<std::string> told;
  for (const ReconciledRow& row : reconciliation.rows) {
    told.push_back(absl::StrCat(NameOf(row.dimension), " ", row.key, " ", row.history));
  }
  for (const char* expected :
       {"total  10100", "account JP-GOV 10070", "account JP-CO 15", "project TH014 100", "project TH200 5000",
        "vintage 2016 2100", "account class RETIREMENT 10", "account class CANCELLATION 5"}) {
    EXPECT_THAT(told, Contains(expected));
  }
}

// The published events of 2013 to 2026, as they ship.
TEST(Reconciliation, AgreesForTheSample) {
  PosixFileSystem disk;
  Problems problems;
  const Migration migration = ReadFolder(disk, "tools/migration/sample", &problems);
  CheckRows(migration, &problems);
  for (const Problem& problem : problems.list()) {
    ADD_FAILURE() << problem.file << " " << problem.row << " " << problem.column << ": " << problem.detail;
  }
  EXPECT_EQ(migration.partnerships.size(), 7u);
  const Reconciliation reconciliation = Reconcile(migration);
  EXPECT_FALSE(reconciliation.differs());
  std::vector<std::string> totals;
  for (const ReconciledRow& row : reconciliation.rows) {
    if (row.dimension == Dimension::TOTAL) totals.push_back(absl::StrCat(row.partnership, " ", row.history));
  }
  EXPECT_THAT(totals, ElementsAre("BD 251", "MN 125"));
}

TEST(Reconciliation, FindsOneTonneInEachOfTheThreeAccounts) {
  MigrationFiles stated;
  stated.Replace("balances.csv", "JP-GOV,TH014,2016,70", "JP-GOV,TH014,2016,71");
  EXPECT_THAT(Differing(ReconcileFiles(stated)),
              ElementsAre("total  101 100 100", "account JP-GOV 71 70 70", "project TH014 101 100 100",
                          "vintage 2016 101 100 100", "account class GOVERNMENT_HOLDING 71 70 70"));

  MigrationFiles blocks;
  blocks.Replace("blocks.csv", "50071,50085,JP-CO", "50071,50084,JP-CO");
  const Reconciliation lost = ReconcileFiles(blocks);
  EXPECT_THAT(Differing(lost), Contains("account JP-CO 15 14 15"));
  ASSERT_EQ(lost.serials.size(), 1u);
  EXPECT_EQ(lost.serials[0].range.first, 50'085u);
  EXPECT_EQ(lost.serials[0].blocks_say, "");
  EXPECT_EQ(lost.serials[0].history_says, "JP-CO");

  MigrationFiles history;
  history.Replace("transfers.csv", "50061,50070", "50061,50069");
  EXPECT_THAT(Differing(ReconcileFiles(history)), Contains("account JP-GOV 70 70 69"));
}

TEST(Reconciliation, FindsUnitsThatAreElsewhereThoughEverySumAgrees) {
  MigrationFiles sample;
  sample.Replace("transfers.csv", "50061,50070", "50062,50071");
  const Reconciliation reconciliation = ReconcileFiles(sample);
  EXPECT_THAT(Differing(reconciliation), IsEmpty());
  ASSERT_EQ(reconciliation.serials.size(), 2u);
  EXPECT_EQ(reconciliation.serials[0].range.first, 50'061u);
  EXPECT_EQ(reconciliation.serials[0].range.last, 50'061u);
  EXPECT_EQ(reconciliation.serials[0].blocks_say, "JP-GOV");
  EXPECT_EQ(reconciliation.serials[0].history_says, "JP-CO");
  EXPECT_TRUE(reconciliation.differs());
}

TEST(Reconciliation, TellsActsThatTookWhatWasNotThere) {
  MigrationFiles sample;
  // Transferred a year before it was issued.
  sample.Replace("transfers.csv", "2018-02-01", "2016-02-01");
  const Reconciliation reconciliation = ReconcileFiles(sample);
  ASSERT_EQ(reconciliation.contradictions.size(), 2u);
  EXPECT_EQ(reconciliation.contradictions[0].origin.object, "OLD-T-1");
  EXPECT_EQ(reconciliation.contradictions[0].text, "OLD-2016 50061..50070 is not issued, not in JP-CO");
  EXPECT_EQ(reconciliation.contradictions[1].text, "OLD-2016 50061..50070 is in JP-GOV, not free to be issued");
}

}  // namespace
}  // namespace jcm::migration
