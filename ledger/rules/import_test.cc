#include "ledger/rules/import.h"

#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/base/proto_check.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/genesis.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

using book::LeafKind;

class ImportRules : public testing::Test {
 protected:
  v1::CursorRecord Cursor() { return *pair_.jpn().book("TH").Find<v1::CursorRecord>(v1::TABLE_CURSOR, "peer"); }

  v1::Import Everything(uint64_t to = 0) { return MakeImport(pair_.jpn(), pair_.host(), "TH", to); }

  std::string Refusal(const v1::Import& import) {
    return Why(pair_.jpn().Append("TH", LeafKind::IMPORT, state::Serialise(import)));
  }

  std::string Changed(const std::function<void(v1::Import&)>& change) {
    v1::Import import = Everything();
    change(import);
    return Refusal(import);
  }

  // The other book as if its last entry had had these effects: leaf, tree and signature are true, the act is not.
  v1::Import WithSignedEffects(const v1::Effects& effects) {
    v1::Import import = Everything();
    v1::ImportedEntry* last = import.mutable_entries(import.entries_size() - 1);
    last->set_has_body(true);
    last->clear_command();
    last->set_effects(state::Serialise(effects));
    auto leaf = book::DecodeLeaf(last->leaf());
    EXPECT_TRUE(leaf.ok());
    leaf->effects_digest = Sha256(last->effects());
    last->set_leaf(book::EncodeLeaf(*leaf));
    Resign(&import);
    return import;
  }

  // A checkpoint of exactly this range, by the true key.
  void Resign(v1::Import* import) {
    book::Frontier frontier;
    const TestBook& book = pair_.host().book("TH");
    for (uint64_t i = 0; i < import->from(); ++i) frontier.Append(book.HashOf(i));
    for (const v1::ImportedEntry& entry : import->entries()) frontier.Append(book::LeafHash(entry.leaf()));
    const book::Checkpoint checkpoint{pair_.host().Origin("TH"), frontier.size(), frontier.Root()};
    book::Note note = book::UnsignedCheckpoint(checkpoint);
    const std::string name = book::KeyNameOf("demo.invalid", "THA", "1");
    ASSERT_TRUE(book::AddSignatureLine(note, book::SignCheckpoint(checkpoint, name, pair_.host().replica_key())).ok());
    import->set_checkpoint(book::FormatNote(note));
    import->clear_consistency_proof();
  }

  v1::Effect RecordOf(v1::Table table, const std::string& key, const google::protobuf::MessageLite& record) {
    v1::Effect effect;
    effect.set_table(table);
    effect.set_key(key);
    effect.set_new_value(state::Serialise(record));
    return effect;
  }

  std::string Signed(const v1::Effect& effect) {
    v1::Effects effects;
    *effects.add_effects() = effect;
    return Refusal(WithSignedEffects(effects));
  }

  TestPair pair_;
};

TEST_F(ImportRules, TakesARangeAndKeepsItsRecordsAsShadows) {
  ASSERT_EQ(Refusal(Everything()), "OK");
  const TestBook& book = pair_.jpn().book("TH");
  EXPECT_EQ(Cursor().imported_size(), pair_.host().book("TH").size());
  EXPECT_EQ(book.LeafOf(book.size() - 1).peer_size, pair_.host().book("TH").size());
  EXPECT_TRUE(book.Find<v1::MemberRecord>(state::Shadow(v1::TABLE_MEMBER), "THA-chair").has_value());
  EXPECT_TRUE(book.Find<v1::ProjectRecord>(state::Shadow(v1::TABLE_PROJECT), "TH014").has_value());
  EXPECT_FALSE(book.Find<v1::RulebookRecord>(state::Shadow(v1::TABLE_RULEBOOK), "TH/1").has_value());
  EXPECT_EQ(book.ReplayAll(), absl::OkStatus());
}

TEST_F(ImportRules, TakesARangeInPieces) {
  while (Cursor().imported_size() < pair_.host().book("TH").size()) {
    ASSERT_EQ(pair_.Import(pair_.jpn(), 1), absl::OkStatus());
  }
  TestPair at_once;
  ASSERT_EQ(at_once.Import(at_once.jpn()), absl::OkStatus());
  const auto other = *at_once.jpn().book("TH").Find<v1::CursorRecord>(v1::TABLE_CURSOR, "peer");
  EXPECT_EQ(Cursor().frontier(), other.frontier());
  EXPECT_EQ(Cursor().last_leaf_hash(), other.last_leaf_hash());
}

TEST_F(ImportRules, StartsAtTheCursor) {
  ASSERT_EQ(pair_.Import(pair_.jpn(), 2), absl::OkStatus());
  EXPECT_EQ(Changed([](v1::Import& i) { i.set_from(1); }), "IMPORT_NOT_CONTIGUOUS");
  EXPECT_EQ(Changed([](v1::Import& i) { i.set_from(3); }), "IMPORT_NOT_CONTIGUOUS");
  EXPECT_EQ(Changed([](v1::Import& i) { i.set_to(i.to() + 1); }), "IMPORT_NOT_CONTIGUOUS");
  EXPECT_EQ(Changed([](v1::Import& i) { i.set_to(i.from()); }), "IMPORT_NOT_CONTIGUOUS");
  EXPECT_EQ(Changed([](v1::Import& i) { i.mutable_entries()->RemoveLast(); }), "IMPORT_NOT_CONTIGUOUS");
}

TEST_F(ImportRules, IsLimitedInBytesAndLeaves) {
  EXPECT_EQ(Changed([](v1::Import& i) { i.set_checkpoint(std::string(kImportBytesMax, 'x')); }), "BUNDLE_TOO_LARGE");
  v1::Import many;
  many.set_to(kImportLeavesMax + 1);
  for (uint64_t i = 0; i <= kImportLeavesMax; ++i) many.add_entries();
  EXPECT_EQ(Refusal(many), "BUNDLE_TOO_LARGE");
}

TEST_F(ImportRules, RefusesABrokenChain) {
  EXPECT_EQ(Changed([](v1::Import& i) { i.mutable_entries(1)->set_leaf("short"); }), "LEAF_MALFORMED");
  EXPECT_EQ(Changed([](v1::Import& i) { i.mutable_entries()->SwapElements(1, 2); }), "CHAIN_BROKEN");
  EXPECT_EQ(Changed([](v1::Import& i) {
              auto leaf = *book::DecodeLeaf(i.entries(1).leaf());
              leaf.previous_hash[0] ^= 1;
              i.mutable_entries(1)->set_leaf(book::EncodeLeaf(leaf));
            }),
            "CHAIN_BROKEN");
  EXPECT_EQ(Changed([](v1::Import& i) {
              auto leaf = *book::DecodeLeaf(i.entries(1).leaf());
              leaf.time = BookTime::FromMicros(leaf.time.micros - 1);
              i.mutable_entries(1)->set_leaf(book::EncodeLeaf(leaf));
            }),
            "CHAIN_BROKEN");
}

TEST_F(ImportRules, RefusesBodiesThatAreNotTheLeafs) {
  EXPECT_EQ(Changed([](v1::Import& i) { i.mutable_entries(0)->set_command("other"); }), "DIGEST_MISMATCH");
  EXPECT_EQ(Changed([](v1::Import& i) { i.mutable_entries(0)->set_context("other"); }), "DIGEST_MISMATCH");
  EXPECT_EQ(Changed([](v1::Import& i) { i.mutable_entries(0)->set_effects("other"); }), "DIGEST_MISMATCH");
  EXPECT_EQ(Changed([](v1::Import& i) { i.mutable_entries(0)->clear_effects(); }), "DIGEST_MISMATCH");
  EXPECT_EQ(Changed([](v1::Import& i) { i.mutable_entries(0)->clear_command(); }), "FIELD_REQUIRED");
  EXPECT_EQ(Changed([](v1::Import& i) { i.mutable_entries(0)->set_has_body(false); }), "FIELD_REQUIRED");
  EXPECT_EQ(Changed([](v1::Import& i) { i.mutable_entries(1)->set_command("x"); }), "FIELD_INVALID");
}

TEST_F(ImportRules, RefusesAForgeryWithoutTheOtherRegistrysSignature) {
  EXPECT_EQ(Changed([](v1::Import& i) { i.set_checkpoint("nothing"); }), "NOTE_MALFORMED");
  EXPECT_EQ(Changed([&](v1::Import& i) { i.set_checkpoint(pair_.jpn().CheckpointOf("TH", 1)); }),
            "PEER_SIGNATURE_INVALID");
  EXPECT_EQ(Changed([&](v1::Import& i) { i.set_checkpoint(pair_.host().CheckpointOf("TH", 1)); }),
            "PEER_SIGNATURE_INVALID");
  // The true text under a key that is not the registry's.
  v1::Import forged = Everything();
  const uint64_t size = pair_.host().book("TH").size();
  auto note = *book::ParseNote(pair_.host().CheckpointOf("TH", size));
  const auto checkpoint = *book::ParseCheckpoint(note.text);
  note.signatures = {book::SignCheckpoint(checkpoint, book::KeyNameOf("demo.invalid", "THA", "1"), TestKey("thief"))};
  forged.set_checkpoint(book::FormatNote(note));
  EXPECT_EQ(Refusal(forged), "PEER_SIGNATURE_INVALID");
  EXPECT_EQ(Cursor().imported_size(), 0u);
  EXPECT_EQ(Refusal(Everything()), "OK");  // a forgery changes nothing and stops nothing
}

TEST_F(ImportRules, RefusesAWrongProofOfConsistency) {
  v1::Import import = Everything(3);
  ASSERT_GT(import.consistency_proof_size(), 0);
  v1::Import wrong = import;
  wrong.set_consistency_proof(0, std::string(32, 'x'));
  EXPECT_EQ(Refusal(wrong), "PROOF_INVALID");
  wrong.set_consistency_proof(0, "short");
  EXPECT_EQ(Refusal(wrong), "PROOF_INVALID");
  wrong.clear_consistency_proof();
  EXPECT_EQ(Refusal(wrong), "PROOF_INVALID");
  EXPECT_EQ(Refusal(import), "OK");
}

TEST_F(ImportRules, BeginsWithThePinnedGenesis) {
  // A Thai book that begins with other keys, all of it well formed and signed with them.
  v1::Import import = Everything();
  auto genesis = v1::Genesis();
  ASSERT_TRUE(ParseStrict(import.entries(0).command(), &genesis).ok());
  *genesis.mutable_recovery_key() = ToData(TestKey("stranger").public_key());
  auto leaf = *book::DecodeLeaf(import.entries(0).leaf());
  import.mutable_entries(0)->set_command(state::Serialise(genesis));
  leaf.command_digest = Sha256(import.entries(0).command());
  import.mutable_entries(0)->set_leaf(book::EncodeLeaf(leaf));
  EXPECT_EQ(Refusal(import), "PEER_SIGNATURE_INVALID");
}

TEST_F(ImportRules, LetsEntriesStampedFarAheadWait) {
  pair_.host().set_now(BookTime::FromMicros(pair_.jpn().now().micros + kStampedAheadMaxUs + 1));
  v1::Command command;
  command.mutable_supports_rules()->set_rules_version(2);
  ASSERT_EQ(pair_.host().Submit("TH", command, {"operator"}), absl::OkStatus());
  EXPECT_EQ(Refusal(Everything()), "STAMPED_AHEAD");
  pair_.jpn().set_now(BookTime::FromMicros(pair_.jpn().now().micros + 1));
  EXPECT_EQ(Refusal(Everything()), "OK");
}

TEST_F(ImportRules, RefusesEntriesOfNewerRules) {
  v1::Import import = Everything();
  auto leaf = *book::DecodeLeaf(import.entries(import.entries_size() - 1).leaf());
  leaf.rules_version = kRulesVersion + 1;
  import.mutable_entries(import.entries_size() - 1)->set_leaf(book::EncodeLeaf(leaf));
  Resign(&import);
  EXPECT_EQ(Refusal(import), "RULES_UNSUPPORTED");
}

TEST_F(ImportRules, RefusesWhileImportingHasStopped) {
  v1::Halt halt;
  halt.set_mismatch(v1::MISMATCH_CLASS_INVALID_ACT);
  halt.set_peer_sequence(3);
  halt.set_evidence_digest(std::string(32, 'e'));
  ASSERT_EQ(pair_.jpn().Append("TH", LeafKind::HALT, state::Serialise(halt)), absl::OkStatus());
  EXPECT_EQ(Refusal(Everything()), "PARTNERSHIP_STOPPED");
}

// ---- signed, and impossible
// ------------------------------------------------------------------------------------------

TEST_F(ImportRules, FindsAnOldValueThatNeverWasImpossible) {
  v1::MemberRecord member;
  member.set_member_id("THA-chair");
  v1::Effect effect = RecordOf(v1::TABLE_MEMBER, "THA-chair", member);
  effect.set_old_value("what never was");
  EXPECT_EQ(Signed(effect), "IMPOSSIBLE_ACT");
}

TEST_F(ImportRules, FindsUnreadableSignedEffectsImpossible) {
  v1::Import import = WithSignedEffects(v1::Effects());
  v1::ImportedEntry* last = import.mutable_entries(import.entries_size() - 1);
  last->set_effects("\xff");
  auto leaf = *book::DecodeLeaf(last->leaf());
  leaf.effects_digest = Sha256(last->effects());
  last->set_leaf(book::EncodeLeaf(leaf));
  Resign(&import);
  EXPECT_EQ(Refusal(import), "IMPOSSIBLE_ACT");
}

TEST_F(ImportRules, FindsMoreImportedThanThereIsImpossible) {
  v1::Import import = Everything();
  v1::ImportedEntry* last = import.mutable_entries(import.entries_size() - 1);
  auto leaf = *book::DecodeLeaf(last->leaf());
  leaf.peer_size = 1'000;  // more of Japan's book than there is
  last->set_leaf(book::EncodeLeaf(leaf));
  Resign(&import);
  EXPECT_EQ(Refusal(import), "IMPOSSIBLE_ACT");
}

TEST_F(ImportRules, FindsReactionsToNothingImpossible) {
  v1::ReactionRecord reaction;
  reaction.set_decision_id("D1");
  EXPECT_EQ(Signed(RecordOf(v1::TABLE_REACTION, "D1", reaction)), "IMPOSSIBLE_ACT");
  v1::VotesClosedRecord closed;
  closed.set_decision_id("D1");
  closed.set_through_us(1);
  EXPECT_EQ(Signed(RecordOf(v1::TABLE_VOTES_CLOSED, "D1", closed)), "IMPOSSIBLE_ACT");
}

TEST_F(ImportRules, FindsADecisionThatContradictsItselfImpossible) {
  v1::DecisionRecord decision;
  decision.set_decision_id("D1");
  decision.set_text("a text");
  decision.set_text_digest(std::string(32, 'x'));
  EXPECT_EQ(Signed(RecordOf(v1::TABLE_DECISION, "D1", decision)), "IMPOSSIBLE_ACT");
  const Digest digest = Sha256(decision.text());
  decision.set_text_digest(std::string(AsBytes(digest)));
  EXPECT_EQ(Signed(RecordOf(v1::TABLE_DECISION, "D1", decision)), "IMPOSSIBLE_ACT");  // parameters without limits
  *decision.mutable_parameters() = TestParameters();
  decision.set_state(v1::DECISION_STATE_ADOPTED);
  decision.set_outcome_through_us(1);
  EXPECT_EQ(Signed(RecordOf(v1::TABLE_DECISION, "D1", decision)), "IMPOSSIBLE_ACT");  // this side closed no votes
}

TEST_F(ImportRules, TakesAResolvedLeafAsBothGovernmentsAgreed) {
  v1::ReactionRecord reaction;
  reaction.set_decision_id("D1");
  v1::Effects effects;
  *effects.add_effects() = RecordOf(v1::TABLE_REACTION, "D1", reaction);
  const v1::Import import = WithSignedEffects(effects);
  ASSERT_EQ(Refusal(import), "IMPOSSIBLE_ACT");

  v1::ResolutionBody body;
  body.set_resolution_id("R1");
  v1::DisputedLeaf* leaf = body.add_leaves();
  leaf->set_book("THA/TH");
  leaf->set_sequence(import.to() - 1);
  leaf->set_action(v1::RESOLUTION_ACTION_ACCEPT_AS_WRITTEN);
  const auto append = [&](const std::string& leaf_hash) {
    leaf->set_leaf_hash(leaf_hash);
    v1::Resolution resolution;
    resolution.set_resolution(state::Serialise(body));
    for (TestRegistry* side : {&pair_.jpn(), &pair_.host()}) {
      *resolution.add_signatures() =
          TestSign(side->recovery_key(), "application/vnd.jcm.resolution.v1", resolution.resolution());
    }
    ASSERT_EQ(pair_.jpn().Append("TH", LeafKind::RESOLUTION, state::Serialise(resolution)), absl::OkStatus());
  };
  append(std::string(32, 'x'));
  EXPECT_EQ(Refusal(import), "IMPOSSIBLE_ACT");  // another leaf was agreed upon
  const Digest hash = book::LeafHash(import.entries(import.entries_size() - 1).leaf());
  append(std::string(AsBytes(hash)));
  EXPECT_EQ(Refusal(import), "OK");
  EXPECT_TRUE(pair_.jpn().book("TH").Find<v1::ReactionRecord>(state::Shadow(v1::TABLE_REACTION), "D1").has_value());
}

// ---- keys
// ------------------------------------------------------------------------------------------------------------

TEST_F(ImportRules, FollowsTheOtherRegistrysKeys) {
  ASSERT_EQ(pair_.Import(pair_.jpn()), absl::OkStatus());
  v1::KeyChangeBody body;
  body.set_origin(pair_.host().Origin("TH"));
  body.set_effective_size(pair_.host().book("TH").size() + 1);
  body.mutable_keys()->set_k(1);
  v1::ReplicaKey* key = body.mutable_keys()->add_keys();
  key->set_name("demo.invalid/THA/2");
  *key->mutable_key() = ToData(TestKey("THA replica 2").public_key());
  v1::KeyChange change;
  change.set_change(state::Serialise(body));
  book::AddKeyChangeSignature(change, pair_.host().replica_key());
  EXPECT_EQ(Why(pair_.host().Append("TH", LeafKind::KEY_CHANGE, state::Serialise(change))), "SIGNATURES_NOT_ENOUGH");
  book::AddKeyChangeSignature(change, TestKey("THA replica 2"));
  ASSERT_EQ(pair_.host().Append("TH", LeafKind::KEY_CHANGE, state::Serialise(change)), absl::OkStatus());

  // The old key no longer speaks for this size; the new one does.
  v1::Import import = Everything();
  EXPECT_EQ(Refusal(import), "PEER_SIGNATURE_INVALID");
  const auto checkpoint = *book::ParseCheckpoint(book::ParseNote(import.checkpoint())->text);
  book::Note note = book::UnsignedCheckpoint(checkpoint);
  ASSERT_TRUE(
      book::AddSignatureLine(note, book::SignCheckpoint(checkpoint, "demo.invalid/THA/2", TestKey("THA replica 2")))
          .ok());
  import.set_checkpoint(book::FormatNote(note));
  EXPECT_EQ(Refusal(import), "OK");
  EXPECT_EQ(Cursor().peer_keys().keys(0).name(), "demo.invalid/THA/2");
  EXPECT_EQ(Cursor().peer_keys_from_size(), pair_.host().book("TH").size());
}

// ---- what makes the other side import
// ---------------------------------------------------------------------------------

TEST(PublishedTables, AreThoseOfTheTwoBookProtocols) {
  for (int table = 0; table < 2'000; ++table) {
    const bool published = table == v1::TABLE_RULES || table == v1::TABLE_MEMBER ||
                           (table >= v1::TABLE_DECISION && table <= v1::TABLE_CONFLICT) || table == v1::TABLE_LOT ||
                           table == v1::TABLE_ISSUANCE || table == v1::TABLE_PROJECT ||
                           (table >= v1::TABLE_DOSSIER && table <= v1::TABLE_DOSSIER_REACTION) ||
                           (table >= v1::TABLE_AUTHORIZATION && table <= v1::TABLE_TRANSFER_IN);
    EXPECT_EQ(IsPublishedTable(table), published) << table;
  }
}

TEST(TriggersImport, IsNotForImportsTicksAndStateRootsThatPublishNothing) {
  v1::Effects nothing;
  nothing.add_effects()->set_table(v1::TABLE_CURSOR);
  v1::Effects published;
  published.add_effects()->set_table(v1::TABLE_VOTES_CLOSED);
  EXPECT_FALSE(TriggersImport(LeafKind::IMPORT, nothing));
  EXPECT_TRUE(TriggersImport(LeafKind::IMPORT, published));
  EXPECT_FALSE(TriggersImport(LeafKind::TICK, nothing));
  EXPECT_TRUE(TriggersImport(LeafKind::TICK, published));
  EXPECT_FALSE(TriggersImport(LeafKind::STATE_ROOT, nothing));
  EXPECT_FALSE(TriggersImport(LeafKind::LATE_STAMPED, nothing));
  EXPECT_TRUE(TriggersImport(LeafKind::COMMAND, nothing));
}

}  // namespace
}  // namespace jcm::rules
