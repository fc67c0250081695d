#include "tools/publish/meeting_pack.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "nlohmann/json.hpp"
#include "tools/publish/decision_text.h"
#include "tools/publish/feed.h"
#include "tools/publish/paper.h"

namespace jcm::publish {
namespace {

Words Join(const std::vector<Words>& list, const char* separator_en, const char* separator_ja) {
  const auto join = [&](Language language, const char* separator) {
    return absl::StrJoin(list, separator,
                         [language](std::string* out, const Words& one) { absl::StrAppend(out, one.In(language)); });
  };
  return {join(Language::kEnglish, separator_en), join(Language::kJapanese, separator_ja)};
}

std::string Day(uint64_t micros) { return micros == 0 ? "" : FormatDate(DayInZone(BookTime::FromMicros(micros), 0)); }

uint64_t DaysUntil(const BookAt& book, uint64_t since_us) {
  return since_us >= book.time().micros ? 0 : (book.time().micros - since_us) / kMicrosPerDay;
}

class Pack {
 public:
  Pack(const BookAt& book, const Meeting& meeting)
      : book_(book), meeting_(meeting), agenda_(AgendaOf(book, meeting.day)) {}

  std::vector<PublishedFile> Make() {
    Add("agenda", AgendaPaper());
    Add("decision-texts", DecisionTexts());
    Add("annexes", Annexes());
    Add("minutes-draft", Minutes());
    Add("press-table", PressTable());
    std::string manifest = Manifest();
    files_.push_back({"manifest.json", std::move(manifest)});
    return std::move(files_);
  }

 private:
  // What every paper begins with.
  Paper Begin(const Words& what) const {
    const Words name =
        meeting_.name.empty() ? Words{"Joint Committee", "合同委員会"} : Words{meeting_.name, meeting_.name};
    const Words country = PartnerName(book_.checkpoint.partnership());
    const std::string day = FormatDate(meeting_.day);
    Paper paper(Marked(book_.checkpoint.demonstration(),
                       {absl::StrCat(what.en, ": ", name.en, ", ", country.en, "–Japan, ", day),
                        absl::StrCat(what.ja, "：日本・", country.ja, " ", name.ja, " ", day)}));
    const std::string time = FormatRfc3339(book_.time());
    paper.Text({absl::StrCat("From the ledger at checkpoint ", book_.CheckpointText(), " (", time, ")."),
                absl::StrCat("台帳のチェックポイント ", book_.CheckpointText(), "（", time, "）による。")});
    return paper;
  }

  Paper AgendaPaper() const {
    Paper paper = Begin({"Agenda", "議題案"});
    const std::string& place = meeting_.place;
    paper.Text({absl::StrCat("Place: ", place.empty() ? "to be stated" : place),
                absl::StrCat("場所：", place.empty() ? "未定" : place)});
    paper.Heading({"For decision", "決定事項"});
    std::vector<Paper::Row> rows;
    for (const AgendaItem& item : agenda_.items) {
      rows.push_back({Same(std::to_string(item.number)), DecisionKindName(item.kind), Same(item.reference), item.title,
                      RipenessName(item.ripeness), item.standing, Same(std::to_string(DaysUntil(book_, item.since_us))),
                      Same(Day(item.due_us))});
    }
    paper.Table({{"No.", "番号"},
                 {"Decision", "決定の種類"},
                 {"Reference", "参照番号"},
                 {"Title", "名称"},
                 {"Ripeness", "状況"},
                 {"State", "状態"},
                 {"Days waited", "経過日数"},
                 {"Due", "期限"}},
                std::move(rows));
    AddNotes({"For information", "報告事項"}, agenda_.for_information, &paper);
    AddNotes({"Terms of members", "委員の任期"}, agenda_.mandates, &paper);
    return paper;
  }

  static void AddNotes(Words heading, const std::vector<AgendaNote>& notes, Paper* paper) {
    paper->Heading(std::move(heading));
    std::vector<Words> lines;
    for (const AgendaNote& note : notes) lines.push_back(note.text);
    if (lines.empty()) lines.push_back({"none", "なし"});
    paper->Bullets(lines);
  }

  void AddItemHeading(const AgendaItem& item, Paper* paper) const {
    const Words kind = DecisionKindName(item.kind);
    paper->Heading({absl::StrCat(item.number, ". ", kind.en, ": ", item.reference, " ", item.title.en),
                    absl::StrCat(item.number, ". ", kind.ja, "：", item.reference, " ", item.title.ja)});
  }

  Paper DecisionTexts() const {
    Paper paper = Begin({"Decision texts", "決定文案"});
    for (const AgendaItem& item : agenda_.items) {
      AddItemHeading(item, &paper);
      if (!item.participants.empty()) {
        const Words names = Join(item.participants, "; ", "、");
        paper.Text({absl::StrCat("By: ", names.en), absl::StrCat("申請者：", names.ja)});
      }
      paper.Bullets(item.facts);
      if (item.ripeness == Ripeness::kRipe) {
        paper.Text({"The Joint Committee decides one of the following:", "合同委員会は次のいずれかを決定する。"});
      } else {
        paper.Text({"The text as it stands in the ledger:", "台帳上の決定文："});
      }
      paper.Bullets(item.outcomes);
    }
    if (agenda_.items.empty()) paper.Text({"none", "なし"});
    return paper;
  }

  Paper Annexes() const {
    Paper paper = Begin({"Annexes", "附属書一覧"});
    std::vector<Paper::Row> rows;
    for (const AgendaItem& item : agenda_.items) {
      for (const v1::Document& document : item.documents) {
        const bool withheld = !document.redaction_reason().empty();
        rows.push_back({Same(std::to_string(item.number)), Same(item.reference), Same(document.form()),
                        Same(document.name()), Same(document.version()), Same(HexEncode(document.public_digest())),
                        withheld ? Words{"public version; a part is withheld", "公開版（一部非公開）"} : Words{}});
      }
      for (const auto& [what, digest] : item.digests) {
        rows.push_back({Same(std::to_string(item.number)), Same(item.reference), what, Words{}, Words{},
                        Same(HexEncode(digest)), Words{}});
      }
    }
    paper.Table({{"Item", "議題"},
                 {"Reference", "参照番号"},
                 {"Form", "様式"},
                 {"Name", "文書名"},
                 {"Version", "版"},
                 {"SHA-256", "SHA-256"},
                 {"Remark", "備考"}},
                std::move(rows));
    return paper;
  }

  Paper Minutes() const {
    Paper paper = Begin({"Minutes (draft)", "議事録（案）"});
    paper.Heading({"Members", "委員"});
    std::vector<Paper::Row> rows;
    for (const MemberAt& member : book_.members) {
      if (member.record.until_us() != 0) continue;
      const Words side =
          CountryOfRegistry(member.peer ? book_.checkpoint.peer_registry() : book_.checkpoint.registry());
      rows.push_back({side, Same(member.record.member_id()),
                      member.record.co_chair() ? Words{"co-chair", "共同議長"} : Words{"member", "委員"},
                      Same(member.record.title()),
                      Words{"☐ present  ☐ online  ☐ absent", "☐ 出席  ☐ オンライン  ☐ 欠席"}});
    }
    paper.Table({{"Side", "側"}, {"Member", "委員"}, {"Capacity", "資格"}, {"Title", "肩書"}, {"Attendance", "出欠"}},
                std::move(rows));
    paper.Heading({"Conflicts of interest", "利益相反"});
    paper.Text({"Declared: ____________________", "申告：____________________"});
    for (const AgendaItem& item : agenda_.items) {
      AddItemHeading(item, &paper);
      if (item.ripeness == Ripeness::kTaken) {
        paper.Bullets(item.outcomes);
        paper.Text(item.standing);
        continue;
      }
      std::vector<Words> choices;
      for (const Words& outcome : item.outcomes) {
        if (item.ripeness == Ripeness::kRipe) choices.push_back({"☐ " + outcome.en, "☐ " + outcome.ja});
      }
      if (choices.empty()) choices = {{"☐ adopted", "☐ 採択"}, {"☐ not adopted", "☐ 不採択"}};
      paper.Bullets(choices);
      paper.Text({"Discussion: ____________________", "議論：____________________"});
    }
    paper.Heading({"Confirmed by", "確認"});
    paper.Text({"Co-chair of Japan: ____________________ (date)", "日本側共同議長：____________________（日付）"});
    const Words country = PartnerName(book_.checkpoint.partnership());
    paper.Text({absl::StrCat("Co-chair of ", country.en, ": ____________________ (date)"),
                absl::StrCat(country.ja, "側共同議長：____________________（日付）")});
    return paper;
  }

  // What may be said outside: only what was decided has a result.
  Paper PressTable() const {
    Paper paper = Begin({"Table for the press", "報道用一覧"});
    paper.Text({"Not for release before the Joint Committee has decided and both sides have confirmed.",
                "合同委員会の決定と双方の確認前は公表しない。"});
    std::vector<Paper::Row> rows;
    for (const AgendaItem& item : agenda_.items) {
      rows.push_back({DecisionKindName(item.kind), Same(item.reference), item.title,
                      Join(item.participants, "; ", "、"),
                      item.ripeness == Ripeness::kTaken ? item.standing : Words{"pending", "未決"}});
    }
    paper.Table({{"Decision", "決定"},
                 {"Reference", "参照番号"},
                 {"Title", "名称"},
                 {"Participants", "参加者"},
                 {"Result", "結果"}},
                std::move(rows));
    return paper;
  }

  std::string Manifest() const {
    nlohmann::ordered_json json;
    json["partnership"] = book_.checkpoint.partnership();
    json["meeting"] = {{"day", FormatDate(meeting_.day)}, {"name", meeting_.name}, {"place", meeting_.place}};
    json["checkpoint"] = book_.CheckpointText();
    json["items"] = agenda_.items.size();
    json["files"] = nlohmann::ordered_json::array();
    for (const PublishedFile& file : files_) {
      json["files"].push_back(
          {{"name", file.name}, {"bytes", file.bytes.size()}, {"sha256", HexEncode(Sha256(file.bytes))}});
    }
    return json.dump(1) + "\n";
  }

  void Add(const std::string& name, const Paper& paper) {
    for (const Language language : {Language::kEnglish, Language::kJapanese}) {
      files_.push_back({absl::StrCat(name, ".", Tag(language), ".md"), paper.Markdown(language)});
      files_.push_back({absl::StrCat(name, ".", Tag(language), ".html"), paper.Html(language)});
    }
  }

  const BookAt& book_;
  const Meeting& meeting_;
  const Agenda agenda_;
  std::vector<PublishedFile> files_;
};

}  // namespace

std::vector<PublishedFile> MakeMeetingPack(const BookAt& book, const Meeting& meeting) {
  return Pack(book, meeting).Make();
}

}  // namespace jcm::publish
