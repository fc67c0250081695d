#include "ledger/registry/registry_view.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"
#include "ledger/registry/applier.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/store_state.h"
#include "ledger/registry/stored_entries.h"

namespace jcm::registry {
namespace {

using store::Family;

// A book's records together with the view that they lie in.
class ViewState : public StoreState {
 public:
  ViewState(std::shared_ptr<const store::ReadView> records, const BookId& book)
      : StoreState(*records, book), records_(std::move(records)) {}

 private:
  std::shared_ptr<const store::ReadView> records_;
};

// Reads the tree nodes of one book.
book::NodeReader Nodes(const store::ReadView& records, const BookId& book) {
  return [&records, book](int level, uint64_t index) -> absl::StatusOr<Digest> {
    JCM_ASSIGN_OR_RETURN(absl::optional<std::string> node, records.Get(Family::kNode, NodeKey(book, level, index)));
    if (!node.has_value()) return Error(Reason::STORE_CORRUPT, absl::StrCat("tree node of ", book.ToString()));
    return DigestFromBytes(*node);
  };
}

// The value of the last key in [lower, upper]; empty if there is none.
absl::StatusOr<std::string> LastIn(const store::ReadView& records, const std::string& lower, const std::string& upper) {
  std::unique_ptr<store::Iterator> it = records.NewIterator(Family::kNote, lower, AfterPrefix(upper));
  it->SeekToLast();
  JCM_RETURN_IF_ERROR(it->status());
  if (!it->Valid()) return std::string();
  return std::string(it->value());
}

}  // namespace

absl::StatusOr<std::vector<BookInfo>> RegistryView::Books() const {
  std::vector<BookInfo> books;
  std::unique_ptr<store::Iterator> it = records_->NewIterator(Family::kMeta, kHeadPrefix, AfterPrefix(kHeadPrefix));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    v1::BookHead head;
    if (!head.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) {
      return Error(Reason::STORE_CORRUPT, "book head");
    }
    JCM_ASSIGN_OR_RETURN(BookInfo info, Info({head.registry(), head.partnership()}));
    books.push_back(std::move(info));
  }
  JCM_RETURN_IF_ERROR(it->status());
  std::stable_sort(books.begin(), books.end(),
                   [](const BookInfo& a, const BookInfo& b) { return a.mirror < b.mirror; });
  return books;
}

absl::StatusOr<BookInfo> RegistryView::Info(const BookId& book) const {
  JCM_ASSIGN_OR_RETURN(v1::BookHead head, ReadHead(*records_, book));
  if (head.registry().empty()) return Error(Reason::BOOK_UNKNOWN, book.ToString());
  JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(*records_, book));
  BookInfo info;
  info.book = book;
  info.origin = head.origin();
  info.mirror = head.mirror();
  info.size = head.size();
  info.executed_size = head.executed_size();
  info.checkpoint_size = notes.checkpoint_size();
  info.cosigned_size = notes.cosigned_size();
  info.root = book::EmptyRoot();
  if (head.size() > 0) {
    JCM_ASSIGN_OR_RETURN(book::Frontier frontier, book::Frontier::Decode(head.frontier()));
    info.root = frontier.Root();
  }
  return info;
}

std::unique_ptr<state::StateReader> RegistryView::State(const BookId& book) const {
  return std::make_unique<ViewState>(records_, book);
}

absl::StatusOr<v1::EntryRecord> RegistryView::Entry(const BookId& book, uint64_t sequence) const {
  absl::StatusOr<v1::EntryRecord> record = ReadEntry(*records_, book, sequence);
  const auto corrupt = [&](absl::string_view what) {
    return Error(Reason::STORE_CORRUPT, absl::StrCat(book.ToString(), " entry ", sequence, " ", what));
  };
  if (HasReason(record.status(), Reason::STORE_CORRUPT)) return corrupt(record.status().message());
  JCM_RETURN_IF_ERROR(record.status());
  // Whoever gets it would find it out, and think ill of this registry.
  JCM_ASSIGN_OR_RETURN(Digest hash, LeafHash(book, sequence));
  absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(record->leaf());
  if (!leaf.ok() || book::LeafHash(record->leaf()) != hash || leaf->command_digest != Sha256(record->command()) ||
      leaf->context_digest != Sha256(record->context()) || leaf->effects_digest != Sha256(record->effects())) {
    return corrupt("is not what was recorded");
  }
  return record;
}

absl::StatusOr<Digest> RegistryView::LeafHash(const BookId& book, uint64_t sequence) const {
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> node, records_->Get(Family::kNode, NodeKey(book, 0, sequence)));
  if (!node.has_value()) return Error(Reason::NOT_FOUND, absl::StrCat(book.ToString(), " entry ", sequence));
  return DigestFromBytes(*node);
}

absl::StatusOr<std::vector<Digest>> RegistryView::InclusionProof(const BookId& book, uint64_t index,
                                                                 uint64_t size) const {
  JCM_ASSIGN_OR_RETURN(BookInfo info, Info(book));
  if (size > info.size || index >= size) return Error(Reason::NOT_FOUND, absl::StrCat("entry ", index, " of ", size));
  return book::InclusionProof(Nodes(*records_, book), index, size);
}

absl::StatusOr<std::vector<Digest>> RegistryView::ConsistencyProof(const BookId& book, uint64_t old_size,
                                                                   uint64_t new_size) const {
  JCM_ASSIGN_OR_RETURN(BookInfo info, Info(book));
  if (new_size > info.size) return Error(Reason::NOT_FOUND, absl::StrCat("size ", new_size));
  return book::ConsistencyProof(Nodes(*records_, book), old_size, new_size);
}

absl::StatusOr<Digest> RegistryView::Root(const BookId& book, uint64_t size) const {
  JCM_ASSIGN_OR_RETURN(BookInfo info, Info(book));
  if (size > info.size) return Error(Reason::NOT_FOUND, absl::StrCat("size ", size));
  return book::RootAt(Nodes(*records_, book), size);
}

absl::StatusOr<std::string> RegistryView::NewestNote(const BookId& book) const {
  JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(*records_, book));
  if (notes.checkpoint_size() == 0) return std::string();
  if (notes.cosigned_size() == notes.checkpoint_size()) return CosignedNote(book);
  return LastIn(*records_, NoteKey(book, 0), NoteKey(book, notes.checkpoint_size()));
}

absl::StatusOr<std::string> RegistryView::CosignedNote(const BookId& book, uint64_t size_max) const {
  return LastIn(*records_, CosignedNoteKey(book, 0), CosignedNoteKey(book, size_max));
}

absl::StatusOr<std::string> RegistryView::CosignedNoteCovering(const BookId& book, uint64_t sequence) const {
  std::unique_ptr<store::Iterator> it =
      records_->NewIterator(Family::kNote, CosignedNoteKey(book, sequence + 1), AfterPrefix(BookPrefix(book) + "c"));
  it->SeekToFirst();
  JCM_RETURN_IF_ERROR(it->status());
  if (!it->Valid()) return std::string();
  return std::string(it->value());
}

absl::StatusOr<std::string> RegistryView::Attachment(absl::string_view digest) const {
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> bytes, records_->Get(Family::kEntry, AttachmentKey(digest)));
  if (!bytes.has_value()) return Error(Reason::NOT_FOUND, "attachment");
  return *std::move(bytes);
}

absl::StatusOr<absl::optional<std::string>> RegistryView::Outcome(absl::string_view person_id,
                                                                  absl::string_view request_id) const {
  return records_->Get(Family::kOutcome, OutcomeKey(person_id, request_id));
}

}  // namespace jcm::registry
