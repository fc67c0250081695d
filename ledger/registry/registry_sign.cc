// Checkpoints of one's own books and cosignatures of the other governments' books. The signer's own record is advanced,
// on disk, before a signature is made; it refuses smaller and contradicting trees whatever this code believes.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/book/genesis.h"
#include "ledger/book/note.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

// Sizes at which signatures of siblings are kept until there are k: the newest ones.
constexpr size_t kOpenSizesMax = 64;

}  // namespace

std::string RegistryCore::KeyName() const {
  return book::KeyNameOf(options_.domain, options_.registry, options_.replica_name);
}

bool RegistryCore::SignDue() {
  // Every replica signs the same sizes: those after a batch that says so.
  if (!at_mark_ || !quarantine_.empty() || !caught_up_) return false;
  const auto ordering = static_cast<size_t>(std::count_if(
      books_.begin(), books_.end(), [](const auto& entry) { return entry.second.state == BookState::kOrdering; }));
  if (signed_at_index_ == applied_.index && signing_books_ == ordering) return false;
  signed_at_index_ = applied_.index;
  signing_books_ = ordering;
  bool worked = false;
  for (auto& entry : books_) {
    OwnBook& book = entry.second;
    if (book.state != BookState::kOrdering) continue;
    absl::StatusOr<BookInfo> info = View()->Info(book.id);
    if (HasReason(info.status(), Reason::STORE_CORRUPT)) {
      Fail(info.status());
      return true;
    }
    if (!info.ok() || info->size == 0) continue;
    const bool complete = info->checkpoint_size >= info->size;
    const bool said = signatures_[entry.first].own_size >= info->size;
    if (info->size <= book.signed_size && (complete || said)) continue;
    if (!MaySignWithThisKey(book.id, info->size)) {
      // After a change of keys, until the node runs with the new one: entries are ordered, checkpoints wait.
      warnings_.insert(absl::StrCat("SIGNER: the replica's key is not valid for ", book.id.ToString()));
      continue;
    }
    absl::Status signed_status = SignBook(book, info->size, info->root);
    if (!signed_status.ok()) {
      const std::string detail = absl::StrCat("SIGNER: ", book.id.ToString(), ": ", ToText(signed_status));
      warnings_.insert(detail);
      if (HasReason(signed_status, Reason::STORE_FAILED) || HasReason(signed_status, Reason::STORE_CORRUPT)) {
        // What the record says now is known only after a restart; until then another replica may speak.
        Fail(signed_status);
        return true;
      }
      book.state = BookState::kDiverged;
      if (!siblings_.empty()) Quarantine(detail);
      continue;
    }
    worked = true;
  }
  if (worked) {
    RetakeEarlyNotes();
    for (auto& sibling : siblings_) sibling.second.push = true;
  }
  ForgetCoveredMarks();
  return worked;
}

absl::StatusOr<book::KeySet> RegistryCore::OwnKeys(const BookId& id, uint64_t size) const {
  StoreState state(*dependencies_.store, id);
  JCM_ASSIGN_OR_RETURN(absl::optional<v1::BookRecord> record, state.Get<v1::BookRecord>(v1::TABLE_BOOK, "book"));
  if (!record.has_value()) return Error(Reason::BOOK_UNKNOWN, id.ToString());
  return book::KeySetFromProto(size >= record->keys_from_size() ? record->keys() : record->previous_keys());
}

bool RegistryCore::MaySignWithThisKey(const BookId& id, uint64_t size) const {
  StoreState state(*dependencies_.store, id);
  absl::StatusOr<absl::optional<v1::BookRecord>> record = state.Get<v1::BookRecord>(v1::TABLE_BOOK, "book");
  if (!record.ok() || !record->has_value()) return false;
  return HasKey(size >= (*record)->keys_from_size() ? (*record)->keys() : (*record)->previous_keys());
}

bool RegistryCore::HasKey(const v1::KeySetData& keys) const {
  for (const v1::ReplicaKey& replica : keys.keys()) {
    if (replica.name() == KeyName() && replica.key().key() == dependencies_.replica_key.public_key().bytes())
      return true;
  }
  return false;
}

absl::Status RegistryCore::SignBook(OwnBook& book, uint64_t size, const Digest& root) {
  store::SignedTree tree{size, root, dependencies_.clock->Now()};
  if (size > book.signed_size) {
    // The store was compared with the record when it was opened and only grows since: the new tree contains the old
    // one.
    JCM_RETURN_IF_ERROR(dependencies_.signer_record->Advance(book.id, tree, store::Consistency::VERIFIED));
    book.signed_size = size;
  } else {
    JCM_RETURN_IF_ERROR(dependencies_.signer_record->MaySign(book.id, size, root, store::Consistency::VERIFIED));
  }
  const book::Checkpoint checkpoint{book::OriginOf(options_.domain, book.id), size, root};
  signatures_[book.id.partnership].own_size = size;
  AddLine(book.id, size, book::SignCheckpoint(checkpoint, KeyName(), dependencies_.replica_key));
  return CompleteCheckpoint(book.id, size);
}

void RegistryCore::AddLine(const BookId& id, uint64_t size, const book::NoteSignature& line) {
  std::map<uint64_t, std::vector<book::NoteSignature>>& lines = signatures_[id.partnership].lines;
  std::vector<book::NoteSignature>& at = lines[size];
  const bool known =
      std::any_of(at.begin(), at.end(), [&](const auto& each) { return each.key_name == line.key_name; });
  if (!known && at.size() < book::kReplicaKeysMax) at.push_back(line);
  if (lines.size() > kOpenSizesMax) lines.erase(lines.begin());
}

absl::Status RegistryCore::CompleteCheckpoint(const BookId& id, uint64_t size) {
  JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(*dependencies_.store, id));
  if (size <= notes.checkpoint_size()) return absl::OkStatus();
  Signatures& signatures = signatures_[id.partnership];
  const auto lines = signatures.lines.find(size);
  if (lines == signatures.lines.end()) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(book::KeySet keys, OwnKeys(id, size));
  if (lines->second.size() < keys.k) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(Digest root, View()->Root(id, size));
  book::Note note = book::UnsignedCheckpoint({book::OriginOf(options_.domain, id), size, root});
  for (const book::NoteSignature& line : lines->second) JCM_RETURN_IF_ERROR(book::AddSignatureLine(note, line));
  // Counted again over the note as a whole: only this leaves the registry.
  if (!book::VerifyCheckpoint(note, keys).ok()) return absl::OkStatus();
  notes.set_checkpoint_size(size);
  store::WriteBatch writes;
  writes.Put(store::Family::kNote, NoteKey(id, size), book::FormatNote(note));
  writes.Put(store::Family::kMeta, NotesKey(id), state::Serialise(notes));
  JCM_RETURN_IF_ERROR(dependencies_.store->Write(writes, store::Sync::kNo));
  signatures.others.erase(signatures.others.begin(), signatures.others.lower_bound(size));
  signatures.lines.erase(signatures.lines.begin(), signatures.lines.lower_bound(size));
  for (auto& sibling : siblings_) sibling.second.push = true;
  return absl::OkStatus();
}

absl::StatusOr<std::string> RegistryCore::CosignMirror(Partner& partner) {
  const BookId peer_book = PeerBook(partner);
  std::shared_ptr<const RegistryView> view = View();
  JCM_ASSIGN_OR_RETURN(BookInfo info, view->Info(peer_book));
  JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(*dependencies_.store, peer_book));
  JCM_ASSIGN_OR_RETURN(std::string own_note, view->NewestNote(peer_book));
  JCM_ASSIGN_OR_RETURN(book::Note note, book::ParseNote(own_note));
  JCM_ASSIGN_OR_RETURN(book::Checkpoint checkpoint, book::ParseCheckpoint(note.text));
  if (checkpoint.size != info.size || checkpoint.root != info.root || info.executed_size != info.size) {
    return Error(Reason::MIRROR_BEHIND, peer_book.ToString());
  }
  // A cosignature states a time, and the other government stops rather than stamp before it.
  if (!guard_->running()) return Error(Reason::CLOCK_NOT_TRUSTED, StopReasonName(guard_->reason()));
  const BookTime now = dependencies_.clock->Now();
  JCM_ASSIGN_OR_RETURN(store::SignerRecord::Loaded record, dependencies_.signer_record->Load(peer_book));
  if (record.condition == store::SignerRecord::Condition::MISSING) {
    // First cosignature for this book, or the record was lost: what it said is bounded by what the writer shows.
    JCM_RETURN_IF_ERROR(dependencies_.signer_record->Establish(peer_book, {info.size, info.root, now}));
  } else {
    if (record.tree.size > info.size) return Error(Reason::SIGNER_RECORD_AHEAD, peer_book.ToString());
    if (record.tree.size > 0) {
      JCM_ASSIGN_OR_RETURN(Digest root, view->Root(peer_book, record.tree.size));
      if (root != record.tree.root) return Error(Reason::FORK_DETECTED, peer_book.ToString());
    }
    JCM_RETURN_IF_ERROR(
        dependencies_.signer_record->Advance(peer_book, {info.size, info.root, now}, store::Consistency::VERIFIED));
  }
  const book::NoteSignature line = book::Cosign(checkpoint, KeyName(), dependencies_.replica_key, now);
  JCM_RETURN_IF_ERROR(book::AddSignatureLine(note, line));
  if (partner.round.size != info.size) partner.round = CosignRound{info.size, own_note, {}};
  const bool said = std::any_of(partner.round.lines.begin(), partner.round.lines.end(),
                                [&](const auto& each) { return each.key_name == line.key_name; });
  if (!said) partner.round.lines.push_back(line);
  JCM_RETURN_IF_ERROR(CompleteCosignature(partner));
  return book::FormatNote(note);
}

// The partner's checkpoint is cosigned by this registry when k replicas have done so.
absl::Status RegistryCore::CompleteCosignature(Partner& partner) {
  const BookId peer_book = PeerBook(partner);
  const BookId own_book{options_.registry, partner.partnership};
  CosignRound& round = partner.round;
  JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(*dependencies_.store, peer_book));
  if (round.size == 0 || notes.cosigned_size() >= round.size) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(book::KeySet keys, OwnKeys(own_book, UINT64_MAX));
  JCM_ASSIGN_OR_RETURN(book::Note note, book::ParseNote(round.note));
  for (const book::NoteSignature& line : round.lines) JCM_RETURN_IF_ERROR(book::AddSignatureLine(note, line));
  JCM_ASSIGN_OR_RETURN(book::Cosignatures cosigned, book::VerifyCosignatures(note, keys));
  // With one key that has just been replaced, the partner judges by the keys that it knows.
  if (!cosigned.enough && keys.k > 1) return absl::OkStatus();
  notes.set_cosigned_size(round.size);
  notes.set_cosigned_at_us((cosigned.enough ? *cosigned.cosigned_at : dependencies_.clock->Now()).micros);
  store::WriteBatch writes;
  writes.Put(store::Family::kNote, CosignedNoteKey(peer_book, round.size), book::FormatNote(note));
  writes.Put(store::Family::kMeta, NotesKey(peer_book), state::Serialise(notes));
  JCM_RETURN_IF_ERROR(dependencies_.store->Write(writes, store::Sync::kNo));
  partner.poll_now = true;
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> RegistryCore::TakeCosignature(const std::string& peer_registry, const std::string& book_name,
                                                       const std::string& note_bytes) {
  Partner* partner = FindPartner(peer_registry);
  if (partner == nullptr) return Error(Reason::METHOD_NOT_ALLOWED, peer_registry);
  const BookId own_book{options_.registry, partner->partnership};
  if (book_name != own_book.ToString()) return Error(Reason::BOOK_UNKNOWN, book_name);
  JCM_ASSIGN_OR_RETURN(v1::CursorRecord cursor, Cursor(partner->partnership));
  JCM_ASSIGN_OR_RETURN(book::KeySet peer_keys, book::KeySetFromProto(cursor.peer_keys()));
  absl::StatusOr<book::Note> note = book::ParseNote(note_bytes);
  if (!note.ok()) return Error(Reason::PEER_SIGNATURE_INVALID, note.status().message());
  JCM_ASSIGN_OR_RETURN(book::Checkpoint checkpoint, book::ParseCheckpoint(note->text));
  std::shared_ptr<const RegistryView> view = View();
  JCM_ASSIGN_OR_RETURN(BookInfo info, view->Info(own_book));
  if (Shared() && checkpoint.origin == info.origin && checkpoint.size > info.checkpoint_size) {
    // Signed by k, but this replica is not so far, or has not heard of it.
    return Error(Reason::MIRROR_BEHIND, absl::StrCat(book_name, " at ", checkpoint.size));
  }
  if (checkpoint.origin != info.origin || checkpoint.size == 0 || checkpoint.size > info.checkpoint_size) {
    return Error(Reason::PEER_SIGNATURE_INVALID, "a cosignature of something that was not signed here");
  }
  JCM_ASSIGN_OR_RETURN(Digest root, view->Root(own_book, checkpoint.size));
  if (root != checkpoint.root) return Error(Reason::PEER_SIGNATURE_INVALID, "a cosignature of another root");
  JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(*dependencies_.store, own_book));
  // Sent again, maybe with a key that has been replaced since: what is cosigned stays cosigned.
  if (checkpoint.size <= notes.cosigned_size()) return notes.cosigned_size();
  JCM_ASSIGN_OR_RETURN(book::Cosignatures cosignatures, book::VerifyCosignatures(*note, peer_keys));
  if (!cosignatures.enough) return Error(Reason::PEER_SIGNATURE_INVALID, "not enough cosignatures");
  guard_->OnCosignature(*cosignatures.cosigned_at);
  // One's own signatures are those kept from then, not what the other side sent back: they fit the keys of that size.
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> own_note,
                       dependencies_.store->Get(store::Family::kNote, NoteKey(own_book, checkpoint.size)));
  book::Note kept = book::UnsignedCheckpoint(checkpoint);
  if (own_note.has_value()) {
    JCM_ASSIGN_OR_RETURN(kept, book::ParseNote(*own_note));
  } else if (Shared()) {
    // Another replica's round: the signatures of k are on the note itself.
    JCM_ASSIGN_OR_RETURN(book::KeySet own_keys, OwnKeys(own_book, checkpoint.size));
    JCM_RETURN_IF_ERROR(book::VerifyCheckpoint(*note, own_keys).status());
    kept = *note;
  } else if (MaySignWithThisKey(own_book, checkpoint.size)) {
    // The note was lost with a disk; the tree is the one that this book has.
    JCM_RETURN_IF_ERROR(
        book::AddSignatureLine(kept, book::SignCheckpoint(checkpoint, KeyName(), dependencies_.replica_key)));
  } else {
    return Error(Reason::PEER_SIGNATURE_INVALID, "a cosignature of a size that this key can't sign");
  }
  for (const book::NoteSignature& line : note->signatures) {
    const bool own = std::any_of(kept.signatures.begin(), kept.signatures.end(),
                                 [&](const auto& each) { return each.key_name == line.key_name; });
    if (!own && line.key_name != KeyName()) JCM_RETURN_IF_ERROR(book::AddSignatureLine(kept, line));
  }
  notes.set_cosigned_size(checkpoint.size);
  notes.set_cosigned_at_us(cosignatures.cosigned_at->micros);
  store::WriteBatch writes;
  writes.Put(store::Family::kNote, CosignedNoteKey(own_book, checkpoint.size), book::FormatNote(kept));
  writes.Put(store::Family::kMeta, NotesKey(own_book), state::Serialise(notes));
  JCM_RETURN_IF_ERROR(dependencies_.store->Write(writes, store::Sync::kNo));
  for (auto& sibling : siblings_) sibling.second.push = true;
  return checkpoint.size;
}

}  // namespace jcm::registry
