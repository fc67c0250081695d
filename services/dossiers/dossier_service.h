// jcm.registry.v1.DossierService: the project cycle for readers. See cycle_services.proto.
#ifndef SERVICES_DOSSIERS_DOSSIER_SERVICE_H_
#define SERVICES_DOSSIERS_DOSSIER_SERVICE_H_

#include <memory>
#include <utility>

#include "jcm/registry/v1/cycle_services.grpc.pb.h"
#include "services/common/call.h"
#include "services/dossiers/dossier_index.h"

namespace jcm::services {

class DossierServiceImpl : public jcm::registry::v1::DossierService::CallbackService {
 public:
  // `environment` must outlive the service. The index may be shared with the services of methodologies and entities.
  DossierServiceImpl(const ServiceEnvironment& environment, std::shared_ptr<DossierIndex> index)
      : environment_(environment), shared_index_(std::move(index)), index_(*shared_index_) {}

  grpc::ServerUnaryReactor* ListDossiers(grpc::CallbackServerContext* context,
                                         const jcm::registry::v1::ListDossiersRequest* request,
                                         jcm::registry::v1::ListDossiersResponse* response) override;
  grpc::ServerUnaryReactor* GetDossier(grpc::CallbackServerContext* context,
                                       const jcm::registry::v1::GetDossierRequest* request,
                                       jcm::registry::v1::GetDossierResponse* response) override;
  grpc::ServerUnaryReactor* ListInbox(grpc::CallbackServerContext* context,
                                      const jcm::registry::v1::ListInboxRequest* request,
                                      jcm::registry::v1::ListInboxResponse* response) override;
  grpc::ServerUnaryReactor* GetPipeline(grpc::CallbackServerContext* context,
                                        const jcm::registry::v1::GetPipelineRequest* request,
                                        jcm::registry::v1::GetPipelineResponse* response) override;

 private:
  const ServiceEnvironment& environment_;
  const std::shared_ptr<DossierIndex> shared_index_;
  DossierIndex& index_;
};

}  // namespace jcm::services

#endif  // SERVICES_DOSSIERS_DOSSIER_SERVICE_H_
