#include "services/issuance/issuance_file.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ledger/base/rational.h"
#include "ledger/base/status.h"
#include "ledger/rules/allocation.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/cycle/quantification.h"
#include "ledger/rules/decision_state.h"
#include "services/common/record_list.h"
#include "services/issuance/progress.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

constexpr char kMonitoring[] = "MONITORING";

Tonnes TonnesOf(const v1::AllocationRow& row) { return row.range().last() - row.range().first() + 1; }

absl::StatusOr<std::string> ShareText(const v1::Fraction& fraction) {
  JCM_ASSIGN_OR_RETURN(const Rational share, rules::ToRational(fraction));
  return share.ToString();
}

// What the rulebook's method gives each party, over all lots; empty if the request has no shares that add up.
std::map<std::string, Tonnes> ByMethod(const v1::IssuanceText& text,
                                       const google::protobuf::RepeatedPtrField<v1::AllocationShare>& requested) {
  std::vector<rules::Share> shares;
  std::vector<rules::PartyId> priority;
  std::map<std::string, Tonnes> given;
  for (const v1::AllocationShare& one : requested) {
    const auto fraction = rules::ToRational(one.share());
    if (!fraction.ok()) return {};
    shares.push_back({one.party(), *fraction});
    priority.insert(one.government_of_japan() ? priority.begin() : priority.end(), one.party());
  }
  for (const v1::LotText& lot : text.lots()) {
    const auto rows = rules::Allocate(lot.tonnes(), shares, priority);
    if (!rows.ok()) return {};
    for (const rules::AllocatedShare& row : *rows) given[row.party] += row.tonnes;
  }
  return given;
}

// In words: "share 1/2 as requested", "typed by the Joint Committee: 433 t, 432 t by the request's share".
absl::Status Explain(bool explicit_figures, bool has_request, api::AllocationReason* reason) {
  std::vector<std::string> en;
  std::vector<std::string> ja;
  if (has_request) {
    JCM_ASSIGN_OR_RETURN(const std::string share, ShareText(reason->requested()));
    en.push_back(absl::StrCat("share ", share, " in the request"));
    ja.push_back(absl::StrCat("申請の割合 ", share));
  }
  for (const auto& [contribution, name_en, name_ja] : {std::make_tuple(reason->financial(), "financial", "資金"),
                                                       std::make_tuple(reason->technical(), "technical", "技術"),
                                                       std::make_tuple(reason->operational(), "operational", "運用")}) {
    if (contribution.denominator() == 0) continue;
    JCM_ASSIGN_OR_RETURN(const std::string share, ShareText(contribution));
    en.push_back(absl::StrCat(name_en, " contribution ", share));
    ja.push_back(absl::StrCat(name_ja, "貢献 ", share));
  }
  if (explicit_figures) {
    const bool differs = has_request && reason->by_method() != reason->tonnes();
    en.push_back(
        differs ? absl::StrCat("typed by the Joint Committee; the request's share gives ", reason->by_method(), " t")
                : "typed by the Joint Committee");
    ja.push_back(differs ? absl::StrCat("合同委員会が数量を決定（申請の割合では ", reason->by_method(), " t）")
                         : "合同委員会が数量を決定");
  }
  reason->set_text_en(absl::StrJoin(en, "; "));
  reason->set_text_ja(absl::StrJoin(ja, "、"));
  return absl::OkStatus();
}

absl::Status AddAllocation(const v1::IssuanceText& text,
                           const google::protobuf::RepeatedPtrField<v1::AllocationShare>& requested,
                           api::IssuanceFile* file) {
  const bool explicit_figures = text.allocation_method() == rules::kExplicitAllocation;
  file->set_allocation_method(text.allocation_method());
  const std::map<std::string, Tonnes> by_method = ByMethod(text, requested);
  std::map<std::string, int> places;
  for (const v1::AllocationRow& row : text.rows()) {
    const auto place = places.emplace(row.party_label(), file->allocation_size());
    api::AllocationReason* reason =
        place.second ? file->add_allocation() : file->mutable_allocation(place.first->second);
    reason->set_party(row.party_label());
    reason->set_kind(row.party());
    reason->set_tonnes(reason->tonnes() + TonnesOf(row));
  }
  for (api::AllocationReason& reason : *file->mutable_allocation()) {
    const auto share = std::find_if(requested.begin(), requested.end(),
                                    [&](const v1::AllocationShare& one) { return one.party() == reason.party(); });
    const bool has_request = share != requested.end();
    if (has_request) {
      *reason.mutable_requested() = share->share();
      if (share->has_financial()) *reason.mutable_financial() = share->financial();
      if (share->has_technical()) *reason.mutable_technical() = share->technical();
      if (share->has_operational()) *reason.mutable_operational() = share->operational();
    }
    const auto given = by_method.find(reason.party());
    if (given != by_method.end()) reason.set_by_method(given->second);
    JCM_RETURN_IF_ERROR(Explain(explicit_figures, has_request, &reason));
  }
  return absl::OkStatus();
}

// Serials of each row, with the accounts that each side's issuance named.
absl::Status AddSerials(const state::StateReader& book, const std::string& decision_id, const v1::IssuanceText& text,
                        api::IssuanceFile* file) {
  std::map<uint32_t, std::string> accounts;
  for (const uint32_t table : {uint32_t{v1::TABLE_ISSUANCE}, state::Shadow(v1::TABLE_ISSUANCE)}) {
    JCM_ASSIGN_OR_RETURN(auto issuance, book.Get<v1::IssuanceRecord>(table, decision_id));
    if (!issuance.has_value()) continue;
    for (const v1::IssueTarget& target : issuance->targets()) accounts[target.row()] = target.account();
  }
  std::map<std::string, int32_t> vintages;
  for (const v1::LotText& lot : text.lots()) vintages[lot.lot_id()] = lot.vintage();
  for (const v1::AllocationRow& row : text.rows()) {
    api::SerialBlock* block = file->add_serials();
    block->set_lot_id(row.range().lot_id());
    block->set_first(row.range().first());
    block->set_last(row.range().last());
    block->set_vintage(vintages[row.range().lot_id()]);
    block->set_registry(row.issuing_registry());
    block->set_party(row.party_label());
    block->set_account(accounts[row.row()]);
  }
  return absl::OkStatus();
}

void AddVintages(const v1::IssuanceText& text, const v1::Quantification& quantification, api::IssuanceFile* file) {
  std::map<int32_t, api::VintageFigures> rows;
  for (int i = 0; i < quantification.years_size(); ++i) {
    const v1::YearlyEmissions& year = quantification.years(i);
    api::VintageFigures& row = rows[year.vintage()];
    *row.mutable_reference() = year.reference();
    *row.mutable_project() = year.project();
    if (year.has_business_as_usual()) *row.mutable_business_as_usual() = year.business_as_usual();
    if (i < quantification.reductions_size()) row.set_verified(quantification.reductions(i));
  }
  for (const v1::LotText& lot : text.lots()) rows[lot.vintage()].set_decided(lot.tonnes());
  for (auto& [vintage, row] : rows) {
    row.set_vintage(vintage);
    *file->add_vintages() = std::move(row);
  }
}

// Known only where each year states what would have been emitted without anything.
absl::Status AddBalance(const v1::IssuanceText& text, const v1::Quantification& quantification, Rational discount,
                        Tonnes decided, api::IssuanceFile* file) {
  const auto years = rules::Quantify(quantification, discount);
  if (!years.ok()) return absl::OkStatus();
  Tonnes to_japan = 0;
  for (const v1::AllocationRow& row : text.rows()) {
    if (row.party() == v1::PARTY_KIND_GOVERNMENT_OF_JAPAN || row.issuing_registry() == "JPN") to_japan += TonnesOf(row);
  }
  const auto balance = rules::Balance(*years, decided, to_japan);
  if (!balance.ok() || balance->uncredited.IsNegative()) return absl::OkStatus();
  file->mutable_balance()->set_known(true);
  file->mutable_balance()->set_to_japan(balance->to_japan);
  file->mutable_balance()->set_kept_by_host(balance->kept_by_host);
  v1::Fraction* rest = file->mutable_balance()->mutable_not_credited();
  rest->set_numerator(static_cast<uint64_t>(balance->uncredited.numerator()));
  rest->set_denominator(static_cast<uint64_t>(balance->uncredited.denominator()));
  return absl::OkStatus();
}

absl::StatusOr<Tonnes> ReserveOf(const v1::PermanenceRule& rule, Tonnes decided) {
  if (rule.reserve_rate().denominator() == 0) return Tonnes{0};
  JCM_ASSIGN_OR_RETURN(const Rational rate, rules::ToRational(rule.reserve_rate()));
  return rules::RoundedUpShare(decided, rate);
}

absl::Status AddVerifier(const state::StateReader& book, const v1::StepFacts& facts, api::IssuanceFile* file) {
  file->set_third_party_entity(facts.third_party_entity());
  *file->mutable_verification_date() = facts.document_date();
  const auto entity = rules::FindDossier(facts.third_party_entity(), book);
  if (HasReason(entity.status(), Reason::DOSSIER_UNKNOWN)) return absl::OkStatus();
  JCM_RETURN_IF_ERROR(entity.status());
  file->set_third_party_entity_name(entity->record.applicant_en());
  if (!entity->record.references().empty()) {
    file->set_third_party_entity(*entity->record.references().rbegin());
  }
  return absl::OkStatus();
}

absl::Status AddDossier(const state::StateReader& book, const v1::IssuanceText& text, BookTime now,
                        api::IssuanceFile* file) {
  JCM_ASSIGN_OR_RETURN(const auto dossier, rules::FindDossierByReference(text.project_id(), book));
  if (!dossier.has_value()) return AddAllocation(text, {}, file);
  const v1::DossierRecord& record = dossier->record;
  JCM_RETURN_IF_ERROR(AddAllocation(text, record.shares(), file));
  *file->mutable_methodologies() = record.methodologies();
  file->set_programme(record.project().programme());
  file->set_not_under_other_scheme(record.project().not_under_other_scheme());
  JCM_ASSIGN_OR_RETURN(const auto period, rules::FindStrand(*dossier, kMonitoring, text.monitoring_instance(), book));
  if (!period.has_value()) return absl::OkStatus();
  file->set_rulebook_version(period->rulebook_version());
  *file->mutable_quantification() = period->facts().quantification();
  *file->mutable_documents() = period->documents();
  AddVintages(text, period->facts().quantification(), file);
  JCM_RETURN_IF_ERROR(AddVerifier(book, period->facts(), file));
  const auto rulebook = rules::RulebookOf(record, now, book);
  const v1::PermanenceRule permanence =
      rulebook.ok() ? rules::PermanenceOf(rulebook->parameters(), record.project().type()) : v1::PermanenceRule();
  JCM_ASSIGN_OR_RETURN(const Rational discount, rules::ToRational(permanence.discount()));
  JCM_ASSIGN_OR_RETURN(const Tonnes reserve, ReserveOf(permanence, file->progress().decided()));
  file->set_reserve(reserve);
  return AddBalance(text, period->facts().quantification(), discount, file->progress().decided(), file);
}

}  // namespace

absl::StatusOr<api::IssuanceFile> FileOf(const state::StateReader& book, const std::string& own_registry,
                                         const std::string& peer_registry, const std::string& decision_id,
                                         BookTime now) {
  api::IssuanceFile file;
  JCM_ASSIGN_OR_RETURN(*file.mutable_progress(), ProgressOf(book, own_registry, peer_registry, decision_id));
  JCM_ASSIGN_OR_RETURN(const rules::DecisionView decision, rules::FindDecision(decision_id, book));
  v1::DecisionText text;
  if (!text.ParseFromString(decision.record.text())) return Error(Reason::STORE_CORRUPT, "a decision's text");
  const v1::IssuanceText& issuance = text.issuance();
  file.set_rulebook_version(decision.record.rulebook_version());
  file.set_mode(decision.record.mode());
  JCM_RETURN_IF_ERROR(AddDossier(book, issuance, now, &file));
  if (file.vintages().empty()) AddVintages(issuance, v1::Quantification(), &file);
  JCM_RETURN_IF_ERROR(AddSerials(book, decision_id, issuance, &file));
  JCM_ASSIGN_OR_RETURN(auto delivery, DeliveryOf(book, own_registry, issuance.project_id(), now));
  if (delivery.has_value()) *file.mutable_delivery() = *std::move(delivery);
  for (const uint32_t table : {uint32_t{v1::TABLE_AUTHORIZATION}, state::Shadow(v1::TABLE_AUTHORIZATION)}) {
    JCM_ASSIGN_OR_RETURN(const auto all, AllRecords<v1::AuthorizationRecord>(book, table));
    for (const v1::AuthorizationRecord& one : all) {
      if (one.project_id() == issuance.project_id() && !one.revoked()) file.add_authorizations(one.authorization_id());
    }
  }
  return file;
}

}  // namespace jcm::services
