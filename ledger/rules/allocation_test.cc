#include "ledger/rules/allocation.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm::rules {
namespace {

Rational Of(int64_t numerator, int64_t denominator) { return *Rational::Of(numerator, denominator); }

std::vector<Tonnes> Amounts(Tonnes amount, const std::vector<Share>& shares, const std::vector<PartyId>& priority) {
  auto allocated = Allocate(amount, shares, priority);
  EXPECT_TRUE(allocated.ok()) << allocated.status();
  std::vector<Tonnes> result;
  if (allocated.ok()) {
    for (const AllocatedShare& share : *allocated) result.push_back(share.tonnes);
  }
  return result;
}

const std::vector<Share> kHalves = {{"JP", Of(1, 2)}, {"others", Of(1, 2)}};
const std::vector<PartyId> kJapanFirst = {"JP", "others"};

TEST(Allocation, GivesTheOddTonneOfTh014ToTheGovernmentOfJapan) {
  EXPECT_EQ(Amounts(2017, kHalves, kJapanFirst), (std::vector<Tonnes>{1009, 1008}));
}

TEST(Allocation, GivesTiesInTheOrderOfPriorityAndNotOfShares) {
  EXPECT_EQ(Amounts(2017, kHalves, {"others", "JP"}), (std::vector<Tonnes>{1008, 1009}));
}

TEST(Allocation, RoundsPerVintageSoThatBangladeshGivesJapan73Of144) {
  // Three vintages of which two are odd: half of 144 is 72, the two odd tonnes split as 1 and 0 each.
  Tonnes japan = 0;
  for (Tonnes vintage : {47, 51, 46}) japan += Amounts(vintage, kHalves, kJapanFirst)[0];
  EXPECT_EQ(japan, 73u);
}

TEST(Allocation, RoundsPerVintageSoThatBangladeshGivesJapan178Of355) {
  Tonnes japan = 0;
  for (Tonnes vintage : {60, 120, 110, 65}) japan += Amounts(vintage, kHalves, kJapanFirst)[0];
  EXPECT_EQ(japan, 178u);
}

TEST(Allocation, GivesMv002ItsShareExactly) {
  EXPECT_EQ(Amounts(750, {{"JP", Of(433, 750)}, {"others", Of(317, 750)}}, kJapanFirst),
            (std::vector<Tonnes>{433, 317}));
}

TEST(Allocation, GivesLeftOverTonnesToTheLargestRemaindersFirst) {
  // 10 at 0.17, 0.28, 0.55: floors 1, 2, 5; remainders 0.7, 0.8, 0.5; two tonnes are left.
  EXPECT_EQ(Amounts(10, {{"a", Of(17, 100)}, {"b", Of(28, 100)}, {"c", Of(55, 100)}}, {"c", "b", "a"}),
            (std::vector<Tonnes>{2, 3, 5}));
}

TEST(Allocation, SplitsMongolias157IntoThree) {
  EXPECT_EQ(
      Amounts(157, {{"JP", Of(109, 157)}, {"private", Of(16, 157)}, {"MN", Of(32, 157)}}, {"JP", "private", "MN"}),
      (std::vector<Tonnes>{109, 16, 32}));
}

TEST(Allocation, RoundsAReserveUpAndNeverAboveTheAmount) {
  const Rational three_percent = *Rational::Of(3, 100);
  EXPECT_EQ(*RoundedUpShare(100'000, three_percent), 3'000u);
  EXPECT_EQ(*RoundedUpShare(2'017, three_percent), 61u);
  EXPECT_EQ(*RoundedUpShare(33, three_percent), 1u);
  EXPECT_EQ(*RoundedUpShare(1, three_percent), 1u);
  EXPECT_EQ(*RoundedUpShare(0, three_percent), 0u);
  EXPECT_EQ(*RoundedUpShare(5, Rational(1)), 5u);
  EXPECT_FALSE(RoundedUpShare(5, Rational(2)).ok());
}

TEST(Allocation, NeverReturnsAnotherTotal) {
  for (Tonnes amount = 0; amount < 500; ++amount) {
    Tonnes total = 0;
    for (Tonnes tonnes : Amounts(amount, {{"a", Of(1, 7)}, {"b", Of(2, 7)}, {"c", Of(4, 7)}}, {"a", "b", "c"})) {
      total += tonnes;
    }
    ASSERT_EQ(total, amount);
  }
  Tonnes total = 0;
  for (Tonnes tonnes : Amounts(kSerialMax, kHalves, kJapanFirst)) total += tonnes;
  EXPECT_EQ(total, kSerialMax);
}

TEST(Allocation, RefusesSharesThatDoNotAddUpToOne) {
  EXPECT_TRUE(
      HasReason(Allocate(10, {{"JP", Of(1, 2)}, {"others", Of(1, 3)}}, kJapanFirst).status(), Reason::SHARES_NOT_ONE));
  EXPECT_TRUE(
      HasReason(Allocate(10, {{"JP", Of(3, 2)}, {"others", Of(-1, 2)}}, kJapanFirst).status(), Reason::SHARES_NOT_ONE));
  EXPECT_TRUE(HasReason(Allocate(10, {}, {}).status(), Reason::SHARES_NOT_ONE));
}

TEST(Allocation, RefusesAPriorityListOfOtherParties) {
  EXPECT_TRUE(HasReason(Allocate(10, kHalves, {"JP"}).status(), Reason::UNKNOWN_PARTY));
  EXPECT_TRUE(HasReason(Allocate(10, kHalves, {"JP", "JP", "others"}).status(), Reason::UNKNOWN_PARTY));
  EXPECT_TRUE(HasReason(Allocate(10, kHalves, {"JP", "others", "TH"}).status(), Reason::UNKNOWN_PARTY));
  const std::vector<Share> twice = {{"JP", Of(1, 2)}, {"JP", Of(1, 2)}};
  EXPECT_TRUE(HasReason(Allocate(10, twice, {"JP"}).status(), Reason::UNKNOWN_PARTY));
}

TEST(Allocation, RefusesAnAmountAboveTheLargestSerial) {
  EXPECT_TRUE(HasReason(Allocate(kSerialMax + 1, kHalves, kJapanFirst).status(), Reason::QUANTITY_OVERFLOW));
}

}  // namespace
}  // namespace jcm::rules
