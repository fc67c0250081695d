#include "ledger/base/random.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"

namespace jcm {
namespace {

TEST(SeededRandom, RepeatsItselfHoweverItIsRead) {
  SeededRandom one(7), other(7);
  std::string pieces = one.Bytes(5);
  pieces += one.Bytes(60);
  pieces += one.Bytes(1);
  EXPECT_EQ(pieces, other.Bytes(66));
}

TEST(SeededRandom, IsTheStreamThatItsHeaderDescribes) {
  BigEndianWriter input;
  input.U64(7).U64(0);
  EXPECT_EQ(SeededRandom(7).Bytes(32), std::string(AsBytes(Sha256(input.str()))));
}

TEST(SeededRandom, DiffersBySeed) { EXPECT_NE(SeededRandom(1).Bytes(32), SeededRandom(2).Bytes(32)); }

TEST(Random, BelowStaysBelowAndReachesAll) {
  SeededRandom random(3);
  std::set<uint64_t> seen;
  for (int i = 0; i < 200; ++i) {
    uint64_t value = random.Below(5);
    ASSERT_LT(value, 5u);
    seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 5u);
  EXPECT_EQ(random.Below(1), 0u);
}

TEST(SystemRandom, FillsEverythingAndDoesNotRepeat) {
  SystemRandom random;
  std::string first = random.Bytes(64);
  EXPECT_EQ(first.size(), 64u);
  EXPECT_NE(first, random.Bytes(64));
  EXPECT_EQ(random.Bytes(0), "");
}

}  // namespace
}  // namespace jcm
