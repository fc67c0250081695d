#include "ledger/rules/import.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/hash.h"
#include "ledger/base/proto_check.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/genesis.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/key_checks.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/system.h"

namespace jcm::rules {
namespace {

using book::Leaf;
using book::LeafKind;

// What is known of the other book while a range of it is read.
struct Peer {
  BookId book;
  v1::CursorRecord cursor;
  book::Frontier frontier;
  book::ChainTip tip;
  KeyState keys;
};

struct ImportedLeaf {
  Leaf leaf;
  Digest hash;
  const v1::ImportedEntry* entry;
};

absl::StatusOr<Peer> LoadPeer(const EntryInput& input, const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(v1::PartnershipRecord partnership, GetPartnership(state));
  if (partnership.mode() == v1::PARTNERSHIP_MODE_ATTESTED) {
    return Error(Reason::MODE_NOT_ALLOWED, "the partner keeps no book");
  }
  JCM_ASSIGN_OR_RETURN(v1::BookRecord own, GetBook(state));
  Peer peer;
  JCM_ASSIGN_OR_RETURN(peer.cursor, GetCursor(state));
  if (peer.cursor.halted()) return Error(Reason::PARTNERSHIP_STOPPED, "importing has stopped");
  peer.book = BookId{peer.cursor.peer_registry(), input.book.partnership};
  peer.keys.origin = book::OriginOf(partnership.peer_domain(), peer.book);
  peer.keys.keys = peer.cursor.peer_keys();
  peer.keys.previous_keys = peer.cursor.peer_previous_keys();
  peer.keys.keys_from_size = peer.cursor.peer_keys_from_size();
  peer.keys.recovery_key = peer.cursor.peer_recovery_key();
  peer.keys.partner_recovery_key = own.recovery_key();
  if (peer.cursor.imported_size() == 0) return peer;
  JCM_ASSIGN_OR_RETURN(peer.frontier, book::Frontier::Decode(peer.cursor.frontier()));
  peer.tip.size = peer.cursor.imported_size();
  JCM_ASSIGN_OR_RETURN(peer.tip.last_hash, DigestFromBytes(peer.cursor.last_leaf_hash()));
  peer.tip.last_time = BookTime::FromMicros(peer.cursor.last_time_us());
  peer.tip.last_rules_version = peer.cursor.peer_rules_version();
  peer.tip.last_peer_size = peer.cursor.last_peer_size();
  return peer;
}

absl::Status CheckRange(const v1::Import& import, const Peer& peer, size_t bytes) {
  if (bytes > kImportBytesMax) return Error(Reason::BUNDLE_TOO_LARGE, "an import is above 240 KiB");
  if (import.from() != peer.cursor.imported_size()) {
    return Error(Reason::IMPORT_NOT_CONTIGUOUS, absl::StrCat("the cursor is at ", peer.cursor.imported_size()));
  }
  if (import.to() <= import.from() || import.to() - import.from() != static_cast<uint64_t>(import.entries_size())) {
    return Error(Reason::IMPORT_NOT_CONTIGUOUS, "the entries are not those of the range");
  }
  if (import.to() - import.from() > kImportLeavesMax) return Error(Reason::BUNDLE_TOO_LARGE, "more than 1,000 leaves");
  return absl::OkStatus();
}

// A digest of bytes that may have been left out.
absl::Status CheckOptionalBytes(const Digest& digest, const std::string& bytes) {
  if (bytes.empty() || Sha256(bytes) == digest) return absl::OkStatus();
  return Error(Reason::DIGEST_MISMATCH, "a body is not the one that its leaf names");
}

absl::Status CheckBody(const Leaf& leaf, const v1::ImportedEntry& entry) {
  const bool needs_command = leaf.kind == LeafKind::GENESIS || leaf.kind == LeafKind::KEY_CHANGE;
  if (!entry.has_body()) {
    if (needs_command) return Error(Reason::FIELD_REQUIRED, "a genesis or key change comes with its body");
    if (entry.command().empty() && entry.context().empty() && entry.effects().empty()) return absl::OkStatus();
    return Error(Reason::FIELD_INVALID, "an entry without body has one");
  }
  JCM_RETURN_IF_ERROR(CheckOptionalBytes(leaf.command_digest, entry.command()));
  JCM_RETURN_IF_ERROR(CheckOptionalBytes(leaf.context_digest, entry.context()));
  if (needs_command && entry.command().empty()) return Error(Reason::FIELD_REQUIRED, "the command of a body");
  if (Sha256(entry.effects()) != leaf.effects_digest) {
    return Error(Reason::DIGEST_MISMATCH, "a body's effects are not those that its leaf names");
  }
  return absl::OkStatus();
}

// The peer's own genesis must be the one that was compared out of band when the partnership was opened.
absl::Status CheckPinnedGenesis(const v1::ImportedEntry& entry, const Peer& peer) {
  v1::Genesis genesis;
  JCM_RETURN_IF_ERROR(ParseStrict(entry.command(), &genesis));
  const bool same = genesis.origin() == peer.keys.origin &&
                    state::Serialise(genesis.keys()) == state::Serialise(peer.cursor.peer_keys()) &&
                    state::Serialise(genesis.recovery_key()) == state::Serialise(peer.cursor.peer_recovery_key());
  if (same) return absl::OkStatus();
  return Error(Reason::PEER_SIGNATURE_INVALID, "the other book does not begin with the pinned origin and keys");
}

absl::Status ReadLeaf(const EntryInput& input, const v1::ImportedEntry& entry, Peer* peer,
                      std::vector<ImportedLeaf>* leaves) {
  ImportedLeaf read;
  JCM_ASSIGN_OR_RETURN(read.leaf, book::DecodeLeaf(entry.leaf()));
  JCM_RETURN_IF_ERROR(book::CheckFollows(peer->book, peer->tip, read.leaf));
  if (read.leaf.rules_version > kRulesVersion) return Error(Reason::RULES_UNSUPPORTED, "newer than this node's rules");
  if (read.leaf.time.micros > input.time.micros + kStampedAheadMaxUs) {
    return Error(Reason::STAMPED_AHEAD, "stamped more than 120 s ahead");
  }
  JCM_RETURN_IF_ERROR(CheckBody(read.leaf, entry));
  read.hash = book::LeafHash(entry.leaf());
  read.entry = &entry;
  if (read.leaf.kind == LeafKind::GENESIS) JCM_RETURN_IF_ERROR(CheckPinnedGenesis(entry, *peer));
  if (read.leaf.kind == LeafKind::KEY_CHANGE) {
    JCM_RETURN_IF_ERROR(ChangeKeys(entry.command(), peer->book, read.leaf.sequence, &peer->keys));
  }
  peer->frontier.Append(read.hash);
  peer->tip = book::TipAfter(read.leaf, read.hash);
  leaves->push_back(read);
  return absl::OkStatus();
}

absl::Status CheckCheckpoint(const v1::Import& import, const Peer& peer) {
  JCM_ASSIGN_OR_RETURN(book::Note note, book::ParseNote(import.checkpoint()));
  JCM_ASSIGN_OR_RETURN(book::Checkpoint stated, book::ParseCheckpoint(note.text));
  if (stated.origin != peer.keys.origin) return Error(Reason::PEER_SIGNATURE_INVALID, "the checkpoint of another book");
  if (stated.size < import.to()) return Error(Reason::PEER_SIGNATURE_INVALID, "the checkpoint does not reach that far");
  JCM_ASSIGN_OR_RETURN(book::KeySet keys, book::KeySetFromProto(peer.keys.At(stated.size)));
  const absl::Status is_signed = book::VerifyCheckpoint(note, keys).status();
  if (!is_signed.ok()) return Error(Reason::PEER_SIGNATURE_INVALID, is_signed.message());
  std::vector<Digest> proof;
  for (const std::string& hash : import.consistency_proof()) {
    auto digest = DigestFromBytes(hash);
    if (!digest.ok() || proof.size() >= book::kProofHashesMax) return Error(Reason::PROOF_INVALID, "not a proof");
    proof.push_back(*digest);
  }
  return book::VerifyConsistency(import.to(), stated.size, peer.frontier.Root(), stated.root, proof);
}

bool IsDecisionTable(uint32_t table) {
  return table == v1::TABLE_DECISION || table == v1::TABLE_REACTION || table == v1::TABLE_VOTE ||
         table == v1::TABLE_VOTES_CLOSED;
}

bool IsUnitTable(uint32_t table) {
  return table == v1::TABLE_LOT || table == v1::TABLE_ISSUANCE || table == v1::TABLE_AUTHORIZATION ||
         table == v1::TABLE_FIRST_TRANSFER || table == v1::TABLE_TRANSFER_OUT || table == v1::TABLE_TRANSFER_IN;
}

bool IsCycleTable(uint32_t table) {
  return table == v1::TABLE_DOSSIER || table == v1::TABLE_STRAND || table == v1::TABLE_DOSSIER_STEP ||
         table == v1::TABLE_REFERENCE || table == v1::TABLE_DOSSIER_REACTION || table == v1::TABLE_PROJECT;
}

// Writes the shadow of one record. The old value must be the shadow's, unless both governments agreed to take it as it
// is.
absl::Status FoldShadow(const v1::Effect& effect, bool agreed, Transition& transition) {
  const uint32_t shadow = state::Shadow(effect.table());
  if (!agreed) {
    JCM_ASSIGN_OR_RETURN(auto present, transition.Get(shadow, effect.key()));
    if (present.value_or("") != effect.old_value()) {
      return Error(Reason::IMPOSSIBLE_ACT, "an imported change starts from a value that the record never had");
    }
  }
  if (effect.new_value().empty()) return transition.Delete(shadow, effect.key());
  return transition.Put(shadow, effect.key(), effect.new_value());
}

absl::Status RunHook(const RuleInput& rule, const v1::Effect& effect, Transition& transition) {
  if (IsDecisionTable(effect.table())) return OnImportedDecisionRecord(rule, effect, transition);
  if (IsUnitTable(effect.table())) return OnImportedUnitRecord(rule, effect, transition);
  if (effect.table() == v1::TABLE_DOSSIER_REACTION) return OnImportedDossierReaction(rule, effect, transition);
  return absl::OkStatus();
}

// The hooks of an entry that both governments agreed to take: what they refuse has no effect here.
absl::Status RunHookIfPossible(const RuleInput& rule, const v1::Effect& effect, Transition& transition) {
  Transition attempt(static_cast<const state::StateReader&>(transition));
  const absl::Status status = RunHook(rule, effect, attempt);
  if (HasReason(status, Reason::IMPOSSIBLE_ACT)) return absl::OkStatus();
  JCM_RETURN_IF_ERROR(status);
  const v1::Effects changes = attempt.Effects();
  for (const v1::Effect& change : changes.effects()) {
    if (change.new_value().empty()) {
      JCM_RETURN_IF_ERROR(transition.Delete(change.table(), change.key()));
    } else {
      JCM_RETURN_IF_ERROR(transition.Put(change.table(), change.key(), change.new_value()));
    }
  }
  return absl::OkStatus();
}

// What both governments decided about this leaf; nullopt if it was never in dispute.
absl::StatusOr<absl::optional<v1::ResolutionRecord>> ResolutionOf(const Peer& peer, const ImportedLeaf& read,
                                                                  const Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto record, transition.Get<v1::ResolutionRecord>(
                                        v1::TABLE_RESOLUTION, ResolutionKey(peer.book.ToString(), read.leaf.sequence)));
  if (record.has_value() && record->leaf_hash() != AsBytes(read.hash)) {
    return Error(Reason::IMPOSSIBLE_ACT, "the disputed leaf is not the one that was resolved");
  }
  return record;
}

absl::Status FoldEntry(const RuleInput& rule, const Peer& peer, const ImportedLeaf& read, Transition& transition) {
  if (!read.entry->has_body()) return absl::OkStatus();
  v1::Effects effects;
  if (!ParseStrict(read.entry->effects(), &effects).ok()) {
    return Error(Reason::IMPOSSIBLE_ACT, "signed effects that cannot be read");
  }
  JCM_ASSIGN_OR_RETURN(auto resolution, ResolutionOf(peer, read, transition));
  for (const v1::Effect& effect : effects.effects()) {
    if (!IsPublishedTable(effect.table())) continue;
    JCM_RETURN_IF_ERROR(FoldShadow(effect, resolution.has_value(), transition));
    if (!resolution.has_value()) {
      JCM_RETURN_IF_ERROR(RunHook(rule, effect, transition));
    } else if (resolution->action() == v1::RESOLUTION_ACTION_ACCEPT_AS_WRITTEN) {
      JCM_RETURN_IF_ERROR(RunHookIfPossible(rule, effect, transition));
    }
    // COMPENSATE: the shadow follows the other book; what is agreed comes with its own entry of kind RESOLUTION.
  }
  return absl::OkStatus();
}

absl::Status StoreCursor(const Peer& peer, Transition& transition) {
  v1::CursorRecord cursor = peer.cursor;
  cursor.set_imported_size(peer.tip.size);
  cursor.set_frontier(peer.frontier.Encode());
  cursor.set_last_leaf_hash(std::string(AsBytes(peer.tip.last_hash)));
  cursor.set_last_time_us(peer.tip.last_time.micros);
  cursor.set_peer_rules_version(peer.tip.last_rules_version);
  cursor.set_last_peer_size(peer.tip.last_peer_size);
  *cursor.mutable_peer_keys() = peer.keys.keys;
  *cursor.mutable_peer_previous_keys() = peer.keys.previous_keys;
  cursor.set_peer_keys_from_size(peer.keys.keys_from_size);
  *cursor.mutable_peer_recovery_key() = peer.keys.recovery_key;
  return transition.Put(v1::TABLE_CURSOR, kCursorKey, cursor);
}

}  // namespace

bool IsPublishedTable(uint32_t table) {
  return IsDecisionTable(table) || IsUnitTable(table) || IsCycleTable(table) || table == v1::TABLE_MEMBER ||
         table == v1::TABLE_CONFLICT || table == v1::TABLE_RULES;
}

bool TouchesPublishedTables(const v1::Effects& effects) {
  for (const v1::Effect& effect : effects.effects()) {
    if (IsPublishedTable(effect.table())) return true;
  }
  return false;
}

bool TriggersImport(LeafKind kind, const v1::Effects& effects) {
  switch (kind) {
    case LeafKind::GENESIS:
    case LeafKind::COMMAND:
    case LeafKind::KEY_CHANGE:
    case LeafKind::ACTIVATE_RULES:
    case LeafKind::RESOLUTION:
      return true;
    case LeafKind::IMPORT:
    case LeafKind::TICK:
      return TouchesPublishedTables(effects);
    default:
      return false;
  }
}

absl::Status ExecuteImport(const EntryInput& input, const v1::Context& context, Transition& transition) {
  v1::Import import;
  JCM_RETURN_IF_ERROR(ParseStrict(input.command, &import));
  if (!context.signers().empty()) return Error(Reason::FIELD_INVALID, "nobody signs an import");
  JCM_ASSIGN_OR_RETURN(Peer peer, LoadPeer(input, transition));
  JCM_RETURN_IF_ERROR(CheckRange(import, peer, input.command.size()));
  std::vector<ImportedLeaf> leaves;
  for (const v1::ImportedEntry& entry : import.entries()) {
    JCM_RETURN_IF_ERROR(ReadLeaf(input, entry, &peer, &leaves));
  }
  JCM_RETURN_IF_ERROR(CheckCheckpoint(import, peer));

  // From here on the bytes are the other government's word.
  if (peer.tip.last_peer_size > input.sequence) {
    return Error(Reason::IMPOSSIBLE_ACT, "the other book imported more of this one than there is");
  }
  RuleInput rule;
  rule.book = input.book;
  rule.sequence = input.sequence;
  rule.time = input.time;
  rule.legal_date = FromDate(DayInZone(input.time, 0));
  rule.context = &context;
  for (const ImportedLeaf& read : leaves) JCM_RETURN_IF_ERROR(FoldEntry(rule, peer, read, transition));
  return StoreCursor(peer, transition);
}

}  // namespace jcm::rules
