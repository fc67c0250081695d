#include "services/node/testing/cycle_desk.h"

#include <cstdio>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "jcm/registry/v1/cycle_services.grpc.pb.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "ledger/base/date.h"
#include "ledger/base/hash.h"
#include "ledger/base/keys.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/cycle_testing.h"
#include "ledger/rules/cycle/tables.h"
#include "ledger/rules/testing.h"
#include "tools/client/bundle_builder.h"

namespace jcm::services::testing {
namespace {

namespace api = ::jcm::registry::v1;

constexpr char kStart[] = "2026-03-02T00:00:00Z";
constexpr char kOperatorsHandle[] = "00112233445566778899aabbccddeeff";  // of TestSite's configuration
constexpr int kWaitMs = 30'000;
constexpr int kPollMs = 50;

std::string DigestOf(const std::string& text) { return std::string(AsBytes(Sha256(text))); }

v1::Command Native() {
  v1::Command command;
  command.set_provenance(v1::PROVENANCE_NATIVE);
  return command;
}

v1::Date ToProto(const std::string& rfc3339) {
  return rules::MakeDate(std::stoi(rfc3339.substr(0, 4)), std::stoi(rfc3339.substr(5, 2)),
                         std::stoi(rfc3339.substr(8, 2)));
}

void Must(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "CycleDesk: %s: %s\n", what, ToText(status).c_str());
  std::abort();
}

}  // namespace

CycleDesk::CycleDesk() : clock_file_(site_.Path("clock")) {
  SetTime(kStart);
  TestSite::Options options;
  options.clock_file = clock_file_;
  absl::StatusOr<std::unique_ptr<RegistryNode>> node = site_.Start("JPN", options);
  Must(node.status(), "the node");
  node_ = *std::move(node);
  operator_ = Channel();
  EnrolPeople();
  BeginPartnership();
}

std::shared_ptr<grpc::Channel> CycleDesk::Channel(const std::string& client) const {
  return site_.Channel(node_->port(), "JPN", client);
}

void CycleDesk::SetTime(const std::string& rfc3339) {
  today_ = rfc3339;
  const std::string next = clock_file_ + ".new";
  std::ofstream(next) << rfc3339 << "\n";
  JCM_CHECK(std::rename(next.c_str(), clock_file_.c_str()) == 0);
}

std::string CycleDesk::Pseudonym(const std::string& person) {
  return person == "operator-1" ? kOperatorsHandle : rules::TestHandle(person);
}

absl::Status CycleDesk::Act(const std::string& partnership, const v1::Command& command,
                            const std::vector<std::string>& persons) {
  client::BundleBuilder builder("JPN", v1::BUNDLE_MODE_ATOMIC, random_);
  JCM_RETURN_IF_ERROR(builder.Add(partnership, command));
  std::vector<PrivateKey> keys;
  for (const std::string& person : persons) {
    keys.push_back(person == "operator-1" ? *PrivateKey::FromPem(site_.Read("JPN/persons/operator-1.key"))
                                          : rules::TestKey(person));
  }
  JCM_ASSIGN_OR_RETURN(const client::BuiltBundle bundle, builder.Sign(keys));
  api::SubmitBundleRequest request;
  request.set_signed_bundle(bundle.bytes);
  api::SubmitBundleResponse response;
  JCM_RETURN_IF_ERROR(Call<api::LedgerService>(&api::LedgerService::Stub::SubmitBundle, request, &response));
  for (const api::PartResult& result : response.results()) {
    if (!result.accepted()) return Error(static_cast<Reason>(result.reason_number()), result.detail());
  }
  return absl::OkStatus();
}

void CycleDesk::EnrolPeople() {
  const std::vector<std::pair<std::string, v1::Role>> people = {
      {"operator-2", v1::ROLE_SYSTEM_OPERATOR}, {"secretary", v1::ROLE_SECRETARIAT},
      {"secretary-2", v1::ROLE_SECRETARIAT},    {"chair", v1::ROLE_JC_MEMBER},
      {"member", v1::ROLE_JC_MEMBER},           {"ministry", v1::ROLE_AUTHORIZING_MINISTRY},
      {"entity", v1::ROLE_THIRD_PARTY_ENTITY},  {"representative-1", v1::ROLE_PROJECT_PARTICIPANT},
  };
  for (const auto& [person, role] : people) {
    v1::Command command = Native();
    v1::EnrolPerson* enrol = command.mutable_enrol_person();
    enrol->set_person_id(person);
    enrol->add_roles(role);
    *enrol->add_keys()->mutable_key() = rules::ToData(rules::TestKey(person).public_key());
    v1::Handle* handle = enrol->add_pseudonyms();
    handle->set_partnership("TH");
    handle->set_handle(Pseudonym(person));
    Must(Act("home", command, {"operator-1"}), "a person");
  }
}

void CycleDesk::BeginPartnership() {
  v1::Command open = Native();
  open.mutable_open_partnership()->set_partnership("TH");
  open.mutable_open_partnership()->set_peer_registry("THA");
  open.mutable_open_partnership()->set_peer_domain("demo.invalid");
  open.mutable_open_partnership()->set_mode(v1::PARTNERSHIP_MODE_ATTESTED);
  *open.mutable_open_partnership()->mutable_signed_date() = rules::MakeDate(2015, 11, 19);
  open.mutable_open_partnership()->set_document_digest(DigestOf("bilateral document"));
  Must(Act("TH", open, {"operator-1", "operator-2"}), "the partnership");
  v1::Command rulebook = Native();
  rulebook.mutable_adopt_rulebook()->set_version(kDeskRulebook);
  *rulebook.mutable_adopt_rulebook()->mutable_parameters() = rules::CycleParameters();
  *rulebook.mutable_adopt_rulebook()->mutable_effective_date() = rules::MakeDate(2024, 7, 8);
  Must(Act("TH", rulebook, {"secretary"}), "the rulebook");
  for (const std::string person : {"chair", "member"}) {
    v1::Command appoint = Native();
    v1::AppointMember* member = appoint.mutable_appoint_member();
    member->set_member_id("JPN-" + person);
    member->set_pseudonym(Pseudonym(person));
    member->set_co_chair(person == "chair");
    member->set_title(person);
    Must(Act("TH", appoint, {"secretary"}), "a member");
  }
}

absl::Status CycleDesk::OpenProject(const std::string& id, const std::string& title_en, const std::string& title_ja,
                                    v1::FundingProgramme programme) {
  v1::Command command = Native();
  v1::OpenDossier* open = command.mutable_open_dossier();
  open->set_dossier_id(id);
  open->set_kind(v1::DOSSIER_KIND_PROJECT);
  open->set_rulebook_version(kDeskRulebook);
  open->set_title_en(title_en);
  open->set_title_ja(title_ja);
  *open->mutable_project() = rules::TestProject(v1::PROJECT_TYPE_ENERGY);
  open->mutable_project()->set_programme(programme);
  open->add_persons(Pseudonym("representative-1"));
  return Act("TH", command, {"representative-1"});
}

absl::Status CycleDesk::OpenMethodology(const std::string& id, const std::string& title_en) {
  v1::Command command = Native();
  v1::OpenDossier* open = command.mutable_open_dossier();
  open->set_dossier_id(id);
  open->set_kind(v1::DOSSIER_KIND_METHODOLOGY);
  open->set_rulebook_version(kDeskRulebook);
  open->set_title_en(title_en);
  open->set_applicant_en("A synthetic company");
  open->add_scopes(1);
  open->add_persons(Pseudonym("representative-1"));
  return Act("TH", command, {"representative-1"});
}

absl::Status CycleDesk::OpenEntity(const std::string& id) {
  v1::Command command = Native();
  v1::OpenDossier* open = command.mutable_open_dossier();
  open->set_dossier_id(id);
  open->set_kind(v1::DOSSIER_KIND_THIRD_PARTY_ENTITY);
  open->set_rulebook_version(kDeskRulebook);
  open->set_title_en("Entity " + id);
  open->set_applicant_en("A synthetic verifier");
  open->add_persons(Pseudonym("entity"));
  return Act("TH", command, {"entity"});
}

absl::Status CycleDesk::Take(const std::string& person, const std::string& id, const std::string& strand,
                             const std::string& step, const v1::StepFacts& facts,
                             const std::vector<v1::Document>& documents) {
  v1::Command command = Native();
  v1::TakeStep* take = command.mutable_take_step();
  take->set_dossier_id(id);
  take->set_strand(strand);
  take->set_instance(1);
  take->set_step(step);
  *take->mutable_facts() = facts;
  for (const v1::Document& document : documents) *take->add_documents() = document;
  for (const v1::DossierKind kind : rules::AllDossierKinds()) {
    const rules::Step* row = rules::CycleOf(kind).FindStep(strand, step);
    if (row == nullptr || !documents.empty()) continue;
    for (const rules::Need& need : row->documents) *take->add_documents() = rules::TestDocument(need.name);
  }
  return Act("TH", command, {person});
}

absl::Status CycleDesk::OpenDecision(const std::string& decision, const v1::DecisionText& text) {
  v1::Command command = Native();
  v1::OpenDecision* open = command.mutable_open_decision();
  open->set_decision_id(decision);
  open->set_mode(v1::DECISION_MODE_MEETING);
  open->set_rulebook_version(kDeskRulebook);
  open->set_text(state::Serialise(text));
  *open->mutable_meeting_date() = ToProto(today_);
  open->set_meeting_name("8th Joint Committee");
  open->set_report_digest(DigestOf("report"));
  open->add_annex_digests(DigestOf("annex"));
  return Act("TH", command, {"secretary"});
}

absl::Status CycleDesk::Decide(const std::string& decision, v1::DecisionKind kind,
                               std::vector<v1::DecisionSubject> subjects) {
  v1::DecisionText text;
  text.set_kind(kind);
  text.set_title("A decision");
  for (v1::DecisionSubject& subject : subjects) *text.add_subjects() = std::move(subject);
  JCM_RETURN_IF_ERROR(OpenDecision(decision, text));
  const std::string digest = DigestOf(state::Serialise(text));
  v1::CastVote yes;
  yes.set_decision_id(decision);
  yes.set_text_digest(digest);
  yes.set_vote(v1::VOTE_YES);
  yes.set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
  v1::Command ours = Native();
  *ours.mutable_cast_vote() = yes;
  ours.mutable_cast_vote()->set_member_id("JPN-chair");
  JCM_RETURN_IF_ERROR(Act("TH", ours, {"chair"}));
  const auto attest = [&](v1::AttestedStage stage) {
    v1::Command command;
    command.set_provenance(v1::PROVENANCE_ATTESTED);
    *command.mutable_legal_date() = ToProto(today_);
    command.mutable_attest()->set_stage(stage);
    command.mutable_attest()->set_document_digest(DigestOf("a paper"));
    return command;
  };
  v1::Command theirs = attest(v1::ATTESTED_STAGE_VOTE);
  *theirs.mutable_attest()->mutable_vote() = yes;
  theirs.mutable_attest()->mutable_vote()->set_member_id("THA-chair");
  theirs.mutable_attest()->set_vote_by_co_chair(true);
  JCM_RETURN_IF_ERROR(Act("TH", theirs, {"secretary", "secretary-2"}));
  v1::Command confirm = attest(v1::ATTESTED_STAGE_OUTCOME_CONFIRMED);
  confirm.mutable_attest()->mutable_confirmed()->set_decision_id(decision);
  confirm.mutable_attest()->mutable_confirmed()->set_text_digest(digest);
  confirm.mutable_attest()->mutable_confirmed()->set_outcome(v1::DECISION_OUTCOME_ADOPTED);
  // The outcome is written by the registry's own tick, once time has gone on since the votes.
  absl::Status done;
  Comes([&] {
    SetTime(FormatRfc3339(BookTime::FromMicros(ParseRfc3339(today_)->micros + kMicrosPerSecond)));
    done = Act("TH", confirm, {"secretary", "secretary-2"});
    return !HasReason(done, Reason::OUTCOME_DIFFERS);
  });
  return done;
}

bool CycleDesk::Comes(const std::function<bool()>& condition) {
  for (int waited = 0; waited < kWaitMs; waited += kPollMs) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
  return false;
}

std::string CycleDesk::StateOf(const std::string& dossier, const std::string& strand) const {
  api::GetDossierRequest request;
  request.set_name("partnerships/TH/dossiers/" + dossier);
  api::GetDossierResponse response;
  if (!Call<api::DossierService>(&api::DossierService::Stub::GetDossier, request, &response).ok()) return "";
  for (const api::StrandSummary& one : response.summary().strands()) {
    if (one.strand() == strand) return one.state();
  }
  return "";
}

bool CycleDesk::ComesTo(const std::string& dossier, const std::string& strand, const std::string& state) const {
  return Comes([&] { return StateOf(dossier, strand) == state; });
}

uint64_t CycleDesk::SettledSize() const {
  uint64_t size = 0;
  Comes([&] {
    api::ListBooksResponse response;
    if (!Call<api::LedgerService>(&api::LedgerService::Stub::ListBooks, api::ListBooksRequest(), &response).ok()) {
      return false;
    }
    for (const api::Book& book : response.books()) {
      if (book.name() != "books/JPN/TH" || book.checkpoint_size() != book.size()) continue;
      size = book.size();
      return true;
    }
    return false;
  });
  return size;
}

}  // namespace jcm::services::testing
