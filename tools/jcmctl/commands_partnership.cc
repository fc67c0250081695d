// Partnerships, their rulebooks, the members of this side of the Joint Committee, projects, versions of the rules.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ledger/base/keys.h"
#include "ledger/base/status.h"
#include "tools/client/arguments.h"
#include "tools/jcmctl/commands.h"

namespace jcm::ctl {
namespace {

using client::ColumnKind;
using google::protobuf::FieldDescriptor;

absl::Status SetDay(const std::string& text, v1::Date* day) {
  if (text.empty()) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(*day, client::ParseDay(text));
  return absl::OkStatus();
}

absl::Status SetDigest(Session& session, const std::string& text, std::string* digest) {
  if (text.empty()) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(*digest, client::ParseDigest(text, session.files()));
  return absl::OkStatus();
}

absl::Status SetPublicKey(Session& session, const std::string& path, v1::PublicKeyData* data) {
  absl::StatusOr<std::string> pem = session.files().ReadFile(path);
  if (!pem.ok()) return Error(Reason::KEY_FILE_INVALID, absl::StrCat("cannot read ", path));
  JCM_ASSIGN_OR_RETURN(PublicKey key, PublicKey::FromPem(*pem));
  data->set_type(static_cast<uint32_t>(key.type()));
  data->set_key(key.bytes());
  return absl::OkStatus();
}

// ---- partnership
// --------------------------------------------------------------------------------------------------------

struct PartnershipFlags {
  std::string partnership;
  std::string peer;
  std::string peer_domain;
  std::string mode = "node";
  std::vector<std::string> peer_keys;
  uint32_t k = 1;
  std::string peer_recovery_key;
  std::string signed_date;
  std::string document;
};

absl::Status OpenPartnership(Session& session, const PartnershipFlags& flags) {
  v1::Command command;
  v1::OpenPartnership* body = command.mutable_open_partnership();
  body->set_partnership(flags.partnership);
  body->set_peer_registry(flags.peer);
  body->set_peer_domain(flags.peer_domain);
  JCM_ASSIGN_OR_RETURN(v1::PartnershipMode mode,
                       client::ParseEnum<v1::PartnershipMode>(v1::PartnershipMode_descriptor(), flags.mode));
  body->set_mode(mode);
  for (const std::string& text : flags.peer_keys) {
    const std::vector<std::string> sides = absl::StrSplit(text, absl::MaxSplits('=', 1));
    if (sides.size() != 2) return Error(Reason::FIELD_INVALID, absl::StrCat("\"", text, "\" is not REPLICA=FILE"));
    v1::ReplicaKey* key = body->mutable_peer_keys()->add_keys();
    key->set_name(absl::StrCat(flags.peer_domain, "/", flags.peer, "/", sides[0]));
    JCM_RETURN_IF_ERROR(SetPublicKey(session, sides[1], key->mutable_key()));
  }
  if (!flags.peer_keys.empty()) body->mutable_peer_keys()->set_k(flags.k);
  if (!flags.peer_recovery_key.empty()) {
    JCM_RETURN_IF_ERROR(SetPublicKey(session, flags.peer_recovery_key, body->mutable_peer_recovery_key()));
  }
  if (!flags.signed_date.empty()) JCM_RETURN_IF_ERROR(SetDay(flags.signed_date, body->mutable_signed_date()));
  JCM_RETURN_IF_ERROR(SetDigest(session, flags.document, body->mutable_document_digest()));
  return session.Act(flags.partnership, std::move(command));
}

absl::Status SetMode(Session& session, const PartnershipFlags& flags) {
  v1::Command command;
  v1::SetPartnershipMode* body = command.mutable_set_partnership_mode();
  JCM_ASSIGN_OR_RETURN(v1::PartnershipMode mode,
                       client::ParseEnum<v1::PartnershipMode>(v1::PartnershipMode_descriptor(), flags.mode));
  body->set_mode(mode);
  JCM_RETURN_IF_ERROR(SetDigest(session, flags.document, body->mutable_document_digest()));
  return session.Act(flags.partnership, std::move(command));
}

absl::Status ShowPartnership(Session& session, const PartnershipFlags& flags) {
  api::GetPartnershipRequest request;
  request.set_name("partnerships/" + flags.partnership);
  JCM_ASSIGN_OR_RETURN(auto response,
                       session.Call<api::RulebookService>(&api::RulebookService::Stub::GetPartnership, request));
  session.PrintView(client::ViewOf(response));
  return absl::OkStatus();
}

// ---- rulebook
// -------------------------------------------------------------------------------------------------------------

struct RulebookFlags {
  std::string partnership;
  std::string version;
  std::string parameters;
  std::string effective_date;
  std::string document;
};

absl::Status AddZoneOffset(const std::string& value, v1::RulebookParameters* parameters) {
  const std::vector<std::string> fields = absl::StrSplit(value, ',');
  int32_t japan = 0;
  int32_t partner = 0;
  if (fields.size() != 3 || !absl::SimpleAtoi(fields[1], &japan) || !absl::SimpleAtoi(fields[2], &partner)) {
    return Error(Reason::CONFIG_INVALID, "zone_offset = DATE, minutes of Japan, minutes of the partner");
  }
  v1::ZoneOffset* offset = parameters->add_zone_offsets();
  JCM_ASSIGN_OR_RETURN(*offset->mutable_from(), client::ParseDay(fields[0]));
  offset->set_japan_minutes(japan);
  offset->set_partner_minutes(partner);
  return absl::OkStatus();
}

absl::Status AddSource(const std::string& value, v1::RulebookParameters* parameters) {
  const std::vector<std::string> fields = absl::StrSplit(value, ',');
  if (fields.size() != 3) return Error(Reason::CONFIG_INVALID, "source = PARAMETER, SOURCE, PROVENANCE");
  v1::ParameterSource* source = parameters->add_sources();
  source->set_parameter(fields[0]);
  source->set_source(std::string(absl::StripAsciiWhitespace(fields[1])));
  JCM_ASSIGN_OR_RETURN(
      v1::Provenance provenance,
      client::ParseEnum<v1::Provenance>(v1::Provenance_descriptor(), absl::StripAsciiWhitespace(fields[2])));
  source->set_provenance(provenance);
  return absl::OkStatus();
}

// One line "name = value" of a rulebook file; names are those of RulebookParameters.
absl::Status SetParameter(const std::string& name, const std::string& value, v1::RulebookParameters* parameters) {
  if (name == "zone_offset") return AddZoneOffset(value, parameters);
  if (name == "source") return AddSource(value, parameters);
  const FieldDescriptor* field = v1::RulebookParameters::descriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated())
    return Error(Reason::CONFIG_INVALID, absl::StrCat("no parameter ", name));
  const google::protobuf::Reflection* reflection = parameters->GetReflection();
  uint32_t number = 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      if (!absl::SimpleAtoi(value, &number)) return Error(Reason::CONFIG_INVALID, absl::StrCat(name, ": ", value));
      reflection->SetUInt32(parameters, field, number);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_BOOL:
      if (value != "true" && value != "false") return Error(Reason::CONFIG_INVALID, absl::StrCat(name, ": ", value));
      reflection->SetBool(parameters, field, value == "true");
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_ENUM: {
      JCM_ASSIGN_OR_RETURN(int chosen, client::ParseEnumName(field->enum_type(), value));
      reflection->SetEnumValue(parameters, field, chosen);
      return absl::OkStatus();
    }
    default:
      reflection->SetString(parameters, field, value);
      return absl::OkStatus();
  }
}

absl::Status AdoptRulebook(Session& session, const RulebookFlags& flags) {
  v1::Command command;
  v1::AdoptRulebook* body = command.mutable_adopt_rulebook();
  body->set_version(flags.version);
  JCM_ASSIGN_OR_RETURN(std::string text, session.files().ReadFile(flags.parameters));
  JCM_ASSIGN_OR_RETURN(auto settings, client::ParseSettings(text));
  for (const auto& [name, value] : settings) {
    JCM_RETURN_IF_ERROR(SetParameter(name, value, body->mutable_parameters()));
  }
  JCM_RETURN_IF_ERROR(SetDay(flags.effective_date, body->mutable_effective_date()));
  JCM_RETURN_IF_ERROR(SetDigest(session, flags.document, body->mutable_document_digest()));
  return session.Act(flags.partnership, std::move(command));
}

absl::Status ListRulebooks(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::RulebookService>(
                                      session, &api::RulebookService::Stub::ListRulebooks, ListRequestOf(flags),
                                      [](const api::ListRulebooksResponse& response) { return response.rulebooks(); }));
  session.PrintRows(client::Table({{"Version", "版", "/version"},
                                   {"Effective", "施行日", "/effective_date"},
                                   {"Border", "国際移転", "/parameters/cross_border_mode"},
                                   {"First transfer", "初回移転", "/parameters/first_transfer_trigger"},
                                   {"Days", "日数", "/parameters/e_decision_days", ColumnKind::NUMBER},
                                   {"Digest", "ハッシュ", "/parameters_digest", ColumnKind::DIGEST}}),
                    rows);
  return absl::OkStatus();
}

// ---- members
// ----------------------------------------------------------------------------------------------------------------

struct MemberFlags {
  std::string partnership;
  std::string member;
  std::string person;
  bool co_chair = false;
  std::string title;
  std::string declaration;
  std::string replaced_by;
};

absl::Status AppointMember(Session& session, const MemberFlags& flags) {
  v1::Command command;
  v1::AppointMember* body = command.mutable_appoint_member();
  body->set_member_id(flags.member);
  JCM_ASSIGN_OR_RETURN(*body->mutable_pseudonym(), session.PersonHandle(flags.partnership, flags.person));
  body->set_co_chair(flags.co_chair);
  body->set_title(flags.title);
  JCM_RETURN_IF_ERROR(SetDigest(session, flags.declaration, body->mutable_conflict_declaration_digest()));
  return session.Act(flags.partnership, std::move(command));
}

absl::Status EndMember(Session& session, const MemberFlags& flags) {
  v1::Command command;
  command.mutable_end_member()->set_member_id(flags.member);
  command.mutable_end_member()->set_replaced_by(flags.replaced_by);
  return session.Act(flags.partnership, std::move(command));
}

absl::Status ListMembers(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::JointCommitteeService>(
                                      session, &api::JointCommitteeService::Stub::ListMembers, ListRequestOf(flags),
                                      [](const api::ListMembersResponse& response) { return response.members(); }));
  session.PrintRows(client::Table({{"Member", "委員", "/member_id"},
                                   {"Office", "役職", "/title"},
                                   {"Co-chair", "共同議長", "/co_chair"},
                                   {"From", "開始", "/from_us"},
                                   {"Until", "終了", "/until_us"},
                                   {"Pseudonym", "仮名", "/pseudonym"}}),
                    rows);
  return absl::OkStatus();
}

// ---- projects
// ------------------------------------------------------------------------------------------------------------------

struct ProjectFlags {
  std::string partnership;
  std::string id;
  std::string title_en;
  std::string title_ja;
  std::string registered;
  std::string crediting_start;
  std::string crediting_end;
  std::string document;
  bool synthetic = false;
};

absl::Status RegisterProject(Session& session, const ProjectFlags& flags) {
  v1::Command command;
  v1::RegisterProject* body = command.mutable_register_project();
  body->set_project_id(flags.id);
  body->set_title_en(flags.title_en);
  body->set_title_ja(flags.title_ja);
  body->set_synthetic(flags.synthetic);
  if (!flags.registered.empty()) JCM_RETURN_IF_ERROR(SetDay(flags.registered, body->mutable_registration_date()));
  if (!flags.crediting_start.empty()) {
    JCM_RETURN_IF_ERROR(SetDay(flags.crediting_start, body->mutable_crediting_start()));
  }
  if (!flags.crediting_end.empty()) JCM_RETURN_IF_ERROR(SetDay(flags.crediting_end, body->mutable_crediting_end()));
  JCM_RETURN_IF_ERROR(SetDigest(session, flags.document, body->mutable_document_digest()));
  return session.Act(flags.partnership, std::move(command));
}

absl::Status ListProjects(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::ProjectService>(
                                      session, &api::ProjectService::Stub::ListProjects, ListRequestOf(flags),
                                      [](const api::ListProjectsResponse& response) { return response.projects(); }));
  session.PrintRows(client::Table({{"Project", "プロジェクト", "/project_id"},
                                   {"Title", "名称(英)", "/title_en"},
                                   {"Japanese title", "名称", "/title_ja"},
                                   {"Registered", "登録日", "/registration_date"},
                                   {"Synthetic", "架空", "/synthetic"},
                                   {"Provenance", "由来", "/provenance"}}),
                    rows);
  return absl::OkStatus();
}

// ---- versions of the rules
// ------------------------------------------------------------------------------------------------------

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

void AddRulebookCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "rulebook", "Rulebooks: versioned parameters of a partnership");
  auto adopt = std::make_shared<RulebookFlags>();
  CLI::App* command = AddCommand(group, session, "adopt", "Adopts a version", adopt, &AdoptRulebook);
  command->add_option("--partnership", adopt->partnership)->required();
  command->add_option("--version", adopt->version, "TH/2024-07-08")->required();
  command->add_option("--parameters", adopt->parameters, "File of \"parameter = value\"; see deploy/rulebooks")
      ->required();
  command->add_option("--effective-date", adopt->effective_date)->required();
  command->add_option("--document", adopt->document, "SHA-256 or @FILE");
  auto list = std::make_shared<ListFlags>();
  AddListFlags(AddCommand(group, session, "list", "Lists versions", list, &ListRulebooks), list.get());

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

void AddMemberCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "member", "Members of this side of the Joint Committee (合同委員会)");
  auto appoint = std::make_shared<MemberFlags>();
  CLI::App* command = AddCommand(group, session, "appoint", "Appoints a member", appoint, &AppointMember);
  command->add_option("--partnership", appoint->partnership)->required();
  command->add_option("--member", appoint->member, "Member id")->required();
  command->add_option("--person", appoint->person, "Person id, or pseudonym")->required();
  command->add_flag("--co-chair", appoint->co_chair, "共同議長");
  command->add_option("--title", appoint->title, "Office held; public");
  command->add_option("--conflict-declaration", appoint->declaration, "SHA-256 or @FILE");
  auto end = std::make_shared<MemberFlags>();
  command = AddCommand(group, session, "end", "Ends a membership", end, &EndMember);
  command->add_option("--partnership", end->partnership)->required();
  command->add_option("--member", end->member)->required();
  command->add_option("--replaced-by", end->replaced_by);
  auto list = std::make_shared<ListFlags>();
  AddListFlags(AddCommand(group, session, "list", "Lists members", list, &ListMembers), list.get());
}

void AddProjectCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "project", "Projects, registered by reference");
  auto add = std::make_shared<ProjectFlags>();
  CLI::App* command = AddCommand(group, session, "register", "Registers a project", add, &RegisterProject);
  command->add_option("--partnership", add->partnership)->required();
  command->add_option("--id", add->id, "TH014")->required();
  command->add_option("--title-en", add->title_en);
  command->add_option("--title-ja", add->title_ja);
  command->add_option("--registered", add->registered, "Date");
  command->add_option("--crediting-start", add->crediting_start, "Date");
  command->add_option("--crediting-end", add->crediting_end, "Date");
  command->add_option("--document", add->document, "SHA-256 or @FILE");
  command->add_flag("--synthetic", add->synthetic, "Made up for a demonstration");
  auto list = std::make_shared<ListFlags>();
  AddListFlags(AddCommand(group, session, "list", "Lists projects", list, &ListProjects), list.get());
}

}  // namespace

void AddListFlags(CLI::App* command, ListFlags* flags) {
  command->add_option("--partnership", flags->partnership, "TH")->required();
  command->add_flag("--peer", flags->peer, "The other government's records, as far as they are imported");
}

api::ListRequest ListRequestOf(const ListFlags& flags) {
  api::ListRequest request;
  request.set_parent("partnerships/" + flags.partnership);
  request.set_peer(flags.peer);
  return request;
}

void AddPartnershipCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "partnership", "Partnerships with other governments");
  auto open = std::make_shared<PartnershipFlags>();
  CLI::App* command =
      AddCommand(group, session, "open", "Opens a book with a partner (two persons)", open, &OpenPartnership);
  command->add_option("--partnership", open->partnership, "TH")->required();
  command->add_option("--peer", open->peer, "Registry of the other side: THA, JPN")->required();
  command->add_option("--peer-domain", open->peer_domain, "Domain in its key names");
  command->add_option("--mode", open->mode, "node, hosted or attested");
  command->add_option("--peer-key", open->peer_keys, "REPLICA=FILE, public PEM; repeatable");
  command->add_option("--k", open->k, "How many replica keys must sign");
  command->add_option("--peer-recovery-key", open->peer_recovery_key, "Public PEM");
  command->add_option("--signed-date", open->signed_date, "Of the bilateral document");
  command->add_option("--document", open->document, "SHA-256 or @FILE");
  auto mode = std::make_shared<PartnershipFlags>();
  command = AddCommand(group, session, "mode", "Changes the mode", mode, &SetMode);
  command->add_option("--partnership", mode->partnership)->required();
  command->add_option("--mode", mode->mode, "node, hosted or attested")->required();
  command->add_option("--document", mode->document, "SHA-256 or @FILE");
  auto show = std::make_shared<PartnershipFlags>();
  command =
      AddCommand(group, session, "show", "Shows a partnership and how far it is imported", show, &ShowPartnership);
  command->add_option("--partnership", show->partnership)->required();
  AddRulebookCommands(app, session);
  AddMemberCommands(app, session);
  AddProjectCommands(app, session);
}

}  // namespace jcm::ctl
