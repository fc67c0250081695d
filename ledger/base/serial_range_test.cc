#include "ledger/base/serial_range.h"

#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

TEST(SerialRange, CountsBothEnds) {
  EXPECT_EQ((SerialRange{1, 1009}).Count(), 1009u);
  EXPECT_EQ((SerialRange{7, 7}).Count(), 1u);
}

TEST(SerialRange, KnowsWhatItContains) {
  SerialRange range{10, 20};
  EXPECT_TRUE(range.Contains(Serial{10}));
  EXPECT_TRUE(range.Contains(Serial{20}));
  EXPECT_FALSE(range.Contains(Serial{9}));
  EXPECT_FALSE(range.Contains(Serial{21}));
  EXPECT_TRUE(range.Contains(SerialRange{10, 20}));
  EXPECT_FALSE(range.Contains(SerialRange{10, 21}));
}

TEST(SerialRange, OverlapsExactlyIfASerialIsInBoth) {
  for (Serial a = 1; a <= 5; ++a) {
    for (Serial b = a; b <= 5; ++b) {
      for (Serial c = 1; c <= 5; ++c) {
        for (Serial d = c; d <= 5; ++d) {
          bool shared = false;
          for (Serial serial = 1; serial <= 5; ++serial) {
            shared |= SerialRange{a, b}.Contains(serial) && SerialRange{c, d}.Contains(serial);
          }
          EXPECT_EQ((SerialRange{a, b}).Overlaps({c, d}), shared) << a << b << c << d;
        }
      }
    }
  }
}

TEST(SerialRange, IsFollowedByTheNextSerialOnly) {
  EXPECT_TRUE((SerialRange{1, 9}).IsFollowedBy({10, 12}));
  EXPECT_FALSE((SerialRange{1, 9}).IsFollowedBy({11, 12}));
  EXPECT_FALSE((SerialRange{1, 9}).IsFollowedBy({9, 12}));
}

TEST(SerialRange, ValidatesItsEnds) {
  EXPECT_TRUE(Validate({1, kSerialMax}).ok());
  EXPECT_TRUE(HasReason(Validate({0, 5}), Reason::RANGE_INVALID));
  EXPECT_TRUE(HasReason(Validate({6, 5}), Reason::RANGE_INVALID));
  EXPECT_TRUE(HasReason(Validate({1, kSerialMax + 1}), Reason::QUANTITY_OVERFLOW));
  EXPECT_TRUE(HasReason(Validate({kSerialMax + 2, 1}), Reason::QUANTITY_OVERFLOW));
}

TEST(SerialRange, HasOneSpelling) {
  EXPECT_EQ(*ParseRange("1..1009"), (SerialRange{1, 1009}));
  EXPECT_EQ(FormatRange({7, 7}), "7..7");
  for (const char* text : {"", "1", "1..", "..1", "1-2", "01..2", "1...2", "1.. 2", " 1..2", "1..2 ", "+1..2", "2..1",
                           "0..1", "-1..2", "1..2..3"}) {
    EXPECT_TRUE(HasReason(ParseRange(text).status(), Reason::RANGE_INVALID)) << text;
  }
  EXPECT_TRUE(HasReason(ParseRange("1..1000000000000001").status(), Reason::QUANTITY_OVERFLOW));
}

}  // namespace
}  // namespace jcm
