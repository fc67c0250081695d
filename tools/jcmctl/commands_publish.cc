// What is published, and the papers for a meeting of the Joint Committee, as files made from checkpoints.
#include <algorithm>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "jcm/registry/v1/publication.grpc.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "tools/jcmctl/commands.h"
#include "tools/publish/agenda.h"
#include "tools/publish/book_at.h"
#include "tools/publish/meeting_pack.h"
#include "tools/publish/names.h"
#include "tools/publish/publication.h"

namespace jcm::ctl {
namespace {

using client::ColumnKind;

// "TH=TEXT" of a flag that may stand several times.
absl::StatusOr<std::map<std::string, std::string>> ParseByPartnership(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> values;
  for (const std::string& text : texts) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    if (parts.first.empty() || parts.second.empty()) return Error(Reason::FIELD_INVALID, absl::StrCat(text, ": TH=…"));
    values[parts.first] = parts.second;
  }
  return values;
}

absl::StatusOr<uint64_t> ParseSize(const std::string& text) {
  uint64_t size = 0;
  if (text.empty()) return size;
  if (!absl::SimpleAtoi(text, &size) || size == 0) return Error(Reason::FIELD_INVALID, absl::StrCat(text, ": a size"));
  return size;
}

absl::StatusOr<publish::BookAt> Read(Session& session, const std::string& partnership, uint64_t size) {
  const auto read = [&session](const api::ListRecordsAtCheckpointRequest& request) {
    return session.Call<api::PublicationService>(&api::PublicationService::Stub::ListRecordsAtCheckpoint, request);
  };
  return publish::ReadBook(read, partnership, size);
}

// The registry's own books of partnerships that have a checkpoint.
absl::StatusOr<std::vector<std::string>> OwnPartnerships(Session& session) {
  JCM_ASSIGN_OR_RETURN(const auto response,
                       session.Call<api::LedgerService>(&api::LedgerService::Stub::ListBooks, api::ListBooksRequest()));
  std::vector<std::string> partnerships;
  for (const api::Book& book : response.books()) {
    const std::string partnership = book.name().substr(book.name().rfind('/') + 1);
    if (!book.mirror() && partnership != kHome && book.checkpoint_size() > 0) partnerships.push_back(partnership);
  }
  return partnerships;
}

void PrintFiles(Session& session, const std::vector<publish::PublishedFile>& files) {
  Rows rows;
  for (const publish::PublishedFile& file : files) {
    rows.push_back({{"name", file.name}, {"bytes", file.bytes.size()}, {"sha256", HexEncode(Sha256(file.bytes))}});
  }
  session.PrintRows(client::Table({{"File", "ファイル", "/name"},
                                   {"Bytes", "バイト", "/bytes", ColumnKind::NUMBER},
                                   {"SHA-256", "SHA-256", "/sha256", ColumnKind::DIGEST}}),
                    rows);
}

// ---- publish
// ---------------------------------------------------------------------------------------------------------

struct PublishFlags {
  std::string to;
  std::vector<std::string> partnerships;
  std::vector<std::string> at;
  std::vector<std::string> comments_to;
  bool tables_only = false;
};

absl::Status Publish(Session& session, const PublishFlags& flags) {
  publish::PublishSettings settings;
  settings.tables_only = flags.tables_only;
  JCM_ASSIGN_OR_RETURN(settings.comments_to, ParseByPartnership(flags.comments_to));
  JCM_ASSIGN_OR_RETURN(const auto sizes, ParseByPartnership(flags.at));
  std::vector<std::string> partnerships = flags.partnerships;
  if (partnerships.empty()) {
    JCM_ASSIGN_OR_RETURN(partnerships, OwnPartnerships(session));
  }
  std::sort(partnerships.begin(), partnerships.end());
  std::vector<publish::BookAt> books;
  for (const std::string& partnership : partnerships) {
    const auto size_text = sizes.find(partnership);
    JCM_ASSIGN_OR_RETURN(const uint64_t size, ParseSize(size_text == sizes.end() ? "" : size_text->second));
    JCM_ASSIGN_OR_RETURN(publish::BookAt book, Read(session, partnership, size));
    session.Say(absl::StrCat("checkpoint ", book.CheckpointText(), "\n"));
    books.push_back(std::move(book));
  }
  const std::vector<publish::PublishedFile> files = publish::MakePublication(books, settings);
  JCM_RETURN_IF_ERROR(publish::WritePublication(files, flags.to, session.files()));
  PrintFiles(session, files);
  return absl::OkStatus();
}

// ---- meeting
// ---------------------------------------------------------------------------------------------------------

struct PackFlags {
  std::string to;
  std::string partnership;
  std::string date;
  std::string name;
  std::string place;
  std::string at;
};

// "JP-TH" and "TH" are the same partnership.
std::string PartnershipOf(const std::string& text) {
  constexpr char kJapanAnd[] = "JP-";
  return text.rfind(kJapanAnd, 0) == 0 ? text.substr(sizeof(kJapanAnd) - 1) : text;
}

void PrintAgenda(Session& session, const publish::Agenda& agenda) {
  const bool japanese = session.options().language == client::Language::JA;
  Rows rows;
  for (const publish::AgendaItem& item : agenda.items) {
    const publish::Words kind = publish::DecisionKindName(item.kind);
    const publish::Words ripeness = publish::RipenessName(item.ripeness);
    nlohmann::ordered_json row;
    row["number"] = item.number;
    row["kind_en"] = kind.en;
    row["kind_ja"] = kind.ja;
    row["reference"] = item.reference;
    row["name"] = item.name;
    row["title_en"] = item.title.en;
    row["title_ja"] = item.title.ja;
    row["ripeness_en"] = ripeness.en;
    row["ripeness_ja"] = ripeness.ja;
    rows.push_back(std::move(row));
  }
  session.PrintRows(client::Table({{"No.", "番号", "/number"},
                                   {"Decision", "決定", japanese ? "/kind_ja" : "/kind_en"},
                                   {"Reference", "参照番号", "/reference"},
                                   {"Title", "名称", japanese ? "/title_ja" : "/title_en"},
                                   {"Ripeness", "状況", japanese ? "/ripeness_ja" : "/ripeness_en"}}),
                    rows);
}

absl::Status MakePack(Session& session, const PackFlags& flags) {
  publish::Meeting meeting;
  JCM_ASSIGN_OR_RETURN(meeting.day, ParseDate(flags.date));
  meeting.name = flags.name;
  meeting.place = flags.place;
  JCM_ASSIGN_OR_RETURN(const uint64_t size, ParseSize(flags.at));
  JCM_ASSIGN_OR_RETURN(const publish::BookAt book, Read(session, PartnershipOf(flags.partnership), size));
  session.Say(absl::StrCat("checkpoint ", book.CheckpointText(), "\n"));
  JCM_RETURN_IF_ERROR(publish::WritePublication(publish::MakeMeetingPack(book, meeting), flags.to, session.files()));
  PrintAgenda(session, publish::AgendaOf(book, meeting.day));
  return absl::OkStatus();
}

}  // namespace

void AddPublishCommands(CLI::App& app, Session& session) {
  auto publish = std::make_shared<PublishFlags>();
  CLI::App* command = AddCommand(&app, session, "publish", "Writes what the public may read, as files for a web server",
                                 publish, &Publish);
  command->add_option("--to", publish->to, "Folder")->required();
  command->add_option("--partnership", publish->partnerships, "TH; repeatable; all if left out");
  command->add_option("--at", publish->at,
                      "TH=1204: at that size of the book; default: the newest checkpoint; repeatable");
  command->add_option("--comments-to", publish->comments_to, "TH=ADDRESS where comments go; repeatable");
  command->add_flag("--tables-only", publish->tables_only, "Projects, methodologies and credits only");

  CLI::App* group = AddGroup(app, "meeting", "Meetings of the Joint Committee");
  auto pack = std::make_shared<PackFlags>();
  command = AddCommand(group, session, "pack",
                       "Agenda, decision texts, annexes, draft of the minutes, table for the press", pack, &MakePack);
  command->add_option("--partnership", pack->partnership, "TH, or JP-TH")->required();
  command->add_option("--date", pack->date, "Of the meeting")->required();
  command->add_option("--name", pack->name, "8th Joint Committee");
  command->add_option("--place", pack->place);
  command->add_option("--at", pack->at, "Size of the book; default: the newest checkpoint");
  command->add_option("--to", pack->to, "Folder")->required();
}

}  // namespace jcm::ctl
