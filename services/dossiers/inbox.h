// What waits for a person: steps of dossiers, votes, distributions, confirmations and issuances, in each partnership
// where that person has a name.
#ifndef SERVICES_DOSSIERS_INBOX_H_
#define SERVICES_DOSSIERS_INBOX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "jcm/ledger/v1/records.pb.h"
#include "jcm/registry/v1/cycle_services.pb.h"
#include "ledger/base/types.h"
#include "ledger/registry/registry_view.h"
#include "services/dossiers/dossier_index.h"

namespace jcm::services {

// For whom an inbox is: the person's record in home.
struct InboxOwner {
  std::string registry;
  ledger::v1::PersonRecord person;
};

struct InboxPage {
  uint64_t total = 0;  // items on all pages
  std::vector<jcm::registry::v1::InboxItem> items;
  std::string last;  // stands for the last item: `after` of the next page
  bool more = false;
};

// At most `page_size` items in the partnership (empty: in all), the one that has waited longest first; overdue ones
// before all others. An inbox has no key that stays: a page goes on behind the item that ended the last one, and is
// empty if that item no longer waits.
absl::StatusOr<InboxPage> InboxOf(const InboxOwner& owner, const std::string& partnership,
                                  const registry::RegistryView& view, const DossierIndex& index, BookTime now,
                                  const std::string& after, size_t page_size);

}  // namespace jcm::services

#endif  // SERVICES_DOSSIERS_INBOX_H_
