// The project cycle: dossiers and their steps, what waits for whom, how far projects are, and the tables themselves.
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "jcm/registry/v1/cycle_services.grpc.pb.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/diagram.h"
#include "ledger/rules/cycle/tables.h"
#include "tools/client/arguments.h"
#include "tools/client/calendar.h"
#include "tools/client/cycle_arguments.h"
#include "tools/client/rulebook_file.h"
#include "tools/jcmctl/commands.h"

namespace jcm::ctl {
namespace {

using client::ColumnKind;

// ---- opening
// ---------------------------------------------------------------------------------------------------------

struct OpenFlags {
  std::string partnership;
  std::string id;
  std::string kind = "project";
  std::string rulebook;
  std::string title_en;
  std::string title_ja;
  std::vector<std::string> persons;
  std::vector<int32_t> scopes;
  std::string applicant_en;
  std::string applicant_ja;
  std::string type;
  std::string programme;
  std::vector<std::string> participants;
  std::string delivery_share;
  std::string operation_start;
  bool no_other_scheme = false;
  bool synthetic = false;
  std::string location;
};

absl::Status FillProject(const OpenFlags& flags, v1::ProjectFacts* project) {
  JCM_ASSIGN_OR_RETURN(const v1::ProjectType type,
                       client::ParseEnum<v1::ProjectType>(v1::ProjectType_descriptor(), flags.type));
  project->set_type(type);
  JCM_ASSIGN_OR_RETURN(const v1::FundingProgramme programme,
                       client::ParseEnum<v1::FundingProgramme>(v1::FundingProgramme_descriptor(), flags.programme));
  project->set_programme(programme);
  for (const int32_t scope : flags.scopes) project->add_scopes(scope);
  for (const std::string& participant : flags.participants) {
    JCM_ASSIGN_OR_RETURN(*project->add_participants(), client::ParseParticipant(participant));
  }
  if (!flags.delivery_share.empty()) {
    JCM_ASSIGN_OR_RETURN(*project->mutable_delivery_share(), client::ParseFraction(flags.delivery_share));
  }
  if (!flags.operation_start.empty()) {
    JCM_ASSIGN_OR_RETURN(*project->mutable_operation_start(), client::ParseDay(flags.operation_start));
  }
  project->set_not_under_other_scheme(flags.no_other_scheme);
  project->set_synthetic(flags.synthetic);
  project->set_location(flags.location);
  return absl::OkStatus();
}

absl::Status SetPersons(Session& session, const std::string& partnership, const std::vector<std::string>& persons,
                        google::protobuf::RepeatedPtrField<std::string>* pseudonyms) {
  std::vector<std::string> sorted;
  for (const std::string& person : persons) {
    JCM_ASSIGN_OR_RETURN(std::string pseudonym, session.PersonHandle(partnership, person));
    sorted.push_back(std::move(pseudonym));
  }
  std::sort(sorted.begin(), sorted.end());
  for (std::string& pseudonym : sorted) *pseudonyms->Add() = std::move(pseudonym);
  return absl::OkStatus();
}

absl::Status OpenDossier(Session& session, const OpenFlags& flags) {
  v1::Command command;
  v1::OpenDossier* body = command.mutable_open_dossier();
  body->set_dossier_id(flags.id);
  JCM_ASSIGN_OR_RETURN(const v1::DossierKind kind,
                       client::ParseEnum<v1::DossierKind>(v1::DossierKind_descriptor(), flags.kind));
  body->set_kind(kind);
  body->set_rulebook_version(flags.rulebook);
  body->set_title_en(flags.title_en);
  body->set_title_ja(flags.title_ja);
  body->set_applicant_en(flags.applicant_en);
  body->set_applicant_ja(flags.applicant_ja);
  JCM_RETURN_IF_ERROR(SetPersons(session, flags.partnership, flags.persons, body->mutable_persons()));
  if (kind == v1::DOSSIER_KIND_PROJECT) {
    JCM_RETURN_IF_ERROR(FillProject(flags, body->mutable_project()));
  } else {
    for (const int32_t scope : flags.scopes) body->add_scopes(scope);
  }
  return session.Act(flags.partnership, std::move(command));
}

// ---- steps
// -----------------------------------------------------------------------------------------------------------

struct StepFlags {
  std::string partnership;
  std::string id;
  std::string strand;
  uint32_t instance = 1;
  std::string step;
  std::vector<std::string> documents;
  std::string reason;
  std::string on_behalf;
  std::string reference;
  std::string version;
  std::string document_date;
  std::string entity;
  std::string period;
  std::vector<std::string> methodologies;
  std::vector<std::string> scopes;
  std::vector<std::string> participants;
  std::vector<std::string> persons;
  std::vector<std::string> shares;
  std::vector<std::string> emissions;
  std::vector<std::string> reductions;
  std::string method;
  std::string factor;
  std::string add_on;
};

absl::Status FillQuantification(const StepFlags& flags, v1::StepFacts* facts) {
  if (flags.emissions.empty()) return absl::OkStatus();
  v1::Quantification* quantification = facts->mutable_quantification();
  if (!flags.method.empty()) {
    JCM_ASSIGN_OR_RETURN(const v1::NetReductionMethod method,
                         client::ParseEnum<v1::NetReductionMethod>(v1::NetReductionMethod_descriptor(), flags.method));
    quantification->set_method(method);
  }
  if (!flags.factor.empty()) {
    JCM_ASSIGN_OR_RETURN(*quantification->mutable_factor(), client::ParseAmount(flags.factor));
  }
  if (!flags.add_on.empty()) {
    JCM_ASSIGN_OR_RETURN(*quantification->mutable_add_on(), client::ParseAmount(flags.add_on));
  }
  for (const std::string& year : flags.emissions) {
    JCM_ASSIGN_OR_RETURN(*quantification->add_years(), client::ParseEmissions(year));
  }
  for (const std::string& text : flags.reductions) {
    uint64_t tonnes = 0;
    if (!absl::SimpleAtoi(text, &tonnes)) return Error(Reason::FIELD_INVALID, absl::StrCat("--reductions ", text));
    quantification->add_reductions(tonnes);
  }
  return absl::OkStatus();
}

absl::Status FillFacts(Session& session, const StepFlags& flags, v1::StepFacts* facts) {
  facts->set_reference(flags.reference);
  facts->set_version(flags.version);
  facts->set_third_party_entity(flags.entity);
  if (!flags.document_date.empty()) {
    JCM_ASSIGN_OR_RETURN(*facts->mutable_document_date(), client::ParseDay(flags.document_date));
  }
  if (!flags.period.empty()) {
    JCM_ASSIGN_OR_RETURN(*facts->mutable_period(), client::ParsePeriod(flags.period));
  }
  for (const std::string& text : flags.methodologies) {
    JCM_ASSIGN_OR_RETURN(*facts->add_methodologies(), client::ParseMethodology(text));
  }
  for (const std::string& text : flags.scopes) {
    JCM_ASSIGN_OR_RETURN(*facts->add_scopes(), client::ParseScopeGrant(text));
  }
  for (const std::string& text : flags.participants) {
    JCM_ASSIGN_OR_RETURN(*facts->add_participants(), client::ParseParticipant(text));
  }
  for (const std::string& text : flags.shares) {
    JCM_ASSIGN_OR_RETURN(*facts->add_shares(), client::ParseShare(text));
  }
  JCM_RETURN_IF_ERROR(SetPersons(session, flags.partnership, flags.persons, facts->mutable_persons()));
  return FillQuantification(flags, facts);
}

absl::Status TakeStep(Session& session, const StepFlags& flags) {
  v1::Command command;
  v1::TakeStep* body = command.mutable_take_step();
  body->set_dossier_id(flags.id);
  body->set_strand(flags.strand);
  body->set_instance(flags.instance);
  body->set_step(flags.step);
  body->set_reason(flags.reason);
  if (!flags.on_behalf.empty()) {
    JCM_ASSIGN_OR_RETURN(*body->mutable_on_behalf_digest(), client::ParseDigest(flags.on_behalf, session.files()));
  }
  for (const std::string& document : flags.documents) {
    JCM_ASSIGN_OR_RETURN(*body->add_documents(), client::ParseDocument(document, session.files()));
  }
  JCM_RETURN_IF_ERROR(FillFacts(session, flags, body->mutable_facts()));
  if (body->facts().ByteSizeLong() == 0) body->clear_facts();
  return session.Act(flags.partnership, std::move(command));
}

struct ReactFlags {
  std::string partnership;
  std::string id;
  std::string strand;
  uint32_t instance = 1;
  std::string kind;
  std::string text;
  std::vector<std::string> documents;
};

absl::Status React(Session& session, const ReactFlags& flags) {
  v1::Command command;
  v1::ReactToDossier* body = command.mutable_react_to_dossier();
  body->set_dossier_id(flags.id);
  body->set_strand(flags.strand);
  body->set_instance(flags.instance);
  JCM_ASSIGN_OR_RETURN(const v1::ReactionKind kind,
                       client::ParseEnum<v1::ReactionKind>(v1::ReactionKind_descriptor(), flags.kind));
  body->set_kind(kind);
  body->set_text(flags.text);
  for (const std::string& document : flags.documents) {
    JCM_ASSIGN_OR_RETURN(*body->add_documents(), client::ParseDocument(document, session.files()));
  }
  return session.Act(flags.partnership, std::move(command));
}

// ---- reading
// ---------------------------------------------------------------------------------------------------------

struct DossierListFlags {
  std::string partnership = "-";
  std::string kind;
  std::string strand;
  std::string state;
  std::string type;
  std::string programme;
  std::string waits_for;
  std::string text;
  bool overdue = false;
};

absl::Status ListDossiers(Session& session, const DossierListFlags& flags) {
  api::ListDossiersRequest request;
  request.set_parent("partnerships/" + flags.partnership);
  if (!flags.kind.empty()) {
    JCM_ASSIGN_OR_RETURN(const v1::DossierKind kind,
                         client::ParseEnum<v1::DossierKind>(v1::DossierKind_descriptor(), flags.kind));
    request.set_kind(kind);
  }
  if (!flags.type.empty()) {
    JCM_ASSIGN_OR_RETURN(const v1::ProjectType type,
                         client::ParseEnum<v1::ProjectType>(v1::ProjectType_descriptor(), flags.type));
    request.set_type(type);
  }
  if (!flags.programme.empty()) {
    JCM_ASSIGN_OR_RETURN(const v1::FundingProgramme programme,
                         client::ParseEnum<v1::FundingProgramme>(v1::FundingProgramme_descriptor(), flags.programme));
    request.set_programme(programme);
  }
  request.set_strand(flags.strand);
  request.set_state(flags.state);
  request.set_waits_for(flags.waits_for);
  request.set_text(flags.text);
  request.set_overdue(flags.overdue);
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::DossierService>(
                                      session, &api::DossierService::Stub::ListDossiers, request,
                                      [](const api::ListDossiersResponse& response) { return response.dossiers(); }));
  for (nlohmann::ordered_json& row : rows) {
    std::vector<std::string> where;
    for (const auto& strand : row.value("strands", nlohmann::ordered_json::array())) {
      where.push_back(
          absl::StrCat(strand.value("strand", ""), "/", strand.value("instance", 1), " ", strand.value("state", "")));
    }
    row["where"] = absl::StrJoin(where, ", ");
  }
  session.PrintRows(client::Table({{"Dossier", "案件", "/name"},
                                   {"Kind", "種別", "/dossier/kind"},
                                   {"Number", "番号", "/dossier/references"},
                                   {"Title", "名称", "/dossier/title_en"},
                                   {"Stands", "状況", "/where"},
                                   {"Rulebook", "規則集", "/dossier/rulebook_version"}}),
                    rows);
  return absl::OkStatus();
}

struct ShowFlags {
  std::string partnership;
  std::string id;
  std::string recorded_at;
  std::string legal_date;
  bool history = false;
};

absl::Status ShowDossier(Session& session, const ShowFlags& flags) {
  api::GetDossierRequest request;
  request.set_name(absl::StrCat("partnerships/", flags.partnership, "/dossiers/", flags.id));
  if (!flags.recorded_at.empty()) {
    JCM_ASSIGN_OR_RETURN(const BookTime at, ParseRfc3339(flags.recorded_at));
    request.mutable_recorded_at()->set_seconds(static_cast<int64_t>(at.micros / kMicrosPerSecond));
    request.mutable_recorded_at()->set_nanos(static_cast<int32_t>(at.micros % kMicrosPerSecond * 1'000));
  }
  if (!flags.legal_date.empty()) {
    JCM_ASSIGN_OR_RETURN(*request.mutable_legal_date(), client::ParseDay(flags.legal_date));
  }
  JCM_ASSIGN_OR_RETURN(auto response,
                       session.Call<api::DossierService>(&api::DossierService::Stub::GetDossier, request));
  if (!flags.history) {
    session.PrintView(client::ViewOf(response));
    return absl::OkStatus();
  }
  Rows rows;
  for (const auto& step : response.history()) rows.push_back(client::ViewOf(step));
  session.PrintRows(client::Table({{"No", "番号", "/number", ColumnKind::NUMBER},
                                   {"Recorded", "記録", "/at_us"},
                                   {"Legal date", "効力日", "/legal_date"},
                                   {"Strand", "手続", "/strand"},
                                   {"#", "回", "/instance", ColumnKind::NUMBER},
                                   {"Step", "段階", "/step"},
                                   {"To", "状態", "/to_state"},
                                   {"By", "行為者", "/actor"},
                                   {"Decision", "決定", "/decision_id"},
                                   {"Rulebook", "規則集", "/rulebook_version"}}),
                    rows);
  return absl::OkStatus();
}

struct InboxFlags {
  std::string partnership = "-";
  std::string person;
  std::string calendar;
};

absl::Status ShowInbox(Session& session, const InboxFlags& flags) {
  api::ListInboxRequest request;
  request.set_parent("partnerships/" + flags.partnership);
  request.set_person(flags.person);
  JCM_ASSIGN_OR_RETURN(
      Rows rows, ListAll<api::DossierService>(session, &api::DossierService::Stub::ListInbox, request,
                                              [](const api::ListInboxResponse& response) { return response.items(); }));
  if (!flags.calendar.empty()) {
    const bool japanese = session.options().language == client::Language::JA;
    JCM_RETURN_IF_ERROR(session.files().WriteFileAtomically(flags.calendar, client::CalendarOf(rows, japanese)));
    session.Say(absl::StrCat(flags.calendar, ": written"));
  }
  session.PrintRows(
      client::Table({{"Overdue", "超過", "/overdue"},
                     {"Since", "受領", "/since"},
                     {"Due", "期限", "/due"},
                     {"As", "資格", "/as"},
                     {"What", "内容", "/title"},
                     {"Strand", "手続", "/strand"},
                     {"Step", "段階", "/step"},
                     {"", "", session.options().language == client::Language::JA ? "/text_ja" : "/text_en"},
                     {"Name", "名", "/name"}}),
      rows);
  return absl::OkStatus();
}

struct PipelineFlags {
  std::string partnership = "-";
};

absl::Status ShowPipeline(Session& session, const PipelineFlags& flags) {
  api::GetPipelineRequest request;
  request.set_parent("partnerships/" + flags.partnership);
  JCM_ASSIGN_OR_RETURN(auto response,
                       session.Call<api::DossierService>(&api::DossierService::Stub::GetPipeline, request));
  Rows rows;
  for (const auto& row : response.rows()) rows.push_back(client::ViewOf(row));
  session.PrintRows(client::Table({{"Partnership", "二国間", "/partnership"},
                                   {"Programme", "事業", "/programme"},
                                   {"Strand", "手続", "/strand"},
                                   {"State", "状態", "/state"},
                                   {"Projects", "件数", "/dossiers", ColumnKind::NUMBER},
                                   {"Median days", "中央値(日)", "/median_days", ColumnKind::NUMBER},
                                   {"Longest", "最長(日)", "/longest_days", ColumnKind::NUMBER}}),
                    rows);
  session.Say(absl::StrCat("as of ", response.checkpoints()));
  return absl::OkStatus();
}

// ---- the tables
// ------------------------------------------------------------------------------------------------------

struct CycleFlags {
  std::string kind = "project";
  std::string strand;
};

absl::Status ShowTable(Session& session, const CycleFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const v1::DossierKind kind,
                       client::ParseEnum<v1::DossierKind>(v1::DossierKind_descriptor(), flags.kind));
  const auto join = [](const auto& list, const auto& text) {
    return absl::StrJoin(list, ", ", [&](std::string* out, const auto& one) { absl::StrAppend(out, text(one)); });
  };
  Rows rows;
  for (const rules::Strand& strand : rules::CycleOf(kind).strands) {
    if (!flags.strand.empty() && strand.name != flags.strand) continue;
    for (const rules::Step& step : strand.steps) {
      nlohmann::ordered_json row;
      row["strand"] = strand.name;
      row["step"] = step.name;
      row["from"] = join(step.from, [](const std::string& state) { return state.empty() ? "-" : state; });
      row["to"] = step.to;
      row["who"] = join(step.who, [](rules::Who who) { return std::string(rules::WhoName(who)); });
      row["documents"] = join(step.documents, [](const rules::Need& need) { return need.name; });
      row["within"] = step.within;
      row["text_en"] = step.text_en;
      row["text_ja"] = step.text_ja;
      rows.push_back(std::move(row));
    }
  }
  if (rows.empty()) return Error(Reason::NOT_FOUND, flags.strand);
  session.PrintRows(
      client::Table({{"Strand", "手続", "/strand"},
                     {"Step", "段階", "/step"},
                     {"From", "前", "/from"},
                     {"To", "後", "/to"},
                     {"Who", "誰が", "/who"},
                     {"Documents", "書類", "/documents"},
                     {"Within", "期間", "/within"},
                     {"", "", session.options().language == client::Language::JA ? "/text_ja" : "/text_en"}}),
      rows);
  return absl::OkStatus();
}

absl::Status ShowDiagrams(Session& session, const CycleFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const v1::DossierKind kind,
                       client::ParseEnum<v1::DossierKind>(v1::DossierKind_descriptor(), flags.kind));
  session.Print(rules::DiagramsOf(kind));
  return absl::OkStatus();
}

// ---- flags
// -----------------------------------------------------------------------------------------------------------

void AddOpen(CLI::App* group, Session& session) {
  auto open = std::make_shared<OpenFlags>();
  CLI::App* command = AddCommand(group, session, "open", "Opens a dossier", open, &OpenDossier);
  command->add_option("--partnership", open->partnership)->required();
  command->add_option("--id", open->id, "Chosen here, for ever; official numbers come with the steps")->required();
  command->add_option("--kind", open->kind, "project, methodology or third-party-entity");
  command->add_option("--rulebook", open->rulebook, "Version in force")->required();
  command->add_option("--title-en", open->title_en)->required();
  command->add_option("--title-ja", open->title_ja);
  command->add_option("--person", open->persons, "Who acts for the applicant: person id; repeatable");
  command->add_option("--scope", open->scopes, "Sectoral scope; repeatable");
  command->add_option("--applicant-en", open->applicant_en, "Of a methodology or third-party entity");
  command->add_option("--applicant-ja", open->applicant_ja);
  command->add_option("--type", open->type, "Of a project: energy, redd-plus, ccs …");
  command->add_option("--programme", open->programme,
                      "private, model-project, demonstration, trust-fund, other-public");
  command->add_option("--participant", open->participants, "NAME|日本語名|CC[|representative or joint][|focal]");
  command->add_option("--delivery-share", open->delivery_share, "Least share of the Government of Japan: 1/2");
  command->add_option("--operation-start", open->operation_start, "Date");
  command->add_flag("--no-other-scheme", open->no_other_scheme, "The participants' undertaking");
  command->add_flag("--synthetic", open->synthetic, "Made up for a demonstration");
  command->add_option("--location", open->location);
}

void AddStep(CLI::App* group, Session& session) {
  auto step = std::make_shared<StepFlags>();
  CLI::App* command = AddCommand(group, session, "step", "Takes a step; see `jcmctl cycle table`", step, &TakeStep);
  command->add_option("--partnership", step->partnership)->required();
  command->add_option("--id", step->id, "Dossier")->required();
  command->add_option("--strand", step->strand)->required();
  command->add_option("--instance", step->instance, "Of a repeated strand: 1, 2 …");
  command->add_option("--step", step->step)->required();
  command->add_option("--file", step->documents, "FORM=@FILE or FORM=SHA-256[,confidential=…,reason=…,version=…]");
  command->add_option("--reason", step->reason);
  command->add_option("--on-behalf", step->on_behalf, "The paper on which a secretariat acts: SHA-256 or @FILE");
  command->add_option("--reference", step->reference, "Official number that the step assigns");
  command->add_option("--version-number", step->version, "Of an approved methodology: 1.0");
  command->add_option("--document-date", step->document_date, "Of the report");
  command->add_option("--entity", step->entity, "Dossier of the third-party entity");
  command->add_option("--period", step->period, "START..END");
  command->add_option("--methodology", step->methodologies, "TH_AM001@1.0; repeatable");
  command->add_option("--scope", step->scopes, "3:validation, 3:verification or 3; repeatable");
  command->add_option("--participant", step->participants, "As for open; repeatable");
  command->add_option("--person", step->persons, "Persons who act from now on; repeatable");
  command->add_option("--share", step->shares,
                      "PARTY=1/2[,government-of-japan][,financial=1/2,technical=…,operational=…]; repeatable");
  command->add_option("--emissions", step->emissions, "YEAR:RE:PE[:BaU[:leakage]] in t-CO2e; repeatable");
  command->add_option("--reductions", step->reductions, "Verified t-CO2e of each year, in order; repeatable");
  command->add_option("--method", step->method, "reference-below-bau, project-uplift or discount");
  command->add_option("--factor", step->factor, "1/10 or 0.1");
  command->add_option("--add-on", step->add_on, "t-CO2e a year");
}

void AddReading(CLI::App* group, Session& session) {
  auto list = std::make_shared<DossierListFlags>();
  CLI::App* command = AddCommand(group, session, "list", "Lists dossiers", list, &ListDossiers);
  command->add_option("--partnership", list->partnership, "TH; all if left out");
  command->add_option("--kind", list->kind);
  command->add_option("--strand", list->strand);
  command->add_option("--state", list->state);
  command->add_option("--type", list->type);
  command->add_option("--programme", list->programme);
  command->add_option("--waits-for", list->waits_for, "secretariat, participant, entity, committee, registry …");
  command->add_option("--text", list->text, "In id, number, title or names");
  command->add_flag("--overdue", list->overdue);
  auto show = std::make_shared<ShowFlags>();
  command = AddCommand(group, session, "show", "Shows a dossier, by id or official number", show, &ShowDossier);
  auto history = std::make_shared<ShowFlags>();
  history->history = true;
  CLI::App* steps =
      AddCommand(group, session, "history", "Every step: who, when, why, on which text", history, &ShowDossier);
  for (const auto& [one, flags] : {std::make_pair(command, show), std::make_pair(steps, history)}) {
    one->add_option("--partnership", flags->partnership)->required();
    one->add_option("--id", flags->id)->required();
    one->add_option("--recorded-at", flags->recorded_at, "As it was recorded then: 2026-03-02T00:00:00Z");
    one->add_option("--legal-as-of", flags->legal_date, "As it stood on that legal date");
  }
}

}  // namespace

void AddCycleCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "dossier", "Projects, methodologies and third-party entities: their procedures");
  AddOpen(group, session);
  AddStep(group, session);
  auto react = std::make_shared<ReactFlags>();
  CLI::App* command = AddCommand(group, session, "react", "Answers a dossier that the other side keeps", react, &React);
  command->add_option("--partnership", react->partnership)->required();
  command->add_option("--id", react->id)->required();
  command->add_option("--strand", react->strand)->required();
  command->add_option("--instance", react->instance);
  command->add_option("--kind", react->kind, "received, complete, incomplete, issuance-reported, remark")->required();
  command->add_option("--text", react->text);
  command->add_option("--file", react->documents, "FORM=@FILE");
  AddReading(group, session);

  auto inbox = std::make_shared<InboxFlags>();
  command = AddCommand(&app, session, "inbox", "What waits for you, and for how long", inbox, &ShowInbox);
  command->add_option("--partnership", inbox->partnership, "TH; all if left out");
  command->add_option("--person", inbox->person, "Somebody else's, for operators");
  command->add_option("--ics", inbox->calendar, "Writes dates into a calendar file");
  auto pipeline = std::make_shared<PipelineFlags>();
  command =
      AddCommand(&app, session, "pipeline", "How many projects stand where, and for how long", pipeline, &ShowPipeline);
  command->add_option("--partnership", pipeline->partnership, "TH; all if left out");

  group = AddGroup(app, "cycle", "The tables of the project cycle, as this program has them");
  auto table = std::make_shared<CycleFlags>();
  command = AddCommand(group, session, "table", "Steps, states, actors, documents", table, &ShowTable);
  command->add_option("--kind", table->kind, "project, methodology or third-party-entity");
  command->add_option("--strand", table->strand);
  auto diagrams = std::make_shared<CycleFlags>();
  command = AddCommand(group, session, "diagrams", "State diagrams (Mermaid, in Markdown)", diagrams, &ShowDiagrams);
  command->add_option("--kind", diagrams->kind, "project, methodology or third-party-entity");
}

}  // namespace jcm::ctl
