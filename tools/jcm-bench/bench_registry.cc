#include "tools/jcm-bench/bench_registry.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/file_system.h"
#include "ledger/log/embedded_log.h"
#include "ledger/registry/keys.h"

namespace jcm::bench {
namespace {

// Nobody is ever reached.
class NoPartners : public registry::PeerTransport {
 public:
  void Call(const std::string&, Method, std::string, Done done) override {
    done(absl::UnavailableError("there is no partner"));
  }
};

}  // namespace

BookId BenchRegistry::book() { return {kRegistry, kPartnership}; }

store::RocksDbOptions BenchRegistry::StoreOptions(const std::string& directory) {
  store::RocksDbOptions options;
  options.path = absl::StrCat(directory, "/store");
  options.identity = {kRegistry, kDomain};
  return options;
}

absl::StatusOr<std::unique_ptr<BenchRegistry>> BenchRegistry::Open(const std::string& directory, const People& people) {
  auto files = std::make_shared<PosixFileSystem>();
  const std::string signer = absl::StrCat(directory, "/signer");
  const std::string vault = absl::StrCat(directory, "/vault");
  JCM_RETURN_IF_ERROR(files->MakeDirs(signer));
  JCM_RETURN_IF_ERROR(files->MakeDirs(vault));
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<store::RocksDbStore> real, store::RocksDbStore::Open(StoreOptions(directory)));
  auto store = std::make_unique<RecordingStore>(std::move(real));
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> applied, store->Get(store::Family::kMeta, registry::kAppliedKey));
  ledger::v1::AppliedPosition position;
  if (applied.has_value() && !position.ParseFromString(*applied)) return Error(Reason::STORE_CORRUPT, "applied");
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<log::EmbeddedLog> log, log::EmbeddedLog::Open(store.get(), position.index()));

  std::unique_ptr<BenchRegistry> registry(new BenchRegistry);
  registry->store_ = store.get();
  registry::Dependencies dependencies{std::move(store),
                                      std::move(log),
                                      std::make_unique<store::SignerRecord>(files, signer),
                                      std::make_unique<store::Vault>(files, vault),
                                      std::make_shared<SystemClock>(),
                                      std::make_shared<SystemRandom>(),
                                      std::make_shared<NoPartners>(),
                                      people.replica_key(),
                                      people.offsite_key()};
  JCM_ASSIGN_OR_RETURN(registry->core_, registry::RegistryCore::Open(people.Options(), std::move(dependencies)));
  registry->Settle();
  return registry;
}

absl::StatusOr<registry::SubmitOutcome> BenchRegistry::Submit(std::string bundle) {
  absl::optional<absl::StatusOr<registry::SubmitOutcome>> answer;
  core_->Submit(std::move(bundle), registry::SubmitOptions(),
                [&answer](absl::StatusOr<registry::SubmitOutcome> outcome) { answer = std::move(outcome); });
  while (!answer.has_value()) {
    if (!core_->Step() && !answer.has_value()) return Error(Reason::INTERNAL, "the engine gives no answer");
  }
  return *std::move(answer);
}

void BenchRegistry::Settle() {
  while (core_->Step()) {
  }
}

}  // namespace jcm::bench
