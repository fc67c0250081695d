// jcmctl: every act and every question to a registry's node, as a readable command. See README.md beside this file.
#include <cstdlib>
#include <memory>

#include "ledger/base/file_system.h"
#include "ledger/base/random.h"
#include "tools/jcmctl/commands.h"
#include "tools/jcmctl/session.h"

int main(int argc, char** argv) {
  // gRPC's own log says less than the error that is printed; who wants it sets the variable.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  jcm::PosixFileSystem files;
  jcm::SystemRandom random;
  jcm::ctl::Session session(files, random);
  const std::unique_ptr<CLI::App> program = jcm::ctl::BuildProgram(session);
  try {
    program->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program->exit(error) == 0 ? jcm::ctl::kExitOk : jcm::ctl::kExitUsage;
  }
  return session.Run();
}
