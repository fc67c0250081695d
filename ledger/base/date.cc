#include "ledger/base/date.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

constexpr int64_t kDaysPerEra = 146'097;  // 400 Gregorian years
constexpr int64_t kDaysFromYear0March1To1970 = 719'468;

// The `count` digits of `text` at `position`; -1 if they are not all digits.
int Digits(absl::string_view text, size_t position, size_t count) {
  if (position + count > text.size()) return -1;
  int value = 0;
  for (size_t i = position; i < position + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

absl::Status NotAnInstant(absl::string_view text) {
  return Error(Reason::FIELD_INVALID, absl::StrCat("not an instant in UTC: ", text.substr(0, 40)));
}

}  // namespace

bool IsLeapYear(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int DaysInMonth(int year, int month) {
  if (month == 2) return IsLeapYear(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

bool IsValid(Date date) {
  return date.year >= 1 && date.year <= 9999 && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
         date.day <= DaysInMonth(date.year, date.month);
}

absl::StatusOr<Date> ParseDate(absl::string_view text) {
  Date date{Digits(text, 0, 4), Digits(text, 5, 2), Digits(text, 8, 2)};
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !IsValid(date)) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("not a day of the calendar: ", text.substr(0, 40)));
  }
  return date;
}

std::string FormatDate(Date date) { return absl::StrFormat("%04d-%02d-%02d", date.year, date.month, date.day); }

int64_t DaysFromCivil(Date date) {
  JCM_CHECK(IsValid(date));
  // Years that begin in March put the leap day at the end, so that the months' lengths follow one formula.
  const int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const int64_t month_from_march = (date.month + 9) % 12;
  const int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
  return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - kDaysFromYear0March1To1970;
}

Date CivilFromDays(int64_t days) {
  const int64_t since_year_0 = days + kDaysFromYear0March1To1970;
  JCM_CHECK(since_year_0 >= 306 && since_year_0 < kDaysPerEra * 25);
  const int64_t era = since_year_0 / kDaysPerEra;
  const int64_t day_of_era = since_year_0 % kDaysPerEra;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  Date date;
  date.day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  date.month = static_cast<int>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  date.year = static_cast<int>(era * 400 + year_of_era + (date.month <= 2 ? 1 : 0));
  JCM_CHECK(IsValid(date));
  return date;
}

Date AddDays(Date date, int64_t days) { return CivilFromDays(DaysFromCivil(date) + days); }

std::string FormatRfc3339(BookTime time) {
  const uint64_t second = time.micros / kMicrosPerSecond % 86'400;
  const uint64_t fraction = time.micros % kMicrosPerSecond;
  std::string text = FormatDate(CivilFromDays(static_cast<int64_t>(time.micros / kMicrosPerDay)));
  absl::StrAppendFormat(&text, "T%02d:%02d:%02d", second / 3600, second / 60 % 60, second % 60);
  if (fraction != 0) absl::StrAppendFormat(&text, ".%06d", fraction);
  return text + "Z";
}

absl::StatusOr<BookTime> ParseRfc3339(absl::string_view text) {
  if (text.size() < 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text.back() != 'Z') {
    return NotAnInstant(text);
  }
  absl::StatusOr<Date> date = ParseDate(text.substr(0, 10));
  const int hour = Digits(text, 11, 2), minute = Digits(text, 14, 2), second = Digits(text, 17, 2);
  if (!date.ok() || date->year < 1970 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 59) {
    return NotAnInstant(text);
  }
  int fraction = 0;
  if (text.size() > 20) {
    const size_t digits = text.size() - 21;
    if (text[19] != '.' || digits < 1 || digits > 6) return NotAnInstant(text);
    fraction = Digits(text, 20, digits);
    if (fraction < 0) return NotAnInstant(text);
    for (size_t i = digits; i < 6; ++i) fraction *= 10;
  }
  const uint64_t seconds = static_cast<uint64_t>(hour * 3600 + minute * 60 + second);
  return BookTime::FromMicros(static_cast<uint64_t>(DaysFromCivil(*date)) * kMicrosPerDay + seconds * kMicrosPerSecond +
                              static_cast<uint64_t>(fraction));
}

Date DayInZone(BookTime time, int offset_minutes) {
  JCM_CHECK(offset_minutes >= -kZoneOffsetMaxMinutes && offset_minutes <= kZoneOffsetMaxMinutes);
  const int64_t minutes = static_cast<int64_t>(time.micros / (60 * kMicrosPerSecond)) + offset_minutes;
  const int64_t minutes_per_day = 1440;
  return CivilFromDays(minutes >= 0 ? minutes / minutes_per_day : -1 - (-1 - minutes) / minutes_per_day);
}

absl::StatusOr<BookTime> StartOfDay(Date date, int offset_minutes) {
  JCM_CHECK(offset_minutes >= -kZoneOffsetMaxMinutes && offset_minutes <= kZoneOffsetMaxMinutes);
  if (!IsValid(date)) return Error(Reason::FIELD_INVALID, "not a day of the calendar");
  const int64_t minutes = DaysFromCivil(date) * 1440 - offset_minutes;
  if (minutes < 0) return Error(Reason::FIELD_INVALID, absl::StrCat(FormatDate(date), " begins before 1970"));
  return BookTime::FromSeconds(static_cast<uint64_t>(minutes) * 60);
}

}  // namespace jcm
