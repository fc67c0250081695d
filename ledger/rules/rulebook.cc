#include "ledger/rules/rulebook.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/record_access.h"

namespace jcm::rules {
namespace {

constexpr uint32_t kDaysMax = 3'650;
constexpr uint32_t kOperationSignaturesMax = 10;
constexpr int kZoneRowsMax = 100;
constexpr int kSourcesMax = 100;

absl::Status CheckBetween(uint32_t value, uint32_t lowest, uint32_t highest, absl::string_view name) {
  if (value >= lowest && value <= highest) return absl::OkStatus();
  return Error(Reason::FIELD_INVALID, absl::StrCat(name, " is not between ", lowest, " and ", highest));
}

absl::Status CheckOffset(int32_t minutes) {
  if (minutes < -kZoneOffsetMaxMinutes || minutes > kZoneOffsetMaxMinutes) {
    return Error(Reason::FIELD_INVALID, "a zone offset is beyond 18 hours");
  }
  return absl::OkStatus();
}

absl::Status CheckZones(const v1::RulebookParameters& parameters) {
  if (parameters.zone_offsets().empty()) return Error(Reason::FIELD_REQUIRED, "zone_offsets are missing");
  if (parameters.zone_offsets_size() > kZoneRowsMax) return Error(Reason::FIELD_INVALID, "too many zone offsets");
  for (int i = 0; i < parameters.zone_offsets_size(); ++i) {
    const v1::ZoneOffset& row = parameters.zone_offsets(i);
    JCM_RETURN_IF_ERROR(CheckDate(row.from(), /*required=*/true));
    JCM_RETURN_IF_ERROR(CheckOffset(row.japan_minutes()));
    JCM_RETURN_IF_ERROR(CheckOffset(row.partner_minutes()));
    if (i > 0 && ToDate(row.from()) <= ToDate(parameters.zone_offsets(i - 1).from())) {
      return Error(Reason::FIELD_INVALID, "zone offsets are not ascending");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRulebookParameters(const v1::RulebookParameters& p) {
  JCM_RETURN_IF_ERROR(CheckBetween(p.e_decision_days(), 1, 365, "e_decision_days"));
  // The long stop must leave room for distribution on a later day and for the end of the window's last day.
  JCM_RETURN_IF_ERROR(
      CheckBetween(p.e_decision_long_stop_days(), p.e_decision_days() + 3, kDaysMax, "e_decision_long_stop_days"));
  JCM_RETURN_IF_ERROR(CheckZones(p));
  JCM_RETURN_IF_ERROR(CheckBetween(p.itmo_vintage_from(), 2021, 2100, "itmo_vintage_from"));
  if (!v1::CrossBorderMode_IsValid(p.cross_border_mode()) ||
      p.cross_border_mode() == v1::CROSS_BORDER_MODE_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "cross_border_mode is not known");
  }
  if (!v1::FirstTransferTrigger_IsValid(p.first_transfer_trigger()) ||
      p.first_transfer_trigger() == v1::FIRST_TRANSFER_TRIGGER_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "first_transfer_trigger is not known");
  }
  JCM_RETURN_IF_ERROR(CheckBetween(p.operation_signatures(), 1, kOperationSignaturesMax, "operation_signatures"));
  JCM_RETURN_IF_ERROR(CheckBetween(p.transfer_expiry_days_max(), 1, kDaysMax, "transfer_expiry_days_max"));
  JCM_RETURN_IF_ERROR(CheckBetween(p.rules_notice_days(), 1, kDaysMax, "rules_notice_days"));
  JCM_RETURN_IF_ERROR(CheckId(p.allocation_rounding()));
  if (p.sources_size() > kSourcesMax) return Error(Reason::FIELD_INVALID, "too many sources");
  for (const v1::ParameterSource& source : p.sources()) {
    JCM_RETURN_IF_ERROR(CheckId(source.parameter()));
    JCM_RETURN_IF_ERROR(CheckText(source.source(), kTitleBytesMax, /*required=*/true));
    if (!v1::Provenance_IsValid(source.provenance())) return Error(Reason::FIELD_INVALID, "no such provenance");
  }
  return absl::OkStatus();
}

const v1::ZoneOffset& OffsetsOn(const v1::RulebookParameters& parameters, Date day) {
  JCM_CHECK(!parameters.zone_offsets().empty());
  const v1::ZoneOffset* found = &parameters.zone_offsets(0);
  for (const v1::ZoneOffset& row : parameters.zone_offsets()) {
    if (ToDate(row.from()) <= day) found = &row;
  }
  return *found;
}

absl::StatusOr<v1::RulebookRecord> RulebookInForce(absl::string_view version, BookTime time,
                                                   const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto record, state.Get<v1::RulebookRecord>(v1::TABLE_RULEBOOK, version));
  if (!record.has_value()) return Error(Reason::RULEBOOK_UNKNOWN, "this book has no such rulebook");
  const Date today = DayInZone(time, OffsetsOn(record->parameters(), DayInZone(time, 0)).japan_minutes());
  if (today < ToDate(record->effective_date())) return Error(Reason::RULEBOOK_UNKNOWN, "not in force yet");
  return *record;
}

absl::StatusOr<uint32_t> RulesNoticeDays(BookTime time, const state::StateReader& state) {
  uint32_t days = 0;
  absl::Status failed;
  JCM_RETURN_IF_ERROR(state.Scan(v1::TABLE_RULEBOOK, "", "", [&](absl::string_view key, absl::string_view) {
    auto rulebook = RulebookInForce(key, time, state);
    if (!rulebook.ok() && !HasReason(rulebook.status(), Reason::RULEBOOK_UNKNOWN)) failed = rulebook.status();
    if (rulebook.ok() && (days == 0 || rulebook->parameters().rules_notice_days() < days)) {
      days = rulebook->parameters().rules_notice_days();
    }
    return failed.ok();
  }));
  JCM_RETURN_IF_ERROR(failed);
  return days == 0 ? kRulesNoticeDaysDefault : days;
}

absl::Status CheckRulebookVersion(absl::string_view version) {
  std::string as_id(version);
  std::replace(as_id.begin(), as_id.end(), '/', '-');
  return CheckId(as_id);
}

absl::Status ApplyAdoptRulebook(const RuleInput& input, const v1::AdoptRulebook& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckRulebookVersion(command.version()));
  JCM_RETURN_IF_ERROR(CheckDate(command.effective_date(), /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.document_digest(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckRulebookParameters(command.parameters()));
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get(v1::TABLE_RULEBOOK, command.version()));
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, "this version is in the book already");

  const Digest digest = Sha256(state::Serialise(command.parameters()));
  v1::RulebookRecord record;
  record.set_version(command.version());
  *record.mutable_parameters() = command.parameters();
  *record.mutable_effective_date() = command.effective_date();
  record.set_parameters_digest(std::string(AsBytes(digest)));
  record.set_adopted_at_us(input.time.micros);
  return transition.Put(v1::TABLE_RULEBOOK, record.version(), record);
}

}  // namespace jcm::rules
