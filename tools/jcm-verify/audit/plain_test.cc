// What is read in place is what the generated classes read, and never more.
#include "tools/jcm-verify/audit/plain.h"

#include <string>

#include "gtest/gtest.h"

namespace jcm::verify {
namespace {

v1::Command Retirement() {
  v1::Command command;
  command.mutable_legal_date()->set_year(2026);
  command.set_provenance(v1::PROVENANCE_NATIVE);
  command.set_note("for the year");
  v1::RetireCredits* act = command.mutable_retire_credits();
  act->set_retirement_id("R1");
  act->set_from_account("from");
  act->set_retirement_account("to");
  act->set_scheme_commitment(std::string(32, '\xff'));
  for (uint64_t first : {1, 500}) {
    v1::UnitRange* range = act->add_ranges();
    range->set_lot_id("LOT");
    range->set_first(first);
    range->set_last(first + 299);
  }
  return command;
}

TEST(Plain, ReadsAnActInPlace) {
  const std::string bytes = Retirement().SerializeAsString();
  v1::Command::BodyCase act = v1::Command::BODY_NOT_SET;
  OperationView operation;
  ASSERT_TRUE(ReadPlainCommand(bytes, &act, &operation));
  EXPECT_EQ(act, v1::Command::kRetireCredits);
  EXPECT_EQ(operation.id, "R1");
  EXPECT_EQ(operation.from_account, "from");
  EXPECT_EQ(operation.to_account, "to");
  ASSERT_EQ(operation.ranges.size(), 2u);
  EXPECT_EQ(operation.ranges[1].lot_id(), "LOT");
  EXPECT_EQ(operation.ranges[1].last(), 799u);
}

// Each byte changed in each of a few ways: whatever is still plain, the generated class reads with the same values.
TEST(Plain, AcceptsNothingThatTheGeneratedClassReadsOtherwise) {
  const std::string good = Retirement().SerializeAsString();
  size_t plain = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << bit);
      v1::Command::BodyCase act = v1::Command::BODY_NOT_SET;
      OperationView operation, expected;
      if (!ReadPlainCommand(bytes, &act, &operation)) continue;
      ++plain;
      v1::Command command;
      ASSERT_TRUE(command.ParseFromString(bytes)) << at;
      ASSERT_TRUE(command.GetReflection()->GetUnknownFields(command).empty()) << at;
      ASSERT_EQ(command.body_case(), act) << at;
      ASSERT_TRUE(OperationOf(command, &expected));
      ASSERT_EQ(operation.id, expected.id);
      ASSERT_EQ(operation.from_account, expected.from_account);
      ASSERT_EQ(operation.to_account, expected.to_account);
      ASSERT_EQ(operation.ranges.size(), expected.ranges.size());
      for (size_t i = 0; i < operation.ranges.size(); ++i) {
        ASSERT_EQ(operation.ranges[i].lot_id(), expected.ranges[i].lot_id());
        ASSERT_EQ(operation.ranges[i].first(), expected.ranges[i].first());
        ASSERT_EQ(operation.ranges[i].last(), expected.ranges[i].last());
      }
    }
  }
  EXPECT_GT(plain, 100u);
}

TEST(Plain, LeavesOtherActsAndTextToTheGeneratedClass) {
  v1::Command::BodyCase act = v1::Command::BODY_NOT_SET;
  OperationView operation;
  v1::Command command = Retirement();
  command.set_note("令和8年度");
  EXPECT_FALSE(ReadPlainCommand(command.SerializeAsString(), &act, &operation));
  command = Retirement();
  command.mutable_issue_credits()->set_decision_id("D");
  EXPECT_FALSE(ReadPlainCommand(command.SerializeAsString(), &act, &operation));
  EXPECT_FALSE(ReadPlainCommand("", &act, &operation));
  EXPECT_FALSE(IsAscii("abcdefgh\xc3\xa9"));
  EXPECT_TRUE(IsAscii("abcdefghijk"));
}

}  // namespace
}  // namespace jcm::verify
