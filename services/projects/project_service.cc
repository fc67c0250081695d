#include "services/projects/project_service.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "services/common/past_state.h"
#include "services/common/record_list.h"
#include "services/common/resource_name.h"
#include "services/issuance/progress.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

struct ProjectName {
  std::string partnership;
  std::string id;
};
absl::StatusOr<ProjectName> ParseProjectName(const std::string& name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '/');
  if (parts.size() != 4 || parts[2] != "projects" || !IsObjectId(parts[3])) {
    return Error(Reason::RESOURCE_NAME_INVALID, "partnerships/TH/projects/TH014");
  }
  JCM_ASSIGN_OR_RETURN(std::string partnership, ParsePartnershipName(absl::StrCat(parts[0], "/", parts[1])));
  return ProjectName{std::move(partnership), parts[3]};
}

// By number, or by the id of the dossier that was registered under one.
absl::Status FindProject(const state::StateReader& book, const std::string& id, api::GetProjectResponse* response) {
  std::string number = id;
  auto dossier = rules::FindDossierByReference(id, book);
  JCM_RETURN_IF_ERROR(dossier.status());
  if (!dossier->has_value()) {
    const auto by_id = rules::FindDossier(id, book);
    if (!by_id.ok() && !HasReason(by_id.status(), Reason::DOSSIER_UNKNOWN)) return by_id.status();
    if (by_id.ok()) *dossier = *by_id;
  }
  if (dossier->has_value() && (*dossier)->record.kind() != v1::DOSSIER_KIND_PROJECT) *dossier = absl::nullopt;
  if (dossier->has_value()) {
    *response->mutable_dossier() = (*dossier)->record;
    response->set_peer(!(*dossier)->own);
    if (!(*dossier)->record.references().empty()) number = *(*dossier)->record.references().rbegin();
  }
  for (const uint32_t table : {uint32_t{v1::TABLE_PROJECT}, state::Shadow(v1::TABLE_PROJECT)}) {
    JCM_ASSIGN_OR_RETURN(auto project, book.Get<v1::ProjectRecord>(table, number));
    if (!project.has_value()) continue;
    *response->mutable_project() = *std::move(project);
    response->set_peer(state::IsShadow(table));
    return absl::OkStatus();
  }
  if (response->has_dossier()) return absl::OkStatus();  // not registered yet
  return Error(Reason::NOT_FOUND, id);
}

}  // namespace

grpc::ServerUnaryReactor* ProjectServiceImpl::ListProjects(grpc::CallbackServerContext* context,
                                                           const api::ListRequest* request,
                                                           api::ListProjectsResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.ProjectService/ListProjects", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListProjectsResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list, OpenList(environment_.registry, *call.view, "ListProjects",
                                                                     v1::TABLE_PROJECT, request));
                      return FillPage(list, response->mutable_projects(), response->mutable_next_page_token());
                    });
}

grpc::ServerUnaryReactor* ProjectServiceImpl::GetProject(grpc::CallbackServerContext* context,
                                                         const api::GetProjectRequest* request,
                                                         api::GetProjectResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.ProjectService/GetProject", request, response,
                    [this](const ReadCall& call, const api::GetProjectRequest& request,
                           api::GetProjectResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(const ProjectName name, ParseProjectName(request.name()));
                      const BookId book{environment_.registry, name.partnership};
                      JCM_ASSIGN_OR_RETURN(const auto state, StateAsked(*call.view, book, request));
                      JCM_RETURN_IF_ERROR(FindProject(*state, name.id, response));
                      const std::string& number = response->project().project_id();
                      if (number.empty()) return absl::OkStatus();
                      const auto peer = environment_.peers.find(name.partnership);
                      JCM_ASSIGN_OR_RETURN(auto issuances,
                                           AllProgress(*state, environment_.registry,
                                                       peer == environment_.peers.end() ? "" : peer->second, number));
                      for (api::DecisionProgress& issuance : issuances)
                        *response->add_issuances() = std::move(issuance);
                      JCM_ASSIGN_OR_RETURN(
                          auto delivery, DeliveryOf(*state, environment_.registry, number, environment_.clock->Now()));
                      if (delivery.has_value()) *response->mutable_delivery() = *std::move(delivery);
                      return absl::OkStatus();
                    });
}

}  // namespace jcm::services
