#include "ledger/rules/conflict.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/record_access.h"

namespace jcm::rules {
namespace {

// The dossier that an object means, by id or reference; empty: none.
absl::StatusOr<std::string> DossierIdOf(absl::string_view object, const state::StateReader& state) {
  const auto by_id = FindDossier(object, state);
  if (by_id.ok()) return by_id->record.dossier_id();
  if (!HasReason(by_id.status(), Reason::DOSSIER_UNKNOWN)) return by_id.status();
  JCM_ASSIGN_OR_RETURN(auto by_reference, FindDossierByReference(object, state));
  return by_reference.has_value() ? by_reference->record.dossier_id() : std::string();
}

absl::StatusOr<bool> IsAbout(absl::string_view object, const v1::DecisionRecord& decision,
                             const state::StateReader& state) {
  if (object == decision.decision_id()) return true;
  v1::DecisionText text;
  if (!text.ParseFromString(decision.text())) return Error(Reason::STORE_CORRUPT, "a decision's text");
  if (text.has_issuance() && text.issuance().project_id() == object) return true;
  JCM_ASSIGN_OR_RETURN(const std::string dossier_id, DossierIdOf(object, state));
  if (dossier_id.empty()) return false;
  for (const v1::DecisionSubject& subject : text.subjects()) {
    if (subject.dossier_id() == dossier_id) return true;
  }
  if (!text.has_issuance()) return false;
  JCM_ASSIGN_OR_RETURN(const std::string issued, DossierIdOf(text.issuance().project_id(), state));
  return issued == dossier_id;
}

absl::StatusOr<std::vector<v1::ConflictRecord>> ConflictsOf(absl::string_view member_id, bool shadow,
                                                            const state::StateReader& state) {
  std::vector<v1::ConflictRecord> conflicts;
  bool readable = true;
  JCM_RETURN_IF_ERROR(state.Scan(shadow ? state::Shadow(v1::TABLE_CONFLICT) : uint32_t{v1::TABLE_CONFLICT},
                                 absl::StrCat(member_id, "/"), "", [&](absl::string_view, absl::string_view value) {
                                   conflicts.emplace_back();
                                   readable =
                                       conflicts.back().ParseFromArray(value.data(), static_cast<int>(value.size()));
                                   return readable;
                                 }));
  if (!readable) return Error(Reason::STORE_CORRUPT, "a declared conflict");
  return conflicts;
}

// A decision, a dossier, or a project recorded without one; of either side.
absl::Status CheckObject(absl::string_view object, const state::StateReader& state) {
  JCM_RETURN_IF_ERROR(CheckId(object));
  for (const uint32_t table : {uint32_t{v1::TABLE_DECISION}, uint32_t{v1::TABLE_PROJECT}}) {
    for (const uint32_t place : {table, state::Shadow(table)}) {
      JCM_ASSIGN_OR_RETURN(auto record, state.Get(place, object));
      if (record.has_value()) return absl::OkStatus();
    }
  }
  JCM_ASSIGN_OR_RETURN(const std::string dossier_id, DossierIdOf(object, state));
  if (!dossier_id.empty()) return absl::OkStatus();
  return Error(Reason::OBJECT_UNKNOWN, absl::StrCat(object, " is no decision, dossier or project"));
}

absl::Status CheckForm(const RuleInput& input, const v1::DeclareConflict& command, const v1::MemberRecord& member) {
  if (command.form() == v1::VOTE_FORM_SIGNED_BY_MEMBER) {
    if (input.context->signers(0).pseudonym() == member.pseudonym()) return absl::OkStatus();
    return Error(Reason::ROLE_NOT_ALLOWED, "the author is another member");
  }
  if (command.form() != v1::VOTE_FORM_RECORDED_BY_SECRETARIAT) {
    return Error(Reason::FIELD_INVALID, "the declaration's form is not stated");
  }
  if (input.DistinctPersons() < 2) return Error(Reason::TWO_PERSONS_REQUIRED, "one person recorded the declaration");
  return CheckDigestField(command.document_digest(), /*required=*/true);
}

bool IsRecused(const std::vector<v1::VoteRecord>& votes, absl::string_view member_id) {
  v1::Vote last = v1::VOTE_UNSPECIFIED;
  for (const v1::VoteRecord& vote : votes) {
    if (vote.member_id() == member_id) last = vote.vote();
  }
  return last == v1::VOTE_RECUSED;
}

v1::VoteRecord RecusalBy(const RuleInput& input, const v1::ConflictRecord& conflict, const v1::MemberRecord& member,
                         const v1::DecisionRecord& decision) {
  v1::VoteRecord vote;
  vote.set_decision_id(decision.decision_id());
  vote.set_text_digest(decision.text_digest());
  vote.set_member_id(member.member_id());
  vote.set_co_chair(member.co_chair());
  vote.set_vote(v1::VOTE_RECUSED);
  vote.set_form(conflict.form());
  vote.set_document_digest(conflict.document_digest());
  vote.set_at_us(input.time.micros);
  vote.set_sequence(input.sequence);
  vote.set_provenance(conflict.provenance());
  *vote.mutable_legal_date() = input.legal_date;
  vote.set_conflict_object(conflict.object());
  return vote;
}

// Recusals from all decisions that are open.
absl::Status RecuseFromOpenDecisions(const RuleInput& input, Transition& transition) {
  std::vector<std::string> open;
  for (const uint32_t table : {uint32_t{v1::TABLE_DECISION}, state::Shadow(v1::TABLE_DECISION)}) {
    JCM_RETURN_IF_ERROR(transition.Scan(table, "", "", [&](absl::string_view key, absl::string_view value) {
      v1::DecisionRecord decision;
      if (decision.ParseFromArray(value.data(), static_cast<int>(value.size())) &&
          decision.state() == v1::DECISION_STATE_OPEN) {
        open.emplace_back(key);
      }
      return true;
    }));
  }
  for (const std::string& id : open) {
    JCM_ASSIGN_OR_RETURN(DecisionView view, FindDecision(id, transition));
    JCM_RETURN_IF_ERROR(RecuseOwnMembers(input, view, transition));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<absl::optional<v1::ConflictRecord>> FindConflict(absl::string_view member_id,
                                                                const v1::DecisionRecord& decision, bool shadow,
                                                                const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(std::vector<v1::ConflictRecord> conflicts, ConflictsOf(member_id, shadow, state));
  for (v1::ConflictRecord& conflict : conflicts) {
    if (conflict.ended_at_us() != 0) continue;
    JCM_ASSIGN_OR_RETURN(const bool about, IsAbout(conflict.object(), decision, state));
    if (about) return absl::make_optional(std::move(conflict));
  }
  return absl::optional<v1::ConflictRecord>();
}

absl::Status RecuseOwnMembers(const RuleInput& input, const DecisionView& view, Transition& transition) {
  if (view.record.mode() != v1::DECISION_MODE_ELECTRONIC || view.record.state() != v1::DECISION_STATE_OPEN) {
    return absl::OkStatus();
  }
  if (view.collides || input.time >= LongStopOf(view) || (!view.own && !DistributedAt(view).has_value())) {
    return absl::OkStatus();
  }
  JCM_ASSIGN_OR_RETURN(std::vector<v1::MemberRecord> members, LoadMembers(/*shadow=*/false, transition));
  JCM_ASSIGN_OR_RETURN(std::vector<v1::VoteRecord> votes, LoadVotes(view, /*shadow=*/false, transition));
  bool any = false;
  for (const v1::MemberRecord& member : members) {
    if (member.until_us() != 0 || IsRecused(votes, member.member_id())) continue;
    JCM_ASSIGN_OR_RETURN(auto conflict, FindConflict(member.member_id(), view.record, /*shadow=*/false, transition));
    if (!conflict.has_value()) continue;
    // One entry may recuse several members, so the key has the member too.
    const std::string key =
        absl::StrCat(view.record.decision_id(), "/", state::SortableNumber(input.sequence), member.member_id());
    JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_VOTE, key, RecusalBy(input, *conflict, member, view.record)));
    any = true;
  }
  if (!any) return absl::OkStatus();
  // As after any vote: what is stamped now is covered by a later closing only.
  return AddDeadline(BookTime::FromMicros(input.time.micros + 1), v1::DEADLINE_KIND_VOTES_CLOSE,
                     view.record.decision_id(), transition);
}

absl::Status ApplyDeclareConflict(const RuleInput& input, const v1::DeclareConflict& command, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto member, transition.Get<v1::MemberRecord>(v1::TABLE_MEMBER, command.member_id()));
  if (!member.has_value() || member->until_us() != 0) {
    return Error(Reason::MEMBER_UNKNOWN, "no such member is in office on this side");
  }
  JCM_RETURN_IF_ERROR(CheckForm(input, command, *member));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.document_digest(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckText(command.text(), kReasonBytesMax, /*required=*/true));
  const std::string key = absl::StrCat(command.member_id(), "/", command.object());
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get<v1::ConflictRecord>(v1::TABLE_CONFLICT, key));
  const bool holds = present.has_value() && present->ended_at_us() == 0;
  if (command.ended() != holds) {
    return command.ended() ? Error(Reason::OBJECT_UNKNOWN, "no such conflict is declared")
                           : Error(Reason::ALREADY_EXISTS, "this conflict is declared");
  }
  if (command.ended()) {
    present->set_ended_at_us(input.time.micros);
    present->set_text(command.text());
    return transition.Put(v1::TABLE_CONFLICT, key, *present);
  }
  JCM_RETURN_IF_ERROR(CheckObject(command.object(), transition));
  JCM_ASSIGN_OR_RETURN(std::vector<v1::ConflictRecord> all, ConflictsOf(command.member_id(), false, transition));
  if (all.size() >= kConflictsPerMemberMax) return Error(Reason::FIELD_INVALID, "too many conflicts of one member");
  v1::ConflictRecord record;
  record.set_member_id(command.member_id());
  record.set_object(command.object());
  record.set_document_digest(command.document_digest());
  record.set_text(command.text());
  record.set_form(command.form());
  record.set_declared_at_us(input.time.micros);
  *record.mutable_legal_date() = input.legal_date;
  record.set_provenance(input.provenance);
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_CONFLICT, key, record));
  return RecuseFromOpenDecisions(input, transition);
}

}  // namespace jcm::rules
