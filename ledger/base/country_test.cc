#include "ledger/base/country.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace jcm {
namespace {

TEST(Country, HasThe31PartnersInTheOrderOfSignature) {
  ASSERT_EQ(Partners().size(), 31u);
  EXPECT_STREQ(Partners().front().alpha2, "MN");
  EXPECT_STREQ(Partners().back().alpha2, "IN");
  for (size_t i = 1; i < Partners().size(); ++i) {
    EXPECT_LT(Partners()[i - 1].signed_on, Partners()[i].signed_on) << Partners()[i].name_en;
  }
}

TEST(Country, HasEachCodeOnceAndComplete) {
  std::set<std::string> codes;
  for (const Country& country : Partners()) {
    EXPECT_TRUE(codes.insert(country.alpha2).second);
    EXPECT_TRUE(codes.insert(country.alpha3).second);
    EXPECT_EQ(std::string(country.alpha2).size(), 2u);
    EXPECT_EQ(std::string(country.alpha3).size(), 3u);
    EXPECT_NE(std::string(country.name_en), "");
    EXPECT_NE(std::string(country.name_ja), "");
    EXPECT_TRUE(IsValid(country.signed_on));
    EXPECT_EQ(FindCountryByAlpha2(country.alpha2), &country);
    EXPECT_EQ(FindCountryByAlpha3(country.alpha3), &country);
  }
}

TEST(Country, FindsThailandAndJapan) {
  const Country* thailand = FindCountryByAlpha2("TH");
  ASSERT_NE(thailand, nullptr);
  EXPECT_STREQ(thailand->name_ja, "タイ");
  EXPECT_EQ(thailand->signed_on, (Date{2015, 11, 19}));
  EXPECT_EQ(FindCountryByAlpha3("JPN"), FindCountryByAlpha2("JP"));
  EXPECT_NE(FindCountryByAlpha3("JPN"), nullptr);
}

TEST(Country, DoesNotFindOtherSpellings) {
  for (const char* code : {"", "th", "BR", "T", "THA"}) EXPECT_EQ(FindCountryByAlpha2(code), nullptr) << code;
  for (const char* code : {"", "tha", "BRA", "TH"}) EXPECT_EQ(FindCountryByAlpha3(code), nullptr) << code;
}

}  // namespace
}  // namespace jcm
