#include "ledger/book/genesis.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "ledger/book/checkpoint.h"

namespace jcm::book {
namespace {

absl::Status Invalid(absl::string_view detail) { return Error(Reason::FIELD_INVALID, detail); }

// Names of replica keys tell whose they are.
absl::Status CheckKeyNames(const KeySet& keys, const Origin& origin) {
  const std::string prefix = KeyNameOf(origin.domain, origin.book.registry, "");
  for (const RegistryKey& key : keys.keys) {
    if (!absl::StartsWith(key.name, prefix) || key.name.size() == prefix.size()) {
      return Invalid(absl::StrCat("replica key ", key.name, " is not of ", prefix));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRecoveryKey(const PublicKey& recovery, const KeySet& keys) {
  for (const RegistryKey& key : keys.keys) {
    if (key.key == recovery) return Invalid("the recovery key is a replica's");
  }
  return absl::OkStatus();
}

// Key ids of all keys that signed the change; every signature must be by one of `known` and verify.
absl::StatusOr<std::set<std::string>> VerifySigners(const v1::KeyChange& change, const std::vector<PublicKey>& known) {
  const std::string message = PreAuthEncode(kKeyChangePayloadType, change.change());
  std::set<std::string> signers;
  for (const v1::Signature& signature : change.signatures()) {
    const PublicKey* signer = nullptr;
    for (const PublicKey& key : known) {
      const Digest id = key.KeyId();
      if (AsBytes(id) == signature.key_id() && static_cast<uint32_t>(key.type()) == signature.type()) signer = &key;
    }
    if (signer == nullptr) return Error(Reason::SIGNATURE_INVALID, "of a key that has no part in the change");
    JCM_RETURN_IF_ERROR(signer->Verify(message, signature.signature()));
    signers.insert(signature.key_id());
  }
  return signers;
}

bool HasSigned(const std::set<std::string>& signers, const PublicKey& key) {
  const Digest id = key.KeyId();
  return signers.count(std::string(AsBytes(id))) != 0;
}

struct Change {
  KeySet keys;
  absl::optional<PublicKey> recovery_key;
  bool by_recovery_key = false;
};

// Whether those who signed may make this change.
absl::Status CheckAuthority(const Change& change, const KeyEra& present,
                            const absl::optional<PublicKey>& partner_recovery_key,
                            const std::set<std::string>& signers) {
  for (const RegistryKey& key : change.keys.keys) {
    if (!HasSigned(signers, key.key)) return Error(Reason::SIGNATURES_NOT_ENOUGH, absl::StrCat("of ", key.name));
  }
  if (change.recovery_key.has_value() && !HasSigned(signers, *change.recovery_key)) {
    return Error(Reason::SIGNATURES_NOT_ENOUGH, "of the new recovery key");
  }
  uint32_t present_signers = 0;
  for (const RegistryKey& key : present.keys.keys) present_signers += HasSigned(signers, key.key) ? 1 : 0;
  const bool by_set = present_signers >= present.keys.k;
  const bool by_recovery = HasSigned(signers, present.recovery_key);
  if (change.by_recovery_key ? !by_recovery : !by_set) {
    return Error(Reason::SIGNATURES_NOT_ENOUGH, change.by_recovery_key ? "of the recovery key" : "of the present set");
  }
  const bool by_partner = partner_recovery_key.has_value() && HasSigned(signers, *partner_recovery_key);
  if (change.recovery_key.has_value() && !by_recovery && !(by_set && by_partner)) {
    return Error(Reason::SIGNATURES_NOT_ENOUGH, "to replace the recovery key");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PublicKey> PublicKeyFromProto(const v1::PublicKeyData& data) {
  if (data.type() > 255) {
    return Error(Reason::SIGNATURE_TYPE_UNSUPPORTED, absl::StrCat("signature type ", data.type()));
  }
  return PublicKey::FromBytes(static_cast<SignatureType>(data.type()), data.key());
}

v1::PublicKeyData PublicKeyToProto(const PublicKey& key) {
  v1::PublicKeyData data;
  data.set_type(static_cast<uint32_t>(key.type()));
  data.set_key(key.bytes());
  return data;
}

absl::StatusOr<KeySet> KeySetFromProto(const v1::KeySetData& data) {
  KeySet keys;
  keys.k = data.k();
  for (const v1::ReplicaKey& replica : data.keys()) {
    JCM_ASSIGN_OR_RETURN(PublicKey key, PublicKeyFromProto(replica.key()));
    keys.keys.push_back(RegistryKey{replica.name(), std::move(key)});
  }
  JCM_RETURN_IF_ERROR(ValidateKeySet(keys));
  return keys;
}

v1::KeySetData KeySetToProto(const KeySet& keys) {
  v1::KeySetData data;
  data.set_k(keys.k);
  for (const RegistryKey& key : keys.keys) {
    v1::ReplicaKey* replica = data.add_keys();
    replica->set_name(key.name);
    *replica->mutable_key() = PublicKeyToProto(key.key);
  }
  return data;
}

v1::Signature SignToProto(const PrivateKey& key, absl::string_view payload_type, absl::string_view body) {
  const Digest id = key.public_key().KeyId();
  v1::Signature signature;
  signature.set_type(static_cast<uint32_t>(key.public_key().type()));
  signature.set_key_id(std::string(AsBytes(id)));
  signature.set_signature(key.Sign(PreAuthEncode(payload_type, body)));
  return signature;
}

absl::StatusOr<GenesisFacts> CheckGenesis(absl::string_view command, const Leaf& leaf) {
  v1::Genesis genesis;
  JCM_RETURN_IF_ERROR(ParseStrict(command, &genesis));
  if (leaf.kind != LeafKind::GENESIS || leaf.sequence != 0) return Invalid("genesis is the first entry");
  if (genesis.format() != kLeafFormatVersion) return Invalid(absl::StrCat("format ", genesis.format()));
  absl::StatusOr<Origin> origin = ParseOrigin(genesis.origin());
  if (!origin.ok() || origin->book != leaf.book) return Invalid("the origin does not name this book");
  if (genesis.rules_version() == 0 || genesis.rules_version() != leaf.rules_version) return Invalid("rules version");
  if (!genesis.rulebook_digest().empty() && genesis.rulebook_digest().size() != sizeof(Digest)) {
    return Invalid("rulebook digest");
  }
  if (!leaf.book.is_home() && genesis.persons_size() > 0) return Invalid("persons are enrolled in home");
  JCM_ASSIGN_OR_RETURN(KeySet keys, KeySetFromProto(genesis.keys()));
  JCM_RETURN_IF_ERROR(CheckKeyNames(keys, *origin));
  JCM_ASSIGN_OR_RETURN(PublicKey recovery, PublicKeyFromProto(genesis.recovery_key()));
  JCM_RETURN_IF_ERROR(CheckRecoveryKey(recovery, keys));
  JCM_ASSIGN_OR_RETURN(KeyHistory history, KeyHistory::Start(std::move(keys), std::move(recovery)));
  const std::string name = genesis.origin();
  return GenesisFacts{std::move(genesis), name, std::move(history)};
}

void AddKeyChangeSignature(v1::KeyChange& change, const PrivateKey& key) {
  *change.add_signatures() = SignToProto(key, kKeyChangePayloadType, change.change());
}

absl::Status ApplyKeyChange(absl::string_view command, const Leaf& leaf, absl::string_view origin,
                            const absl::optional<PublicKey>& partner_recovery_key, KeyHistory& history) {
  v1::KeyChange signed_change;
  JCM_RETURN_IF_ERROR(ParseStrict(command, &signed_change));
  v1::KeyChangeBody body;
  JCM_RETURN_IF_ERROR(ParseStrict(signed_change.change(), &body));
  if (leaf.kind != LeafKind::KEY_CHANGE) return Invalid("not a change of keys");
  if (body.origin() != origin) return Invalid("a change of another book's keys");
  if (body.effective_size() <= leaf.sequence) return Invalid("the change would hold before it was recorded");
  JCM_ASSIGN_OR_RETURN(Origin book, ParseOrigin(origin));

  Change change;
  change.by_recovery_key = body.by_recovery_key();
  JCM_ASSIGN_OR_RETURN(change.keys, KeySetFromProto(body.keys()));
  JCM_RETURN_IF_ERROR(CheckKeyNames(change.keys, book));
  if (body.has_recovery_key()) {
    JCM_ASSIGN_OR_RETURN(change.recovery_key, PublicKeyFromProto(body.recovery_key()));
  }
  const KeyEra& present = history.latest();
  JCM_RETURN_IF_ERROR(CheckRecoveryKey(change.recovery_key.value_or(present.recovery_key), change.keys));
  const std::set<std::string> acknowledgers(body.acknowledged_by().begin(), body.acknowledged_by().end());
  if (change.by_recovery_key &&
      (acknowledgers.size() < static_cast<size_t>(kAcknowledgersMin) || acknowledgers.count("") != 0)) {
    return Invalid("a change by recovery key needs two persons who compared the fingerprints");
  }

  std::vector<PublicKey> known = {present.recovery_key};
  for (const RegistryKey& key : present.keys.keys) known.push_back(key.key);
  for (const RegistryKey& key : change.keys.keys) known.push_back(key.key);
  if (change.recovery_key.has_value()) known.push_back(*change.recovery_key);
  if (partner_recovery_key.has_value()) known.push_back(*partner_recovery_key);
  JCM_ASSIGN_OR_RETURN(std::set<std::string> signers, VerifySigners(signed_change, known));
  JCM_RETURN_IF_ERROR(CheckAuthority(change, present, partner_recovery_key, signers));
  return history.Append(body.effective_size(), std::move(change.keys), std::move(change.recovery_key));
}

}  // namespace jcm::book
