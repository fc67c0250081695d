#include "ledger/rules/voting.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/proto_check.h"
#include "ledger/rules/conflict.h"
#include "ledger/rules/cycle/decided_steps.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"

namespace jcm::rules {
namespace {

bool IsOpen(const DecisionView& view) { return view.record.state() == v1::DECISION_STATE_OPEN; }

absl::StatusOr<v1::MemberRecord> MemberInOffice(const v1::CastVote& vote, const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(std::vector<v1::MemberRecord> serving, LoadMembers(/*shadow=*/false, state));
  for (const v1::MemberRecord& one : serving) {
    if (one.member_id() == vote.member_id() && one.until_us() == 0) return one;
  }
  JCM_ASSIGN_OR_RETURN(auto member, state.Get<v1::MemberRecord>(v1::TABLE_MEMBER, vote.member_id()));
  if (member.has_value() && member->until_us() == 0) {
    return Error(Reason::VOTE_NOT_ALLOWED, absl::StrCat("an alternate votes once ", member->alternate_of(),
                                                        " has left office and nobody else followed"));
  }
  JCM_ASSIGN_OR_RETURN(auto other, state.Get(state::Shadow(v1::TABLE_MEMBER), vote.member_id()));
  if (!member.has_value() && other.has_value()) {
    return Error(Reason::WRONG_SIDE, "a member's vote is recorded in the book of the member's own side");
  }
  return Error(Reason::MEMBER_UNKNOWN, "no such member is in office on this side");
}

// What a co-chair signs in a meeting may name the report or the minutes, and no other paper.
absl::Status CheckConfirmed(const v1::CastVote& vote, const v1::DecisionRecord& decision) {
  JCM_RETURN_IF_ERROR(CheckDigestField(vote.document_digest(), /*required=*/false));
  if (decision.mode() != v1::DECISION_MODE_MEETING || vote.document_digest().empty() ||
      vote.document_digest() == decision.report_digest() || vote.document_digest() == decision.minutes_digest()) {
    return absl::OkStatus();
  }
  return Error(Reason::DECISION_TEXT_MISMATCH, "the confirmation names another paper than the report or the minutes");
}

absl::Status CheckVoteFields(const RuleInput& input, const v1::CastVote& vote, const v1::DecisionRecord& decision,
                             const v1::MemberRecord& member) {
  if (!v1::Vote_IsValid(vote.vote()) || vote.vote() == v1::VOTE_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "there is no such vote");
  }
  JCM_RETURN_IF_ERROR(CheckText(vote.opinion(), kReasonBytesMax, /*required=*/false));
  switch (vote.form()) {
    case v1::VOTE_FORM_SIGNED_BY_MEMBER:
      if (input.context->signers(0).pseudonym() != member.pseudonym()) {
        return Error(Reason::ROLE_NOT_ALLOWED, "the author is another member");
      }
      return CheckConfirmed(vote, decision);
    case v1::VOTE_FORM_RECORDED_BY_SECRETARIAT:
      if (input.DistinctPersons() < 2) return Error(Reason::TWO_PERSONS_REQUIRED, "one person recorded the vote");
      return CheckDigestField(vote.document_digest(), /*required=*/true);
    default:
      return Error(Reason::FIELD_INVALID, "the vote's form is not stated");
  }
}

absl::Status CheckMayVoteNow(const RuleInput& input, const DecisionView& view, const v1::MemberRecord& member) {
  if (!IsOpen(view) || input.time >= LongStopOf(view)) {
    return Error(Reason::DECISION_NOT_OPEN, "votes are no longer taken");
  }
  if (view.collides) return Error(Reason::VOTE_NOT_ALLOWED, "both sides opened a decision of this id");
  if (view.record.mode() == v1::DECISION_MODE_MEETING && !member.co_chair()) {
    return Error(Reason::VOTE_NOT_ALLOWED, "in a meeting the co-chair confirms for the side");
  }
  const bool waits =
      view.record.mode() == v1::DECISION_MODE_ELECTRONIC && !view.own && !DistributedAt(view).has_value();
  if (waits) return Error(Reason::VOTE_NOT_ALLOWED, "the text has not been distributed on this side");
  return absl::OkStatus();
}

// Who has declared a conflict does not vote, but may say that nothing is said.
absl::Status CheckNoConflict(const v1::CastVote& vote, const DecisionView& view, const state::StateReader& state) {
  if (vote.vote() == v1::VOTE_RECUSED || view.record.mode() == v1::DECISION_MODE_MEETING) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(auto conflict, FindConflict(vote.member_id(), view.record, /*shadow=*/false, state));
  if (!conflict.has_value()) return absl::OkStatus();
  return Error(Reason::CONFLICT_DECLARED, absl::StrCat(vote.member_id(), ": ", conflict->object()));
}

uint32_t CountInOffice(const std::vector<v1::MemberRecord>& members) {
  return static_cast<uint32_t>(
      std::count_if(members.begin(), members.end(), [](const auto& member) { return member.until_us() == 0; }));
}

// Whether this side has something to close at `now` of its own: a vote not yet covered, the window's end or the long
// stop.
absl::StatusOr<bool> HasReasonToClose(const DecisionView& view, BookTime now, BookTime through,
                                      const state::StateReader& state) {
  const absl::optional<BookTime> window_end = WindowEndOf(view);
  for (const absl::optional<BookTime>& instant : {window_end, absl::make_optional(LongStopOf(view))}) {
    if (instant.has_value() && *instant <= now && through < *instant) return true;
  }
  if (view.peer_keeps_no_book) return through < now;
  JCM_ASSIGN_OR_RETURN(std::vector<v1::VoteRecord> votes, LoadVotes(view, /*shadow=*/false, state));
  return std::any_of(votes.begin(), votes.end(), [&](const v1::VoteRecord& vote) {
    return vote.at_us() >= through.micros && vote.at_us() < now.micros;
  });
}

// Who is in office at the end of [.., through), the co-chair first; and how many of them vote.
absl::Status DescribeMembers(const DecisionView& view, BookTime through, const state::StateReader& state,
                             v1::VotesClosedRecord* record) {
  JCM_ASSIGN_OR_RETURN(std::vector<v1::MemberRecord> members, LoadMembers(/*shadow=*/false, state));
  JCM_ASSIGN_OR_RETURN(std::vector<v1::VoteRecord> votes, LoadVotes(view, /*shadow=*/false, state));
  std::set<std::string> recused;
  for (const v1::VoteRecord& vote : votes) {
    if (vote.at_us() >= through.micros) continue;
    if (vote.vote() == v1::VOTE_RECUSED) {
      recused.insert(vote.member_id());
    } else {
      recused.erase(vote.member_id());
    }
  }
  std::vector<std::string> others;
  for (const v1::MemberRecord& member : members) {
    const bool in_office =
        member.from_us() < through.micros && (member.until_us() == 0 || member.until_us() >= through.micros);
    if (!in_office) continue;
    if (recused.count(member.member_id()) == 0) record->set_members_in_office(record->members_in_office() + 1);
    if (member.co_chair()) {
      record->set_co_chair_id(member.member_id());
    } else {
      others.push_back(member.member_id());
    }
  }
  std::sort(others.begin(), others.end());
  if (!record->co_chair_id().empty()) record->add_member_ids(record->co_chair_id());
  for (const std::string& id : others) record->add_member_ids(id);
  return absl::OkStatus();
}

absl::Status CloseVotes(const RuleInput& input, const std::string& decision_id, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(decision_id, transition));
  if (!IsOpen(view)) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(BookTime through, OwnThrough(decision_id, transition));
  JCM_ASSIGN_OR_RETURN(bool own_reason, HasReasonToClose(view, input.time, through, transition));
  JCM_ASSIGN_OR_RETURN(BookTime peer_through, PeerThrough(decision_id, transition));
  BookTime next = through;
  if (own_reason) {
    next = input.time;
  } else if (peer_through <= input.time) {
    next = std::max(through, peer_through);
  }
  if (next <= through) return absl::OkStatus();
  v1::VotesClosedRecord record;
  record.set_decision_id(decision_id);
  record.set_through_us(next.micros);
  JCM_RETURN_IF_ERROR(DescribeMembers(view, next, transition, &record));
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_VOTES_CLOSED, decision_id, record));
  return TryOutcome(input, decision_id, transition);
}

absl::Status Impossible(absl::string_view detail) { return Error(Reason::IMPOSSIBLE_ACT, detail); }

// Nullopt if there is no record; IMPOSSIBLE_ACT if the bytes are none.
template <typename Record>
absl::StatusOr<absl::optional<Record>> ReadImported(const std::string& value) {
  if (value.empty()) return absl::optional<Record>();
  Record record;
  if (!ParseStrict(value, &record).ok()) return Impossible("an imported record cannot be read");
  return absl::optional<Record>(std::move(record));
}

// The view that a record of the other side's decision gave before it was changed.
DecisionView ViewBefore(const v1::DecisionRecord& before, const DecisionView& now) {
  DecisionView view = now;
  view.record = before;
  return view;
}

absl::Status OnImportedDecision(const v1::Effect& imported, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto before, ReadImported<v1::DecisionRecord>(imported.old_value()));
  JCM_ASSIGN_OR_RETURN(auto after, ReadImported<v1::DecisionRecord>(imported.new_value()));
  if (!after.has_value()) return Impossible("a decision does not disappear");
  const Digest text_digest = Sha256(after->text());
  if (after->decision_id() != imported.key() || after->text_digest() != AsBytes(text_digest)) {
    return Impossible("a decision's record contradicts itself");
  }
  if (before.has_value() && before->state() != v1::DECISION_STATE_OPEN) return Impossible("a decision changed its end");
  if (!CheckRulebookParameters(after->parameters()).ok()) return Impossible("a decision pins impossible parameters");
  JCM_ASSIGN_OR_RETURN(BookTime own_through, OwnThrough(imported.key(), transition));
  if (after->outcome_through_us() > own_through.micros) {
    return Impossible("an outcome rests on votes that this side has not stated to be complete");
  }
  JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(imported.key(), transition));
  if (view.own) return absl::OkStatus();  // two decisions of one id: neither can be adopted
  if (before.has_value()) JCM_RETURN_IF_ERROR(RemoveDecisionDeadlines(ViewBefore(*before, view), transition));
  if (!IsOpen(view)) return absl::OkStatus();
  return AddDecisionDeadlines(view, transition);
}

absl::Status OnImportedReaction(const RuleInput& input, const v1::Effect& imported, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto after, ReadImported<v1::ReactionRecord>(imported.new_value()));
  if (!after.has_value() || after->decision_id() != imported.key()) return Impossible("a reaction contradicts itself");
  JCM_ASSIGN_OR_RETURN(auto own, transition.Get<v1::DecisionRecord>(v1::TABLE_DECISION, imported.key()));
  if (!own.has_value()) return Impossible("a reaction to a decision that this side did not open");
  if (after->state() == v1::REACTION_STATE_CONFIRMED) {
    const bool same =
        (own->state() == v1::DECISION_STATE_ADOPTED && after->outcome() == v1::DECISION_OUTCOME_ADOPTED) ||
        (own->state() == v1::DECISION_STATE_NOT_ADOPTED && after->outcome() == v1::DECISION_OUTCOME_NOT_ADOPTED);
    if (!same || after->text_digest() != own->text_digest()) return Impossible("an outcome that was never stated");
    if (after->outcome() != v1::DECISION_OUTCOME_ADOPTED) return absl::OkStatus();
    JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(imported.key(), transition));
    if (view.collides) return absl::OkStatus();
    return TakeDecidedSteps(input, *own, transition);
  }
  if (own->state() != v1::DECISION_STATE_OPEN) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(imported.key(), transition));
  JCM_RETURN_IF_ERROR(AddDecisionDeadlines(view, transition));
  return TryOutcome(input, imported.key(), transition);
}

absl::Status OnImportedVote(const RuleInput& input, const v1::Effect& imported, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto vote, ReadImported<v1::VoteRecord>(imported.new_value()));
  if (!vote.has_value() || !imported.old_value().empty()) return Impossible("a vote is written once");
  JCM_ASSIGN_OR_RETURN(BookTime through, PeerThrough(vote->decision_id(), transition));
  if (vote->provenance() == v1::PROVENANCE_ATTESTED) return TryOutcome(input, vote->decision_id(), transition);
  if (vote->at_us() < through.micros) return Impossible("a vote from before the closing of votes");
  return absl::OkStatus();
}

absl::Status OnImportedVotesClosed(const RuleInput& input, const v1::Effect& imported, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto before, ReadImported<v1::VotesClosedRecord>(imported.old_value()));
  JCM_ASSIGN_OR_RETURN(auto after, ReadImported<v1::VotesClosedRecord>(imported.new_value()));
  if (!after.has_value()) return Impossible("a closing of votes does not disappear");
  if (before.has_value() && after->through_us() <= before->through_us()) return Impossible("a closing only rises");
  auto view = FindDecision(imported.key(), transition);
  if (HasReason(view.status(), Reason::DECISION_UNKNOWN)) return Impossible("votes closed on no decision");
  JCM_RETURN_IF_ERROR(view.status());
  if (!IsOpen(*view)) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(BookTime own_through, OwnThrough(imported.key(), transition));
  const BookTime through = BookTime::FromMicros(after->through_us());
  if (through > own_through) {
    JCM_RETURN_IF_ERROR(
        AddDeadline(std::max(through, input.time), v1::DEADLINE_KIND_VOTES_CLOSE, imported.key(), transition));
  }
  return TryOutcome(input, imported.key(), transition);
}

}  // namespace

absl::Status AddDecisionDeadlines(const DecisionView& view, Transition& transition) {
  const std::string& id = view.record.decision_id();
  JCM_RETURN_IF_ERROR(AddDeadline(LongStopOf(view), v1::DEADLINE_KIND_LONG_STOP, id, transition));
  const absl::optional<BookTime> window_end = WindowEndOf(view);
  if (!window_end.has_value()) return absl::OkStatus();
  return AddDeadline(*window_end, v1::DEADLINE_KIND_VOTES_CLOSE, id, transition);
}

absl::Status RemoveDecisionDeadlines(const DecisionView& view, Transition& transition) {
  const std::string& id = view.record.decision_id();
  JCM_RETURN_IF_ERROR(RemoveDeadline(LongStopOf(view), v1::DEADLINE_KIND_LONG_STOP, id, transition));
  const absl::optional<BookTime> window_end = WindowEndOf(view);
  if (!window_end.has_value()) return absl::OkStatus();
  return RemoveDeadline(*window_end, v1::DEADLINE_KIND_VOTES_CLOSE, id, transition);
}

absl::Status AddVotesCloseDeadline(BookTime time, absl::string_view decision_id, Transition& transition) {
  return AddDeadline(BookTime::FromMicros(time.micros + 1), v1::DEADLINE_KIND_VOTES_CLOSE, decision_id, transition);
}

absl::Status TryOutcome(const RuleInput& input, absl::string_view decision_id, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(decision_id, transition));
  if (!view.own || !IsOpen(view)) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(BookTime through, OwnThrough(decision_id, transition));
  if (!view.peer_keeps_no_book) {
    JCM_ASSIGN_OR_RETURN(BookTime peer_through, PeerThrough(decision_id, transition));
    through = std::min(through, peer_through);
  }
  JCM_ASSIGN_OR_RETURN(OutcomeInput outcome_input, LoadOutcomeInput(view, through, transition));
  Outcome outcome = ComputeOutcome(outcome_input);
  if (view.collides && outcome.state == v1::DECISION_STATE_ADOPTED) outcome = Outcome();
  if (outcome.state == v1::DECISION_STATE_OPEN) return absl::OkStatus();
  v1::DecisionRecord record = view.record;
  record.set_state(outcome.state);
  if (outcome.state == v1::DECISION_STATE_ADOPTED) record.set_adopted_at_us(outcome.at.micros);
  record.set_outcome_recorded_at_us(input.time.micros);
  record.set_outcome_through_us(through.micros);
  JCM_RETURN_IF_ERROR(RemoveDecisionDeadlines(view, transition));
  return transition.Put(v1::TABLE_DECISION, decision_id, record);
}

absl::Status ApplyCastVote(const RuleInput& input, const v1::CastVote& command, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(command.decision_id(), transition));
  JCM_ASSIGN_OR_RETURN(v1::MemberRecord member, MemberInOffice(command, transition));
  const bool same_text = command.text_digest() == view.record.text_digest();
  JCM_NOTE_REFUSAL(input, "vote/text",
                   same_text ? absl::OkStatus() : Error(Reason::DECISION_TEXT_MISMATCH, "the vote names another text"));
  JCM_NOTE_REFUSAL(input, "vote/when", CheckMayVoteNow(input, view, member));
  JCM_NOTE_REFUSAL(input, "vote/form", CheckVoteFields(input, command, view.record, member));
  JCM_NOTE_REFUSAL(input, "vote/conflict", CheckNoConflict(command, view, transition));
  JCM_ASSIGN_OR_RETURN(std::vector<v1::MemberRecord> members, LoadMembers(/*shadow=*/false, transition));

  v1::VoteRecord record;
  record.set_decision_id(command.decision_id());
  record.set_text_digest(command.text_digest());
  record.set_member_id(command.member_id());
  record.set_co_chair(member.co_chair());
  record.set_vote(command.vote());
  record.set_form(command.form());
  record.set_document_digest(command.document_digest());
  record.set_at_us(input.time.micros);
  record.set_sequence(input.sequence);
  record.set_provenance(input.provenance);
  record.set_opinion(command.opinion());
  *record.mutable_legal_date() = input.legal_date;
  record.set_members_in_office(CountInOffice(members));
  const std::string key = absl::StrCat(command.decision_id(), "/", state::SortableNumber(input.sequence));
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_VOTE, key, record));
  return AddVotesCloseDeadline(input.time, command.decision_id(), transition);
}

absl::Status OnVotesCloseDeadline(const RuleInput& input, const v1::DeadlineRecord& deadline, Transition& transition) {
  return CloseVotes(input, deadline.object_id(), transition);
}

absl::Status OnLongStopDeadline(const RuleInput& input, const v1::DeadlineRecord& deadline, Transition& transition) {
  return CloseVotes(input, deadline.object_id(), transition);
}

absl::Status OnImportedDecisionRecord(const RuleInput& input, const v1::Effect& imported, Transition& transition) {
  switch (imported.table()) {
    case v1::TABLE_DECISION:
      return OnImportedDecision(imported, transition);
    case v1::TABLE_REACTION:
      return OnImportedReaction(input, imported, transition);
    case v1::TABLE_VOTE:
      return OnImportedVote(input, imported, transition);
    case v1::TABLE_VOTES_CLOSED:
      return OnImportedVotesClosed(input, imported, transition);
    default:
      return absl::OkStatus();
  }
}

}  // namespace jcm::rules
