#include "ledger/book/strict_json.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"

namespace jcm::book {

absl::StatusOr<nlohmann::json> ParseJson(absl::string_view text, size_t bytes_max, Reason reason) {
  if (text.size() > bytes_max) return Error(reason, "too large");
  std::vector<std::set<std::string>> names;  // of the members of the objects around the parser's place
  bool acceptable = true;
  auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    if (depth > kJsonDepthMax) acceptable = false;
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end) names.pop_back();
    if (event == Event::key && !names.back().insert(value.get<std::string>()).second) acceptable = false;
    return acceptable;
  };
  nlohmann::json root =
      nlohmann::json::parse(text.data(), text.data() + text.size(), watch, /*allow_exceptions=*/false);
  if (!acceptable) return Error(reason, "a member stands twice, or the nesting is too deep");
  if (root.is_discarded()) return Error(reason, "not JSON");
  return root;
}

absl::StatusOr<JsonObject> JsonObject::Of(const nlohmann::json& value, std::initializer_list<const char*> known,
                                          Reason reason) {
  if (!value.is_object()) return Error(reason, "not an object");
  for (const auto& member : value.items()) {
    const bool is_known =
        std::any_of(known.begin(), known.end(), [&](const char* name) { return member.key() == name; });
    if (!is_known) return Error(reason, absl::StrCat("unknown member ", member.key()));
  }
  return JsonObject(&value, reason);
}

absl::StatusOr<const nlohmann::json*> JsonObject::Member(const char* name) const {
  auto member = value_->find(name);
  if (member == value_->end()) return Malformed(absl::StrCat("no member ", name));
  return &*member;
}

absl::StatusOr<std::string> JsonObject::String(const char* name) const {
  JCM_ASSIGN_OR_RETURN(const nlohmann::json* member, Member(name));
  if (!member->is_string()) return Malformed(absl::StrCat(name, " is not a string"));
  return member->get<std::string>();
}

absl::StatusOr<uint64_t> JsonObject::Unsigned(const char* name) const {
  JCM_ASSIGN_OR_RETURN(const nlohmann::json* member, Member(name));
  if (!member->is_number_unsigned()) return Malformed(absl::StrCat(name, " is not a number from 0 on"));
  return member->get<uint64_t>();
}

absl::StatusOr<bool> JsonObject::Bool(const char* name) const {
  JCM_ASSIGN_OR_RETURN(const nlohmann::json* member, Member(name));
  if (!member->is_boolean()) return Malformed(absl::StrCat(name, " is neither true nor false"));
  return member->get<bool>();
}

absl::StatusOr<std::string> JsonObject::Base64(const char* name) const {
  JCM_ASSIGN_OR_RETURN(std::string text, String(name));
  absl::StatusOr<std::string> bytes = Base64Decode(text);
  if (!bytes.ok()) return Malformed(absl::StrCat(name, " is not canonical Base64"));
  return bytes;
}

absl::StatusOr<const nlohmann::json*> JsonObject::Array(const char* name) const {
  JCM_ASSIGN_OR_RETURN(const nlohmann::json* member, Member(name));
  if (!member->is_array()) return Malformed(absl::StrCat(name, " is not an array"));
  return member;
}

}  // namespace jcm::book
