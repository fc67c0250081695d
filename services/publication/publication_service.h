// jcm.registry.v1.PublicationService: a book's records at a checkpoint. See publication.proto.
#ifndef SERVICES_PUBLICATION_PUBLICATION_SERVICE_H_
#define SERVICES_PUBLICATION_PUBLICATION_SERVICE_H_

#include "jcm/registry/v1/publication.grpc.pb.h"
#include "services/common/call.h"

namespace jcm::services {

class PublicationServiceImpl : public jcm::registry::v1::PublicationService::CallbackService {
 public:
  // `environment` must outlive the service.
  explicit PublicationServiceImpl(const ServiceEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* ListRecordsAtCheckpoint(
      grpc::CallbackServerContext* context, const jcm::registry::v1::ListRecordsAtCheckpointRequest* request,
      jcm::registry::v1::ListRecordsAtCheckpointResponse* response) override;

 private:
  const ServiceEnvironment& environment_;
};

}  // namespace jcm::services

#endif  // SERVICES_PUBLICATION_PUBLICATION_SERVICE_H_
