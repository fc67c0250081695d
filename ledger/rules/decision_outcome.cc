#include "ledger/rules/decision_outcome.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"

namespace jcm::rules {
namespace {

// What may make the rule hold, in the order in which it happens. At one instant: the window ends, then offices change
// and the clock starts, then the owner's votes, then the other side's.
enum class EventRank { WINDOW_END = 0, CHANGE = 1, OWNER_VOTE = 2, PEER_VOTE = 3 };

struct Event {
  BookTime at;
  EventRank rank;
  uint64_t sequence = 0;
  const CountedVote* vote = nullptr;
};

bool Before(const Event& a, const Event& b) {
  return std::tie(a.at.micros, a.rank, a.sequence) < std::tie(b.at.micros, b.rank, b.sequence);
}

// The state of one side's replies as votes come in.
class Side {
 public:
  explicit Side(const SideOfOutcome& side) : side_(side) {}

  void Count(const CountedVote& vote) { latest_[vote.member_id] = &vote; }

  // `before`: what held just before `at`; otherwise with all that happened at it.
  bool AllYes(BookTime at, bool before) const {
    if (!side_.members_known) return false;
    bool any = false;
    for (const CountedMember& member : side_.members) {
      if (!InOffice(member, at, before)) continue;
      const v1::Vote vote = LatestOf(member.member_id);
      if (vote == v1::VOTE_RECUSED) continue;
      if (vote != v1::VOTE_YES) return false;
      any = true;
    }
    return any;
  }

  bool CoChairYes(BookTime at, bool before) const {
    if (!side_.members_known) {
      return std::any_of(latest_.begin(), latest_.end(), [](const auto& entry) {
        return entry.second->co_chair && entry.second->vote == v1::VOTE_YES;
      });
    }
    return std::any_of(side_.members.begin(), side_.members.end(), [&](const CountedMember& member) {
      return member.co_chair && InOffice(member, at, before) && LatestOf(member.member_id) == v1::VOTE_YES;
    });
  }

  bool AnyNo(BookTime at, bool before) const {
    if (!side_.members_known) {
      return std::any_of(latest_.begin(), latest_.end(),
                         [](const auto& entry) { return entry.second->vote == v1::VOTE_NO; });
    }
    return std::any_of(side_.members.begin(), side_.members.end(), [&](const CountedMember& member) {
      return InOffice(member, at, before) && LatestOf(member.member_id) == v1::VOTE_NO;
    });
  }

 private:
  static bool InOffice(const CountedMember& member, BookTime at, bool before) {
    const bool ends = member.until.micros != 0;
    if (before) return member.from < at && (!ends || member.until >= at);
    return member.from <= at && (!ends || member.until > at);
  }

  v1::Vote LatestOf(const std::string& member_id) const {
    auto it = latest_.find(member_id);
    return it == latest_.end() ? v1::VOTE_UNSPECIFIED : it->second->vote;
  }

  const SideOfOutcome& side_;
  std::map<std::string, const CountedVote*> latest_;
};

void AddSideEvents(const SideOfOutcome& side, EventRank rank, std::vector<Event>* events) {
  for (const CountedVote& vote : side.votes) events->push_back({vote.at, rank, vote.sequence, &vote});
  for (const CountedMember& member : side.members) {
    events->push_back({member.from, EventRank::CHANGE});
    if (member.until.micros != 0) events->push_back({member.until, EventRank::CHANGE});
  }
}

// All events that `through` covers: what is stamped before it, and the end of the window if it is not after it.
std::vector<Event> EventsOf(const OutcomeInput& input, BookTime start) {
  std::vector<Event> all;
  AddSideEvents(input.owner, EventRank::OWNER_VOTE, &all);
  AddSideEvents(input.peer, EventRank::PEER_VOTE, &all);
  all.push_back({start, EventRank::CHANGE});
  if (input.window_end.has_value()) all.push_back({*input.window_end, EventRank::WINDOW_END});
  std::vector<Event> covered;
  for (const Event& event : all) {
    if (event.at < input.through || (event.at == input.through && event.rank == EventRank::WINDOW_END)) {
      covered.push_back(event);
    }
  }
  std::stable_sort(covered.begin(), covered.end(), Before);
  return covered;
}

bool Holds(const OutcomeInput& input, const Side& owner, const Side& peer, const Event& event) {
  const bool before = event.rank == EventRank::WINDOW_END;
  const bool co_chairs = owner.CoChairYes(event.at, before) && peer.CoChairYes(event.at, before);
  if (input.mode == v1::DECISION_MODE_MEETING) return co_chairs;
  if (owner.AllYes(event.at, before) && peer.AllYes(event.at, before)) return true;
  const bool window_over = input.window_end.has_value() && *input.window_end <= event.at;
  return window_over && co_chairs && !owner.AnyNo(event.at, before) && !peer.AnyNo(event.at, before);
}

}  // namespace

Outcome ComputeOutcome(const OutcomeInput& input) {
  const bool meeting = input.mode == v1::DECISION_MODE_MEETING;
  if (meeting || input.distributed_at.has_value()) {
    const BookTime start = meeting ? input.opened_at : ClockStart(input.opened_at, *input.distributed_at);
    Side owner(input.owner);
    Side peer(input.peer);
    for (const Event& event : EventsOf(input, start)) {
      if (event.vote != nullptr) (event.rank == EventRank::OWNER_VOTE ? owner : peer).Count(*event.vote);
      if (event.at < start) continue;
      if (event.at >= input.long_stop) break;
      if (Holds(input, owner, peer, event)) return {v1::DECISION_STATE_ADOPTED, event.at};
    }
  }
  if (input.through >= input.long_stop) return {v1::DECISION_STATE_NOT_ADOPTED, input.long_stop};
  return {};
}

BookTime ClockStart(BookTime opened_at, BookTime distributed_at) { return std::max(opened_at, distributed_at); }

BookTime WindowEnd(BookTime start, const v1::RulebookParameters& parameters) {
  // The first day is not counted.
  return EndOfDayAfter(start, parameters.e_decision_days(), parameters);
}

BookTime LongStop(BookTime opened_at, const v1::RulebookParameters& parameters) {
  return BookTime::FromMicros(opened_at.micros + parameters.e_decision_long_stop_days() * kMicrosPerDay);
}

}  // namespace jcm::rules
