// jcm-bench: how fast the registry is, beside what the machine could do without it. Each subcommand is one benchmark;
// tools/jcm-bench/run runs them all and writes tests/bench/RESULTS.md.
#include <cstdio>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "ledger/base/status.h"
#include "tools/jcm-bench/engine_bench.h"

namespace {

int Print(const absl::StatusOr<std::vector<jcm::bench::Row>>& rows, const std::string& output) {
  if (!rows.ok()) {
    std::fprintf(stderr, "jcm-bench: %s\n", jcm::ToText(rows.status()).c_str());
    return 1;
  }
  const std::string text = output == "json" ? jcm::bench::ToJson(*rows).dump(2) + "\n" : jcm::bench::ToTable(*rows);
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Benchmarks of the registry ledger.");
  app.require_subcommand(1);
  std::string output = "table";
  app.add_option("--output", output, "table or json")->check(CLI::IsMember({"table", "json"}));

  jcm::bench::EngineOptions engine;
  std::vector<uint64_t> growth_blocks = {10'000, 100'000, 1'000'000};
  const auto add_common = [&](CLI::App* command) {
    command->add_option("--directory", engine.directory, "where the registry lies, or will lie")->required();
    command->add_option("--transfers", engine.transfers_per_bundle, "transfers per bundle")->check(CLI::Range(1, 1000));
    command->add_option("--rounds", engine.rounds)->check(CLI::PositiveNumber);
    command->add_option("--bundles", engine.bundles_per_round, "bundles per round")->check(CLI::PositiveNumber);
  };
  CLI::App* engine_command = app.add_subcommand("engine", "(a) the engine without gRPC, (e) raw RocksDB");
  add_common(engine_command);
  engine_command->add_option("--blocks", engine.blocks, "warm blocks of units");
  engine_command->add_flag("!--no-raw", engine.raw, "without (e)");
  CLI::App* growth_command = app.add_subcommand("growth", "(k) cost per transfer by number of blocks");
  add_common(growth_command);
  growth_command->add_option("--blocks", growth_blocks, "numbers of blocks")->delimiter(',');

  CLI11_PARSE(app, argc, argv);
  if (engine_command->parsed()) return Print(jcm::bench::RunEngine(engine), output);
  if (growth_command->parsed()) return Print(jcm::bench::RunGrowth(engine, growth_blocks), output);
  return 2;
}
