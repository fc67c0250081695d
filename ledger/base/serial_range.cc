#include "ledger/base/serial_range.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm {

absl::Status Validate(const SerialRange& range) {
  if (range.first > kSerialMax || range.last > kSerialMax) {
    return Error(Reason::QUANTITY_OVERFLOW, absl::StrCat("serials ", FormatRange(range)));
  }
  if (range.first == 0 || range.first > range.last) {
    return Error(Reason::RANGE_INVALID, absl::StrCat("first ", range.first, ", last ", range.last));
  }
  return absl::OkStatus();
}

std::string FormatRange(const SerialRange& range) { return absl::StrCat(range.first, "..", range.last); }

absl::StatusOr<SerialRange> ParseRange(absl::string_view text) {
  SerialRange range;
  const size_t dots = text.find("..");
  if (dots == absl::string_view::npos || !absl::SimpleAtoi(text.substr(0, dots), &range.first) ||
      !absl::SimpleAtoi(text.substr(dots + 2), &range.last) || FormatRange(range) != text) {
    return Error(Reason::RANGE_INVALID, absl::StrCat("not a range: ", text.substr(0, 60)));
  }
  JCM_RETURN_IF_ERROR(Validate(range));
  return range;
}

}  // namespace jcm
