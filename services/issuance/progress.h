// How far decisions on issuances have been carried out by each side, and what is still owed to the Government of Japan.
//
// Of one cut: the own book as it is, the other side's as far as it has been imported.
#ifndef SERVICES_ISSUANCE_PROGRESS_H_
#define SERVICES_ISSUANCE_PROGRESS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "jcm/registry/v1/committee_views.pb.h"
#include "ledger/base/types.h"
#include "ledger/state/state.h"

namespace jcm::services {

// One decision on an issuance, of either side. NOT_FOUND if there is none of that id.
absl::StatusOr<jcm::registry::v1::DecisionProgress> ProgressOf(const state::StateReader& book,
                                                               const std::string& own_registry,
                                                               const std::string& peer_registry,
                                                               const std::string& decision_id);

// All decisions on issuances that are open or adopted, by project and period; of one project if it is named.
absl::StatusOr<std::vector<jcm::registry::v1::DecisionProgress>> AllProgress(const state::StateReader& book,
                                                                             const std::string& own_registry,
                                                                             const std::string& peer_registry,
                                                                             const std::string& project_id = "");

// What is owed to the Government of Japan for the public money of a project, and how much of it has arrived in Japan's
// registry. Nullopt: the project has no dossier, or owes nothing. `now` chooses the rulebook.
absl::StatusOr<absl::optional<jcm::registry::v1::Delivery>> DeliveryOf(const state::StateReader& book,
                                                                       const std::string& own_registry,
                                                                       const std::string& project_id, BookTime now);

// Of all projects that owe something, by project.
absl::StatusOr<std::vector<jcm::registry::v1::Delivery>> AllDeliveries(const state::StateReader& book,
                                                                       const std::string& own_registry, BookTime now);

}  // namespace jcm::services

#endif  // SERVICES_ISSUANCE_PROGRESS_H_
