// Errors are values: absl::Status with a reason from the one catalogue (error_catalogue.def).
//
//   if (range.first > range.last) return Error(Reason::RANGE_INVALID, "first 10, last 9");
//   ...
//   if (HasReason(status, Reason::RANGE_INVALID)) ...
//
// The message of a status is detail for an engineer; texts for people come from the catalogue by reason.
// Not for: conditions that cannot happen. Those are JCM_CHECK, which stays on in production.
#ifndef LEDGER_BASE_STATUS_H_
#define LEDGER_BASE_STATUS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace jcm {

enum class Reason : uint16_t {
#define JCM_ERROR(reason, number, code, english, japanese) reason = number,
#include "ledger/base/error_catalogue.def"
#undef JCM_ERROR
};

// One row of the catalogue.
struct ReasonInfo {
  Reason reason;
  const char* name;  // "RANGE_INVALID"; UPPER_SNAKE, at most 63 characters
  absl::StatusCode code;
  const char* english;
  const char* japanese;
};

// All rows in the order of the file.
absl::Span<const ReasonInfo> Catalogue();

// The row of a reason; of INTERNAL if the number is unknown.
const ReasonInfo& Describe(Reason reason);

// A refusal: the reason's canonical code, `detail` as message, and the reason as payload.
absl::Status Error(Reason reason, absl::string_view detail = "");

// The reason carried by `status`; INTERNAL for a status that carries none; nullopt for OK.
absl::optional<Reason> ReasonOf(const absl::Status& status);

bool HasReason(const absl::Status& status, Reason reason);

// "RANGE_INVALID (7003): The first serial … : first 10, last 9"
std::string ToText(const absl::Status& status);

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace jcm

// States what cannot happen; ends the process if it does, in production too.
#define JCM_CHECK(condition)                                              \
  do {                                                                    \
    if (!(condition)) ::jcm::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

#define JCM_RETURN_IF_ERROR(expression)        \
  do {                                         \
    ::absl::Status jcm_status_ = (expression); \
    if (!jcm_status_.ok()) return jcm_status_; \
  } while (false)

#define JCM_CONCAT_INNER_(a, b) a##b
#define JCM_CONCAT_(a, b) JCM_CONCAT_INNER_(a, b)

// JCM_ASSIGN_OR_RETURN(Digest root, RootOf(tree));
#define JCM_ASSIGN_OR_RETURN(target, expression) \
  JCM_ASSIGN_OR_RETURN_IMPL_(JCM_CONCAT_(jcm_or_, __LINE__), target, expression)
#define JCM_ASSIGN_OR_RETURN_IMPL_(name, target, expression) \
  auto name = (expression);                                  \
  if (!name.ok()) return name.status();                      \
  target = std::move(name).value()

#endif  // LEDGER_BASE_STATUS_H_
