// Entries that a registry itself writes: genesis, ticks, state roots, halts, new rules, key changes, resolutions, and
// what officers sign when something was lost.
#ifndef LEDGER_RULES_SYSTEM_H_
#define LEDGER_RULES_SYSTEM_H_

#include "absl/status/status.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "ledger/rules/engine.h"
#include "ledger/state/state.h"

namespace jcm::rules {

// All leaf kinds but COMMAND and IMPORT.
absl::Status ExecuteSystem(const EntryInput& input, const v1::Context& context, SignatureVerifier& verifier,
                           state::Transition& transition);

// Key of TABLE_RESOLUTION: "JPN/TH" "/" the disputed sequence, sortable.
std::string ResolutionKey(absl::string_view book, uint64_t sequence);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_SYSTEM_H_
