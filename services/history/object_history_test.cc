#include "services/history/object_history.h"

#include "gtest/gtest.h"
#include "jcm/ledger/v1/records.pb.h"

namespace jcm::services {
namespace {

namespace v1 = ::jcm::ledger::v1;

TEST(ObjectHistory, SaysFieldByFieldWhatChanged) {
  v1::DecisionRecord before;
  before.set_decision_id("D1");
  before.set_state(v1::DECISION_STATE_OPEN);
  before.set_text_digest("\x01\xff");
  before.set_text_version(1);
  v1::DecisionRecord after = before;
  after.set_state(v1::DECISION_STATE_ADOPTED);
  after.set_adopted_at_us(1'761'782'400'000'000);
  after.mutable_meeting_date()->set_year(2025);
  after.mutable_meeting_date()->set_month(10);
  after.mutable_meeting_date()->set_day(30);
  after.add_annex_titles("Annex 1");
  after.add_annex_titles("Annex 2");
  const auto changes = Differences(before, after);
  ASSERT_EQ(changes.size(), 4u);
  EXPECT_EQ(changes[0].field(), "meeting_date");
  EXPECT_EQ(changes[0].after(), "2025-10-30");
  EXPECT_EQ(changes[1].field(), "state");
  EXPECT_EQ(changes[1].before(), "DECISION_STATE_OPEN");
  EXPECT_EQ(changes[1].after(), "DECISION_STATE_ADOPTED");
  EXPECT_EQ(changes[2].field(), "adopted_at_us");
  EXPECT_EQ(changes[2].before(), "") << "a number that was not set is not shown as zero";
  EXPECT_EQ(changes[3].field(), "annex_titles");
  EXPECT_EQ(changes[3].after(), "\"Annex 1\", \"Annex 2\"");
}

TEST(ObjectHistory, ShowsDigestsInHexadecimal) {
  v1::ReactionRecord after;
  after.set_text_digest("\x01\xff");
  const auto changes = Differences(v1::ReactionRecord(), after);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].after(), "01ff");
  EXPECT_TRUE(Differences(after, after).empty());
}

}  // namespace
}  // namespace jcm::services
