#include "services/common/record_list.h"

#include <utility>

#include "services/common/page_token.h"
#include "services/common/past_state.h"
#include "services/common/resource_name.h"

namespace jcm::services {

absl::StatusOr<RecordList> OpenList(const std::string& own_registry, const registry::RegistryView& view,
                                    absl::string_view name, uint32_t table,
                                    const jcm::registry::v1::ListRequest& request) {
  JCM_ASSIGN_OR_RETURN(std::string partnership, ParsePartnershipName(request.parent()));
  const BookId book{own_registry, partnership};
  // A request that asks for the present without a filter has the key that it always had.
  std::string list = ListKey({name, request.parent(), request.peer() ? "peer" : "own"});
  if (!request.filter().empty() || request.has_recorded_at()) {
    list = ListKey({list, request.filter(), request.recorded_at().SerializeAsString()});
  }
  JCM_ASSIGN_OR_RETURN(RecordList result, OpenListOf(view, book, request.peer() ? state::Shadow(table) : table, "",
                                                     std::move(list), request.page_size(), request.page_token()));
  result.filter = request.filter();
  JCM_ASSIGN_OR_RETURN(result.reader, StateAsked(view, book, request));
  return result;
}

absl::StatusOr<RecordList> OpenListOf(const registry::RegistryView& view, const BookId& book, uint32_t table,
                                      std::string prefix, std::string list, int32_t page_size,
                                      absl::string_view page_token) {
  RecordList result;
  JCM_ASSIGN_OR_RETURN(result.page_size, CheckPageSize(page_size));
  JCM_ASSIGN_OR_RETURN(result.after, DecodePageToken(page_token, list));
  JCM_RETURN_IF_ERROR(view.Info(book).status());
  result.reader = view.State(book);
  result.table = table;
  result.prefix = std::move(prefix);
  result.list = std::move(list);
  return result;
}

absl::Status VisitPage(
    const RecordList& list,
    const std::function<absl::StatusOr<size_t>(absl::string_view key, absl::string_view value)>& visit,
    std::string* next_page_token) {
  // The smallest key after the last one.
  const std::string from = list.after.empty() ? std::string() : list.after + '\0';
  size_t taken = 0;
  size_t bytes = 0;
  size_t examined = 0;
  std::string last_key;
  absl::Status failure;
  bool more = false;
  JCM_RETURN_IF_ERROR(
      list.reader->Scan(list.table, list.prefix, from, [&](absl::string_view key, absl::string_view value) {
        const bool too_large = taken > 0 && bytes + value.size() > kPageBytesMax;
        if (taken == list.page_size || examined == kExaminedMax || too_large) {
          more = true;
          return false;
        }
        absl::StatusOr<size_t> size = visit(key, value);
        if (!size.ok()) {
          failure = size.status();
          return false;
        }
        ++examined;
        taken += *size > 0 ? 1 : 0;
        bytes += *size;
        last_key = std::string(key);
        return true;
      }));
  JCM_RETURN_IF_ERROR(failure);
  if (more) *next_page_token = EncodePageToken(last_key, list.list);
  return absl::OkStatus();
}

}  // namespace jcm::services
