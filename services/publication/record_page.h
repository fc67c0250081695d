// Pages of published records over any state of a book: tables in their order, own before imported records, by key.
//
//   RecordPosition position;                                    // the beginning
//   JCM_ASSIGN_OR_RETURN(bool more, FillRecords(reader, PlacesOf({}), 1'000, &position, &response));
#ifndef SERVICES_PUBLICATION_RECORD_PAGE_H_
#define SERVICES_PUBLICATION_RECORD_PAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "jcm/registry/v1/publication.pb.h"
#include "ledger/state/state.h"

namespace jcm::services {

// Where a list goes on: the book's size that it is of, the place in the order of tables, the last key.
struct RecordPosition {
  uint64_t size = 0;
  size_t place = 0;
  std::string after;
};
std::string ToText(const RecordPosition& position);
// PAGE_TOKEN_INVALID. Empty text: the beginning.
absl::StatusOr<RecordPosition> ParsePosition(const std::string& text);

// The tables as the state numbers them, each followed by its imported copy; none given: all that are published.
// FIELD_INVALID for one that is not published.
absl::StatusOr<std::vector<uint32_t>> PlacesOf(absl::Span<const int> tables);

// Adds records from `position` on and leaves it at the last one; true if there are more. STORE_CORRUPT.
absl::StatusOr<bool> FillRecords(const state::StateReader& reader, const std::vector<uint32_t>& places,
                                 size_t page_size, RecordPosition* position,
                                 registry::v1::ListRecordsAtCheckpointResponse* response);

}  // namespace jcm::services

#endif  // SERVICES_PUBLICATION_RECORD_PAGE_H_
