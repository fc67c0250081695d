// The commands of jcmctl, by subject. Each function adds one group ("jcmctl credits …") to the program; see
// commands_*.cc.
//
// A command reads its flags into a struct of its own and hands the session an action. Flags are checked when the action
// runs, so that every error has a reason from the catalogue.
#ifndef TOOLS_JCMCTL_COMMANDS_H_
#define TOOLS_JCMCTL_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/client/json_view.h"
#include "tools/jcmctl/session.h"

namespace jcm::ctl {

void AddAccountCommands(CLI::App& app, Session& session);      // account, person, handle
void AddPartnershipCommands(CLI::App& app, Session& session);  // partnership, rulebook, member, project, rules
void AddDecisionCommands(CLI::App& app, Session& session);     // decision
void AddCreditsCommands(CLI::App& app, Session& session);      // credits, reconcile
void AddCycleCommands(CLI::App& app, Session& session);        // dossier, inbox, pipeline, cycle
void AddRulebookCommands(CLI::App& app, Session& session);     // rulebook, rules
void AddBorderCommands(CLI::App& app, Session& session);       // itmo, border, attest
void AddPublishCommands(CLI::App& app, Session& session);      // publish, meeting
void AddBackupCommands(CLI::App& app, Session& session);       // backup
void AddLedgerCommands(CLI::App& app, Session& session);       // ledger, mirror, node, request
void AddMigrationCommands(CLI::App& app, Session& session);    // migration
void AddCertificateCommands(CLI::App& app, Session& session);  // certificate
void AddStatementCommands(CLI::App& app, Session& session);    // statement
void AddTrustCommands(CLI::App& app, Session& session);        // trust

void AddRegisterCommands(CLI::App& app, Session& session);  // methodology, entity, issuance, allocation, history

// Into the group "project": one of them.
void AddShowProject(CLI::App* group, Session& session);

// Into the group "partnership": partners' files.
void AddPartnerFileCommands(CLI::App* group, Session& session);

// All of them, and the flags that every command takes.
std::unique_ptr<CLI::App> BuildProgram(Session& session);

// A group of commands, and a command in it; both hand flags that they do not know to the program.
CLI::App* AddGroup(CLI::App& app, const std::string& name, const std::string& what);

template <typename Flags>
CLI::App* AddCommand(CLI::App* group, Session& session, const std::string& name, const std::string& what,
                     const std::shared_ptr<Flags>& flags, absl::Status (*run)(Session&, const Flags&)) {
  CLI::App* command = group->add_subcommand(name, what);
  command->fallthrough();
  command->callback(
      [&session, flags, run] { session.SetAction([&session, flags, run] { return run(session, *flags); }); });
  return command;
}

// Reads all pages of a list and gives its items as rows. `items` picks the repeated field of an answer.
template <typename Service, typename Request, typename Response, typename Items>
absl::StatusOr<Rows> ListAll(Session& session,
                             grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                             Request request, const Items& items) {
  constexpr int kPageSize = 1'000;
  constexpr size_t kPagesMax = 100'000;
  Rows rows;
  request.set_page_size(kPageSize);
  for (size_t page = 0; page < kPagesMax; ++page) {
    absl::StatusOr<Response> response = session.Call<Service>(method, request);
    if (!response.ok()) return response.status();
    for (const auto& item : items(*response)) rows.push_back(client::ViewOf(item));
    if (response->next_page_token().empty()) break;
    request.set_page_token(response->next_page_token());
  }
  return rows;
}

// Decided issuances: decided, notified, issued and reported, per side with dates.
client::Table ProgressTable();
nlohmann::ordered_json ProgressRow(const api::DecisionProgress& progress);
template <typename Items>
Rows ProgressRows(const Items& items) {
  Rows rows;
  for (const api::DecisionProgress& item : items) rows.push_back(ProgressRow(item));
  return rows;
}

// Flags that name units: whole ranges, or an amount that is taken from the account's oldest units.
struct UnitFlags {
  std::vector<std::string> ranges;
  std::string tonnes;
};
void AddUnitFlags(CLI::App* command, UnitFlags* flags);
absl::StatusOr<std::vector<v1::UnitRange>> ChooseUnits(Session& session, const std::string& partnership,
                                                       const std::string& account_handle, const UnitFlags& flags);

// The digest that was given (64 hexadecimal digits or @FILE), or that of the decision's present text, which is then
// shown.
absl::StatusOr<std::string> DecisionDigest(Session& session, const std::string& partnership, const std::string& id,
                                           const std::string& given);

// Flags of lists of one partnership.
struct ListFlags {
  std::string partnership;
  bool peer = false;
  std::string filter;
  std::string recorded_at;
};
void AddListFlags(CLI::App* command, ListFlags* flags);
absl::StatusOr<api::ListRequest> ListRequestOf(const ListFlags& flags);
// "2026-03-02T00:00:00Z"; empty leaves the time as it is.
absl::Status SetRecordedAt(const std::string& text, google::protobuf::Timestamp* time);

// "TH=0123…", or "TH" with a new random handle.
absl::StatusOr<v1::Handle> ParseHandleFlag(const std::string& text, Random& random);

}  // namespace jcm::ctl

#endif  // TOOLS_JCMCTL_COMMANDS_H_
