#include "ledger/book/state_root.h"

#include <map>
#include <string>

#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::book {
namespace {

std::string KeyOf(size_t i) { return std::string("k") + static_cast<char>('A' + 2 * i); }

StateTree TreeOf(size_t count) {
  StateTree tree;
  for (size_t i = 0; i < count; ++i) EXPECT_TRUE(tree.Add(KeyOf(i), "value " + std::to_string(i)).ok());
  return tree;
}

TEST(StateRoot, IsTheTreeOverItsRecords) {
  StateTree tree;
  EXPECT_EQ(tree.Root(), Sha256(""));
  ASSERT_TRUE(tree.Add("a", "1").ok());
  const Digest first =
      Sha256(std::string("\0\0\0\0\x01"
                         "a1",
                         7));
  EXPECT_EQ(tree.Root(), first);
  ASSERT_TRUE(tree.Add("b", "").ok());
  EXPECT_EQ(tree.Root(), NodeHash(first, Sha256(std::string("\0\0\0\0\x01"
                                                            "b",
                                                            6))));
}

TEST(StateRoot, BindsTheBorderBetweenKeyAndValue) { EXPECT_NE(StateLeafData("ab", "c"), StateLeafData("a", "bc")); }

TEST(StateRoot, NeedsAscendingKeys) {
  StateTree tree;
  ASSERT_TRUE(tree.Add("", "the empty key is the smallest").ok());
  EXPECT_TRUE(HasReason(tree.Add("", ""), Reason::FIELD_INVALID));
  ASSERT_TRUE(tree.Add("b", "").ok());
  EXPECT_TRUE(HasReason(tree.Add("b", ""), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(tree.Add("a", ""), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(tree.Add(std::string(kStateKeyBytesMax + 1, 'z'), ""), Reason::FIELD_INVALID));
  ASSERT_TRUE(tree.Add("\xff", "bytes compare unsigned").ok());
  EXPECT_EQ(tree.count(), 3u);
}

TEST(StateRoot, BuilderAndTreeAgree) {
  StateRootBuilder builder;
  for (size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(builder.Root(), TreeOf(i).Root());
    ASSERT_TRUE(builder.Add(KeyOf(i), "value " + std::to_string(i)).ok());
  }
}

TEST(StateProof, ShowsPresenceAndAbsenceOfEveryKeyAtEverySize) {
  for (size_t count = 0; count <= 12; ++count) {
    StateTree tree = TreeOf(count);
    for (size_t i = 0; i < count; ++i) {
      StateProof proof = *tree.Prove(KeyOf(i));
      EXPECT_EQ(**VerifyStateProof(proof, KeyOf(i), tree.Root(), count), "value " + std::to_string(i));
    }
    for (int gap = -1; gap <= static_cast<int>(2 * count); gap += 2) {
      std::string key = std::string("k") + static_cast<char>('A' + gap);
      StateProof proof = *tree.Prove(key);
      absl::StatusOr<absl::optional<std::string>> value = VerifyStateProof(proof, key, tree.Root(), count);
      ASSERT_TRUE(value.ok()) << key << " of " << count;
      EXPECT_FALSE(value->has_value());
    }
  }
}

TEST(StateProof, CannotHideARecord) {
  const size_t count = 7;
  StateTree tree = TreeOf(count);
  // Every pair and every single record, claimed to be the neighbours of a key that is there.
  for (size_t hidden = 0; hidden < count; ++hidden) {
    const std::string key = KeyOf(hidden);
    for (size_t a = 0; a < count; ++a) {
      StateRecordProof left = tree.Prove(KeyOf(a))->records[0];
      if (a != hidden) {
        EXPECT_TRUE(
            HasReason(VerifyStateProof(StateProof{{left}}, key, tree.Root(), count).status(), Reason::PROOF_INVALID));
      }
      for (size_t b = 0; b < count; ++b) {
        StateRecordProof right = tree.Prove(KeyOf(b))->records[0];
        EXPECT_TRUE(HasReason(VerifyStateProof(StateProof{{left, right}}, key, tree.Root(), count).status(),
                              Reason::PROOF_INVALID));
      }
    }
    EXPECT_FALSE(VerifyStateProof(StateProof(), key, tree.Root(), count).ok());
    EXPECT_FALSE(VerifyStateProof(StateProof(), key, tree.Root(), 0).ok());
  }
}

TEST(StateProof, FailsIfAnythingIsChanged) {
  const size_t count = 6;
  StateTree tree = TreeOf(count);
  for (const std::string& key : {KeyOf(3), std::string("kF"), std::string("a"), std::string("z")}) {
    const StateProof valid = *tree.Prove(key);
    ASSERT_TRUE(VerifyStateProof(valid, key, tree.Root(), count).ok());
    auto expect_invalid = [&](auto change) {
      StateProof changed = valid;
      change(changed);
      EXPECT_TRUE(HasReason(VerifyStateProof(changed, key, tree.Root(), count).status(), Reason::PROOF_INVALID));
    };
    for (size_t r = 0; r < valid.records.size(); ++r) {
      expect_invalid([&](StateProof& p) { p.records[r].value += "x"; });
      expect_invalid([&](StateProof& p) { p.records[r].key += "x"; });
      expect_invalid([&](StateProof& p) { p.records[r].key = std::string(kStateKeyBytesMax + 1, 'k'); });
      expect_invalid([&](StateProof& p) { p.records[r].index += 1; });
      expect_invalid([&](StateProof& p) { p.records[r].path.pop_back(); });
      expect_invalid([&](StateProof& p) { p.records[r].path[0][0] ^= 1; });
    }
    expect_invalid([&](StateProof& p) { p.records.push_back(p.records.back()); });
    expect_invalid([&](StateProof& p) { p.records.clear(); });
    if (valid.records.size() == 2) {
      expect_invalid([&](StateProof& p) { std::swap(p.records[0], p.records[1]); });
      expect_invalid([&](StateProof& p) { p.records.pop_back(); });
      expect_invalid([&](StateProof& p) { p.records.erase(p.records.begin()); });
    }
    Digest other_root = tree.Root();
    other_root[0] ^= 1;
    EXPECT_FALSE(VerifyStateProof(valid, key, other_root, count).ok());
  }
}

}  // namespace
}  // namespace jcm::book
