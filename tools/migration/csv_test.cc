#include "tools/migration/csv.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace jcm::migration {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

CsvTable Read(absl::string_view text, Problems* problems) { return ReadCsv("a.csv", text, problems); }

// "row reason detail" of each problem.
std::vector<std::string> Told(const Problems& problems) {
  std::vector<std::string> told;
  for (const Problem& problem : problems.list()) {
    told.push_back(absl::StrCat(problem.row, " ", Describe(problem.reason).name, " ", problem.detail));
  }
  return told;
}

TEST(Csv, ReadsBareAndQuotedFieldsWithCommasLineBreaksAndDoubledQuotationMarks) {
  Problems problems;
  const CsvTable table = Read(
      "\xEF\xBB\xBFname,note\r\n"
      "\"Hinode, Ltd.\",\"says \"\"yes\"\"\nand more\"\r\n"
      "日の出,\n",
      &problems);
  EXPECT_THAT(Told(problems), IsEmpty());
  EXPECT_THAT(table.header, ElementsAre("name", "note"));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0].number, 2u);
  EXPECT_THAT(table.rows[0].fields, ElementsAre("Hinode, Ltd.", "says \"yes\"\nand more"));
  EXPECT_EQ(table.rows[1].number, 3u);
  EXPECT_THAT(table.rows[1].fields, ElementsAre("日の出", ""));
}

TEST(Csv, NeedsNoLineBreakAtTheEnd) {
  Problems problems;
  EXPECT_THAT(Read("a,b\n1,2", &problems).rows[0].fields, ElementsAre("1", "2"));
  EXPECT_THAT(Read("a,b\n1,\"\"", &problems).rows[0].fields, ElementsAre("1", ""));
  EXPECT_FALSE(problems.any());
}

TEST(Csv, TellsEveryBadRowAndReadsTheOthers) {
  Problems problems;
  const CsvTable table = Read(
      "a,b\n"
      "1\n"
      "1,2\n"
      "1,2,3\n"
      "1,x\"y\n"
      "\"1\"z,2\n"
      "\xFF,2\n"
      "\x01,2\n"
      "\n"
      "3,4\n"
      "5,\"6\n",
      &problems);
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0].number, 3u);
  EXPECT_EQ(table.rows[1].number, 10u);
  EXPECT_THAT(
      Told(problems),
      ElementsAre("2 FILE_MALFORMED 1 fields, the header has 2", "4 FILE_MALFORMED 3 fields, the header has 2",
                  "5 FILE_MALFORMED a quotation mark inside a field that does not begin with one",
                  "6 FILE_MALFORMED text behind a closing quotation mark", "7 FILE_MALFORMED bytes that are not UTF-8",
                  "8 FILE_MALFORMED a control character", "9 FILE_MALFORMED 1 fields, the header has 2",
                  "11 FILE_MALFORMED a quotation mark that is never closed"));
}

TEST(Csv, KeepsItsLimits) {
  Problems problems;
  Read(absl::StrCat("a\n", std::string(kFieldBytesMax, 'x'), "\n"), &problems);
  EXPECT_FALSE(problems.any());
  Read(absl::StrCat("a\n", std::string(kFieldBytesMax + 1, 'x'), "\n"), &problems);
  EXPECT_THAT(Told(problems), ElementsAre("2 FILE_TOO_LARGE a field that is too long"));

  Problems columns;
  Read(absl::StrCat(std::string(kColumnsMax - 1, ','), "\n"), &columns);
  EXPECT_FALSE(columns.any());
  Read(absl::StrCat(std::string(kColumnsMax, ','), "\n"), &columns);
  EXPECT_THAT(Told(columns), ElementsAre("1 FILE_TOO_LARGE too many fields"));

  std::string text = "a\n";
  for (size_t i = 0; i < kRowsMax; ++i) text += "1\n";
  Problems rows;
  EXPECT_EQ(Read(text, &rows).rows.size(), kRowsMax);
  EXPECT_FALSE(rows.any());
  EXPECT_EQ(Read(text + "1\n", &rows).rows.size(), kRowsMax);
  EXPECT_THAT(Told(rows), ElementsAre(absl::StrCat(kRowsMax + 2, " FILE_TOO_LARGE more than ", kRowsMax, " rows")));

  Problems bytes;
  Read(std::string(kFileBytesMax + 1, 'x'), &bytes);
  EXPECT_THAT(Told(bytes), ElementsAre(absl::StrCat("0 FILE_TOO_LARGE more than ", kFileBytesMax, " bytes")));
  Read("", &bytes);
  EXPECT_EQ(Told(bytes).back(), "1 FILE_MALFORMED no header");
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndWhatLiesAboveUnicode) {
  EXPECT_TRUE(IsUtf8("無効化 \xF4\x8F\xBF\xBF"));
  for (const absl::string_view bytes :
       {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE7\x84", "\xF8\x88\x80\x80\x80"}) {
    EXPECT_FALSE(IsUtf8(bytes));
  }
}

}  // namespace
}  // namespace jcm::migration
