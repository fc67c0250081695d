// A run of serials of one lot, both ends included.
//
//   SerialRange range{1, 1009};
//   JCM_RETURN_IF_ERROR(Validate(range));
//   range.Count() == 1009; FormatRange(range) == "1..1009"
#ifndef LEDGER_BASE_SERIAL_RANGE_H_
#define LEDGER_BASE_SERIAL_RANGE_H_

#include <string>
#include <tuple>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/types.h"

namespace jcm {

struct SerialRange {
  Serial first = 1;
  Serial last = 1;

  // The functions below hold for ranges that Validate accepts.
  Tonnes Count() const { return last - first + 1; }
  bool Contains(Serial serial) const { return first <= serial && serial <= last; }
  bool Contains(const SerialRange& other) const { return first <= other.first && other.last <= last; }
  bool Overlaps(const SerialRange& other) const { return first <= other.last && other.first <= last; }
  // True if `next` begins where this ends, so that both are one run.
  bool IsFollowedBy(const SerialRange& next) const { return last + 1 == next.first; }

  friend bool operator==(const SerialRange& a, const SerialRange& b) { return a.first == b.first && a.last == b.last; }
  friend bool operator!=(const SerialRange& a, const SerialRange& b) { return !(a == b); }
  friend bool operator<(const SerialRange& a, const SerialRange& b) {
    return std::tie(a.first, a.last) < std::tie(b.first, b.last);
  }
};

// Errors: RANGE_INVALID if the first serial is 0 or above the last; QUANTITY_OVERFLOW if one is above kSerialMax.
absl::Status Validate(const SerialRange& range);

// "1..1009"; a single unit is "7..7".
std::string FormatRange(const SerialRange& range);
// Exactly what FormatRange writes of a valid range. Errors: those of Validate; RANGE_INVALID for another form.
absl::StatusOr<SerialRange> ParseRange(absl::string_view text);

}  // namespace jcm

#endif  // LEDGER_BASE_SERIAL_RANGE_H_
