// Dossiers as the API shows them: summaries, filters, history at a past time.
#ifndef SERVICES_DOSSIERS_DOSSIER_VIEW_H_
#define SERVICES_DOSSIERS_DOSSIER_VIEW_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "google/protobuf/timestamp.pb.h"
#include "jcm/registry/v1/cycle_services.pb.h"
#include "ledger/base/types.h"
#include "ledger/rules/cycle/tables.h"
#include "ledger/state/state.h"
#include "services/dossiers/dossier_index.h"

namespace jcm::services {

// The steps that a strand in this state waits for, as rules::Strand::Awaited has them, looked up instead of worked out.
const std::vector<const rules::Step*>& AwaitedSteps(ledger::v1::DossierKind kind, absl::string_view strand,
                                                    absl::string_view state);

google::protobuf::Timestamp ToTimestamp(uint64_t micros);

// "partnerships/TH/dossiers/sun".
std::string DossierName(absl::string_view partnership, absl::string_view dossier_id);

jcm::registry::v1::DossierSummary Summarize(const IndexedDossier& dossier);

// Whether every filter of the request that is set holds. `now` decides what is overdue.
bool Matches(const IndexedDossier& dossier, const jcm::registry::v1::ListDossiersRequest& request, BookTime now);

// A dossier of one book by id or official reference, as recorded at a time and as of a legal date: the state of each
// strand is that of the last step that counts. NOT_FOUND.
struct AsOf {
  absl::optional<BookTime> recorded;
  absl::optional<ledger::v1::Date> legal;
};
absl::StatusOr<jcm::registry::v1::GetDossierResponse> ViewDossier(const state::StateReader& book,
                                                                  const std::string& partnership,
                                                                  const std::string& id_or_reference,
                                                                  const AsOf& as_of);

}  // namespace jcm::services

#endif  // SERVICES_DOSSIERS_DOSSIER_VIEW_H_
