// What an earlier registry had: lots with the numbers that it gave them, units where they lay, and past transfers. A
// book's one opening statement is put together in parts and then signed by two persons, who see its sums; until then
// nothing in it can be used, and from then on nothing migrated is recorded in that book, of whatever kind.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/serial_range.h"
#include "ledger/base/status.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/units.h"

namespace jcm::rules {
namespace {

constexpr int kLotsPerPartMax = 200;
constexpr int kBlocksPerPartMax = 200;
constexpr int kTransfersPerPartMax = 100;
constexpr size_t kFileNameBytesMax = 200;
constexpr size_t kCommitmentBytes = 32;

absl::StatusOr<v1::OpeningStatementRecord> OpenStatement(const std::string& statement_id,
                                                         const state::StateReader& state) {
  JCM_RETURN_IF_ERROR(CheckId(statement_id));
  JCM_ASSIGN_OR_RETURN(auto present, state.Get<v1::OpeningStatementRecord>(v1::TABLE_STATEMENT, statement_id));
  v1::OpeningStatementRecord statement = present.value_or(v1::OpeningStatementRecord());
  statement.set_statement_id(statement_id);
  if (statement.is_signed()) return Error(Reason::MIGRATION_CLOSED, "the statement has been signed");
  // One book has one: a second one could bring units at any later time.
  std::string other;
  JCM_RETURN_IF_ERROR(state.Scan(v1::TABLE_STATEMENT, "", "", [&](absl::string_view key, absl::string_view) {
    if (key != statement_id) other = std::string(key);
    return other.empty();
  }));
  if (!other.empty()) return Error(Reason::ALREADY_EXISTS, absl::StrCat("this book's opening statement is ", other));
  return statement;
}

absl::Status CheckLot(const v1::MigratedLot& lot, const state::StateReader& state) {
  JCM_RETURN_IF_ERROR(CheckId(lot.lot_id()));
  JCM_RETURN_IF_ERROR(CheckId(lot.project_id()));
  if (lot.first_serial() < 1 || lot.tonnes() < 1 || lot.tonnes() > kSerialMax ||
      lot.first_serial() > kSerialMax - lot.tonnes() + 1) {
    return Error(Reason::QUANTITY_OVERFLOW, lot.lot_id());
  }
  JCM_RETURN_IF_ERROR(CheckText(lot.number_text(), kTitleBytesMax, /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckText(lot.decision_text(), kReasonBytesMax, /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDate(lot.monitoring_start(), /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckDate(lot.monitoring_end(), /*required=*/true));
  if (lot.vintage() < lot.monitoring_start().year() || lot.vintage() > lot.monitoring_end().year()) {
    return Error(Reason::VINTAGE_OUTSIDE_PERIOD, lot.lot_id());
  }
  bool project_known = false;
  for (const uint32_t table : {uint32_t{v1::TABLE_PROJECT}, state::Shadow(v1::TABLE_PROJECT)}) {
    JCM_ASSIGN_OR_RETURN(auto project, state.Get(table, lot.project_id()));
    project_known = project_known || project.has_value();
  }
  if (!project_known) return Error(Reason::PROJECT_UNKNOWN, lot.project_id());
  JCM_ASSIGN_OR_RETURN(auto own, state.Get(v1::TABLE_LOT, lot.lot_id()));
  if (own.has_value()) return Error(Reason::ALREADY_EXISTS, lot.lot_id());
  return absl::OkStatus();
}

absl::Status PutLot(const v1::MigratedLot& lot, const std::string& statement_id, Transition& transition) {
  v1::LotRecord record;
  record.set_lot_id(lot.lot_id());
  record.set_project_id(lot.project_id());
  record.set_vintage(lot.vintage());
  record.set_first_serial(lot.first_serial());
  record.set_tonnes(lot.tonnes());
  *record.mutable_monitoring_start() = lot.monitoring_start();
  *record.mutable_monitoring_end() = lot.monitoring_end();
  record.set_number_text(lot.number_text());
  record.set_statement_id(statement_id);
  // The partner may have taken over its share of the same lot: both must mean the same.
  JCM_ASSIGN_OR_RETURN(auto theirs, transition.Get<v1::LotRecord>(state::Shadow(v1::TABLE_LOT), lot.lot_id()));
  if (theirs.has_value() && (theirs->first_serial() != record.first_serial() || theirs->tonnes() != record.tonnes() ||
                             theirs->vintage() != record.vintage() || theirs->project_id() != record.project_id())) {
    return Error(Reason::ALREADY_EXISTS, absl::StrCat(lot.lot_id(), " is another lot in the partner's book"));
  }
  // Its days are issued: no decision issues them again.
  v1::IssuedPeriodRecord period;
  period.set_project_id(lot.project_id());
  *period.mutable_start() = lot.monitoring_start();
  *period.mutable_end() = lot.monitoring_end();
  period.set_decision_id(statement_id);
  JCM_RETURN_IF_ERROR(transition.Put(
      v1::TABLE_ISSUED_PERIOD,
      absl::StrCat(lot.project_id(), "/", FormatDate(ToDate(lot.monitoring_start())), "/", statement_id), period));
  return transition.Put(v1::TABLE_LOT, lot.lot_id(), record);
}

v1::AccountClass ClassOf(v1::BlockState state) {
  return state == v1::BLOCK_STATE_RETIRED ? v1::ACCOUNT_CLASS_RETIREMENT : v1::ACCOUNT_CLASS_CANCELLATION;
}

absl::Status CheckAccount(const RuleInput& input, const v1::MigratedBlock& block, v1::BlockState state) {
  const v1::AccountContext* account = input.Account(block.account());
  if (account == nullptr) return Error(Reason::ACCOUNT_UNKNOWN, block.account());
  const bool holds = account->account_class() == v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING ||
                     account->account_class() == v1::ACCOUNT_CLASS_ENTITY_HOLDING ||
                     account->account_class() == v1::ACCOUNT_CLASS_PENDING ||
                     account->account_class() == v1::ACCOUNT_CLASS_SUSPENSE;
  const bool fits = state == v1::BLOCK_STATE_HELD ? holds : account->account_class() == ClassOf(state);
  if (!fits) return Error(Reason::ACCOUNT_CLASS_WRONG, block.account());
  if (account->state() == v1::ACCOUNT_STATE_CLOSED || account->state() == v1::ACCOUNT_STATE_APPLIED) {
    return Error(Reason::ACCOUNT_NOT_ACTIVE, block.account());
  }
  return absl::OkStatus();
}

absl::Status CheckBlock(const RuleInput& input, const v1::MigratedBlock& block, v1::BlockState state,
                        const std::string& statement_id, const Transition& transition) {
  if (state != v1::BLOCK_STATE_HELD && state != v1::BLOCK_STATE_RETIRED && state != v1::BLOCK_STATE_CANCELLED) {
    return Error(Reason::FIELD_INVALID, "units are held, retired or cancelled when they are taken over");
  }
  const bool is_final = state != v1::BLOCK_STATE_HELD;
  if (is_final == block.end_id().empty()) return Error(Reason::FIELD_INVALID, "end_id belongs to what is final");
  if (is_final) {
    JCM_RETURN_IF_ERROR(CheckId(block.end_id()));
    JCM_RETURN_IF_ERROR(CheckDate(block.end_date(), /*required=*/true));
  }
  if ((state == v1::BLOCK_STATE_CANCELLED) != (block.purpose() != v1::CANCELLATION_PURPOSE_UNSPECIFIED) ||
      !v1::CancellationPurpose_IsValid(block.purpose())) {
    return Error(Reason::FIELD_INVALID, "purpose belongs to a cancellation");
  }
  if (!v1::PartyKind_IsValid(block.first_allottee()) || block.first_allottee() == v1::PARTY_KIND_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "first_allottee");
  }
  JCM_RETURN_IF_ERROR(CheckText(block.issuing_registry(), 3, /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckText(block.restriction(), kTitleBytesMax, /*required=*/false));
  if (is_final && !block.restriction().empty()) {
    return Error(Reason::FIELD_INVALID, "a restriction belongs to units that are held");
  }
  if (!block.from_account().empty() && (!is_final || input.Account(block.from_account()) == nullptr)) {
    return Error(Reason::FIELD_INVALID, "from_account belongs to what is final");
  }
  JCM_ASSIGN_OR_RETURN(auto lot, transition.Get<v1::LotRecord>(v1::TABLE_LOT, block.range().lot_id()));
  if (!lot.has_value() || lot->statement_id() != statement_id) {
    return Error(Reason::OBJECT_UNKNOWN, absl::StrCat("lot ", block.range().lot_id(), " of this statement"));
  }
  JCM_RETURN_IF_ERROR(Validate(SerialRange{block.range().first(), block.range().last()}));
  if (!LiesInLot(block.range(), *lot)) return Error(Reason::RANGE_OUTSIDE_LOT, block.range().lot_id());
  JCM_ASSIGN_OR_RETURN(std::vector<v1::BlockRecord> present, ReadBlocks(transition, block.range(), 1));
  if (!present.empty()) {
    return Error(Reason::RANGES_OVERLAP, absl::StrCat(block.range().lot_id(), " ", present[0].first()));
  }
  return CheckAccount(input, block, state);
}

// Retirements and cancellations of the earlier registry become records of their own, under their old numbers. Such a
// record is written once: all blocks of one end come in one part. `ends` are those of this part.
absl::Status AddToEnd(const RuleInput& input, const v1::MigratedBlock& block, v1::BlockState state,
                      std::set<std::string>* ends, Transition& transition) {
  const bool begun = !ends->insert(absl::StrCat(block.state(), "/", block.end_id())).second;
  const Tonnes tonnes = block.range().last() - block.range().first() + 1;
  const auto fill = [&](auto* record) {
    *record->add_ranges() = block.range();
    record->set_tonnes(record->tonnes() + tonnes);
    record->set_at_us(input.time.micros);
    *record->mutable_legal_date() = block.end_date();
    record->set_from_account(block.from_account());
    record->set_provenance(v1::PROVENANCE_MIGRATED);
  };
  if (state == v1::BLOCK_STATE_RETIRED) {
    JCM_ASSIGN_OR_RETURN(auto present, transition.Get<v1::RetirementRecord>(v1::TABLE_RETIREMENT, block.end_id()));
    if (present.has_value() != begun) return Error(Reason::ALREADY_EXISTS, block.end_id());
    v1::RetirementRecord record = present.value_or(v1::RetirementRecord());
    record.set_retirement_id(block.end_id());
    record.set_retirement_account(block.account());
    fill(&record);
    return transition.Put(v1::TABLE_RETIREMENT, block.end_id(), record);
  }
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get<v1::CancellationRecord>(v1::TABLE_CANCELLATION, block.end_id()));
  if (present.has_value() != begun) return Error(Reason::ALREADY_EXISTS, block.end_id());
  v1::CancellationRecord record = present.value_or(v1::CancellationRecord());
  record.set_cancellation_id(block.end_id());
  record.set_cancellation_account(block.account());
  record.set_purpose(block.purpose());
  fill(&record);
  return transition.Put(v1::TABLE_CANCELLATION, block.end_id(), record);
}

absl::Status TakeBlock(const RuleInput& input, const v1::MigratedBlock& block, v1::OpeningStatementRecord* statement,
                       std::set<std::string>* ends, Transition& transition) {
  const auto state = static_cast<v1::BlockState>(block.state());
  JCM_RETURN_IF_ERROR(CheckBlock(input, block, state, statement->statement_id(), transition));
  v1::BlockRecord record;
  record.set_lot_id(block.range().lot_id());
  record.set_first(block.range().first());
  record.set_last(block.range().last());
  record.set_account(block.account());
  record.set_state(state);
  record.set_first_allottee(block.first_allottee());
  record.set_issuing_registry(block.issuing_registry());
  record.set_end_id(block.end_id());
  record.set_restriction(block.restriction());
  JCM_RETURN_IF_ERROR(WriteBlocks({record}, transition));
  const Tonnes tonnes = record.last() - record.first() + 1;
  statement->set_blocks(statement->blocks() + 1);
  if (state == v1::BLOCK_STATE_HELD) {
    statement->set_held(statement->held() + tonnes);
    if (!block.restriction().empty()) statement->set_restricted(statement->restricted() + tonnes);
    return absl::OkStatus();
  }
  if (state == v1::BLOCK_STATE_RETIRED) {
    statement->set_retired(statement->retired() + tonnes);
  } else {
    statement->set_cancelled(statement->cancelled() + tonnes);
  }
  return AddToEnd(input, block, state, ends, transition);
}

// History: it says how units came to where the blocks have them, and moves nothing.
absl::Status TakeTransfer(const RuleInput& input, const v1::MigratedTransfer& transfer, const std::string& statement_id,
                          Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckId(transfer.transfer_id()));
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get(v1::TABLE_TRANSFER, transfer.transfer_id()));
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, transfer.transfer_id());
  JCM_ASSIGN_OR_RETURN(const Tonnes tonnes, CheckRanges(transfer.ranges()));
  JCM_RETURN_IF_ERROR(CheckDate(transfer.date(), /*required=*/true));
  if (transfer.from_account() == transfer.to_account()) {
    return Error(Reason::FIELD_INVALID, "both accounts are the same");
  }
  for (const std::string& account : {transfer.from_account(), transfer.to_account()}) {
    if (input.Account(account) == nullptr) return Error(Reason::ACCOUNT_UNKNOWN, account);
  }
  for (const v1::UnitRange& range : transfer.ranges()) {
    JCM_ASSIGN_OR_RETURN(auto lot, transition.Get<v1::LotRecord>(v1::TABLE_LOT, range.lot_id()));
    if (!lot.has_value() || lot->statement_id() != statement_id) {
      return Error(Reason::OBJECT_UNKNOWN, absl::StrCat("lot ", range.lot_id(), " of this statement"));
    }
    if (!LiesInLot(range, *lot)) return Error(Reason::RANGE_OUTSIDE_LOT, range.lot_id());
  }
  v1::TransferRecord record;
  record.set_transfer_id(transfer.transfer_id());
  record.set_from_account(transfer.from_account());
  record.set_to_account(transfer.to_account());
  *record.mutable_ranges() = transfer.ranges();
  record.set_tonnes(tonnes);
  record.set_at_us(input.time.micros);
  *record.mutable_legal_date() = transfer.date();
  record.set_provenance(v1::PROVENANCE_MIGRATED);
  return transition.Put(v1::TABLE_TRANSFER, transfer.transfer_id(), record);
}

absl::Status CheckSource(const v1::MigrationSource& source) {
  JCM_RETURN_IF_ERROR(CheckText(source.file(), kFileNameBytesMax, /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckText(source.object(), kTitleBytesMax, /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckText(source.document(), kTitleBytesMax, /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDigestField(source.document_digest(), /*required=*/false));
  if (source.row_commitment().size() != kCommitmentBytes) {
    return Error(Reason::FIELD_INVALID, "a row's commitment has 32 bytes");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckMigrated(const v1::Command& command, const state::StateReader& state) {
  if (command.has_source()) JCM_RETURN_IF_ERROR(CheckSource(command.source()));
  std::string closed_by;
  JCM_RETURN_IF_ERROR(state.Scan(v1::TABLE_STATEMENT, "", "", [&](absl::string_view key, absl::string_view value) {
    v1::OpeningStatementRecord statement;
    if (statement.ParseFromArray(value.data(), static_cast<int>(value.size())) && statement.is_signed()) {
      closed_by = std::string(key);
    }
    return closed_by.empty();
  }));
  return closed_by.empty() ? absl::OkStatus() : Error(Reason::MIGRATION_CLOSED, closed_by);
}

absl::Status ApplyMigrateUnits(const RuleInput& input, const v1::MigrateUnits& command, Transition& transition) {
  if (input.provenance != v1::PROVENANCE_MIGRATED) return Error(Reason::FIELD_INVALID, "provenance is MIGRATED");
  if (command.lots_size() > kLotsPerPartMax || command.blocks_size() > kBlocksPerPartMax ||
      command.transfers_size() > kTransfersPerPartMax) {
    return Error(Reason::FIELD_INVALID, "too many lots, blocks or transfers in one part");
  }
  if (command.lots().empty() && command.blocks().empty() && command.transfers().empty()) {
    return Error(Reason::FIELD_REQUIRED, "lots, blocks or transfers");
  }
  JCM_ASSIGN_OR_RETURN(v1::OpeningStatementRecord statement, OpenStatement(command.statement_id(), transition));
  for (const v1::MigratedLot& lot : command.lots()) {
    JCM_RETURN_IF_ERROR(CheckLot(lot, transition));
    JCM_RETURN_IF_ERROR(PutLot(lot, command.statement_id(), transition));
    statement.set_lots(statement.lots() + 1);
  }
  std::set<std::string> ends;
  for (const v1::MigratedBlock& block : command.blocks()) {
    JCM_RETURN_IF_ERROR(TakeBlock(input, block, &statement, &ends, transition));
  }
  for (const v1::MigratedTransfer& transfer : command.transfers()) {
    JCM_RETURN_IF_ERROR(TakeTransfer(input, transfer, command.statement_id(), transition));
    statement.set_transfers(statement.transfers() + 1);
  }
  return transition.Put(v1::TABLE_STATEMENT, command.statement_id(), statement);
}

absl::Status ApplySignOpeningStatement(const RuleInput& input, const v1::SignOpeningStatement& command,
                                       Transition& transition) {
  if (input.provenance != v1::PROVENANCE_MIGRATED) return Error(Reason::FIELD_INVALID, "provenance is MIGRATED");
  JCM_RETURN_IF_ERROR(CheckDate(command.as_of(), /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.files_digest(), /*required=*/true));
  JCM_ASSIGN_OR_RETURN(v1::OpeningStatementRecord statement, OpenStatement(command.statement_id(), transition));
  // One without units may be signed too: it says that there were none, and closes the book.
  const auto differs = [](absl::string_view what, uint64_t stated, uint64_t counted) {
    return Error(Reason::STATEMENT_DIFFERS, absl::StrCat(what, ": stated ", stated, ", taken over ", counted));
  };
  if (command.lots() != statement.lots()) return differs("lots", command.lots(), statement.lots());
  if (command.blocks() != statement.blocks()) return differs("blocks", command.blocks(), statement.blocks());
  if (command.held() != statement.held()) return differs("t held", command.held(), statement.held());
  if (command.retired() != statement.retired()) return differs("t retired", command.retired(), statement.retired());
  if (command.cancelled() != statement.cancelled()) {
    return differs("t cancelled", command.cancelled(), statement.cancelled());
  }
  if (command.transfers() != statement.transfers()) {
    return differs("transfers", command.transfers(), statement.transfers());
  }
  if (command.restricted() != statement.restricted()) {
    return differs("t restricted", command.restricted(), statement.restricted());
  }
  statement.set_is_signed(true);
  *statement.mutable_as_of() = command.as_of();
  statement.set_files_digest(command.files_digest());
  statement.set_signed_at_us(input.time.micros);
  return transition.Put(v1::TABLE_STATEMENT, command.statement_id(), statement);
}

}  // namespace jcm::rules
