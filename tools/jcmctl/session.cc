#include "tools/jcmctl/session.h"

#include <cstdio>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "tools/client/arguments.h"
#include "tools/client/json_view.h"

namespace jcm::ctl {
namespace {

constexpr char kRemotePayload[] = "jcm.client/remote";
constexpr int kPageSize = 1'000;
constexpr size_t kPagesMax = 10'000;

// "TH/3f2a…" as the key of a name.
std::string NameKey(const std::string& partnership, const std::string& handle) {
  return absl::StrCat(partnership, "/", handle);
}

}  // namespace

absl::Status FromNode(absl::Status status) {
  if (!status.ok()) status.SetPayload(kRemotePayload, absl::Cord("1"));
  return status;
}

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  const absl::optional<Reason> reason = ReasonOf(status);
  if (reason == Reason::APPEND_UNKNOWN) return kExitUnknown;
  if (reason == Reason::COSIGN_TIMEOUT) return kExitNotCosigned;
  if (!status.GetPayload(kRemotePayload).has_value()) {
    const int category = static_cast<int>(*reason) / 1'000;
    return category >= 6 && category <= 8 ? kExitRefused : kExitUsage;
  }
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return kExitUnreachable;
    case absl::StatusCode::kDeadlineExceeded:
      return kExitUnknown;
    default:
      return kExitRefused;
  }
}

int Session::Run() {
  absl::Status status = LoadSettings();
  if (status.ok()) status = RunAction();
  if (status.ok()) return kExitOk;
  const bool remote = status.GetPayload(kRemotePayload).has_value();
  // Here a file of the user's failed, not a store.
  if (!remote && HasReason(status, Reason::STORE_FAILED)) status = Error(Reason::FIELD_INVALID, status.message());
  const bool unnamed = ReasonOf(status) == Reason::INTERNAL && status.code() != absl::StatusCode::kInternal;
  if (unnamed) {
    const bool unreachable = remote && status.code() == absl::StatusCode::kUnavailable;
    const bool japanese = options_.language == client::Language::JA;
    std::cerr << "jcmctl: "
              << (!unreachable ? ""
                  : japanese   ? "ノードに接続できません。 "
                               : "The node cannot be reached. ")
              << absl::StatusCodeToString(status.code()) << ": " << status.message() << "\n";
    return ExitCodeOf(status);
  }
  std::cerr << "jcmctl: " << ToText(status) << "\n";
  if (options_.language == client::Language::JA) std::cerr << Describe(*ReasonOf(status)).japanese << "\n";
  return ExitCodeOf(status);
}

absl::StatusOr<client::Connection*> Session::Link() {
  if (!link_.has_value()) {
    JCM_ASSIGN_OR_RETURN(link_, client::Connection::Open(options_.connection, files_));
  }
  return &*link_;
}

absl::Status Session::LoadSettings() {
  if (options_.config_file.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> text = files_.ReadFile(options_.config_file);
  if (!text.ok()) return Error(Reason::CONFIG_INVALID, absl::StrCat("cannot read ", options_.config_file));
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> settings = client::ParseSettings(*text);
  if (!settings.ok())
    return Error(Reason::CONFIG_INVALID, absl::StrCat(options_.config_file, ": ", settings.status().message()));
  const size_t slash = options_.config_file.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : options_.config_file.substr(0, slash + 1);
  const bool keys_given = !options_.keys.empty();
  for (const auto& [key, value] : *settings) {
    const bool is_path = absl::StartsWith(key, "tls_") || key == "key";
    const std::string resolved = is_path && !absl::StartsWith(value, "/") ? folder + value : value;
    client::ConnectionSettings& link = options_.connection;
    std::string* target = key == "address"       ? &link.address
                          : key == "registry"    ? &options_.registry
                          : key == "tls_ca"      ? &link.tls_ca
                          : key == "tls_cert"    ? &link.tls_cert
                          : key == "tls_key"     ? &link.tls_key
                          : key == "server_name" ? &link.server_name
                                                 : nullptr;
    if (target != nullptr) {
      if (target->empty()) *target = resolved;
    } else if (key == "key") {
      if (!keys_given) options_.keys.push_back(resolved);
    } else {
      return Error(Reason::CONFIG_INVALID, absl::StrCat(options_.config_file, ": unknown setting \"", key, "\""));
    }
  }
  return absl::OkStatus();
}

void Session::Print(const std::string& text) { std::fputs(text.c_str(), stdout); }

void Session::Say(const std::string& text) {
  if (!options_.quiet) std::fputs(text.c_str(), stderr);
}

void Session::PrintRows(const client::Table& table, const Rows& rows) {
  Print(table.Render(rows, options_.output, options_.language));
}

void Session::PrintView(const nlohmann::ordered_json& view) {
  Print(options_.output == client::OutputFormat::JSON ? view.dump(2) + "\n" : client::ViewAsText(view, 0));
}

void Session::LoadAccountNames() {
  api::ListAccountsRequest request;
  request.set_page_size(kPageSize);
  for (size_t page = 0; page < kPagesMax; ++page) {
    auto response = Call<api::AccountService>(&api::AccountService::Stub::ListAccounts, request);
    names_->accounts_status = response.status();
    if (!response.ok()) return;
    for (const api::Account& account : response->accounts()) {
      const std::string& number = account.record().account_number();
      for (const v1::Handle& handle : account.record().handles()) {
        names_->accounts[{handle.partnership(), number}] = handle.handle();
        names_->by_handle[NameKey(handle.partnership(), handle.handle())] =
            account.holder().empty() ? number : absl::StrCat(number, ", ", client::HolderName(account.holder()));
      }
    }
    if (response->next_page_token().empty()) return;
    request.set_page_token(response->next_page_token());
  }
}

void Session::LoadPersonNames() {
  api::ListPersonsRequest request;
  request.set_page_size(kPageSize);
  for (size_t page = 0; page < kPagesMax; ++page) {
    auto response = Call<api::AccountService>(&api::AccountService::Stub::ListPersons, request);
    names_->persons_status = response.status();
    if (!response.ok()) return;
    for (const v1::PersonRecord& person : response->persons()) {
      for (const v1::Handle& handle : person.pseudonyms()) {
        names_->persons[{handle.partnership(), person.person_id()}] = handle.handle();
        names_->by_handle[NameKey(handle.partnership(), handle.handle())] = person.person_id();
      }
    }
    if (response->next_page_token().empty()) return;
    request.set_page_token(response->next_page_token());
  }
}

const Session::Names& Session::LoadNames() {
  if (!names_.has_value()) {
    names_.emplace();
    LoadAccountNames();
    LoadPersonNames();
  }
  return *names_;
}

absl::StatusOr<std::string> Session::AccountHandle(const std::string& partnership, const std::string& account) {
  if (client::IsHandle(account)) return account;
  const Names& names = LoadNames();
  const auto found = names.accounts.find({partnership, account});
  if (found != names.accounts.end()) return found->second;
  if (!names.accounts_status.ok()) return names.accounts_status;
  return Error(Reason::ACCOUNT_UNKNOWN, absl::StrCat(account, " has no handle in ", partnership));
}

absl::StatusOr<std::string> Session::PersonHandle(const std::string& partnership, const std::string& person) {
  if (client::IsHandle(person)) return person;
  const Names& names = LoadNames();
  const auto found = names.persons.find({partnership, person});
  if (found != names.persons.end()) return found->second;
  if (!names.persons_status.ok()) return names.persons_status;
  return Error(Reason::OBJECT_UNKNOWN, absl::StrCat(person, " has no pseudonym in ", partnership));
}

}  // namespace jcm::ctl
