#include "ledger/book/leaf.h"

#include <string>

#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"

namespace jcm::book {
namespace {

Leaf Example() {
  Leaf leaf;
  leaf.kind = LeafKind::COMMAND;
  leaf.book = BookId{"JPN", "TH"};
  leaf.sequence = 7;
  leaf.time = BookTime::FromMicros(1'761'782'400'000'000);
  leaf.previous_hash = Sha256("previous");
  leaf.rules_version = 1;
  leaf.peer_size = 5;
  leaf.command_digest = Sha256("command");
  leaf.context_digest = Sha256("context");
  leaf.effects_digest = EmptyDigest();
  return leaf;
}

TEST(Leaf, RoundTripsInBothKindsOfBook) {
  for (const char* partnership : {"TH", "home"}) {
    Leaf leaf = Example();
    leaf.book.partnership = partnership;
    std::string record = EncodeLeaf(leaf);
    EXPECT_EQ(record.size(), kLeafBytes);
    EXPECT_EQ(*DecodeLeaf(record), leaf);
  }
}

TEST(Leaf, RoundTripsEveryKindAndKnowsItsName) {
  for (int number = 0; number < 256; ++number) {
    std::string record = EncodeLeaf(Example());
    record[1] = static_cast<char>(number);
    absl::StatusOr<Leaf> leaf = DecodeLeaf(record);
    ASSERT_EQ(leaf.ok(), number >= 1 && number <= 13) << number;
    if (leaf.ok()) {
      EXPECT_EQ(EncodeLeaf(*leaf), record);
    }
  }
  EXPECT_STREQ(KindName(LeafKind::GENESIS), "GENESIS");
  EXPECT_STREQ(KindName(LeafKind::ACTIVATE_RULES), "ACTIVATE_RULES");
  EXPECT_STREQ(KindName(LeafKind::LATE_STAMPED), "LATE_STAMPED");
}

TEST(Leaf, RefusesARecordOfAnotherLength) {
  std::string record = EncodeLeaf(Example());
  for (size_t size = 0; size < record.size(); ++size) {
    EXPECT_TRUE(HasReason(DecodeLeaf(record.substr(0, size)).status(), Reason::LEAF_MALFORMED));
  }
  EXPECT_TRUE(HasReason(DecodeLeaf(record + '\0').status(), Reason::LEAF_MALFORMED));
}

TEST(Leaf, RefusesAnotherFormatVersion) {
  std::string record = EncodeLeaf(Example());
  record[0] = 2;
  EXPECT_TRUE(HasReason(DecodeLeaf(record).status(), Reason::LEAF_MALFORMED));
}

TEST(Leaf, RefusesCodesThatAreNotUpperCaseLettersOrPadded) {
  const std::string record = EncodeLeaf(Example());
  auto with = [&](const std::string& codes) { return std::string(record).replace(2, 7, codes); };
  EXPECT_TRUE(DecodeLeaf(with(std::string("JPNTH\0\0", 7))).ok());
  for (const std::string& codes :
       {std::string("JPNTH\0x", 7), std::string("JPNTHx\0", 7), std::string("jPNTH\0\0", 7),
        std::string("JP1TH\0\0", 7), std::string("JPNth\0\0", 7), std::string("JPNT\0\0\0", 7),
        std::string("JPN\0\0\0\0", 7), std::string("JPNTHAI", 7), std::string("JPNHOME", 7)}) {
    EXPECT_TRUE(HasReason(DecodeLeaf(with(codes)).status(), Reason::LEAF_MALFORMED)) << codes;
  }
}

TEST(Leaf, HasTheHashOfATreeLeaf) {
  std::string record = EncodeLeaf(Example());
  EXPECT_EQ(LeafHash(record), Sha256(std::string(1, '\0') + record));
  EXPECT_EQ(LeafHash(""), Sha256(std::string(1, '\0')));
}

TEST(Leaf, AnyFlippedBitGivesAnotherLeafOrNone) {
  const std::string record = EncodeLeaf(Example());
  const Leaf leaf = *DecodeLeaf(record);
  for (size_t i = 0; i < record.size() * 8; ++i) {
    std::string changed = record;
    changed[i / 8] ^= static_cast<char>(1 << i % 8);
    absl::StatusOr<Leaf> other = DecodeLeaf(changed);
    if (other.ok()) {
      EXPECT_NE(*other, leaf) << i;
      EXPECT_EQ(EncodeLeaf(*other), changed) << i;
    }
    EXPECT_NE(LeafHash(changed), LeafHash(record));
  }
}

TEST(Leaf, DecodesOnlyWhatItWouldEncode) {
  SeededRandom random(5);
  for (int i = 0; i < 2000; ++i) {
    std::string record = EncodeLeaf(Example());
    for (int change = 0; change < 4; ++change) record[random.Below(16)] = static_cast<char>(random.Below(256));
    absl::StatusOr<Leaf> leaf = DecodeLeaf(record);
    if (leaf.ok()) {
      EXPECT_EQ(EncodeLeaf(*leaf), record);
    }
  }
}

TEST(CheckBodies, ComparesEachOfTheThree) {
  Leaf leaf = Example();
  EXPECT_TRUE(CheckBodies(leaf, "command", "context", "").ok());
  EXPECT_TRUE(HasReason(CheckBodies(leaf, "commane", "context", ""), Reason::DIGEST_MISMATCH));
  EXPECT_TRUE(HasReason(CheckBodies(leaf, "command", "contexu", ""), Reason::DIGEST_MISMATCH));
  EXPECT_TRUE(HasReason(CheckBodies(leaf, "command", "context", "x"), Reason::DIGEST_MISMATCH));
}

class Chain : public testing::Test {
 protected:
  Chain() {
    genesis_ = Example();
    genesis_.kind = LeafKind::GENESIS;
    genesis_.sequence = 0;
    genesis_.previous_hash = Digest{};
    tip_ = TipAfter(genesis_, LeafHash(EncodeLeaf(genesis_)));
    next_ = Example();
    next_.sequence = 1;
    next_.previous_hash = tip_.last_hash;
  }

  absl::Status Check(const Leaf& leaf) { return CheckFollows(BookId{"JPN", "TH"}, tip_, leaf); }

  Leaf genesis_, next_;
  ChainTip tip_;
};

TEST_F(Chain, AcceptsTheNextLeaf) {
  EXPECT_TRUE(CheckFollows(BookId{"JPN", "TH"}, ChainTip(), genesis_).ok());
  EXPECT_TRUE(Check(next_).ok());
}

TEST_F(Chain, RefusesALeafThatDoesNotFollow) {
  auto expect_broken = [&](auto change) {
    Leaf leaf = next_;
    change(leaf);
    EXPECT_TRUE(HasReason(Check(leaf), Reason::CHAIN_BROKEN));
  };
  expect_broken([](Leaf& leaf) { leaf.book.registry = "THA"; });
  expect_broken([](Leaf& leaf) { leaf.book.partnership = "MV"; });
  expect_broken([](Leaf& leaf) { leaf.sequence = 2; });
  expect_broken([](Leaf& leaf) { leaf.sequence = 0; });
  expect_broken([](Leaf& leaf) { leaf.previous_hash[31] ^= 1; });
  expect_broken([](Leaf& leaf) { leaf.time.micros -= 1; });
  expect_broken([](Leaf& leaf) { leaf.rules_version = 0; });
  expect_broken([](Leaf& leaf) { leaf.peer_size = 4; });
  expect_broken([](Leaf& leaf) { leaf.kind = LeafKind::GENESIS; });
}

TEST_F(Chain, BeginsWithGenesisAfterNothing) {
  Leaf command = genesis_;
  command.kind = LeafKind::COMMAND;
  EXPECT_TRUE(HasReason(CheckFollows(BookId{"JPN", "TH"}, ChainTip(), command), Reason::CHAIN_BROKEN));
  Leaf with_previous = genesis_;
  with_previous.previous_hash[0] = 1;
  EXPECT_TRUE(HasReason(CheckFollows(BookId{"JPN", "TH"}, ChainTip(), with_previous), Reason::CHAIN_BROKEN));
}

}  // namespace
}  // namespace jcm::book
