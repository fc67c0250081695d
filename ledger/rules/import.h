// Entries of kind IMPORT: a contiguous range of the other book, as far as its leaves and signatures prove it.
//
// What an import must carry: every leaf of [from, to); the body of each GENESIS and KEY_CHANGE; of every other entry
// whose effects touch a published table, at least the effects bytes. A body's command and context may be left out
// (empty); what is there must match the leaf. The checkpoint is a signed note over a size >= to, with the proof of
// consistency.
#ifndef LEDGER_RULES_IMPORT_H_
#define LEDGER_RULES_IMPORT_H_

#include "absl/status/status.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "ledger/rules/engine.h"
#include "ledger/state/state.h"

namespace jcm::rules {

inline constexpr uint64_t kImportLeavesMax = 1'000;
inline constexpr size_t kImportBytesMax = 240 * 1024;
// A leaf stamped further ahead of the batch time than this waits.
inline constexpr uint64_t kStampedAheadMaxUs = 120'000'000;

// Whether records of this table become shadows in the other book.
bool IsPublishedTable(uint32_t table);

// First everything that needs only hashes and signatures, then the effects: what is not covered by k valid signatures
// is refused and never an IMPOSSIBLE_ACT. Errors: PARTNERSHIP_STOPPED, IMPORT_NOT_CONTIGUOUS, BUNDLE_TOO_LARGE,
// LEAF_MALFORMED, CHAIN_BROKEN, DIGEST_MISMATCH, STAMPED_AHEAD, RULES_UNSUPPORTED, FIELD_REQUIRED (a body),
// PEER_SIGNATURE_INVALID, PROOF_INVALID, IMPOSSIBLE_ACT, MODE_NOT_ALLOWED (the partner keeps no book).
absl::Status ExecuteImport(const EntryInput& input, const v1::Context& context, state::Transition& transition);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_IMPORT_H_
