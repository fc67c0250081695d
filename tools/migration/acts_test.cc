// What is planned is the same every time, names rows without giving names away, and is known again in the books.
#include "tools/migration/acts.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/file_system.h"
#include "ledger/base/keys.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"
#include "tools/migration/checks.h"
#include "tools/migration/folder.h"
#include "tools/migration/recorded.h"
#include "tools/migration/sample_files.h"
#include "tools/migration/statement.h"

namespace jcm::migration {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Migration ReadSample(const MigrationFiles& sample = MigrationFiles()) {
  MemoryFileSystem disk;
  EXPECT_TRUE(disk.MakeDirs("/m").ok());
  for (const auto& [name, text] : sample.files) EXPECT_TRUE(disk.WriteFileAtomically("/m/" + name, text).ok());
  Problems problems;
  Migration migration = ReadFolder(disk, "/m", &problems);
  CheckRows(migration, &problems);
  EXPECT_FALSE(problems.any());
  return migration;
}

Names NamesOf(const Migration& migration, const Secret& secret) {
  Names names;
  for (const AccountRow& row : migration.accounts) names.accounts[{"TH", row.number}] = secret.Handle("TH", row.number);
  return names;
}

std::vector<PlannedAct> PlanAll(const Migration& migration, const Secret& secret) {
  auto home = PlanHome(migration, secret);
  EXPECT_TRUE(home.ok());
  std::vector<PlannedAct> acts = *std::move(home);
  Problems problems;
  for (PlannedAct& act : PlanBooks(migration, secret, NamesOf(migration, secret), &problems)) {
    acts.push_back(std::move(act));
  }
  EXPECT_FALSE(problems.any());
  return acts;
}

std::string EntryOf(const PlannedAct& act) {
  v1::BundlePart part;
  part.set_partnership(act.partnership);
  part.set_command(act.command.SerializeAsString());
  v1::SignedPart signed_part;
  signed_part.set_part(part.SerializeAsString());
  return signed_part.SerializeAsString();
}

TEST(Hmac, IsThatOfRfc4231) {
  EXPECT_EQ(HexEncode(Hmac(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(HexEncode(Hmac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Secret, IsDrawnOnceAndThenTheSame) {
  MemoryFileSystem disk;
  SystemRandom random;
  ASSERT_TRUE(disk.MakeDirs("/m").ok());
  const auto first = Secret::LoadOrCreate(disk, "/m", random);
  const auto second = Secret::LoadOrCreate(disk, "/m", random);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->Handle("TH", "JP-GOV"), second->Handle("TH", "JP-GOV"));
  EXPECT_NE(first->Handle("TH", "JP-GOV"), first->Handle("MN", "JP-GOV"));
  EXPECT_NE(first->Commitment("a"), Secret(std::string(32, 'x')).Commitment("a"));
}

TEST(Acts, AreTheSameBytesEveryTime) {
  const Secret secret(std::string(32, 's'));
  const std::vector<PlannedAct> first = PlanAll(ReadSample(), secret);
  const std::vector<PlannedAct> second = PlanAll(ReadSample(), secret);
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].command.SerializeAsString(), second[i].command.SerializeAsString());
    if (first[i].sealed.has_value()) {
      EXPECT_EQ(first[i].sealed->key, second[i].sealed->key);
    }
  }
  // Accounts and a frozen one; event; three dossiers and a project; lot; transfer; two blocks, two ends.
  EXPECT_EQ(first.size(), CountActs(ReadSample()));
  EXPECT_EQ(first.size(), 5u + 1 + 1 + 3 + 1 + 1 + 1 + 2 + 2);
}

TEST(Acts, SealTwoTextsOfOneAccountWithDifferentKeys) {
  const Secret secret(std::string(32, 's'));
  MigrationFiles renamed;
  renamed.Replace("accounts.csv", "Government of Japan", "Japan");
  const auto before = PlanHome(ReadSample(), secret);
  const auto after = PlanHome(ReadSample(renamed), secret);
  EXPECT_NE((*before)[0].sealed->key, (*after)[0].sealed->key);
}

TEST(Acts, GiveTheOtherGovernmentNoNamesAndNoNumbers) {
  for (const PlannedAct& act : PlanAll(ReadSample(), Secret(std::string(32, 's')))) {
    const std::string bytes = act.command.SerializeAsString();
    EXPECT_THAT(bytes, Not(HasSubstr("架空ヒノデ")));
    if (act.partnership != "home") {
      EXPECT_THAT(bytes, Not(HasSubstr("JP-CO")));
      EXPECT_THAT(bytes, Not(HasSubstr("JP-GOV")));
    }
  }
}

TEST(Acts, CutBlocksWhereTheShareOrARestrictionChanges) {
  std::vector<std::string> pieces;
  for (const PlannedAct& act : PlanAll(ReadSample(), Secret(std::string(32, 's')))) {
    for (const v1::MigratedBlock& block : act.command.migrate_units().blocks()) {
      pieces.push_back(std::to_string(block.range().first()) + ".." + std::to_string(block.range().last()) + " " +
                       v1::PartyKind_Name(block.first_allottee()).substr(11) + " " + block.restriction());
    }
  }
  EXPECT_THAT(pieces, ::testing::ElementsAre("50001..50060 GOVERNMENT_OF_JAPAN ", "50061..50070 PARTICIPANT ",
                                             "50071..50075 PARTICIPANT attachment 2025-7", "50076..50085 PARTICIPANT ",
                                             "50086..50095 PARTICIPANT ", "50096..50100 PARTICIPANT "));
}

TEST(Acts, LeaveOutRowsWhoseAccountTheRegistryDoesNotKnowAndSaySo) {
  const Migration migration = ReadSample();
  Problems problems;
  PlanBooks(migration, Secret(std::string(32, 's')), Names(), &problems);
  EXPECT_EQ(problems.count(), 5u);  // a transfer, two blocks, two ends
  EXPECT_EQ(problems.list()[0].reason, Reason::ACCOUNT_UNKNOWN);
}

TEST(Recorded, KnowsAnActAgainAndWhetherItsRowHasChanged) {
  const Secret secret(std::string(32, 's'));
  Recorded recorded;
  uint64_t sequence = 0;
  for (const PlannedAct& act : PlanAll(ReadSample(), secret)) {
    ASSERT_TRUE(recorded.Add(act.partnership, sequence++, std::string(32, 'h'), EntryOf(act)).ok());
  }
  MigrationFiles changed;
  changed.Replace("projects.csv", "Water reservoir", "Pond");
  int differing = 0;
  for (const PlannedAct& act : PlanAll(ReadSample(changed), secret)) {
    const RecordedAct* found = recorded.Find(act.partnership, act.command);
    ASSERT_NE(found, nullptr) << act.command.source().object();
    if (found->row_commitment == act.command.source().row_commitment()) continue;
    ++differing;
    EXPECT_EQ(act.command.source().object(), "TH014");
  }
  EXPECT_EQ(differing, 1);
}

TEST(Statement, HasTheSumsOfTheFilesAndASecondSignatureOnlyOverTheSameFiles) {
  const Migration migration = ReadSample();
  const std::vector<StatementTotals> totals = TotalsOf(migration);
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_EQ(totals[0].lots, 1u);
  EXPECT_EQ(totals[0].blocks, 6u);
  EXPECT_EQ(totals[0].held, 85u);
  EXPECT_EQ(totals[0].restricted, 5u);
  EXPECT_EQ(totals[0].retired, 10u);
  EXPECT_EQ(totals[0].cancelled, 5u);
  EXPECT_EQ(totals[0].transfers, 1u);

  SeededRandom random(1);
  const PrivateKey manager = PrivateKey::Generate(random);
  const PrivateKey second = PrivateKey::Generate(random);
  auto bundle = BeginStatement(migration, "JPN", {manager}, random);
  ASSERT_TRUE(bundle.ok());
  EXPECT_TRUE(HasReason(AddSignature(migration, {manager}, &*bundle), Reason::ALREADY_EXISTS));
  MigrationFiles altered;
  altered.Replace("events.csv", "Tokyo", "Osaka");
  EXPECT_TRUE(HasReason(AddSignature(ReadSample(altered), {second}, &*bundle), Reason::STATEMENT_DIFFERS));
  EXPECT_TRUE(AddSignature(migration, {second}, &*bundle).ok());
  EXPECT_EQ(bundle->signatures_size(), 2);
  bundle->mutable_parts(0)->back() ^= 1;
  EXPECT_FALSE(ReadStatement(*bundle).ok());
}

}  // namespace
}  // namespace jcm::migration
