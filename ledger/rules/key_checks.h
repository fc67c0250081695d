// Checks of public keys, key sets and of the change of a key set. Shared by home, genesis, key changes and imports.
#ifndef LEDGER_RULES_KEY_CHECKS_H_
#define LEDGER_RULES_KEY_CHECKS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/common.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/key_set.h"
#include "ledger/rules/engine.h"

namespace jcm::rules {

inline constexpr char kKeyChangeType[] = "application/vnd.jcm.key-change.v1";
inline constexpr char kResolutionType[] = "application/vnd.jcm.resolution.v1";
inline constexpr char kResumeAloneType[] = "application/vnd.jcm.resume-alone.v1";
inline constexpr char kAcceptTimeType[] = "application/vnd.jcm.accept-time.v1";
inline constexpr char kHomeResetType[] = "application/vnd.jcm.home-reset.v1";
inline constexpr char kBundleHeaderType[] = "application/vnd.jcm.bundle-header.v1";

// SHA-256(type byte || key).
Digest KeyIdOf(const v1::PublicKeyData& key);

// FIELD_REQUIRED if unset, SIGNATURE_TYPE_UNSUPPORTED, FIELD_INVALID if the bytes are no key of that type.
absl::Status CheckPublicKey(const v1::PublicKeyData& key);

// As the book's code wants it. Errors: those of CheckPublicKey, FIELD_INVALID (see book::ValidateKeySet).
absl::StatusOr<book::KeySet> ToKeySet(const v1::KeySetData& keys);
absl::Status CheckKeySet(const v1::KeySetData& keys);

using Signatures = google::protobuf::RepeatedPtrField<v1::Signature>;

// How many different keys of `keys` signed `message` (a pre-authentication encoding). Signatures by other keys are left
// alone; a wrong one by a key of the set is SIGNATURE_INVALID.
absl::StatusOr<uint32_t> CountValid(const v1::KeySetData& keys, absl::string_view message, const Signatures& signatures,
                                    SignatureVerifier& verifier);

// OK if `key` signed; SIGNATURE_MISSING, SIGNATURE_INVALID.
absl::Status CheckSignedBy(const v1::PublicKeyData& key, absl::string_view message, const Signatures& signatures,
                           SignatureVerifier& verifier);

// What is known of a book when its keys change.
struct KeyState {
  std::string origin;
  v1::KeySetData keys;
  v1::PublicKeyData recovery_key;
  v1::PublicKeyData partner_recovery_key;  // type 0: no partner
  uint64_t keys_from_size = 0;             // tree size from which `keys` is valid
};

// Checks a KeyChange recorded at `sequence` and applies it to `known`. The new keys are valid for tree sizes from
// sequence + 1 on: the statement's effective_size is the earliest size that its signers had in mind, above the last
// change and not above that. Signed by every new key and by k of the old ones; or by the recovery key, acknowledged by
// two named persons. A new recovery key needs the old one, or k of the old set and the partner's recovery key. Errors:
// FIELD_INVALID, SIGNATURES_NOT_ENOUGH, SIGNATURE_MISSING, SIGNATURE_INVALID, TWO_PERSONS_REQUIRED.
absl::Status CheckKeyChange(const v1::KeyChange& change, uint64_t sequence, SignatureVerifier& verifier,
                            KeyState* known);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_KEY_CHECKS_H_
