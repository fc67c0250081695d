// What a decision allows once both sides stand by its outcome.
#include <string>

#include "ledger/rules/decision_state.h"
#include "ledger/rules/handlers.h"

namespace jcm::rules {

absl::StatusOr<std::string> TextDigestOf(absl::string_view decision_id, const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(decision_id, state));
  return view.record.text_digest();
}

absl::StatusOr<v1::DecisionRecord> RequireConfirmedDecision(const BookId&, const state::StateReader& state,
                                                            absl::string_view decision_id,
                                                            absl::string_view text_digest) {
  JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(decision_id, state));
  if (view.record.text_digest() != text_digest) {
    return Error(Reason::DECISION_TEXT_MISMATCH, "the act names another text than the decision's last one");
  }
  if (view.collides) return Error(Reason::DECISION_NOT_CONFIRMED, "both sides opened a decision of this id");
  if (view.record.state() != v1::DECISION_STATE_ADOPTED) {
    return Error(Reason::DECISION_NOT_CONFIRMED, "the decision is not adopted in this book");
  }
  const bool confirmed = view.reaction.has_value() && view.reaction->state() == v1::REACTION_STATE_CONFIRMED &&
                         view.reaction->outcome() == v1::DECISION_OUTCOME_ADOPTED &&
                         view.reaction->text_digest() == text_digest;
  if (!confirmed) return Error(Reason::DECISION_NOT_CONFIRMED, "the other side's confirmation is not in this book");
  return view.record;
}

}  // namespace jcm::rules
