#include "tools/publish/news.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "tools/publish/decision_text.h"
#include "tools/publish/public_view.h"

namespace jcm::publish {
namespace {

Feed NewFeed(const std::vector<BookAt>& books, const std::string& what, Words title) {
  Feed feed;
  feed.id = FeedTagUri(books, what);
  feed.title = Marked(IsDemonstration(books), std::move(title));
  feed.author = PublisherOf(books);
  feed.updated_us = NewestTime(books);
  for (const BookAt& book : books) feed.checkpoints.push_back(book.CheckpointText());
  return feed;
}

Words Join(const std::vector<Words>& lines) {
  const auto join = [&](Language language) {
    return absl::StrJoin(lines, "\n",
                         [language](std::string* out, const Words& line) { absl::StrAppend(out, line.In(language)); });
  };
  return {join(Language::kEnglish), join(Language::kJapanese)};
}

// "Thailand: TITLE".
Words WithCountry(const BookAt& book, const Words& title) {
  const Words country = PartnerName(book.checkpoint.partnership());
  return {absl::StrCat(country.en, ": ", title.en), absl::StrCat(country.ja, "：", title.ja)};
}

FeedItem ItemOf(const BookAt& book, const DecisionAt& decision) {
  FeedItem item;
  item.id = TagUri(book, absl::StrCat("decision/", decision.record.decision_id()));
  const Words kind = DecisionKindName(decision.text.kind());
  const std::string& title = decision.text.title();
  item.title = WithCountry(
      book, {title.empty() ? kind.en : title, title.empty() ? kind.ja : absl::StrCat(kind.ja, "（", title, "）")});
  std::vector<Words> lines = {kind, OccasionOf(decision), StandingOf(decision)};
  for (Words& line : LinesOf(book, decision)) lines.push_back(std::move(line));
  item.text = Join(lines);
  // Public once both sides have said what they think of it.
  item.published_us = item.updated_us =
      std::max(decision.record.outcome_recorded_at_us(), decision.reaction->answered_at_us());
  item.partnership = book.checkpoint.partnership();
  item.topic = TopicOf(decision.text.kind());
  item.data = DataOf(book, decision);
  return item;
}

Words SubjectOf(const InputCall& call) {
  const Words title = TitleOf(*call.dossier);
  const Words strand = StrandName(call.dossier->record.kind(), call.strand);
  return {absl::StrCat(call.reference, " ", title.en, " (", strand.en, ")"),
          absl::StrCat(call.reference, " ", title.ja, "（", strand.ja, "）")};
}

std::string AddressOf(const BookAt& book, const CommentAddresses& addresses) {
  const auto found = addresses.find(book.checkpoint.partnership());
  return found == addresses.end() ? "" : found->second;
}

std::string LastDay(const InputCall& call) { return call.last_day_known ? FormatDate(call.last_day) : ""; }

nlohmann::ordered_json DataOf(const BookAt& book, const InputCall& call, const std::string& address) {
  const Words country = PartnerName(book.checkpoint.partnership());
  const Words title = TitleOf(*call.dossier);
  const Words strand = StrandName(call.dossier->record.kind(), call.strand);
  nlohmann::ordered_json json = {{"id", TagUri(book, absl::StrCat("public-input/", call.dossier->record.dossier_id(),
                                                                  "/", call.strand, "/", call.instance))},
                                 {"partnership", book.checkpoint.partnership()},
                                 {"country_en", country.en},
                                 {"country_ja", country.ja},
                                 {"reference", call.reference},
                                 {"title_en", title.en},
                                 {"title_ja", title.ja},
                                 {"about_en", strand.en},
                                 {"about_ja", strand.ja},
                                 {"state", call.open ? "open" : "closed"},
                                 {"first_day", FormatDate(call.first_day)},
                                 {"last_day", nullptr},
                                 {"comments_to", nullptr},
                                 {"comments", call.comments},
                                 {"documents", nlohmann::ordered_json::array()}};
  if (call.last_day_known) json["last_day"] = FormatDate(call.last_day);
  if (!address.empty()) json["comments_to"] = address;
  for (const v1::Document& document : call.documents) {
    json["documents"].push_back({{"form", document.form()},
                                 {"name", document.name()},
                                 {"version", document.version()},
                                 {"media_type", document.media_type()},
                                 {"sha256", HexEncode(document.public_digest())},
                                 {"partly_withheld", !document.redaction_reason().empty()}});
  }
  return json;
}

FeedItem ItemOf(const BookAt& book, const InputCall& call, const std::string& address) {
  FeedItem item;
  item.data = DataOf(book, call, address);
  item.id = item.data["id"];
  const Words subject = SubjectOf(call);
  item.title = WithCountry(book, call.open ? Words{absl::StrCat("Call for public inputs: ", subject.en),
                                                   absl::StrCat("意見募集：", subject.ja)}
                                           : Words{absl::StrCat("Public inputs closed: ", subject.en),
                                                   absl::StrCat("意見募集終了：", subject.ja)});
  std::vector<Words> lines = {
      {absl::StrCat("Period: ", FormatDate(call.first_day), " to ", LastDay(call), ", both days included"),
       absl::StrCat("期間：", FormatDate(call.first_day), "～", LastDay(call), "（両日を含む）")}};
  if (address.empty()) {
    lines.push_back(
        {"Where comments go is not stated; ask the secretariat.", "提出先は記載なし。事務局に照会のこと。"});
  } else {
    lines.push_back({absl::StrCat("Comments to: ", address), absl::StrCat("提出先：", address)});
  }
  for (const v1::Document& document : call.documents) {
    const std::string line =
        absl::StrCat(document.form(), " ", document.name(), " SHA-256 ", HexEncode(document.public_digest()));
    lines.push_back({line, line});
  }
  item.text = Join(lines);
  item.published_us = call.opened_at_us;
  item.updated_us = call.changed_at_us;
  item.partnership = book.checkpoint.partnership();
  item.topic = call.open ? "open" : "closed";
  return item;
}

}  // namespace

Feed DecisionsFeed(const std::vector<BookAt>& books) {
  Feed feed = NewFeed(books, "decisions", {"Decisions of the Joint Committees", "合同委員会の決定"});
  for (const BookAt& book : books) {
    for (const DecisionAt& decision : book.decisions) {
      if (decision.Confirmed() || decision.Disputed()) feed.items.push_back(ItemOf(book, decision));
    }
  }
  SortItems(&feed);
  return feed;
}

Feed InputsFeed(const std::vector<BookAt>& books, const CommentAddresses& addresses) {
  Feed feed = NewFeed(books, "public-inputs", {"Calls for public inputs", "意見募集"});
  for (const BookAt& book : books) {
    for (const InputCall& call : CallsOf(book)) feed.items.push_back(ItemOf(book, call, AddressOf(book, addresses)));
  }
  SortItems(&feed);
  return feed;
}

std::string InputsJson(const std::vector<BookAt>& books, const CommentAddresses& addresses) {
  nlohmann::ordered_json json;
  json["checkpoints"] = nlohmann::ordered_json::array();
  json["calls"] = nlohmann::ordered_json::array();
  for (const BookAt& book : books) {
    json["checkpoints"].push_back(book.CheckpointText());
    for (const InputCall& call : CallsOf(book)) {
      json["calls"].push_back(DataOf(book, call, AddressOf(book, addresses)));
    }
  }
  return json.dump(1) + "\n";
}

}  // namespace jcm::publish
