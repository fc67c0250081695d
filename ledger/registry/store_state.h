// A book's records as they lie in a store's view: the StateReader that everything else is layered on.
#ifndef LEDGER_REGISTRY_STORE_STATE_H_
#define LEDGER_REGISTRY_STORE_STATE_H_

#include <string>
#include <utility>

#include "ledger/base/types.h"
#include "ledger/state/state.h"
#include "ledger/store/store.h"

namespace jcm::registry {

class StoreState : public state::StateReader {
 public:
  // `records` must outlive this.
  StoreState(const store::ReadView& records, BookId book) : records_(records), book_(std::move(book)) {}

  using StateReader::Get;
  absl::StatusOr<absl::optional<std::string>> Get(uint32_t table, absl::string_view key) const override;
  absl::Status Scan(uint32_t table, absl::string_view prefix, absl::string_view from,
                    const state::RecordVisitor& visit) const override;
  absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> FindAtOrBefore(
      uint32_t table, absl::string_view prefix, absl::string_view at) const override;

 private:
  const store::ReadView& records_;
  const BookId book_;
};

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_STORE_STATE_H_
