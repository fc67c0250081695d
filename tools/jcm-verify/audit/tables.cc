#include "tools/jcm-verify/audit/tables.h"

#include <array>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/book/merkle.h"

namespace jcm::verify {
namespace {

constexpr char kLeafPrefix = 0x00;

std::array<char, 4> BigEndian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

bool IsWrittenOnce(uint32_t table) {
  return table == v1::TABLE_TRANSFER || table == v1::TABLE_RETIREMENT || table == v1::TABLE_CANCELLATION;
}

// The key of a block is the lot's id, "/" and the serial in 8 bytes. False: it is none, and any other record.
bool SplitBlockKey(absl::string_view key, absl::string_view* lot_id, Serial* first) {
  if (key.size() < 9 || key[key.size() - 9] != '/') return false;
  *lot_id = key.substr(0, key.size() - 8);
  *first = 0;
  for (const char c : key.substr(key.size() - 8)) *first = *first << 8 | static_cast<uint8_t>(c);
  return true;
}

}  // namespace

bool IsPublished(uint32_t table) {
  switch (table) {
    case v1::TABLE_RULES:
    case v1::TABLE_MEMBER:
    case v1::TABLE_DECISION:
    case v1::TABLE_REACTION:
    case v1::TABLE_VOTE:
    case v1::TABLE_VOTES_CLOSED:
    case v1::TABLE_CONFLICT:
    case v1::TABLE_LOT:
    case v1::TABLE_ISSUANCE:
    case v1::TABLE_AUTHORIZATION:
    case v1::TABLE_FIRST_TRANSFER:
    case v1::TABLE_TRANSFER_OUT:
    case v1::TABLE_TRANSFER_IN:
    case v1::TABLE_PROJECT:
    case v1::TABLE_DOSSIER:
    case v1::TABLE_STRAND:
    case v1::TABLE_DOSSIER_STEP:
    case v1::TABLE_REFERENCE:
    case v1::TABLE_DOSSIER_REACTION:
      return true;
    default:
      return false;
  }
}

Digest Tables::LeafOf(uint32_t table, absl::string_view key, absl::string_view value) {
  const std::array<char, 4> size = BigEndian(static_cast<uint32_t>(key.size() + 4));
  const std::array<char, 4> number = BigEndian(table);
  return Sha256Of({absl::string_view(&kLeafPrefix, 1), absl::string_view(size.data(), size.size()),
                   absl::string_view(number.data(), number.size()), key, value});
}

absl::string_view Tables::Get(uint32_t table, absl::string_view key) const {
  const auto records = records_.find(table);
  if (records == records_.end()) return "";
  const auto record = records->second.find(key);
  return record == records->second.end() ? absl::string_view() : absl::string_view(record->second);
}

bool Tables::Change(uint32_t table, absl::string_view key, absl::string_view old_value, absl::string_view new_value) {
  if (IsWrittenOnce(table)) {
    Digest before{};
    Digest after{};
    if (!old_value.empty()) before = LeafOf(table, key, old_value);
    if (!new_value.empty()) after = LeafOf(table, key, new_value);
    return written_once_[table].Change(key, old_value.empty() ? nullptr : &before,
                                       new_value.empty() ? nullptr : &after);
  }
  absl::string_view lot_id;
  Serial first = 0;
  if (table == v1::TABLE_BLOCK && SplitBlockKey(key, &lot_id, &first)) {
    return ChangeBlock(lot_id, first, old_value, new_value);
  }
  ++changes_[table];
  return ChangeRecord(table, key, old_value, new_value);
}

bool Tables::ChangeBlock(absl::string_view lot_id, Serial first, absl::string_view old_value,
                         absl::string_view new_value) {
  if (last_lot_ == nullptr || last_lot_->first != lot_id) {
    const auto lot = blocks_.find(lot_id);
    last_lot_ = lot != blocks_.end() ? &*lot : &*blocks_.emplace(std::string(lot_id), LotBlocks()).first;
  }
  LotBlocks& blocks = last_lot_->second;
  const auto at = blocks.lower_bound(first);
  const bool exists = at != blocks.end() && at->first == first;
  const bool held = exists ? absl::string_view(at->second) == old_value : old_value.empty();
  if (!exists) {
    if (!new_value.empty()) blocks.emplace_hint(at, first, std::string(new_value));
  } else if (new_value.empty()) {
    blocks.erase(at);
  } else {
    at->second.assign(new_value.data(), new_value.size());
  }
  return held;
}

bool Tables::ChangeRecord(uint32_t table, absl::string_view key, absl::string_view old_value,
                          absl::string_view new_value) {
  Records& records = records_[table];
  const auto at = records.lower_bound(key);
  const bool exists = at != records.end() && absl::string_view(at->first) == key;
  const bool held = exists ? absl::string_view(at->second) == old_value : old_value.empty();
  if (!exists) {
    if (!new_value.empty()) records.emplace_hint(at, std::string(key), std::string(new_value));
  } else if (new_value.empty()) {
    records.erase(at);
  } else {
    at->second.assign(new_value.data(), new_value.size());
  }
  return held;
}

const LotBlocks& Tables::BlocksOf(absl::string_view lot_id) const {
  static const LotBlocks* const none = new LotBlocks;
  const auto lot = blocks_.find(absl::StrCat(lot_id, "/"));
  return lot == blocks_.end() ? *none : lot->second;
}

uint64_t Tables::ChangesOf(uint32_t table) const {
  const auto changes = changes_.find(table);
  return changes == changes_.end() ? 0 : changes->second;
}

const Records& Tables::Of(uint32_t table) const {
  static const Records* const none = new Records;
  const auto records = records_.find(table);
  return records == records_.end() ? *none : records->second;
}

void Tables::VisitTable(uint32_t table,
                        const std::function<void(uint32_t, absl::string_view, const Digest&)>& visit) const {
  if (IsWrittenOnce(table)) {
    written_once_[table].Visit([&](absl::string_view key, const Digest& hash) { visit(table, key, hash); });
    return;
  }
  if (table == v1::TABLE_BLOCK) {
    std::string key;
    for (const auto& [lot_id, blocks] : blocks_) {
      for (const auto& [first, value] : blocks) {
        key = lot_id;
        for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(first >> shift & 0xff));
        visit(table, key, LeafOf(table, key, value));
      }
    }
  }
  // Of blocks: those under keys that no block has. UnitAudit has found them wrong, so that their place matters no more.
  for (const auto& [key, value] : Of(table)) visit(table, key, LeafOf(table, key, value));
}

void Tables::Visit(const std::function<void(uint32_t, absl::string_view, const Digest&)>& visit) const {
  std::set<uint32_t> tables;
  for (const auto& table : records_) tables.insert(table.first);
  for (const auto& table : written_once_) tables.insert(table.first);
  if (!blocks_.empty()) tables.insert(v1::TABLE_BLOCK);
  for (const uint32_t table : tables) VisitTable(table, visit);
}

Tables::Root Tables::StateRoot() const {
  book::Frontier frontier;
  Visit([&](uint32_t, absl::string_view, const Digest& leaf) { frontier.Append(leaf); });
  return Root{frontier.Root(), frontier.size()};
}

}  // namespace jcm::verify
