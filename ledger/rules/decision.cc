// Decisions of the Joint Committee: opened, amended and withdrawn by the side that owns them; distributed, confirmed
// and disputed by the other one.
#include <algorithm>
#include <string>

#include "ledger/base/hash.h"
#include "ledger/base/proto_check.h"
#include "ledger/rules/conflict.h"
#include "ledger/rules/cycle/decided_steps.h"
#include "ledger/rules/decision_state.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"
#include "ledger/rules/voting.h"

namespace jcm::rules {
namespace {

constexpr int kAnnexesMax = 100;
constexpr uint32_t kTextVersionsMax = 100;

// The project as either side's book registers it, or as its dossier is about to be registered.
absl::StatusOr<bool> IsKnownProject(const std::string& project_id, const Transition& transition) {
  for (const uint32_t table : {uint32_t{v1::TABLE_PROJECT}, state::Shadow(v1::TABLE_PROJECT)}) {
    JCM_ASSIGN_OR_RETURN(auto project, transition.Get(table, project_id));
    if (project.has_value()) return true;
  }
  return false;
}

absl::Status CheckRulesText(const v1::RulesText& rules) {
  JCM_RETURN_IF_ERROR(CheckRulebookVersion(rules.version()));
  JCM_RETURN_IF_ERROR(CheckDate(rules.effective_date(), /*required=*/true));
  if (!v1::InFlight_IsValid(rules.in_flight()) || rules.in_flight() == v1::IN_FLIGHT_UNSPECIFIED) {
    return Error(Reason::FIELD_REQUIRED, "what becomes of dossiers in flight");
  }
  return CheckDigestField(rules.parameters_digest(), /*required=*/true);
}

absl::Status CheckDecisionText(const RuleInput& input, const std::string& bytes,
                               const v1::RulebookParameters& parameters, const Transition& transition) {
  v1::DecisionText text;
  JCM_RETURN_IF_ERROR(ParseStrict(bytes, &text));
  JCM_NOTE_REFUSAL(input, "decision/text/title", CheckText(text.title(), kTitleBytesMax, /*required=*/true));
  if (!v1::DecisionKind_IsValid(text.kind()) || text.kind() == v1::DECISION_KIND_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "no such kind of decision");
  }
  const bool is_document =
      text.kind() == v1::DECISION_KIND_DOCUMENT || text.kind() == v1::DECISION_KIND_INTERIM_MEASURE;
  JCM_NOTE_REFUSAL(input, "decision/text/document", CheckDigestField(text.document_digest(), /*required=*/is_document));
  const bool is_rules = text.kind() == v1::DECISION_KIND_RULES;
  if (text.has_rules() != is_rules) return Error(Reason::FIELD_INVALID, "a rulebook is adopted by a decision on rules");
  if (is_rules) JCM_NOTE_REFUSAL(input, "decision/text/rules", CheckRulesText(text.rules()));
  JCM_RETURN_IF_ERROR(CheckSubjects(input, text, transition));
  if (text.kind() != v1::DECISION_KIND_ISSUANCE) {
    if (text.has_issuance()) return Error(Reason::FIELD_INVALID, "a decision of this kind issues nothing");
    return absl::OkStatus();
  }
  if (!text.has_issuance()) return Error(Reason::FIELD_REQUIRED, "the issuance");
  JCM_ASSIGN_OR_RETURN(const bool known, IsKnownProject(text.issuance().project_id(), transition));
  JCM_NOTE_REFUSAL(
      input, "decision/text/project",
      known ? absl::OkStatus() : Error(Reason::PROJECT_UNKNOWN, "the project is not registered in this book"));
  JCM_RETURN_IF_ERROR(CheckIssuanceOfDossier(input, text.issuance(), transition));
  JCM_ASSIGN_OR_RETURN(v1::PartnershipRecord partnership, GetPartnership(transition));
  return CheckIssuanceText(text.issuance(), parameters, partnership.partnership(), partnership.own_registry(),
                           partnership.peer_registry(), input.refusals);
}

absl::Status CheckMeeting(const v1::OpenDecision& command) {
  if (command.mode() == v1::DECISION_MODE_MEETING) {
    JCM_RETURN_IF_ERROR(CheckDate(command.meeting_date(), /*required=*/true));
    JCM_RETURN_IF_ERROR(CheckText(command.meeting_name(), kTitleBytesMax, /*required=*/true));
    JCM_RETURN_IF_ERROR(CheckText(command.meeting_place(), kTitleBytesMax, /*required=*/false));
    JCM_RETURN_IF_ERROR(CheckDigestField(command.report_digest(), /*required=*/true));
    JCM_RETURN_IF_ERROR(CheckDigestField(command.minutes_digest(), /*required=*/false));
    if (command.annex_digests_size() > kAnnexesMax) return Error(Reason::FIELD_INVALID, "too many annexes");
    for (const std::string& digest : command.annex_digests()) {
      JCM_RETURN_IF_ERROR(CheckDigestField(digest, /*required=*/true));
    }
    if (!command.annex_titles().empty() && command.annex_titles_size() != command.annex_digests_size()) {
      return Error(Reason::FIELD_INVALID, "each annex has a title, or none has");
    }
    for (const std::string& title : command.annex_titles()) {
      JCM_RETURN_IF_ERROR(CheckText(title, kTitleBytesMax, /*required=*/true));
    }
    return absl::OkStatus();
  }
  if (command.mode() != v1::DECISION_MODE_ELECTRONIC) return Error(Reason::FIELD_INVALID, "no such mode of decision");
  const bool has_meeting = command.has_meeting_date() || !command.meeting_name().empty() ||
                           !command.meeting_place().empty() || !command.report_digest().empty() ||
                           !command.minutes_digest().empty() || !command.annex_digests().empty() ||
                           !command.annex_titles().empty();
  if (has_meeting) return Error(Reason::FIELD_INVALID, "an electronic decision has no meeting");
  return absl::OkStatus();
}

std::string DigestOf(const std::string& bytes) {
  const Digest digest = Sha256(bytes);
  return std::string(AsBytes(digest));
}

// A decision of this side that is still open.
absl::StatusOr<DecisionView> OwnOpenDecision(const std::string& decision_id, const Transition& transition) {
  JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(decision_id, transition));
  if (!view.own) return Error(Reason::WRONG_SIDE, "the decision was opened by the other side");
  if (view.record.state() != v1::DECISION_STATE_OPEN) return Error(Reason::DECISION_NOT_OPEN, "it has ended");
  return view;
}

// A decision of the other side, of the text that the command names.
absl::StatusOr<DecisionView> PeerDecision(const std::string& decision_id, const std::string& text_digest,
                                          const Transition& transition) {
  JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(decision_id, transition));
  if (view.own) return Error(Reason::WRONG_SIDE, "the side that opened a decision does not react to it");
  if (view.record.text_digest() != text_digest) return Error(Reason::DECISION_TEXT_MISMATCH, "another text");
  return view;
}

bool HasAnswered(const DecisionView& view) {
  return view.reaction.has_value() && view.reaction->text_digest() == view.record.text_digest() &&
         view.reaction->state() != v1::REACTION_STATE_DISTRIBUTED;
}

// The reaction to be changed, or a new one if the text was never distributed (a meeting).
v1::ReactionRecord ReactionToChange(const RuleInput& input, const DecisionView& view) {
  v1::ReactionRecord reaction;
  if (view.reaction.has_value() && view.reaction->text_digest() == view.record.text_digest()) reaction = *view.reaction;
  reaction.set_decision_id(view.record.decision_id());
  reaction.set_text_digest(view.record.text_digest());
  reaction.set_provenance(input.provenance);
  *reaction.mutable_legal_date() = input.legal_date;
  return reaction;
}

v1::DecisionState StateOf(v1::DecisionOutcome outcome) {
  return outcome == v1::DECISION_OUTCOME_ADOPTED ? v1::DECISION_STATE_ADOPTED : v1::DECISION_STATE_NOT_ADOPTED;
}

// What this side's own votes and the other side's imported ones give, up to where the owner says that its outcome
// rests.
absl::Status CheckOutcomeAgain(const DecisionView& view, const Transition& transition) {
  const BookTime through = BookTime::FromMicros(view.record.outcome_through_us());
  JCM_ASSIGN_OR_RETURN(BookTime own, OwnThrough(view.record.decision_id(), transition));
  JCM_ASSIGN_OR_RETURN(BookTime peer, PeerThrough(view.record.decision_id(), transition));
  if (std::min(own, peer) < through) return Error(Reason::OUTCOME_DIFFERS, "it rests on votes that were never closed");
  JCM_ASSIGN_OR_RETURN(OutcomeInput input, LoadOutcomeInput(view, through, transition));
  const Outcome outcome = ComputeOutcome(input);
  const bool adopted = outcome.state == v1::DECISION_STATE_ADOPTED;
  if (outcome.state != view.record.state() || (adopted && outcome.at.micros != view.record.adopted_at_us())) {
    return Error(Reason::OUTCOME_DIFFERS, "this side's votes and the imported ones give another outcome");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyOpenDecision(const RuleInput& input, const v1::OpenDecision& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckId(command.decision_id()));
  const auto present = FindDecision(command.decision_id(), transition);
  if (present.ok()) return Error(Reason::ALREADY_EXISTS, "there is a decision of this id");
  if (!HasReason(present.status(), Reason::DECISION_UNKNOWN)) return present.status();
  JCM_NOTE_REFUSAL(input, "decision/meeting", CheckMeeting(command));
  JCM_ASSIGN_OR_RETURN(v1::RulebookRecord rulebook,
                       RulebookInForce(command.rulebook_version(), input.time, transition));
  JCM_RETURN_IF_ERROR(CheckDecisionText(input, command.text(), rulebook.parameters(), transition));

  v1::DecisionRecord record;
  record.set_decision_id(command.decision_id());
  record.set_mode(command.mode());
  record.set_rulebook_version(command.rulebook_version());
  *record.mutable_parameters() = rulebook.parameters();
  record.set_text(command.text());
  record.set_text_digest(DigestOf(command.text()));
  record.set_text_version(1);
  record.set_opened_at_us(input.time.micros);
  *record.mutable_legal_date() = input.legal_date;
  if (command.has_meeting_date()) *record.mutable_meeting_date() = command.meeting_date();
  record.set_meeting_name(command.meeting_name());
  record.set_report_digest(command.report_digest());
  *record.mutable_annex_digests() = command.annex_digests();
  record.set_meeting_place(command.meeting_place());
  record.set_minutes_digest(command.minutes_digest());
  *record.mutable_annex_titles() = command.annex_titles();
  record.set_state(v1::DECISION_STATE_OPEN);
  record.set_provenance(input.provenance);
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_DECISION, record.decision_id(), record));
  JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(record.decision_id(), transition));
  JCM_RETURN_IF_ERROR(AddDecisionDeadlines(view, transition));
  return RecuseOwnMembers(input, view, transition);
}

absl::Status ApplyAmendDecision(const RuleInput& input, const v1::AmendDecision& command, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(DecisionView view, OwnOpenDecision(command.decision_id(), transition));
  JCM_RETURN_IF_ERROR(CheckDecisionText(input, command.text(), view.record.parameters(), transition));
  const std::string digest = DigestOf(command.text());
  const auto& past = view.record.past_text_digests();
  // Votes are told apart by the digest of their text, so a text does not come back.
  if (digest == view.record.text_digest() || std::find(past.begin(), past.end(), digest) != past.end()) {
    return Error(Reason::ALREADY_EXISTS, "this text has been put to the vote before");
  }
  if (view.record.text_version() >= kTextVersionsMax) return Error(Reason::FIELD_INVALID, "too many amendments");
  JCM_RETURN_IF_ERROR(RemoveDecisionDeadlines(view, transition));
  view.record.add_past_text_digests(view.record.text_digest());
  view.record.set_text(command.text());
  view.record.set_text_digest(digest);
  view.record.set_text_version(view.record.text_version() + 1);
  view.record.set_opened_at_us(input.time.micros);
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_DECISION, command.decision_id(), view.record));
  JCM_RETURN_IF_ERROR(AddDecisionDeadlines(view, transition));
  return RecuseOwnMembers(input, view, transition);
}

absl::Status ApplyWithdrawDecision(const RuleInput& input, const v1::WithdrawDecision& command,
                                   Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckText(command.reason(), kReasonBytesMax, /*required=*/true));
  JCM_ASSIGN_OR_RETURN(DecisionView view, OwnOpenDecision(command.decision_id(), transition));
  JCM_RETURN_IF_ERROR(RemoveDecisionDeadlines(view, transition));
  view.record.set_state(v1::DECISION_STATE_WITHDRAWN);
  view.record.set_reason(command.reason());
  view.record.set_outcome_recorded_at_us(input.time.micros);
  return transition.Put(v1::TABLE_DECISION, command.decision_id(), view.record);
}

absl::Status ApplyDistributeDecision(const RuleInput& input, const v1::DistributeDecision& command,
                                     Transition& transition) {
  JCM_ASSIGN_OR_RETURN(DecisionView view, PeerDecision(command.decision_id(), command.text_digest(), transition));
  if (view.record.state() != v1::DECISION_STATE_OPEN) return Error(Reason::DECISION_NOT_OPEN, "it has ended");
  if (DistributedAt(view).has_value()) return Error(Reason::ALREADY_EXISTS, "the text has been distributed");
  v1::ReactionRecord reaction = ReactionToChange(input, view);
  reaction.set_state(v1::REACTION_STATE_DISTRIBUTED);
  reaction.set_distributed_at_us(input.time.micros);
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_REACTION, command.decision_id(), reaction));
  view.reaction = reaction;
  JCM_RETURN_IF_ERROR(AddDecisionDeadlines(view, transition));
  return RecuseOwnMembers(input, view, transition);
}

absl::Status ApplyConfirmOutcome(const RuleInput& input, const v1::ConfirmOutcome& command, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(DecisionView view, PeerDecision(command.decision_id(), command.text_digest(), transition));
  if (HasAnswered(view)) return Error(Reason::ALREADY_EXISTS, "the outcome has been answered");
  if (view.record.state() == v1::DECISION_STATE_WITHDRAWN) return Error(Reason::DECISION_NOT_OPEN, "withdrawn");
  if (command.outcome() != v1::DECISION_OUTCOME_ADOPTED && command.outcome() != v1::DECISION_OUTCOME_NOT_ADOPTED) {
    return Error(Reason::FIELD_INVALID, "the outcome is not stated");
  }
  if (view.record.state() != StateOf(command.outcome())) {
    return Error(Reason::OUTCOME_DIFFERS, "the owner's book does not say so");
  }
  JCM_RETURN_IF_ERROR(CheckOutcomeAgain(view, transition));
  v1::ReactionRecord reaction = ReactionToChange(input, view);
  reaction.set_state(v1::REACTION_STATE_CONFIRMED);
  reaction.set_outcome(command.outcome());
  reaction.set_answered_at_us(input.time.micros);
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_REACTION, command.decision_id(), reaction));
  if (command.outcome() != v1::DECISION_OUTCOME_ADOPTED || view.collides) return absl::OkStatus();
  return TakeDecidedSteps(input, view.record, transition);
}

absl::Status ApplyDisputeOutcome(const RuleInput& input, const v1::DisputeOutcome& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckText(command.reason(), kReasonBytesMax, /*required=*/true));
  JCM_ASSIGN_OR_RETURN(DecisionView view, PeerDecision(command.decision_id(), command.text_digest(), transition));
  if (HasAnswered(view)) return Error(Reason::ALREADY_EXISTS, "the outcome has been answered");
  const bool has_outcome =
      view.record.state() == v1::DECISION_STATE_ADOPTED || view.record.state() == v1::DECISION_STATE_NOT_ADOPTED;
  if (!has_outcome) return Error(Reason::OUTCOME_DIFFERS, "the owner's book states no outcome");
  v1::ReactionRecord reaction = ReactionToChange(input, view);
  reaction.set_state(v1::REACTION_STATE_DISPUTED);
  reaction.set_reason(command.reason());
  reaction.set_answered_at_us(input.time.micros);
  return transition.Put(v1::TABLE_REACTION, command.decision_id(), reaction);
}

}  // namespace jcm::rules
