#include "services/publication/record_page.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "services/common/record_list.h"
#include "services/publication/published_records.h"

namespace jcm::services {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

std::string ToText(const RecordPosition& position) {
  return absl::StrCat(position.size, "/", position.place, "/", position.after);
}

absl::StatusOr<RecordPosition> ParsePosition(const std::string& text) {
  RecordPosition position;
  if (text.empty()) return position;
  const size_t first = text.find('/');
  const size_t second = first == std::string::npos ? first : text.find('/', first + 1);
  uint64_t place = 0;
  if (second == std::string::npos || !absl::SimpleAtoi(text.substr(0, first), &position.size) ||
      !absl::SimpleAtoi(text.substr(first + 1, second - first - 1), &place)) {
    return Error(Reason::PAGE_TOKEN_INVALID, "not a place in this list");
  }
  position.place = place;
  position.after = text.substr(second + 1);
  return position;
}

absl::StatusOr<std::vector<uint32_t>> PlacesOf(absl::Span<const int> tables) {
  std::vector<uint32_t> places;
  for (const int table : tables) {
    if (!IsPublished(static_cast<v1::Table>(table))) return Error(Reason::FIELD_INVALID, "tables");
  }
  for (const v1::Table table : PublishedTables()) {
    if (!tables.empty() && std::find(tables.begin(), tables.end(), table) == tables.end()) continue;
    places.push_back(table);
    places.push_back(state::Shadow(table));
  }
  return places;
}

absl::StatusOr<bool> FillRecords(const state::StateReader& reader, const std::vector<uint32_t>& places,
                                 size_t page_size, RecordPosition* position,
                                 api::ListRecordsAtCheckpointResponse* response) {
  size_t bytes = 0;
  bool full = false;
  absl::Status failure;
  for (; position->place < places.size(); ++position->place, position->after.clear()) {
    const uint32_t place = places[position->place];
    const bool peer = state::IsShadow(place);
    const auto table = static_cast<v1::Table>(peer ? place - state::kShadowOffset : place);
    const std::string from = position->after.empty() ? std::string() : position->after + '\0';
    JCM_RETURN_IF_ERROR(reader.Scan(place, "", from, [&](absl::string_view key, absl::string_view value) {
      full = static_cast<size_t>(response->records_size()) == page_size ||
             (bytes > 0 && bytes + value.size() > kPageBytesMax);
      if (full) return false;
      absl::StatusOr<api::PublishedRecord> record = ToPublished(table, peer, value);
      failure = record.status();
      if (!record.ok()) return false;
      *response->add_records() = *std::move(record);
      bytes += value.size();
      position->after = std::string(key);
      return true;
    }));
    JCM_RETURN_IF_ERROR(failure);
    if (full) return true;
  }
  return false;
}

}  // namespace jcm::services
