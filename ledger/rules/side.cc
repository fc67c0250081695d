#include "ledger/rules/side.h"

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/record_access.h"

namespace jcm::rules {
namespace {

constexpr int32_t kFirstItmoYear = 2021;

// A rulebook's zone can be asked for before the calendar day is known, so a zone counts from its day in UTC.
int OffsetMinutes(const v1::RulebookParameters& parameters, const BookId& book, BookTime time) {
  const Date day = DayInZone(time, 0);
  int minutes = 0;
  for (const v1::ZoneOffset& zone : parameters.zone_offsets()) {
    if (day < ToDate(zone.from())) break;
    minutes = IsHost(book) ? zone.partner_minutes() : zone.japan_minutes();
  }
  return minutes;
}

}  // namespace

bool IsHost(const BookId& book) { return book.registry != kJapan; }

absl::StatusOr<v1::PartnershipRecord> RequirePartnership(const state::StateReader& reader) {
  JCM_ASSIGN_OR_RETURN(auto record, reader.Get<v1::PartnershipRecord>(v1::TABLE_PARTNERSHIP, "partnership"));
  if (!record.has_value()) return Error(Reason::OBJECT_UNKNOWN, "the partnership has not been opened in this book");
  return *std::move(record);
}

absl::StatusOr<v1::RulebookParameters> ParametersInForce(const state::StateReader& reader, const RuleInput& input) {
  v1::RulebookRecord newest;
  bool parsed = true;
  const auto order = [](const v1::RulebookRecord& record) {
    return std::make_tuple(ToDate(record.effective_date()), record.adopted_at_us());
  };
  JCM_RETURN_IF_ERROR(reader.Scan(v1::TABLE_RULEBOOK, "", "", [&](absl::string_view, absl::string_view value) {
    v1::RulebookRecord record;
    parsed = record.ParseFromArray(value.data(), static_cast<int>(value.size()));
    if (!parsed) return false;
    const Date today = ToDate(DayOf(record.parameters(), input.book, input.time));
    if (ToDate(record.effective_date()) > today) return true;
    if (newest.version().empty() || order(newest) < order(record)) newest = std::move(record);
    return true;
  }));
  if (!parsed) return Error(Reason::STORE_CORRUPT, "a rulebook");
  if (newest.version().empty()) return Error(Reason::RULEBOOK_UNKNOWN, "no rulebook is in force");
  return std::move(*newest.mutable_parameters());
}

bool IsItmoVintage(int32_t vintage, const v1::RulebookParameters& parameters) {
  return vintage >= kFirstItmoYear && static_cast<int64_t>(vintage) >= int64_t{parameters.itmo_vintage_from()};
}

v1::Date DayOf(const v1::RulebookParameters& parameters, const BookId& book, BookTime time) {
  const Date day = DayInZone(time, OffsetMinutes(parameters, book, time));
  v1::Date result;
  result.set_year(day.year);
  result.set_month(day.month);
  result.set_day(day.day);
  return result;
}

absl::Status CheckOperationSignatures(const RuleInput& input, const v1::RulebookParameters& parameters) {
  const size_t persons = input.DistinctPersons();
  if (persons < parameters.operation_signatures()) {
    return Error(Reason::TWO_PERSONS_REQUIRED,
                 absl::StrCat(persons, " signed, the rulebook asks for ", parameters.operation_signatures()));
  }
  return absl::OkStatus();
}

absl::StatusOr<const v1::AccountContext*> RequireSender(const RuleInput& input, absl::string_view handle) {
  const v1::AccountContext* account = input.Account(handle);
  if (account == nullptr) return Error(Reason::ACCOUNT_UNKNOWN, handle);
  JCM_RETURN_IF_ERROR(input.CheckActsFor(*account));
  if (account->state() != v1::ACCOUNT_STATE_ACTIVE) return Error(Reason::ACCOUNT_NOT_ACTIVE, handle);
  return account;
}

absl::StatusOr<const v1::AccountContext*> RequireReceiver(const RuleInput& input, absl::string_view handle) {
  const v1::AccountContext* account = input.Account(handle);
  if (account == nullptr) return Error(Reason::ACCOUNT_UNKNOWN, handle);
  if (account->state() != v1::ACCOUNT_STATE_ACTIVE && account->state() != v1::ACCOUNT_STATE_FROZEN) {
    return Error(Reason::ACCOUNT_NOT_ACTIVE, handle);
  }
  return account;
}

bool IsHoldingAccount(const v1::AccountContext& account) {
  return account.account_class() == v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING ||
         account.account_class() == v1::ACCOUNT_CLASS_ENTITY_HOLDING;
}

bool IsSendingAccount(const v1::AccountContext& account) {
  return IsHoldingAccount(account) || account.account_class() == v1::ACCOUNT_CLASS_PENDING ||
         account.account_class() == v1::ACCOUNT_CLASS_SUSPENSE;
}

absl::StatusOr<v1::IssuanceText> FindIssuanceText(const state::StateReader& reader, absl::string_view decision_id) {
  for (const uint32_t table : {uint32_t{v1::TABLE_DECISION}, state::Shadow(v1::TABLE_DECISION)}) {
    JCM_ASSIGN_OR_RETURN(auto decision, reader.Get<v1::DecisionRecord>(table, decision_id));
    if (!decision.has_value() || decision->state() != v1::DECISION_STATE_ADOPTED) continue;
    v1::DecisionText text;
    if (!text.ParseFromString(decision->text())) return Error(Reason::STORE_CORRUPT, "a decision's text");
    return std::move(*text.mutable_issuance());
  }
  return Error(Reason::DECISION_UNKNOWN, decision_id);
}

absl::StatusOr<v1::FirstTransferRecord> RequireFirstTransfer(const state::StateReader& reader, const BookId& book,
                                                             absl::string_view first_transfer_id) {
  const uint32_t table = IsHost(book) ? uint32_t{v1::TABLE_FIRST_TRANSFER} : state::Shadow(v1::TABLE_FIRST_TRANSFER);
  JCM_ASSIGN_OR_RETURN(auto record, reader.Get<v1::FirstTransferRecord>(table, first_transfer_id));
  if (!record.has_value()) return Error(Reason::INTERNAL, absl::StrCat("no first transfer ", first_transfer_id));
  return *std::move(record);
}

}  // namespace jcm::rules
