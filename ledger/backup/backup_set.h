// A folder with the backups of one registry, all sealed: made beside a running node, carried anywhere, restored by
// name.
//
//   JCM_ASSIGN_OR_RETURN(BackupSet set, BackupSet::OpenOrCreate("/backup/JPN", {"JPN", "registry.example"}, key));
//   JCM_ASSIGN_OR_RETURN(Added added, set.Add(manifest, "/var/lib/jcm/JPN/backup-staging/x", random, nullptr));
//   JCM_RETURN_IF_ERROR(set.Restore("20261125T054228Z-JPN-1234", "/var/lib/jcm/JPN", nullptr));
//
// A backup exists once its manifest has its name, which is the last thing that happens. Content that an earlier backup
// has already is not written again. The layout is in README.md. One process writes into a set at a time, readers wait
// for no one: whoever is in the way of whom gets BACKUP_RUNNING.
//
// Errors everywhere: DISK_FULL, STORE_FAILED, and for what is read BACKUP_DAMAGED, which names the file.
// Not here: the store's format (ledger/store) and what a restored registry may do (ledger/registry).
#ifndef LEDGER_BACKUP_BACKUP_SET_H_
#define LEDGER_BACKUP_BACKUP_SET_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/backup/manifest.h"
#include "ledger/backup/sealed_file.h"
#include "ledger/base/random.h"

namespace jcm::backup {

inline constexpr size_t kBackupsMax = 100'000;
inline constexpr size_t kManifestBytesMax = size_t{256} << 20;

// Told how many bytes of how many are done; an error that it returns ends the work.
using Progress = std::function<absl::Status(uint64_t done, uint64_t total)>;

struct Added {
  v1::Manifest manifest;
  uint64_t bytes_written = 0;  // to new objects; the others were there
  uint64_t objects_written = 0;
};

struct Listed {
  std::string name;
  v1::Manifest manifest;  // if `problem` is ok
  uint64_t bytes = 0;     // of all its files
  absl::Status problem;   // BACKUP_DAMAGED: its manifest cannot be read, or an object is missing or has another size
};

struct Pruned {
  std::vector<std::string> backups;
  uint64_t objects = 0;
  uint64_t bytes = 0;
};

class BackupSet {
 public:
  // Begins a set in a new or empty folder. Errors: BACKUP_OF_OTHER_REGISTRY, BACKUP_KEY_WRONG; FIELD_INVALID for a
  // folder with other things in it.
  static absl::StatusOr<BackupSet> OpenOrCreate(const std::string& directory, const Owner& owner, const BackupKey& key);
  // BACKUP_NOT_FOUND if there is no set. An empty `registry` means whichever it is.
  static absl::StatusOr<BackupSet> Open(const std::string& directory, absl::string_view registry, const BackupKey& key);

  const Owner& owner() const { return owner_; }

  // Seals the files of `source` and then `manifest`, whose name is taken and whose files are filled in. ALREADY_EXISTS
  // if there is a backup of that name. What is cut short leaves no backup; what it wrote is used by the next one.
  absl::StatusOr<Added> Add(v1::Manifest manifest, const std::string& source, Random& random, const Progress& progress);

  // By time, the oldest first; those that cannot be read come last. Looks at names and sizes of files, not into them.
  absl::StatusOr<std::vector<Listed>> List() const;
  // BACKUP_NOT_FOUND, BACKUP_DAMAGED.
  absl::StatusOr<v1::Manifest> Show(const std::string& name) const;
  // Reads all of it and compares.
  absl::Status Verify(const std::string& name, const Progress& progress) const;
  // Writes the store into `data_directory`/store, which has that name only when every file is whole and on disk. A
  // store opened there says restored(). RESTORE_TARGET_NOT_EMPTY unless `data_directory` is empty or does not exist;
  // remains of a restore that was cut short do not count.
  absl::Status Restore(const std::string& name, const std::string& data_directory, const Progress& progress) const;

  // Removes the oldest backups beyond `keep` (at least 1), but first verifies the newest: if it is not whole, nothing
  // is removed. Backups that cannot be read are neither counted nor removed, and no object is while there is one.
  absl::StatusOr<Pruned> Prune(uint64_t keep, const Progress& progress);

 private:
  BackupSet(std::string directory, Owner owner, BackupKey key)
      : directory_(std::move(directory)), owner_(std::move(owner)), key_(std::move(key)) {}

  std::string ManifestPath(const std::string& name) const;
  std::string ObjectPath(const std::string& object) const;
  absl::StatusOr<std::vector<std::string>> Names() const;
  absl::StatusOr<v1::Manifest> ReadManifest(const std::string& name) const;
  absl::Status CheckObjects(const v1::Manifest& manifest) const;
  absl::Status RemoveUnfinished() const;
  absl::Status SealContent(const std::string& path, v1::File* file, Random& random, Added* added,
                           const std::function<absl::Status(uint64_t)>& advance) const;
  absl::Status OpenContent(const v1::File& file, const std::function<absl::Status(absl::string_view)>& use) const;
  absl::Status VerifyFiles(const v1::Manifest& manifest, const Progress& progress) const;
  absl::Status WriteStore(const v1::Manifest& manifest, const std::string& folder, const Progress& progress) const;
  absl::Status RemoveObjectsExcept(const std::vector<v1::Manifest>& kept, Pruned* pruned) const;

  std::string directory_;
  Owner owner_;
  BackupKey key_;
};

}  // namespace jcm::backup

#endif  // LEDGER_BACKUP_BACKUP_SET_H_
