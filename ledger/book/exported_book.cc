#include "ledger/book/exported_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/book/authorship.h"
#include "ledger/book/genesis.h"
#include "ledger/book/note.h"

namespace jcm::book {
namespace {

bool SameEra(const KeyEra& a, const KeyEra& b) {
  return a.from_size == b.from_size && a.keys == b.keys && a.recovery_key == b.recovery_key;
}

// The other government's recovery key of this partnership, if the trust file has it.
absl::optional<PublicKey> PartnerRecoveryKey(const Trust& trust, const TrustedBook& book) {
  for (const TrustedBook& other : trust.books()) {
    if (other.book == BookId{book.partner, book.book.partnership}) return other.keys->latest().recovery_key;
  }
  return absl::nullopt;
}

}  // namespace

absl::Status BookVerifier::Add(const ExportPiece& piece) {
  if (error_.ok()) error_ = AddPiece(piece);
  return error_;
}

absl::Status BookVerifier::AddPiece(const ExportPiece& piece) {
  JCM_ASSIGN_OR_RETURN(Note note, ParseNote(piece.checkpoint));
  JCM_ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpoint(note.text));
  if (book_ == nullptr) JCM_RETURN_IF_ERROR(OpenBook(checkpoint));
  if (checkpoint.origin != book_->origin) return Error(Reason::CHAIN_BROKEN, "pieces of two books");
  if (piece.from != tip_.size) {
    return Error(Reason::CHAIN_BROKEN, absl::StrCat("a piece from ", piece.from, " after ", tip_.size, " entries"));
  }
  for (const v1::EntryRecord& entry : piece.entries) JCM_RETURN_IF_ERROR(AddEntry(entry));
  if (!keys_.has_value()) return Error(Reason::CHAIN_BROKEN, "no genesis");
  JCM_RETURN_IF_ERROR(CompareKeys());
  return CheckCheckpoint(piece, note, checkpoint);
}

absl::Status BookVerifier::OpenBook(const Checkpoint& checkpoint) {
  book_ = trust_.Find(checkpoint.origin);
  verdict_.origin = checkpoint.origin;
  if (book_ == nullptr) return Error(Reason::KEY_UNKNOWN, absl::StrCat("no trusted keys of ", checkpoint.origin));
  verdict_.demonstration = book_->demonstration;
  verdict_.required = book_->cosigner_keys.has_value() ? Level::BOTH : Level::NO_PARTNER_BOOK;
  return absl::OkStatus();
}

absl::Status BookVerifier::AddEntry(const v1::EntryRecord& entry) {
  JCM_ASSIGN_OR_RETURN(Leaf leaf, DecodeLeaf(entry.leaf()));
  JCM_RETURN_IF_ERROR(CheckBodies(leaf, entry.command(), entry.context(), entry.effects()));
  JCM_RETURN_IF_ERROR(CheckFollows(book_->book, tip_, leaf));
  JCM_RETURN_IF_ERROR(ApplyKeys(entry, leaf));
  if (leaf.kind == LeafKind::COMMAND) {
    absl::Status authored = CheckAuthorship(entry.command(), entry.context(), leaf.book).status();
    // A signer that the context lacks is a defect of the entry, not a key that the reader does not know.
    if (HasReason(authored, Reason::KEY_UNKNOWN)) return Error(Reason::SIGNATURE_INVALID, authored.message());
    // Fields of a newer version are as valid as the signatures over them.
    if (!authored.ok() && !HasReason(authored, Reason::UNKNOWN_FIELD)) return authored;
  }
  const Digest hash = LeafHash(entry.leaf());
  frontier_.Append(hash);
  tip_ = TipAfter(leaf, hash);
  ++verdict_.entries_by_kind[KindName(leaf.kind)];
  return absl::OkStatus();
}

absl::Status BookVerifier::ApplyKeys(const v1::EntryRecord& entry, const Leaf& leaf) {
  if (leaf.kind == LeafKind::GENESIS) {
    JCM_ASSIGN_OR_RETURN(GenesisFacts genesis, CheckGenesis(entry.command(), leaf));
    if (genesis.origin != book_->origin) return Error(Reason::CHAIN_BROKEN, "genesis names another origin");
    if (genesis.genesis.demonstration() && !book_->demonstration) {
      return Error(Reason::FIELD_INVALID, "a demonstration's book under an official origin");
    }
    keys_ = std::move(genesis.keys);
  } else if (leaf.kind == LeafKind::KEY_CHANGE) {
    JCM_RETURN_IF_ERROR(
        ApplyKeyChange(entry.command(), leaf, book_->origin, PartnerRecoveryKey(trust_, *book_), *keys_));
    ++verdict_.key_changes;
  }
  return absl::OkStatus();
}

absl::Status BookVerifier::CompareKeys() const {
  const std::vector<KeyEra>& stated = book_->keys->eras();
  const std::vector<KeyEra>& found = keys_->eras();
  if (!SameEra(stated[0], found[0])) return Error(Reason::KEY_UNKNOWN, "genesis has keys that are not trusted");
  for (size_t i = 1; i < stated.size() || i < found.size(); ++i) {
    // The trust file may be older than the export, and the export may end before the newest change.
    if (i >= stated.size() || (i >= found.size() && stated[i].from_size > tip_.size)) break;
    if (i >= found.size() || !SameEra(stated[i], found[i])) {
      return Error(Reason::KEY_UNKNOWN, "changes of keys that are not those of the trust file");
    }
  }
  return absl::OkStatus();
}

absl::Status BookVerifier::CheckCheckpoint(const ExportPiece& piece, const Note& note, const Checkpoint& checkpoint) {
  JCM_RETURN_IF_ERROR(
      VerifyConsistency(tip_.size, checkpoint.size, frontier_.Root(), checkpoint.root, piece.consistency_proof));
  // The checkpoint may lie beyond a change of keys that the next pieces bring; the trust file may know it already.
  const KeySet& seen = keys_->At(checkpoint.size);
  const KeySet& stated = book_->keys->At(checkpoint.size);
  absl::StatusOr<VerifiedCheckpoint> verified = VerifyCheckpoint(note, seen);
  if (!verified.ok() && checkpoint.size > tip_.size) verified = VerifyCheckpoint(note, stated);
  JCM_RETURN_IF_ERROR(verified.status());
  verdict_.checkpoint_size = checkpoint.size;
  verdict_.signers = verified->signers;
  last_cosignatures_.reset();
  if (!book_->cosigner_keys.has_value()) return absl::OkStatus();
  const uint64_t era_at_size = book_->cosigner_keys->EraAt(checkpoint.size).from_size;
  for (const KeyEra& era : book_->cosigner_keys->eras()) {
    if (era.from_size < era_at_size) continue;
    JCM_ASSIGN_OR_RETURN(Cosignatures found, VerifyCosignatures(note, era.keys));
    if (!found.enough) continue;
    verdict_.cosigned_size = std::max(verdict_.cosigned_size, checkpoint.size);
    if (!last_cosignatures_.has_value()) last_cosignatures_ = std::move(found);
  }
  return absl::OkStatus();
}

BookVerdict BookVerifier::Finish() const {
  BookVerdict verdict = verdict_;
  verdict.size = tip_.size;
  verdict.root = frontier_.Root();
  verdict.reason = tip_.size == 0 && error_.ok() ? Error(Reason::CHAIN_BROKEN, "no entries") : error_;
  if (HasReason(verdict.reason, Reason::KEY_UNKNOWN)) {
    verdict.level = Level::UNKNOWN_KEY;
  } else if (!verdict.reason.ok()) {
    verdict.level = Level::INVALID;
  } else if (!book_->cosigner_keys.has_value()) {
    verdict.level = Level::NO_PARTNER_BOOK;
  } else if (last_cosignatures_.has_value()) {
    verdict.level = Level::BOTH;
    verdict.cosigners = last_cosignatures_->signers;
    verdict.cosigned_at = last_cosignatures_->cosigned_at;
  } else {
    verdict.level = Level::PENDING;
    verdict.reason = Error(Reason::SIGNATURES_NOT_ENOUGH, absl::StrCat("cosignatures of ", book_->partner));
  }
  verdict.satisfied = verdict.level == verdict.required;
  return verdict;
}

}  // namespace jcm::book
