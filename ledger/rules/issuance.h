// Issuing a side's share of a decision, and what the other side's issuance means here.
//
// ApplyIssueCredits and CheckIssuanceText are declared in handlers.h. One decision is issued once per side, and no
// serial and no day of a project's monitoring is issued from two decisions, even while news of the other side's acts is
// on its way.
#ifndef LEDGER_RULES_ISSUANCE_H_
#define LEDGER_RULES_ISSUANCE_H_

#include "absl/status/status.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/rules/handlers.h"

namespace jcm::rules {

// Remembers the monitoring period of a decision that the other side has issued, so that this side issues it from no
// other.
absl::Status OnImportedIssuance(const RuleInput& input, const v1::IssuanceRecord& issuance, Transition& transition);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_ISSUANCE_H_
