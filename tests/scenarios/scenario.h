// Runs a scenario: a story of the Joint Committee in plain lines, on two real books that import from each other.
//
//   absl::Status told = RunScenario(text);     // the first line that does not hold, with its number
//
// Lines, one act or expectation each; "#" begins a comment. SIDE is Japan or Thailand, MEMBER an id such as JPN-chair
// (chair and member of each side are in office when a story begins), WHEN "2026-03-02 09:00 JST" (or ICT, or Z).
//
//   at WHEN                                    time passes until then; what is due happens
//   the link is down | the link is up          the books stop and go on reading each other
//   SIDE opens ID electronically               the text is "text 1"; amending makes it "text 2" and so on
//   SIDE opens ID in a meeting on DATE
//   SIDE distributes | amends | withdraws ID
//   MEMBER votes yes | no | recused on ID      signed by the member
//   SIDE records yes | no of MEMBER on ID      by the secretariat, two persons and a paper
//   SIDE confirms ID adopted | not adopted
//   SIDE disputes ID
//   MEMBER confirms the report of ID           a co-chair's yes in a meeting, whose signature covers the report
//   MEMBER confirms another paper of ID
//   MEMBER declares | ends a conflict about OBJECT      OBJECT is a decision's id
//   SIDE records a conflict of MEMBER about OBJECT      by the secretariat, two persons and the declaration
//   SIDE appoints MEMBER [as co-chair] [as alternate of MEMBER] [until DATE]
//   SIDE ends MEMBER [replaced by MEMBER]
//   refused REASON: LINE                       the act must be refused for just this reason
//   expect ID pending | adopted | adopted at WHEN | not adopted | withdrawn [in SIDE]
//   expect ID answered: none | confirmed | disputed
//   expect N votes of MEMBER on ID, the last yes | no | recused | none [recorded by the secretariat]
#ifndef TESTS_SCENARIOS_SCENARIO_H_
#define TESTS_SCENARIOS_SCENARIO_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace jcm::scenarios {

absl::Status RunScenario(absl::string_view text);

}  // namespace jcm::scenarios

#endif  // TESTS_SCENARIOS_SCENARIO_H_
