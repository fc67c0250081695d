#include "tools/publish/names.h"

#include <set>

#include "gtest/gtest.h"
#include "ledger/rules/cycle/tables.h"

namespace jcm::publish {
namespace {

TEST(Names, EveryStateOfEveryTableHasAName) {
  for (const v1::DossierKind kind : rules::AllDossierKinds()) {
    for (const rules::Strand& strand : rules::CycleOf(kind).strands) {
      for (const std::string& state : strand.States()) {
        EXPECT_NE(StateName(state).en, state) << strand.name;
        EXPECT_FALSE(StateName(state).ja.empty()) << strand.name << " " << state;
      }
    }
  }
}

TEST(Names, EveryNumberedKindHasANameOfItsOwn) {
  std::set<std::string> kinds;
  for (int i = 0; i < v1::DecisionKind_ARRAYSIZE; ++i)
    kinds.insert(DecisionKindName(static_cast<v1::DecisionKind>(i)).ja);
  EXPECT_EQ(kinds.size(), static_cast<size_t>(v1::DecisionKind_ARRAYSIZE));
  std::set<std::string> programmes;
  for (int i = 0; i < v1::FundingProgramme_ARRAYSIZE; ++i) {
    programmes.insert(ProgrammeName(static_cast<v1::FundingProgramme>(i)).en);
  }
  EXPECT_EQ(programmes.size(), static_cast<size_t>(v1::FundingProgramme_ARRAYSIZE));
  std::set<std::string> types;
  for (int i = 0; i < v1::ProjectType_ARRAYSIZE; ++i) types.insert(ProjectTypeName(static_cast<v1::ProjectType>(i)).en);
  EXPECT_EQ(types.size(), static_cast<size_t>(v1::ProjectType_ARRAYSIZE));
}

TEST(Names, WritesDaysAsTheSiteDoesAndAsIsoDoes) {
  v1::Date day;
  day.set_year(2016);
  day.set_month(8);
  day.set_day(23);
  EXPECT_EQ(SiteDate(day), "23 Aug 16");  // TH_AM001 was approved
  EXPECT_EQ(IsoDate(day), "2016-08-23");
  day.set_year(2023);
  day.set_month(6);
  day.set_day(2);
  EXPECT_EQ(SiteDate(day), "02 Jun 23");
  EXPECT_EQ(SiteDate(v1::Date()), "");
  EXPECT_EQ(IsoDate(v1::Date()), "");
}

TEST(Names, KnowsPartnersByBothCodes) {
  EXPECT_EQ(PartnerName("TH").ja, "タイ");
  EXPECT_EQ(CountryOfRegistry("JPN").en, "Japan");
  EXPECT_EQ(PartnerName("XX").en, "XX");
}

}  // namespace
}  // namespace jcm::publish
