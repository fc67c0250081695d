#include "tools/jcm-verify/audit/store_source.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "jcm/ledger/v1/storage.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "lz4.h"

namespace jcm::verify {
namespace {

constexpr absl::string_view kHeadPrefix = "head/";

std::string Number(uint64_t value) {
  std::string bytes;
  BigEndianWriter(&bytes).U64(value);
  return bytes;
}

uint64_t ReadNumber(absl::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

// The first key after all that begin with the prefix, which ends in no 0xff.
std::string After(std::string prefix) {
  prefix.back() = static_cast<char>(static_cast<uint8_t>(prefix.back()) + 1);
  return prefix;
}

}  // namespace

std::string StoredBookPrefix(const BookId& book) {
  std::string prefix = book.ToString();
  prefix.push_back('\0');
  return prefix;
}

std::string StoredEntryKey(const BookId& book, uint64_t sequence) { return StoredBookPrefix(book) + Number(sequence); }

std::string StoredNoteKey(const BookId& book, bool cosigned, uint64_t size) {
  return absl::StrCat(StoredBookPrefix(book), cosigned ? "c" : "s", Number(size));
}

std::string StoredNodeKey(const BookId& book, uint8_t level, uint64_t index) {
  std::string key = StoredBookPrefix(book);
  BigEndianWriter(&key).U8(level).U64(index);
  return key;
}

std::string StoredHeadKey(const BookId& book) { return absl::StrCat(kHeadPrefix, book.ToString()); }

bool UnpackStoredEntries(absl::string_view stored, std::string* plain, std::vector<absl::string_view>* records) {
  constexpr uint64_t kHeaderBytes = 9;
  constexpr uint64_t kEntriesMax = 32;
  constexpr uint64_t kPlainBytesMax = 32u << 20;
  records->clear();
  if (stored.size() < kHeaderBytes || stored[0] != 1) return false;
  const uint64_t count = ReadNumber(stored.substr(1, 4));
  const uint64_t size = ReadNumber(stored.substr(5, 4));
  if (count == 0 || count > kEntriesMax || size > kPlainBytesMax || size < 4 * count) return false;
  plain->resize(size);
  const absl::string_view packed = stored.substr(kHeaderBytes);
  const int unpacked = LZ4_decompress_safe(packed.data(), &(*plain)[0], static_cast<int>(packed.size()),
                                           static_cast<int>(plain->size()));
  if (unpacked < 0 || static_cast<uint64_t>(unpacked) != size) return false;
  uint64_t begin = 4 * count;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t length = ReadNumber(absl::string_view(*plain).substr(4 * i, 4));
    if (length > size - begin) return false;
    records->push_back(absl::string_view(*plain).substr(begin, length));
    begin += length;
  }
  return begin == size;
}

absl::StatusOr<std::vector<BookId>> BooksInStore(const store::ReadView& view) {
  std::set<BookId> books;
  const auto add = [&](absl::string_view name) {
    const std::vector<std::string> parts = absl::StrSplit(name, '/');
    if (parts.size() == 2 && book::IsRegistryCode(parts[0]) && book::IsPartnershipCode(parts[1])) {
      books.insert(BookId{parts[0], parts[1]});
    }
  };
  const std::string head_prefix(kHeadPrefix);
  std::unique_ptr<store::Iterator> heads = view.NewIterator(store::Family::kMeta, head_prefix, After(head_prefix));
  for (heads->Seek(head_prefix); heads->Valid(); heads->Next()) add(heads->key().substr(head_prefix.size()));
  JCM_RETURN_IF_ERROR(heads->status());
  // A book whose head is lost is still a book: one seek each.
  std::unique_ptr<store::Iterator> entries = view.NewIterator(store::Family::kEntry);
  std::string from;
  for (entries->Seek(from); entries->Valid(); entries->Seek(from)) {
    const std::string prefix(entries->key().substr(0, entries->key().find('\0')));
    add(prefix);
    from = prefix + '\x01';
  }
  JCM_RETURN_IF_ERROR(entries->status());
  return std::vector<BookId>(books.begin(), books.end());
}

StoreSource::StoreSource(const store::ReadView& view, const BookId& book, std::string directory)
    : view_(view),
      book_(book),
      directory_(std::move(directory)),
      name_(absl::StrCat(directory_, " ", book.ToString())) {
  const std::string prefix = StoredBookPrefix(book);
  entries_ = view.NewIterator(store::Family::kEntry, prefix, After(prefix));
  signed_notes_ = view.NewIterator(store::Family::kNote, prefix + "s", prefix + "t");
  cosigned_notes_ = view.NewIterator(store::Family::kNote, prefix + "c", prefix + "d");
  signed_notes_->SeekToFirst();
  cosigned_notes_->SeekToFirst();
  v1::BookHead head;
  absl::StatusOr<absl::optional<std::string>> bytes = view.Get(store::Family::kMeta, StoredHeadKey(book));
  if (bytes.ok() && bytes->has_value() && head.ParseFromString(**bytes)) entries_expected_ = head.size();
}

// The next pack of entries; false at the end, or where it is damaged.
bool StoreSource::NextPack(BookReport* report) {
  if (begun_) {
    entries_->Next();
  } else {
    entries_->SeekToFirst();
    begun_ = true;
  }
  const auto place = [&] { return absl::StrCat(name_, " entry ", given_); };
  if (!entries_->Valid()) {
    if (!entries_->status().ok()) {
      report->FailBook(Check::STORE_FILES, place(), "a store that can be read", ToText(entries_->status()));
    }
    return false;
  }
  const std::string wanted = StoredEntryKey(book_, given_);
  if (entries_->key() != wanted) {
    const absl::string_view found = entries_->key().substr(std::min(wanted.size() - 8, entries_->key().size()));
    report->FailBook(Check::COMPLETE, place(), absl::StrCat("entry ", given_, " stored"),
                     absl::StrCat("the next one stored is ", ReadNumber(found.substr(0, 8))));
    return false;
  }
  report->bytes += entries_->value().size();
  if (!UnpackStoredEntries(entries_->value(), &pack_, &records_)) {
    report->FailBook(Check::FORM, place(), "a pack of entries", "bytes that are none");
    return false;
  }
  at_ = 0;
  return true;
}

bool StoreSource::Next(EntryBytes* entry, BookReport* report) {
  if (at_ == records_.size() && !NextPack(report)) return false;
  if (!ParseEntryRecord(records_[at_++], entry)) {
    report->FailBook(Check::FORM, absl::StrCat(name_, " entry ", given_), "an entry", "bytes that are none");
    return false;
  }
  ++given_;
  return true;
}

std::vector<SourcedNote> StoreSource::TakeNotes() {
  std::vector<SourcedNote> notes;
  const auto take = [&](store::Iterator& iterator, const char* what) {
    // Notes of a size lie under that size, so that each comes when its entries have.
    while (iterator.Valid()) {
      const absl::string_view key = iterator.key();
      const uint64_t size = ReadNumber(key.substr(key.size() - std::min<size_t>(8, key.size())));
      // What lies beyond the last entry is given with it: that the store has lost entries must be said.
      if (size > given_ && given_ < entries_expected_) break;
      SourcedNote note;
      note.note = std::string(iterator.value());
      note.place = absl::StrCat(name_, " ", what, " note of size ", size);
      notes.push_back(std::move(note));
      iterator.Next();
    }
  };
  take(*signed_notes_, "signed");
  take(*cosigned_notes_, "cosigned");
  return notes;
}

std::string StoreSource::PlaceOf(absl::string_view bytes) const {
  const absl::string_view value = entries_->Valid() ? entries_->value() : absl::string_view();
  if (bytes.data() < value.data() || bytes.data() + bytes.size() > value.data() + value.size()) {
    return absl::StrCat(name_, " entry ", given_ - 1);
  }
  const uint64_t from = static_cast<uint64_t>(bytes.data() - value.data());
  return absl::StrCat(name_, " entry ", given_ - 1, " bytes ", from, "..",
                      from + (bytes.empty() ? 0 : bytes.size() - 1), " of the stored value");
}

void StoreSource::CompareState(const BookAudit& book, BookReport* report) const {
  const std::string prefix = StoredBookPrefix(book_);
  std::unique_ptr<store::Iterator> stored = view_.NewIterator(store::Family::kState, prefix, After(prefix));
  stored->SeekToFirst();
  const auto name = [&] {
    const absl::string_view key = stored->key().substr(prefix.size());
    return absl::StrCat(name_, " record of table ", ReadNumber(key.substr(0, 4)), ", key ",
                        HexEncode(key.substr(std::min<size_t>(4, key.size()))));
  };
  book.tables().Visit([&](uint32_t table, absl::string_view key, const Digest& hash) {
    std::string wanted = prefix;
    BigEndianWriter(&wanted).U32(table).Bytes(key);
    for (; stored->Valid() && stored->key() < wanted; stored->Next()) {
      report->FailBook(Check::STORED_STATE, name(), "no such record", "one");
    }
    if (!stored->Valid() || stored->key() != wanted) {
      report->FailBook(Check::STORED_STATE, absl::StrCat(name_, " record of table ", table, ", key ", HexEncode(key)),
                       "a record, as replayed", "none");
      return;
    }
    if (Tables::LeafOf(table, key, stored->value()) == hash) {
      report->Passed(Check::STORED_STATE);
    } else {
      report->FailBook(Check::STORED_STATE, name(), "the record as replayed", "another value");
    }
    stored->Next();
  });
  for (; stored->Valid(); stored->Next()) report->FailBook(Check::STORED_STATE, name(), "no such record", "one");
  if (!stored->status().ok()) {
    report->FailBook(Check::STORE_FILES, name_, "a store that can be read", ToText(stored->status()));
  }
}

// Number `index` of a level comes after all lower ones.
void StoreSource::CompareNode(int level, uint64_t index, const Digest& hash, BookReport* report) {
  while (levels_.size() <= static_cast<size_t>(level)) {
    const auto number = static_cast<uint8_t>(levels_.size());
    std::string prefix = StoredBookPrefix(book_);
    prefix.push_back(static_cast<char>(number));
    Level added{view_.NewIterator(store::Family::kNode, prefix, After(prefix)), StoredNodeKey(book_, number, 0)};
    added.nodes->SeekToFirst();
    levels_.push_back(std::move(added));
  }
  Level& stored = levels_[static_cast<size_t>(level)];
  for (size_t i = 0; i < sizeof(index); ++i) {
    stored.key[stored.key.size() - 1 - i] = static_cast<char>(index >> (8 * i) & 0xff);
  }
  const bool there = stored.nodes->Valid() && stored.nodes->key() == stored.key;
  if (there && stored.nodes->value() == AsBytes(hash)) {
    report->Passed(Check::STORED_STATE);
  } else {
    report->FailBook(Check::STORED_STATE, absl::StrCat(name_, " tree node ", level, "/", index), HexEncode(hash),
                     there ? HexEncode(stored.nodes->value()) : "none");
  }
  if (there) stored.nodes->Next();
}

void StoreSource::CompareNodeCounts(BookReport* report) const {
  for (size_t level = 0; level < levels_.size(); ++level) {
    if (!levels_[level].nodes->Valid()) continue;
    report->FailBook(Check::STORED_STATE, absl::StrCat(name_, " tree level ", level),
                     absl::StrCat(given_ >> level, " nodes"), "more");
  }
}

void StoreSource::CompareHead(const BookAudit& book, BookReport* report) const {
  v1::BookHead head;
  absl::StatusOr<absl::optional<std::string>> bytes = view_.Get(store::Family::kMeta, StoredHeadKey(book_));
  const bool read = bytes.ok() && bytes->has_value() && head.ParseFromString(**bytes);
  if (read && head.size() == given_ && head.last_leaf_hash() == AsBytes(book.last_hash())) {
    report->Passed(Check::STORED_STATE);
  } else {
    report->FailBook(Check::STORED_STATE, absl::StrCat(name_, " head"),
                     absl::StrCat("a head of ", given_, " entries, as stored"),
                     read ? absl::StrCat("one of ", head.size()) : "none that can be read");
  }
  // A mirror executes behind what it stores; only then its records are those of fewer entries.
  if (read && head.executed_size() != head.size()) {
    report->NotCheckable(Check::STORED_STATE, absl::StrCat("records are those of ", head.executed_size(), " entries"));
  } else if (book.intact()) {
    CompareState(book, report);
  }
}

void StoreSource::CompareWithStore(const BookAudit& book, BookReport* report) const {
  CompareHead(book, report);
  CompareNodeCounts(report);
}

}  // namespace jcm::verify
