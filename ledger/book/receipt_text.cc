#include "ledger/book/receipt_text.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"

namespace jcm::book {
namespace {

const char* Pick(Language language, const char* english, const char* japanese) {
  return language == Language::ENGLISH ? english : japanese;
}

struct ActName {
  v1::Command::BodyCase act;
  const char* english;
  const char* japanese;
};

// The acts that people get certificates of; others are called by their name in the format.
constexpr ActName kActs[] = {
    {v1::Command::kIssueCredits, "Issuance", "発行"},
    {v1::Command::kTransferCredits, "Transfer", "振替"},
    {v1::Command::kRetireCredits, "Retirement (locked for the country's NDC)", "無効化"},
    {v1::Command::kCancelCredits, "Cancellation (locked for another purpose)", "取消し"},
    {v1::Command::kAuthorizeItmo, "Authorization of ITMOs", "ITMOの承認"},
    {v1::Command::kRecordFirstTransfer, "First transfer", "初回移転"},
    {v1::Command::kInitTransfer, "Start of a cross-border transfer", "国際移転の開始"},
    {v1::Command::kAcceptTransfer, "Acceptance of a cross-border transfer", "国際移転の受入れ"},
};

std::string NameOfAct(const v1::Command& command, Language language) {
  for (const ActName& act : kActs) {
    if (act.act == command.body_case()) return Pick(language, act.english, act.japanese);
  }
  const auto* body = command.GetDescriptor()->FindOneofByName("body");
  const auto* field = command.GetReflection()->GetOneofFieldDescriptor(command, body);
  return field == nullptr ? Pick(language, "none", "なし") : field->message_type()->name();
}

// The serial ranges that an act names in a field "ranges", whatever the act.
std::vector<v1::UnitRange> RangesOf(const v1::Command& command) {
  std::vector<v1::UnitRange> ranges;
  const auto* body = command.GetDescriptor()->FindOneofByName("body");
  const auto* act = command.GetReflection()->GetOneofFieldDescriptor(command, body);
  if (act == nullptr) return ranges;
  const google::protobuf::Message& message = command.GetReflection()->GetMessage(command, act);
  const auto* field = act->message_type()->FindFieldByName("ranges");
  if (field == nullptr || !field->is_repeated() || field->message_type() != v1::UnitRange::descriptor()) return ranges;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
    v1::UnitRange range;
    range.CopyFrom(message.GetReflection()->GetRepeatedMessage(message, field, i));
    ranges.push_back(std::move(range));
  }
  return ranges;
}

void ExplainAct(const Verdict& verdict, Language language, std::vector<std::string>& lines) {
  if (verdict.leaf->kind != LeafKind::COMMAND) {
    lines.push_back(absl::StrCat(Pick(language, "Entry of kind: ", "記録の種類："), KindName(verdict.leaf->kind)));
    return;
  }
  if (!verdict.command_understood) {
    lines.push_back(Pick(language, "Act: not shown, or of a version that this program does not know",
                         "行為：非開示、またはこのプログラムが知らない版"));
    return;
  }
  lines.push_back(absl::StrCat(Pick(language, "Act: ", "行為："), NameOfAct(verdict.command, language)));
  uint64_t tonnes = 0;
  bool countable = true;
  for (const v1::UnitRange& range : RangesOf(verdict.command)) {
    countable = countable && range.first() >= 1 && range.first() <= range.last() && range.last() <= kSerialMax;
    if (countable) tonnes += range.last() - range.first() + 1;
    lines.push_back(
        absl::StrCat(Pick(language, "  Units: ", "　対象："), range.lot_id(), " ", range.first(), "..", range.last()));
  }
  if (tonnes > 0 && countable) {
    lines.push_back(absl::StrCat(Pick(language, "  Quantity: ", "　数量："), tonnes, " t-CO2e"));
  }
  if (verdict.command.has_legal_date()) {
    const v1::Date& date = verdict.command.legal_date();
    lines.push_back(absl::StrCat(Pick(language, "  Date claimed: ", "　申告日："),
                                 absl::StrFormat("%04d-%02d-%02d", date.year(), date.month(), date.day())));
  }
}

void ExplainDates(const Verdict& verdict, Language language, std::vector<std::string>& lines) {
  lines.push_back(absl::StrCat(Pick(language, "Recorded: ", "記録日時："), FormatRfc3339(verdict.leaf->time)));
  if (verdict.cosigned_before.has_value()) {
    lines.push_back(absl::StrCat(Pick(language, "Last cosignature before it: ", "直前の連署："),
                                 FormatRfc3339(*verdict.cosigned_before)));
  }
  if (verdict.cosigned_at.has_value()) {
    lines.push_back(absl::StrCat(Pick(language, "Cosigned by the other government: ", "相手政府の連署："),
                                 FormatRfc3339(*verdict.cosigned_at)));
  }
  if (verdict.late_stamped) {
    lines.push_back(Pick(language, "LATE STAMPED: recorded with a time before the last cosignature",
                         "時刻の遅延：直前の連署より前の時刻で記録されています"));
  }
}

void ExplainSignatures(const Verdict& verdict, Language language, std::vector<std::string>& lines) {
  lines.push_back(absl::StrCat(Pick(language, "Signed by: ", "署名："), absl::StrJoin(verdict.signers, ", ")));
  if (!verdict.cosigners.empty()) {
    lines.push_back(absl::StrCat(Pick(language, "Cosigned by: ", "連署："), absl::StrJoin(verdict.cosigners, ", ")));
  }
  for (const std::string& key_id : verdict.author_key_ids) {
    lines.push_back(absl::StrCat(Pick(language, "Author's key: ", "命令者の鍵："), key_id));
  }
  if (verdict.hosted) {
    lines.push_back(
        absl::StrCat(Pick(language, "The partner's registry is hosted by this operator: not independent; operator ",
                          "相手登録簿は同じ運営者が運用しており独立していません。運営者："),
                     verdict.leaf->book.registry));
  }
}

}  // namespace

std::string Headline(const Verdict& verdict, Language language) {
  const std::string side = verdict.leaf.has_value() ? verdict.leaf->book.registry : "";
  switch (verdict.level) {
    case Level::BOTH:
      if (!verdict.withheld.empty()) return Pick(language, "VALID, fields withheld", "有効（一部項目は非開示）");
      return Pick(language, "VALID (both governments)", "有効（両政府）");
    case Level::PENDING:
      return language == Language::ENGLISH ? absl::StrCat("VALID (", side, " only, cosignature pending)")
                                           : absl::StrCat("有効（", side, "のみ、相手政府の連署待ち）");
    case Level::NO_PARTNER_BOOK:
      return language == Language::ENGLISH ? absl::StrCat("VALID (", side, " only, partner keeps no book)")
                                           : absl::StrCat("有効（", side, "のみ、相手国は帳簿を持たない）");
    case Level::UNKNOWN_KEY:
      return Pick(language, "UNKNOWN KEY", "未知の鍵");
    case Level::INVALID:
      break;
  }
  return Pick(language, "INVALID", "無効");
}

std::vector<std::string> Explain(const Verdict& verdict, const Receipt& receipt, Language language) {
  std::vector<std::string> lines;
  if (!verdict.reason.ok()) {
    const ReasonInfo& info = Describe(*ReasonOf(verdict.reason));
    lines.push_back(absl::StrCat(Pick(language, "Reason: ", "理由："), Pick(language, info.english, info.japanese),
                                 " (", info.name, " ", static_cast<int>(info.reason), ") ", verdict.reason.message()));
  }
  // Nothing that was not signed is shown as if it were.
  if (!IsValid(verdict.level)) return lines;
  lines.push_back(absl::StrCat(Pick(language, "Book: ", "帳簿："), verdict.checkpoint->origin,
                               Pick(language, ", entry ", "、記録番号"), verdict.leaf->sequence,
                               Pick(language, ", tree size ", "、木の大きさ"), verdict.checkpoint->size));
  ExplainAct(verdict, language, lines);
  ExplainDates(verdict, language, lines);
  ExplainSignatures(verdict, language, lines);
  for (const Opening& opening : receipt.openings) {
    lines.push_back(absl::StrCat(Pick(language, "Opened: ", "開示："), opening.field, " = ", opening.value));
  }
  if (!verdict.withheld.empty()) {
    lines.push_back(absl::StrCat(Pick(language, "Withheld: ", "非開示："), absl::StrJoin(verdict.withheld, ", ")));
  }
  return lines;
}

}  // namespace jcm::book
