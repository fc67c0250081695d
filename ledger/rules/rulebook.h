// Which rulebook governs, and whether parameters make sense.
//
//   JCM_ASSIGN_OR_RETURN(v1::RulebookRecord rulebook, RulebookInForce(version, input.time, transition));
#ifndef LEDGER_RULES_RULEBOOK_H_
#define LEDGER_RULES_RULEBOOK_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/date.h"
#include "ledger/base/types.h"
#include "ledger/state/state.h"

namespace jcm::rules {

namespace v1 = ::jcm::ledger::v1;

inline constexpr uint32_t kRulesNoticeDaysDefault = 90;  // DESIGN; holds while no rulebook is in force

// The limits of every parameter; zone offsets ascend and their first row is the earliest day that any rule asks for.
// Errors: FIELD_REQUIRED, FIELD_INVALID.
absl::Status CheckRulebookParameters(const v1::RulebookParameters& parameters);

// The zone offsets that hold on a day: those of the last row that begins on it or before; before the first row, its
// own.
const v1::ZoneOffset& OffsetsOn(const v1::RulebookParameters& parameters, Date day);

// 24:00, in the later of the two capitals, of a day; and of the day that comes `days` after the day of `start` there.
BookTime EndOfDay(Date day, const v1::RulebookParameters& parameters);
BookTime EndOfDayAfter(BookTime start, int64_t days, const v1::RulebookParameters& parameters);
// The day in the capital where it is earlier in the day.
Date DayInLaterCapital(BookTime time, const v1::RulebookParameters& parameters);

// RULEBOOK_UNKNOWN if there is no such version, or if its effective date has not begun in Tokyo at `time`.
absl::StatusOr<v1::RulebookRecord> RulebookInForce(absl::string_view version, BookTime time,
                                                   const state::StateReader& state);

// The smallest rules_notice_days of the rulebooks in force, or the default.
absl::StatusOr<uint32_t> RulesNoticeDays(BookTime time, const state::StateReader& state);

// "TH/2024-07-08": like an id, with slashes. FIELD_REQUIRED, FIELD_INVALID.
absl::Status CheckRulebookVersion(absl::string_view version);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_RULEBOOK_H_
