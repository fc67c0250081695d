// Everything that a decided issuance rests on: the verified figures and who verified them, the documents, the
// allocation and why each party gets its part, how far both sides have come, the serials.
#ifndef SERVICES_ISSUANCE_ISSUANCE_FILE_H_
#define SERVICES_ISSUANCE_ISSUANCE_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "jcm/registry/v1/committee_views.pb.h"
#include "ledger/base/types.h"
#include "ledger/state/state.h"

namespace jcm::services {

// NOT_FOUND if neither side has opened an issuance decision of that id. What a project without a dossier never had is
// left empty. `now` chooses the rulebook of the delivery.
absl::StatusOr<jcm::registry::v1::IssuanceFile> FileOf(const state::StateReader& book, const std::string& own_registry,
                                                       const std::string& peer_registry, const std::string& decision_id,
                                                       BookTime now);

}  // namespace jcm::services

#endif  // SERVICES_ISSUANCE_ISSUANCE_FILE_H_
