// Says whether this machine's clock may stamp batches, and stamps them; and how a mirror takes the stamps of others.
//
//   ClockGuard guard({clock.Now(), clock.MonotonicMicros()}, last_batch_time);
//   guard.OnPeerTime(reading, answer.now);                  // a sibling's or partner's clock, as often as it is heard
//   JCM_ASSIGN_OR_RETURN(BookTime time, guard.StampBatch(reading));   // CLOCK_NOT_TRUSTED: order nothing
//
// Pure: it reads no clock and no disk; everything comes in through its calls. Downtime is not a step: the wall clock is
// compared with the monotonic one only within one run. Not thread-safe: it belongs to the sequencer.
#ifndef LEDGER_REGISTRY_CLOCK_GUARD_H_
#define LEDGER_REGISTRY_CLOCK_GUARD_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "ledger/base/types.h"

namespace jcm::registry {

// The wall clock may move so far against the monotonic one since the last batch.
inline constexpr uint64_t kClockStepMaxMicros = 5'000'000;
// At start, the wall clock may be so far from a reachable sibling or partner.
inline constexpr uint64_t kStartSkewMaxMicros = 600'000'000;
// Answers within so long after the start count as "at start": a batch may be stamped before the first of them can
// arrive.
inline constexpr uint64_t kStartWindowMicros = 60'000'000;
// A sibling or partner so near confirms the clock.
inline constexpr uint64_t kConfirmSkewMaxMicros = 60'000'000;
// A batch may be stamped so much earlier than the newest cosignature received.
inline constexpr uint64_t kBehindCosignatureMaxMicros = 60'000'000;
// An AcceptTime may state a time so far from the wall clock when it arrives; an old one does not serve again.
inline constexpr uint64_t kAcceptTimeMaxMicros = 600'000'000;
// A mirror lets entries wait that are stamped more than this ahead of its own clock.
inline constexpr uint64_t kMirrorAheadMaxMicros = 120'000'000;
// A mirror flags entries that are stamped more than this before its own earlier cosignature.
inline constexpr uint64_t kMirrorLateMaxMicros = 120'000'000;

class ClockGuard {
 public:
  // The two clocks, read together.
  struct Reading {
    BookTime wall;
    uint64_t monotonic_micros = 0;
  };

  enum class StopReason {
    NONE,               // running
    WALL_STEPPED,       // moved against the monotonic clock
    BEFORE_LAST_BATCH,  // at start
    FAR_FROM_PEER,      // at start
    BEHIND_COSIGNATURE,
  };

  // The start of a run. `last_batch`: the time of the newest batch in the log; nullopt if there is none.
  ClockGuard(Reading start, absl::optional<BookTime> last_batch);

  // A reachable sibling or partner says that it is `peer` o'clock. May stop (at start), may resume.
  void OnPeerTime(Reading now, BookTime peer);

  // A cosignature of a checkpoint of an own book arrived, stamped `cosigned`. May stop at the next batch.
  void OnCosignature(BookTime cosigned);

  // An operator's signed AcceptTime, checked by the caller: resumes, and earlier cosignatures bind no more.
  // CLOCK_NOT_TRUSTED if `stated` is more than kAcceptTimeMaxMicros from the wall clock; then nothing changes.
  absl::Status AcceptTime(Reading now, BookTime stated);

  // Looks for a step without stamping, so that an idle node notices one.
  void Observe(Reading now);

  // The time of the next batch: the wall clock's, but never before the last batch's. CLOCK_NOT_TRUSTED, with the
  // reason, if stopped or if this call finds one.
  absl::StatusOr<BookTime> StampBatch(Reading now);

  // The replica applied a batch that another replica stamped: time does not go back behind that either.
  void OnBatchApplied(BookTime time);

  bool running() const { return reason_ == StopReason::NONE; }
  StopReason reason() const { return reason_; }
  absl::optional<BookTime> last_batch() const { return last_batch_; }
  absl::optional<BookTime> newest_cosignature() const { return newest_cosignature_; }

 private:
  bool Stepped(Reading now) const;
  bool BehindCosignature(BookTime stamp) const;
  BookTime StampAt(BookTime wall) const;
  void Resume(Reading now);

  StopReason reason_ = StopReason::NONE;
  Reading start_;
  Reading base_;            // where the last batch was stamped, or the run began or resumed
  bool confirmed_ = false;  // a peer's answer has passed the check at start
  absl::optional<BookTime> last_batch_;
  absl::optional<BookTime> newest_cosignature_;
};

const char* StopReasonName(ClockGuard::StopReason reason);

enum class EntryStamp {
  OK,
  AHEAD,  // wait: more than kMirrorAheadMaxMicros ahead of this clock
  LATE,   // import and flag LATE_STAMPED: more than kMirrorLateMaxMicros before this mirror's own earlier cosignature
};

// How a mirror takes an entry of its peer. `own_cosignature`: when this side cosigned the newest checkpoint of that
// book that does not cover the entry; nullopt if it has cosigned none.
EntryStamp ClassifyEntryStamp(BookTime stamped, BookTime now, absl::optional<BookTime> own_cosignature);

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_CLOCK_GUARD_H_
