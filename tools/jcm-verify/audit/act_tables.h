// Which tables each act may change, and who may do it: the auditor's own reading of the design, written down as tables
// so that they can be compared with the rules' by eye.
#ifndef TOOLS_JCM_VERIFY_AUDIT_ACT_TABLES_H_
#define TOOLS_JCM_VERIFY_AUDIT_ACT_TABLES_H_

#include <cstdint>

#include "jcm/ledger/v1/command.pb.h"
#include "ledger/book/leaf.h"
#include "tools/jcm-verify/audit/signed_act.h"

namespace jcm::verify {

namespace v1 = ::jcm::ledger::v1;

// Whether an entry of this kind, with this act if it is a command, may change a table. Numbers of imported records are
// above kShadowOffset.
bool MayChange(book::LeafKind kind, v1::Command::BodyCase act, uint32_t table);

// Persons who must have signed, units' operations apart: those the rulebook sets.
size_t PersonsNeeded(const SignedAct& act);

// Whether one of the roles may be the author of the act. What is not for the designated organization is not for anybody
// who also has that role.
bool MayAuthor(const SignedAct& act, const google::protobuf::RepeatedField<int>& roles);

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_ACT_TABLES_H_
