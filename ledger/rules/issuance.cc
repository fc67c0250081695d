#include "ledger/rules/issuance.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/decided_steps.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/side.h"
#include "ledger/rules/units.h"

namespace jcm::rules {
namespace {

bool PeriodsOverlap(const v1::Date& start, const v1::Date& end, const v1::Date& other_start,
                    const v1::Date& other_end) {
  return ToDate(start) <= ToDate(other_end) && ToDate(other_start) <= ToDate(end);
}

bool SharesALot(const v1::IssuanceText& text, const v1::IssuanceText& other) {
  for (const v1::LotText& lot : text.lots()) {
    for (const v1::LotText& other_lot : other.lots()) {
      if (lot.lot_id() == other_lot.lot_id()) return true;
    }
  }
  return false;
}

absl::Status CheckNothingIssuedFromAnother(const v1::DecisionRecord& decision, const v1::IssuanceText& text,
                                           const Transition& transition) {
  absl::Status overlap;
  JCM_RETURN_IF_ERROR(transition.Scan(
      v1::TABLE_ISSUED_PERIOD, absl::StrCat(text.project_id(), "/"), "",
      [&](absl::string_view, absl::string_view value) {
        v1::IssuedPeriodRecord period;
        if (!period.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
          overlap = Error(Reason::STORE_CORRUPT, "an issued period");
        } else if (period.decision_id() != decision.decision_id() &&
                   PeriodsOverlap(text.monitoring_start(), text.monitoring_end(), period.start(), period.end())) {
          overlap = Error(Reason::PERIOD_OVERLAPS, absl::StrCat("with decision ", period.decision_id()));
        }
        return overlap.ok();
      }));
  JCM_RETURN_IF_ERROR(overlap);
  for (const v1::LotText& lot : text.lots()) {
    for (const uint32_t table : {uint32_t{v1::TABLE_LOT}, state::Shadow(v1::TABLE_LOT)}) {
      JCM_ASSIGN_OR_RETURN(auto known, transition.Get<v1::LotRecord>(table, lot.lot_id()));
      if (known.has_value() && known->decision_id() != decision.decision_id()) {
        return Error(Reason::ALREADY_EXISTS, absl::StrCat("lot ", lot.lot_id(), " is of ", known->decision_id()));
      }
    }
  }
  return absl::OkStatus();
}

// When the other side confirmed (or this side, for the other's decision) that the decision is adopted; nullopt if not
// yet.
absl::StatusOr<absl::optional<uint64_t>> ConfirmedAt(const Transition& transition, absl::string_view decision_id) {
  for (const uint32_t table : {uint32_t{v1::TABLE_REACTION}, state::Shadow(v1::TABLE_REACTION)}) {
    JCM_ASSIGN_OR_RETURN(auto reaction, transition.Get<v1::ReactionRecord>(table, decision_id));
    if (reaction.has_value() && reaction->state() == v1::REACTION_STATE_CONFIRMED &&
        reaction->outcome() == v1::DECISION_OUTCOME_ADOPTED) {
      return absl::optional<uint64_t>(reaction->answered_at_us());
    }
  }
  return absl::optional<uint64_t>();
}

// Two confirmed decisions may claim the same lot or days, and each side may learn of them in another order. The one
// that was confirmed first is issued, the other never; with equal times neither, unless the other side has issued it
// already.
//
// Why no serial and no day is issued twice: a side that issues one of the two either sees both confirmed, and then both
// sides choose alike, or does not see the other one confirmed yet. In the latter case that confirmation is its own
// later act; whoever imports it has imported the issuance before it, and is refused by CheckNothingIssuedFromAnother.
absl::Status CheckNoRival(const v1::DecisionRecord& decision, const v1::IssuanceText& text,
                          const Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto issued_there,
                       transition.Get<v1::IssuanceRecord>(state::Shadow(v1::TABLE_ISSUANCE), decision.decision_id()));
  if (issued_there.has_value()) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(auto confirmed_at, ConfirmedAt(transition, decision.decision_id()));
  std::vector<std::string> rivals;
  for (const uint32_t table : {uint32_t{v1::TABLE_DECISION}, state::Shadow(v1::TABLE_DECISION)}) {
    JCM_RETURN_IF_ERROR(transition.Scan(table, "", "", [&](absl::string_view key, absl::string_view value) {
      v1::DecisionRecord other;
      v1::DecisionText other_text;
      if (key == decision.decision_id() || !other.ParseFromArray(value.data(), static_cast<int>(value.size())) ||
          other.state() != v1::DECISION_STATE_ADOPTED || !other_text.ParseFromString(other.text())) {
        return true;
      }
      const v1::IssuanceText& issuance = other_text.issuance();
      if (SharesALot(text, issuance) || (issuance.project_id() == text.project_id() &&
                                         PeriodsOverlap(text.monitoring_start(), text.monitoring_end(),
                                                        issuance.monitoring_start(), issuance.monitoring_end()))) {
        rivals.emplace_back(key);
      }
      return true;
    }));
  }
  for (const std::string& rival : rivals) {
    JCM_ASSIGN_OR_RETURN(auto rival_at, ConfirmedAt(transition, rival));
    if (rival_at.has_value() && (!confirmed_at.has_value() || *rival_at <= *confirmed_at)) {
      return Error(Reason::PERIOD_OVERLAPS, absl::StrCat("decision ", rival, " was confirmed before"));
    }
  }
  return absl::OkStatus();
}

// The rows of this registry with their accounts, in order. The command names each of them once, and no other.
absl::StatusOr<std::vector<std::pair<const v1::AllocationRow*, std::string>>> MatchTargets(
    const RuleInput& input, const v1::IssuanceText& text, const v1::IssueCredits& command) {
  std::vector<std::pair<const v1::AllocationRow*, std::string>> matched;
  for (const v1::AllocationRow& row : text.rows()) {
    if (row.issuing_registry() != input.book.registry) continue;
    const size_t index = matched.size();
    if (index >= static_cast<size_t>(command.targets_size()) ||
        command.targets(static_cast<int>(index)).row() != row.row()) {
      return Error(Reason::TARGETS_DIFFER, absl::StrCat("row ", row.row(), " is not the next target"));
    }
    matched.emplace_back(&row, command.targets(static_cast<int>(index)).account());
  }
  if (matched.empty()) return Error(Reason::TARGETS_DIFFER, "the decision gives this registry nothing to issue");
  if (matched.size() != static_cast<size_t>(command.targets_size())) {
    return Error(Reason::TARGETS_DIFFER, "more targets than rows of this registry");
  }
  return matched;
}

absl::Status CheckTarget(const RuleInput& input, v1::PartyKind party, absl::string_view handle) {
  const v1::AccountContext* account = input.Account(handle);
  if (account == nullptr) return Error(Reason::ACCOUNT_UNKNOWN, handle);
  if (account->state() != v1::ACCOUNT_STATE_ACTIVE) return Error(Reason::ACCOUNT_NOT_ACTIVE, handle);
  const v1::AccountClass fitting =
      party == v1::PARTY_KIND_PARTICIPANT ? v1::ACCOUNT_CLASS_ENTITY_HOLDING : v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING;
  if (account->account_class() != fitting) return Error(Reason::ACCOUNT_CLASS_WRONG, handle);
  return absl::OkStatus();
}

absl::Status PutPeriod(const v1::IssuanceText& text, absl::string_view decision_id, Transition& transition) {
  v1::IssuedPeriodRecord period;
  period.set_project_id(text.project_id());
  *period.mutable_start() = text.monitoring_start();
  *period.mutable_end() = text.monitoring_end();
  period.set_decision_id(std::string(decision_id));
  return transition.Put(
      v1::TABLE_ISSUED_PERIOD,
      absl::StrCat(text.project_id(), "/", FormatDate(ToDate(text.monitoring_start())), "/", decision_id), period);
}

absl::Status PutLot(const v1::IssuanceText& text, absl::string_view decision_id, const v1::LotText& lot,
                    Transition& transition) {
  v1::LotRecord record;
  record.set_lot_id(lot.lot_id());
  record.set_decision_id(std::string(decision_id));
  record.set_project_id(text.project_id());
  record.set_vintage(lot.vintage());
  record.set_tonnes(lot.tonnes());
  *record.mutable_monitoring_start() = text.monitoring_start();
  *record.mutable_monitoring_end() = text.monitoring_end();
  return transition.Put(v1::TABLE_LOT, lot.lot_id(), record);
}

absl::Status PutBlock(const RuleInput& input, const v1::AllocationRow& row, absl::string_view account,
                      Transition& transition) {
  JCM_ASSIGN_OR_RETURN(std::vector<v1::BlockRecord> present, ReadBlocks(transition, row.range(), 1));
  if (!present.empty()) return Error(Reason::ALREADY_EXISTS, absl::StrCat("units of row ", row.row()));
  v1::BlockRecord block;
  block.set_lot_id(row.range().lot_id());
  block.set_first(row.range().first());
  block.set_last(row.range().last());
  block.set_account(std::string(account));
  block.set_state(v1::BLOCK_STATE_HELD);
  block.set_first_allottee(row.party());
  block.set_allocation_row(row.row());
  block.set_issuing_registry(input.book.registry);
  std::vector<v1::BlockRecord> blocks = {std::move(block)};
  // The host may have recorded the first transfer of this range before it was issued here.
  JCM_RETURN_IF_ERROR(MarkFirstTransferred(transition, blocks));
  return WriteBlocks(blocks, transition);
}

}  // namespace

absl::Status ApplyIssueCredits(const RuleInput& input, const v1::IssueCredits& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckId(command.decision_id()));
  JCM_ASSIGN_OR_RETURN(auto issued, transition.Get<v1::IssuanceRecord>(v1::TABLE_ISSUANCE, command.decision_id()));
  if (issued.has_value()) return Error(Reason::DECISION_ALREADY_ISSUED, command.decision_id());
  JCM_ASSIGN_OR_RETURN(v1::DecisionRecord decision,
                       RequireConfirmedDecision(input.book, transition, command.decision_id(), command.text_digest()));
  v1::DecisionText text;
  if (!text.ParseFromString(decision.text())) return Error(Reason::STORE_CORRUPT, "a decision's text");
  if (text.kind() != v1::DECISION_KIND_ISSUANCE) {
    return Error(Reason::DECISION_NOT_CONFIRMED, "the decision is not on an issuance");
  }
  const v1::IssuanceText& issuance = text.issuance();
  JCM_NOTE_REFUSAL(input, "issuance/notified", CheckMayIssue(issuance, transition));
  JCM_NOTE_REFUSAL(input, "issuance/period", CheckNothingIssuedFromAnother(decision, issuance, transition));
  JCM_NOTE_REFUSAL(input, "issuance/rival", CheckNoRival(decision, issuance, transition));
  JCM_ASSIGN_OR_RETURN(auto targets, MatchTargets(input, issuance, command));
  for (const auto& [row, account] : targets) {
    JCM_NOTE_REFUSAL(input, absl::StrCat("issuance/target/", row->row()), CheckTarget(input, row->party(), account));
  }

  v1::IssuanceRecord record;
  record.set_decision_id(command.decision_id());
  record.set_registry(input.book.registry);
  record.set_issued_at_us(input.time.micros);
  *record.mutable_legal_date() = input.legal_date;
  *record.mutable_targets() = command.targets();
  record.set_provenance(input.provenance);
  std::map<std::string, bool> lots;
  for (const auto& [row, account] : targets) {
    lots[row->range().lot_id()] = true;
    record.set_tonnes(record.tonnes() + row->range().last() - row->range().first() + 1);
  }
  for (const v1::LotText& lot : issuance.lots()) {
    if (lots.count(lot.lot_id()) > 0) JCM_RETURN_IF_ERROR(PutLot(issuance, command.decision_id(), lot, transition));
  }
  for (const auto& [row, account] : targets) JCM_RETURN_IF_ERROR(PutBlock(input, *row, account, transition));
  JCM_RETURN_IF_ERROR(PutPeriod(issuance, command.decision_id(), transition));
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_ISSUANCE, command.decision_id(), record));
  return RecordSideIssuance(input, issuance, record, transition);
}

absl::Status OnImportedIssuance(const RuleInput& input, const v1::IssuanceRecord& issuance, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(v1::IssuanceText text, FindIssuanceText(transition, issuance.decision_id()));
  JCM_RETURN_IF_ERROR(PutPeriod(text, issuance.decision_id(), transition));
  return RecordSideIssuance(input, text, issuance, transition);
}

}  // namespace jcm::rules
