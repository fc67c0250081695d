// One decision of the Joint Committee as both books together show it.
#ifndef SERVICES_JOINT_COMMITTEE_DECISION_VIEW_H_
#define SERVICES_JOINT_COMMITTEE_DECISION_VIEW_H_

#include <string>

#include "absl/status/statusor.h"
#include "jcm/registry/v1/read_services.pb.h"
#include "ledger/state/state.h"

namespace jcm::services {

// From one side's book: its own records, and the other side's as imported. NOT_FOUND if neither side has opened it.
// `waits_for` says in English what is missing before units can be issued; empty when nothing is.
absl::StatusOr<jcm::registry::v1::GetDecisionResponse> ViewDecision(const state::StateReader& book,
                                                                    const std::string& own_registry,
                                                                    const std::string& peer_registry,
                                                                    const std::string& decision_id);

}  // namespace jcm::services

#endif  // SERVICES_JOINT_COMMITTEE_DECISION_VIEW_H_
