// Dossiers through two real books: what people, the Joint Committee and the clock do, and what is refused and why.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/base/date.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/cycle_testing.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/rulebook.h"

namespace jcm::rules {
namespace {

v1::StepFacts Monitored(v1::Date start, v1::Date end) {
  v1::StepFacts facts;
  *facts.mutable_period() = MakePeriod(start, end);
  return facts;
}

class Registered : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(story_.PrepareMethodologyAndEntity().ok());
    const absl::Status registered = story_.Register("sun", "TH021", v1::PROJECT_TYPE_ENERGY);
    ASSERT_TRUE(registered.ok()) << registered;
  }
  CyclePair story_;
};

TEST_F(Registered, IsWhereTheTablesSayAndTheOtherSideReadsTheSame) {
  EXPECT_EQ(story_.StateOf("sun", "REGISTRATION"), "REGISTERED");
  ASSERT_TRUE(story_.pair().Settle().ok());
  const auto project = story_.book().Find<v1::ProjectRecord>(v1::TABLE_PROJECT, "TH021");
  ASSERT_TRUE(project.has_value());
  EXPECT_EQ(project->dossier_id(), "sun");
  EXPECT_EQ(project->crediting_end().year(), 2030);
  const auto there = story_.book(true).Find<v1::ProjectRecord>(state::Shadow(v1::TABLE_PROJECT), "TH021");
  ASSERT_TRUE(there.has_value());
  EXPECT_EQ(there->SerializeAsString(), project->SerializeAsString());
  const auto strand =
      story_.book(true).Find<v1::StrandRecord>(state::Shadow(v1::TABLE_STRAND), StrandKey("sun", "REGISTRATION", 1));
  ASSERT_TRUE(strand.has_value());
  EXPECT_EQ(strand->state(), "REGISTERED");
}

TEST_F(Registered, KeepsItsWholeHistoryWithActorsDecisionsAndRulebooks) {
  const v1::DossierRecord dossier = story_.Dossier("sun");
  ASSERT_GT(dossier.steps(), 10u);
  for (uint64_t number = 1; number <= dossier.steps(); ++number) {
    const auto step = story_.book().Find<v1::DossierStepRecord>(v1::TABLE_DOSSIER_STEP, DossierStepKey("sun", number));
    ASSERT_TRUE(step.has_value()) << number;
    EXPECT_EQ(step->rulebook_version(), "TH/C1");
    // Who did it, or on which decision, or neither: the clock.
    EXPECT_TRUE(!step->actor().empty() || !step->decision_id().empty() || step->step() == "close_inputs");
  }
  const auto cleared = story_.book().Find<v1::DossierStepRecord>(v1::TABLE_DOSSIER_STEP, DossierStepKey("sun", 3));
  EXPECT_EQ(cleared->to_state(), "NO_OBJECTION");
  EXPECT_FALSE(cleared->decision_id().empty());
}

TEST_F(Registered, IssuesWhatWasVerifiedOnceBothSidesWereNotified) {
  ASSERT_TRUE(
      story_.Take("participant", "sun", "MONITORING", "report", Monitored(MakeDate(2021, 1, 1), MakeDate(2021, 12, 31)))
          .ok());
  const absl::Status verified =
      story_.Take("entity", "sun", "MONITORING", "verify", Verified("TPE", MakeDate(2026, 3, 20), 2021, 2017));
  ASSERT_TRUE(verified.ok()) << verified;
  ASSERT_TRUE(story_.Take("participant", "sun", "MONITORING", "request").ok());
  ASSERT_TRUE(story_.Take("secretary", "sun", "MONITORING", "complete").ok());

  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  text.set_title("Issuance of TH021");
  v1::IssuanceText* issuance = text.mutable_issuance();
  issuance->set_project_id("TH021");
  issuance->set_monitoring_instance(1);
  *issuance->mutable_monitoring_start() = MakeDate(2021, 1, 1);
  *issuance->mutable_monitoring_end() = MakeDate(2021, 12, 31);
  issuance->set_verified_tonnes(2017);
  issuance->set_allocation_method("largest_remainder_per_vintage_jp_gov_first");
  v1::LotText* lot = issuance->add_lots();
  lot->set_lot_id("TH021-2021-1");
  lot->set_vintage(2021);
  lot->set_tonnes(2017);
  v1::AllocationRow* japan = issuance->add_rows();
  japan->set_row(1);
  japan->set_party(v1::PARTY_KIND_GOVERNMENT_OF_JAPAN);
  japan->set_party_label("Government of Japan");
  japan->set_issuing_registry("JPN");
  japan->mutable_range()->set_lot_id("TH021-2021-1");
  japan->mutable_range()->set_first(1);
  japan->mutable_range()->set_last(1009);
  v1::AllocationRow* others = issuance->add_rows();
  *others = *japan;
  others->set_row(2);
  others->set_party(v1::PARTY_KIND_GOVERNMENT_OF_PARTNER);
  others->set_party_label("project participants");
  others->set_issuing_registry("THA");
  others->mutable_range()->set_first(1010);
  others->mutable_range()->set_last(2017);

  // Public money was used: less than half to the Government of Japan is refused when the decision is opened.
  v1::DecisionText short_text = text;
  short_text.mutable_issuance()->mutable_rows(0)->mutable_range()->set_last(1008);
  short_text.mutable_issuance()->mutable_rows(1)->mutable_range()->set_first(1009);
  EXPECT_EQ(Why(story_.DecideText(short_text)), "DELIVERY_BELOW_MINIMUM");
  // The request's shares are halves: the odd tonne is Japan's, and no other figures come out of the method.
  v1::DecisionText generous = text;
  generous.mutable_issuance()->mutable_rows(0)->mutable_range()->set_last(1010);
  generous.mutable_issuance()->mutable_rows(1)->mutable_range()->set_first(1011);
  EXPECT_EQ(Why(story_.DecideText(generous)), "ALLOCATION_DIFFERS");
  v1::DecisionText stranger = text;
  stranger.mutable_issuance()->mutable_rows(1)->set_party_label("somebody");
  EXPECT_EQ(Why(story_.DecideText(stranger)), "ALLOCATION_DIFFERS");
  v1::DecisionText other_period = text;
  *other_period.mutable_issuance()->mutable_monitoring_end() = MakeDate(2021, 12, 30);
  EXPECT_EQ(Why(story_.DecideText(other_period)), "PERIOD_DIFFERS");
  v1::DecisionText more = text;
  more.mutable_issuance()->set_verified_tonnes(2018);
  EXPECT_EQ(Why(story_.DecideText(more)), "VERIFIED_AMOUNT_EXCEEDED");
  v1::DecisionText no_period = text;
  no_period.mutable_issuance()->set_monitoring_instance(0);
  EXPECT_EQ(Why(story_.DecideText(no_period)), "DOSSIER_REQUIRED");

  ASSERT_TRUE(story_.DecideText(text, /*host=*/true).ok());
  EXPECT_EQ(story_.StateOf("sun", "MONITORING"), "DECIDED");

  TestRegistry& jpn = story_.pair().jpn();
  TestRegistry& host = story_.pair().host();
  const std::string japan_account = jpn.AddAccount("JP-GOV", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {"operator"});
  const std::string host_account = host.AddAccount("TH-GOV", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {"operator"});
  const auto issue = [&](TestRegistry& side, uint32_t row, const std::string& account) {
    v1::Command command;
    command.mutable_issue_credits()->set_decision_id(story_.last_decision());
    const auto decision = story_.book(true).Find<v1::DecisionRecord>(v1::TABLE_DECISION, story_.last_decision());
    command.mutable_issue_credits()->set_text_digest(decision->text_digest());
    v1::IssueTarget* target = command.mutable_issue_credits()->add_targets();
    target->set_row(row);
    target->set_account(account);
    return side.Submit("TH", command, {"operator"});
  };
  EXPECT_EQ(Why(issue(jpn, 1, japan_account)), "NOT_NOTIFIED");
  ASSERT_TRUE(story_.Take("secretary", "sun", "MONITORING", "notify").ok());
  ASSERT_TRUE(issue(jpn, 1, japan_account).ok());
  EXPECT_EQ(story_.StateOf("sun", "MONITORING"), "NOTIFIED");
  ASSERT_TRUE(story_.pair().Settle().ok());
  ASSERT_TRUE(issue(host, 2, host_account).ok());
  ASSERT_TRUE(story_.pair().Settle().ok());
  EXPECT_EQ(story_.StateOf("sun", "MONITORING"), "ISSUED");

  EXPECT_EQ(Why(story_.Take("secretary", "sun", "MONITORING", "report_issuance")), "STEP_ACTOR_WRONG");
  ASSERT_TRUE(story_.Take("operator", "sun", "MONITORING", "report_issuance").ok());
  EXPECT_EQ(story_.StateOf("sun", "MONITORING"), "ISSUED");
  v1::Command reported;
  reported.mutable_react_to_dossier()->set_dossier_id("sun");
  reported.mutable_react_to_dossier()->set_strand("MONITORING");
  reported.mutable_react_to_dossier()->set_instance(1);
  reported.mutable_react_to_dossier()->set_kind(v1::REACTION_KIND_ISSUANCE_REPORTED);
  ASSERT_TRUE(host.Submit("TH", reported, {"operator"}).ok());
  ASSERT_TRUE(story_.pair().Settle().ok());
  EXPECT_EQ(story_.StateOf("sun", "MONITORING"), "CLOSED");
  EXPECT_EQ(story_.Strand("sun", "MONITORING").issued_size(), 2);
  EXPECT_TRUE(story_.book().ReplayAll().ok());
  EXPECT_TRUE(story_.book(true).ReplayAll().ok());
}

TEST_F(Registered, RefusesPeriodsThatOverlapStraddleOrLeaveTheCreditingPeriodAndRemarksGaps) {
  ASSERT_TRUE(
      story_.Take("participant", "sun", "MONITORING", "report", Monitored(MakeDate(2022, 1, 1), MakeDate(2022, 12, 31)))
          .ok());
  EXPECT_EQ(story_.Strand("sun", "MONITORING").remark(), "GAP 2021-01-01..2021-12-31");
  const auto report = [&](v1::Date start, v1::Date end) {
    return Why(story_.Take("participant", "sun", "MONITORING", "report", Monitored(start, end), 2));
  };
  EXPECT_EQ(report(MakeDate(2022, 12, 31), MakeDate(2023, 12, 31)), "PERIOD_OVERLAPS");
  EXPECT_EQ(report(MakeDate(2020, 12, 31), MakeDate(2021, 1, 1)), "PERIOD_OUTSIDE_CREDITING");
  EXPECT_EQ(report(MakeDate(2023, 1, 1), MakeDate(2030, 1, 1)), "FIELD_INVALID");  // it has not ended
  EXPECT_EQ(report(MakeDate(2023, 2, 1), MakeDate(2023, 1, 1)), "FIELD_INVALID");
  EXPECT_EQ(report(MakeDate(2023, 1, 1), MakeDate(2023, 12, 31)), "OK");
  EXPECT_EQ(story_.Strand("sun", "MONITORING", 2).remark(), "");
  // The third one needs the second, and numbers have no gaps.
  EXPECT_EQ(Why(story_.Take("participant", "sun", "MONITORING", "report",
                            Monitored(MakeDate(2024, 1, 1), MakeDate(2024, 12, 31)), 4)),
            "FIELD_INVALID");
}

TEST_F(Registered, RefusesReductionsThatTheEmissionsDoNotGive) {
  ASSERT_TRUE(
      story_.Take("participant", "sun", "MONITORING", "report", Monitored(MakeDate(2022, 1, 1), MakeDate(2023, 12, 31)))
          .ok());
  v1::StepFacts facts = Verified("TPE", MakeDate(2026, 3, 20), 2022, 100);
  EXPECT_EQ(Why(story_.Take("entity", "sun", "MONITORING", "verify", facts)), "QUANTITY_DIFFERS");  // 2023 is missing
  v1::YearlyEmissions* second = facts.mutable_quantification()->add_years();
  second->set_vintage(2023);
  *second->mutable_reference() = MakeFraction(50);
  *second->mutable_project() = MakeFraction(1, 3);
  facts.mutable_quantification()->add_reductions(50);
  EXPECT_EQ(Why(story_.Take("entity", "sun", "MONITORING", "verify", facts)), "QUANTITY_DIFFERS");
  facts.mutable_quantification()->set_reductions(1, 49);
  EXPECT_EQ(Why(story_.Take("entity", "sun", "MONITORING", "verify", facts)), "OK");
}

TEST_F(Registered, RefusesAnEntityOutsideItsScopeOrItsDays) {
  ASSERT_TRUE(
      story_.Take("participant", "sun", "MONITORING", "report", Monitored(MakeDate(2022, 1, 1), MakeDate(2022, 12, 31)))
          .ok());
  // The report is dated before the entity was designated.
  EXPECT_EQ(Why(story_.Take("entity", "sun", "MONITORING", "verify", Verified("TPE", MakeDate(2026, 3, 1), 2022, 100))),
            "ENTITY_NOT_DESIGNATED");
  v1::StepFacts validation_only;
  validation_only.add_scopes()->set_scope(1);
  validation_only.mutable_scopes(0)->set_validation(true);
  ASSERT_TRUE(
      story_.Decide(v1::DECISION_KIND_DESIGNATION_END, {Subject("TPE", "DESIGNATION", "reduce", validation_only)})
          .ok());
  const Date today = DayInZone(story_.pair().jpn().now(), 0);
  const v1::Date now = MakeDate(today.year, today.month, today.day);
  EXPECT_EQ(Why(story_.Take("entity", "sun", "MONITORING", "verify", Verified("TPE", now, 2022, 100))),
            "ENTITY_OUT_OF_SCOPE");
  // A report of an earlier day stays good.
  EXPECT_EQ(
      Why(story_.Take("entity", "sun", "MONITORING", "verify", Verified("TPE", MakeDate(2026, 3, 20), 2022, 100))),
      "OK");
}

TEST_F(Registered, IsDeregisteredByAWithdrawalAndMonitoredNoMore) {
  ASSERT_TRUE(story_.Take("participant", "sun", "WITHDRAWAL", "request", {}, 1, false, "", "sold").ok());
  ASSERT_TRUE(story_.Decide(v1::DECISION_KIND_PROJECT_WITHDRAWAL, {Subject("sun", "WITHDRAWAL", "accept")}).ok());
  EXPECT_EQ(story_.StateOf("sun", "REGISTRATION"), "DEREGISTERED");
  EXPECT_EQ(Why(story_.Take("participant", "sun", "MONITORING", "report",
                            Monitored(MakeDate(2022, 1, 1), MakeDate(2022, 12, 31)))),
            "NOT_REGISTERED");
}

TEST_F(Registered, ChangesParticipantsFocalPointAndDesign) {
  v1::StepFacts participants;
  *participants.mutable_participants() = TestProject(v1::PROJECT_TYPE_ENERGY).participants();
  participants.mutable_participants(0)->set_focal_point(false);
  EXPECT_EQ(Why(story_.Take("participant", "sun", "PARTICIPANTS", "file", participants)), "FIELD_INVALID");
  participants.mutable_participants(1)->set_focal_point(true);
  participants.add_persons(story_.pair().jpn().Pseudonym("stranger", "TH"));
  ASSERT_TRUE(story_.Take("participant", "sun", "PARTICIPANTS", "file", participants).ok());
  ASSERT_TRUE(story_.Take("secretary", "sun", "PARTICIPANTS", "record").ok());
  EXPECT_TRUE(story_.Dossier("sun").project().participants(1).focal_point());
  EXPECT_EQ(Why(story_.Take("participant", "sun", "CHANGE", "request", {}, 1, false, "", "larger")),
            "STEP_ACTOR_WRONG");
  ASSERT_TRUE(story_.Take("stranger", "sun", "CHANGE", "request", {}, 1, false, "", "larger").ok());
  ASSERT_TRUE(story_.Take("secretary", "sun", "CHANGE", "complete").ok());
  ASSERT_TRUE(story_.Decide(v1::DECISION_KIND_CHANGE, {Subject("sun", "CHANGE", "accept")}).ok());
  EXPECT_EQ(story_.Dossier("sun").document_version(), 2u);
}

TEST_F(Registered, RenewsOnceForAsLongAsTheRulebookAllows) {
  v1::StepFacts next = Monitored(MakeDate(2031, 1, 1), MakeDate(2041, 12, 31));
  EXPECT_EQ(Why(story_.Take("participant", "sun", "RENEWAL", "request", next)), "CREDITING_TOO_LONG");
  *next.mutable_period()->mutable_end() = MakeDate(2035, 12, 31);
  *next.mutable_period()->mutable_start() = MakeDate(2031, 1, 2);
  EXPECT_EQ(Why(story_.Take("participant", "sun", "RENEWAL", "request", next)), "RENEWAL_NOT_ALLOWED");
  *next.mutable_period()->mutable_start() = MakeDate(2031, 1, 1);
  ASSERT_TRUE(story_.Take("participant", "sun", "RENEWAL", "request", next).ok());
  ASSERT_TRUE(story_.Take("secretary", "sun", "RENEWAL", "complete").ok());
  ASSERT_TRUE(story_.Decide(v1::DECISION_KIND_RENEWAL, {Subject("sun", "RENEWAL", "renew")}).ok());
  EXPECT_EQ(story_.Dossier("sun").crediting().end().year(), 2035);
  EXPECT_EQ(story_.StateOf("sun", "REGISTRATION"), "REGISTERED");
  v1::StepFacts again = Monitored(MakeDate(2036, 1, 1), MakeDate(2040, 12, 31));
  EXPECT_EQ(Why(story_.Take("participant", "sun", "RENEWAL", "request", again, 2)), "RENEWAL_NOT_ALLOWED");
}

TEST(Dossiers, RefuseWrongActorsMissingDocumentsAndStepsOutOfTurn) {
  CyclePair story;
  ASSERT_TRUE(story.OpenProject("sun", v1::PROJECT_TYPE_ENERGY).ok());
  EXPECT_EQ(Why(story.OpenProject("sun", v1::PROJECT_TYPE_ENERGY)), "ALREADY_EXISTS");
  EXPECT_EQ(Why(story.Take("stranger", "sun", "PIN", "submit")), "STEP_ACTOR_WRONG");
  EXPECT_EQ(Why(story.Take("secretary", "sun", "PIN", "submit")), "STEP_ACTOR_WRONG");  // without a paper
  EXPECT_EQ(Why(story.Take("participant", "sun", "PIN", "submit", {}, 1, false, "F_PIN")), "DOCUMENT_MISSING");
  EXPECT_EQ(Why(story.Take("participant", "sun", "PIN", "submit", {}, 2)), "FIELD_INVALID");
  EXPECT_EQ(Why(story.Take("participant", "sun", "PIN", "dance")), "STEP_UNKNOWN");
  EXPECT_EQ(Why(story.Take("participant", "moon", "PIN", "submit")), "DOSSIER_UNKNOWN");
  EXPECT_EQ(Why(story.Take("secretary", "sun", "PIN", "complete", Reference("TH_PIN001"))), "STEP_NOT_POSSIBLE");
  ASSERT_TRUE(story.Take("participant", "sun", "PIN", "submit").ok());
  EXPECT_EQ(Why(story.Take("secretary", "sun", "PIN", "complete")), "STEP_FACT_MISSING");
  EXPECT_EQ(Why(story.Take("secretary", "sun", "PIN", "complete", Reference("ID_PIN001"))), "REFERENCE_INVALID");
  EXPECT_EQ(Why(story.Take("secretary", "sun", "PIN", "return")), "STEP_FACT_MISSING");
  EXPECT_EQ(Why(story.Take("participant", "sun", "PIN", "complete", Reference("TH_PIN001"))), "STEP_ACTOR_WRONG");
  ASSERT_TRUE(story.Take("secretary", "sun", "PIN", "complete", Reference("TH_PIN001")).ok());
  EXPECT_EQ(Why(story.Take("participant", "sun", "DESIGN", "submit")), "STEP_FACT_MISSING");
  v1::StepFacts design;
  design.add_methodologies()->set_reference("TH_AM001");
  design.mutable_methodologies(0)->set_version("1.0");
  EXPECT_EQ(Why(story.Take("participant", "sun", "DESIGN", "submit", design)), "PIN_NOT_CLEARED");
  // Two dossiers can't have one number.
  ASSERT_TRUE(story.OpenProject("wind", v1::PROJECT_TYPE_ENERGY).ok());
  ASSERT_TRUE(story.Take("participant", "wind", "PIN", "submit").ok());
  EXPECT_EQ(Why(story.Take("secretary", "wind", "PIN", "complete", Reference("TH_PIN001"))), "REFERENCE_TAKEN");
}

TEST(Dossiers, LetASecretariatActOnPaperForAParticipant) {
  CyclePair story;
  ASSERT_TRUE(story.OpenProject("sun", v1::PROJECT_TYPE_ENERGY).ok());
  v1::Command command;
  command.mutable_take_step()->set_dossier_id("sun");
  command.mutable_take_step()->set_strand("PIN");
  command.mutable_take_step()->set_instance(1);
  command.mutable_take_step()->set_step("submit");
  *command.mutable_take_step()->add_documents() = TestDocument("F_PIN");
  command.mutable_take_step()->set_on_behalf_digest(std::string(32, 'p'));
  EXPECT_EQ(Why(story.pair().jpn().Submit("TH", command, {"participant"})), "STEP_ACTOR_WRONG");
  ASSERT_TRUE(story.pair().jpn().Submit("TH", command, {"secretary"}).ok());
  const auto step = story.book().Find<v1::DossierStepRecord>(v1::TABLE_DOSSIER_STEP, DossierStepKey("sun", 1));
  ASSERT_TRUE(step.has_value());
  EXPECT_TRUE(step->on_behalf());
}

TEST(Dossiers, CountPublicInputDaysWithTheFirstAndEndItByTheClock) {
  // TH_PM017: inputs from 2020-05-21 to 2020-06-04, fifteen days with both ends.
  CyclePair story(CycleParameters(), At("2026-05-21T01:00:00Z"));
  ASSERT_TRUE(story.OpenMethodology("AM", {1}).ok());
  ASSERT_TRUE(story.Take("participant", "AM", "VERSION", "propose").ok());
  ASSERT_TRUE(story.Take("secretary", "AM", "VERSION", "publish", Reference("TH_PM017")).ok());
  EXPECT_EQ(FormatRfc3339(BookTime::FromMicros(story.Strand("AM", "VERSION").due_us())), "2026-06-04T17:00:00Z");
  story.pair().SetNow(At("2026-06-04T16:59:59Z"));
  ASSERT_TRUE(story.Take("stranger", "AM", "VERSION", "comment").ok());
  EXPECT_EQ(story.StateOf("AM", "VERSION"), "PUBLIC");
  // At the very instant the call is over, although no tick has been ordered yet.
  story.pair().SetNow(At("2026-06-04T17:00:00Z"));
  EXPECT_EQ(Why(story.Take("stranger", "AM", "VERSION", "comment")), "STEP_TOO_LATE");
  ASSERT_TRUE(story.pair().Settle().ok());
  EXPECT_EQ(story.StateOf("AM", "VERSION"), "CONSIDERATION");
  EXPECT_EQ(Why(story.Take("stranger", "AM", "VERSION", "comment")), "STEP_TOO_LATE");
  // Sixty days from then are a target, not a gate: ID_AM017 took 144.
  EXPECT_EQ(story.Strand("AM", "VERSION").due_step(), "approve");
  EXPECT_FALSE(story.Strand("AM", "VERSION").due_by_clock());
}

TEST(Dossiers, CountPublicInputDaysAsTheSiteDid) {
  // First day, and the last one as the JCM site shows it; the call is over at 24:00 of it in Bangkok or Jakarta.
  struct Call {
    const char* published;
    const char* over;
  };
  for (const Call& call : {Call{"2016-07-29T03:00:00Z", "2016-08-12T17:00:00Z"},     // TH_AM001: to 12 August
                           Call{"2018-06-23T03:00:00Z", "2018-07-07T17:00:00Z"},     // ID_AM017: to 7 July
                           Call{"2020-05-21T03:00:00Z", "2020-06-04T17:00:00Z"}}) {  // TH_PM017: to 4 June
    v1::RulebookParameters then = CycleParameters();
    *then.mutable_zone_offsets(0)->mutable_from() = MakeDate(2013, 1, 1);
    EXPECT_EQ(FormatRfc3339(EndOfDayAfter(At(call.published), then.pm_public_input_days() - 1, then)), call.over);
  }
}

TEST(Dossiers, TakeSixtyDaysForAMethodologyAsATargetAndNotAsAGate) {
  // TH_AM001 was approved 11 days after its inputs closed, ID_AM017 after 144.
  for (const int days : {11, 144}) {
    CyclePair story(CycleParameters(), At("2026-05-21T01:00:00Z"));
    ASSERT_TRUE(story.OpenMethodology("AM", {1}).ok());
    ASSERT_TRUE(story.Take("participant", "AM", "VERSION", "propose").ok());
    ASSERT_TRUE(story.Take("secretary", "AM", "VERSION", "publish", Reference("TH_PM017")).ok());
    ASSERT_TRUE(story.Days(15 + days).ok());
    v1::StepFacts approved = Reference("TH_AM001");
    approved.set_version("1.0");
    ASSERT_TRUE(story.Decide(v1::DECISION_KIND_METHODOLOGY, {Subject("AM", "VERSION", "approve", approved)}).ok());
    EXPECT_EQ(story.StateOf("AM", "VERSION"), "APPROVED") << days;
  }
}

TEST(Dossiers, ReviseAMethodologyAndKeepTheOldVersionForItsDaysOfGrace) {
  CyclePair story;
  ASSERT_TRUE(story.PrepareMethodologyAndEntity().ok());
  EXPECT_EQ(Why(story.Take("participant", "AM", "VERSION", "propose", {}, 2)), "STEP_NOT_POSSIBLE");
  ASSERT_TRUE(story.Take("participant", "AM", "VERSION", "request_revision", {}, 2, false, "", "newer data").ok());
  ASSERT_TRUE(story.Take("secretary", "AM", "VERSION", "publish", Reference("TH_PM017"), 2).ok());
  EXPECT_EQ(Why(story.Take("participant", "AM", "VERSION", "request_revision", {}, 3, false, "", "again")),
            "STEP_NOT_POSSIBLE");
  ASSERT_TRUE(story.Days(16).ok());
  v1::StepFacts approved = Reference("TH_AM001");
  approved.set_version("2.0");
  approved.set_with_revisions(true);
  ASSERT_TRUE(story.Decide(v1::DECISION_KIND_METHODOLOGY, {Subject("AM", "VERSION", "approve", approved, 2)}).ok());
  EXPECT_EQ(story.StateOf("AM", "VERSION", 1), "SUPERSEDED");
  EXPECT_EQ(story.StateOf("AM", "VERSION", 2), "APPROVED");
  // Registered under the old version within its days of grace.
  const absl::Status registered = story.Register("sun", "TH021", v1::PROJECT_TYPE_ENERGY);
  EXPECT_TRUE(registered.ok()) << registered;
  ASSERT_TRUE(story.Days(241).ok());
  EXPECT_EQ(Why(story.Register("wind", "TH022", v1::PROJECT_TYPE_ENERGY)), "METHODOLOGY_NOT_APPROVED");
}

TEST(Dossiers, NeedASafeguardPlanForReddPlusAndDiscountItsReductions) {
  CyclePair story;
  ASSERT_TRUE(story.PrepareMethodologyAndEntity().ok());
  const absl::Status registered = story.Register("forest", "TH030", v1::PROJECT_TYPE_REDD_PLUS);
  ASSERT_TRUE(registered.ok()) << registered;
  ASSERT_TRUE(story
                  .Take("participant", "forest", "MONITORING", "report",
                        Monitored(MakeDate(2024, 1, 1), MakeDate(2024, 12, 31)))
                  .ok());
  v1::StepFacts facts = Verified("TPE", MakeDate(2026, 3, 20), 2024, 1000);
  EXPECT_EQ(Why(story.Take("entity", "forest", "MONITORING", "verify", facts)), "QUANTITY_DIFFERS");
  facts.mutable_quantification()->set_reductions(0, 800);  // 1,000.5 less a fifth
  EXPECT_EQ(Why(story.Take("entity", "forest", "MONITORING", "verify", facts)), "OK");
  EXPECT_EQ(Why(story.Take("participant", "forest", "MONITORING", "request", {}, 1, false, "F_SGPR")),
            "DOCUMENT_MISSING");
  EXPECT_EQ(Why(story.Take("participant", "forest", "MONITORING", "request")), "OK");
}

TEST(Dossiers, TakeNoStepThatTheCommitteeHasNotDecided) {
  CyclePair story;
  ASSERT_TRUE(story.OpenProject("sun", v1::PROJECT_TYPE_ENERGY).ok());
  ASSERT_TRUE(story.Take("participant", "sun", "PIN", "submit").ok());
  // Not complete yet, so there is nothing to decide.
  EXPECT_EQ(Why(story.Decide(v1::DECISION_KIND_NO_OBJECTION, {Subject("sun", "PIN", "clear")})), "STEP_NOT_POSSIBLE");
  ASSERT_TRUE(story.Take("secretary", "sun", "PIN", "complete", Reference("TH_PIN001")).ok());
  EXPECT_EQ(Why(story.Take("chair", "sun", "PIN", "clear")), "ROLE_NOT_ALLOWED");
  EXPECT_EQ(Why(story.Take("secretary", "sun", "PIN", "clear")), "STEP_ACTOR_WRONG");
  EXPECT_EQ(Why(story.Decide(v1::DECISION_KIND_REGISTRATION, {Subject("sun", "PIN", "clear")})),
            "DECISION_SUBJECT_INVALID");
  EXPECT_EQ(Why(story.Decide(v1::DECISION_KIND_NO_OBJECTION,
                             {Subject("sun", "PIN", "clear"), Subject("sun", "PIN", "object")})),
            "DECISION_SUBJECT_INVALID");
  EXPECT_EQ(Why(story.Decide(v1::DECISION_KIND_NO_OBJECTION, {})), "FIELD_REQUIRED");
  // The other side may open the decision on a dossier that this side keeps.
  ASSERT_TRUE(story.Decide(v1::DECISION_KIND_NO_OBJECTION, {Subject("sun", "PIN", "clear")}, /*host=*/true).ok());
  EXPECT_EQ(story.StateOf("sun", "PIN"), "NO_OBJECTION");
}

TEST(Dossiers, SayThatADecisionCameTooLateInsteadOfForcingIt) {
  CyclePair story;
  ASSERT_TRUE(story.OpenProject("sun", v1::PROJECT_TYPE_ENERGY, /*host=*/true).ok());
  ASSERT_TRUE(story.Take("participant", "sun", "PIN", "submit", {}, 1, true).ok());
  ASSERT_TRUE(story.Take("secretary", "sun", "PIN", "complete", Reference("TH_PIN001"), 1, true).ok());
  ASSERT_TRUE(story.pair().Settle().ok());
  // Japan's decision is confirmed by the host, whose participant withdrew in between.
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_NO_OBJECTION);
  text.set_title("No objection");
  *text.add_subjects() = Subject("sun", "PIN", "clear");
  TestRegistry& host = story.pair().host();
  v1::Command withdraw;
  ASSERT_TRUE(story.Take("participant", "sun", "PIN", "withdraw", {}, 1, true).ok());
  // Opened by Japan before the withdrawal was imported.
  v1::Command open;
  const std::string bytes = state::Serialise(text);
  open.mutable_open_decision()->set_decision_id("D1");
  open.mutable_open_decision()->set_mode(v1::DECISION_MODE_MEETING);
  open.mutable_open_decision()->set_rulebook_version("TH/C1");
  open.mutable_open_decision()->set_text(bytes);
  *open.mutable_open_decision()->mutable_meeting_date() = MakeDate(2026, 3, 2);
  open.mutable_open_decision()->set_meeting_name("A meeting");
  open.mutable_open_decision()->set_report_digest(std::string(32, 'r'));
  ASSERT_TRUE(story.pair().jpn().Submit("TH", open, {"secretary"}).ok());
  ASSERT_TRUE(story.pair().Settle().ok());
  const std::string digest = story.book().Find<v1::DecisionRecord>(v1::TABLE_DECISION, "D1")->text_digest();
  for (TestRegistry* side : {&story.pair().jpn(), &host}) {
    v1::Command vote;
    vote.mutable_cast_vote()->set_decision_id("D1");
    vote.mutable_cast_vote()->set_text_digest(digest);
    vote.mutable_cast_vote()->set_member_id(side->code() + "-chair");
    vote.mutable_cast_vote()->set_vote(v1::VOTE_YES);
    vote.mutable_cast_vote()->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
    ASSERT_TRUE(side->Submit("TH", vote, {"chair"}).ok());
  }
  ASSERT_TRUE(story.pair().Settle().ok());
  v1::Command confirm;
  confirm.mutable_confirm_outcome()->set_decision_id("D1");
  confirm.mutable_confirm_outcome()->set_text_digest(digest);
  confirm.mutable_confirm_outcome()->set_outcome(v1::DECISION_OUTCOME_ADOPTED);
  ASSERT_TRUE(host.Submit("TH", confirm, {"secretary"}).ok());
  EXPECT_EQ(story.StateOf("sun", "PIN", 1, true), "WITHDRAWN");
  EXPECT_THAT(story.Strand("sun", "PIN", 1, true).remark(), testing::HasSubstr("NO_EFFECT decision D1"));
}

TEST(Dossiers, WaitForBothSecretariatsWhereTheRulebookSaysSo) {
  v1::RulebookParameters parameters = CycleParameters();
  parameters.set_completeness_by_both(true);
  CyclePair story(parameters);
  ASSERT_TRUE(story.OpenProject("sun", v1::PROJECT_TYPE_ENERGY).ok());
  ASSERT_TRUE(story.Take("participant", "sun", "PIN", "submit").ok());
  ASSERT_TRUE(story.pair().Settle().ok());
  EXPECT_EQ(Why(story.Take("secretary", "sun", "PIN", "complete", Reference("TH_PIN001"))), "OTHER_SIDE_NOT_COMPLETE");
  v1::Command react;
  react.mutable_react_to_dossier()->set_dossier_id("sun");
  react.mutable_react_to_dossier()->set_strand("PIN");
  react.mutable_react_to_dossier()->set_instance(1);
  react.mutable_react_to_dossier()->set_kind(v1::REACTION_KIND_COMPLETE);
  EXPECT_EQ(Why(story.pair().jpn().Submit("TH", react, {"secretary"})), "WRONG_SIDE");
  EXPECT_EQ(Why(story.pair().host().Submit("TH", react, {"operator"})), "STEP_ACTOR_WRONG");
  ASSERT_TRUE(story.pair().host().Submit("TH", react, {"secretary"}).ok());
  ASSERT_TRUE(story.pair().Settle().ok());
  EXPECT_EQ(Why(story.Take("secretary", "sun", "PIN", "complete", Reference("TH_PIN001"))), "OK");
}

// Adopts the next version of the track in Japan's book, as the Joint Committee decided.
absl::Status AdoptNext(CyclePair& story, const std::string& version, const std::string& supersedes,
                       const v1::RulebookParameters& parameters, v1::InFlight in_flight) {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_RULES);
  text.set_title("Rules " + version);
  text.mutable_rules()->set_version(version);
  text.mutable_rules()->set_track(parameters.track());
  *text.mutable_rules()->mutable_effective_date() = MakeDate(2026, 3, 4);
  const Digest digest = Sha256(state::Serialise(parameters));
  text.mutable_rules()->set_parameters_digest(std::string(AsBytes(digest)));
  text.mutable_rules()->set_in_flight(in_flight);
  JCM_RETURN_IF_ERROR(story.DecideText(text));
  v1::Command adopt;
  adopt.mutable_adopt_rulebook()->set_version(version);
  adopt.mutable_adopt_rulebook()->set_supersedes(supersedes);
  adopt.mutable_adopt_rulebook()->set_decision_id(story.last_decision());
  adopt.mutable_adopt_rulebook()->set_in_flight(in_flight);
  *adopt.mutable_adopt_rulebook()->mutable_effective_date() = MakeDate(2026, 3, 4);
  *adopt.mutable_adopt_rulebook()->mutable_parameters() = parameters;
  return story.pair().jpn().Submit("TH", adopt, {"secretary"});
}

TEST(Dossiers, GoOnUnderALaterRulebookOnlyWhereTheCommitteeSaysThatTheyMigrate) {
  for (const v1::InFlight in_flight : {v1::IN_FLIGHT_STAY, v1::IN_FLIGHT_MIGRATE, v1::IN_FLIGHT_MIGRATE_AT_NEXT_STEP}) {
    SCOPED_TRACE(v1::InFlight_Name(in_flight));
    CyclePair story;
    ASSERT_TRUE(story.OpenProject("sun", v1::PROJECT_TYPE_ENERGY).ok());
    ASSERT_TRUE(story.Take("participant", "sun", "PIN", "submit").ok());
    const uint64_t due = story.Strand("sun", "PIN").due_us();
    v1::RulebookParameters parameters = CycleParameters();
    parameters.set_completeness_days(20);
    parameters.set_pin_consideration_days(45);
    const absl::Status adopted = AdoptNext(story, "TH/C2", "TH/C1", parameters, in_flight);
    ASSERT_TRUE(adopted.ok()) << adopted;
    // Before it is in force nothing changes, and dates that run stay.
    ASSERT_TRUE(story.Days(3).ok());
    EXPECT_EQ(story.Strand("sun", "PIN").due_us(), due);
    ASSERT_TRUE(story.Take("secretary", "sun", "PIN", "complete", Reference("TH_PIN001")).ok());
    const bool stays = in_flight == v1::IN_FLIGHT_STAY;
    EXPECT_EQ(story.Strand("sun", "PIN").rulebook_version(), stays ? "TH/C1" : "TH/C2");
    const uint64_t days = (story.Strand("sun", "PIN").due_us() - story.Strand("sun", "PIN").since_us()) / kMicrosPerDay;
    EXPECT_EQ(days, stays ? 30u : 45u);
  }
}

}  // namespace
}  // namespace jcm::rules
