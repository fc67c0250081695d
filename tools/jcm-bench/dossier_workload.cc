#include "tools/jcm-bench/dossier_workload.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/country.h"
#include "ledger/base/hash.h"
#include "ledger/rules/cycle/cycle_testing.h"
#include "ledger/rules/cycle/tables.h"
#include "ledger/rules/testing.h"
#include "tools/client/bundle_builder.h"

namespace jcm::bench {
namespace {

constexpr size_t kCommandsPerBundle = 60;  // with their documents: below 240 KiB
constexpr uint64_t kProjectsIssuing = 10;  // of each partnership, registered without a dossier
constexpr uint64_t kTonnes = 1'000;
constexpr int kOutcomeTries = 1'000;
constexpr char kMethodology[] = "am-0";  // of each partnership, the one that projects use
constexpr uint64_t kMethodologyEvery = 20;
constexpr uint64_t kEntityEvery = 50;

std::string DigestOf(absl::string_view text) { return std::string(AsBytes(Sha256(text))); }

v1::Command Native() {
  v1::Command command;
  command.set_provenance(v1::PROVENANCE_NATIVE);
  return command;
}

// Every second partnership has rules with a project idea note; in the others a project begins with its design.
bool HasPin(const std::string& partnership) { return partnership[1] % 2 == 0; }
std::string RulebookOf(const std::string& partnership) { return absl::StrCat(partnership, "/2024-01-01"); }

std::string ThreeDigits(uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof(text), "%03llu", static_cast<unsigned long long>(number));
  return text;
}

v1::Command OpenDossierOf(const std::string& partnership, const std::string& id, v1::DossierKind kind,
                          uint64_t number) {
  v1::Command command = Native();
  v1::OpenDossier* open = command.mutable_open_dossier();
  open->set_dossier_id(id);
  open->set_kind(kind);
  open->set_rulebook_version(RulebookOf(partnership));
  open->set_title_en(absl::StrCat("Replacement of boilers and chillers in factory ", number));
  open->set_title_ja(absl::StrCat("工場", number, "におけるボイラー及び冷凍機の更新"));
  if (kind == v1::DOSSIER_KIND_PROJECT) {
    *open->mutable_project() = rules::TestProject(v1::PROJECT_TYPE_ENERGY);
    open->mutable_project()->set_programme(static_cast<v1::FundingProgramme>(1 + number % 5));
  } else {
    open->set_applicant_en(absl::StrCat("Applicant ", number));
  }
  if (kind == v1::DOSSIER_KIND_METHODOLOGY) open->add_scopes(1);
  return command;
}

// A step with the documents that its row lists, taken by the secretariat.
v1::Command StepOf(const std::string& id, v1::DossierKind kind, const std::string& strand, const std::string& step,
                   v1::StepFacts facts = {}) {
  v1::Command command = Native();
  v1::TakeStep* take = command.mutable_take_step();
  take->set_dossier_id(id);
  take->set_strand(strand);
  take->set_instance(1);
  take->set_step(step);
  *take->mutable_facts() = std::move(facts);
  const rules::Step* row = rules::CycleOf(kind).FindStep(strand, step);
  JCM_CHECK(row != nullptr);
  for (const rules::Need& need : row->documents) *take->add_documents() = rules::TestDocument(need.name);
  if (!row->Takes(rules::Who::kSecretariat)) take->set_on_behalf_digest(DigestOf("a paper"));
  return command;
}

// An idea that is submitted, and in two cases of three complete.
void AddIdea(const std::string& partnership, const std::string& id, uint64_t number,
             std::vector<v1::Command>* commands) {
  commands->push_back(StepOf(id, v1::DOSSIER_KIND_PROJECT, "PIN", "submit"));
  if (number % 3 == 0) return;
  commands->push_back(StepOf(id, v1::DOSSIER_KIND_PROJECT, "PIN", "complete",
                             rules::Reference(absl::StrCat(partnership, "_PIN", ThreeDigits(number)))));
}

// A design that is submitted, published, commented on, with an entity engaged: further with each number.
void AddDesign(const std::string& partnership, const std::string& id, uint64_t number,
               std::vector<v1::Command>* commands) {
  v1::StepFacts facts;
  facts.add_methodologies()->set_reference(absl::StrCat(partnership, "_PM000"));
  commands->push_back(StepOf(id, v1::DOSSIER_KIND_PROJECT, "DESIGN", "submit", std::move(facts)));
  if (number % 4 == 0) return;
  commands->push_back(StepOf(id, v1::DOSSIER_KIND_PROJECT, "DESIGN", "publish"));
  if (number % 4 == 1) return;
  commands->push_back(StepOf(id, v1::DOSSIER_KIND_PROJECT, "DESIGN", "comment"));
  if (number % 4 == 2) return;
  commands->push_back(StepOf(id, v1::DOSSIER_KIND_PROJECT, "REFERENCE", "request"));
}

v1::DecisionText IssuanceOf(const std::string& project) {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  text.set_title(absl::StrCat("Issuance for ", project));
  v1::IssuanceText* issuance = text.mutable_issuance();
  issuance->set_project_id(project);
  *issuance->mutable_monitoring_start() = rules::MakeDate(2019, 1, 1);
  *issuance->mutable_monitoring_end() = rules::MakeDate(2019, 12, 31);
  issuance->set_allocation_method("explicit");
  issuance->set_verified_tonnes(kTonnes);
  v1::LotText* lot = issuance->add_lots();
  lot->set_lot_id(absl::StrCat(project, "-2019-1"));
  lot->set_vintage(2019);
  lot->set_tonnes(kTonnes);
  v1::AllocationRow* row = issuance->add_rows();
  row->set_row(1);
  row->set_party(v1::PARTY_KIND_GOVERNMENT_OF_JAPAN);
  row->set_party_label("Government of Japan");
  row->set_issuing_registry(kRegistry);
  row->mutable_range()->set_lot_id(lot->lot_id());
  row->mutable_range()->set_first(1);
  row->mutable_range()->set_last(kTonnes);
  return text;
}

v1::Command Attest(v1::AttestedStage stage) {
  v1::Command command;
  command.set_provenance(v1::PROVENANCE_ATTESTED);
  *command.mutable_legal_date() = rules::MakeDate(2025, 10, 30);
  command.mutable_attest()->set_stage(stage);
  command.mutable_attest()->set_document_digest(DigestOf("document"));
  return command;
}

}  // namespace

People::Partnerships AllPartnerships() {
  People::Partnerships partnerships;
  for (const Country& country : Partners()) partnerships.emplace_back(country.alpha2, country.alpha3);
  std::sort(partnerships.begin(), partnerships.end());
  return partnerships;
}

absl::Status DossierWorkload::Send(const std::string& partnership, const std::vector<v1::Command>& commands,
                                   const std::vector<std::string>& signers, const Submit& submit) {
  client::BundleBuilder builder(kRegistry, v1::BUNDLE_MODE_ATOMIC, random_);
  for (const v1::Command& command : commands) JCM_RETURN_IF_ERROR(builder.Add(partnership, command));
  std::vector<PrivateKey> keys;
  for (const std::string& signer : signers) keys.push_back(people_.key(signer));
  absl::StatusOr<client::BuiltBundle> built = builder.Sign(keys);
  JCM_RETURN_IF_ERROR(built.status());
  return MustAccept(submit(std::move(built->bytes)));
}

absl::Status DossierWorkload::Begin(const std::string& partnership, const std::string& peer, const Submit& submit) {
  v1::Command begin = Native();
  v1::OpenPartnership* open = begin.mutable_open_partnership();
  open->set_partnership(partnership);
  open->set_peer_registry(peer);
  open->set_peer_domain(kDomain);
  open->set_mode(v1::PARTNERSHIP_MODE_ATTESTED);
  *open->mutable_signed_date() = rules::MakeDate(2015, 11, 19);
  open->set_document_digest(DigestOf("bilateral document"));
  JCM_RETURN_IF_ERROR(Send(partnership, {begin}, {"operator", "operator2"}, submit));
  v1::Command adopt = Native();
  adopt.mutable_adopt_rulebook()->set_version(RulebookOf(partnership));
  v1::RulebookParameters* parameters = adopt.mutable_adopt_rulebook()->mutable_parameters();
  *parameters = rules::CycleParameters();
  parameters->set_pin_required(HasPin(partnership));
  parameters->set_pdd_before_methodology_approval(true);
  parameters->set_operation_signatures(1);
  *adopt.mutable_adopt_rulebook()->mutable_effective_date() = rules::MakeDate(2024, 1, 1);
  adopt.mutable_adopt_rulebook()->set_document_digest(DigestOf("rulebook"));
  v1::Command appoint = Native();
  appoint.mutable_appoint_member()->set_member_id("JPN-chair");
  appoint.mutable_appoint_member()->set_pseudonym(people_.pseudonym("chair", partnership));
  appoint.mutable_appoint_member()->set_co_chair(true);
  appoint.mutable_appoint_member()->set_title("co-chair");
  return Send(partnership, {adopt, appoint}, {"secretary"}, submit);
}

absl::Status DossierWorkload::OpenDossiers(const std::string& partnership, uint64_t count, const Submit& submit) {
  std::vector<v1::Command> commands;
  for (uint64_t number = 0; number < count; ++number) {
    if (number % kMethodologyEvery == 0) {
      const std::string id = number == 0 ? kMethodology : absl::StrCat("am-", number);
      commands.push_back(OpenDossierOf(partnership, id, v1::DOSSIER_KIND_METHODOLOGY, number));
      commands.push_back(StepOf(id, v1::DOSSIER_KIND_METHODOLOGY, "VERSION", "propose"));
      commands.push_back(StepOf(id, v1::DOSSIER_KIND_METHODOLOGY, "VERSION", "publish",
                                rules::Reference(absl::StrCat(partnership, "_PM", ThreeDigits(number)))));
    } else if (number % kEntityEvery == 1) {
      const std::string id = absl::StrCat("tpe-", number);
      commands.push_back(OpenDossierOf(partnership, id, v1::DOSSIER_KIND_THIRD_PARTY_ENTITY, number));
      v1::StepFacts scopes;
      scopes.add_scopes()->set_scope(1);
      scopes.mutable_scopes(0)->set_validation(true);
      commands.push_back(StepOf(id, v1::DOSSIER_KIND_THIRD_PARTY_ENTITY, "DESIGNATION", "apply", std::move(scopes)));
    } else {
      const std::string id = absl::StrCat("project-", number);
      commands.push_back(OpenDossierOf(partnership, id, v1::DOSSIER_KIND_PROJECT, number));
      if (HasPin(partnership)) {
        AddIdea(partnership, id, number, &commands);
      } else {
        AddDesign(partnership, id, number, &commands);
      }
    }
    if (commands.size() < kCommandsPerBundle && number + 1 < count) continue;
    JCM_RETURN_IF_ERROR(Send(partnership, commands, {"secretary"}, submit));
    commands.clear();
  }
  return absl::OkStatus();
}

absl::Status DossierWorkload::Decide(const std::string& partnership, const std::string& peer,
                                     const std::string& decision, const v1::DecisionText& text, const Submit& submit) {
  const std::string bytes = state::Serialise(text);
  v1::Command command = Native();
  v1::OpenDecision* open = command.mutable_open_decision();
  open->set_decision_id(decision);
  open->set_mode(v1::DECISION_MODE_MEETING);
  open->set_rulebook_version(RulebookOf(partnership));
  open->set_text(bytes);
  *open->mutable_meeting_date() = rules::MakeDate(2025, 10, 30);
  open->set_meeting_name("7th Joint Committee");
  open->set_report_digest(DigestOf("report"));
  JCM_RETURN_IF_ERROR(Send(partnership, {command}, {"secretary"}, submit));
  v1::Command ours = Native();
  v1::CastVote* yes = ours.mutable_cast_vote();
  yes->set_decision_id(decision);
  yes->set_text_digest(DigestOf(bytes));
  yes->set_member_id("JPN-chair");
  yes->set_vote(v1::VOTE_YES);
  yes->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
  JCM_RETURN_IF_ERROR(Send(partnership, {ours}, {"chair"}, submit));
  v1::Command theirs = Attest(v1::ATTESTED_STAGE_VOTE);
  *theirs.mutable_attest()->mutable_vote() = *yes;
  theirs.mutable_attest()->mutable_vote()->set_member_id(absl::StrCat(peer, "-chair"));
  theirs.mutable_attest()->set_vote_by_co_chair(true);
  JCM_RETURN_IF_ERROR(Send(partnership, {theirs}, {"secretary", "secretary2"}, submit));
  v1::Command confirm = Attest(v1::ATTESTED_STAGE_OUTCOME_CONFIRMED);
  v1::ConfirmOutcome* confirmed = confirm.mutable_attest()->mutable_confirmed();
  confirmed->set_decision_id(decision);
  confirmed->set_text_digest(DigestOf(bytes));
  confirmed->set_outcome(v1::DECISION_OUTCOME_ADOPTED);
  // The outcome is written by the registry's own tick, a moment later.
  absl::Status done;
  for (int attempt = 0; attempt < kOutcomeTries; ++attempt) {
    done = Send(partnership, {confirm}, {"secretary", "secretary2"}, submit);
    if (!absl::StrContains(done.message(), "OUTCOME_DIFFERS")) break;
  }
  ++decisions_;
  return done;
}

absl::Status DossierWorkload::SetUp(const Submit& submit, const Progress& progress) {
  const People::Partnerships partnerships = AllPartnerships();
  uint64_t done = 0;
  for (size_t i = 0; i < partnerships.size(); ++i) {
    const auto& [partnership, peer] = partnerships[i];
    JCM_RETURN_IF_ERROR(Begin(partnership, peer, submit));
    const uint64_t until = dossiers_ * (i + 1) / partnerships.size();
    JCM_RETURN_IF_ERROR(OpenDossiers(partnership, until - done, submit));
    done = until;
    for (uint64_t number = 1; number <= kProjectsIssuing; ++number) {
      const std::string project = absl::StrCat(partnership, ThreeDigits(number));
      v1::Command command = Native();
      v1::RegisterProject* registered = command.mutable_register_project();
      registered->set_project_id(project);
      registered->set_title_en("Solar power at an industrial water reservoir");
      registered->set_title_ja("工業用水貯水池における太陽光発電");
      *registered->mutable_registration_date() = rules::MakeDate(2018, 4, 1);
      *registered->mutable_crediting_start() = rules::MakeDate(2018, 4, 1);
      registered->set_document_digest(DigestOf("project"));
      JCM_RETURN_IF_ERROR(Send(partnership, {command}, {"secretary"}, submit));
      JCM_RETURN_IF_ERROR(Decide(partnership, peer, absl::StrCat(project, "-ISSUANCE"), IssuanceOf(project), submit));
    }
    progress(done, dossiers_);
  }
  return absl::OkStatus();
}

}  // namespace jcm::bench
