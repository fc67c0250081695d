#include "services/joint_committee/joint_committee_service.h"

#include "services/common/past_state.h"
#include "services/common/record_list.h"
#include "services/common/resource_name.h"
#include "services/joint_committee/decision_view.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;

}  // namespace

grpc::ServerUnaryReactor* JointCommitteeServiceImpl::ListMembers(grpc::CallbackServerContext* context,
                                                                 const api::ListRequest* request,
                                                                 api::ListMembersResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.JointCommitteeService/ListMembers", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListMembersResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list, OpenList(environment_.registry, *call.view, "ListMembers",
                                                                     ledger::v1::TABLE_MEMBER, request));
                      return FillPage(list, response->mutable_members(), response->mutable_next_page_token());
                    });
}

grpc::ServerUnaryReactor* JointCommitteeServiceImpl::ListDecisions(grpc::CallbackServerContext* context,
                                                                   const api::ListRequest* request,
                                                                   api::ListDecisionsResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.JointCommitteeService/ListDecisions", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListDecisionsResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list, OpenList(environment_.registry, *call.view, "ListDecisions",
                                                                     ledger::v1::TABLE_DECISION, request));
                      return FillPage(list, response->mutable_decisions(), response->mutable_next_page_token());
                    });
}

grpc::ServerUnaryReactor* JointCommitteeServiceImpl::GetDecision(grpc::CallbackServerContext* context,
                                                                 const api::GetDecisionRequest* request,
                                                                 api::GetDecisionResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.JointCommitteeService/GetDecision", request, response,
                    [this](const ReadCall& call, const api::GetDecisionRequest& request,
                           api::GetDecisionResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(DecisionName name, ParseDecisionName(request.name()));
                      const BookId book{environment_.registry, name.partnership};
                      JCM_ASSIGN_OR_RETURN(const auto state, StateAsked(*call.view, book, request));
                      const auto peer = environment_.peers.find(name.partnership);
                      JCM_ASSIGN_OR_RETURN(*response, ViewDecision(*state, environment_.registry,
                                                                   peer == environment_.peers.end() ? "" : peer->second,
                                                                   name.decision_id));
                      return absl::OkStatus();
                    });
}

grpc::ServerUnaryReactor* JointCommitteeServiceImpl::ListConflicts(grpc::CallbackServerContext* context,
                                                                   const api::ListRequest* request,
                                                                   api::ListConflictsResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.JointCommitteeService/ListConflicts", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListConflictsResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list, OpenList(environment_.registry, *call.view, "ListConflicts",
                                                                     ledger::v1::TABLE_CONFLICT, request));
                      return FillPage(list, response->mutable_conflicts(), response->mutable_next_page_token());
                    });
}

}  // namespace jcm::services
