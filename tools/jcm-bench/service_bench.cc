#include "tools/jcm-bench/service_bench.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "tools/jcm-bench/bench_site.h"
#include "tools/jcm-bench/bundle_caller.h"
#include "tools/jcm-bench/workload.h"

namespace jcm::bench {
namespace {

Row ToRow(const char* id, std::string name, const CallTimes& times, uint64_t transfers) {
  Row row{id, std::move(name), {}};
  row.figures["transfers_per_second"] = static_cast<double>(transfers) / times.seconds;
  row.figures["p50_ms"] = Percentile(times.latencies_ms, 0.5);
  row.figures["p99_ms"] = Percentile(times.latencies_ms, 0.99);
  return row;
}

std::vector<std::string> MakeBundles(Workload& workload, int count, size_t transfers) {
  std::vector<std::string> bundles;
  for (int i = 0; i < count; ++i) bundles.push_back(workload.NextBundle(transfers));
  return bundles;
}

}  // namespace

absl::StatusOr<std::vector<Row>> RunService(const ServiceOptions& options) {
  const People people(kPeopleSeed);
  BenchSite site;
  JCM_RETURN_IF_ERROR(site.Start({options.directory, options.node, options.pki_script, 1, {}}, people));
  JCM_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel, site.Connect(1));
  Workload workload(people, options.blocks, SystemRandom().U64());
  JCM_RETURN_IF_ERROR(
      workload.SetUp([&](std::string bundle) { return CallOnce(channel, std::move(bundle)); }, ShowProgress));
  std::vector<Row> rows;
  for (int in_flight : options.in_flight) {
    JCM_ASSIGN_OR_RETURN(const CallTimes times,
                         CallEach(channel, MakeBundles(workload, options.unary_calls, 1), in_flight));
    rows.push_back(ToRow("b", absl::StrCat("gRPC, mutual TLS, 1 transfer a call, ", in_flight, " in flight"), times,
                         static_cast<uint64_t>(options.unary_calls)));
  }
  const uint64_t transfers = static_cast<uint64_t>(options.bundles) * options.transfers_per_bundle;
  const std::string what = absl::StrCat(options.transfers_per_bundle, " transfers, ", options.bundles_in_flight);
  JCM_ASSIGN_OR_RETURN(const CallTimes calls,
                       CallEach(channel, MakeBundles(workload, options.bundles, options.transfers_per_bundle),
                                options.bundles_in_flight));
  rows.push_back(ToRow("c", absl::StrCat("gRPC, mutual TLS, calls of ", what, " in flight"), calls, transfers));
  JCM_ASSIGN_OR_RETURN(const CallTimes stream,
                       CallStream(channel, MakeBundles(workload, options.bundles, options.transfers_per_bundle),
                                  options.bundles_in_flight));
  rows.push_back(
      ToRow("c", absl::StrCat("gRPC, mutual TLS, one stream, bundles of ", what, " unanswered"), stream, transfers));
  return rows;
}

}  // namespace jcm::bench
