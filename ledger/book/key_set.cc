#include "ledger/book/key_set.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/book/note.h"

namespace jcm::book {

absl::Status ValidateKeySet(const KeySet& keys) {
  if (keys.keys.empty() || keys.keys.size() > kReplicaKeysMax) {
    return Error(Reason::FIELD_INVALID, absl::StrCat(keys.keys.size(), " replica keys"));
  }
  if (keys.k > keys.keys.size() || keys.k * 2 <= keys.keys.size()) {
    return Error(Reason::FIELD_INVALID, absl::StrCat(keys.k, " of ", keys.keys.size(), " replica keys"));
  }
  std::set<std::string> names;
  std::set<std::string> key_bytes;
  for (const RegistryKey& key : keys.keys) {
    if (!IsNoteKeyName(key.name) || !names.insert(key.name).second) {
      return Error(Reason::FIELD_INVALID, absl::StrCat("replica key name ", key.name));
    }
    if (key.key.type() != SignatureType::ED25519 || key.key.bytes().empty() ||
        !key_bytes.insert(key.key.bytes()).second) {
      return Error(Reason::FIELD_INVALID, absl::StrCat("replica key ", key.name));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<KeyHistory> KeyHistory::Start(KeySet keys, PublicKey recovery_key) {
  JCM_RETURN_IF_ERROR(ValidateKeySet(keys));
  KeyHistory history;
  history.eras_.push_back(KeyEra{0, std::move(keys), std::move(recovery_key)});
  return history;
}

absl::Status KeyHistory::Append(uint64_t from_size, KeySet keys, absl::optional<PublicKey> recovery_key) {
  JCM_RETURN_IF_ERROR(ValidateKeySet(keys));
  if (from_size <= latest().from_size) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("keys from size ", from_size, " after ", latest().from_size));
  }
  if (eras_.size() == kKeyErasMax) return Error(Reason::FIELD_INVALID, "too many changes of keys");
  PublicKey recovery = recovery_key.has_value() ? *std::move(recovery_key) : latest().recovery_key;
  eras_.push_back(KeyEra{from_size, std::move(keys), std::move(recovery)});
  return absl::OkStatus();
}

const KeyEra& KeyHistory::EraAt(uint64_t size) const {
  JCM_CHECK(!eras_.empty());
  size_t era = eras_.size() - 1;
  while (era > 0 && eras_[era].from_size > size) --era;
  return eras_[era];
}

}  // namespace jcm::book
