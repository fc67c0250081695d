// A book's records as they were at a past time, for every read that can be asked "as it was recorded then".
//
//   JCM_ASSIGN_OR_RETURN(auto state, StateAt(*call.view, {"JPN", "TH"}, RecordedAt(request.recorded_at())));
//   auto decision = state->Get<ledger::v1::DecisionRecord>(ledger::v1::TABLE_DECISION, id);
//
// Effects have old and new values, so the present state is wound back entry by entry: what has happened since costs
// time, how long ago it was does not. PAST_TOO_FAR if more than kEntriesRewoundMax entries lie between.
#ifndef SERVICES_COMMON_PAST_STATE_H_
#define SERVICES_COMMON_PAST_STATE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "google/protobuf/timestamp.pb.h"
#include "ledger/base/types.h"
#include "ledger/registry/registry_view.h"
#include "ledger/state/state.h"

namespace jcm::services {

inline constexpr uint64_t kEntriesRewoundMax = 100'000;

// Nullopt: the present. Entries stamped at `time` have happened. BOOK_UNKNOWN, PAST_TOO_FAR, STORE_CORRUPT.
absl::StatusOr<std::unique_ptr<state::StateReader>> StateAt(const registry::RegistryView& view, const BookId& book,
                                                            absl::optional<BookTime> time);

// FIELD_INVALID before 1970.
absl::StatusOr<BookTime> ToBookTime(const google::protobuf::Timestamp& timestamp);

// Of a request that has a recorded_at field.
template <typename Request>
absl::StatusOr<std::unique_ptr<state::StateReader>> StateAsked(const registry::RegistryView& view, const BookId& book,
                                                               const Request& request) {
  absl::optional<BookTime> time;
  if (request.has_recorded_at()) {
    absl::StatusOr<BookTime> asked = ToBookTime(request.recorded_at());
    if (!asked.ok()) return asked.status();
    time = *asked;
  }
  return StateAt(view, book, time);
}

}  // namespace jcm::services

#endif  // SERVICES_COMMON_PAST_STATE_H_
