#include "tools/client/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace jcm::client {
namespace {

using nlohmann::ordered_json;

constexpr size_t kDigestShown = 12;
constexpr size_t kColumnGap = 2;

std::string ScalarText(const ordered_json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object()) {
    if (value.contains("lot_id") && value.contains("first") && value.contains("last")) {
      return absl::StrCat(value["lot_id"].get<std::string>(), ":", value["first"].get<uint64_t>(), "-",
                          value["last"].get<uint64_t>());
    }
    if (value.contains("partnership") && value.contains("handle")) {
      return absl::StrCat(value["partnership"].get<std::string>(), "/", value["handle"].get<std::string>());
    }
  }
  return value.dump();
}

std::string QuoteCsv(std::string cell) {
  if (!cell.empty() && (cell[0] == '=' || cell[0] == '+' || cell[0] == '-' || cell[0] == '@')) cell.insert(0, "'");
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string Shown(const ordered_json& row, const Column& column) {
  std::string text = CellText(row, column.pointer);
  if (column.kind == ColumnKind::DIGEST && text.size() > kDigestShown) return text.substr(0, kDigestShown) + "…";
  if (column.kind == ColumnKind::NUMBER) {
    const ordered_json::json_pointer pointer(column.pointer);
    if (!row.contains(pointer)) return "0";
    if (row[pointer].is_number_unsigned()) return WithThousands(row[pointer].get<uint64_t>());
  }
  return text;
}

// The code point at `text[*at]`, moving `*at` behind it. Bytes that are no UTF-8 count one by one.
uint32_t NextCodePoint(absl::string_view text, size_t* at) {
  const auto byte = static_cast<unsigned char>(text[*at]);
  const size_t length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
  if (length == 1 || *at + length > text.size()) {
    ++*at;
    return byte;
  }
  uint32_t code = byte & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) code = (code << 6) | (static_cast<unsigned char>(text[*at + i]) & 0x3fu);
  *at += length;
  return code;
}

bool IsWide(uint32_t code) {
  return (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
         (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
         (code >= 0xfe30 && code <= 0xfe4f) || (code >= 0xff00 && code <= 0xff60) ||
         (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x20000 && code <= 0x3fffd);
}

}  // namespace

std::string WithThousands(uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

size_t DisplayWidth(absl::string_view utf8) {
  size_t width = 0;
  for (size_t at = 0; at < utf8.size();) width += IsWide(NextCodePoint(utf8, &at)) ? 2 : 1;
  return width;
}

std::string CellText(const ordered_json& row, const std::string& pointer) {
  const ordered_json::json_pointer path(pointer);
  if (!row.contains(path)) return "";
  const ordered_json& value = row[path];
  if (!value.is_array()) return ScalarText(value);
  return absl::StrJoin(value, ", ",
                       [](std::string* out, const ordered_json& item) { absl::StrAppend(out, ScalarText(item)); });
}

std::string Table::Render(const std::vector<ordered_json>& rows, OutputFormat format, Language language) const {
  switch (format) {
    case OutputFormat::JSON:
      return ordered_json(rows).dump(2) + "\n";
    case OutputFormat::CSV:
      return RenderCsv(rows);
    case OutputFormat::TABLE:
      break;
  }
  return RenderText(rows, language);
}

std::string Table::RenderText(const std::vector<ordered_json>& rows, Language language) const {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : columns_) {
    lines[0].push_back(language == Language::JA ? column.japanese : column.english);
  }
  for (const ordered_json& row : rows) {
    lines.emplace_back();
    for (const Column& column : columns_) lines.back().push_back(Shown(row, column));
  }
  std::vector<size_t> widths(columns_.size(), 0);
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(line[i]));
  }
  std::string out;
  for (size_t n = 0; n < lines.size(); ++n) {
    std::string text;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string padding(widths[i] - DisplayWidth(lines[n][i]), ' ');
      const bool right = columns_[i].kind == ColumnKind::NUMBER;
      absl::StrAppend(&text, right ? padding : "", lines[n][i], right ? "" : padding);
      if (i + 1 < columns_.size()) text.append(kColumnGap, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    absl::StrAppend(&out, text, "\n");
    if (n > 0) continue;
    std::vector<std::string> rule;
    for (const size_t width : widths) rule.emplace_back(width, '-');
    absl::StrAppend(&out, absl::StrJoin(rule, std::string(kColumnGap, ' ')), "\n");
  }
  return out;
}

std::string Table::RenderCsv(const std::vector<ordered_json>& rows) const {
  std::string out = absl::StrJoin(
      columns_, ",", [](std::string* to, const Column& column) { absl::StrAppend(to, QuoteCsv(column.english)); });
  absl::StrAppend(&out, "\r\n");
  for (const ordered_json& row : rows) {
    absl::StrAppend(&out,
                    absl::StrJoin(columns_, ",",
                                  [&row](std::string* to, const Column& column) {
                                    absl::StrAppend(to, QuoteCsv(CellText(row, column.pointer)));
                                  }),
                    "\r\n");
  }
  return out;
}

}  // namespace jcm::client
