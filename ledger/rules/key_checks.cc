#include "ledger/rules/key_checks.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/keys.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "ledger/state/state.h"

namespace jcm::rules {
namespace {

std::string IdText(const v1::PublicKeyData& key) {
  const Digest id = KeyIdOf(key);
  return std::string(AsBytes(id));
}

absl::Status CheckTwoPersons(const v1::KeyChangeBody& body) {
  std::set<std::string> persons;
  for (const std::string& person : body.acknowledged_by()) {
    if (!person.empty()) persons.insert(person);
  }
  if (persons.size() >= 2) return absl::OkStatus();
  return Error(Reason::TWO_PERSONS_REQUIRED, "two persons must have compared the fingerprints");
}

absl::Status CheckNewRecoveryKey(const v1::KeyChangeBody& body, absl::string_view message, const Signatures& signatures,
                                 uint32_t old_signers, const KeyState& known, SignatureVerifier& verifier) {
  JCM_RETURN_IF_ERROR(CheckPublicKey(body.recovery_key()));
  const absl::Status by_itself = CheckSignedBy(known.recovery_key, message, signatures, verifier);
  if (by_itself.ok()) return absl::OkStatus();
  if (known.partner_recovery_key.type() == 0 || old_signers < known.keys.k()) return by_itself;
  return CheckSignedBy(known.partner_recovery_key, message, signatures, verifier);
}

}  // namespace

Digest KeyIdOf(const v1::PublicKeyData& key) { return Sha256Prefixed(static_cast<uint8_t>(key.type()), key.key()); }

absl::Status CheckPublicKey(const v1::PublicKeyData& key) {
  if (key.type() == 0 && key.key().empty()) return Error(Reason::FIELD_REQUIRED, "a public key is missing");
  if (key.type() == 0 || key.type() > 0xff) return Error(Reason::SIGNATURE_TYPE_UNSUPPORTED, "unknown type of key");
  return PublicKey::FromBytes(static_cast<SignatureType>(key.type()), key.key()).status();
}

absl::StatusOr<book::KeySet> ToKeySet(const v1::KeySetData& keys) {
  if (keys.keys().empty()) return Error(Reason::FIELD_REQUIRED, "a key set has no keys");
  book::KeySet out;
  out.k = keys.k();
  for (const v1::ReplicaKey& key : keys.keys()) {
    JCM_RETURN_IF_ERROR(CheckPublicKey(key.key()));
    JCM_ASSIGN_OR_RETURN(PublicKey parsed,
                         PublicKey::FromBytes(static_cast<SignatureType>(key.key().type()), key.key().key()));
    out.keys.push_back({key.name(), std::move(parsed)});
  }
  JCM_RETURN_IF_ERROR(book::ValidateKeySet(out));
  return out;
}

absl::Status CheckKeySet(const v1::KeySetData& keys) { return ToKeySet(keys).status(); }

absl::StatusOr<uint32_t> CountValid(const v1::KeySetData& keys, absl::string_view message, const Signatures& signatures,
                                    SignatureVerifier& verifier) {
  std::set<std::string> signers;
  for (const v1::ReplicaKey& key : keys.keys()) {
    const std::string id = IdText(key.key());
    for (const v1::Signature& signature : signatures) {
      if (signature.key_id() != id) continue;
      if (signature.type() != key.key().type()) return Error(Reason::SIGNATURE_INVALID, "the type is not the key's");
      JCM_RETURN_IF_ERROR(verifier.Verify(key.key(), message, signature.signature()));
      signers.insert(id);
    }
  }
  return static_cast<uint32_t>(signers.size());
}

absl::Status CheckSignedBy(const v1::PublicKeyData& key, absl::string_view message, const Signatures& signatures,
                           SignatureVerifier& verifier) {
  const std::string id = IdText(key);
  for (const v1::Signature& signature : signatures) {
    if (signature.key_id() != id) continue;
    if (signature.type() != key.type()) return Error(Reason::SIGNATURE_INVALID, "the type is not the key's");
    return verifier.Verify(key, message, signature.signature());
  }
  return Error(Reason::SIGNATURE_MISSING, "a required key has not signed");
}

absl::Status CheckKeyChange(const v1::KeyChange& change, uint64_t sequence, SignatureVerifier& verifier,
                            KeyState* known) {
  v1::KeyChangeBody body;
  JCM_RETURN_IF_ERROR(ParseStrict(change.change(), &body));
  if (body.origin() != known->origin) return Error(Reason::FIELD_INVALID, "the change is for another book");
  if (body.effective_size() <= known->keys_from_size || body.effective_size() > sequence + 1) {
    return Error(Reason::FIELD_INVALID, "effective_size is not between the last change and this entry");
  }
  JCM_RETURN_IF_ERROR(CheckKeySet(body.keys()));
  const std::string message = PreAuthEncode(kKeyChangeType, change.change());
  JCM_ASSIGN_OR_RETURN(uint32_t new_signers, CountValid(body.keys(), message, change.signatures(), verifier));
  if (new_signers < static_cast<uint32_t>(body.keys().keys_size())) {
    return Error(Reason::SIGNATURES_NOT_ENOUGH, "every new key must sign");
  }
  JCM_ASSIGN_OR_RETURN(uint32_t old_signers, CountValid(known->keys, message, change.signatures(), verifier));
  if (body.by_recovery_key()) {
    JCM_RETURN_IF_ERROR(CheckSignedBy(known->recovery_key, message, change.signatures(), verifier));
    JCM_RETURN_IF_ERROR(CheckTwoPersons(body));
  } else if (old_signers < known->keys.k()) {
    return Error(Reason::SIGNATURES_NOT_ENOUGH, absl::StrCat("signed by ", old_signers, " of the old keys"));
  }
  if (body.has_recovery_key()) {
    JCM_RETURN_IF_ERROR(CheckNewRecoveryKey(body, message, change.signatures(), old_signers, *known, verifier));
    known->recovery_key = body.recovery_key();
  }
  known->keys = body.keys();
  known->keys_from_size = sequence + 1;
  return absl::OkStatus();
}

}  // namespace jcm::rules
