#include "ledger/rules/key_checks.h"

#include "ledger/base/hash.h"
#include "ledger/base/keys.h"
#include "ledger/base/status.h"
#include "ledger/book/genesis.h"
#include "ledger/state/state.h"

namespace jcm::rules {
namespace {

std::string IdText(const v1::PublicKeyData& key) {
  const Digest id = KeyIdOf(key);
  return std::string(AsBytes(id));
}

}  // namespace

Digest KeyIdOf(const v1::PublicKeyData& key) { return Sha256Prefixed(static_cast<uint8_t>(key.type()), key.key()); }

absl::Status CheckPublicKey(const v1::PublicKeyData& key) {
  if (key.type() == 0 && key.key().empty()) return Error(Reason::FIELD_REQUIRED, "a public key is missing");
  if (key.type() == 0 || key.type() > 0xff) return Error(Reason::SIGNATURE_TYPE_UNSUPPORTED, "unknown type of key");
  return PublicKey::FromBytes(static_cast<SignatureType>(key.type()), key.key()).status();
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

absl::Status ChangeKeys(absl::string_view command, const BookId& book, uint64_t sequence, KeyState* known) {
  if (known->keys_from_size > sequence) return Error(Reason::FIELD_INVALID, "the last change does not hold yet");
  JCM_ASSIGN_OR_RETURN(book::KeySet keys, book::KeySetFromProto(known->keys));
  JCM_ASSIGN_OR_RETURN(PublicKey recovery, book::PublicKeyFromProto(known->recovery_key));
  JCM_ASSIGN_OR_RETURN(book::KeyHistory history, book::KeyHistory::Start(keys, std::move(recovery)));
  if (known->keys_from_size > 0) {
    JCM_RETURN_IF_ERROR(history.Append(known->keys_from_size, std::move(keys), absl::nullopt));
  }
  absl::optional<PublicKey> partner;
  if (known->partner_recovery_key.type() != 0) {
    JCM_ASSIGN_OR_RETURN(partner, book::PublicKeyFromProto(known->partner_recovery_key));
  }
  book::Leaf leaf;
  leaf.kind = book::LeafKind::KEY_CHANGE;
  leaf.book = book;
  leaf.sequence = sequence;
  JCM_RETURN_IF_ERROR(book::ApplyKeyChange(command, leaf, known->origin, partner, history));
  const book::KeyEra& era = history.latest();
  if (era.from_size > sequence + kKeyChangeAheadMax) {
    return Error(Reason::FIELD_INVALID, "the change would hold too far ahead");
  }
  known->previous_keys = known->keys;
  known->keys = book::KeySetToProto(era.keys);
  known->keys_from_size = era.from_size;
  known->recovery_key = book::PublicKeyToProto(era.recovery_key);
  return absl::OkStatus();
}

}  // namespace jcm::rules
