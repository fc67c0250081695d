#include "services/joint_committee/decision_view.h"

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "services/common/record_list.h"
#include "services/joint_committee/replies.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

size_t YesVotes(const google::protobuf::RepeatedPtrField<v1::VoteRecord>& votes, const std::string& text_digest) {
  size_t yes = 0;
  for (const v1::VoteRecord& vote : votes) {
    yes += vote.text_digest() == text_digest && vote.vote() == v1::VOTE_YES ? 1 : 0;
  }
  return yes;
}

std::string WaitsFor(const api::GetDecisionResponse& view, const std::string& other) {
  const v1::DecisionRecord& decision = view.decision();
  switch (decision.state()) {
    case v1::DECISION_STATE_NOT_ADOPTED:
      return "nothing any more: it was not adopted";
    case v1::DECISION_STATE_WITHDRAWN:
      return "nothing any more: it was withdrawn";
    case v1::DECISION_STATE_ADOPTED:
      if (view.reaction().state() == v1::REACTION_STATE_CONFIRMED) return "";
      if (view.reaction().state() == v1::REACTION_STATE_DISPUTED) return "nothing any more: its outcome was disputed";
      return absl::StrCat("confirmation of the outcome by ", other);
    default:
      break;
  }
  if (view.reaction().state() == v1::REACTION_STATE_UNSPECIFIED ||
      view.reaction().text_digest() != decision.text_digest()) {
    if (decision.mode() == v1::DECISION_MODE_ELECTRONIC) return absl::StrCat("distribution by ", other);
  }
  return absl::StrCat("votes on text ", decision.text_version(), " (yes so far: own side ",
                      YesVotes(view.own_votes(), decision.text_digest()), ", other side ",
                      YesVotes(view.peer_votes(), decision.text_digest()), ") and the outcome");
}

void AddMeeting(api::GetDecisionResponse* view) {
  const v1::DecisionRecord& decision = view->decision();
  if (decision.mode() != v1::DECISION_MODE_MEETING) return;
  api::Meeting* meeting = view->mutable_meeting();
  meeting->set_name(decision.meeting_name());
  *meeting->mutable_date() = decision.meeting_date();
  meeting->set_place(decision.meeting_place());
  meeting->set_report_digest(decision.report_digest());
  meeting->set_minutes_digest(decision.minutes_digest());
  for (int i = 0; i < decision.annex_digests_size(); ++i) {
    api::Annex* annex = meeting->add_annexes();
    annex->set_number(static_cast<uint32_t>(i) + 1);
    if (i < decision.annex_titles_size()) annex->set_title(decision.annex_titles(i));
    annex->set_digest(decision.annex_digests(i));
  }
}

template <typename Record>
absl::Status AddAll(const state::StateReader& book, uint32_t table, const std::string& prefix,
                    google::protobuf::RepeatedPtrField<Record>* out) {
  JCM_ASSIGN_OR_RETURN(std::vector<Record> records, AllRecords<Record>(book, table, prefix));
  for (Record& record : records) *out->Add() = std::move(record);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<api::GetDecisionResponse> ViewDecision(const state::StateReader& book, const std::string& own_registry,
                                                      const std::string& peer_registry,
                                                      const std::string& decision_id) {
  api::GetDecisionResponse view;
  JCM_ASSIGN_OR_RETURN(auto own, book.Get<v1::DecisionRecord>(v1::TABLE_DECISION, decision_id));
  JCM_ASSIGN_OR_RETURN(auto imported, book.Get<v1::DecisionRecord>(state::Shadow(v1::TABLE_DECISION), decision_id));
  if (!own.has_value() && !imported.has_value()) {
    return Error(Reason::NOT_FOUND, absl::StrCat("decision ", decision_id, " is in neither book"));
  }
  const bool ours = own.has_value();
  const bool collides = imported.has_value();
  *view.mutable_decision() = ours ? *std::move(own) : *std::move(imported);
  view.set_owner_registry(ours ? own_registry : peer_registry);
  const uint32_t reactions = ours ? state::Shadow(v1::TABLE_REACTION) : static_cast<uint32_t>(v1::TABLE_REACTION);
  JCM_ASSIGN_OR_RETURN(auto reaction, book.Get<v1::ReactionRecord>(reactions, decision_id));
  if (reaction.has_value()) *view.mutable_reaction() = *std::move(reaction);
  const std::string prefix = absl::StrCat(decision_id, "/");
  JCM_RETURN_IF_ERROR(AddAll(book, v1::TABLE_VOTE, prefix, view.mutable_own_votes()));
  JCM_RETURN_IF_ERROR(AddAll(book, state::Shadow(v1::TABLE_VOTE), prefix, view.mutable_peer_votes()));
  view.set_waits_for(WaitsFor(view, ours ? peer_registry : own_registry));
  if (!view.mutable_text()->ParseFromString(view.decision().text())) {
    return Error(Reason::STORE_CORRUPT, "a decision's text");
  }
  AddMeeting(&view);
  JCM_ASSIGN_OR_RETURN(auto partnership, book.Get(v1::TABLE_PARTNERSHIP, "partnership"));
  if (!partnership.has_value()) return view;  // nobody can have replied
  JCM_RETURN_IF_ERROR(AddReplies(book, own_registry, peer_registry, &view));
  AddDisagreements(ours && collides, &view);
  return view;
}

}  // namespace jcm::services
