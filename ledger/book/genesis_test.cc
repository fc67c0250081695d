#include "ledger/book/genesis.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"

namespace jcm::book {
namespace {

PrivateKey Key(uint64_t seed) {
  SeededRandom random(seed);
  return PrivateKey::Generate(random);
}

KeySet Replicas(uint32_t k, const std::vector<uint64_t>& seeds) {
  KeySet set;
  set.k = k;
  for (size_t i = 0; i < seeds.size(); ++i) {
    set.keys.push_back({"demo.invalid/JPN/" + std::to_string(i + 1), Key(seeds[i]).public_key()});
  }
  return set;
}

constexpr uint64_t kRecovery = 900, kPartnerRecovery = 901, kNewRecovery = 902;
const char kOrigin[] = "demo.invalid/JPN/TH";

v1::Genesis Example() {
  v1::Genesis genesis;
  genesis.set_format(1);
  genesis.set_origin(kOrigin);
  genesis.set_rules_version(1);
  genesis.set_rulebook_digest(std::string(32, 'r'));
  *genesis.mutable_keys() = KeySetToProto(Replicas(2, {1, 2, 3}));
  *genesis.mutable_recovery_key() = PublicKeyToProto(Key(kRecovery).public_key());
  genesis.set_demonstration(true);
  return genesis;
}

Leaf LeafOf(LeafKind kind, uint64_t sequence) {
  Leaf leaf;
  leaf.kind = kind;
  leaf.book = BookId{"JPN", "TH"};
  leaf.sequence = sequence;
  leaf.rules_version = 1;
  return leaf;
}

absl::StatusOr<GenesisFacts> Check(const v1::Genesis& genesis) {
  return CheckGenesis(genesis.SerializeAsString(), LeafOf(LeafKind::GENESIS, 0));
}

TEST(Genesis, GivesOriginAndKeys) {
  GenesisFacts facts = *Check(Example());
  EXPECT_EQ(facts.origin, kOrigin);
  EXPECT_EQ(facts.keys.At(5), Replicas(2, {1, 2, 3}));
  EXPECT_EQ(facts.keys.latest().recovery_key, Key(kRecovery).public_key());
  EXPECT_TRUE(facts.genesis.demonstration());
}

TEST(Genesis, RefusesWhatDoesNotFitItsBookOrItself) {
  auto expect_invalid = [](const std::function<void(v1::Genesis&)>& change) {
    v1::Genesis genesis = Example();
    change(genesis);
    EXPECT_TRUE(HasReason(Check(genesis).status(), Reason::FIELD_INVALID)) << genesis.ShortDebugString();
  };
  expect_invalid([](v1::Genesis& g) { g.set_format(2); });
  expect_invalid([](v1::Genesis& g) { g.set_origin("demo.invalid/JPN/MV"); });
  expect_invalid([](v1::Genesis& g) { g.set_origin("demo.invalid/THA/TH"); });
  expect_invalid([](v1::Genesis& g) { g.set_origin("JPN/TH"); });
  expect_invalid([](v1::Genesis& g) { g.set_rules_version(0); });
  expect_invalid([](v1::Genesis& g) { g.set_rules_version(2); });
  expect_invalid([](v1::Genesis& g) { g.set_rulebook_digest("short"); });
  expect_invalid([](v1::Genesis& g) { g.mutable_keys()->set_k(1); });
  expect_invalid([](v1::Genesis& g) { g.clear_keys(); });
  expect_invalid([](v1::Genesis& g) { g.mutable_keys()->mutable_keys(0)->set_name("demo.invalid/THA/1"); });
  expect_invalid([](v1::Genesis& g) { g.mutable_keys()->mutable_keys(0)->set_name("demo.invalid/JPN/"); });
  expect_invalid([](v1::Genesis& g) { *g.mutable_recovery_key() = g.keys().keys(1).key(); });
  expect_invalid([](v1::Genesis& g) { g.add_persons(); });
}

TEST(Genesis, SaysWhenAKeyTypeIsUnknown) {
  v1::Genesis genesis = Example();
  genesis.mutable_recovery_key()->set_type(4);
  EXPECT_TRUE(HasReason(Check(genesis).status(), Reason::SIGNATURE_TYPE_UNSUPPORTED));
  genesis.mutable_recovery_key()->set_type(257);
  EXPECT_TRUE(HasReason(Check(genesis).status(), Reason::SIGNATURE_TYPE_UNSUPPORTED));
}

TEST(Genesis, IsLeafZeroAndHoldsPersonsInHomeOnly) {
  EXPECT_FALSE(CheckGenesis(Example().SerializeAsString(), LeafOf(LeafKind::COMMAND, 0)).ok());
  EXPECT_FALSE(CheckGenesis(Example().SerializeAsString(), LeafOf(LeafKind::GENESIS, 1)).ok());
  EXPECT_TRUE(HasReason(CheckGenesis("\xff", LeafOf(LeafKind::GENESIS, 0)).status(), Reason::MESSAGE_MALFORMED));
  v1::Genesis home = Example();
  home.set_origin("demo.invalid/JPN/home");
  home.add_persons()->set_person_id("P1");
  Leaf leaf = LeafOf(LeafKind::GENESIS, 0);
  leaf.book.partnership = kHome;
  EXPECT_TRUE(CheckGenesis(home.SerializeAsString(), leaf).ok());
}

// ---- changes of keys -----------------------------------------------------------------------------------------------

class KeyChange : public testing::Test {
 protected:
  KeyChange() : history_(*KeyHistory::Start(Replicas(2, {1, 2, 3}), Key(kRecovery).public_key())) {
    body_.set_origin(kOrigin);
    body_.set_effective_size(11);
    *body_.mutable_keys() = KeySetToProto(Replicas(2, {1, 2, 4}));
  }

  absl::Status Apply(const std::vector<uint64_t>& signers, absl::optional<PublicKey> partner = absl::nullopt) {
    v1::KeyChange change;
    change.set_change(body_.SerializeAsString());
    for (uint64_t seed : signers) AddKeyChangeSignature(change, Key(seed));
    return ApplyKeyChange(change.SerializeAsString(), LeafOf(LeafKind::KEY_CHANGE, 10), kOrigin, partner, history_);
  }

  void ExpectUnchanged() { EXPECT_EQ(history_.eras().size(), 1u); }

  KeyHistory history_;
  v1::KeyChangeBody body_;
};

TEST_F(KeyChange, HoldsFromItsEffectiveSizeOn) {
  ASSERT_TRUE(Apply({1, 2, 4}).ok());
  EXPECT_EQ(history_.At(10), Replicas(2, {1, 2, 3}));
  EXPECT_EQ(history_.At(11), Replicas(2, {1, 2, 4}));
  EXPECT_EQ(history_.latest().recovery_key, Key(kRecovery).public_key());
}

TEST_F(KeyChange, NeedsKOfTheOldSetAndEveryNewKey) {
  EXPECT_TRUE(HasReason(Apply({1, 2}), Reason::SIGNATURES_NOT_ENOUGH));
  EXPECT_TRUE(HasReason(Apply({1, 4}), Reason::SIGNATURES_NOT_ENOUGH));
  EXPECT_TRUE(HasReason(Apply({}), Reason::SIGNATURES_NOT_ENOUGH));
  *body_.mutable_keys() = KeySetToProto(Replicas(2, {4, 5, 6}));
  EXPECT_TRUE(HasReason(Apply({1, 4, 5, 6}), Reason::SIGNATURES_NOT_ENOUGH));
  EXPECT_TRUE(HasReason(Apply({1, 1, 4, 5, 6}), Reason::SIGNATURES_NOT_ENOUGH));
  ExpectUnchanged();
  EXPECT_TRUE(Apply({1, 3, 4, 5, 6}).ok());
}

TEST_F(KeyChange, RefusesStrangersAndBadSignatures) {
  EXPECT_TRUE(HasReason(Apply({1, 2, 4, 99}), Reason::SIGNATURE_INVALID));
  v1::KeyChange change;
  change.set_change(body_.SerializeAsString());
  for (uint64_t seed : {1, 2, 4}) AddKeyChangeSignature(change, Key(seed));
  change.mutable_signatures(1)->mutable_signature()->at(3) ^= 1;
  EXPECT_TRUE(HasReason(
      ApplyKeyChange(change.SerializeAsString(), LeafOf(LeafKind::KEY_CHANGE, 10), kOrigin, absl::nullopt, history_),
      Reason::SIGNATURE_INVALID));
  ExpectUnchanged();
}

TEST_F(KeyChange, IsOfThisBookAndNotOfThePast) {
  body_.set_origin("demo.invalid/JPN/MV");
  EXPECT_TRUE(HasReason(Apply({1, 2, 4}), Reason::FIELD_INVALID));
  body_.set_origin(kOrigin);
  body_.set_effective_size(10);
  EXPECT_TRUE(HasReason(Apply({1, 2, 4}), Reason::FIELD_INVALID));
  body_.set_effective_size(11);
  body_.mutable_keys()->mutable_keys(0)->set_name("demo.invalid/THA/1");
  EXPECT_TRUE(HasReason(Apply({1, 2, 4}), Reason::FIELD_INVALID));
  ExpectUnchanged();
}

TEST_F(KeyChange, ByRecoveryKeyNeedsTwoAcknowledgers) {
  *body_.mutable_keys() = KeySetToProto(Replicas(1, {7}));
  body_.set_by_recovery_key(true);
  EXPECT_TRUE(HasReason(Apply({kRecovery, 7}), Reason::FIELD_INVALID));
  body_.add_acknowledged_by("member A");
  body_.add_acknowledged_by("member A");
  EXPECT_TRUE(HasReason(Apply({kRecovery, 7}), Reason::FIELD_INVALID));
  body_.set_acknowledged_by(1, "");
  EXPECT_TRUE(HasReason(Apply({kRecovery, 7}), Reason::FIELD_INVALID));
  body_.set_acknowledged_by(1, "member B");
  EXPECT_TRUE(HasReason(Apply({1, 2, 7}), Reason::SIGNATURES_NOT_ENOUGH));
  EXPECT_TRUE(HasReason(Apply({kRecovery}), Reason::SIGNATURES_NOT_ENOUGH));
  ExpectUnchanged();
  EXPECT_TRUE(Apply({kRecovery, 7}).ok());
}

TEST_F(KeyChange, TheRecoveryKeyAloneDoesNotReplaceTheSetUnasked) {
  EXPECT_TRUE(HasReason(Apply({kRecovery, 4, 1}), Reason::SIGNATURES_NOT_ENOUGH));
  ExpectUnchanged();
}

TEST_F(KeyChange, ARecoveryKeyIsReplacedByItselfOrByTheSetWithThePartners) {
  *body_.mutable_recovery_key() = PublicKeyToProto(Key(kNewRecovery).public_key());
  const PublicKey partner = Key(kPartnerRecovery).public_key();
  EXPECT_TRUE(HasReason(Apply({1, 2, 4, kNewRecovery}), Reason::SIGNATURES_NOT_ENOUGH));
  EXPECT_TRUE(HasReason(Apply({1, 2, 4, kRecovery}), Reason::SIGNATURES_NOT_ENOUGH));
  EXPECT_TRUE(HasReason(Apply({1, 2, 4, kNewRecovery, kPartnerRecovery}), Reason::SIGNATURE_INVALID));
  ExpectUnchanged();
  KeyHistory before = history_;
  EXPECT_TRUE(Apply({1, 2, 4, kNewRecovery, kPartnerRecovery}, partner).ok());
  EXPECT_EQ(history_.latest().recovery_key, Key(kNewRecovery).public_key());
  history_ = before;
  EXPECT_TRUE(Apply({1, 2, 4, kNewRecovery, kRecovery}).ok());
}

}  // namespace
}  // namespace jcm::book
