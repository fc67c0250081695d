#include "services/history/history_service.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/rules/record_access.h"
#include "services/common/page_token.h"
#include "services/common/past_state.h"
#include "services/history/object_history.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;

// The own book, and the other side's as mirrored here.
absl::StatusOr<std::vector<BookId>> BooksOf(const registry::RegistryView& view, const std::string& registry,
                                            const std::string& partnership) {
  std::vector<BookId> books = {{registry, partnership}};
  JCM_ASSIGN_OR_RETURN(const std::vector<registry::BookInfo> infos, view.Books());
  for (const registry::BookInfo& info : infos) {
    if (info.mirror && info.book.partnership == partnership) books.push_back(info.book);
  }
  return books;
}

}  // namespace

grpc::ServerUnaryReactor* HistoryServiceImpl::GetHistory(grpc::CallbackServerContext* context,
                                                         const api::GetHistoryRequest* request,
                                                         api::GetHistoryResponse* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.HistoryService/GetHistory", request, response,
      [this](const ReadCall& call, const api::GetHistoryRequest& request,
             api::GetHistoryResponse* response) -> absl::Status {
        JCM_ASSIGN_OR_RETURN(const NamedObject object, FindNamed(*call.view, environment_.registry, request.name()));
        JCM_ASSIGN_OR_RETURN(const size_t page_size, CheckPageSize(request.page_size()));
        const std::string list = ListKey({"GetHistory", request.name(), request.recorded_at().SerializeAsString(),
                                          request.legal_date().SerializeAsString()});
        JCM_ASSIGN_OR_RETURN(const std::string after, DecodePageToken(request.page_token(), list));
        size_t begin = 0;
        if (!after.empty() && !absl::SimpleAtoi(after, &begin)) return Error(Reason::PAGE_TOKEN_INVALID);
        HistoryAsked asked;
        if (request.has_recorded_at()) {
          JCM_ASSIGN_OR_RETURN(asked.recorded, ToBookTime(request.recorded_at()));
        }
        if (request.has_legal_date()) asked.legal = rules::ToDate(request.legal_date());
        JCM_RETURN_IF_ERROR(index_.Refresh(*call.view));
        JCM_ASSIGN_OR_RETURN(const std::vector<BookId> books,
                             BooksOf(*call.view, environment_.registry, object.partnership));
        JCM_ASSIGN_OR_RETURN(ObjectHistory history, HistoryOf(*call.view, index_, books, object, asked));
        // Changes are only added at the end, so a position stays good; what was mirrored late may come before it.
        for (size_t i = begin; i < history.changes.size() && i < begin + page_size; ++i) {
          *response->add_changes() = std::move(history.changes[i]);
        }
        if (begin + page_size < history.changes.size()) {
          response->set_next_page_token(EncodePageToken(absl::StrCat(begin + page_size), list));
        }
        if (begin != 0) return absl::OkStatus();
        for (api::RecordAt& record : history.records) *response->add_records() = std::move(record);
        return absl::OkStatus();
      });
}

}  // namespace jcm::services
