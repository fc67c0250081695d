// A host's authorization of ITMOs, its revocation, and the first transfer of units that the other side issued.
// Sources: decisions 2/CMA.3 (first transfer) and 4/CMA.6 (authorization).
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "ledger/base/status.h"
#include "ledger/rules/authorization.h"
#include "ledger/rules/border.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/side.h"
#include "ledger/rules/units.h"

namespace jcm::rules {
namespace {

constexpr size_t kSectorBytesMax = 200;

absl::Status CheckPurposes(const v1::AuthorizeItmo& command) {
  if (command.purposes().empty()) return Error(Reason::FIELD_REQUIRED, "purposes");
  int before = v1::AUTHORIZED_PURPOSE_UNSPECIFIED;
  for (const int purpose : command.purposes()) {
    if (purpose <= before || !v1::AuthorizedPurpose_IsValid(purpose))
      return Error(Reason::FIELD_INVALID, "purposes are ascending, each once");
    before = purpose;
  }
  if (command.first_transfer_trigger() == v1::FIRST_TRANSFER_TRIGGER_UNSPECIFIED) {
    return Error(Reason::FIELD_REQUIRED, "first_transfer_trigger");
  }
  if (!v1::FirstTransferTrigger_IsValid(command.first_transfer_trigger())) {
    return Error(Reason::FIELD_INVALID, "first_transfer_trigger");
  }
  // Published totals contradicted each other where this was allowed.
  if (command.first_transfer_trigger() == v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER &&
      command.purposes(0) != v1::AUTHORIZED_PURPOSE_NDC) {
    return Error(Reason::FIELD_INVALID, "without an NDC among the purposes, the trigger is not the transfer");
  }
  return absl::OkStatus();
}

absl::Status CheckAuthorization(const v1::AuthorizeItmo& command, const v1::RulebookParameters& parameters) {
  JCM_RETURN_IF_ERROR(CheckId(command.project_id()));
  JCM_RETURN_IF_ERROR(CheckPurposes(command));
  if (command.authorized_party() != kJapan) return Error(Reason::FIELD_INVALID, "authorized_party is the other side");
  if (command.quantity() == 0) return Error(Reason::QUANTITY_NOT_POSITIVE, "quantity");
  if (command.quantity() > kSerialMax) return Error(Reason::QUANTITY_OVERFLOW, "quantity");
  if (command.vintage_first() > command.vintage_last()) return Error(Reason::FIELD_INVALID, "vintages");
  if (command.vintage_last() > 9999) return Error(Reason::FIELD_INVALID, "vintage_last");
  if (!IsItmoVintage(command.vintage_first(), parameters)) {
    return Error(Reason::VINTAGE_BEFORE_2021, absl::StrCat(command.vintage_first()));
  }
  JCM_RETURN_IF_ERROR(CheckDigestField(command.document_digest(), true));
  if (command.sector().size() > kSectorBytesMax) return Error(Reason::FIELD_INVALID, "sector");
  return absl::OkStatus();
}

// A lot and the text that decided it. Under parallel issuance the host may name serials of a lot that it neither issued
// nor has seen issued; then a confirmed decision knows it.
struct DecidedLot {
  v1::LotRecord lot;
  v1::IssuanceText text;
};

absl::StatusOr<DecidedLot> LotOfConfirmedDecision(const RuleInput& input, const Transition& transition,
                                                  absl::string_view lot_id) {
  std::vector<v1::DecisionRecord> candidates;
  for (const uint32_t table : {uint32_t{v1::TABLE_DECISION}, state::Shadow(v1::TABLE_DECISION)}) {
    JCM_RETURN_IF_ERROR(transition.Scan(table, "", "", [&](absl::string_view, absl::string_view value) {
      v1::DecisionRecord decision;
      if (decision.ParseFromArray(value.data(), static_cast<int>(value.size())) &&
          decision.state() == v1::DECISION_STATE_ADOPTED) {
        candidates.push_back(std::move(decision));
      }
      return true;
    }));
  }
  for (const v1::DecisionRecord& decision : candidates) {
    v1::DecisionText text;
    if (!text.ParseFromString(decision.text())) return Error(Reason::STORE_CORRUPT, "a decision's text");
    for (const v1::LotText& lot : text.issuance().lots()) {
      if (lot.lot_id() != lot_id) continue;
      if (!RequireConfirmedDecision(input.book, transition, decision.decision_id(), decision.text_digest()).ok())
        continue;
      DecidedLot found;
      found.lot.set_lot_id(lot.lot_id());
      found.lot.set_decision_id(decision.decision_id());
      found.lot.set_project_id(text.issuance().project_id());
      found.lot.set_vintage(lot.vintage());
      found.lot.set_tonnes(lot.tonnes());
      found.text = std::move(*text.mutable_issuance());
      return found;
    }
  }
  return Error(Reason::OBJECT_UNKNOWN, absl::StrCat("lot ", lot_id));
}

absl::StatusOr<DecidedLot> FindDecidedLot(const RuleInput& input, const Transition& transition,
                                          absl::string_view lot_id) {
  absl::StatusOr<v1::LotRecord> lot = FindLot(transition, lot_id);
  if (HasReason(lot.status(), Reason::OBJECT_UNKNOWN)) return LotOfConfirmedDecision(input, transition, lot_id);
  if (!lot.ok()) return lot.status();
  DecidedLot found;
  // What was decided before this ledger is known by its lot alone.
  if (lot->statement_id().empty()) {
    JCM_ASSIGN_OR_RETURN(found.text, FindIssuanceText(transition, lot->decision_id()));
  }
  found.lot = *std::move(lot);
  return found;
}

// Serials of the range that this registry issues itself. They can be first transferred here only while they are held,
// and only if the authorization's trigger is not the international transfer: then the transfer's Post does it.
absl::Status CheckOwnSerials(const v1::AuthorizationRecord& authorization, const v1::UnitRange& own,
                             const Transition& transition) {
  if (authorization.first_transfer_trigger() == v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER) {
    return Error(Reason::AUTHORIZATION_NOT_APPLICABLE,
                 absl::StrCat("serial ", own.first(), " was issued here: its transfer is the first transfer"));
  }
  JCM_ASSIGN_OR_RETURN(std::vector<v1::BlockRecord> blocks, ReadBlocks(transition, own));
  Serial next = own.first();
  for (const v1::BlockRecord& block : blocks) {
    if (block.first() != next) break;
    const std::string detail = absl::StrCat(block.lot_id(), " ", block.first(), "..", block.last());
    if (block.state() == v1::BLOCK_STATE_RETIRED || block.state() == v1::BLOCK_STATE_CANCELLED) {
      return Error(Reason::UNITS_FINAL, detail);
    }
    if (block.state() == v1::BLOCK_STATE_IN_TRANSIT) return Error(Reason::UNITS_IN_TRANSIT, detail);
    if (block.state() != v1::BLOCK_STATE_HELD) return Error(Reason::UNITS_NOT_HELD, detail);
    next = block.last() + 1;
  }
  if (next != own.last() + 1) return Error(Reason::UNITS_NOT_HELD, absl::StrCat(own.lot_id(), " ", next));
  return absl::OkStatus();
}

absl::Status CheckRange(const RuleInput& input, const v1::RulebookParameters& parameters,
                        const v1::AuthorizationRecord& authorization, const v1::UnitRange& range,
                        const Transition& transition) {
  JCM_ASSIGN_OR_RETURN(DecidedLot decided, FindDecidedLot(input, transition, range.lot_id()));
  if (!LiesInLot(range, decided.lot)) return Error(Reason::RANGE_OUTSIDE_LOT, range.lot_id());
  JCM_RETURN_IF_ERROR(CheckUsable(transition, decided.lot));
  JCM_RETURN_IF_ERROR(CheckCovers(authorization, decided.lot, parameters));
  for (const v1::AllocationRow& row : decided.text.rows()) {
    if (row.range().lot_id() != range.lot_id() || row.issuing_registry() != input.book.registry) continue;
    v1::UnitRange own = range;
    own.set_first(std::max<Serial>(own.first(), row.range().first()));
    own.set_last(std::min<Serial>(own.last(), row.range().last()));
    if (own.first() <= own.last()) JCM_RETURN_IF_ERROR(CheckOwnSerials(authorization, own, transition));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyAuthorizeItmo(const RuleInput& input, const v1::AuthorizeItmo& command, Transition& transition) {
  if (!IsHost(input.book)) return Error(Reason::WRONG_SIDE, "the host authorizes ITMOs");
  JCM_RETURN_IF_ERROR(CheckId(command.authorization_id()));
  JCM_ASSIGN_OR_RETURN(auto present,
                       transition.Get<v1::AuthorizationRecord>(v1::TABLE_AUTHORIZATION, command.authorization_id()));
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, command.authorization_id());
  JCM_ASSIGN_OR_RETURN(v1::RulebookParameters parameters, ParametersInForce(transition, input));
  JCM_RETURN_IF_ERROR(CheckAuthorization(command, parameters));

  v1::AuthorizationRecord record;
  record.set_authorization_id(command.authorization_id());
  record.set_project_id(command.project_id());
  *record.mutable_purposes() = command.purposes();
  record.set_authorized_party(command.authorized_party());
  record.set_quantity(command.quantity());
  record.set_vintage_first(command.vintage_first());
  record.set_vintage_last(command.vintage_last());
  record.set_first_transfer_trigger(command.first_transfer_trigger());
  record.set_document_digest(command.document_digest());
  *record.mutable_legal_date() = input.legal_date;
  record.set_provenance(input.provenance);
  record.set_sector(command.sector());
  return transition.Put(v1::TABLE_AUTHORIZATION, command.authorization_id(), record);
}

absl::Status ApplyRevokeAuthorization(const RuleInput& input, const v1::RevokeAuthorization& command,
                                      Transition& transition) {
  if (!IsHost(input.book)) return Error(Reason::WRONG_SIDE, "the host revokes its authorizations");
  JCM_RETURN_IF_ERROR(CheckDigestField(command.document_digest(), true));
  JCM_ASSIGN_OR_RETURN(v1::AuthorizationRecord record, RequireAuthorization(transition, command.authorization_id()));
  if (record.revoked()) return Error(Reason::AUTHORIZATION_NOT_APPLICABLE, "it has been revoked before");
  JCM_RETURN_IF_ERROR(VoidTransfersUnder(input, command.authorization_id(), transition));
  // Voiding has returned headroom, so the record is read again. What was first transferred stays first transferred.
  JCM_ASSIGN_OR_RETURN(record, RequireAuthorization(transition, command.authorization_id()));
  record.set_revoked(true);
  return transition.Put(v1::TABLE_AUTHORIZATION, command.authorization_id(), record);
}

absl::Status ApplyRecordFirstTransfer(const RuleInput& input, const v1::RecordFirstTransfer& command,
                                      Transition& transition) {
  if (!IsHost(input.book)) return Error(Reason::WRONG_SIDE, "the host records first transfers");
  JCM_RETURN_IF_ERROR(CheckId(command.first_transfer_id()));
  JCM_ASSIGN_OR_RETURN(auto present,
                       transition.Get<v1::FirstTransferRecord>(v1::TABLE_FIRST_TRANSFER, command.first_transfer_id()));
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, command.first_transfer_id());
  JCM_ASSIGN_OR_RETURN(const Tonnes tonnes, CheckRanges(command.ranges()));
  JCM_RETURN_IF_ERROR(CheckDate(command.action_date(), true));
  JCM_ASSIGN_OR_RETURN(v1::RulebookParameters parameters, ParametersInForce(transition, input));
  JCM_ASSIGN_OR_RETURN(v1::AuthorizationRecord authorization,
                       RequireAuthorization(transition, command.authorization_id()));
  for (const v1::UnitRange& range : command.ranges()) {
    JCM_RETURN_IF_ERROR(CheckRange(input, parameters, authorization, range, transition));
  }
  JCM_RETURN_IF_ERROR(CheckHeadroom(authorization, tonnes));

  v1::FirstTransferRecord record;
  record.set_first_transfer_id(command.first_transfer_id());
  record.set_authorization_id(command.authorization_id());
  *record.mutable_ranges() = command.ranges();
  record.set_tonnes(tonnes);
  *record.mutable_action_date() = command.action_date();
  record.set_recorded_at_us(input.time.micros);
  *record.mutable_purposes() = authorization.purposes();
  record.set_provenance(input.provenance);
  JCM_RETURN_IF_ERROR(EnterFirstTransfer(record, transition));
  authorization.set_first_transferred(authorization.first_transferred() + tonnes);
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_AUTHORIZATION, command.authorization_id(), authorization));
  return transition.Put(v1::TABLE_FIRST_TRANSFER, command.first_transfer_id(), record);
}

}  // namespace jcm::rules
