// Votes, the closing of votes, and the outcome that follows from them. Inside ledger/rules; the
// README there has the decisions behind them.
#ifndef LEDGER_RULES_VOTING_H_
#define LEDGER_RULES_VOTING_H_

#include "absl/status/status.h"
#include "ledger/rules/decision_state.h"
#include "ledger/rules/handlers.h"

namespace jcm::rules {

// Writes the outcome into an open decision of this side if what both sides have stated to be complete suffices for one.
absl::Status TryOutcome(const RuleInput& input, absl::string_view decision_id, Transition& transition);

// The deadlines of an open decision: its long stop and, once distributed, the end of its window.
absl::Status AddDecisionDeadlines(const DecisionView& view, Transition& transition);
absl::Status RemoveDecisionDeadlines(const DecisionView& view, Transition& transition);

// Both sides' statements follow at the first instant after `time`: what is stamped `time` is covered by a later one
// only.
absl::Status AddVotesCloseDeadline(BookTime time, absl::string_view decision_id, Transition& transition);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_VOTING_H_
