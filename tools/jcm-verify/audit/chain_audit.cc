#include "tools/jcm-verify/audit/chain_audit.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/book/genesis.h"
#include "ledger/book/note.h"

namespace jcm::verify {
namespace {

std::string Hex(absl::string_view bytes) { return HexEncode(bytes); }

bool SameEra(const book::KeyEra& a, const book::KeyEra& b) {
  return a.from_size == b.from_size && a.keys == b.keys && a.recovery_key == b.recovery_key;
}

bool IsLineOf(const book::NoteSignature& line, const book::KeySet& keys, book::NoteKeyType type) {
  return std::any_of(keys.keys.begin(), keys.keys.end(), [&](const book::RegistryKey& key) {
    return line.key_name == key.name && line.key_id == book::NoteKeyId(key.name, type, key.key.bytes());
  });
}

bool IsLineOf(const book::NoteSignature& line, const book::KeyHistory& keys, book::NoteKeyType type) {
  return std::any_of(keys.eras().begin(), keys.eras().end(),
                     [&](const book::KeyEra& era) { return IsLineOf(line, era.keys, type); });
}

}  // namespace

ChainAudit::ChainAudit(const BookId& book, const book::TrustedBook* trusted, BookReport* report)
    : book_(book), partnership_bytes_(book.partnership), trusted_(trusted), report_(*report) {
  partnership_bytes_.resize(4, '\0');
  report_.keys_trusted = trusted != nullptr;
  if (trusted == nullptr) {
    report_.NotCheckable(Check::KEYS, "no trusted keys of this book given");
    report_.NotCheckable(Check::COSIGNATURE, "no trusted keys of the other government given");
    return;
  }
  report_.demonstration = trusted->demonstration;
  report_.partner_keeps_book = trusted->cosigner_keys.has_value();
  if (!report_.partner_keeps_book) report_.NotCheckable(Check::COSIGNATURE, "there is no other side's book");
}

bool ChainAudit::CheckLeaf(const EntryBytes& entry, const LeafView& leaf, const EntrySource& source) {
  const uint64_t sequence = size();
  if (entry.leaf.size() != LeafView::kBytes || leaf.format() != book::kLeafFormatVersion ||
      !book::IsKnownKind(static_cast<uint8_t>(leaf.kind())) || leaf.registry() != book_.registry ||
      leaf.partnership() != partnership_bytes_) {
    report_.Fail(Check::LEAF, sequence, source.PlaceOf(entry.leaf),
                 absl::StrCat("a leaf of 165 bytes, format 1, of ", book_.ToString()),
                 absl::StrCat(entry.leaf.size(), " bytes: ", Hex(entry.leaf.substr(0, 9)), "…"));
    return false;
  }
  report_.Passed(Check::LEAF);
  const auto broken = [&](absl::string_view expected, absl::string_view found) {
    report_.Fail(Check::CHAIN, sequence, source.PlaceOf(entry.leaf), expected, found);
    return false;
  };
  if (leaf.sequence() != sequence) {
    return broken(absl::StrCat("sequence ", sequence), absl::StrCat(leaf.sequence()));
  }
  if (leaf.previous_hash() != AsBytes(last_hash_)) {
    return broken(
        absl::StrCat("previous leaf hash ", HexEncode(last_hash_), ", of entry ", sequence, " - 1 as it is here"),
        absl::StrCat(Hex(leaf.previous_hash()), ": one of the two leaves is damaged"));
  }
  if ((leaf.kind() == book::LeafKind::GENESIS) != (sequence == 0)) {
    return broken("genesis first, and once", book::KindName(leaf.kind()));
  }
  if (leaf.time_us() >= kTimeEndUs) return broken("a time before the year 10000", absl::StrCat(leaf.time_us()));
  if (leaf.time_us() < last_time_us_) {
    return broken(absl::StrCat("a time from ", last_time_us_, " µs on"), absl::StrCat(leaf.time_us()));
  }
  if (leaf.rules_version() < last_rules_version_ || leaf.rules_version() == 0) {
    return broken(absl::StrCat("a rules version from ", std::max(1u, last_rules_version_), " on"),
                  absl::StrCat(leaf.rules_version()));
  }
  if (leaf.peer_size() < last_peer_size_ || (book_.is_home() && leaf.peer_size() != 0)) {
    return broken(absl::StrCat("a peer size from ", last_peer_size_, " on"), absl::StrCat(leaf.peer_size()));
  }
  report_.Passed(Check::CHAIN);
  return true;
}

bool ChainAudit::CheckDigests(const EntryBytes& entry, const LeafView& leaf, const EntrySource& source) {
  const auto check = [&](Check check, absl::string_view bytes, absl::string_view stated) {
    const Digest digest = Sha256(bytes);
    if (AsBytes(digest) == stated) {
      report_.Passed(check);
      return true;
    }
    report_.Fail(check, size(), source.PlaceOf(bytes), absl::StrCat("bytes with the SHA-256 ", Hex(stated)),
                 absl::StrCat(bytes.size(), " bytes with ", HexEncode(digest)));
    return false;
  };
  const bool command = check(Check::COMMAND_DIGEST, entry.command, leaf.command_digest());
  const bool context = check(Check::CONTEXT_DIGEST, entry.context, leaf.context_digest());
  const bool effects = check(Check::EFFECTS_DIGEST, entry.effects, leaf.effects_digest());
  return command && context && effects;
}

bool ChainAudit::AddEntry(const EntryBytes& entry, const LeafView& leaf, EntrySource& source) {
  const bool leaf_good = CheckLeaf(entry, leaf, source);
  const bool bodies_good = CheckDigests(entry, leaf, source);
  if (leaf_good && bodies_good && leaf.kind() == book::LeafKind::GENESIS) {
    absl::StatusOr<book::Leaf> decoded = book::DecodeLeaf(entry.leaf);
    if (decoded.ok()) ReadGenesis(entry, *decoded);
  } else if (leaf_good && bodies_good && leaf.kind() == book::LeafKind::KEY_CHANGE) {
    absl::StatusOr<book::Leaf> decoded = book::DecodeLeaf(entry.leaf);
    if (decoded.ok()) ReadKeyChange(entry, *decoded);
  }
  last_hash_ = Sha256Prefixed(0x00, entry.leaf);
  if (source.HoldsNodes()) {
    frontier_.Append(last_hash_, [&](int level, uint64_t index, const Digest& hash) {
      source.CompareNode(level, index, hash, &report_);
    });
  } else {
    frontier_.Append(last_hash_);
  }
  last_time_us_ = std::max(last_time_us_, leaf.time_us());
  last_rules_version_ = std::max(last_rules_version_, leaf.rules_version());
  last_peer_size_ = std::max(last_peer_size_, leaf.peer_size());
  ++report_.entries;
  if (!pending_.empty()) CheckDue();
  return leaf_good && bodies_good;
}

void ChainAudit::ReadGenesis(const EntryBytes& entry, const book::Leaf& leaf) {
  absl::StatusOr<book::GenesisFacts> genesis = book::CheckGenesis(entry.command, leaf);
  if (!genesis.ok()) {
    report_.Fail(Check::KEYS, 0, "", "a genesis with valid keys", ToText(genesis.status()));
    return;
  }
  origin_ = genesis->origin;
  report_.set_name(origin_);
  report_.demonstration = genesis->genesis.demonstration();
  keys_ = std::move(genesis->keys);
  if (trusted_ == nullptr) return;
  JCM_AUDIT_REQUIRE(report_, origin_ == trusted_->origin, Check::KEYS, 0, trusted_->origin, origin_);
  JCM_AUDIT_REQUIRE(report_, report_.demonstration == trusted_->demonstration, Check::KEYS, 0,
                    "DEMONSTRATION as the trust file says", "a genesis that says otherwise");
}

void ChainAudit::ReadKeyChange(const EntryBytes& entry, const book::Leaf& leaf) {
  if (!keys_.has_value()) return;
  const absl::Status changed = book::ApplyKeyChange(entry.command, leaf, origin_, partner_recovery_key_, *keys_);
  JCM_AUDIT_REQUIRE(report_, changed.ok(), Check::KEYS, leaf.sequence, "a change signed by those who may",
                    ToText(changed));
}

void ChainAudit::AddNote(const SourcedNote& sourced) {
  absl::StatusOr<book::Note> note = book::ParseNote(sourced.note);
  absl::StatusOr<book::Checkpoint> checkpoint =
      note.ok() ? book::ParseCheckpoint(note->text) : absl::StatusOr<book::Checkpoint>(note.status());
  if (!checkpoint.ok()) {
    report_.FailBook(Check::CHECKPOINT, sourced.place, "a signed checkpoint", ToText(checkpoint.status()));
    return;
  }
  if (sourced.has_proof) CheckProofs(sourced, *checkpoint);
  if (sourced.note == last_note_) return;
  last_note_ = sourced.note;
  if (checkpoint->size < size() || checkpoint->size == 0) {
    report_.FailBook(Check::CHECKPOINT, sourced.place, absl::StrCat("a checkpoint of ", size(), " entries or more"),
                     absl::StrCat("one of ", checkpoint->size));
    return;
  }
  if (++pending_count_ > kPendingNotesMax) {
    report_.FailBook(Check::CHECKPOINT, sourced.place, absl::StrCat("at most ", kPendingNotesMax, " checkpoints ahead"),
                     "more");
    return;
  }
  if (checkpoint->size >= newest_size_) {
    newest_size_ = checkpoint->size;
    newest_place_ = sourced.place;
  }
  pending_[checkpoint->size].push_back({*std::move(note), *checkpoint, sourced.place});
  CheckDue();
}

void ChainAudit::CheckProofs(const SourcedNote& sourced, const book::Checkpoint& checkpoint) {
  const absl::Status consistent =
      book::VerifyConsistency(size(), checkpoint.size, frontier_.Root(), checkpoint.root, sourced.proof);
  if (consistent.ok()) {
    report_.Passed(Check::TREE);
  } else {
    report_.FailBook(
        Check::TREE, sourced.place,
        absl::StrCat("the first ", size(), " entries under the root of the checkpoint of size ", checkpoint.size),
        absl::StrCat("root ", HexEncode(frontier_.Root()), ", which does not lead there"));
  }
  if (sourced.prior_size == 0) return;
  const absl::Status prior = book::VerifyInclusion(sourced.prior_leaf, sourced.prior_size - 1, checkpoint.size,
                                                   sourced.prior_proof, checkpoint.root);
  if (prior.ok()) {
    report_.Passed(Check::TREE);
  } else {
    report_.FailBook(Check::TREE, sourced.place, absl::StrCat("a proof of leaf ", sourced.prior_size - 1),
                     "a leaf hash or proof that does not lead to the checkpoint's root");
  }
}

void ChainAudit::CheckDue() {
  while (!pending_.empty() && pending_.begin()->first <= size()) {
    const auto due = pending_.begin();
    for (const PendingNote& pending : due->second) {
      --pending_count_;
      if (due->first < size()) {
        // Only notes given beside a source that had passed that size already: such a note was not added in time.
        report_.FailBook(Check::CHECKPOINT, pending.place, "a checkpoint that can be compared", "one from before");
        continue;
      }
      const Digest root = frontier_.Root();
      if (pending.checkpoint.root == root) {
        report_.Passed(Check::TREE);
      } else {
        report_.Fail(Check::TREE, size() - 1, pending.place,
                     absl::StrCat("root ", HexEncode(pending.checkpoint.root), " of the checkpoint of size ", size()),
                     absl::StrCat(HexEncode(root), ": the entries are not those that were signed"));
      }
      CheckSignatures(pending);
    }
    pending_.erase(due);
  }
}

void ChainAudit::CheckSignatures(const PendingNote& pending) {
  const uint64_t size = pending.checkpoint.size;
  const auto fail = [&](absl::string_view expected, absl::string_view found) {
    report_.FailBook(Check::CHECKPOINT, pending.place, expected, found);
  };
  if (!keys_.has_value()) return fail("keys from genesis", "none that can be read");
  if (pending.checkpoint.origin != origin_) return fail(origin_, pending.checkpoint.origin);
  const absl::StatusOr<book::VerifiedCheckpoint> verified = book::VerifyCheckpoint(pending.note, keys_->At(size));
  if (!verified.ok()) {
    return fail(absl::StrCat("checkpoint of size ", size, " with ", keys_->At(size).k, " valid signatures"),
                ToText(verified.status()));
  }
  report_.Passed(Check::CHECKPOINT);
  ++report_.checkpoints;
  report_.checkpoint_size = std::max(report_.checkpoint_size, size);
  for (const book::NoteSignature& line : pending.note.signatures) {
    const bool own = IsLineOf(line, *keys_, book::NoteKeyType::ED25519);
    const bool other =
        trusted_ == nullptr || (trusted_->cosigner_keys.has_value() &&
                                IsLineOf(line, *trusted_->cosigner_keys, book::NoteKeyType::COSIGNATURE_V1));
    if (!own && !other) {
      report_.Warn(Check::CHECKPOINT, pending.place, "signature lines of known keys",
                   absl::StrCat("one of ", line.key_name, " that belongs to no known key"));
    }
  }
  CheckCosignatures(pending);
}

void ChainAudit::CheckCosignatures(const PendingNote& pending) {
  if (trusted_ == nullptr || !trusted_->cosigner_keys.has_value()) return;
  const uint64_t from = trusted_->cosigner_keys->EraAt(pending.checkpoint.size).from_size;
  for (const book::KeyEra& era : trusted_->cosigner_keys->eras()) {
    if (era.from_size < from) continue;
    const absl::StatusOr<book::Cosignatures> found = book::VerifyCosignatures(pending.note, era.keys);
    if (!found.ok()) {
      report_.FailBook(Check::COSIGNATURE, pending.place, "valid cosignatures", ToText(found.status()));
      return;
    }
    if (!found->enough) continue;
    report_.cosigned_size = std::max(report_.cosigned_size, pending.checkpoint.size);
    report_.Passed(Check::COSIGNATURE);
    return;
  }
}

void ChainAudit::CompareKeys() {
  if (trusted_ == nullptr || !keys_.has_value()) return;
  const std::vector<book::KeyEra>& stated = trusted_->keys->eras();
  const std::vector<book::KeyEra>& found = keys_->eras();
  for (size_t i = 0; i < stated.size() && (i < found.size() || stated[i].from_size <= size()); ++i) {
    if (i < found.size() && SameEra(stated[i], found[i])) {
      report_.Passed(Check::KEYS);
    } else {
      report_.FailBook(Check::KEYS, "", absl::StrCat("the trusted keys from size ", stated[i].from_size, " on"),
                       i < found.size() ? "other keys in the book" : "no such change in the book");
    }
  }
  if (stated.back().from_size > size()) {
    report_.Warn(Check::COMPLETE, "",
                 absl::StrCat("a book that reaches the trusted keys of size ", stated.back().from_size),
                 absl::StrCat(size(), " entries: an older copy, or one that was rolled back"));
  }
}

void ChainAudit::Finish() {
  for (const auto& entry : pending_) {
    for (const PendingNote& pending : entry.second) CheckSignatures(pending);
  }
  pending_.clear();
  report_.root = HexEncode(frontier_.Root());
  if (size() == 0) {
    report_.FailBook(Check::COMPLETE, "", "entries", "none");
    return;
  }
  if (newest_size_ > size()) {
    report_.FailBook(Check::COMPLETE, newest_place_, absl::StrCat(newest_size_, " entries, as this checkpoint says"),
                     absl::StrCat(size(), ": the last ones are missing"));
  } else {
    report_.Passed(Check::COMPLETE);
  }
  if (newest_size_ == 0) {
    report_.Warn(Check::CHECKPOINT, "", "a checkpoint", "none: nothing says that the registry stands by these entries");
  } else if (report_.checkpoint_size < size()) {
    report_.Warn(Check::CHECKPOINT, "", absl::StrCat("a checkpoint of all ", size(), " entries"),
                 absl::StrCat("one of ", report_.checkpoint_size));
  }
  CompareKeys();
  if (report_.partner_keeps_book && report_.cosigned_size < report_.checkpoint_size) {
    report_.Warn(Check::COSIGNATURE, "",
                 absl::StrCat("the other government's cosignature of size ", report_.checkpoint_size),
                 report_.cosigned_size == 0 ? "none" : absl::StrCat("one of size ", report_.cosigned_size));
  }
}

}  // namespace jcm::verify
