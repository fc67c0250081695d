#include "ledger/base/rational.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

Rational R(int64_t numerator, int64_t denominator) { return *Rational::Of(numerator, denominator); }

TEST(Rational, IsAlwaysInLowestTerms) {
  EXPECT_EQ(R(50, 100), R(1, 2));
  EXPECT_EQ(R(-1, -2), R(1, 2));
  EXPECT_EQ(R(1, -2).numerator(), -1);
  EXPECT_EQ(R(0, -7), Rational());
  EXPECT_EQ(R(6, 3), Rational(2));
  EXPECT_EQ(R(kMin, 2), R(kMin / 2, 1));
}

TEST(Rational, RefusesWhatItCannotHoldExactly) {
  EXPECT_TRUE(HasReason(Rational::Of(1, 0).status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(Rational::Of(kMin, 1).status(), Reason::QUANTITY_OVERFLOW));
  EXPECT_TRUE(HasReason(Rational::Of(1, kMin).status(), Reason::QUANTITY_OVERFLOW));
  EXPECT_TRUE(HasReason(Rational(kMax).Plus(Rational(1)).status(), Reason::QUANTITY_OVERFLOW));
  EXPECT_TRUE(HasReason(Rational(kMax).Times(Rational(2)).status(), Reason::QUANTITY_OVERFLOW));
  EXPECT_TRUE(HasReason(R(1, kMax).Plus(R(1, kMax - 1)).status(), Reason::QUANTITY_OVERFLOW));
  EXPECT_EQ(*R(1, kMax).Times(Rational(kMax)), Rational(1));
}

TEST(Rational, AddsSubtractsMultipliesAndCompares) {
  EXPECT_EQ(*R(1, 2).Plus(R(1, 3)), R(5, 6));
  EXPECT_EQ(*R(1, 2).Minus(R(1, 3)), R(1, 6));
  EXPECT_EQ(*R(2, 3).Times(R(3, 4)), R(1, 2));
  EXPECT_LT(R(1, 3), R(1, 2));
  EXPECT_LT(R(-1, 2), Rational());
  EXPECT_GE(R(kMax - 1, kMax), R(kMax - 2, kMax - 1));
}

TEST(Rational, TakesAShareRoundedDown) {
  EXPECT_EQ(*R(1, 2).FloorMul(2017), 1008u);
  EXPECT_EQ(*R(1, 2).FractionMul(2017), R(1, 2));
  EXPECT_EQ(*R(577, 1000).FloorMul(750), 432u);
  EXPECT_EQ(*R(577, 1000).FractionMul(750), R(3, 4));
  EXPECT_EQ(*Rational(1).FloorMul(std::numeric_limits<uint64_t>::max()), std::numeric_limits<uint64_t>::max());
  EXPECT_TRUE(
      HasReason(Rational(2).FloorMul(std::numeric_limits<uint64_t>::max()).status(), Reason::QUANTITY_OVERFLOW));
  EXPECT_TRUE(HasReason(R(-1, 2).FloorMul(1).status(), Reason::FIELD_INVALID));
}

TEST(Rational, FloorAndFractionAddUpToTheProduct) {
  SeededRandom random(11);
  for (int i = 0; i < 1000; ++i) {
    Rational share = R(static_cast<int64_t>(random.Below(1000)), static_cast<int64_t>(random.Below(1000) + 1));
    Tonnes tonnes = random.Below(1'000'000'000);
    Rational fraction = *share.FractionMul(tonnes);
    EXPECT_GE(fraction, Rational());
    EXPECT_LT(fraction, Rational(1));
    EXPECT_EQ(*Rational(static_cast<int64_t>(*share.FloorMul(tonnes))).Plus(fraction),
              *share.Times(Rational(static_cast<int64_t>(tonnes))));
  }
}

TEST(Rational, HasOneSpelling) {
  for (const char* text : {"0", "1", "-1", "1/2", "-577/1000", "9223372036854775807"}) {
    EXPECT_EQ(Rational::Parse(text)->ToString(), text);
  }
  for (const char* text : {"", "/", "1/", "/2", "2/4", "1/1", "1/0", "01", "+1", " 1", "1 ", "1/-2", "1/2/3", "0.5",
                           "9223372036854775808", "-9223372036854775808"}) {
    EXPECT_TRUE(HasReason(Rational::Parse(text).status(), Reason::FIELD_INVALID)) << text;
  }
}

}  // namespace
}  // namespace jcm
