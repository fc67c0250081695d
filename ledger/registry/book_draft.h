// One book being extended: entries are executed, hashed and chained in memory, and written with everything else of
// their batch. Used for own books by the applier and for the other government's books by the mirror: the same code
// computes what one side writes and what the other side checks.
//
//   BookDraft draft(book, head, base_state);
//   JCM_ASSIGN_OR_RETURN(AppendedEntry entry, draft.Append({LeafKind::COMMAND, time, command, context}, verifier));
//   auto attempt = BookDraft::Attempt(draft);  // for a bundle that may be refused as a whole
//   ... attempt->Append(...)                   // if all went well:
//   draft.Adopt(std::move(*attempt));
//   draft.WriteTo(&batch);
#ifndef LEDGER_REGISTRY_BOOK_DRAFT_H_
#define LEDGER_REGISTRY_BOOK_DRAFT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/storage.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"
#include "ledger/rules/engine.h"
#include "ledger/state/state.h"
#include "ledger/store/store.h"

namespace jcm::registry {

namespace v1 = ::jcm::ledger::v1;

// What is to become an entry. Views must outlive the call.
struct NewEntry {
  book::LeafKind kind = book::LeafKind::COMMAND;
  BookTime time;
  absl::string_view command;
  absl::string_view context;
  const rules::ParsedCommand* parsed = nullptr;  // of a COMMAND, if it was parsed already
  rules::Refusals* refusals = nullptr;           // of a dry run that wants every refusal
};

struct AppendedEntry {
  uint64_t sequence = 0;
  Digest leaf_hash{};
  std::string effects;
};

class BookDraft {
 public:
  // `base` must outlive the draft; `head` must be of that book (an empty head: the book does not exist yet).
  static absl::StatusOr<std::unique_ptr<BookDraft>> Open(const BookId& book, const v1::BookHead& head,
                                                         const state::StateReader& base);
  // An attempt on top of `parent`, which must outlive it and not change meanwhile.
  static std::unique_ptr<BookDraft> Attempt(const BookDraft& parent);
  BookDraft(const BookDraft&) = delete;

  // Executes by the rules and appends. A refusal changes nothing.
  absl::StatusOr<AppendedEntry> Append(const NewEntry& entry, rules::SignatureVerifier& verifier);

  // Appends an entry that exists already, byte for byte: the leaf must follow, its digests must match, and executing it
  // must give the same effects. Errors: CHAIN_BROKEN, DIGEST_MISMATCH, RULES_UNSUPPORTED, IMPOSSIBLE_ACT with what
  // differs.
  absl::Status AppendExisting(const v1::EntryRecord& record, rules::SignatureVerifier& verifier);

  // The same without executing: for entries whose rules this node does not know. Only the tree and the chain advance.
  absl::Status AppendUnexecuted(const v1::EntryRecord& record);

  // Executes the next entry that was appended unexecuted earlier (mirror, after an upgrade or a Resolution). With
  // `agreed`, both governments have resolved this leaf: its effects are taken as written.
  absl::Status ExecuteStored(const v1::EntryRecord& record, bool agreed, rules::SignatureVerifier& verifier);

  // Takes over what an attempt on top of this draft has appended.
  void Adopt(BookDraft&& attempt);

  void WriteTo(store::WriteBatch* batch) const;

  bool changed() const { return !entries_.empty() || executed_stored_; }
  uint64_t size() const { return head_.size(); }
  const BookId& book() const { return book_; }
  const v1::BookHead& head() const { return head_; }
  v1::BookHead& mutable_head() { return head_; }
  const state::StateReader& state() const { return *overlay_; }
  Digest Root() const { return frontier_.Root(); }
  const std::vector<v1::EntryRecord>& entries() const { return entries_; }
  // The hash of an entry appended to this draft; nullopt if it is older.
  absl::optional<Digest> LeafHashOf(uint64_t sequence) const;

 private:
  struct Node {
    int level;
    uint64_t index;
    Digest hash;
  };
  BookDraft(BookId book, v1::BookHead head, const state::StateReader& base);
  absl::StatusOr<book::Leaf> CheckRecord(const v1::EntryRecord& record) const;
  absl::Status Fold(absl::string_view effects);
  // Takes effects that were executed on this state, or compared with such.
  absl::Status FoldExecuted(const v1::Effects& effects);
  absl::Status NoteBookRecord(const v1::Effect& effect);
  void Link(v1::EntryRecord record, const book::Leaf& leaf);

  BookId book_;
  v1::BookHead head_;
  book::Frontier frontier_;
  std::unique_ptr<state::Transition> overlay_;
  std::vector<v1::EntryRecord> entries_;
  std::vector<Digest> leaf_hashes_;
  std::vector<Node> nodes_;
  uint64_t first_new_ = 0;  // sequence of entries_[0]
  bool executed_stored_ = false;
};

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_BOOK_DRAFT_H_
