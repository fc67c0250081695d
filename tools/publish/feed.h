// A list of news as Atom (RFC 4287) and as JSON Feed 1.1, in one language each.
//
//   Feed feed{...};
//   std::string xml = AtomOf(feed, Language::kJapanese);
//
// Ids are tag URIs (RFC 4151) made from what the item is, so they stay whatever is published again. The same feed gives
// the same bytes.
#ifndef TOOLS_PUBLISH_FEED_H_
#define TOOLS_PUBLISH_FEED_H_

#include <cstdint>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tools/publish/book_at.h"
#include "tools/publish/names.h"

namespace jcm::publish {

// A feed shows its newest items; what is older stays in the tables.
inline constexpr size_t kFeedItemsMax = 1'000;

struct FeedItem {
  std::string id;  // tag URI
  Words title;
  Words text;  // plain, lines
  uint64_t published_us = 0;
  uint64_t updated_us = 0;
  std::string partnership;
  std::string topic;            // "registration", "open": for programs that sort
  nlohmann::ordered_json data;  // the same for programs
};

struct Feed {
  std::string id;
  Words title;
  Words author;
  uint64_t updated_us = 0;
  std::vector<std::string> checkpoints;  // BookAt::CheckpointText of each book
  std::vector<FeedItem> items;
};

// "tag:registry.example,2025-04-01:JPN/TH/decision/TH-JC7": the domain of the book's origin, and the registry's words.
std::string TagUri(const BookAt& book, const std::string& what);
std::string FeedTagUri(const std::vector<BookAt>& books, const std::string& what);

// The newest first, then by id; no more than kFeedItemsMax.
void SortItems(Feed* feed);

std::string AtomOf(const Feed& feed, Language language);
std::string JsonFeedOf(const Feed& feed, Language language);

// The newest instant of the books, which is "now" of all that is made from them.
uint64_t NewestTime(const std::vector<BookAt>& books);
// The government whose registry publishes, and that it is a demonstration, if it is one.
Words PublisherOf(const std::vector<BookAt>& books);
bool IsDemonstration(const std::vector<BookAt>& books);
Words Marked(bool demonstration, Words title);

std::string EscapeXml(absl::string_view text);

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_FEED_H_
