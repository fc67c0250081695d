// Pages of a book's records.
//
//   JCM_ASSIGN_OR_RETURN(RecordList list, OpenList(environment, *call.view, "IssuanceService/ListLots",
//                                                  ledger::v1::TABLE_LOT, request));
//   return FillPage(list, response->mutable_lots(), response->mutable_next_page_token());
#ifndef SERVICES_COMMON_RECORD_LIST_H_
#define SERVICES_COMMON_RECORD_LIST_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_field.h"
#include "jcm/registry/v1/read_services.pb.h"
#include "ledger/base/status.h"
#include "ledger/registry/registry_view.h"
#include "ledger/state/state.h"
#include "services/common/filter.h"

namespace jcm::services {

// A page ends before it is larger than this, however few records that makes: messages are limited to 4 MiB.
inline constexpr size_t kPageBytesMax = 3u << 20;
// A filtered page looks at no more records than this; the token then leads on, even if nothing was found.
inline constexpr size_t kExaminedMax = 10'000;

struct RecordList {
  std::unique_ptr<state::StateReader> reader;
  uint32_t table = 0;
  std::string prefix;
  std::string after;  // the last key of the page before; empty for the first page
  size_t page_size = 0;
  std::string list;  // what page tokens are bound to
  std::string filter;
};

// A list of one partnership's records, of the own book or, with `peer`, of the other government's as imported, now or
// as recorded at a past time. `name` is the method, to which page tokens are bound. RESOURCE_NAME_INVALID,
// BOOK_UNKNOWN, FIELD_INVALID, PAGE_TOKEN_INVALID, PAST_TOO_FAR.
absl::StatusOr<RecordList> OpenList(const std::string& own_registry, const registry::RegistryView& view,
                                    absl::string_view name, uint32_t table,
                                    const jcm::registry::v1::ListRequest& request);

// The same for any book and filter; `list` is what tells this list from others (ListKey).
absl::StatusOr<RecordList> OpenListOf(const registry::RegistryView& view, const BookId& book, uint32_t table,
                                      std::string prefix, std::string list, int32_t page_size,
                                      absl::string_view page_token);

// Gives records in key order to `visit`, which says how many bytes it put on the page (0: left out). Sets the token if
// there may be more.
absl::Status VisitPage(
    const RecordList& list,
    const std::function<absl::StatusOr<size_t>(absl::string_view key, absl::string_view value)>& visit,
    std::string* next_page_token);

// Puts whole records on the page, those that match the list's filter. STORE_CORRUPT if one can't be parsed,
// FILTER_INVALID.
template <typename Record>
absl::Status FillPage(const RecordList& list, google::protobuf::RepeatedPtrField<Record>* records,
                      std::string* next_page_token) {
  JCM_ASSIGN_OR_RETURN(const Filter filter, Filter::Parse(list.filter, *Record::descriptor()));
  return VisitPage(
      list,
      [records, &filter](absl::string_view, absl::string_view value) -> absl::StatusOr<size_t> {
        Record* record = records->Add();
        if (!record->ParseFromArray(value.data(), static_cast<int>(value.size()))) {
          return Error(Reason::STORE_CORRUPT, "a record cannot be parsed");
        }
        if (filter.Matches(*record)) return value.size();
        records->RemoveLast();
        return 0;
      },
      next_page_token);
}

// All records whose keys start with `prefix`, parsed, in key order.
template <typename Record>
absl::StatusOr<std::vector<Record>> AllRecords(const state::StateReader& reader, uint32_t table,
                                               absl::string_view prefix = "") {
  std::vector<Record> records;
  bool corrupt = false;
  JCM_RETURN_IF_ERROR(reader.Scan(table, prefix, "", [&](absl::string_view, absl::string_view value) {
    records.emplace_back();
    corrupt = !records.back().ParseFromArray(value.data(), static_cast<int>(value.size()));
    return !corrupt;
  }));
  if (corrupt) return Error(Reason::STORE_CORRUPT, "a record cannot be parsed");
  return records;
}

}  // namespace jcm::services

#endif  // SERVICES_COMMON_RECORD_LIST_H_
