// Blocks of units: consecutive serials of a lot that share an account, a state and every attribute.
//
//   JCM_ASSIGN_OR_RETURN(Tonnes tonnes, CheckRanges(ranges));
//   JCM_ASSIGN_OR_RETURN(std::vector<v1::BlockRecord> taken, TakeHeld(transition, account, ranges));
//   for (v1::BlockRecord& block : taken) block.set_account(other);
//   JCM_RETURN_IF_ERROR(WriteBlocks(taken, transition));
//
// Reading cuts blocks at the edges of the range that was asked for; writing puts the pieces back, cuts what lies across
// the edges and merges equal neighbours. A piece inherits every attribute of the block it was cut from. Not for:
// whether an act is allowed. That is the business of the rule that calls.
#ifndef LEDGER_RULES_UNITS_H_
#define LEDGER_RULES_UNITS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_field.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/types.h"
#include "ledger/state/state.h"

namespace jcm::rules {

namespace v1 = ::jcm::ledger::v1;

using UnitRanges = google::protobuf::RepeatedPtrField<v1::UnitRange>;

// Ranges that one command may name, and blocks that they may cover.
inline constexpr size_t kRangesPerCommandMax = 100;
inline constexpr size_t kBlocksPerCommandMax = 200;
// Blocks that are marked in the entry that enters a first transfer over one range; beyond it, when they are next
// touched.
inline constexpr size_t kBlocksMarkedAtOnceMax = 100;

// lot id "/" 8-byte big-endian first serial.
std::string BlockKey(absl::string_view lot_id, Serial first);

// The shape of the ranges of a command, with no look at the state; returns their sum in t-CO2e.
// Errors: FIELD_REQUIRED (none), FIELD_INVALID (more than kRangesPerCommandMax, or a lot id that is not an id),
// RANGE_INVALID, QUANTITY_OVERFLOW, RANGES_OVERLAP.
absl::StatusOr<Tonnes> CheckRanges(const UnitRanges& ranges);

// The lot as this book knows it: its own record, else the other book's as imported. OBJECT_UNKNOWN.
absl::StatusOr<v1::LotRecord> FindLot(const state::StateReader& reader, absl::string_view lot_id);

// Serials of a lot run from 1, or from where an earlier registry began.
Serial FirstSerial(const v1::LotRecord& lot);
bool LiesInLot(const v1::UnitRange& range, const v1::LotRecord& lot);

// STATEMENT_NOT_SIGNED for a lot taken over by an opening statement that nobody has signed yet.
absl::Status CheckUsable(const state::StateReader& reader, const v1::LotRecord& lot);

// The pieces of blocks inside `range`, ascending, cut at its edges, at most the first `limit`. Serials that no
// block of this book holds are left out.
absl::StatusOr<std::vector<v1::BlockRecord>> ReadBlocks(const state::StateReader& reader, const v1::UnitRange& range,
                                                        size_t limit = SIZE_MAX);

// Whether units under a disposal restriction may be among those that are taken.
enum class Restricted { REFUSED, TAKEN };

// The pieces that make up `ranges`, in the order of the ranges, if `account` holds every unit of them and all are HELD;
// first transfers that the index knows are marked.
// Errors, for the first unit that is not: OBJECT_UNKNOWN (lot), RANGE_OUTSIDE_LOT, UNITS_FINAL (retired or cancelled),
// UNITS_IN_TRANSIT, UNITS_NOT_HELD, UNITS_RESTRICTED; FIELD_INVALID for more than kBlocksPerCommandMax pieces.
absl::StatusOr<std::vector<v1::BlockRecord>> TakeHeld(const state::StateReader& reader, absl::string_view account,
                                                      const UnitRanges& ranges,
                                                      Restricted restricted = Restricted::REFUSED);

// Writes each piece over whatever this book holds in its serials, and merges with equal neighbours. No limit: what an
// import brings must be written.
absl::Status WriteBlocks(const std::vector<v1::BlockRecord>& blocks, state::Transition& transition);

// ---- first transfers: once per unit, for ever
// --------------------------------------------------------------------------

// Enters `range` as first transferred. ALREADY_FIRST_TRANSFERRED if any unit of it is in the index.
absl::Status AddFirstTransferRange(const v1::UnitRange& range, absl::string_view first_transfer_id,
                                   absl::string_view authorization_id, state::Transition& transition);

// Cuts the pieces where the index of first transfers says so, and marks those inside with the first transfer and its
// authorization.
absl::Status MarkFirstTransferred(const state::StateReader& reader, std::vector<v1::BlockRecord>& blocks);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_UNITS_H_
