#include "tools/publish/publication.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "nlohmann/json.hpp"
#include "tools/publish/feed.h"
#include "tools/publish/pipeline.h"
#include "tools/publish/site_tables.h"

namespace jcm::publish {
namespace {

constexpr char kManifest[] = "manifest.json";

std::string ManifestOf(const std::vector<BookAt>& books, const PublishSettings& settings,
                       const std::vector<PublishedFile>& publication) {
  nlohmann::ordered_json json;
  json["publisher"] = PublisherOf(books).en;
  json["as_of"] = FormatRfc3339(BookTime::FromMicros(NewestTime(books)));
  json["checkpoints"] = nlohmann::ordered_json::array();
  for (const BookAt& book : books) {
    json["checkpoints"].push_back({{"origin", book.checkpoint.origin()},
                                   {"size", book.checkpoint.size()},
                                   {"root", HexEncode(book.checkpoint.root())},
                                   {"time", FormatRfc3339(book.time())},
                                   {"demonstration", book.checkpoint.demonstration()},
                                   {"text", book.CheckpointText()}});
  }
  json["settings"] = {{"tables_only", settings.tables_only}, {"comments_to", nlohmann::ordered_json::object()}};
  for (const auto& [partnership, address] : settings.comments_to)
    json["settings"]["comments_to"][partnership] = address;
  json["files"] = nlohmann::ordered_json::array();
  for (const PublishedFile& file : publication) {
    json["files"].push_back(
        {{"name", file.name}, {"bytes", file.bytes.size()}, {"sha256", HexEncode(Sha256(file.bytes))}});
  }
  return json.dump(1) + "\n";
}

void AddNews(const std::vector<BookAt>& books, const PublishSettings& settings, std::vector<PublishedFile>* files) {
  files->push_back({"pipeline.csv", PipelineCsv(books)});
  files->push_back({"pipeline.svg", PipelineSvg(books)});
  const Feed decisions = DecisionsFeed(books);
  const Feed inputs = InputsFeed(books, settings.comments_to);
  for (const Language language : {Language::kEnglish, Language::kJapanese}) {
    files->push_back({absl::StrCat("decisions.", Tag(language), ".atom"), AtomOf(decisions, language)});
    files->push_back({absl::StrCat("decisions.", Tag(language), ".json"), JsonFeedOf(decisions, language)});
    files->push_back({absl::StrCat("public-inputs.", Tag(language), ".atom"), AtomOf(inputs, language)});
  }
  files->push_back({"public-inputs.json", InputsJson(books, settings.comments_to)});
}

}  // namespace

std::vector<PublishedFile> MakePublication(const std::vector<BookAt>& books, const PublishSettings& settings) {
  std::vector<PublishedFile> files;
  for (const TableForm form : {TableForm::kSite, TableForm::kIso}) {
    const std::string prefix = form == TableForm::kSite ? "site-" : "";
    files.push_back({prefix + "projects.csv", ProjectsCsv(books, form)});
    files.push_back({prefix + "methodologies.csv", MethodologiesCsv(books, form)});
    files.push_back({prefix + "credits.csv", CreditsCsv(books, form)});
  }
  if (!settings.tables_only) AddNews(books, settings, &files);
  std::string manifest = ManifestOf(books, settings, files);
  files.push_back({kManifest, std::move(manifest)});
  return files;
}

absl::Status WritePublication(const std::vector<PublishedFile>& publication, const std::string& folder,
                              FileSystem& files) {
  JCM_RETURN_IF_ERROR(files.MakeDirs(folder));
  for (const PublishedFile& file : publication) {
    const std::string path = absl::StrCat(folder, "/", file.name);
    const absl::StatusOr<std::string> present = files.ReadFile(path);
    if (present.ok() && *present == file.bytes) continue;
    JCM_RETURN_IF_ERROR(files.WriteFileAtomically(path, file.bytes, FileMode::ALL));
  }
  return absl::OkStatus();
}

}  // namespace jcm::publish
