#include "tools/client/arguments.h"

#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::client {
namespace {

TEST(UnitRange, ReadsALotAndItsSerials) {
  const auto range = ParseUnitRange("TH014-2021-1:1-1009");
  ASSERT_TRUE(range.ok()) << range.status();
  EXPECT_EQ(range->lot_id(), "TH014-2021-1");
  EXPECT_EQ(range->first(), 1u);
  EXPECT_EQ(range->last(), 1009u);
  EXPECT_EQ(FormatUnitRange(*range), "TH014-2021-1:1-1009");
  EXPECT_EQ(ParseUnitRange("L:7")->last(), 7u);
}

TEST(UnitRange, RefusesWhatIsNoRange) {
  for (const char* text : {"", "L", "L:", "L:1-", "L:-1", "L:1-2-3", "L:a-b", "L:+1-2", "L: 1-2"}) {
    EXPECT_TRUE(HasReason(ParseUnitRange(text).status(), Reason::FIELD_INVALID)) << text;
  }
  for (const char* text : {"L:0-4", "L:5-4"}) {
    EXPECT_TRUE(HasReason(ParseUnitRange(text).status(), Reason::RANGE_INVALID)) << text;
  }
  EXPECT_TRUE(HasReason(ParseUnitRange(":1-2").status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ParseUnitRange("L:1-1000000000000001").status(), Reason::QUANTITY_OVERFLOW));
  EXPECT_TRUE(HasReason(ParseUnitRange("L:1-99999999999999999999").status(), Reason::FIELD_INVALID));
}

TEST(Tonnes, ReadsSeparatorsAndRefusesTheRest) {
  EXPECT_EQ(*ParseTonnes("2,017"), 2017u);
  EXPECT_EQ(*ParseTonnes("750"), 750u);
  EXPECT_TRUE(HasReason(ParseTonnes("0").status(), Reason::QUANTITY_NOT_POSITIVE));
  EXPECT_TRUE(HasReason(ParseTonnes("-5").status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ParseTonnes("1.5").status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ParseTonnes("").status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ParseTonnes("99999999999999999999").status(), Reason::QUANTITY_OVERFLOW));
}

TEST(Digest, ReadsHexadecimalDigitsOrAFile) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.WriteFileAtomically("/report.pdf", "text").ok());
  EXPECT_EQ(*ParseDigest("@/report.pdf", files), std::string(AsBytes(Sha256("text"))));
  EXPECT_EQ(*ParseDigest(std::string(64, '0'), files), std::string(32, '\0'));
  EXPECT_TRUE(HasReason(ParseDigest("00", files).status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ParseDigest("@/none", files).status(), Reason::NOT_FOUND));
}

TEST(ObjectId, TakesTheAllowedCharactersOnly) {
  EXPECT_TRUE(CheckObjectId("TH014-2021_1.a").ok());
  EXPECT_FALSE(CheckObjectId("").ok());
  EXPECT_FALSE(CheckObjectId("a b").ok());
  EXPECT_FALSE(CheckObjectId("ä").ok());
  EXPECT_TRUE(CheckObjectId(std::string(64, 'a')).ok());
  EXPECT_FALSE(CheckObjectId(std::string(65, 'a')).ok());
}

TEST(RequestId, HasSixteenBytes) {
  EXPECT_EQ(ParseRequestId(std::string(32, 'a'))->size(), 16u);
  EXPECT_FALSE(ParseRequestId(std::string(31, 'a')).ok());
  EXPECT_FALSE(ParseRequestId(std::string(32, 'g')).ok());
}

TEST(Handle, IsThirtyTwoLowerCaseHexadecimalDigits) {
  EXPECT_TRUE(IsHandle("0123456789abcdef0123456789abcdef"));
  EXPECT_FALSE(IsHandle("0123456789ABCDEF0123456789abcdef"));
  EXPECT_FALSE(IsHandle("JP-GOV-1"));
}

TEST(EnumName, ReadsTheEndOfTheName) {
  EXPECT_EQ(*ParseEnumName(v1::AccountClass_descriptor(), "entity-holding"), v1::ACCOUNT_CLASS_ENTITY_HOLDING);
  EXPECT_EQ(*ParseEnumName(v1::AccountClass_descriptor(), "ENTITY_HOLDING"), v1::ACCOUNT_CLASS_ENTITY_HOLDING);
  const auto wrong = ParseEnumName(v1::Vote_descriptor(), "maybe");
  EXPECT_TRUE(HasReason(wrong.status(), Reason::FIELD_INVALID));
  EXPECT_NE(wrong.status().message().find("yes, no, recused"), absl::string_view::npos);
  EXPECT_FALSE(ParseEnumName(v1::Vote_descriptor(), "unspecified").ok());
}

SpendableBlock Block(const std::string& lot, int vintage, uint64_t first, uint64_t last,
                     v1::BlockState state = v1::BLOCK_STATE_HELD, const std::string& account = "a") {
  SpendableBlock block;
  block.record.set_lot_id(lot);
  block.record.set_first(first);
  block.record.set_last(last);
  block.record.set_account(account);
  block.record.set_state(state);
  block.vintage = vintage;
  return block;
}

TEST(Selection, TakesTheOldestVintageFirstAndCutsTheLastBlock) {
  const auto ranges =
      SelectOldestFirst({Block("B", 2023, 1, 10), Block("A", 2021, 5, 8), Block("C", 2022, 1, 3)}, "a", 9);
  ASSERT_TRUE(ranges.ok());
  ASSERT_EQ(ranges->size(), 3u);
  EXPECT_EQ(FormatUnitRange((*ranges)[0]), "A:5-8");
  EXPECT_EQ(FormatUnitRange((*ranges)[1]), "C:1-3");
  EXPECT_EQ(FormatUnitRange((*ranges)[2]), "B:1-2");
}

TEST(Selection, JoinsNeighboursThatDifferInAttributes) {
  const auto ranges = SelectOldestFirst({Block("A", 2021, 4, 6), Block("A", 2021, 1, 3)}, "a", 5);
  ASSERT_TRUE(ranges.ok());
  ASSERT_EQ(ranges->size(), 1u);
  EXPECT_EQ(FormatUnitRange(ranges->front()), "A:1-5");
}

TEST(Selection, NeverTakesWhatTheAccountCannotSpend) {
  const std::vector<SpendableBlock> blocks = {
      Block("A", 2021, 1, 10, v1::BLOCK_STATE_RETIRED), Block("A", 2021, 11, 20, v1::BLOCK_STATE_IN_TRANSIT),
      Block("A", 2021, 21, 30, v1::BLOCK_STATE_HELD, "b"), Block("A", 2021, 31, 33)};
  EXPECT_TRUE(HasReason(SelectOldestFirst(blocks, "a", 4).status(), Reason::UNITS_NOT_HELD));
  EXPECT_EQ(FormatUnitRange(SelectOldestFirst(blocks, "a", 3)->front()), "A:31-33");
}

TEST(Settings, ReadsLinesAndNamesTheWrongOne) {
  const auto settings = ParseSettings("# comment\naddress = 127.0.0.1:1\n\nkey=a=b\n");
  ASSERT_TRUE(settings.ok());
  ASSERT_EQ(settings->size(), 2u);
  EXPECT_EQ((*settings)[0], std::make_pair(std::string("address"), std::string("127.0.0.1:1")));
  EXPECT_EQ((*settings)[1], std::make_pair(std::string("key"), std::string("a=b")));
  const auto wrong = ParseSettings("a = 1\nnonsense\n");
  EXPECT_TRUE(HasReason(wrong.status(), Reason::CONFIG_INVALID));
  EXPECT_NE(wrong.status().message().find("line 2"), absl::string_view::npos);
}

}  // namespace
}  // namespace jcm::client
