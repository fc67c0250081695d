#include "services/node/log_line.h"

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/base/clock.h"
#include "ledger/base/date.h"

namespace jcm::services {

void LogLine(Severity severity, absl::string_view registry, absl::string_view text) {
  constexpr const char* kNames[] = {"INFO", "WARNING", "ERROR"};
  std::string line = absl::StrCat(FormatRfc3339(SystemClock().Now()), " ", kNames[static_cast<int>(severity)], " ",
                                  registry, registry.empty() ? "" : ": ", text);
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  line.push_back('\n');
  // One call per line: lines of several threads do not mix.
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace jcm::services
