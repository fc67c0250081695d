// The shape of an issuance text, checked when a decision on it is opened.
#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/serial_range.h"
#include "ledger/base/status.h"
#include "ledger/rules/allocation.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/side.h"

namespace jcm::rules {
namespace {

constexpr int kLotsPerTextMax = 50;
constexpr int kRowsPerTextMax = 200;
constexpr size_t kPartyLabelBytesMax = 200;

absl::Status CheckPeriod(const v1::IssuanceText& text, const v1::RulebookParameters& parameters) {
  JCM_RETURN_IF_ERROR(CheckDate(text.monitoring_start(), true));
  JCM_RETURN_IF_ERROR(CheckDate(text.monitoring_end(), true));
  const Date start = ToDate(text.monitoring_start());
  const Date end = ToDate(text.monitoring_end());
  if (end < start) return Error(Reason::FIELD_INVALID, "the monitoring period ends before it starts");
  if (parameters.straddle_2021_forbidden() && start < Date{2021, 1, 1} && end >= Date{2021, 1, 1}) {
    return Error(Reason::PERIOD_STRADDLES_2021, absl::StrCat(FormatDate(start), "..", FormatDate(end)));
  }
  return absl::OkStatus();
}

// One lot per vintage, together at most the verified amount.
absl::Status CheckLots(const v1::IssuanceText& text, std::map<std::string, Tonnes>* lots) {
  if (text.verified_tonnes() == 0) return Error(Reason::QUANTITY_NOT_POSITIVE, "verified_tonnes");
  if (text.verified_tonnes() > kSerialMax) return Error(Reason::QUANTITY_OVERFLOW, "verified_tonnes");
  if (text.lots().empty()) return Error(Reason::FIELD_REQUIRED, "lots");
  if (text.lots_size() > kLotsPerTextMax) return Error(Reason::FIELD_INVALID, "too many lots");
  Tonnes total = 0;
  std::map<int32_t, std::string> vintages;
  for (const v1::LotText& lot : text.lots()) {
    JCM_RETURN_IF_ERROR(CheckId(lot.lot_id()));
    if (lot.tonnes() == 0) return Error(Reason::QUANTITY_NOT_POSITIVE, lot.lot_id());
    if (lot.tonnes() > kSerialMax) return Error(Reason::QUANTITY_OVERFLOW, lot.lot_id());
    if (lot.vintage() < text.monitoring_start().year() || lot.vintage() > text.monitoring_end().year()) {
      return Error(Reason::VINTAGE_OUTSIDE_PERIOD, absl::StrCat(lot.lot_id(), " of ", lot.vintage()));
    }
    if (!lots->emplace(lot.lot_id(), lot.tonnes()).second) {
      return Error(Reason::ALLOCATION_INVALID, absl::StrCat("lot ", lot.lot_id(), " twice"));
    }
    if (!vintages.emplace(lot.vintage(), lot.lot_id()).second) {
      return Error(Reason::ALLOCATION_INVALID, absl::StrCat("two lots of vintage ", lot.vintage()));
    }
    total += lot.tonnes();
  }
  if (total > text.verified_tonnes()) {
    return Error(Reason::VERIFIED_AMOUNT_EXCEEDED,
                 absl::StrCat(total, " t of ", text.verified_tonnes(), " t verified"));
  }
  return absl::OkStatus();
}

absl::Status CheckRow(const v1::AllocationRow& row, const v1::RulebookParameters& parameters,
                      absl::string_view own_registry, absl::string_view peer_registry) {
  if (row.party() == v1::PARTY_KIND_UNSPECIFIED) return Error(Reason::FIELD_REQUIRED, "party");
  if (!v1::PartyKind_IsValid(row.party())) return Error(Reason::FIELD_INVALID, "party");
  if (row.party_label().empty()) return Error(Reason::FIELD_REQUIRED, "party_label");
  if (row.party_label().size() > kPartyLabelBytesMax) return Error(Reason::FIELD_INVALID, "party_label");
  if (row.issuing_registry() != own_registry && row.issuing_registry() != peer_registry) {
    return Error(Reason::ALLOCATION_INVALID,
                 absl::StrCat("registry '", row.issuing_registry(), "' is of neither side"));
  }
  if (parameters.cross_border_mode() == v1::CROSS_BORDER_MODE_HOST_FIRST && row.issuing_registry() == kJapan) {
    return Error(Reason::MODE_NOT_ALLOWED, "the rulebook says that the host issues first, so no row may name Japan");
  }
  return absl::OkStatus();
}

// Rows 1..n whose ranges cover every lot exactly once.
absl::Status CheckRows(const v1::IssuanceText& text, const std::map<std::string, Tonnes>& lots,
                       const v1::RulebookParameters& parameters, absl::string_view own_registry,
                       absl::string_view peer_registry) {
  if (text.rows().empty()) return Error(Reason::FIELD_REQUIRED, "rows");
  if (text.rows_size() > kRowsPerTextMax) return Error(Reason::FIELD_INVALID, "too many rows");
  std::map<std::string, std::vector<SerialRange>> ranges;
  for (int i = 0; i < text.rows_size(); ++i) {
    const v1::AllocationRow& row = text.rows(i);
    if (row.row() != static_cast<uint32_t>(i) + 1)
      return Error(Reason::ALLOCATION_INVALID, "rows are not numbered 1..n");
    JCM_RETURN_IF_ERROR(CheckRow(row, parameters, own_registry, peer_registry));
    const SerialRange serials{row.range().first(), row.range().last()};
    JCM_RETURN_IF_ERROR(Validate(serials));
    const auto lot = lots.find(row.range().lot_id());
    if (lot == lots.end()) return Error(Reason::ALLOCATION_INVALID, absl::StrCat("row ", row.row(), " names no lot"));
    if (serials.last > lot->second) return Error(Reason::RANGE_OUTSIDE_LOT, absl::StrCat("row ", row.row()));
    ranges[lot->first].push_back(serials);
  }
  for (const auto& [lot_id, tonnes] : lots) {
    std::vector<SerialRange>& rows = ranges[lot_id];
    std::sort(rows.begin(), rows.end());
    Serial next = 1;
    for (const SerialRange& serials : rows) {
      if (serials.first != next) {
        return Error(Reason::ALLOCATION_INVALID, absl::StrCat("lot ", lot_id, " is not covered once at serial ", next));
      }
      next = serials.last + 1;
    }
    if (next != tonnes + 1) {
      return Error(Reason::ALLOCATION_INVALID, absl::StrCat("lot ", lot_id, " is not covered from serial ", next));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckIssuanceText(const v1::IssuanceText& text, const v1::RulebookParameters& parameters,
                               absl::string_view partnership, absl::string_view own_registry,
                               absl::string_view peer_registry, Refusals* refusals) {
  const struct { Refusals* refusals; } input{refusals};
  JCM_NOTE_REFUSAL(input, "decision/text/project", CheckId(text.project_id()));
  JCM_NOTE_REFUSAL(input, "decision/text/period", CheckPeriod(text, parameters));
  const bool known_method =
      text.allocation_method() == kExplicitAllocation || text.allocation_method() == parameters.allocation_rounding();
  JCM_NOTE_REFUSAL(input, "decision/text/method",
                   known_method
                       ? absl::OkStatus()
                       : Error(Reason::FIELD_INVALID,
                               absl::StrCat("allocation_method '", text.allocation_method(), "' of ", partnership)));
  std::map<std::string, Tonnes> lots;
  JCM_NOTE_REFUSAL(input, "decision/text/lots", CheckLots(text, &lots));
  JCM_NOTE_REFUSAL(input, "decision/text/rows", CheckRows(text, lots, parameters, own_registry, peer_registry));
  return absl::OkStatus();
}

}  // namespace jcm::rules
