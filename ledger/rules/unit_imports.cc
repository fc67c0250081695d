// What records of the other book on units, first transfers and the border mean in this one.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/rules/authorization.h"
#include "ledger/rules/border.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/issuance.h"
#include "ledger/rules/side.h"

namespace jcm::rules {
namespace {

// These records are never removed, and a first transfer never changes.
template <typename Record>
absl::StatusOr<Record> ParseImported(const v1::Effect& imported) {
  Record record;
  if (imported.new_value().empty() || !record.ParseFromString(imported.new_value())) {
    return Error(Reason::IMPOSSIBLE_ACT, absl::StrCat("a removed or unreadable record of table ", imported.table()));
  }
  return record;
}

absl::Status OnImportedLot(const v1::LotRecord& lot, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto own, transition.Get<v1::LotRecord>(v1::TABLE_LOT, lot.lot_id()));
  if (own.has_value() && own->decision_id() != lot.decision_id()) {
    return Error(Reason::IMPOSSIBLE_ACT, absl::StrCat("lot ", lot.lot_id(), " is of decision ", own->decision_id()));
  }
  return absl::OkStatus();
}

absl::Status OnImportedFirstTransfer(const RuleInput& input, const v1::Effect& imported, Transition& transition) {
  if (IsHost(input.book)) return Error(Reason::IMPOSSIBLE_ACT, "only the host records first transfers");
  if (!imported.old_value().empty()) return Error(Reason::IMPOSSIBLE_ACT, "a first transfer never changes");
  JCM_ASSIGN_OR_RETURN(v1::FirstTransferRecord record, ParseImported<v1::FirstTransferRecord>(imported));
  const absl::Status entered = EnterFirstTransfer(record, transition);
  if (HasReason(entered, Reason::ALREADY_FIRST_TRANSFERRED)) {
    return Error(Reason::IMPOSSIBLE_ACT, absl::StrCat("first transferred twice: ", entered.message()));
  }
  return entered;
}

}  // namespace

absl::Status OnImportedUnitRecord(const RuleInput& input, const v1::Effect& imported, Transition& transition) {
  switch (imported.table()) {
    case v1::TABLE_LOT: {
      JCM_ASSIGN_OR_RETURN(v1::LotRecord lot, ParseImported<v1::LotRecord>(imported));
      return OnImportedLot(lot, transition);
    }
    case v1::TABLE_ISSUANCE: {
      JCM_ASSIGN_OR_RETURN(v1::IssuanceRecord issuance, ParseImported<v1::IssuanceRecord>(imported));
      return OnImportedIssuance(input, issuance, transition);
    }
    case v1::TABLE_AUTHORIZATION:
      if (IsHost(input.book)) return Error(Reason::IMPOSSIBLE_ACT, "only the host authorizes");
      return ParseImported<v1::AuthorizationRecord>(imported).status();  // its shadow says it all
    case v1::TABLE_FIRST_TRANSFER:
      return OnImportedFirstTransfer(input, imported, transition);
    case v1::TABLE_TRANSFER_OUT: {
      JCM_ASSIGN_OR_RETURN(v1::TransferOutRecord transfer, ParseImported<v1::TransferOutRecord>(imported));
      return OnImportedTransferOut(input, transfer, transition);
    }
    case v1::TABLE_TRANSFER_IN: {
      JCM_ASSIGN_OR_RETURN(v1::TransferInRecord answer, ParseImported<v1::TransferInRecord>(imported));
      return OnImportedAnswer(input, answer, transition);
    }
    default:
      return absl::OkStatus();
  }
}

absl::StatusOr<std::vector<std::string>> AccountsNeededByImport(const state::StateReader& reader,
                                                                const std::vector<v1::Effects>& imported) {
  std::set<std::string> handles;
  for (const v1::Effects& effects : imported) {
    for (const v1::Effect& effect : effects.effects()) {
      if (effect.table() != v1::TABLE_TRANSFER_OUT) continue;
      v1::TransferOutRecord transfer;
      if (!transfer.ParseFromString(effect.new_value()) || transfer.state() != v1::TRANSFER_OUT_STATE_POSTED) continue;
      JCM_ASSIGN_OR_RETURN(auto answer,
                           reader.Get<v1::TransferInRecord>(v1::TABLE_TRANSFER_IN, transfer.transfer_id()));
      if (!answer.has_value() || answer->state() != v1::TRANSFER_IN_STATE_ACCEPTED) continue;
      handles.insert(answer->to_account());
      handles.insert(answer->suspense_account());
    }
  }
  return std::vector<std::string>(handles.begin(), handles.end());
}

}  // namespace jcm::rules
