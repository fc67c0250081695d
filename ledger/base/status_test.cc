#include "ledger/base/status.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace jcm {
namespace {

TEST(Catalogue, HasEachNumberAndNameOnceWithBothTexts) {
  std::set<int> numbers;
  std::set<std::string> names;
  for (const ReasonInfo& row : Catalogue()) {
    EXPECT_TRUE(numbers.insert(static_cast<int>(row.reason)).second) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_LE(std::string(row.name).size(), 63u);
    EXPECT_NE(std::string(row.english), "");
    EXPECT_NE(std::string(row.japanese), "");
    EXPECT_NE(row.code, absl::StatusCode::kOk);
  }
}

TEST(Error, CarriesItsReasonAndCode) {
  absl::Status status = Error(Reason::RANGE_INVALID, "first 10, last 9");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(HasReason(status, Reason::RANGE_INVALID));
  EXPECT_FALSE(HasReason(status, Reason::RANGE_OUTSIDE_LOT));
  EXPECT_NE(ToText(status).find("RANGE_INVALID (7003)"), std::string::npos);
}

TEST(Error, TreatsAForeignStatusAsInternal) {
  EXPECT_EQ(*ReasonOf(absl::UnknownError("x")), Reason::INTERNAL);
  EXPECT_FALSE(ReasonOf(absl::OkStatus()).has_value());
}

}  // namespace
}  // namespace jcm
