#include "ledger/rules/cycle/quantification.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::rules {
namespace {

const Rational kOne(1);

struct Method {
  v1::NetReductionMethod method;
  Rational factor;
  Rational add_on;
};

absl::StatusOr<Method> ReadMethod(const v1::Quantification& quantification) {
  Method read{quantification.method(), {}, {}};
  if (!v1::NetReductionMethod_IsValid(read.method)) return Error(Reason::FIELD_INVALID, "no such method");
  JCM_ASSIGN_OR_RETURN(read.factor, ToRational(quantification.factor()));
  JCM_ASSIGN_OR_RETURN(read.add_on, ToRational(quantification.add_on()));
  const bool has_factor = quantification.has_factor();
  const bool has_add_on = quantification.has_add_on();
  switch (read.method) {
    case v1::NET_REDUCTION_METHOD_PROJECT_UPLIFT:
      if (!has_factor && !has_add_on) return Error(Reason::FIELD_REQUIRED, "the uplift's factor or add-on");
      return read;
    case v1::NET_REDUCTION_METHOD_DISCOUNT:
      if (!has_factor) return Error(Reason::FIELD_REQUIRED, "the discount's factor");
      if (!(Rational() < read.factor) || !(read.factor < kOne)) {
        return Error(Reason::FIELD_INVALID, "a discount is above 0 and below 1");
      }
      if (has_add_on) return Error(Reason::FIELD_INVALID, "a discount has no add-on");
      return read;
    default:
      if (has_factor || has_add_on) return Error(Reason::FIELD_INVALID, "this method has no factor and no add-on");
      return read;
  }
}

absl::StatusOr<Rational> Apply(const Method& method, Rational reference, Rational project) {
  switch (method.method) {
    case v1::NET_REDUCTION_METHOD_PROJECT_UPLIFT: {
      JCM_ASSIGN_OR_RETURN(Rational scale, kOne.Plus(method.factor));
      JCM_ASSIGN_OR_RETURN(Rational uplifted, project.Times(scale));
      JCM_ASSIGN_OR_RETURN(Rational reductions, reference.Minus(uplifted));
      return reductions.Minus(method.add_on);
    }
    case v1::NET_REDUCTION_METHOD_DISCOUNT: {
      JCM_ASSIGN_OR_RETURN(Rational scale, kOne.Minus(method.factor));
      JCM_ASSIGN_OR_RETURN(Rational reductions, reference.Minus(project));
      return reductions.Times(scale);
    }
    default:
      return reference.Minus(project);
  }
}

absl::StatusOr<YearResult> QuantifyYear(const v1::YearlyEmissions& year, const Method& method, Rational kept) {
  YearResult result;
  result.vintage = year.vintage();
  JCM_ASSIGN_OR_RETURN(const Rational reference, ToRational(year.reference()));
  JCM_ASSIGN_OR_RETURN(Rational project, ToRational(year.project()));
  JCM_ASSIGN_OR_RETURN(const Rational leakage, ToRational(year.leakage()));
  JCM_ASSIGN_OR_RETURN(project, project.Plus(leakage));
  JCM_ASSIGN_OR_RETURN(result.exact, Apply(method, reference, project));
  if (!result.exact.IsNegative()) {
    JCM_ASSIGN_OR_RETURN(result.exact, result.exact.Times(kept));
    JCM_ASSIGN_OR_RETURN(result.reductions, result.exact.FloorMul(1));
  }
  if (!year.has_business_as_usual()) return result;
  JCM_ASSIGN_OR_RETURN(const Rational usual, ToRational(year.business_as_usual()));
  const bool must_be_below = method.method == v1::NET_REDUCTION_METHOD_REFERENCE_BELOW_BAU;
  if (usual < reference || (must_be_below && usual == reference)) {
    return Error(Reason::FIELD_INVALID, absl::StrCat(year.vintage(), ": the reference is not below business as usual"));
  }
  JCM_ASSIGN_OR_RETURN(result.total_effect, usual.Minus(project));
  JCM_ASSIGN_OR_RETURN(result.not_credited, usual.Minus(reference));
  return result;
}

}  // namespace

absl::StatusOr<Rational> ToRational(const v1::Fraction& fraction) {
  if (fraction.numerator() == 0 && fraction.denominator() == 0) return Rational();
  constexpr uint64_t kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (fraction.numerator() > kMax || fraction.denominator() > kMax) {
    return Error(Reason::QUANTITY_OVERFLOW, "a fraction's term");
  }
  return Rational::Of(static_cast<int64_t>(fraction.numerator()), static_cast<int64_t>(fraction.denominator()));
}

absl::StatusOr<std::vector<YearResult>> Quantify(const v1::Quantification& quantification,
                                                 Rational permanence_discount) {
  if (permanence_discount.IsNegative() || permanence_discount >= kOne) {
    return Error(Reason::FIELD_INVALID, "a discount for permanence is from 0 to below 1");
  }
  JCM_ASSIGN_OR_RETURN(const Method method, ReadMethod(quantification));
  JCM_ASSIGN_OR_RETURN(const Rational kept, kOne.Minus(permanence_discount));
  if (quantification.years().empty()) return Error(Reason::FIELD_REQUIRED, "years");
  if (quantification.years_size() > kYearsPerPeriodMax) return Error(Reason::FIELD_INVALID, "too many years");
  std::vector<YearResult> results;
  for (const v1::YearlyEmissions& year : quantification.years()) {
    if (!results.empty() && year.vintage() <= results.back().vintage) {
      return Error(Reason::FIELD_INVALID, "years are not ascending");
    }
    JCM_ASSIGN_OR_RETURN(YearResult result, QuantifyYear(year, method, kept));
    results.push_back(result);
  }
  return results;
}

absl::StatusOr<EffectBalance> Balance(const std::vector<YearResult>& years, Tonnes decided, Tonnes to_japan) {
  constexpr Tonnes kMax = static_cast<Tonnes>(std::numeric_limits<int64_t>::max());
  if (decided > kMax || to_japan > decided) return Error(Reason::FIELD_INVALID, "more to Japan than was decided");
  EffectBalance balance;
  for (const YearResult& year : years) {
    if (!year.total_effect.has_value()) {
      return Error(Reason::FIELD_REQUIRED, absl::StrCat(year.vintage, ": business as usual is not stated"));
    }
    JCM_ASSIGN_OR_RETURN(balance.total, balance.total.Plus(*year.total_effect));
  }
  balance.to_japan = to_japan;
  balance.kept_by_host = decided - to_japan;
  JCM_ASSIGN_OR_RETURN(balance.uncredited, balance.total.Minus(Rational(static_cast<int64_t>(decided))));
  return balance;
}

}  // namespace jcm::rules
