// (b) and (c): a real jcm-node as a process of its own, called over gRPC with mutual TLS from this one; bundles by
// calls and over one stream.
#ifndef TOOLS_JCM_BENCH_SERVICE_BENCH_H_
#define TOOLS_JCM_BENCH_SERVICE_BENCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/jcm-bench/measure.h"

namespace jcm::bench {

struct ServiceOptions {
  std::string directory;   // is emptied first
  std::string node;        // path of jcm-node
  std::string pki_script;  // deploy/pki/make-development-pki
  uint64_t blocks = 100'000;
  size_t transfers_per_bundle = 1'000;
  int unary_calls = 3'000;  // for each number in flight
  int bundles = 60;
  std::vector<int> in_flight = {1, 16, 64};
  int bundles_in_flight = 4;
};

absl::StatusOr<std::vector<Row>> RunService(const ServiceOptions& options);

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_SERVICE_BENCH_H_
