#include "services/mirror/mirror_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/resource_name.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::mirror::v1;
using Method = registry::PeerTransport::Method;

// Whose book a request may be about.
enum class Whose { kOurs, kTheirs };

absl::Status CheckBook(const ServiceEnvironment& environment, const Caller& partner, const std::string& name,
                       Whose whose) {
  JCM_ASSIGN_OR_RETURN(const BookId book, ParseBookId(name));
  JCM_RETURN_IF_ERROR(environment.authorizer->CheckPartnership(partner, book.partnership));
  const std::string& owner = whose == Whose::kOurs ? environment.registry : partner.identity.registry;
  if (book.registry != owner) {
    return Error(Reason::METHOD_NOT_ALLOWED, absl::StrCat(name, " is not a book of ", owner));
  }
  return absl::OkStatus();
}

// Hands an admitted call to the registry, and its answer back.
template <typename Request, typename Response>
void Forward(const ServiceEnvironment& environment, const Caller& partner, Method method, const Request& request,
             std::shared_ptr<PendingCall<Response>> call) {
  environment.host->HandlePeerCall(
      partner.identity.registry, method, request.SerializeAsString(), [call](absl::StatusOr<std::string> answer) {
        Response parsed;
        if (answer.ok() && !parsed.ParseFromString(*answer)) answer = Error(Reason::INTERNAL, "a peer call's answer");
        call->Finish(answer.status(), [&parsed](Response* response) { response->Swap(&parsed); });
      });
}

// `check` looks at the admitted request once more; null if there is nothing to check.
template <typename Request, typename Response, typename Check>
grpc::ServerUnaryReactor* Answer(const ServiceEnvironment& environment, grpc::CallbackServerContext* context,
                                 absl::string_view name, Method method, const Request* request, Response* response,
                                 Check check) {
  const auto call = PendingCall<Response>::Make(response);
  grpc::ServerUnaryReactor* reactor = call->reactor();
  const PolicyRow* row = FindPolicyRow(name);
  const bool write = row != nullptr && row->write;
  absl::StatusOr<Caller> partner =
      write ? AdmitWrite(environment, *context, name, *request) : Admit(environment, *context, name, *request);
  absl::Status status = partner.status();
  if (status.ok()) status = check(*partner);
  if (!status.ok()) {
    call->Finish(status);
    return reactor;
  }
  Forward<Request, Response>(environment, *partner, method, *request, call);
  return reactor;
}

absl::Status NothingToCheck(const Caller&) { return absl::OkStatus(); }

}  // namespace

grpc::ServerUnaryReactor* MirrorServiceImpl::ReadEntries(grpc::CallbackServerContext* context,
                                                         const api::ReadEntriesRequest* request,
                                                         api::ReadEntriesResponse* response) {
  return Answer(environment_, context, "/jcm.mirror.v1.MirrorService/ReadEntries", Method::kReadEntries, request,
                response, [this, request](const Caller& partner) {
                  return CheckBook(environment_, partner, request->book(), Whose::kOurs);
                });
}

grpc::ServerUnaryReactor* MirrorServiceImpl::AddCosignature(grpc::CallbackServerContext* context,
                                                            const api::AddCosignatureRequest* request,
                                                            api::AddCosignatureResponse* response) {
  return Answer(environment_, context, "/jcm.mirror.v1.MirrorService/AddCosignature", Method::kAddCosignature, request,
                response, [this, request](const Caller& partner) {
                  return CheckBook(environment_, partner, request->book(), Whose::kOurs);
                });
}

grpc::ServerUnaryReactor* MirrorServiceImpl::ReadMirror(grpc::CallbackServerContext* context,
                                                        const api::ReadMirrorRequest* request,
                                                        api::ReadMirrorResponse* response) {
  return Answer(environment_, context, "/jcm.mirror.v1.MirrorService/ReadMirror", Method::kReadMirror, request,
                response, [this, request](const Caller& partner) {
                  return CheckBook(environment_, partner, request->book(), Whose::kTheirs);
                });
}

grpc::ServerUnaryReactor* MirrorServiceImpl::PutOffsite(grpc::CallbackServerContext* context,
                                                        const api::PutOffsiteRequest* request,
                                                        api::PutOffsiteResponse* response) {
  return Answer(environment_, context, "/jcm.mirror.v1.MirrorService/PutOffsite", Method::kPutOffsite, request,
                response, NothingToCheck);
}

grpc::ServerUnaryReactor* MirrorServiceImpl::ReadOffsite(grpc::CallbackServerContext* context,
                                                         const api::ReadOffsiteRequest* request,
                                                         api::ReadOffsiteResponse* response) {
  return Answer(environment_, context, "/jcm.mirror.v1.MirrorService/ReadOffsite", Method::kReadOffsite, request,
                response, NothingToCheck);
}

}  // namespace jcm::services
