#include "ledger/rules/cycle/diagram.h"

#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace jcm::rules {
namespace {

TEST(CycleDiagrams, AreThoseOfTheTables) {
  std::ifstream file("ledger/rules/cycle/diagrams.md");
  std::stringstream text;
  text << file.rdbuf();
  for (const v1::DossierKind kind : AllDossierKinds()) {
    EXPECT_THAT(text.str(), testing::HasSubstr(DiagramsOf(kind)))
        << "diagrams.md is not what `jcmctl cycle diagrams` prints";
  }
}

TEST(CycleDiagrams, ShowWhereAStrandBeginsAndEnds) {
  const std::string pin = DiagramOf(*CycleOf(v1::DOSSIER_KIND_PROJECT).Find("PIN"));
  EXPECT_THAT(pin, testing::HasSubstr("[*] --> SUBMITTED : submit (participant)"));
  EXPECT_THAT(pin, testing::HasSubstr("OBJECTION --> [*]"));
}

}  // namespace
}  // namespace jcm::rules
