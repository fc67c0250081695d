// Histories of dossiers: a project from its idea to its issuance told through the real rules, then damaged where all
// bytes, hashes and signatures stay true, so that only the auditor's own reading of the cycle can tell.
#include "tools/jcm-verify/audit/dossier_audit.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "ledger/rules/cycle/cycle_testing.h"
#include "ledger/rules/cycle/tables.h"
#include "ledger/rules/testing.h"
#include "tools/jcm-verify/audit/dossier_steps.h"
#include "tools/jcm-verify/audit/testing/damaged_story.h"

namespace jcm::verify {
namespace {

using rules::MakeDate;

TEST(DossierSteps, AreThoseOfTheTablesThatTheRulesExecute) {
  size_t steps = 0;
  for (const v1::DossierKind kind : rules::AllDossierKinds()) {
    for (const rules::Strand& strand : rules::CycleOf(kind).strands) {
      for (const rules::Step& step : strand.steps) {
        ++steps;
        const DossierStep* known = FindDossierStep(kind, strand.name, step.name);
        ASSERT_NE(known, nullptr) << strand.name << " " << step.name;
        const auto state = [](std::string* out, const std::string& from) { *out += from.empty() ? "-" : from; };
        EXPECT_EQ(known->from, absl::StrJoin(step.from, " ", state)) << step.name;
        EXPECT_EQ(known->to, step.to.empty() ? "=" : step.to) << step.name;
        EXPECT_EQ(known->decision, step.decision) << step.name;
        const auto name = [](std::string* out, rules::Who who) { out->append(std::string(rules::WhoName(who))); };
        EXPECT_EQ(known->who, absl::StrJoin(step.who, " ", name)) << step.name;
      }
    }
  }
  EXPECT_EQ(DossierSteps().size(), steps);
}

v1::DecisionText Issuance(Tonnes to_japan) {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  text.set_title("Issuance of TH021");
  v1::IssuanceText* issuance = text.mutable_issuance();
  issuance->set_project_id("TH021");
  issuance->set_monitoring_instance(1);
  *issuance->mutable_monitoring_start() = MakeDate(2021, 1, 1);
  *issuance->mutable_monitoring_end() = MakeDate(2021, 12, 31);
  issuance->set_verified_tonnes(100);
  issuance->set_allocation_method("explicit");
  v1::LotText* lot = issuance->add_lots();
  lot->set_lot_id("TH021-2021-1");
  lot->set_vintage(2021);
  lot->set_tonnes(100);
  for (const bool japan : {true, false}) {
    v1::AllocationRow* row = issuance->add_rows();
    row->set_row(japan ? 1 : 2);
    row->set_party(japan ? v1::PARTY_KIND_GOVERNMENT_OF_JAPAN : v1::PARTY_KIND_GOVERNMENT_OF_PARTNER);
    row->set_party_label(japan ? "Government of Japan" : "project participants");
    row->set_issuing_registry(japan ? "JPN" : "THA");
    row->mutable_range()->set_lot_id("TH021-2021-1");
    row->mutable_range()->set_first(japan ? 1 : to_japan + 1);
    row->mutable_range()->set_last(japan ? to_japan : 100);
  }
  return text;
}

// A project whose first period was decided and issued by both sides, and a comment on another project.
struct ProjectStory {
  ProjectStory() {
    Must(cycle.PrepareMethodologyAndEntity());
    Must(cycle.Register("sun", "TH021", v1::PROJECT_TYPE_ENERGY));
    v1::StepFacts year;
    *year.mutable_period() = rules::MakePeriod(MakeDate(2021, 1, 1), MakeDate(2021, 12, 31));
    Must(cycle.Take("participant", "sun", "MONITORING", "report", year));
    Must(cycle.Take("entity", "sun", "MONITORING", "verify", rules::Verified("TPE", MakeDate(2026, 3, 20), 2021, 100)));
    Must(cycle.Take("participant", "sun", "MONITORING", "request"));
    Must(cycle.Take("secretary", "sun", "MONITORING", "complete"));
    Must(cycle.DecideText(Issuance(50), /*host=*/true));
    Must(cycle.Take("secretary", "sun", "MONITORING", "notify"));
    Issue(true, 1);
    Issue(false, 2);
    Must(cycle.Take("operator", "sun", "MONITORING", "report_issuance"));
    v1::Command reported;
    reported.mutable_react_to_dossier()->set_dossier_id("sun");
    reported.mutable_react_to_dossier()->set_strand("MONITORING");
    reported.mutable_react_to_dossier()->set_instance(1);
    reported.mutable_react_to_dossier()->set_kind(v1::REACTION_KIND_ISSUANCE_REPORTED);
    Must(cycle.pair().host().Submit("TH", reported, {"operator"}));
    Must(cycle.pair().Settle());
  }

  static void Must(const absl::Status& done) {
    if (!done.ok()) CheckFailed(__FILE__, __LINE__, done.ToString().c_str());
  }
  void Issue(bool japan, uint32_t row) {
    rules::TestRegistry& side = cycle.pair().of(japan);
    const std::string account = side.AddAccount("GOV", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {"operator"});
    v1::Command command;
    command.mutable_issue_credits()->set_decision_id(cycle.last_decision());
    const auto decision = cycle.book(true).Find<v1::DecisionRecord>(v1::TABLE_DECISION, cycle.last_decision());
    command.mutable_issue_credits()->set_text_digest(decision->text_digest());
    v1::IssueTarget* target = command.mutable_issue_credits()->add_targets();
    target->set_row(row);
    target->set_account(account);
    Must(side.Submit("TH", command, {"operator"}));
    Must(cycle.pair().Settle());
  }

  rules::CyclePair cycle;
  StoryBooks books{cycle.pair()};
};

ProjectStory& Project() {
  static ProjectStory* const story = new ProjectStory;
  return *story;
}

// The number of the entry with this step of "sun".
uint64_t EntryOf(const BookCopy& copy, const std::string& strand, const std::string& step) {
  for (uint64_t at = 0; at < copy.entries.size(); ++at) {
    v1::Effects effects;
    if (!effects.ParseFromString(copy.entries[at].effects())) continue;
    for (const v1::Effect& effect : effects.effects()) {
      v1::DossierStepRecord record;
      if (effect.table() == v1::TABLE_DOSSIER_STEP && record.ParseFromString(effect.new_value()) &&
          record.dossier_id() == "sun" && record.strand() == strand && record.step() == step) {
        return at;
      }
    }
  }
  ADD_FAILURE() << "no " << strand << " " << step;
  return 0;
}

template <typename Record>
std::string After(const std::string& strand, const std::string& step, uint32_t table,
                  const std::function<void(Record*)>& change) {
  BookCopy copy = Project().books.Copy("JPN", "TH");
  const uint64_t at = EntryOf(copy, strand, step);
  StoryBooks::ChangeEffects(&copy, at,
                            [&](v1::Effects* effects) { ChangeRecord<Record>(EffectOn(effects, table), change); });
  return FailedChecks(AuditUpTo(std::move(copy), at, Project().books));
}

std::string AfterStep(const std::string& strand, const std::string& step,
                      const std::function<void(v1::DossierStepRecord*)>& change) {
  return After<v1::DossierStepRecord>(strand, step, v1::TABLE_DOSSIER_STEP, change);
}

TEST(DossierAudit, FindsNothingInAProjectsWholeLifeOnEitherSide) {
  ASSERT_EQ(Project().cycle.StateOf("sun", "MONITORING"), "CLOSED");
  const AuditReport report = Project().books.Audit(Project().books.All());
  EXPECT_EQ(AllFindings(report), "");
  for (const BookReport& book : report.books()) {
    const CheckCount& count = book.count(Check::DOSSIER);
    EXPECT_EQ(count.not_checkable, "") << book.name();
    if (book.name().find("home") == std::string::npos) {
      EXPECT_GT(count.passed, 100u) << book.name();
    }
  }
}

TEST(DossierAudit, FindsAStepFromOrToAnotherState) {
  EXPECT_EQ(AfterStep("PIN", "submit", [](v1::DossierStepRecord* step) { step->set_to_state("NO_OBJECTION"); }),
            "dossier");
  EXPECT_EQ(AfterStep("PIN", "complete", [](v1::DossierStepRecord* step) { step->set_from_state("INCOMPLETE"); }),
            "dossier");
  EXPECT_EQ(After<v1::StrandRecord>("PIN", "submit", v1::TABLE_STRAND,
                                    [](v1::StrandRecord* strand) { strand->set_state("NO_OBJECTION"); }),
            "dossier");
}

TEST(DossierAudit, FindsAStepThatThereIsNot) {
  EXPECT_EQ(AfterStep("PIN", "submit", [](v1::DossierStepRecord* step) { step->set_step("wave_through"); }), "dossier");
}

TEST(DossierAudit, FindsAHistoryWithAGapOrAnotherTime) {
  EXPECT_EQ(AfterStep("PIN", "submit", [](v1::DossierStepRecord* step) { step->set_number(2); }), "dossier");
  EXPECT_EQ(AfterStep("PIN", "submit", [](v1::DossierStepRecord* step) { step->set_at_us(step->at_us() - 1); }),
            "dossier");
  EXPECT_EQ(After<v1::DossierRecord>("PIN", "submit", v1::TABLE_DOSSIER,
                                     [](v1::DossierRecord* dossier) { dossier->set_steps(2); }),
            "dossier");
}

TEST(DossierAudit, FindsAHistoryThatIsWrittenAnew) {
  BookCopy copy = Project().books.Copy("JPN", "TH");
  const uint64_t first = EntryOf(copy, "PIN", "submit");
  const uint64_t second = EntryOf(copy, "PIN", "complete");
  v1::Effects effects;
  ASSERT_TRUE(effects.ParseFromString(copy.entries[first].effects()));
  v1::Effect rewritten = *EffectOn(&effects, v1::TABLE_DOSSIER_STEP);
  rewritten.set_old_value(rewritten.new_value());
  ChangeRecord<v1::DossierStepRecord>(&rewritten, [](v1::DossierStepRecord* step) { step->set_reason("another"); });
  StoryBooks::ChangeEffects(&copy, second, [&](v1::Effects* later) { *later->add_effects() = rewritten; });
  EXPECT_NE(FailedChecks(AuditUpTo(std::move(copy), second, Project().books)).find("dossier"), std::string::npos);
}

TEST(DossierAudit, FindsADocumentThatNobodyFiledAndAnotherActor) {
  EXPECT_EQ(AfterStep("PIN", "submit",
                      [](v1::DossierStepRecord* step) {
                        step->mutable_documents(0)->set_public_digest(std::string(32, 'x'));
                      }),
            "dossier");
  EXPECT_EQ(AfterStep("PIN", "complete", [](v1::DossierStepRecord* step) { step->clear_actor(); }), "dossier");
}

TEST(DossierAudit, FindsAFindingBySomebodyWhomTheEntityDoesNotName) {
  BookCopy copy = Project().books.Copy("JPN", "TH");
  // The entity had named another person.
  const uint64_t opened = StoryBooks::Find(copy, v1::Command::kOpenDossier, "TPE");
  Project().books.ChangeCommand(
      &copy, opened, [](v1::Command* command) { command->mutable_open_dossier()->set_persons(0, "somebody"); },
      {"entity"});
  const auto rename = [](std::string* bytes) {
    v1::DossierRecord record;
    if (bytes->empty() || !record.ParseFromString(*bytes)) return;
    record.set_persons(0, "somebody");
    *bytes = state::Serialise(record);
  };
  for (uint64_t at = opened; at < copy.entries.size(); ++at) {
    StoryBooks::ChangeEffects(&copy, at, [&](v1::Effects* effects) {
      for (v1::Effect& effect : *effects->mutable_effects()) {
        if (effect.table() != v1::TABLE_DOSSIER || effect.key() != "TPE") continue;
        rename(effect.mutable_old_value());
        rename(effect.mutable_new_value());
      }
    });
  }
  const uint64_t at = EntryOf(copy, "VALIDATION", "find_positive");
  EXPECT_EQ(FailedChecks(AuditUpTo(std::move(copy), at, Project().books)), "authority");
}

TEST(DossierAudit, FindsAStepThatItsDecisionDoesNotSay) {
  // D1 designated the entity.
  EXPECT_EQ(After<v1::DossierStepRecord>("PIN", "clear", v1::TABLE_DOSSIER_STEP,
                                         [](v1::DossierStepRecord* step) { step->set_decision_id("D1"); }),
            "dossier");
  EXPECT_EQ(AfterStep("REGISTRATION", "register", [](v1::DossierStepRecord* step) { step->set_decision_id(""); }),
            "dossier");
}

TEST(DossierAudit, FindsACallForInputsThatEndsTooEarly) {
  BookCopy copy = Project().books.Copy("JPN", "TH");
  // The rulebook had asked for a hundred days.
  const uint64_t adopted = StoryBooks::Find(copy, v1::Command::kAdoptRulebook, "TH/C1");
  const auto longer = [](v1::RulebookParameters* parameters) { parameters->set_pdd_public_input_days(100); };
  Project().books.ChangeCommand(
      &copy, adopted, [&](v1::Command* command) { longer(command->mutable_adopt_rulebook()->mutable_parameters()); },
      {"secretary"});
  StoryBooks::ChangeEffects(&copy, adopted, [&](v1::Effects* effects) {
    ChangeRecord<v1::RulebookRecord>(EffectOn(effects, v1::TABLE_RULEBOOK),
                                     [&](v1::RulebookRecord* record) { longer(record->mutable_parameters()); });
  });
  const uint64_t at = EntryOf(copy, "DESIGN", "close_inputs");
  const std::string failed = FailedChecks(AuditUpTo(std::move(copy), at, Project().books));
  EXPECT_NE(failed.find("dossier"), std::string::npos) << failed;
}

TEST(DossierAudit, FindsANumberOfTwoDossiers) {
  EXPECT_EQ(After<v1::ReferenceRecord>("PIN", "complete", v1::TABLE_REFERENCE,
                                       [](v1::ReferenceRecord* record) { record->set_dossier_id("AM"); }),
            "dossier");
}

// A project of an earlier registry.
struct MigratedStory {
  MigratedStory() {
    v1::Command command;
    command.set_provenance(v1::PROVENANCE_MIGRATED);
    v1::MigrateDossier* body = command.mutable_migrate_dossier();
    body->set_dossier_id("sun");
    body->set_kind(v1::DOSSIER_KIND_PROJECT);
    body->set_rulebook_version("TH/C1");
    body->set_title_en("As it was");
    body->mutable_project()->set_type(v1::PROJECT_TYPE_ENERGY);
    *body->mutable_registration_date() = MakeDate(2018, 7, 13);
    v1::MigratedStrand* registration = body->add_strands();
    registration->set_strand("REGISTRATION");
    registration->set_instance(1);
    registration->set_state("REGISTERED");
    *registration->mutable_since() = MakeDate(2018, 7, 13);
    registration->add_references("TH001");
    *registration->mutable_facts()->mutable_period() = rules::MakePeriod(MakeDate(2017, 1, 1), MakeDate(2027, 12, 31));
    ProjectStory::Must(cycle.pair().jpn().Submit("TH", command, {"secretary"}));
    ProjectStory::Must(cycle.pair().Settle());
  }
  std::string AfterChange(uint32_t table, const std::function<void(v1::Effect*)>& change) {
    BookCopy copy = books.Copy("JPN", "TH");
    const uint64_t at = StoryBooks::Find(copy, v1::Command::kMigrateDossier);
    StoryBooks::ChangeEffects(&copy, at, [&](v1::Effects* effects) { change(EffectOn(effects, table)); });
    return FailedChecks(AuditUpTo(std::move(copy), at, books));
  }

  rules::CyclePair cycle;
  StoryBooks books{cycle.pair()};
};

TEST(DossierAudit, FindsWhatWasTakenOverInAnotherStateThanItsActSays) {
  MigratedStory story;
  EXPECT_EQ(AllFindings(story.books.Audit(story.books.All())), "");
  EXPECT_EQ(story.AfterChange(v1::TABLE_DOSSIER_STEP,
                              [](v1::Effect* effect) {
                                ChangeRecord<v1::DossierStepRecord>(effect, [](v1::DossierStepRecord* step) {
                                  *step->mutable_legal_date() = MakeDate(2018, 7, 14);
                                });
                              }),
            "dossier");
  EXPECT_EQ(story.AfterChange(v1::TABLE_STRAND,
                              [](v1::Effect* effect) {
                                ChangeRecord<v1::StrandRecord>(
                                    effect, [](v1::StrandRecord* strand) { strand->set_state("DEREGISTERED"); });
                              }),
            "dossier");
  EXPECT_EQ(story.AfterChange(v1::TABLE_DOSSIER,
                              [](v1::Effect* effect) {
                                ChangeRecord<v1::DossierRecord>(
                                    effect, [](v1::DossierRecord* dossier) { dossier->set_title_en("another"); });
                              }),
            "dossier");
}

}  // namespace
}  // namespace jcm::verify
