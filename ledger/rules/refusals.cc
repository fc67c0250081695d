#include "ledger/rules/refusals.h"

#include "ledger/base/status.h"

namespace jcm::rules {

bool Refusals::Note(absl::string_view rule, const absl::Status& status) {
  if (!ReasonOf(status).has_value() || HasReason(status, Reason::STORE_CORRUPT) ||
      HasReason(status, Reason::STORE_FAILED) || list_.size() >= kRefusalsMax) {
    return false;
  }
  list_.push_back({status, std::string(rule)});
  return true;
}

}  // namespace jcm::rules
