// Disposal restrictions (処分の制限): an attachment or an order of a court holds units where they are until it is
// lifted. Source: the ordinance on the account book requires restrictions of disposal to be recorded. Two persons sign
// each.
#include <string>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/units.h"

namespace jcm::rules {

absl::Status ApplyRestrictUnits(const RuleInput& input, const v1::RestrictUnits& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckText(command.restriction(), kTitleBytesMax, /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.document_digest(), /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckRanges(command.ranges()).status());
  if (input.Account(command.account()) == nullptr) return Error(Reason::ACCOUNT_UNKNOWN, command.account());
  JCM_ASSIGN_OR_RETURN(std::vector<v1::BlockRecord> blocks,
                       TakeHeld(transition, command.account(), command.ranges(), Restricted::TAKEN));
  for (v1::BlockRecord& block : blocks) {
    // Lifting what is not there, or restricting twice, is a mistake about which units are meant.
    if (block.restriction().empty() == command.restriction().empty()) {
      return Error(Reason::FIELD_INVALID, command.restriction().empty() ? "a unit is under no restriction"
                                                                        : "a unit is under a restriction already");
    }
    block.set_restriction(command.restriction());
  }
  return WriteBlocks(blocks, transition);
}

}  // namespace jcm::rules
