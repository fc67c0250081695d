// Keys of persons' data: personal data is sealed with one key per person, and erasing a person means deleting that key.
//
//   Vault vault(files, "/var/lib/jcm/JPN/vault");
//   JCM_RETURN_IF_ERROR(vault.Put("person 17", random.Bytes(kSealKeyBytes)));
//   JCM_ASSIGN_OR_RETURN(std::string key, vault.Get("person 17"));
//   JCM_RETURN_IF_ERROR(vault.Erase("person 17"));
//
// One file per person (0600), so that a key that is gone is gone: no log, table or snapshot of a store has it. An
// erased person stays erased: a small file says so, and neither Put nor Import brings the key back. Not for signing
// keys.
#ifndef LEDGER_STORE_VAULT_H_
#define LEDGER_STORE_VAULT_H_

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/file_system.h"
#include "ledger/base/random.h"

namespace jcm::store {

// A subject's name: any bytes, at least one. Its file is named by its hexadecimal digits.
inline constexpr size_t kSubjectMaxBytes = 100;

// Thread-safe. Calls block for the file system.
class Vault {
 public:
  Vault(std::shared_ptr<FileSystem> files, std::string directory);

  // Keeps `key` (kSealKeyBytes), durably. OK if it is there already; ALREADY_EXISTS if another one is;
  // VAULT_KEY_ERASED; FIELD_INVALID for a name or key of another length.
  absl::Status Put(absl::string_view subject, absl::string_view key);

  // NOT_FOUND; VAULT_KEY_ERASED; STORE_CORRUPT if the file is damaged.
  absl::StatusOr<std::string> Get(absl::string_view subject);

  // Deletes the key, durably, and remembers that it was erased. OK if it was erased before, or never there. A crash in
  // between leaves the mark and maybe the key: FinishErasures, at start, deletes it then.
  absl::Status Erase(absl::string_view subject);
  absl::Status FinishErasures();

  // Names of those who have a key, sorted; names of those who were erased, sorted.
  absl::StatusOr<std::vector<std::string>> List();
  absl::StatusOr<std::vector<std::string>> Erased();

  // All keys and all erasures, sealed with `recovery_key` (kSealKeyBytes), for the off-site sink.
  absl::StatusOr<std::string> Export(absl::string_view recovery_key, Random& random);
  // Takes what is not there yet, and erases what was erased there. DIGEST_MISMATCH for another recovery key or damaged
  // bytes, MESSAGE_MALFORMED; ALREADY_EXISTS if a person has another key here. Nothing changes on these errors.
  absl::Status Import(absl::string_view recovery_key, absl::string_view sealed);

 private:
  std::string KeyPath(absl::string_view subject) const;
  std::string ErasedPath(absl::string_view subject) const;
  absl::Status PutLocked(absl::string_view subject, absl::string_view key);
  absl::StatusOr<std::string> GetLocked(absl::string_view subject);
  absl::Status EraseLocked(absl::string_view subject);
  absl::StatusOr<std::vector<std::string>> NamesLocked(absl::string_view ending);

  const std::shared_ptr<FileSystem> files_;
  const std::string directory_;
  std::mutex mutex_;
};

}  // namespace jcm::store

#endif  // LEDGER_STORE_VAULT_H_
