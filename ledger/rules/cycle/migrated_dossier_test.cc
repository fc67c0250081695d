// Dossiers of an earlier registry: in the state in which they were, with their historic days, and going on from there.
#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/cycle_testing.h"
#include "ledger/rules/cycle/dossier_state.h"

namespace jcm::rules {
namespace {

class MigratedDossier : public testing::Test {
 protected:
  static v1::Command Head(const std::string& id, v1::DossierKind kind) {
    v1::Command command;
    command.set_provenance(v1::PROVENANCE_MIGRATED);
    v1::MigrateDossier* body = command.mutable_migrate_dossier();
    body->set_dossier_id(id);
    body->set_kind(kind);
    body->set_rulebook_version("TH/C1");
    body->set_title_en("As it was");
    if (kind == v1::DOSSIER_KIND_PROJECT) body->mutable_project()->set_type(v1::PROJECT_TYPE_ENERGY);
    return command;
  }
  static v1::MigratedStrand* AddStrand(v1::Command* command, const std::string& strand, const std::string& state,
                                       v1::Date since, const std::string& reference = "", uint32_t instance = 1) {
    v1::MigratedStrand* out = command->mutable_migrate_dossier()->add_strands();
    out->set_strand(strand);
    out->set_instance(instance);
    out->set_state(state);
    *out->mutable_since() = since;
    if (!reference.empty()) out->add_references(reference);
    return out;
  }
  static v1::Command Project() {
    v1::Command command = Head("sun", v1::DOSSIER_KIND_PROJECT);
    *command.mutable_migrate_dossier()->mutable_registration_date() = MakeDate(2018, 7, 13);
    v1::MigratedStrand* registration =
        AddStrand(&command, "REGISTRATION", "REGISTERED", MakeDate(2018, 7, 13), "TH001");
    *registration->mutable_facts()->mutable_period() = MakePeriod(MakeDate(2017, 1, 1), MakeDate(2027, 12, 31));
    registration->set_decision_text("electronic decision of 2018-07-13");
    AddStrand(&command, "IMPLEMENTATION", "REPORTED", MakeDate(2018, 9, 1));
    v1::MigratedStrand* monitored = AddStrand(&command, "MONITORING", "CLOSED", MakeDate(2020, 3, 5));
    *monitored->mutable_facts()->mutable_period() = MakePeriod(MakeDate(2017, 1, 25), MakeDate(2018, 8, 31));
    return command;
  }
  std::string Submit(const v1::Command& command, const std::string& person = "secretary") {
    return Why(story_.pair().jpn().Submit("TH", command, {person}));
  }

  CyclePair story_;
};

TEST_F(MigratedDossier, StandsWhereItWasWithItsHistoricDays) {
  ASSERT_EQ(Submit(Project()), "OK");
  EXPECT_EQ(Submit(Project()), "ALREADY_EXISTS");
  EXPECT_EQ(story_.StateOf("sun", "REGISTRATION"), "REGISTERED");
  EXPECT_EQ(story_.Strand("sun", "REGISTRATION").since_date().year(), 2018);
  const auto project = story_.book().Find<v1::ProjectRecord>(v1::TABLE_PROJECT, "TH001");
  ASSERT_TRUE(project.has_value());
  EXPECT_EQ(project->registration_date().day(), 13);
  EXPECT_EQ(project->crediting_end().year(), 2027);
  EXPECT_EQ(project->provenance(), v1::PROVENANCE_MIGRATED);
  const auto step = story_.book().Find<v1::DossierStepRecord>(v1::TABLE_DOSSIER_STEP, DossierStepKey("sun", 1));
  ASSERT_TRUE(step.has_value());
  EXPECT_EQ(step->step(), "migrated");
  EXPECT_EQ(step->to_state(), "REGISTERED");
  EXPECT_EQ(step->reason(), "electronic decision of 2018-07-13");
  ASSERT_TRUE(story_.pair().Settle().ok());
  EXPECT_TRUE(story_.book().ReplayAll().ok());
  const auto there =
      story_.book(true).Find<v1::StrandRecord>(state::Shadow(v1::TABLE_STRAND), StrandKey("sun", "MONITORING", 1));
  ASSERT_TRUE(there.has_value());
  EXPECT_EQ(there->state(), "CLOSED");
}

TEST_F(MigratedDossier, GoesOnNativelyAndOverlapsNoPeriodOfTheEarlierRegistry) {
  v1::Command command = Project();
  command.mutable_migrate_dossier()->add_persons(story_.pair().jpn().Pseudonym("participant", "TH"));
  ASSERT_EQ(Submit(command), "OK");
  v1::StepFacts facts;
  *facts.mutable_period() = MakePeriod(MakeDate(2018, 8, 31), MakeDate(2019, 8, 31));
  EXPECT_EQ(Why(story_.Take("participant", "sun", "MONITORING", "report", facts, 2)), "PERIOD_OVERLAPS");
  *facts.mutable_period() = MakePeriod(MakeDate(2018, 9, 1), MakeDate(2019, 8, 31));
  EXPECT_EQ(Why(story_.Take("participant", "sun", "MONITORING", "report", facts, 2)), "OK");
}

TEST_F(MigratedDossier, EndsACallForPublicInputThatWasRunning) {
  v1::Command command = Head("AM", v1::DOSSIER_KIND_METHODOLOGY);
  command.mutable_migrate_dossier()->add_scopes(1);
  AddStrand(&command, "VERSION", "PUBLIC", MakeDate(2026, 2, 25), "TH_PM003");
  ASSERT_EQ(Submit(command), "OK");
  ASSERT_TRUE(story_.Days(5).ok());
  EXPECT_EQ(story_.StateOf("AM", "VERSION"), "PUBLIC");
  ASSERT_TRUE(story_.Days(10).ok());
  EXPECT_EQ(story_.StateOf("AM", "VERSION"), "CONSIDERATION");
}

TEST_F(MigratedDossier, GivesAnEntityItsScopesByDay) {
  v1::Command command = Head("TPE", v1::DOSSIER_KIND_THIRD_PARTY_ENTITY);
  v1::MigratedStrand* strand = AddStrand(&command, "DESIGNATION", "DESIGNATED", MakeDate(2016, 1, 1), "TPE-TH-001");
  EXPECT_EQ(Submit(command), "FIELD_INVALID");  // designated for nothing
  v1::DatedScopes* scopes = command.mutable_migrate_dossier()->add_designations();
  *scopes->mutable_from() = MakeDate(2016, 1, 1);
  v1::ScopeGrant* grant = scopes->add_scopes();
  grant->set_scope(1);
  grant->set_verification(true);
  ASSERT_EQ(Submit(command), "OK");
  EXPECT_EQ(story_.Dossier("TPE").designations(0).scopes(0).scope(), 1);
  strand->set_state("WITHDRAWN");
  command.mutable_migrate_dossier()->set_dossier_id("TPE-2");
  EXPECT_EQ(Submit(command), "FIELD_INVALID");  // withdrawn, but may still act
}

TEST_F(MigratedDossier, IsRefusedWhereTheTablesHaveNoSuchThing) {
  const auto changed = [&](const std::function<void(v1::MigrateDossier*)>& change) {
    v1::Command command = Project();
    change(command.mutable_migrate_dossier());
    return Submit(command);
  };
  EXPECT_EQ(changed([](v1::MigrateDossier* d) { d->mutable_strands(0)->set_strand("REGISTER"); }), "STEP_UNKNOWN");
  EXPECT_EQ(changed([](v1::MigrateDossier* d) { d->mutable_strands(0)->set_state("DONE"); }), "FIELD_INVALID");
  EXPECT_EQ(changed([](v1::MigrateDossier* d) { d->mutable_strands(2)->set_instance(2); }), "FIELD_INVALID");
  EXPECT_EQ(changed([](v1::MigrateDossier* d) { *d->mutable_strands(0)->mutable_since() = MakeDate(2027, 1, 1); }),
            "FIELD_INVALID");
  EXPECT_EQ(changed([](v1::MigrateDossier* d) { d->mutable_strands(0)->set_references(0, "TH_AM001"); }),
            "REFERENCE_INVALID");
  EXPECT_EQ(changed([](v1::MigrateDossier* d) { d->mutable_strands(0)->clear_references(); }), "FIELD_REQUIRED");
  EXPECT_EQ(changed([](v1::MigrateDossier* d) { d->clear_registration_date(); }), "FIELD_REQUIRED");
  EXPECT_EQ(changed([](v1::MigrateDossier* d) { d->clear_strands(); }), "FIELD_REQUIRED");
  EXPECT_EQ(changed([](v1::MigrateDossier* d) { d->set_rulebook_version("TH/none"); }), "RULEBOOK_UNKNOWN");
  v1::Command native = Project();
  native.set_provenance(v1::PROVENANCE_NATIVE);
  EXPECT_EQ(Submit(native), "FIELD_INVALID");
  EXPECT_EQ(Submit(Project(), "participant"), "ROLE_NOT_ALLOWED");
  ASSERT_EQ(Submit(Project()), "OK");
  EXPECT_EQ(changed([](v1::MigrateDossier* d) { d->set_dossier_id("moon"); }), "REFERENCE_TAKEN");
}

}  // namespace
}  // namespace jcm::rules
