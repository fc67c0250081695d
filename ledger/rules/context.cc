// What an entry needs to be told from `home`, and how home answers.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "ledger/base/proto_check.h"
#include "ledger/rules/engine.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/record_access.h"

namespace jcm::rules {
namespace {

using book::LeafKind;
using C = v1::Command;

void AddSigners(const google::protobuf::RepeatedPtrField<v1::Signature>& signatures, Needs* needs) {
  for (const v1::Signature& signature : signatures) needs->key_ids.push_back(signature.key_id());
}

void AddHandle(const std::string& handle, std::set<std::string>* handles) {
  if (!handle.empty()) handles->insert(handle);
}

std::set<std::string> HandlesOf(const C& command) {
  std::set<std::string> handles;
  switch (command.body_case()) {
    case C::kMigrateUnits:
      for (const v1::MigratedBlock& block : command.migrate_units().blocks()) {
        AddHandle(block.account(), &handles);
        AddHandle(block.from_account(), &handles);
      }
      for (const v1::MigratedTransfer& transfer : command.migrate_units().transfers()) {
        AddHandle(transfer.from_account(), &handles);
        AddHandle(transfer.to_account(), &handles);
      }
      break;
    case C::kRestrictUnits:
      AddHandle(command.restrict_units().account(), &handles);
      break;
    case C::kIssueCredits:
      for (const v1::IssueTarget& target : command.issue_credits().targets()) AddHandle(target.account(), &handles);
      break;
    case C::kTransferCredits:
      AddHandle(command.transfer_credits().from_account(), &handles);
      AddHandle(command.transfer_credits().to_account(), &handles);
      break;
    case C::kRetireCredits:
      AddHandle(command.retire_credits().from_account(), &handles);
      AddHandle(command.retire_credits().retirement_account(), &handles);
      break;
    case C::kCancelCredits:
      AddHandle(command.cancel_credits().from_account(), &handles);
      AddHandle(command.cancel_credits().cancellation_account(), &handles);
      break;
    case C::kInitTransfer:
      AddHandle(command.init_transfer().from_account(), &handles);
      break;
    case C::kAcceptTransfer:
      AddHandle(command.accept_transfer().to_account(), &handles);
      AddHandle(command.accept_transfer().suspense_account(), &handles);
      break;
    default:
      break;
  }
  return handles;
}

// The account that a transfer to be withdrawn came from: its holder withdraws, and the command names the transfer
// alone.
absl::Status AddWithdrawnAccount(const state::StateReader& book_state, const C& command,
                                 std::set<std::string>* handles) {
  if (command.body_case() != C::kWithdrawTransfer) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(auto transfer, book_state.Get<v1::TransferOutRecord>(v1::TABLE_TRANSFER_OUT,
                                                                            command.withdraw_transfer().transfer_id()));
  if (transfer.has_value()) AddHandle(transfer->from_account(), handles);
  return absl::OkStatus();
}

absl::Status CollectFromCommand(const state::StateReader& book_state, const EntryInput& input, Needs* needs) {
  // The whole shape is checked by the rule; here only what names somebody is read.
  v1::SignedPart own_signed_part;
  v1::BundlePart own_part;
  C own_command;
  if (input.parsed == nullptr) {
    JCM_RETURN_IF_ERROR(ParseStrict(input.command, &own_signed_part));
    JCM_RETURN_IF_ERROR(ParseStrict(own_signed_part.part(), &own_part));
    JCM_RETURN_IF_ERROR(ParseStrict(own_part.command(), &own_command));
  }
  const v1::SignedPart& signed_part = input.parsed != nullptr ? input.parsed->signed_part : own_signed_part;
  const C& command = input.parsed != nullptr ? input.parsed->command : own_command;
  if (signed_part.signatures().empty()) return Error(Reason::SIGNATURE_MISSING, "nobody signed");
  AddSigners(signed_part.signatures(), needs);
  std::set<std::string> handles = HandlesOf(command);
  JCM_RETURN_IF_ERROR(AddWithdrawnAccount(book_state, command, &handles));
  needs->account_handles.assign(handles.begin(), handles.end());
  return absl::OkStatus();
}

absl::Status CollectFromImport(const state::StateReader& book_state, const EntryInput& input, Needs* needs) {
  v1::Import import;
  JCM_RETURN_IF_ERROR(ParseStrict(input.command, &import));
  std::vector<v1::Effects> imported;
  for (const v1::ImportedEntry& entry : import.entries()) {
    if (!entry.has_body()) continue;
    v1::Effects effects;
    if (!ParseStrict(entry.effects(), &effects).ok()) continue;  // needs nothing; the rule says what it is
    imported.push_back(std::move(effects));
  }
  JCM_ASSIGN_OR_RETURN(std::vector<std::string> handles, AccountsNeededByImport(book_state, imported));
  const std::set<std::string> sorted(handles.begin(), handles.end());
  needs->account_handles.assign(sorted.begin(), sorted.end());
  return absl::OkStatus();
}

template <typename Signed>
absl::Status CollectFromStatement(const EntryInput& input, Needs* needs) {
  Signed statement;
  JCM_RETURN_IF_ERROR(ParseStrict(input.command, &statement));
  if (statement.signatures().empty()) return Error(Reason::SIGNATURE_MISSING, "nobody signed");
  AddSigners(statement.signatures(), needs);
  return absl::OkStatus();
}

// The random name of a person or account in the book's partnership; its own id in home. Empty: none.
std::string NameIn(const BookId& book, const std::string& own_id,
                   const google::protobuf::RepeatedPtrField<v1::Handle>& handles) {
  if (book.is_home()) return own_id;
  for (const v1::Handle& handle : handles) {
    if (handle.partnership() == book.partnership) return handle.handle();
  }
  return "";
}

using HomeLeafHash = std::function<absl::StatusOr<Digest>(uint64_t)>;

absl::StatusOr<v1::SignerContext> SignerOf(const state::StateReader& home, const BookId& book,
                                           const std::string& key_id, const HomeLeafHash& home_leaf_hash) {
  JCM_ASSIGN_OR_RETURN(auto key, home.Get<v1::KeyRecord>(v1::TABLE_KEY, key_id));
  if (!key.has_value()) return Error(Reason::KEY_UNKNOWN, "the key is not enrolled");
  JCM_ASSIGN_OR_RETURN(auto person, home.Get<v1::PersonRecord>(v1::TABLE_PERSON, key->person_id()));
  if (!person.has_value()) return Error(Reason::STORE_CORRUPT, "a key has no person");
  v1::SignerContext signer;
  signer.set_key_id(key_id);
  *signer.mutable_key() = key->key();
  signer.set_pseudonym(NameIn(book, person->person_id(), person->pseudonyms()));
  if (signer.pseudonym().empty()) return Error(Reason::KEY_UNKNOWN, "the person has no pseudonym in this partnership");
  *signer.mutable_roles() = person->roles();
  signer.set_valid_from_us(key->valid_from_us());
  signer.set_valid_until_us(key->valid_until_us());
  signer.set_revoked_at_us(key->revoked_at_us());
  signer.set_home_sequence(std::max(key->sequence(), person->sequence()));
  JCM_ASSIGN_OR_RETURN(Digest hash, home_leaf_hash(signer.home_sequence()));
  signer.set_home_leaf_hash(std::string(AsBytes(hash)));
  return signer;
}

absl::StatusOr<v1::AccountRecord> AccountByHandle(const state::StateReader& home, const BookId& book,
                                                  const std::string& handle) {
  std::string number = handle;
  if (!book.is_home()) {
    JCM_ASSIGN_OR_RETURN(auto found,
                         home.Get<v1::HandleRecord>(v1::TABLE_HANDLE, absl::StrCat(book.partnership, "/", handle)));
    if (!found.has_value() || found->account_number().empty()) {
      return Error(Reason::ACCOUNT_UNKNOWN, "no account has this handle");
    }
    number = found->account_number();
  }
  JCM_ASSIGN_OR_RETURN(auto account, home.Get<v1::AccountRecord>(v1::TABLE_ACCOUNT, number));
  if (!account.has_value()) return Error(Reason::ACCOUNT_UNKNOWN, "there is no such account");
  return *account;
}

absl::StatusOr<v1::AccountContext> AccountOf(const state::StateReader& home, const BookId& book,
                                             const std::string& handle, const HomeLeafHash& home_leaf_hash) {
  JCM_ASSIGN_OR_RETURN(v1::AccountRecord account, AccountByHandle(home, book, handle));
  v1::AccountContext out;
  out.set_handle(handle);
  out.set_account_class(account.account_class());
  out.set_state(account.state());
  std::set<std::string> names;
  for (const std::string& person_id : account.representatives()) {
    JCM_ASSIGN_OR_RETURN(auto person, home.Get<v1::PersonRecord>(v1::TABLE_PERSON, person_id));
    if (!person.has_value()) return Error(Reason::STORE_CORRUPT, "an account's representative is missing");
    const std::string name = NameIn(book, person->person_id(), person->pseudonyms());
    // Who has no pseudonym here cannot act here.
    if (!name.empty()) names.insert(name);
  }
  for (const std::string& name : names) out.add_representatives(name);
  out.set_home_sequence(account.sequence());
  JCM_ASSIGN_OR_RETURN(Digest hash, home_leaf_hash(out.home_sequence()));
  out.set_home_leaf_hash(std::string(AsBytes(hash)));
  return out;
}

}  // namespace

absl::StatusOr<Needs> CollectNeeds(const state::StateReader& book_state, const EntryInput& input) {
  Needs needs;
  absl::Status status;
  switch (input.kind) {
    case LeafKind::COMMAND:
      status = CollectFromCommand(book_state, input, &needs);
      break;
    case LeafKind::IMPORT:
      status = CollectFromImport(book_state, input, &needs);
      break;
    case LeafKind::RESUME_ALONE:
      status = CollectFromStatement<v1::ResumeAlone>(input, &needs);
      break;
    case LeafKind::ACCEPT_TIME:
      status = CollectFromStatement<v1::AcceptTime>(input, &needs);
      break;
    default:
      break;  // genesis, ticks and evidence need nobody; recovery keys are known to the book itself
  }
  JCM_RETURN_IF_ERROR(status);
  return needs;
}

absl::StatusOr<std::string> BuildContext(const state::StateReader& home_state, const BookId& book, const Needs& needs,
                                         const HomeLeafHash& home_leaf_hash, ContextMemo* memo) {
  ContextMemo own;
  if (memo == nullptr) memo = &own;
  std::string context;
  for (const std::string& key_id : needs.key_ids) {
    auto known = memo->signers.find(key_id);
    if (known == memo->signers.end()) {
      v1::Context alone;
      JCM_ASSIGN_OR_RETURN(*alone.add_signers(), SignerOf(home_state, book, key_id, home_leaf_hash));
      known = memo->signers.emplace(key_id, state::Serialise(alone)).first;
    }
    context += known->second;
  }
  for (const std::string& handle : needs.account_handles) {
    auto known = memo->accounts.find(handle);
    if (known == memo->accounts.end()) {
      v1::Context alone;
      JCM_ASSIGN_OR_RETURN(*alone.add_accounts(), AccountOf(home_state, book, handle, home_leaf_hash));
      known = memo->accounts.emplace(handle, state::Serialise(alone)).first;
    }
    context += known->second;
  }
  return context;
}

}  // namespace jcm::rules
