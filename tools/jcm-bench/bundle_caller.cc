#include "tools/jcm-bench/bundle_caller.h"

#include <chrono>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "ledger/base/status.h"
#include "services/common/grpc_status.h"
#include "tools/jcm-bench/measure.h"
#include "tools/jcm-bench/workload.h"

namespace jcm::bench {
namespace {

namespace api = ::jcm::registry::v1;

constexpr std::chrono::seconds kCallSeconds{120};
constexpr std::chrono::seconds kStreamSeconds{1'200};

registry::SubmitOutcome ToOutcome(const api::SubmitBundleResponse& response) {
  registry::SubmitOutcome outcome;
  for (const api::PartResult& result : response.results()) {
    registry::PartOutcome part;
    part.accepted = result.accepted();
    part.sequence = result.sequence();
    part.reason = static_cast<uint32_t>(Reason::INTERNAL);
    part.detail = absl::StrCat(result.reason(), " ", result.detail());
    outcome.parts.push_back(std::move(part));
  }
  return outcome;
}

api::SubmitBundleRequest ToRequest(std::string bundle) {
  api::SubmitBundleRequest request;
  request.set_signed_bundle(std::move(bundle));
  request.set_wait_for(api::WAIT_FOR_COMMITTED);
  return request;
}

// A call that is under way; its address is its tag in the queue.
struct Call {
  grpc::ClientContext context;
  api::SubmitBundleResponse response;
  grpc::Status status;
  Stopwatch time;
  std::unique_ptr<grpc::ClientAsyncResponseReader<api::SubmitBundleResponse>> reader;
};

absl::Status AcceptedBy(const api::SubmitStreamResponse& response, uint64_t position) {
  if (response.position() != position) {
    return Error(Reason::INTERNAL, absl::StrCat("answer ", response.position(), " where ", position, " was due"));
  }
  if (response.has_refusal()) {
    return Error(Reason::INTERNAL, absl::StrCat(response.refusal().reason(), " ", response.refusal().detail()));
  }
  return MustAccept(ToOutcome(response.outcome()));
}

}  // namespace

absl::StatusOr<registry::SubmitOutcome> CallOnce(const std::shared_ptr<grpc::Channel>& channel, std::string bundle) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallSeconds);
  api::SubmitBundleResponse response;
  const auto stub = api::LedgerService::NewStub(channel);
  const grpc::Status status = stub->SubmitBundle(&context, ToRequest(std::move(bundle)), &response);
  if (!status.ok()) return services::FromGrpcStatus(status);
  return ToOutcome(response);
}

absl::StatusOr<CallTimes> CallEach(const std::shared_ptr<grpc::Channel>& channel, std::vector<std::string> bundles,
                                   int in_flight) {
  const auto stub = api::LedgerService::NewStub(channel);
  grpc::CompletionQueue queue;
  CallTimes times;
  size_t begun = 0;
  size_t running = 0;
  absl::Status failed;
  const auto begin_next = [&] {
    if (begun == bundles.size() || !failed.ok()) return;
    auto* call = new Call;  // taken back below, by its tag
    call->context.set_deadline(std::chrono::system_clock::now() + kCallSeconds);
    call->reader = stub->AsyncSubmitBundle(&call->context, ToRequest(std::move(bundles[begun++])), &queue);
    call->reader->Finish(&call->response, &call->status, call);
    ++running;
  };
  const Stopwatch all;
  for (int i = 0; i < in_flight; ++i) begin_next();
  while (running > 0) {
    void* tag = nullptr;
    bool ok = false;
    JCM_CHECK(queue.Next(&tag, &ok));
    --running;
    const std::unique_ptr<Call> call(static_cast<Call*>(tag));
    times.latencies_ms.push_back(call->time.seconds() * 1e3);
    const absl::Status accepted =
        call->status.ok() ? MustAccept(ToOutcome(call->response)) : services::FromGrpcStatus(call->status);
    if (!accepted.ok()) failed = accepted;
    begin_next();
  }
  times.seconds = all.seconds();
  if (!failed.ok()) return failed;
  return times;
}

absl::StatusOr<CallTimes> CallStream(const std::shared_ptr<grpc::Channel>& channel, std::vector<std::string> bundles,
                                     int unanswered) {
  const auto stub = api::LedgerService::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kStreamSeconds);
  CallTimes times;
  const Stopwatch all;
  const auto stream = stub->SubmitStream(&context);
  std::deque<Stopwatch> sent;  // since when each unanswered bundle is under way
  size_t begun = 0;
  absl::Status failed;
  for (uint64_t position = 1; position <= bundles.size() && failed.ok(); ++position) {
    while (begun < bundles.size() && sent.size() < static_cast<size_t>(unanswered)) {
      api::SubmitStreamRequest request;
      request.set_signed_bundle(std::move(bundles[begun++]));
      request.set_wait_for(api::WAIT_FOR_COMMITTED);
      sent.emplace_back();
      if (!stream->Write(request)) break;  // Finish() says why
    }
    api::SubmitStreamResponse response;
    if (!stream->Read(&response)) break;
    times.latencies_ms.push_back(sent.front().seconds() * 1e3);
    sent.pop_front();
    failed = AcceptedBy(response, position);
  }
  if (!failed.ok()) context.TryCancel();
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  times.seconds = all.seconds();
  if (!failed.ok()) return failed;
  if (!status.ok()) return services::FromGrpcStatus(status);
  if (times.latencies_ms.size() != bundles.size()) return Error(Reason::INTERNAL, "the stream ended too early");
  return times;
}

}  // namespace jcm::bench
