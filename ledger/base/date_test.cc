#include "ledger/base/date.h"

#include <string>

#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

TEST(Date, WalksTheWholeCalendarDayByDay) {
  Date expected{1, 1, 1};
  int64_t days = DaysFromCivil(expected);
  for (; expected.year <= 9999; ++days) {
    ASSERT_EQ(CivilFromDays(days), expected) << days;
    ASSERT_EQ(DaysFromCivil(expected), days);
    if (++expected.day > DaysInMonth(expected.year, expected.month)) {
      expected.day = 1;
      if (++expected.month > 12) {
        expected.month = 1;
        ++expected.year;
      }
    }
  }
  EXPECT_EQ(days, 2'932'897);
}

TEST(Date, CountsFrom1970) {
  EXPECT_EQ(DaysFromCivil({1970, 1, 1}), 0);
  EXPECT_EQ(DaysFromCivil({1969, 12, 31}), -1);
  EXPECT_EQ(DaysFromCivil({2025, 10, 30}), 20391);
  EXPECT_EQ(AddDays({2024, 2, 28}, 2), (Date{2024, 3, 1}));
}

TEST(Date, ReadsOnlyDaysOfTheCalendar) {
  EXPECT_EQ(*ParseDate("2025-10-30"), (Date{2025, 10, 30}));
  EXPECT_EQ(FormatDate(*ParseDate("0001-02-03")), "0001-02-03");
  EXPECT_TRUE(ParseDate("2000-02-29").ok());
  for (const char* text : {"", "2025-1-30", "2025-13-01", "2025-00-01", "2025-02-29", "1900-02-29", "2025-04-31",
                           "0000-01-01", "2025/10/30", "2025-10-30 ", "+025-10-30", "2025-10-0x"}) {
    EXPECT_TRUE(HasReason(ParseDate(text).status(), Reason::FIELD_INVALID)) << text;
  }
}

TEST(Date, ComparesByDay) {
  EXPECT_LT((Date{2020, 12, 31}), (Date{2021, 1, 1}));
  EXPECT_GT((Date{2021, 2, 1}), (Date{2021, 1, 31}));
  EXPECT_LE((Date{2021, 2, 1}), (Date{2021, 2, 1}));
}

TEST(Rfc3339, RoundTrips) {
  for (const char* text : {"1970-01-01T00:00:00Z", "2025-10-29T15:00:00Z", "2024-02-29T23:59:59.999999Z",
                           "2026-06-30T14:00:00.000001Z", "9999-12-31T23:59:59Z"}) {
    absl::StatusOr<BookTime> time = ParseRfc3339(text);
    ASSERT_TRUE(time.ok()) << text;
    EXPECT_EQ(FormatRfc3339(*time), text);
  }
  EXPECT_EQ(ParseRfc3339("2025-10-30T00:00:00Z")->micros, 1'761'782'400'000'000u);
  EXPECT_EQ(ParseRfc3339("1970-01-01T00:00:00.5Z")->micros, 500'000u);
}

TEST(Rfc3339, RefusesOtherForms) {
  for (const char* text : {"", "2025-10-30", "2025-10-30T00:00:00", "2025-10-30T00:00:00+00:00", "2025-10-30t00:00:00Z",
                           "2025-10-30T24:00:00Z", "2025-10-30T00:60:00Z", "2025-10-30T00:00:60Z",
                           "1969-12-31T23:59:59Z", "2025-10-30T00:00:00.Z", "2025-10-30T00:00:00.1234567Z",
                           "2025-10-30T00:00:00.1xZ", "2025-10-30T00:00:00,1Z", "2025-02-30T00:00:00Z"}) {
    EXPECT_TRUE(HasReason(ParseRfc3339(text).status(), Reason::FIELD_INVALID)) << text;
  }
}

TEST(DayInZone, ChangesAtMidnightOfTheZone) {
  BookTime tokyo_midnight = *ParseRfc3339("2025-10-29T15:00:00Z");
  EXPECT_EQ(DayInZone(tokyo_midnight, kTokyoOffsetMinutes), (Date{2025, 10, 30}));
  EXPECT_EQ(DayInZone(BookTime::FromMicros(tokyo_midnight.micros - 1), kTokyoOffsetMinutes), (Date{2025, 10, 29}));
  EXPECT_EQ(DayInZone(BookTime::FromMicros(0), -1), (Date{1969, 12, 31}));
  EXPECT_EQ(DayInZone(BookTime::FromMicros(0), -kZoneOffsetMaxMinutes), (Date{1969, 12, 31}));
}

TEST(StartOfDay, IsTheFirstInstantOfTheDay) {
  for (int offset : {-720, -210, 0, 330, 420, 540}) {
    BookTime start = *StartOfDay({2026, 4, 1}, offset);
    EXPECT_EQ(DayInZone(start, offset), (Date{2026, 4, 1}));
    EXPECT_EQ(DayInZone(BookTime::FromMicros(start.micros - 1), offset), (Date{2026, 3, 31}));
  }
  EXPECT_EQ(StartOfDay({1970, 1, 1}, 0)->micros, 0u);
  EXPECT_TRUE(HasReason(StartOfDay({1970, 1, 1}, 540).status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(StartOfDay({2025, 2, 29}, 0).status(), Reason::FIELD_INVALID));
}

}  // namespace
}  // namespace jcm
