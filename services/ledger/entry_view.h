// Entries, checkpoints and outcomes as messages of the API.
#ifndef SERVICES_LEDGER_ENTRY_VIEW_H_
#define SERVICES_LEDGER_ENTRY_VIEW_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/timestamp.pb.h"
#include "jcm/registry/v1/ledger_service.pb.h"
#include "ledger/base/types.h"
#include "ledger/registry/registry_host.h"
#include "services/node/policy.h"

namespace jcm::services {

google::protobuf::Timestamp ToTimestamp(BookTime time);

// METHOD_NOT_ALLOWED for the entries of a private book, unless the caller may see them.
absl::Status CheckMayRead(const Caller& caller, const BookId& book);

// LEAF_MALFORMED if the stored leaf is damaged.
absl::StatusOr<jcm::registry::v1::Entry> ToEntry(const BookId& book, uint64_t sequence, ledger::v1::EntryRecord record,
                                                 bool with_record);

jcm::registry::v1::SubmitBundleResponse ToResponse(const registry::SubmitOutcome& outcome);

// The size that a signed note is about. CHECKPOINT_MALFORMED, NOTE_MALFORMED.
absl::StatusOr<uint64_t> SizeOfNote(absl::string_view note);

}  // namespace jcm::services

#endif  // SERVICES_LEDGER_ENTRY_VIEW_H_
