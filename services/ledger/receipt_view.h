// Receipts: an entry with everything by which it can be verified offline.
#ifndef SERVICES_LEDGER_RECEIPT_VIEW_H_
#define SERVICES_LEDGER_RECEIPT_VIEW_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "jcm/registry/v1/ledger_service.pb.h"
#include "ledger/registry/registry_view.h"

namespace jcm::services {

// The receipt of one entry under the first checkpoint that the other government has cosigned over it; while there is
// none, under the newest of this registry alone. NOT_FOUND if no signed checkpoint covers the entry yet, BOOK_UNKNOWN.
absl::StatusOr<jcm::registry::v1::GetReceiptResponse> MakeReceipt(const registry::RegistryView& view,
                                                                  const BookId& book, uint64_t sequence,
                                                                  const std::string& peer_registry);

}  // namespace jcm::services

#endif  // SERVICES_LEDGER_RECEIPT_VIEW_H_
