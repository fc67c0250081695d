#include "ledger/registry/store_state.h"

#include <algorithm>
#include <memory>

#include "ledger/registry/keys.h"

namespace jcm::registry {

absl::StatusOr<absl::optional<std::string>> StoreState::Get(uint32_t table, absl::string_view key) const {
  return records_.Get(store::Family::kState, StateKey(book_, table, key));
}

absl::Status StoreState::Scan(uint32_t table, absl::string_view prefix, absl::string_view from,
                              const state::RecordVisitor& visit) const {
  const std::string table_prefix = StateKey(book_, table, "");
  const std::string lower = StateKey(book_, table, std::max(prefix, from));
  std::unique_ptr<store::Iterator> it =
      records_.NewIterator(store::Family::kState, lower, AfterPrefix(StateKey(book_, table, prefix)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (!visit(it->key().substr(table_prefix.size()), it->value())) return absl::OkStatus();
  }
  return it->status();
}

absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> StoreState::FindAtOrBefore(
    uint32_t table, absl::string_view prefix, absl::string_view at) const {
  const std::string table_prefix = StateKey(book_, table, "");
  const std::string lower = StateKey(book_, table, prefix);
  std::unique_ptr<store::Iterator> it = records_.NewIterator(store::Family::kState, lower, AfterPrefix(lower));
  it->SeekForPrev(StateKey(book_, table, at));
  JCM_RETURN_IF_ERROR(it->status());
  if (!it->Valid()) return absl::optional<std::pair<std::string, std::string>>();
  return absl::make_optional(
      std::make_pair(std::string(it->key().substr(table_prefix.size())), std::string(it->value())));
}

}  // namespace jcm::registry
