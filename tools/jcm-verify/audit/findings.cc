#include "tools/jcm-verify/audit/findings.h"

#include <utility>

namespace jcm::verify {
namespace {

constexpr CheckInfo kChecks[] = {
#define JCM_AUDIT_CHECK(enumerator, name, english, japanese) {name, english, japanese},
#include "tools/jcm-verify/audit/checks.def"
#undef JCM_AUDIT_CHECK
};

}  // namespace

const CheckInfo& Describe(Check check) { return kChecks[static_cast<size_t>(check)]; }

void BookReport::Add(Finding finding) {
  CheckCount& count = counts_[static_cast<size_t>(finding.check)];
  ++count.failed;
  ++(finding.severity == Severity::ERROR ? errors_ : warnings_);
  if (count.failed <= kFindingsPerCheckMax) findings_.push_back(std::move(finding));
}

void BookReport::Fail(Check check, uint64_t sequence, absl::string_view place, absl::string_view expected,
                      absl::string_view found) {
  Add({Severity::ERROR, check, true, sequence, std::string(place), std::string(expected), std::string(found)});
}

void BookReport::FailBook(Check check, absl::string_view place, absl::string_view expected, absl::string_view found) {
  Add({Severity::ERROR, check, false, 0, std::string(place), std::string(expected), std::string(found)});
}

void BookReport::Warn(Check check, absl::string_view place, absl::string_view expected, absl::string_view found) {
  Add({Severity::WARNING, check, false, 0, std::string(place), std::string(expected), std::string(found)});
}

void BookReport::NotCheckable(Check check, absl::string_view why) {
  std::string& reason = counts_[static_cast<size_t>(check)].not_checkable;
  if (reason.empty()) reason = std::string(why);
}

BookReport& AuditReport::AddBook(const std::string& name) {
  books_.emplace_back(name);
  return books_.back();
}

uint64_t AuditReport::entries() const {
  uint64_t sum = 0;
  for (const BookReport& book : books_) sum += book.entries;
  return sum;
}

uint64_t AuditReport::errors() const {
  uint64_t sum = 0;
  for (const BookReport& book : books_) sum += book.errors();
  return sum;
}

uint64_t AuditReport::warnings() const {
  uint64_t sum = 0;
  for (const BookReport& book : books_) sum += book.warnings();
  return sum;
}

}  // namespace jcm::verify
