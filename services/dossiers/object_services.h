// jcm.registry.v1.MethodologyService and ThirdPartyEntityService. See object_services.proto. Both read the index that
// the dossiers' service reads too.
#ifndef SERVICES_DOSSIERS_OBJECT_SERVICES_H_
#define SERVICES_DOSSIERS_OBJECT_SERVICES_H_

#include <memory>
#include <utility>

#include "jcm/registry/v1/object_services.grpc.pb.h"
#include "services/common/call.h"
#include "services/dossiers/dossier_index.h"

namespace jcm::services {

class MethodologyServiceImpl : public jcm::registry::v1::MethodologyService::CallbackService {
 public:
  // `environment` must outlive the service.
  MethodologyServiceImpl(const ServiceEnvironment& environment, std::shared_ptr<DossierIndex> index)
      : environment_(environment), index_(std::move(index)) {}

  grpc::ServerUnaryReactor* ListMethodologies(grpc::CallbackServerContext* context,
                                              const jcm::registry::v1::ListMethodologiesRequest* request,
                                              jcm::registry::v1::ListMethodologiesResponse* response) override;
  grpc::ServerUnaryReactor* GetMethodology(grpc::CallbackServerContext* context,
                                           const jcm::registry::v1::GetMethodologyRequest* request,
                                           jcm::registry::v1::Methodology* response) override;

 private:
  const ServiceEnvironment& environment_;
  const std::shared_ptr<DossierIndex> index_;
};

class ThirdPartyEntityServiceImpl : public jcm::registry::v1::ThirdPartyEntityService::CallbackService {
 public:
  ThirdPartyEntityServiceImpl(const ServiceEnvironment& environment, std::shared_ptr<DossierIndex> index)
      : environment_(environment), index_(std::move(index)) {}

  grpc::ServerUnaryReactor* ListThirdPartyEntities(
      grpc::CallbackServerContext* context, const jcm::registry::v1::ListThirdPartyEntitiesRequest* request,
      jcm::registry::v1::ListThirdPartyEntitiesResponse* response) override;
  grpc::ServerUnaryReactor* GetThirdPartyEntity(grpc::CallbackServerContext* context,
                                                const jcm::registry::v1::GetThirdPartyEntityRequest* request,
                                                jcm::registry::v1::ThirdPartyEntity* response) override;

 private:
  const ServiceEnvironment& environment_;
  const std::shared_ptr<DossierIndex> index_;
};

}  // namespace jcm::services

#endif  // SERVICES_DOSSIERS_OBJECT_SERVICES_H_
