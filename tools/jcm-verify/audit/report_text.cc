#include "tools/jcm-verify/audit/report_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/book/trust.h"
#include "nlohmann/json.hpp"
#include "tools/client/table.h"

namespace jcm::verify {
namespace {

using book::Language;
using client::Column;
using client::ColumnKind;
using nlohmann::ordered_json;

const char* Pick(Language language, const char* english, const char* japanese) {
  return language == Language::ENGLISH ? english : japanese;
}

std::string Printable(std::string text) {
  for (char& c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = '?';
  }
  return text;
}

const char* ResultName(AuditResult result) {
  switch (result) {
    case AuditResult::CLEAN:
      return "CLEAN";
    case AuditResult::INCOMPLETE:
      return "INCOMPLETE";
    case AuditResult::UNKNOWN_KEY:
      return "UNKNOWN_KEY";
    case AuditResult::FAILED:
      break;
  }
  return "FAILED";
}

const char* Headline(AuditResult result, Language language) {
  switch (result) {
    case AuditResult::CLEAN:
      return Pick(language, "AUDIT CLEAN: everything given was checked and holds",
                  "監査：問題なし。渡されたものをすべて検査し、すべて成り立っています");
    case AuditResult::INCOMPLETE:
      return Pick(language, "AUDIT INCOMPLETE: nothing wrong was found, but something is missing",
                  "監査：不完全。誤りは見つかりませんが、足りないものがあります");
    case AuditResult::UNKNOWN_KEY:
      return Pick(language, "AUDIT WITH UNKNOWN KEYS: nothing wrong was found, but whose books these are is not known",
                  "監査：鍵が不明。誤りは見つかりませんが、誰の帳簿か分かりません");
    case AuditResult::FAILED:
      break;
  }
  return Pick(language, "AUDIT FAILED", "監査：不合格");
}

std::vector<ordered_json> BookRows(const AuditReport& report, Language language) {
  std::vector<ordered_json> rows;
  for (const BookReport& book : report.books()) {
    const char* result = book.errors() > 0     ? Pick(language, "FAILED", "不合格")
                         : book.warnings() > 0 ? Pick(language, "incomplete", "不完全")
                         : !book.keys_trusted  ? Pick(language, "unknown key", "鍵不明")
                                               : Pick(language, "clean", "問題なし");
    rows.push_back({{"book", Printable(book.name())},
                    {"entries", book.entries},
                    {"bytes", book.bytes},
                    {"checkpoints", book.checkpoints},
                    {"checkpoint_size", book.checkpoint_size},
                    {"cosigned_size", book.cosigned_size},
                    {"findings", book.errors() + book.warnings()},
                    {"result", result}});
  }
  return rows;
}

// Of all books together: per check how often it held, failed, and where it could not be looked at.
std::vector<ordered_json> CheckRows(const AuditReport& report, Language language) {
  std::vector<ordered_json> rows;
  for (size_t i = 0; i < kCheckCount; ++i) {
    const Check check = static_cast<Check>(i);
    uint64_t passed = 0;
    uint64_t failed = 0;
    std::string why;
    for (const BookReport& book : report.books()) {
      const CheckCount& count = book.count(check);
      passed += count.passed;
      failed += count.failed;
      if (count.not_checkable.empty() || check == Check::COPY) continue;
      absl::StrAppend(&why, why.empty() ? "" : "; ", book.name(), ": ", count.not_checkable);
    }
    if (passed == 0 && failed == 0 && why.empty()) continue;
    const CheckInfo& info = Describe(check);
    rows.push_back({{"check", info.name},
                    {"passed", passed},
                    {"failed", failed},
                    {"says", language == Language::ENGLISH ? info.english : info.japanese},
                    {"why", Printable(why)}});
  }
  return rows;
}

void PrintFinding(const BookReport& book, const Finding& finding, Language language, std::ostream& out) {
  out << (finding.severity == Severity::ERROR ? Pick(language, "ERROR", "誤り") : Pick(language, "WARNING", "注意"))
      << " " << Printable(book.name());
  if (finding.has_sequence) out << Pick(language, " entry ", " 記録 ") << finding.sequence;
  out << " [" << Describe(finding.check).name << "] "
      << Pick(language, Describe(finding.check).english, Describe(finding.check).japanese) << "\n";
  if (!finding.place.empty()) out << Pick(language, "  where:    ", "  場所：") << Printable(finding.place) << "\n";
  out << Pick(language, "  expected: ", "  期待：") << Printable(finding.expected) << "\n"
      << Pick(language, "  found:    ", "  実際：") << Printable(finding.found) << "\n";
}

ordered_json BookJson(const BookReport& book) {
  ordered_json json = {{"book", book.name()},
                       {"source", book.source},
                       {"entries", book.entries},
                       {"bytes", book.bytes},
                       {"root", book.root},
                       {"checkpoints", book.checkpoints},
                       {"checkpoint_size", book.checkpoint_size},
                       {"cosigned_size", book.cosigned_size},
                       {"demonstration", book.demonstration},
                       {"keys_trusted", book.keys_trusted},
                       {"author_signatures", book.author_signatures},
                       {"author_cpu_seconds", book.author_cpu_seconds}};
  for (size_t i = 0; i < kCheckCount; ++i) {
    const CheckCount& count = book.count(static_cast<Check>(i));
    ordered_json& check = json["checks"][Describe(static_cast<Check>(i)).name];
    check = {{"passed", count.passed}, {"failed", count.failed}};
    if (!count.not_checkable.empty()) check["not_checkable"] = count.not_checkable;
  }
  json["findings"] = ordered_json::array();
  for (const Finding& finding : book.findings()) {
    ordered_json row = {{"severity", finding.severity == Severity::ERROR ? "ERROR" : "WARNING"},
                        {"check", Describe(finding.check).name}};
    if (finding.has_sequence) row["sequence"] = finding.sequence;
    if (!finding.place.empty()) row["place"] = finding.place;
    row["expected"] = finding.expected;
    row["found"] = finding.found;
    json["findings"].push_back(std::move(row));
  }
  return json;
}

double OtherCpuSeconds(const AuditReport& report) {
  return std::max(report.cpu_seconds - report.author_cpu_seconds, 1e-9);
}

bool IsDemonstration(const AuditReport& report) {
  return std::any_of(report.books().begin(), report.books().end(),
                     [](const BookReport& book) { return book.demonstration; });
}

}  // namespace

AuditResult ResultOf(const AuditReport& report) {
  if (report.errors() > 0 || report.entries() == 0) return AuditResult::FAILED;
  for (const BookReport& book : report.books()) {
    if (!book.keys_trusted) return AuditResult::UNKNOWN_KEY;
  }
  return report.warnings() > 0 ? AuditResult::INCOMPLETE : AuditResult::CLEAN;
}

void PrintAuditText(const AuditReport& report, Language language, std::ostream& out) {
  const client::Language table_language = language == Language::ENGLISH ? client::Language::EN : client::Language::JA;
  out << Headline(ResultOf(report), language) << "\n";
  if (IsDemonstration(report)) out << book::kDemonstrationNotice << "\n";
  out << "\n"
      << client::Table({{"Book", "帳簿", "/book"},
                        {"Entries", "記録数", "/entries", ColumnKind::NUMBER},
                        {"Bytes", "バイト", "/bytes", ColumnKind::NUMBER},
                        {"Checkpoints", "署名済頭書", "/checkpoints", ColumnKind::NUMBER},
                        {"Signed", "署名済", "/checkpoint_size", ColumnKind::NUMBER},
                        {"Cosigned", "連署済", "/cosigned_size", ColumnKind::NUMBER},
                        {"Findings", "指摘", "/findings", ColumnKind::NUMBER},
                        {"Result", "結果", "/result"}})
             .Render(BookRows(report, language), client::OutputFormat::TABLE, table_language)
      << "\n"
      << client::Table({{"Check", "検査", "/check"},
                        {"Passed", "合格", "/passed", ColumnKind::NUMBER},
                        {"Failed", "不合格", "/failed", ColumnKind::NUMBER},
                        {"What holds", "内容", "/says"},
                        {"Not checkable", "検査不可", "/why"}})
             .Render(CheckRows(report, language), client::OutputFormat::TABLE, table_language);
  for (const BookReport& book : report.books()) {
    if (!book.findings().empty()) out << "\n";
    for (const Finding& finding : book.findings()) PrintFinding(book, finding, language, out);
    const uint64_t all = book.errors() + book.warnings();
    if (all > book.findings().size()) {
      out << absl::StrCat(all - book.findings().size(), Pick(language, " more of ", " 件の指摘がさらにあります："),
                          Printable(book.name()), "\n");
    }
  }
  out << "\n"
      << absl::StrFormat("%d %s, %.1f s; %s %.1f s, %s %.1f s; %.0f %s\n", report.entries(),
                         Pick(language, "entries", "件の記録"), report.seconds,
                         Pick(language, "processor time", "処理装置時間"), report.cpu_seconds,
                         Pick(language, "of it on authors' signatures", "うち作成者署名"), report.author_cpu_seconds,
                         static_cast<double>(report.entries()) / OtherCpuSeconds(report),
                         Pick(language, "entries per second of the rest", "件／秒（署名を除く処理装置時間）"));
}

void PrintAuditJson(const AuditReport& report, std::ostream& out) {
  ordered_json json = {{"result", ResultName(ResultOf(report))}};
  if (IsDemonstration(report)) json["notice"] = book::kDemonstrationNotice;
  json["entries"] = report.entries();
  json["errors"] = report.errors();
  json["warnings"] = report.warnings();
  json["seconds"] = report.seconds;
  json["cpu_seconds"] = report.cpu_seconds;
  json["author_cpu_seconds"] = report.author_cpu_seconds;
  json["author_seconds"] = report.author_cpu_seconds;  // the name by which benchmarks ask for it
  // Hashes, chain, effects, checkpoints.
  json["other_cpu_seconds"] = OtherCpuSeconds(report);
  json["books"] = ordered_json::array();
  for (const BookReport& book : report.books()) json["books"].push_back(BookJson(book));
  out << json.dump(2, ' ', false, ordered_json::error_handler_t::replace) << "\n";
}

}  // namespace jcm::verify
