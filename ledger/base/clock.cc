#include "ledger/base/clock.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

absl::StatusOr<BookTime> ReadInstant(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return Error(Reason::CONFIG_INVALID, absl::StrCat("cannot read the clock file ", path));
  std::string content = text.str();
  absl::StatusOr<BookTime> instant = ParseRfc3339(absl::StripTrailingAsciiWhitespace(content));
  if (!instant.ok()) return Error(Reason::CONFIG_INVALID, absl::StrCat("no instant in the clock file ", path));
  return instant;
}

uint64_t MicrosOf(std::chrono::nanoseconds since) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

}  // namespace

BookTime SystemClock::Now() {
  return BookTime::FromMicros(MicrosOf(std::chrono::system_clock::now().time_since_epoch()));
}

uint64_t SystemClock::MonotonicMicros() { return MicrosOf(std::chrono::steady_clock::now().time_since_epoch()); }

BookTime ManualClock::Now() {
  std::lock_guard<std::mutex> lock(mutex_);
  return now_;
}

uint64_t ManualClock::MonotonicMicros() {
  std::lock_guard<std::mutex> lock(mutex_);
  return monotonic_micros_;
}

void ManualClock::Advance(uint64_t micros) {
  std::lock_guard<std::mutex> lock(mutex_);
  now_.micros += micros;
  monotonic_micros_ += micros;
}

void ManualClock::Set(BookTime now) {
  std::lock_guard<std::mutex> lock(mutex_);
  now_ = now;
}

absl::StatusOr<std::unique_ptr<FileClock>> FileClock::Open(absl::string_view path) {
  JCM_ASSIGN_OR_RETURN(BookTime now, ReadInstant(std::string(path)));
  return std::unique_ptr<FileClock>(new FileClock(path, now));
}

BookTime FileClock::Now() {
  std::lock_guard<std::mutex> lock(mutex_);
  absl::StatusOr<BookTime> instant = ReadInstant(path_);
  if (instant.ok()) now_ = *instant;
  latest_ = std::max(latest_, now_);
  return now_;
}

uint64_t FileClock::MonotonicMicros() {
  Now();
  std::lock_guard<std::mutex> lock(mutex_);
  return latest_.micros;
}

}  // namespace jcm
