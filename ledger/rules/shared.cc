// Checks and small writes that every rule needs.
#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/record_access.h"

namespace jcm::rules {
namespace {

constexpr size_t kIdBytesMax = 64;

bool IsIdCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::string DeadlineKey(BookTime due, v1::DeadlineKind kind, absl::string_view object_id) {
  return absl::StrCat(state::SortableNumber(due.micros), std::string(1, static_cast<char>(kind)), object_id);
}

absl::Status AddDeadline(BookTime due, v1::DeadlineKind kind, absl::string_view object_id, Transition& transition) {
  v1::DeadlineRecord record;
  record.set_due_us(due.micros);
  record.set_kind(kind);
  record.set_object_id(std::string(object_id));
  return transition.Put(v1::TABLE_DEADLINE, DeadlineKey(due, kind, object_id), record);
}

absl::Status RemoveDeadline(BookTime due, v1::DeadlineKind kind, absl::string_view object_id, Transition& transition) {
  return transition.Delete(v1::TABLE_DEADLINE, DeadlineKey(due, kind, object_id));
}

absl::Status CheckId(absl::string_view id) {
  if (id.empty()) return Error(Reason::FIELD_REQUIRED, "an id is missing");
  if (id.size() > kIdBytesMax) return Error(Reason::FIELD_INVALID, "an id is longer than 64 characters");
  for (char c : id) {
    if (!IsIdCharacter(c)) return Error(Reason::FIELD_INVALID, "an id holds a character outside A-Z a-z 0-9 . _ -");
  }
  return absl::OkStatus();
}

absl::Status CheckDigestField(absl::string_view digest, bool required) {
  if (digest.empty() && !required) return absl::OkStatus();
  if (digest.empty()) return Error(Reason::FIELD_REQUIRED, "a digest is missing");
  if (digest.size() != sizeof(Digest)) return Error(Reason::FIELD_INVALID, "a digest is not 32 bytes");
  return absl::OkStatus();
}

absl::Status CheckDate(const v1::Date& date, bool required) {
  const bool unset = date.year() == 0 && date.month() == 0 && date.day() == 0;
  if (unset && !required) return absl::OkStatus();
  if (unset) return Error(Reason::FIELD_REQUIRED, "a date is missing");
  if (date.year() < 1900 || !IsValid(ToDate(date))) return Error(Reason::FIELD_INVALID, "there is no such day");
  return absl::OkStatus();
}

absl::Status CheckText(absl::string_view text, size_t bytes_max, bool required) {
  if (text.empty() && required) return Error(Reason::FIELD_REQUIRED, "a text is missing");
  if (text.size() > bytes_max) return Error(Reason::FIELD_INVALID, absl::StrCat("a text is longer than ", bytes_max));
  return absl::OkStatus();
}

absl::Status CheckHandleText(absl::string_view handle) {
  if (handle.empty()) return Error(Reason::FIELD_REQUIRED, "a handle is missing");
  if (handle.size() != 32) return Error(Reason::FIELD_INVALID, "a handle is not 32 hexadecimal digits");
  for (char c : handle) {
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (!digit) return Error(Reason::FIELD_INVALID, "a handle holds another character than 0-9 a-f");
  }
  return absl::OkStatus();
}

Date ToDate(const v1::Date& date) { return Date{date.year(), date.month(), date.day()}; }

v1::Date FromDate(Date date) {
  v1::Date out;
  out.set_year(date.year);
  out.set_month(date.month);
  out.set_day(date.day);
  return out;
}

absl::StatusOr<v1::PartnershipRecord> GetPartnership(const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto record, state.Get<v1::PartnershipRecord>(v1::TABLE_PARTNERSHIP, kPartnershipKey));
  if (!record.has_value()) return Error(Reason::OBJECT_UNKNOWN, "the partnership has not been opened in this book");
  return *record;
}

absl::StatusOr<v1::CursorRecord> GetCursor(const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto record, state.Get<v1::CursorRecord>(v1::TABLE_CURSOR, kCursorKey));
  if (!record.has_value()) return Error(Reason::OBJECT_UNKNOWN, "this book imports from no other book");
  return *record;
}

absl::StatusOr<v1::BookRecord> GetBook(const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto record, state.Get<v1::BookRecord>(v1::TABLE_BOOK, kBookKey));
  if (!record.has_value()) return Error(Reason::BOOK_UNKNOWN, "the book has no genesis");
  return *record;
}

}  // namespace jcm::rules
