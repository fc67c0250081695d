// The program as a whole: flags that every command takes, all groups, and `submit`, which reads commands from a file.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/base/status.h"
#include "tools/jcmctl/commands.h"

namespace jcm::ctl {
namespace {

void AddConnectionOptions(CLI::App& app, Options* options) {
  app.add_option("--config", options->config_file, "Settings: lines \"key = value\"")->envname("JCMCTL_CONFIG");
  app.add_option("--registry", options->registry, "Registry that shall record an act: JPN");
  app.add_option("--address", options->connection.address, "Node, host:port");
  app.add_option("--tls-ca", options->connection.tls_ca, "PEM file: who signs certificates of nodes");
  app.add_option("--tls-cert", options->connection.tls_cert, "PEM file: the caller's certificate");
  app.add_option("--tls-key", options->connection.tls_key, "PEM file: its private key");
  app.add_option("--server-name", options->connection.server_name, "Name in the node's certificate");
  app.add_option("--timeout", options->connection.timeout_seconds, "Seconds to wait for an answer")
      ->check(CLI::Range(1u, 3'600u));
}

void AddActOptions(CLI::App& app, Options* options) {
  app.add_option("--key", options->keys, "Signing key, PEM; the first is the author's, further ones approve");
  app.add_flag("--dry-run", options->dry_run, "Record nothing; say all that would be refused, and why");
  app.add_flag("--yes,-y", options->yes, "Don't ask before signing; without a terminal nothing is asked");
  app.add_flag("--independent", options->independent, "Of several acts, each stands alone");
  app.add_option_function<std::string>(
         "--wait", [options](const std::string& text) { options->wait_cosigned = text == "cosigned"; },
         "committed (on disk here) or cosigned (by the other government)")
      ->check(CLI::IsMember({"committed", "cosigned"}));
  app.add_option("--request-id", options->request_id, "32 hexadecimal digits; default: drawn");
  app.add_option("--save-request", options->save_request, "Keeps the signed request, to ask again for its outcome");
  app.add_option("--legal-date", options->legal_date, "The day that the act claims; default: the day of recording");
  app.add_option("--provenance", options->provenance, "native, migrated, attested, assumed");
  app.add_option("--note", options->note, "Free text for readers; part of the act");
}

void AddOutputOptions(CLI::App& app, Options* options) {
  app.add_option_function<std::string>(
         "--output,-o",
         [options](const std::string& text) {
           options->output = text == "json"  ? client::OutputFormat::JSON
                             : text == "csv" ? client::OutputFormat::CSV
                                             : client::OutputFormat::TABLE;
         },
         "table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  app.add_option_function<std::string>(
         "--language",
         [options](const std::string& text) {
           options->language = text == "ja" ? client::Language::JA : client::Language::EN;
         },
         "ja or en")
      ->check(CLI::IsMember({"en", "ja"}));
  app.add_flag("--quiet,-q", options->quiet, "Don't show what is signed");
}

struct SubmitFlags {
  std::string file;
};

// Parses one line of a bundle file as a command of this program and lets it add its part.
absl::Status CollectLine(Session& session, const std::string& line) {
  const Options outer = session.options();
  const std::unique_ptr<CLI::App> program = BuildProgram(session);
  try {
    program->parse(line);
  } catch (const CLI::ParseError& error) {
    session.options() = outer;
    return Error(Reason::FIELD_INVALID, error.what());
  }
  const absl::Status status = session.RunAction();
  session.options() = outer;
  return status;
}

absl::Status Submit(Session& session, const SubmitFlags& flags) {
  JCM_ASSIGN_OR_RETURN(std::string text, session.files().ReadFile(flags.file));
  JCM_RETURN_IF_ERROR(session.BeginCollecting());
  size_t number = 0;
  std::string line;
  for (const absl::string_view piece : absl::StrSplit(text, '\n')) {
    ++number;
    absl::string_view stripped = absl::StripAsciiWhitespace(piece);
    if (stripped.empty() || stripped[0] == '#') continue;
    const bool goes_on = stripped.back() == '\\';
    if (goes_on) stripped.remove_suffix(1);
    absl::StrAppend(&line, stripped, " ");
    if (goes_on) continue;
    absl::Status status = CollectLine(session, line);
    if (!status.ok()) {
      absl::Status located = Error(*ReasonOf(status), absl::StrCat(flags.file, ":", number, ": ", status.message()));
      return located;
    }
    line.clear();
  }
  return session.SendCollected();
}

void AddSubmit(CLI::App& app, Session& session) {
  auto flags = std::make_shared<SubmitFlags>();
  CLI::App* command = app.add_subcommand("submit", "Signs and sends a file of commands as one bundle");
  command->fallthrough();
  command->callback([&session, flags] { session.SetAction([&session, flags] { return Submit(session, *flags); }); });
  command
      ->add_option("FILE", flags->file,
                   "One command per line, as behind \"jcmctl\"; \\ goes on in the next line, # begins a comment")
      ->required();
}

}  // namespace

CLI::App* AddGroup(CLI::App& app, const std::string& name, const std::string& what) {
  CLI::App* group = app.add_subcommand(name, what);
  group->fallthrough();
  group->require_subcommand(1);
  return group;
}

std::unique_ptr<CLI::App> BuildProgram(Session& session) {
  auto app = std::make_unique<CLI::App>(
      "Acts and questions to a JCM registry's node.\n"
      "Exit codes: 0 done, 1 refused, 2 wrong use, 3 node not reachable or busy, 4 unknown whether recorded,\n"
      "5 recorded but not yet cosigned.",
      "jcmctl");
  app->require_subcommand(1);
  AddConnectionOptions(*app, &session.options());
  AddActOptions(*app, &session.options());
  AddOutputOptions(*app, &session.options());
  AddAccountCommands(*app, session);
  AddPartnershipCommands(*app, session);
  AddRulebookCommands(*app, session);
  AddCycleCommands(*app, session);
  AddRegisterCommands(*app, session);
  AddDecisionCommands(*app, session);
  AddCreditsCommands(*app, session);
  AddBorderCommands(*app, session);
  AddLedgerCommands(*app, session);
  AddPublishCommands(*app, session);
  AddBackupCommands(*app, session);
  AddMigrationCommands(*app, session);
  AddCertificateCommands(*app, session);
  AddStatementCommands(*app, session);
  AddTrustCommands(*app, session);
  AddSubmit(*app, session);
  return app;
}

}  // namespace jcm::ctl
