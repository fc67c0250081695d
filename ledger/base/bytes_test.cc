#include "ledger/base/bytes.h"

#include <string>

#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

TEST(BigEndian, WritesTheHighestByteFirst) {
  BigEndianWriter writer;
  writer.U8(0x01).U16(0x0203).U32(0x04050607).U64(0x08090a0b0c0d0e0f).Bytes("ab");
  EXPECT_EQ(HexEncode(writer.str()), "0102030405060708090a0b0c0d0e0f6162");
}

TEST(BigEndian, ReadsBackWhatWasWritten) {
  std::string bytes;
  BigEndianWriter(&bytes).U8(255).U16(65535).U32(4294967295u).U64(18446744073709551615u).Bytes(std::string(32, 'd'));
  BigEndianReader reader(bytes);
  EXPECT_EQ(*reader.U8(), 255);
  EXPECT_EQ(*reader.U16(), 65535);
  EXPECT_EQ(*reader.U32(), 4294967295u);
  EXPECT_EQ(*reader.U64(), 18446744073709551615u);
  EXPECT_FALSE(reader.AtEnd());
  EXPECT_TRUE(HasReason(reader.ExpectEnd(), Reason::MESSAGE_MALFORMED));
  EXPECT_EQ((*reader.Hash())[31], 'd');
  EXPECT_TRUE(reader.AtEnd());
  EXPECT_TRUE(reader.ExpectEnd().ok());
}

TEST(BigEndian, ARefusedReadConsumesNothing) {
  BigEndianReader reader("abc");
  EXPECT_TRUE(HasReason(reader.U32().status(), Reason::MESSAGE_MALFORMED));
  EXPECT_EQ(reader.remaining(), 3u);
  EXPECT_EQ(*reader.Bytes(3), "abc");
}

TEST(Hex, RoundTripsEveryByte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  EXPECT_EQ(*HexDecode(HexEncode(all)), all);
}

TEST(Hex, RefusesOtherSpellings) {
  for (const char* text : {"0", "0G", "AB", "0x", " 0", "0 ", "é"}) {
    EXPECT_TRUE(HasReason(HexDecode(text).status(), Reason::MESSAGE_MALFORMED)) << text;
  }
  EXPECT_EQ(*HexDecode(""), "");
}

TEST(Base64, RoundTripsEveryLength) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(*Base64Decode(Base64Encode(bytes)), bytes);
    bytes.push_back(static_cast<char>(i * 37));
  }
  EXPECT_EQ(Base64Encode("\xfb\xff"), "+/8=");
}

TEST(Base64, RefusesOtherSpellings) {
  for (const char* text : {"YQ", "YQ=", "YR==", "YQ==\n", " YQ==", "Y Q==", "-_8=", "YQ==YQ==", "=", "YWI"}) {
    EXPECT_TRUE(HasReason(Base64Decode(text).status(), Reason::MESSAGE_MALFORMED)) << text;
  }
}

TEST(DigestFromBytes, AcceptsExactly32Bytes) {
  EXPECT_EQ((*DigestFromBytes(std::string(32, 'x')))[0], 'x');
  EXPECT_FALSE(DigestFromBytes(std::string(31, 'x')).ok());
  EXPECT_FALSE(DigestFromBytes(std::string(33, 'x')).ok());
}

}  // namespace
}  // namespace jcm
