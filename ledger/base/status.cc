#include "ledger/base/status.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace jcm {
namespace {

constexpr char kPayloadUrl[] = "jcm.registry/reason";

constexpr ReasonInfo kCatalogue[] = {
#define JCM_ERROR(reason, number, code, english, japanese) \
  {Reason::reason, #reason, absl::StatusCode::code, english, japanese},
#include "ledger/base/error_catalogue.def"
#undef JCM_ERROR
};

}  // namespace

absl::Span<const ReasonInfo> Catalogue() { return kCatalogue; }

const ReasonInfo& Describe(Reason reason) {
  const ReasonInfo* internal = nullptr;
  for (const ReasonInfo& row : kCatalogue) {
    if (row.reason == reason) return row;
    if (row.reason == Reason::INTERNAL) internal = &row;
  }
  return *internal;
}

absl::Status Error(Reason reason, absl::string_view detail) {
  const ReasonInfo& row = Describe(reason);
  absl::Status status(row.code, detail.empty() ? absl::string_view(row.english) : detail);
  status.SetPayload(kPayloadUrl, absl::Cord(absl::StrCat(static_cast<int>(reason))));
  return status;
}

absl::optional<Reason> ReasonOf(const absl::Status& status) {
  if (status.ok()) return absl::nullopt;
  absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  int number = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &number)) return Reason::INTERNAL;
  return static_cast<Reason>(number);
}

bool HasReason(const absl::Status& status, Reason reason) {
  absl::optional<Reason> actual = ReasonOf(status);
  return actual.has_value() && *actual == reason;
}

std::string ToText(const absl::Status& status) {
  if (status.ok()) return "OK";
  const ReasonInfo& row = Describe(*ReasonOf(status));
  return absl::StrCat(row.name, " (", static_cast<int>(row.reason), "): ", row.english, " [", status.message(), "]");
}

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace jcm
