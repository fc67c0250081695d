#include "ledger/rules/decision_state.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/rules/record_access.h"

namespace jcm::rules {
namespace {

uint32_t TableOf(uint32_t table, bool shadow) { return shadow ? state::Shadow(table) : table; }

template <typename Record>
absl::StatusOr<std::vector<Record>> LoadAll(uint32_t table, absl::string_view prefix, const state::StateReader& state) {
  std::vector<Record> records;
  absl::Status failed;
  JCM_RETURN_IF_ERROR(state.Scan(table, prefix, "", [&](absl::string_view, absl::string_view value) {
    Record record;
    if (record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      records.push_back(std::move(record));
    } else {
      failed = Error(Reason::STORE_CORRUPT, "a record cannot be parsed");
    }
    return failed.ok();
  }));
  JCM_RETURN_IF_ERROR(failed);
  return records;
}

absl::StatusOr<BookTime> Through(absl::string_view decision_id, bool shadow, const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto closed,
                       state.Get<v1::VotesClosedRecord>(TableOf(v1::TABLE_VOTES_CLOSED, shadow), decision_id));
  return BookTime::FromMicros(closed.has_value() ? closed->through_us() : 0);
}

absl::StatusOr<SideOfOutcome> LoadSide(const DecisionView& view, bool shadow, const state::StateReader& state) {
  SideOfOutcome side;
  side.members_known = !(shadow && view.peer_keeps_no_book);
  JCM_ASSIGN_OR_RETURN(std::vector<v1::MemberRecord> members, LoadMembers(shadow, state));
  for (const v1::MemberRecord& member : members) {
    side.members.push_back({member.member_id(), member.co_chair(), BookTime::FromMicros(member.from_us()),
                            BookTime::FromMicros(member.until_us())});
  }
  JCM_ASSIGN_OR_RETURN(std::vector<v1::VoteRecord> votes, LoadVotes(view, shadow, state));
  for (const v1::VoteRecord& vote : votes) {
    side.votes.push_back(
        {BookTime::FromMicros(vote.at_us()), vote.sequence(), vote.member_id(), vote.co_chair(), vote.vote()});
  }
  return side;
}

}  // namespace

absl::StatusOr<DecisionView> FindDecision(absl::string_view decision_id, const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto own, state.Get<v1::DecisionRecord>(v1::TABLE_DECISION, decision_id));
  JCM_ASSIGN_OR_RETURN(auto peer, state.Get<v1::DecisionRecord>(state::Shadow(v1::TABLE_DECISION), decision_id));
  if (!own.has_value() && !peer.has_value()) return Error(Reason::DECISION_UNKNOWN, "no decision of this id");
  DecisionView view;
  view.own = own.has_value();
  view.collides = own.has_value() && peer.has_value();
  view.record = view.own ? *own : *peer;
  JCM_ASSIGN_OR_RETURN(v1::PartnershipRecord partnership, GetPartnership(state));
  view.peer_keeps_no_book = partnership.mode() == v1::PARTNERSHIP_MODE_ATTESTED;
  JCM_ASSIGN_OR_RETURN(view.reaction,
                       state.Get<v1::ReactionRecord>(TableOf(v1::TABLE_REACTION, /*shadow=*/view.own), decision_id));
  return view;
}

absl::optional<BookTime> DistributedAt(const DecisionView& view) {
  if (!view.reaction.has_value() || view.reaction->text_digest() != view.record.text_digest()) return absl::nullopt;
  if (view.reaction->distributed_at_us() == 0) return absl::nullopt;
  return BookTime::FromMicros(view.reaction->distributed_at_us());
}

absl::optional<BookTime> WindowEndOf(const DecisionView& view) {
  const absl::optional<BookTime> distributed = DistributedAt(view);
  if (!distributed.has_value() || view.record.mode() != v1::DECISION_MODE_ELECTRONIC) return absl::nullopt;
  const BookTime start = ClockStart(BookTime::FromMicros(view.record.opened_at_us()), *distributed);
  return WindowEnd(start, view.record.parameters());
}

BookTime LongStopOf(const DecisionView& view) {
  return LongStop(BookTime::FromMicros(view.record.opened_at_us()), view.record.parameters());
}

absl::StatusOr<BookTime> OwnThrough(absl::string_view decision_id, const state::StateReader& state) {
  return Through(decision_id, /*shadow=*/false, state);
}

absl::StatusOr<BookTime> PeerThrough(absl::string_view decision_id, const state::StateReader& state) {
  return Through(decision_id, /*shadow=*/true, state);
}

absl::StatusOr<std::vector<v1::MemberRecord>> LoadMembers(bool shadow, const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(std::vector<v1::MemberRecord> all,
                       LoadAll<v1::MemberRecord>(TableOf(v1::TABLE_MEMBER, shadow), "", state));
  std::map<std::string, const v1::MemberRecord*> by_id;
  for (const v1::MemberRecord& member : all) by_id[member.member_id()] = &member;
  std::vector<v1::MemberRecord> serving;
  for (const v1::MemberRecord& member : all) {
    if (member.alternate_of().empty()) {
      serving.push_back(member);
      continue;
    }
    // An alternate serves, in the same office, once the member has left and nobody else was named to follow.
    const auto principal = by_id.find(member.alternate_of());
    if (principal == by_id.end() || principal->second->until_us() == 0 || !principal->second->replaced_by().empty()) {
      continue;
    }
    v1::MemberRecord alternate = member;
    alternate.set_from_us(std::max(member.from_us(), principal->second->until_us()));
    alternate.set_co_chair(principal->second->co_chair());
    if (alternate.until_us() == 0 || alternate.until_us() > alternate.from_us()) serving.push_back(alternate);
  }
  return serving;
}

absl::StatusOr<std::vector<v1::VoteRecord>> LoadVotes(const DecisionView& view, bool shadow,
                                                      const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(
      std::vector<v1::VoteRecord> all,
      LoadAll<v1::VoteRecord>(TableOf(v1::TABLE_VOTE, shadow), absl::StrCat(view.record.decision_id(), "/"), state));
  std::vector<v1::VoteRecord> on_text;
  for (v1::VoteRecord& vote : all) {
    if (vote.text_digest() == view.record.text_digest()) on_text.push_back(std::move(vote));
  }
  return on_text;
}

absl::StatusOr<OutcomeInput> LoadOutcomeInput(const DecisionView& view, BookTime through,
                                              const state::StateReader& state) {
  OutcomeInput input;
  input.mode = view.record.mode();
  input.opened_at = BookTime::FromMicros(view.record.opened_at_us());
  input.distributed_at = DistributedAt(view);
  input.window_end = WindowEndOf(view);
  input.long_stop = LongStopOf(view);
  input.through = through;
  JCM_ASSIGN_OR_RETURN(input.owner, LoadSide(view, /*shadow=*/!view.own, state));
  JCM_ASSIGN_OR_RETURN(input.peer, LoadSide(view, /*shadow=*/view.own, state));
  return input;
}

}  // namespace jcm::rules
