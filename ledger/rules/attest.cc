// Mode ATTESTED: a document stands for the partner's entry of that stage and counts at its legal date.
//
// The record that the partner's own book would hold is written into the shadow table, with provenance ATTESTED, and
// runs the same hooks as an imported one.
#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/rules/decision_state.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"
#include "ledger/rules/side.h"
#include "ledger/rules/units.h"
#include "ledger/rules/voting.h"

namespace jcm::rules {
namespace {

// Writes one record as if it had been imported.
absl::Status WriteShadow(const RuleInput& input, v1::Table table, const std::string& key,
                         const google::protobuf::MessageLite& record, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get(state::Shadow(table), key));
  v1::Effect effect;
  effect.set_table(table);
  effect.set_key(key);
  effect.set_old_value(present.value_or(""));
  effect.set_new_value(state::Serialise(record));
  JCM_RETURN_IF_ERROR(transition.Put(state::Shadow(table), key, effect.new_value()));
  const bool of_decision = table == v1::TABLE_REACTION || table == v1::TABLE_VOTE;
  return of_decision ? OnImportedDecisionRecord(input, effect, transition)
                     : OnImportedUnitRecord(input, effect, transition);
}

// "What was attested is never taken again."
absl::Status RecordAttestation(const RuleInput& input, const v1::Attest& command, const std::string& object_id,
                               Transition& transition) {
  const std::string key = absl::StrCat(command.stage(), "/", object_id);
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get(v1::TABLE_ATTESTATION, key));
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, "this has been attested before");
  v1::AttestationRecord record;
  record.set_stage(command.stage());
  record.set_object_id(object_id);
  record.set_document_digest(command.document_digest());
  *record.mutable_legal_date() = input.legal_date;
  record.set_at_us(input.time.micros);
  return transition.Put(v1::TABLE_ATTESTATION, key, record);
}

// When the legal date begins in the partner's capital, which is the earliest that the act can have happened.
absl::StatusOr<BookTime> LegalInstant(const RuleInput& input, const v1::RulebookParameters& parameters) {
  const Date day = ToDate(input.legal_date);
  JCM_ASSIGN_OR_RETURN(BookTime instant, StartOfDay(day, OffsetsOn(parameters, day).partner_minutes()));
  if (instant > input.time) return Error(Reason::FIELD_INVALID, "the legal date has not come yet");
  return instant;
}

absl::StatusOr<DecisionView> OwnDecision(const std::string& decision_id, const std::string& text_digest,
                                         const Transition& transition) {
  JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(decision_id, transition));
  if (!view.own) return Error(Reason::WRONG_SIDE, "a partner without a book opens no decision");
  if (view.record.text_digest() != text_digest) return Error(Reason::DECISION_TEXT_MISMATCH, "another text");
  return view;
}

absl::Status AttestDistributed(const RuleInput& input, const v1::Attest& command, Transition& transition) {
  const v1::DistributeDecision& act = command.distributed();
  JCM_ASSIGN_OR_RETURN(DecisionView view, OwnDecision(act.decision_id(), act.text_digest(), transition));
  if (view.record.state() != v1::DECISION_STATE_OPEN) return Error(Reason::DECISION_NOT_OPEN, "it has ended");
  JCM_ASSIGN_OR_RETURN(BookTime instant, LegalInstant(input, view.record.parameters()));
  JCM_RETURN_IF_ERROR(
      RecordAttestation(input, command, absl::StrCat(act.decision_id(), "/", view.record.text_version()), transition));
  v1::ReactionRecord record;
  record.set_decision_id(act.decision_id());
  record.set_text_digest(act.text_digest());
  record.set_distributed_at_us(instant.micros);
  record.set_state(v1::REACTION_STATE_DISTRIBUTED);
  record.set_provenance(v1::PROVENANCE_ATTESTED);
  *record.mutable_legal_date() = input.legal_date;
  JCM_RETURN_IF_ERROR(WriteShadow(input, v1::TABLE_REACTION, act.decision_id(), record, transition));
  // The window may have ended before its document came.
  return AddVotesCloseDeadline(input.time, act.decision_id(), transition);
}

absl::Status AttestVote(const RuleInput& input, const v1::Attest& command, Transition& transition) {
  const v1::CastVote& act = command.vote();
  JCM_ASSIGN_OR_RETURN(DecisionView view, OwnDecision(act.decision_id(), act.text_digest(), transition));
  if (view.record.state() != v1::DECISION_STATE_OPEN) return Error(Reason::DECISION_NOT_OPEN, "it has ended");
  JCM_RETURN_IF_ERROR(CheckId(act.member_id()));
  if (!v1::Vote_IsValid(act.vote()) || act.vote() == v1::VOTE_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "there is no such vote");
  }
  const bool meeting = view.record.mode() == v1::DECISION_MODE_MEETING;
  if (meeting && !command.vote_by_co_chair()) {
    return Error(Reason::VOTE_NOT_ALLOWED, "in a meeting the co-chair confirms for the side");
  }
  if (!meeting && !DistributedAt(view).has_value()) {
    return Error(Reason::VOTE_NOT_ALLOWED, "the distribution has not been attested");
  }
  JCM_ASSIGN_OR_RETURN(BookTime instant, LegalInstant(input, view.record.parameters()));
  JCM_RETURN_IF_ERROR(RecordAttestation(
      input, command, absl::StrCat(act.decision_id(), "/", act.member_id(), "/", input.sequence), transition));
  v1::VoteRecord record;
  record.set_decision_id(act.decision_id());
  record.set_text_digest(act.text_digest());
  record.set_member_id(act.member_id());
  record.set_co_chair(command.vote_by_co_chair());
  record.set_vote(act.vote());
  record.set_form(v1::VOTE_FORM_RECORDED_BY_SECRETARIAT);
  record.set_document_digest(command.document_digest());
  record.set_at_us(instant.micros);
  record.set_sequence(input.sequence);
  record.set_provenance(v1::PROVENANCE_ATTESTED);
  *record.mutable_legal_date() = input.legal_date;
  JCM_RETURN_IF_ERROR(AddVotesCloseDeadline(input.time, act.decision_id(), transition));
  const std::string key = absl::StrCat(act.decision_id(), "/", state::SortableNumber(input.sequence));
  return WriteShadow(input, v1::TABLE_VOTE, key, record, transition);
}

absl::Status AttestConfirmed(const RuleInput& input, const v1::Attest& command, Transition& transition) {
  const v1::ConfirmOutcome& act = command.confirmed();
  JCM_ASSIGN_OR_RETURN(DecisionView view, OwnDecision(act.decision_id(), act.text_digest(), transition));
  const bool adopted = act.outcome() == v1::DECISION_OUTCOME_ADOPTED;
  if (!adopted && act.outcome() != v1::DECISION_OUTCOME_NOT_ADOPTED) {
    return Error(Reason::FIELD_INVALID, "the outcome is not stated");
  }
  if (view.record.state() != (adopted ? v1::DECISION_STATE_ADOPTED : v1::DECISION_STATE_NOT_ADOPTED)) {
    return Error(Reason::OUTCOME_DIFFERS, "this book does not say so");
  }
  JCM_RETURN_IF_ERROR(RecordAttestation(input, command, act.decision_id(), transition));
  v1::ReactionRecord record;
  if (view.reaction.has_value() && view.reaction->text_digest() == act.text_digest()) record = *view.reaction;
  record.set_decision_id(act.decision_id());
  record.set_text_digest(act.text_digest());
  record.set_state(v1::REACTION_STATE_CONFIRMED);
  record.set_outcome(act.outcome());
  record.set_answered_at_us(input.time.micros);
  record.set_provenance(v1::PROVENANCE_ATTESTED);
  *record.mutable_legal_date() = input.legal_date;
  return WriteShadow(input, v1::TABLE_REACTION, act.decision_id(), record, transition);
}

absl::Status WriteAttestedLot(const RuleInput& input, const v1::DecisionRecord& decision, const v1::IssuanceText& text,
                              const v1::LotText& lot, Transition& transition) {
  v1::LotRecord record;
  record.set_lot_id(lot.lot_id());
  record.set_decision_id(decision.decision_id());
  record.set_project_id(text.project_id());
  record.set_vintage(lot.vintage());
  record.set_tonnes(lot.tonnes());
  *record.mutable_monitoring_start() = text.monitoring_start();
  *record.mutable_monitoring_end() = text.monitoring_end();
  return WriteShadow(input, v1::TABLE_LOT, record.lot_id(), record, transition);
}

absl::Status AttestIssued(const RuleInput& input, const v1::Attest& command, Transition& transition) {
  const v1::IssueCredits& act = command.issued();
  JCM_ASSIGN_OR_RETURN(v1::DecisionRecord decision,
                       RequireConfirmedDecision(input.book, transition, act.decision_id(), act.text_digest()));
  JCM_ASSIGN_OR_RETURN(v1::IssuanceText text, FindIssuanceText(transition, act.decision_id()));
  JCM_ASSIGN_OR_RETURN(v1::PartnershipRecord partnership, GetPartnership(transition));
  Tonnes tonnes = 0;
  for (const v1::AllocationRow& row : text.rows()) {
    if (row.issuing_registry() == partnership.peer_registry()) tonnes += row.range().last() - row.range().first() + 1;
  }
  if (tonnes == 0) return Error(Reason::TARGETS_DIFFER, "the partner issues nothing of this decision");
  JCM_RETURN_IF_ERROR(RecordAttestation(input, command, act.decision_id(), transition));
  for (const v1::LotText& lot : text.lots()) {
    JCM_RETURN_IF_ERROR(WriteAttestedLot(input, decision, text, lot, transition));
  }
  v1::IssuanceRecord record;
  record.set_decision_id(act.decision_id());
  record.set_registry(partnership.peer_registry());
  record.set_tonnes(tonnes);
  record.set_issued_at_us(input.time.micros);
  *record.mutable_legal_date() = input.legal_date;
  *record.mutable_targets() = act.targets();
  record.set_provenance(v1::PROVENANCE_ATTESTED);
  return WriteShadow(input, v1::TABLE_ISSUANCE, act.decision_id(), record, transition);
}

absl::Status CheckAttestedAuthorization(const v1::AuthorizeItmo& act) {
  JCM_RETURN_IF_ERROR(CheckId(act.authorization_id()));
  JCM_RETURN_IF_ERROR(CheckId(act.project_id()));
  if (act.purposes().empty()) return Error(Reason::FIELD_REQUIRED, "purposes");
  int previous = v1::AUTHORIZED_PURPOSE_UNSPECIFIED;
  for (int purpose : act.purposes()) {
    if (!v1::AuthorizedPurpose_IsValid(purpose) || purpose <= previous) {
      return Error(Reason::FIELD_INVALID, "purposes are not ascending");
    }
    previous = purpose;
  }
  if (act.quantity() == 0) return Error(Reason::QUANTITY_NOT_POSITIVE, "quantity");
  if (act.quantity() > kSerialMax) return Error(Reason::QUANTITY_OVERFLOW, "quantity");
  if (act.vintage_first() < 2021) return Error(Reason::VINTAGE_BEFORE_2021, "vintage_first");
  if (act.vintage_last() < act.vintage_first()) return Error(Reason::FIELD_INVALID, "the vintages are not a period");
  if (!v1::FirstTransferTrigger_IsValid(act.first_transfer_trigger()) ||
      act.first_transfer_trigger() == v1::FIRST_TRANSFER_TRIGGER_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "first_transfer_trigger is not known");
  }
  return absl::OkStatus();
}

absl::Status AttestAuthorized(const RuleInput& input, const v1::Attest& command, Transition& transition) {
  const v1::AuthorizeItmo& act = command.authorized();
  JCM_RETURN_IF_ERROR(CheckAttestedAuthorization(act));
  JCM_RETURN_IF_ERROR(RecordAttestation(input, command, act.authorization_id(), transition));
  v1::AuthorizationRecord record;
  record.set_authorization_id(act.authorization_id());
  record.set_project_id(act.project_id());
  *record.mutable_purposes() = act.purposes();
  record.set_authorized_party(act.authorized_party());
  record.set_quantity(act.quantity());
  record.set_vintage_first(act.vintage_first());
  record.set_vintage_last(act.vintage_last());
  record.set_first_transfer_trigger(act.first_transfer_trigger());
  record.set_document_digest(command.document_digest());
  *record.mutable_legal_date() = input.legal_date;
  record.set_provenance(v1::PROVENANCE_ATTESTED);
  record.set_sector(act.sector());
  return WriteShadow(input, v1::TABLE_AUTHORIZATION, act.authorization_id(), record, transition);
}

absl::Status AttestFirstTransferred(const RuleInput& input, const v1::Attest& command, Transition& transition) {
  const v1::RecordFirstTransfer& act = command.first_transferred();
  JCM_RETURN_IF_ERROR(CheckId(act.first_transfer_id()));
  JCM_RETURN_IF_ERROR(CheckDate(act.action_date(), /*required=*/true));
  JCM_ASSIGN_OR_RETURN(const Tonnes tonnes, CheckRanges(act.ranges()));
  JCM_ASSIGN_OR_RETURN(auto authorization, transition.Get<v1::AuthorizationRecord>(
                                               state::Shadow(v1::TABLE_AUTHORIZATION), act.authorization_id()));
  if (!authorization.has_value()) return Error(Reason::AUTHORIZATION_UNKNOWN, "no such authorization is attested");
  for (const v1::UnitRange& range : act.ranges()) {
    JCM_ASSIGN_OR_RETURN(auto lot, transition.Get<v1::LotRecord>(v1::TABLE_LOT, range.lot_id()));
    if (!lot.has_value()) {
      JCM_ASSIGN_OR_RETURN(lot, transition.Get<v1::LotRecord>(state::Shadow(v1::TABLE_LOT), range.lot_id()));
    }
    if (!lot.has_value() || range.last() > lot->tonnes()) return Error(Reason::RANGE_OUTSIDE_LOT, range.lot_id());
    if (lot->project_id() != authorization->project_id() || lot->vintage() < authorization->vintage_first() ||
        lot->vintage() > authorization->vintage_last()) {
      return Error(Reason::AUTHORIZATION_NOT_APPLICABLE, range.lot_id());
    }
  }
  if (tonnes > authorization->quantity() - authorization->first_transferred()) {
    return Error(Reason::AUTHORIZATION_EXHAUSTED, "above the authorized quantity");
  }
  JCM_RETURN_IF_ERROR(RecordAttestation(input, command, act.first_transfer_id(), transition));
  authorization->set_first_transferred(authorization->first_transferred() + tonnes);
  JCM_RETURN_IF_ERROR(WriteShadow(input, v1::TABLE_AUTHORIZATION, act.authorization_id(), *authorization, transition));
  v1::FirstTransferRecord record;
  record.set_first_transfer_id(act.first_transfer_id());
  record.set_authorization_id(act.authorization_id());
  *record.mutable_ranges() = act.ranges();
  record.set_tonnes(tonnes);
  *record.mutable_action_date() = act.action_date();
  record.set_recorded_at_us(input.time.micros);
  *record.mutable_purposes() = authorization->purposes();
  record.set_provenance(v1::PROVENANCE_ATTESTED);
  const absl::Status written =
      WriteShadow(input, v1::TABLE_FIRST_TRANSFER, act.first_transfer_id(), record, transition);
  // What is impossible for a partner's signed entry is a plain refusal for one's own attestation.
  if (HasReason(written, Reason::IMPOSSIBLE_ACT)) return Error(Reason::ALREADY_FIRST_TRANSFERRED, written.message());
  return written;
}

}  // namespace

absl::Status ApplyAttest(const RuleInput& input, const v1::Attest& command, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(v1::PartnershipRecord partnership, GetPartnership(transition));
  if (partnership.mode() != v1::PARTNERSHIP_MODE_ATTESTED) {
    return Error(Reason::MODE_NOT_ALLOWED, "the partner keeps a book of its own");
  }
  if (input.DistinctPersons() < 2) return Error(Reason::TWO_PERSONS_REQUIRED, "one person signed");
  JCM_RETURN_IF_ERROR(CheckDigestField(command.document_digest(), /*required=*/true));
  switch (command.stage()) {
    case v1::ATTESTED_STAGE_DISTRIBUTED:
      return AttestDistributed(input, command, transition);
    case v1::ATTESTED_STAGE_VOTE:
      return AttestVote(input, command, transition);
    case v1::ATTESTED_STAGE_OUTCOME_CONFIRMED:
      return AttestConfirmed(input, command, transition);
    case v1::ATTESTED_STAGE_ISSUED:
      return AttestIssued(input, command, transition);
    case v1::ATTESTED_STAGE_AUTHORIZED:
      return AttestAuthorized(input, command, transition);
    case v1::ATTESTED_STAGE_FIRST_TRANSFERRED:
      return AttestFirstTransferred(input, command, transition);
    default:
      return Error(Reason::FIELD_INVALID, "there is no such stage");
  }
}

}  // namespace jcm::rules
