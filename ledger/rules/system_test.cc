#include "ledger/rules/system.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/date.h"
#include "ledger/rules/key_checks.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

using book::LeafKind;

class SystemRules : public testing::Test {
 protected:
  SystemRules() {
    pair_.jpn().AddPerson("officer", {v1::ROLE_RECOVERY_OFFICER});
    pair_.jpn().AddPerson("officer2", {v1::ROLE_RECOVERY_OFFICER});
  }

  std::string Append(LeafKind kind, const google::protobuf::MessageLite& message, const std::string& book = "TH") {
    return Why(pair_.jpn().Append(book, kind, state::Serialise(message)));
  }

  v1::BookRecord Record(const std::string& book = "TH") {
    return *pair_.jpn().book(book).Find<v1::BookRecord>(v1::TABLE_BOOK, "book");
  }

  // A statement of a kind, signed by the keys of these names.
  template <typename Signed>
  Signed Sign(const std::string& type, const google::protobuf::MessageLite& body,
              const std::vector<std::string>& keys) {
    Signed out;
    out.set_statement(state::Serialise(body));
    for (const std::string& key : keys) *out.add_signatures() = TestSign(TestKey(key), type, out.statement());
    return out;
  }

  TestPair pair_;
};

// ---- genesis
// ---------------------------------------------------------------------------------------------------------

v1::Genesis ValidGenesis(const TestRegistry& registry, const std::string& book) {
  v1::Genesis genesis;
  genesis.set_format(1);
  genesis.set_origin(registry.Origin(book));
  genesis.set_rules_version(kRulesVersion);
  *genesis.mutable_keys() = registry.replica_keys();
  *genesis.mutable_recovery_key() = ToData(registry.recovery_key().public_key());
  return genesis;
}

TEST(Genesis, BeginsABookOnce) {
  TestRegistry jpn("JPN", {"TH"}, At("2026-03-02T00:00:00Z"));
  const auto refusal = [&](const std::string& book, const std::function<void(v1::Genesis&)>& change) {
    v1::Genesis genesis = ValidGenesis(jpn, book);
    change(genesis);
    TestBook fresh({"JPN", book});
    return Why(fresh.Append(LeafKind::GENESIS, state::Serialise(genesis), "", jpn.now()));
  };
  EXPECT_EQ(refusal("TH", [](v1::Genesis&) {}), "OK");
  EXPECT_EQ(refusal("TH", [](v1::Genesis& g) { g.set_format(2); }), "FIELD_INVALID");
  EXPECT_EQ(refusal("TH", [](v1::Genesis& g) { g.set_origin("demo.invalid/JPN/MV"); }), "FIELD_INVALID");
  EXPECT_EQ(refusal("TH", [](v1::Genesis& g) { g.set_rules_version(2); }), "FIELD_INVALID");
  EXPECT_EQ(refusal("TH", [](v1::Genesis& g) { g.set_rulebook_digest("short"); }), "FIELD_INVALID");
  EXPECT_NE(refusal("TH", [](v1::Genesis& g) { g.clear_keys(); }), "OK");
  EXPECT_NE(refusal("TH", [](v1::Genesis& g) { g.clear_recovery_key(); }), "OK");
  EXPECT_EQ(refusal("TH", [](v1::Genesis& g) { g.add_persons(); }), "FIELD_INVALID");
  EXPECT_EQ(refusal("home", [](v1::Genesis&) {}), "FIELD_INVALID");  // nobody could act
  EXPECT_EQ(Why(jpn.Append("TH", LeafKind::GENESIS, state::Serialise(ValidGenesis(jpn, "TH")))), "ALREADY_EXISTS");
}

TEST(Genesis, ComesBeforeEverythingElse) {
  TestBook fresh({"JPN", "TH"});
  v1::Tick tick;
  tick.set_limit(1);
  EXPECT_EQ(Why(fresh.Append(LeafKind::TICK, state::Serialise(tick), "", At("2026-03-02T00:00:00Z"))), "BOOK_UNKNOWN");
}

// ---- ticks
// -----------------------------------------------------------------------------------------------------------

TEST_F(SystemRules, TickOnlyWhenSomethingIsDueAndWithinLimits) {
  v1::Tick tick;
  EXPECT_EQ(Append(LeafKind::TICK, tick), "FIELD_INVALID");
  tick.set_limit(101);
  EXPECT_EQ(Append(LeafKind::TICK, tick), "FIELD_INVALID");
  tick.set_limit(1);
  EXPECT_EQ(Append(LeafKind::TICK, tick), "FIELD_INVALID");  // nothing is due
  for (const std::string id : {"D1", "D2"}) {
    v1::DecisionText text;
    text.set_kind(v1::DECISION_KIND_DOCUMENT);
    text.set_title(id);
    text.set_document_digest(std::string(32, 'd'));
    v1::Command open;
    open.mutable_open_decision()->set_decision_id(id);
    open.mutable_open_decision()->set_mode(v1::DECISION_MODE_ELECTRONIC);
    open.mutable_open_decision()->set_rulebook_version("TH/1");
    open.mutable_open_decision()->set_text(state::Serialise(text));
    ASSERT_EQ(pair_.jpn().Submit("TH", open, {"secretary"}), absl::OkStatus());
  }
  pair_.Advance(90 * kMicrosPerDay - 1);
  EXPECT_EQ(Append(LeafKind::TICK, tick), "FIELD_INVALID");
  pair_.Advance(1);
  EXPECT_EQ(Append(LeafKind::TICK, tick), "OK");  // one of the two
  EXPECT_TRUE(EarliestDeadline(pair_.jpn().book("TH").state())->has_value());
  EXPECT_EQ(Append(LeafKind::TICK, tick), "OK");
  EXPECT_FALSE(EarliestDeadline(pair_.jpn().book("TH").state())->has_value());
}

// ---- state roots, halts, late stamps
// ---------------------------------------------------------------------------------

TEST_F(SystemRules, RecordStateRootsOfGrowingSizes) {
  v1::StateRoot root;
  root.set_size(2);
  EXPECT_EQ(Append(LeafKind::STATE_ROOT, root), "FIELD_REQUIRED");
  root.set_root(std::string(32, 'r'));
  EXPECT_EQ(Append(LeafKind::STATE_ROOT, root), "FIELD_REQUIRED");  // home's root
  root.set_home_root("short");
  EXPECT_EQ(Append(LeafKind::STATE_ROOT, root), "FIELD_INVALID");
  root.set_home_root(std::string(32, 'h'));
  EXPECT_EQ(Append(LeafKind::STATE_ROOT, root), "OK");
  EXPECT_EQ(Append(LeafKind::STATE_ROOT, root), "FIELD_INVALID");  // not above the last
  root.set_size(1'000);
  EXPECT_EQ(Append(LeafKind::STATE_ROOT, root), "FIELD_INVALID");  // not there yet
  EXPECT_EQ(Record().last_state_root_size(), 2u);
}

TEST_F(SystemRules, HaltOnceAndForAReason) {
  v1::Halt halt;
  EXPECT_EQ(Append(LeafKind::HALT, halt), "FIELD_INVALID");
  halt.set_mismatch(v1::MISMATCH_CLASS_UNSUPPORTED);
  EXPECT_EQ(Append(LeafKind::HALT, halt), "FIELD_INVALID");
  halt.set_mismatch(v1::MISMATCH_CLASS_FORK);
  EXPECT_EQ(Append(LeafKind::HALT, halt), "FIELD_REQUIRED");  // the evidence
  halt.set_evidence_digest(std::string(32, 'e'));
  EXPECT_EQ(Append(LeafKind::HALT, halt, kHome), "OBJECT_UNKNOWN");  // home imports from nobody
  ASSERT_EQ(pair_.Import(pair_.jpn(), 2), absl::OkStatus());
  halt.set_mismatch(v1::MISMATCH_CLASS_INVALID_ACT);
  halt.set_peer_sequence(1);
  EXPECT_EQ(Append(LeafKind::HALT, halt), "FIELD_INVALID");  // imported already
  halt.set_peer_sequence(2);
  EXPECT_EQ(Append(LeafKind::HALT, halt), "OK");
  EXPECT_EQ(Append(LeafKind::HALT, halt), "PARTNERSHIP_STOPPED");
}

TEST_F(SystemRules, NoteEntriesThatWereStampedLate) {
  v1::LateStamped late;
  late.set_cosigned_at_us(10);
  late.set_stamped_at_us(5);
  EXPECT_EQ(Append(LeafKind::LATE_STAMPED, late), "FIELD_INVALID");  // an empty range
  late.set_to(1);
  EXPECT_EQ(Append(LeafKind::LATE_STAMPED, late), "OK");
  late.set_stamped_at_us(10);
  EXPECT_EQ(Append(LeafKind::LATE_STAMPED, late), "FIELD_INVALID");
}

TEST_F(SystemRules, TakeNoContextWhereNobodySigns) {
  v1::Context context;
  context.add_signers()->set_pseudonym("somebody");
  for (LeafKind kind : {LeafKind::TICK, LeafKind::STATE_ROOT, LeafKind::HALT, LeafKind::ACTIVATE_RULES,
                        LeafKind::KEY_CHANGE, LeafKind::RESOLUTION, LeafKind::HOME_RESET, LeafKind::LATE_STAMPED}) {
    EntryInput input;
    input.book = {"JPN", "TH"};
    input.kind = kind;
    const std::string bytes = state::Serialise(context);
    input.context = bytes;
    EXPECT_EQ(Why(Execute(pair_.jpn().book("TH").state(), input, PlainVerifier()).status()), "FIELD_INVALID")
        << book::KindName(kind);
  }
}

// ---- resolutions
// -----------------------------------------------------------------------------------------------------

class ResolutionRules : public SystemRules {
 protected:
  std::string Resolve(const v1::ResolutionBody& body, const std::vector<std::string>& keys) {
    v1::Resolution resolution;
    resolution.set_resolution(state::Serialise(body));
    for (const std::string& key : keys) {
      *resolution.add_signatures() = TestSign(TestKey(key), kResolutionType, resolution.resolution());
    }
    return Append(LeafKind::RESOLUTION, resolution);
  }

  v1::ResolutionBody Body() {
    v1::ResolutionBody body;
    body.set_resolution_id("R1");
    v1::DisputedLeaf* leaf = body.add_leaves();
    leaf->set_book("THA/TH");
    leaf->set_sequence(3);
    leaf->set_leaf_hash(std::string(32, 'l'));
    leaf->set_action(v1::RESOLUTION_ACTION_ACCEPT_AS_WRITTEN);
    return body;
  }

  const std::vector<std::string> both_ = {"JPN recovery", "THA recovery"};
};

TEST_F(ResolutionRules, EndAHaltBySignaturesOfBothRecoveryKeys) {
  v1::Halt halt;
  halt.set_mismatch(v1::MISMATCH_CLASS_INVALID_ACT);
  halt.set_peer_sequence(3);
  halt.set_evidence_digest(std::string(32, 'e'));
  ASSERT_EQ(Append(LeafKind::HALT, halt), "OK");
  EXPECT_EQ(Resolve(Body(), {}), "SIGNATURE_MISSING");
  EXPECT_EQ(Resolve(Body(), {"JPN recovery"}), "SIGNATURE_MISSING");
  EXPECT_EQ(Resolve(Body(), {"THA recovery"}), "SIGNATURE_MISSING");
  EXPECT_EQ(Resolve(Body(), both_), "OK");
  EXPECT_FALSE(pair_.jpn().book("TH").Find<v1::CursorRecord>(v1::TABLE_CURSOR, "peer")->halted());
  EXPECT_EQ(Why(pair_.Import(pair_.jpn(), 2)), "OK");
}

TEST_F(ResolutionRules, SayWhatIsResolved) {
  v1::ResolutionBody body = Body();
  body.clear_resolution_id();
  EXPECT_EQ(Resolve(body, both_), "FIELD_REQUIRED");
  body = Body();
  body.clear_leaves();
  EXPECT_EQ(Resolve(body, both_), "FIELD_REQUIRED");
  body = Body();
  body.mutable_leaves(0)->clear_action();
  EXPECT_EQ(Resolve(body, both_), "FIELD_INVALID");
  body = Body();
  body.mutable_leaves(0)->set_book("MDV/MV");
  EXPECT_EQ(Resolve(body, both_), "FIELD_INVALID");
  body = Body();
  body.mutable_leaves(0)->set_book("JPN/TH");
  body.mutable_leaves(0)->set_sequence(1'000);
  EXPECT_EQ(Resolve(body, both_), "FIELD_INVALID");
  body = Body();
  body.mutable_leaves(0)->clear_leaf_hash();
  EXPECT_EQ(Resolve(body, both_), "FIELD_REQUIRED");
}

TEST_F(ResolutionRules, CompensateInTheBookThatErred) {
  const auto project = *pair_.jpn().book("TH").Find<v1::ProjectRecord>(v1::TABLE_PROJECT, "TH014");
  v1::Effects effects;
  v1::Effect* effect = effects.add_effects();
  effect->set_table(v1::TABLE_PROJECT);
  effect->set_key("TH014");
  effect->set_old_value("something else");
  v1::ResolutionBody body = Body();
  v1::DisputedLeaf* leaf = body.mutable_leaves(0);
  leaf->set_book("JPN/TH");
  leaf->set_action(v1::RESOLUTION_ACTION_COMPENSATE);
  leaf->set_effects(state::Serialise(effects));
  EXPECT_EQ(Resolve(body, both_), "DIGEST_MISMATCH");
  effect->set_old_value(state::Serialise(project));
  effect->set_table(state::Shadow(v1::TABLE_PROJECT));
  leaf->set_effects(state::Serialise(effects));
  EXPECT_EQ(Resolve(body, both_), "FIELD_INVALID");
  effect->set_table(v1::TABLE_PROJECT);
  leaf->set_effects(state::Serialise(effects));
  EXPECT_EQ(Resolve(body, both_), "OK");
  EXPECT_FALSE(pair_.jpn().book("TH").Find<v1::ProjectRecord>(v1::TABLE_PROJECT, "TH014").has_value());
}

TEST_F(ResolutionRules, KeepABranchThatHoldsWhatWasImported) {
  ASSERT_EQ(pair_.Import(pair_.jpn(), 3), absl::OkStatus());
  v1::ResolutionBody body;
  body.set_resolution_id("R1");
  body.set_kept_origin(pair_.host().Origin("TH"));
  body.set_kept_size(2);
  EXPECT_EQ(Resolve(body, both_), "FIELD_REQUIRED");  // the root
  body.set_kept_root(std::string(32, 'r'));
  EXPECT_EQ(Resolve(body, both_), "FIELD_INVALID");
  body.set_kept_size(3);
  EXPECT_EQ(Resolve(body, both_), "OK");
}

// ---- what officers sign
// ----------------------------------------------------------------------------------------------

TEST_F(SystemRules, ResumeAloneOnTheWordOfTwoOfficers) {
  v1::ResumeAloneBody body;
  body.set_origin(pair_.jpn().Origin("TH"));
  body.set_size(pair_.jpn().book("TH").size());
  body.set_root(std::string(32, 'r'));
  body.set_reason("the partner cannot be reached");
  const auto resume = [&](const std::vector<std::string>& keys) {
    return Append(LeafKind::RESUME_ALONE, Sign<v1::ResumeAlone>(kResumeAloneType, body, keys));
  };
  EXPECT_EQ(resume({}), "SIGNATURE_MISSING");
  EXPECT_EQ(resume({"JPN officer"}), "TWO_PERSONS_REQUIRED");
  EXPECT_EQ(resume({"JPN officer", "JPN officer"}), "TWO_PERSONS_REQUIRED");
  EXPECT_EQ(resume({"JPN officer", "JPN secretary"}), "ROLE_NOT_ALLOWED");
  EXPECT_EQ(resume({"JPN officer", "JPN organization"}), "ROLE_NOT_ALLOWED");
  EXPECT_EQ(resume({"JPN officer", "JPN stranger"}), "KEY_UNKNOWN");
  body.set_size(body.size() + 1);
  EXPECT_EQ(resume({"JPN officer", "JPN officer2"}), "FIELD_INVALID");
  body.set_size(body.size() - 1);
  body.set_origin(pair_.host().Origin("TH"));
  EXPECT_EQ(resume({"JPN officer", "JPN officer2"}), "FIELD_INVALID");
  body.set_origin(pair_.jpn().Origin("TH"));
  EXPECT_EQ(resume({"JPN officer", "JPN operator"}), "OK");
  EXPECT_EQ(Record().resumed_alone_at_size(), body.size());
}

TEST_F(SystemRules, AcceptTheTimeOnAnOfficersWord) {
  v1::AcceptTimeBody body;
  body.set_registry("JPN");
  body.set_reason("the clock was compared by telephone");
  const auto accept = [&](const std::string& key) {
    return Append(LeafKind::ACCEPT_TIME, Sign<v1::AcceptTime>(kAcceptTimeType, body, {key}), kHome);
  };
  EXPECT_EQ(accept("JPN officer"), "FIELD_REQUIRED");
  body.set_wall_time_us(1);
  EXPECT_EQ(accept("JPN secretary"), "ROLE_NOT_ALLOWED");
  EXPECT_EQ(accept("JPN officer"), "OK");
  body.set_registry("THA");
  EXPECT_EQ(accept("JPN officer"), "WRONG_REGISTRY");
}

TEST_F(SystemRules, ResetHomeByRecoveryKeyAndFreezeWhatChangedInTheLostRange) {
  pair_.jpn().AddAccount("A-1", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"representative"});
  v1::HomeResetBody body;
  body.set_kept_size(pair_.jpn().home().size());
  body.set_lost_size(body.kept_size() + 3);
  body.add_frozen_accounts("A-1");
  body.add_frozen_persons("representative");
  const auto reset = [&](const std::string& key, const std::string& book) {
    return Append(LeafKind::HOME_RESET, Sign<v1::HomeReset>(kHomeResetType, body, {key}), book);
  };
  EXPECT_EQ(reset("JPN recovery", "TH"), "FIELD_INVALID");
  EXPECT_EQ(reset("JPN officer", kHome), "SIGNATURE_MISSING");
  body.set_lost_size(body.kept_size());
  EXPECT_EQ(reset("JPN recovery", kHome), "FIELD_INVALID");
  body.set_lost_size(body.kept_size() + 3);
  body.set_frozen_accounts(0, "A-9");
  EXPECT_EQ(reset("JPN recovery", kHome), "OBJECT_UNKNOWN");
  body.set_frozen_accounts(0, "A-1");
  EXPECT_EQ(reset("JPN recovery", kHome), "OK");
  EXPECT_EQ(pair_.jpn().home().Find<v1::AccountRecord>(v1::TABLE_ACCOUNT, "A-1")->state(), v1::ACCOUNT_STATE_FROZEN);
  v1::Command withdraw;
  withdraw.mutable_withdraw_transfer()->set_transfer_id("T1");
  EXPECT_EQ(Why(pair_.jpn().Submit("TH", withdraw, {"representative"})), "KEY_REVOKED");
}

// ---- keys
// ------------------------------------------------------------------------------------------------------------

class KeyChangeRules : public SystemRules {
 protected:
  v1::KeyChangeBody Body() {
    v1::KeyChangeBody body;
    body.set_origin(pair_.jpn().Origin("TH"));
    body.set_effective_size(pair_.jpn().book("TH").size() + 1);
    body.mutable_keys()->set_k(1);
    v1::ReplicaKey* key = body.mutable_keys()->add_keys();
    key->set_name("demo.invalid/JPN/2");
    *key->mutable_key() = ToData(TestKey("JPN replica 2").public_key());
    return body;
  }

  std::string Change(const v1::KeyChangeBody& body, const std::vector<std::string>& keys) {
    v1::KeyChange change;
    change.set_change(state::Serialise(body));
    for (const std::string& key : keys) {
      *change.add_signatures() = TestSign(TestKey(key), "application/vnd.jcm.key-change.v1", change.change());
    }
    return Append(LeafKind::KEY_CHANGE, change);
  }
};

TEST_F(KeyChangeRules, NeedTheOldSetAndEveryNewKey) {
  EXPECT_EQ(Change(Body(), {"JPN replica 1"}), "SIGNATURES_NOT_ENOUGH");
  EXPECT_EQ(Change(Body(), {"JPN replica 2"}), "SIGNATURES_NOT_ENOUGH");
  EXPECT_EQ(Change(Body(), {"JPN replica 1", "JPN replica 2"}), "OK");
  EXPECT_EQ(Record().keys().keys(0).name(), "demo.invalid/JPN/2");
  EXPECT_EQ(Record().previous_keys().keys(0).name(), "demo.invalid/JPN/1");
  EXPECT_EQ(Record().keys_from_size(), pair_.jpn().book("TH").size());
}

TEST_F(KeyChangeRules, AreForThisBookAndForwardInSize) {
  v1::KeyChangeBody body = Body();
  body.set_origin(pair_.jpn().Origin(kHome));
  EXPECT_EQ(Change(body, {"JPN replica 1", "JPN replica 2"}), "FIELD_INVALID");
  body = Body();
  body.set_effective_size(body.effective_size() - 1);
  EXPECT_EQ(Change(body, {"JPN replica 1", "JPN replica 2"}), "FIELD_INVALID");
  body.set_effective_size(body.effective_size() + kKeyChangeAheadMax + 1);
  EXPECT_EQ(Change(body, {"JPN replica 1", "JPN replica 2"}), "FIELD_INVALID");
}

TEST_F(KeyChangeRules, ComeOneAfterTheOther) {
  v1::KeyChangeBody body = Body();
  body.set_effective_size(body.effective_size() + 5);
  ASSERT_EQ(Change(body, {"JPN replica 1", "JPN replica 2"}), "OK");
  v1::KeyChangeBody next = Body();
  next.set_effective_size(body.effective_size() + 1);
  next.mutable_keys()->mutable_keys(0)->set_name("demo.invalid/JPN/3");
  *next.mutable_keys()->mutable_keys(0)->mutable_key() = ToData(TestKey("JPN replica 3").public_key());
  EXPECT_EQ(Change(next, {"JPN replica 2", "JPN replica 3"}), "FIELD_INVALID");  // the last does not hold yet
}

TEST_F(KeyChangeRules, MayComeFromTheRecoveryKeyWithTwoPersons) {
  v1::KeyChangeBody body = Body();
  body.set_by_recovery_key(true);
  EXPECT_EQ(Change(body, {"JPN recovery", "JPN replica 2"}), "FIELD_INVALID");
  body.add_acknowledged_by("a person");
  body.add_acknowledged_by("another person");
  EXPECT_EQ(Change(body, {"JPN replica 1", "JPN replica 2"}), "SIGNATURES_NOT_ENOUGH");
  EXPECT_EQ(Change(body, {"JPN recovery", "JPN replica 2"}), "OK");
}

TEST_F(KeyChangeRules, ReplaceTheRecoveryKeyByItselfOrWithThePartners) {
  v1::KeyChangeBody body = Body();
  *body.mutable_recovery_key() = ToData(TestKey("JPN recovery 2").public_key());
  const std::vector<std::string> set = {"JPN replica 1", "JPN replica 2", "JPN recovery 2"};
  EXPECT_EQ(Change(body, set), "SIGNATURES_NOT_ENOUGH");
  TestPair before = pair_;
  std::vector<std::string> with_partner = set;
  with_partner.push_back("THA recovery");
  EXPECT_EQ(Change(body, with_partner), "OK");
  pair_ = before;
  std::vector<std::string> by_itself = set;
  by_itself.push_back("JPN recovery");
  EXPECT_EQ(Change(body, by_itself), "OK");
  EXPECT_EQ(Record().recovery_key().key(), TestKey("JPN recovery 2").public_key().bytes());
}

TEST_F(SystemRules, RefuseKindsThatThereAreNot) {
  EXPECT_EQ(Append(static_cast<LeafKind>(99), v1::Tick()), "MESSAGE_MALFORMED");
}

}  // namespace
}  // namespace jcm::rules
