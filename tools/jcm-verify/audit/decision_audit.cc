#include "tools/jcm-verify/audit/decision_audit.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/hash.h"
#include "tools/jcm-verify/audit/chain_audit.h"

namespace jcm::verify {
namespace {

constexpr uint64_t kMicrosPerDay = 86'400'000'000;

bool Parse(absl::string_view bytes, google::protobuf::MessageLite* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

bool HasText(const v1::DecisionRecord& decision) {
  const Digest digest = Sha256(decision.text());
  return decision.text_digest() == AsBytes(digest);
}

Date ToDate(const v1::Date& date) { return Date{date.year(), date.month(), date.day()}; }

uint32_t Of(uint32_t table, bool imported) { return table + (imported ? kShadowOffset : 0); }

// Minutes east of UTC on a day: of the latest row that has begun, and of the first one before that. Nullopt: no such
// row, or one that is no zone's.
absl::optional<int> MinutesOn(bool japan, const Date& day, const v1::RulebookParameters& parameters) {
  absl::optional<int> minutes;
  for (const v1::ZoneOffset& zone : parameters.zone_offsets()) {
    if (minutes.has_value() && day < ToDate(zone.from())) continue;
    minutes = japan ? zone.japan_minutes() : zone.partner_minutes();
  }
  if (minutes.has_value() && (*minutes < -kZoneOffsetMaxMinutes || *minutes > kZoneOffsetMaxMinutes))
    return absl::nullopt;
  return minutes;
}

absl::optional<uint64_t> StartOf(bool japan, const Date& day, const v1::RulebookParameters& parameters) {
  const absl::optional<int> minutes = MinutesOn(japan, day, parameters);
  if (!minutes.has_value()) return absl::nullopt;
  const absl::StatusOr<BookTime> start = StartOfDay(day, *minutes);
  if (!start.ok()) return absl::nullopt;
  return start->micros;
}

uint64_t LongStopOf(const v1::DecisionRecord& decision) {
  return decision.opened_at_us() + decision.parameters().e_decision_long_stop_days() * kMicrosPerDay;
}

}  // namespace

absl::optional<uint64_t> StartOfDayIn(bool japan, const v1::Date& day, const v1::RulebookParameters& parameters) {
  return StartOf(japan, ToDate(day), parameters);
}

absl::optional<uint64_t> WindowEndOf(uint64_t clock_start_us, const v1::RulebookParameters& parameters) {
  constexpr uint32_t kDaysMax = 10'000;
  const BookTime start = BookTime::FromMicros(clock_start_us);
  const uint32_t days = parameters.e_decision_days();
  if (days > kDaysMax || clock_start_us >= kTimeEndUs) return absl::nullopt;
  uint64_t latest = 0;
  for (const bool japan : {true, false}) {
    const absl::optional<int> minutes = MinutesOn(japan, DayInZone(start, 0), parameters);
    if (!minutes.has_value()) return absl::nullopt;
    const Date first = DayInZone(start, *minutes);
    const absl::optional<uint64_t> end = StartOf(japan, AddDays(first, static_cast<int>(days) + 1), parameters);
    if (!end.has_value()) return absl::nullopt;
    latest = std::max(latest, *end);
  }
  return latest;
}

// ---- outcomes
// --------------------------------------------------------------------------------------------------------

// One side's members and their last votes, as votes come in.
struct DecisionAudit::Side {
  bool members_known = true;
  std::vector<v1::MemberRecord> members;
  std::vector<v1::VoteRecord> votes;  // on the text
  std::map<std::string, const v1::VoteRecord*> latest;

  // `before`: just before the instant, so that what changes at it has not changed yet.
  static bool InOffice(const v1::MemberRecord& member, uint64_t at, bool before) {
    const uint64_t until = member.until_us();
    return before ? member.from_us() < at && (until == 0 || until >= at)
                  : member.from_us() <= at && (until == 0 || until > at);
  }
  v1::Vote VoteOf(const std::string& member_id) const {
    const auto vote = latest.find(member_id);
    return vote == latest.end() ? v1::VOTE_UNSPECIFIED : vote->second->vote();
  }
  // Who counts at the instant, with the vote and whether it is a co-chair's.
  std::vector<std::pair<v1::Vote, bool>> Counting(uint64_t at, bool before) const {
    std::vector<std::pair<v1::Vote, bool>> counting;
    if (!members_known) {
      for (const auto& [id, vote] : latest) counting.emplace_back(vote->vote(), vote->co_chair());
      return counting;
    }
    for (const v1::MemberRecord& member : members) {
      if (InOffice(member, at, before)) counting.emplace_back(VoteOf(member.member_id()), member.co_chair());
    }
    return counting;
  }
};

struct DecisionAudit::Event {
  // At one instant the window ends first, then offices change and the clock starts, then the owner's side votes.
  enum Rank { WINDOW_END, CHANGE, OWNER_VOTE, PEER_VOTE };
  uint64_t at_us;
  Rank rank;
  const v1::VoteRecord* vote = nullptr;

  std::tuple<uint64_t, Rank, uint64_t> Order() const { return {at_us, rank, vote == nullptr ? 0 : vote->sequence()}; }
};

bool DecisionAudit::PartnerKeepsNoBook() const {
  v1::PartnershipRecord partnership;
  return Parse(tables_.Get(v1::TABLE_PARTNERSHIP, "partnership"), &partnership) &&
         partnership.mode() == v1::PARTNERSHIP_MODE_ATTESTED;
}

uint64_t DecisionAudit::ThroughOf(const std::string& decision_id, bool imported) const {
  v1::VotesClosedRecord closed;
  return Parse(tables_.Get(Of(v1::TABLE_VOTES_CLOSED, imported), decision_id), &closed) ? closed.through_us() : 0;
}

absl::optional<uint64_t> DecisionAudit::ClockStartOf(const v1::DecisionRecord& decision, bool imported) const {
  if (decision.mode() == v1::DECISION_MODE_MEETING) return decision.opened_at_us();
  v1::ReactionRecord reaction;
  if (!Parse(tables_.Get(Of(v1::TABLE_REACTION, !imported), decision.decision_id()), &reaction) ||
      reaction.text_digest() != decision.text_digest() || reaction.distributed_at_us() == 0) {
    return absl::nullopt;
  }
  return std::max(decision.opened_at_us(), reaction.distributed_at_us());
}

DecisionAudit::Side DecisionAudit::SideOf(const v1::DecisionRecord& decision, bool imported) const {
  Side side;
  side.members_known = !(imported && PartnerKeepsNoBook());
  std::map<std::string, v1::MemberRecord> all;
  for (const auto& [id, bytes] : tables_.Of(Of(v1::TABLE_MEMBER, imported))) {
    v1::MemberRecord member;
    if (Parse(bytes, &member)) all[id] = std::move(member);
  }
  for (const auto& [id, member] : all) {
    if (member.alternate_of().empty()) {
      side.members.push_back(member);
      continue;
    }
    // An alternate counts from when the member has gone, and only if nobody was named to follow; in the same office.
    const auto stood_for = all.find(member.alternate_of());
    if (stood_for == all.end() || stood_for->second.until_us() == 0 || !stood_for->second.replaced_by().empty()) {
      continue;
    }
    v1::MemberRecord serving = member;
    serving.set_from_us(std::max(member.from_us(), stood_for->second.until_us()));
    serving.set_co_chair(stood_for->second.co_chair());
    if (serving.until_us() == 0 || serving.until_us() > serving.from_us()) side.members.push_back(std::move(serving));
  }
  const std::string prefix = absl::StrCat(decision.decision_id(), "/");
  const Records& votes = tables_.Of(Of(v1::TABLE_VOTE, imported));
  for (auto at = votes.lower_bound(prefix); at != votes.end() && absl::StartsWith(at->first, prefix); ++at) {
    v1::VoteRecord vote;
    if (Parse(at->second, &vote) && vote.text_digest() == decision.text_digest()) side.votes.push_back(std::move(vote));
  }
  return side;
}

// What may make the rule hold, as far as both sides have said that all of it is there.
std::vector<DecisionAudit::Event> DecisionAudit::EventsOf(const v1::DecisionRecord& decision,
                                                          absl::optional<uint64_t> clock_start,
                                                          absl::optional<uint64_t> window_end, const Side& owner,
                                                          const Side& peer) const {
  std::vector<Event> events;
  for (const Side* side : {&owner, &peer}) {
    for (const v1::MemberRecord& member : side->members) {
      events.push_back({member.from_us(), Event::CHANGE});
      if (member.until_us() != 0) events.push_back({member.until_us(), Event::CHANGE});
    }
    for (const v1::VoteRecord& vote : side->votes) {
      events.push_back({vote.at_us(), side == &owner ? Event::OWNER_VOTE : Event::PEER_VOTE, &vote});
    }
  }
  if (clock_start.has_value()) events.push_back({*clock_start, Event::CHANGE});
  if (window_end.has_value()) events.push_back({*window_end, Event::WINDOW_END});
  const uint64_t through = decision.outcome_through_us();
  const auto not_covered = [&](const Event& event) {
    return event.rank == Event::WINDOW_END ? event.at_us > through : event.at_us >= through;
  };
  events.erase(std::remove_if(events.begin(), events.end(), not_covered), events.end());
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.Order() < b.Order(); });
  return events;
}

absl::optional<uint64_t> DecisionAudit::AdoptedAt(const v1::DecisionRecord& decision, bool imported) const {
  const absl::optional<uint64_t> clock_start = ClockStartOf(decision, imported);
  if (!clock_start.has_value()) return absl::nullopt;
  const bool meeting = decision.mode() == v1::DECISION_MODE_MEETING;
  const absl::optional<uint64_t> window_end =
      meeting ? absl::nullopt : WindowEndOf(*clock_start, decision.parameters());
  Side owner = SideOf(decision, imported);
  Side peer = SideOf(decision, !imported);
  for (const Event& event : EventsOf(decision, clock_start, window_end, owner, peer)) {
    if (event.vote != nullptr) {
      (event.rank == Event::OWNER_VOTE ? owner : peer).latest[event.vote->member_id()] = event.vote;
    }
    if (event.at_us < *clock_start) continue;
    if (event.at_us >= LongStopOf(decision)) return absl::nullopt;
    bool all_yes = true;
    bool co_chairs_yes = true;
    bool somebody_no = false;
    for (const Side* side : {&owner, &peer}) {
      bool yes = false;
      bool co_chair_yes = false;
      all_yes = all_yes && side->members_known;
      for (const auto& [vote, co_chair] : side->Counting(event.at_us, event.rank == Event::WINDOW_END)) {
        yes = yes || vote == v1::VOTE_YES;
        co_chair_yes = co_chair_yes || (co_chair && vote == v1::VOTE_YES);
        somebody_no = somebody_no || vote == v1::VOTE_NO;
        all_yes = all_yes && (vote == v1::VOTE_YES || vote == v1::VOTE_RECUSED);
      }
      all_yes = all_yes && yes;
      co_chairs_yes = co_chairs_yes && co_chair_yes;
    }
    const bool window_over = window_end.has_value() && *window_end <= event.at_us;
    const bool holds = meeting ? co_chairs_yes : all_yes || (window_over && co_chairs_yes && !somebody_no);
    if (holds) return event.at_us;
  }
  return absl::nullopt;
}

void DecisionAudit::CheckOutcome(uint64_t sequence, const v1::DecisionRecord& decision, bool imported) {
  const std::string& id = decision.decision_id();
  const uint64_t own = ThroughOf(id, false);
  const uint64_t closed = PartnerKeepsNoBook() ? own : std::min(own, ThroughOf(id, true));
  JCM_AUDIT_REQUIRE(
      report_, decision.outcome_through_us() <= closed, Check::DECISION, sequence,
      absl::StrCat("an outcome of ", id, " from votes up to ", closed, " µs, which both sides have closed"),
      absl::StrCat(decision.outcome_through_us()));
  const absl::optional<uint64_t> adopted = AdoptedAt(decision, imported);
  if (decision.state() == v1::DECISION_STATE_ADOPTED) {
    JCM_AUDIT_REQUIRE(report_, adopted.has_value() && *adopted == decision.adopted_at_us(), Check::DECISION, sequence,
                      adopted.has_value() ? absl::StrCat("decision ", id, " adopted at ", *adopted, " µs by its votes")
                                          : absl::StrCat("no adoption of ", id, " by its votes"),
                      absl::StrCat("adopted at ", decision.adopted_at_us()));
    return;
  }
  const uint64_t long_stop = LongStopOf(decision);
  JCM_AUDIT_REQUIRE(report_, !adopted.has_value() && decision.outcome_through_us() >= long_stop, Check::DECISION,
                    sequence,
                    adopted.has_value() ? absl::StrCat("decision ", id, " adopted at ", *adopted, " µs by its votes")
                                        : absl::StrCat("decision ", id, " open until its long stop at ", long_stop),
                    absl::StrCat("not adopted, by votes up to ", decision.outcome_through_us()));
}

// ---- records
// ---------------------------------------------------------------------------------------------------------

bool DecisionAudit::ParseBoth(uint64_t sequence, const EffectBytes& effect, google::protobuf::MessageLite* before,
                              google::protobuf::MessageLite* after) {
  if (Parse(effect.old_value, before) && Parse(effect.new_value, after)) return true;
  report_.Fail(Check::FORM, sequence, "", absl::StrCat("a record of table ", effect.table), "bytes that are none");
  return false;
}

absl::optional<v1::IssuanceText> DecisionAudit::AdoptedText(const std::string& decision_id) const {
  for (const uint32_t table : {uint32_t{v1::TABLE_DECISION}, v1::TABLE_DECISION + kShadowOffset}) {
    const absl::string_view bytes = tables_.Get(table, decision_id);
    v1::DecisionRecord decision;
    v1::DecisionText text;
    if (bytes.empty() || !Parse(bytes, &decision) || decision.state() != v1::DECISION_STATE_ADOPTED) continue;
    if (!HasText(decision) || !Parse(decision.text(), &text)) continue;
    if (text.kind() == v1::DECISION_KIND_ISSUANCE) return std::move(*text.mutable_issuance());
  }
  return absl::nullopt;
}

absl::optional<v1::DecisionText> DecisionAudit::ConfirmedText(const std::string& decision_id) const {
  const absl::string_view own = tables_.Get(v1::TABLE_DECISION, decision_id);
  const absl::string_view other = tables_.Get(v1::TABLE_DECISION + kShadowOffset, decision_id);
  v1::DecisionRecord decision;
  v1::ReactionRecord answer;
  if (own.empty() == other.empty() || !Parse(own.empty() ? other : own, &decision)) return absl::nullopt;
  const uint32_t table = own.empty() ? uint32_t{v1::TABLE_REACTION} : v1::TABLE_REACTION + kShadowOffset;
  const bool confirmed =
      Parse(tables_.Get(table, decision_id), &answer) && answer.state() == v1::REACTION_STATE_CONFIRMED &&
      answer.outcome() == v1::DECISION_OUTCOME_ADOPTED && answer.text_digest() == decision.text_digest();
  v1::DecisionText text;
  if (!confirmed || decision.state() != v1::DECISION_STATE_ADOPTED || !HasText(decision)) return absl::nullopt;
  if (!Parse(decision.text(), &text)) return absl::nullopt;
  return text;
}

absl::optional<v1::IssuanceText> DecisionAudit::ConfirmedIssuance(uint64_t sequence, const std::string& decision_id,
                                                                  const std::string& text_digest) const {
  const absl::string_view own = tables_.Get(v1::TABLE_DECISION, decision_id);
  const absl::string_view other = tables_.Get(v1::TABLE_DECISION + kShadowOffset, decision_id);
  const bool is_own = !own.empty();
  v1::DecisionRecord decision;
  v1::ReactionRecord reaction;
  const bool one = own.empty() != other.empty() && Parse(is_own ? own : other, &decision);
  const bool adopted = one && decision.state() == v1::DECISION_STATE_ADOPTED && HasText(decision) &&
                       decision.text_digest() == text_digest;
  const absl::string_view answer =
      tables_.Get(is_own ? v1::TABLE_REACTION + kShadowOffset : uint32_t{v1::TABLE_REACTION}, decision_id);
  const bool confirmed = !answer.empty() && Parse(answer, &reaction) &&
                         reaction.state() == v1::REACTION_STATE_CONFIRMED &&
                         reaction.outcome() == v1::DECISION_OUTCOME_ADOPTED && reaction.text_digest() == text_digest;
  JCM_AUDIT_REQUIRE(report_, adopted && confirmed, Check::ISSUANCE, sequence,
                    absl::StrCat("decision ", decision_id, " adopted by one side and confirmed by the other"),
                    adopted ? "it is not confirmed" : "it is not adopted");
  return AdoptedText(decision_id);
}

void DecisionAudit::CheckDecision(uint64_t sequence, const EffectBytes& effect, bool imported) {
  v1::DecisionRecord before, after;
  if (!ParseBoth(sequence, effect, &before, &after)) return;
  const bool opened = before.state() == v1::DECISION_STATE_UNSPECIFIED || before.state() == v1::DECISION_STATE_OPEN;
  JCM_AUDIT_REQUIRE(report_, opened && !effect.new_value.empty() && HasText(after), Check::DECISION, sequence,
                    absl::StrCat("decision ", effect.key, " changed while it is open, with its text's digest"),
                    absl::StrCat("state ", v1::DecisionState_Name(before.state())));
  const bool adopted = after.state() == v1::DECISION_STATE_ADOPTED;
  if (!opened || (!adopted && after.state() != v1::DECISION_STATE_NOT_ADOPTED)) return;
  CheckOutcome(sequence, after, imported);
  const absl::optional<v1::IssuanceText> text = adopted ? AdoptedText(after.decision_id()) : absl::nullopt;
  if (text.has_value()) CheckAllocation(sequence, *text);
}

void DecisionAudit::CheckReaction(uint64_t sequence, const EffectBytes& effect, bool imported) {
  v1::ReactionRecord before, after;
  if (!ParseBoth(sequence, effect, &before, &after)) return;
  const bool answered = before.state() == v1::REACTION_STATE_CONFIRMED || before.state() == v1::REACTION_STATE_DISPUTED;
  JCM_AUDIT_REQUIRE(report_, !answered && !effect.new_value.empty(), Check::DECISION, sequence,
                    absl::StrCat("one answer to ", effect.key), "another one");
  if (after.state() != v1::REACTION_STATE_CONFIRMED) return;
  // An own answer is to the other side's decision, an imported one to an own.
  v1::DecisionRecord decision;
  const absl::string_view bytes =
      tables_.Get(imported ? uint32_t{v1::TABLE_DECISION} : v1::TABLE_DECISION + kShadowOffset, effect.key);
  const v1::DecisionState confirmed =
      after.outcome() == v1::DECISION_OUTCOME_ADOPTED ? v1::DECISION_STATE_ADOPTED : v1::DECISION_STATE_NOT_ADOPTED;
  const bool same = !bytes.empty() && Parse(bytes, &decision) && decision.state() == confirmed &&
                    decision.text_digest() == after.text_digest();
  JCM_AUDIT_REQUIRE(report_, same, Check::DECISION, sequence,
                    absl::StrCat("the outcome of ", effect.key, " as its owner states it, ",
                                 v1::DecisionState_Name(decision.state())),
                    v1::DecisionOutcome_Name(after.outcome()));
}

void DecisionAudit::CheckVote(uint64_t sequence, uint64_t time_us, const EffectBytes& effect, bool imported,
                              bool attested) {
  v1::VoteRecord before, vote;
  if (!ParseBoth(sequence, effect, &before, &vote)) return;
  const bool once = effect.old_value.empty() && !effect.new_value.empty();
  // An attested vote counts at its legal date; AttestAudit says which that is.
  const bool here = attested ? vote.sequence() == sequence && vote.at_us() <= time_us
                             : imported || (vote.sequence() == sequence && vote.at_us() == time_us);
  JCM_AUDIT_REQUIRE(report_, once && here, Check::DECISION, sequence, "a vote that is written once, at its time",
                    absl::StrCat("vote of ", vote.member_id(), " at ", vote.at_us(), " µs"));
  if (imported || attested || vote.vote() == v1::VOTE_RECUSED) return;
  JCM_AUDIT_REQUIRE(report_, !IsInConflict(vote), Check::DECISION, sequence,
                    absl::StrCat("no vote of ", vote.member_id(), ", who has declared a conflict of interest"),
                    v1::Vote_Name(vote.vote()));
}

// Whether the member has declared a conflict about what the decision is on: by its id, by a dossier, or by the number
// of the project that it issues for. In a meeting a declaration stops nothing.
bool DecisionAudit::IsInConflict(const v1::VoteRecord& vote) const {
  absl::string_view bytes = tables_.Get(v1::TABLE_DECISION, vote.decision_id());
  if (bytes.empty()) bytes = tables_.Get(v1::TABLE_DECISION + kShadowOffset, vote.decision_id());
  v1::DecisionRecord decision;
  v1::DecisionText text;
  if (!Parse(bytes, &decision) || decision.mode() == v1::DECISION_MODE_MEETING || !Parse(decision.text(), &text)) {
    return false;
  }
  std::set<std::string> named = {vote.decision_id(), text.issuance().project_id()};
  for (const v1::DecisionSubject& subject : text.subjects()) named.insert(subject.dossier_id());
  const auto dossier_of = [this](const std::string& reference) {
    v1::ReferenceRecord record;
    for (const uint32_t table : {uint32_t{v1::TABLE_REFERENCE}, v1::TABLE_REFERENCE + kShadowOffset}) {
      const absl::string_view found = tables_.Get(table, reference);
      if (!found.empty() && Parse(found, &record)) return record.dossier_id();
    }
    return reference;
  };
  if (text.has_issuance()) named.insert(dossier_of(text.issuance().project_id()));
  const std::string prefix = absl::StrCat(vote.member_id(), "/");
  const Records& conflicts = tables_.Of(v1::TABLE_CONFLICT);
  for (auto at = conflicts.lower_bound(prefix); at != conflicts.end() && absl::StartsWith(at->first, prefix); ++at) {
    v1::ConflictRecord conflict;
    if (!Parse(at->second, &conflict) || conflict.ended_at_us() != 0) continue;
    if (named.count(conflict.object()) > 0 || named.count(dossier_of(conflict.object())) > 0) return true;
  }
  return false;
}

void DecisionAudit::CheckVotesClosed(uint64_t sequence, uint64_t time_us, const EffectBytes& effect, bool imported) {
  v1::VotesClosedRecord before, after;
  if (!ParseBoth(sequence, effect, &before, &after)) return;
  JCM_AUDIT_REQUIRE(report_, after.through_us() > before.through_us(), Check::DECISION, sequence,
                    absl::StrCat("closing of votes on ", effect.key, " that rises above ", before.through_us()),
                    absl::StrCat(after.through_us()));
  // What is still to come cannot be closed: a vote of that time would be missing.
  JCM_AUDIT_REQUIRE(report_, imported || after.through_us() <= time_us, Check::DECISION, sequence,
                    absl::StrCat("closing of votes on ", effect.key, " up to ", time_us, " µs at most"),
                    absl::StrCat(after.through_us()));
}

void DecisionAudit::CheckAllocation(uint64_t sequence, const v1::IssuanceText& text) {
  Tonnes decided = 0;
  std::map<std::string, std::vector<std::pair<Serial, Serial>>> ranges;
  for (const v1::AllocationRow& row : text.rows()) {
    ranges[row.range().lot_id()].emplace_back(row.range().first(), row.range().last());
  }
  for (const v1::LotText& lot : text.lots()) {
    decided += lot.tonnes();
    std::vector<std::pair<Serial, Serial>>& rows = ranges[lot.lot_id()];
    std::sort(rows.begin(), rows.end());
    Serial next = 1;
    bool fits = true;
    for (const auto& row : rows) {
      fits = fits && row.first == next && row.second >= row.first;
      next = row.second + 1;
    }
    JCM_AUDIT_REQUIRE(report_, fits && next == lot.tonnes() + 1 && lot.tonnes() > 0, Check::ALLOCATION, sequence,
                      absl::StrCat("rows that cover 1..", lot.tonnes(), " of ", lot.lot_id(), " once"),
                      absl::StrCat("others, up to ", next - 1));
    ranges.erase(lot.lot_id());
  }
  for (const auto& [lot_id, rows] : ranges) {
    report_.Fail(Check::ALLOCATION, sequence, "", "rows of the decided lots", absl::StrCat("a row of ", lot_id));
  }
  JCM_AUDIT_REQUIRE(report_, decided <= text.verified_tonnes(), Check::ISSUANCE, sequence,
                    absl::StrCat("at most the verified ", text.verified_tonnes(), " t"), absl::StrCat(decided, " t"));
}

}  // namespace jcm::verify
