// Checks the invariants of the units of one partnership over both books, as records, with no look at how they came
// about.
//
//   for (const std::string& violation : CheckInvariants(japan, host)) ADD_FAILURE() << violation;
//   for (const std::string& violation : CheckFinality(before, after)) ADD_FAILURE() << violation;
//
// Any cut at which each book holds what the other one imported will do: so any moment of a simulation, and any pair of
// states that an auditor has of two books whose cursors lie within them. Not for rules: they never call this.
#ifndef LEDGER_RULES_INVARIANTS_H_
#define LEDGER_RULES_INVARIANTS_H_

#include <string>
#include <vector>

#include "ledger/state/state.h"

namespace jcm::rules {

// One sentence per violation; none if all hold. Checked:
// 1, 2. The serials of each lot are covered exactly once by: not issued yet, one block of one book (tombstones apart),
// or a
//       transfer that is posted and not credited yet. So the sum over all of them is what was decided.
// 4.    What is issued has an adopted decision confirmed by the other side; no two issued decisions share days of a
//       project; no decision issues more than was verified.
// 5.    Units with a vintage before 2021 are never ITMOs; first transfers never overlap; per authorization, what is
// first
//       transferred and what transfers in flight hold is what the ranges add up to, and not above the quantity.
// 9.    Ranges lie inside their lot, and stored sums are the sums of their ranges.
// A store that fails is reported as a violation.
std::vector<std::string> CheckInvariants(const state::StateReader& japan, const state::StateReader& host);

// 3. What is retired or cancelled in `before` is unchanged in `after`, a later state of the same book.
std::vector<std::string> CheckFinality(const state::StateReader& before, const state::StateReader& after);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_INVARIANTS_H_
