// Methodologies and third-party entities as people list them, made from their dossiers.
//
//   Methodology one = MethodologyOf("TH", dossier);
//   JCM_RETURN_IF_ERROR(AddPublicInputs(*state, &one));      // days of public input, from the history
#ifndef SERVICES_DOSSIERS_OBJECT_VIEW_H_
#define SERVICES_DOSSIERS_OBJECT_VIEW_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "jcm/registry/v1/object_services.pb.h"
#include "ledger/base/date.h"
#include "ledger/state/state.h"
#include "services/dossiers/dossier_index.h"

namespace jcm::services {

// "VALID", "SUPERSEDED", "PUBLIC_INPUTS", "INPUTS_CLOSED", "REJECTED", "WITHDRAWN", "SUBMITTED" … of a version's state.
std::string StatusOfVersion(absl::string_view state);

// Without the days of public input.
jcm::registry::v1::Methodology MethodologyOf(const IndexedDossier& dossier);
absl::Status AddPublicInputs(const state::StateReader& book, jcm::registry::v1::Methodology* methodology);

// What the entity may do on that day.
jcm::registry::v1::ThirdPartyEntity EntityOf(const IndexedDossier& dossier, const Date& day);

// A dossier of that kind by id or any of its numbers, from a book's state (which may be a past one). NOT_FOUND.
absl::StatusOr<IndexedDossier> FindObject(const state::StateReader& book, const std::string& partnership,
                                          const std::string& id_or_reference, ledger::v1::DossierKind kind);

}  // namespace jcm::services

#endif  // SERVICES_DOSSIERS_OBJECT_VIEW_H_
