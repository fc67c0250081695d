// Days and instants, in integers only.
//
//   JCM_ASSIGN_OR_RETURN(Date day, ParseDate("2025-10-30"));
//   BookTime start = *StartOfDay(day, 9 * 60);        // midnight in Tokyo
//   FormatRfc3339(start) == "2025-10-29T15:00:00Z"
//
// Zones are offsets from UTC in minutes; which offset holds when is rulebook data, never a time-zone database. The
// calendar is the proleptic Gregorian one, years 1 to 9999. Thread-safe.
#ifndef LEDGER_BASE_DATE_H_
#define LEDGER_BASE_DATE_H_

#include <cstdint>
#include <string>
#include <tuple>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/types.h"

namespace jcm {

inline constexpr int kZoneOffsetMaxMinutes = 18 * 60;
inline constexpr int kTokyoOffsetMinutes = 9 * 60;
inline constexpr uint64_t kMicrosPerSecond = 1'000'000;
inline constexpr uint64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

struct Date {
  int year = 1970;
  int month = 1;
  int day = 1;

  friend bool operator==(Date a, Date b) { return a.Tie() == b.Tie(); }
  friend bool operator!=(Date a, Date b) { return !(a == b); }
  friend bool operator<(Date a, Date b) { return a.Tie() < b.Tie(); }
  friend bool operator<=(Date a, Date b) { return !(b < a); }
  friend bool operator>(Date a, Date b) { return b < a; }
  friend bool operator>=(Date a, Date b) { return !(a < b); }

 private:
  std::tuple<int, int, int> Tie() const { return {year, month, day}; }
};

// A day that the calendar has, in years 1..9999.
bool IsValid(Date date);
bool IsLeapYear(int year);
int DaysInMonth(int year, int month);

// "2025-10-30", exactly ten characters. Errors: FIELD_INVALID.
absl::StatusOr<Date> ParseDate(absl::string_view text);
std::string FormatDate(Date date);

// Days since 1970-01-01; negative before it. `date` must be valid, `days` must lie in years 1..9999.
int64_t DaysFromCivil(Date date);
Date CivilFromDays(int64_t days);
// May give a day outside years 1..9999 only if asked to leave them; then the process ends.
Date AddDays(Date date, int64_t days);

// "2025-10-29T15:00:00Z", with ".ffffff" only if the instant is not a whole second.
std::string FormatRfc3339(BookTime time);
// Exactly those two forms (1 to 6 digits of fraction), UTC only, from 1970 to 9999. Errors: FIELD_INVALID.
absl::StatusOr<BookTime> ParseRfc3339(absl::string_view text);

// The day in a zone at an instant. The instant must be before the year 9999; offsets are within +-18 h.
Date DayInZone(BookTime time, int offset_minutes);
// Midnight at which the day begins in the zone. Errors: FIELD_INVALID if that is before 1970 or the date is not valid.
absl::StatusOr<BookTime> StartOfDay(Date date, int offset_minutes);

}  // namespace jcm

#endif  // LEDGER_BASE_DATE_H_
