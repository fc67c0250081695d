#include "ledger/registry/clock_guard.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::registry {
namespace {

// Differences instead of sums: a peer may state any time, up to the largest.
uint64_t Distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }
uint64_t Distance(BookTime a, BookTime b) { return Distance(a.micros, b.micros); }

bool EarlierByMoreThan(BookTime earlier, BookTime later, uint64_t micros) {
  return earlier < later && later.micros - earlier.micros > micros;
}

}  // namespace

ClockGuard::ClockGuard(Reading start, absl::optional<BookTime> last_batch)
    : start_(start), base_(start), last_batch_(last_batch) {
  if (last_batch_.has_value() && start.wall < *last_batch_) reason_ = StopReason::BEFORE_LAST_BATCH;
}

bool ClockGuard::Stepped(Reading now) const {
  const uint64_t elapsed = now.monotonic_micros - base_.monotonic_micros;
  if (now.wall < base_.wall) return elapsed + (base_.wall.micros - now.wall.micros) > kClockStepMaxMicros;
  return Distance(now.wall.micros - base_.wall.micros, elapsed) > kClockStepMaxMicros;
}

BookTime ClockGuard::StampAt(BookTime wall) const {
  return last_batch_.has_value() ? std::max(*last_batch_, wall) : wall;
}

bool ClockGuard::BehindCosignature(BookTime stamp) const {
  return newest_cosignature_.has_value() && EarlierByMoreThan(stamp, *newest_cosignature_, kBehindCosignatureMaxMicros);
}

void ClockGuard::Resume(Reading now) {
  reason_ = StopReason::NONE;
  base_ = now;
  confirmed_ = true;
}

void ClockGuard::Observe(Reading now) {
  if (running() && Stepped(now)) reason_ = StopReason::WALL_STEPPED;
}

void ClockGuard::OnPeerTime(Reading now, BookTime peer) {
  Observe(now);
  const uint64_t skew = Distance(now.wall, peer);
  if (skew <= kConfirmSkewMaxMicros) {
    // One clock that agrees is enough, but does not undo what another government has signed.
    if (!running() && !BehindCosignature(StampAt(now.wall))) Resume(now);
    if (running()) confirmed_ = true;
    return;
  }
  const bool at_start = !confirmed_ && now.monotonic_micros - start_.monotonic_micros <= kStartWindowMicros;
  if (!running() || !at_start) return;
  if (skew > kStartSkewMaxMicros) {
    reason_ = StopReason::FAR_FROM_PEER;
  }
}

void ClockGuard::OnCosignature(BookTime cosigned) {
  if (!newest_cosignature_.has_value() || *newest_cosignature_ < cosigned) newest_cosignature_ = cosigned;
}

absl::Status ClockGuard::AcceptTime(Reading now, BookTime stated) {
  if (Distance(now.wall, stated) > kAcceptTimeMaxMicros) {
    return Error(Reason::CLOCK_NOT_TRUSTED,
                 absl::StrCat("AcceptTime states ", stated.micros, ", the wall clock says ", now.wall.micros));
  }
  newest_cosignature_.reset();
  Resume(now);
  return absl::OkStatus();
}

absl::StatusOr<BookTime> ClockGuard::StampBatch(Reading now) {
  Observe(now);
  const BookTime stamp = StampAt(now.wall);
  if (running() && BehindCosignature(stamp)) reason_ = StopReason::BEHIND_COSIGNATURE;
  if (!running()) {
    return Error(Reason::CLOCK_NOT_TRUSTED,
                 absl::StrCat(StopReasonName(reason_), ", the wall clock says ", now.wall.micros));
  }
  last_batch_ = stamp;
  base_ = now;
  return stamp;
}

void ClockGuard::OnBatchApplied(BookTime time) {
  if (!last_batch_.has_value() || *last_batch_ < time) last_batch_ = time;
}

const char* StopReasonName(ClockGuard::StopReason reason) {
  switch (reason) {
    case ClockGuard::StopReason::NONE:
      return "running";
    case ClockGuard::StopReason::WALL_STEPPED:
      return "the wall clock moved against the monotonic clock";
    case ClockGuard::StopReason::BEFORE_LAST_BATCH:
      return "the wall clock was before the last batch at start";
    case ClockGuard::StopReason::FAR_FROM_PEER:
      return "the wall clock was far from a sibling or partner at start";
    case ClockGuard::StopReason::BEHIND_COSIGNATURE:
      return "the wall clock is behind the newest cosignature received";
  }
  JCM_CHECK(false && "unknown reason");
}

EntryStamp ClassifyEntryStamp(BookTime stamped, BookTime now, absl::optional<BookTime> own_cosignature) {
  if (EarlierByMoreThan(now, stamped, kMirrorAheadMaxMicros)) return EntryStamp::AHEAD;
  if (own_cosignature.has_value() && EarlierByMoreThan(stamped, *own_cosignature, kMirrorLateMaxMicros)) {
    return EntryStamp::LATE;
  }
  return EntryStamp::OK;
}

}  // namespace jcm::registry
