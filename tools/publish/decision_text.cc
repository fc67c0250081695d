#include "tools/publish/decision_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/rules/cycle/tables.h"

namespace jcm::publish {
namespace {

const DossierAt* FindDossier(const BookAt& book, const std::string& id) {
  for (const DossierAt& dossier : book.dossiers) {
    if (dossier.record.dossier_id() == id) return &dossier;
  }
  return nullptr;
}

// The table's own sentence for the step.
Words SentenceOf(const BookAt& book, const v1::DecisionSubject& subject) {
  const DossierAt* dossier = FindDossier(book, subject.dossier_id());
  const rules::Step* step =
      dossier == nullptr ? nullptr : rules::CycleOf(dossier->record.kind()).FindStep(subject.strand(), subject.step());
  if (step == nullptr) return {subject.step(), subject.step()};
  return {step->text_en, step->text_ja};
}

Words SubjectLine(const BookAt& book, const v1::DecisionSubject& subject) {
  const std::string& assigned = subject.facts().reference();
  const std::string reference = assigned.empty() ? ReferenceOf(book, subject.dossier_id()) : assigned;
  const std::string version = subject.facts().version().empty() ? "" : absl::StrCat(" Ver", subject.facts().version());
  const Words sentence = SentenceOf(book, subject);
  return {absl::StrCat(reference, version, ": ", sentence.en), absl::StrCat(reference, version, "：", sentence.ja)};
}

void AddIssuance(const v1::IssuanceText& issuance, std::vector<Words>* lines) {
  const std::string from = IsoDate(issuance.monitoring_start());
  const std::string to = IsoDate(issuance.monitoring_end());
  lines->push_back({absl::StrCat(issuance.project_id(), ", monitoring period ", from, " to ", to, ": ",
                                 WithCommas(issuance.verified_tonnes()), " t-CO2e verified"),
                    absl::StrCat(issuance.project_id(), "、モニタリング期間 ", from, "～", to, "：検証量 ",
                                 WithCommas(issuance.verified_tonnes()), " t-CO2e")});
  for (const v1::LotText& lot : issuance.lots()) {
    lines->push_back(
        {absl::StrCat("Vintage ", lot.vintage(), ": ", WithCommas(lot.tonnes()), " t-CO2e (", lot.lot_id(), ")"),
         absl::StrCat("ビンテージ", lot.vintage(), "：", WithCommas(lot.tonnes()), " t-CO2e（", lot.lot_id(), "）")});
  }
  for (const v1::AllocationRow& row : issuance.rows()) {
    const std::string tonnes = WithCommas(row.range().last() - row.range().first() + 1);
    const Words country = CountryOfRegistry(row.issuing_registry());
    lines->push_back({absl::StrCat(row.party_label(), ": ", tonnes, " t-CO2e, issued by ", country.en),
                      absl::StrCat(row.party_label(), "：", tonnes, " t-CO2e（発行：", country.ja, "）")});
  }
}

void AddDigest(const char* en, const char* ja, const std::string& digest, std::vector<Words>* lines) {
  if (digest.empty()) return;
  const std::string hex = HexEncode(digest);
  lines->push_back({absl::StrCat(en, " SHA-256 ", hex), absl::StrCat(ja, " SHA-256 ", hex)});
}

void PutDigest(const char* name, const std::string& digest, nlohmann::ordered_json* json) {
  if (!digest.empty()) (*json)[name] = HexEncode(digest);
}

nlohmann::ordered_json IssuanceData(const v1::IssuanceText& issuance) {
  nlohmann::ordered_json json = {{"project", issuance.project_id()},
                                 {"monitoring_start", IsoDate(issuance.monitoring_start())},
                                 {"monitoring_end", IsoDate(issuance.monitoring_end())},
                                 {"verified_tonnes", issuance.verified_tonnes()},
                                 {"lots", nlohmann::ordered_json::array()},
                                 {"rows", nlohmann::ordered_json::array()}};
  for (const v1::LotText& lot : issuance.lots()) {
    json["lots"].push_back({{"lot", lot.lot_id()}, {"vintage", lot.vintage()}, {"tonnes", lot.tonnes()}});
  }
  for (const v1::AllocationRow& row : issuance.rows()) {
    json["rows"].push_back({{"party", row.party_label()},
                            {"issuing_registry", row.issuing_registry()},
                            {"lot", row.range().lot_id()},
                            {"first", row.range().first()},
                            {"last", row.range().last()}});
  }
  return json;
}

}  // namespace

std::string WithCommas(uint64_t value) {
  std::string text = std::to_string(value);
  for (size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string ReferenceOf(const BookAt& book, const std::string& dossier_id) {
  const DossierAt* dossier = FindDossier(book, dossier_id);
  return dossier == nullptr ? dossier_id : dossier->BestReference();
}

std::string TopicOf(v1::DecisionKind kind) {
  std::string name = v1::DecisionKind_Name(kind);
  name = name.substr(name.find("KIND_") + 5);
  return absl::StrReplaceAll(absl::AsciiStrToLower(name), {{"_", "-"}});
}

Words OccasionOf(const DecisionAt& decision) {
  const std::string day = IsoDate(decision.Day());
  const Words mode = DecisionModeName(decision.record.mode());
  const std::string& meeting = decision.record.meeting_name();
  return {absl::StrCat(meeting.empty() ? mode.en : meeting, ", ", day),
          absl::StrCat(meeting.empty() ? mode.ja : meeting, "、", day)};
}

Words StandingOf(const DecisionAt& decision) {
  if (decision.Disputed()) return {"Disputed by the other side: without effect", "相手側が異議：効力なし"};
  switch (decision.record.state()) {
    case v1::DECISION_STATE_ADOPTED:
      if (decision.Confirmed()) return {"Adopted; confirmed by both sides", "採択（双方確認済）"};
      return {"Adopted; the other side's confirmation is pending", "採択（相手側の確認待ち）"};
    case v1::DECISION_STATE_NOT_ADOPTED:
      return {"Not adopted", "不採択"};
    case v1::DECISION_STATE_WITHDRAWN:
      return {"Withdrawn", "取下げ"};
    default:
      return {"Open", "審議中"};
  }
}

std::vector<Words> LinesOf(const BookAt& book, const DecisionAt& decision) {
  const v1::DecisionRecord& record = decision.record;
  std::vector<Words> lines;
  for (const v1::DecisionSubject& subject : decision.text.subjects()) lines.push_back(SubjectLine(book, subject));
  if (decision.text.has_issuance()) AddIssuance(decision.text.issuance(), &lines);
  if (decision.text.has_rules()) {
    const v1::RulesText& rules = decision.text.rules();
    lines.push_back({absl::StrCat("Rules ", rules.version(), ", in force from ", IsoDate(rules.effective_date())),
                     absl::StrCat("規則 ", rules.version(), "（", IsoDate(rules.effective_date()), "施行）")});
  }
  AddDigest("Text", "決定文", record.text_digest(), &lines);
  AddDigest("Document", "文書", decision.text.document_digest(), &lines);
  AddDigest("Meeting report", "会合報告書", record.report_digest(), &lines);
  for (int i = 0; i < record.annex_digests_size(); ++i) {
    AddDigest(absl::StrCat("Annex ", i + 1).c_str(), absl::StrCat("附属書", i + 1).c_str(), record.annex_digests(i),
              &lines);
  }
  lines.push_back({absl::StrCat("Under the rules ", record.rulebook_version()),
                   absl::StrCat("適用規則 ", record.rulebook_version())});
  return lines;
}

nlohmann::ordered_json DataOf(const BookAt& book, const DecisionAt& decision) {
  const v1::DecisionRecord& record = decision.record;
  nlohmann::ordered_json json = {
      {"partnership", book.checkpoint.partnership()},
      {"decision", record.decision_id()},
      {"opened_by", decision.peer ? book.checkpoint.peer_registry() : book.checkpoint.registry()},
      {"kind", TopicOf(decision.text.kind())},
      {"mode", record.mode() == v1::DECISION_MODE_MEETING ? "meeting" : "electronic"},
      {"day", IsoDate(decision.Day())},
      {"meeting", record.meeting_name()},
      {"title", decision.text.title()},
      {"standing", decision.Disputed()    ? "disputed"
                   : decision.Confirmed() ? "confirmed"
                                          : "pending"},
      {"rulebook", record.rulebook_version()}};
  PutDigest("text_sha256", record.text_digest(), &json);
  PutDigest("document_sha256", decision.text.document_digest(), &json);
  PutDigest("report_sha256", record.report_digest(), &json);
  for (const std::string& annex : record.annex_digests()) json["annex_sha256"].push_back(HexEncode(annex));
  if (record.adopted_at_us() != 0) {
    json["adopted_at"] = FormatRfc3339(BookTime::FromMicros(record.adopted_at_us()));
  }
  for (const v1::DecisionSubject& subject : decision.text.subjects()) {
    json["subjects"].push_back(
        {{"reference",
          subject.facts().reference().empty() ? ReferenceOf(book, subject.dossier_id()) : subject.facts().reference()},
         {"strand", subject.strand()},
         {"step", subject.step()}});
  }
  if (decision.text.has_issuance()) json["issuance"] = IssuanceData(decision.text.issuance());
  return json;
}

}  // namespace jcm::publish
