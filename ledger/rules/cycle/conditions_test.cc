// Each named condition of the tables: a registered project fulfils it, and the same project with one thing otherwise is
// refused with the condition's own reason.
#include "ledger/rules/cycle/conditions.h"

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/cycle_testing.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/handlers.h"

namespace jcm::rules {
namespace {

// What a condition is asked about.
struct Setting {
  std::string dossier_id = "sun";
  std::string strand = "MONITORING";
  uint32_t instance = 1;
  v1::DossierRecord dossier;  // as in the book
  v1::StrandRecord before;
  v1::StepFacts facts;
  v1::RulebookParameters parameters = CycleParameters();
  state::Transition* book = nullptr;
};

using Change = std::function<void(Setting&)>;

struct Case {
  std::string condition;
  std::string refusal;
  Change spoil;
  Change prepare = [](Setting&) {};
};

void OfAnIdea(Setting& setting) { setting.dossier_id = "idea"; }

Change Strand(const std::string& dossier, const std::string& strand, const std::string& state, uint32_t instance = 1) {
  return [=](Setting& setting) {
    v1::StrandRecord record;
    record.set_dossier_id(dossier);
    record.set_strand(strand);
    record.set_instance(instance);
    record.set_state(state);
    *record.mutable_facts() = setting.facts;
    ASSERT_TRUE(setting.book->Put(v1::TABLE_STRAND, StrandKey(dossier, strand, instance), record).ok());
  };
}

Change NoStrand(const std::string& strand) {
  return
      [=](Setting& setting) { ASSERT_TRUE(setting.book->Delete(v1::TABLE_STRAND, StrandKey("sun", strand, 1)).ok()); };
}

Change Of(const std::string& dossier, uint32_t instance = 1) {
  return [=](Setting& setting) {
    setting.dossier_id = dossier;
    setting.instance = instance;
  };
}

Change Period(v1::Date start, v1::Date end) {
  return [=](Setting& setting) { *setting.facts.mutable_period() = MakePeriod(start, end); };
}

Change Type(v1::ProjectType type) {
  return [=](Setting& setting) { setting.dossier.mutable_project()->set_type(type); };
}

std::vector<Case> ProjectCases() {
  using S = Setting;
  return {
      {"pin_in_rulebook", "STEP_NOT_IN_RULEBOOK", [](S& s) { s.parameters.set_pin_required(false); }},
      {"other_side_complete", "OTHER_SIDE_NOT_COMPLETE", [](S& s) { s.parameters.set_completeness_by_both(true); }},
      {"pin_cleared", "PIN_NOT_CLEARED", OfAnIdea},
      {"methodology_proposed", "METHODOLOGY_NOT_APPROVED",
       [](S& s) { s.facts.mutable_methodologies(0)->set_version("9.9"); }},
      {"methodology_approved", "METHODOLOGY_NOT_APPROVED", [](S& s) { s.dossier.clear_methodologies(); }},
      {"operation_not_too_early", "OPERATION_TOO_EARLY",
       [](S& s) { *s.dossier.mutable_project()->mutable_operation_start() = MakeDate(2012, 12, 31); }},
      {"one_scheme_only", "OTHER_SCHEME_NOT_EXCLUDED",
       [](S& s) { s.dossier.mutable_project()->set_not_under_other_scheme(false); }},
      {"design_submitted", "DESIGN_MISSING", OfAnIdea},
      {"inputs_closed", "PUBLIC_INPUT_NOT_CLOSED", Strand("sun", "DESIGN", "PUBLIC")},
      {"validated", "NOT_VALIDATED", Strand("sun", "VALIDATION", "NEGATIVE")},
      {"assessment_in_rulebook", "STEP_NOT_IN_RULEBOOK",
       [](S& s) { s.parameters.set_reference_assessment_required(false); }},
      {"reference_assessed", "REFERENCE_NOT_ASSESSED", NoStrand("REFERENCE")},
      {"safeguards_in_regime", "STEP_NOT_IN_RULEBOOK", Type(v1::PROJECT_TYPE_ENERGY), Type(v1::PROJECT_TYPE_REDD_PLUS)},
      {"safeguards_public", "SAFEGUARDS_MISSING", Type(v1::PROJECT_TYPE_REDD_PLUS)},
      {"delivery_in_shares", "DELIVERY_BELOW_MINIMUM",
       [](S& s) {
         *s.facts.mutable_shares(0)->mutable_share() = MakeFraction(2, 5);
         *s.facts.mutable_shares(1)->mutable_share() = MakeFraction(3, 5);
       }},
      {"crediting_length", "CREDITING_TOO_LONG", Period(MakeDate(2021, 1, 1), MakeDate(2031, 1, 1)),
       Period(MakeDate(2021, 1, 1), MakeDate(2030, 12, 31))},
      {"registered", "NOT_REGISTERED", OfAnIdea},
      {"not_ended", "NOT_REGISTERED", Strand("sun", "REGISTRATION", "DEREGISTERED")},
      {"renewal_possible", "RENEWAL_NOT_ALLOWED", Period(MakeDate(2031, 1, 2), MakeDate(2035, 12, 31)),
       Period(MakeDate(2031, 1, 1), MakeDate(2035, 12, 31))},
  };
}

std::vector<Case> MonitoringCases() {
  using S = Setting;
  return {
      {"entity_may_validate", "ENTITY_NOT_DESIGNATED",
       [](S& s) { *s.facts.mutable_document_date() = MakeDate(2024, 1, 1); }},
      {"entity_may_validate", "ENTITY_OUT_OF_SCOPE",
       [](S& s) {
         s.dossier.clear_methodologies();
         s.dossier.mutable_project()->set_scopes(0, 2);
       }},
      {"entity_may_verify", "ENTITY_NOT_DESIGNATED", [](S& s) { s.facts.set_third_party_entity("AM"); }},
      {"entity_may_verify", "ENTITY_OUT_OF_SCOPE",
       [](S& s) {
         s.dossier.clear_methodologies();
         s.dossier.mutable_project()->set_scopes(0, 2);
       }},
      {"may_monitor", "NOT_REGISTERED", OfAnIdea},
      {"may_monitor", "IMPLEMENTATION_NOT_REPORTED", NoStrand("IMPLEMENTATION")},
      {"period_in_crediting", "PERIOD_OUTSIDE_CREDITING", Period(MakeDate(2020, 1, 1), MakeDate(2020, 12, 31))},
      {"period_free", "PERIOD_OVERLAPS", Strand("sun", "MONITORING", "REPORTED", 2)},
      {"period_not_straddling", "PERIOD_STRADDLES_2021", Period(MakeDate(2020, 7, 1), MakeDate(2021, 6, 30))},
      {"quantities_agree", "QUANTITY_DIFFERS", [](S& s) { s.facts.mutable_quantification()->set_reductions(0, 101); }},
      {"may_request_issuance", "NOT_REGISTERED", OfAnIdea},
      {"issued_here", "NOT_ISSUED", [](S& s) { s.before.clear_issued(); }},
      {"issued_here", "ALREADY_EXISTS", [](S& s) { s.before.mutable_issued(0)->set_reported(true); }},
      {"first_version", "STEP_NOT_POSSIBLE", Of("AM", 2), Of("AM", 1)},
      {"earlier_version_approved", "METHODOLOGY_NOT_APPROVED", Strand("AM", "VERSION", "REJECTED"), Of("AM", 2)},
      {"earlier_version_approved", "STEP_NOT_POSSIBLE", Strand("AM", "VERSION", "PUBLIC", 3), Of("AM", 2)},
      {"designated", "ENTITY_NOT_DESIGNATED", Strand("TPE", "DESIGNATION", "SUSPENDED"), Of("TPE")},
  };
}

std::vector<Case> AllCases() {
  std::vector<Case> cases = ProjectCases();
  for (Case& one : MonitoringCases()) cases.push_back(std::move(one));
  return cases;
}

// A registered project, and one that nobody has done anything for.
CyclePair& Story() {
  static CyclePair* const story = [] {
    auto* told = new CyclePair;
    JCM_CHECK(told->PrepareMethodologyAndEntity().ok());
    JCM_CHECK(told->Register("sun", "TH021", v1::PROJECT_TYPE_ENERGY).ok());
    JCM_CHECK(told->OpenProject("idea", v1::PROJECT_TYPE_ENERGY).ok());
    return told;
  }();
  return *story;
}

Setting GoodSetting() {
  Setting setting;
  setting.dossier = Story().Dossier("sun");
  setting.facts = Verified("TPE", MakeDate(2026, 3, 20), 2021, 100);
  *setting.facts.mutable_period() = MakePeriod(MakeDate(2021, 1, 1), MakeDate(2021, 12, 31));
  setting.facts.add_methodologies()->set_reference("TH_AM001");
  setting.facts.mutable_methodologies(0)->set_version("1.0");
  *setting.facts.mutable_shares() = HalfShares(setting.facts.period()).shares();
  v1::SideIssuance* issued = setting.before.add_issued();
  issued->set_registry("JPN");
  issued->set_tonnes(50);
  return setting;
}

std::string Judge(const Case& one, bool spoilt) {
  state::Transition book(Story().book().state());
  Setting setting = GoodSetting();
  setting.book = &book;
  one.prepare(setting);
  if (spoilt) one.spoil(setting);
  RuleInput rule;
  rule.book = {"JPN", "TH"};
  rule.time = Story().pair().jpn().now();
  DossierView dossier;
  dossier.own = true;
  dossier.record = setting.dossier_id == "sun" ? setting.dossier : Story().Dossier(setting.dossier_id);
  return Why(CheckCondition(one.condition, {rule, dossier, setting.strand, setting.instance, setting.before,
                                            setting.facts, setting.parameters, book}));
}

TEST(Conditions, HoldForARegisteredProjectAndAreRefusedEachWithItsReason) {
  for (const Case& one : AllCases()) {
    EXPECT_EQ(Judge(one, /*spoilt=*/false), "OK") << one.condition;
    EXPECT_EQ(Judge(one, /*spoilt=*/true), one.refusal) << one.condition;
  }
}

TEST(Conditions, AreAllAmongTheseCases) {
  std::set<std::string> tried;
  for (const Case& one : AllCases()) tried.insert(one.condition);
  for (const absl::string_view name : ConditionNames()) EXPECT_EQ(tried.count(std::string(name)), 1u) << name;
  EXPECT_EQ(tried.size(), ConditionNames().size());
}

}  // namespace
}  // namespace jcm::rules
