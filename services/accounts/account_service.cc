#include "services/accounts/account_service.h"

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "services/common/page_token.h"
#include "services/common/record_list.h"
#include "services/common/resource_name.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;

constexpr size_t kHandleDigits = 32;

// A filtered page of home's records: those that the caller may know.
template <typename Record, typename Add>
absl::Status ListKnown(const ReadCall& call, const std::string& registry, const char* name, uint32_t table,
                       int32_t page_size, const std::string& page_token, std::string* next_page_token, Add add) {
  const Disclosure disclosure(call, registry);
  JCM_ASSIGN_OR_RETURN(RecordList list, OpenListOf(*call.view, BookId{registry, kHome}, table, "", ListKey({name}),
                                                   page_size, page_token));
  return VisitPage(
      list,
      [&](absl::string_view, absl::string_view value) -> absl::StatusOr<size_t> {
        Record record;
        if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
          return Error(Reason::STORE_CORRUPT, "a record of home");
        }
        if (!disclosure.MayKnow(record)) return 0;
        JCM_RETURN_IF_ERROR(add(record));
        return value.size();
      },
      next_page_token);
}

}  // namespace

absl::Status AccountServiceImpl::FillAccount(const ledger::v1::AccountRecord& record, api::Account* account) const {
  *account->mutable_record() = record;
  if (record.sealed_digest().empty()) return absl::OkStatus();
  absl::StatusOr<std::string> holder = environment_.host->OpenAttachment(record.sealed_digest());
  if (holder.ok()) {
    account->set_holder(*std::move(holder));
    return absl::OkStatus();
  }
  // Not held here (a recovered book), or erased: the account stands, its holder's name does not.
  const absl::Status& status = holder.status();
  return HasReason(status, Reason::NOT_FOUND) || HasReason(status, Reason::VAULT_KEY_ERASED) ? absl::OkStatus()
                                                                                             : status;
}

grpc::ServerUnaryReactor* AccountServiceImpl::ListAccounts(grpc::CallbackServerContext* context,
                                                           const api::ListAccountsRequest* request,
                                                           api::ListAccountsResponse* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.AccountService/ListAccounts", request, response,
      [this](const ReadCall& call, const api::ListAccountsRequest& request,
             api::ListAccountsResponse* response) -> absl::Status {
        return ListKnown<ledger::v1::AccountRecord>(
            call, environment_.registry, "ListAccounts", ledger::v1::TABLE_ACCOUNT, request.page_size(),
            request.page_token(), response->mutable_next_page_token(),
            [&](const ledger::v1::AccountRecord& record) { return FillAccount(record, response->add_accounts()); });
      });
}

grpc::ServerUnaryReactor* AccountServiceImpl::ListPersons(grpc::CallbackServerContext* context,
                                                          const api::ListPersonsRequest* request,
                                                          api::ListPersonsResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.AccountService/ListPersons", request, response,
                    [this](const ReadCall& call, const api::ListPersonsRequest& request,
                           api::ListPersonsResponse* response) -> absl::Status {
                      return ListKnown<ledger::v1::PersonRecord>(
                          call, environment_.registry, "ListPersons", ledger::v1::TABLE_PERSON, request.page_size(),
                          request.page_token(), response->mutable_next_page_token(),
                          [&](const ledger::v1::PersonRecord& record) {
                            *response->add_persons() = record;
                            return absl::OkStatus();
                          });
                    });
}

grpc::ServerUnaryReactor* AccountServiceImpl::ResolveHandle(grpc::CallbackServerContext* context,
                                                            const api::ResolveHandleRequest* request,
                                                            api::ResolveHandleResponse* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.AccountService/ResolveHandle", request, response,
      [this](const ReadCall& call, const api::ResolveHandleRequest& request,
             api::ResolveHandleResponse* response) -> absl::Status {
        if (!IsPartnershipCode(request.partnership())) return Error(Reason::FIELD_INVALID, "partnership");
        if (request.handle().size() != kHandleDigits || !HexDecode(request.handle()).ok()) {
          return Error(Reason::FIELD_INVALID, "handle must be 32 hexadecimal digits in lower case");
        }
        Disclosure disclosure(call, environment_.registry);
        JCM_ASSIGN_OR_RETURN(auto account, disclosure.AccountOfHandle(request.partnership(), request.handle()));
        JCM_ASSIGN_OR_RETURN(auto person, disclosure.PersonOfHandle(request.partnership(), request.handle()));
        if (account.has_value()) return FillAccount(*account, response->mutable_account());
        if (person.has_value()) {
          *response->mutable_person() = *std::move(person);
          return absl::OkStatus();
        }
        // One answer for "nobody" and "not yours to know".
        return Error(Reason::NOT_FOUND, absl::StrCat("handle ", request.handle(), " in ", request.partnership()));
      });
}

}  // namespace jcm::services
