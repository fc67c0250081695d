#include "tools/client/calendar.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/types.h"

namespace jcm::client {
namespace {

constexpr size_t kLineBytesMax = 75;  // RFC 5545, 3.1
constexpr size_t kUidDigits = 32;

std::string Escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == ';' || c == ',') escaped.push_back('\\');
    if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

// Long lines go on in the next one after a blank; a character of several bytes is never cut.
void AddLine(const std::string& line, std::string* text) {
  size_t begin = 0;
  size_t room = kLineBytesMax;
  while (line.size() - begin > room) {
    size_t end = begin + room;
    while ((static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
    absl::StrAppend(text, line.substr(begin, end - begin), "\r\n ");
    begin = end;
    room = kLineBytesMax - 1;
  }
  absl::StrAppend(text, line.substr(begin), "\r\n");
}

// "2026-03-12T17:00:00Z" -> "20260312T170000Z".
std::string Compact(const std::string& rfc3339) {
  std::string compact;
  for (const char c : rfc3339.substr(0, 19)) {
    if (c != '-' && c != ':') compact.push_back(c);
  }
  return compact + "Z";
}

}  // namespace

std::string CalendarOf(const std::vector<nlohmann::ordered_json>& rows, bool japanese) {
  std::string text;
  AddLine("BEGIN:VCALENDAR", &text);
  AddLine("VERSION:2.0", &text);
  AddLine("PRODID:-//JCM registry ledger//inbox//EN", &text);
  for (const nlohmann::ordered_json& row : rows) {
    const std::string due = row.value("due", "");
    if (due.empty()) continue;
    const std::string name = row.value("name", "");
    const std::string place =
        absl::StrCat(row.value("strand", ""), "/", row.value("instance", 0), " ", row.value("step", ""));
    const Digest uid = Sha256(absl::StrCat(name, "|", place));
    AddLine("BEGIN:VEVENT", &text);
    AddLine(absl::StrCat("UID:", absl::BytesToHexString(AsBytes(uid)).substr(0, kUidDigits), "@jcm-registry"), &text);
    AddLine(absl::StrCat("DTSTAMP:", Compact(row.value("since", due))), &text);
    AddLine(absl::StrCat("DTSTART:", Compact(due)), &text);
    AddLine(absl::StrCat("SUMMARY:", Escape(absl::StrCat(row.value("title", ""), ": ",
                                                         row.value(japanese ? "text_ja" : "text_en", "")))),
            &text);
    AddLine(absl::StrCat("DESCRIPTION:", Escape(absl::StrCat(name, " ", place))), &text);
    AddLine("END:VEVENT", &text);
  }
  AddLine("END:VCALENDAR", &text);
  return text;
}

}  // namespace jcm::client
