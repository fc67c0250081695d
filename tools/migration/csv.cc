#include "tools/migration/csv.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace jcm::migration {
namespace {

constexpr char kByteOrderMark[] = "\xEF\xBB\xBF";

// One record after another. What is wrong with a record is kept and told once its end is found.
class Reader {
 public:
  explicit Reader(absl::string_view text) : text_(text) {}

  bool AtEnd() const { return at_ == text_.size(); }
  // False if the record is not well formed; error() says why. Stands behind its line break in any case.
  bool Next(std::vector<std::string>* fields) {
    fields->clear();
    error_.clear();
    do {
      fields->emplace_back();
      ReadField(&fields->back());
      CheckField(*fields);
    } while (Take(','));
    if (!AtEnd() && !TakeLineBreak()) {
      Fail("text behind a closing quotation mark");
      SkipLine();
    }
    return error_.empty();
  }
  const std::string& error() const { return error_; }
  bool too_large() const { return too_large_; }

 private:
  char Peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool Take(char c) {
    if (AtEnd() || Peek() != c) return false;
    ++at_;
    return true;
  }
  bool TakeLineBreak() {
    if (Take('\n')) return true;
    if (Peek() != '\r' || Peek(1) != '\n') return false;
    at_ += 2;
    return true;
  }
  bool AtLineBreak() const { return Peek() == '\n' || (Peek() == '\r' && Peek(1) == '\n'); }
  void SkipLine() {
    while (!AtEnd() && !TakeLineBreak()) ++at_;
  }
  void Fail(const char* why) {
    if (error_.empty()) error_ = why;
  }

  void ReadField(std::string* field) {
    if (Take('"')) return ReadQuoted(field);
    while (!AtEnd() && Peek() != ',' && !AtLineBreak()) {
      if (Peek() == '"') Fail("a quotation mark inside a field that does not begin with one");
      field->push_back(text_[at_++]);
    }
  }

  void ReadQuoted(std::string* field) {
    while (!AtEnd()) {
      if (!Take('"')) {
        field->push_back(text_[at_++]);
      } else if (Take('"')) {
        field->push_back('"');
      } else {
        return;
      }
    }
    Fail("a quotation mark that is never closed");
  }

  void CheckField(const std::vector<std::string>& fields) {
    const std::string& field = fields.back();
    if (fields.size() > kColumnsMax || field.size() > kFieldBytesMax) {
      too_large_ = true;
      Fail(fields.size() > kColumnsMax ? "too many fields" : "a field that is too long");
    }
    if (!IsUtf8(field)) Fail("bytes that are not UTF-8");
    for (const char c : field) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7F) Fail("a control character");
    }
  }

  const absl::string_view text_;
  size_t at_ = 0;
  std::string error_;
  bool too_large_ = false;
};

void ReadRows(const std::string& file, Reader& reader, CsvTable* table, Problems* problems) {
  uint64_t number = 1;
  std::vector<std::string> fields;
  while (!reader.AtEnd()) {
    ++number;
    const bool good = reader.Next(&fields);
    if (table->rows.size() == kRowsMax) {
      problems->Add(file, number, "", Reason::FILE_TOO_LARGE, absl::StrCat("more than ", kRowsMax, " rows"));
      return;
    }
    if (!good) {
      problems->Add(file, number, "", reader.too_large() ? Reason::FILE_TOO_LARGE : Reason::FILE_MALFORMED,
                    reader.error());
    } else if (fields.size() != table->header.size()) {
      problems->Add(file, number, "", Reason::FILE_MALFORMED,
                    absl::StrCat(fields.size(), " fields, the header has ", table->header.size()));
    } else {
      table->rows.push_back({number, fields});
    }
  }
}

}  // namespace

bool IsUtf8(absl::string_view bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[at]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (length == 0 || at + length > bytes.size()) return false;
    uint32_t code = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(bytes[at + i]);
      if ((next & 0xC0) != 0x80) return false;
      code = code << 6 | (next & 0x3F);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (overlong || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    at += length;
  }
  return true;
}

CsvTable ReadCsv(const std::string& file, absl::string_view text, Problems* problems) {
  CsvTable table;
  if (text.size() > kFileBytesMax) {
    problems->Add(file, 0, "", Reason::FILE_TOO_LARGE, absl::StrCat("more than ", kFileBytesMax, " bytes"));
    return table;
  }
  absl::ConsumePrefix(&text, kByteOrderMark);
  Reader reader(text);
  if (reader.AtEnd()) {
    problems->Add(file, 1, "", Reason::FILE_MALFORMED, "no header");
    return table;
  }
  if (!reader.Next(&table.header)) {
    problems->Add(file, 1, "", reader.too_large() ? Reason::FILE_TOO_LARGE : Reason::FILE_MALFORMED, reader.error());
    return table;
  }
  ReadRows(file, reader, &table, problems);
  return table;
}

}  // namespace jcm::migration
