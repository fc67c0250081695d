#include "tools/jcm-bench/store_bench.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/file_system.h"
#include "ledger/base/status.h"
#include "ledger/book/genesis.h"
#include "ledger/book/key_set.h"
#include "ledger/book/trust.h"
#include "tools/jcm-bench/bench_registry.h"
#include "tools/jcm-bench/receipt_size.h"
#include "tools/jcm-bench/workload.h"

namespace jcm::bench {
namespace {

constexpr uint64_t kProgressEvery = 50;  // bundles

absl::StatusOr<uint64_t> Entries(BenchRegistry& registry) {
  JCM_ASSIGN_OR_RETURN(registry::BookInfo info, registry.core().View()->Info(BenchRegistry::book()));
  return info.size;
}

absl::Status EmptyFileCache() {
  sync();
  std::ofstream drop("/proc/sys/vm/drop_caches");
  drop << "3" << std::flush;
  return drop.good() ? absl::OkStatus() : Error(Reason::CONFIG_INVALID, "the file cache can't be emptied: not root?");
}

// What `jcm-verify audit` needs to believe the registry's books.
absl::Status WriteTrust(const People& people, const std::string& path) {
  const registry::RegistryOptions options = people.Options();
  JCM_ASSIGN_OR_RETURN(const book::KeySet keys, book::KeySetFromProto(options.genesis.keys()));
  std::vector<book::TrustedBook> books;
  for (const BookId& id : {BookId{kRegistry, kHome}, BenchRegistry::book()}) {
    book::TrustedBook trusted;
    trusted.origin = absl::StrCat(kDomain, "/", id.registry, "/", id.partnership);
    trusted.book = id;
    trusted.demonstration = true;
    trusted.mode = id.is_home() ? book::PartnerMode::HOME : book::PartnerMode::ATTESTED;
    if (!id.is_home()) trusted.partner = kPeer;
    JCM_ASSIGN_OR_RETURN(trusted.keys, book::KeyHistory::Start(keys, people.recovery_key()));
    books.push_back(std::move(trusted));
  }
  JCM_ASSIGN_OR_RETURN(const book::Trust trust, book::Trust::FromBooks(std::move(books)));
  return PosixFileSystem().WriteFileAtomically(path, trust.Format());
}

void AddTimes(const std::vector<double>& times_ms, Row* row) {
  row->figures["p50_ms"] = Percentile(times_ms, 0.5);
  row->figures["p99_ms"] = Percentile(times_ms, 0.99);
  row->figures["times"] = times_ms.size();
}

}  // namespace

absl::StatusOr<std::vector<Row>> RunFill(const FillOptions& options) {
  const People people(kPeopleSeed);
  const bool fresh = !std::filesystem::exists(absl::StrCat(options.directory, "/store"));
  const Stopwatch all;
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<BenchRegistry> registry, BenchRegistry::Open(options.directory, people));
  Workload workload(people, options.blocks, SystemRandom().U64());
  const auto submit = [&](std::string bundle) { return registry->Submit(std::move(bundle)); };
  if (fresh) JCM_RETURN_IF_ERROR(workload.SetUp(submit, ShowProgress));
  std::shared_ptr<const registry::RegistryView> view = registry->core().View();
  std::unique_ptr<state::StateReader> state = view->State(BenchRegistry::book());
  workload.GoOnFrom(state.get());
  JCM_ASSIGN_OR_RETURN(uint64_t entries, Entries(*registry));
  for (uint64_t bundles = 1; entries < options.entries; ++bundles) {
    JCM_RETURN_IF_ERROR(MustAccept(submit(workload.NextBundle(options.transfers_per_bundle))));
    entries += options.transfers_per_bundle;
    if (bundles % kProgressEvery == 0) {
      std::fprintf(stderr, "\r  %llu of %llu entries", static_cast<unsigned long long>(entries),
                   static_cast<unsigned long long>(options.entries));
    }
  }
  std::fprintf(stderr, "\n");
  registry->Settle();
  JCM_RETURN_IF_ERROR(WriteTrust(people, absl::StrCat(options.directory, "/trust.json")));
  Row row{"fill", absl::StrCat("a registry of ", workload.blocks(), " blocks"), {}};
  JCM_ASSIGN_OR_RETURN(entries, Entries(*registry));
  row.figures["entries"] = entries;
  row.figures["seconds"] = all.seconds();
  row.figures["resident_mib"] = static_cast<double>(ResidentBytes()) / (1 << 20);
  return std::vector<Row>{row};
}

absl::StatusOr<std::vector<Row>> RunRestart(const ColdOptions& options) {
  const People people(kPeopleSeed);
  std::vector<double> times_ms;
  uint64_t entries = 0;
  for (int i = 0; i < options.times; ++i) {
    if (options.drop_caches) JCM_RETURN_IF_ERROR(EmptyFileCache());
    const Stopwatch opening;
    JCM_ASSIGN_OR_RETURN(std::unique_ptr<BenchRegistry> registry, BenchRegistry::Open(options.directory, people));
    times_ms.push_back(opening.seconds() * 1e3);
    JCM_ASSIGN_OR_RETURN(entries, Entries(*registry));
  }
  Row row{"i", absl::StrCat("restart with ", entries, " entries"), {}};
  AddTimes(times_ms, &row);
  row.figures["entries"] = entries;
  row.figures["resident_mib"] = static_cast<double>(ResidentBytes()) / (1 << 20);
  return std::vector<Row>{row};
}

absl::StatusOr<std::vector<Row>> RunCertificate(const ColdOptions& options) {
  const People people(kPeopleSeed);
  uint64_t sequence = 0;
  {
    JCM_ASSIGN_OR_RETURN(std::unique_ptr<BenchRegistry> registry, BenchRegistry::Open(options.directory, people));
    Workload workload(people, options.blocks, SystemRandom().U64());
    std::shared_ptr<const registry::RegistryView> view = registry->core().View();
    std::unique_ptr<state::StateReader> state = view->State(BenchRegistry::book());
    workload.GoOnFrom(state.get());
    std::string retirement_id;
    JCM_ASSIGN_OR_RETURN(registry::SubmitOutcome outcome, registry->Submit(workload.NextRetirement(&retirement_id)));
    JCM_RETURN_IF_ERROR(MustAccept(outcome));
    sequence = outcome.parts[0].sequence;
    registry->Settle();
  }
  std::vector<double> times_ms;
  size_t bytes = 0;
  for (int i = 0; i < options.times; ++i) {
    // Opened anew each time: nothing of it is in the store's caches.
    JCM_ASSIGN_OR_RETURN(std::unique_ptr<BenchRegistry> registry, BenchRegistry::Open(options.directory, people));
    if (options.drop_caches) JCM_RETURN_IF_ERROR(EmptyFileCache());
    const Stopwatch making;
    JCM_ASSIGN_OR_RETURN(bytes, MakeReceiptBytes(*registry->core().View(), BenchRegistry::book(), sequence));
    times_ms.push_back(making.seconds() * 1e3);
  }
  Row row{"j", absl::StrCat("a retirement certificate, cold, entry ", sequence), {}};
  AddTimes(times_ms, &row);
  row.figures["bytes"] = bytes;
  return std::vector<Row>{row};
}

}  // namespace jcm::bench
