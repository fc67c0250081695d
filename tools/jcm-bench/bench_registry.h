// A registry for measuring: the real engine on a real disk, with no gRPC in front and no partner behind. Its
// partnership is in mode ATTESTED, so one side alone can decide and issue.
//
//   JCM_ASSIGN_OR_RETURN(auto registry, BenchRegistry::Open({directory, SettingOf(shape)}));
//   JCM_ASSIGN_OR_RETURN(registry::SubmitOutcome outcome, registry->Submit(bundle));
#ifndef TOOLS_JCM_BENCH_BENCH_REGISTRY_H_
#define TOOLS_JCM_BENCH_BENCH_REGISTRY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "ledger/base/clock.h"
#include "ledger/registry/registry_core.h"
#include "ledger/store/rocksdb_store.h"
#include "tools/jcm-bench/people.h"
#include "tools/jcm-bench/recording_store.h"

namespace jcm::bench {

class BenchRegistry {
 public:
  // Opens what lies in `directory`, or begins a registry there. `people` must outlive it.
  static absl::StatusOr<std::unique_ptr<BenchRegistry>> Open(const std::string& directory, const People& people);

  // Hands one bundle in and steps until it is answered.
  absl::StatusOr<registry::SubmitOutcome> Submit(std::string bundle);
  // Until there is nothing to do now.
  void Settle();

  registry::RegistryCore& core() { return *core_; }
  RecordingStore& store() { return *store_; }
  static BookId book();
  static store::RocksDbOptions StoreOptions(const std::string& directory);

 private:
  std::unique_ptr<registry::RegistryCore> core_;
  RecordingStore* store_ = nullptr;  // owned by core_
};

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_BENCH_REGISTRY_H_
