#include "tools/jcm-verify/audit/import_audit.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/genesis.h"
#include "ledger/book/note.h"
#include "tools/jcm-verify/audit/unit_audit.h"

namespace jcm::verify {
namespace {

bool Parse(absl::string_view bytes, google::protobuf::MessageLite* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

ImportAudit::ImportAudit(const BookId& book, const Tables& tables, BookReport* report)
    : book_(book), tables_(tables), report_(*report) {}

void ImportAudit::CheckPeerSize(uint64_t sequence, uint64_t peer_size) {
  JCM_AUDIT_REQUIRE(report_, peer_size == imported_size(), Check::IMPORT, sequence,
                    absl::StrCat("peer size ", imported_size(), ", as has been imported"), absl::StrCat(peer_size));
}

void ImportAudit::Audit(uint64_t sequence, const v1::Import& import, const std::vector<EffectBytes>& effects,
                        LeafWindow* other) {
  expected_.clear();
  const uint64_t from = imported_size();
  const bool contiguous =
      import.from() == from && import.to() > from && import.to() - from == static_cast<uint64_t>(import.entries_size());
  JCM_AUDIT_REQUIRE(report_, contiguous, Check::IMPORT, sequence, absl::StrCat("a range from ", from, " on"),
                    absl::StrCat(import.from(), "..", import.to(), " with ", import.entries_size(), " entries"));
  // Beyond the end of what is given of the other book nothing can be said; PairAudit says so.
  if (other != nullptr && (import.to() <= other->size() || !other->ended())) {
    JCM_AUDIT_REQUIRE(report_, import.to() <= other->size(), Check::CAUSALITY, sequence,
                      absl::StrCat("at most the ", other->size(), " entries that the other book had"),
                      absl::StrCat("entries up to ", import.to()));
  }
  for (const v1::ImportedEntry& entry : import.entries()) {
    if (!CheckLeaf(sequence, entry, other)) return;
  }
  if (other != nullptr) other->DropBelow(imported_size());
  CompareShadows(sequence, effects);
  CheckCursor(sequence, effects);
  CheckCheckpoint(sequence, import);
}

bool ImportAudit::CheckLeaf(uint64_t sequence, const v1::ImportedEntry& entry, LeafWindow* other) {
  const uint64_t number = imported_size();
  const LeafView leaf(entry.leaf());
  if (peer_registry_.empty()) peer_registry_ = std::string(leaf.registry());
  std::string partnership = book_.partnership;
  partnership.resize(4, '\0');
  const bool follows = entry.leaf().size() == LeafView::kBytes && leaf.sequence() == number &&
                       leaf.registry() == peer_registry_ && leaf.registry() != book_.registry &&
                       leaf.partnership() == partnership && leaf.previous_hash() == AsBytes(last_hash_);
  if (!JCM_AUDIT_REQUIRE(report_, follows, Check::IMPORT, sequence,
                         absl::StrCat("leaf ", number, " of the other book, following the one before"),
                         "a leaf that does not follow")) {
    return false;
  }
  const Digest hash = Sha256Prefixed(0x00, entry.leaf());
  const LeafWindow::Entry* original = other == nullptr ? nullptr : other->At(number);
  if (original != nullptr) {
    JCM_AUDIT_REQUIRE(report_, original->hash == hash, Check::IMPORTED_LEAVES, sequence,
                      absl::StrCat("leaf ", number, " of the other book, ", HexEncode(original->hash)),
                      HexEncode(hash));
  }
  CheckBody(sequence, entry, leaf, original);
  ReadKeys(sequence, entry, leaf);
  if (entry.has_body()) Fold(sequence, number, entry.effects());
  last_hash_ = hash;
  frontier_.Append(hash);
  return true;
}

void ImportAudit::CheckBody(uint64_t sequence, const v1::ImportedEntry& entry, const LeafView& leaf,
                            const LeafWindow::Entry* original) {
  const auto is = [](const std::string& bytes, absl::string_view digest) {
    const Digest computed = Sha256(bytes);
    return AsBytes(computed) == digest;
  };
  const bool good = !entry.has_body() ? entry.command().empty() && entry.context().empty() && entry.effects().empty()
                                      : is(entry.effects(), leaf.effects_digest()) &&
                                            (entry.command().empty() || is(entry.command(), leaf.command_digest())) &&
                                            (entry.context().empty() || is(entry.context(), leaf.context_digest()));
  JCM_AUDIT_REQUIRE(report_, good, Check::SHADOW, sequence,
                    absl::StrCat("bodies of imported entry ", leaf.sequence(), " as its leaf names them"), "others");
  if (original == nullptr) return;
  JCM_AUDIT_REQUIRE(report_, entry.has_body() || !original->published, Check::SHADOW, sequence,
                    absl::StrCat("the body of entry ", leaf.sequence(), ", which changes published records"), "none");
}

void ImportAudit::ReadKeys(uint64_t sequence, const v1::ImportedEntry& entry, const LeafView& leaf) {
  const bool genesis = leaf.kind() == book::LeafKind::GENESIS;
  if (!genesis && leaf.kind() != book::LeafKind::KEY_CHANGE) return;
  absl::StatusOr<book::Leaf> decoded = book::DecodeLeaf(entry.leaf());
  absl::Status status = decoded.status();
  if (status.ok() && genesis) {
    absl::StatusOr<book::GenesisFacts> facts = book::CheckGenesis(entry.command(), *decoded);
    status = facts.status();
    if (status.ok()) {
      origin_ = facts->origin;
      keys_ = std::move(facts->keys);
    }
  } else if (status.ok() && keys_.has_value()) {
    status = book::ApplyKeyChange(entry.command(), *decoded, origin_, own_recovery_key_, *keys_);
  }
  JCM_AUDIT_REQUIRE(report_, status.ok(), Check::KEYS, sequence, "keys of the other side that are in order",
                    ToText(status));
}

// What the shadows of the entry's published records become, from the other book's own effects.
void ImportAudit::Fold(uint64_t sequence, uint64_t peer_sequence, absl::string_view bytes) {
  std::vector<EffectBytes> effects;
  if (!ParseEffects(bytes, &effects)) {
    report_.Fail(Check::SHADOW, sequence, "", absl::StrCat("effects of imported entry ", peer_sequence),
                 "bytes that are none");
    return;
  }
  const std::string peer_book = absl::StrCat(peer_registry_, "/", book_.partnership);
  const bool agreed = !tables_.Get(v1::TABLE_RESOLUTION, RangeKey(peer_book, peer_sequence)).empty();
  for (const EffectBytes& effect : effects) {
    if (!IsPublished(effect.table)) continue;
    const Key key{effect.table + kShadowOffset, std::string(effect.key)};
    auto change = expected_.find(key);
    if (change == expected_.end()) {
      const std::string now(tables_.Get(key.first, key.second));
      change = expected_.emplace(key, Change{now, now}).first;
    }
    if (!agreed) {
      JCM_AUDIT_REQUIRE(report_, change->second.to == effect.old_value, Check::SHADOW, sequence,
                        absl::StrCat("imported entry ", peer_sequence, " starting from the record that is here"),
                        absl::StrCat("another old value in table ", effect.table));
    }
    change->second.to = std::string(effect.new_value);
  }
}

void ImportAudit::CompareShadows(uint64_t sequence, const std::vector<EffectBytes>& effects) {
  uint64_t found = 0;
  for (const EffectBytes& effect : effects) {
    if (effect.table <= kShadowOffset) continue;
    const auto expected = expected_.find({effect.table, std::string(effect.key)});
    const bool same = expected != expected_.end() && expected->second.to == effect.new_value;
    JCM_AUDIT_REQUIRE(
        report_, same, Check::SHADOW, sequence,
        absl::StrCat("record ", effect.key, " of table ", effect.table - kShadowOffset, " as the other book has it"),
        "another value");
    found += expected != expected_.end() && expected->second.from != expected->second.to ? 1 : 0;
  }
  const auto changed = static_cast<uint64_t>(std::count_if(
      expected_.begin(), expected_.end(), [](const auto& entry) { return entry.second.from != entry.second.to; }));
  JCM_AUDIT_REQUIRE(report_, found == changed, Check::SHADOW, sequence,
                    absl::StrCat(changed, " imported records changed"), absl::StrCat(found));
}

void ImportAudit::CheckCursor(uint64_t sequence, const std::vector<EffectBytes>& effects) {
  v1::CursorRecord cursor;
  bool known = false;
  for (const EffectBytes& effect : effects) {
    if (effect.table == v1::TABLE_CURSOR) known = Parse(effect.new_value, &cursor);
  }
  const bool same = known && cursor.imported_size() == imported_size() && cursor.frontier() == frontier_.Encode() &&
                    cursor.last_leaf_hash() == AsBytes(last_hash_) && cursor.peer_registry() == peer_registry_;
  JCM_AUDIT_REQUIRE(report_, same, Check::IMPORT, sequence,
                    absl::StrCat("a cursor at ", imported_size(), " with the tree of the imported leaves"),
                    absl::StrCat("a cursor at ", cursor.imported_size()));
}

void ImportAudit::CheckCheckpoint(uint64_t sequence, const v1::Import& import) {
  const auto fail = [&](absl::string_view found) {
    report_.Fail(Check::IMPORT, sequence, "", "the other side's signed checkpoint over what is imported", found);
  };
  if (!keys_.has_value()) return fail("no keys of the other side");
  absl::StatusOr<book::Note> note = book::ParseNote(import.checkpoint());
  if (!note.ok()) return fail(ToText(note.status()));
  absl::StatusOr<book::Checkpoint> stated = book::ParseCheckpoint(note->text);
  if (!stated.ok()) return fail(ToText(stated.status()));
  if (stated->origin != origin_ || stated->size < imported_size())
    return fail("one of another book or of fewer entries");
  absl::StatusOr<book::VerifiedCheckpoint> verified = book::VerifyCheckpoint(*note, keys_->At(stated->size));
  if (!verified.ok()) return fail(ToText(verified.status()));
  std::vector<Digest> proof;
  for (const std::string& bytes : import.consistency_proof()) {
    absl::StatusOr<Digest> hash = DigestFromBytes(bytes);
    if (!hash.ok() || proof.size() >= book::kProofHashesMax) return fail("a proof that is none");
    proof.push_back(*hash);
  }
  const absl::Status consistent =
      book::VerifyConsistency(imported_size(), stated->size, frontier_.Root(), stated->root, proof);
  if (!consistent.ok()) return fail("leaves that do not lead to its root");
  report_.Passed(Check::IMPORT);
}

}  // namespace jcm::verify
