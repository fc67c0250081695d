#include "services/dossiers/dossier_service.h"

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "ledger/base/date.h"
#include "services/common/page_token.h"
#include "services/common/resource_name.h"
#include "services/dossiers/dossier_view.h"
#include "services/dossiers/inbox.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

constexpr char kAllPartnerships[] = "partnerships/-";
constexpr size_t kTextBytesMax = 200;

// Empty: all partnerships.
absl::StatusOr<std::string> ParseParent(const std::string& parent) {
  if (parent == kAllPartnerships) return std::string();
  return ParsePartnershipName(parent);
}

// "partnerships/TH/dossiers/sun".
struct ParsedDossierName {
  std::string partnership;
  std::string id;
};
absl::StatusOr<ParsedDossierName> ParseDossierName(const std::string& name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '/');
  if (parts.size() != 4 || parts[2] != "dossiers" || parts[3].empty()) {
    return Error(Reason::RESOURCE_NAME_INVALID, "partnerships/TH/dossiers/ID");
  }
  JCM_ASSIGN_OR_RETURN(const std::string partnership, ParsePartnershipName(absl::StrCat(parts[0], "/", parts[1])));
  return ParsedDossierName{partnership, parts[3]};
}

// Where a dossier stands in lists: by name, own before peer.
std::string SortKey(const IndexedDossier& dossier) {
  return absl::StrCat(dossier.partnership, "/", dossier.record.dossier_id(), dossier.peer ? "/1" : "/0");
}

absl::StatusOr<BookTime> ToBookTime(const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() < 0) return Error(Reason::FIELD_INVALID, "a time before 1970");
  return BookTime::FromMicros(static_cast<uint64_t>(timestamp.seconds()) * kMicrosPerSecond +
                              static_cast<uint64_t>(timestamp.nanos()) / 1'000);
}

// The caller's own record, or, for those who see home, anybody's.
absl::StatusOr<InboxOwner> FindOwner(const ServiceEnvironment& environment, const ReadCall& call,
                                     const std::string& person_id) {
  const bool is_person = call.caller.identity.kind == IdentityKind::kPerson;
  const std::string wanted = person_id.empty() && is_person ? call.caller.identity.name : person_id;
  if (wanted.empty()) return Error(Reason::FIELD_REQUIRED, "person");
  const bool own = is_person && wanted == call.caller.identity.name;
  if (!own && !call.caller.SeesPrivate()) {
    return Error(Reason::METHOD_NOT_ALLOWED, "an inbox is its owner's, and the operator's");
  }
  const std::unique_ptr<state::StateReader> home = call.view->State(BookId{environment.registry, kHome});
  JCM_ASSIGN_OR_RETURN(auto person, home->Get<v1::PersonRecord>(v1::TABLE_PERSON, wanted));
  if (!person.has_value()) return Error(Reason::NOT_FOUND, absl::StrCat("person ", wanted));
  return InboxOwner{environment.registry, *std::move(person)};
}

uint64_t DaysSince(uint64_t since_us, BookTime now) {
  return since_us >= now.micros ? 0 : (now.micros - since_us) / kMicrosPerDay;
}

std::string SizesText(const std::string& registry, const std::map<std::string, uint64_t>& sizes) {
  return absl::StrJoin(sizes, ", ", [&](std::string* out, const auto& size) {
    absl::StrAppend(out, registry, "/", size.first, " ", size.second);
  });
}

}  // namespace

grpc::ServerUnaryReactor* DossierServiceImpl::ListDossiers(grpc::CallbackServerContext* context,
                                                           const api::ListDossiersRequest* request,
                                                           api::ListDossiersResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.DossierService/ListDossiers", request, response,
                    [this](const ReadCall& call, const api::ListDossiersRequest& request,
                           api::ListDossiersResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(const std::string partnership, ParseParent(request.parent()));
                      JCM_ASSIGN_OR_RETURN(const size_t page_size, CheckPageSize(request.page_size()));
                      if (request.text().size() > kTextBytesMax) return Error(Reason::FIELD_INVALID, "text");
                      api::ListDossiersRequest filter = request;
                      filter.clear_page_size();
                      filter.clear_page_token();
                      const std::string list = ListKey({"ListDossiers", filter.SerializeAsString()});
                      JCM_ASSIGN_OR_RETURN(const std::string after, DecodePageToken(request.page_token(), list));
                      JCM_RETURN_IF_ERROR(index_.Refresh(*call.view));
                      const BookTime now = environment_.clock->Now();
                      uint64_t total = 0;
                      std::string last;
                      bool more = false;
                      index_.ForEach([&](const IndexedDossier& dossier) {
                        if (!partnership.empty() && dossier.partnership != partnership) return;
                        if (!Matches(dossier, request, now)) return;
                        ++total;
                        const std::string key = SortKey(dossier);
                        if (key <= after) return;
                        if (static_cast<size_t>(response->dossiers_size()) == page_size) {
                          more = true;
                          return;
                        }
                        *response->add_dossiers() = Summarize(dossier);
                        last = key;
                      });
                      response->set_total_size(total);
                      if (more) response->set_next_page_token(EncodePageToken(last, list));
                      return absl::OkStatus();
                    });
}

grpc::ServerUnaryReactor* DossierServiceImpl::GetDossier(grpc::CallbackServerContext* context,
                                                         const api::GetDossierRequest* request,
                                                         api::GetDossierResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.DossierService/GetDossier", request, response,
                    [this](const ReadCall& call, const api::GetDossierRequest& request,
                           api::GetDossierResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(const ParsedDossierName name, ParseDossierName(request.name()));
                      const BookId book{environment_.registry, name.partnership};
                      JCM_RETURN_IF_ERROR(call.view->Info(book).status());
                      AsOf as_of;
                      if (request.has_recorded_at()) {
                        JCM_ASSIGN_OR_RETURN(as_of.recorded, ToBookTime(request.recorded_at()));
                      }
                      if (request.has_legal_date()) as_of.legal = request.legal_date();
                      JCM_ASSIGN_OR_RETURN(*response,
                                           ViewDossier(*call.view->State(book), name.partnership, name.id, as_of));
                      return absl::OkStatus();
                    });
}

grpc::ServerUnaryReactor* DossierServiceImpl::ListInbox(grpc::CallbackServerContext* context,
                                                        const api::ListInboxRequest* request,
                                                        api::ListInboxResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.DossierService/ListInbox", request, response,
                    [this](const ReadCall& call, const api::ListInboxRequest& request,
                           api::ListInboxResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(const std::string partnership, ParseParent(request.parent()));
                      JCM_ASSIGN_OR_RETURN(const size_t page_size, CheckPageSize(request.page_size()));
                      JCM_ASSIGN_OR_RETURN(const InboxOwner owner, FindOwner(environment_, call, request.person()));
                      const std::string list = ListKey({"ListInbox", request.parent(), owner.person.person_id()});
                      JCM_ASSIGN_OR_RETURN(const std::string after, DecodePageToken(request.page_token(), list));
                      JCM_RETURN_IF_ERROR(index_.Refresh(*call.view));
                      JCM_ASSIGN_OR_RETURN(InboxPage page, InboxOf(owner, partnership, *call.view, index_,
                                                                   environment_.clock->Now(), after, page_size));
                      response->set_total_size(page.total);
                      for (api::InboxItem& item : page.items) *response->add_items() = std::move(item);
                      if (page.more) response->set_next_page_token(EncodePageToken(page.last, list));
                      return absl::OkStatus();
                    });
}

grpc::ServerUnaryReactor* DossierServiceImpl::GetPipeline(grpc::CallbackServerContext* context,
                                                          const api::GetPipelineRequest* request,
                                                          api::GetPipelineResponse* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.DossierService/GetPipeline", request, response,
      [this](const ReadCall& call, const api::GetPipelineRequest& request,
             api::GetPipelineResponse* response) -> absl::Status {
        JCM_ASSIGN_OR_RETURN(const std::string partnership, ParseParent(request.parent()));
        JCM_RETURN_IF_ERROR(index_.Refresh(*call.view));
        const BookTime now = environment_.clock->Now();
        using Place = std::tuple<std::string, int, std::string, std::string>;
        std::map<Place, std::vector<uint64_t>> waiting;
        index_.ForEach([&](const IndexedDossier& dossier) {
          if (dossier.record.kind() != v1::DOSSIER_KIND_PROJECT) return;
          if (!partnership.empty() && dossier.partnership != partnership) return;
          for (const auto& [key, strand] : dossier.strands) {
            waiting[{dossier.partnership, dossier.record.project().programme(), strand.strand(), strand.state()}]
                .push_back(DaysSince(strand.since_us(), now));
          }
        });
        for (auto& [place, days] : waiting) {
          std::sort(days.begin(), days.end());
          api::PipelineRow* row = response->add_rows();
          row->set_partnership(std::get<0>(place));
          row->set_programme(static_cast<v1::FundingProgramme>(std::get<1>(place)));
          row->set_strand(std::get<2>(place));
          row->set_state(std::get<3>(place));
          row->set_dossiers(days.size());
          row->set_median_days(days[days.size() / 2]);
          row->set_longest_days(days.back());
        }
        response->set_checkpoints(SizesText(environment_.registry, index_.Sizes()));
        return absl::OkStatus();
      });
}

}  // namespace jcm::services
