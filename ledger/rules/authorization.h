// What a host's authorization of ITMOs covers, and entering a first transfer under it.
//
// Used by the host's acts (article6.cc), by cross-border transfers (border.h) and by imports. A unit is first
// transferred once, for ever, whoever holds it. Sources: decisions 2/CMA.3 and 4/CMA.6.
#ifndef LEDGER_RULES_AUTHORIZATION_H_
#define LEDGER_RULES_AUTHORIZATION_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/types.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/units.h"
#include "ledger/state/state.h"

namespace jcm::rules {

// AUTHORIZATION_UNKNOWN.
absl::StatusOr<v1::AuthorizationRecord> RequireAuthorization(const state::StateReader& reader,
                                                             absl::string_view authorization_id);

// Whether units of `lot` may be first transferred under the authorization now. VINTAGE_BEFORE_2021,
// AUTHORIZATION_NOT_APPLICABLE (revoked, other project, vintage outside).
absl::Status CheckCovers(const v1::AuthorizationRecord& authorization, const v1::LotRecord& lot,
                         const v1::RulebookParameters& parameters);

// AUTHORIZATION_EXHAUSTED if `tonnes` more would go above the authorized quantity.
absl::Status CheckHeadroom(const v1::AuthorizationRecord& authorization, Tonnes tonnes);

// Whether the first international transfer of units is their first transfer under this authorization: the trigger says
// so, or an NDC is among the purposes, for which no other trigger exists.
bool InternationalTransferIsFirst(const v1::AuthorizationRecord& authorization);

// Enters the ranges in the index of first transfers and marks the blocks that this book holds, whatever became of them.
// ALREADY_FIRST_TRANSFERRED.
absl::Status EnterFirstTransfer(const v1::FirstTransferRecord& first_transfer, Transition& transition);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_AUTHORIZATION_H_
