#include "services/common/call.h"

#include <algorithm>
#include <chrono>

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

}  // namespace jcm::services
