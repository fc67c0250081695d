// Every refusal of one act, for a dry run that says all of them at once.
//
//   JCM_NOTE_REFUSAL(input, "decision/meeting", CheckMeeting(command));
//
// In an ordinary run the first refusal ends the act, as with JCM_RETURN_IF_ERROR. In a dry run that collects, it is
// noted together with the rule that refused, and the check that follows is made too; the act is refused at its end all
// the same. Only for checks that the next lines do not rest on.
#ifndef LEDGER_RULES_REFUSALS_H_
#define LEDGER_RULES_REFUSALS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace jcm::rules {

// What was refused, and by which rule: "cycle/project/REGISTRATION/request/validated", "decision/text/lots".
struct Refusal {
  absl::Status status;
  std::string rule;
};

class Refusals {
 public:
  static constexpr size_t kRefusalsMax = 100;

  // True if the refusal was noted and the act may go on to its next check; false if the status must be returned: it is
  // no refusal but a damaged store, or there are too many.
  bool Note(absl::string_view rule, const absl::Status& status);

  bool empty() const { return list_.empty(); }
  size_t size() const { return list_.size(); }
  const std::vector<Refusal>& list() const { return list_; }
  std::vector<Refusal> Take() { return std::move(list_); }

 private:
  std::vector<Refusal> list_;
};

}  // namespace jcm::rules

// `input` is a RuleInput, or anything else that has `Refusals* refusals`, null in an ordinary run.
#define JCM_NOTE_REFUSAL(input, rule, expression)                                                         \
  do {                                                                                                    \
    const absl::Status jcm_refusal = (expression);                                                        \
    if (!jcm_refusal.ok() && ((input).refusals == nullptr || !(input).refusals->Note(rule, jcm_refusal))) \
      return jcm_refusal;                                                                                 \
  } while (false)

#endif  // LEDGER_RULES_REFUSALS_H_
