// Time as something that is handed in: the wall clock that stamps batches and the monotonic one that guards it.
//
//   SystemClock clock;
//   BookTime now = clock.Now();
//
// Never used inside rules or state: there, time is the batch's time. Every implementation is thread-safe.
#ifndef LEDGER_BASE_CLOCK_H_
#define LEDGER_BASE_CLOCK_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/types.h"

namespace jcm {

class Clock {
 public:
  virtual ~Clock() = default;

  // The wall clock. It may jump, forwards and backwards.
  virtual BookTime Now() = 0;
  // Microseconds since an arbitrary instant; never goes back while the process runs.
  virtual uint64_t MonotonicMicros() = 0;
};

class SystemClock : public Clock {
 public:
  BookTime Now() override;
  uint64_t MonotonicMicros() override;
};

// A clock that a test or a simulation moves.
class ManualClock : public Clock {
 public:
  explicit ManualClock(BookTime start) : now_(start) {}

  BookTime Now() override;
  uint64_t MonotonicMicros() override;

  // Time passes on both clocks.
  void Advance(uint64_t micros);
  // The wall clock is set, as by an administrator; the monotonic clock does not see it.
  void Set(BookTime now);

 private:
  std::mutex mutex_;
  BookTime now_;
  uint64_t monotonic_micros_ = 0;
};

// The instant written in a text file ("2026-06-30T23:00:00Z"), read again at each Now(). For DEMONSTRATION registries
// alone. The monotonic clock follows it forwards, so that a step taken on purpose is not an alarm; it never goes back.
class FileClock : public Clock {
 public:
  // CONFIG_INVALID if the file cannot be read or holds no instant.
  static absl::StatusOr<std::unique_ptr<FileClock>> Open(absl::string_view path);

  // The last good instant if the file is for a moment missing or half written.
  BookTime Now() override;
  uint64_t MonotonicMicros() override;

 private:
  FileClock(absl::string_view path, BookTime now) : path_(path), now_(now), latest_(now) {}

  const std::string path_;
  std::mutex mutex_;
  BookTime now_;
  BookTime latest_;
};

}  // namespace jcm

#endif  // LEDGER_BASE_CLOCK_H_
