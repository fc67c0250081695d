// What of a partnership's book may leave it: by table, and by field. Everything that is not named here stays.
//
//   absl::StatusOr<PublishedRecord> record = ToPublished(ledger::v1::TABLE_DOSSIER, /*peer=*/false, value);
#ifndef SERVICES_PUBLICATION_PUBLISHED_RECORDS_H_
#define SERVICES_PUBLICATION_PUBLISHED_RECORDS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "jcm/registry/v1/publication.pb.h"

namespace jcm::services {

// What takes the place of the reason why a part of a document is withheld.
inline constexpr char kWithheld[] = "withheld";

// In the order in which they are listed.
absl::Span<const ledger::v1::Table> PublishedTables();
bool IsPublished(ledger::v1::Table table);

// The record without what is personal or confidential. STORE_CORRUPT if it can't be parsed; `table` must be published.
absl::StatusOr<registry::v1::PublishedRecord> ToPublished(ledger::v1::Table table, bool peer, absl::string_view value);

}  // namespace jcm::services

#endif  // SERVICES_PUBLICATION_PUBLISHED_RECORDS_H_
