// What a backup consists of, what it is called, and what a store restored from it says about itself.
//
//   JCM_RETURN_IF_ERROR(CheckName("20261125T054228Z-JPN-1234"));
//   JCM_RETURN_IF_ERROR(CheckManifest(manifest, name, {"JPN", "registry.example"}));
//   RestoredFrom from = ParseRestoredFrom(text);          // of the file RESTORED_FROM_BACKUP in a store
#ifndef LEDGER_BACKUP_MANIFEST_H_
#define LEDGER_BACKUP_MANIFEST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "jcm/backup/v1/manifest.pb.h"
#include "ledger/base/types.h"

namespace jcm::backup {

namespace v1 = ::jcm::backup::v1;

inline constexpr uint32_t kManifestFormat = 1;
inline constexpr size_t kNameBytesMax = 64;
inline constexpr size_t kFilesMax = 1'000'000;
inline constexpr size_t kObjectNameBytes = 64;
// Lies in a restored store and says which backup it was: the store's own marker (ledger/store), with lines of text.
inline constexpr char kRestoredFile[] = "RESTORED_FROM_BACKUP";

// 1 to 64 characters A-Z a-z 0-9 . _ - , of which the first is a letter or a digit and the ending is not that of an
// unfinished file. Else FIELD_INVALID.
absl::Status CheckName(absl::string_view name);

// "20261125T054228Z-JPN-1234": when, whose, and how many entries its own books have together.
std::string DefaultName(BookTime made_at, absl::string_view registry, uint64_t own_entries);

struct Owner {
  std::string registry;
  std::string domain;
};

// BACKUP_DAMAGED unless `manifest` is that of the backup `name` of this owner, and its files have names that are safe
// to write, each once.
absl::Status CheckManifest(const v1::Manifest& manifest, const std::string& name, const Owner& owner);

// True if a store's folder may have a file of this name.
bool IsStoreFileName(absl::string_view name);
// False for what RocksDB makes anew at each opening, and for the marker.
bool BelongsIntoBackup(absl::string_view name);

// Bytes of all files.
uint64_t BytesOf(const v1::Manifest& manifest);
// Entries of the registry's own books.
uint64_t OwnEntriesOf(const v1::Manifest& manifest);

// The text of RESTORED_FROM_BACKUP for a restored store, and what it says.
struct RestoredFrom {
  struct Book {
    std::string book;
    uint64_t size = 0;
  };
  std::string name;  // empty: a copy that is not from a backup set
  int64_t made_at_us = 0;
  uint64_t applied_index = 0;
  std::vector<Book> books;  // own books
};
std::string FormatRestoredFrom(const v1::Manifest& manifest);
RestoredFrom ParseRestoredFrom(absl::string_view text);

}  // namespace jcm::backup

#endif  // LEDGER_BACKUP_MANIFEST_H_
