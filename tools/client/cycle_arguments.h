// What people type about dossiers: documents, numbers of emissions, participants, subjects of decisions.
//
//   JCM_ASSIGN_OR_RETURN(v1::Document document, ParseDocument("F_PDD=@design.pdf", files));
//   JCM_ASSIGN_OR_RETURN(v1::DecisionSubject subject, ParseSubject("sun/PIN/clear"));
#ifndef TOOLS_CLIENT_CYCLE_ARGUMENTS_H_
#define TOOLS_CLIENT_CYCLE_ARGUMENTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/command.pb.h"
#include "ledger/base/file_system.h"

namespace jcm::client {

namespace v1 = ::jcm::ledger::v1;

// "FORM=@FILE" or "FORM=SHA-256"; ",confidential=@FILE,reason=TEXT" for what is withheld; ",version=TEXT".
absl::StatusOr<v1::Document> ParseDocument(absl::string_view text, FileSystem& files);

// "2021-01-01..2021-12-31"; an open end is left out: "2021-01-01..".
absl::StatusOr<v1::Period> ParsePeriod(absl::string_view text);

// "TH_AM001@1.0"; a proposed one has no version: "TH_PM017".
absl::StatusOr<v1::MethodologyUse> ParseMethodology(absl::string_view text);

// "3:validation", "3:verification", "3" for both.
absl::StatusOr<v1::ScopeGrant> ParseScopeGrant(absl::string_view text);

// "NAME|日本語名|CC[|representative or joint][|focal]".
absl::StatusOr<v1::Participant> ParseParticipant(absl::string_view text);

// "PARTY=1/2", with ",government-of-japan" for that party.
absl::StatusOr<v1::AllocationShare> ParseShare(absl::string_view text);

// "2021:RE:PE[:BaU[:leakage]]", amounts in t-CO2e such as 1234.5; an empty BaU is not stated.
absl::StatusOr<v1::YearlyEmissions> ParseEmissions(absl::string_view text);

// "DOSSIER/STRAND/STEP", "DOSSIER/STRAND/2/STEP"; then facts of the step, ";"-separated: reference=TH014,
// version=1.0, period=START..END, scope=3:validation, with-revisions.
absl::StatusOr<v1::DecisionSubject> ParseSubject(absl::string_view text);

}  // namespace jcm::client

#endif  // TOOLS_CLIENT_CYCLE_ARGUMENTS_H_
