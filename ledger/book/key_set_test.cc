#include "ledger/book/key_set.h"

#include <string>

#include "gtest/gtest.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"

namespace jcm::book {
namespace {

PublicKey Key(uint64_t seed, SignatureType type = SignatureType::ED25519) {
  SeededRandom random(seed);
  return PrivateKey::Generate(type, random)->public_key();
}

KeySet Set(uint32_t k, uint64_t count, uint64_t first_seed = 1) {
  KeySet set;
  set.k = k;
  for (uint64_t i = 0; i < count; ++i) {
    set.keys.push_back({"demo.invalid/JPN/" + std::to_string(i + 1), Key(first_seed + i)});
  }
  return set;
}

TEST(KeySet, NeedsMoreThanHalfOfItsKeys) {
  EXPECT_TRUE(ValidateKeySet(Set(1, 1)).ok());
  EXPECT_TRUE(ValidateKeySet(Set(2, 2)).ok());
  EXPECT_TRUE(ValidateKeySet(Set(2, 3)).ok());
  EXPECT_TRUE(ValidateKeySet(Set(3, 3)).ok());
  EXPECT_TRUE(HasReason(ValidateKeySet(Set(1, 2)), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ValidateKeySet(Set(1, 3)), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ValidateKeySet(Set(2, 4)), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ValidateKeySet(Set(2, 1)), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ValidateKeySet(Set(0, 1)), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ValidateKeySet(Set(0, 0)), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ValidateKeySet(Set(10, 10)), Reason::FIELD_INVALID));
  // 2^31 * 2 is 0 in 32 bits.
  EXPECT_TRUE(HasReason(ValidateKeySet(Set(0x80000000u, 1)), Reason::FIELD_INVALID));
}

TEST(KeySet, HasEachNameAndKeyOnce) {
  KeySet same_key = Set(2, 2);
  same_key.keys[1].key = same_key.keys[0].key;
  EXPECT_TRUE(HasReason(ValidateKeySet(same_key), Reason::FIELD_INVALID));
  KeySet same_name = Set(2, 2);
  same_name.keys[1].name = same_name.keys[0].name;
  EXPECT_TRUE(HasReason(ValidateKeySet(same_name), Reason::FIELD_INVALID));
  KeySet bad_name = Set(1, 1);
  bad_name.keys[0].name = "a b";
  EXPECT_TRUE(HasReason(ValidateKeySet(bad_name), Reason::FIELD_INVALID));
}

TEST(KeySet, HoldsEd25519KeysOnly) {
  KeySet set = Set(1, 1);
  set.keys[0].key = Key(1, SignatureType::ECDSA_P256_SHA256);
  EXPECT_TRUE(HasReason(ValidateKeySet(set), Reason::FIELD_INVALID));
  set.keys[0].key = PublicKey();
  EXPECT_TRUE(HasReason(ValidateKeySet(set), Reason::FIELD_INVALID));
}

TEST(KeyHistory, GivesTheKeysThatHeldAtASize) {
  KeyHistory history = *KeyHistory::Start(Set(1, 1, 1), Key(100));
  ASSERT_TRUE(history.Append(10, Set(2, 3, 10), absl::nullopt).ok());
  ASSERT_TRUE(history.Append(20, Set(1, 1, 20), Key(101)).ok());
  EXPECT_EQ(history.At(0), Set(1, 1, 1));
  EXPECT_EQ(history.At(9), Set(1, 1, 1));
  EXPECT_EQ(history.At(10), Set(2, 3, 10));
  EXPECT_EQ(history.At(19), Set(2, 3, 10));
  EXPECT_EQ(history.At(20), Set(1, 1, 20));
  EXPECT_EQ(history.At(~uint64_t{0}), Set(1, 1, 20));
  EXPECT_EQ(history.EraAt(19).recovery_key, Key(100));
  EXPECT_EQ(history.EraAt(20).recovery_key, Key(101));
  EXPECT_EQ(history.eras().size(), 3u);
}

TEST(KeyHistory, OnlyGrows) {
  KeyHistory history = *KeyHistory::Start(Set(1, 1), Key(100));
  EXPECT_TRUE(HasReason(history.Append(0, Set(1, 1, 2), absl::nullopt), Reason::FIELD_INVALID));
  ASSERT_TRUE(history.Append(10, Set(1, 1, 2), absl::nullopt).ok());
  EXPECT_TRUE(HasReason(history.Append(10, Set(1, 1, 3), absl::nullopt), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(history.Append(11, Set(1, 3, 3), absl::nullopt), Reason::FIELD_INVALID));
  EXPECT_FALSE(KeyHistory::Start(Set(0, 1), Key(100)).ok());
}

}  // namespace
}  // namespace jcm::book
