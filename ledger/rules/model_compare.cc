#include "ledger/rules/model_compare.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::rules {
namespace {

v1::BlockState ToState(ModelState model) {
  switch (model) {
    case ModelState::HELD:
      return v1::BLOCK_STATE_HELD;
    case ModelState::IN_TRANSIT:
      return v1::BLOCK_STATE_IN_TRANSIT;
    case ModelState::RETIRED:
      return v1::BLOCK_STATE_RETIRED;
    case ModelState::CANCELLED:
      return v1::BLOCK_STATE_CANCELLED;
    case ModelState::SENT:
      return v1::BLOCK_STATE_SENT;
  }
  return v1::BLOCK_STATE_UNSPECIFIED;
}

v1::TransferOutState ToOutState(ModelTransfer model) {
  if (model == ModelTransfer::INITIATED) return v1::TRANSFER_OUT_STATE_INITIATED;
  if (model == ModelTransfer::POSTED) return v1::TRANSFER_OUT_STATE_POSTED;
  return v1::TRANSFER_OUT_STATE_VOIDED;
}

v1::TransferInState ToInState(ModelTransfer model) {
  if (model == ModelTransfer::ACCEPTED) return v1::TRANSFER_IN_STATE_ACCEPTED;
  if (model == ModelTransfer::REFUSED) return v1::TRANSFER_IN_STATE_REFUSED;
  if (model == ModelTransfer::CREDITED) return v1::TRANSFER_IN_STATE_CREDITED;
  return v1::TRANSFER_IN_STATE_VOIDED;
}

std::string Describe(const ModelUnit& unit) {
  return absl::StrCat("account ", unit.account, ", ", v1::BlockState_Name(ToState(unit.state)), ", end '", unit.end,
                      "', first transfer '", unit.first_transfer, "', authorization '", unit.authorization,
                      "', issued by ", unit.issuer == kJapanSide ? "JPN" : "THA");
}

std::string Describe(const v1::BlockRecord& block) {
  return absl::StrCat("account ", block.account(), ", ", v1::BlockState_Name(block.state()), ", end '", block.end_id(),
                      "', first transfer '", block.first_transfer_id(), "', authorization '", block.authorization_id(),
                      "', issued by ", block.issuing_registry());
}

void CompareUnits(const BookPair& pair, const ModelLedger& model, int side, std::vector<std::string>* differences) {
  std::map<UnitId, std::string> units;
  JCM_CHECK(pair.state(side)
                .Scan(v1::TABLE_BLOCK, "", "",
                      [&](absl::string_view, absl::string_view value) {
                        v1::BlockRecord block;
                        JCM_CHECK(block.ParseFromArray(value.data(), static_cast<int>(value.size())));
                        for (uint64_t serial = block.first(); serial <= block.last(); ++serial) {
                          if (!units.emplace(UnitId(block.lot_id(), serial), Describe(block)).second) {
                            differences->push_back(absl::StrCat(block.lot_id(), " ", serial, " is in two blocks"));
                          }
                        }
                        return true;
                      })
                .ok());
  for (const auto& [id, unit] : model.books[side].units) {
    const auto found = units.find(id);
    const std::string has = found == units.end() ? "nothing" : found->second;
    if (has != Describe(unit)) {
      differences->push_back(absl::StrCat("side ", side, ", ", id.first, " ", id.second, ": the book has ", has,
                                          "; the model has ", Describe(unit)));
    }
    if (found != units.end()) units.erase(found);
  }
  for (const auto& [id, unit] : units) {
    differences->push_back(absl::StrCat("side ", side, " has ", id.first, " ", id.second, ", the model does not"));
  }
}

template <typename Record>
Record Find(const BookPair& pair, int side, v1::Table table, const std::string& key,
            std::vector<std::string>* differences) {
  auto record = pair.state(side).Get<Record>(table, key);
  JCM_CHECK(record.ok());
  if (!record->has_value()) {
    differences->push_back(absl::StrCat("side ", side, " has no record ", key));
    return Record();
  }
  return **record;
}

void CompareTransfers(const BookPair& pair, const ModelLedger& model, int side, std::vector<std::string>* differences) {
  for (const auto& [id, out] : model.books[side].out) {
    const auto record = Find<v1::TransferOutRecord>(pair, side, v1::TABLE_TRANSFER_OUT, id, differences);
    if (record.state() != ToOutState(out.state)) {
      differences->push_back(absl::StrCat("transfer ", id, " is ", v1::TransferOutState_Name(record.state())));
    }
  }
  for (const auto& [id, in] : model.books[side].in) {
    const auto record = Find<v1::TransferInRecord>(pair, side, v1::TABLE_TRANSFER_IN, id, differences);
    if (record.state() != ToInState(in.state)) {
      differences->push_back(absl::StrCat("answer ", id, " is ", v1::TransferInState_Name(record.state())));
    }
  }
}

void CompareAuthorizations(const BookPair& pair, const ModelLedger& model, std::vector<std::string>* differences) {
  for (const auto& [id, authorization] : model.authorizations) {
    const auto record = Find<v1::AuthorizationRecord>(pair, kHostSide, v1::TABLE_AUTHORIZATION, id, differences);
    if (record.first_transferred() != authorization.first_transferred || record.held() != authorization.held ||
        record.revoked() != authorization.revoked) {
      differences->push_back(absl::StrCat("authorization ", id, " has ", record.first_transferred(),
                                          " t first transferred and ", record.held(), " t held; the model has ",
                                          authorization.first_transferred, " and ", authorization.held));
    }
  }
}

}  // namespace

std::vector<std::string> CompareWithModel(const BookPair& pair, const ModelLedger& model) {
  std::vector<std::string> differences;
  for (int side : {kJapanSide, kHostSide}) {
    CompareUnits(pair, model, side, &differences);
    CompareTransfers(pair, model, side, &differences);
  }
  CompareAuthorizations(pair, model, &differences);
  return differences;
}

}  // namespace jcm::rules
