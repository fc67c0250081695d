// (d): three jcm-node processes of one registry on three etcd members, called at the replica that orders and at one
// that forwards. (f): the very batches that (d) wrote into etcd, written again into the same members by a client alone.
//
// All of them share this machine: three nodes execute what one does in (c), and three members sync to one disk.
#ifndef TOOLS_JCM_BENCH_REPLICA_BENCH_H_
#define TOOLS_JCM_BENCH_REPLICA_BENCH_H_

#include <vector>

#include "absl/status/statusor.h"
#include "tools/jcm-bench/measure.h"
#include "tools/jcm-bench/service_bench.h"

namespace jcm::bench {

// Of the options, those for bundles count. etcd's data lies under TMPDIR. Errors: also those of EtcdCluster::Start.
absl::StatusOr<std::vector<Row>> RunReplicas(const ServiceOptions& options);

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_REPLICA_BENCH_H_
