// What each member of the Joint Committee said to a decision, in which form, and where the sides differ.
#ifndef SERVICES_JOINT_COMMITTEE_REPLIES_H_
#define SERVICES_JOINT_COMMITTEE_REPLIES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "jcm/registry/v1/read_services.pb.h"
#include "ledger/state/state.h"

namespace jcm::services {

// How a reply was given, in the words that are shown with it everywhere. A reply that the secretariat filed never reads
// as if the member had signed it.
struct FormText {
  std::string en;
  std::string ja;
};
FormText TextOfForm(const ledger::v1::VoteRecord& vote, ledger::v1::DecisionMode mode);

// Fills replies, conflicts and times of a view whose decision, owner and votes are set.
absl::Status AddReplies(const state::StateReader& book, const std::string& own_registry,
                        const std::string& peer_registry, jcm::registry::v1::GetDecisionResponse* view);

// Fills the disagreements of a view that has its replies. `collides`: both sides opened a decision of its id.
void AddDisagreements(bool collides, jcm::registry::v1::GetDecisionResponse* view);

}  // namespace jcm::services

#endif  // SERVICES_JOINT_COMMITTEE_REPLIES_H_
