#include "ledger/rules/units.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm::rules {
namespace {

v1::UnitRange Range(Serial first, Serial last, const std::string& lot = "L") {
  v1::UnitRange range;
  range.set_lot_id(lot);
  range.set_first(first);
  range.set_last(last);
  return range;
}

UnitRanges Ranges(const std::vector<v1::UnitRange>& list) { return UnitRanges(list.begin(), list.end()); }

v1::BlockRecord Block(Serial first, Serial last, const std::string& account) {
  v1::BlockRecord block;
  block.set_lot_id("L");
  block.set_first(first);
  block.set_last(last);
  block.set_account(account);
  block.set_state(v1::BLOCK_STATE_HELD);
  block.set_first_allottee(v1::PARTY_KIND_PARTICIPANT);
  block.set_issuing_registry("JPN");
  return block;
}

// A lot of 100 units of which account "a" holds 1..60 and "b" 61..80.
class Units : public testing::Test {
 protected:
  Units() : transition_(state_) {
    v1::LotRecord lot;
    lot.set_lot_id("L");
    lot.set_tonnes(100);
    EXPECT_TRUE(transition_.Put(v1::TABLE_LOT, "L", lot).ok());
    Write({Block(1, 60, "a"), Block(61, 80, "b")});
  }

  void Write(const std::vector<v1::BlockRecord>& blocks) {
    const absl::Status written = WriteBlocks(blocks, transition_);
    EXPECT_TRUE(written.ok()) << written;
  }

  // "1..60 a, 61..80 b"
  std::string All() const {
    std::string all;
    EXPECT_TRUE(transition_
                    .Scan(v1::TABLE_BLOCK, "", "",
                          [&](absl::string_view key, absl::string_view value) {
                            v1::BlockRecord block;
                            EXPECT_TRUE(block.ParseFromArray(value.data(), static_cast<int>(value.size())));
                            EXPECT_EQ(key, BlockKey(block.lot_id(), block.first()));
                            absl::StrAppend(&all, all.empty() ? "" : ", ", block.first(), "..", block.last(), " ",
                                            block.account());
                            return true;
                          })
                    .ok());
    return all;
  }

  bool TakeFailsWith(const std::vector<v1::UnitRange>& ranges, Reason reason) const {
    return HasReason(TakeHeld(transition_, "a", Ranges(ranges)).status(), reason);
  }

  state::MapState state_;
  state::Transition transition_;
};

TEST(CheckRanges, AddsUpWhatTheyName) {
  EXPECT_EQ(*CheckRanges(Ranges({Range(1, 10), Range(7, 7, "M"), Range(11, 12)})), 13u);
}

TEST(CheckRanges, RefusesWhatIsNoRange) {
  const auto fails = [](const std::vector<v1::UnitRange>& ranges, Reason reason) {
    return HasReason(CheckRanges(Ranges(ranges)).status(), reason);
  };
  EXPECT_TRUE(fails({}, Reason::FIELD_REQUIRED));
  EXPECT_TRUE(fails({Range(0, 5)}, Reason::RANGE_INVALID));
  EXPECT_TRUE(fails({Range(6, 5)}, Reason::RANGE_INVALID));
  EXPECT_TRUE(fails({Range(1, kSerialMax + 1)}, Reason::QUANTITY_OVERFLOW));
  EXPECT_TRUE(fails({Range(1, UINT64_MAX)}, Reason::QUANTITY_OVERFLOW));
  EXPECT_TRUE(fails({Range(1, 5, "")}, Reason::FIELD_REQUIRED));
  EXPECT_TRUE(fails({Range(1, 5, "L/1")}, Reason::FIELD_INVALID));
}

TEST(CheckRanges, RefusesASerialNamedTwiceInAnyOrder) {
  EXPECT_TRUE(HasReason(CheckRanges(Ranges({Range(5, 9), Range(1, 5)})).status(), Reason::RANGES_OVERLAP));
  EXPECT_TRUE(HasReason(CheckRanges(Ranges({Range(1, 9), Range(2, 3)})).status(), Reason::RANGES_OVERLAP));
  EXPECT_TRUE(CheckRanges(Ranges({Range(1, 9), Range(2, 3, "M")})).ok());
}

TEST(CheckRanges, BoundsTheirNumber) {
  std::vector<v1::UnitRange> ranges;
  for (Serial i = 1; i <= kRangesPerCommandMax; ++i) ranges.push_back(Range(2 * i, 2 * i));
  EXPECT_TRUE(CheckRanges(Ranges(ranges)).ok());
  ranges.push_back(Range(1, 1));
  EXPECT_TRUE(HasReason(CheckRanges(Ranges(ranges)).status(), Reason::FIELD_INVALID));
}

TEST_F(Units, AreCutAtBothEdgesAndInheritEveryAttribute) {
  auto taken = TakeHeld(transition_, "a", Ranges({Range(11, 20)}));
  ASSERT_TRUE(taken.ok());
  ASSERT_EQ(taken->size(), 1u);
  v1::BlockRecord expected = Block(11, 20, "a");
  EXPECT_EQ((*taken)[0].SerializeAsString(), expected.SerializeAsString());
  (*taken)[0].set_account("c");
  Write(*taken);
  EXPECT_EQ(All(), "1..10 a, 11..20 c, 21..60 a, 61..80 b");
}

TEST_F(Units, MergeWithEqualNeighboursOnBothSides) {
  Write({Block(11, 20, "c")});
  Write({Block(11, 20, "a")});
  EXPECT_EQ(All(), "1..60 a, 61..80 b");
}

TEST_F(Units, DoNotMergeIfAnyAttributeDiffers) {
  v1::BlockRecord block = Block(11, 20, "a");
  block.set_first_transfer_id("F");
  Write({block});
  EXPECT_EQ(All(), "1..10 a, 11..20 a, 21..60 a, 61..80 b");
}

TEST_F(Units, ReplaceSeveralBlocksAtOnce) {
  Write({Block(50, 70, "c")});
  EXPECT_EQ(All(), "1..49 a, 50..70 c, 71..80 b");
  Write({Block(1, 100, "d")});
  EXPECT_EQ(All(), "1..100 d");
}

TEST_F(Units, OfALotAreNotThoseOfALotWhoseNameBeginsTheSame) {
  v1::BlockRecord other = Block(1, 100, "z");
  other.set_lot_id("L-2");
  Write({other});
  auto blocks = ReadBlocks(transition_, Range(1, 100));
  ASSERT_TRUE(blocks.ok());
  EXPECT_EQ(blocks->size(), 2u);
}

TEST_F(Units, AreTakenInTheOrderOfTheRanges) {
  auto taken = TakeHeld(transition_, "a", Ranges({Range(30, 31), Range(2, 3)}));
  ASSERT_TRUE(taken.ok());
  ASSERT_EQ(taken->size(), 2u);
  EXPECT_EQ((*taken)[0].first(), 30u);
  EXPECT_EQ((*taken)[1].last(), 3u);
}

TEST_F(Units, AreNotTakenFromAnAccountThatDoesNotHoldAllOfThem) {
  EXPECT_TRUE(TakeFailsWith({Range(60, 61)}, Reason::UNITS_NOT_HELD));
  EXPECT_TRUE(TakeFailsWith({Range(81, 81)}, Reason::UNITS_NOT_HELD));
  EXPECT_TRUE(TakeFailsWith({Range(1, 1), Range(79, 90)}, Reason::UNITS_NOT_HELD));
  EXPECT_TRUE(TakeFailsWith({Range(1, 101)}, Reason::RANGE_OUTSIDE_LOT));
  EXPECT_TRUE(TakeFailsWith({Range(1, 1, "unknown")}, Reason::OBJECT_UNKNOWN));
}

TEST_F(Units, InAFinalOrTravellingStateAreNotTaken) {
  const std::vector<std::pair<v1::BlockState, Reason>> cases = {{v1::BLOCK_STATE_RETIRED, Reason::UNITS_FINAL},
                                                                {v1::BLOCK_STATE_CANCELLED, Reason::UNITS_FINAL},
                                                                {v1::BLOCK_STATE_IN_TRANSIT, Reason::UNITS_IN_TRANSIT},
                                                                {v1::BLOCK_STATE_SENT, Reason::UNITS_NOT_HELD},
                                                                {v1::BLOCK_STATE_RESERVED, Reason::UNITS_NOT_HELD}};
  for (const auto& [state, reason] : cases) {
    v1::BlockRecord block = Block(5, 6, "a");
    block.set_state(state);
    Write({block});
    EXPECT_TRUE(TakeFailsWith({Range(4, 7)}, reason)) << v1::BlockState_Name(state);
  }
}

TEST_F(Units, InMoreBlocksThanTheLimitAreRefusedAndNotReadOn) {
  v1::LotRecord lot;
  lot.set_lot_id("L");
  lot.set_tonnes(1000);
  ASSERT_TRUE(transition_.Put(v1::TABLE_LOT, "L", lot).ok());
  for (Serial i = 1; i <= kBlocksPerCommandMax + 1; ++i) {
    v1::BlockRecord block = Block(i, i, "a");
    block.set_allocation_row(static_cast<uint32_t>(i));
    Write({block});
  }
  EXPECT_TRUE(TakeHeld(transition_, "a", Ranges({Range(1, kBlocksPerCommandMax)})).ok());
  EXPECT_TRUE(TakeFailsWith({Range(1, kBlocksPerCommandMax + 1)}, Reason::FIELD_INVALID));
}

TEST_F(Units, AreFirstTransferredOnceForEver) {
  EXPECT_TRUE(AddFirstTransferRange(Range(10, 20), "F1", "A1", transition_).ok());
  EXPECT_TRUE(AddFirstTransferRange(Range(21, 22), "F2", "A1", transition_).ok());
  EXPECT_TRUE(AddFirstTransferRange(Range(10, 20, "M"), "F3", "A1", transition_).ok());
  for (const v1::UnitRange& range : {Range(1, 10), Range(20, 25), Range(12, 13), Range(1, 100)}) {
    EXPECT_TRUE(HasReason(AddFirstTransferRange(range, "F4", "A1", transition_), Reason::ALREADY_FIRST_TRANSFERRED));
  }
}

TEST_F(Units, AreMarkedJustWhereTheIndexSaysSo) {
  ASSERT_TRUE(AddFirstTransferRange(Range(5, 6), "F1", "A1", transition_).ok());
  ASSERT_TRUE(AddFirstTransferRange(Range(59, 100), "F2", "A2", transition_).ok());
  std::vector<v1::BlockRecord> blocks = {Block(1, 60, "a")};
  ASSERT_TRUE(MarkFirstTransferred(transition_, blocks).ok());
  std::string marks;
  for (const v1::BlockRecord& block : blocks) {
    absl::StrAppend(&marks, block.first(), "..", block.last(), block.first_transfer_id(), block.authorization_id(),
                    " ");
  }
  EXPECT_EQ(marks, "1..4 5..6F1A1 7..58 59..60F2A2 ");
}

}  // namespace
}  // namespace jcm::rules
