#include "services/dossiers/dossier_view.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/cycle/tables.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

std::vector<std::string> WaitsFor(const v1::DossierRecord& dossier, const v1::StrandRecord& strand) {
  std::vector<std::string> names;
  for (const rules::Step* step : AwaitedSteps(dossier.kind(), strand.strand(), strand.state())) {
    for (const rules::Who who : step->who) {
      const std::string name(rules::WhoName(who));
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

bool WaitsFor(const v1::DossierRecord& dossier, const v1::StrandRecord& strand, const std::string& wanted) {
  const auto& steps = AwaitedSteps(dossier.kind(), strand.strand(), strand.state());
  return std::any_of(steps.begin(), steps.end(), [&](const rules::Step* step) {
    return std::any_of(step->who.begin(), step->who.end(),
                       [&](rules::Who who) { return rules::WhoName(who) == wanted; });
  });
}

api::StrandSummary SummarizeStrand(const v1::DossierRecord& dossier, const v1::StrandRecord& strand) {
  api::StrandSummary summary;
  summary.set_strand(strand.strand());
  summary.set_instance(strand.instance());
  summary.set_state(strand.state());
  *summary.mutable_since() = ToTimestamp(strand.since_us());
  if (strand.due_us() != 0) *summary.mutable_due() = ToTimestamp(strand.due_us());
  summary.set_due_step(strand.due_step());
  summary.set_due_by_clock(strand.due_by_clock());
  summary.set_remark(strand.remark());
  for (std::string& name : WaitsFor(dossier, strand)) summary.add_waits_for(std::move(name));
  return summary;
}

// Strands in the order of the table, instances ascending.
void AddStrands(const v1::DossierRecord& record, const std::vector<v1::StrandRecord>& strands,
                api::DossierSummary* summary) {
  for (const rules::Strand& table : rules::CycleOf(record.kind()).strands) {
    for (const v1::StrandRecord& strand : strands) {
      if (strand.strand() == table.name) *summary->add_strands() = SummarizeStrand(record, strand);
    }
  }
}

bool StrandMatches(const v1::DossierRecord& record, const v1::StrandRecord& strand,
                   const api::ListDossiersRequest& request, BookTime now) {
  if (!request.strand().empty() && strand.strand() != request.strand()) return false;
  if (!request.state().empty() && strand.state() != request.state()) return false;
  if (request.overdue() && (strand.due_us() == 0 || strand.due_us() >= now.micros)) return false;
  return request.waits_for().empty() || WaitsFor(record, strand, request.waits_for());
}

template <typename Record>
absl::StatusOr<std::vector<Record>> ReadAll(const state::StateReader& book, uint32_t table, const std::string& prefix) {
  std::vector<Record> records;
  bool readable = true;
  JCM_RETURN_IF_ERROR(book.Scan(table, prefix, "", [&](absl::string_view, absl::string_view value) {
    records.emplace_back();
    readable = records.back().ParseFromArray(value.data(), static_cast<int>(value.size()));
    return readable;
  }));
  if (!readable) return Error(Reason::STORE_CORRUPT, "a dossier");
  return records;
}

bool Counts(const v1::DossierStepRecord& step, const AsOf& as_of) {
  if (as_of.recorded.has_value() && step.at_us() > as_of.recorded->micros) return false;
  if (!as_of.legal.has_value()) return true;
  const auto tie = [](const v1::Date& date) { return std::make_tuple(date.year(), date.month(), date.day()); };
  return tie(step.legal_date()) <= tie(*as_of.legal);
}

// The strands as the steps that count leave them: state and since when; dates and documents are of the present only.
std::vector<v1::StrandRecord> StrandsAfter(const std::vector<v1::DossierStepRecord>& history) {
  std::map<std::string, v1::StrandRecord> strands;
  for (const v1::DossierStepRecord& step : history) {
    v1::StrandRecord& strand = strands[rules::StrandKey(step.dossier_id(), step.strand(), step.instance())];
    strand.set_strand(step.strand());
    strand.set_instance(step.instance());
    if (strand.state() == step.to_state()) continue;
    strand.set_state(step.to_state());
    strand.set_since_us(step.at_us());
    *strand.mutable_since_date() = step.legal_date();
    strand.set_decision_id(step.decision_id());
  }
  std::vector<v1::StrandRecord> list;
  for (auto& [key, strand] : strands) list.push_back(std::move(strand));
  return list;
}

}  // namespace

const std::vector<const rules::Step*>& AwaitedSteps(v1::DossierKind kind, absl::string_view strand,
                                                    absl::string_view state) {
  using States = std::map<std::string, std::vector<const rules::Step*>, std::less<>>;
  using Strands = std::map<std::string, States, std::less<>>;
  static const auto* const tables = [] {
    auto* all = new std::map<v1::DossierKind, Strands>;
    for (const v1::DossierKind one : rules::AllDossierKinds()) {
      for (const rules::Strand& table : rules::CycleOf(one).strands) {
        for (const std::string& name : table.States()) (*all)[one][table.name][name] = table.Awaited(name);
      }
    }
    return all;
  }();
  static const auto* const none = new std::vector<const rules::Step*>;
  const auto of_kind = tables->find(kind);
  if (of_kind == tables->end()) return *none;
  const auto of_strand = of_kind->second.find(std::string_view(strand.data(), strand.size()));
  if (of_strand == of_kind->second.end()) return *none;
  const auto of_state = of_strand->second.find(std::string_view(state.data(), state.size()));
  return of_state == of_strand->second.end() ? *none : of_state->second;
}

google::protobuf::Timestamp ToTimestamp(uint64_t micros) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(static_cast<int64_t>(micros / kMicrosPerSecond));
  timestamp.set_nanos(static_cast<int32_t>(micros % kMicrosPerSecond * 1'000));
  return timestamp;
}

std::string DossierName(absl::string_view partnership, absl::string_view dossier_id) {
  return absl::StrCat("partnerships/", partnership, "/dossiers/", dossier_id);
}

api::DossierSummary Summarize(const IndexedDossier& dossier) {
  api::DossierSummary summary;
  summary.set_name(DossierName(dossier.partnership, dossier.record.dossier_id()));
  summary.set_peer(dossier.peer);
  *summary.mutable_dossier() = dossier.record;
  std::vector<v1::StrandRecord> strands;
  for (const auto& [key, strand] : dossier.strands) strands.push_back(strand);
  AddStrands(dossier.record, strands, &summary);
  return summary;
}

bool Matches(const IndexedDossier& dossier, const api::ListDossiersRequest& request, BookTime now) {
  const v1::DossierRecord& record = dossier.record;
  if (request.kind() != v1::DOSSIER_KIND_UNSPECIFIED && record.kind() != request.kind()) return false;
  if (request.type() != v1::PROJECT_TYPE_UNSPECIFIED && record.project().type() != request.type()) return false;
  if (request.programme() != v1::FUNDING_PROGRAMME_UNSPECIFIED && record.project().programme() != request.programme()) {
    return false;
  }
  if (!request.text().empty() && !absl::StrContains(dossier.text, absl::AsciiStrToLower(request.text()))) return false;
  const bool by_strand =
      !request.strand().empty() || !request.state().empty() || !request.waits_for().empty() || request.overdue();
  if (!by_strand) return true;
  return std::any_of(dossier.strands.begin(), dossier.strands.end(),
                     [&](const auto& entry) { return StrandMatches(record, entry.second, request, now); });
}

absl::StatusOr<api::GetDossierResponse> ViewDossier(const state::StateReader& book, const std::string& partnership,
                                                    const std::string& id_or_reference, const AsOf& as_of) {
  absl::StatusOr<rules::DossierView> found = rules::FindDossier(id_or_reference, book);
  if (HasReason(found.status(), Reason::DOSSIER_UNKNOWN)) {
    JCM_ASSIGN_OR_RETURN(auto by_reference, rules::FindDossierByReference(id_or_reference, book));
    if (!by_reference.has_value()) return Error(Reason::NOT_FOUND, DossierName(partnership, id_or_reference));
    found = *std::move(by_reference);
  }
  JCM_RETURN_IF_ERROR(found.status());
  const std::string prefix = absl::StrCat(found->record.dossier_id(), "/");
  const auto table = [&](v1::Table one) { return found->own ? static_cast<uint32_t>(one) : state::Shadow(one); };
  api::GetDossierResponse response;
  JCM_ASSIGN_OR_RETURN(auto history, ReadAll<v1::DossierStepRecord>(book, table(v1::TABLE_DOSSIER_STEP), prefix));
  history.erase(std::remove_if(history.begin(), history.end(), [&](const auto& step) { return !Counts(step, as_of); }),
                history.end());
  const bool past = as_of.recorded.has_value() || as_of.legal.has_value();
  JCM_ASSIGN_OR_RETURN(auto strands, ReadAll<v1::StrandRecord>(book, table(v1::TABLE_STRAND), prefix));
  if (past) {
    strands = StrandsAfter(history);
  } else {
    for (const v1::StrandRecord& strand : strands) *response.add_strands() = strand;
  }
  response.mutable_summary()->set_name(DossierName(partnership, found->record.dossier_id()));
  response.mutable_summary()->set_peer(!found->own);
  *response.mutable_summary()->mutable_dossier() = found->record;
  AddStrands(found->record, strands, response.mutable_summary());
  // The side that does not keep the dossier reacts in its own book.
  const uint32_t reactions_table =
      found->own ? state::Shadow(v1::TABLE_DOSSIER_REACTION) : uint32_t{v1::TABLE_DOSSIER_REACTION};
  JCM_ASSIGN_OR_RETURN(auto reactions, ReadAll<v1::DossierReactionRecord>(book, reactions_table, prefix));
  for (v1::DossierReactionRecord& reaction : reactions) {
    if (as_of.recorded.has_value() && reaction.at_us() > as_of.recorded->micros) continue;
    *response.add_reactions() = std::move(reaction);
  }
  for (v1::DossierStepRecord& step : history) *response.add_history() = std::move(step);
  return response;
}

}  // namespace jcm::services
