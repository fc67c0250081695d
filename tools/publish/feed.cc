#include "tools/publish/feed.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"

namespace jcm::publish {
namespace {

// The tag's date says when the domain was the publisher's. One date for all keeps ids the same for ever: the day from
// which Japan's registry has been run by a designated implementing organization.
constexpr char kTagDate[] = "2025-04-01";
constexpr char kCheckpointScheme[] = "checkpoint";
constexpr char kTopicScheme[] = "topic";
constexpr char kPartnershipScheme[] = "partnership";

std::string DomainOf(const BookAt& book) {
  const std::string& origin = book.checkpoint.origin();
  return origin.substr(0, origin.find('/'));
}

std::string TimeText(uint64_t micros) { return FormatRfc3339(BookTime::FromMicros(micros)); }

std::string Element(absl::string_view name, absl::string_view text) {
  return absl::StrCat("<", name, ">", EscapeXml(text), "</", name, ">\n");
}

std::string Category(absl::string_view scheme, absl::string_view term) {
  return absl::StrCat("<category scheme=\"urn:x-jcm-registry:", scheme, "\" term=\"", EscapeXml(term), "\"/>\n");
}

}  // namespace

std::string EscapeXml(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        // XML has no other control characters than these.
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') escaped += c;
        break;
    }
  }
  return escaped;
}

std::string TagUri(const BookAt& book, const std::string& what) {
  return absl::StrCat("tag:", DomainOf(book), ",", kTagDate, ":", book.checkpoint.registry(), "/",
                      book.checkpoint.partnership(), "/", what);
}

std::string FeedTagUri(const std::vector<BookAt>& books, const std::string& what) {
  if (books.empty()) return absl::StrCat("tag:invalid,", kTagDate, ":", what);
  return absl::StrCat("tag:", DomainOf(books.front()), ",", kTagDate, ":", books.front().checkpoint.registry(), "/",
                      what);
}

uint64_t NewestTime(const std::vector<BookAt>& books) {
  uint64_t newest = 0;
  for (const BookAt& book : books) newest = std::max(newest, book.time().micros);
  return newest;
}

Words PublisherOf(const std::vector<BookAt>& books) {
  if (books.empty()) return {"JCM registry", "JCM登録簿"};
  const Words country = CountryOfRegistry(books.front().checkpoint.registry());
  return {absl::StrCat("JCM registry of ", country.en), absl::StrCat(country.ja, "のJCM登録簿")};
}

bool IsDemonstration(const std::vector<BookAt>& books) {
  return std::any_of(books.begin(), books.end(), [](const BookAt& book) { return book.checkpoint.demonstration(); });
}

Words Marked(bool demonstration, Words title) {
  if (!demonstration) return title;
  return {absl::StrCat("DEMONSTRATION, NOT AN OFFICIAL RECORD: ", title.en),
          absl::StrCat("デモ用・公式記録ではない: ", title.ja)};
}

void SortItems(Feed* feed) {
  std::sort(feed->items.begin(), feed->items.end(), [](const FeedItem& a, const FeedItem& b) {
    return std::tie(b.updated_us, a.id) < std::tie(a.updated_us, b.id);
  });
  if (feed->items.size() > kFeedItemsMax) feed->items.resize(kFeedItemsMax);
}

std::string AtomOf(const Feed& feed, Language language) {
  std::string xml =
      absl::StrCat("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" ",
                   "xml:lang=\"", Tag(language), "\">\n");
  xml += Element("id", absl::StrCat(feed.id, ".", Tag(language)));
  xml += Element("title", feed.title.In(language));
  xml += Element("updated", TimeText(feed.updated_us));
  absl::StrAppend(&xml, "<author>", Element("name", feed.author.In(language)), "</author>\n");
  for (const std::string& checkpoint : feed.checkpoints) xml += Category(kCheckpointScheme, checkpoint);
  for (const FeedItem& item : feed.items) {
    xml += "<entry>\n";
    xml += Element("id", item.id);
    xml += Element("title", item.title.In(language));
    xml += Element("published", TimeText(item.published_us));
    xml += Element("updated", TimeText(item.updated_us));
    xml += Category(kPartnershipScheme, item.partnership);
    xml += Category(kTopicScheme, item.topic);
    absl::StrAppend(&xml, "<content type=\"text\">", EscapeXml(item.text.In(language)), "</content>\n</entry>\n");
  }
  return xml + "</feed>\n";
}

std::string JsonFeedOf(const Feed& feed, Language language) {
  nlohmann::ordered_json json;
  json["version"] = "https://jsonfeed.org/version/1.1";
  json["title"] = feed.title.In(language);
  json["language"] = Tag(language);
  nlohmann::ordered_json author;
  author["name"] = feed.author.In(language);
  json["authors"].push_back(author);
  // An extension, as JSON Feed has them: a member whose name begins with an underscore.
  json["_jcm"] = {{"about", "checkpoints of the ledger's books that this feed was made from: origin, size, root hash"},
                  {"updated", TimeText(feed.updated_us)},
                  {"checkpoints", feed.checkpoints}};
  json["items"] = nlohmann::ordered_json::array();
  for (const FeedItem& item : feed.items) {
    nlohmann::ordered_json one;
    one["id"] = item.id;
    one["title"] = item.title.In(language);
    one["content_text"] = item.text.In(language);
    one["date_published"] = TimeText(item.published_us);
    one["date_modified"] = TimeText(item.updated_us);
    one["tags"] = {item.partnership, item.topic};
    one["_jcm"] = item.data;
    json["items"].push_back(std::move(one));
  }
  return json.dump(1) + "\n";
}

}  // namespace jcm::publish
