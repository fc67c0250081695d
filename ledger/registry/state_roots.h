// The root over all records of a book's state, as StateRoot entries state it and the other government's mirror checks
// it.
#ifndef LEDGER_REGISTRY_STATE_ROOTS_H_
#define LEDGER_REGISTRY_STATE_ROOTS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "ledger/base/types.h"
#include "ledger/state/state.h"

namespace jcm::registry {

struct StateRootValue {
  Digest root{};
  uint64_t record_count = 0;
};

// Tables ascending, shadows after them, keys ascending within a table; a record's key is the 4-byte table number and
// its key. Reads everything: not for every entry.
absl::StatusOr<StateRootValue> ComputeStateRoot(const state::StateReader& state);

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_STATE_ROOTS_H_
