// jcm.registry.v1.OperationService: units, and the acts that moved or ended them. Reads only; see read_services.proto.
#ifndef SERVICES_OPERATIONS_OPERATION_SERVICE_H_
#define SERVICES_OPERATIONS_OPERATION_SERVICE_H_

#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "services/common/call.h"

namespace jcm::services {

class OperationServiceImpl : public jcm::registry::v1::OperationService::CallbackService {
 public:
  // `environment` must outlive the service.
  explicit OperationServiceImpl(const ServiceEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* ListTransfers(grpc::CallbackServerContext* context,
                                          const jcm::registry::v1::ListRequest* request,
                                          jcm::registry::v1::ListTransfersResponse* response) override;
  grpc::ServerUnaryReactor* ListRetirements(grpc::CallbackServerContext* context,
                                            const jcm::registry::v1::ListRequest* request,
                                            jcm::registry::v1::ListRetirementsResponse* response) override;
  grpc::ServerUnaryReactor* ListCancellations(grpc::CallbackServerContext* context,
                                              const jcm::registry::v1::ListRequest* request,
                                              jcm::registry::v1::ListCancellationsResponse* response) override;
  grpc::ServerUnaryReactor* ListUnitBlocks(grpc::CallbackServerContext* context,
                                           const jcm::registry::v1::ListUnitBlocksRequest* request,
                                           jcm::registry::v1::ListUnitBlocksResponse* response) override;

 private:
  const ServiceEnvironment& environment_;
};

}  // namespace jcm::services

#endif  // SERVICES_OPERATIONS_OPERATION_SERVICE_H_
