#include "tools/jcm-bench/engine_bench.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "tools/jcm-bench/bench_registry.h"
#include "tools/jcm-bench/raw_rocksdb.h"
#include "tools/jcm-bench/workload.h"

namespace jcm::bench {
namespace {

constexpr uint64_t kTradeSeed = 2;
constexpr int kWarmUpBundles = 5;

struct Measured {
  std::vector<double> latencies_ms;
  double seconds = 0;
  double cpu_seconds = 0;
  uint64_t transfers = 0;
};

// Hands all bundles in, then steps until each is answered. The time of a commit is that of the step that answered.
absl::Status TimeEngine(BenchRegistry& registry, std::vector<std::string> bundles, size_t per_bundle,
                        Measured* measured) {
  size_t answered = 0;
  absl::Status failed;
  const double overhead_before = registry.store().overhead_seconds();
  const Stopwatch all;
  for (std::string& bundle : bundles) {
    registry.core().Submit(std::move(bundle), registry::SubmitOptions(),
                           [&](absl::StatusOr<registry::SubmitOutcome> outcome) {
                             ++answered;
                             absl::Status accepted = MustAccept(outcome);
                             if (!accepted.ok()) failed = accepted;
                           });
  }
  while (answered < bundles.size() && failed.ok()) {
    const size_t before = answered;
    const Stopwatch step;
    if (!registry.core().Step()) return Error(Reason::INTERNAL, "the engine gives no answer");
    if (answered > before) measured->latencies_ms.push_back(step.seconds() * 1e3);
  }
  const double overhead = registry.store().overhead_seconds() - overhead_before;
  measured->seconds += all.seconds() - overhead;
  measured->cpu_seconds += all.cpu_seconds() - overhead;
  measured->transfers += bundles.size() * per_bundle;
  return failed;
}

absl::Status TimeRaw(RawRocksDb& raw, const std::vector<RecordedWrite>& writes, uint64_t transfers,
                     Measured* measured) {
  const Stopwatch all;
  for (const RecordedWrite& write : writes) {
    const Stopwatch one;
    JCM_RETURN_IF_ERROR(raw.Write(write));
    if (write.sync == store::Sync::kYes) measured->latencies_ms.push_back(one.seconds() * 1e3);
  }
  measured->seconds += all.seconds();
  measured->cpu_seconds += all.cpu_seconds();
  measured->transfers += transfers;
  return absl::OkStatus();
}

void AddFigures(const Measured& measured, Row* row) {
  row->figures["transfers_per_second"] = static_cast<double>(measured.transfers) / measured.seconds;
  row->figures["microseconds_per_transfer"] = measured.seconds * 1e6 / static_cast<double>(measured.transfers);
  row->figures["cpu_microseconds_per_transfer"] = measured.cpu_seconds * 1e6 / static_cast<double>(measured.transfers);
  row->figures["p50_ms"] = Percentile(measured.latencies_ms, 0.5);
  row->figures["p99_ms"] = Percentile(measured.latencies_ms, 0.99);
}

void AddWrites(const WriteCount& before, const WriteCount& after, uint64_t transfers, Row* row) {
  const auto per_transfer = [&](uint64_t from, uint64_t to) {
    return static_cast<double>(to - from) / static_cast<double>(transfers);
  };
  row->figures["puts_per_transfer"] = per_transfer(before.puts, after.puts);
  row->figures["bytes_per_transfer"] = per_transfer(before.bytes, after.bytes);
  row->figures["syncs_per_1000_transfers"] = 1'000 * per_transfer(before.syncs, after.syncs);
  for (size_t i = 0; i < store::kFamilyCount; ++i) {
    if (after.family_puts[i] == before.family_puts[i]) continue;
    const char* name = store::FamilyName(store::kAllFamilies[i]);
    row->figures[absl::StrCat("puts_", name)] = per_transfer(before.family_puts[i], after.family_puts[i]);
    row->figures[absl::StrCat("bytes_", name)] = per_transfer(before.family_bytes[i], after.family_bytes[i]);
  }
}

}  // namespace

absl::StatusOr<std::vector<Row>> RunEngine(const EngineOptions& options) {
  const People people(kPeopleSeed);
  const bool fresh = !std::filesystem::exists(absl::StrCat(options.directory, "/store"));
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<BenchRegistry> registry, BenchRegistry::Open(options.directory, people));
  Workload workload(people, options.blocks, fresh ? kTradeSeed : SystemRandom().U64());
  if (fresh) {
    JCM_RETURN_IF_ERROR(
        workload.SetUp([&](std::string bundle) { return registry->Submit(std::move(bundle)); }, ShowProgress));
  }
  std::shared_ptr<const registry::RegistryView> view = registry->core().View();
  std::unique_ptr<state::StateReader> state = view->State(BenchRegistry::book());
  if (!fresh) workload.GoOnFrom(state.get());

  Measured warm_up;
  const auto make = [&](int count) {
    std::vector<std::string> bundles;
    for (int i = 0; i < count; ++i) bundles.push_back(workload.NextBundle(options.transfers_per_bundle));
    return bundles;
  };
  JCM_RETURN_IF_ERROR(TimeEngine(*registry, make(kWarmUpBundles), options.transfers_per_bundle, &warm_up));
  std::unique_ptr<RawRocksDb> raw;
  if (options.raw) {
    // Both begin with the same files.
    store::RocksDbOptions raw_options = BenchRegistry::StoreOptions(options.directory);
    raw_options.path = absl::StrCat(options.directory, "/raw");
    std::error_code error;
    std::filesystem::remove_all(raw_options.path, error);
    JCM_RETURN_IF_ERROR(registry->store().Backup(raw_options.path));
    JCM_ASSIGN_OR_RETURN(raw, RawRocksDb::Open(raw_options));
  }

  Measured engine;
  Measured same_bytes;
  std::vector<double> ratios;
  const WriteCount before = registry->store().Count();
  for (int round = 0; round < options.rounds; ++round) {
    std::vector<std::string> bundles = make(options.bundles_per_round);
    registry->store().Keep(options.raw);
    Measured this_engine;
    JCM_RETURN_IF_ERROR(TimeEngine(*registry, std::move(bundles), options.transfers_per_bundle, &this_engine));
    engine.seconds += this_engine.seconds;
    engine.cpu_seconds += this_engine.cpu_seconds;
    engine.transfers += this_engine.transfers;
    engine.latencies_ms.insert(engine.latencies_ms.end(), this_engine.latencies_ms.begin(),
                               this_engine.latencies_ms.end());
    if (!options.raw) continue;
    const double raw_before = same_bytes.seconds;
    JCM_RETURN_IF_ERROR(TimeRaw(*raw, registry->store().TakeKept(), this_engine.transfers, &same_bytes));
    ratios.push_back((same_bytes.seconds - raw_before) / this_engine.seconds);
  }
  std::vector<Row> rows;
  rows.push_back(
      {"a", absl::StrCat("engine, bundles of ", options.transfers_per_bundle, ", ", workload.blocks(), " blocks")});
  AddFigures(engine, &rows.back());
  AddWrites(before, registry->store().Count(), engine.transfers, &rows.back());
  rows.back().figures["blocks"] = workload.blocks();
  rows.back().figures["resident_mib"] = static_cast<double>(ResidentBytes()) / (1 << 20);
  if (!options.raw) return rows;
  rows.back().figures["ratio_to_e"] = Median(ratios);
  rows.push_back({"e", "raw RocksDB, the same bytes in the same batches"});
  AddFigures(same_bytes, &rows.back());
  return rows;
}

absl::StatusOr<std::vector<Row>> RunGrowth(const EngineOptions& options, const std::vector<uint64_t>& blocks) {
  std::vector<Row> rows;
  for (uint64_t count : blocks) {
    EngineOptions one = options;
    one.blocks = count;
    one.raw = false;
    one.directory = absl::StrCat(options.directory, "/", count);
    JCM_ASSIGN_OR_RETURN(std::vector<Row> measured, RunEngine(one));
    measured[0].id = "k";
    rows.push_back(std::move(measured[0]));
  }
  return rows;
}

}  // namespace jcm::bench
