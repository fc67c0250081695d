// Hands signed bundles in to a node and takes the time of each answer, call by call or over one stream.
//
//   JCM_ASSIGN_OR_RETURN(CallTimes times, CallEach(channel, std::move(bundles), 16));
//
// A bundle that is refused ends it with that refusal. One thread, the caller's, does everything: gRPC's own callback
// threads must not be the last to hold a call, as its context holds the channel, and a channel's end ends those
// threads.
#ifndef TOOLS_JCM_BENCH_BUNDLE_CALLER_H_
#define TOOLS_JCM_BENCH_BUNDLE_CALLER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "ledger/registry/registry_host.h"

namespace jcm::bench {

struct CallTimes {
  double seconds = 0;
  std::vector<double> latencies_ms;
};

// One call, for preparations.
absl::StatusOr<registry::SubmitOutcome> CallOnce(const std::shared_ptr<grpc::Channel>& channel, std::string bundle);

// SubmitBundle, with so many calls in flight until all are answered.
absl::StatusOr<CallTimes> CallEach(const std::shared_ptr<grpc::Channel>& channel, std::vector<std::string> bundles,
                                   int in_flight);

// SubmitStream, with so many bundles unanswered.
absl::StatusOr<CallTimes> CallStream(const std::shared_ptr<grpc::Channel>& channel, std::vector<std::string> bundles,
                                     int unanswered);

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_BUNDLE_CALLER_H_
