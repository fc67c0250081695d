#include "services/common/filter.h"

#include "gtest/gtest.h"
#include "jcm/ledger/v1/records.pb.h"
#include "jcm/registry/v1/object_services.pb.h"
#include "ledger/base/status.h"

namespace jcm::services {
namespace {

namespace v1 = ::jcm::ledger::v1;

v1::DecisionRecord Decision() {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  text.set_title("Issuance: Industrial Water Reservoir");
  text.mutable_issuance()->set_project_id("TH014");
  v1::DecisionRecord decision;
  decision.set_decision_id("TH-JC7-TH014");
  decision.set_state(v1::DECISION_STATE_NOT_ADOPTED);
  decision.set_mode(v1::DECISION_MODE_MEETING);
  decision.set_text(text.SerializeAsString());
  decision.set_opened_at_us(1'761'782'400'000'000);  // 2025-10-30T00:00:00Z
  decision.mutable_meeting_date()->set_year(2025);
  decision.mutable_meeting_date()->set_month(10);
  decision.mutable_meeting_date()->set_day(30);
  decision.add_annex_titles("Annex 1");
  decision.add_annex_titles("Annex 2");
  return decision;
}

bool Holds(absl::string_view text) {
  const absl::StatusOr<Filter> filter = Filter::Parse(text, *v1::DecisionRecord::descriptor());
  EXPECT_TRUE(filter.ok()) << text << ": " << filter.status();
  return filter.ok() && filter->Matches(Decision());
}

TEST(Filter, ComparesWhatIsListed) {
  EXPECT_TRUE(Holds(""));
  EXPECT_TRUE(Holds("state = not-adopted"));
  EXPECT_TRUE(Holds("state=NOT_ADOPTED AND mode = meeting"));
  EXPECT_FALSE(Holds("state = adopted")) << "NOT_ADOPTED ends with the same word";
  EXPECT_TRUE(Holds("state != adopted"));
  EXPECT_FALSE(Holds("state = not-adopted AND mode = electronic"));
  EXPECT_TRUE(Holds("decision_id = th-jc7-th014"));
  EXPECT_TRUE(Holds("decision_id : jc7"));
  EXPECT_FALSE(Holds("decision_id : jc8"));
}

TEST(Filter, KnowsDatesAndTimes) {
  EXPECT_TRUE(Holds("meeting_date = 2025-10-30"));
  EXPECT_TRUE(Holds("meeting_date < 2025-11-01 AND meeting_date >= 2025-10-30"));
  EXPECT_TRUE(Holds("opened_at_us >= 2025-10-30"));
  EXPECT_TRUE(Holds("opened_at_us <= 2025-10-30T00:00:00Z"));
  EXPECT_FALSE(Holds("opened_at_us > 2025-10-30T00:00:00Z"));
}

TEST(Filter, LooksIntoTextsAndLists) {
  EXPECT_TRUE(Holds("text.kind = issuance AND text.issuance.project_id = TH014"));
  EXPECT_FALSE(Holds("text.kind = issuance-refusal"));
  EXPECT_TRUE(Holds("text.title : \"water RESERVOIR\""));
  EXPECT_TRUE(Holds("annex_titles : \"annex 2\""));
  EXPECT_FALSE(Holds("annex_titles != \"annex 2\"")) << "one of them is it";
  EXPECT_TRUE(Holds("annex_titles != \"annex 3\""));
  registry::v1::ThirdPartyEntity entity;
  entity.add_verification(5);
  const auto filter = Filter::Parse("verification : 5 AND peer = false", *entity.GetDescriptor());
  ASSERT_TRUE(filter.ok()) << filter.status();
  EXPECT_TRUE(filter->Matches(entity));
  entity.set_verification(0, 3);
  EXPECT_FALSE(filter->Matches(entity));
}

TEST(Filter, SaysWhatItCannotRead) {
  for (const absl::string_view bad :
       {"state", "state = ", "stat = adopted", "state = adoptd", "state ~ adopted", "text.kin = issuance",
        "state = adopted AND", "state = adopted OR mode = meeting", "decision_id : \"open", "opened_at_us > soon",
        "meeting_date = tomorrow", "parameters = 1", "collides = perhaps"}) {
    const auto filter = Filter::Parse(bad, *v1::DecisionRecord::descriptor());
    EXPECT_FALSE(filter.ok()) << bad;
  }
  EXPECT_FALSE(Filter::Parse(std::string(kFilterBytesMax + 1, 'x'), *v1::DecisionRecord::descriptor()).ok());
}

}  // namespace
}  // namespace jcm::services
