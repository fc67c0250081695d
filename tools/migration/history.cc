#include "tools/migration/history.h"

#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"

namespace jcm::migration {
namespace {

// An act of the history: when, in which order within the day, and what it does.
struct Happening {
  Date date;
  int kind;  // issuance, transfer, end
  std::function<void()> act;
};

}  // namespace

void Stretches::CutBefore(Serial serial) {
  auto at = all_.lower_bound(serial);
  if (at == all_.begin()) return;
  --at;
  if (at->second.last < serial) return;
  const Stretch rest = at->second;
  at->second.last = serial - 1;
  all_[serial] = rest;
}

void Stretches::Put(const std::string& account, Serial first, Serial last) {
  CutBefore(first);
  CutBefore(last + 1);
  all_.erase(all_.lower_bound(first), all_.upper_bound(last));
  all_[first] = {last, account};
}

std::string Stretches::At(Serial serial) const {
  auto at = all_.upper_bound(serial);
  if (at == all_.begin()) return "";
  --at;
  return at->second.last >= serial ? at->second.account : "";
}

std::vector<std::pair<Serial, Serial>> Stretches::MissingIn(const std::string& account, Serial first,
                                                            Serial last) const {
  std::vector<std::pair<Serial, Serial>> missing;
  Serial next = first;
  const auto add = [&](Serial from, Serial to) {
    if (!missing.empty() && missing.back().second + 1 == from) {
      missing.back().second = to;
    } else {
      missing.emplace_back(from, to);
    }
  };
  while (next <= last) {
    auto after = all_.upper_bound(next);
    const bool inside = after != all_.begin() && std::prev(after)->second.last >= next;
    const Serial end = inside ? std::prev(after)->second.last : after == all_.end() ? last : after->first - 1;
    const Serial until = std::min(end, last);
    if ((inside ? std::prev(after)->second.account : std::string()) != account) add(next, until);
    next = until + 1;
  }
  return missing;
}

void History::Issue(const AllotmentRow& row) { Move(row.origin, row.partnership, row.range, "", row.account); }

void History::Move(const Origin& origin, const std::string& partnership, const RangeOfLot& range,
                   const std::string& from, const std::string& to) {
  Stretches& lot = lots_[{partnership, range.lot_id}];
  for (const auto& [first, last] : lot.MissingIn(from, range.first, range.last)) {
    const std::string where = lot.At(first);
    contradictions_.push_back({origin, partnership,
                               absl::StrCat(range.lot_id, " ", first, "..", last, " is ",
                                            where.empty() ? "not issued" : absl::StrCat("in ", where), ", not ",
                                            from.empty() ? "free to be issued" : absl::StrCat("in ", from))});
  }
  lot.Put(to, range.first, range.last);
}

History::History(const Migration& migration) {
  std::vector<Happening> happenings;
  for (const AllotmentRow& row : migration.allotments) {
    happenings.push_back({row.date, 0, [this, &row] { Issue(row); }});
  }
  for (const TransferRow& row : migration.transfers) {
    happenings.push_back({row.date, 1, [this, &row] {
                            Move(row.origin, row.partnership, row.range, row.from_account, row.to_account);
                          }});
  }
  // The units of an end are the blocks that name it.
  std::map<std::pair<std::string, std::string>, std::vector<const BlockRow*>> blocks;
  for (const BlockRow& row : migration.blocks) {
    if (!row.end_id.empty()) blocks[{row.partnership, row.end_id}].push_back(&row);
  }
  for (const EndRow& row : migration.ends) {
    const auto units = blocks.find({row.partnership, row.end_id});
    if (units == blocks.end()) continue;
    for (const BlockRow* block : units->second) {
      happenings.push_back({row.date, 2, [this, &row, block] {
                              Move(row.origin, row.partnership, block->range, row.from_account, row.final_account);
                            }});
    }
  }
  std::stable_sort(happenings.begin(), happenings.end(), [](const Happening& a, const Happening& b) {
    return a.date != b.date ? a.date < b.date : a.kind < b.kind;
  });
  for (const Happening& happening : happenings) happening.act();
}

}  // namespace jcm::migration
