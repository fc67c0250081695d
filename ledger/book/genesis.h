// The first entry of a book, and changes of the keys that speak for its registry.
//
//   JCM_ASSIGN_OR_RETURN(GenesisFacts genesis, CheckGenesis(command_bytes, leaf));
//   KeyHistory history = genesis.keys;
//   ...
//   JCM_RETURN_IF_ERROR(ApplyKeyChange(command_bytes, leaf, genesis.origin, absl::nullopt, history));
//
// Whether the keys of a genesis are the government's own is compared out of band, by fingerprint; nothing here can say.
// Who acknowledged a change by recovery key is for the rules of the partner's book. Thread-safe.
#ifndef LEDGER_BOOK_GENESIS_H_
#define LEDGER_BOOK_GENESIS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/common.pb.h"
#include "ledger/base/keys.h"
#include "ledger/book/key_set.h"
#include "ledger/book/leaf.h"

namespace jcm::book {

namespace v1 = ::jcm::ledger::v1;

inline constexpr char kKeyChangePayloadType[] = "application/vnd.jcm.key-change.v1";
inline constexpr int kAcknowledgersMin = 2;

// Errors: SIGNATURE_TYPE_UNSUPPORTED, FIELD_INVALID.
absl::StatusOr<PublicKey> PublicKeyFromProto(const v1::PublicKeyData& data);
v1::PublicKeyData PublicKeyToProto(const PublicKey& key);

// A valid key set (ValidateKeySet). Errors: those of PublicKeyFromProto.
absl::StatusOr<KeySet> KeySetFromProto(const v1::KeySetData& data);
v1::KeySetData KeySetToProto(const KeySet& keys);

// A signature as commands carry it, over the pre-authentication encoding of (payload type, body).
v1::Signature SignToProto(const PrivateKey& key, absl::string_view payload_type, absl::string_view body);

struct GenesisFacts {
  v1::Genesis genesis;
  std::string origin;
  KeyHistory keys;
};

// Reads and checks the command bytes of leaf 0: format 1, an origin that names the leaf's book, the leaf's rules
// version (at least 1), a valid key set whose names are "<domain>/<REGISTRY>/...", a recovery key that is none of them,
// a rulebook digest of 32 bytes or none, first persons in home only. Errors: MESSAGE_MALFORMED, UNKNOWN_FIELD,
// FIELD_INVALID, SIGNATURE_TYPE_UNSUPPORTED.
absl::StatusOr<GenesisFacts> CheckGenesis(absl::string_view command, const Leaf& leaf);

// What one key signed of a change: adds the signature of `key` over the body.
void AddKeyChangeSignature(v1::KeyChange& change, const PrivateKey& key);

// Checks the command bytes of a KEY_CHANGE entry of this book and adds the new era to `history`:
//  * the body names `origin`; its effective size is above the leaf's sequence and above that of the last change;
//  * every new replica key signed it, and a new recovery key too: nobody enrols a key that he does not hold;
//  * it is signed by k of the present set or, if it says so, by the present recovery key, with at least two
//    acknowledgers named;
//  * a new recovery key needs the present one, or k of the present set and the partner's (`partner_recovery_key`).
// Errors: MESSAGE_MALFORMED, UNKNOWN_FIELD, FIELD_INVALID, SIGNATURE_INVALID if any signature is by a key that has no
// part in the change or does not verify, SIGNATURES_NOT_ENOUGH. On an error the history is as before.
absl::Status ApplyKeyChange(absl::string_view command, const Leaf& leaf, absl::string_view origin,
                            const absl::optional<PublicKey>& partner_recovery_key, KeyHistory& history);

}  // namespace jcm::book

#endif  // LEDGER_BOOK_GENESIS_H_
