// Accounts and persons: the private book "home", and the handles by which partnership books know them.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/keys.h"
#include "ledger/base/status.h"
#include "tools/client/arguments.h"
#include "tools/client/particulars.h"
#include "tools/jcmctl/commands.h"
#include "tools/jcmctl/salts_file.h"

namespace jcm::ctl {
namespace {

using client::ColumnKind;
using nlohmann::ordered_json;

constexpr size_t kHandleBytes = 16;

// Name, legal number and country of a person or holder; sealed before they leave this machine.
struct ParticularsFlags {
  std::string name;
  std::string name_en;
  std::string corporate_number;
  std::string country;
};

void AddParticularsFlags(CLI::App* command, ParticularsFlags* flags, const std::string& what) {
  command->add_option("--" + what, flags->name, "Legal name (氏名・名称); sealed, never in a book");
  command->add_option("--" + what + "-en", flags->name_en, "Name in English");
  command->add_option("--corporate-number", flags->corporate_number, "法人番号, 13 digits");
  command->add_option("--country", flags->country, "ISO alpha-2");
}

absl::StatusOr<ordered_json> ParticularsOf(const ParticularsFlags& flags, const char* name_field) {
  ordered_json json;
  json[name_field] = flags.name;
  if (!flags.name_en.empty()) json[absl::StrCat(name_field, "_en")] = flags.name_en;
  if (!flags.corporate_number.empty()) {
    JCM_RETURN_IF_ERROR(client::CheckCorporateNumber(flags.corporate_number));
    json["corporate_number"] = flags.corporate_number;
  }
  if (!flags.country.empty()) json["country"] = flags.country;
  return json;
}

// ---- accounts
// ---------------------------------------------------------------------------------------------------------

struct OpenFlags {
  std::string number;
  std::string account_class;
  std::vector<std::string> partnerships;
  std::vector<std::string> representatives;
  ParticularsFlags holder;
  std::string salts;
};

absl::Status OpenAccount(Session& session, const OpenFlags& flags) {
  v1::Command command;
  v1::OpenAccount* body = command.mutable_open_account();
  body->set_account_number(flags.number);
  JCM_ASSIGN_OR_RETURN(v1::AccountClass account_class,
                       client::ParseEnum<v1::AccountClass>(v1::AccountClass_descriptor(), flags.account_class));
  body->set_account_class(account_class);
  for (const std::string& text : flags.partnerships) {
    JCM_ASSIGN_OR_RETURN(*body->add_handles(), ParseHandleFlag(text, session.random()));
  }
  for (const std::string& person : flags.representatives) body->add_representatives(person);
  if (flags.holder.name.empty()) return session.Act(kHome, std::move(command));

  SaltsFile salts(session, kHome, flags.salts);
  body->set_holder_commitment(salts.Commit("holder", flags.holder.name));
  JCM_ASSIGN_OR_RETURN(ordered_json particulars, ParticularsOf(flags.holder, "holder"));
  particulars["holder_salt"] = salts.SaltOf("holder");
  JCM_ASSIGN_OR_RETURN(client::SealedParticulars sealed,
                       client::SealParticulars(absl::StrCat("account/", flags.number), particulars, session.random()));
  body->set_sealed_digest(sealed.digest);
  session.ShowBeside(absl::StrCat("sealed particulars: ", particulars.dump()));
  // The salt is in the sealed particulars too, so here the file is a convenience.
  if (!flags.salts.empty()) JCM_RETURN_IF_ERROR(salts.Save());
  JCM_RETURN_IF_ERROR(session.ActWithParticulars(kHome, std::move(command), sealed));
  return flags.salts.empty() ? absl::OkStatus() : salts.SaveWithSequence();
}

struct StateFlags {
  std::string number;
  std::string reason;
};

absl::Status SetState(Session& session, const StateFlags& flags, v1::AccountState state) {
  v1::Command command;
  command.mutable_set_account_state()->set_account_number(flags.number);
  command.mutable_set_account_state()->set_state(state);
  command.mutable_set_account_state()->set_reason(flags.reason);
  return session.Act(kHome, std::move(command));
}

absl::Status Activate(Session& session, const StateFlags& flags) {
  return SetState(session, flags, v1::ACCOUNT_STATE_ACTIVE);
}
absl::Status Freeze(Session& session, const StateFlags& flags) {
  return SetState(session, flags, v1::ACCOUNT_STATE_FROZEN);
}
absl::Status Close(Session& session, const StateFlags& flags) {
  return SetState(session, flags, v1::ACCOUNT_STATE_CLOSED);
}

struct NoFlags {};

absl::Status ListAccounts(Session& session, const NoFlags&) {
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::AccountService>(
                                      session, &api::AccountService::Stub::ListAccounts, api::ListAccountsRequest(),
                                      [](const api::ListAccountsResponse& response) { return response.accounts(); }));
  for (ordered_json& row : rows) {
    if (row.contains("holder")) row["holder_name"] = client::HolderName(row["holder"].get<std::string>());
  }
  session.PrintRows(client::Table({{"Account", "口座番号", "/record/account_number"},
                                   {"Class", "種類", "/record/account_class"},
                                   {"State", "状態", "/record/state"},
                                   {"Holder", "口座名義人", "/holder_name"},
                                   {"Representatives", "代表者", "/record/representatives"},
                                   {"Handles", "識別子", "/record/handles"}}),
                    rows);
  return absl::OkStatus();
}

struct HandleFlags {
  std::string id;
  std::string partnership;
};

absl::Status AssignAccountHandle(Session& session, const HandleFlags& flags) {
  v1::Command command;
  command.mutable_assign_handle()->set_account_number(flags.id);
  JCM_ASSIGN_OR_RETURN(*command.mutable_assign_handle()->mutable_handle(),
                       ParseHandleFlag(flags.partnership, session.random()));
  return session.Act(kHome, std::move(command));
}

absl::Status AssignPersonHandle(Session& session, const HandleFlags& flags) {
  v1::Command command;
  command.mutable_assign_handle()->set_person_id(flags.id);
  JCM_ASSIGN_OR_RETURN(*command.mutable_assign_handle()->mutable_handle(),
                       ParseHandleFlag(flags.partnership, session.random()));
  return session.Act(kHome, std::move(command));
}

absl::Status ResolveHandle(Session& session, const HandleFlags& flags) {
  api::ResolveHandleRequest request;
  request.set_partnership(flags.partnership);
  request.set_handle(flags.id);
  JCM_ASSIGN_OR_RETURN(auto response,
                       session.Call<api::AccountService>(&api::AccountService::Stub::ResolveHandle, request));
  session.PrintView(client::ViewOf(response));
  return absl::OkStatus();
}

// ---- persons
// ------------------------------------------------------------------------------------------------------------

struct EnrolFlags {
  std::string id;
  std::vector<std::string> roles;
  std::vector<std::string> public_keys;
  std::vector<std::string> partnerships;
  std::string valid_from;
  std::string valid_until;
  bool organization = false;
  ParticularsFlags person;
};

absl::StatusOr<PublicKey> ReadPublicKey(Session& session, const std::string& path) {
  absl::StatusOr<std::string> pem = session.files().ReadFile(path);
  if (!pem.ok()) return Error(Reason::KEY_FILE_INVALID, absl::StrCat("cannot read ", path));
  return PublicKey::FromPem(*pem);
}

absl::StatusOr<v1::EnrolledKey> EnrolledKeyOf(Session& session, const std::string& path, const EnrolFlags& flags) {
  v1::EnrolledKey enrolled;
  JCM_ASSIGN_OR_RETURN(PublicKey key, ReadPublicKey(session, path));
  enrolled.mutable_key()->set_type(static_cast<uint32_t>(key.type()));
  enrolled.mutable_key()->set_key(key.bytes());
  if (!flags.valid_from.empty()) {
    JCM_ASSIGN_OR_RETURN(BookTime from, ParseRfc3339(flags.valid_from));
    enrolled.set_valid_from_us(from.micros);
  }
  if (!flags.valid_until.empty()) {
    JCM_ASSIGN_OR_RETURN(BookTime until, ParseRfc3339(flags.valid_until));
    enrolled.set_valid_until_us(until.micros);
  }
  return enrolled;
}

absl::Status EnrolPerson(Session& session, const EnrolFlags& flags) {
  v1::Command command;
  v1::EnrolPerson* body = command.mutable_enrol_person();
  body->set_person_id(flags.id);
  body->set_organization(flags.organization);
  for (const std::string& text : flags.roles) {
    JCM_ASSIGN_OR_RETURN(v1::Role role, client::ParseEnum<v1::Role>(v1::Role_descriptor(), text));
    body->add_roles(role);
  }
  std::sort(body->mutable_roles()->begin(), body->mutable_roles()->end());
  for (const std::string& path : flags.public_keys) {
    JCM_ASSIGN_OR_RETURN(*body->add_keys(), EnrolledKeyOf(session, path, flags));
  }
  for (const std::string& text : flags.partnerships) {
    JCM_ASSIGN_OR_RETURN(*body->add_pseudonyms(), ParseHandleFlag(text, session.random()));
  }
  if (flags.person.name.empty()) return session.Act(kHome, std::move(command));
  JCM_ASSIGN_OR_RETURN(ordered_json particulars, ParticularsOf(flags.person, "name"));
  JCM_ASSIGN_OR_RETURN(client::SealedParticulars sealed,
                       client::SealParticulars(absl::StrCat("person/", flags.id), particulars, session.random()));
  body->set_sealed_digest(sealed.digest);
  session.ShowBeside(absl::StrCat("sealed particulars: ", particulars.dump()));
  return session.ActWithParticulars(kHome, std::move(command), sealed);
}

absl::Status EnrolKey(Session& session, const EnrolFlags& flags) {
  if (flags.public_keys.size() != 1) return Error(Reason::FIELD_REQUIRED, "give one --public-key");
  v1::Command command;
  command.mutable_enrol_key()->set_person_id(flags.id);
  JCM_ASSIGN_OR_RETURN(*command.mutable_enrol_key()->mutable_key(),
                       EnrolledKeyOf(session, flags.public_keys.front(), flags));
  return session.Act(kHome, std::move(command));
}

struct RevokeFlags {
  std::string key_id;
  std::string public_key;
  std::string reason;
};

absl::Status RevokeKey(Session& session, const RevokeFlags& flags) {
  v1::Command command;
  v1::RevokeKey* body = command.mutable_revoke_key();
  body->set_reason(flags.reason);
  if (!flags.public_key.empty()) {
    JCM_ASSIGN_OR_RETURN(PublicKey key, ReadPublicKey(session, flags.public_key));
    body->set_key_id(std::string(AsBytes(key.KeyId())));
  } else {
    JCM_ASSIGN_OR_RETURN(*body->mutable_key_id(), client::ParseDigest(flags.key_id, session.files()));
  }
  return session.Act(kHome, std::move(command));
}

absl::Status ListPersons(Session& session, const NoFlags&) {
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::AccountService>(
                                      session, &api::AccountService::Stub::ListPersons, api::ListPersonsRequest(),
                                      [](const api::ListPersonsResponse& response) { return response.persons(); }));
  session.PrintRows(client::Table({{"Person", "番号", "/person_id"},
                                   {"Roles", "役割", "/roles"},
                                   {"Organization", "組織", "/organization"},
                                   {"Keys", "鍵", "/key_ids"},
                                   {"Pseudonyms", "仮名", "/pseudonyms"}}),
                    rows);
  return absl::OkStatus();
}

void AddEnrolFlags(CLI::App* command, EnrolFlags* flags) {
  command->add_option("--id", flags->id, "Person id")->required();
  command->add_option("--public-key", flags->public_keys, "PEM file of a public signing key; repeatable")->required();
  command->add_option("--valid-from", flags->valid_from, "Instant, RFC 3339 in UTC");
  command->add_option("--valid-until", flags->valid_until, "Instant, RFC 3339 in UTC");
}

void AddStateCommand(CLI::App* group, Session& session, const std::string& name, const std::string& what,
                     absl::Status (*run)(Session&, const StateFlags&)) {
  auto flags = std::make_shared<StateFlags>();
  CLI::App* command = AddCommand(group, session, name, what, flags, run);
  command->add_option("--number", flags->number, "Account number")->required();
  command->add_option("--reason", flags->reason, "For the record");
}

void AddHandleCommand(CLI::App* group, Session& session, const std::string& name, const std::string& what,
                      const std::string& id, absl::Status (*run)(Session&, const HandleFlags&)) {
  auto flags = std::make_shared<HandleFlags>();
  CLI::App* command = AddCommand(group, session, name, what, flags, run);
  command->add_option("--" + id, flags->id)->required();
  command->add_option("--partnership", flags->partnership, "TH, or TH=<handle>")->required();
}

void AddPersonCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "person", "Persons, programs and their keys (home)");
  auto enrol = std::make_shared<EnrolFlags>();
  CLI::App* command = AddCommand(group, session, "enrol", "Enrols a person or program", enrol, &EnrolPerson);
  AddEnrolFlags(command, enrol.get());
  command->add_option("--role", enrol->roles, "system-operator, secretariat, jc-member …; repeatable")->required();
  command->add_option("--partnership", enrol->partnerships, "Gives a pseudonym there: TH, or TH=<handle>; repeatable");
  command->add_flag("--organization", enrol->organization, "A program or organization, not a natural person");
  AddParticularsFlags(command, &enrol->person, "name");
  auto key = std::make_shared<EnrolFlags>();
  AddEnrolFlags(AddCommand(group, session, "add-key", "Enrols one more key", key, &EnrolKey), key.get());
  auto revoke = std::make_shared<RevokeFlags>();
  command = AddCommand(group, session, "revoke-key", "Revokes a key for ever", revoke, &RevokeKey);
  CLI::Option* id = command->add_option("--key-id", revoke->key_id, "64 hexadecimal digits");
  command->add_option("--public-key", revoke->public_key, "PEM file, instead of the id")->excludes(id);
  command->add_option("--reason", revoke->reason, "For the record");
  AddCommand(group, session, "list", "Lists persons", std::make_shared<NoFlags>(), &ListPersons);
  AddHandleCommand(group, session, "assign-handle", "Gives a pseudonym in one more partnership", "id",
                   &AssignPersonHandle);
}

}  // namespace

absl::StatusOr<v1::Handle> ParseHandleFlag(const std::string& text, Random& random) {
  const std::vector<std::string> sides = absl::StrSplit(text, absl::MaxSplits('=', 1));
  v1::Handle handle;
  handle.set_partnership(sides.front());
  handle.set_handle(sides.size() == 2 ? sides.back() : HexEncode(random.Bytes(kHandleBytes)));
  if (sides.front().empty() || !client::IsHandle(handle.handle())) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("\"", text, "\" is neither TH nor TH=<32 hexadecimal digits>"));
  }
  return handle;
}

void AddAccountCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "account", "Accounts (口座; home)");
  auto open = std::make_shared<OpenFlags>();
  CLI::App* command = AddCommand(group, session, "open", "Opens an account", open, &OpenAccount);
  command->add_option("--number", open->number, "Account number")->required();
  command->add_option("--class", open->account_class, "government-holding, entity-holding, retirement …")->required();
  command->add_option("--partnership", open->partnerships, "Shall hold units there: TH, or TH=<handle>; repeatable");
  command->add_option("--representative", open->representatives, "Person id; repeatable");
  command->add_option("--salts", open->salts, "Keeps here what opens the holder's name in certificates");
  AddParticularsFlags(command, &open->holder, "holder");
  AddStateCommand(group, session, "activate", "Lets an account be used", &Activate);
  AddStateCommand(group, session, "freeze", "Stops all outgoing acts of an account", &Freeze);
  AddStateCommand(group, session, "close", "Closes an account for ever", &Close);
  AddCommand(group, session, "list", "Lists accounts", std::make_shared<NoFlags>(), &ListAccounts);
  AddHandleCommand(group, session, "assign-handle", "Gives a handle in one more partnership", "number",
                   &AssignAccountHandle);
  AddHandleCommand(group, session, "resolve", "Who stands behind a handle or pseudonym", "handle", &ResolveHandle);
  AddPersonCommands(app, session);
}

}  // namespace jcm::ctl
