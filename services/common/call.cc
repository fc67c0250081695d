#include "services/common/call.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/resource_name.h"

namespace jcm::services {
namespace {

bool HasDeadline(const grpc::CallbackServerContext& context) {
  return context.deadline() != std::chrono::system_clock::time_point::max();
}

}  // namespace

absl::StatusOr<Caller> Admit(const ServiceEnvironment& environment, const grpc::CallbackServerContext& context,
                             absl::string_view method, const google::protobuf::Message& request) {
  JCM_ASSIGN_OR_RETURN(Caller caller, environment.authorizer->Authorize(context, method));
  JCM_RETURN_IF_ERROR(CheckNoUnknownFields(request));
  return caller;
}

absl::StatusOr<Caller> AdmitWrite(const ServiceEnvironment& environment, const grpc::CallbackServerContext& context,
                                  absl::string_view method, const google::protobuf::Message& request) {
  JCM_ASSIGN_OR_RETURN(Caller caller, Admit(environment, context, method, request));
  if (!HasDeadline(context)) return Error(Reason::DEADLINE_REQUIRED);
  return caller;
}

uint64_t RemainingMicros(const grpc::CallbackServerContext& context) {
  if (!HasDeadline(context)) return 0;
  const auto left =
      std::chrono::duration_cast<std::chrono::microseconds>(context.deadline() - std::chrono::system_clock::now());
  return static_cast<uint64_t>(std::max<int64_t>(left.count(), 1));
}

void FinishOnWorker(const ServiceEnvironment& environment, grpc::ServerUnaryReactor* reactor,
                    std::function<absl::Status()> body) {
  const bool taken =
      environment.workers->TryRun([reactor, body = std::move(body)] { reactor->Finish(ToGrpcStatus(body())); });
  if (!taken) reactor->Finish(ToGrpcStatus(Error(Reason::QUEUE_FULL, "worker_queue")));
}

namespace {

struct AtLeast {
  BookId book;
  uint64_t sequence = 0;
};

// "JPN/TH=42"; nullopt if the caller asks for nothing.
absl::StatusOr<absl::optional<AtLeast>> AtLeastOf(const grpc::CallbackServerContext& context) {
  const auto found = context.client_metadata().find(kAtLeastMetadata);
  if (found == context.client_metadata().end()) return absl::optional<AtLeast>();
  const absl::string_view text(found->second.data(), found->second.size());
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
  AtLeast at_least;
  JCM_ASSIGN_OR_RETURN(at_least.book, ParseBookId(std::string(parts.first)));
  if (!absl::SimpleAtoi(parts.second, &at_least.sequence)) {
    return Error(Reason::FIELD_INVALID, absl::StrCat(kAtLeastMetadata, ": ", text));
  }
  return absl::optional<AtLeast>(at_least);
}

}  // namespace

void WhenReadable(const ServiceEnvironment& environment, const grpc::CallbackServerContext& context,
                  grpc::ServerUnaryReactor* reactor, std::function<absl::Status()> body) {
  const std::string quarantine = environment.host->Quarantine();
  if (!quarantine.empty()) {
    reactor->Finish(ToGrpcStatus(Error(Reason::REPLICA_QUARANTINED, quarantine)));
    return;
  }
  const absl::StatusOr<absl::optional<AtLeast>> at_least = AtLeastOf(context);
  if (!at_least.ok()) {
    reactor->Finish(ToGrpcStatus(at_least.status()));
    return;
  }
  if (!at_least->has_value()) return FinishOnWorker(environment, reactor, std::move(body));
  const uint64_t remaining = RemainingMicros(context);
  const uint64_t wait = remaining == 0 ? kAtLeastWaitMicros : std::min(remaining, kAtLeastWaitMicros);
  environment.host->WhenAt((*at_least)->book, (*at_least)->sequence, environment.clock->MonotonicMicros() + wait,
                           [&environment, reactor, body = std::move(body)](const absl::Status& reached) mutable {
                             if (reached.ok()) return FinishOnWorker(environment, reactor, std::move(body));
                             reactor->Finish(ToGrpcStatus(reached));
                           });
}

}  // namespace jcm::services
