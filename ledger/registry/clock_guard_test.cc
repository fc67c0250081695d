#include "ledger/registry/clock_guard.h"

#include <cstdint>
#include <limits>
#include <random>

#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm::registry {
namespace {

using Reading = ClockGuard::Reading;
using StopReason = ClockGuard::StopReason;

constexpr uint64_t kSecond = 1'000'000;
constexpr uint64_t kMinute = 60 * kSecond;
constexpr uint64_t kNoon = 1'761'825'600 * kSecond;  // 2025-10-30T12:00:00Z

// A machine's two clocks. Moving time moves both, setting the wall clock only one.
class Machine {
 public:
  Reading now() const { return {BookTime::FromMicros(wall_), monotonic_}; }
  Reading Pass(uint64_t micros) {
    wall_ += micros;
    monotonic_ += micros;
    return now();
  }
  Reading Step(int64_t micros) {
    wall_ += static_cast<uint64_t>(micros);
    return now();
  }

 private:
  uint64_t wall_ = kNoon;
  uint64_t monotonic_ = 17;
};

BookTime At(uint64_t base, int64_t offset) { return BookTime::FromMicros(base + static_cast<uint64_t>(offset)); }

uint64_t Stamp(ClockGuard& guard, Reading now) {
  const auto stamp = guard.StampBatch(now);
  EXPECT_TRUE(stamp.ok()) << ToText(stamp.status());
  return stamp.ok() ? stamp->micros : 0;
}

void ExpectStopped(ClockGuard& guard, Reading now, StopReason reason) {
  EXPECT_TRUE(HasReason(guard.StampBatch(now).status(), Reason::CLOCK_NOT_TRUSTED));
  EXPECT_FALSE(guard.running());
  EXPECT_EQ(guard.reason(), reason) << StopReasonName(guard.reason());
}

TEST(ClockGuard, StampsTheWallClockFromTheFirstBatchOn) {
  Machine machine;
  ClockGuard guard(machine.now(), absl::nullopt);
  EXPECT_TRUE(guard.running());
  EXPECT_EQ(guard.last_batch(), absl::nullopt);
  EXPECT_EQ(Stamp(guard, machine.now()), kNoon);
  EXPECT_EQ(Stamp(guard, machine.Pass(3 * kSecond)), kNoon + 3 * kSecond);
  EXPECT_EQ(*guard.last_batch(), BookTime::FromMicros(kNoon + 3 * kSecond));
}

TEST(ClockGuard, ADayWithoutBatchesIsNotAStep) {
  Machine machine;
  ClockGuard guard(machine.now(), absl::nullopt);
  Stamp(guard, machine.now());
  EXPECT_EQ(Stamp(guard, machine.Pass(24 * 60 * kMinute)), kNoon + 24 * 60 * kMinute);
}

TEST(ClockGuard, DowntimeIsNotAStep) {
  Machine machine;
  ClockGuard guard(machine.now(), At(kNoon, -static_cast<int64_t>(90 * 24 * 60 * kMinute)));
  EXPECT_EQ(Stamp(guard, machine.now()), kNoon);
}

TEST(ClockGuard, StopsWhenTheWallClockStepsByMoreThanFiveSeconds) {
  for (const int64_t step : {5'000'001l, -5'000'001l, 3'600'000'000l, -3'600'000'000l}) {
    Machine machine;
    ClockGuard guard(machine.now(), absl::nullopt);
    Stamp(guard, machine.now());
    machine.Pass(kMinute);
    ExpectStopped(guard, machine.Step(step), StopReason::WALL_STEPPED);
  }
  for (const int64_t step : {5'000'000l, -5'000'000l, 1l, -1l}) {
    Machine machine;
    ClockGuard guard(machine.now(), absl::nullopt);
    Stamp(guard, machine.now());
    machine.Pass(kMinute);
    EXPECT_TRUE(guard.StampBatch(machine.Step(step)).ok()) << step;
  }
}

TEST(ClockGuard, StepsAreSeenBeforeTheFirstBatchOfARunToo) {
  Machine machine;
  ClockGuard guard(machine.now(), absl::nullopt);
  ExpectStopped(guard, machine.Step(6 * kSecond), StopReason::WALL_STEPPED);
}

TEST(ClockGuard, AWallClockThatFallsBehindWhileTimePassesIsAStep) {
  Machine machine;
  ClockGuard guard(machine.now(), absl::nullopt);
  Stamp(guard, machine.now());
  machine.Pass(10 * kSecond);
  machine.Step(-13 * static_cast<int64_t>(kSecond));  // 3 s before the last batch, 13 s against the monotonic clock
  ExpectStopped(guard, machine.now(), StopReason::WALL_STEPPED);
}

TEST(ClockGuard, StaysStoppedWhenTheClockStepsBack) {
  Machine machine;
  ClockGuard guard(machine.now(), absl::nullopt);
  Stamp(guard, machine.now());
  ExpectStopped(guard, machine.Step(kMinute), StopReason::WALL_STEPPED);
  ExpectStopped(guard, machine.Step(-static_cast<int64_t>(kMinute)), StopReason::WALL_STEPPED);
}

TEST(ClockGuard, AnIdleNodeNoticesAStep) {
  Machine machine;
  ClockGuard guard(machine.now(), absl::nullopt);
  Stamp(guard, machine.now());
  guard.Observe(machine.Pass(kMinute));
  EXPECT_TRUE(guard.running());
  guard.Observe(machine.Step(-6 * static_cast<int64_t>(kSecond)));
  EXPECT_EQ(guard.reason(), StopReason::WALL_STEPPED);
}

TEST(ClockGuard, BatchTimeNeverGoesBack) {
  Machine machine;
  ClockGuard guard(machine.now(), absl::nullopt);
  const uint64_t first = Stamp(guard, machine.Pass(kSecond));
  EXPECT_EQ(Stamp(guard, machine.Step(-4 * static_cast<int64_t>(kSecond))), first) << "a small step back";
  EXPECT_EQ(Stamp(guard, machine.Pass(2 * kSecond)), first);
  EXPECT_EQ(Stamp(guard, machine.Pass(3 * kSecond)), first + kSecond);
  guard.OnBatchApplied(At(first, 10 * kSecond));
  guard.OnBatchApplied(At(first, 5 * kSecond));
  EXPECT_EQ(Stamp(guard, machine.Pass(kSecond)), first + 10 * kSecond) << "another replica was ahead";
}

TEST(ClockGuard, StopsAtStartBeforeTheLastBatch) {
  Machine machine;
  ClockGuard on_time(machine.now(), BookTime::FromMicros(kNoon));
  EXPECT_TRUE(on_time.running());
  ClockGuard guard(machine.now(), At(kNoon, 1));
  ExpectStopped(guard, machine.now(), StopReason::BEFORE_LAST_BATCH);
  ExpectStopped(guard, machine.Pass(kMinute), StopReason::BEFORE_LAST_BATCH);
}

TEST(ClockGuard, AfterAStartBeforeTheLastBatchAPeerConfirmsAndTimeStandsStillUntilItHasCaughtUp) {
  Machine machine;
  ClockGuard guard(machine.now(), At(kNoon, 10 * kSecond));
  guard.OnPeerTime(machine.now(), At(kNoon, kSecond));
  EXPECT_EQ(Stamp(guard, machine.Pass(kSecond)), kNoon + 10 * kSecond);
  EXPECT_EQ(Stamp(guard, machine.Pass(20 * kSecond)), kNoon + 21 * kSecond);
}

TEST(ClockGuard, StopsAtStartMoreThanTenMinutesFromAPeer) {
  for (const int64_t sign : {1, -1}) {
    Machine machine;
    ClockGuard near(machine.now(), absl::nullopt);
    near.OnPeerTime(machine.now(), At(kNoon, sign * static_cast<int64_t>(10 * kMinute)));
    EXPECT_TRUE(near.running());
    ClockGuard far(machine.now(), absl::nullopt);
    far.OnPeerTime(machine.now(), At(kNoon, sign * static_cast<int64_t>(10 * kMinute + 1)));
    ExpectStopped(far, machine.now(), StopReason::FAR_FROM_PEER);
  }
}

TEST(ClockGuard, APartnerWithAWrongClockCannotStopARegistryThatRuns) {
  Machine machine;
  ClockGuard confirmed(machine.now(), absl::nullopt);
  confirmed.OnPeerTime(machine.now(), At(kNoon, kMinute));
  confirmed.OnPeerTime(machine.now(), At(kNoon, 60 * kMinute));
  EXPECT_TRUE(confirmed.running()) << "another peer has confirmed the clock";

  ClockGuard alone(machine.now(), absl::nullopt);
  Stamp(alone, machine.now());
  machine.Pass(kStartWindowMicros + 1);
  alone.OnPeerTime(machine.now(), BookTime::FromMicros(kNoon + 60 * kMinute));
  EXPECT_TRUE(alone.running()) << "long after the start";
}

TEST(ClockGuard, AnAnswerWithinTheFirstMinuteCountsAlthoughABatchWasStamped) {
  Machine machine;
  ClockGuard guard(machine.now(), absl::nullopt);
  Stamp(guard, machine.now());
  machine.Pass(kStartWindowMicros);
  guard.OnPeerTime(machine.now(), BookTime::FromMicros(kNoon + 60 * kMinute));
  ExpectStopped(guard, machine.now(), StopReason::FAR_FROM_PEER);
}

TEST(ClockGuard, ResumesWhenOnePeerIsWithinAMinute) {
  for (const int64_t sign : {1, -1}) {
    Machine machine;
    ClockGuard guard(machine.now(), absl::nullopt);
    Stamp(guard, machine.now());
    ExpectStopped(guard, machine.Step(kMinute), StopReason::WALL_STEPPED);
    const uint64_t wall = machine.now().wall.micros;
    guard.OnPeerTime(machine.now(), At(wall, sign * static_cast<int64_t>(kMinute + 1)));
    EXPECT_FALSE(guard.running());
    guard.OnPeerTime(machine.now(), At(wall, sign * static_cast<int64_t>(kMinute)));
    EXPECT_TRUE(guard.running());
    EXPECT_EQ(Stamp(guard, machine.Pass(kSecond)), wall + kSecond) << "the step is not seen again";
  }
}

TEST(ClockGuard, ResumesFromAFarPeerWhenAnotherOneConfirms) {
  Machine machine;
  ClockGuard guard(machine.now(), absl::nullopt);
  guard.OnPeerTime(machine.now(), At(kNoon, 20 * kMinute));
  EXPECT_FALSE(guard.running());
  guard.OnPeerTime(machine.now(), At(kNoon, 5 * kSecond));
  EXPECT_TRUE(guard.running());
  guard.OnPeerTime(machine.now(), At(kNoon, 20 * kMinute));
  EXPECT_TRUE(guard.running());
}

TEST(ClockGuard, AcceptTimeResumesFromEveryStop) {
  Machine machine;
  ClockGuard stepped(machine.now(), absl::nullopt);
  ClockGuard early(machine.now(), At(kNoon, kMinute));
  ClockGuard far(machine.now(), absl::nullopt);
  far.OnPeerTime(machine.now(), At(kNoon, 60 * kMinute));
  ClockGuard behind(machine.now(), absl::nullopt);
  behind.OnCosignature(At(kNoon, 60 * kMinute));
  ExpectStopped(behind, machine.now(), StopReason::BEHIND_COSIGNATURE);
  machine.Step(20 * kSecond);
  stepped.Observe(machine.now());
  for (ClockGuard* guard : {&stepped, &early, &far, &behind}) {
    EXPECT_FALSE(guard->running());
    EXPECT_TRUE(guard->AcceptTime(machine.now(), machine.now().wall).ok());
    EXPECT_TRUE(guard->running());
    EXPECT_GE(Stamp(*guard, machine.now()), machine.now().wall.micros);
  }
}

TEST(ClockGuard, AnOldAcceptTimeDoesNotServeAgain) {
  for (const int64_t sign : {1, -1}) {
    Machine machine;
    ClockGuard guard(machine.now(), At(kNoon, kMinute));
    const BookTime stale = At(kNoon, sign * static_cast<int64_t>(10 * kMinute + 1));
    EXPECT_TRUE(HasReason(guard.AcceptTime(machine.now(), stale), Reason::CLOCK_NOT_TRUSTED));
    EXPECT_EQ(guard.reason(), StopReason::BEFORE_LAST_BATCH);
    EXPECT_TRUE(guard.AcceptTime(machine.now(), At(kNoon, sign * static_cast<int64_t>(10 * kMinute))).ok());
    EXPECT_TRUE(guard.running());
  }
}

TEST(ClockGuard, StopsRatherThanStampAMinuteBeforeTheNewestCosignature) {
  Machine machine;
  ClockGuard guard(machine.now(), absl::nullopt);
  guard.OnCosignature(At(kNoon, kMinute));
  EXPECT_EQ(Stamp(guard, machine.now()), kNoon);
  guard.OnCosignature(At(kNoon, kMinute + 1));
  guard.OnCosignature(At(kNoon, kSecond));
  EXPECT_EQ(*guard.newest_cosignature(), At(kNoon, kMinute + 1)) << "the newest by its stamp, not by arrival";
  ExpectStopped(guard, machine.now(), StopReason::BEHIND_COSIGNATURE);
}

TEST(ClockGuard, APeerDoesNotResumeWhatWouldStillBeStampedBeforeACosignature) {
  Machine machine;
  ClockGuard guard(machine.now(), absl::nullopt);
  guard.OnCosignature(At(kNoon, 5 * kMinute));
  ExpectStopped(guard, machine.now(), StopReason::BEHIND_COSIGNATURE);
  guard.OnPeerTime(machine.now(), machine.now().wall);
  EXPECT_FALSE(guard.running());
  machine.Pass(4 * kMinute);
  EXPECT_FALSE(guard.running());
  guard.OnPeerTime(machine.now(), machine.now().wall);
  EXPECT_EQ(Stamp(guard, machine.now()), kNoon + 4 * kMinute);
}

TEST(ClockGuard, AcceptTimeEndsTheHoldOfACosignatureFromTheFuture) {
  Machine machine;
  ClockGuard guard(machine.now(), absl::nullopt);
  guard.OnCosignature(BookTime::FromMicros(std::numeric_limits<uint64_t>::max()));
  ExpectStopped(guard, machine.now(), StopReason::BEHIND_COSIGNATURE);
  ASSERT_TRUE(guard.AcceptTime(machine.now(), machine.now().wall).ok());
  EXPECT_EQ(Stamp(guard, machine.now()), kNoon);
  guard.OnCosignature(At(kNoon, 2 * kMinute));
  ExpectStopped(guard, machine.now(), StopReason::BEHIND_COSIGNATURE);
}

TEST(ClockGuard, ExtremePeerTimesDoNotOverflow) {
  Machine machine;
  for (const uint64_t peer : {uint64_t{0}, std::numeric_limits<uint64_t>::max()}) {
    ClockGuard guard(machine.now(), absl::nullopt);
    guard.OnPeerTime(machine.now(), BookTime::FromMicros(peer));
    EXPECT_EQ(guard.reason(), StopReason::FAR_FROM_PEER);
  }
}

// Whatever happens to the clocks: batch time never goes back, and no batch is stamped after an unnoticed step or behind
// a cosignature.
TEST(ClockGuard, KeepsItsPromisesUnderRandomClocks) {
  std::mt19937_64 random(7);
  uint64_t stamped_count = 0, refused_count = 0;
  for (int run = 0; run < 300; ++run) {
    Machine machine;
    ClockGuard guard(machine.now(), absl::nullopt);
    BookTime last{};
    int64_t moved = 0;  // of the wall against the monotonic clock since the last batch, or since it resumed
    uint64_t cosigned = 0;
    for (int i = 0; i < 200; ++i) {
      const bool was_running = guard.running();
      switch (random() % 8) {
        case 0: {
          const int64_t step = static_cast<int64_t>(random() % (8 * kSecond)) - static_cast<int64_t>(4 * kSecond);
          machine.Step(step);
          moved += step;
          break;
        }
        case 1:
          guard.OnPeerTime(machine.now(), At(machine.now().wall.micros, static_cast<int64_t>(random() % kMinute)));
          break;
        case 2: {
          const uint64_t stamp = machine.now().wall.micros - kMinute + random() % (3 * kMinute);
          cosigned = std::max(cosigned, stamp);
          guard.OnCosignature(BookTime::FromMicros(stamp));
          break;
        }
        default:
          machine.Pass(random() % kMinute);
      }
      if (!was_running && guard.running()) moved = 0;
      const auto stamp = guard.StampBatch(machine.now());
      if (!stamp.ok()) {
        ++refused_count;
        continue;
      }
      ++stamped_count;
      ASSERT_LE(last, *stamp);
      ASSERT_LE(moved < 0 ? -moved : moved, static_cast<int64_t>(kClockStepMaxMicros));
      ASSERT_GE(stamp->micros + kMinute, cosigned);
      last = *stamp;
      moved = 0;
    }
  }
  EXPECT_GT(stamped_count, 1000u);
  EXPECT_GT(refused_count, 1000u);
}

TEST(EntryStamp, LetsEntriesWaitThatAreTwoMinutesAhead) {
  const BookTime now = BookTime::FromMicros(kNoon);
  EXPECT_EQ(ClassifyEntryStamp(now, now, absl::nullopt), EntryStamp::OK);
  EXPECT_EQ(ClassifyEntryStamp(At(kNoon, 120 * kSecond), now, absl::nullopt), EntryStamp::OK);
  EXPECT_EQ(ClassifyEntryStamp(At(kNoon, 120 * kSecond + 1), now, absl::nullopt), EntryStamp::AHEAD);
  EXPECT_EQ(ClassifyEntryStamp(BookTime::FromMicros(std::numeric_limits<uint64_t>::max()), now, now),
            EntryStamp::AHEAD);
}

TEST(EntryStamp, FlagsEntriesThatAreTwoMinutesBeforeTheOwnCosignature) {
  const BookTime now = BookTime::FromMicros(kNoon);
  const BookTime cosigned = At(kNoon, -static_cast<int64_t>(kMinute));
  EXPECT_EQ(ClassifyEntryStamp(At(cosigned.micros, 5), now, cosigned), EntryStamp::OK);
  EXPECT_EQ(ClassifyEntryStamp(At(cosigned.micros, -120 * static_cast<int64_t>(kSecond)), now, cosigned),
            EntryStamp::OK);
  EXPECT_EQ(ClassifyEntryStamp(At(cosigned.micros, -120 * static_cast<int64_t>(kSecond) - 1), now, cosigned),
            EntryStamp::LATE);
  EXPECT_EQ(ClassifyEntryStamp(BookTime{}, now, cosigned), EntryStamp::LATE);
  EXPECT_EQ(ClassifyEntryStamp(BookTime{}, now, absl::nullopt), EntryStamp::OK) << "nothing was cosigned before it";
}

}  // namespace
}  // namespace jcm::registry
