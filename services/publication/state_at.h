// A book's records as they were when it had `size` entries, by undoing what has been recorded since.
//
//   JCM_ASSIGN_OR_RETURN(std::unique_ptr<StateAt> past, StateAt::Open(*view, {"JPN", "TH"}, 1'204));
//   auto decision = past->reader().Get<v1::DecisionRecord>(v1::TABLE_DECISION, "TH-JC7-TH014");
//
// Costs one read per entry undone, and memory for what these changed: meant for checkpoints that are not old.
#ifndef SERVICES_PUBLICATION_STATE_AT_H_
#define SERVICES_PUBLICATION_STATE_AT_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "ledger/registry/registry_view.h"
#include "ledger/state/state.h"

namespace jcm::services {

inline constexpr uint64_t kEntriesUndoneMax = 100'000;

class StateAt {
 public:
  // NOT_FOUND if the book has fewer entries, none, or more than kEntriesUndoneMax since. The view may be given up then.
  static absl::StatusOr<std::unique_ptr<StateAt>> Open(const registry::RegistryView& view, const BookId& book,
                                                       uint64_t size);

  const state::StateReader& reader() const { return past_; }
  // Batch time of the newest entry.
  BookTime time() const { return time_; }

 private:
  explicit StateAt(std::unique_ptr<state::StateReader> present) : present_(std::move(present)), past_(*present_) {}
  absl::Status Undo(const registry::RegistryView& view, const BookId& book, uint64_t sequence);

  const std::unique_ptr<state::StateReader> present_;
  state::Transition past_;
  BookTime time_;
};

}  // namespace jcm::services

#endif  // SERVICES_PUBLICATION_STATE_AT_H_
