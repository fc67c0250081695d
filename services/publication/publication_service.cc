#include "services/publication/publication_service.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "services/common/page_token.h"
#include "services/common/resource_name.h"
#include "services/publication/record_page.h"
#include "services/publication/state_at.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

constexpr char kMethod[] = "/jcm.registry.v1.PublicationService/ListRecordsAtCheckpoint";

absl::Status FillCheckpoint(const ServiceEnvironment& environment, const registry::RegistryView& view,
                            const registry::BookInfo& info, uint64_t size, BookTime time,
                            api::BookCheckpoint* checkpoint) {
  checkpoint->set_registry(info.book.registry);
  checkpoint->set_partnership(info.book.partnership);
  const auto peer = environment.peers.find(info.book.partnership);
  if (peer != environment.peers.end()) checkpoint->set_peer_registry(peer->second);
  checkpoint->set_origin(info.origin);
  checkpoint->set_size(size);
  JCM_ASSIGN_OR_RETURN(const Digest root, view.Root(info.book, size));
  checkpoint->set_root(std::string(AsBytes(root)));
  checkpoint->mutable_time()->set_seconds(static_cast<int64_t>(time.micros / kMicrosPerSecond));
  checkpoint->mutable_time()->set_nanos(static_cast<int32_t>(time.micros % kMicrosPerSecond * 1'000));
  checkpoint->set_demonstration(environment.demonstration);
  return absl::OkStatus();
}

absl::Status ListRecords(const ServiceEnvironment& environment, const registry::RegistryView& view,
                         const api::ListRecordsAtCheckpointRequest& request,
                         api::ListRecordsAtCheckpointResponse* response) {
  JCM_ASSIGN_OR_RETURN(const std::string partnership, ParsePartnershipName(request.parent()));
  JCM_ASSIGN_OR_RETURN(const size_t page_size, CheckPageSize(request.page_size()));
  JCM_ASSIGN_OR_RETURN(const std::vector<uint32_t> places, PlacesOf(request.tables()));
  const BookId book{environment.registry, partnership};
  JCM_ASSIGN_OR_RETURN(const registry::BookInfo info, view.Info(book));
  api::ListRecordsAtCheckpointRequest filter = request;
  filter.clear_page_size();
  filter.clear_page_token();
  const std::string list = ListKey({kMethod, filter.SerializeAsString()});
  JCM_ASSIGN_OR_RETURN(const std::string token, DecodePageToken(request.page_token(), list));
  JCM_ASSIGN_OR_RETURN(RecordPosition position, ParsePosition(token));
  if (position.size == 0) position.size = request.size() == 0 ? info.checkpoint_size : request.size();
  if (position.size > info.checkpoint_size) {
    return Error(Reason::NOT_FOUND,
                 absl::StrCat("the newest checkpoint of ", book.ToString(), " is at ", info.checkpoint_size));
  }
  JCM_ASSIGN_OR_RETURN(const std::unique_ptr<StateAt> past, StateAt::Open(view, book, position.size));
  JCM_RETURN_IF_ERROR(
      FillCheckpoint(environment, view, info, position.size, past->time(), response->mutable_checkpoint()));
  JCM_ASSIGN_OR_RETURN(const bool more, FillRecords(past->reader(), places, page_size, &position, response));
  if (more) response->set_next_page_token(EncodePageToken(ToText(position), list));
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* PublicationServiceImpl::ListRecordsAtCheckpoint(
    grpc::CallbackServerContext* context, const api::ListRecordsAtCheckpointRequest* request,
    api::ListRecordsAtCheckpointResponse* response) {
  return AnswerRead(environment_, context, kMethod, request, response,
                    [this](const ReadCall& call, const api::ListRecordsAtCheckpointRequest& request,
                           api::ListRecordsAtCheckpointResponse* response) -> absl::Status {
                      return ListRecords(environment_, *call.view, request, response);
                    });
}

}  // namespace jcm::services
