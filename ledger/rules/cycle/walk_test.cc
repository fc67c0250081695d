// Walks the tables: from each state of each strand every step is tried, with everything else in order. What the table
// lists is taken and leads where it says; everything else is refused, and changes nothing.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/cycle_testing.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/cycle/step.h"

namespace jcm::rules {
namespace {

constexpr char kDossier[] = "D";
constexpr char kEntity[] = "TPE";
const BookTime kNow = At("2026-03-02T00:00:00Z");

class Fixture {
 public:
  explicit Fixture(v1::DossierKind kind) : kind_(kind) {
    v1::PartnershipRecord partnership;
    partnership.set_partnership("TH");
    partnership.set_own_registry("JPN");
    partnership.set_peer_registry("THA");
    partnership.set_mode(v1::PARTNERSHIP_MODE_NODE);
    Put(v1::TABLE_PARTNERSHIP, "partnership", partnership);
    v1::RulebookRecord rulebook;
    rulebook.set_version("TH/C1");
    *rulebook.mutable_parameters() = CycleParameters();
    *rulebook.mutable_effective_date() = MakeDate(2024, 1, 1);
    // REDD+ has every strand, safeguards too.
    rulebook.mutable_parameters()->mutable_permanence(0)->clear_discount();
    Put(v1::TABLE_RULEBOOK, "TH/C1", rulebook);
    PutDossier(kind == v1::DOSSIER_KIND_THIRD_PARTY_ENTITY ? "other" : kEntity, v1::DOSSIER_KIND_THIRD_PARTY_ENTITY);
    PutDossier("AM", v1::DOSSIER_KIND_METHODOLOGY);
    v1::ReferenceRecord reference;
    reference.set_reference("TH_AM001");
    reference.set_dossier_id("AM");
    Put(v1::TABLE_REFERENCE, "TH_AM001", reference);
    SetState("AM", "VERSION", 1, "APPROVED");
    PutDossier(kDossier, kind);
    // Every other strand is where it must be for this one to go on.
    if (kind == v1::DOSSIER_KIND_PROJECT) {
      SetState(kDossier, "PIN", 1, "NO_OBJECTION");
      SetState(kDossier, "DESIGN", 1, "INPUTS_CLOSED");
      SetState(kDossier, "VALIDATION", 1, "POSITIVE");
      SetState(kDossier, "REFERENCE", 1, "ASSESSED");
      SetState(kDossier, "SAFEGUARDS", 1, "INPUTS_CLOSED");
      SetState(kDossier, "REGISTRATION", 1, "REGISTERED");
      SetState(kDossier, "IMPLEMENTATION", 1, "REPORTED");
    } else if (kind == v1::DOSSIER_KIND_THIRD_PARTY_ENTITY) {
      SetState(kDossier, "DESIGNATION", 1, "DESIGNATED");
    }
  }

  void SetState(const std::string& dossier, const std::string& strand, uint32_t instance, const std::string& state) {
    const std::string key = StrandKey(dossier, strand, instance);
    if (state.empty()) {
      Erase(v1::TABLE_STRAND, key);
      return;
    }
    v1::StrandRecord record;
    record.set_dossier_id(dossier);
    record.set_strand(strand);
    record.set_instance(instance);
    record.set_state(state);
    record.set_since_us(kNow.micros);
    record.mutable_facts()->set_third_party_entity(kEntity);
    record.mutable_facts()->set_version("1.0");
    *record.mutable_facts()->mutable_period() =
        strand == "MONITORING" ? MakePeriod(MakeDate(2024, 1, 1), MakeDate(2024, 12, 31))
        : strand == "RENEWAL"  ? MakePeriod(MakeDate(2031, 1, 1), MakeDate(2035, 12, 31))
                               : MakePeriod(MakeDate(2021, 1, 1), MakeDate(2030, 12, 31));
    v1::SideIssuance* issued = record.add_issued();
    issued->set_registry("JPN");
    issued->set_tonnes(1);
    v1::SideIssuance* there = record.add_issued();
    there->set_registry("THA");
    there->set_tonnes(1);
    Put(v1::TABLE_STRAND, key, record);
  }

  // The state after the step, or why it was refused.
  absl::Status Take(const Strand& strand, uint32_t instance, const Step& step, std::string* after) {
    StepRequest request;
    request.strand = strand.name;
    request.instance = instance;
    request.step = step.name;
    request.reason = "a reason";
    request.legal_date = MakeDate(2026, 3, 2);
    for (const Need& need : step.documents) *request.documents.Add() = TestDocument(need.name);
    for (const Need& need : step.facts) {
      if (!need.optional) State(need.name, strand, &request.facts);
    }
    RuleInput input;
    input.book = BookId{"JPN", "TH"};
    input.time = kNow;
    input.legal_date = request.legal_date;
    Transition transition(state_);
    const absl::Status taken = TakeOneStep(input, kDossier, request, transition);
    if (taken.ok()) {
      const auto record =
          transition.Get<v1::StrandRecord>(v1::TABLE_STRAND, StrandKey(kDossier, strand.name, instance));
      *after = (*record)->state();
    } else {
      // A caller throws a refused attempt away; the state below was never touched.
      *after = "";
    }
    return taken;
  }

 private:
  static void State(const std::string& fact, const Strand& strand, v1::StepFacts* facts) {
    const std::string kind = fact.substr(fact.find(':') + 1);
    if (kind == "PIN") facts->set_reference("TH_PIN777");
    if (kind == "PM") facts->set_reference("TH_PM777");
    if (kind == "AM") facts->set_reference("TH_AM777");
    if (kind == "PROJECT") facts->set_reference("TH777");
    if (kind == "TPE") facts->set_reference("TPE-TH-777");
    if (fact == "version") facts->set_version("2.0");
    if (fact == "document_date") *facts->mutable_document_date() = MakeDate(2026, 3, 1);
    if (fact == "third_party_entity") facts->set_third_party_entity(kEntity);
    if (fact == "methodologies") {
      facts->add_methodologies()->set_reference("TH_AM001");
      facts->mutable_methodologies(0)->set_version("1.0");
    }
    if (fact == "period" && strand.name == "REGISTRATION") {
      *facts->mutable_period() = MakePeriod(MakeDate(2021, 1, 1), MakeDate(2030, 12, 31));
    }
    if (fact == "period" && strand.name == "RENEWAL") {
      *facts->mutable_period() = MakePeriod(MakeDate(2031, 1, 1), MakeDate(2035, 12, 31));
    }
    if (fact == "period" && strand.name == "MONITORING") {
      *facts->mutable_period() = MakePeriod(MakeDate(2024, 1, 1), MakeDate(2024, 12, 31));
    }
    if (fact == "shares") *facts->mutable_shares() = HalfShares({}).shares();
    if (fact == "participants") *facts->mutable_participants() = TestProject(v1::PROJECT_TYPE_ENERGY).participants();
    if (fact == "quantification") {
      *facts->mutable_quantification() = Verified(kEntity, MakeDate(2026, 3, 1), 2024, 100).quantification();
    }
    if (fact == "scopes") {
      v1::ScopeGrant* grant = facts->add_scopes();
      grant->set_scope(1);
      grant->set_validation(true);
      grant->set_verification(true);
    }
  }

  void PutDossier(const std::string& id, v1::DossierKind kind) {
    v1::DossierRecord record;
    record.set_dossier_id(id);
    record.set_kind(kind);
    record.set_rulebook_version("TH/C1");
    record.set_title_en("title");
    if (kind == v1::DOSSIER_KIND_PROJECT) {
      *record.mutable_project() = TestProject(v1::PROJECT_TYPE_REDD_PLUS);
      record.add_references("TH001");
      record.add_methodologies()->set_reference("TH_AM001");
      record.mutable_methodologies(0)->set_version("1.0");
      *record.mutable_crediting() = MakePeriod(MakeDate(2021, 1, 1), MakeDate(2030, 12, 31));
    } else if (kind == v1::DOSSIER_KIND_METHODOLOGY) {
      record.add_scopes(1);
    } else {
      v1::DatedScopes* row = record.add_designations();
      *row->mutable_from() = MakeDate(2020, 1, 1);
      row->add_scopes()->set_scope(1);
      row->mutable_scopes(0)->set_validation(true);
      row->mutable_scopes(0)->set_verification(true);
    }
    Put(v1::TABLE_DOSSIER, id, record);
  }

  void Put(uint32_t table, const std::string& key, const google::protobuf::MessageLite& record) {
    Apply(table, key, state::Serialise(record));
  }
  void Erase(uint32_t table, const std::string& key) { Apply(table, key, ""); }
  void Apply(uint32_t table, const std::string& key, const std::string& value) {
    v1::Effects effects;
    v1::Effect* effect = effects.add_effects();
    effect->set_table(table);
    effect->set_key(key);
    effect->set_old_value(state_.Get(table, key)->value_or(""));
    effect->set_new_value(value);
    if (effect->old_value() == value) return;
    ASSERT_TRUE(state_.Apply(effects).ok());
  }

  v1::DossierKind kind_;
  state::MapState state_;
};

class Walk : public testing::TestWithParam<v1::DossierKind> {};

TEST_P(Walk, TakesEveryStepOfTheTableAndRefusesEveryOther) {
  int taken_count = 0;
  int refused_count = 0;
  for (const Strand& strand : CycleOf(GetParam()).strands) {
    std::vector<std::string> states = strand.States();
    states.insert(states.begin(), "");
    for (const std::string& state : states) {
      for (const Step& step : strand.steps) {
        SCOPED_TRACE(strand.name + " " + (state.empty() ? "not begun" : state) + " " + step.name);
        // A revision is of a version that was approved.
        const uint32_t instance = step.name == "request_revision" ? 2 : 1;
        Fixture fixture(GetParam());
        if (instance == 2) fixture.SetState(kDossier, strand.name, 1, "APPROVED");
        fixture.SetState(kDossier, strand.name, instance, state);
        // The strands that a step must find before registration.
        if (strand.name == "RENEWAL") fixture.SetState(kDossier, "REGISTRATION", 1, "CREDITING_ENDED");
        std::string after;
        const absl::Status taken = fixture.Take(strand, instance, step, &after);
        if (step.StartsAt(state)) {
          ASSERT_TRUE(taken.ok()) << taken;
          // What the ledger adds at once: all have reported, so an issued period is closed.
          const std::string& expected = step.to.empty() ? state : step.to;
          const bool closed = strand.name == "MONITORING" && after == "CLOSED";
          EXPECT_TRUE(after == expected || closed) << after << " instead of " << expected;
          ++taken_count;
        } else {
          EXPECT_TRUE(HasReason(taken, Reason::STEP_NOT_POSSIBLE) || HasReason(taken, Reason::STEP_TOO_LATE)) << taken;
          ++refused_count;
        }
      }
    }
  }
  EXPECT_GT(taken_count, 10);
  EXPECT_GT(refused_count, 50);
}

INSTANTIATE_TEST_SUITE_P(Cycle, Walk,
                         testing::Values(v1::DOSSIER_KIND_PROJECT, v1::DOSSIER_KIND_METHODOLOGY,
                                         v1::DOSSIER_KIND_THIRD_PARTY_ENTITY),
                         [](const auto& info) { return v1::DossierKind_Name(info.param); });

}  // namespace
}  // namespace jcm::rules
