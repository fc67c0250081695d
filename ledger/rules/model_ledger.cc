#include "ledger/rules/model_ledger.h"

namespace jcm::rules {
namespace {

bool IsHolding(ModelClass c) { return c == ModelClass::GOVERNMENT || c == ModelClass::ENTITY; }
bool IsSending(ModelClass c) { return IsHolding(c) || c == ModelClass::SUSPENSE; }
bool IsId(const std::string& id) { return !id.empty() && id.find(':') == std::string::npos; }

}  // namespace

void ModelLedger::AddDecision(const std::string& id, const ModelDecision& decision) {
  decisions[id] = decision;
  lots[decision.lot] = &decisions[id];
}

ModelRefusal ModelLedger::Accepted(int side, std::vector<ModelMessage> said) {
  books[side].log.push_back(std::move(said));
  return absl::nullopt;
}

std::vector<UnitId> ModelLedger::Units(const ModelRanges& ranges) const {
  std::vector<UnitId> units;
  for (const ModelRange& range : ranges) {
    for (uint64_t serial = range.first; serial <= range.last; ++serial) units.emplace_back(range.lot, serial);
  }
  return units;
}

ModelRefusal ModelLedger::CheckSender(int side, const std::string& author, const std::string& from) const {
  const auto account = books[side].accounts.find(from);
  if (account == books[side].accounts.end()) return Reason::ACCOUNT_UNKNOWN;
  if (author != "rep-" + from) return Reason::ACCOUNT_NOT_AUTHORIZED;
  if (account->second.state != ModelAccountState::ACTIVE) return Reason::ACCOUNT_NOT_ACTIVE;
  if (!IsSending(account->second.account_class)) return Reason::ACCOUNT_CLASS_WRONG;
  return absl::nullopt;
}

ModelRefusal ModelLedger::CheckReceiver(int side, const std::string& to) const {
  const auto account = books[side].accounts.find(to);
  if (account == books[side].accounts.end()) return Reason::ACCOUNT_UNKNOWN;
  if (account->second.state == ModelAccountState::CLOSED) return Reason::ACCOUNT_NOT_ACTIVE;
  return absl::nullopt;
}

ModelRefusal ModelLedger::CheckRanges(const ModelRanges& ranges) const {
  if (ranges.empty()) return Reason::FIELD_REQUIRED;
  for (const ModelRange& range : ranges) {
    if (range.first == 0 || range.first > range.last) return Reason::RANGE_INVALID;
  }
  std::set<UnitId> named;
  for (const UnitId& unit : Units(ranges)) {
    if (!named.insert(unit).second) return Reason::RANGES_OVERLAP;
  }
  return absl::nullopt;
}

ModelRefusal ModelLedger::CheckHeld(int side, const std::string& from, const ModelRanges& ranges) const {
  for (const ModelRange& range : ranges) {
    if (books[side].lots.count(range.lot) == 0) return Reason::OBJECT_UNKNOWN;
    if (range.last > lots.at(range.lot)->tonnes) return Reason::RANGE_OUTSIDE_LOT;
    for (uint64_t serial = range.first; serial <= range.last; ++serial) {
      const auto unit = books[side].units.find({range.lot, serial});
      if (unit == books[side].units.end()) return Reason::UNITS_NOT_HELD;
      if (unit->second.state == ModelState::RETIRED) return Reason::UNITS_FINAL;
      if (unit->second.state == ModelState::CANCELLED) return Reason::UNITS_FINAL;
      if (unit->second.state == ModelState::IN_TRANSIT) return Reason::UNITS_IN_TRANSIT;
      if (unit->second.state == ModelState::SENT || unit->second.account != from) return Reason::UNITS_NOT_HELD;
    }
  }
  return absl::nullopt;
}

void ModelLedger::Mark(int side, const UnitId& id) {
  const auto unit = books[side].units.find(id);
  const auto mark = books[side].first_transferred.find(id);
  if (unit == books[side].units.end() || mark == books[side].first_transferred.end()) return;
  unit->second.first_transfer = mark->second.first;
  unit->second.authorization = mark->second.second;
}

ModelRefusal ModelLedger::Issue(int side, const std::string& id, const std::vector<std::string>& accounts) {
  ModelBook& book = books[side];
  if (book.issued.count(id) > 0) return Reason::DECISION_ALREADY_ISSUED;
  if (decisions.count(id) == 0) return Reason::DECISION_UNKNOWN;
  const ModelDecision& decision = decisions.at(id);
  std::vector<ModelRow> own;
  for (const ModelRow& row : decision.rows) {
    if (row.issuer == side) own.push_back(row);
  }
  if (own.empty() || own.size() != accounts.size()) return Reason::TARGETS_DIFFER;
  for (size_t i = 0; i < own.size(); ++i) {
    const auto account = book.accounts.find(accounts[i]);
    if (account == book.accounts.end()) return Reason::ACCOUNT_UNKNOWN;
    if (account->second.state != ModelAccountState::ACTIVE) return Reason::ACCOUNT_NOT_ACTIVE;
    const ModelClass fitting = own[i].participant ? ModelClass::ENTITY : ModelClass::GOVERNMENT;
    if (account->second.account_class != fitting) return Reason::ACCOUNT_CLASS_WRONG;
  }
  for (size_t i = 0; i < own.size(); ++i) {
    for (uint64_t serial = own[i].first; serial <= own[i].last; ++serial) {
      book.units[{decision.lot, serial}] = {accounts[i], ModelState::HELD, "", "", "", side};
      Mark(side, {decision.lot, serial});
    }
  }
  book.issued.insert(id);
  book.lots.insert(decision.lot);
  return Accepted(side, {{ModelMessage::ISSUED, id}});
}

ModelRefusal ModelLedger::CheckMove(int side, const std::string& author, const std::string& operation,
                                    const std::string& from, const std::string& to, const ModelRanges& ranges,
                                    absl::optional<ModelClass> to_class) const {
  if (books[side].operations.count(operation) > 0) return Reason::ALREADY_EXISTS;
  if (ModelRefusal refusal = CheckRanges(ranges)) return refusal;
  if (!to_class.has_value() && from == to) return Reason::FIELD_INVALID;
  if (ModelRefusal refusal = CheckSender(side, author, from)) return refusal;
  if (ModelRefusal refusal = CheckReceiver(side, to)) return refusal;
  const ModelClass receiver = books[side].accounts.at(to).account_class;
  if (to_class.has_value() ? receiver != *to_class : !IsHolding(receiver)) return Reason::ACCOUNT_CLASS_WRONG;
  return CheckHeld(side, from, ranges);
}

ModelRefusal ModelLedger::Transfer(int side, const std::string& author, const std::string& id, const std::string& from,
                                   const std::string& to, const ModelRanges& ranges) {
  if (ModelRefusal refusal = CheckMove(side, author, "T:" + id, from, to, ranges, absl::nullopt)) return refusal;
  for (const UnitId& unit : Units(ranges)) books[side].units[unit].account = to;
  books[side].operations.insert("T:" + id);
  return Accepted(side, {});
}

ModelRefusal ModelLedger::Retire(int side, const std::string& author, const std::string& id, const std::string& from,
                                 const std::string& to, const ModelRanges& ranges) {
  if (ModelRefusal refusal = CheckMove(side, author, "R:" + id, from, to, ranges, ModelClass::RETIREMENT))
    return refusal;
  for (const UnitId& unit_id : Units(ranges)) {
    const ModelUnit& unit = books[side].units.at(unit_id);
    if (side == 1 && (!unit.first_transfer.empty() || unit.issuer != 1)) return Reason::PURPOSE_NOT_ALLOWED;
    if (side == 0 && lots.at(unit_id.first)->vintage >= 2021) {
      if (unit.first_transfer.empty()) return Reason::UNIT_NOT_AUTHORIZED;
      if (!authorizations.at(unit.authorization).ndc) return Reason::PURPOSE_NOT_ALLOWED;
    }
  }
  for (const UnitId& unit_id : Units(ranges)) {
    ModelUnit& unit = books[side].units[unit_id];
    unit.account = to;
    unit.state = ModelState::RETIRED;
    unit.end = id;
  }
  books[side].operations.insert("R:" + id);
  return Accepted(side, {});
}

ModelRefusal ModelLedger::Cancel(int side, const std::string& author, const std::string& id, const std::string& from,
                                 const std::string& to, const ModelRanges& ranges, bool oimp) {
  if (ModelRefusal refusal = CheckMove(side, author, "C:" + id, from, to, ranges, ModelClass::CANCELLATION))
    return refusal;
  for (const UnitId& unit_id : Units(ranges)) {
    const ModelUnit& unit = books[side].units.at(unit_id);
    if (!oimp) continue;
    if (lots.at(unit_id.first)->vintage < 2021) return Reason::VINTAGE_BEFORE_2021;
    if (unit.first_transfer.empty()) return Reason::UNIT_NOT_AUTHORIZED;
    if (!authorizations.at(unit.authorization).other) return Reason::PURPOSE_NOT_ALLOWED;
  }
  for (const UnitId& unit_id : Units(ranges)) {
    ModelUnit& unit = books[side].units[unit_id];
    unit.account = to;
    unit.state = ModelState::CANCELLED;
    unit.end = id;
  }
  books[side].operations.insert("C:" + id);
  return Accepted(side, {});
}

ModelRefusal ModelLedger::Authorize(int side, const std::string& id, const ModelAuthorization& authorization) {
  if (side == 0) return Reason::WRONG_SIDE;
  if (authorizations.count(id) > 0) return Reason::ALREADY_EXISTS;
  if (!authorization.ndc && authorization.transfer_triggers) return Reason::FIELD_INVALID;
  if (authorization.quantity == 0) return Reason::QUANTITY_NOT_POSITIVE;
  if (authorization.vintage_first > authorization.vintage_last) return Reason::FIELD_INVALID;
  if (authorization.vintage_first < 2021) return Reason::VINTAGE_BEFORE_2021;
  authorizations[id] = authorization;
  return Accepted(side, {});
}

ModelRefusal ModelLedger::Revoke(int side, const std::string& id) {
  if (side == 0) return Reason::WRONG_SIDE;
  if (authorizations.count(id) == 0) return Reason::AUTHORIZATION_UNKNOWN;
  if (authorizations[id].revoked) return Reason::AUTHORIZATION_NOT_APPLICABLE;
  std::vector<ModelMessage> said;
  for (auto& [transfer, out] : books[side].out) {
    if (out.state == ModelTransfer::INITIATED && out.authorization == id) Void(side, transfer, &said);
  }
  authorizations[id].revoked = true;
  return Accepted(side, said);
}

ModelRefusal ModelLedger::CheckCovers(const ModelAuthorization& authorization, const ModelDecision& lot) const {
  if (lot.vintage < 2021) return Reason::VINTAGE_BEFORE_2021;
  const bool vintage = authorization.vintage_first <= lot.vintage && lot.vintage <= authorization.vintage_last;
  if (authorization.revoked || authorization.project != lot.project || !vintage) {
    return Reason::AUTHORIZATION_NOT_APPLICABLE;
  }
  return absl::nullopt;
}

ModelRefusal ModelLedger::FirstTransfer(int side, const std::string& id, const std::string& authorization_id,
                                        const ModelRanges& ranges) {
  if (side == 0) return Reason::WRONG_SIDE;
  if (first_transfers.count(id) > 0) return Reason::ALREADY_EXISTS;
  if (ModelRefusal refusal = CheckRanges(ranges)) return refusal;
  if (authorizations.count(authorization_id) == 0) return Reason::AUTHORIZATION_UNKNOWN;
  ModelAuthorization& authorization = authorizations[authorization_id];
  for (const ModelRange& range : ranges) {
    if (lots.count(range.lot) == 0) return Reason::OBJECT_UNKNOWN;
    const ModelDecision& lot = *lots[range.lot];
    if (range.last > lot.tonnes) return Reason::RANGE_OUTSIDE_LOT;
    if (ModelRefusal refusal = CheckCovers(authorization, lot)) return refusal;
    for (const ModelRow& row : lot.rows) {
      for (uint64_t serial = range.first; serial <= range.last; ++serial) {
        if (row.issuer == 0 || serial < row.first || serial > row.last) continue;
        if (authorization.transfer_triggers) return Reason::AUTHORIZATION_NOT_APPLICABLE;
        const auto unit = books[side].units.find({range.lot, serial});
        if (unit == books[side].units.end()) return Reason::UNITS_NOT_HELD;
        if (unit->second.state == ModelState::RETIRED) return Reason::UNITS_FINAL;
        if (unit->second.state == ModelState::CANCELLED) return Reason::UNITS_FINAL;
        if (unit->second.state == ModelState::IN_TRANSIT) return Reason::UNITS_IN_TRANSIT;
        if (unit->second.state == ModelState::SENT) return Reason::UNITS_NOT_HELD;
      }
    }
  }
  const std::vector<UnitId> units = Units(ranges);
  if (authorization.first_transferred + authorization.held + units.size() > authorization.quantity) {
    return Reason::AUTHORIZATION_EXHAUSTED;
  }
  for (const UnitId& unit : units) {
    if (books[side].first_transferred.count(unit) > 0) return Reason::ALREADY_FIRST_TRANSFERRED;
  }
  for (const UnitId& unit : units) {
    books[side].first_transferred[unit] = {id, authorization_id};
    Mark(side, unit);
  }
  authorization.first_transferred += units.size();
  first_transfers[id] = authorization_id;
  return Accepted(side, {{ModelMessage::FIRST_TRANSFER, id}});
}

ModelRefusal ModelLedger::Init(int side, const std::string& author, const std::string& id, const std::string& from,
                               const ModelRanges& ranges, const std::string& authorization_id, uint64_t expires_at) {
  ModelBook& book = books[side];
  if (!IsId(id)) return Reason::FIELD_INVALID;
  if (book.out.count(id) > 0) return Reason::ALREADY_EXISTS;
  if (ModelRefusal refusal = CheckRanges(ranges)) return refusal;
  if (expires_at <= now || expires_at > now + 90ull * 86'400'000'000) return Reason::FIELD_INVALID;
  if (ModelRefusal refusal = CheckSender(side, author, from)) return refusal;
  if (ModelRefusal refusal = CheckHeld(side, from, ranges)) return refusal;
  const bool authorized = !authorization_id.empty();
  if (authorized && side == 0) return Reason::AUTHORIZATION_NOT_APPLICABLE;
  if (authorized && authorizations.count(authorization_id) == 0) return Reason::AUTHORIZATION_UNKNOWN;
  if (authorized && !authorizations[authorization_id].transfer_triggers && !authorizations[authorization_id].ndc) {
    return Reason::AUTHORIZATION_NOT_APPLICABLE;
  }
  const std::vector<UnitId> units = Units(ranges);
  for (const UnitId& unit_id : units) {
    const ModelUnit& unit = book.units.at(unit_id);
    const ModelDecision& lot = *lots.at(unit_id.first);
    if (authorized) {
      if (ModelRefusal refusal = CheckCovers(authorizations[authorization_id], lot)) return refusal;
      if (!unit.first_transfer.empty()) return Reason::ALREADY_FIRST_TRANSFERRED;
      if (unit.issuer != 1) return Reason::AUTHORIZATION_NOT_APPLICABLE;
    } else if (side == 1 && unit.issuer == 1 && unit.first_transfer.empty() && lot.vintage >= 2021) {
      return Reason::UNIT_NOT_AUTHORIZED;
    }
  }
  if (authorized) {
    ModelAuthorization& authorization = authorizations[authorization_id];
    if (authorization.first_transferred + authorization.held + units.size() > authorization.quantity) {
      return Reason::AUTHORIZATION_EXHAUSTED;
    }
    authorization.held += units.size();
  }
  for (const UnitId& unit : units) {
    book.units[unit].state = ModelState::IN_TRANSIT;
    book.units[unit].end = id;
  }
  book.out[id] = {ModelTransfer::INITIATED, from, units, authorization_id, expires_at, {}};
  return Accepted(side, {{ModelMessage::INITIATED, id}});
}

void ModelLedger::Post(int side, const std::string& id, std::vector<ModelMessage>* said) {
  ModelBook& book = books[side];
  ModelOut& out = book.out[id];
  out.state = ModelTransfer::POSTED;
  for (const UnitId& unit : out.units) {
    book.units[unit].state = ModelState::SENT;
    if (!out.authorization.empty()) {
      book.first_transferred[unit] = {"post:" + id, out.authorization};
      Mark(side, unit);
    }
    out.travelling[unit] = book.units[unit];
  }
  if (!out.authorization.empty()) {
    authorizations[out.authorization].held -= out.units.size();
    authorizations[out.authorization].first_transferred += out.units.size();
    first_transfers["post:" + id] = out.authorization;
    said->push_back({ModelMessage::FIRST_TRANSFER, "post:" + id});
  }
  said->push_back({ModelMessage::POSTED, id});
}

void ModelLedger::Void(int side, const std::string& id, std::vector<ModelMessage>* said) {
  ModelOut& out = books[side].out[id];
  out.state = ModelTransfer::VOIDED;
  for (const UnitId& unit : out.units) {
    books[side].units[unit].state = ModelState::HELD;
    books[side].units[unit].end = "";
  }
  if (!out.authorization.empty()) authorizations[out.authorization].held -= out.units.size();
  said->push_back({ModelMessage::VOIDED, id});
}

ModelRefusal ModelLedger::Accept(int side, const std::string& author, const std::string& id, const std::string& to,
                                 const std::string& suspense) {
  ModelBook& book = books[side];
  if (book.seen.count(id) == 0) return Reason::TRANSFER_UNKNOWN;
  if (book.in.count(id) > 0) return Reason::TRANSFER_ALREADY_ANSWERED;
  if (book.seen[id] != ModelTransfer::INITIATED) return Reason::TRANSFER_DECIDED;
  if (ModelRefusal refusal = CheckReceiver(side, to)) return refusal;
  if (author != "rep-" + to) return Reason::ACCOUNT_NOT_AUTHORIZED;
  if (!IsHolding(book.accounts[to].account_class)) return Reason::ACCOUNT_CLASS_WRONG;
  if (ModelRefusal refusal = CheckReceiver(side, suspense)) return refusal;
  if (book.accounts[suspense].account_class != ModelClass::SUSPENSE) return Reason::ACCOUNT_CLASS_WRONG;
  book.in[id] = {ModelTransfer::ACCEPTED, to, suspense};
  return Accepted(side, {{ModelMessage::ACCEPTED, id}});
}

ModelRefusal ModelLedger::Refuse(int side, const std::string& id) {
  ModelBook& book = books[side];
  if (book.seen.count(id) == 0) return Reason::TRANSFER_UNKNOWN;
  if (book.in.count(id) > 0) return Reason::TRANSFER_ALREADY_ANSWERED;
  if (book.seen[id] != ModelTransfer::INITIATED) return Reason::TRANSFER_DECIDED;
  book.in[id] = {ModelTransfer::REFUSED, "", ""};
  return Accepted(side, {{ModelMessage::REFUSED, id}});
}

ModelRefusal ModelLedger::Withdraw(int side, const std::string& author, const std::string& id) {
  ModelBook& book = books[side];
  if (book.out.count(id) == 0) return Reason::TRANSFER_UNKNOWN;
  if (author != "rep-" + book.out[id].from) return Reason::ACCOUNT_NOT_AUTHORIZED;
  if (book.out[id].state != ModelTransfer::INITIATED) return Reason::TRANSFER_DECIDED;
  std::vector<ModelMessage> said;
  Void(side, id, &said);
  return Accepted(side, said);
}

void ModelLedger::Credit(int side, const std::string& id) {
  ModelBook& book = books[side];
  ModelIn& in = book.in[id];
  in.state = ModelTransfer::CREDITED;
  const bool closed = book.accounts[in.to].state == ModelAccountState::CLOSED;
  for (const auto& [unit_id, travelling] : books[1 - side].out[id].travelling) {
    ModelUnit unit = travelling;
    unit.account = closed ? in.suspense : in.to;
    unit.state = ModelState::HELD;
    unit.end = "";
    book.units[unit_id] = unit;
    book.lots.insert(unit_id.first);
    Mark(side, unit_id);
  }
}

void ModelLedger::Import(int side, size_t count) {
  ModelBook& book = books[side];
  const ModelBook& peer = books[1 - side];
  std::vector<ModelMessage> said;
  for (; count > 0 && book.imported < peer.log.size(); --count, ++book.imported) {
    for (const ModelMessage& message : peer.log[book.imported]) {
      const std::string& id = message.id;
      switch (message.kind) {
        case ModelMessage::ISSUED:
          book.lots.insert(decisions.at(id).lot);
          break;
        case ModelMessage::INITIATED:
          book.seen[id] = ModelTransfer::INITIATED;
          break;
        case ModelMessage::POSTED:
          book.seen[id] = ModelTransfer::POSTED;
          Credit(side, id);
          break;
        case ModelMessage::VOIDED:
          book.seen[id] = ModelTransfer::VOIDED;
          if (book.in.count(id) > 0 && book.in[id].state == ModelTransfer::ACCEPTED) {
            book.in[id].state = ModelTransfer::VOIDED;
          }
          break;
        case ModelMessage::ACCEPTED:
          if (book.out[id].state == ModelTransfer::INITIATED) Post(side, id, &said);
          break;
        case ModelMessage::REFUSED:
          if (book.out[id].state == ModelTransfer::INITIATED) Void(side, id, &said);
          break;
        case ModelMessage::FIRST_TRANSFER:
          for (const auto& [unit, mark] : peer.first_transferred) {
            if (mark.first != id) continue;
            book.first_transferred[unit] = mark;
            Mark(side, unit);
          }
          break;
      }
    }
  }
  book.log.push_back(said);
}

void ModelLedger::Tick(int side) {
  std::vector<ModelMessage> said;
  for (auto& [id, out] : books[side].out) {
    if (out.state == ModelTransfer::INITIATED && out.expires_at <= now) Void(side, id, &said);
  }
  if (!said.empty()) books[side].log.push_back(said);
}

}  // namespace jcm::rules
