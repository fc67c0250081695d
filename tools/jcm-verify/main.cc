// jcm-verify FILE...: verifies a receipt, a certificate or an exported book with no network.
// jcm-verify audit ...: audits whole books, exported, stored or of a running registry.
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "CLI/CLI.hpp"
#include "ledger/base/file_system.h"
#include "tools/jcm-verify/audit_tool.h"
#include "tools/jcm-verify/verify_tool.h"

namespace {

constexpr char kDescription[] =
    "Verifies a receipt, a certificate (JSON) or the pieces of one exported book, offline.\n"
    "`jcm-verify audit` audits whole books; see `jcm-verify audit --help`.\n"
    "Exit codes: 0 valid at the level that the content requires, 1 invalid, 2 unknown key, 3 valid but not yet at "
    "that level,\n64 wrong use, or a file or the trusted keys cannot be read.";

constexpr char kAuditDescription[] =
    "Replays books entry by entry and checks all that must hold in them, both sides against each other.\n"
    "Exit codes: 0 clean, 1 something is wrong, 2 keys of a book are not known, 3 nothing is wrong but a cosignature "
    "or "
    "checkpoint is missing,\n64 what was named cannot be opened.";

void AddOutputOptions(CLI::App& app, std::string* language, std::string* output) {
  app.add_option("--language", *language, "en or ja")->check(CLI::IsMember({"en", "ja"}));
  app.add_option("--output", *output, "text or json")->check(CLI::IsMember({"text", "json"}));
}

void AddAuditOptions(CLI::App& audit, jcm::verify::AuditOptions* options) {
  audit.add_option("file", options->paths,
                   "Files of `jcmctl mirror export` (the first page is enough), or directories");
  audit.add_option("--store", options->store_paths, "Directory of a node's store, read without writing");
  audit.add_option("--checkpoint", options->checkpoint_paths, "Signed checkpoint that a book must reach");
  audit.add_option("--trust", options->trust_paths,
                   "File of trusted keys; may be repeated (default /etc/jcm/trust.json)");
  for (const char* one : {"--store", "--checkpoint", "--trust"}) audit.get_option(one)->allow_extra_args(false);
  audit.add_flag_callback(
      "--skip-author-signatures", [options] { options->author_signatures = false; },
      "Leave out the signatures of persons");
  audit.add_option("--address", options->connection.address, "A running registry's node, host:port");
  audit.add_option("--tls-ca", options->connection.tls_ca, "PEM file: who signs certificates of nodes");
  audit.add_option("--tls-cert", options->connection.tls_cert, "PEM file: the caller's certificate");
  audit.add_option("--tls-key", options->connection.tls_key, "PEM file: its private key");
  audit.add_option("--server-name", options->connection.server_name, "Name in the node's certificate");
  audit.add_option("--timeout", options->connection.timeout_seconds, "Seconds to wait for an answer")
      ->check(CLI::Range(1u, 3'600u));
}

// Pages of exports are read one after another into blocks of a megabyte or more. Given back to the system each time,
// they would cost an audit more in page faults than all of its hashes.
void KeepFreedMemory() {
  constexpr int kMmapThresholdBytes = 32 << 20;
  constexpr int kTrimThresholdBytes = 512 << 20;
  mallopt(M_MMAP_THRESHOLD, kMmapThresholdBytes);
  mallopt(M_TRIM_THRESHOLD, kTrimThresholdBytes);
}

}  // namespace

int main(int argc, char** argv) {
  setenv("GRPC_VERBOSITY", "NONE", 0);
  jcm::verify::VerifyOptions options;
  jcm::verify::AuditOptions audit_options;
  std::string output = "text";
  std::string language = "en";
  CLI::App app(kDescription, "jcm-verify");
  app.add_option("file", options.paths, "certificate.json, a receipt, or the files of an export in order");
  app.add_option("--trust", options.trust_path,
                 "file of trusted keys (default /etc/jcm/trust.json, for demonstrations trust.json beside the file)");
  AddOutputOptions(app, &language, &output);
  CLI::App* audit = app.add_subcommand("audit", kAuditDescription);
  AddAuditOptions(*audit, &audit_options);
  AddOutputOptions(*audit, &language, &output);
  try {
    app.parse(argc, argv);
    if (!audit->parsed() && options.paths.empty()) throw CLI::RequiredError("file");
  } catch (const CLI::ParseError& error) {  // CLI11 reports by exceptions; they end here
    return app.exit(error) == 0 ? 0 : jcm::verify::kExitUsage;
  }
  const jcm::book::Language chosen = language == "ja" ? jcm::book::Language::JAPANESE : jcm::book::Language::ENGLISH;
  jcm::PosixFileSystem files;
  if (audit->parsed()) {
    KeepFreedMemory();
    audit_options.language = chosen;
    audit_options.json = output == "json";
    audit_options.progress = isatty(STDERR_FILENO) == 1;
    return jcm::verify::RunAudit(audit_options, files, std::cout, std::cerr);
  }
  options.language = chosen;
  options.json = output == "json";
  return jcm::verify::RunVerify(options, files, std::cout, std::cerr);
}
