// Reads comma-separated values as RFC 4180 has them, in UTF-8: fields in quotation marks may hold commas, line breaks
// and doubled quotation marks; lines end with CRLF or LF; a byte order mark at the beginning is let pass.
//
//   Problems problems;
//   CsvTable table = ReadCsv("accounts.csv", text, &problems);
//   table.header, table.rows[0].fields[2] …
//
// Strict where a lenient reader would guess: a quotation mark inside a bare field, text behind a closing one, a row
// with more or fewer fields than the header, bytes that are not UTF-8 and control characters are problems, each with
// its row. A row that has one is left out; the others are read. Rows are counted as a spreadsheet counts them: the
// header is row 1.
#ifndef TOOLS_MIGRATION_CSV_H_
#define TOOLS_MIGRATION_CSV_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/migration/problems.h"

namespace jcm::migration {

inline constexpr size_t kFileBytesMax = 256u << 20;
inline constexpr size_t kRowsMax = 1'000'000;  // without the header
inline constexpr size_t kFieldBytesMax = 4'000;
inline constexpr size_t kColumnsMax = 64;

struct CsvRow {
  uint64_t number = 0;  // 2, 3 …
  std::vector<std::string> fields;
};

struct CsvTable {
  std::vector<std::string> header;
  std::vector<CsvRow> rows;
};

// FILE_MALFORMED and FILE_TOO_LARGE for what is above a limit; then the table has what came before.
CsvTable ReadCsv(const std::string& file, absl::string_view text, Problems* problems);

// Whether the bytes are UTF-8 without surrogates, overlong forms or anything above U+10FFFF.
bool IsUtf8(absl::string_view bytes);

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_CSV_H_
