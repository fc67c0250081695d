// Splits a decided amount among the parties of a decision.
//
//   auto rows = Allocate(2017, {{"JP", *Rational::Of(1, 2)}, {"others", *Rational::Of(1, 2)}}, {"JP", "others"});
//   // TH014: JP 1,009, others 1,008
//
// The Joint Committee may also type explicit integers; then nothing here is called. Per vintage: call once for each.
#ifndef LEDGER_RULES_ALLOCATION_H_
#define LEDGER_RULES_ALLOCATION_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ledger/base/rational.h"
#include "ledger/base/types.h"

namespace jcm::rules {

using PartyId = std::string;

inline constexpr size_t kSharesMax = 100;
// allocation_method of an issuance text whose figures the Joint Committee typed.
inline constexpr char kExplicitAllocation[] = "explicit";

struct Share {
  PartyId party;
  Rational fraction;
};

struct AllocatedShare {
  PartyId party;
  Tonnes tonnes = 0;
};

// Splits `amount` among the parties of a decision, in whole tonnes (t-CO2e); the result is in the order of `shares`.
//
// Shares are exact rationals and must add up to one. Each party first gets the floor of its share; left-over
// tonnes go to the largest remainders, ties in the order of `priority` (rulebook: allocation_rounding).
// TH014: 2,017 t at 1/2 : 1/2 gives 1,009 to the Government of Japan and 1,008 to the others.
//
// Errors: SHARES_NOT_ONE (also for a negative share), UNKNOWN_PARTY (`priority` must name each party of `shares` once
// and no other), FIELD_INVALID (more than kSharesMax), QUANTITY_OVERFLOW. Never returns a total other than `amount`.
absl::StatusOr<std::vector<AllocatedShare>> Allocate(Tonnes amount, absl::Span<const Share> shares,
                                                     absl::Span<const PartyId> priority);

// What a share of an amount is when it is rounded up, so that whoever holds it back or is owed it never gets too
// little: a reserve of 3/100 of 2,017 t is 61 t, and of 1 t the whole tonne. Never more than `amount`.
//
// Errors: FIELD_INVALID for a share that is negative or above one, QUANTITY_OVERFLOW.
absl::StatusOr<Tonnes> RoundedUpShare(Tonnes amount, Rational share);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_ALLOCATION_H_
