// Persons, keys, accounts and the random handles that name them in partnership books. All of it in the home book.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/keys.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/key_checks.h"
#include "ledger/rules/policy.h"
#include "ledger/rules/record_access.h"

namespace jcm::rules {
namespace {

constexpr int kKeysPerPersonMax = 16;
constexpr int kHandlesMax = 64;
constexpr int kRepresentativesMax = 64;

std::string HandleKey(const v1::Handle& handle) { return absl::StrCat(handle.partnership(), "/", handle.handle()); }

bool IsPartnershipCode(absl::string_view code) {
  return code.size() == 2 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' && code[1] <= 'Z';
}

// Roles that the designated organization must not hold, and must not give to anybody.
bool IsReservedToGovernment(int role) {
  return role == v1::ROLE_JC_MEMBER || role == v1::ROLE_AUTHORIZING_MINISTRY || role == v1::ROLE_RECOVERY_OFFICER;
}

absl::Status CheckRoles(const google::protobuf::RepeatedField<int>& roles) {
  if (roles.empty()) return Error(Reason::FIELD_REQUIRED, "a person needs a role");
  bool designated = false;
  bool reserved = false;
  int previous = 0;
  for (int role : roles) {
    if (!v1::Role_IsValid(role) || role == v1::ROLE_UNSPECIFIED) {
      return Error(Reason::FIELD_INVALID, "there is no such role");
    }
    if (role <= previous) return Error(Reason::FIELD_INVALID, "roles are not ascending");
    previous = role;
    designated = designated || role == v1::ROLE_DESIGNATED_ORGANIZATION;
    reserved = reserved || IsReservedToGovernment(role);
  }
  if (designated && reserved) {
    return Error(Reason::ROLE_NOT_ALLOWED, "the designated organization never votes, authorizes or recovers");
  }
  return absl::OkStatus();
}

// An author who is not the government's operator may let in account representatives and auditors only.
absl::Status CheckMayEnrol(const RuleInput& input, const google::protobuf::RepeatedField<int>& roles) {
  if (input.context->signers().empty()) return absl::OkStatus();  // genesis
  if (HasRole(input.context->signers(0), v1::ROLE_SYSTEM_OPERATOR)) return absl::OkStatus();
  for (int role : roles) {
    if (role != v1::ROLE_ACCOUNT_REPRESENTATIVE && role != v1::ROLE_AUDITOR) {
      return Error(Reason::ROLE_NOT_ALLOWED, "only the government's operator gives or takes this role");
    }
  }
  return absl::OkStatus();
}

absl::Status PutHandle(const v1::Handle& handle, absl::string_view person_id, absl::string_view account_number,
                       Transition& transition) {
  if (!IsPartnershipCode(handle.partnership())) return Error(Reason::FIELD_INVALID, "not a partnership's code");
  JCM_RETURN_IF_ERROR(CheckHandleText(handle.handle()));
  const std::string key = HandleKey(handle);
  JCM_ASSIGN_OR_RETURN(auto taken, transition.Get(v1::TABLE_HANDLE, key));
  if (taken.has_value()) return Error(Reason::ALREADY_EXISTS, "the handle is taken");
  v1::HandleRecord record;
  *record.mutable_handle() = handle;
  record.set_person_id(std::string(person_id));
  record.set_account_number(std::string(account_number));
  return transition.Put(v1::TABLE_HANDLE, key, record);
}

// Inserts by partnership; one handle per partnership.
absl::Status InsertHandle(const v1::Handle& handle, google::protobuf::RepeatedPtrField<v1::Handle>* handles) {
  for (const v1::Handle& present : *handles) {
    if (present.partnership() == handle.partnership()) {
      return Error(Reason::ALREADY_EXISTS, "there is a handle for this partnership already");
    }
  }
  if (handles->size() >= kHandlesMax) return Error(Reason::FIELD_INVALID, "too many handles");
  *handles->Add() = handle;
  std::sort(handles->begin(), handles->end(),
            [](const v1::Handle& a, const v1::Handle& b) { return a.partnership() < b.partnership(); });
  return absl::OkStatus();
}

absl::Status AddKey(const RuleInput& input, const v1::EnrolledKey& enrolled, v1::PersonRecord* person,
                    Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckPublicKey(enrolled.key()));
  if (person->key_ids_size() >= kKeysPerPersonMax) return Error(Reason::FIELD_INVALID, "the person has 16 keys");
  const Digest id = KeyIdOf(enrolled.key());
  const std::string key_id(AsBytes(id));
  JCM_ASSIGN_OR_RETURN(auto taken, transition.Get(v1::TABLE_KEY, key_id));
  if (taken.has_value()) return Error(Reason::ALREADY_EXISTS, "the key has been enrolled before");
  v1::KeyRecord record;
  record.set_key_id(key_id);
  *record.mutable_key() = enrolled.key();
  record.set_person_id(person->person_id());
  record.set_valid_from_us(enrolled.valid_from_us() == 0 ? input.time.micros : enrolled.valid_from_us());
  record.set_valid_until_us(enrolled.valid_until_us());
  if (enrolled.valid_until_us() != 0 && enrolled.valid_until_us() <= record.valid_from_us()) {
    return Error(Reason::FIELD_INVALID, "the key's validity ends before it begins");
  }
  record.set_sequence(input.sequence);
  person->add_key_ids(key_id);
  return transition.Put(v1::TABLE_KEY, key_id, record);
}

absl::StatusOr<v1::PersonRecord> GetPerson(absl::string_view person_id, const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto record, state.Get<v1::PersonRecord>(v1::TABLE_PERSON, person_id));
  if (!record.has_value()) return Error(Reason::OBJECT_UNKNOWN, "there is no such person");
  return *record;
}

absl::StatusOr<v1::AccountRecord> GetAccount(absl::string_view number, const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto record, state.Get<v1::AccountRecord>(v1::TABLE_ACCOUNT, number));
  if (!record.has_value()) return Error(Reason::OBJECT_UNKNOWN, "there is no such account");
  return *record;
}

absl::Status CheckStateChange(v1::AccountState from, v1::AccountState to) {
  bool allowed = false;
  switch (from) {
    case v1::ACCOUNT_STATE_APPLIED:
      allowed = to == v1::ACCOUNT_STATE_ACTIVE || to == v1::ACCOUNT_STATE_CLOSED;
      break;
    case v1::ACCOUNT_STATE_ACTIVE:
      allowed = to == v1::ACCOUNT_STATE_FROZEN || to == v1::ACCOUNT_STATE_CLOSED;
      break;
    case v1::ACCOUNT_STATE_FROZEN:
      allowed = to == v1::ACCOUNT_STATE_ACTIVE || to == v1::ACCOUNT_STATE_CLOSED;
      break;
    default:
      break;
  }
  if (allowed) return absl::OkStatus();
  return Error(Reason::FIELD_INVALID, absl::StrCat("an account does not go from ", v1::AccountState_Name(from), " to ",
                                                   v1::AccountState_Name(to)));
}

}  // namespace

absl::Status ApplyEnrolPerson(const RuleInput& input, const v1::EnrolPerson& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckId(command.person_id()));
  JCM_RETURN_IF_ERROR(CheckRoles(command.roles()));
  JCM_RETURN_IF_ERROR(CheckMayEnrol(input, command.roles()));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.sealed_digest(), /*required=*/false));
  if (command.keys().empty()) return Error(Reason::FIELD_REQUIRED, "a person needs a key");
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get(v1::TABLE_PERSON, command.person_id()));
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, "the person is enrolled already");

  v1::PersonRecord person;
  person.set_person_id(command.person_id());
  *person.mutable_roles() = command.roles();
  person.set_sealed_digest(command.sealed_digest());
  person.set_organization(command.organization());
  person.set_sequence(input.sequence);
  for (const v1::EnrolledKey& key : command.keys()) JCM_RETURN_IF_ERROR(AddKey(input, key, &person, transition));
  for (const v1::Handle& handle : command.pseudonyms()) {
    JCM_RETURN_IF_ERROR(InsertHandle(handle, person.mutable_pseudonyms()));
    JCM_RETURN_IF_ERROR(PutHandle(handle, person.person_id(), "", transition));
  }
  return transition.Put(v1::TABLE_PERSON, person.person_id(), person);
}

absl::Status ApplyEnrolKey(const RuleInput& input, const v1::EnrolKey& command, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(v1::PersonRecord person, GetPerson(command.person_id(), transition));
  JCM_RETURN_IF_ERROR(CheckMayEnrol(input, person.roles()));
  JCM_RETURN_IF_ERROR(AddKey(input, command.key(), &person, transition));
  person.set_sequence(input.sequence);
  return transition.Put(v1::TABLE_PERSON, person.person_id(), person);
}

absl::Status ApplyRevokeKey(const RuleInput& input, const v1::RevokeKey& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckText(command.reason(), kReasonBytesMax, /*required=*/true));
  JCM_ASSIGN_OR_RETURN(auto key, transition.Get<v1::KeyRecord>(v1::TABLE_KEY, command.key_id()));
  if (!key.has_value()) return Error(Reason::KEY_UNKNOWN, "there is no such key");
  if (key->revoked_at_us() != 0) return Error(Reason::KEY_REVOKED, "the key is revoked already");
  JCM_ASSIGN_OR_RETURN(v1::PersonRecord person, GetPerson(key->person_id(), transition));
  JCM_RETURN_IF_ERROR(CheckMayEnrol(input, person.roles()));
  key->set_revoked_at_us(input.time.micros);
  key->set_sequence(input.sequence);
  return transition.Put(v1::TABLE_KEY, command.key_id(), *key);
}

absl::Status ApplyOpenAccount(const RuleInput& input, const v1::OpenAccount& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckId(command.account_number()));
  if (!v1::AccountClass_IsValid(command.account_class()) || command.account_class() == v1::ACCOUNT_CLASS_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "there is no such class of accounts");
  }
  JCM_RETURN_IF_ERROR(CheckDigestField(command.holder_commitment(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.sealed_digest(), /*required=*/false));
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get(v1::TABLE_ACCOUNT, command.account_number()));
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, "the account exists already");

  v1::AccountRecord account;
  account.set_account_number(command.account_number());
  account.set_account_class(command.account_class());
  account.set_state(v1::ACCOUNT_STATE_ACTIVE);
  account.set_holder_commitment(command.holder_commitment());
  account.set_sealed_digest(command.sealed_digest());
  account.set_sequence(input.sequence);
  for (const v1::Handle& handle : command.handles()) {
    JCM_RETURN_IF_ERROR(InsertHandle(handle, account.mutable_handles()));
    JCM_RETURN_IF_ERROR(PutHandle(handle, "", account.account_number(), transition));
  }
  if (command.representatives_size() > kRepresentativesMax) {
    return Error(Reason::FIELD_INVALID, "too many representatives");
  }
  std::vector<std::string> representatives(command.representatives().begin(), command.representatives().end());
  std::sort(representatives.begin(), representatives.end());
  for (size_t i = 0; i < representatives.size(); ++i) {
    if (i > 0 && representatives[i] == representatives[i - 1]) {
      return Error(Reason::FIELD_INVALID, "a representative is named twice");
    }
    JCM_RETURN_IF_ERROR(GetPerson(representatives[i], transition).status());
    account.add_representatives(representatives[i]);
  }
  return transition.Put(v1::TABLE_ACCOUNT, account.account_number(), account);
}

absl::Status ApplySetAccountState(const RuleInput& input, const v1::SetAccountState& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckText(command.reason(), kReasonBytesMax, /*required=*/true));
  JCM_ASSIGN_OR_RETURN(v1::AccountRecord account, GetAccount(command.account_number(), transition));
  JCM_RETURN_IF_ERROR(CheckStateChange(account.state(), command.state()));
  account.set_state(command.state());
  account.set_sequence(input.sequence);
  return transition.Put(v1::TABLE_ACCOUNT, account.account_number(), account);
}

absl::Status ApplyAssignHandle(const RuleInput& input, const v1::AssignHandle& command, Transition& transition) {
  if (command.person_id().empty() == command.account_number().empty()) {
    return Error(Reason::FIELD_INVALID, "name a person or an account, one of the two");
  }
  JCM_RETURN_IF_ERROR(PutHandle(command.handle(), command.person_id(), command.account_number(), transition));
  if (!command.person_id().empty()) {
    JCM_ASSIGN_OR_RETURN(v1::PersonRecord person, GetPerson(command.person_id(), transition));
    JCM_RETURN_IF_ERROR(InsertHandle(command.handle(), person.mutable_pseudonyms()));
    person.set_sequence(input.sequence);
    return transition.Put(v1::TABLE_PERSON, person.person_id(), person);
  }
  JCM_ASSIGN_OR_RETURN(v1::AccountRecord account, GetAccount(command.account_number(), transition));
  JCM_RETURN_IF_ERROR(InsertHandle(command.handle(), account.mutable_handles()));
  account.set_sequence(input.sequence);
  return transition.Put(v1::TABLE_ACCOUNT, account.account_number(), account);
}

}  // namespace jcm::rules
