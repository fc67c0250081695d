#include "services/rulebooks/rulebook_service.h"

#include "absl/strings/str_cat.h"
#include "services/common/record_list.h"
#include "services/common/resource_name.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;

}  // namespace

grpc::ServerUnaryReactor* RulebookServiceImpl::ListRulebooks(grpc::CallbackServerContext* context,
                                                             const api::ListRequest* request,
                                                             api::ListRulebooksResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.RulebookService/ListRulebooks", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListRulebooksResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list, OpenList(environment_.registry, *call.view, "ListRulebooks",
                                                                     ledger::v1::TABLE_RULEBOOK, request));
                      return FillPage(list, response->mutable_rulebooks(), response->mutable_next_page_token());
                    });
}

grpc::ServerUnaryReactor* RulebookServiceImpl::GetPartnership(grpc::CallbackServerContext* context,
                                                              const api::GetPartnershipRequest* request,
                                                              api::GetPartnershipResponse* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.RulebookService/GetPartnership", request, response,
      [this](const ReadCall& call, const api::GetPartnershipRequest& request,
             api::GetPartnershipResponse* response) -> absl::Status {
        JCM_ASSIGN_OR_RETURN(std::string partnership, ParsePartnershipName(request.name()));
        const BookId book{environment_.registry, partnership};
        JCM_RETURN_IF_ERROR(call.view->Info(book).status());
        const std::unique_ptr<state::StateReader> state = call.view->State(book);
        JCM_ASSIGN_OR_RETURN(auto record,
                             state->Get<ledger::v1::PartnershipRecord>(ledger::v1::TABLE_PARTNERSHIP, "partnership"));
        if (!record.has_value()) return Error(Reason::NOT_FOUND, absl::StrCat(request.name(), " has not been opened"));
        JCM_ASSIGN_OR_RETURN(auto cursor, state->Get<ledger::v1::CursorRecord>(ledger::v1::TABLE_CURSOR, "peer"));
        *response->mutable_partnership() = *std::move(record);
        if (cursor.has_value()) *response->mutable_cursor() = *std::move(cursor);
        return absl::OkStatus();
      });
}

}  // namespace jcm::services
