// Partnerships, the members of this side of the Joint Committee, projects recorded without a dossier.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/base/date.h"
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
  std::string event;
  std::string date;
  std::string text;
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

absl::Status RecordEvent(Session& session, const PartnershipFlags& flags) {
  v1::Command command;
  v1::RecordPartnershipEvent* body = command.mutable_record_partnership_event();
  JCM_ASSIGN_OR_RETURN(const v1::PartnershipEventKind kind,
                       client::ParseEnum<v1::PartnershipEventKind>(v1::PartnershipEventKind_descriptor(), flags.event));
  body->set_kind(kind);
  JCM_RETURN_IF_ERROR(SetDay(flags.date, body->mutable_date()));
  JCM_RETURN_IF_ERROR(SetDigest(session, flags.document, body->mutable_document_digest()));
  body->set_text(flags.text);
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

// ---- members
// ----------------------------------------------------------------------------------------------------------------

struct MemberFlags {
  std::string partnership;
  std::string member;
  std::string person;
  bool co_chair = false;
  std::string title;
  std::string declaration;
  std::string term_end;
  std::string alternate_of;
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
  if (!flags.term_end.empty()) JCM_RETURN_IF_ERROR(SetDay(flags.term_end, body->mutable_term_end()));
  body->set_alternate_of(flags.alternate_of);
  return session.Act(flags.partnership, std::move(command));
}

absl::Status EndMember(Session& session, const MemberFlags& flags) {
  v1::Command command;
  command.mutable_end_member()->set_member_id(flags.member);
  command.mutable_end_member()->set_replaced_by(flags.replaced_by);
  return session.Act(flags.partnership, std::move(command));
}

absl::Status ListMembers(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::JointCommitteeService>(
                                      session, &api::JointCommitteeService::Stub::ListMembers, request,
                                      [](const api::ListMembersResponse& response) { return response.members(); }));
  session.PrintRows(client::Table({{"Member", "委員", "/member_id"},
                                   {"Office", "役職", "/title"},
                                   {"Co-chair", "共同議長", "/co_chair"},
                                   {"Alternate of", "代理対象", "/alternate_of"},
                                   {"Term ends", "任期", "/term_end"},
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
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::ProjectService>(
                                      session, &api::ProjectService::Stub::ListProjects, request,
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
  command->add_option("--term-end", appoint->term_end, "Last day of the term");
  command->add_option("--alternate-of", appoint->alternate_of, "Member in whose place this one would vote");
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
  AddShowProject(group, session);
}

}  // namespace

void AddListFlags(CLI::App* command, ListFlags* flags) {
  command->add_option("--partnership", flags->partnership, "TH")->required();
  command->add_flag("--peer", flags->peer, "The other government's records, as far as they are imported");
  command->add_option("--filter", flags->filter, "FIELD = VALUE [AND …]: \"state = adopted AND text.kind = issuance\"");
  command->add_option("--recorded-at", flags->recorded_at, "As it was recorded then: 2026-03-02T00:00:00Z");
}

absl::StatusOr<api::ListRequest> ListRequestOf(const ListFlags& flags) {
  api::ListRequest request;
  request.set_parent("partnerships/" + flags.partnership);
  request.set_peer(flags.peer);
  request.set_filter(flags.filter);
  if (!flags.recorded_at.empty()) {
    JCM_RETURN_IF_ERROR(SetRecordedAt(flags.recorded_at, request.mutable_recorded_at()));
  }
  return request;
}

absl::Status SetRecordedAt(const std::string& text, google::protobuf::Timestamp* time) {
  if (text.empty()) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(const BookTime at, ParseRfc3339(text));
  time->set_seconds(static_cast<int64_t>(at.micros / kMicrosPerSecond));
  time->set_nanos(static_cast<int32_t>(at.micros % kMicrosPerSecond * 1'000));
  return absl::OkStatus();
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
  auto event = std::make_shared<PartnershipFlags>();
  command = AddCommand(group, session, "event", "Records an event of a partnership's life", event, &RecordEvent);
  command->add_option("--partnership", event->partnership)->required();
  command->add_option("--kind", event->event, "candidate, signed, first-committee, extended, mutual-recognition …")
      ->required();
  command->add_option("--date", event->date)->required();
  command->add_option("--document", event->document, "SHA-256 or @FILE");
  command->add_option("--text", event->text, "Place, number of the meeting");
  auto show = std::make_shared<PartnershipFlags>();
  command =
      AddCommand(group, session, "show", "Shows a partnership and how far it is imported", show, &ShowPartnership);
  command->add_option("--partnership", show->partnership)->required();
  AddPartnerFileCommands(group, session);
  AddMemberCommands(app, session);
  AddProjectCommands(app, session);
}

}  // namespace jcm::ctl
