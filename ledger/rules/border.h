// Moving units across the border: only the sender's book decides.
//
//   sender   INITIATED ── import of Accept ──> POSTED      units become tombstones (SENT)
//                      ── import of Refuse, expiry, revocation, withdrawal ──> VOIDED      units are HELD again
//   receiver           ACCEPTED ── import of POSTED ──> CREDITED;  ── import of VOIDED ──> VOIDED
//
// Accept is a promise that cannot be taken back and credits nothing; whichever cause comes first in the sender's log
// holds. The acts of persons are declared in handlers.h; here are the steps that other rules take.
#ifndef LEDGER_RULES_BORDER_H_
#define LEDGER_RULES_BORDER_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/rules/handlers.h"

namespace jcm::rules {

// Transfers of one book that may wait for an answer at the same time.
inline constexpr size_t kTransfersInFlightMax = 500;

// The id of the first transfer that a Post makes. No client can choose it, so it is always free.
std::string FirstTransferIdOfPost(absl::string_view transfer_id);

// Sender: voids each transfer in flight under a revoked authorization and returns its headroom.
absl::Status VoidTransfersUnder(const RuleInput& input, absl::string_view authorization_id, Transition& transition);

// Sender: the receiver's answer, as imported. Does nothing for a transfer that is decided already. IMPOSSIBLE_ACT for
// an answer to a transfer that does not exist.
absl::Status OnImportedAnswer(const RuleInput& input, const v1::TransferInRecord& answer, Transition& transition);

// Receiver: the sender's transfer, as imported. IMPOSSIBLE_ACT if it is posted without having been accepted here, or if
// it brings units that this book holds.
absl::Status OnImportedTransferOut(const RuleInput& input, const v1::TransferOutRecord& transfer,
                                   Transition& transition);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_BORDER_H_
