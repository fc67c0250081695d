#include "services/joint_committee/replies.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/conflict.h"
#include "ledger/rules/decision_outcome.h"
#include "ledger/rules/decision_state.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

google::protobuf::Timestamp ToTimestamp(uint64_t micros) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(static_cast<int64_t>(micros / kMicrosPerSecond));
  timestamp.set_nanos(static_cast<int32_t>(micros % kMicrosPerSecond * 1'000));
  return timestamp;
}

// When it was settled who counts: at adoption, at the end without it; still open: 0.
uint64_t SettledAt(const v1::DecisionRecord& decision) {
  return decision.state() == v1::DECISION_STATE_ADOPTED ? decision.adopted_at_us() : decision.outcome_recorded_at_us();
}

bool WasInOffice(const v1::MemberRecord& member, uint64_t settled_us) {
  if (settled_us == 0) return member.until_us() == 0;
  // Whoever left at the very instant of the adoption was asked until then.
  return member.from_us() <= settled_us && (member.until_us() == 0 || member.until_us() >= settled_us);
}

struct SideOfView {
  const state::StateReader& book;
  const rules::DecisionView& decision;
  std::string registry;
  bool shadow = false;
};

api::MemberReply ReplyOf(const v1::VoteRecord& vote, v1::DecisionMode mode) {
  api::MemberReply reply;
  reply.set_member_id(vote.member_id());
  reply.set_co_chair(vote.co_chair());
  reply.set_vote(vote.vote());
  reply.set_form(vote.form());
  FormText text = TextOfForm(vote, mode);
  reply.set_form_en(std::move(text.en));
  reply.set_form_ja(std::move(text.ja));
  reply.set_document_digest(vote.document_digest());
  *reply.mutable_at() = ToTimestamp(vote.at_us());
  *reply.mutable_legal_date() = vote.legal_date();
  reply.set_opinion(vote.opinion());
  reply.set_conflict_object(vote.conflict_object());
  reply.set_provenance(vote.provenance());
  return reply;
}

void SetMember(const v1::MemberRecord& member, api::MemberReply* reply) {
  reply->set_member_id(member.member_id());
  reply->set_title(member.title());
  reply->set_co_chair(member.co_chair());
  reply->set_in_office(member.until_us() == 0);
  reply->set_alternate_of(member.alternate_of());
}

absl::StatusOr<std::vector<api::MemberReply>> RepliesOf(const SideOfView& side) {
  const v1::DecisionRecord& decision = side.decision.record;
  const uint64_t settled = SettledAt(decision);
  const bool meeting = decision.mode() == v1::DECISION_MODE_MEETING;
  JCM_ASSIGN_OR_RETURN(std::vector<v1::MemberRecord> serving, rules::LoadMembers(side.shadow, side.book));
  JCM_ASSIGN_OR_RETURN(std::vector<v1::VoteRecord> votes, rules::LoadVotes(side.decision, side.shadow, side.book));
  std::map<std::string, v1::MemberRecord> members;
  for (v1::MemberRecord& member : serving) members[member.member_id()] = std::move(member);
  std::map<std::string, size_t> last;  // of the votes that were in time
  std::vector<api::MemberReply> replies;
  for (const v1::VoteRecord& vote : votes) {
    api::MemberReply reply = ReplyOf(vote, decision.mode());
    const auto member = members.find(vote.member_id());
    if (member != members.end()) {
      SetMember(member->second, &reply);
      reply.set_co_chair(vote.co_chair());
    }
    if (settled == 0 || vote.at_us() <= settled) last[vote.member_id()] = replies.size();
    replies.push_back(std::move(reply));
  }
  for (const auto& [id, index] : last) {
    const auto member = members.find(id);
    // Who sits for a partner that keeps no book is not known: each voter counts.
    replies[index].set_counts(member == members.end() ? side.shadow && side.decision.peer_keeps_no_book
                                                      : WasInOffice(member->second, settled));
  }
  for (const auto& [id, member] : members) {
    if (!WasInOffice(member, settled) || (meeting && !member.co_chair()) || last.count(id) > 0) continue;
    api::MemberReply silent;
    SetMember(member, &silent);
    silent.set_form_en("no reply");
    silent.set_form_ja("回答なし");
    replies.push_back(std::move(silent));
  }
  for (api::MemberReply& reply : replies) reply.set_registry(side.registry);
  std::stable_sort(replies.begin(), replies.end(), [](const api::MemberReply& a, const api::MemberReply& b) {
    return std::make_tuple(!a.co_chair(), a.member_id()) < std::make_tuple(!b.co_chair(), b.member_id());
  });
  return replies;
}

absl::Status AddConflicts(const SideOfView& side, api::GetDecisionResponse* view) {
  JCM_ASSIGN_OR_RETURN(std::vector<v1::MemberRecord> members, rules::LoadMembers(side.shadow, side.book));
  for (const v1::MemberRecord& member : members) {
    if (member.until_us() != 0) continue;
    JCM_ASSIGN_OR_RETURN(auto conflict,
                         rules::FindConflict(member.member_id(), side.decision.record, side.shadow, side.book));
    if (conflict.has_value()) *view->add_conflicts() = *std::move(conflict);
  }
  return absl::OkStatus();
}

void Add(const std::string& kind, const std::string& registry, std::string en, std::string ja,
         api::GetDecisionResponse* view) {
  api::Disagreement* one = view->add_disagreements();
  one->set_kind(kind);
  one->set_registry(registry);
  one->set_text_en(std::move(en));
  one->set_text_ja(std::move(ja));
}

// The other side's registry, of the two whose members replied.
std::string OtherThan(const std::string& registry, const api::GetDecisionResponse& view) {
  for (const api::MemberReply& reply : view.replies()) {
    if (reply.registry() != registry) return reply.registry();
  }
  return "the other side";
}

void AddNegativeReplies(api::GetDecisionResponse* view) {
  const auto& replies = view->replies();
  const bool anybody_yes = std::any_of(replies.begin(), replies.end(), [](const api::MemberReply& reply) {
    return reply.counts() && reply.vote() == v1::VOTE_YES;
  });
  for (const api::MemberReply& reply : view->replies()) {
    if (!reply.counts() || reply.vote() != v1::VOTE_NO || !anybody_yes) continue;
    const std::string opinion = reply.opinion().empty() ? "" : absl::StrCat(": ", reply.opinion());
    Add("NEGATIVE_REPLY", reply.registry(),
        absl::StrCat(reply.member_id(), " of ", reply.registry(), " says no (", reply.form_en(), ")", opinion),
        absl::StrCat(reply.registry(), "の", reply.member_id(), "が反対（", reply.form_ja(), "）", opinion), view);
  }
}

// One co-chair has said yes and the other one has not.
void AddCoChairs(api::GetDecisionResponse* view) {
  if (view->decision().state() != v1::DECISION_STATE_OPEN) return;
  std::map<std::string, v1::Vote> said;
  for (const api::MemberReply& reply : view->replies()) {
    if (!reply.co_chair()) continue;
    if (reply.counts()) {
      said[reply.registry()] = reply.vote();
    } else {
      said.insert({reply.registry(), v1::VOTE_UNSPECIFIED});
    }
  }
  for (const auto& [registry, vote] : said) {
    const auto yes = std::find_if(said.begin(), said.end(), [&, name = registry](const auto& other) {
      return other.first != name && other.second == v1::VOTE_YES;
    });
    if (vote == v1::VOTE_YES || yes == said.end()) continue;
    const bool silent = vote == v1::VOTE_UNSPECIFIED;
    Add("CO_CHAIRS", registry,
        absl::StrCat("the co-chair of ", yes->first, " said yes; that of ", registry,
                     silent                ? " has not replied"
                     : vote == v1::VOTE_NO ? " said no"
                                           : " is recused"),
        absl::StrCat(yes->first, "の共同議長は賛成、", registry, "の共同議長は",
                     silent                ? "未回答"
                     : vote == v1::VOTE_NO ? "反対"
                                           : "回避"),
        view);
  }
}

// The secretariat recorded one thing, and the member signed another.
void AddContested(api::GetDecisionResponse* view) {
  std::map<std::string, const api::MemberReply*> recorded;
  const auto replies = view->replies();  // a copy: rows are added meanwhile to another list, the pointers stay valid
  std::set<std::string> named;
  for (const api::MemberReply& reply : replies) {
    if (reply.vote() == v1::VOTE_UNSPECIFIED || !reply.conflict_object().empty()) continue;
    const std::string key = absl::StrCat(reply.registry(), "/", reply.member_id());
    if (reply.form() == v1::VOTE_FORM_RECORDED_BY_SECRETARIAT) {
      recorded[key] = &reply;
      continue;
    }
    const auto before = recorded.find(key);
    if (before == recorded.end() || before->second->vote() == reply.vote() || !named.insert(key).second) continue;
    Add("CONTESTED_RECORD", reply.registry(),
        absl::StrCat("the secretariat recorded another reply of ", reply.member_id(), " than the member then signed"),
        absl::StrCat("事務局が記録した", reply.member_id(), "の回答と、本人が後に署名した回答が異なる"), view);
  }
}

}  // namespace

FormText TextOfForm(const v1::VoteRecord& vote, v1::DecisionMode mode) {
  if (vote.provenance() == v1::PROVENANCE_ATTESTED) {
    return {"taken from the partner's document, which this side's secretariat filed (attested)",
            "相手国の文書に基づき自国事務局が記録（証明）"};
  }
  const bool recorded = vote.form() == v1::VOTE_FORM_RECORDED_BY_SECRETARIAT;
  if (!vote.conflict_object().empty()) {
    return recorded ? FormText{absl::StrCat("recused: conflict of interest about ", vote.conflict_object(),
                                            ", recorded by the secretariat"),
                               absl::StrCat(vote.conflict_object(), "についての利益相反により回避（事務局記録）")}
                    : FormText{absl::StrCat("recused: conflict of interest about ", vote.conflict_object(),
                                            ", declared and signed by the member"),
                               absl::StrCat(vote.conflict_object(), "についての利益相反により回避（委員本人署名）")};
  }
  if (mode == v1::DECISION_MODE_MEETING) {
    if (recorded) return {"scanned confirmation, recorded by the secretariat", "確認書写し（事務局記録）"};
    return {"electronic confirmation, signed by the member", "電子的確認（委員本人署名）"};
  }
  if (recorded) return {"recorded by the secretariat", "事務局記録"};
  return {"signed by the member", "委員本人署名"};
}

absl::Status AddReplies(const state::StateReader& book, const std::string& own_registry,
                        const std::string& peer_registry, api::GetDecisionResponse* view) {
  JCM_ASSIGN_OR_RETURN(const rules::DecisionView decision, rules::FindDecision(view->decision().decision_id(), book));
  for (const bool owners : {true, false}) {
    const bool shadow = decision.own != owners;
    const SideOfView side{book, decision, shadow ? peer_registry : own_registry, shadow};
    JCM_ASSIGN_OR_RETURN(std::vector<api::MemberReply> replies, RepliesOf(side));
    for (api::MemberReply& reply : replies) *view->add_replies() = std::move(reply);
    JCM_RETURN_IF_ERROR(AddConflicts(side, view));
  }
  if (decision.peer_keeps_no_book) view->set_partner_keeps_no_book(peer_registry);
  const auto distributed = rules::DistributedAt(decision);
  const bool electronic = decision.record.mode() == v1::DECISION_MODE_ELECTRONIC;
  if (electronic && distributed.has_value()) {
    const BookTime opened = BookTime::FromMicros(decision.record.opened_at_us());
    *view->mutable_clock_start() = ToTimestamp(rules::ClockStart(opened, *distributed).micros);
  }
  const auto window = rules::WindowEndOf(decision);
  if (window.has_value()) *view->mutable_window_end() = ToTimestamp(window->micros);
  *view->mutable_long_stop() = ToTimestamp(rules::LongStopOf(decision).micros);
  return absl::OkStatus();
}

void AddDisagreements(bool collides, api::GetDecisionResponse* view) {
  if (collides) {
    Add("TWO_DECISIONS", "", "both sides opened a decision of this id; neither can be adopted",
        "双方が同じ番号の決定を開始しており、いずれも採択できない", view);
  }
  if (view->reaction().state() == v1::REACTION_STATE_DISPUTED) {
    const std::string who = OtherThan(view->owner_registry(), *view);
    Add("DISPUTED", who,
        absl::StrCat(who, " disputes the outcome that ", view->owner_registry(),
                     " states: ", view->reaction().reason()),
        absl::StrCat(who, "は、", view->owner_registry(),
                     "が示した結果に異議を述べている: ", view->reaction().reason()),
        view);
  }
  AddNegativeReplies(view);
  AddCoChairs(view);
  AddContested(view);
}

}  // namespace jcm::services
