#include "tools/publish/csv.h"

#include "absl/strings/string_view.h"
#include "ledger/base/status.h"

namespace jcm::publish {
namespace {

constexpr char kMark[] = "\xEF\xBB\xBF";
constexpr char kFormulaStarts[] = "=+-@\t\r";

void AppendCell(absl::string_view cell, std::string* text) {
  const bool formula = !cell.empty() && absl::string_view(kFormulaStarts).find(cell[0]) != absl::string_view::npos;
  const bool quoted = cell.find_first_of(",\"\r\n") != absl::string_view::npos;
  if (quoted) *text += '"';
  if (formula) *text += '\'';
  for (const char c : cell) {
    if (c == '"') *text += '"';
    *text += c;
  }
  if (quoted) *text += '"';
}

}  // namespace

CsvWriter::CsvWriter(const std::vector<std::string>& header, ByteOrderMark mark) : columns_(header.size()) {
  if (mark == ByteOrderMark::kYes) text_ = kMark;
  Write(header);
}

void CsvWriter::AddRow(const std::vector<std::string>& cells) {
  JCM_CHECK(cells.size() == columns_);
  Write(cells);
}

void CsvWriter::Write(const std::vector<std::string>& cells) {
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) text_ += ',';
    AppendCell(cells[i], &text_);
  }
  text_ += "\r\n";
}

}  // namespace jcm::publish
