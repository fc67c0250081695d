// Every file of this folder is a test: tests/scenarios/*.scn.
#include "tests/scenarios/scenario.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm::scenarios {
namespace {

std::vector<std::string> Files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator("tests/scenarios")) {
    if (entry.path().extension() == ".scn") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class Scenario : public testing::TestWithParam<std::string> {};

TEST_P(Scenario, Holds) {
  std::ifstream file(GetParam());
  std::stringstream text;
  text << file.rdbuf();
  ASSERT_FALSE(text.str().empty());
  const absl::Status told = RunScenario(text.str());
  EXPECT_TRUE(told.ok()) << GetParam() << ": " << told.message();
}

INSTANTIATE_TEST_SUITE_P(JointCommittee, Scenario, testing::ValuesIn(Files()), [](const auto& info) {
  std::string name = std::filesystem::path(info.param).stem().string();
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(ScenarioRunner, FailsWhereALineDoesNotHold) {
  EXPECT_FALSE(RunScenario("Japan sings").ok());
  EXPECT_FALSE(RunScenario("Japan opens D1 electronically\nexpect D1 adopted").ok());
  EXPECT_FALSE(RunScenario("refused DECISION_UNKNOWN: Japan opens D1 electronically").ok());
  EXPECT_FALSE(RunScenario("expect 1 vote of JPN-chair on D1, the last yes").ok());
}

}  // namespace
}  // namespace jcm::scenarios
