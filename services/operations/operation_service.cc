#include "services/operations/operation_service.h"

#include "absl/strings/str_cat.h"
#include "services/common/disclosure.h"
#include "services/common/page_token.h"
#include "services/common/record_list.h"
#include "services/common/resource_name.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;

// The handle that a filter by account means; empty for no filter. A handle is taken as it is; an account number only if
// the caller may know whose it is.
absl::StatusOr<std::string> HandleOfFilter(const Disclosure& disclosure, const std::string& partnership,
                                           const std::string& account) {
  JCM_ASSIGN_OR_RETURN(auto record, disclosure.AccountOfNumber(account));
  if (!record.has_value()) return account;
  const std::string handle = HandleIn(*record, partnership);
  if (handle.empty()) return Error(Reason::ACCOUNT_UNKNOWN, absl::StrCat(account, " in ", partnership));
  return handle;
}

// Fills in what stands beside a block: lot, serials as text, and the account's number for those who may know it.
class BlockPage {
 public:
  BlockPage(const ReadCall& call, const std::string& registry, std::string partnership)
      : disclosure_(call, registry),
        state_(call.view->State(BookId{registry, partnership})),
        partnership_(std::move(partnership)) {}

  const Disclosure& disclosure() const { return disclosure_; }

  absl::Status Describe(api::UnitBlock* unit) {
    const ledger::v1::BlockRecord& block = unit->record();
    JCM_ASSIGN_OR_RETURN(auto account, disclosure_.AccountOfHandle(partnership_, block.account()));
    if (account.has_value()) unit->set_account_number(account->account_number());
    if (block.lot_id() != lot_.lot_id()) {
      JCM_ASSIGN_OR_RETURN(auto lot, state_->Get<ledger::v1::LotRecord>(ledger::v1::TABLE_LOT, block.lot_id()));
      if (!lot.has_value()) return Error(Reason::STORE_CORRUPT, "a block without a lot");
      lot_ = *std::move(lot);
    }
    unit->set_vintage(lot_.vintage());
    unit->set_project_id(lot_.project_id());
    // No source states the official form of the identification numbers (識別番号).
    unit->set_serial_text(absl::StrCat("NON-OFFICIAL ", block.lot_id(), ":", block.first(), "-", block.last()));
    return absl::OkStatus();
  }

 private:
  Disclosure disclosure_;
  const std::unique_ptr<state::StateReader> state_;
  const std::string partnership_;
  ledger::v1::LotRecord lot_;  // of the block before
};

absl::Status ListBlocks(const ServiceEnvironment& environment, const ReadCall& call,
                        const api::ListUnitBlocksRequest& request, api::ListUnitBlocksResponse* response) {
  JCM_ASSIGN_OR_RETURN(std::string partnership, ParsePartnershipName(request.parent()));
  if (!request.lot_id().empty() && !IsObjectId(request.lot_id())) return Error(Reason::FIELD_INVALID, "lot_id");
  const BookId book{environment.registry, partnership};
  const std::string prefix = request.lot_id().empty() ? "" : absl::StrCat(request.lot_id(), "/");
  JCM_ASSIGN_OR_RETURN(RecordList list,
                       OpenListOf(*call.view, book, ledger::v1::TABLE_BLOCK, prefix,
                                  ListKey({"ListUnitBlocks", request.parent(), request.account(), request.lot_id()}),
                                  request.page_size(), request.page_token()));
  BlockPage page(call, environment.registry, partnership);
  std::string handle;
  if (!request.account().empty()) {
    JCM_ASSIGN_OR_RETURN(handle, HandleOfFilter(page.disclosure(), partnership, request.account()));
  }
  return VisitPage(
      list,
      [&](absl::string_view, absl::string_view value) -> absl::StatusOr<size_t> {
        ledger::v1::BlockRecord block;
        if (!block.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
          return Error(Reason::STORE_CORRUPT, "a unit block");
        }
        if (!handle.empty() && block.account() != handle) return 0;
        api::UnitBlock* unit = response->add_blocks();
        *unit->mutable_record() = std::move(block);
        JCM_RETURN_IF_ERROR(page.Describe(unit));
        return unit->ByteSizeLong();
      },
      response->mutable_next_page_token());
}

}  // namespace

grpc::ServerUnaryReactor* OperationServiceImpl::ListTransfers(grpc::CallbackServerContext* context,
                                                              const api::ListRequest* request,
                                                              api::ListTransfersResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.OperationService/ListTransfers", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListTransfersResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list, OpenList(environment_.registry, *call.view, "ListTransfers",
                                                                     ledger::v1::TABLE_TRANSFER, request));
                      return FillPage(list, response->mutable_transfers(), response->mutable_next_page_token());
                    });
}

grpc::ServerUnaryReactor* OperationServiceImpl::ListRetirements(grpc::CallbackServerContext* context,
                                                                const api::ListRequest* request,
                                                                api::ListRetirementsResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.OperationService/ListRetirements", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListRetirementsResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list,
                                           OpenList(environment_.registry, *call.view, "ListRetirements",
                                                    ledger::v1::TABLE_RETIREMENT, request));
                      return FillPage(list, response->mutable_retirements(), response->mutable_next_page_token());
                    });
}

grpc::ServerUnaryReactor* OperationServiceImpl::ListCancellations(grpc::CallbackServerContext* context,
                                                                  const api::ListRequest* request,
                                                                  api::ListCancellationsResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.OperationService/ListCancellations", request, response,
                    [this](const ReadCall& call, const api::ListRequest& request,
                           api::ListCancellationsResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(RecordList list,
                                           OpenList(environment_.registry, *call.view, "ListCancellations",
                                                    ledger::v1::TABLE_CANCELLATION, request));
                      return FillPage(list, response->mutable_cancellations(), response->mutable_next_page_token());
                    });
}

grpc::ServerUnaryReactor* OperationServiceImpl::ListUnitBlocks(grpc::CallbackServerContext* context,
                                                               const api::ListUnitBlocksRequest* request,
                                                               api::ListUnitBlocksResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.OperationService/ListUnitBlocks", request, response,
                    [this](const ReadCall& call, const api::ListUnitBlocksRequest& request,
                           api::ListUnitBlocksResponse* response) -> absl::Status {
                      return ListBlocks(environment_, call, request, response);
                    });
}

}  // namespace jcm::services
