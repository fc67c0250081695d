// What the Joint Committee decides about dossiers, and what the registries issue upon it. Inside ledger/rules.
#ifndef LEDGER_RULES_CYCLE_DECIDED_STEPS_H_
#define LEDGER_RULES_CYCLE_DECIDED_STEPS_H_

#include "absl/status/status.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/handlers.h"

namespace jcm::rules {

inline constexpr int kSubjectsMax = 50;

// The subjects of a text when a decision on it is opened or amended: each is possible now, none stands there twice.
// DECISION_SUBJECT_INVALID, and the reasons of CheckStep.
absl::Status CheckSubjects(const RuleInput& input, const v1::DecisionText& text, const state::StateReader& state);

// An issuance text about a project that has a dossier: the period and the reductions are the verified ones, and public
// money gets its share; unless the figures are typed, they are what the method gives from the requested shares.
// DOSSIER_REQUIRED, PERIOD_DIFFERS, VERIFIED_AMOUNT_EXCEEDED, DELIVERY_BELOW_MINIMUM, ALLOCATION_DIFFERS.
absl::Status CheckIssuanceOfDossier(const RuleInput& input, const v1::IssuanceText& text,
                                    const state::StateReader& state);

// Both sides stand by the adopted outcome: takes the steps of the dossiers that this book keeps. A step that has become
// impossible meanwhile leaves a remark on its strand.
absl::Status TakeDecidedSteps(const RuleInput& input, const v1::DecisionRecord& decision, Transition& transition);

// Before a side issues: both sides were notified, and the project is registered. NOT_NOTIFIED, NOT_REGISTERED.
absl::Status CheckMayIssue(const v1::IssuanceText& text, const state::StateReader& state);

// A side has issued: said in the dossier, if this book keeps it.
absl::Status RecordSideIssuance(const RuleInput& input, const v1::IssuanceText& text,
                                const v1::IssuanceRecord& issuance, Transition& transition);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_CYCLE_DECIDED_STEPS_H_
