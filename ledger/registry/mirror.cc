#include "ledger/registry/mirror.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/book/genesis.h"
#include "ledger/book/merkle.h"
#include "ledger/book/note.h"
#include "ledger/registry/applier.h"
#include "ledger/registry/clock_guard.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_view.h"
#include "ledger/rules/system.h"

namespace jcm::registry {
namespace {

absl::Status Uncovered(absl::string_view why) {
  return Error(Reason::PEER_SIGNATURE_INVALID, absl::StrCat("not covered by the writer's signatures: ", why));
}

// A view over records that somebody else owns.
std::shared_ptr<const store::ReadView> Borrow(const store::ReadView& records) {
  return std::shared_ptr<const store::ReadView>(std::shared_ptr<const store::ReadView>(), &records);
}

}  // namespace

absl::StatusOr<std::vector<Digest>> DigestsOf(const google::protobuf::RepeatedPtrField<std::string>& hashes) {
  std::vector<Digest> digests;
  for (const std::string& hash : hashes) {
    JCM_ASSIGN_OR_RETURN(Digest digest, DigestFromBytes(hash));
    digests.push_back(digest);
  }
  return digests;
}

absl::Status CheckBodies(const google::protobuf::RepeatedPtrField<v1::EntryRecord>& entries) {
  for (const v1::EntryRecord& entry : entries) {
    absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(entry.leaf());
    if (!leaf.ok()) continue;  // if it is covered, the writer has signed nonsense, and that is for the rules to say
    if (leaf->command_digest != Sha256(entry.command()) || leaf->context_digest != Sha256(entry.context()) ||
        leaf->effects_digest != Sha256(entry.effects())) {
      return Uncovered("a body is not the one that its leaf names");
    }
  }
  return absl::OkStatus();
}

v1::Evidence Mirror::EvidenceOf(v1::MismatchClass mismatch, uint64_t sequence, absl::Status status) const {
  v1::Evidence evidence;
  evidence.set_mismatch(mismatch);
  evidence.set_book(book_.ToString());
  evidence.set_sequence(sequence);
  evidence.set_reason(static_cast<uint32_t>(*ReasonOf(status)));
  evidence.set_detail(std::string(status.message()));
  return evidence;
}

absl::Status Mirror::CompareKnown(const store::ReadView& records, const v1::BookHead& head, const std::string& note,
                                  MirrorPage* result) const {
  if (result->checkpoint.size == 0) return Uncovered("a checkpoint of an empty book");
  RegistryView view(Borrow(records));
  JCM_ASSIGN_OR_RETURN(Digest known, view.Root(book_, result->checkpoint.size));
  if (known == result->checkpoint.root) return absl::OkStatus();
  absl::Status fork =
      Error(Reason::FORK_DETECTED, absl::StrCat(book_.ToString(), " has two roots at size ", result->checkpoint.size));
  v1::Evidence evidence = EvidenceOf(v1::MISMATCH_CLASS_FORK, result->checkpoint.size, fork);
  JCM_ASSIGN_OR_RETURN(std::string own_note, view.NewestNote(book_));
  evidence.set_own_note(own_note);
  evidence.set_other_note(note);
  if (result->checkpoint.size < head.size()) {
    JCM_ASSIGN_OR_RETURN(std::vector<Digest> proof, view.ConsistencyProof(book_, result->checkpoint.size, head.size()));
    for (const Digest& hash : proof) evidence.add_proof(std::string(AsBytes(hash)));
  }
  result->evidence = std::move(evidence);
  return absl::OkStatus();
}

absl::Status Mirror::CheckCoverage(const store::ReadView& records, const v1::BookHead& head,
                                   const mirror_v1::ReadEntriesResponse& page, MirrorPage* result) const {
  JCM_RETURN_IF_ERROR(CheckBodies(page.entries()));
  book::Frontier frontier;
  if (head.size() > 0) {
    JCM_ASSIGN_OR_RETURN(frontier, book::Frontier::Decode(head.frontier()));
  }
  for (const v1::EntryRecord& entry : page.entries()) frontier.Append(book::LeafHash(entry.leaf()));
  if (frontier.size() > result->checkpoint.size) return Uncovered("more entries than the checkpoint has");
  JCM_ASSIGN_OR_RETURN(std::vector<Digest> proof, DigestsOf(page.consistency_proof()));
  absl::Status consistent = frontier.size() == 0
                                ? Uncovered("no entries")
                                : book::VerifyConsistency(frontier.size(), result->checkpoint.size, frontier.Root(),
                                                          result->checkpoint.root, proof);
  if (consistent.ok()) return absl::OkStatus();
  // The writer's own signature may put another leaf where this mirror has one: then there are two histories.
  if (head.size() > 0 && page.prior_leaf_hash().size() == sizeof(Digest) &&
      page.prior_leaf_hash() != head.last_leaf_hash()) {
    JCM_ASSIGN_OR_RETURN(Digest leaf_hash, DigestFromBytes(page.prior_leaf_hash()));
    JCM_ASSIGN_OR_RETURN(std::vector<Digest> path, DigestsOf(page.prior_leaf_proof()));
    if (book::VerifyInclusion(leaf_hash, head.size() - 1, result->checkpoint.size, path, result->checkpoint.root)
            .ok()) {
      absl::Status fork =
          Error(Reason::FORK_DETECTED, absl::StrCat(book_.ToString(), " has another entry ", head.size() - 1, " now"));
      v1::Evidence evidence = EvidenceOf(v1::MISMATCH_CLASS_FORK, head.size() - 1, fork);
      RegistryView view(Borrow(records));
      JCM_ASSIGN_OR_RETURN(std::string own_note, view.NewestNote(book_));
      evidence.set_own_note(own_note);
      evidence.set_other_note(page.checkpoint());
      evidence.set_leaf(page.prior_leaf_hash());
      for (const std::string& hash : page.prior_leaf_proof()) evidence.add_proof(hash);
      result->evidence = std::move(evidence);
      return absl::OkStatus();
    }
  }
  return Uncovered(consistent.message());
}

absl::Status Mirror::CheckImportIsWhole(const store::ReadView& records, const v1::EntryRecord& entry) const {
  v1::Import import;
  if (!import.ParseFromString(entry.command())) return absl::OkStatus();  // the rules refuse it
  RegistryView view(Borrow(records));
  for (int i = 0; i < import.entries_size(); ++i) {
    if (import.entries(i).has_body()) continue;
    absl::StatusOr<v1::EntryRecord> own = view.Entry(own_book_, import.from() + static_cast<uint64_t>(i));
    // What this side doesn't have, or has otherwise, is for recovery and for the checkpoints to judge.
    if (HasReason(own.status(), Reason::NOT_FOUND) || (own.ok() && own->leaf() != import.entries(i).leaf())) continue;
    JCM_RETURN_IF_ERROR(own.status());
    v1::Effects effects;
    if (!effects.ParseFromString(own->effects())) return Error(Reason::STORE_CORRUPT, "effects");
    if (!rules::TouchesPublishedTables(effects)) continue;
    return Error(Reason::IMPOSSIBLE_ACT,
                 absl::StrCat(book_.ToString(), " imports entry ", import.from() + static_cast<uint64_t>(i), " of ",
                              own_book_.ToString(), " and leaves out what it says"));
  }
  return absl::OkStatus();
}

absl::Status Mirror::AppendEntries(const store::ReadView& records, const mirror_v1::ReadEntriesResponse& page,
                                   BookTime now, BookDraft& draft, rules::SignatureVerifier& verifier,
                                   MirrorPage* result) const {
  for (const v1::EntryRecord& entry : page.entries()) {
    absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(entry.leaf());
    if (leaf.ok() && leaf->time.micros > now.micros + kMirrorAheadMaxMicros) {
      result->waits_for_clock = true;
      return absl::OkStatus();
    }
    const uint64_t sequence = draft.size();
    absl::Status status = Error(Reason::RULES_UNSUPPORTED);
    if (draft.head().executed_size() == sequence) {
      status =
          leaf.ok() && leaf->kind == book::LeafKind::IMPORT ? CheckImportIsWhole(records, entry) : absl::OkStatus();
      if (status.ok()) status = draft.AppendExisting(entry, verifier);
    }
    if (HasReason(status, Reason::STORE_CORRUPT) || HasReason(status, Reason::STORE_FAILED)) return status;
    if (!status.ok()) {
      const bool first_failure = draft.head().executed_size() == sequence;
      if (HasReason(status, Reason::RULES_UNSUPPORTED)) {
        result->unsupported = result->unsupported || first_failure;
      } else if (first_failure) {
        v1::Evidence evidence = EvidenceOf(v1::MISMATCH_CLASS_INVALID_ACT, sequence, status);
        evidence.set_leaf(entry.leaf());
        evidence.set_command(entry.command());
        evidence.set_context(entry.context());
        evidence.set_effects(entry.effects());
        evidence.set_other_note(page.checkpoint());
        result->evidence = std::move(evidence);
      }
      // Signed by the writer, so it is kept and the mirror goes on; it is neither executed nor imported.
      absl::Status kept = draft.AppendUnexecuted(entry);
      if (!kept.ok()) {
        result->writes.Put(store::Family::kMirror, QuarantineKey(book_, sequence), state::Serialise(entry));
        return absl::OkStatus();
      }
    }
    if (leaf.ok() && (!result->earliest_new.has_value() || leaf->time < *result->earliest_new)) {
      result->earliest_new = leaf->time;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<book::VerifiedCheckpoint> Mirror::VerifyWith(const book::KeyHistory& known,
                                                            const mirror_v1::ReadEntriesResponse& page) const {
  JCM_ASSIGN_OR_RETURN(book::Note note, book::ParseNote(page.checkpoint()));
  JCM_ASSIGN_OR_RETURN(book::Checkpoint checkpoint, book::ParseCheckpoint(note.text));
  // The newest checkpoint may be signed with keys that an entry of this very page brings. A change of keys is signed by
  // the old ones and proves itself.
  book::KeyHistory keys = known;
  for (const v1::EntryRecord& entry : page.entries()) {
    absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(entry.leaf());
    if (!leaf.ok() || leaf->kind != book::LeafKind::KEY_CHANGE) continue;
    JCM_RETURN_IF_ERROR(book::ApplyKeyChange(entry.command(), *leaf, origin_, absl::nullopt, keys));
  }
  return book::VerifyCheckpoint(note, keys.At(checkpoint.size));
}

absl::StatusOr<MirrorPage> Mirror::TakePage(const store::ReadView& records, const mirror_v1::ReadEntriesResponse& page,
                                            const book::KeyHistory& keys, BookTime now,
                                            rules::SignatureVerifier& verifier) {
  if (page.book() != book_.ToString()) return Error(Reason::BOOK_UNKNOWN, page.book());
  JCM_ASSIGN_OR_RETURN(v1::BookHead head, ReadHead(records, book_));
  MirrorPage result;
  result.size = head.size();
  result.executed_size = head.executed_size();
  if (page.checkpoint().empty()) return result;  // the writer has signed nothing yet
  absl::StatusOr<book::VerifiedCheckpoint> verified = VerifyWith(keys, page);
  if (!verified.ok()) return Uncovered(verified.status().message());
  if (verified->checkpoint.origin != origin_) return Uncovered(verified->checkpoint.origin);
  result.checkpoint = verified->checkpoint;
  if (result.checkpoint.size <= head.size()) {
    JCM_RETURN_IF_ERROR(CompareKnown(records, head, page.checkpoint(), &result));
    result.at_checkpoint =
        !result.evidence.has_value() && result.checkpoint.size == head.size() && head.executed_size() == head.size();
    return result;
  }
  if (page.from() != head.size()) return Error(Reason::IMPORT_NOT_CONTIGUOUS, absl::StrCat("page from ", page.from()));
  if (page.entries().empty() && head.size() == 0) return result;
  JCM_RETURN_IF_ERROR(CheckCoverage(records, head, page, &result));
  if (result.evidence.has_value()) return result;

  StoreState base(records, book_);
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<BookDraft> draft, BookDraft::Open(book_, head, base));
  draft->mutable_head().set_mirror(true);
  JCM_RETURN_IF_ERROR(AppendEntries(records, page, now, *draft, verifier, &result));
  if (draft->changed()) {
    if (draft->head().origin().empty()) draft->mutable_head().set_origin(origin_);
    draft->WriteTo(&result.writes);
  }
  result.size = draft->size();
  result.executed_size = draft->head().executed_size();
  if (result.size == result.checkpoint.size) {
    result.writes.Put(store::Family::kNote, NoteKey(book_, result.size), page.checkpoint());
    JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(records, book_));
    notes.set_checkpoint_size(result.size);
    result.writes.Put(store::Family::kMeta, NotesKey(book_), state::Serialise(notes));
    result.at_checkpoint = result.executed_size == result.size;
  }
  return result;
}

absl::StatusOr<MirrorPage> Mirror::ExecuteStored(const store::ReadView& records, const state::StateReader& own_state,
                                                 uint64_t limit, rules::SignatureVerifier& verifier) {
  JCM_ASSIGN_OR_RETURN(v1::BookHead head, ReadHead(records, book_));
  MirrorPage result;
  StoreState base(records, book_);
  RegistryView view(Borrow(records));
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<BookDraft> draft, BookDraft::Open(book_, head, base));
  for (uint64_t i = 0; i < limit && draft->head().executed_size() < draft->size(); ++i) {
    const uint64_t sequence = draft->head().executed_size();
    JCM_ASSIGN_OR_RETURN(v1::EntryRecord entry, view.Entry(book_, sequence));
    JCM_ASSIGN_OR_RETURN(
        absl::optional<v1::ResolutionRecord> resolved,
        own_state.Get<v1::ResolutionRecord>(v1::TABLE_RESOLUTION, rules::ResolutionKey(book_.ToString(), sequence)));
    const bool agreed = resolved.has_value() && resolved->leaf_hash() == AsBytes(book::LeafHash(entry.leaf()));
    absl::Status status = draft->ExecuteStored(entry, agreed, verifier);
    if (HasReason(status, Reason::RULES_UNSUPPORTED)) {
      result.unsupported = true;
      break;
    }
    if (HasReason(status, Reason::STORE_CORRUPT) || HasReason(status, Reason::STORE_FAILED)) return status;
    if (!status.ok()) {
      v1::Evidence evidence = EvidenceOf(v1::MISMATCH_CLASS_INVALID_ACT, sequence, status);
      evidence.set_leaf(entry.leaf());
      evidence.set_command(entry.command());
      evidence.set_context(entry.context());
      evidence.set_effects(entry.effects());
      result.evidence = std::move(evidence);
      break;
    }
  }
  if (draft->changed()) draft->WriteTo(&result.writes);
  result.size = draft->size();
  result.executed_size = draft->head().executed_size();
  return result;
}

}  // namespace jcm::registry
