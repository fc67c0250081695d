// jcm-bench: how fast the registry is, beside what the machine could do without it. Each subcommand is one benchmark;
// tools/jcm-bench/run runs them all and writes tests/bench/RESULTS.md.
#include <cstdio>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "ledger/base/status.h"
#include "tools/jcm-bench/dossier_bench.h"
#include "tools/jcm-bench/engine_bench.h"
#include "tools/jcm-bench/replica_bench.h"
#include "tools/jcm-bench/service_bench.h"
#include "tools/jcm-bench/store_bench.h"

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

  jcm::bench::FillOptions fill;
  CLI::App* fill_command = app.add_subcommand("fill", "writes a large registry, for growth, restart and audits");
  fill_command->add_option("--directory", fill.directory)->required();
  fill_command->add_option("--blocks", fill.blocks, "blocks of units before the transfers");
  fill_command->add_option("--entries", fill.entries, "entries in the book afterwards, at least");
  fill_command->add_option("--transfers", fill.transfers_per_bundle, "transfers per bundle")
      ->check(CLI::Range(1, 1000));
  jcm::bench::ColdOptions cold;
  const auto add_cold = [&](CLI::App* command) {
    command->add_option("--directory", cold.directory, "a registry that fill or engine has written")->required();
    command->add_option("--blocks", cold.blocks, "as it was filled");
    command->add_option("--times", cold.times)->check(CLI::PositiveNumber);
    command->add_flag("--drop-caches", cold.drop_caches, "empty the machine's file cache first; needs root");
  };
  CLI::App* restart_command = app.add_subcommand("restart", "(i) opening a registry again");
  add_cold(restart_command);
  CLI::App* certificate_command = app.add_subcommand("certificate", "(j) a retirement certificate, cold");
  add_cold(certificate_command);

  jcm::bench::ServiceOptions service;
  const auto add_service = [&](CLI::App* command) {
    command->add_option("--directory", service.directory, "is emptied first")->required();
    command->add_option("--node", service.node, "path of jcm-node")->required();
    command->add_option("--pki", service.pki_script, "path of make-development-pki")->required();
    command->add_option("--blocks", service.blocks, "warm blocks of units");
    command->add_option("--transfers", service.transfers_per_bundle)->check(CLI::Range(1, 1000));
    command->add_option("--bundles", service.bundles)->check(CLI::PositiveNumber);
    command->add_option("--bundles-in-flight", service.bundles_in_flight)->check(CLI::PositiveNumber);
  };
  CLI::App* service_command = app.add_subcommand("service", "(b), (c) a jcm-node over gRPC with mutual TLS");
  add_service(service_command);
  service_command->add_option("--calls", service.unary_calls, "unary calls for each number in flight");
  service_command->add_option("--in-flight", service.in_flight)->delimiter(',');
  CLI::App* replicas_command = app.add_subcommand("replicas", "(d) three nodes on three etcd members, (f) raw etcd");
  add_service(replicas_command);

  jcm::bench::DossierOptions dossiers;
  CLI::App* dossiers_command =
      app.add_subcommand("dossiers", "(l), (m), (n), (o) lists, filters, inboxes and publications of many dossiers");
  dossiers_command->add_option("--directory", dossiers.directory, "is emptied first")->required();
  dossiers_command->add_option("--node", dossiers.node, "path of jcm-node")->required();
  dossiers_command->add_option("--pki", dossiers.pki_script, "path of make-development-pki")->required();
  dossiers_command->add_option("--dossiers", dossiers.dossiers, "over all 31 partnerships")
      ->check(CLI::Range(31, 1'000'000));
  dossiers_command->add_option("--calls", dossiers.calls, "of each kind")->check(CLI::PositiveNumber);
  dossiers_command->add_option("--publications", dossiers.publications)->check(CLI::PositiveNumber);

  CLI11_PARSE(app, argc, argv);
  if (engine_command->parsed()) return Print(jcm::bench::RunEngine(engine), output);
  if (growth_command->parsed()) return Print(jcm::bench::RunGrowth(engine, growth_blocks), output);
  if (fill_command->parsed()) return Print(jcm::bench::RunFill(fill), output);
  if (service_command->parsed()) return Print(jcm::bench::RunService(service), output);
  if (replicas_command->parsed()) return Print(jcm::bench::RunReplicas(service), output);
  if (dossiers_command->parsed()) return Print(jcm::bench::RunDossiers(dossiers), output);
  if (restart_command->parsed()) return Print(jcm::bench::RunRestart(cold), output);
  if (certificate_command->parsed()) return Print(jcm::bench::RunCertificate(cold), output);
  return 2;
}
