// What `jcm-verify audit` does, apart from its command line: opens what is named, audits it, says so.
//
//   AuditOptions options;
//   options.paths = {"books/JPN-TH.mirror", "books/THA-TH.mirror"};
//   options.trust_paths = {"trust.json"};
//   int exit_code = RunAudit(options, files, std::cout, std::cerr);
#ifndef TOOLS_JCM_VERIFY_AUDIT_TOOL_H_
#define TOOLS_JCM_VERIFY_AUDIT_TOOL_H_

#include <ostream>
#include <string>
#include <vector>

#include "ledger/base/file_system.h"
#include "ledger/book/receipt_text.h"
#include "tools/client/connection.h"
#include "tools/jcm-verify/verify_tool.h"

namespace jcm::verify {

struct AuditOptions {
  std::vector<std::string> paths;             // files of exports, or directories of them
  std::vector<std::string> store_paths;       // directories of stores
  std::vector<std::string> checkpoint_paths;  // signed notes that a book must reach
  std::vector<std::string> trust_paths;       // files of trusted keys; none: the configured one
  std::string configured_trust_path = kConfiguredTrustPath;
  client::ConnectionSettings connection;  // a live registry, if it has an address
  bool author_signatures = true;
  book::Language language = book::Language::ENGLISH;
  bool json = false;
  bool progress = false;  // a bar on `err`, which is a terminal
};

// Exit codes as in verify_tool.h: 0 clean; 1 something is wrong; 2 keys of a book are not known; 3 nothing is wrong but
// something is missing (a cosignature, a checkpoint); 64 what was named cannot be opened at all.
int RunAudit(const AuditOptions& options, FileSystem& files, std::ostream& out, std::ostream& err);

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_TOOL_H_
