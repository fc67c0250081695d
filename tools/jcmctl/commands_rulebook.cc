// Rulebooks: read from files, compared, put to the vote, adopted; and versions of the rules that this software
// executes.
#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "tools/client/arguments.h"
#include "tools/client/rulebook_file.h"
#include "tools/jcmctl/commands.h"

namespace jcm::ctl {
namespace {

using client::ColumnKind;

struct RulebookFlags {
  std::string partnership;
  std::string version;
  std::string parameters;
  std::string effective_date;
  std::string document;
  std::string supersedes;
  std::string in_flight;
  std::string decision;
};

// The file, with what flags say instead.
absl::StatusOr<client::RulebookFile> Read(Session& session, const RulebookFlags& flags) {
  JCM_ASSIGN_OR_RETURN(client::RulebookFile rulebook, client::ReadRulebook(session.files(), flags.parameters));
  if (!flags.version.empty()) rulebook.version = flags.version;
  if (!flags.supersedes.empty()) rulebook.supersedes = flags.supersedes;
  if (!flags.effective_date.empty()) {
    JCM_ASSIGN_OR_RETURN(rulebook.effective_date, client::ParseDay(flags.effective_date));
  }
  if (!flags.in_flight.empty()) {
    JCM_ASSIGN_OR_RETURN(rulebook.in_flight,
                         client::ParseEnum<v1::InFlight>(v1::InFlight_descriptor(), flags.in_flight));
  }
  return rulebook;
}

absl::Status AdoptRulebook(Session& session, const RulebookFlags& flags) {
  JCM_ASSIGN_OR_RETURN(client::RulebookFile rulebook, Read(session, flags));
  v1::Command command;
  v1::AdoptRulebook* body = command.mutable_adopt_rulebook();
  body->set_version(rulebook.version);
  *body->mutable_parameters() = rulebook.parameters;
  *body->mutable_effective_date() = rulebook.effective_date;
  body->set_in_flight(rulebook.in_flight);
  body->set_supersedes(rulebook.supersedes);
  body->set_decision_id(flags.decision);
  if (!flags.document.empty()) {
    JCM_ASSIGN_OR_RETURN(*body->mutable_document_digest(), client::ParseDigest(flags.document, session.files()));
  }
  return session.Act(flags.partnership, std::move(command));
}

absl::Status ListRulebooks(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::RulebookService>(
                                      session, &api::RulebookService::Stub::ListRulebooks, request,
                                      [](const api::ListRulebooksResponse& response) { return response.rulebooks(); }));
  session.PrintRows(client::Table({{"Version", "版", "/version"},
                                   {"Track", "区分", "/parameters/track"},
                                   {"Effective", "施行日", "/effective_date"},
                                   {"Supersedes", "旧版", "/supersedes"},
                                   {"In flight", "進行中案件", "/in_flight"},
                                   {"Decision", "決定", "/decision_id"},
                                   {"Border", "国際移転", "/parameters/cross_border_mode"},
                                   {"Days", "日数", "/parameters/e_decision_days", ColumnKind::NUMBER},
                                   {"Digest", "ハッシュ", "/parameters_digest", ColumnKind::DIGEST}}),
                    rows);
  return absl::OkStatus();
}

struct ShowFlags {
  std::string file;
};

absl::Status ShowRulebook(Session& session, const ShowFlags& flags) {
  JCM_ASSIGN_OR_RETURN(client::RulebookFile rulebook, client::ReadRulebook(session.files(), flags.file));
  Rows rows;
  for (const client::RulebookDifference& one : client::DiffRulebooks(rulebook.parameters, v1::RulebookParameters())) {
    rows.push_back({{"parameter", one.parameter}, {"value", one.left}, {"source", one.left_source}});
  }
  session.PrintRows(
      client::Table({{"Parameter", "項目", "/parameter"}, {"Value", "値", "/value"}, {"Source", "出典", "/source"}}),
      rows);
  return absl::OkStatus();
}

struct InForceFlags {
  std::string partnership;
  std::string version;
  std::string track;
  std::string date;
  std::string recorded_at;
};

// The version that governs a track on a day, as the node has it.
absl::Status ShowInForce(Session& session, const InForceFlags& flags) {
  api::GetRulebookRequest request;
  request.set_parent("partnerships/" + flags.partnership);
  request.set_version(flags.version);
  request.set_track(flags.track);
  if (!flags.date.empty()) {
    JCM_ASSIGN_OR_RETURN(*request.mutable_date(), client::ParseDay(flags.date));
  }
  if (!flags.recorded_at.empty()) {
    JCM_RETURN_IF_ERROR(SetRecordedAt(flags.recorded_at, request.mutable_recorded_at()));
  }
  JCM_ASSIGN_OR_RETURN(const auto response,
                       session.Call<api::RulebookService>(&api::RulebookService::Stub::GetRulebook, request));
  session.PrintView(client::ViewOf(response.rulebook()));
  return absl::OkStatus();
}

struct DiffFlags {
  std::string left;
  std::string right;
};

absl::Status DiffRulebooks(Session& session, const DiffFlags& flags) {
  JCM_ASSIGN_OR_RETURN(client::RulebookFile left, client::ReadRulebook(session.files(), flags.left));
  JCM_ASSIGN_OR_RETURN(client::RulebookFile right, client::ReadRulebook(session.files(), flags.right));
  Rows rows;
  for (const client::RulebookDifference& one : client::DiffRulebooks(left.parameters, right.parameters)) {
    rows.push_back({{"parameter", one.parameter},
                    {"left", one.left},
                    {"right", one.right},
                    {"left_source", one.left_source},
                    {"right_source", one.right_source}});
  }
  session.PrintRows(client::Table({{"Parameter", "項目", "/parameter"},
                                   {left.version, left.version, "/left"},
                                   {right.version, right.version, "/right"},
                                   {"Source", "出典", "/left_source"},
                                   {"Source", "出典", "/right_source"}}),
                    rows);
  return absl::OkStatus();
}

struct RulesFlags {
  std::string partnership;
  uint32_t version = 0;
};

absl::Status NoticeRules(Session& session, const RulesFlags& flags) {
  v1::Command command;
  command.mutable_rules_notice()->set_rules_version(flags.version);
  return session.Act(flags.partnership, std::move(command));
}

absl::Status SupportRules(Session& session, const RulesFlags& flags) {
  v1::Command command;
  command.mutable_supports_rules()->set_rules_version(flags.version);
  return session.Act(flags.partnership, std::move(command));
}

}  // namespace

void AddRulebookCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "rulebook", "Rulebooks: versioned parameters of a partnership");
  auto adopt = std::make_shared<RulebookFlags>();
  CLI::App* command = AddCommand(group, session, "adopt", "Adopts a version", adopt, &AdoptRulebook);
  command->add_option("--partnership", adopt->partnership)->required();
  command->add_option("--parameters", adopt->parameters, "File of \"parameter = value\"; see deploy/rulebooks")
      ->required();
  command->add_option("--version", adopt->version, "TH/2024-07-08; default: the file's");
  command->add_option("--effective-date", adopt->effective_date, "Default: the file's");
  command->add_option("--supersedes", adopt->supersedes, "The newest version of the same track");
  command->add_option("--in-flight", adopt->in_flight, "stay, migrate or migrate-at-next-step");
  command->add_option("--decision", adopt->decision, "Of the Joint Committee on these rules");
  command->add_option("--document", adopt->document, "SHA-256 or @FILE");
  auto list = std::make_shared<ListFlags>();
  AddListFlags(AddCommand(group, session, "list", "Lists versions", list, &ListRulebooks), list.get());
  auto show = std::make_shared<ShowFlags>();
  command = AddCommand(group, session, "show", "Shows a rulebook file with sources", show, &ShowRulebook);
  command->add_option("FILE", show->file)->required();
  auto in_force = std::make_shared<InForceFlags>();
  command = AddCommand(group, session, "in-force", "The version that governs a day, as the node has it", in_force,
                       &ShowInForce);
  command->add_option("--partnership", in_force->partnership)->required();
  command->add_option("--version", in_force->version, "This one, whatever governs");
  command->add_option("--track", in_force->track, "Where a partnership has several");
  command->add_option("--date", in_force->date, "Default: today");
  command->add_option("--recorded-at", in_force->recorded_at, "As it was recorded then: 2026-03-02T00:00:00Z");
  auto diff = std::make_shared<DiffFlags>();
  command = AddCommand(group, session, "diff", "Where two rulebook files differ", diff, &DiffRulebooks);
  command->add_option("LEFT", diff->left)->required();
  command->add_option("RIGHT", diff->right)->required();

  group = AddGroup(app, "rules", "Versions of the rules that this software executes");
  auto notice = std::make_shared<RulesFlags>();
  command = AddCommand(group, session, "notice", "Announces a newer version", notice, &NoticeRules);
  command->add_option("--partnership", notice->partnership)->required();
  command->add_option("--version", notice->version)->required();
  auto support = std::make_shared<RulesFlags>();
  command = AddCommand(group, session, "supports", "Says that this side executes a version", support, &SupportRules);
  command->add_option("--partnership", support->partnership)->required();
  command->add_option("--version", support->version)->required();
}

}  // namespace jcm::ctl
