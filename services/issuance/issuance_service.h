// jcm.registry.v1.IssuanceService: issuances, lots, and where the units of each project are. Reads only; see
// read_services.proto.
#ifndef SERVICES_ISSUANCE_ISSUANCE_SERVICE_H_
#define SERVICES_ISSUANCE_ISSUANCE_SERVICE_H_

#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "services/common/call.h"

namespace jcm::services {

class IssuanceServiceImpl : public jcm::registry::v1::IssuanceService::CallbackService {
 public:
  // `environment` must outlive the service.
  explicit IssuanceServiceImpl(const ServiceEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* ListIssuances(grpc::CallbackServerContext* context,
                                          const jcm::registry::v1::ListRequest* request,
                                          jcm::registry::v1::ListIssuancesResponse* response) override;
  grpc::ServerUnaryReactor* ListLots(grpc::CallbackServerContext* context,
                                     const jcm::registry::v1::ListRequest* request,
                                     jcm::registry::v1::ListLotsResponse* response) override;
  grpc::ServerUnaryReactor* GetReconciliation(grpc::CallbackServerContext* context,
                                              const jcm::registry::v1::GetReconciliationRequest* request,
                                              jcm::registry::v1::GetReconciliationResponse* response) override;
  grpc::ServerUnaryReactor* GetIssuanceFile(grpc::CallbackServerContext* context,
                                            const jcm::registry::v1::GetIssuanceFileRequest* request,
                                            jcm::registry::v1::GetIssuanceFileResponse* response) override;

 private:
  // The other side's registry in a partnership; empty if it is not known here.
  std::string PeerOf(const std::string& partnership) const;

  const ServiceEnvironment& environment_;
};

}  // namespace jcm::services

#endif  // SERVICES_ISSUANCE_ISSUANCE_SERVICE_H_
