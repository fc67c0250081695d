// Which keys speak for a registry, and from which size of a book on.
//
//   JCM_ASSIGN_OR_RETURN(KeyHistory history, KeyHistory::Start(genesis_keys, recovery_key));
//   JCM_RETURN_IF_ERROR(history.Append(1200, new_keys, absl::nullopt));
//   const KeySet& keys = history.At(checkpoint.size);
//
// Whether a change of keys is authorized is genesis.h's to say. Thread-safe for reading.
#ifndef LEDGER_BOOK_KEY_SET_H_
#define LEDGER_BOOK_KEY_SET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "ledger/base/keys.h"

namespace jcm::book {

inline constexpr size_t kReplicaKeysMax = 9;
inline constexpr size_t kKeyErasMax = 1'000;

// The key of one replica, under its name in signed notes: "<domain>/<REGISTRY>/<replica>".
struct RegistryKey {
  std::string name;
  PublicKey key;

  friend bool operator==(const RegistryKey& a, const RegistryKey& b) { return a.name == b.name && a.key == b.key; }
};

// A statement is the registry's only with valid signatures of k different keys.
struct KeySet {
  uint32_t k = 0;
  std::vector<RegistryKey> keys;

  friend bool operator==(const KeySet& a, const KeySet& b) { return a.k == b.k && a.keys == b.keys; }
};

// FIELD_INVALID unless 1 <= k <= keys <= kReplicaKeysMax, more than half of the keys are needed (or two disjoint groups
// could sign two histories), names are note key names, all keys are Ed25519, and no name or key stands twice.
absl::Status ValidateKeySet(const KeySet& keys);

// A key set and recovery key, valid for checkpoints of sizes from `from_size` up to the next era.
struct KeyEra {
  uint64_t from_size = 0;
  KeySet keys;
  PublicKey recovery_key;
};

class KeyHistory {
 public:
  // The keys of Genesis, valid from size 0 on. Errors: FIELD_INVALID.
  static absl::StatusOr<KeyHistory> Start(KeySet keys, PublicKey recovery_key);

  // From `from_size` on, `keys` hold; the recovery key stays unless a new one is given. Errors: FIELD_INVALID unless
  // the size is above that of the last change and the set is valid.
  absl::Status Append(uint64_t from_size, KeySet keys, absl::optional<PublicKey> recovery_key);

  // The keys that sign a checkpoint of this size.
  const KeySet& At(uint64_t size) const { return EraAt(size).keys; }
  const KeyEra& EraAt(uint64_t size) const;
  const KeyEra& latest() const { return eras_.back(); }
  const std::vector<KeyEra>& eras() const { return eras_; }

 private:
  std::vector<KeyEra> eras_;  // never empty; ascending by from_size, the first from 0
};

}  // namespace jcm::book

#endif  // LEDGER_BOOK_KEY_SET_H_
