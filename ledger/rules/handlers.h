// One function per act. The engine has checked shapes, signatures, key validity and the policy table before a handler
// runs; a handler reads state through the transition, refuses with a reason, or writes records.
//
// OnImported* run after the shadow record was written, in the order of the other book's effects. They accept all valid
// evidence: an objection becomes a state of one's own object. IMPOSSIBLE_ACT is for a signed act that the rules
// exclude.
#ifndef LEDGER_RULES_HANDLERS_H_
#define LEDGER_RULES_HANDLERS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/command.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/leaf.h"
#include "ledger/rules/refusals.h"
#include "ledger/state/state.h"

namespace jcm::rules {

namespace v1 = ::jcm::ledger::v1;

// What every handler may know about the entry.
struct RuleInput {
  BookId book;  // registry = own side
  uint64_t sequence = 0;
  BookTime time;
  v1::Date legal_date;  // as claimed; the UTC day of recording if the command states none
  v1::Provenance provenance = v1::PROVENANCE_NATIVE;
  const v1::Context* context = nullptr;  // never null; signers[0] is the author
  Refusals* refusals = nullptr;          // of a dry run that collects them all; null otherwise

  // The account of that handle in the context; null if the command did not name it.
  const v1::AccountContext* Account(absl::string_view handle) const;
  // Whether the author is among the account's representatives, or an operator or the designated organization acting on
  // a government account. ACCOUNT_NOT_AUTHORIZED otherwise.
  absl::Status CheckActsFor(const v1::AccountContext& account) const;
  // The number of different persons among the signers.
  size_t DistinctPersons() const;
};

using state::Transition;

// ---- home
// ------------------------------------------------------------------------------------------------------------
absl::Status ApplyEnrolPerson(const RuleInput&, const v1::EnrolPerson&, Transition&);
absl::Status ApplyEnrolKey(const RuleInput&, const v1::EnrolKey&, Transition&);
absl::Status ApplyRevokeKey(const RuleInput&, const v1::RevokeKey&, Transition&);
absl::Status ApplyOpenAccount(const RuleInput&, const v1::OpenAccount&, Transition&);
absl::Status ApplySetAccountState(const RuleInput&, const v1::SetAccountState&, Transition&);
absl::Status ApplyAssignHandle(const RuleInput&, const v1::AssignHandle&, Transition&);

// ---- partnership
// ---------------------------------------------------------------------------------------------------------
absl::Status ApplyOpenPartnership(const RuleInput&, const v1::OpenPartnership&, Transition&);
absl::Status ApplySetPartnershipMode(const RuleInput&, const v1::SetPartnershipMode&, Transition&);
absl::Status ApplyRecordPartnershipEvent(const RuleInput&, const v1::RecordPartnershipEvent&, Transition&);
absl::Status ApplyAdoptRulebook(const RuleInput&, const v1::AdoptRulebook&, Transition&);
absl::Status ApplyAppointMember(const RuleInput&, const v1::AppointMember&, Transition&);
absl::Status ApplyEndMember(const RuleInput&, const v1::EndMember&, Transition&);
absl::Status ApplyRegisterProject(const RuleInput&, const v1::RegisterProject&, Transition&);
absl::Status ApplyRulesNotice(const RuleInput&, const v1::RulesNotice&, Transition&);
absl::Status ApplySupportsRules(const RuleInput&, const v1::SupportsRules&, Transition&);

// ---- Joint Committee
// -------------------------------------------------------------------------------------------------------
absl::Status ApplyOpenDecision(const RuleInput&, const v1::OpenDecision&, Transition&);
absl::Status ApplyAmendDecision(const RuleInput&, const v1::AmendDecision&, Transition&);
absl::Status ApplyWithdrawDecision(const RuleInput&, const v1::WithdrawDecision&, Transition&);
absl::Status ApplyDistributeDecision(const RuleInput&, const v1::DistributeDecision&, Transition&);
absl::Status ApplyCastVote(const RuleInput&, const v1::CastVote&, Transition&);
absl::Status ApplyConfirmOutcome(const RuleInput&, const v1::ConfirmOutcome&, Transition&);
absl::Status ApplyDisputeOutcome(const RuleInput&, const v1::DisputeOutcome&, Transition&);
absl::Status ApplyDeclareConflict(const RuleInput&, const v1::DeclareConflict&, Transition&);
// DECISION, REACTION, VOTE and VOTES_CLOSED of the other book.
absl::Status OnImportedDecisionRecord(const RuleInput&, const v1::Effect& imported, Transition&);
absl::Status OnVotesCloseDeadline(const RuleInput&, const v1::DeadlineRecord&, Transition&);
absl::Status OnLongStopDeadline(const RuleInput&, const v1::DeadlineRecord&, Transition&);
// A member's term of office ends by itself; an alternate follows as if the member had left.
absl::Status OnTermEndDeadline(const RuleInput&, const v1::DeadlineRecord&, Transition&);

// What a decision allows in this book. DECISION_NOT_CONFIRMED unless the outcome ADOPTED and its confirmation by the
// other side (or by this side, if the other one owns the decision) are both in this book; DECISION_TEXT_MISMATCH.
absl::StatusOr<v1::DecisionRecord> RequireConfirmedDecision(const BookId& book, const state::StateReader&,
                                                            absl::string_view decision_id,
                                                            absl::string_view text_digest);
// The digest of the text on which the decision now is, on either side. DECISION_UNKNOWN.
absl::StatusOr<std::string> TextDigestOf(absl::string_view decision_id, const state::StateReader&);

// ---- the project cycle (ledger/rules/cycle)
// ----------------------------------------------------------------------------------
absl::Status ApplyOpenDossier(const RuleInput&, const v1::OpenDossier&, Transition&);
absl::Status ApplyTakeStep(const RuleInput&, const v1::TakeStep&, Transition&);
absl::Status ApplyReactToDossier(const RuleInput&, const v1::ReactToDossier&, Transition&);
absl::Status ApplyMigrateDossier(const RuleInput&, const v1::MigrateDossier&, Transition&);
absl::Status OnDossierDeadline(const RuleInput&, const v1::DeadlineRecord&, Transition&);
// DOSSIER_REACTION of the other book.
absl::Status OnImportedDossierReaction(const RuleInput&, const v1::Effect& imported, Transition&);

// ---- units
// ----------------------------------------------------------------------------------------------------------------
// Checks an issuance text when a decision is opened: lots and rows cover each other exactly, vintages inside the
// period, no straddling of 2020/2021, amount at most the verified one. ALLOCATION_INVALID, PERIOD_STRADDLES_2021 …
absl::Status CheckIssuanceText(const v1::IssuanceText&, const v1::RulebookParameters&, absl::string_view partnership,
                               absl::string_view own_registry, absl::string_view peer_registry,
                               Refusals* refusals = nullptr);
// What a migrated act must be before its own rule judges it: none is recorded once the book's opening statement has been
// signed, and only one says where it comes from. MIGRATION_CLOSED, FIELD_INVALID.
absl::Status CheckMigrated(const v1::Command&, const state::StateReader&);
absl::Status ApplyMigrateUnits(const RuleInput&, const v1::MigrateUnits&, Transition&);
absl::Status ApplySignOpeningStatement(const RuleInput&, const v1::SignOpeningStatement&, Transition&);
absl::Status ApplyIssueCredits(const RuleInput&, const v1::IssueCredits&, Transition&);
absl::Status ApplyTransferCredits(const RuleInput&, const v1::TransferCredits&, Transition&);
absl::Status ApplyRetireCredits(const RuleInput&, const v1::RetireCredits&, Transition&);
absl::Status ApplyCancelCredits(const RuleInput&, const v1::CancelCredits&, Transition&);
absl::Status ApplyRestrictUnits(const RuleInput&, const v1::RestrictUnits&, Transition&);

// ---- Article 6 and the border
// ----------------------------------------------------------------------------------------------
absl::Status ApplyAuthorizeItmo(const RuleInput&, const v1::AuthorizeItmo&, Transition&);
absl::Status ApplyRevokeAuthorization(const RuleInput&, const v1::RevokeAuthorization&, Transition&);
absl::Status ApplyRecordFirstTransfer(const RuleInput&, const v1::RecordFirstTransfer&, Transition&);
absl::Status ApplyInitTransfer(const RuleInput&, const v1::InitTransfer&, Transition&);
absl::Status ApplyAcceptTransfer(const RuleInput&, const v1::AcceptTransfer&, Transition&);
absl::Status ApplyRefuseTransfer(const RuleInput&, const v1::RefuseTransfer&, Transition&);
absl::Status ApplyWithdrawTransfer(const RuleInput&, const v1::WithdrawTransfer&, Transition&);
// LOT, ISSUANCE, AUTHORIZATION, FIRST_TRANSFER, TRANSFER_OUT and TRANSFER_IN of the other book.
absl::Status OnImportedUnitRecord(const RuleInput&, const v1::Effect& imported, Transition&);
absl::Status OnTransferExpiryDeadline(const RuleInput&, const v1::DeadlineRecord&, Transition&);
// Handles of accounts whose home state an import of these effects needs to know (credits of posted transfers).
absl::StatusOr<std::vector<std::string>> AccountsNeededByImport(const state::StateReader&,
                                                                const std::vector<v1::Effects>& imported);

// ---- mode ATTESTED
// ------------------------------------------------------------------------------------------------------------
absl::Status ApplyAttest(const RuleInput&, const v1::Attest&, Transition&);

// ---- shared
// ------------------------------------------------------------------------------------------------------------------
// Records that something is due; the sequencer orders a Tick when the time has come.
absl::Status AddDeadline(BookTime due, v1::DeadlineKind kind, absl::string_view object_id, Transition&);
absl::Status RemoveDeadline(BookTime due, v1::DeadlineKind kind, absl::string_view object_id, Transition&);
// Ids chosen by clients: 1..64 of A-Z a-z 0-9 . _ - ; FIELD_INVALID otherwise.
absl::Status CheckId(absl::string_view id);
absl::Status CheckDigestField(absl::string_view digest, bool required);
absl::Status CheckDate(const v1::Date& date, bool required);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_HANDLERS_H_
