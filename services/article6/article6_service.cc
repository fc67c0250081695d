#include "services/article6/article6_service.h"

#include "services/common/record_list.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;

}  // namespace

grpc::ServerUnaryReactor* Article6ServiceImpl::ListAuthorizations(grpc::CallbackServerContext* context,
                                                                  const api::ListRequest* request,
                                                                  api::ListAuthorizationsResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.Article6Service/ListAuthorizations", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListAuthorizationsResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list,
                                           OpenList(environment_.registry, *call.view, "ListAuthorizations",
                                                    ledger::v1::TABLE_AUTHORIZATION, request));
                      return FillPage(list, response->mutable_authorizations(), response->mutable_next_page_token());
                    });
}

grpc::ServerUnaryReactor* Article6ServiceImpl::ListFirstTransfers(grpc::CallbackServerContext* context,
                                                                  const api::ListRequest* request,
                                                                  api::ListFirstTransfersResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.Article6Service/ListFirstTransfers", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListFirstTransfersResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list,
                                           OpenList(environment_.registry, *call.view, "ListFirstTransfers",
                                                    ledger::v1::TABLE_FIRST_TRANSFER, request));
                      return FillPage(list, response->mutable_first_transfers(), response->mutable_next_page_token());
                    });
}

grpc::ServerUnaryReactor* Article6ServiceImpl::ListOutgoingTransfers(grpc::CallbackServerContext* context,
                                                                     const api::ListRequest* request,
                                                                     api::ListOutgoingTransfersResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.Article6Service/ListOutgoingTransfers", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListOutgoingTransfersResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list,
                                           OpenList(environment_.registry, *call.view, "ListOutgoingTransfers",
                                                    ledger::v1::TABLE_TRANSFER_OUT, request));
                      return FillPage(list, response->mutable_transfers(), response->mutable_next_page_token());
                    });
}

grpc::ServerUnaryReactor* Article6ServiceImpl::ListIncomingTransfers(grpc::CallbackServerContext* context,
                                                                     const api::ListRequest* request,
                                                                     api::ListIncomingTransfersResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.Article6Service/ListIncomingTransfers", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListIncomingTransfersResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list,
                                           OpenList(environment_.registry, *call.view, "ListIncomingTransfers",
                                                    ledger::v1::TABLE_TRANSFER_IN, request));
                      return FillPage(list, response->mutable_transfers(), response->mutable_next_page_token());
                    });
}

}  // namespace jcm::services
