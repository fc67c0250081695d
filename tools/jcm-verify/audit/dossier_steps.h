// Which steps the dossiers of the project cycle may take, by whom, from where and to where. The auditor's own list.
//
//   const DossierStep* step = FindDossierStep(v1::DOSSIER_KIND_PROJECT, "PIN", "submit");    // null: there is no such
//   HasWord(step->from, "-")                                                                 // it may begin the strand
#ifndef TOOLS_JCM_VERIFY_AUDIT_DOSSIER_STEPS_H_
#define TOOLS_JCM_VERIFY_AUDIT_DOSSIER_STEPS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/cycle.pb.h"

namespace jcm::verify {

namespace v1 = ::jcm::ledger::v1;

struct DossierStep {
  v1::DossierKind kind;
  absl::string_view strand;
  absl::string_view step;
  absl::string_view from;  // states, with spaces between them; "-": not begun
  absl::string_view to;    // "=": as before
  absl::string_view who;   // with spaces between them; "committee": by a decision
  v1::DecisionKind decision;
};

absl::Span<const DossierStep> DossierSteps();
const DossierStep* FindDossierStep(v1::DossierKind kind, absl::string_view strand, absl::string_view step);
// Whether one of the words is that one.
bool HasWord(absl::string_view words, absl::string_view word);

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_DOSSIER_STEPS_H_
