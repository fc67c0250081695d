// A dry run says everything that would be refused, and by which row of which table.
#include "ledger/rules/refusals.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/cycle_testing.h"
#include "ledger/rules/handlers.h"

namespace jcm::rules {
namespace {

using testing::ElementsAre;

std::vector<std::string> Names(const Refusals& refusals) {
  std::vector<std::string> names;
  for (const Refusal& refusal : refusals.list()) names.push_back(refusal.rule + " " + Why(refusal.status));
  return names;
}

class DryRun : public testing::Test {
 protected:
  DryRun() {
    v1::SignerContext* signer = context_.add_signers();
    signer->set_pseudonym(story_.pair().jpn().Pseudonym("stranger", "TH"));
    signer->add_roles(v1::ROLE_PROJECT_PARTICIPANT);
    input_.book = {"JPN", "TH"};
    input_.time = story_.pair().jpn().now();
    input_.context = &context_;
    input_.refusals = &refusals_;
  }

  CyclePair story_;
  v1::Context context_;
  RuleInput input_;
  Refusals refusals_;
};

TEST_F(DryRun, NamesActorDocumentsAndConditionsOfAStepTogether) {
  ASSERT_TRUE(story_.OpenProject("sun", v1::PROJECT_TYPE_ENERGY).ok());
  v1::TakeStep step;
  step.set_dossier_id("sun");
  step.set_strand("DESIGN");
  step.set_instance(1);
  step.set_step("submit");
  *step.add_documents() = TestDocument("F_PDD");
  step.mutable_facts()->add_methodologies()->set_reference("TH_AM001");
  step.mutable_facts()->mutable_methodologies(0)->set_version("1.0");
  state::Transition transition(story_.book().state());
  const absl::Status done = ApplyTakeStep(input_, step, transition);
  EXPECT_TRUE(done.ok()) << done;
  EXPECT_THAT(
      Names(refusals_),
      ElementsAre("cycle/DESIGN/submit/who STEP_ACTOR_WRONG", "cycle/DESIGN/submit/documents DOCUMENT_MISSING",
                  "cycle/DESIGN/submit/documents DOCUMENT_MISSING", "cycle/DESIGN/submit/pin_cleared PIN_NOT_CLEARED",
                  "cycle/DESIGN/submit/methodology_proposed METHODOLOGY_NOT_APPROVED"));
  EXPECT_EQ(transition.Effects().effects_size(), 0) << "nothing is written on the way";

  // The same act is refused for the first of them when it is not a dry run.
  input_.refusals = nullptr;
  state::Transition again(story_.book().state());
  EXPECT_EQ(Why(ApplyTakeStep(input_, step, again)), "STEP_ACTOR_WRONG");
}

TEST_F(DryRun, NamesEachThingThatIsWrongInADecisionsText) {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  v1::IssuanceText* issuance = text.mutable_issuance();
  issuance->set_project_id("TH099");
  *issuance->mutable_monitoring_start() = MakeDate(2020, 7, 1);
  *issuance->mutable_monitoring_end() = MakeDate(2021, 6, 30);
  issuance->set_verified_tonnes(10);
  issuance->set_allocation_method("by lot");
  v1::OpenDecision open;
  open.set_decision_id("D1");
  open.set_mode(v1::DECISION_MODE_ELECTRONIC);
  open.set_meeting_name("no meeting");
  open.set_rulebook_version("TH/C1");
  open.set_text(state::Serialise(text));
  state::Transition transition(story_.book().state());
  (void)ApplyOpenDecision(input_, open, transition);
  EXPECT_THAT(Names(refusals_),
              ElementsAre("decision/meeting FIELD_INVALID", "decision/text/title FIELD_REQUIRED",
                          "decision/text/project PROJECT_UNKNOWN", "decision/text/period PERIOD_STRADDLES_2021",
                          "decision/text/method FIELD_INVALID", "decision/text/lots FIELD_REQUIRED",
                          "decision/text/rows FIELD_REQUIRED"));
}

TEST(RefusalsOfADryRun, AreNeverADamagedStoreAndHaveAnEnd) {
  Refusals refusals;
  EXPECT_FALSE(refusals.Note("x", Error(Reason::STORE_CORRUPT, "a record")));
  for (size_t i = 0; i < Refusals::kRefusalsMax; ++i) {
    EXPECT_TRUE(refusals.Note("x", Error(Reason::FIELD_INVALID, "x")));
  }
  EXPECT_FALSE(refusals.Note("x", Error(Reason::FIELD_INVALID, "one too many")));
}

}  // namespace
}  // namespace jcm::rules
