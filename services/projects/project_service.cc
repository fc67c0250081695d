#include "services/projects/project_service.h"

#include "services/common/record_list.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;

}  // namespace

grpc::ServerUnaryReactor* ProjectServiceImpl::ListProjects(grpc::CallbackServerContext* context,
                                                           const api::ListRequest* request,
                                                           api::ListProjectsResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.ProjectService/ListProjects", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListProjectsResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list, OpenList(environment_.registry, *call.view, "ListProjects",
                                                                     ledger::v1::TABLE_PROJECT, request));
                      return FillPage(list, response->mutable_projects(), response->mutable_next_page_token());
                    });
}

}  // namespace jcm::services
