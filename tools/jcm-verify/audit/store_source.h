// Entries from a stored book: the directory of a node's store, opened for reading alone.
//
// How a registry lays out its store is written down here a second time (the writer's is ledger/registry/keys.h, which
// the auditor shares no code with); a test holds both against each other.
#ifndef TOOLS_JCM_VERIFY_AUDIT_STORE_SOURCE_H_
#define TOOLS_JCM_VERIFY_AUDIT_STORE_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/store/store.h"
#include "tools/jcm-verify/audit/book_audit.h"
#include "tools/jcm-verify/audit/source.h"

namespace jcm::verify {

// Keys: a book's are "JPN/TH" and a zero byte, then 8 bytes big-endian of the sequence (entry), "s" or "c" and 8 bytes
// of the size (note: as signed, as cosigned), 1 byte level and 8 bytes index (node), 4 bytes table and the record's key
// (state). "head/JPN/TH" (meta) is the book's BookHead.
std::string StoredBookPrefix(const BookId& book);
std::string StoredEntryKey(const BookId& book, uint64_t sequence);
std::string StoredNoteKey(const BookId& book, bool cosigned, uint64_t size);
std::string StoredNodeKey(const BookId& book, uint8_t level, uint64_t index);
std::string StoredHeadKey(const BookId& book);

// The entries that lie together under one key, described byte by byte in ledger/registry/stored_entries.h: 1, their
// number, the bytes of what follows, and an LZ4 block of sizes and records. `records` point into `plain`. False if it
// is none.
bool UnpackStoredEntries(absl::string_view stored, std::string* plain, std::vector<absl::string_view>* records);

// The books of a store, own and mirrored, by their heads. Errors: those of the store.
absl::StatusOr<std::vector<BookId>> BooksInStore(const store::ReadView& view);

class StoreSource : public EntrySource {
 public:
  // `view` must outlive this.
  StoreSource(const store::ReadView& view, const BookId& book, std::string directory);

  const BookId& book() const override { return book_; }
  const std::string& name() const override { return name_; }
  bool Next(EntryBytes* entry, BookReport* report) override;
  std::vector<SourcedNote> TakeNotes() override;
  bool HoldsNodes() const override { return true; }
  void CompareNode(int level, uint64_t index, const Digest& hash, BookReport* report) override;
  std::string PlaceOf(absl::string_view bytes) const override;
  uint64_t entries_expected() const override { return entries_expected_; }

  // Records and head of the store against the replayed book, and that there are no more nodes than those compared.
  void CompareWithStore(const BookAudit& book, BookReport* report) const;

 private:
  bool NextPack(BookReport* report);
  void CompareState(const BookAudit& book, BookReport* report) const;
  void CompareNodeCounts(BookReport* report) const;
  void CompareHead(const BookAudit& book, BookReport* report) const;

  const store::ReadView& view_;
  const BookId book_;
  const std::string directory_;
  const std::string name_;
  std::unique_ptr<store::Iterator> entries_;
  std::unique_ptr<store::Iterator> signed_notes_;
  std::unique_ptr<store::Iterator> cosigned_notes_;
  bool begun_ = false;
  std::string pack_;  // the pack being given, unpacked
  std::vector<absl::string_view> records_;
  size_t at_ = 0;
  uint64_t given_ = 0;
  // The tree's nodes, level by level, each at the next one to compare: they come about in the order of the store.
  struct Level {
    std::unique_ptr<store::Iterator> nodes;
    std::string key;  // of that next one
  };
  std::vector<Level> levels_;
  uint64_t entries_expected_ = 0;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_STORE_SOURCE_H_
