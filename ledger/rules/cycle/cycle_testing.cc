#include "ledger/rules/cycle/cycle_testing.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/dossier_state.h"

namespace jcm::rules {
namespace {

constexpr char kRulebook[] = "TH/C1";

std::string DigestOf(const std::string& text) {
  const Digest digest = Sha256(text);
  return std::string(AsBytes(digest));
}

void PreparePeople(TestRegistry& side) {
  side.AddPerson("participant", {v1::ROLE_PROJECT_PARTICIPANT});
  side.AddPerson("stranger", {v1::ROLE_PROJECT_PARTICIPANT});
  side.AddPerson("entity", {v1::ROLE_THIRD_PARTY_ENTITY});
}

}  // namespace

v1::RulebookParameters CycleParameters() {
  v1::RulebookParameters p = TestParameters();
  p.set_track("cycle");
  p.set_pin_required(true);
  p.set_planned_project_clears(true);
  p.set_completeness_days(7);
  p.set_pin_consideration_days(30);
  p.set_pm_public_input_days(15);
  p.set_pm_consideration_days(60);
  p.set_pm_consideration_days_max(90);
  p.set_pdd_public_input_days(30);
  p.set_safeguard_public_input_days(15);
  p.set_jc_consideration_days(90);
  p.set_issuance_days(30);
  *p.mutable_operation_start_not_before() = MakeDate(2013, 1, 1);
  p.set_vintage_basis("calendar_year");
  p.set_er_rounding("floor_per_vintage");
  p.set_crediting_period_years_max(10);
  p.set_crediting_renewals_max(1);
  p.set_sustainable_development_required(true);
  p.set_reference_assessment_required(true);
  p.set_implementation_report_required(true);
  p.set_methodology_grace_days(240);
  *p.mutable_subsidised_delivery_share() = MakeFraction(1, 2);
  v1::PermanenceRule* redd = p.add_permanence();
  redd->set_type(v1::PROJECT_TYPE_REDD_PLUS);
  redd->set_regime(v1::PERMANENCE_REGIME_REDD_DISCOUNT);
  *redd->mutable_discount() = MakeFraction(1, 5);
  redd->set_safeguards_required(true);
  v1::PermanenceRule* ccs = p.add_permanence();
  ccs->set_type(v1::PROJECT_TYPE_CCS);
  ccs->set_regime(v1::PERMANENCE_REGIME_CCS_RESERVE);
  *ccs->mutable_reserve_rate() = MakeFraction(3, 100);
  ccs->set_reserve_base("decided_amount_before_split");
  ccs->set_reserve_rounding("ceil");
  return p;
}

v1::Document TestDocument(const std::string& form) {
  v1::Document document;
  document.set_form(form);
  document.set_name(form + ".pdf");
  document.set_media_type("application/pdf");
  document.set_public_digest(DigestOf(form));
  return document;
}

v1::Period MakePeriod(v1::Date start, v1::Date end) {
  v1::Period period;
  *period.mutable_start() = start;
  *period.mutable_end() = end;
  return period;
}

v1::Fraction MakeFraction(uint64_t numerator, uint64_t denominator) {
  v1::Fraction fraction;
  fraction.set_numerator(numerator);
  fraction.set_denominator(denominator);
  return fraction;
}

v1::DecisionSubject Subject(const std::string& dossier, const std::string& strand, const std::string& step,
                            v1::StepFacts facts, uint32_t instance) {
  v1::DecisionSubject subject;
  subject.set_dossier_id(dossier);
  subject.set_strand(strand);
  subject.set_instance(instance);
  subject.set_step(step);
  *subject.mutable_facts() = std::move(facts);
  return subject;
}

v1::StepFacts Reference(const std::string& reference) {
  v1::StepFacts facts;
  facts.set_reference(reference);
  return facts;
}

v1::ProjectFacts TestProject(v1::ProjectType type) {
  v1::ProjectFacts project;
  project.set_type(type);
  project.add_scopes(1);
  v1::Participant* focal = project.add_participants();
  focal->set_name_en("A synthetic company");
  focal->set_country("JP");
  focal->set_consortium(v1::CONSORTIUM_ROLE_REPRESENTATIVE);
  focal->set_focal_point(true);
  v1::Participant* joint = project.add_participants();
  joint->set_name_en("A synthetic partner");
  joint->set_country("TH");
  joint->set_consortium(v1::CONSORTIUM_ROLE_JOINT);
  project.set_programme(v1::FUNDING_PROGRAMME_MODEL_PROJECT);
  *project.mutable_operation_start() = MakeDate(2020, 6, 1);
  project.set_not_under_other_scheme(true);
  project.set_synthetic(true);
  return project;
}

v1::StepFacts HalfShares(v1::Period crediting) {
  v1::StepFacts facts;
  *facts.mutable_period() = std::move(crediting);
  v1::AllocationShare* government = facts.add_shares();
  government->set_party("Government of Japan");
  government->set_government_of_japan(true);
  *government->mutable_share() = MakeFraction(1, 2);
  v1::AllocationShare* others = facts.add_shares();
  others->set_party("project participants");
  *others->mutable_share() = MakeFraction(1, 2);
  return facts;
}

v1::StepFacts Verified(const std::string& entity, v1::Date day, int32_t vintage, uint64_t tonnes) {
  v1::StepFacts facts;
  facts.set_third_party_entity(entity);
  *facts.mutable_document_date() = day;
  v1::YearlyEmissions* year = facts.mutable_quantification()->add_years();
  year->set_vintage(vintage);
  *year->mutable_reference() = MakeFraction(4 * tonnes + 1, 2);  // half a tonne is rounded away
  *year->mutable_project() = MakeFraction(tonnes);
  facts.mutable_quantification()->add_reductions(tonnes);
  return facts;
}

CyclePair::CyclePair(const v1::RulebookParameters& parameters, BookTime now) : pair_(now) {
  for (const bool japan : {true, false}) {
    TestRegistry& side = pair_.of(japan);
    PreparePeople(side);
    v1::Command rulebook;
    rulebook.mutable_adopt_rulebook()->set_version(kRulebook);
    *rulebook.mutable_adopt_rulebook()->mutable_parameters() = parameters;
    *rulebook.mutable_adopt_rulebook()->mutable_effective_date() = MakeDate(2024, 7, 8);
    JCM_CHECK(side.Submit("TH", rulebook, {"secretary"}).ok());
  }
  JCM_CHECK(pair_.Settle().ok());
}

v1::DossierRecord CyclePair::Dossier(const std::string& id, bool host) {
  return book(host).Find<v1::DossierRecord>(v1::TABLE_DOSSIER, id).value_or(v1::DossierRecord());
}

v1::StrandRecord CyclePair::Strand(const std::string& id, const std::string& strand, uint32_t instance, bool host) {
  return book(host)
      .Find<v1::StrandRecord>(v1::TABLE_STRAND, StrandKey(id, strand, instance))
      .value_or(v1::StrandRecord());
}

std::string CyclePair::StateOf(const std::string& id, const std::string& strand, uint32_t instance, bool host) {
  return Strand(id, strand, instance, host).state();
}

absl::Status CyclePair::OpenProject(const std::string& id, v1::ProjectType type, bool host) {
  TestRegistry& side = pair_.of(!host);
  v1::Command command;
  v1::OpenDossier* open = command.mutable_open_dossier();
  open->set_dossier_id(id);
  open->set_kind(v1::DOSSIER_KIND_PROJECT);
  open->set_rulebook_version(kRulebook);
  open->set_title_en("Project " + id);
  *open->mutable_project() = TestProject(type);
  open->add_persons(side.Pseudonym("participant", "TH"));
  return side.Submit("TH", command, {"participant"});
}

absl::Status CyclePair::OpenMethodology(const std::string& id, std::vector<int32_t> scopes, bool host) {
  TestRegistry& side = pair_.of(!host);
  v1::Command command;
  v1::OpenDossier* open = command.mutable_open_dossier();
  open->set_dossier_id(id);
  open->set_kind(v1::DOSSIER_KIND_METHODOLOGY);
  open->set_rulebook_version(kRulebook);
  open->set_title_en("Methodology " + id);
  open->set_applicant_en("A synthetic company");
  for (const int32_t scope : scopes) open->add_scopes(scope);
  open->add_persons(side.Pseudonym("participant", "TH"));
  return side.Submit("TH", command, {"participant"});
}

absl::Status CyclePair::OpenEntity(const std::string& id, bool host) {
  TestRegistry& side = pair_.of(!host);
  v1::Command command;
  v1::OpenDossier* open = command.mutable_open_dossier();
  open->set_dossier_id(id);
  open->set_kind(v1::DOSSIER_KIND_THIRD_PARTY_ENTITY);
  open->set_rulebook_version(kRulebook);
  open->set_title_en("Entity " + id);
  open->set_applicant_en("A synthetic verifier");
  open->add_persons(side.Pseudonym("entity", "TH"));
  return side.Submit("TH", command, {"entity"});
}

absl::Status CyclePair::Take(const std::string& person, const std::string& id, const std::string& strand,
                             const std::string& step, const v1::StepFacts& facts, uint32_t instance, bool host,
                             const std::string& leave_out, const std::string& reason) {
  v1::Command command;
  v1::TakeStep* take = command.mutable_take_step();
  take->set_dossier_id(id);
  take->set_strand(strand);
  take->set_instance(instance);
  take->set_step(step);
  *take->mutable_facts() = facts;
  take->set_reason(reason);
  const v1::DossierKind kind = Dossier(id, host).kind();
  const Step* row = kind == v1::DOSSIER_KIND_UNSPECIFIED ? nullptr : CycleOf(kind).FindStep(strand, step);
  if (row != nullptr) {
    for (const Need& need : row->documents) {
      if (need.name != leave_out) *take->add_documents() = TestDocument(need.name);
    }
  }
  return pair_.of(!host).Submit("TH", command, {person});
}

absl::Status CyclePair::Decide(v1::DecisionKind kind, std::vector<v1::DecisionSubject> subjects, bool host) {
  v1::DecisionText text;
  text.set_kind(kind);
  text.set_title("A decision");
  for (v1::DecisionSubject& subject : subjects) *text.add_subjects() = std::move(subject);
  return DecideText(text, host);
}

absl::Status CyclePair::DecideText(const v1::DecisionText& text, bool host) {
  JCM_RETURN_IF_ERROR(pair_.Settle());
  TestRegistry& owner = pair_.of(!host);
  TestRegistry& other = pair_.of(host);
  ++decisions_;
  const std::string bytes = state::Serialise(text);
  v1::Command open;
  open.mutable_open_decision()->set_decision_id(last_decision());
  open.mutable_open_decision()->set_mode(v1::DECISION_MODE_MEETING);
  open.mutable_open_decision()->set_rulebook_version(kRulebook);
  open.mutable_open_decision()->set_text(bytes);
  const Date today = DayInZone(owner.now(), 0);
  *open.mutable_open_decision()->mutable_meeting_date() = MakeDate(today.year, today.month, today.day);
  open.mutable_open_decision()->set_meeting_name("A meeting");
  open.mutable_open_decision()->set_report_digest(DigestOf("report"));
  JCM_RETURN_IF_ERROR(owner.Submit("TH", open, {"secretary"}));
  JCM_RETURN_IF_ERROR(pair_.Settle());
  for (TestRegistry* side : {&owner, &other}) {
    v1::Command vote;
    vote.mutable_cast_vote()->set_decision_id(last_decision());
    vote.mutable_cast_vote()->set_text_digest(DigestOf(bytes));
    vote.mutable_cast_vote()->set_member_id(side->code() + "-chair");
    vote.mutable_cast_vote()->set_vote(v1::VOTE_YES);
    vote.mutable_cast_vote()->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
    JCM_RETURN_IF_ERROR(side->Submit("TH", vote, {"chair"}));
  }
  JCM_RETURN_IF_ERROR(pair_.Settle());
  v1::Command confirm;
  confirm.mutable_confirm_outcome()->set_decision_id(last_decision());
  confirm.mutable_confirm_outcome()->set_text_digest(DigestOf(bytes));
  confirm.mutable_confirm_outcome()->set_outcome(v1::DECISION_OUTCOME_ADOPTED);
  JCM_RETURN_IF_ERROR(other.Submit("TH", confirm, {"secretary"}));
  return pair_.Settle();
}

absl::Status CyclePair::Days(int days) {
  pair_.Advance(static_cast<uint64_t>(days) * kMicrosPerDay);
  return pair_.Settle();
}

absl::Status CyclePair::PrepareMethodologyAndEntity() {
  JCM_RETURN_IF_ERROR(OpenMethodology("AM", {1}));
  JCM_RETURN_IF_ERROR(Take("participant", "AM", "VERSION", "propose"));
  JCM_RETURN_IF_ERROR(Take("secretary", "AM", "VERSION", "publish", Reference("TH_PM001")));
  JCM_RETURN_IF_ERROR(OpenEntity("TPE"));
  v1::StepFacts scopes;
  scopes.add_scopes()->set_scope(1);
  scopes.mutable_scopes(0)->set_validation(true);
  scopes.mutable_scopes(0)->set_verification(true);
  JCM_RETURN_IF_ERROR(Take("entity", "TPE", "DESIGNATION", "apply", scopes));
  JCM_RETURN_IF_ERROR(Take("secretary", "TPE", "DESIGNATION", "complete"));
  scopes.set_reference("TPE-TH-001");
  JCM_RETURN_IF_ERROR(Decide(v1::DECISION_KIND_DESIGNATION, {Subject("TPE", "DESIGNATION", "designate", scopes)}));
  JCM_RETURN_IF_ERROR(Days(16));
  v1::StepFacts approved = Reference("TH_AM001");
  approved.set_version("1.0");
  return Decide(v1::DECISION_KIND_METHODOLOGY, {Subject("AM", "VERSION", "approve", approved)});
}

absl::Status CyclePair::Register(const std::string& id, const std::string& reference, v1::ProjectType type) {
  JCM_RETURN_IF_ERROR(OpenProject(id, type));
  const bool safeguards = type == v1::PROJECT_TYPE_REDD_PLUS;
  JCM_RETURN_IF_ERROR(Take("participant", id, "PIN", "submit"));
  JCM_RETURN_IF_ERROR(Take("secretary", id, "PIN", "complete", Reference("TH_PIN" + reference.substr(2))));
  JCM_RETURN_IF_ERROR(Decide(v1::DECISION_KIND_NO_OBJECTION, {Subject(id, "PIN", "clear")}));
  v1::StepFacts design;
  design.add_methodologies()->set_reference("TH_AM001");
  design.mutable_methodologies(0)->set_version("1.0");
  JCM_RETURN_IF_ERROR(Take("participant", id, "DESIGN", "submit", design));
  JCM_RETURN_IF_ERROR(Take("secretary", id, "DESIGN", "publish"));
  if (safeguards) {
    JCM_RETURN_IF_ERROR(Take("participant", id, "SAFEGUARDS", "submit"));
    JCM_RETURN_IF_ERROR(Take("secretary", id, "SAFEGUARDS", "publish"));
  }
  v1::StepFacts engaged;
  engaged.set_third_party_entity("TPE");
  JCM_RETURN_IF_ERROR(Take("participant", id, "VALIDATION", "engage", engaged));
  v1::StepFacts found;
  const Date today = DayInZone(pair_.jpn().now(), 0);
  *found.mutable_document_date() = MakeDate(today.year, today.month, today.day);
  JCM_RETURN_IF_ERROR(Take("entity", id, "VALIDATION", "find_positive", found));
  JCM_RETURN_IF_ERROR(Take("participant", id, "REFERENCE", "request"));
  JCM_RETURN_IF_ERROR(Decide(v1::DECISION_KIND_REFERENCE_ASSESSMENT, {Subject(id, "REFERENCE", "assess")}));
  JCM_RETURN_IF_ERROR(Days(31));
  JCM_RETURN_IF_ERROR(Take("participant", id, "REGISTRATION", "request",
                           HalfShares(MakePeriod(MakeDate(2021, 1, 1), MakeDate(2030, 12, 31)))));
  JCM_RETURN_IF_ERROR(Take("secretary", id, "REGISTRATION", "complete"));
  JCM_RETURN_IF_ERROR(
      Decide(v1::DECISION_KIND_REGISTRATION, {Subject(id, "REGISTRATION", "register", Reference(reference))}));
  JCM_RETURN_IF_ERROR(Take("participant", id, "IMPLEMENTATION", "report", found));
  return absl::OkStatus();
}

}  // namespace jcm::rules
