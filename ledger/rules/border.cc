#include "ledger/rules/border.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/authorization.h"
#include "ledger/rules/side.h"
#include "ledger/rules/units.h"

namespace jcm::rules {
namespace {

constexpr size_t kToHintBytesMax = 200;
constexpr size_t kReasonBytesMax = 2'000;

absl::Status CheckBothKeepBooks(const Transition& transition) {
  JCM_ASSIGN_OR_RETURN(v1::PartnershipRecord partnership, RequirePartnership(transition));
  if (partnership.mode() != v1::PARTNERSHIP_MODE_NODE && partnership.mode() != v1::PARTNERSHIP_MODE_HOSTED) {
    return Error(Reason::MODE_NOT_ALLOWED, "a cross-border transfer needs a book on both sides");
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::TransferOutRecord> RequireTransferOut(const Transition& transition, uint32_t table,
                                                         absl::string_view transfer_id) {
  JCM_RETURN_IF_ERROR(CheckId(transfer_id));
  JCM_ASSIGN_OR_RETURN(auto record, transition.Get<v1::TransferOutRecord>(table, transfer_id));
  if (!record.has_value()) return Error(Reason::TRANSFER_UNKNOWN, transfer_id);
  return *std::move(record);
}

// Every transfer in flight has an expiry deadline, so these are all of them.
absl::StatusOr<std::vector<std::string>> TransfersInFlight(const Transition& transition) {
  std::vector<std::string> ids;
  bool parsed = true;
  JCM_RETURN_IF_ERROR(transition.Scan(v1::TABLE_DEADLINE, "", "", [&](absl::string_view, absl::string_view value) {
    v1::DeadlineRecord deadline;
    parsed = deadline.ParseFromArray(value.data(), static_cast<int>(value.size()));
    if (parsed && deadline.kind() == v1::DEADLINE_KIND_TRANSFER_EXPIRY) ids.push_back(deadline.object_id());
    return parsed;
  }));
  if (!parsed) return Error(Reason::STORE_CORRUPT, "a deadline");
  return ids;
}

absl::Status CheckExpiry(const RuleInput& input, const v1::RulebookParameters& parameters, uint64_t expires_at_us) {
  const uint64_t latest = input.time.micros + parameters.transfer_expiry_days_max() * kMicrosPerDay;
  if (expires_at_us <= input.time.micros) return Error(Reason::FIELD_INVALID, "expires_at_us is not in the future");
  if (expires_at_us > latest) {
    return Error(Reason::FIELD_INVALID,
                 absl::StrCat("expires_at_us is more than ", parameters.transfer_expiry_days_max(), " days ahead"));
  }
  return absl::OkStatus();
}

// A host's own units of 2021 and later leave it under its authorization, unless they were first transferred before;
// all others leave without one. Holds the headroom.
absl::Status HoldAuthorization(const RuleInput& input, const v1::RulebookParameters& parameters,
                               const v1::InitTransfer& command, const std::vector<v1::BlockRecord>& blocks,
                               Tonnes tonnes, Transition& transition) {
  const bool authorized = !command.authorization_id().empty();
  if (authorized && !IsHost(input.book)) {
    return Error(Reason::AUTHORIZATION_NOT_APPLICABLE, "an authorization is for units that leave the host");
  }
  v1::AuthorizationRecord authorization;
  if (authorized) {
    JCM_ASSIGN_OR_RETURN(authorization, RequireAuthorization(transition, command.authorization_id()));
    if (!InternationalTransferIsFirst(authorization)) {
      return Error(Reason::AUTHORIZATION_NOT_APPLICABLE, "its first transfer is recorded before the units move");
    }
  }
  for (const v1::BlockRecord& block : blocks) {
    JCM_ASSIGN_OR_RETURN(v1::LotRecord lot, FindLot(transition, block.lot_id()));
    const bool issued_here = block.issuing_registry() == input.book.registry;
    if (authorized) {
      JCM_RETURN_IF_ERROR(CheckCovers(authorization, lot, parameters));
      if (!block.first_transfer_id().empty()) {
        return Error(Reason::ALREADY_FIRST_TRANSFERRED, absl::StrCat(block.lot_id(), " ", block.first()));
      }
      if (!issued_here) return Error(Reason::AUTHORIZATION_NOT_APPLICABLE, "the units were issued by the other side");
    } else if (IsHost(input.book) && issued_here && block.first_transfer_id().empty() &&
               IsItmoVintage(lot.vintage(), parameters)) {
      return Error(Reason::UNIT_NOT_AUTHORIZED, absl::StrCat(block.lot_id(), " ", block.first()));
    }
  }
  if (!authorized) return absl::OkStatus();
  JCM_RETURN_IF_ERROR(CheckHeadroom(authorization, tonnes));
  authorization.set_held(authorization.held() + tonnes);
  return transition.Put(v1::TABLE_AUTHORIZATION, command.authorization_id(), authorization);
}

// Lots and blocks that the receiver needs, as they are now in this book.
absl::Status FillTravelling(v1::TransferOutRecord* record, const Transition& transition) {
  record->clear_lots();
  record->clear_blocks();
  std::map<std::string, bool> seen;
  for (const v1::UnitRange& range : record->ranges()) {
    if (!seen[range.lot_id()]) {
      seen[range.lot_id()] = true;
      JCM_ASSIGN_OR_RETURN(*record->add_lots(), FindLot(transition, range.lot_id()));
      record->mutable_lots(record->lots_size() - 1)->clear_transferred_in();
    }
    JCM_ASSIGN_OR_RETURN(std::vector<v1::BlockRecord> blocks, ReadBlocks(transition, range));
    for (v1::BlockRecord& block : blocks) {
      block.clear_account();
      block.clear_state();
      block.clear_end_id();
      *record->add_blocks() = std::move(block);
    }
  }
  return absl::OkStatus();
}

// The units of a transfer in flight get another state. The transfer alone holds them, so nothing can be missing.
absl::Status SetUnits(const v1::TransferOutRecord& record, v1::BlockState state, absl::string_view end_id,
                      Transition& transition) {
  for (const v1::UnitRange& range : record.ranges()) {
    JCM_ASSIGN_OR_RETURN(std::vector<v1::BlockRecord> blocks, ReadBlocks(transition, range));
    for (v1::BlockRecord& block : blocks) {
      JCM_CHECK(block.state() == v1::BLOCK_STATE_IN_TRANSIT && block.end_id() == record.transfer_id());
      block.set_state(state);
      block.set_end_id(std::string(end_id));
    }
    JCM_RETURN_IF_ERROR(WriteBlocks(blocks, transition));
  }
  return absl::OkStatus();
}

absl::Status RemoveExpiry(const v1::TransferOutRecord& record, Transition& transition) {
  return RemoveDeadline(BookTime::FromMicros(record.expires_at_us()), v1::DEADLINE_KIND_TRANSFER_EXPIRY,
                        record.transfer_id(), transition);
}

absl::Status Void(const RuleInput& input, v1::TransferOutRecord record, v1::VoidCause cause, Transition& transition) {
  JCM_RETURN_IF_ERROR(SetUnits(record, v1::BLOCK_STATE_HELD, "", transition));
  if (!record.authorization_id().empty()) {
    JCM_ASSIGN_OR_RETURN(v1::AuthorizationRecord authorization,
                         RequireAuthorization(transition, record.authorization_id()));
    authorization.set_held(authorization.held() - record.tonnes());
    JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_AUTHORIZATION, record.authorization_id(), authorization));
  }
  JCM_RETURN_IF_ERROR(RemoveExpiry(record, transition));
  record.set_state(v1::TRANSFER_OUT_STATE_VOIDED);
  record.set_void_cause(cause);
  record.set_decided_at_us(input.time.micros);
  return transition.Put(v1::TABLE_TRANSFER_OUT, record.transfer_id(), record);
}

// The Post of an authorized transfer is the first transfer of its units.
absl::Status FirstTransferByPost(const RuleInput& input, v1::TransferOutRecord* record, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(v1::AuthorizationRecord authorization,
                       RequireAuthorization(transition, record->authorization_id()));
  authorization.set_held(authorization.held() - record->tonnes());
  authorization.set_first_transferred(authorization.first_transferred() + record->tonnes());
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_AUTHORIZATION, record->authorization_id(), authorization));

  v1::FirstTransferRecord first_transfer;
  first_transfer.set_first_transfer_id(FirstTransferIdOfPost(record->transfer_id()));
  first_transfer.set_authorization_id(record->authorization_id());
  *first_transfer.mutable_ranges() = record->ranges();
  first_transfer.set_tonnes(record->tonnes());
  *first_transfer.mutable_action_date() = record->action_date();
  first_transfer.set_recorded_at_us(input.time.micros);
  first_transfer.set_transfer_id(record->transfer_id());
  *first_transfer.mutable_purposes() = authorization.purposes();
  first_transfer.set_provenance(v1::PROVENANCE_NATIVE);
  record->set_first_transfer_id(first_transfer.first_transfer_id());
  JCM_RETURN_IF_ERROR(EnterFirstTransfer(first_transfer, transition));
  return transition.Put(v1::TABLE_FIRST_TRANSFER, first_transfer.first_transfer_id(), first_transfer);
}

absl::Status Post(const RuleInput& input, v1::TransferOutRecord record, Transition& transition) {
  JCM_RETURN_IF_ERROR(SetUnits(record, v1::BLOCK_STATE_SENT, record.transfer_id(), transition));
  if (!record.has_action_date()) {
    JCM_ASSIGN_OR_RETURN(v1::RulebookParameters parameters, ParametersInForce(transition, input));
    *record.mutable_action_date() = DayOf(parameters, input.book, input.time);
  }
  if (!record.authorization_id().empty()) JCM_RETURN_IF_ERROR(FirstTransferByPost(input, &record, transition));
  // Units may have been first transferred on the way (parallel issuance), so their attributes are read again.
  JCM_RETURN_IF_ERROR(FillTravelling(&record, transition));
  JCM_RETURN_IF_ERROR(RemoveExpiry(record, transition));
  record.set_state(v1::TRANSFER_OUT_STATE_POSTED);
  record.set_decided_at_us(input.time.micros);
  return transition.Put(v1::TABLE_TRANSFER_OUT, record.transfer_id(), record);
}

// Serials that this book holds in any other form than a tombstone cannot come in from outside.
absl::Status CheckOnlyTombstones(const v1::TransferOutRecord& transfer, const Transition& transition) {
  for (const v1::UnitRange& range : transfer.ranges()) {
    JCM_ASSIGN_OR_RETURN(std::vector<v1::BlockRecord> present, ReadBlocks(transition, range));
    for (const v1::BlockRecord& block : present) {
      if (block.state() != v1::BLOCK_STATE_SENT) {
        return Error(Reason::IMPOSSIBLE_ACT,
                     absl::StrCat("posted units are here: ", block.lot_id(), " ", block.first(), "..", block.last()));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status Credit(const RuleInput& input, const v1::TransferOutRecord& transfer, v1::TransferInRecord answer,
                    Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckOnlyTombstones(transfer, transition));
  const v1::AccountContext* account = input.Account(answer.to_account());
  if (account == nullptr) return Error(Reason::INTERNAL, "the account to credit is not in the context");
  answer.set_credited_account(account->state() == v1::ACCOUNT_STATE_CLOSED ? answer.suspense_account()
                                                                           : answer.to_account());
  for (const v1::LotRecord& lot : transfer.lots()) {
    JCM_ASSIGN_OR_RETURN(auto known, transition.Get<v1::LotRecord>(v1::TABLE_LOT, lot.lot_id()));
    if (known.has_value()) continue;
    v1::LotRecord record = lot;
    record.set_transferred_in(true);
    JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_LOT, lot.lot_id(), record));
  }
  std::vector<v1::BlockRecord> blocks(transfer.blocks().begin(), transfer.blocks().end());
  for (v1::BlockRecord& block : blocks) {
    block.set_account(answer.credited_account());
    block.set_state(v1::BLOCK_STATE_HELD);
  }
  // The sender may not have known yet of a first transfer that this book has.
  JCM_RETURN_IF_ERROR(MarkFirstTransferred(transition, blocks));
  JCM_RETURN_IF_ERROR(WriteBlocks(blocks, transition));
  answer.set_state(v1::TRANSFER_IN_STATE_CREDITED);
  answer.set_credited_at_us(input.time.micros);
  *answer.mutable_action_date() = transfer.action_date();
  return transition.Put(v1::TABLE_TRANSFER_IN, answer.transfer_id(), answer);
}

// The transfer that may still be answered here. TRANSFER_UNKNOWN, TRANSFER_ALREADY_ANSWERED, TRANSFER_DECIDED.
absl::StatusOr<v1::TransferOutRecord> RequireAnswerable(const Transition& transition, absl::string_view transfer_id) {
  JCM_ASSIGN_OR_RETURN(v1::TransferOutRecord transfer,
                       RequireTransferOut(transition, state::Shadow(v1::TABLE_TRANSFER_OUT), transfer_id));
  JCM_ASSIGN_OR_RETURN(auto answered, transition.Get<v1::TransferInRecord>(v1::TABLE_TRANSFER_IN, transfer_id));
  if (answered.has_value()) return Error(Reason::TRANSFER_ALREADY_ANSWERED, transfer_id);
  if (transfer.state() != v1::TRANSFER_OUT_STATE_INITIATED) return Error(Reason::TRANSFER_DECIDED, transfer_id);
  return transfer;
}

v1::TransferInRecord Answer(const RuleInput& input, const v1::TransferOutRecord& transfer, v1::TransferInState state) {
  v1::TransferInRecord answer;
  answer.set_transfer_id(transfer.transfer_id());
  answer.set_state(state);
  answer.set_answered_at_us(input.time.micros);
  answer.set_tonnes(transfer.tonnes());
  return answer;
}

}  // namespace

std::string FirstTransferIdOfPost(absl::string_view transfer_id) { return absl::StrCat("post:", transfer_id); }

absl::Status ApplyInitTransfer(const RuleInput& input, const v1::InitTransfer& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckId(command.transfer_id()));
  JCM_RETURN_IF_ERROR(CheckBothKeepBooks(transition));
  JCM_ASSIGN_OR_RETURN(auto present,
                       transition.Get<v1::TransferOutRecord>(v1::TABLE_TRANSFER_OUT, command.transfer_id()));
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, command.transfer_id());
  JCM_ASSIGN_OR_RETURN(const Tonnes tonnes, CheckRanges(command.ranges()));
  JCM_RETURN_IF_ERROR(CheckDate(command.action_date(), false));
  if (command.to_hint().size() > kToHintBytesMax) return Error(Reason::FIELD_INVALID, "to_hint");
  JCM_ASSIGN_OR_RETURN(v1::RulebookParameters parameters, ParametersInForce(transition, input));
  JCM_RETURN_IF_ERROR(CheckExpiry(input, parameters, command.expires_at_us()));
  JCM_RETURN_IF_ERROR(CheckOperationSignatures(input, parameters));
  JCM_ASSIGN_OR_RETURN(const v1::AccountContext* sender, RequireSender(input, command.from_account()));
  if (!IsSendingAccount(*sender)) return Error(Reason::ACCOUNT_CLASS_WRONG, command.from_account());
  JCM_ASSIGN_OR_RETURN(std::vector<std::string> in_flight, TransfersInFlight(transition));
  if (in_flight.size() >= kTransfersInFlightMax) return Error(Reason::QUEUE_FULL, "transfers in flight");
  JCM_ASSIGN_OR_RETURN(auto blocks, TakeHeld(transition, command.from_account(), command.ranges()));
  JCM_RETURN_IF_ERROR(HoldAuthorization(input, parameters, command, blocks, tonnes, transition));

  for (v1::BlockRecord& block : blocks) {
    block.set_state(v1::BLOCK_STATE_IN_TRANSIT);
    block.set_end_id(command.transfer_id());
  }
  JCM_RETURN_IF_ERROR(WriteBlocks(blocks, transition));
  v1::TransferOutRecord record;
  record.set_transfer_id(command.transfer_id());
  record.set_from_account(command.from_account());
  *record.mutable_ranges() = command.ranges();
  record.set_tonnes(tonnes);
  record.set_authorization_id(command.authorization_id());
  record.set_expires_at_us(command.expires_at_us());
  if (command.has_action_date()) *record.mutable_action_date() = command.action_date();
  record.set_state(v1::TRANSFER_OUT_STATE_INITIATED);
  record.set_initiated_at_us(input.time.micros);
  JCM_RETURN_IF_ERROR(FillTravelling(&record, transition));
  JCM_RETURN_IF_ERROR(AddDeadline(BookTime::FromMicros(command.expires_at_us()), v1::DEADLINE_KIND_TRANSFER_EXPIRY,
                                  command.transfer_id(), transition));
  return transition.Put(v1::TABLE_TRANSFER_OUT, command.transfer_id(), record);
}

absl::Status ApplyAcceptTransfer(const RuleInput& input, const v1::AcceptTransfer& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckBothKeepBooks(transition));
  JCM_ASSIGN_OR_RETURN(v1::TransferOutRecord transfer, RequireAnswerable(transition, command.transfer_id()));
  JCM_ASSIGN_OR_RETURN(const v1::AccountContext* account, RequireReceiver(input, command.to_account()));
  JCM_RETURN_IF_ERROR(input.CheckActsFor(*account));
  if (!IsHoldingAccount(*account)) return Error(Reason::ACCOUNT_CLASS_WRONG, command.to_account());
  JCM_ASSIGN_OR_RETURN(const v1::AccountContext* suspense, RequireReceiver(input, command.suspense_account()));
  if (suspense->account_class() != v1::ACCOUNT_CLASS_SUSPENSE) {
    return Error(Reason::ACCOUNT_CLASS_WRONG, command.suspense_account());
  }
  v1::TransferInRecord answer = Answer(input, transfer, v1::TRANSFER_IN_STATE_ACCEPTED);
  answer.set_to_account(command.to_account());
  answer.set_suspense_account(command.suspense_account());
  return transition.Put(v1::TABLE_TRANSFER_IN, command.transfer_id(), answer);
}

absl::Status ApplyRefuseTransfer(const RuleInput& input, const v1::RefuseTransfer& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckBothKeepBooks(transition));
  if (command.reason().size() > kReasonBytesMax) return Error(Reason::FIELD_INVALID, "reason");
  JCM_ASSIGN_OR_RETURN(v1::TransferOutRecord transfer, RequireAnswerable(transition, command.transfer_id()));
  v1::TransferInRecord answer = Answer(input, transfer, v1::TRANSFER_IN_STATE_REFUSED);
  answer.set_reason(command.reason());
  return transition.Put(v1::TABLE_TRANSFER_IN, command.transfer_id(), answer);
}

absl::Status ApplyWithdrawTransfer(const RuleInput& input, const v1::WithdrawTransfer& command,
                                   Transition& transition) {
  JCM_ASSIGN_OR_RETURN(v1::TransferOutRecord record,
                       RequireTransferOut(transition, v1::TABLE_TRANSFER_OUT, command.transfer_id()));
  const v1::AccountContext* account = input.Account(record.from_account());
  if (account == nullptr) return Error(Reason::ACCOUNT_UNKNOWN, record.from_account());
  JCM_RETURN_IF_ERROR(input.CheckActsFor(*account));
  if (record.state() != v1::TRANSFER_OUT_STATE_INITIATED) return Error(Reason::TRANSFER_DECIDED, command.transfer_id());
  return Void(input, std::move(record), v1::VOID_CAUSE_WITHDRAWN, transition);
}

absl::Status OnTransferExpiryDeadline(const RuleInput& input, const v1::DeadlineRecord& deadline,
                                      Transition& transition) {
  JCM_ASSIGN_OR_RETURN(v1::TransferOutRecord record,
                       RequireTransferOut(transition, v1::TABLE_TRANSFER_OUT, deadline.object_id()));
  if (record.state() != v1::TRANSFER_OUT_STATE_INITIATED) return absl::OkStatus();
  return Void(input, std::move(record), v1::VOID_CAUSE_EXPIRED, transition);
}

absl::Status VoidTransfersUnder(const RuleInput& input, absl::string_view authorization_id, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(std::vector<std::string> in_flight, TransfersInFlight(transition));
  for (const std::string& transfer_id : in_flight) {
    JCM_ASSIGN_OR_RETURN(v1::TransferOutRecord record,
                         RequireTransferOut(transition, v1::TABLE_TRANSFER_OUT, transfer_id));
    if (record.authorization_id() != authorization_id) continue;
    JCM_RETURN_IF_ERROR(Void(input, std::move(record), v1::VOID_CAUSE_REVOKED, transition));
  }
  return absl::OkStatus();
}

absl::Status OnImportedAnswer(const RuleInput& input, const v1::TransferInRecord& answer, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto record,
                       transition.Get<v1::TransferOutRecord>(v1::TABLE_TRANSFER_OUT, answer.transfer_id()));
  if (!record.has_value()) {
    return Error(Reason::IMPOSSIBLE_ACT, absl::StrCat("an answer to unknown transfer ", answer.transfer_id()));
  }
  if (record->state() != v1::TRANSFER_OUT_STATE_INITIATED) return absl::OkStatus();
  switch (answer.state()) {
    case v1::TRANSFER_IN_STATE_ACCEPTED:
      return Post(input, *std::move(record), transition);
    case v1::TRANSFER_IN_STATE_REFUSED:
      return Void(input, *std::move(record), v1::VOID_CAUSE_REFUSED, transition);
    default:
      return Error(Reason::IMPOSSIBLE_ACT, absl::StrCat("transfer ", answer.transfer_id(), " is not decided yet"));
  }
}

absl::Status OnImportedTransferOut(const RuleInput& input, const v1::TransferOutRecord& transfer,
                                   Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto answer,
                       transition.Get<v1::TransferInRecord>(v1::TABLE_TRANSFER_IN, transfer.transfer_id()));
  const bool accepted = answer.has_value() && answer->state() == v1::TRANSFER_IN_STATE_ACCEPTED;
  switch (transfer.state()) {
    case v1::TRANSFER_OUT_STATE_INITIATED:
      return absl::OkStatus();  // waits for persons
    case v1::TRANSFER_OUT_STATE_POSTED:
      if (!accepted) {
        return Error(Reason::IMPOSSIBLE_ACT, absl::StrCat("posted but not accepted: ", transfer.transfer_id()));
      }
      return Credit(input, transfer, *std::move(answer), transition);
    case v1::TRANSFER_OUT_STATE_VOIDED:
      if (!accepted) return absl::OkStatus();
      answer->set_state(v1::TRANSFER_IN_STATE_VOIDED);
      return transition.Put(v1::TABLE_TRANSFER_IN, transfer.transfer_id(), *answer);
    default:
      return Error(Reason::IMPOSSIBLE_ACT, absl::StrCat("transfer ", transfer.transfer_id(), " has no state"));
  }
}

}  // namespace jcm::rules
