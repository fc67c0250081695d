// What jcm-verify does, apart from its command line: finds the trusted keys, judges a file, says so.
//
//   PosixFileSystem files;
//   VerifyOptions options;
//   options.paths = {"certificate.json"};
//   int exit_code = RunVerify(options, files, std::cout, std::cerr);
//
// It opens no connection and uses no code of the rules: what is valid follows from bytes and signatures alone.
#ifndef TOOLS_JCM_VERIFY_VERIFY_TOOL_H_
#define TOOLS_JCM_VERIFY_VERIFY_TOOL_H_

#include <ostream>
#include <string>
#include <vector>

#include "ledger/base/file_system.h"
#include "ledger/book/receipt_text.h"

namespace jcm::verify {

// Exit codes. Only VALID is 0.
inline constexpr int kExitValid = 0;  // valid at the level that the body requires
inline constexpr int kExitInvalid = 1;
inline constexpr int kExitUnknownKey = 2;
inline constexpr int kExitNotEnough = 3;  // valid, but below the level that the body requires
inline constexpr int kExitUsage = 64;     // a file or the trusted keys cannot be read

inline constexpr char kConfiguredTrustPath[] = "/etc/jcm/trust.json";

struct VerifyOptions {
  // One receipt or certificate, or the pieces of one exported book in order.
  std::vector<std::string> paths;
  std::string trust_path;  // --trust; empty: the configured path, then, for demonstrations alone, beside the file
  std::string configured_trust_path = kConfiguredTrustPath;
  book::Language language = book::Language::ENGLISH;
  bool json = false;
};

int RunVerify(const VerifyOptions& options, FileSystem& files, std::ostream& out, std::ostream& err);

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_VERIFY_TOOL_H_
