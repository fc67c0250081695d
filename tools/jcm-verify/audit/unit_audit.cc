#include "tools/jcm-verify/audit/unit_audit.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace jcm::verify {
namespace {

bool IsFinal(v1::BlockState state) { return state == v1::BLOCK_STATE_RETIRED || state == v1::BLOCK_STATE_CANCELLED; }

bool Parse(absl::string_view bytes, google::protobuf::MessageLite* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

const char* StateName(const BlockView* block) {
  return block == nullptr ? "nowhere" : v1::BlockState_Name(block->state()).c_str();
}

std::string Where(const BlockView* block) {
  if (block == nullptr) return "nowhere";
  return absl::StrCat(v1::BlockState_Name(block->state()), " in ", block->account(),
                      block->end_id().empty() ? "" : " by ", block->end_id());
}

bool SamePlace(const BlockView& a, const BlockView& b) {
  return a.state() == b.state() && a.account() == b.account() && a.end_id() == b.end_id();
}

// Of two BlockViews, or of one and a v1::BlockRecord; `restriction` is the one that `b` must be under.
template <typename Block>
bool SameBut(const Block& a, const BlockView& b, absl::string_view restriction) {
  return a.first_allottee() == b.first_allottee() && a.allocation_row() == b.allocation_row() &&
         a.itmo_serial_offset() == b.itmo_serial_offset() && b.restriction() == restriction && a.trust() == b.trust() &&
         a.issuing_registry() == b.issuing_registry();
}

template <typename Block>
bool SameOrigin(const Block& a, const BlockView& b) {
  return SameBut(a, b, a.restriction());
}

bool SameMarks(const BlockView& a, const BlockView& b) {
  return a.first_transfer_id() == b.first_transfer_id() && a.authorization_id() == b.authorization_id();
}

bool IsRangeKey(absl::string_view key, absl::string_view lot_id, Serial first) {
  if (key.size() != lot_id.size() + 9 || key[lot_id.size()] != '/' || key.substr(0, lot_id.size()) != lot_id) {
    return false;
  }
  Serial serial = 0;
  for (const char c : key.substr(lot_id.size() + 1)) serial = serial << 8 | static_cast<uint8_t>(c);
  return serial == first;
}

// The vintage of a lot by the book's records, own or imported; 0 if the lot is unknown.
int32_t VintageOf(const Tables& tables, absl::string_view lot_id) {
  v1::LotRecord lot;
  for (const uint32_t table : {uint32_t{v1::TABLE_LOT}, v1::TABLE_LOT + kShadowOffset}) {
    const absl::string_view bytes = tables.Get(table, lot_id);
    if (!bytes.empty() && Parse(bytes, &lot)) return lot.vintage();
  }
  return 0;
}

}  // namespace

std::string RangeKey(absl::string_view lot_id, Serial first) {
  std::string key = absl::StrCat(lot_id, "/");
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(first >> shift & 0xff));
  return key;
}

bool IsFirstTransferred(const Tables& tables, const BlockView& block, Serial first, Serial last) {
  const Records& ranges = tables.Of(v1::TABLE_FIRST_TRANSFER_RANGE);
  auto at = ranges.upper_bound(RangeKey(block.lot_id(), first));
  if (at == ranges.begin()) return false;
  --at;
  v1::FirstTransferRangeRecord range;
  return Parse(at->second, &range) && range.lot_id() == block.lot_id() && range.first() <= first &&
         last <= range.last() && range.first_transfer_id() == block.first_transfer_id() &&
         range.authorization_id() == block.authorization_id();
}

LotTotals& UnitAudit::LotOf(absl::string_view lot_id) {
  if (last_lot_ != nullptr && last_lot_->first == lot_id) return last_lot_->second;
  if (changed_.find(lot_id) == changed_.end()) changed_.emplace(lot_id);
  const auto found = lots_.find(lot_id);
  last_lot_ = found != lots_.end() ? &*found : &*lots_.emplace(std::string(lot_id), LotTotals()).first;
  return last_lot_->second;
}

std::string UnitAudit::Name(const Stretch& stretch) const {
  const BlockView& any = stretch.before != nullptr ? *stretch.before : *stretch.after;
  return absl::StrCat(any.lot_id(), " ", stretch.first, "..", stretch.last);
}

bool UnitAudit::Read(uint64_t sequence, const std::vector<const EffectBytes*>& effects) {
  before_.clear();
  after_.clear();
  lot_ids_.clear();
  const auto add = [&](absl::string_view key, absl::string_view value, std::vector<BlockView>& list) {
    if (value.empty()) return true;
    list.emplace_back();
    BlockView& block = list.back();
    if (!block.Read(value) || block.first() == 0 || block.first() > block.last() || block.last() > kSerialMax ||
        !IsRangeKey(key, block.lot_id(), block.first())) {
      report_.Fail(Check::FORM, sequence, "", "a block of units under its key", "another record");
      return false;
    }
    if (std::find(lot_ids_.begin(), lot_ids_.end(), block.lot_id()) == lot_ids_.end()) {
      lot_ids_.push_back(block.lot_id());
    }
    return true;
  };
  for (const EffectBytes* effect : effects) {
    if (!add(effect->key, effect->old_value, before_) || !add(effect->key, effect->new_value, after_)) return false;
    if (effect->new_value.empty()) continue;
    const BlockView& block = after_.back();
    if (block.account().empty() || block.state() == v1::BLOCK_STATE_UNSPECIFIED ||
        !v1::BlockState_IsValid(block.state())) {
      report_.Fail(Check::FORM, sequence, "", "a block with account and state",
                   absl::StrCat(block.lot_id(), " ", block.first(), "..", block.last(), " ", Where(&block)));
    }
  }
  std::sort(lot_ids_.begin(), lot_ids_.end());
  return true;
}

void UnitAudit::Apply(uint64_t sequence, const std::vector<const EffectBytes*>& block_effects, const Tables& tables,
                      bool any_move, std::vector<Move>* moves) {
  if (!Read(sequence, block_effects)) return;
  for (const absl::string_view lot_id : lot_ids_) CheckLot(sequence, lot_id, tables, any_move, moves);
  for (const Move& move : *moves) {
    const Tonnes wanted = move.last - move.first + 1;
    JCM_AUDIT_REQUIRE(
        report_, move.moved == wanted, Check::EFFECTS, sequence,
        absl::StrCat(move.lot_id, " ", move.first, "..", move.last, " moves to ", v1::BlockState_Name(move.to_state)),
        absl::StrCat(move.moved, " of ", wanted, " t of it do"));
  }
}

void UnitAudit::CheckLot(uint64_t sequence, absl::string_view lot_id, const Tables& tables, bool any_move,
                         std::vector<Move>* moves) {
  std::vector<const BlockView*>& before = lot_before_;
  std::vector<const BlockView*>& after = lot_after_;
  std::vector<Serial>& cuts = cuts_;
  cuts.clear();
  const auto gather = [&](const std::vector<BlockView>& list, std::vector<const BlockView*>& out) {
    out.clear();
    for (const BlockView& block : list) {
      if (block.lot_id() != lot_id) continue;
      out.push_back(&block);
      cuts.push_back(block.first());
      cuts.push_back(block.last() + 1);
    }
    std::sort(out.begin(), out.end(), [](const BlockView* a, const BlockView* b) { return a->first() < b->first(); });
  };
  gather(before_, before);
  gather(after_, after);
  for (size_t i = 1; i < after.size(); ++i) {
    if (after[i]->first() <= after[i - 1]->last()) {
      report_.Fail(Check::UNITS_ONCE, sequence, "", "blocks that don't overlap",
                   absl::StrCat(lot_id, " ", after[i]->first(), " twice"));
    }
  }
  for (const Move& move : *moves) {
    if (move.lot_id != lot_id) continue;
    cuts.push_back(move.first);
    cuts.push_back(move.last + 1);
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  size_t b = 0;
  size_t a = 0;
  bool appeared = false;
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    while (b < before.size() && before[b]->last() < cuts[i]) ++b;
    while (a < after.size() && after[a]->last() < cuts[i]) ++a;
    Stretch stretch{cuts[i], cuts[i + 1] - 1, nullptr, nullptr};
    if (b < before.size() && before[b]->first() <= cuts[i]) stretch.before = before[b];
    if (a < after.size() && after[a]->first() <= cuts[i]) stretch.after = after[a];
    if (stretch.before == nullptr && stretch.after == nullptr) continue;
    appeared = appeared || stretch.before == nullptr;
    CheckStretch(sequence, stretch, tables, any_move, moves);
  }
  // Where nothing appears, what was apart before is apart now.
  if (!appeared) return;
  for (const BlockView* block : after) CheckNeighbours(sequence, *block, tables);
}

void UnitAudit::CheckNeighbours(uint64_t sequence, const BlockView& block, const Tables& tables) {
  const LotBlocks& blocks = tables.BlocksOf(block.lot_id());
  BlockView other;
  const auto at = blocks.lower_bound(block.first());
  if (at != blocks.begin() && other.Read(std::prev(at)->second)) {
    JCM_AUDIT_REQUIRE(report_, other.last() < block.first(), Check::UNITS_ONCE, sequence,
                      absl::StrCat("serials of ", block.lot_id(), " in one block"),
                      absl::StrCat(block.first(), " in two"));
  }
  if (at == blocks.end() || std::next(at) == blocks.end()) return;
  if (other.Read(std::next(at)->second)) {
    JCM_AUDIT_REQUIRE(report_, block.last() < other.first(), Check::UNITS_ONCE, sequence,
                      absl::StrCat("serials of ", block.lot_id(), " in one block"),
                      absl::StrCat(other.first(), " in two"));
  }
}

void UnitAudit::CheckStretch(uint64_t sequence, const Stretch& stretch, const Tables& tables, bool any_move,
                             std::vector<Move>* moves) {
  const BlockView* before = stretch.before;
  const BlockView* after = stretch.after;
  const Tonnes tonnes = stretch.last - stretch.first + 1;
  const bool moved = before == nullptr || after == nullptr || !SamePlace(*before, *after);
  LotTotals& lot = LotOf(before != nullptr ? before->lot_id() : after->lot_id());
  if (before != nullptr && v1::BlockState_IsValid(before->state())) lot.by_state[before->state()] -= tonnes;
  if (after != nullptr && v1::BlockState_IsValid(after->state())) lot.by_state[after->state()] += tonnes;

  if (before != nullptr && IsFinal(before->state())) {
    JCM_AUDIT_REQUIRE(report_, !moved, Check::UNITS_FINAL, sequence,
                      absl::StrCat(Name(stretch), " stays ", Where(before)), Where(after));
  }
  const bool reserve = (before != nullptr && before->state() == v1::BLOCK_STATE_RESERVED) ||
                       (after != nullptr && after->state() == v1::BLOCK_STATE_RESERVED);
  if (moved && reserve) {
    report_.Fail(Check::RESERVE, sequence, "", "the reserve untouched: no act of these rules moves it",
                 absl::StrCat(Name(stretch), " from ", Where(before), " to ", Where(after)));
  } else {
    report_.Passed(Check::RESERVE);
  }
  if (after == nullptr) {
    report_.Fail(Check::UNITS_ONCE, sequence, "", absl::StrCat(Name(stretch), " stays in the book"), "it is nowhere");
    return;
  }
  CheckMarks(sequence, stretch, tables);
  if (any_move) return;
  if (moved) return CheckMove(sequence, stretch, moves);
  CheckStays(sequence, stretch, moves);
}

void UnitAudit::CheckStays(uint64_t sequence, const Stretch& stretch, std::vector<Move>* moves) {
  const BlockView& before = *stretch.before;
  const BlockView& after = *stretch.after;
  absl::string_view restriction = before.restriction();
  for (Move& move : *moves) {
    if (move.restriction == nullptr || move.lot_id != after.lot_id() || stretch.first < move.first ||
        move.last < stretch.last || before.state() != move.from_state || before.account() != move.from_account) {
      continue;
    }
    // Laid on what is free, lifted from what is not.
    JCM_AUDIT_REQUIRE(report_, before.restriction().empty() != move.restriction->empty(), Check::EFFECTS, sequence,
                      absl::StrCat(Name(stretch), " changes between free and restricted"), before.restriction());
    restriction = *move.restriction;
    move.moved += stretch.last - stretch.first + 1;
  }
  JCM_AUDIT_REQUIRE(report_, SameBut(before, after, restriction), Check::EFFECTS, sequence,
                    absl::StrCat(Name(stretch), " keeps its attributes"), "others");
}

void UnitAudit::CheckMarks(uint64_t sequence, const Stretch& stretch, const Tables& tables) {
  const BlockView& after = *stretch.after;
  const bool fresh = stretch.before == nullptr || !SameMarks(*stretch.before, after);
  if (!fresh) return;
  if (stretch.before != nullptr && !stretch.before->first_transfer_id().empty()) {
    report_.Fail(
        Check::FIRST_TRANSFER, sequence, "",
        absl::StrCat(Name(stretch), " first transferred by ", stretch.before->first_transfer_id(), " for ever"),
        absl::StrCat("by ", after.first_transfer_id()));
    return;
  }
  if (after.first_transfer_id().empty()) {
    JCM_AUDIT_REQUIRE(report_, after.authorization_id().empty(), Check::FIRST_TRANSFER, sequence,
                      absl::StrCat(Name(stretch), " without authorization"), after.authorization_id());
    return;
  }
  JCM_AUDIT_REQUIRE(report_, IsFirstTransferred(tables, after, stretch.first, stretch.last), Check::FIRST_TRANSFER,
                    sequence, absl::StrCat("a first transfer of ", Name(stretch)),
                    absl::StrCat("none of the id ", after.first_transfer_id()));
  const int32_t vintage = VintageOf(tables, after.lot_id());
  JCM_AUDIT_REQUIRE(report_, vintage >= kFirstItmoVintage, Check::ITMO_VINTAGE, sequence,
                    absl::StrCat(Name(stretch), " of 2021 or later"), absl::StrCat("vintage ", vintage));
}

void UnitAudit::CheckMove(uint64_t sequence, const Stretch& stretch, std::vector<Move>* moves) {
  const BlockView* before = stretch.before;
  const BlockView& after = *stretch.after;
  Move* move = nullptr;
  for (Move& candidate : *moves) {
    if (candidate.lot_id == after.lot_id() && candidate.first <= stretch.first && stretch.last <= candidate.last) {
      move = &candidate;
    }
  }
  if (move == nullptr) {
    report_.Fail(Check::EFFECTS, sequence, "", absl::StrCat(Name(stretch), " stays ", Where(before)),
                 absl::StrCat(Where(&after), ", which the act does not say"));
    return;
  }
  const bool from_nowhere = before == nullptr || before->state() == v1::BLOCK_STATE_SENT;
  const bool from_right = move->from_state == v1::BLOCK_STATE_UNSPECIFIED
                              ? from_nowhere
                              : before != nullptr && before->state() == move->from_state &&
                                    (move->from_account.empty() || before->account() == move->from_account);
  if (!from_right) {
    report_.Fail(
        Check::EFFECTS, sequence, "",
        absl::StrCat(Name(stretch), " comes from ", v1::BlockState_Name(move->from_state), " in ", move->from_account),
        Where(before));
    return;
  }
  const absl::string_view account =
      move->to_account.empty() && before != nullptr ? before->account() : move->to_account;
  const bool to_right = after.state() == move->to_state && after.account() == account && after.end_id() == move->end_id;
  const bool same = move->appears_as != nullptr ? SameOrigin(*move->appears_as, after)
                                                : before != nullptr && SameOrigin(*before, after);
  if (!to_right || !same) {
    report_.Fail(Check::EFFECTS, sequence, "",
                 absl::StrCat(Name(stretch), " goes to ", v1::BlockState_Name(move->to_state), " in ", account, " by ",
                              move->end_id),
                 absl::StrCat(Where(&after), same ? "" : ", with other attributes", " from ", StateName(before)));
    return;
  }
  // A restriction holds units where they are; a transfer that was under way before goes its way.
  JCM_AUDIT_REQUIRE(
      report_, before == nullptr || before->state() != v1::BLOCK_STATE_HELD || before->restriction().empty(),
      Check::EFFECTS, sequence, absl::StrCat(Name(stretch), " stays, as it is restricted"), Where(&after));
  move->moved += stretch.last - stretch.first + 1;
  report_.Passed(Check::EFFECTS);
}

}  // namespace jcm::verify
