// One run of jcmctl: what the user asked for, the link to the node, the names behind handles, and the one way in which
// every act is shown, signed, sent and reported.
//
//   Session session(files, random);
//   session.SetAction([&] { return session.Act("TH", command); });
//   return session.Run();              // the exit code
//
// A command line of the program only describes an action; it runs after everything has been parsed. While a bundle is
// being collected (`jcmctl submit FILE`) Act() adds a part instead of sending. Not thread-safe.
#ifndef TOOLS_JCMCTL_SESSION_H_
#define TOOLS_JCMCTL_SESSION_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "jcm/registry/v1/ledger_service.pb.h"
#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "ledger/base/file_system.h"
#include "ledger/base/random.h"
#include "nlohmann/json.hpp"
#include "services/common/grpc_status.h"
#include "tools/client/bundle_builder.h"
#include "tools/client/connection.h"
#include "tools/client/particulars.h"
#include "tools/client/table.h"

namespace jcm::ctl {

namespace v1 = ::jcm::ledger::v1;
namespace api = ::jcm::registry::v1;
using Rows = std::vector<nlohmann::ordered_json>;

// Exit codes, documented in tools/jcmctl/README.md; scripts rest on them.
enum ExitCode : int {
  kExitOk = 0,
  kExitRefused = 1,
  kExitUsage = 2,
  kExitUnreachable = 3,
  kExitUnknown = 4,      // it is not known whether the act was recorded; ask again with `request outcome`
  kExitNotCosigned = 5,  // recorded, but not cosigned in time
};

// Flags that every command takes.
struct Options {
  std::string config_file;
  std::string registry;
  client::ConnectionSettings connection;
  std::vector<std::string> keys;
  client::OutputFormat output = client::OutputFormat::TABLE;
  client::Language language = client::Language::EN;
  bool dry_run = false;
  bool yes = false;
  bool quiet = false;
  bool wait_cosigned = false;
  bool independent = false;
  std::string request_id;
  std::string save_request;
  std::string legal_date;
  std::string provenance = "native";
  std::string note;
};

// The status, marked as what the node said rather than what this program found.
absl::Status FromNode(absl::Status status);

class Session {
 public:
  Session(FileSystem& files, Random& random) : files_(files), random_(random) {}

  Options& options() { return options_; }
  FileSystem& files() { return files_; }
  Random& random() { return random_; }

  void SetAction(std::function<absl::Status()> action) { action_ = std::move(action); }
  // Loads the settings, runs the action, and prints its error, if it has one. Gives the exit code.
  int Run();
  // Only runs the action, on a copy: the action of a bundle sets those of its lines.
  absl::Status RunAction() {
    const std::function<absl::Status()> action = action_;
    return action ? action() : absl::OkStatus();
  }

  // Fills options that no flag set from the settings file. Errors: CONFIG_INVALID.
  absl::Status LoadSettings();

  // Shows, signs and sends one act in the book of `partnership` (or "home"); with --dry-run only asks what would
  // happen.
  absl::Status Act(const std::string& partnership, v1::Command command);
  // The same with sealed particulars, whose keys go to the vault.
  absl::Status ActWithParticulars(const std::string& partnership, v1::Command command,
                                  const client::SealedParticulars& sealed);
  // What the signer reads beside the next act, because the act itself holds only its hash.
  void ShowBeside(const std::string& line) { beside_.push_back(line); }
  // From here on Act() collects; SendCollected() signs and sends what was collected as one bundle.
  absl::Status BeginCollecting();
  absl::Status SendCollected();
  // What was collected so far; null unless collecting.
  const client::BundleBuilder* collected() const { return collected_.get(); }
  // Sends a request saved before, byte for byte.
  absl::Status Resend(const std::string& path);

  // Outcome of the last request that was sent.
  const api::SubmitBundleResponse& last_response() const { return last_response_; }

  // Opens the link at first use.
  absl::StatusOr<client::Connection*> Link();

  // One call. `method` is a stub's member function. Errors of the node come back with their reason and marked as
  // remote.
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request) {
    absl::StatusOr<client::Connection*> link = Link();
    if (!link.ok()) return link.status();
    auto stub = Service::NewStub((*link)->channel());
    grpc::ClientContext context;
    (*link)->Prepare(&context);
    Response response;
    const grpc::Status status = (stub.get()->*method)(&context, request, &response);
    if (!status.ok()) return FromNode(services::FromGrpcStatus(status));
    return response;
  }

  // An account's handle in a partnership from its number (or a handle, which is returned as it is); a person's
  // pseudonym from its id. Errors: ACCOUNT_UNKNOWN, OBJECT_UNKNOWN, and those of the call.
  absl::StatusOr<std::string> AccountHandle(const std::string& partnership, const std::string& account);
  absl::StatusOr<std::string> PersonHandle(const std::string& partnership, const std::string& person);

  // The keys of --key, or of the settings file; the first is the author's. SIGNATURE_MISSING, KEY_FILE_INVALID.
  absl::StatusOr<std::vector<PrivateKey>> Signers();
  // Prints rows in the chosen format; Print() writes text to standard output as it is.
  void PrintRows(const client::Table& table, const Rows& rows);
  void PrintView(const nlohmann::ordered_json& view);
  void Print(const std::string& text);
  // To standard error, unless --quiet.
  void Say(const std::string& text);

 private:
  struct Names {
    std::map<std::string, std::string> by_handle;                         // "partnership/handle" -> text for people
    std::map<std::pair<std::string, std::string>, std::string> accounts;  // (partnership, number) -> handle
    std::map<std::pair<std::string, std::string>, std::string> persons;   // (partnership, person id) -> handle
    absl::Status accounts_status;
    absl::Status persons_status;
  };

  const Names& LoadNames();
  void LoadAccountNames();
  void LoadPersonNames();
  absl::Status Complete(v1::Command* command);
  absl::Status Send(const client::BundleBuilder& builder, const std::string& summary);
  absl::Status Deliver(const api::SubmitBundleRequest& request);
  absl::Status ReportResults();
  std::string Summary(const std::string& partnership, const v1::Command& command);
  absl::StatusOr<std::unique_ptr<client::BundleBuilder>> NewBuilder();
  bool Confirmed();

  FileSystem& files_;
  Random& random_;
  Options options_;
  std::function<absl::Status()> action_;
  absl::optional<client::Connection> link_;
  absl::optional<Names> names_;
  std::unique_ptr<client::BundleBuilder> collected_;
  std::string collected_summary_;
  std::vector<std::string> beside_;
  std::vector<std::pair<std::string, std::string>> vault_keys_;
  api::SubmitBundleResponse last_response_;
};

// The exit code for a status.
int ExitCodeOf(const absl::Status& status);

}  // namespace jcm::ctl

#endif  // TOOLS_JCMCTL_SESSION_H_
