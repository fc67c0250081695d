#include "services/rulebooks/rulebook_service.h"

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/rules/record_access.h"
#include "services/common/page_token.h"
#include "services/common/past_state.h"
#include "services/common/record_list.h"
#include "services/common/resource_name.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

constexpr int kTokyoMinutes = 9 * 60;

// The version of a track that governs a day: the one with the latest effective date that is not after it; of two with
// one date, that adopted later.
absl::StatusOr<v1::RulebookRecord> Governing(const state::StateReader& book, const std::string& track,
                                             const Date& day) {
  JCM_ASSIGN_OR_RETURN(auto versions, AllRecords<v1::RulebookRecord>(book, v1::TABLE_RULEBOOK));
  const v1::RulebookRecord* found = nullptr;
  for (const v1::RulebookRecord& version : versions) {
    if (version.parameters().track() != track || rules::ToDate(version.effective_date()) > day) continue;
    if (found == nullptr || rules::ToDate(found->effective_date()) < rules::ToDate(version.effective_date()) ||
        (rules::ToDate(found->effective_date()) == rules::ToDate(version.effective_date()) &&
         found->adopted_at_us() < version.adopted_at_us())) {
      found = &version;
    }
  }
  if (found != nullptr) return *found;
  return Error(Reason::NOT_FOUND, absl::StrCat("no rulebook", track.empty() ? "" : " of track ", track,
                                               " is in force on ", FormatDate(day)));
}

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

grpc::ServerUnaryReactor* RulebookServiceImpl::GetRulebook(grpc::CallbackServerContext* context,
                                                           const api::GetRulebookRequest* request,
                                                           api::GetRulebookResponse* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.RulebookService/GetRulebook", request, response,
      [this](const ReadCall& call, const api::GetRulebookRequest& request,
             api::GetRulebookResponse* response) -> absl::Status {
        JCM_ASSIGN_OR_RETURN(const std::string partnership, ParsePartnershipName(request.parent()));
        JCM_ASSIGN_OR_RETURN(const auto state,
                             StateAsked(*call.view, BookId{environment_.registry, partnership}, request));
        if (request.version().empty()) {
          const Date day =
              request.has_date() ? rules::ToDate(request.date()) : DayInZone(environment_.clock->Now(), kTokyoMinutes);
          JCM_ASSIGN_OR_RETURN(*response->mutable_rulebook(), Governing(*state, request.track(), day));
          return absl::OkStatus();
        }
        JCM_ASSIGN_OR_RETURN(auto record, state->Get<v1::RulebookRecord>(v1::TABLE_RULEBOOK, request.version()));
        if (!record.has_value()) return Error(Reason::NOT_FOUND, request.version());
        *response->mutable_rulebook() = *std::move(record);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* RulebookServiceImpl::ListPartnerships(grpc::CallbackServerContext* context,
                                                                const api::ListPartnershipsRequest* request,
                                                                api::ListPartnershipsResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.RulebookService/ListPartnerships", request, response,
                    [](const ReadCall& call, const api::ListPartnershipsRequest& request,
                       api::ListPartnershipsResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(const size_t page_size, CheckPageSize(request.page_size()));
                      const std::string list = ListKey({"ListPartnerships"});
                      JCM_ASSIGN_OR_RETURN(const std::string after, DecodePageToken(request.page_token(), list));
                      JCM_ASSIGN_OR_RETURN(const std::vector<registry::BookInfo> books, call.view->Books());
                      std::string last;
                      for (const registry::BookInfo& info : books) {
                        if (info.mirror || info.book.is_home() || info.book.partnership <= after) continue;
                        JCM_ASSIGN_OR_RETURN(auto record, call.view->State(info.book)->Get<v1::PartnershipRecord>(
                                                              v1::TABLE_PARTNERSHIP, "partnership"));
                        if (!record.has_value()) continue;
                        if (static_cast<size_t>(response->partnerships_size()) == page_size) {
                          response->set_next_page_token(EncodePageToken(last, list));
                          break;
                        }
                        *response->add_partnerships() = *std::move(record);
                        last = info.book.partnership;
                      }
                      return absl::OkStatus();
                    });
}

}  // namespace jcm::services
