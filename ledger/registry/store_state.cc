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
  const size_t table_prefix = StateKey(book_, table, "").size();
  return records_.Scan(
      store::Family::kState, StateKey(book_, table, std::max(prefix, from)),
      AfterPrefix(StateKey(book_, table, prefix)),
      [&](absl::string_view key, absl::string_view value) { return visit(key.substr(table_prefix), value); });
}

absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> StoreState::FindAtOrBefore(
    uint32_t table, absl::string_view prefix, absl::string_view at) const {
  const std::string lower = StateKey(book_, table, prefix);
  const std::string key = StateKey(book_, table, at);
  absl::optional<std::pair<std::string, std::string>> found;
  if (key < lower) return found;
  const std::string upper = AfterPrefix(lower);
  if (key < upper) {
    JCM_ASSIGN_OR_RETURN(found, records_.FindAtOrBefore(store::Family::kState, lower, key));
  } else {
    std::unique_ptr<store::Iterator> it = records_.NewIterator(store::Family::kState, lower, upper);
    it->SeekToLast();
    JCM_RETURN_IF_ERROR(it->status());
    if (it->Valid()) found = std::make_pair(std::string(it->key()), std::string(it->value()));
  }
  if (found.has_value()) found->first.erase(0, StateKey(book_, table, "").size());
  return found;
}

}  // namespace jcm::registry
