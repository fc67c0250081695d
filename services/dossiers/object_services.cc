#include "services/dossiers/object_services.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/rules/record_access.h"
#include "services/common/filter.h"
#include "services/common/page_token.h"
#include "services/common/past_state.h"
#include "services/common/resource_name.h"
#include "services/dossiers/object_view.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

constexpr char kAllPartnerships[] = "partnerships/-";
constexpr int kTokyoMinutes = 9 * 60;

struct ObjectName {
  std::string partnership;
  std::string id;
};
absl::StatusOr<ObjectName> ParseObjectName(const std::string& name, const std::string& collection) {
  const std::string middle = absl::StrCat("/", collection, "/");
  const size_t at = name.find(middle);
  if (at == std::string::npos || !IsObjectId(name.substr(at + middle.size()))) {
    return Error(Reason::RESOURCE_NAME_INVALID, absl::StrCat("partnerships/TH", middle, "ID"));
  }
  JCM_ASSIGN_OR_RETURN(std::string partnership, ParsePartnershipName(name.substr(0, at)));
  return ObjectName{std::move(partnership), name.substr(at + middle.size())};
}

std::string SortKey(const IndexedDossier& dossier) {
  return absl::StrCat(dossier.partnership, "/", dossier.record.dossier_id(), dossier.peer ? "/1" : "/0");
}

// One page of the dossiers of a kind that match: `make` shows one, `add` puts it on the page.
template <typename Item, typename Request, typename Make, typename AddItem>
absl::Status FillObjects(const DossierIndex& index, const Request& request, v1::DossierKind kind,
                         const std::string& list_name, const Make& make, const AddItem& add,
                         std::string* next_page_token) {
  std::string partnership;
  if (request.parent() != kAllPartnerships) {
    JCM_ASSIGN_OR_RETURN(partnership, ParsePartnershipName(request.parent()));
  }
  JCM_ASSIGN_OR_RETURN(const size_t page_size, CheckPageSize(request.page_size()));
  JCM_ASSIGN_OR_RETURN(const Filter filter, Filter::Parse(request.filter(), *Item::descriptor()));
  Request same = request;
  same.clear_page_size();
  same.clear_page_token();
  const std::string list = ListKey({list_name, same.SerializeAsString()});
  JCM_ASSIGN_OR_RETURN(const std::string after, DecodePageToken(request.page_token(), list));
  size_t count = 0;
  std::string last;
  bool more = false;
  index.ForEach([&](const IndexedDossier& dossier) {
    if (more || dossier.record.kind() != kind) return;
    if (!partnership.empty() && dossier.partnership != partnership) return;
    const std::string key = SortKey(dossier);
    if (key <= after) return;
    Item item = make(dossier);
    if (!filter.Matches(item)) return;
    if (count == page_size) {
      more = true;
      return;
    }
    ++count;
    last = key;
    add(dossier, std::move(item));
  });
  if (more) *next_page_token = EncodePageToken(last, list);
  return absl::OkStatus();
}

// Which projects use a methodology, by each of its numbers.
std::multimap<std::string, std::string> UsesOf(const DossierIndex& index) {
  std::multimap<std::string, std::string> uses;
  index.ForEach([&](const IndexedDossier& dossier) {
    for (const v1::MethodologyUse& use : dossier.record.methodologies()) {
      const std::string& number = dossier.record.references().empty()
                                      ? dossier.record.dossier_id()
                                      : dossier.record.references(dossier.record.references_size() - 1);
      uses.emplace(absl::StrCat(dossier.partnership, "/", use.reference()), number);
    }
  });
  return uses;
}

void AddUses(const std::multimap<std::string, std::string>& uses, const std::string& partnership,
             api::Methodology* methodology) {
  for (const std::string& reference : methodology->references()) {
    const auto range = uses.equal_range(absl::StrCat(partnership, "/", reference));
    for (auto use = range.first; use != range.second; ++use) methodology->add_used_by(use->second);
  }
}

absl::StatusOr<Date> DayAsked(bool has_date, const v1::Date& date, BookTime now) {
  if (!has_date) return DayInZone(now, kTokyoMinutes);
  return rules::ToDate(date);
}

}  // namespace

grpc::ServerUnaryReactor* MethodologyServiceImpl::ListMethodologies(grpc::CallbackServerContext* context,
                                                                    const api::ListMethodologiesRequest* request,
                                                                    api::ListMethodologiesResponse* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.MethodologyService/ListMethodologies", request, response,
      [this](const ReadCall& call, const api::ListMethodologiesRequest& request,
             api::ListMethodologiesResponse* response) -> absl::Status {
        JCM_RETURN_IF_ERROR(index_->Refresh(*call.view));
        const std::multimap<std::string, std::string> uses = UsesOf(*index_);
        std::vector<std::string> partnerships;
        JCM_RETURN_IF_ERROR(FillObjects<api::Methodology>(
            *index_, request, v1::DOSSIER_KIND_METHODOLOGY, "ListMethodologies",
            [&](const IndexedDossier& dossier) {
              api::Methodology methodology = MethodologyOf(dossier);
              AddUses(uses, dossier.partnership, &methodology);
              return methodology;
            },
            [&](const IndexedDossier& dossier, api::Methodology methodology) {
              partnerships.push_back(dossier.partnership);
              *response->add_methodologies() = std::move(methodology);
            },
            response->mutable_next_page_token()));
        for (int i = 0; i < response->methodologies_size(); ++i) {
          const BookId book{environment_.registry, partnerships[static_cast<size_t>(i)]};
          JCM_RETURN_IF_ERROR(AddPublicInputs(*call.view->State(book), response->mutable_methodologies(i)));
        }
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* MethodologyServiceImpl::GetMethodology(grpc::CallbackServerContext* context,
                                                                 const api::GetMethodologyRequest* request,
                                                                 api::Methodology* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.MethodologyService/GetMethodology", request, response,
                    [this](const ReadCall& call, const api::GetMethodologyRequest& request,
                           api::Methodology* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(const ObjectName name, ParseObjectName(request.name(), "methodologies"));
                      const BookId book{environment_.registry, name.partnership};
                      JCM_ASSIGN_OR_RETURN(const auto state, StateAsked(*call.view, book, request));
                      JCM_ASSIGN_OR_RETURN(const IndexedDossier dossier,
                                           FindObject(*state, name.partnership, name.id, v1::DOSSIER_KIND_METHODOLOGY));
                      *response = MethodologyOf(dossier);
                      JCM_RETURN_IF_ERROR(AddPublicInputs(*state, response));
                      if (request.has_recorded_at()) return absl::OkStatus();  // who uses it is known of the present
                      JCM_RETURN_IF_ERROR(index_->Refresh(*call.view));
                      AddUses(UsesOf(*index_), name.partnership, response);
                      return absl::OkStatus();
                    });
}

grpc::ServerUnaryReactor* ThirdPartyEntityServiceImpl::ListThirdPartyEntities(
    grpc::CallbackServerContext* context, const api::ListThirdPartyEntitiesRequest* request,
    api::ListThirdPartyEntitiesResponse* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.ThirdPartyEntityService/ListThirdPartyEntities", request, response,
      [this](const ReadCall& call, const api::ListThirdPartyEntitiesRequest& request,
             api::ListThirdPartyEntitiesResponse* response) -> absl::Status {
        JCM_ASSIGN_OR_RETURN(const Date day, DayAsked(request.has_date(), request.date(), environment_.clock->Now()));
        JCM_RETURN_IF_ERROR(index_->Refresh(*call.view));
        return FillObjects<api::ThirdPartyEntity>(
            *index_, request, v1::DOSSIER_KIND_THIRD_PARTY_ENTITY, "ListThirdPartyEntities",
            [&](const IndexedDossier& dossier) { return EntityOf(dossier, day); },
            [&](const IndexedDossier&, api::ThirdPartyEntity entity) { *response->add_entities() = std::move(entity); },
            response->mutable_next_page_token());
      });
}

grpc::ServerUnaryReactor* ThirdPartyEntityServiceImpl::GetThirdPartyEntity(
    grpc::CallbackServerContext* context, const api::GetThirdPartyEntityRequest* request,
    api::ThirdPartyEntity* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.ThirdPartyEntityService/GetThirdPartyEntity", request, response,
      [this](const ReadCall& call, const api::GetThirdPartyEntityRequest& request,
             api::ThirdPartyEntity* response) -> absl::Status {
        JCM_ASSIGN_OR_RETURN(const ObjectName name, ParseObjectName(request.name(), "thirdPartyEntities"));
        const BookId book{environment_.registry, name.partnership};
        JCM_ASSIGN_OR_RETURN(const auto state, StateAsked(*call.view, book, request));
        JCM_ASSIGN_OR_RETURN(const Date day, DayAsked(request.has_date(), request.date(), environment_.clock->Now()));
        JCM_ASSIGN_OR_RETURN(const IndexedDossier dossier,
                             FindObject(*state, name.partnership, name.id, v1::DOSSIER_KIND_THIRD_PARTY_ENTITY));
        *response = EntityOf(dossier, day);
        return absl::OkStatus();
      });
}

}  // namespace jcm::services
