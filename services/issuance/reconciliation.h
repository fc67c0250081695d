// Where the units of each project are: what the Joint Committee decided against what both books hold.
//
// Decided amounts and allotments come from the texts of adopted decisions of either book; issuances from both books;
// holdings from the own book's blocks; transfers from the sender's posted and the receiver's credited ones. All figures
// are of one cut: the own book as it is, the other as far as it has been imported.
#ifndef SERVICES_ISSUANCE_RECONCILIATION_H_
#define SERVICES_ISSUANCE_RECONCILIATION_H_

#include "absl/status/statusor.h"
#include "jcm/registry/v1/read_services.pb.h"
#include "ledger/state/state.h"

namespace jcm::services {

// Rows by project id. The sizes of the cut are left for the caller.
absl::StatusOr<jcm::registry::v1::GetReconciliationResponse> Reconcile(const state::StateReader& book);

}  // namespace jcm::services

#endif  // SERVICES_ISSUANCE_RECONCILIATION_H_
