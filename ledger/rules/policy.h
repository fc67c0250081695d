// The one table that says who may record what: act -> roles of the author, number of persons, roles of the second one.
//
//   JCM_RETURN_IF_ERROR(CheckPolicy(command, context));
//
// The designated organization (指定実施機関) does every act of registry and secretariat, but never votes, records a
// vote, confirms an outcome or authorizes. How many persons a transfer, retirement or cancellation needs is a rulebook
// parameter and checked by its rule.
#ifndef LEDGER_RULES_POLICY_H_
#define LEDGER_RULES_POLICY_H_

#include "absl/status/status.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/effects.pb.h"

namespace jcm::rules {

namespace v1 = ::jcm::ledger::v1;

// Whether these signers may record this command. signers[0] is the author; persons are counted by pseudonym.
// Errors: FIELD_REQUIRED if the command has no body, ROLE_NOT_ALLOWED, TWO_PERSONS_REQUIRED.
absl::Status CheckPolicy(const v1::Command& command, const v1::Context& context);

// Whether the signer has the role.
bool HasRole(const v1::SignerContext& signer, v1::Role role);

// Whether the act belongs in a registry's private book; the others belong in a partnership's.
bool BelongsInHome(v1::Command::BodyCase body);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_POLICY_H_
