// jcm-verify FILE...: verifies a receipt, a certificate or an exported book with no network.
#include <iostream>

#include "CLI/CLI.hpp"
#include "ledger/base/file_system.h"
#include "tools/jcm-verify/verify_tool.h"

int main(int argc, char** argv) {
  jcm::verify::VerifyOptions options;
  std::string output = "text";
  std::string language = "en";
  CLI::App app(
      "Verifies a receipt, a certificate (JSON) or the pieces of one exported book, offline.\n"
      "Exit codes: 0 valid at the level that the content requires, 1 invalid, 2 unknown key, 3 valid but not yet at "
      "that level,\n64 wrong use, or a file or the trusted keys cannot be read.",
      "jcm-verify");
  app.add_option("file", options.paths, "certificate.json, a receipt, or the files of an export in order")->required();
  app.add_option("--trust", options.trust_path,
                 "file of trusted keys (default /etc/jcm/trust.json, for demonstrations trust.json beside the file)");
  app.add_option("--language", language, "en or ja")->check(CLI::IsMember({"en", "ja"}));
  app.add_option("--output", output, "text or json")->check(CLI::IsMember({"text", "json"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // CLI11 reports by exceptions; they end here
    return app.exit(error) == 0 ? 0 : jcm::verify::kExitUsage;
  }
  options.language = language == "ja" ? jcm::book::Language::JAPANESE : jcm::book::Language::ENGLISH;
  options.json = output == "json";
  jcm::PosixFileSystem files;
  return jcm::verify::RunVerify(options, files, std::cout, std::cerr);
}
