// Joint Committee decisions: votes, closings, outcomes and answers, and whether an outcome is what the votes say.
//
// The rule, by the auditor's own reading (design, section 3; the Joint Committees' rules of procedure): an electronic
// decision is adopted at the first instant, from the start of its clock on, at which all members in office of both
// sides who are not recused have said yes, at least one on each side; or at which its window has ended, no member in
// office says no and both co-chairs say yes. A meeting's is adopted when both co-chairs have. Nothing is adopted from
// the long stop on. What is not known of a partner without a book is who its members are: those who voted count.
#ifndef TOOLS_JCM_VERIFY_AUDIT_DECISION_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_DECISION_AUDIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "jcm/ledger/v1/records.pb.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/tables.h"
#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {

// The end of an electronic decision's window: 24:00 of the last of the rulebook's days, the day on which the clock
// started not counted, in the later of the two capitals. Zones are those of the days in question; nullopt: the
// parameters name none.
absl::optional<uint64_t> WindowEndOf(uint64_t clock_start_us, const v1::RulebookParameters& parameters);
// When a day begins in Tokyo or in the partner's capital.
absl::optional<uint64_t> StartOfDayIn(bool japan, const v1::Date& day, const v1::RulebookParameters& parameters);

class DecisionAudit {
 public:
  // Both must outlive this.
  DecisionAudit(const Tables& tables, BookReport* report) : tables_(tables), report_(*report) {}

  // A change of a record of each kind; `imported`: of the other side's. The tables already hold the entry's effects.
  void CheckDecision(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckReaction(uint64_t sequence, const EffectBytes& effect, bool imported);
  // `attested`: by an act that stands for the partner's.
  void CheckVote(uint64_t sequence, uint64_t time_us, const EffectBytes& effect, bool imported, bool attested);
  void CheckVotesClosed(uint64_t sequence, uint64_t time_us, const EffectBytes& effect, bool imported);

  // The text from which this registry may issue: of a decision that is adopted and confirmed, with that digest. None,
  // with a finding, if there is no such decision.
  absl::optional<v1::IssuanceText> ConfirmedIssuance(uint64_t sequence, const std::string& decision_id,
                                                     const std::string& text_digest) const;
  // The text of an adopted decision of this or the other side.
  absl::optional<v1::IssuanceText> AdoptedText(const std::string& decision_id) const;
  // The text of a decision that one side holds adopted and the other one has confirmed; whatever its kind.
  absl::optional<v1::DecisionText> ConfirmedText(const std::string& decision_id) const;

 private:
  struct Side;
  struct Event;

  bool ParseBoth(uint64_t sequence, const EffectBytes& effect, google::protobuf::MessageLite* before,
                 google::protobuf::MessageLite* after);
  bool PartnerKeepsNoBook() const;
  uint64_t ThroughOf(const std::string& decision_id, bool imported) const;
  absl::optional<uint64_t> ClockStartOf(const v1::DecisionRecord& decision, bool imported) const;
  Side SideOf(const v1::DecisionRecord& decision, bool imported) const;
  std::vector<Event> EventsOf(const v1::DecisionRecord& decision, absl::optional<uint64_t> clock_start,
                              absl::optional<uint64_t> window_end, const Side& owner, const Side& peer) const;
  absl::optional<uint64_t> AdoptedAt(const v1::DecisionRecord& decision, bool imported) const;
  void CheckOutcome(uint64_t sequence, const v1::DecisionRecord& decision, bool imported);
  bool IsInConflict(const v1::VoteRecord& vote) const;
  void CheckAllocation(uint64_t sequence, const v1::IssuanceText& text);

  const Tables& tables_;
  BookReport& report_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_DECISION_AUDIT_H_
