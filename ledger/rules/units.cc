#include "ledger/rules/units.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/serial_range.h"
#include "ledger/base/status.h"
#include "ledger/rules/handlers.h"

namespace jcm::rules {
namespace {

constexpr size_t kNoLimit = SIZE_MAX;

// The record that covers or follows the first serial, and all others up to the last, as stored (not cut), at most
// `limit`. Blocks and first-transfer ranges are keyed the same way.
template <typename Record>
absl::Status ReadOverlapping(const state::StateReader& reader, uint32_t table, const v1::UnitRange& range, size_t limit,
                             std::vector<Record>* found) {
  const std::string prefix = absl::StrCat(range.lot_id(), "/");
  std::string from = BlockKey(range.lot_id(), range.first());
  JCM_ASSIGN_OR_RETURN(auto before, reader.FindAtOrBefore(table, prefix, from));
  if (before.has_value()) {
    Record record;
    if (!record.ParseFromString(before->second)) return Error(Reason::STORE_CORRUPT, "a range record");
    // Records do not overlap: one that reaches the last serial is the last one.
    const bool reaches_end = record.last() >= range.last();
    if (record.last() >= range.first()) found->push_back(std::move(record));
    if (reaches_end || found->size() >= limit) return absl::OkStatus();
    if (before->first == from) from.push_back('\0');
  }
  bool parsed = true;
  JCM_RETURN_IF_ERROR(reader.Scan(table, prefix, from, [&](absl::string_view, absl::string_view value) {
    Record record;
    parsed = record.ParseFromArray(value.data(), static_cast<int>(value.size()));
    if (!parsed || record.first() > range.last()) return false;
    found->push_back(std::move(record));
    return found->size() < limit;
  }));
  if (!parsed) return Error(Reason::STORE_CORRUPT, "a range record");
  return absl::OkStatus();
}

v1::UnitRange RangeOf(const v1::BlockRecord& block) {
  v1::UnitRange range;
  range.set_lot_id(block.lot_id());
  range.set_first(block.first());
  range.set_last(block.last());
  return range;
}

std::string Describe(const v1::UnitRange& range) {
  return absl::StrCat(range.lot_id(), " ", range.first(), "..", range.last());
}

// Equal in everything but their serials, and next to each other.
bool CanMerge(const v1::BlockRecord& left, const v1::BlockRecord& right) {
  if (left.last() + 1 != right.first()) return false;
  if (left.account() != right.account() || left.state() != right.state()) return false;  // most differ here
  v1::BlockRecord merged = left;
  merged.set_first(right.first());
  merged.set_last(right.last());
  return state::Serialise(merged) == state::Serialise(right);
}

absl::Status CheckHeldBy(const v1::BlockRecord& block, absl::string_view account, Restricted restricted) {
  switch (block.state()) {
    case v1::BLOCK_STATE_HELD:
      break;
    case v1::BLOCK_STATE_RETIRED:
    case v1::BLOCK_STATE_CANCELLED:
      return Error(Reason::UNITS_FINAL, Describe(RangeOf(block)));
    case v1::BLOCK_STATE_IN_TRANSIT:
      return Error(Reason::UNITS_IN_TRANSIT, Describe(RangeOf(block)));
    default:
      return Error(Reason::UNITS_NOT_HELD, Describe(RangeOf(block)));
  }
  if (block.account() != account) return Error(Reason::UNITS_NOT_HELD, Describe(RangeOf(block)));
  if (!block.restriction().empty() && restricted == Restricted::REFUSED) {
    return Error(Reason::UNITS_RESTRICTED, absl::StrCat(Describe(RangeOf(block)), ": ", block.restriction()));
  }
  return absl::OkStatus();
}

// Removes what the book holds in the serials of `block`; what lies across the edges stays as two cut pieces, which are
// returned so that they can merge.
absl::Status Clear(const v1::BlockRecord& block, state::Transition& transition) {
  std::vector<v1::BlockRecord> present;
  JCM_RETURN_IF_ERROR(ReadOverlapping(transition, v1::TABLE_BLOCK, RangeOf(block), kNoLimit, &present));
  for (const v1::BlockRecord& old : present) {
    JCM_RETURN_IF_ERROR(transition.Delete(v1::TABLE_BLOCK, BlockKey(old.lot_id(), old.first())));
    if (old.first() < block.first()) {
      v1::BlockRecord left = old;
      left.set_last(block.first() - 1);
      JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_BLOCK, BlockKey(left.lot_id(), left.first()), left));
    }
    if (old.last() > block.last()) {
      v1::BlockRecord right = old;
      right.set_first(block.last() + 1);
      JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_BLOCK, BlockKey(right.lot_id(), right.first()), right));
    }
  }
  return absl::OkStatus();
}

absl::Status WriteBlock(v1::BlockRecord block, state::Transition& transition) {
  JCM_RETURN_IF_ERROR(Clear(block, transition));
  const std::string prefix = absl::StrCat(block.lot_id(), "/");
  // Nothing starts at the block's own first serial any more.
  JCM_ASSIGN_OR_RETURN(auto before,
                       transition.FindAtOrBefore(v1::TABLE_BLOCK, prefix, BlockKey(block.lot_id(), block.first() - 1)));
  if (before.has_value()) {
    v1::BlockRecord left;
    if (!left.ParseFromString(before->second)) return Error(Reason::STORE_CORRUPT, "a block");
    if (CanMerge(left, block)) {
      JCM_RETURN_IF_ERROR(transition.Delete(v1::TABLE_BLOCK, before->first));
      block.set_first(left.first());
    }
  }
  const std::string next_key = BlockKey(block.lot_id(), block.last() + 1);
  JCM_ASSIGN_OR_RETURN(auto right, transition.Get<v1::BlockRecord>(v1::TABLE_BLOCK, next_key));
  if (right.has_value() && CanMerge(block, *right)) {
    JCM_RETURN_IF_ERROR(transition.Delete(v1::TABLE_BLOCK, next_key));
    block.set_last(right->last());
  }
  return transition.Put(v1::TABLE_BLOCK, BlockKey(block.lot_id(), block.first()), block);
}

}  // namespace

std::string BlockKey(absl::string_view lot_id, Serial first) {
  return absl::StrCat(lot_id, "/", state::SortableNumber(first));
}

absl::StatusOr<Tonnes> CheckRanges(const UnitRanges& ranges) {
  if (ranges.empty()) return Error(Reason::FIELD_REQUIRED, "ranges");
  if (static_cast<size_t>(ranges.size()) > kRangesPerCommandMax) {
    return Error(Reason::FIELD_INVALID, absl::StrCat(ranges.size(), " ranges, at most ", kRangesPerCommandMax));
  }
  Tonnes total = 0;
  std::vector<const v1::UnitRange*> sorted;
  for (const v1::UnitRange& range : ranges) {
    JCM_RETURN_IF_ERROR(CheckId(range.lot_id()));
    const SerialRange serials{range.first(), range.last()};
    JCM_RETURN_IF_ERROR(Validate(serials));
    total += serials.Count();  // at most 100 * 10^15: cannot overflow
    sorted.push_back(&range);
  }
  std::sort(sorted.begin(), sorted.end(), [](const v1::UnitRange* a, const v1::UnitRange* b) {
    return std::forward_as_tuple(a->lot_id(), a->first()) < std::forward_as_tuple(b->lot_id(), b->first());
  });
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i - 1]->lot_id() == sorted[i]->lot_id() && sorted[i]->first() <= sorted[i - 1]->last()) {
      return Error(Reason::RANGES_OVERLAP, Describe(*sorted[i]));
    }
  }
  return total;
}

absl::StatusOr<v1::LotRecord> FindLot(const state::StateReader& reader, absl::string_view lot_id) {
  JCM_ASSIGN_OR_RETURN(auto own, reader.Get<v1::LotRecord>(v1::TABLE_LOT, lot_id));
  if (own.has_value()) return *std::move(own);
  JCM_ASSIGN_OR_RETURN(auto imported, reader.Get<v1::LotRecord>(state::Shadow(v1::TABLE_LOT), lot_id));
  if (imported.has_value()) return *std::move(imported);
  return Error(Reason::OBJECT_UNKNOWN, absl::StrCat("lot ", lot_id));
}

Serial FirstSerial(const v1::LotRecord& lot) { return lot.first_serial() == 0 ? 1 : lot.first_serial(); }

bool LiesInLot(const v1::UnitRange& range, const v1::LotRecord& lot) {
  return range.first() >= FirstSerial(lot) && range.last() <= FirstSerial(lot) + lot.tonnes() - 1;
}

absl::Status CheckUsable(const state::StateReader& reader, const v1::LotRecord& lot) {
  if (lot.statement_id().empty()) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(auto statement, reader.Get<v1::OpeningStatementRecord>(v1::TABLE_STATEMENT, lot.statement_id()));
  // A statement of the partner's is signed in its own book; its units are not here before they were sent.
  if (!statement.has_value() || statement->is_signed()) return absl::OkStatus();
  return Error(Reason::STATEMENT_NOT_SIGNED, lot.statement_id());
}

absl::StatusOr<std::vector<v1::BlockRecord>> ReadBlocks(const state::StateReader& reader, const v1::UnitRange& range,
                                                        size_t limit) {
  std::vector<v1::BlockRecord> blocks;
  JCM_RETURN_IF_ERROR(ReadOverlapping(reader, v1::TABLE_BLOCK, range, limit, &blocks));
  for (v1::BlockRecord& block : blocks) {
    block.set_first(std::max<Serial>(block.first(), range.first()));
    block.set_last(std::min<Serial>(block.last(), range.last()));
  }
  return blocks;
}

absl::StatusOr<std::vector<v1::BlockRecord>> TakeHeld(const state::StateReader& reader, absl::string_view account,
                                                      const UnitRanges& ranges, Restricted restricted) {
  std::vector<v1::BlockRecord> taken;
  for (const v1::UnitRange& range : ranges) {
    JCM_ASSIGN_OR_RETURN(v1::LotRecord lot, FindLot(reader, range.lot_id()));
    if (!LiesInLot(range, lot)) return Error(Reason::RANGE_OUTSIDE_LOT, Describe(range));
    JCM_RETURN_IF_ERROR(CheckUsable(reader, lot));
    JCM_ASSIGN_OR_RETURN(std::vector<v1::BlockRecord> blocks, ReadBlocks(reader, range, kBlocksPerCommandMax + 1));
    JCM_RETURN_IF_ERROR(MarkFirstTransferred(reader, blocks));
    Serial next = range.first();
    for (v1::BlockRecord& block : blocks) {
      if (block.first() != next) return Error(Reason::UNITS_NOT_HELD, Describe(range));
      JCM_RETURN_IF_ERROR(CheckHeldBy(block, account, restricted));
      next = block.last() + 1;
      if (taken.size() == kBlocksPerCommandMax) {
        return Error(Reason::FIELD_INVALID,
                     absl::StrCat("the ranges cover more than ", kBlocksPerCommandMax, " blocks"));
      }
      taken.push_back(std::move(block));
    }
    if (next != range.last() + 1) return Error(Reason::UNITS_NOT_HELD, Describe(range));
  }
  return taken;
}

absl::Status WriteBlocks(const std::vector<v1::BlockRecord>& blocks, state::Transition& transition) {
  for (const v1::BlockRecord& block : blocks) JCM_RETURN_IF_ERROR(WriteBlock(block, transition));
  return absl::OkStatus();
}

absl::Status AddFirstTransferRange(const v1::UnitRange& range, absl::string_view first_transfer_id,
                                   absl::string_view authorization_id, state::Transition& transition) {
  std::vector<v1::FirstTransferRangeRecord> present;
  JCM_RETURN_IF_ERROR(ReadOverlapping(transition, v1::TABLE_FIRST_TRANSFER_RANGE, range, 1, &present));
  if (!present.empty()) return Error(Reason::ALREADY_FIRST_TRANSFERRED, Describe(range));
  v1::FirstTransferRangeRecord record;
  record.set_lot_id(range.lot_id());
  record.set_first(range.first());
  record.set_last(range.last());
  record.set_first_transfer_id(std::string(first_transfer_id));
  record.set_authorization_id(std::string(authorization_id));
  return transition.Put(v1::TABLE_FIRST_TRANSFER_RANGE, BlockKey(range.lot_id(), range.first()), record);
}

absl::Status MarkFirstTransferred(const state::StateReader& reader, std::vector<v1::BlockRecord>& blocks) {
  std::vector<v1::BlockRecord> marked;
  for (v1::BlockRecord& block : blocks) {
    std::vector<v1::FirstTransferRangeRecord> ranges;
    JCM_RETURN_IF_ERROR(ReadOverlapping(reader, v1::TABLE_FIRST_TRANSFER_RANGE, RangeOf(block), kNoLimit, &ranges));
    if (ranges.empty()) {
      marked.push_back(std::move(block));
      continue;
    }
    v1::BlockRecord rest = block;
    for (const v1::FirstTransferRangeRecord& range : ranges) {
      if (range.first() > rest.first()) {
        marked.push_back(rest);
        marked.back().set_last(range.first() - 1);
        rest.set_first(range.first());
      }
      v1::BlockRecord inside = rest;
      inside.set_last(std::min<Serial>(range.last(), block.last()));
      inside.set_first_transfer_id(range.first_transfer_id());
      inside.set_authorization_id(range.authorization_id());
      marked.push_back(inside);
      rest.set_first(inside.last() + 1);
    }
    if (rest.first() <= rest.last()) marked.push_back(rest);
  }
  blocks = std::move(marked);
  return absl::OkStatus();
}

}  // namespace jcm::rules
