// Emission reductions of a monitoring period, year by year, in exact fractions; and where the whole effect of a project
// goes.
//
//   JCM_ASSIGN_OR_RETURN(std::vector<YearResult> years, Quantify(quantification, discount));
//   years[0].reductions            // whole tonnes, rounded down: VN digital tachographs, 4,662 - 4,338 = 324
//
// Methods (domain: §3.1, as the CCS guidelines list them):
//   REFERENCE_BELOW_BAU   ER = RE - PE, with RE < BaU where BaU is stated
//   PROJECT_UPLIFT        ER = RE - PE * (1 + factor) - add_on
//   DISCOUNT              ER = (RE - PE) * (1 - factor)
// Leakage is added to PE before a method is applied. What a permanence regime discounts comes last.
#ifndef LEDGER_RULES_CYCLE_QUANTIFICATION_H_
#define LEDGER_RULES_CYCLE_QUANTIFICATION_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/cycle.pb.h"
#include "ledger/base/rational.h"
#include "ledger/base/types.h"

namespace jcm::rules {

namespace v1 = ::jcm::ledger::v1;

inline constexpr int kYearsPerPeriodMax = 50;

// FIELD_INVALID for a denominator of zero, QUANTITY_OVERFLOW. An unset fraction is zero.
absl::StatusOr<Rational> ToRational(const v1::Fraction& fraction);

struct YearResult {
  int32_t vintage = 0;
  Rational exact;         // ER before rounding; negative where the project emitted more than its reference
  Tonnes reductions = 0;  // rounded down; 0 if `exact` is negative
  // Known where BaU is stated: BaU - PE, of which BaU - RE is left to the host's NDC without any credit.
  absl::optional<Rational> total_effect;
  absl::optional<Rational> not_credited;
};

// Errors: FIELD_REQUIRED, FIELD_INVALID (years not ascending, a method without its factor, a factor outside 0..1, RE
// not below BaU where the method says so), QUANTITY_OVERFLOW. `permanence_discount` is in [0, 1).
absl::StatusOr<std::vector<YearResult>> Quantify(const v1::Quantification& quantification,
                                                 Rational permanence_discount = Rational());

// Where the whole effect of the years goes, which adds up exactly: BaU - PE = to_japan + kept_by_host + uncredited.
struct EffectBalance {
  Rational total;
  Tonnes to_japan = 0;
  Tonnes kept_by_host = 0;
  Rational uncredited;  // reference below BaU, discounts and rounding
};

// Of years that all state BaU; `to_japan` of the decided tonnes, the others stay. FIELD_REQUIRED without BaU.
absl::StatusOr<EffectBalance> Balance(const std::vector<YearResult>& years, Tonnes decided, Tonnes to_japan);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_CYCLE_QUANTIFICATION_H_
