#include "ledger/rules/rulebook.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/record_access.h"

namespace jcm::rules {
namespace {

constexpr uint32_t kDaysMax = 3'650;
constexpr uint32_t kOperationSignaturesMax = 10;
constexpr int kZoneRowsMax = 100;
constexpr int kSourcesMax = 100;
constexpr int kScopesMax = 50;
constexpr int kGuidelinesMax = 100;
constexpr uint32_t kYearsMax = 100;
constexpr uint64_t kFractionTermMax = 1'000'000'000;
constexpr char kCalendarYear[] = "calendar_year";
constexpr char kFloorPerVintage[] = "floor_per_vintage";

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

absl::Status CheckFraction(const v1::Fraction& fraction, absl::string_view name) {
  const bool unset = fraction.numerator() == 0 && fraction.denominator() == 0;
  if (unset || (fraction.denominator() > 0 && fraction.denominator() <= kFractionTermMax &&
                fraction.numerator() <= fraction.denominator())) {
    return absl::OkStatus();
  }
  return Error(Reason::FIELD_INVALID, absl::StrCat(name, " is not a fraction of one"));
}

absl::Status CheckPermanence(const v1::RulebookParameters& p) {
  for (int i = 0; i < p.permanence_size(); ++i) {
    const v1::PermanenceRule& rule = p.permanence(i);
    if (!v1::ProjectType_IsValid(rule.type()) || rule.type() == v1::PROJECT_TYPE_UNSPECIFIED ||
        !v1::PermanenceRegime_IsValid(rule.regime()) || rule.regime() == v1::PERMANENCE_REGIME_UNSPECIFIED) {
      return Error(Reason::FIELD_INVALID, "a permanence rule's type or regime is not known");
    }
    if (i > 0 && rule.type() <= p.permanence(i - 1).type()) {
      return Error(Reason::FIELD_INVALID, "permanence rules are not ascending by type");
    }
    JCM_RETURN_IF_ERROR(CheckFraction(rule.discount(), "discount"));
    JCM_RETURN_IF_ERROR(CheckFraction(rule.reserve_rate(), "reserve_rate"));
    const bool reserve = rule.regime() == v1::PERMANENCE_REGIME_CCS_RESERVE;
    if (reserve != rule.has_reserve_rate()) return Error(Reason::FIELD_INVALID, "reserve_rate belongs to a reserve");
    if (rule.has_discount() && rule.discount().numerator() >= rule.discount().denominator()) {
      return Error(Reason::FIELD_INVALID, "a discount of everything");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckListsOfCycle(const v1::RulebookParameters& p) {
  if (p.sectoral_scopes_size() > kScopesMax) return Error(Reason::FIELD_INVALID, "too many sectoral scopes");
  for (int i = 0; i < p.sectoral_scopes_size(); ++i) {
    const v1::SectoralScope& scope = p.sectoral_scopes(i);
    JCM_RETURN_IF_ERROR(CheckText(scope.name_en(), kTitleBytesMax, /*required=*/true));
    JCM_RETURN_IF_ERROR(CheckText(scope.name_ja(), kTitleBytesMax, /*required=*/false));
    if (scope.number() < 1 || (i > 0 && scope.number() <= p.sectoral_scopes(i - 1).number())) {
      return Error(Reason::FIELD_INVALID, "sectoral scopes are not ascending");
    }
  }
  if (p.documents_size() > kGuidelinesMax) return Error(Reason::FIELD_INVALID, "too many guideline documents");
  for (const v1::GuidelineDocument& document : p.documents()) {
    JCM_RETURN_IF_ERROR(CheckText(document.code(), kTitleBytesMax, /*required=*/true));
    JCM_RETURN_IF_ERROR(CheckText(document.version(), kTitleBytesMax, /*required=*/true));
    JCM_RETURN_IF_ERROR(CheckDigestField(document.digest(), /*required=*/false));
  }
  for (const int method : p.net_reduction_methods()) {
    if (!v1::NetReductionMethod_IsValid(method) || method == v1::NET_REDUCTION_METHOD_UNSPECIFIED) {
      return Error(Reason::FIELD_INVALID, "net_reduction_methods");
    }
  }
  return absl::OkStatus();
}

// A rulebook without completeness_days has no project cycle, and then nothing of it.
absl::Status CheckCycle(const v1::RulebookParameters& p) {
  if (!p.track().empty()) JCM_RETURN_IF_ERROR(CheckId(p.track()));
  if (p.completeness_days() == 0) {
    if (p.pin_required() || p.dossier_required()) return Error(Reason::FIELD_REQUIRED, "completeness_days");
    return absl::OkStatus();
  }
  const struct {
    uint32_t days;
    absl::string_view name;
  } kDays[] = {{p.completeness_days(), "completeness_days"},
               {p.pin_consideration_days(), "pin_consideration_days"},
               {p.pm_public_input_days(), "pm_public_input_days"},
               {p.pm_consideration_days(), "pm_consideration_days"},
               {p.pm_consideration_days_max(), "pm_consideration_days_max"},
               {p.pdd_public_input_days(), "pdd_public_input_days"},
               {p.safeguard_public_input_days(), "safeguard_public_input_days"},
               {p.jc_consideration_days(), "jc_consideration_days"},
               {p.methodology_grace_days(), "methodology_grace_days"},
               {p.issuance_days(), "issuance_days"}};
  for (const auto& one : kDays) JCM_RETURN_IF_ERROR(CheckBetween(one.days, 0, kDaysMax, one.name));
  JCM_RETURN_IF_ERROR(CheckBetween(p.crediting_period_years_max(), 0, kYearsMax, "crediting_period_years_max"));
  JCM_RETURN_IF_ERROR(CheckBetween(p.crediting_renewals_max(), 0, kYearsMax, "crediting_renewals_max"));
  JCM_RETURN_IF_ERROR(CheckDate(p.operation_start_not_before(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckFraction(p.subsidised_delivery_share(), "subsidised_delivery_share"));
  if (p.vintage_basis() != kCalendarYear) return Error(Reason::FIELD_INVALID, "vintage_basis: only calendar_year");
  if (p.er_rounding() != kFloorPerVintage) return Error(Reason::FIELD_INVALID, "er_rounding: only floor_per_vintage");
  JCM_RETURN_IF_ERROR(CheckPermanence(p));
  return CheckListsOfCycle(p);
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
  JCM_RETURN_IF_ERROR(CheckCycle(p));
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

namespace {

// 24:00 of a day in each capital; the later one.
BookTime LaterEnd(Date japan_day, Date partner_day, const v1::RulebookParameters& parameters) {
  BookTime latest;
  for (const bool japan : {true, false}) {
    const Date day_after = AddDays(japan ? japan_day : partner_day, 1);
    const v1::ZoneOffset& offsets = OffsetsOn(parameters, day_after);
    const auto end = StartOfDay(day_after, japan ? offsets.japan_minutes() : offsets.partner_minutes());
    JCM_CHECK(end.ok());
    latest = std::max(latest, *end);
  }
  return latest;
}

}  // namespace

BookTime EndOfDay(Date day, const v1::RulebookParameters& parameters) { return LaterEnd(day, day, parameters); }

BookTime EndOfDayAfter(BookTime start, int64_t days, const v1::RulebookParameters& parameters) {
  const v1::ZoneOffset& offsets = OffsetsOn(parameters, DayInZone(start, 0));
  return LaterEnd(AddDays(DayInZone(start, offsets.japan_minutes()), days),
                  AddDays(DayInZone(start, offsets.partner_minutes()), days), parameters);
}

Date DayInLaterCapital(BookTime time, const v1::RulebookParameters& parameters) {
  const v1::ZoneOffset& offsets = OffsetsOn(parameters, DayInZone(time, 0));
  return DayInZone(time, std::min(offsets.japan_minutes(), offsets.partner_minutes()));
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

}  // namespace jcm::rules
