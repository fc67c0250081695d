// What is measured on a large registry that lies on disk: filling one, (i) opening it again, (j) a certificate from it,
// cold.
#ifndef TOOLS_JCM_BENCH_STORE_BENCH_H_
#define TOOLS_JCM_BENCH_STORE_BENCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/jcm-bench/measure.h"

namespace jcm::bench {

struct FillOptions {
  std::string directory;
  uint64_t blocks = 100'000;
  uint64_t entries = 1'000'000;  // in the partnership's book, at least
  size_t transfers_per_bundle = 1'000;
};

// Begins a registry, or goes on with one, until its book has the entries: real transfers by the real rules.
absl::StatusOr<std::vector<Row>> RunFill(const FillOptions& options);

struct ColdOptions {
  std::string directory;
  uint64_t blocks = 100'000;  // as it was filled
  // Empty the machine's file cache before each opening; needs root, and slows everything else on the machine.
  bool drop_caches = false;
  int times = 5;
};

// (i) from nothing in memory to an engine that orders.
absl::StatusOr<std::vector<Row>> RunRestart(const ColdOptions& options);

// (j) of a retirement in the middle of the book, from a store just opened: receipt with proof and checkpoint.
absl::StatusOr<std::vector<Row>> RunCertificate(const ColdOptions& options);

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_STORE_BENCH_H_
