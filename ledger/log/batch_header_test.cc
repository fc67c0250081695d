#include "ledger/log/batch_header.h"

#include <string>

#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::log {
namespace {

BatchHeader Example() {
  BatchHeader header;
  header.generation = 3;
  header.index = 258;
  header.previous = Sha256("batch 257");
  header.time = BookTime::FromMicros(1'761'782'400'000'000);
  return header;
}

// The example of README.md: its record and its hash.
constexpr char kExampleHex[] =
    "4a4c423100000005"
    "00000000000000030000000000000102"
    "2cc63b7e245209530b4dd5e221c0f81bcd6d27690c388c81047a0d50913a8513"
    "00064254ee1fa000"
    "68656c6c6f";
constexpr char kExampleHashHex[] = "6545454feb94aef00ee23e2255e09451814e7b20b320239c613167fba6d41c0e";

TEST(BatchHeader, IsLaidOutAsTheReadmeSays) { EXPECT_EQ(HexEncode(EncodeBatch(Example(), "hello")), kExampleHex); }

TEST(BatchHeader, ReadsBackWhatItWrote) {
  for (const std::string& body : {std::string(), std::string("hello"), std::string(kBatchBodyMaxBytes, '\xff')}) {
    const std::string record = EncodeBatch(Example(), body);
    EXPECT_EQ(record.size(), kBatchHeaderBytes + body.size());
    const auto batch = DecodeBatch(record);
    ASSERT_TRUE(batch.ok()) << ToText(batch.status());
    EXPECT_EQ(batch->header, Example());
    EXPECT_EQ(batch->body, body);
    EXPECT_EQ(batch->hash, Sha256(record));
  }
}

TEST(BatchHeader, RefusesEveryOtherLength) {
  const std::string record = EncodeBatch(Example(), "hello");
  for (size_t size = 0; size < record.size(); ++size) {
    EXPECT_TRUE(HasReason(DecodeBatch(record.substr(0, size)).status(), Reason::MESSAGE_MALFORMED)) << size;
  }
  EXPECT_TRUE(HasReason(DecodeBatch(record + "x").status(), Reason::MESSAGE_MALFORMED));
  std::string oversize = EncodeBatch(Example(), std::string(kBatchBodyMaxBytes, 'x')) + "x";
  oversize[7] = static_cast<char>(oversize[7] + 1);  // states its size correctly
  EXPECT_TRUE(HasReason(DecodeBatch(oversize).status(), Reason::MESSAGE_MALFORMED));
}

TEST(BatchHeader, EveryFlippedBitIsRefusedOrGivesAnotherHash) {
  const std::string record = EncodeBatch(Example(), "hello");
  for (size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string flipped = record;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto batch = DecodeBatch(flipped);
    if (bit < 64) {
      EXPECT_FALSE(batch.ok()) << "magic and size, bit " << bit;
    }
    if (batch.ok()) {
      EXPECT_NE(batch->hash, BatchHash(record)) << bit;
    }
  }
}

TEST(BatchHeader, RefusesGenerationAndIndexZero) {
  std::string record = EncodeBatch(Example(), "");
  for (size_t i = 8; i < 16; ++i) record[i] = 0;
  EXPECT_TRUE(HasReason(DecodeBatch(record).status(), Reason::MESSAGE_MALFORMED));
  record = EncodeBatch(Example(), "");
  for (size_t i = 16; i < 24; ++i) record[i] = 0;
  EXPECT_TRUE(HasReason(DecodeBatch(record).status(), Reason::MESSAGE_MALFORMED));
}

TEST(BatchHeader, OnlyTheFirstBatchHasNoPredecessor) {
  BatchHeader first;
  first.generation = 1;
  first.index = 1;
  EXPECT_TRUE(DecodeBatch(EncodeBatch(first, "")).ok());
  std::string record = EncodeBatch(Example(), "");
  for (size_t i = 24; i < 56; ++i) record[i] = 0;
  EXPECT_TRUE(HasReason(DecodeBatch(record).status(), Reason::MESSAGE_MALFORMED));
  record = EncodeBatch(first, "");
  record[30] = 1;
  EXPECT_TRUE(HasReason(DecodeBatch(record).status(), Reason::MESSAGE_MALFORMED));
}

TEST(BatchHeader, FollowsOnlyItsPredecessor) {
  const auto before = DecodeBatch(EncodeBatch(Example(), "hello"));
  ASSERT_TRUE(before.ok());
  const LogPosition position = PositionOf(*before);
  const BatchHeader good{3, 259, before->hash, before->header.time};
  EXPECT_TRUE(CheckFollows(position, good).ok());

  BatchHeader next = good;
  next.generation = 4;
  next.time.micros += 1;
  EXPECT_TRUE(CheckFollows(position, next).ok()) << "a new generation, later";
  next = good;
  next.generation = 2;
  EXPECT_TRUE(HasReason(CheckFollows(position, next), Reason::CHAIN_BROKEN));
  next = good;
  next.index = 260;
  EXPECT_TRUE(HasReason(CheckFollows(position, next), Reason::CHAIN_BROKEN));
  next = good;
  next.index = 258;
  EXPECT_TRUE(HasReason(CheckFollows(position, next), Reason::CHAIN_BROKEN));
  next = good;
  next.previous[31] ^= 1;
  EXPECT_TRUE(HasReason(CheckFollows(position, next), Reason::CHAIN_BROKEN));
  next = good;
  next.time.micros -= 1;
  EXPECT_TRUE(HasReason(CheckFollows(position, next), Reason::CHAIN_BROKEN));
}

}  // namespace
}  // namespace jcm::log
