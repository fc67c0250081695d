// How a service answers: authorize, check the shape, do the work away from gRPC's threads, answer once.
//
//   grpc::ServerUnaryReactor* ListLots(grpc::CallbackServerContext* context, const ListRequest* request,
//                                      ListLotsResponse* response) override {
//     return AnswerRead(environment_, context, "/jcm.registry.v1.IssuanceService/ListLots", request, response,
//                       [this](const ReadCall& call, const ListRequest& request, ListLotsResponse* response) {
//                         ...
//                         return absl::OkStatus();
//                       });
//   }
//
// Each call is refused before any work is done with CERTIFICATE_REQUIRED or METHOD_NOT_ALLOWED (policy), UNKNOWN_FIELD,
// DEADLINE_REQUIRED (writes), QUEUE_FULL (no worker free). A write that was cancelled by its caller is answered at
// once; what it asked for may still be recorded.
#ifndef SERVICES_COMMON_CALL_H_
#define SERVICES_COMMON_CALL_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "ledger/base/clock.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "ledger/registry/registry_host.h"
#include "services/common/grpc_status.h"
#include "services/common/worker_pool.h"
#include "services/node/policy.h"

namespace jcm::services {

// Says who calls, and whether they may. Thread-safe; does not block.
class CallAuthorizer {
 public:
  virtual ~CallAuthorizer() = default;
  virtual absl::StatusOr<Caller> Authorize(const grpc::ServerContextBase& context, absl::string_view method) const = 0;
  // METHOD_NOT_ALLOWED unless the partner has a part in the partnership.
  virtual absl::Status CheckPartnership(const Caller& partner, absl::string_view partnership) const = 0;
};

// What the services of one registry share. Everything outlives them.
struct ServiceEnvironment {
  std::string registry;  // "JPN"
  std::string domain;
  bool demonstration = false;
  std::map<std::string, std::string> peers;  // partnership -> the partner's registry
  registry::RegistryHost* host = nullptr;
  Clock* clock = nullptr;
  WorkerPool* workers = nullptr;
  const CallAuthorizer* authorizer = nullptr;
};

// A read being answered: who asks, and the picture that they see.
struct ReadCall {
  Caller caller;
  std::shared_ptr<const registry::RegistryView> view;
};

// Authorizes, and checks what can be checked without looking at values.
absl::StatusOr<Caller> Admit(const ServiceEnvironment& environment, const grpc::CallbackServerContext& context,
                             absl::string_view method, const google::protobuf::Message& request);

// As Admit, and DEADLINE_REQUIRED if the caller set none.
absl::StatusOr<Caller> AdmitWrite(const ServiceEnvironment& environment, const grpc::CallbackServerContext& context,
                                  absl::string_view method, const google::protobuf::Message& request);

// Time left until the caller's deadline, in microseconds; 0 if there is no deadline. At least 1 otherwise.
uint64_t RemainingMicros(const grpc::CallbackServerContext& context);

// Runs `body` on a worker once this replica may show what it holds: not at all while it is quarantined
// (REPLICA_QUARANTINED), and, if the caller's metadata says "jcm-at-least: JPN/TH=42", only when entry 42 of that book
// is there (SEQUENCE_NOT_REACHED at the caller's deadline, or after kAtLeastWaitMicros without one).
void WhenReadable(const ServiceEnvironment& environment, const grpc::CallbackServerContext& context,
                  grpc::ServerUnaryReactor* reactor, std::function<absl::Status()> body);
inline constexpr char kAtLeastMetadata[] = "jcm-at-least";
inline constexpr uint64_t kAtLeastWaitMicros = 5'000'000;

// Runs `body` on a worker and finishes `reactor` with its status. `body` may use the request and the response: gRPC
// keeps them until the call is finished.
void FinishOnWorker(const ServiceEnvironment& environment, grpc::ServerUnaryReactor* reactor,
                    std::function<absl::Status()> body);

template <typename Request, typename Response, typename Body>
grpc::ServerUnaryReactor* AnswerRead(const ServiceEnvironment& environment, grpc::CallbackServerContext* context,
                                     absl::string_view method, const Request* request, Response* response, Body body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::StatusOr<Caller> caller = Admit(environment, *context, method, *request);
  if (!caller.ok()) {
    reactor->Finish(ToGrpcStatus(caller.status()));
    return reactor;
  }
  registry::RegistryHost* host = environment.host;
  WhenReadable(environment, *context, reactor, [=, caller = *std::move(caller)]() mutable {
    return body(ReadCall{std::move(caller), host->View()}, *request, response);
  });
  return reactor;
}

// A question about the node itself, which it answers whatever it may say for the registry.
template <typename Request, typename Response, typename Body>
grpc::ServerUnaryReactor* AnswerOfNode(const ServiceEnvironment& environment, grpc::CallbackServerContext* context,
                                       absl::string_view method, const Request* request, Response* response,
                                       Body body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::StatusOr<Caller> caller = Admit(environment, *context, method, *request);
  if (!caller.ok()) {
    reactor->Finish(ToGrpcStatus(caller.status()));
    return reactor;
  }
  FinishOnWorker(environment, reactor, [=, caller = *std::move(caller)] { return body(caller, *request, response); });
  return reactor;
}

// A write that is done on a worker; `body` gets the caller, the request and the response.
template <typename Request, typename Response, typename Body>
grpc::ServerUnaryReactor* AnswerWrite(const ServiceEnvironment& environment, grpc::CallbackServerContext* context,
                                      absl::string_view method, const Request* request, Response* response, Body body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::StatusOr<Caller> caller = AdmitWrite(environment, *context, method, *request);
  if (!caller.ok()) {
    reactor->Finish(ToGrpcStatus(caller.status()));
    return reactor;
  }
  FinishOnWorker(environment, reactor, [=, caller = *std::move(caller)] { return body(caller, *request, response); });
  return reactor;
}

// A call that is answered from a callback of the registry, or by its own cancellation, whichever comes first.
template <typename Response>
class PendingCall {
 public:
  // `reactor()` is what the service returns to gRPC; the PendingCall is kept by whoever will answer.
  static std::shared_ptr<PendingCall> Make(Response* response) {
    auto call = std::make_shared<PendingCall>(Token{});
    call->reactor_ = new Reactor(call, response);
    return call;
  }
  grpc::ServerUnaryReactor* reactor() { return reactor_; }

  // The first call counts. `fill` writes the response, if the status is OK and somebody still wants it.
  void Finish(const absl::Status& status, const std::function<void(Response*)>& fill = nullptr) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (finished_) return;
    finished_ = true;
    if (status.ok() && fill) fill(reactor_->response());
    reactor_->Finish(ToGrpcStatus(status));
  }

 private:
  struct Token {};

 public:
  explicit PendingCall(Token) {}

 private:
  class Reactor : public grpc::ServerUnaryReactor {
   public:
    Reactor(std::shared_ptr<PendingCall> call, Response* response) : call_(std::move(call)), response_(response) {}
    Response* response() { return response_; }
    void OnCancel() override { call_->Finish(Error(Reason::APPEND_UNKNOWN, "the caller went away")); }
    void OnDone() override { delete this; }

   private:
    const std::shared_ptr<PendingCall> call_;
    Response* const response_;
  };

  std::mutex mutex_;
  bool finished_ = false;
  Reactor* reactor_ = nullptr;  // valid until finished
};

}  // namespace jcm::services

#endif  // SERVICES_COMMON_CALL_H_
