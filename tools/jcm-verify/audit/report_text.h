// An audit's report, for people (English or Japanese) and for scripts (JSON).
#ifndef TOOLS_JCM_VERIFY_AUDIT_REPORT_TEXT_H_
#define TOOLS_JCM_VERIFY_AUDIT_REPORT_TEXT_H_

#include <ostream>
#include <string>

#include "ledger/book/receipt_text.h"
#include "tools/jcm-verify/audit/findings.h"

namespace jcm::verify {

// What the whole report comes to, from best to worst.
enum class AuditResult {
  CLEAN,        // everything given was checked and holds
  INCOMPLETE,   // nothing wrong was found; something that should be there is not: a cosignature, a checkpoint
  UNKNOWN_KEY,  // nothing wrong was found; the keys of a book are not among the trusted ones
  FAILED,       // something is wrong
};
AuditResult ResultOf(const AuditReport& report);

// Tables: books, checks that failed or could not be checked, findings. Text from files is made harmless for terminals.
void PrintAuditText(const AuditReport& report, book::Language language, std::ostream& out);
void PrintAuditJson(const AuditReport& report, std::ostream& out);

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_REPORT_TEXT_H_
