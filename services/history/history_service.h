// jcm.registry.v1.HistoryService: every change of an object. See object_services.proto.
#ifndef SERVICES_HISTORY_HISTORY_SERVICE_H_
#define SERVICES_HISTORY_HISTORY_SERVICE_H_

#include "jcm/registry/v1/object_services.grpc.pb.h"
#include "services/common/call.h"
#include "services/history/change_index.h"

namespace jcm::services {

class HistoryServiceImpl : public jcm::registry::v1::HistoryService::CallbackService {
 public:
  // `environment` must outlive the service.
  explicit HistoryServiceImpl(const ServiceEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* GetHistory(grpc::CallbackServerContext* context,
                                       const jcm::registry::v1::GetHistoryRequest* request,
                                       jcm::registry::v1::GetHistoryResponse* response) override;

 private:
  const ServiceEnvironment& environment_;
  ChangeIndex index_;
};

}  // namespace jcm::services

#endif  // SERVICES_HISTORY_HISTORY_SERVICE_H_
