// Conflicts of interest that members of the Joint Committee have declared, and the recusal that follows. Inside
// ledger/rules; ApplyDeclareConflict is in handlers.h.
//
// A declaration names a decision, a dossier or an official reference. While it holds, the member is recused from each
// electronic decision about that object: this side's book writes the recusal as a vote of its own, so that it counts,
// is imported and is shown like any other reply. In a meeting a co-chair confirms what the side agreed there, so a
// declaration is shown beside the decision and stops nothing.
#ifndef LEDGER_RULES_CONFLICT_H_
#define LEDGER_RULES_CONFLICT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "ledger/rules/decision_state.h"
#include "ledger/rules/handlers.h"

namespace jcm::rules {

inline constexpr size_t kConflictsPerMemberMax = 100;

// The member's conflict that holds and is about this decision; nullopt: none. Shadow: of the other side's member.
absl::StatusOr<absl::optional<v1::ConflictRecord>> FindConflict(absl::string_view member_id,
                                                                const v1::DecisionRecord& decision, bool shadow,
                                                                const state::StateReader& state);

// Writes the recusals of this side's members in office from an electronic decision, where they are not written yet on
// its present text. Nothing happens in a meeting, or before this side has distributed the other side's text.
absl::Status RecuseOwnMembers(const RuleInput& input, const DecisionView& view, Transition& transition);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_CONFLICT_H_
