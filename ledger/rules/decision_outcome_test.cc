#include "ledger/rules/decision_outcome.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/date.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

BookTime Day(uint64_t day) { return BookTime::FromMicros(day * kMicrosPerDay); }

CountedMember Member(const std::string& id, bool co_chair, uint64_t from = 0, uint64_t until = 0) {
  return {id, co_chair, Day(from), Day(until)};
}

CountedVote Cast(uint64_t day, const std::string& member, v1::Vote vote) {
  return {Day(day), day, member, false, vote};
}

constexpr v1::Vote kYes = v1::VOTE_YES;
constexpr v1::Vote kNo = v1::VOTE_NO;
constexpr v1::Vote kRecused = v1::VOTE_RECUSED;

// Opened on day 1, distributed on day 2, window until day 13, long stop on day 91; co-chairs c and d, members m and n.
OutcomeInput Electronic(std::vector<CountedVote> owner, std::vector<CountedVote> peer, uint64_t through) {
  OutcomeInput input;
  input.mode = v1::DECISION_MODE_ELECTRONIC;
  input.opened_at = Day(1);
  input.distributed_at = Day(2);
  input.window_end = Day(13);
  input.long_stop = Day(91);
  input.through = Day(through);
  input.owner.members = {Member("c", true), Member("m", false)};
  input.peer.members = {Member("d", true), Member("n", false)};
  input.owner.votes = std::move(owner);
  input.peer.votes = std::move(peer);
  return input;
}

void ExpectAdopted(const OutcomeInput& input, uint64_t day) {
  const Outcome outcome = ComputeOutcome(input);
  EXPECT_EQ(outcome.state, v1::DECISION_STATE_ADOPTED);
  EXPECT_EQ(outcome.at.micros, Day(day).micros);
}

void ExpectOpen(const OutcomeInput& input) { EXPECT_EQ(ComputeOutcome(input).state, v1::DECISION_STATE_OPEN); }

TEST(DecisionOutcome, IsAdoptedWhenAllMembersOfBothSidesHaveSaidYes) {
  ExpectAdopted(Electronic({Cast(3, "c", kYes), Cast(4, "m", kYes)}, {Cast(5, "d", kYes), Cast(6, "n", kYes)}, 7), 6);
}

TEST(DecisionOutcome, NeedsAThroughAfterTheLastVote) {
  ExpectOpen(Electronic({Cast(3, "c", kYes), Cast(4, "m", kYes)}, {Cast(5, "d", kYes), Cast(6, "n", kYes)}, 6));
}

TEST(DecisionOutcome, LapsesIntoAdoptionAtTheEndOfTheWindow) {
  ExpectAdopted(Electronic({Cast(3, "c", kYes)}, {Cast(5, "d", kYes)}, 13), 13);
  ExpectOpen(Electronic({Cast(3, "c", kYes)}, {Cast(5, "d", kYes)}, 12));
}

TEST(DecisionOutcome, NeedsBothCoChairs) {
  ExpectOpen(Electronic({Cast(3, "c", kYes), Cast(3, "m", kYes)}, {Cast(5, "n", kYes)}, 20));
  ExpectOpen(Electronic({Cast(3, "m", kYes)}, {Cast(5, "d", kYes), Cast(5, "n", kYes)}, 20));
}

TEST(DecisionOutcome, IsBlockedByOneNoUntilItIsTakenBack) {
  ExpectOpen(Electronic({Cast(3, "c", kYes), Cast(4, "m", kNo)}, {Cast(5, "d", kYes)}, 20));
  ExpectAdopted(Electronic({Cast(3, "c", kYes), Cast(4, "m", kNo), Cast(15, "m", kYes)}, {Cast(5, "d", kYes)}, 20), 15);
}

TEST(DecisionOutcome, IsBlockedByANoAfterTheTenthDayButBeforeTheSecondCoChair) {
  ExpectOpen(Electronic({Cast(3, "c", kYes), Cast(14, "m", kNo)}, {Cast(15, "d", kYes)}, 20));
}

TEST(DecisionOutcome, KeepsVotesAfterAdoptionWithoutEffect) {
  ExpectAdopted(Electronic({Cast(3, "c", kYes), Cast(14, "m", kNo)}, {Cast(5, "d", kYes)}, 20), 13);
}

TEST(DecisionOutcome, CountsAVoteAtTheWindowsVeryEndAfterIt) {
  ExpectAdopted(Electronic({Cast(3, "c", kYes), Cast(13, "m", kNo)}, {Cast(5, "d", kYes)}, 20), 13);
}

TEST(DecisionOutcome, TakesTheOwnersVoteFirstAtOneInstant) {
  // At one instant the owner's co-chair withdraws a yes by a no, and the other side's says yes.
  ExpectOpen(Electronic({Cast(3, "c", kYes), Cast(14, "c", kNo)}, {Cast(14, "d", kYes)}, 20));
  // The other way round the owner's yes comes first and both stand before the other side's no.
  OutcomeInput input = Electronic({Cast(14, "c", kYes)}, {Cast(3, "d", kYes), Cast(14, "d", kNo)}, 20);
  ExpectAdopted(input, 14);
}

TEST(DecisionOutcome, LeavesRecusedMembersOut) {
  ExpectAdopted(Electronic({Cast(3, "c", kYes), Cast(3, "m", kRecused)}, {Cast(5, "d", kYes), Cast(6, "n", kYes)}, 7),
                6);
  ExpectAdopted(Electronic({Cast(3, "c", kRecused), Cast(3, "m", kYes)}, {Cast(5, "d", kYes), Cast(6, "n", kYes)}, 7),
                6);
}

TEST(DecisionOutcome, IsNeverAdoptedByASideThatIsRecusedAsAWhole) {
  ExpectOpen(
      Electronic({Cast(3, "c", kRecused), Cast(3, "m", kRecused)}, {Cast(5, "d", kYes), Cast(6, "n", kYes)}, 20));
}

TEST(DecisionOutcome, CannotLapseWhileACoChairIsRecused) {
  ExpectOpen(Electronic({Cast(3, "c", kRecused), Cast(3, "m", kYes)}, {Cast(5, "d", kYes)}, 20));
}

TEST(DecisionOutcome, WaitsForDistribution) {
  OutcomeInput input = Electronic({Cast(3, "c", kYes), Cast(4, "m", kYes)}, {}, 20);
  input.distributed_at = absl::nullopt;
  input.window_end = absl::nullopt;
  ExpectOpen(input);
}

TEST(DecisionOutcome, IsNotAdoptedBeforeTheClockStarts) {
  OutcomeInput input =
      Electronic({Cast(1, "c", kYes), Cast(1, "m", kYes)}, {Cast(2, "d", kYes), Cast(2, "n", kYes)}, 9);
  input.distributed_at = Day(8);
  ExpectAdopted(input, 8);
}

TEST(DecisionOutcome, CountsWhoIsInOfficeAtThatInstant) {
  OutcomeInput input = Electronic({Cast(3, "c", kYes)}, {Cast(5, "d", kYes), Cast(6, "n", kYes)}, 12);
  input.owner.members = {Member("c", true), Member("m", false, 0, 9)};
  ExpectAdopted(input, 9);  // the member who had not answered leaves
  input.owner.members.push_back(Member("successor", false, 9));
  ExpectOpen(input);  // and is replaced: the successor is asked
  input.owner.votes.push_back(Cast(10, "successor", kYes));
  ExpectAdopted(input, 10);
}

TEST(DecisionOutcome, DropsTheNoOfAMemberWhoLeft) {
  OutcomeInput input = Electronic({Cast(3, "c", kYes), Cast(4, "m", kNo)}, {Cast(5, "d", kYes)}, 20);
  input.owner.members = {Member("c", true), Member("m", false, 0, 15)};
  ExpectAdopted(input, 15);
}

TEST(DecisionOutcome, AsksTheNewCoChair) {
  OutcomeInput input = Electronic({Cast(3, "c", kYes)}, {Cast(5, "d", kYes)}, 20);
  input.owner.members = {Member("c", true, 0, 12), Member("e", true, 12), Member("m", false)};
  ExpectOpen(input);
  input.owner.votes.push_back(Cast(14, "e", kYes));
  ExpectAdopted(input, 14);
}

TEST(DecisionOutcome, IsNotAdoptedAtTheLongStop) {
  const Outcome outcome = ComputeOutcome(Electronic({Cast(3, "c", kYes)}, {}, 91));
  EXPECT_EQ(outcome.state, v1::DECISION_STATE_NOT_ADOPTED);
  EXPECT_EQ(outcome.at.micros, Day(91).micros);
  ExpectOpen(Electronic({Cast(3, "c", kYes)}, {}, 90));
  EXPECT_EQ(ComputeOutcome(Electronic({Cast(3, "c", kYes)}, {Cast(91, "d", kYes)}, 92)).state,
            v1::DECISION_STATE_NOT_ADOPTED);
}

OutcomeInput Meeting(std::vector<CountedVote> owner, std::vector<CountedVote> peer, uint64_t through) {
  OutcomeInput input = Electronic(std::move(owner), std::move(peer), through);
  input.mode = v1::DECISION_MODE_MEETING;
  input.distributed_at = absl::nullopt;
  input.window_end = absl::nullopt;
  return input;
}

TEST(DecisionOutcome, OfAMeetingIsAdoptedByBothCoChairs) {
  ExpectAdopted(Meeting({Cast(3, "c", kYes)}, {Cast(4, "d", kYes)}, 5), 4);
  ExpectOpen(Meeting({Cast(3, "c", kYes)}, {Cast(4, "n", kYes)}, 20));
  ExpectOpen(Meeting({Cast(3, "c", kYes)}, {Cast(4, "d", kNo)}, 20));
}

TEST(DecisionOutcome, TakesAttestedVotersAsInOffice) {
  OutcomeInput input = Electronic({Cast(3, "c", kYes), Cast(3, "m", kYes)}, {Cast(5, "their chair", kYes)}, 13);
  input.peer.members_known = false;
  input.peer.members.clear();
  ExpectOpen(input);
  input.peer.votes[0].co_chair = true;
  ExpectAdopted(input, 13);  // by lapse: whether all members were asked is not known
  input.peer.votes.push_back(Cast(6, "somebody", kNo));
  ExpectOpen(input);
}

// ---- the clock
// -------------------------------------------------------------------------------------------------------

TEST(DecisionWindow, EndsWithTheTenthDayInTheLaterCapital) {
  EXPECT_EQ(WindowEnd(At("2026-03-02T00:00:00Z"), TestParameters()).micros, At("2026-03-12T17:00:00Z").micros);
}

TEST(DecisionWindow, CountsDaysInEachCapital) {
  // 01:00 on the 3rd in Tokyo, 23:00 on the 2nd in Bangkok: Tokyo's tenth day is the later one.
  EXPECT_EQ(WindowEnd(At("2026-03-02T16:00:00Z"), TestParameters()).micros, At("2026-03-13T15:00:00Z").micros);
}

TEST(DecisionWindow, TakesTheOffsetsOfItsEnd) {
  v1::RulebookParameters parameters = TestParameters();
  v1::ZoneOffset* later = parameters.add_zone_offsets();
  *later->mutable_from() = MakeDate(2026, 3, 10);
  later->set_japan_minutes(9 * 60);
  later->set_partner_minutes(6 * 60);
  EXPECT_EQ(WindowEnd(At("2026-03-02T00:00:00Z"), parameters).micros, At("2026-03-12T18:00:00Z").micros);
}

TEST(DecisionWindow, StartsAtTheLaterOfOpeningAndDistribution) {
  EXPECT_EQ(ClockStart(Day(3), Day(2)).micros, Day(3).micros);
  EXPECT_EQ(ClockStart(Day(2), Day(3)).micros, Day(3).micros);
}

TEST(DecisionLongStop, IsNinetyDaysAfterTheOpening) {
  EXPECT_EQ(LongStop(Day(1), TestParameters()).micros, Day(91).micros);
}

}  // namespace
}  // namespace jcm::rules
