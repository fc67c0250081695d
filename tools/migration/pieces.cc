#include "tools/migration/pieces.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tools/migration/history.h"

namespace jcm::migration {
namespace {

using LotStretches = std::map<LotKey, Stretches>;

// Serials to the index of the row that covers them, as text.
template <typename Rows>
LotStretches CoverOf(const Rows& rows) {
  LotStretches cover;
  for (size_t i = 0; i < rows.size(); ++i) {
    cover[{rows[i].partnership, rows[i].range.lot_id}].Put(absl::StrCat(i), rows[i].range.first, rows[i].range.last);
  }
  return cover;
}

const Stretches& Find(const LotStretches& cover, const LotKey& key) {
  static const Stretches kNothing;
  const auto found = cover.find(key);
  return found == cover.end() ? kNothing : found->second;
}

void AddCuts(const Stretches& stretches, const RangeOfLot& range, std::set<Serial>* cuts) {
  auto at = stretches.all().upper_bound(range.first);
  if (at != stretches.all().begin()) --at;
  for (; at != stretches.all().end() && at->first <= range.last; ++at) {
    for (const Serial cut : {at->first, at->second.last + 1}) {
      if (cut > range.first && cut <= range.last) cuts->insert(cut);
    }
  }
}

template <typename Row>
const Row* RowAt(const Stretches& stretches, Serial serial, const std::vector<Row>& rows) {
  size_t index = 0;
  return absl::SimpleAtoi(stretches.At(serial), &index) ? &rows[index] : nullptr;
}

}  // namespace

std::vector<Piece> CutIntoPieces(const Migration& migration) {
  const LotStretches allotted = CoverOf(migration.allotments);
  const LotStretches restricted = CoverOf(migration.restrictions);
  std::vector<Piece> pieces;
  for (const BlockRow& block : migration.blocks) {
    const LotKey key{block.partnership, block.range.lot_id};
    const Stretches& shares = Find(allotted, key);
    const Stretches& restrictions = Find(restricted, key);
    std::set<Serial> cuts = {block.range.first, block.range.last + 1};
    AddCuts(shares, block.range, &cuts);
    AddCuts(restrictions, block.range, &cuts);
    for (auto cut = cuts.begin(); std::next(cut) != cuts.end(); ++cut) {
      const AllotmentRow* share = RowAt(shares, *cut, migration.allotments);
      if (share == nullptr) continue;
      const RestrictionRow* restriction = RowAt(restrictions, *cut, migration.restrictions);
      pieces.push_back({&block,
                        {block.range.lot_id, *cut, *std::next(cut) - 1},
                        share->party,
                        share->issuing_registry,
                        restriction == nullptr || !block.end_id.empty() ? "" : restriction->restriction});
    }
  }
  return pieces;
}

void CheckPieces(const Migration& migration, Problems* problems) {
  const LotStretches allotted = CoverOf(migration.allotments);
  LotStretches held;
  for (const BlockRow& block : migration.blocks) {
    const LotKey key{block.partnership, block.range.lot_id};
    Serial next = block.range.first;
    const Stretches& shares = Find(allotted, key);
    while (next <= block.range.last && !shares.At(next).empty()) {
      next = std::prev(shares.all().upper_bound(next))->second.last + 1;
    }
    if (next <= block.range.last) {
      problems->Add(block.origin.file, block.origin.row, "first", Reason::OBJECT_UNKNOWN,
                    absl::StrCat("no row of allotments.csv issued serial ", next, " of ", block.range.lot_id));
    }
    if (block.end_id.empty()) held[key].Put("held", block.range.first, block.range.last);
  }
  LotStretches seen;
  for (const RestrictionRow& row : migration.restrictions) {
    const LotKey key{row.partnership, row.range.lot_id};
    if (!Find(held, key).MissingIn("held", row.range.first, row.range.last).empty()) {
      problems->Add(row.origin.file, row.origin.row, "first", Reason::UNITS_NOT_HELD,
                    "a restriction lies on what blocks.csv has as held");
    }
    if (!seen[key].MissingIn("", row.range.first, row.range.last).empty()) {
      problems->Add(row.origin.file, row.origin.row, "first", Reason::RANGES_OVERLAP, "an earlier row restricts it");
    }
    seen[key].Put("restricted", row.range.first, row.range.last);
  }
}

}  // namespace jcm::migration
