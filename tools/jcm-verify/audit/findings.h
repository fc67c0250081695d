// What an audit found: per book and check how often it held and where it did not.
//
//   BookReport& book = report.AddBook("demo.invalid/JPN/TH");
//   book.Passed(Check::CHAIN);
//   book.Fail(Check::COMMAND_DIGEST, 17, "demo.mirror bytes 1200..1833", "hash of the command", "another hash");
//   book.NotCheckable(Check::AUTHOR_HOME, "home not given");
//
// Not for printing: report_text.h does that. Not thread-safe.
#ifndef TOOLS_JCM_VERIFY_AUDIT_FINDINGS_H_
#define TOOLS_JCM_VERIFY_AUDIT_FINDINGS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace jcm::verify {

enum class Check : uint8_t {
#define JCM_AUDIT_CHECK(enumerator, name, english, japanese) enumerator,
#include "tools/jcm-verify/audit/checks.def"
#undef JCM_AUDIT_CHECK
};

inline constexpr size_t kCheckCount = 0
#define JCM_AUDIT_CHECK(enumerator, name, english, japanese) +1
#include "tools/jcm-verify/audit/checks.def"
#undef JCM_AUDIT_CHECK
    ;

struct CheckInfo {
  const char* name;
  const char* english;
  const char* japanese;
};
const CheckInfo& Describe(Check check);

// ERROR: something is wrong. WARNING: nothing is proven wrong, but something that should be there is not.
enum class Severity { ERROR, WARNING };

// Of one check in one book, so many are kept; all are counted.
inline constexpr size_t kFindingsPerCheckMax = 20;

struct Finding {
  Severity severity = Severity::ERROR;
  Check check = Check::FORM;
  bool has_sequence = false;
  uint64_t sequence = 0;
  std::string place;  // file and bytes, key of a store; empty if the entry says it all
  std::string expected;
  std::string found;
};

struct CheckCount {
  uint64_t passed = 0;
  uint64_t failed = 0;
  std::string not_checkable;  // why; empty: it could be checked
};

class BookReport {
 public:
  explicit BookReport(std::string name) : name_(std::move(name)) {}

  void Passed(Check check, uint64_t times = 1) { counts_[static_cast<size_t>(check)].passed += times; }
  void Fail(Check check, uint64_t sequence, absl::string_view place, absl::string_view expected,
            absl::string_view found);
  // Of the book as a whole.
  void FailBook(Check check, absl::string_view place, absl::string_view expected, absl::string_view found);
  void Warn(Check check, absl::string_view place, absl::string_view expected, absl::string_view found);
  // The first reason is kept.
  void NotCheckable(Check check, absl::string_view why);

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  const CheckCount& count(Check check) const { return counts_[static_cast<size_t>(check)]; }
  const std::vector<Finding>& findings() const { return findings_; }
  uint64_t errors() const { return errors_; }
  uint64_t warnings() const { return warnings_; }

  // Facts for the summary.
  std::string source;  // where its entries came from
  uint64_t entries = 0;
  uint64_t bytes = 0;
  uint64_t checkpoints = 0;
  uint64_t checkpoint_size = 0;  // of the largest one that verified
  uint64_t cosigned_size = 0;
  bool demonstration = false;
  bool keys_trusted = false;  // the trust file has this book
  bool partner_keeps_book = false;
  std::string root;  // hexadecimal, over all entries
  double author_cpu_seconds = 0;
  uint64_t author_signatures = 0;

 private:
  void Add(Finding finding);

  std::string name_;
  std::array<CheckCount, kCheckCount> counts_;
  std::vector<Finding> findings_;
  uint64_t errors_ = 0;
  uint64_t warnings_ = 0;
};

class AuditReport {
 public:
  // The reference stays valid.
  BookReport& AddBook(const std::string& name);

  const std::deque<BookReport>& books() const { return books_; }
  uint64_t entries() const;
  uint64_t errors() const;
  uint64_t warnings() const;

  // Of the audit of all books. Processor time is what counts on a busy machine; the rest of it went into hashes, chain,
  // effects and checkpoints.
  double seconds = 0;
  double cpu_seconds = 0;
  double author_cpu_seconds = 0;  // on signatures of persons, and the way from each act to what was signed

 private:
  std::deque<BookReport> books_;
};

}  // namespace jcm::verify

// Counts the check as passed if the condition holds, else writes a finding; true if it holds. The texts are made only
// then: this stands on the way of every entry.
#define JCM_AUDIT_REQUIRE(report, condition, check, sequence, expected, found) \
  ((condition) ? ((report).Passed(check), true) : ((report).Fail(check, sequence, "", expected, found), false))

#endif  // TOOLS_JCM_VERIFY_AUDIT_FINDINGS_H_
