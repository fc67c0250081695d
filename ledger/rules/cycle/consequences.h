// What a step changes besides its own strand's state. Inside ledger/rules.
#ifndef LEDGER_RULES_CYCLE_CONSEQUENCES_H_
#define LEDGER_RULES_CYCLE_CONSEQUENCES_H_

#include "absl/status/status.h"
#include "ledger/rules/cycle/step.h"

namespace jcm::rules {

// In the dossier's own record, in the strand's, and in the register of projects: participants, methodologies, crediting
// period, scopes of a third-party entity, a remark on a gap between periods. Called before both are written.
absl::Status ChangeDossier(const RuleInput& input, const StepRequest& request, const Step& step,
                           const v1::RulebookParameters& parameters, v1::DossierRecord* dossier,
                           v1::StrandRecord* strand, Transition& transition);

// The register of projects, which issuance and reports read: what the dossier says under its project number.
// `registration` counts for a project that is not registered yet.
absl::Status PutProject(const v1::Date& registration, const v1::DossierRecord& dossier, Transition& transition);

// In other strands: steps that the ledger takes by itself. Called after the step was written.
absl::Status FollowUp(const RuleInput& input, const StepRequest& request, const v1::DossierRecord& dossier,
                      const v1::StrandRecord& strand, Transition& transition);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_CYCLE_CONSEQUENCES_H_
