// Tokens that say where a list goes on.
//
//   const std::string list = ListKey({"OperationService/ListUnitBlocks", request.parent(), request.account()});
//   JCM_ASSIGN_OR_RETURN(std::string after, DecodePageToken(request.page_token(), list));   // "" for the first page
//   response->set_next_page_token(EncodePageToken(last_key, list));
//
// A token is opaque to callers, carries no authority (the next call is authorized by itself), and belongs to one list
// with one filter: PAGE_TOKEN_INVALID otherwise. It does not expire: pages are cut by key, not by position.
#ifndef SERVICES_COMMON_PAGE_TOKEN_H_
#define SERVICES_COMMON_PAGE_TOKEN_H_

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace jcm::services {

inline constexpr int32_t kPageSizeDefault = 100;
inline constexpr int32_t kPageSizeMax = 1'000;
inline constexpr size_t kPageTokenBytesMax = 4'096;

// 0 gives the default. FIELD_INVALID outside 0..1,000.
absl::StatusOr<size_t> CheckPageSize(int32_t page_size);

// What makes the list this list: method, parent, filters. No two different sequences of parts give the same key.
std::string ListKey(std::initializer_list<absl::string_view> parts);

// `last_key` is the last key of the page, not empty.
std::string EncodePageToken(absl::string_view last_key, absl::string_view list);

// The key after which the page begins; empty for an empty token.
absl::StatusOr<std::string> DecodePageToken(absl::string_view token, absl::string_view list);

}  // namespace jcm::services

#endif  // SERVICES_COMMON_PAGE_TOKEN_H_
