#include "tools/publish/names.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "ledger/base/country.h"
#include "ledger/base/date.h"
#include "ledger/rules/cycle/tables.h"

namespace jcm::publish {
namespace {

struct Named {
  const char* code;
  const char* en;
  const char* ja;
};

constexpr Named kStates[] = {
    {"ACCEPTED", "Accepted", "承認"},
    {"ADDED", "Added", "追加"},
    {"APPLIED", "Applied", "申請"},
    {"APPROVED", "Approved", "承認"},
    {"ASSESSED", "Assessed", "評価済"},
    {"CLOSED", "Closed", "完了"},
    {"COMPLETE", "Complete; waits for the Joint Committee", "完備・合同委員会待ち"},
    {"CONSIDERATION", "Under consideration", "検討中"},
    {"CREDITING_ENDED", "Crediting period ended", "算定期間終了"},
    {"DECIDED", "Decided", "決定"},
    {"DEREGISTERED", "Deregistered", "登録抹消"},
    {"DESIGNATED", "Designated", "指定"},
    {"ENGAGED", "Third-party entity engaged", "第三者機関に依頼"},
    {"FILED", "Filed", "届出"},
    {"INCOMPLETE", "Incomplete", "不備"},
    {"INPUTS_CLOSED", "Public inputs closed", "意見募集終了"},
    {"ISSUED", "Issued by both sides", "双方発行済"},
    {"NEGATIVE", "Negative opinion", "否定的意見"},
    {"NEW_REGISTRATION_NEEDED", "New registration needed", "再登録要"},
    {"NOTIFIED", "Notified", "通知済"},
    {"NO_OBJECTION", "No objection", "異議なし"},
    {"OBJECTION", "Objection", "異議あり"},
    {"PLANNED", "Planned project decided on", "計画案件として決定"},
    {"POSITIVE", "Positive opinion", "肯定的意見"},
    {"PUBLIC", "Under public inputs", "意見募集中"},
    {"RECORDED", "Recorded", "記録済"},
    {"REFUSED", "Refused", "不承認"},
    {"REGISTERED", "Registered", "登録済"},
    {"REJECTED", "Rejected", "却下"},
    {"RENEWED", "Renewed", "更新済"},
    {"REPORTED", "Reported", "報告済"},
    {"REQUESTED", "Requested", "申請中"},
    {"RETRACTED", "Retracted", "撤回"},
    {"RETURNED", "Returned", "差戻し"},
    {"SUBMITTED", "Submitted", "提出済"},
    {"SUPERSEDED", "Superseded", "旧版"},
    {"SUSPENDED", "Suspended", "停止"},
    {"UNDER_CONSIDERATION", "Under consideration", "検討中"},
    {"VERIFIED", "Verified", "検証済"},
    {"WITHDRAWN", "Withdrawn", "取下げ"},
};

constexpr Named kProgrammes[] = {
    {"", "not stated", "記載なし"},    {"", "Private JCM", "民間JCM"}, {"", "JCM Model Project", "JCM設備補助事業"},
    {"", "Demonstration", "実証事業"}, {"", "Trust fund", "信託基金"}, {"", "Other public support", "その他公的支援"},
};

constexpr Named kTypes[] = {
    {"", "not stated", "記載なし"}, {"", "Energy", "エネルギー"}, {"", "Industry", "工業"},
    {"", "Transport", "交通"},      {"", "Waste", "廃棄物"},      {"", "Agriculture", "農業"},
    {"", "F-gas", "フロン"},        {"", "REDD-plus", "REDD+"},   {"", "Afforestation and reforestation", "植林"},
    {"", "Biochar", "バイオ炭"},    {"", "Peat", "泥炭"},         {"", "CCS/CCUS", "CCS・CCUS"},
};

constexpr Named kKinds[] = {
    {"", "Decision", "決定"},
    {"", "Decision on issuance of credits", "クレジット発行の決定"},
    {"", "Decision on documents", "文書の採択"},
    {"", "Decision on rules", "規則の採択"},
    {"", "Decision on no objection to the planned project", "計画案件への異議の有無の決定"},
    {"", "Decision on a planned project", "計画案件についての決定"},
    {"", "Decision on a proposed methodology", "提案方法論についての決定"},
    {"", "Decision on registration of a proposed JCM project", "JCMプロジェクト登録の決定"},
    {"", "Decision not to issue credits as requested", "クレジット発行申請の却下・差戻し"},
    {"", "Decision on designation of a third-party entity", "第三者機関の指定についての決定"},
    {"", "Decision on a designation in force", "第三者機関の指定の停止・変更・取消し"},
    {"", "Decision on assessment of reference emissions", "リファレンス排出量の評価"},
    {"", "Decision on post-registration changes", "登録後の変更についての決定"},
    {"", "Decision on renewal of the crediting period", "算定期間の更新についての決定"},
    {"", "Decision on withdrawal of a project", "プロジェクト取下げについての決定"},
    {"", "Decision on an interim measure", "暫定措置についての決定"},
};

constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

template <size_t kSize>
Words ByNumber(const Named (&names)[kSize], int number) {
  const Named& named = names[number > 0 && static_cast<size_t>(number) < kSize ? static_cast<size_t>(number) : 0];
  return {named.en, named.ja};
}

Words NameOf(const Country* country, absl::string_view code) {
  if (country == nullptr) return {std::string(code), std::string(code)};
  return {country->name_en, country->name_ja};
}

}  // namespace

const char* Tag(Language language) { return language == Language::kEnglish ? "en" : "ja"; }

Words StateName(absl::string_view state) {
  const auto* found =
      std::find_if(std::begin(kStates), std::end(kStates), [state](const Named& named) { return named.code == state; });
  if (found == std::end(kStates)) return {std::string(state), std::string(state)};
  return {found->en, found->ja};
}

Words StrandName(v1::DossierKind kind, absl::string_view strand) {
  const rules::Strand* table = rules::CycleOf(kind).Find(strand);
  if (table == nullptr) return {std::string(strand), std::string(strand)};
  return {table->title_en, table->title_ja};
}

Words ProgrammeName(v1::FundingProgramme programme) { return ByNumber(kProgrammes, programme); }
Words ProjectTypeName(v1::ProjectType type) { return ByNumber(kTypes, type); }
Words DecisionKindName(v1::DecisionKind kind) { return ByNumber(kKinds, kind); }

Words DecisionModeName(v1::DecisionMode mode) {
  if (mode == v1::DECISION_MODE_MEETING) return {"Joint Committee meeting", "合同委員会会合"};
  return {"Electronic decision", "電子的決定"};
}

Words PartnerName(absl::string_view alpha2) { return NameOf(FindCountryByAlpha2(alpha2), alpha2); }
Words CountryOfRegistry(absl::string_view alpha3) { return NameOf(FindCountryByAlpha3(alpha3), alpha3); }

std::string SiteDate(const v1::Date& date) {
  if (date.month() < 1 || date.month() > 12) return "";
  char text[16];
  std::snprintf(text, sizeof(text), "%02d %s %02d", date.day() % 100, kMonths[date.month() - 1], date.year() % 100);
  return text;
}

std::string IsoDate(const v1::Date& date) {
  if (date.month() < 1) return "";
  return FormatDate(Date{date.year(), date.month(), date.day()});
}

}  // namespace jcm::publish
