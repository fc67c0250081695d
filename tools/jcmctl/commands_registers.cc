// What the registers say beside their lists: methodologies, third-party entities, one project, one issuance with
// everything that it rests on, allocations, and the history of any object.
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "jcm/registry/v1/object_services.grpc.pb.h"
#include "ledger/base/status.h"
#include "ledger/rules/allocation.h"
#include "ledger/rules/cycle/quantification.h"
#include "tools/client/arguments.h"
#include "tools/client/rulebook_file.h"
#include "tools/jcmctl/commands.h"

namespace jcm::ctl {
namespace {

using client::ColumnKind;
using nlohmann::ordered_json;

bool IsJapanese(Session& session) { return session.options().language == client::Language::JA; }

template <typename Items>
Rows RowsOf(const Items& items) {
  Rows rows;
  for (const auto& item : items) rows.push_back(client::ViewOf(item));
  return rows;
}

// ---- methodologies and third-party entities
// ----------------------------------------------------------------------------

struct RegisterFlags {
  std::string partnership = "-";
  std::string filter;
  std::string id;
  std::string date;
  std::string recorded_at;
};

absl::Status ListMethodologies(Session& session, const RegisterFlags& flags) {
  api::ListMethodologiesRequest request;
  request.set_parent("partnerships/" + flags.partnership);
  request.set_filter(flags.filter);
  JCM_ASSIGN_OR_RETURN(Rows rows,
                       ListAll<api::MethodologyService>(
                           session, &api::MethodologyService::Stub::ListMethodologies, request,
                           [](const api::ListMethodologiesResponse& response) { return response.methodologies(); }));
  session.PrintRows(client::Table({{"Numbers", "番号", "/references"},
                                   {"Status", "状況", "/status"},
                                   {"Title", "名称(英)", "/title_en"},
                                   {"Japanese title", "名称", "/title_ja"},
                                   {"Scopes", "分野", "/scopes"},
                                   {"Proponent", "提案者", "/applicant_en"},
                                   {"Used by", "利用案件", "/used_by"}}),
                    rows);
  return absl::OkStatus();
}

absl::Status ShowMethodology(Session& session, const RegisterFlags& flags) {
  api::GetMethodologyRequest request;
  request.set_name(absl::StrCat("partnerships/", flags.partnership, "/methodologies/", flags.id));
  if (!flags.recorded_at.empty()) {
    JCM_RETURN_IF_ERROR(SetRecordedAt(flags.recorded_at, request.mutable_recorded_at()));
  }
  JCM_ASSIGN_OR_RETURN(const auto methodology,
                       session.Call<api::MethodologyService>(&api::MethodologyService::Stub::GetMethodology, request));
  if (session.options().output == client::OutputFormat::JSON) {
    session.PrintView(client::ViewOf(methodology));
    return absl::OkStatus();
  }
  ordered_json view = client::ViewOf(methodology);
  view.erase("versions");
  session.PrintView(view);
  session.PrintRows(client::Table({{"Proposed as", "提案番号", "/proposed_as"},
                                   {"Version", "版", "/version"},
                                   {"Status", "状況", "/status"},
                                   {"Since", "開始日", "/since"},
                                   {"Inputs from", "意見募集開始", "/inputs_from"},
                                   {"Inputs to", "意見募集終了", "/inputs_to"},
                                   {"With revisions", "修正付き", "/with_revisions"},
                                   {"Decision", "決定", "/decision_id"}}),
                    RowsOf(methodology.versions()));
  return absl::OkStatus();
}

absl::Status ListEntities(Session& session, const RegisterFlags& flags) {
  api::ListThirdPartyEntitiesRequest request;
  request.set_parent("partnerships/" + flags.partnership);
  request.set_filter(flags.filter);
  if (!flags.date.empty()) {
    JCM_ASSIGN_OR_RETURN(*request.mutable_date(), client::ParseDay(flags.date));
  }
  JCM_ASSIGN_OR_RETURN(Rows rows,
                       ListAll<api::ThirdPartyEntityService>(
                           session, &api::ThirdPartyEntityService::Stub::ListThirdPartyEntities, request,
                           [](const api::ListThirdPartyEntitiesResponse& response) { return response.entities(); }));
  session.PrintRows(client::Table({{"Number", "番号", "/number"},
                                   {"Name", "名称", IsJapanese(session) ? "/name_ja" : "/name_en"},
                                   {"Status", "状況", "/status"},
                                   {"Validation", "妥当性確認", "/validation"},
                                   {"Verification", "検証", "/verification"},
                                   {"Designated", "指定日", "/designated"}}),
                    rows);
  return absl::OkStatus();
}

absl::Status ShowEntity(Session& session, const RegisterFlags& flags) {
  api::GetThirdPartyEntityRequest request;
  request.set_name(absl::StrCat("partnerships/", flags.partnership, "/thirdPartyEntities/", flags.id));
  if (!flags.date.empty()) {
    JCM_ASSIGN_OR_RETURN(*request.mutable_date(), client::ParseDay(flags.date));
  }
  if (!flags.recorded_at.empty()) {
    JCM_RETURN_IF_ERROR(SetRecordedAt(flags.recorded_at, request.mutable_recorded_at()));
  }
  JCM_ASSIGN_OR_RETURN(const auto entity, session.Call<api::ThirdPartyEntityService>(
                                              &api::ThirdPartyEntityService::Stub::GetThirdPartyEntity, request));
  session.PrintView(client::ViewOf(entity));
  return absl::OkStatus();
}

// ---- one project, one issuance
// -----------------------------------------------------------------------------------------

absl::Status ShowProject(Session& session, const RegisterFlags& flags) {
  api::GetProjectRequest request;
  request.set_name(absl::StrCat("partnerships/", flags.partnership, "/projects/", flags.id));
  if (!flags.recorded_at.empty()) {
    JCM_RETURN_IF_ERROR(SetRecordedAt(flags.recorded_at, request.mutable_recorded_at()));
  }
  JCM_ASSIGN_OR_RETURN(const auto response,
                       session.Call<api::ProjectService>(&api::ProjectService::Stub::GetProject, request));
  if (session.options().output == client::OutputFormat::JSON) {
    session.PrintView(client::ViewOf(response));
    return absl::OkStatus();
  }
  ordered_json view = client::ViewOf(response);
  view.erase("issuances");
  session.PrintView(view);
  session.PrintRows(ProgressTable(), ProgressRows(response.issuances()));
  return absl::OkStatus();
}

absl::Status ShowIssuance(Session& session, const RegisterFlags& flags) {
  api::GetIssuanceFileRequest request;
  request.set_name(absl::StrCat("partnerships/", flags.partnership, "/decisions/", flags.id));
  if (!flags.recorded_at.empty()) {
    JCM_RETURN_IF_ERROR(SetRecordedAt(flags.recorded_at, request.mutable_recorded_at()));
  }
  JCM_ASSIGN_OR_RETURN(const auto response,
                       session.Call<api::IssuanceService>(&api::IssuanceService::Stub::GetIssuanceFile, request));
  const api::IssuanceFile& file = response.file();
  if (session.options().output == client::OutputFormat::JSON) {
    session.PrintView(client::ViewOf(file));
    return absl::OkStatus();
  }
  ordered_json view = client::ViewOf(file);
  for (const char* shown_below : {"allocation", "serials", "vintages", "progress", "quantification"}) {
    view.erase(shown_below);
  }
  session.PrintView(view);
  session.PrintRows(ProgressTable(), ProgressRows(std::vector<api::DecisionProgress>{file.progress()}));
  session.PrintRows(client::Table({{"Vintage", "ビンテージ", "/vintage"},
                                   {"Verified t-CO2e", "検証量", "/verified", ColumnKind::NUMBER},
                                   {"Decided t-CO2e", "決定量", "/decided", ColumnKind::NUMBER}}),
                    RowsOf(file.vintages()));
  session.PrintRows(client::Table({{"Party", "配分先", "/party"},
                                   {"t-CO2e", "t-CO2e", "/tonnes", ColumnKind::NUMBER},
                                   {"Why", "理由", IsJapanese(session) ? "/text_ja" : "/text_en"}}),
                    RowsOf(file.allocation()));
  session.PrintRows(client::Table({{"Lot", "ロット", "/lot_id"},
                                   {"First", "始", "/first", ColumnKind::NUMBER},
                                   {"Last", "終", "/last", ColumnKind::NUMBER},
                                   {"Registry", "登録簿", "/registry"},
                                   {"Party", "配分先", "/party"},
                                   {"Account", "口座", "/account"}}),
                    RowsOf(file.serials()));
  return absl::OkStatus();
}

// ---- allocations
// -------------------------------------------------------------------------------------------------------

struct AllocationFlags {
  std::vector<std::string> lots;
  std::vector<std::string> parties;
};

struct Recipient {
  std::string label;
  std::string kind;
  std::string registry;
  rules::Share share;
};

// LABEL|KIND|REGISTRY|1/2
absl::StatusOr<Recipient> ParseRecipient(const std::string& text) {
  const std::vector<std::string> fields = absl::StrSplit(text, '|');
  if (fields.size() != 4) return Error(Reason::FIELD_INVALID, absl::StrCat(text, " is not LABEL|KIND|REGISTRY|1/2"));
  JCM_RETURN_IF_ERROR(client::ParseEnum<v1::PartyKind>(v1::PartyKind_descriptor(), fields[1]).status());
  JCM_ASSIGN_OR_RETURN(const v1::Fraction fraction, client::ParseFraction(fields[3]));
  JCM_ASSIGN_OR_RETURN(const Rational share, rules::ToRational(fraction));
  return Recipient{fields[0], fields[1], fields[2], {fields[0], share}};
}

// What the rulebook's method gives: flags for `decision open`, lot by lot.
absl::Status ProposeAllocation(Session& session, const AllocationFlags& flags) {
  std::vector<Recipient> recipients;
  std::vector<rules::Share> shares;
  std::vector<rules::PartyId> priority;
  for (const std::string& text : flags.parties) {
    JCM_ASSIGN_OR_RETURN(Recipient recipient, ParseRecipient(text));
    priority.insert(recipient.kind == "government-of-japan" ? priority.begin() : priority.end(), recipient.label);
    shares.push_back(recipient.share);
    recipients.push_back(std::move(recipient));
  }
  std::string text = "--method largest_remainder_per_vintage_jp_gov_first";
  for (const std::string& lot : flags.lots) {
    const std::vector<std::string> fields = absl::StrSplit(lot, ':');
    if (fields.size() != 3) return Error(Reason::FIELD_INVALID, absl::StrCat(lot, " is not LOT:VINTAGE:TONNES"));
    JCM_ASSIGN_OR_RETURN(const Tonnes tonnes, client::ParseTonnes(fields[2]));
    JCM_ASSIGN_OR_RETURN(const auto allocated, rules::Allocate(tonnes, shares, priority));
    absl::StrAppend(&text, " \\\n  --lot ", lot);
    Tonnes next = 1;
    for (size_t i = 0; i < allocated.size(); ++i) {
      if (allocated[i].tonnes == 0) continue;
      absl::StrAppend(&text, " \\\n  --row '", recipients[i].kind, ",", recipients[i].registry, ",", fields[0], ":",
                      next, "-", next + allocated[i].tonnes - 1, ",", recipients[i].label, "'");
      next += allocated[i].tonnes;
    }
  }
  session.Print(text + "\n");
  return absl::OkStatus();
}

// ---- history
// -----------------------------------------------------------------------------------------------------------

struct HistoryFlags {
  std::string name;
  std::string recorded_at;
  std::string legal_date;
  bool records = false;
};

absl::Status ShowHistory(Session& session, const HistoryFlags& flags) {
  constexpr size_t kPagesMax = 1'000;
  api::GetHistoryRequest request;
  request.set_name(flags.name);
  request.set_page_size(1'000);
  if (!flags.recorded_at.empty()) {
    JCM_RETURN_IF_ERROR(SetRecordedAt(flags.recorded_at, request.mutable_recorded_at()));
  }
  if (!flags.legal_date.empty()) {
    JCM_ASSIGN_OR_RETURN(*request.mutable_legal_date(), client::ParseDay(flags.legal_date));
  }
  Rows rows;
  Rows records;
  for (size_t page = 0; page < kPagesMax; ++page) {
    JCM_ASSIGN_OR_RETURN(const auto response,
                         session.Call<api::HistoryService>(&api::HistoryService::Stub::GetHistory, request));
    for (const api::Change& change : response.changes()) {
      ordered_json row = client::ViewOf(change);
      std::vector<std::string> what;
      for (const api::FieldChange& field : change.fields()) {
        what.push_back(absl::StrCat(field.field(), ": ", field.before().empty() ? "" : field.before() + " → ",
                                    field.after().empty() ? "(none)" : field.after()));
      }
      row["what"] = absl::StrJoin(what, "; ");
      rows.push_back(std::move(row));
    }
    for (const api::RecordAt& record : response.records()) {
      ordered_json row = client::ViewOf(record);
      row["record"] = record.json().empty() ? ordered_json() : ordered_json::parse(record.json());
      row.erase("json");
      records.push_back(std::move(row));
    }
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
  }
  if (flags.records) {
    session.PrintRows(client::Table({{"Book", "帳簿", "/book"},
                                     {"Table", "表", "/table"},
                                     {"Key", "鍵", "/key"},
                                     {"Record", "記録", "/record"}}),
                      records);
    return absl::OkStatus();
  }
  session.PrintRows(client::Table({{"Recorded", "記録", "/recorded_at"},
                                   {"Legal date", "効力日", "/legal_date"},
                                   {"Entry", "記録番号", "/entry"},
                                   {"Act", "行為", "/summary"},
                                   {"By", "行為者", "/author"},
                                   {"Table", "表", "/table"},
                                   {"What changed", "変更", "/what"}}),
                    rows);
  return absl::OkStatus();
}

template <typename Run>
std::pair<CLI::App*, std::shared_ptr<RegisterFlags>> AddRegister(CLI::App* group, Session& session,
                                                                 const std::string& name, const std::string& what,
                                                                 Run run, bool one) {
  auto flags = std::make_shared<RegisterFlags>();
  CLI::App* command = AddCommand(group, session, name, what, flags, run);
  CLI::Option* partnership = command->add_option("--partnership", flags->partnership, "TH; all if left out");
  if (one) {
    partnership->required();
    command->add_option("--id", flags->id, "Official number, or id")->required();
    command->add_option("--recorded-at", flags->recorded_at, "As it was recorded then: 2026-03-02T00:00:00Z");
  } else {
    command->add_option("--filter", flags->filter, "FIELD = VALUE [AND …]");
  }
  return {command, flags};
}

}  // namespace

void AddRegisterCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "methodology", "Methodologies (方法論)");
  AddRegister(group, session, "list", "Lists methodologies", &ListMethodologies, false);
  AddRegister(group, session, "show", "Versions, public inputs, who uses it", &ShowMethodology, true);
  group = AddGroup(app, "entity", "Third-party entities (第三者機関)");
  auto entities = AddRegister(group, session, "list", "Lists third-party entities", &ListEntities, false);
  entities.first->add_option("--date", entities.second->date, "What they may do on that day");
  auto entity = AddRegister(group, session, "show", "Shows a third-party entity", &ShowEntity, true);
  entity.first->add_option("--date", entity.second->date, "What it may do on that day");
  group = AddGroup(app, "issuance", "Decided issuances, with everything that they rest on");
  AddRegister(group, session, "show", "By decision: figures, verifier, allocation and why, progress, serials",
              &ShowIssuance, true);
  group = AddGroup(app, "allocation", "Allocations");
  auto propose = std::make_shared<AllocationFlags>();
  CLI::App* command = AddCommand(group, session, "propose", "What the shares give, as flags for `decision open`",
                                 propose, &ProposeAllocation);
  command->add_option("--lot", propose->lots, "LOT:VINTAGE:TONNES; repeatable")->required();
  command
      ->add_option(
          "--to", propose->parties,
          "LABEL|KIND|REGISTRY|1/2, KIND government-of-japan, government-of-partner or participant; repeatable")
      ->required();
  auto history = std::make_shared<HistoryFlags>();
  command = AddCommand(&app, session, "history", "Every change of an object, by whichever book recorded it", history,
                       &ShowHistory);
  command->add_option("NAME", history->name, "partnerships/TH/decisions/ID, …/projects/TH014, …/members/ID …")
      ->required();
  command->add_option("--recorded-at", history->recorded_at, "What was recorded until then");
  command->add_option("--legal-as-of", history->legal_date, "What claims that day or an earlier one");
  command->add_flag("--records", history->records, "How the object stood then, instead of the changes");
}

void AddShowProject(CLI::App* group, Session& session) {
  AddRegister(group, session, "show", "The register's row, issuances, what is owed", &ShowProject, true);
}

}  // namespace jcm::ctl
