// Domestic transfer, retirement (無効化) and cancellation (取消し): acts that move units inside one registry.
// Sources: the Common Specifications for JCM registries and the Act on Promotion of Global Warming Countermeasures;
// first transfer and use, decision 2/CMA.3.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/side.h"
#include "ledger/rules/units.h"

namespace jcm::rules {
namespace {

constexpr size_t kCommitmentBytes = 32;

absl::Status CheckCommitment(absl::string_view commitment) {
  if (!commitment.empty() && commitment.size() != kCommitmentBytes) {
    return Error(Reason::FIELD_INVALID, "a commitment is the 32 bytes of a SHA-256");
  }
  return absl::OkStatus();
}

template <typename Record>
absl::Status CheckNew(const Transition& transition, v1::Table table, absl::string_view id) {
  JCM_RETURN_IF_ERROR(CheckId(id));
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get<Record>(table, id));
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, id);
  return absl::OkStatus();
}

absl::Status CheckAccounts(const RuleInput& input, absl::string_view from, absl::string_view to,
                           v1::AccountClass to_class) {
  JCM_ASSIGN_OR_RETURN(const v1::AccountContext* sender, RequireSender(input, from));
  if (!IsSendingAccount(*sender)) return Error(Reason::ACCOUNT_CLASS_WRONG, from);
  JCM_ASSIGN_OR_RETURN(const v1::AccountContext* receiver, RequireReceiver(input, to));
  if (to_class == v1::ACCOUNT_CLASS_UNSPECIFIED ? !IsHoldingAccount(*receiver)
                                                : receiver->account_class() != to_class) {
    return Error(Reason::ACCOUNT_CLASS_WRONG, to);
  }
  return absl::OkStatus();
}

bool HasPurpose(const v1::FirstTransferRecord& first_transfer, v1::AuthorizedPurpose purpose) {
  for (const int listed : first_transfer.purposes()) {
    if (listed == purpose) return true;
  }
  return false;
}

std::string Describe(const v1::BlockRecord& block) {
  return absl::StrCat(block.lot_id(), " ", block.first(), "..", block.last());
}

// Retirement is for the NDC of the registry's own country. Japan retires ITMOs whose authorization covers an NDC, and
// what was achieved before ITMOs existed. A host retires what it issued itself, as long as it has not given it away.
absl::Status CheckMayRetire(const RuleInput& input, const v1::RulebookParameters& parameters,
                            const v1::BlockRecord& block, const Transition& transition) {
  JCM_ASSIGN_OR_RETURN(v1::LotRecord lot, FindLot(transition, block.lot_id()));
  if (IsHost(input.book)) {
    if (!block.first_transfer_id().empty()) {
      return Error(Reason::PURPOSE_NOT_ALLOWED, absl::StrCat(Describe(block), " was first transferred"));
    }
    if (block.issuing_registry() != input.book.registry) {
      return Error(Reason::PURPOSE_NOT_ALLOWED, absl::StrCat(Describe(block), " was issued by the other side"));
    }
    return absl::OkStatus();
  }
  if (!parameters.retirement_needs_itmo() || !IsItmoVintage(lot.vintage(), parameters)) return absl::OkStatus();
  if (block.first_transfer_id().empty()) return Error(Reason::UNIT_NOT_AUTHORIZED, Describe(block));
  JCM_ASSIGN_OR_RETURN(v1::FirstTransferRecord first_transfer,
                       RequireFirstTransfer(transition, input.book, block.first_transfer_id()));
  if (!HasPurpose(first_transfer, v1::AUTHORIZED_PURPOSE_NDC)) {
    return Error(Reason::PURPOSE_NOT_ALLOWED, absl::StrCat(Describe(block), " is not authorized for an NDC"));
  }
  return absl::OkStatus();
}

// Cancellation for international mitigation purposes counts as a use of ITMOs; every other purpose is free.
absl::Status CheckMayCancel(const RuleInput& input, const v1::RulebookParameters& parameters,
                            v1::CancellationPurpose purpose, const v1::BlockRecord& block,
                            const Transition& transition) {
  if (purpose != v1::CANCELLATION_PURPOSE_OIMP) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(v1::LotRecord lot, FindLot(transition, block.lot_id()));
  if (!IsItmoVintage(lot.vintage(), parameters)) return Error(Reason::VINTAGE_BEFORE_2021, Describe(block));
  if (block.first_transfer_id().empty()) return Error(Reason::UNIT_NOT_AUTHORIZED, Describe(block));
  JCM_ASSIGN_OR_RETURN(v1::FirstTransferRecord first_transfer,
                       RequireFirstTransfer(transition, input.book, block.first_transfer_id()));
  if (!HasPurpose(first_transfer, v1::AUTHORIZED_PURPOSE_IMP) &&
      !HasPurpose(first_transfer, v1::AUTHORIZED_PURPOSE_OP)) {
    return Error(Reason::PURPOSE_NOT_ALLOWED, absl::StrCat(Describe(block), " is authorized for an NDC only"));
  }
  return absl::OkStatus();
}

absl::Status Move(std::vector<v1::BlockRecord> blocks, absl::string_view account, v1::BlockState state,
                  absl::string_view end_id, Transition& transition) {
  for (v1::BlockRecord& block : blocks) {
    block.set_account(std::string(account));
    block.set_state(state);
    block.set_end_id(std::string(end_id));
  }
  return WriteBlocks(blocks, transition);
}

}  // namespace

absl::Status ApplyTransferCredits(const RuleInput& input, const v1::TransferCredits& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckNew<v1::TransferRecord>(transition, v1::TABLE_TRANSFER, command.transfer_id()));
  JCM_ASSIGN_OR_RETURN(const Tonnes tonnes, CheckRanges(command.ranges()));
  if (command.from_account() == command.to_account()) {
    return Error(Reason::FIELD_INVALID, "both accounts are the same");
  }
  JCM_ASSIGN_OR_RETURN(v1::RulebookParameters parameters, ParametersInForce(transition, input));
  JCM_RETURN_IF_ERROR(CheckOperationSignatures(input, parameters));
  JCM_RETURN_IF_ERROR(
      CheckAccounts(input, command.from_account(), command.to_account(), v1::ACCOUNT_CLASS_UNSPECIFIED));
  JCM_ASSIGN_OR_RETURN(auto blocks, TakeHeld(transition, command.from_account(), command.ranges()));
  JCM_RETURN_IF_ERROR(Move(std::move(blocks), command.to_account(), v1::BLOCK_STATE_HELD, "", transition));

  v1::TransferRecord record;
  record.set_transfer_id(command.transfer_id());
  record.set_from_account(command.from_account());
  record.set_to_account(command.to_account());
  *record.mutable_ranges() = command.ranges();
  record.set_tonnes(tonnes);
  record.set_at_us(input.time.micros);
  *record.mutable_legal_date() = input.legal_date;
  return transition.Put(v1::TABLE_TRANSFER, command.transfer_id(), record);
}

absl::Status ApplyRetireCredits(const RuleInput& input, const v1::RetireCredits& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckNew<v1::RetirementRecord>(transition, v1::TABLE_RETIREMENT, command.retirement_id()));
  JCM_ASSIGN_OR_RETURN(const Tonnes tonnes, CheckRanges(command.ranges()));
  JCM_RETURN_IF_ERROR(CheckCommitment(command.beneficiary_commitment()));
  JCM_RETURN_IF_ERROR(CheckCommitment(command.scheme_commitment()));
  JCM_ASSIGN_OR_RETURN(v1::RulebookParameters parameters, ParametersInForce(transition, input));
  JCM_RETURN_IF_ERROR(CheckOperationSignatures(input, parameters));
  JCM_RETURN_IF_ERROR(
      CheckAccounts(input, command.from_account(), command.retirement_account(), v1::ACCOUNT_CLASS_RETIREMENT));
  JCM_ASSIGN_OR_RETURN(auto blocks, TakeHeld(transition, command.from_account(), command.ranges()));
  for (const v1::BlockRecord& block : blocks) {
    JCM_RETURN_IF_ERROR(CheckMayRetire(input, parameters, block, transition));
  }
  JCM_RETURN_IF_ERROR(Move(std::move(blocks), command.retirement_account(), v1::BLOCK_STATE_RETIRED,
                           command.retirement_id(), transition));

  v1::RetirementRecord record;
  record.set_retirement_id(command.retirement_id());
  record.set_from_account(command.from_account());
  record.set_retirement_account(command.retirement_account());
  *record.mutable_ranges() = command.ranges();
  record.set_tonnes(tonnes);
  record.set_beneficiary_commitment(command.beneficiary_commitment());
  record.set_scheme_commitment(command.scheme_commitment());
  record.set_at_us(input.time.micros);
  *record.mutable_legal_date() = input.legal_date;
  record.set_provenance(input.provenance);
  return transition.Put(v1::TABLE_RETIREMENT, command.retirement_id(), record);
}

absl::Status ApplyCancelCredits(const RuleInput& input, const v1::CancelCredits& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckNew<v1::CancellationRecord>(transition, v1::TABLE_CANCELLATION, command.cancellation_id()));
  JCM_ASSIGN_OR_RETURN(const Tonnes tonnes, CheckRanges(command.ranges()));
  JCM_RETURN_IF_ERROR(CheckCommitment(command.beneficiary_commitment()));
  if (command.purpose() == v1::CANCELLATION_PURPOSE_UNSPECIFIED) return Error(Reason::FIELD_REQUIRED, "purpose");
  if (!v1::CancellationPurpose_IsValid(command.purpose())) return Error(Reason::FIELD_INVALID, "purpose");
  JCM_ASSIGN_OR_RETURN(v1::RulebookParameters parameters, ParametersInForce(transition, input));
  JCM_RETURN_IF_ERROR(CheckOperationSignatures(input, parameters));
  JCM_RETURN_IF_ERROR(
      CheckAccounts(input, command.from_account(), command.cancellation_account(), v1::ACCOUNT_CLASS_CANCELLATION));
  JCM_ASSIGN_OR_RETURN(auto blocks, TakeHeld(transition, command.from_account(), command.ranges()));
  for (const v1::BlockRecord& block : blocks) {
    JCM_RETURN_IF_ERROR(CheckMayCancel(input, parameters, command.purpose(), block, transition));
  }
  JCM_RETURN_IF_ERROR(Move(std::move(blocks), command.cancellation_account(), v1::BLOCK_STATE_CANCELLED,
                           command.cancellation_id(), transition));

  v1::CancellationRecord record;
  record.set_cancellation_id(command.cancellation_id());
  record.set_from_account(command.from_account());
  record.set_cancellation_account(command.cancellation_account());
  *record.mutable_ranges() = command.ranges();
  record.set_tonnes(tonnes);
  record.set_purpose(command.purpose());
  record.set_beneficiary_commitment(command.beneficiary_commitment());
  record.set_at_us(input.time.micros);
  *record.mutable_legal_date() = input.legal_date;
  record.set_provenance(input.provenance);
  return transition.Put(v1::TABLE_CANCELLATION, command.cancellation_id(), record);
}

}  // namespace jcm::rules
