#include "ledger/rules/cycle/quantification.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm::rules {
namespace {

v1::Fraction Of(uint64_t numerator, uint64_t denominator = 1) {
  v1::Fraction fraction;
  fraction.set_numerator(numerator);
  fraction.set_denominator(denominator);
  return fraction;
}

v1::Quantification OneYear(v1::NetReductionMethod method, v1::Fraction reference, v1::Fraction project) {
  v1::Quantification quantification;
  quantification.set_method(method);
  v1::YearlyEmissions* year = quantification.add_years();
  year->set_vintage(2024);
  *year->mutable_reference() = reference;
  *year->mutable_project() = project;
  return quantification;
}

Tonnes ReductionsOf(const v1::Quantification& quantification, Rational discount = Rational()) {
  const auto years = Quantify(quantification, discount);
  EXPECT_TRUE(years.ok()) << years.status();
  return years.ok() ? (*years)[0].reductions : 0;
}

TEST(Quantification, IsReferenceMinusProject) {
  // TV1: digital tachographs in Viet Nam.
  EXPECT_EQ(ReductionsOf(OneYear(v1::NET_REDUCTION_METHOD_UNSPECIFIED, Of(4662), Of(4338))), 324u);
}

TEST(Quantification, RoundsDownOnceAndAtTheEnd) {
  EXPECT_EQ(ReductionsOf(OneYear(v1::NET_REDUCTION_METHOD_UNSPECIFIED, Of(1999, 2), Of(1, 3))), 999u);
  // (100 - 0.01) * 0.9 = 89.991
  v1::Quantification discounted = OneYear(v1::NET_REDUCTION_METHOD_DISCOUNT, Of(100), Of(1, 100));
  *discounted.mutable_factor() = Of(1, 10);
  EXPECT_EQ(ReductionsOf(discounted), 89u);
}

TEST(Quantification, UpliftsProjectEmissions) {
  v1::Quantification uplifted = OneYear(v1::NET_REDUCTION_METHOD_PROJECT_UPLIFT, Of(1000), Of(200));
  *uplifted.mutable_factor() = Of(1, 10);
  *uplifted.mutable_add_on() = Of(5);
  EXPECT_EQ(ReductionsOf(uplifted), 775u);  // 1000 - 220 - 5
}

TEST(Quantification, CountsLeakageAsAProjectEmissionBeforeTheMethod) {
  v1::Quantification uplifted = OneYear(v1::NET_REDUCTION_METHOD_PROJECT_UPLIFT, Of(1000), Of(100));
  *uplifted.mutable_factor() = Of(1, 10);
  *uplifted.mutable_years(0)->mutable_leakage() = Of(100);
  EXPECT_EQ(ReductionsOf(uplifted), 780u);  // 1000 - 200 * 1.1
}

TEST(Quantification, DiscountsForPermanenceLast) {
  EXPECT_EQ(ReductionsOf(OneYear(v1::NET_REDUCTION_METHOD_UNSPECIFIED, Of(1000), Of(1)), *Rational::Of(1, 5)), 799u);
}

TEST(Quantification, IsNothingWhereTheProjectEmittedMoreThanItsReference) {
  const auto years = Quantify(OneYear(v1::NET_REDUCTION_METHOD_UNSPECIFIED, Of(10), Of(12)));
  ASSERT_TRUE(years.ok());
  EXPECT_EQ((*years)[0].reductions, 0u);
  EXPECT_EQ((*years)[0].exact, Rational(-2));
}

TEST(Quantification, RefusesWhatAMethodDoesNotAllow) {
  v1::Quantification no_factor = OneYear(v1::NET_REDUCTION_METHOD_DISCOUNT, Of(10), Of(1));
  EXPECT_TRUE(HasReason(Quantify(no_factor).status(), Reason::FIELD_REQUIRED));
  *no_factor.mutable_factor() = Of(1);
  EXPECT_TRUE(HasReason(Quantify(no_factor).status(), Reason::FIELD_INVALID));
  v1::Quantification above = OneYear(v1::NET_REDUCTION_METHOD_REFERENCE_BELOW_BAU, Of(10), Of(1));
  *above.mutable_years(0)->mutable_business_as_usual() = Of(10);
  EXPECT_TRUE(HasReason(Quantify(above).status(), Reason::FIELD_INVALID));
  *above.mutable_years(0)->mutable_business_as_usual() = Of(11);
  EXPECT_TRUE(Quantify(above).ok());
  v1::Quantification zero = OneYear(v1::NET_REDUCTION_METHOD_UNSPECIFIED, Of(10, 0), Of(1));
  EXPECT_TRUE(HasReason(Quantify(zero).status(), Reason::FIELD_INVALID));
  v1::Quantification huge = OneYear(v1::NET_REDUCTION_METHOD_UNSPECIFIED, Of(UINT64_MAX), Of(1));
  EXPECT_TRUE(HasReason(Quantify(huge).status(), Reason::QUANTITY_OVERFLOW));
}

TEST(Quantification, BalancesTheWholeEffectInThreeParts) {
  v1::Quantification stated = OneYear(v1::NET_REDUCTION_METHOD_REFERENCE_BELOW_BAU, Of(5000), Of(2983));
  *stated.mutable_years(0)->mutable_business_as_usual() = Of(11001, 2);
  const auto years = Quantify(stated);
  ASSERT_TRUE(years.ok());
  EXPECT_EQ((*years)[0].reductions, 2017u);
  const auto balance = Balance(*years, 2017, 1009);
  ASSERT_TRUE(balance.ok());
  EXPECT_EQ(balance->total, *Rational::Of(5035, 2));  // 5,500.5 - 2,983
  EXPECT_EQ(balance->to_japan, 1009u);
  EXPECT_EQ(balance->kept_by_host, 1008u);
  EXPECT_EQ(balance->uncredited, *Rational::Of(1001, 2));  // 5,500.5 - 5,000
  EXPECT_FALSE(Balance(*years, 10, 11).ok());
}

}  // namespace
}  // namespace jcm::rules
