#include "services/issuance/progress.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/rational.h"
#include "ledger/base/status.h"
#include "ledger/rules/allocation.h"
#include "ledger/rules/cycle/conditions.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/decision_state.h"
#include "services/common/record_list.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

constexpr char kJapan[] = "JPN";
constexpr char kMonitoring[] = "MONITORING";

google::protobuf::Timestamp ToTimestamp(uint64_t micros) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(static_cast<int64_t>(micros / kMicrosPerSecond));
  timestamp.set_nanos(static_cast<int32_t>(micros % kMicrosPerSecond * 1'000));
  return timestamp;
}

Tonnes TonnesOf(const v1::AllocationRow& row) { return row.range().last() - row.range().first() + 1; }

uint32_t Place(uint32_t table, bool shadow) { return shadow ? state::Shadow(table) : table; }

absl::StatusOr<v1::DecisionText> TextOf(const v1::DecisionRecord& decision) {
  v1::DecisionText text;
  if (!text.ParseFromString(decision.text())) return Error(Reason::STORE_CORRUPT, "a decision's text");
  return text;
}

// The monitoring period in its dossier, with when it was notified and when each side reported.
struct Monitored {
  rules::DossierView dossier;
  v1::StrandRecord period;
  absl::optional<v1::DossierStepRecord> notified;
  std::map<std::string, uint64_t> reported_us;  // by registry
};

absl::StatusOr<absl::optional<Monitored>> FindMonitored(const state::StateReader& book, const v1::IssuanceText& text,
                                                        const std::string& own, const std::string& peer) {
  if (text.monitoring_instance() == 0) return absl::optional<Monitored>();
  JCM_ASSIGN_OR_RETURN(auto dossier, rules::FindDossierByReference(text.project_id(), book));
  if (!dossier.has_value()) return absl::optional<Monitored>();
  JCM_ASSIGN_OR_RETURN(auto period, rules::FindStrand(*dossier, kMonitoring, text.monitoring_instance(), book));
  if (!period.has_value()) return absl::optional<Monitored>();
  Monitored found;
  found.dossier = *std::move(dossier);
  found.period = *std::move(period);
  const std::string id = found.dossier.record.dossier_id();
  const bool kept_here = found.dossier.own;
  JCM_ASSIGN_OR_RETURN(const auto steps, AllRecords<v1::DossierStepRecord>(
                                             book, Place(v1::TABLE_DOSSIER_STEP, !kept_here), absl::StrCat(id, "/")));
  for (const v1::DossierStepRecord& step : steps) {
    if (step.strand() != kMonitoring || step.instance() != text.monitoring_instance()) continue;
    if (step.step() == "notify") found.notified = step;
    if (step.step() == "report_issuance") found.reported_us[kept_here ? own : peer] = step.at_us();
  }
  // The side that does not keep the dossier reports by a reaction of its own.
  JCM_ASSIGN_OR_RETURN(auto reaction, book.Get<v1::DossierReactionRecord>(
                                          Place(v1::TABLE_DOSSIER_REACTION, kept_here),
                                          rules::DossierReactionKey(id, kMonitoring, text.monitoring_instance(),
                                                                    v1::REACTION_KIND_ISSUANCE_REPORTED)));
  if (reaction.has_value()) found.reported_us[kept_here ? peer : own] = reaction->at_us();
  return absl::make_optional(std::move(found));
}

absl::StatusOr<api::SideProgress> SideOf(const state::StateReader& book, const std::string& decision_id,
                                         const v1::IssuanceText& text, const std::string& registry, bool shadow,
                                         const absl::optional<Monitored>& monitored) {
  api::SideProgress side;
  side.set_registry(registry);
  for (const v1::AllocationRow& row : text.rows()) {
    if (row.issuing_registry() == registry) side.set_allotted(side.allotted() + TonnesOf(row));
  }
  JCM_ASSIGN_OR_RETURN(auto issuance, book.Get<v1::IssuanceRecord>(Place(v1::TABLE_ISSUANCE, shadow), decision_id));
  if (issuance.has_value()) {
    side.set_issued(issuance->tonnes());
    *side.mutable_issued_at() = ToTimestamp(issuance->issued_at_us());
    *side.mutable_issued_date() = issuance->legal_date();
    side.set_provenance(issuance->provenance());
  }
  if (!monitored.has_value()) return side;
  for (const v1::SideIssuance& issued : monitored->period.issued()) {
    if (issued.registry() == registry) side.set_reported(issued.reported());
  }
  const auto reported = monitored->reported_us.find(registry);
  if (reported != monitored->reported_us.end()) {
    side.set_reported(true);
    *side.mutable_reported_at() = ToTimestamp(reported->second);
  }
  return side;
}

std::string StandsOf(const api::DecisionProgress& progress, const absl::optional<Monitored>& monitored) {
  if (progress.state() == v1::DECISION_STATE_OPEN) return "OPEN";
  if (progress.state() == v1::DECISION_STATE_NOT_ADOPTED) return "NOT_ADOPTED";
  if (progress.state() == v1::DECISION_STATE_WITHDRAWN) return "WITHDRAWN";
  if (progress.answer() == v1::REACTION_STATE_DISPUTED) return "DISPUTED";
  if (progress.answer() != v1::REACTION_STATE_CONFIRMED) return "TO_CONFIRM";
  if (monitored.has_value() && !monitored->notified.has_value()) return "TO_NOTIFY";
  if (progress.not_issued() > 0) return "TO_ISSUE";
  const auto& sides = progress.sides();
  const bool reported = std::all_of(sides.begin(), sides.end(), [](const api::SideProgress& side) {
    return side.reported() || side.allotted() == 0;
  });
  return !monitored.has_value() || reported ? "CLOSED" : "TO_REPORT";
}

// What the two books and the decision do not agree about.
std::string DifferenceOf(const api::DecisionProgress& progress, const absl::optional<Monitored>& monitored) {
  std::string difference;
  const auto add = [&difference](const std::string& text) {
    absl::StrAppend(&difference, difference.empty() ? "" : "; ", text);
  };
  for (const api::SideProgress& side : progress.sides()) {
    if (side.issued() != 0 && side.issued() != side.allotted()) {
      add(absl::StrCat(side.registry(), " issued ", side.issued(), " t of ", side.allotted(), " t"));
    }
    if (side.issued() != 0 && progress.stands() != "TO_ISSUE" && progress.stands() != "TO_REPORT" &&
        progress.stands() != "CLOSED") {
      add(absl::StrCat(side.registry(), " has issued, and the decision is ", progress.stands()));
    }
  }
  if (monitored.has_value() && !monitored->period.remark().empty()) add(monitored->period.remark());
  return difference;
}

absl::StatusOr<api::DecisionProgress> Build(const state::StateReader& book, const std::string& own,
                                            const std::string& peer, const rules::DecisionView& decision,
                                            const v1::IssuanceText& text) {
  api::DecisionProgress progress;
  const v1::DecisionRecord& record = decision.record;
  progress.set_decision_id(record.decision_id());
  progress.set_project_id(text.project_id());
  progress.set_monitoring_instance(text.monitoring_instance());
  *progress.mutable_period()->mutable_start() = text.monitoring_start();
  *progress.mutable_period()->mutable_end() = text.monitoring_end();
  for (const v1::LotText& lot : text.lots()) progress.set_decided(progress.decided() + lot.tonnes());
  progress.set_state(record.state());
  if (record.adopted_at_us() != 0) *progress.mutable_adopted_at() = ToTimestamp(record.adopted_at_us());
  if (decision.reaction.has_value() && decision.reaction->text_digest() == record.text_digest()) {
    progress.set_answer(decision.reaction->state());
    if (decision.reaction->state() == v1::REACTION_STATE_CONFIRMED) {
      *progress.mutable_confirmed_at() = ToTimestamp(decision.reaction->answered_at_us());
    }
  }
  JCM_ASSIGN_OR_RETURN(const auto monitored, FindMonitored(book, text, own, peer));
  if (monitored.has_value() && monitored->notified.has_value()) {
    *progress.mutable_notified_at() = ToTimestamp(monitored->notified->at_us());
    *progress.mutable_notified_date() = monitored->notified->legal_date();
  }
  std::vector<std::pair<std::string, bool>> sides = {{own, false}, {peer, true}};
  if (peer == kJapan) std::swap(sides[0], sides[1]);
  Tonnes issued = 0;
  for (const auto& [registry, shadow] : sides) {
    JCM_ASSIGN_OR_RETURN(*progress.add_sides(), SideOf(book, record.decision_id(), text, registry, shadow, monitored));
    issued += progress.sides().rbegin()->issued();
  }
  progress.set_not_issued(progress.decided() > issued ? progress.decided() - issued : 0);
  progress.set_stands(StandsOf(progress, monitored));
  progress.set_difference(DifferenceOf(progress, monitored));
  return progress;
}

// The ids of all issuance decisions of both books, that concern the project if one is named.
absl::StatusOr<std::set<std::string>> IssuanceDecisions(const state::StateReader& book, const std::string& project_id) {
  std::set<std::string> ids;
  for (const bool shadow : {false, true}) {
    JCM_ASSIGN_OR_RETURN(const auto decisions, AllRecords<v1::DecisionRecord>(book, Place(v1::TABLE_DECISION, shadow)));
    for (const v1::DecisionRecord& decision : decisions) {
      JCM_ASSIGN_OR_RETURN(const v1::DecisionText text, TextOf(decision));
      if (text.kind() != v1::DECISION_KIND_ISSUANCE) continue;
      if (project_id.empty() || text.issuance().project_id() == project_id) ids.insert(decision.decision_id());
    }
  }
  return ids;
}

// ---- delivery
// --------------------------------------------------------------------------------------------------------

bool IsGovernmentOfJapan(v1::PartyKind party) { return party == v1::PARTY_KIND_GOVERNMENT_OF_JAPAN; }

// Seen from Japan's book: all units of the lots that were first allotted to the government and are, or were, there.
absl::StatusOr<Tonnes> ArrivedInOwnBook(const state::StateReader& book, const std::set<std::string>& lots) {
  Tonnes arrived = 0;
  for (const std::string& lot : lots) {
    JCM_ASSIGN_OR_RETURN(const auto blocks, AllRecords<v1::BlockRecord>(book, v1::TABLE_BLOCK, absl::StrCat(lot, "/")));
    for (const v1::BlockRecord& block : blocks) {
      if (IsGovernmentOfJapan(block.first_allottee())) arrived += block.last() - block.first() + 1;
    }
  }
  return arrived;
}

// Seen from the host's book: what Japan has issued of its rows, and what was sent and credited there.
absl::StatusOr<Tonnes> ArrivedInJapan(const state::StateReader& book, const std::set<std::string>& lots,
                                      const std::vector<std::pair<std::string, v1::IssuanceText>>& decided) {
  Tonnes arrived = 0;
  for (const auto& [decision_id, text] : decided) {
    JCM_ASSIGN_OR_RETURN(auto issued, book.Get(state::Shadow(v1::TABLE_ISSUANCE), decision_id));
    if (!issued.has_value()) continue;
    for (const v1::AllocationRow& row : text.rows()) {
      if (row.issuing_registry() == kJapan && IsGovernmentOfJapan(row.party())) arrived += TonnesOf(row);
    }
  }
  JCM_ASSIGN_OR_RETURN(const auto sent, AllRecords<v1::TransferOutRecord>(book, v1::TABLE_TRANSFER_OUT));
  for (const v1::TransferOutRecord& transfer : sent) {
    JCM_ASSIGN_OR_RETURN(auto received,
                         book.Get<v1::TransferInRecord>(state::Shadow(v1::TABLE_TRANSFER_IN), transfer.transfer_id()));
    if (!received.has_value() || received->state() != v1::TRANSFER_IN_STATE_CREDITED) continue;
    for (const v1::BlockRecord& block : transfer.blocks()) {
      if (lots.count(block.lot_id()) > 0 && IsGovernmentOfJapan(block.first_allottee())) {
        arrived += block.last() - block.first() + 1;
      }
    }
  }
  return arrived;
}

}  // namespace

absl::StatusOr<api::DecisionProgress> ProgressOf(const state::StateReader& book, const std::string& own_registry,
                                                 const std::string& peer_registry, const std::string& decision_id) {
  absl::StatusOr<rules::DecisionView> decision = rules::FindDecision(decision_id, book);
  if (HasReason(decision.status(), Reason::DECISION_UNKNOWN)) return Error(Reason::NOT_FOUND, decision_id);
  JCM_RETURN_IF_ERROR(decision.status());
  JCM_ASSIGN_OR_RETURN(const v1::DecisionText text, TextOf(decision->record));
  if (text.kind() != v1::DECISION_KIND_ISSUANCE) {
    return Error(Reason::NOT_FOUND, absl::StrCat(decision_id, " is not on an issuance"));
  }
  return Build(book, own_registry, peer_registry, *decision, text.issuance());
}

absl::StatusOr<std::vector<api::DecisionProgress>> AllProgress(const state::StateReader& book,
                                                               const std::string& own_registry,
                                                               const std::string& peer_registry,
                                                               const std::string& project_id) {
  JCM_ASSIGN_OR_RETURN(const std::set<std::string> ids, IssuanceDecisions(book, project_id));
  std::vector<api::DecisionProgress> all;
  for (const std::string& id : ids) {
    JCM_ASSIGN_OR_RETURN(api::DecisionProgress progress, ProgressOf(book, own_registry, peer_registry, id));
    if (progress.stands() != "NOT_ADOPTED" && progress.stands() != "WITHDRAWN") all.push_back(std::move(progress));
  }
  const auto order = [](const api::DecisionProgress& progress) {
    const v1::Date& start = progress.period().start();
    return std::make_tuple(progress.project_id(), start.year(), start.month(), start.day(), progress.decision_id());
  };
  std::sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
  return all;
}

absl::StatusOr<absl::optional<api::Delivery>> DeliveryOf(const state::StateReader& book,
                                                         const std::string& own_registry, const std::string& project_id,
                                                         BookTime now) {
  JCM_ASSIGN_OR_RETURN(auto dossier, rules::FindDossierByReference(project_id, book));
  if (!dossier.has_value() || dossier->record.kind() != v1::DOSSIER_KIND_PROJECT) {
    return absl::optional<api::Delivery>();
  }
  // A side that has not adopted the other one's rulebook knows what the project itself agreed.
  const absl::StatusOr<v1::RulebookRecord> rulebook = rules::RulebookOf(dossier->record, now, book);
  if (!rulebook.ok() && !HasReason(rulebook.status(), Reason::RULEBOOK_UNKNOWN)) return rulebook.status();
  JCM_ASSIGN_OR_RETURN(const Rational least,
                       rules::DeliveryShareOf(dossier->record.project(),
                                              rulebook.ok() ? rulebook->parameters() : v1::RulebookParameters()));
  if (least == Rational()) return absl::optional<api::Delivery>();
  api::Delivery delivery;
  delivery.set_project_id(project_id);
  delivery.set_dossier_id(dossier->record.dossier_id());
  delivery.set_programme(dossier->record.project().programme());
  delivery.mutable_least_share()->set_numerator(static_cast<uint64_t>(least.numerator()));
  delivery.mutable_least_share()->set_denominator(static_cast<uint64_t>(least.denominator()));
  std::set<std::string> lots;
  std::vector<std::pair<std::string, v1::IssuanceText>> decided;
  JCM_ASSIGN_OR_RETURN(const std::set<std::string> ids, IssuanceDecisions(book, project_id));
  for (const std::string& id : ids) {
    JCM_ASSIGN_OR_RETURN(const rules::DecisionView decision, rules::FindDecision(id, book));
    const bool stands = !decision.collides && decision.record.state() == v1::DECISION_STATE_ADOPTED &&
                        decision.reaction.has_value() && decision.reaction->state() == v1::REACTION_STATE_CONFIRMED;
    if (!stands) continue;
    JCM_ASSIGN_OR_RETURN(const v1::DecisionText text, TextOf(decision.record));
    Tonnes total = 0;
    for (const v1::LotText& lot : text.issuance().lots()) {
      lots.insert(lot.lot_id());
      total += lot.tonnes();
    }
    for (const v1::AllocationRow& row : text.issuance().rows()) {
      if (IsGovernmentOfJapan(row.party())) delivery.set_allotted(delivery.allotted() + TonnesOf(row));
    }
    JCM_ASSIGN_OR_RETURN(const Tonnes owed, rules::RoundedUpShare(total, least));
    delivery.set_decided(delivery.decided() + total);
    delivery.set_owed(delivery.owed() + owed);
    decided.emplace_back(id, text.issuance());
  }
  JCM_ASSIGN_OR_RETURN(const Tonnes delivered,
                       own_registry == kJapan ? ArrivedInOwnBook(book, lots) : ArrivedInJapan(book, lots, decided));
  delivery.set_delivered(delivered);
  delivery.set_outstanding(delivery.owed() > delivered ? delivery.owed() - delivered : 0);
  return absl::make_optional(std::move(delivery));
}

absl::StatusOr<std::vector<api::Delivery>> AllDeliveries(const state::StateReader& book,
                                                         const std::string& own_registry, BookTime now) {
  std::set<std::string> projects;
  for (const bool shadow : {false, true}) {
    JCM_ASSIGN_OR_RETURN(const auto records, AllRecords<v1::ProjectRecord>(book, Place(v1::TABLE_PROJECT, shadow)));
    for (const v1::ProjectRecord& record : records) projects.insert(record.project_id());
  }
  std::vector<api::Delivery> deliveries;
  for (const std::string& project : projects) {
    JCM_ASSIGN_OR_RETURN(auto delivery, DeliveryOf(book, own_registry, project, now));
    if (delivery.has_value()) deliveries.push_back(*std::move(delivery));
  }
  return deliveries;
}

}  // namespace jcm::services
