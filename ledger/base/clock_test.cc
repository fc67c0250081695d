#include "ledger/base/clock.h"

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(SystemClock, KnowsThatItIsAfter2025AndNeverRunsBack) {
  SystemClock clock;
  EXPECT_GT(clock.Now(), BookTime::FromSeconds(1735689600));
  uint64_t first = clock.MonotonicMicros();
  EXPECT_LE(first, clock.MonotonicMicros());
}

TEST(ManualClock, MovesOnlyWhenMoved) {
  ManualClock clock(BookTime::FromSeconds(100));
  EXPECT_EQ(clock.Now(), BookTime::FromSeconds(100));
  clock.Advance(5);
  EXPECT_EQ(clock.Now(), BookTime::FromMicros(100'000'005));
  EXPECT_EQ(clock.MonotonicMicros(), 5u);
}

TEST(ManualClock, AStepOfTheWallClockIsNotSeenByTheMonotonicOne) {
  ManualClock clock(BookTime::FromSeconds(100));
  clock.Set(BookTime::FromSeconds(50));
  EXPECT_EQ(clock.Now(), BookTime::FromSeconds(50));
  EXPECT_EQ(clock.MonotonicMicros(), 0u);
}

TEST(FileClock, ReadsTheFileAgainEachTime) {
  std::string path = testing::TempDir() + "/clock";
  Write(path, "1970-01-01T00:01:40Z\n");
  std::unique_ptr<FileClock> clock = *FileClock::Open(path);
  EXPECT_EQ(clock->Now(), BookTime::FromSeconds(100));
  uint64_t monotonic = clock->MonotonicMicros();
  Write(path, "1970-01-01T00:01:41Z");
  EXPECT_EQ(clock->MonotonicMicros(), monotonic + 1'000'000);
  EXPECT_EQ(clock->Now(), BookTime::FromSeconds(101));
}

TEST(FileClock, KeepsTheLastGoodInstantAndNeverRunsTheMonotonicClockBack) {
  std::string path = testing::TempDir() + "/clock_kept";
  Write(path, "1970-01-01T00:01:40Z");
  std::unique_ptr<FileClock> clock = *FileClock::Open(path);
  Write(path, "1970-01-01T00:0");
  EXPECT_EQ(clock->Now(), BookTime::FromSeconds(100));
  uint64_t monotonic = clock->MonotonicMicros();
  Write(path, "1970-01-01T00:00:40Z");
  EXPECT_EQ(clock->Now(), BookTime::FromSeconds(40));
  EXPECT_EQ(clock->MonotonicMicros(), monotonic);
}

TEST(FileClock, DoesNotOpenWithoutAnInstant) {
  EXPECT_TRUE(HasReason(FileClock::Open(testing::TempDir() + "/none").status(), Reason::CONFIG_INVALID));
  std::string path = testing::TempDir() + "/clock_bad";
  Write(path, "yesterday");
  EXPECT_TRUE(HasReason(FileClock::Open(path).status(), Reason::CONFIG_INVALID));
}

}  // namespace
}  // namespace jcm
