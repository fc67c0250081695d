#include "services/issuance/issuance_service.h"

#include "services/common/past_state.h"
#include "services/common/record_list.h"
#include "services/common/resource_name.h"
#include "services/issuance/issuance_file.h"
#include "services/issuance/progress.h"
#include "services/issuance/reconciliation.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;

}  // namespace

grpc::ServerUnaryReactor* IssuanceServiceImpl::ListIssuances(grpc::CallbackServerContext* context,
                                                             const api::ListRequest* request,
                                                             api::ListIssuancesResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.IssuanceService/ListIssuances", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListIssuancesResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list, OpenList(environment_.registry, *call.view, "ListIssuances",
                                                                     ledger::v1::TABLE_ISSUANCE, request));
                      return FillPage(list, response->mutable_issuances(), response->mutable_next_page_token());
                    });
}

grpc::ServerUnaryReactor* IssuanceServiceImpl::ListLots(grpc::CallbackServerContext* context,
                                                        const api::ListRequest* request,
                                                        api::ListLotsResponse* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.IssuanceService/ListLots", request, response,
      [this](const ReadCall& call, const api::ListRequest& request, api::ListLotsResponse* response) -> absl::Status {
        JCM_ASSIGN_OR_RETURN(RecordList list,
                             OpenList(environment_.registry, *call.view, "ListLots", ledger::v1::TABLE_LOT, request));
        return FillPage(list, response->mutable_lots(), response->mutable_next_page_token());
      });
}

grpc::ServerUnaryReactor* IssuanceServiceImpl::GetReconciliation(grpc::CallbackServerContext* context,
                                                                 const api::GetReconciliationRequest* request,
                                                                 api::GetReconciliationResponse* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.IssuanceService/GetReconciliation", request, response,
      [this](const ReadCall& call, const api::GetReconciliationRequest& request,
             api::GetReconciliationResponse* response) -> absl::Status {
        JCM_ASSIGN_OR_RETURN(std::string partnership, ParsePartnershipName(request.name()));
        const BookId book{environment_.registry, partnership};
        JCM_ASSIGN_OR_RETURN(registry::BookInfo info, call.view->Info(book));
        JCM_ASSIGN_OR_RETURN(const auto state, StateAsked(*call.view, book, request));
        JCM_ASSIGN_OR_RETURN(*response, Reconcile(*state));
        JCM_ASSIGN_OR_RETURN(auto decisions, AllProgress(*state, environment_.registry, PeerOf(partnership)));
        for (api::DecisionProgress& decision : decisions) {
          *response->add_decisions() = std::move(decision);
        }
        JCM_ASSIGN_OR_RETURN(auto deliveries, AllDeliveries(*state, environment_.registry, environment_.clock->Now()));
        for (api::Delivery& delivery : deliveries) *response->add_deliveries() = std::move(delivery);
        JCM_ASSIGN_OR_RETURN(auto cursor, state->Get<ledger::v1::CursorRecord>(ledger::v1::TABLE_CURSOR, "peer"));
        response->set_own_size(info.size);
        response->set_peer_size(cursor.has_value() ? cursor->imported_size() : 0);
        return absl::OkStatus();
      });
}

std::string IssuanceServiceImpl::PeerOf(const std::string& partnership) const {
  const auto peer = environment_.peers.find(partnership);
  return peer == environment_.peers.end() ? std::string() : peer->second;
}

grpc::ServerUnaryReactor* IssuanceServiceImpl::GetIssuanceFile(grpc::CallbackServerContext* context,
                                                               const api::GetIssuanceFileRequest* request,
                                                               api::GetIssuanceFileResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.IssuanceService/GetIssuanceFile", request, response,
                    [this](const ReadCall& call, const api::GetIssuanceFileRequest& request,
                           api::GetIssuanceFileResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(const DecisionName name, ParseDecisionName(request.name()));
                      const BookId book{environment_.registry, name.partnership};
                      JCM_ASSIGN_OR_RETURN(const auto state, StateAsked(*call.view, book, request));
                      JCM_ASSIGN_OR_RETURN(*response->mutable_file(),
                                           FileOf(*state, environment_.registry, PeerOf(name.partnership),
                                                  name.decision_id, environment_.clock->Now()));
                      return absl::OkStatus();
                    });
}

}  // namespace jcm::services
