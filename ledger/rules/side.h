// Which side a book is of, and which parameters hold in it now.
//
//   if (!IsHost(input.book)) return Error(Reason::WRONG_SIDE);
//   JCM_ASSIGN_OR_RETURN(v1::RulebookParameters parameters, ParametersInForce(transition, input));
#ifndef LEDGER_RULES_SIDE_H_
#define LEDGER_RULES_SIDE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/types.h"
#include "ledger/rules/handlers.h"
#include "ledger/state/state.h"

namespace jcm::rules {

// The registry of the side that uses the units of the mechanism; every other one is a host.
inline constexpr char kJapan[] = "JPN";

// True for a partner's book: the mitigation took place there, and that government authorizes.
bool IsHost(const BookId& book);

// The record that OpenPartnership wrote. OBJECT_UNKNOWN before it.
absl::StatusOr<v1::PartnershipRecord> RequirePartnership(const state::StateReader& reader);

// Parameters of the newest rulebook in force at the entry's time: of those whose effective date has begun in this
// side's zone, the one with the latest effective date, then the one adopted last. RULEBOOK_UNKNOWN if there is none.
absl::StatusOr<v1::RulebookParameters> ParametersInForce(const state::StateReader& reader, const RuleInput& input);

// Whether units of that vintage can be ITMOs. Article 6.2 knows none from before 2021, whatever a rulebook says.
bool IsItmoVintage(int32_t vintage, const v1::RulebookParameters& parameters);

// The day in this side's zone at `time`, by the zones of `parameters` (UTC before the first).
v1::Date DayOf(const v1::RulebookParameters& parameters, const BookId& book, BookTime time);

// The signatures that a transfer, retirement or cancellation needs (rulebook: operation_signatures).
// TWO_PERSONS_REQUIRED.
absl::Status CheckOperationSignatures(const RuleInput& input, const v1::RulebookParameters& parameters);

// The account in the entry's context, if the author acts for it and it may send: ACTIVE.
// ACCOUNT_UNKNOWN, ACCOUNT_NOT_AUTHORIZED, ACCOUNT_NOT_ACTIVE.
absl::StatusOr<const v1::AccountContext*> RequireSender(const RuleInput& input, absl::string_view handle);

// The account in the entry's context, if it may receive: ACTIVE or FROZEN. ACCOUNT_UNKNOWN, ACCOUNT_NOT_ACTIVE.
absl::StatusOr<const v1::AccountContext*> RequireReceiver(const RuleInput& input, absl::string_view handle);

// Government and entity holding accounts.
bool IsHoldingAccount(const v1::AccountContext& account);
// Accounts that units may leave: those, and what waits in a pending or suspense account.
bool IsSendingAccount(const v1::AccountContext& account);

// The text of an adopted decision, one of this book's own or of the other's as imported. DECISION_UNKNOWN.
absl::StatusOr<v1::IssuanceText> FindIssuanceText(const state::StateReader& reader, absl::string_view decision_id);

// A first transfer as the host recorded it: own record in the host's book, imported in Japan's. Each block that carries
// its id was marked from such a record, so INTERNAL if it is missing.
absl::StatusOr<v1::FirstTransferRecord> RequireFirstTransfer(const state::StateReader& reader, const BookId& book,
                                                             absl::string_view first_transfer_id);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_SIDE_H_
