#include "services/common/page_token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::services {
namespace {

constexpr size_t kCheckBytes = 8;

// Binds the key to its list, and notices typing errors. It keeps no secret: a made-up token shows nothing that its
// maker could not list anyway.
std::string Check(absl::string_view last_key, absl::string_view list) {
  const Digest digest = Sha256(ListKey({"jcm page token 1", list, last_key}));
  return std::string(AsBytes(digest).substr(0, kCheckBytes));
}

}  // namespace

absl::StatusOr<size_t> CheckPageSize(int32_t page_size) {
  if (page_size == 0) return static_cast<size_t>(kPageSizeDefault);
  if (page_size < 1 || page_size > kPageSizeMax) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("page_size ", page_size, " is not in 1..", kPageSizeMax));
  }
  return static_cast<size_t>(page_size);
}

std::string ListKey(std::initializer_list<absl::string_view> parts) {
  std::string key;
  for (absl::string_view part : parts) absl::StrAppend(&key, part.size(), ":", part);
  return key;
}

std::string EncodePageToken(absl::string_view last_key, absl::string_view list) {
  return absl::WebSafeBase64Escape(absl::StrCat(Check(last_key, list), last_key));
}

absl::StatusOr<std::string> DecodePageToken(absl::string_view token, absl::string_view list) {
  if (token.empty()) return std::string();
  std::string bytes;
  if (token.size() > kPageTokenBytesMax || !absl::WebSafeBase64Unescape(token, &bytes) || bytes.size() <= kCheckBytes) {
    return Error(Reason::PAGE_TOKEN_INVALID);
  }
  std::string key = bytes.substr(kCheckBytes);
  if (EncodePageToken(key, list) != token) return Error(Reason::PAGE_TOKEN_INVALID);
  return key;
}

}  // namespace jcm::services
