// The audit of whatever books are given: homes first, then each partnership, both sides together where both are given.
//
//   std::vector<std::unique_ptr<EntrySource>> sources = ...;
//   AuditReport report;
//   AuditBooks(std::move(sources), trust, AuditSettings(), &report);
//   if (report.errors() > 0) ...
//
// Shares no code with rules, state or registry: what they did is judged from bytes.
#ifndef TOOLS_JCM_VERIFY_AUDIT_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_AUDIT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ledger/base/types.h"
#include "ledger/book/trust.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/pair_audit.h"
#include "tools/jcm-verify/audit/source.h"
#include "tools/jcm-verify/audit/tables.h"

namespace jcm::verify {

struct AuditSettings {
  bool author_signatures = true;
  // Checkpoints given beside the books, as signed notes.
  std::vector<SourcedNote> checkpoints;
  Progress progress = [](uint64_t) {};
  // Called with each book when it has been read to its end, for what a source can compare with its own records.
  std::function<void(const EntrySource& source, const BookAudit& book, BookReport* report)> at_end =
      [](const EntrySource&, const BookAudit&, BookReport*) {};
};

// Adds a report per source. `trust`: files of keys; the first that knows a book counts.
void AuditBooks(std::vector<std::unique_ptr<EntrySource>> sources, const std::vector<book::Trust>& trust,
                const AuditSettings& settings, AuditReport* report);

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_AUDIT_H_
