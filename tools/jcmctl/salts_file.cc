#include "tools/jcmctl/salts_file.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "tools/client/particulars.h"

namespace jcm::ctl {

using nlohmann::ordered_json;

SaltsFile::SaltsFile(Session& session, const std::string& partnership, std::string path)
    : session_(session), path_(std::move(path)) {
  json_["registry"] = session.options().registry;
  json_["partnership"] = partnership;
  json_["openings"] = ordered_json::array();
}

std::string SaltsFile::Commit(const std::string& field, const std::string& value) {
  if (value.empty()) return "";
  const client::Commitment commitment = client::Commit(value, session_.random());
  json_["openings"].push_back({{"field", field}, {"value", value}, {"salt", HexEncode(commitment.salt)}});
  session_.ShowBeside(absl::StrCat(field, " (as a salted hash only): ", value));
  return commitment.digest;
}

std::string SaltsFile::SaltOf(const std::string& field) const {
  for (const ordered_json& opening : json_["openings"]) {
    if (opening["field"] == field) return opening["salt"].get<std::string>();
  }
  return "";
}

absl::Status SaltsFile::Save() const {
  if (session_.options().dry_run) return absl::OkStatus();  // nothing will be committed to
  if (path_.empty()) {
    if (json_["openings"].empty()) return absl::OkStatus();
    return Error(Reason::FIELD_REQUIRED, "--salts FILE keeps what opens the commitments");
  }
  return session_.files().WriteFileAtomically(path_, json_.dump(2) + "\n");
}

absl::Status SaltsFile::SaveWithSequence() {
  const api::SubmitBundleResponse& response = session_.last_response();
  if (session_.options().dry_run || response.results_size() != 1) return absl::OkStatus();
  json_["sequence"] = response.results(0).sequence();
  return Save();
}

absl::StatusOr<SavedOpenings> ReadSalts(Session& session, const std::string& path) {
  JCM_ASSIGN_OR_RETURN(std::string text, session.files().ReadFile(path));
  const ordered_json json = ordered_json::parse(text, nullptr, false);
  const auto is_text = [](const ordered_json& object, const char* field) {
    return object.is_object() && object.contains(field) && object[field].is_string();
  };
  if (!is_text(json, "registry") || !is_text(json, "partnership") || !json.contains("openings")) {
    return Error(Reason::FIELD_INVALID, absl::StrCat(path, " is no file of salts"));
  }
  if (!json.contains("sequence") || !json["sequence"].is_number_unsigned()) {
    return Error(Reason::FIELD_INVALID,
                 absl::StrCat(path, " does not say which entry it opens: was the act recorded?"));
  }
  SavedOpenings saved;
  saved.entry = absl::StrCat("books/", json["registry"].get<std::string>(), "/", json["partnership"].get<std::string>(),
                             "/entries/", json["sequence"].get<uint64_t>());
  for (const ordered_json& item : json["openings"]) {
    if (!is_text(item, "field") || !is_text(item, "value") || !is_text(item, "salt")) {
      return Error(Reason::FIELD_INVALID, absl::StrCat(path, ": an opening has field, value and salt"));
    }
    book::Opening opening;
    opening.field = item["field"].get<std::string>();
    opening.value = item["value"].get<std::string>();
    JCM_ASSIGN_OR_RETURN(opening.salt, HexDecode(item["salt"].get<std::string>()));
    saved.openings.push_back(std::move(opening));
  }
  return saved;
}

}  // namespace jcm::ctl
