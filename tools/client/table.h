// Rows for people and for scripts: aligned tables, CSV or JSON from the same rows.
//
//   Table table({{"Lot", "ロット", "/record/lot_id"}, {"Tonnes", "トン", "/tonnes", ColumnKind::NUMBER}});
//   std::fputs(table.Render(rows, OutputFormat::TABLE, Language::EN).c_str(), stdout);
//
// A row is a JSON object (json_view.h); a column is a JSON pointer into it. Numbers get thousands separators and stand
// to the right, digests are cut to 12 digits; CSV and JSON show them whole. East Asian wide characters count as two
// columns.
#ifndef TOOLS_CLIENT_TABLE_H_
#define TOOLS_CLIENT_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace jcm::client {

enum class OutputFormat { TABLE, JSON, CSV };
enum class Language { EN, JA };
enum class ColumnKind { TEXT, NUMBER, DIGEST };

struct Column {
  std::string english;
  std::string japanese;
  std::string pointer;  // "/record/lot_id"
  ColumnKind kind = ColumnKind::TEXT;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // Ends with a line break. JSON is the array of whole rows, whatever the columns are. CSV follows RFC 4180 and puts a
  // quotation mark before cells that a spreadsheet would run as a formula (first character = + - @).
  std::string Render(const std::vector<nlohmann::ordered_json>& rows, OutputFormat format, Language language) const;

 private:
  std::string RenderText(const std::vector<nlohmann::ordered_json>& rows, Language language) const;
  std::string RenderCsv(const std::vector<nlohmann::ordered_json>& rows) const;

  const std::vector<Column> columns_;
};

// 2017 -> "2,017".
std::string WithThousands(uint64_t value);

// Columns that a terminal needs for UTF-8 text.
size_t DisplayWidth(absl::string_view utf8);

// One cell, whole: arrays are joined by ", ", unit ranges read "TH014-2021-1:1-1009"; a missing value is empty.
std::string CellText(const nlohmann::ordered_json& row, const std::string& pointer);

}  // namespace jcm::client

#endif  // TOOLS_CLIENT_TABLE_H_
