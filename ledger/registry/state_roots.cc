#include "ledger/registry/state_roots.h"

#include <string>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/book/state_root.h"

namespace jcm::registry {

absl::StatusOr<StateRootValue> ComputeStateRoot(const state::StateReader& state) {
  namespace v1 = ::jcm::ledger::v1;
  std::vector<uint32_t> tables;
  for (int table = v1::Table_MIN; table <= v1::Table_MAX; ++table) {
    if (v1::Table_IsValid(table) && table != v1::TABLE_UNSPECIFIED) tables.push_back(static_cast<uint32_t>(table));
  }
  const size_t own_tables = tables.size();
  for (size_t i = 0; i < own_tables; ++i) tables.push_back(state::Shadow(tables[i]));
  book::StateRootBuilder builder;
  absl::Status added;
  for (uint32_t table : tables) {
    JCM_RETURN_IF_ERROR(state.Scan(table, "", "", [&](absl::string_view key, absl::string_view value) {
      std::string full;
      BigEndianWriter(&full).U32(table).Bytes(key);
      added = builder.Add(full, value);
      return added.ok();
    }));
    JCM_RETURN_IF_ERROR(added);
  }
  return StateRootValue{builder.Root(), builder.count()};
}

}  // namespace jcm::registry
