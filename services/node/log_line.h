// The node's log: one line per event on stderr, with UTC time.
//
//   LogLine(Severity::kInfo, "JPN", "listening on 127.0.0.1:7001");
//   // 2026-06-30T14:00:00.000123Z INFO JPN: listening on 127.0.0.1:7001
//
// Never what is private: no key, no name behind a handle, no content of a command. Thread-safe.
#ifndef SERVICES_NODE_LOG_LINE_H_
#define SERVICES_NODE_LOG_LINE_H_

#include "absl/strings/string_view.h"

namespace jcm::services {

enum class Severity { kInfo, kWarning, kError };

// `registry` may be empty: the whole process. A line break in `text` becomes a space.
void LogLine(Severity severity, absl::string_view registry, absl::string_view text);

}  // namespace jcm::services

#endif  // SERVICES_NODE_LOG_LINE_H_
