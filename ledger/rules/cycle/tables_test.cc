#include "ledger/rules/cycle/tables.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/rules/cycle/conditions.h"
#include "ledger/rules/cycle/dossier_state.h"

namespace jcm::rules {
namespace {

template <typename Visit>
void ForEachStep(const Visit& visit) {
  for (const v1::DossierKind kind : AllDossierKinds()) {
    for (const Strand& strand : CycleOf(kind).strands) {
      for (const Step& step : strand.steps) visit(CycleOf(kind), strand, step);
    }
  }
}

TEST(CycleTables, HaveTheStrandsOfTheProjectCycle) {
  std::vector<std::string> names;
  for (const Strand& strand : CycleOf(v1::DOSSIER_KIND_PROJECT).strands) names.push_back(strand.name);
  EXPECT_THAT(names,
              testing::ElementsAre("PIN", "DESIGN", "VALIDATION", "REFERENCE", "SAFEGUARDS", "REGISTRATION",
                                   "IMPLEMENTATION", "CHANGE", "PARTICIPANTS", "RENEWAL", "WITHDRAWAL", "MONITORING"));
  EXPECT_TRUE(CycleOf(v1::DOSSIER_KIND_PROJECT).Find("MONITORING")->repeated);
  EXPECT_FALSE(CycleOf(v1::DOSSIER_KIND_PROJECT).Find("PIN")->repeated);
}

TEST(CycleTables, NameOnlyConditionsThatExistAndUseEachOfThem) {
  std::set<std::string> known;
  for (const absl::string_view name : ConditionNames()) known.emplace(name);
  std::set<std::string> used;
  ForEachStep([&](const Cycle&, const Strand& strand, const Step& step) {
    for (const std::string& condition : step.conditions) {
      EXPECT_EQ(known.count(condition), 1u) << condition << " of " << strand.name << "/" << step.name;
      used.insert(condition);
    }
  });
  for (const std::string& name : known) EXPECT_EQ(used.count(name), 1u) << name;
}

TEST(CycleTables, NameOnlyDaysAndSwitchesOfARulebook) {
  const v1::RulebookParameters none;
  ForEachStep([&](const Cycle&, const Strand&, const Step& step) {
    if (!step.within.empty() && step.within != "crediting_period") {
      EXPECT_EQ(DaysNamed(step.within, none), 0u);
    }
    for (const Need& need : step.documents) {
      if (need.condition.empty()) continue;
      EXPECT_FALSE(IsSwitchedOn(need.condition, none, v1::PROJECT_TYPE_ENERGY));
    }
  });
}

TEST(CycleTables, LetEveryStateBeReachedFromTheBeginning) {
  for (const v1::DossierKind kind : AllDossierKinds()) {
    for (const Strand& strand : CycleOf(kind).strands) {
      std::set<std::string> reached = {""};
      for (size_t before = 0; before != reached.size();) {
        before = reached.size();
        for (const Step& step : strand.steps) {
          for (const std::string& from : step.from) {
            if (reached.count(from) > 0 && !step.to.empty()) reached.insert(step.to);
          }
        }
      }
      for (const std::string& state : strand.States())
        EXPECT_EQ(reached.count(state), 1u) << strand.name << " " << state;
    }
  }
}

TEST(CycleTables, LetAtMostOneStepOfAStateHappenByItself) {
  for (const v1::DossierKind kind : AllDossierKinds()) {
    for (const Strand& strand : CycleOf(kind).strands) {
      for (const std::string& state : strand.States()) {
        int by_clock = 0;
        for (const Step* step : strand.After(state)) by_clock += step->Takes(Who::kClock) ? 1 : 0;
        EXPECT_LE(by_clock, 1) << strand.name << " " << state;
      }
    }
  }
}

TEST(CycleTables, RefuseALineThatIsNotAStep) {
  EXPECT_FALSE(ParseCycle(v1::DOSSIER_KIND_PROJECT, "").ok());
  EXPECT_FALSE(ParseCycle(v1::DOSSIER_KIND_PROJECT, "## PIN · a · b\n").ok());
  const std::string head = "## PIN · a · b · once\n";
  EXPECT_TRUE(ParseCycle(v1::DOSSIER_KIND_PROJECT, head + "| go | – | A | secretariat | | | | | | en | ja |\n").ok());
  for (const char* line :
       {"| go | – | A | somebody | | | | | | en | ja |", "| go | – | A | secretariat | | | | | en | ja |",
        "| go | – | A | committee | | | | | | en | ja |", "| go | – | A | clock | | | | | | en | ja |",
        "| go | – | A | secretariat | | | ISSUANCE | | | en | ja |",
        "| go | – | A | committee | | | NONSENSE | | | en | ja |", "| | – | A | secretariat | | | | | | en | ja |"}) {
    EXPECT_FALSE(ParseCycle(v1::DOSSIER_KIND_PROJECT, head + line + "\n").ok()) << line;
  }
}

TEST(Tables, WaitForTheCommitteeOnlyWhereItHasADate) {
  const Strand* designation = CycleOf(v1::DOSSIER_KIND_THIRD_PARTY_ENTITY).Find("DESIGNATION");
  ASSERT_NE(designation, nullptr);
  EXPECT_TRUE(designation->Awaited("DESIGNATED").empty());  // it may suspend; nobody waits for that
  ASSERT_EQ(designation->Awaited("COMPLETE").size(), 2u);
  EXPECT_EQ(designation->Awaited("COMPLETE")[0]->name, "designate");
}

}  // namespace
}  // namespace jcm::rules
