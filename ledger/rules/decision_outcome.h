// The outcome of a Joint Committee decision: a pure function of both sides' votes and members. Source: the Joint
// Committees' rules of procedure, on electronic decisions.
//
//   OutcomeInput input = ...;                    // from either book, the same
//   Outcome outcome = ComputeOutcome(input);     // OPEN, ADOPTED since an instant, or NOT_ADOPTED since the long stop
//
// Electronic: adopted at the first instant, not before the clock has started, at which
//   (a) every member in office of both sides who is not recused has said yes, at least one on each side; or
//   (b) the window has ended, no member in office says no, and both co-chairs say yes.
// Meeting: adopted when both co-chairs have said yes; no clock.
// The last vote of a member counts; one of a member no longer in office does not. A vote stamped at the very end of the
// window comes after it. Adoption is before the long stop, or there is none.
#ifndef LEDGER_RULES_DECISION_OUTCOME_H_
#define LEDGER_RULES_DECISION_OUTCOME_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/types.h"

namespace jcm::rules {

namespace v1 = ::jcm::ledger::v1;

struct CountedMember {
  std::string member_id;
  bool co_chair = false;
  BookTime from;
  BookTime until;  // 0: in office
};

// A vote on the text in question.
struct CountedVote {
  BookTime at;
  uint64_t sequence = 0;  // in its book
  std::string member_id;
  bool co_chair = false;
  v1::Vote vote = v1::VOTE_UNSPECIFIED;
};

struct SideOfOutcome {
  // False if the side keeps no book: then each voter counts as in office, and (a) cannot be known to hold.
  bool members_known = true;
  std::vector<CountedMember> members;
  std::vector<CountedVote> votes;
};

struct OutcomeInput {
  v1::DecisionMode mode = v1::DECISION_MODE_UNSPECIFIED;
  BookTime opened_at;
  absl::optional<BookTime> distributed_at;  // not asked for in a meeting
  absl::optional<BookTime> window_end;      // known once distributed
  BookTime long_stop;
  BookTime through;  // everything stamped before it is here, of both sides
  SideOfOutcome owner;
  SideOfOutcome peer;
};

struct Outcome {
  v1::DecisionState state = v1::DECISION_STATE_OPEN;  // OPEN, ADOPTED or NOT_ADOPTED
  BookTime at;                                        // when the conditions held; the long stop; 0 while open
};

Outcome ComputeOutcome(const OutcomeInput& input);

// When the clock starts: the later of opening and distribution.
BookTime ClockStart(BookTime opened_at, BookTime distributed_at);

// 24:00 of the last of e_decision_days calendar days, the day of `start` not counted, in the later of the two capitals.
BookTime WindowEnd(BookTime start, const v1::RulebookParameters& parameters);

// e_decision_long_stop_days of 24 hours after the text was opened.
BookTime LongStop(BookTime opened_at, const v1::RulebookParameters& parameters);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_DECISION_OUTCOME_H_
