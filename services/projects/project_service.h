// jcm.registry.v1.ProjectService: the projects registered in a partnership. Reads only; see read_services.proto.
#ifndef SERVICES_PROJECTS_PROJECT_SERVICE_H_
#define SERVICES_PROJECTS_PROJECT_SERVICE_H_

#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "services/common/call.h"

namespace jcm::services {

class ProjectServiceImpl : public jcm::registry::v1::ProjectService::CallbackService {
 public:
  // `environment` must outlive the service.
  explicit ProjectServiceImpl(const ServiceEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* ListProjects(grpc::CallbackServerContext* context,
                                         const jcm::registry::v1::ListRequest* request,
                                         jcm::registry::v1::ListProjectsResponse* response) override;
  grpc::ServerUnaryReactor* GetProject(grpc::CallbackServerContext* context,
                                       const jcm::registry::v1::GetProjectRequest* request,
                                       jcm::registry::v1::GetProjectResponse* response) override;

 private:
  const ServiceEnvironment& environment_;
};

}  // namespace jcm::services

#endif  // SERVICES_PROJECTS_PROJECT_SERVICE_H_
