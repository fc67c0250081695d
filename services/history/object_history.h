// The history of one object, put together from the entries that changed its records.
#ifndef SERVICES_HISTORY_OBJECT_HISTORY_H_
#define SERVICES_HISTORY_OBJECT_HISTORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "google/protobuf/message.h"
#include "jcm/registry/v1/object_services.pb.h"
#include "ledger/base/date.h"
#include "ledger/base/types.h"
#include "ledger/registry/registry_view.h"
#include "services/history/change_index.h"

namespace jcm::services {

inline constexpr size_t kChangesPerObjectMax = 20'000;

// The records of an object: those of a key, or of all keys that begin with it.
struct RecordsOfObject {
  uint32_t table = 0;
  std::string key;
  bool prefix = false;
};

// "partnerships/TH/decisions/ID" -> its decision, answers, votes and issuances. Numbers of dossiers are looked up in
// `book`. RESOURCE_NAME_INVALID, NOT_FOUND.
struct NamedObject {
  std::string partnership;
  std::vector<RecordsOfObject> records;
};
absl::StatusOr<NamedObject> FindNamed(const registry::RegistryView& view, const std::string& registry,
                                      const std::string& name);

struct HistoryAsked {
  absl::optional<BookTime> recorded;  // until then
  absl::optional<Date> legal;         // claiming that day or an earlier one
};

// All changes that count, in the order of time, then of books (own first), then of entries; and the records as the last
// of them leaves each.
struct ObjectHistory {
  std::vector<registry::v1::Change> changes;
  std::vector<registry::v1::RecordAt> records;
};
absl::StatusOr<ObjectHistory> HistoryOf(const registry::RegistryView& view, const ChangeIndex& index,
                                        const std::vector<BookId>& books, const NamedObject& object,
                                        const HistoryAsked& asked);

// What differs between two messages of one type, field by field: "state: OPEN -> ADOPTED". Digests in hexadecimal;
// lists and messages inside as one line of text.
std::vector<registry::v1::FieldChange> Differences(const google::protobuf::Message& before,
                                                   const google::protobuf::Message& after);

}  // namespace jcm::services

#endif  // SERVICES_HISTORY_OBJECT_HISTORY_H_
