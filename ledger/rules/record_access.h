// Keys of the records of which a book has one, conversions, and checks used by more than one rule.
//
//   JCM_ASSIGN_OR_RETURN(v1::PartnershipRecord partnership, GetPartnership(transition));
//   JCM_RETURN_IF_ERROR(CheckText(command.title(), kTitleBytesMax, /*required=*/true));
//
// Inside ledger/rules only; handlers.h has what every handler's caller may use.
#ifndef LEDGER_RULES_RECORD_ACCESS_H_
#define LEDGER_RULES_RECORD_ACCESS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/date.h"
#include "ledger/base/types.h"
#include "ledger/state/state.h"

namespace jcm::rules {

namespace v1 = ::jcm::ledger::v1;

inline constexpr char kBookKey[] = "book";
inline constexpr char kCursorKey[] = "peer";
inline constexpr char kRulesKey[] = "rules";
inline constexpr char kPartnershipKey[] = "partnership";

inline constexpr size_t kTitleBytesMax = 500;
inline constexpr size_t kReasonBytesMax = 2'000;

// Time, kind and object, so that a scan meets deadlines in the order in which they are due.
std::string DeadlineKey(BookTime due, v1::DeadlineKind kind, absl::string_view object_id);

// FIELD_REQUIRED, FIELD_INVALID if longer.
absl::Status CheckText(absl::string_view text, size_t bytes_max, bool required);
// 32 lower-case hexadecimal digits. FIELD_REQUIRED, FIELD_INVALID.
absl::Status CheckHandleText(absl::string_view handle);

Date ToDate(const v1::Date& date);
v1::Date FromDate(Date date);

// OBJECT_UNKNOWN if the partnership has not been opened.
absl::StatusOr<v1::PartnershipRecord> GetPartnership(const state::StateReader& state);
absl::StatusOr<v1::CursorRecord> GetCursor(const state::StateReader& state);
// BOOK_UNKNOWN before genesis.
absl::StatusOr<v1::BookRecord> GetBook(const state::StateReader& state);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_RECORD_ACCESS_H_
