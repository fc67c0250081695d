#include "ledger/log/etcd/etcd_layout.h"

#include <string>

#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::log {
namespace {

Generation Example() {
  const std::string record =
      EncodeBatch({3, 258, Sha256("batch 257"), BookTime::FromMicros(1761782400000000)}, "hello");
  Generation generation;
  generation.number = 4;
  generation.before = PositionOf(*DecodeBatch(record));
  generation.begins_log = true;
  return generation;
}

TEST(EtcdLayout, IsTheExampleOfTheReadme) {
  const EtcdKeys keys("jcm/JPN");
  EXPECT_EQ(keys.Generation(4), "jcm/JPN/generation/0000000004");
  EXPECT_EQ(keys.Slot(4, 259), "jcm/JPN/log/0000000004/00000000000000000259");
  EXPECT_EQ(HexEncode(EncodeGeneration(Example())),
            "4a4c4731"
            "01"
            "00000000000000030000000000000102"
            "6545454feb94aef00ee23e2255e09451814e7b20b320239c613167fba6d41c0e"
            "00064254ee1fa000");
  EXPECT_EQ(*DecodeGeneration(4, EncodeGeneration(Example())), Example());
}

TEST(EtcdLayout, KeepsTheOrderOfTheLogInTheOrderOfKeys) {
  const EtcdKeys keys("jcm/JPN");
  EXPECT_LT(keys.Slot(1, 9), keys.Slot(1, 10));
  EXPECT_LT(keys.Slot(1, UINT64_MAX), keys.SlotsEnd(1));
  EXPECT_LT(keys.SlotsEnd(1), keys.Slot(2, 0));
  EXPECT_LT(keys.Slot(kGenerationMax, UINT64_MAX), keys.SlotsEnd(kGenerationMax));
  EXPECT_LT(keys.Generation(kGenerationMax), keys.GenerationsEnd());
  EXPECT_LT(keys.GenerationsEnd(), keys.Slots());
  EXPECT_EQ(*EtcdKeys::LastNumber(keys.Slot(7, UINT64_MAX)), UINT64_MAX);
}

TEST(EtcdLayout, RefusesOtherKeys) {
  for (const char* key : {"", "jcm/JPN/log/", "jcm/JPN/log/1x", "jcm/JPN/log/-1", "jcm/JPN/log/99999999999999999999"}) {
    EXPECT_TRUE(HasReason(EtcdKeys::LastNumber(key).status(), Reason::STORE_CORRUPT)) << key;
  }
}

TEST(EtcdLayout, RefusesEveryOtherGenerationRecord) {
  const std::string good = EncodeGeneration(Example());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_TRUE(HasReason(DecodeGeneration(4, good.substr(0, size)).status(), Reason::STORE_CORRUPT)) << size;
  }
  EXPECT_FALSE(DecodeGeneration(4, good + "x").ok());
  EXPECT_FALSE(DecodeGeneration(3, good).ok()) << "of its own generation";
  EXPECT_FALSE(DecodeGeneration(0, good).ok());
  std::string other = good;
  other[4] = 2;
  EXPECT_FALSE(DecodeGeneration(4, other).ok());
  other[0] = 'X';
  EXPECT_FALSE(DecodeGeneration(4, other).ok());
}

TEST(EtcdLayout, FindsEveryFlippedBitOfASlot) {
  const std::string record = EncodeBatch({3, 258, Sha256("batch 257"), BookTime::FromMicros(1)}, "hello");
  const std::string good = EncodeSlot(record);
  ASSERT_TRUE(DecodeSlot(3, 258, good).ok());
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string flipped = good;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_TRUE(HasReason(DecodeSlot(3, 258, flipped).status(), Reason::STORE_CORRUPT)) << bit;
  }
  EXPECT_FALSE(DecodeSlot(3, 259, good).ok());
  EXPECT_FALSE(DecodeSlot(4, 258, good).ok());
  EXPECT_FALSE(DecodeSlot(3, 258, "").ok());
}

}  // namespace
}  // namespace jcm::log
