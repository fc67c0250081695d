#include "ledger/rules/authorization.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/rules/side.h"

namespace jcm::rules {

absl::StatusOr<v1::AuthorizationRecord> RequireAuthorization(const state::StateReader& reader,
                                                             absl::string_view authorization_id) {
  JCM_RETURN_IF_ERROR(CheckId(authorization_id));
  JCM_ASSIGN_OR_RETURN(auto record, reader.Get<v1::AuthorizationRecord>(v1::TABLE_AUTHORIZATION, authorization_id));
  if (!record.has_value()) return Error(Reason::AUTHORIZATION_UNKNOWN, authorization_id);
  return *std::move(record);
}

absl::Status CheckCovers(const v1::AuthorizationRecord& authorization, const v1::LotRecord& lot,
                         const v1::RulebookParameters& parameters) {
  const auto refuse = [&](absl::string_view why) {
    return Error(Reason::AUTHORIZATION_NOT_APPLICABLE,
                 absl::StrCat(authorization.authorization_id(), " for lot ", lot.lot_id(), ": ", why));
  };
  if (!IsItmoVintage(lot.vintage(), parameters)) return Error(Reason::VINTAGE_BEFORE_2021, lot.lot_id());
  if (authorization.revoked()) return refuse("it has been revoked");
  if (authorization.project_id() != lot.project_id()) return refuse("it is for another project");
  if (lot.vintage() < authorization.vintage_first() || lot.vintage() > authorization.vintage_last()) {
    return refuse("the vintage is outside");
  }
  return absl::OkStatus();
}

absl::Status CheckHeadroom(const v1::AuthorizationRecord& authorization, Tonnes tonnes) {
  const Tonnes used = authorization.first_transferred() + authorization.held();
  JCM_CHECK(used <= authorization.quantity());
  const Tonnes left = authorization.quantity() - used;
  if (tonnes > left) {
    return Error(Reason::AUTHORIZATION_EXHAUSTED, absl::StrCat(tonnes, " t asked, ", left, " t left"));
  }
  return absl::OkStatus();
}

bool InternationalTransferIsFirst(const v1::AuthorizationRecord& authorization) {
  if (authorization.first_transfer_trigger() == v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER) return true;
  for (const int purpose : authorization.purposes()) {
    if (purpose == v1::AUTHORIZED_PURPOSE_NDC) return true;
  }
  return false;
}

absl::Status EnterFirstTransfer(const v1::FirstTransferRecord& first_transfer, Transition& transition) {
  for (const v1::UnitRange& range : first_transfer.ranges()) {
    JCM_RETURN_IF_ERROR(AddFirstTransferRange(range, first_transfer.first_transfer_id(),
                                              first_transfer.authorization_id(), transition));
    JCM_ASSIGN_OR_RETURN(std::vector<v1::BlockRecord> blocks,
                         ReadBlocks(transition, range, kBlocksMarkedAtOnceMax + 1));
    // The index alone decides. Holders who cut their units into very many blocks must not make an entry that is too
    // large to import: those blocks are marked when they are next touched (TakeHeld).
    if (blocks.size() > kBlocksMarkedAtOnceMax) continue;
    JCM_RETURN_IF_ERROR(MarkFirstTransferred(transition, blocks));
    JCM_RETURN_IF_ERROR(WriteBlocks(blocks, transition));
  }
  return absl::OkStatus();
}

}  // namespace jcm::rules
