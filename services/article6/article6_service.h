// jcm.registry.v1.Article6Service: authorizations, first transfers and cross-border transfers. Reads only; see
// read_services.proto.
#ifndef SERVICES_ARTICLE6_ARTICLE6_SERVICE_H_
#define SERVICES_ARTICLE6_ARTICLE6_SERVICE_H_

#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "services/common/call.h"

namespace jcm::services {

class Article6ServiceImpl : public jcm::registry::v1::Article6Service::CallbackService {
 public:
  // `environment` must outlive the service.
  explicit Article6ServiceImpl(const ServiceEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* ListAuthorizations(grpc::CallbackServerContext* context,
                                               const jcm::registry::v1::ListRequest* request,
                                               jcm::registry::v1::ListAuthorizationsResponse* response) override;
  grpc::ServerUnaryReactor* ListFirstTransfers(grpc::CallbackServerContext* context,
                                               const jcm::registry::v1::ListRequest* request,
                                               jcm::registry::v1::ListFirstTransfersResponse* response) override;
  grpc::ServerUnaryReactor* ListOutgoingTransfers(grpc::CallbackServerContext* context,
                                                  const jcm::registry::v1::ListRequest* request,
                                                  jcm::registry::v1::ListOutgoingTransfersResponse* response) override;
  grpc::ServerUnaryReactor* ListIncomingTransfers(grpc::CallbackServerContext* context,
                                                  const jcm::registry::v1::ListRequest* request,
                                                  jcm::registry::v1::ListIncomingTransfersResponse* response) override;

 private:
  const ServiceEnvironment& environment_;
};

}  // namespace jcm::services

#endif  // SERVICES_ARTICLE6_ARTICLE6_SERVICE_H_
