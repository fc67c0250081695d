// (a) the engine without gRPC, (e) raw RocksDB with the same bytes, (k) growth: each in its own directory below
// `directory`.
#ifndef TOOLS_JCM_BENCH_ENGINE_BENCH_H_
#define TOOLS_JCM_BENCH_ENGINE_BENCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/jcm-bench/measure.h"

namespace jcm::bench {

struct EngineOptions {
  std::string directory;
  uint64_t blocks = 100'000;
  size_t transfers_per_bundle = 1'000;
  int rounds = 8;  // (a) and (e) take turns
  int bundles_per_round = 12;
  bool raw = true;  // also (e)
};

// Prepares the registry if the directory is empty, else goes on with what is there.
absl::StatusOr<std::vector<Row>> RunEngine(const EngineOptions& options);

// The same with each of these numbers of blocks.
absl::StatusOr<std::vector<Row>> RunGrowth(const EngineOptions& options, const std::vector<uint64_t>& blocks);

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_ENGINE_BENCH_H_
