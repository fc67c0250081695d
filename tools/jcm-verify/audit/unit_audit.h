// What an entry does to units, serial by serial, against what its act may do.
//
//   std::vector<Move> moves = ...;                     // from the command, in the auditor's own reading
//   units.Apply(sequence, effects, tables, moves, &lots);
//
// From the effects on blocks it takes what was and what is for each stretch of serials; splitting and merging leave
// both equal. What differs must be one of the moves, and each move must have happened whole.
#ifndef TOOLS_JCM_VERIFY_AUDIT_UNIT_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_UNIT_AUDIT_H_

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/types.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/plain.h"
#include "tools/jcm-verify/audit/tables.h"
#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {

namespace v1 = ::jcm::ledger::v1;

inline constexpr int32_t kFirstItmoVintage = 2021;
inline constexpr size_t kBlockStates = 7;  // of v1::BlockState, with UNSPECIFIED

// What shall happen to the serials [first, last] of a lot. The texts must outlive the entry's audit.
struct Move {
  absl::string_view lot_id;
  Serial first = 0;
  Serial last = 0;
  // Where they are before; UNSPECIFIED: nowhere in this book, a tombstone apart.
  v1::BlockState from_state = v1::BLOCK_STATE_UNSPECIFIED;
  absl::string_view from_account;  // empty: any
  v1::BlockState to_state = v1::BLOCK_STATE_HELD;
  absl::string_view to_account;  // empty: stays where it was
  absl::string_view end_id;
  // Of units that appear: what else they must be; null: they don't.
  const v1::BlockRecord* appears_as = nullptr;
  // Units stay in their place, under this restriction or, if it is empty, under none any more; null: it stays as it
  // was.
  const std::string* restriction = nullptr;
  Tonnes moved = 0;  // found so far
};

// What a book knows of a lot.
struct LotTotals {
  std::array<Tonnes, kBlockStates> by_state{};  // tombstones (SENT) are in no account
  Tonnes issued = 0;                            // by this registry
  Tonnes credited = 0;                          // come in from the other one
  Tonnes posted = 0;                            // gone there

  Tonnes Present() const {
    Tonnes sum = 0;
    for (size_t state = 1; state < kBlockStates; ++state) {
      if (state != v1::BLOCK_STATE_SENT) sum += by_state[state];
    }
    return sum;
  }
};
using LotTotalsMap = std::map<std::string, LotTotals, TextLess>;

// The serials of a stretch that the host has first transferred, by the records of a book.
// False unless [first, last] lies in one range of that id and authorization.
bool IsFirstTransferred(const Tables& tables, const BlockView& block, Serial first, Serial last);

// Key of a block or of a first-transferred range.
std::string RangeKey(absl::string_view lot_id, Serial first);

class UnitAudit {
 public:
  explicit UnitAudit(BookReport* report) : report_(*report) {}

  // `tables` already hold the effects. `any_move`: what happens is agreed by both governments, only invariants hold.
  // All that is given lasts until the next call.
  void Apply(uint64_t sequence, const std::vector<const EffectBytes*>& block_effects, const Tables& tables,
             bool any_move, std::vector<Move>* moves);
  const LotTotalsMap& lots() const { return lots_; }
  // For changes of its totals; the lot is among TakeChanged() then.
  LotTotals& LotOf(absl::string_view lot_id);
  // Lots whose totals have changed since the last call.
  std::set<std::string, TextLess> TakeChanged() {
    last_lot_ = nullptr;
    return std::exchange(changed_, {});
  }

 private:
  struct Stretch {
    Serial first;
    Serial last;
    const BlockView* before;
    const BlockView* after;
  };

  bool Read(uint64_t sequence, const std::vector<const EffectBytes*>& effects);
  void CheckLot(uint64_t sequence, absl::string_view lot_id, const Tables& tables, bool any_move,
                std::vector<Move>* moves);
  void CheckStretch(uint64_t sequence, const Stretch& stretch, const Tables& tables, bool any_move,
                    std::vector<Move>* moves);
  void CheckMove(uint64_t sequence, const Stretch& stretch, std::vector<Move>* moves);
  // What stays in its place: nothing of it changes but a restriction that the act names.
  void CheckStays(uint64_t sequence, const Stretch& stretch, std::vector<Move>* moves);
  void CheckMarks(uint64_t sequence, const Stretch& stretch, const Tables& tables);
  void CheckNeighbours(uint64_t sequence, const BlockView& block, const Tables& tables);
  std::string Name(const Stretch& stretch) const;

  BookReport& report_;
  LotTotalsMap lots_;
  std::set<std::string, TextLess> changed_;
  // Of the present entry.
  std::vector<BlockView> before_, after_;
  std::vector<absl::string_view> lot_ids_;
  // Of the lot being checked.
  std::vector<const BlockView*> lot_before_, lot_after_;
  std::vector<Serial> cuts_;
  std::pair<const std::string, LotTotals>* last_lot_ = nullptr;  // whose change is noted already
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_UNIT_AUDIT_H_
