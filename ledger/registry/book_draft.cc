#include "ledger/registry/book_draft.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/state_roots.h"
#include "ledger/registry/stored_entries.h"

namespace jcm::registry {
namespace {

Digest ToDigest(absl::string_view bytes) {
  Digest digest{};
  if (bytes.size() == digest.size()) std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

}  // namespace

BookDraft::BookDraft(BookId book, v1::BookHead head, const state::StateReader& base)
    : book_(std::move(book)),
      head_(std::move(head)),
      overlay_(std::make_unique<state::Transition>(base)),
      first_new_(head_.size()) {}

std::unique_ptr<BookDraft> BookDraft::Attempt(const BookDraft& parent) {
  std::unique_ptr<BookDraft> attempt(new BookDraft(parent.book_, parent.head_, *parent.overlay_));
  attempt->frontier_ = parent.frontier_;
  return attempt;
}

absl::StatusOr<std::unique_ptr<BookDraft>> BookDraft::Open(const BookId& book, const v1::BookHead& head,
                                                           const state::StateReader& base) {
  std::unique_ptr<BookDraft> draft(new BookDraft(book, head, base));
  draft->head_.set_registry(book.registry);
  draft->head_.set_partnership(book.partnership);
  if (head.size() > 0) {
    JCM_ASSIGN_OR_RETURN(draft->frontier_, book::Frontier::Decode(head.frontier()));
    if (draft->frontier_.size() != head.size()) return Error(Reason::STORE_CORRUPT, "frontier and size differ");
  }
  return draft;
}

absl::StatusOr<AppendedEntry> BookDraft::Append(const NewEntry& entry, rules::SignatureVerifier& verifier) {
  rules::EntryInput input;
  input.book = book_;
  input.kind = entry.kind;
  input.sequence = head_.size();
  input.time = entry.time;
  input.rules_version = head_.rules_version() == 0 ? rules::kRulesVersion : head_.rules_version();
  input.command = entry.command;
  input.context = entry.context;
  input.parsed = entry.parsed;
  input.refusals = entry.refusals;
  JCM_ASSIGN_OR_RETURN(rules::Executed executed, rules::Execute(*overlay_, input, verifier));

  book::Leaf leaf;
  leaf.kind = entry.kind;
  leaf.book = book_;
  leaf.sequence = head_.size();
  leaf.time = entry.time;
  leaf.previous_hash = ToDigest(head_.last_leaf_hash());
  leaf.rules_version = input.rules_version;
  leaf.peer_size = executed.peer_size;
  leaf.command_digest = Sha256(entry.command);
  leaf.context_digest = Sha256(entry.context);
  leaf.effects_digest = Sha256(executed.effects);

  v1::EntryRecord record;
  record.set_leaf(book::EncodeLeaf(leaf));
  record.set_command(entry.command.data(), entry.command.size());
  record.set_context(entry.context.data(), entry.context.size());
  record.set_effects(executed.effects);
  JCM_RETURN_IF_ERROR(FoldExecuted(executed.changes));
  Link(std::move(record), leaf);
  head_.set_executed_size(head_.size());
  AppendedEntry appended;
  appended.sequence = leaf.sequence;
  appended.leaf_hash = leaf_hashes_.back();
  appended.effects = std::move(executed.effects);
  return appended;
}

absl::StatusOr<book::Leaf> BookDraft::CheckRecord(const v1::EntryRecord& record) const {
  JCM_ASSIGN_OR_RETURN(book::Leaf leaf, book::DecodeLeaf(record.leaf()));
  if (leaf.book != book_ || leaf.sequence != head_.size() || leaf.previous_hash != ToDigest(head_.last_leaf_hash()) ||
      leaf.time.micros < head_.last_time_us()) {
    return Error(Reason::CHAIN_BROKEN, absl::StrCat(book_.ToString(), " entry ", head_.size()));
  }
  if (leaf.command_digest != Sha256(record.command()) || leaf.context_digest != Sha256(record.context()) ||
      leaf.effects_digest != Sha256(record.effects())) {
    return Error(Reason::DIGEST_MISMATCH, absl::StrCat(book_.ToString(), " entry ", head_.size()));
  }
  return leaf;
}

namespace {

// A stated root of the state just before its own entry must be the root of that state here.
absl::Status CheckStateRoot(const BookId& book, const book::Leaf& leaf, const v1::EntryRecord& record,
                            const state::StateReader& state) {
  v1::StateRoot stated;
  if (leaf.kind != book::LeafKind::STATE_ROOT || !stated.ParseFromString(record.command()) ||
      stated.size() != leaf.sequence) {
    return absl::OkStatus();
  }
  JCM_ASSIGN_OR_RETURN(StateRootValue value, ComputeStateRoot(state));
  if (stated.root() == AsBytes(value.root) && stated.record_count() == value.record_count) return absl::OkStatus();
  return Error(Reason::IMPOSSIBLE_ACT, absl::StrCat(book.ToString(), " entry ", leaf.sequence,
                                                    " states another root of its state than this copy has"));
}

// Executes an existing entry and compares; the effects are those of the record.
absl::Status ExecuteAndCompare(const BookId& book, const book::Leaf& leaf, const v1::EntryRecord& record,
                               const state::StateReader& state, rules::SignatureVerifier& verifier) {
  rules::EntryInput input;
  input.book = book;
  input.kind = leaf.kind;
  input.sequence = leaf.sequence;
  input.time = leaf.time;
  input.rules_version = leaf.rules_version;
  input.command = record.command();
  input.context = record.context();
  absl::StatusOr<rules::Executed> executed = rules::Execute(state, input, verifier);
  if (!executed.ok()) {
    if (HasReason(executed.status(), Reason::RULES_UNSUPPORTED) ||
        HasReason(executed.status(), Reason::STORE_CORRUPT)) {
      return executed.status();
    }
    return Error(Reason::IMPOSSIBLE_ACT, absl::StrCat(book.ToString(), " entry ", leaf.sequence,
                                                      " is refused by the rules: ", ToText(executed.status())));
  }
  JCM_RETURN_IF_ERROR(CheckStateRoot(book, leaf, record, state));
  if (executed->effects != record.effects() || executed->peer_size != leaf.peer_size) {
    return Error(Reason::IMPOSSIBLE_ACT,
                 absl::StrCat(book.ToString(), " entry ", leaf.sequence, " states other effects than the rules give"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status BookDraft::AppendExisting(const v1::EntryRecord& record, rules::SignatureVerifier& verifier) {
  JCM_ASSIGN_OR_RETURN(book::Leaf leaf, CheckRecord(record));
  JCM_RETURN_IF_ERROR(ExecuteAndCompare(book_, leaf, record, *overlay_, verifier));
  JCM_RETURN_IF_ERROR(Fold(record.effects()));
  Link(record, leaf);
  head_.set_executed_size(head_.size());
  return absl::OkStatus();
}

absl::Status BookDraft::AppendUnexecuted(const v1::EntryRecord& record) {
  JCM_ASSIGN_OR_RETURN(book::Leaf leaf, CheckRecord(record));
  Link(record, leaf);
  return absl::OkStatus();
}

absl::Status BookDraft::ExecuteStored(const v1::EntryRecord& record, bool agreed, rules::SignatureVerifier& verifier) {
  JCM_ASSIGN_OR_RETURN(book::Leaf leaf, book::DecodeLeaf(record.leaf()));
  JCM_CHECK(leaf.sequence == head_.executed_size());
  if (!agreed) JCM_RETURN_IF_ERROR(ExecuteAndCompare(book_, leaf, record, *overlay_, verifier));
  JCM_RETURN_IF_ERROR(Fold(record.effects()));
  head_.set_executed_size(leaf.sequence + 1);
  executed_stored_ = true;
  return absl::OkStatus();
}

absl::Status BookDraft::Fold(absl::string_view effects_bytes) {
  v1::Effects effects;
  if (!effects.ParseFromArray(effects_bytes.data(), static_cast<int>(effects_bytes.size()))) {
    return Error(Reason::MESSAGE_MALFORMED, "effects");
  }
  for (const v1::Effect& effect : effects.effects()) {
    absl::Status put = effect.new_value().empty() ? overlay_->Delete(effect.table(), effect.key())
                                                  : overlay_->Put(effect.table(), effect.key(), effect.new_value());
    JCM_RETURN_IF_ERROR(put);
    JCM_RETURN_IF_ERROR(NoteBookRecord(effect));
  }
  return absl::OkStatus();
}

absl::Status BookDraft::FoldExecuted(const v1::Effects& effects) {
  for (const v1::Effect& effect : effects.effects()) {
    overlay_->Take(effect);
    JCM_RETURN_IF_ERROR(NoteBookRecord(effect));
  }
  return absl::OkStatus();
}

// The rules version in force is part of the book's own record.
absl::Status BookDraft::NoteBookRecord(const v1::Effect& effect) {
  if (effect.table() != v1::TABLE_BOOK || effect.new_value().empty()) return absl::OkStatus();
  v1::BookRecord book_record;
  if (!book_record.ParseFromString(effect.new_value())) return Error(Reason::MESSAGE_MALFORMED, "book record");
  head_.set_rules_version(book_record.rules_version());
  head_.set_origin(book_record.origin());
  return absl::OkStatus();
}

void BookDraft::Link(v1::EntryRecord record, const book::Leaf& leaf) {
  const Digest hash = book::LeafHash(record.leaf());
  frontier_.Append(hash, [this](int level, uint64_t index, const Digest& node) {
    nodes_.push_back(Node{level, index, node});
  });
  entries_.push_back(std::move(record));
  leaf_hashes_.push_back(hash);
  head_.set_size(leaf.sequence + 1);
  head_.set_last_leaf_hash(std::string(AsBytes(hash)));
  head_.set_last_time_us(leaf.time.micros);
}

void BookDraft::Adopt(BookDraft&& attempt) {
  JCM_CHECK(attempt.first_new_ == head_.size() && attempt.book_ == book_);
  head_ = attempt.head_;
  frontier_ = attempt.frontier_;
  entries_.insert(entries_.end(), std::make_move_iterator(attempt.entries_.begin()),
                  std::make_move_iterator(attempt.entries_.end()));
  leaf_hashes_.insert(leaf_hashes_.end(), attempt.leaf_hashes_.begin(), attempt.leaf_hashes_.end());
  nodes_.insert(nodes_.end(), attempt.nodes_.begin(), attempt.nodes_.end());
  executed_stored_ = executed_stored_ || attempt.executed_stored_;
  overlay_->Adopt(std::move(*attempt.overlay_));
}

void BookDraft::WriteTo(store::WriteBatch* batch) const {
  WriteEntries(book_, first_new_, entries_, batch);
  for (const Node& node : nodes_) {
    batch->Put(store::Family::kNode, NodeKey(book_, node.level, node.index), AsBytes(node.hash));
  }
  overlay_->ForEachChange([&](uint32_t table, absl::string_view key, absl::string_view new_value) {
    std::string place = StateKey(book_, table, key);
    if (new_value.empty()) {
      batch->Delete(store::Family::kState, place);
    } else {
      batch->PutOwned(store::Family::kState, std::move(place), std::string(new_value));
    }
  });
  v1::BookHead head = head_;
  head.set_frontier(frontier_.Encode());
  batch->Put(store::Family::kMeta, HeadKey(book_), state::Serialise(head));
}

absl::optional<Digest> BookDraft::LeafHashOf(uint64_t sequence) const {
  if (sequence < first_new_ || sequence - first_new_ >= leaf_hashes_.size()) return absl::nullopt;
  return leaf_hashes_[sequence - first_new_];
}

}  // namespace jcm::registry
