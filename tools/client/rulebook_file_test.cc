#include "tools/client/rulebook_file.h"

#include <filesystem>
#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/base/file_system.h"
#include "ledger/base/status.h"
#include "ledger/rules/rulebook.h"

namespace jcm::client {
namespace {

constexpr char kFolder[] = "deploy/rulebooks";

RulebookFile Read(const std::string& name) {
  PosixFileSystem files;
  auto rulebook = ReadRulebook(files, std::string(kFolder) + "/" + name);
  EXPECT_TRUE(rulebook.ok()) << rulebook.status();
  return rulebook.ok() ? *rulebook : RulebookFile();
}

TEST(RulebookFiles, OfAllPartnersCanBeAdopted) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".rulebook") continue;
    ++files;
    const RulebookFile rulebook = Read(entry.path().filename().string());
    const absl::Status good = rules::CheckRulebookParameters(rulebook.parameters);
    EXPECT_TRUE(good.ok()) << entry.path() << ": " << good;
    if (entry.path().filename() == "minimal.rulebook") continue;
    EXPECT_TRUE(rules::CheckRulebookVersion(rulebook.version).ok()) << entry.path();
    EXPECT_GT(rulebook.effective_date.year(), 2012) << entry.path();
  }
  EXPECT_EQ(files, 33);  // 31 partners, of which Thailand has two tracks, and the minimal one
}

TEST(RulebookFiles, SayOfEachParameterWhereItComesFrom) {
  for (const std::string name : {"ID.rulebook", "TH-existing.rulebook", "MV.rulebook"}) {
    const RulebookFile rulebook = Read(name);
    std::map<std::string, std::string> sources;
    for (const v1::ParameterSource& source : rulebook.parameters.sources()) {
      sources[source.parameter()] = source.source();
    }
    for (const RulebookDifference& stated : DiffRulebooks(rulebook.parameters, v1::RulebookParameters())) {
      // Zones are geography, not rules.
      if (stated.parameter == "zone_offsets") continue;
      EXPECT_EQ(sources.count(stated.parameter), 1u) << name << ": " << stated.parameter;
    }
  }
}

TEST(RulebookFiles, AreBuiltOnABaseAndReplaceWhatTheyName) {
  const RulebookFile thailand = Read("TH-premium-t-ver.rulebook");
  EXPECT_TRUE(thailand.parameters.pin_required());
  EXPECT_EQ(thailand.parameters.track(), "premium-t-ver");
  ASSERT_EQ(thailand.parameters.zone_offsets_size(), 1);
  EXPECT_EQ(thailand.parameters.zone_offsets(0).partner_minutes(), 420);
  const RulebookFile existing = Read("TH-existing.rulebook");
  EXPECT_FALSE(existing.parameters.pin_required());
  const RulebookFile indonesia = Read("ID.rulebook");
  ASSERT_EQ(indonesia.parameters.permanence_size(), 2);
  EXPECT_EQ(indonesia.parameters.permanence(1).reserve_rate().numerator(), 3u);
  EXPECT_EQ(indonesia.parameters.sectoral_scopes_size(), 16);
}

TEST(RulebookFiles, ShowWhereTwoCountriesDiffer) {
  std::vector<std::string> parameters;
  for (const RulebookDifference& one :
       DiffRulebooks(Read("TH-existing.rulebook").parameters, Read("ID.rulebook").parameters)) {
    parameters.push_back(one.parameter);
  }
  EXPECT_THAT(parameters, testing::IsSupersetOf({"pin_required", "permanence", "track", "net_reduction_methods"}));
  EXPECT_THAT(parameters, testing::Not(testing::Contains("e_decision_days")));
}

TEST(RulebookFiles, ShowOfAListWhatDiffersAndInItsOwnLetters) {
  std::vector<std::pair<std::string, std::string>> scopes;
  for (const RulebookDifference& one :
       DiffRulebooks(Read("TH-existing.rulebook").parameters, Read("ID.rulebook").parameters)) {
    EXPECT_EQ((one.left + one.right).find('\\'), std::string::npos) << one.left << one.right;
    EXPECT_LT(one.left.size() + one.right.size(), 400u) << one.parameter;
    if (one.parameter == "sectoral_scopes") scopes.emplace_back(one.left, one.right);
  }
  EXPECT_EQ(scopes, (std::vector<std::pair<std::string, std::string>>{
                        {"14, Afforestation and reforestation, 植林・再植林", "14, REDD-plus, REDDプラス"},
                        {"", "16, Carbon capture and storage, and utilisation, CCS・CCUS"}}));
}

TEST(RulebookFiles, RefuseWhatTheyDoNotKnow) {
  PosixFileSystem files;
  const std::string path = testing::TempDir() + "/bad.rulebook";
  for (const std::string line :
       {"no_such = 1", "e_decision_days = ten", "pin_required = yes", "base = bad.rulebook", "permanence = ccs",
        "scope = one", "operation_start_not_before = 2013", "subsidised_delivery_share = half"}) {
    ASSERT_TRUE(files.WriteFileAtomically(path, line + "\n").ok());
    EXPECT_FALSE(ReadRulebook(files, path).ok()) << line;
  }
}

TEST(Amounts, AreExact) {
  EXPECT_EQ(FormatFraction(*ParseAmount("1234.5")), "2469/2");
  EXPECT_EQ(FormatFraction(*ParseAmount("7")), "7");
  EXPECT_EQ(FormatFraction(*ParseAmount("0.000000001")), "1/1000000000");
  for (const char* text : {"", "1.", ".5", "1,5", "-1", "1.0000000001", "x"})
    EXPECT_FALSE(ParseAmount(text).ok()) << text;
}

}  // namespace
}  // namespace jcm::client
