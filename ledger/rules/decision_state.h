// Reads a decision as either side's book knows it: the owner's record, the other side's reaction, votes and members of
// both.
//
//   JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(decision_id, transition));
//   JCM_ASSIGN_OR_RETURN(OutcomeInput input, LoadOutcomeInput(view, through, transition));
//
// Own records are in their tables, the other side's in the shadows; which side owns the decision says what is what.
#ifndef LEDGER_RULES_DECISION_STATE_H_
#define LEDGER_RULES_DECISION_STATE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/types.h"
#include "ledger/rules/decision_outcome.h"
#include "ledger/state/state.h"

namespace jcm::rules {

struct DecisionView {
  bool own = false;
  // Both sides opened a decision of this id before either had read the other's. Neither can be distributed or adopted.
  bool collides = false;
  bool peer_keeps_no_book = false;  // mode ATTESTED
  v1::DecisionRecord record;
  absl::optional<v1::ReactionRecord> reaction;  // of the side that does not own it
};

// DECISION_UNKNOWN.
absl::StatusOr<DecisionView> FindDecision(absl::string_view decision_id, const state::StateReader& state);

// The reaction's distribution if it is of the text now being voted on.
absl::optional<BookTime> DistributedAt(const DecisionView& view);
// Nullopt before distribution and in a meeting decision.
absl::optional<BookTime> WindowEndOf(const DecisionView& view);
BookTime LongStopOf(const DecisionView& view);

// How far each side has stated its votes to be complete; 0: not at all.
absl::StatusOr<BookTime> OwnThrough(absl::string_view decision_id, const state::StateReader& state);
absl::StatusOr<BookTime> PeerThrough(absl::string_view decision_id, const state::StateReader& state);

// Both sides' members, and their votes on the present text, as this book has them.
absl::StatusOr<OutcomeInput> LoadOutcomeInput(const DecisionView& view, BookTime through,
                                              const state::StateReader& state);

// One side's members, past and present, with the alternates who serve or served in the place of one; shadow: of the
// other side.
absl::StatusOr<std::vector<v1::MemberRecord>> LoadMembers(bool shadow, const state::StateReader& state);
// One side's votes on the present text.
absl::StatusOr<std::vector<v1::VoteRecord>> LoadVotes(const DecisionView& view, bool shadow,
                                                      const state::StateReader& state);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_DECISION_STATE_H_
