// Takes one step of a dossier, whoever takes it: a person, the Joint Committee, the clock, or the ledger itself. Inside
// ledger/rules.
#ifndef LEDGER_RULES_CYCLE_STEP_H_
#define LEDGER_RULES_CYCLE_STEP_H_

#include <string>

#include "absl/status/status.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/cycle/tables.h"
#include "ledger/rules/handlers.h"

namespace jcm::rules {

// What is asked for.
struct StepRequest {
  std::string strand;
  uint32_t instance = 1;
  std::string step;
  v1::StepFacts facts;
  google::protobuf::RepeatedPtrField<v1::Document> documents;
  std::string reason;
  // Who took it and on what ground, for the history. No actor: the clock, a decision or the ledger.
  std::string actor;
  std::string decision_id;
  std::string on_behalf_digest;
  v1::Date legal_date;
  v1::Provenance provenance = v1::PROVENANCE_NATIVE;
};

// The row of the table. STEP_UNKNOWN.
absl::StatusOr<const Step*> FindStep(const v1::DossierRecord& dossier, const std::string& strand,
                                     const std::string& step);

// Everything that the table asks for, but who takes the step. Changes nothing. STEP_NOT_POSSIBLE, STEP_TOO_LATE,
// DOCUMENT_MISSING, STEP_FACT_MISSING, REFERENCE_TAKEN, and each condition's reason.
absl::Status CheckStep(const RuleInput& input, const DossierView& dossier, const Step& step, const StepRequest& request,
                       const state::StateReader& state);

// Checks and takes it: the strand's new state, history, reference, date, and what follows in other strands. The dossier
// must be of this book.
absl::Status TakeOneStep(const RuleInput& input, const std::string& dossier_id, const StepRequest& request,
                         Transition& transition);

// The next date of a strand in its state: the clock's own step first, else the earliest target.
void SetDue(const Strand& strand, const v1::RulebookParameters& parameters, const v1::DossierRecord& dossier,
            v1::StrandRecord* record);

// Official numbers are unique over both books. REFERENCE_TAKEN.
absl::Status CheckReferenceFree(const DossierView& dossier, const std::string& reference,
                                const state::StateReader& state);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_CYCLE_STEP_H_
