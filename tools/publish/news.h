// The two news feeds: decisions of the Joint Committees, and calls for public input.
#ifndef TOOLS_PUBLISH_NEWS_H_
#define TOOLS_PUBLISH_NEWS_H_

#include <map>
#include <string>
#include <vector>

#include "tools/publish/book_at.h"
#include "tools/publish/feed.h"

namespace jcm::publish {

// Where comments go, by partnership: an address or a page. A partnership that is not in it has none stated.
using CommentAddresses = std::map<std::string, std::string>;

// Decisions that both sides confirmed, and those that one side disputes.
Feed DecisionsFeed(const std::vector<BookAt>& books);

// One item for each call; opened and closed are changes of the same item.
Feed InputsFeed(const std::vector<BookAt>& books, const CommentAddresses& addresses);
// All calls as data, in both languages: {"checkpoints", "calls": [...]}.
std::string InputsJson(const std::vector<BookAt>& books, const CommentAddresses& addresses);

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_NEWS_H_
