// Entries of kind COMMAND: one signed part of a bundle.
#ifndef LEDGER_RULES_COMMAND_H_
#define LEDGER_RULES_COMMAND_H_

#include "absl/status/status.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "ledger/rules/engine.h"
#include "ledger/state/state.h"

namespace jcm::rules {

// Checks sizes, shapes, the part's way to the signed root, registry and book, signatures, keys and policy, in this
// order, and then runs the act's handler. Writes to `transition` only what the handler writes.
absl::Status ExecuteCommand(const EntryInput& input, const v1::Context& context, SignatureVerifier& verifier,
                            state::Transition& transition);

// Whether each signature's key is the context's at the same place, is valid at the batch time, and signed `message`.
// Errors: SIGNATURE_MISSING, KEY_UNKNOWN, KEY_EXPIRED, KEY_REVOKED, SIGNATURE_INVALID, SIGNATURE_TYPE_UNSUPPORTED.
absl::Status CheckSigners(const google::protobuf::RepeatedPtrField<v1::Signature>& signatures,
                          const v1::Context& context, BookTime time, absl::string_view message,
                          SignatureVerifier& verifier);

// In home, the book's own state must say what the context says of keys and persons. OK elsewhere.
absl::Status CheckContextOfHome(const EntryInput& input, const v1::Context& context, const state::StateReader& state);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_COMMAND_H_
