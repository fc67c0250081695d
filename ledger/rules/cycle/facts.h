// The shape of what a step states: documents, numbers, periods, participants, scopes. Inside ledger/rules.
#ifndef LEDGER_RULES_CYCLE_FACTS_H_
#define LEDGER_RULES_CYCLE_FACTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/cycle.pb.h"
#include "ledger/base/date.h"
#include "ledger/rules/cycle/tables.h"

namespace jcm::rules {

inline constexpr int kDocumentsPerStepMax = 30;
inline constexpr int kParticipantsMax = 50;
inline constexpr int kPersonsMax = 20;
inline constexpr int kMethodologiesMax = 20;
inline constexpr int kScopesMax = 50;
inline constexpr int kSharesPerRequestMax = 50;

// Each document is well formed, and each form that the step needs is there: all that is wrong, nothing if it is good.
// DOCUMENT_MISSING, FIELD_INVALID.
std::vector<absl::Status> CheckDocuments(const google::protobuf::RepeatedPtrField<v1::Document>& documents,
                                         const Step& step, const v1::RulebookParameters& parameters,
                                         v1::ProjectType type);

struct FactsInput {
  absl::string_view partnership;
  absl::string_view reason;
  Date today;  // a report cannot be dated later
  const v1::RulebookParameters& parameters;
};
// Each fact that the step needs is stated and well formed, and none that it does not take. STEP_FACT_MISSING,
// REFERENCE_INVALID, FIELD_INVALID.
absl::Status CheckFacts(const v1::StepFacts& facts, const Step& step, const FactsInput& input);

// What is stated is well formed, whatever step or strand it belongs to; `monitored`: the period has ended.
// FIELD_INVALID, REFERENCE_INVALID.
absl::Status CheckStatedFacts(const v1::StepFacts& facts, bool monitored, const FactsInput& input);

// What `later` states replaces what `facts` had.
void MergeFacts(const v1::StepFacts& later, v1::StepFacts* facts);

// "TH_PIN001", "TH_PM017", "TH_AM001", "TH014", "TPE-TH-002"; kind as in the tables. REFERENCE_INVALID.
absl::Status CheckReference(absl::string_view kind, absl::string_view partnership, absl::string_view reference);

absl::Status CheckParticipants(const google::protobuf::RepeatedPtrField<v1::Participant>& participants);
// Pseudonyms, sorted, each once.
absl::Status CheckPersons(const google::protobuf::RepeatedPtrField<std::string>& persons);
// Ascending; of the rulebook's list where it has one.
absl::Status CheckScopes(const google::protobuf::RepeatedField<int32_t>& scopes,
                         const v1::RulebookParameters& parameters);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_CYCLE_FACTS_H_
