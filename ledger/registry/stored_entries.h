// How the entries of a book lie in the store: packed, a few dozen of one batch together. The entries of a bundle repeat
// each other (header, signature, path, context, old and new values), so a pack is a third of its entries.
//
//   WriteEntries(book, first_sequence, entries, &batch);
//   JCM_ASSIGN_OR_RETURN(ledger::v1::EntryRecord entry, ReadEntry(view, book, sequence));
//
// A pack lies under the key of its first entry:
//
//   offset size
//        0    1  1, the format
//        1    4  number of entries, u32 big-endian, 1..kEntriesPerPackMax
//        5    4  bytes of what follows when unpacked, u32 big-endian
//        9       LZ4 block of: the size of each EntryRecord, u32 big-endian; then the records
//
// What comes out is compared with nothing here: an entry's digests are in its leaf, and the leaf's hash in the tree.
#ifndef LEDGER_REGISTRY_STORED_ENTRIES_H_
#define LEDGER_REGISTRY_STORED_ENTRIES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "jcm/ledger/v1/book.pb.h"
#include "ledger/base/types.h"
#include "ledger/store/store.h"

namespace jcm::registry {

inline constexpr size_t kEntriesPerPackMax = 32;
// A pack is closed when its entries reach this; one entry may be larger.
inline constexpr size_t kPackedBytes = 256 * 1024;

void WriteEntries(const BookId& book, uint64_t first_sequence, absl::Span<const ledger::v1::EntryRecord> entries,
                  store::WriteBatch* batch);

// NOT_FOUND; STORE_CORRUPT if what lies there is no pack.
absl::StatusOr<ledger::v1::EntryRecord> ReadEntry(const store::ReadView& records, const BookId& book,
                                                  uint64_t sequence);

// The bytes of one pack, and the entry at `index` in it; NOT_FOUND beyond the last.
std::string PackEntries(absl::Span<const ledger::v1::EntryRecord> entries);
absl::StatusOr<ledger::v1::EntryRecord> UnpackEntry(absl::string_view pack, uint64_t index);
// All entries of a pack, at least one.
absl::StatusOr<std::vector<ledger::v1::EntryRecord>> UnpackEntries(absl::string_view pack);

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_STORED_ENTRIES_H_
