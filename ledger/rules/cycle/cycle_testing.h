// Dossiers for tests: a pair of books under a rulebook with a project cycle, people who submit, find and decide, and
// acts with all that their rows need.
//
//   CyclePair story;
//   ASSERT_TRUE(story.OpenProject("sun", v1::PROJECT_TYPE_ENERGY).ok());
//   ASSERT_TRUE(story.Take("participant", "sun", "PIN", "submit").ok());
//   ASSERT_TRUE(story.Decide(v1::DECISION_KIND_NO_OBJECTION, {Subject("sun", "PIN", "clear")}).ok());
//
// Japan keeps the dossiers unless `host` is said.
#ifndef LEDGER_RULES_CYCLE_CYCLE_TESTING_H_
#define LEDGER_RULES_CYCLE_CYCLE_TESTING_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ledger/rules/cycle/tables.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {

// Every step and switch of the cycle, with the usual days.
v1::RulebookParameters CycleParameters();

v1::Document TestDocument(const std::string& form);
v1::Period MakePeriod(v1::Date start, v1::Date end);
v1::Fraction MakeFraction(uint64_t numerator, uint64_t denominator = 1);
v1::DecisionSubject Subject(const std::string& dossier, const std::string& strand, const std::string& step,
                            v1::StepFacts facts = {}, uint32_t instance = 1);
v1::StepFacts Reference(const std::string& reference);
v1::ProjectFacts TestProject(v1::ProjectType type);
// Half to the Government of Japan, half to participants.
v1::StepFacts HalfShares(v1::Period crediting);
// One year of that many tonnes, verified by the entity on a day.
v1::StepFacts Verified(const std::string& entity, v1::Date day, int32_t vintage, uint64_t tonnes);

class CyclePair {
 public:
  explicit CyclePair(const v1::RulebookParameters& parameters = CycleParameters(),
                     BookTime now = At("2026-03-02T00:00:00Z"));

  TestPair& pair() { return pair_; }
  TestBook& book(bool host = false) { return pair_.of(!host).book("TH"); }
  v1::DossierRecord Dossier(const std::string& id, bool host = false);
  v1::StrandRecord Strand(const std::string& id, const std::string& strand, uint32_t instance = 1, bool host = false);
  std::string StateOf(const std::string& id, const std::string& strand, uint32_t instance = 1, bool host = false);

  absl::Status OpenProject(const std::string& id, v1::ProjectType type, bool host = false);
  absl::Status OpenMethodology(const std::string& id, std::vector<int32_t> scopes, bool host = false);
  absl::Status OpenEntity(const std::string& id, bool host = false);
  // With the documents that the row lists; without those of `leave_out`.
  absl::Status Take(const std::string& person, const std::string& id, const std::string& strand,
                    const std::string& step, const v1::StepFacts& facts = {}, uint32_t instance = 1, bool host = false,
                    const std::string& leave_out = "", const std::string& reason = "");
  // Opened by one side in a meeting of today, both co-chairs in favour, confirmed by the other side; all settled.
  absl::Status Decide(v1::DecisionKind kind, std::vector<v1::DecisionSubject> subjects, bool host = false);
  absl::Status DecideText(const v1::DecisionText& text, bool host = false);
  std::string last_decision() const { return "D" + std::to_string(decisions_); }
  // Days pass; what is due happens.
  absl::Status Days(int days);

  // "AM" approved as TH_AM001 Ver1.0 for scope 1, and "TPE" designated for scope 1 as TPE-TH-001, both functions.
  absl::Status PrepareMethodologyAndEntity();
  // `id` registered as `reference`, crediting from 2021-01-01 to 2030-12-31.
  absl::Status Register(const std::string& id, const std::string& reference, v1::ProjectType type);

 private:
  TestPair pair_;
  int decisions_ = 0;
};

}  // namespace jcm::rules

#endif  // LEDGER_RULES_CYCLE_CYCLE_TESTING_H_
