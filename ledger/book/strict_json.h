// JSON as formats need it: no doubled or unknown members, no exceptions, errors with a reason of the caller's choice.
//
//   JCM_ASSIGN_OR_RETURN(nlohmann::json root, ParseJson(text, kTrustBytesMax, Reason::TRUST_MALFORMED));
//   JCM_ASSIGN_OR_RETURN(JsonObject object, JsonObject::Of(root, {"format", "books"}, Reason::TRUST_MALFORMED));
//   JCM_ASSIGN_OR_RETURN(std::string format, object.String("format"));
#ifndef LEDGER_BOOK_STRICT_JSON_H_
#define LEDGER_BOOK_STRICT_JSON_H_

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/status.h"
#include "nlohmann/json.hpp"

namespace jcm::book {

inline constexpr int kJsonDepthMax = 16;

// Errors: `reason` if the text is larger than `bytes_max`, not JSON in UTF-8, nested deeper than kJsonDepthMax, or
// names a member of an object twice.
absl::StatusOr<nlohmann::json> ParseJson(absl::string_view text, size_t bytes_max, Reason reason);

// A view of an object all of whose members are known. The JSON must outlive it. Every error has the given reason.
class JsonObject {
 public:
  static absl::StatusOr<JsonObject> Of(const nlohmann::json& value, std::initializer_list<const char*> known,
                                       Reason reason);

  bool Has(const char* name) const { return value_->contains(name); }
  absl::StatusOr<std::string> String(const char* name) const;
  absl::StatusOr<uint64_t> Unsigned(const char* name) const;
  absl::StatusOr<bool> Bool(const char* name) const;
  // A string in canonical Base64, decoded.
  absl::StatusOr<std::string> Base64(const char* name) const;
  absl::StatusOr<const nlohmann::json*> Array(const char* name) const;
  absl::StatusOr<const nlohmann::json*> Member(const char* name) const;

  absl::Status Malformed(absl::string_view detail) const { return Error(reason_, detail); }

 private:
  JsonObject(const nlohmann::json* value, Reason reason) : value_(value), reason_(reason) {}

  const nlohmann::json* value_;
  Reason reason_;
};

}  // namespace jcm::book

#endif  // LEDGER_BOOK_STRICT_JSON_H_
