// Checks of public keys, of who signed, and of the change of a key set. Shared by home, genesis, key changes and
// imports.
#ifndef LEDGER_RULES_KEY_CHECKS_H_
#define LEDGER_RULES_KEY_CHECKS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/common.pb.h"
#include "ledger/base/types.h"
#include "ledger/rules/engine.h"

namespace jcm::rules {

inline constexpr char kResolutionType[] = "application/vnd.jcm.resolution.v1";
inline constexpr char kResumeAloneType[] = "application/vnd.jcm.resume-alone.v1";
inline constexpr char kAcceptTimeType[] = "application/vnd.jcm.accept-time.v1";
inline constexpr char kHomeResetType[] = "application/vnd.jcm.home-reset.v1";
inline constexpr char kBundleHeaderType[] = "application/vnd.jcm.bundle-header.v1";

// SHA-256(type byte || key).
Digest KeyIdOf(const v1::PublicKeyData& key);

// FIELD_REQUIRED if unset, SIGNATURE_TYPE_UNSUPPORTED, FIELD_INVALID if the bytes are no key of that type.
absl::Status CheckPublicKey(const v1::PublicKeyData& key);

using Signatures = google::protobuf::RepeatedPtrField<v1::Signature>;

// OK if `key` signed; SIGNATURE_MISSING, SIGNATURE_INVALID.
absl::Status CheckSignedBy(const v1::PublicKeyData& key, absl::string_view message, const Signatures& signatures,
                           SignatureVerifier& verifier);

// A change of keys may hold from a size this far ahead of its entry, no further.
inline constexpr uint64_t kKeyChangeAheadMax = 10'000;

// What a book's state, or the state of the book that imports from it, knows of its keys.
struct KeyState {
  std::string origin;
  v1::KeySetData keys;           // valid for tree sizes from keys_from_size on
  v1::KeySetData previous_keys;  // valid below it
  uint64_t keys_from_size = 0;
  v1::PublicKeyData recovery_key;
  v1::PublicKeyData partner_recovery_key;  // type 0: no partner

  const v1::KeySetData& At(uint64_t size) const { return size >= keys_from_size ? keys : previous_keys; }
};

// Checks the command bytes of a KEY_CHANGE entry (book::ApplyKeyChange) and applies it to `known`. One change at a
// time: the last one must hold before the next is recorded. Errors: those of book::ApplyKeyChange, FIELD_INVALID.
absl::Status ChangeKeys(absl::string_view command, const BookId& book, uint64_t sequence, KeyState* known);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_KEY_CHECKS_H_
