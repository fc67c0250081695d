// One issuance of a subsidised project, from decision to report, as both secretariats see it, on two real books.
#include "services/issuance/progress.h"

#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/cycle_testing.h"
#include "services/issuance/issuance_file.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;
using rules::CyclePair;
using rules::MakeDate;
using rules::TestRegistry;

class SubsidisedIssuance : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(story_.PrepareMethodologyAndEntity().ok());
    ASSERT_TRUE(story_.Register("sun", "TH021", v1::PROJECT_TYPE_ENERGY).ok());
    v1::StepFacts monitored;
    *monitored.mutable_period() = rules::MakePeriod(MakeDate(2021, 1, 1), MakeDate(2021, 12, 31));
    ASSERT_TRUE(story_.Take("participant", "sun", "MONITORING", "report", monitored).ok());
    ASSERT_TRUE(
        story_.Take("entity", "sun", "MONITORING", "verify", rules::Verified("TPE", MakeDate(2026, 3, 20), 2021, 2'017))
            .ok());
    ASSERT_TRUE(story_.Take("participant", "sun", "MONITORING", "request").ok());
    ASSERT_TRUE(story_.Take("secretary", "sun", "MONITORING", "complete").ok());
    japan_account_ = jpn().AddAccount("JP-GOV", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {"operator"});
    host_account_ = host().AddAccount("TH-GOV", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {"operator"});
  }

  TestRegistry& jpn() { return story_.pair().jpn(); }
  TestRegistry& host() { return story_.pair().host(); }

  v1::DecisionText Text() const {
    v1::DecisionText text;
    text.set_kind(v1::DECISION_KIND_ISSUANCE);
    text.set_title("Issuance of TH021");
    v1::IssuanceText* issuance = text.mutable_issuance();
    issuance->set_project_id("TH021");
    issuance->set_monitoring_instance(1);
    *issuance->mutable_monitoring_start() = MakeDate(2021, 1, 1);
    *issuance->mutable_monitoring_end() = MakeDate(2021, 12, 31);
    issuance->set_verified_tonnes(2'017);
    issuance->set_allocation_method("explicit");
    v1::LotText* lot = issuance->add_lots();
    lot->set_lot_id("TH021-2021-1");
    lot->set_vintage(2021);
    lot->set_tonnes(2'017);
    Row(v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "Government of Japan", "JPN", 1, 1'010, issuance);
    Row(v1::PARTY_KIND_GOVERNMENT_OF_PARTNER, "project participants", "THA", 1'011, 2'017, issuance);
    return text;
  }

  static void Row(v1::PartyKind party, const std::string& label, const std::string& registry, uint64_t first,
                  uint64_t last, v1::IssuanceText* issuance) {
    v1::AllocationRow* row = issuance->add_rows();
    row->set_row(static_cast<uint32_t>(issuance->rows_size()));
    row->set_party(party);
    row->set_party_label(label);
    row->set_issuing_registry(registry);
    row->mutable_range()->set_lot_id("TH021-2021-1");
    row->mutable_range()->set_first(first);
    row->mutable_range()->set_last(last);
  }

  absl::Status Issue(TestRegistry& side, uint32_t row, const std::string& account) {
    v1::Command command;
    const auto decision = story_.book().Find<v1::DecisionRecord>(v1::TABLE_DECISION, story_.last_decision());
    command.mutable_issue_credits()->set_decision_id(story_.last_decision());
    command.mutable_issue_credits()->set_text_digest(decision->text_digest());
    v1::IssueTarget* target = command.mutable_issue_credits()->add_targets();
    target->set_row(row);
    target->set_account(account);
    JCM_RETURN_IF_ERROR(side.Submit("TH", command, {"operator"}));
    return story_.pair().Settle();
  }

  api::DecisionProgress Progress(bool from_host) {
    const auto progress = ProgressOf(story_.book(from_host).state(), from_host ? "THA" : "JPN",
                                     from_host ? "JPN" : "THA", story_.last_decision());
    EXPECT_TRUE(progress.ok()) << progress.status();
    return progress.ok() ? *progress : api::DecisionProgress();
  }
  api::Delivery Delivered(bool from_host) {
    const auto delivery =
        DeliveryOf(story_.book(from_host).state(), from_host ? "THA" : "JPN", "TH021", story_.pair().jpn().now());
    EXPECT_TRUE(delivery.ok() && delivery->has_value()) << delivery.status();
    return delivery.ok() && delivery->has_value() ? **delivery : api::Delivery();
  }
  // Both sides must see the decision stand there.
  void ExpectStands(const std::string& stands) {
    ASSERT_TRUE(story_.pair().Settle().ok());
    for (const bool from_host : {false, true}) {
      const api::DecisionProgress progress = Progress(from_host);
      EXPECT_EQ(progress.stands(), stands) << (from_host ? "THA" : "JPN");
      EXPECT_EQ(progress.difference(), "") << (from_host ? "THA" : "JPN");
      ASSERT_EQ(progress.sides_size(), 2);
      EXPECT_EQ(progress.sides(0).registry(), "JPN");
      EXPECT_EQ(progress.sides(0).allotted(), 1'010u);
      EXPECT_EQ(progress.sides(1).allotted(), 1'007u);
    }
  }

  CyclePair story_;
  std::string japan_account_;
  std::string host_account_;
};

TEST_F(SubsidisedIssuance, IsFollowedFromTheDecisionToTheReportsOfBothSides) {
  ASSERT_TRUE(story_.DecideText(Text()).ok());
  ExpectStands("TO_NOTIFY");
  EXPECT_EQ(Progress(false).not_issued(), 2'017u);
  // 2,017 t at one half: 1,009 t are owed, however the committee allotted.
  EXPECT_EQ(Delivered(false).owed(), 1'009u);
  EXPECT_EQ(Delivered(false).outstanding(), 1'009u);

  ASSERT_TRUE(story_.Take("secretary", "sun", "MONITORING", "notify").ok());
  ExpectStands("TO_ISSUE");
  EXPECT_TRUE(Progress(true).has_notified_date());

  ASSERT_TRUE(Issue(jpn(), 1, japan_account_).ok());
  ExpectStands("TO_ISSUE");
  EXPECT_EQ(Progress(true).sides(0).issued(), 1'010u) << "Thailand sees what Japan has issued";
  EXPECT_EQ(Progress(true).not_issued(), 1'007u);
  for (const bool from_host : {false, true}) {
    EXPECT_EQ(Delivered(from_host).allotted(), 1'010u);
    EXPECT_EQ(Delivered(from_host).delivered(), 1'010u);
    EXPECT_EQ(Delivered(from_host).outstanding(), 0u);
  }

  ASSERT_TRUE(Issue(host(), 2, host_account_).ok());
  ExpectStands("TO_REPORT");
  ASSERT_TRUE(story_.Take("operator", "sun", "MONITORING", "report_issuance").ok());
  ExpectStands("TO_REPORT");
  EXPECT_TRUE(Progress(true).sides(0).reported());
  EXPECT_FALSE(Progress(true).sides(1).reported());
  v1::Command reported;
  reported.mutable_react_to_dossier()->set_dossier_id("sun");
  reported.mutable_react_to_dossier()->set_strand("MONITORING");
  reported.mutable_react_to_dossier()->set_instance(1);
  reported.mutable_react_to_dossier()->set_kind(v1::REACTION_KIND_ISSUANCE_REPORTED);
  ASSERT_TRUE(host().Submit("TH", reported, {"operator"}).ok());
  ExpectStands("CLOSED");
  EXPECT_TRUE(Progress(false).sides(1).has_reported_at());
}

TEST_F(SubsidisedIssuance, SaysWhyWhoGetsWhat) {
  ASSERT_TRUE(story_.DecideText(Text()).ok());
  const auto file = FileOf(story_.book().state(), "JPN", "THA", story_.last_decision(), jpn().now());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->programme(), v1::FUNDING_PROGRAMME_MODEL_PROJECT);
  EXPECT_EQ(file->third_party_entity(), "TPE-TH-001");
  EXPECT_EQ(file->methodologies(0).reference(), "TH_AM001");
  ASSERT_EQ(file->vintages_size(), 1);
  EXPECT_EQ(file->vintages(0).verified(), 2'017u);
  EXPECT_EQ(file->vintages(0).decided(), 2'017u);
  ASSERT_EQ(file->allocation_size(), 2);
  EXPECT_EQ(file->allocation(0).tonnes(), 1'010u);
  EXPECT_EQ(file->allocation(0).by_method(), 1'009u);
  EXPECT_EQ(file->allocation(0).text_en(),
            "share 1/2 in the request; typed by the Joint Committee; the request's share gives 1009 t");
  EXPECT_EQ(file->delivery().owed(), 1'009u);
  ASSERT_EQ(file->serials_size(), 2);
  EXPECT_EQ(file->serials(1).first(), 1'011u);
  EXPECT_EQ(file->serials(0).account(), "") << "nothing is issued yet";
  bool has_report = false;
  for (const v1::Document& document : file->documents()) has_report = has_report || document.form() == "F_Vrf_Rep";
  EXPECT_TRUE(has_report);
}

TEST_F(SubsidisedIssuance, IsListedWithItsProjectAndWithWhatIsOwed) {
  const auto before = AllProgress(story_.book().state(), "JPN", "THA");
  ASSERT_TRUE(before.ok());
  EXPECT_TRUE(before->empty());
  ASSERT_TRUE(story_.DecideText(Text()).ok());
  const auto all = AllProgress(story_.book().state(), "JPN", "THA", "TH021");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->size(), 1u);
  EXPECT_TRUE(AllProgress(story_.book().state(), "JPN", "THA", "TH022")->empty());
  EXPECT_TRUE(HasReason(ProgressOf(story_.book().state(), "JPN", "THA", "none").status(), Reason::NOT_FOUND));
  const auto deliveries = AllDeliveries(story_.book().state(), "JPN", jpn().now());
  ASSERT_TRUE(deliveries.ok());
  EXPECT_EQ(deliveries->size(), 1u);
}

}  // namespace
}  // namespace jcm::services
