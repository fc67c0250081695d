#include "tools/client/table.h"

#include "gtest/gtest.h"

namespace jcm::client {
namespace {

using nlohmann::ordered_json;

TEST(Table, SeparatesThousands) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(1'000), "1,000");
  EXPECT_EQ(WithThousands(1'234'567'890), "1,234,567,890");
}

TEST(Table, CountsWideCharactersTwice) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("無効化"), 6u);
  EXPECT_EQ(DisplayWidth("é"), 1u);
}

TEST(Table, AlignsNumbersRightAndTextLeft) {
  const Table table({{"Lot", "ロット", "/lot"}, {"t-CO2e", "トン", "/tonnes", ColumnKind::NUMBER}});
  const std::vector<ordered_json> rows = {{{"lot", "TH014-2021-1"}, {"tonnes", 2017u}}, {{"lot", "B"}, {"tonnes", 7u}}};
  EXPECT_EQ(table.Render(rows, OutputFormat::TABLE, Language::EN),
            "Lot           t-CO2e\n"
            "------------  ------\n"
            "TH014-2021-1   2,017\n"
            "B                  7\n");
}

TEST(Table, AlignsJapaneseHeaders) {
  const Table table({{"Holder", "口座名義人", "/holder"}, {"Tonnes", "トン", "/tonnes", ColumnKind::NUMBER}});
  EXPECT_EQ(table.Render({{{"holder", "架空"}, {"tonnes", 5u}}}, OutputFormat::TABLE, Language::JA),
            "口座名義人  トン\n"
            "----------  ----\n"
            "架空           5\n");
}

TEST(Table, ShowsAMissingNumberAsZeroAndMissingTextAsNothing) {
  const Table table({{"A", "A", "/a"}, {"N", "N", "/n", ColumnKind::NUMBER}});
  EXPECT_EQ(table.Render({ordered_json::object()}, OutputFormat::TABLE, Language::EN), "A  N\n-  -\n   0\n");
}

TEST(Table, CutsDigestsForPeopleOnly) {
  const std::string digest(64, 'a');
  const Table table({{"D", "D", "/d", ColumnKind::DIGEST}});
  const std::vector<ordered_json> rows = {{{"d", digest}}};
  EXPECT_NE(table.Render(rows, OutputFormat::TABLE, Language::EN).find("aaaaaaaaaaaa…"), std::string::npos);
  EXPECT_NE(table.Render(rows, OutputFormat::CSV, Language::EN).find(digest), std::string::npos);
  EXPECT_NE(table.Render(rows, OutputFormat::JSON, Language::EN).find(digest), std::string::npos);
}

TEST(Table, QuotesCsvAndDisarmsFormulas) {
  const Table table({{"Note", "注", "/note"}});
  EXPECT_EQ(table.Render({{{"note", "a,\"b\""}}, {{"note", "=1+1"}}}, OutputFormat::CSV, Language::EN),
            "Note\r\n\"a,\"\"b\"\"\"\r\n'=1+1\r\n");
}

TEST(Table, ReadsRangesAndHandlesInOneCell) {
  const ordered_json row = {
      {"ranges", {{{"lot_id", "L"}, {"first", 1u}, {"last", 9u}}, {{"lot_id", "M"}, {"first", 2u}, {"last", 2u}}}},
      {"handle", {{"partnership", "TH"}, {"handle", "00"}}}};
  EXPECT_EQ(CellText(row, "/ranges"), "L:1-9, M:2-2");
  EXPECT_EQ(CellText(row, "/handle"), "TH/00");
  EXPECT_EQ(CellText(row, "/nothing"), "");
}

}  // namespace
}  // namespace jcm::client
