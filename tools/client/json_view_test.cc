#include "tools/client/json_view.h"

#include "gtest/gtest.h"
#include "jcm/ledger/v1/records.pb.h"

namespace jcm::client {
namespace {

TEST(JsonView, WritesDatesInstantsEnumsAndDigestsAsPeopleReadThem) {
  ledger::v1::RetirementRecord record;
  record.set_retirement_id("R-1");
  record.set_tonnes(2'017);
  record.set_at_us(1'761'782'400'000'000);
  record.mutable_legal_date()->set_year(2025);
  record.mutable_legal_date()->set_month(11);
  record.mutable_legal_date()->set_day(3);
  record.set_beneficiary_commitment("\x01\xff");
  record.set_provenance(ledger::v1::PROVENANCE_ASSUMED);
  const nlohmann::ordered_json view = ViewOf(record);
  EXPECT_EQ(view["tonnes"], 2'017u);
  EXPECT_EQ(view["at_us"], "2025-10-30T00:00:00Z");
  EXPECT_EQ(view["legal_date"], "2025-11-03");
  EXPECT_EQ(view["beneficiary_commitment"], "01ff");
  EXPECT_EQ(view["provenance"], "ASSUMED");
  EXPECT_FALSE(view.contains("scheme_commitment"));
}

TEST(JsonView, OpensTheTextOfADecision) {
  ledger::v1::DecisionText text;
  text.set_title("Issuance of credits");
  ledger::v1::DecisionRecord record;
  record.set_text(text.SerializeAsString());
  EXPECT_EQ(ViewOf(record)["text"]["title"], "Issuance of credits");
}

TEST(JsonView, IndentsForTheEye) {
  ledger::v1::Command command;
  command.set_provenance(ledger::v1::PROVENANCE_NATIVE);
  ledger::v1::UnitRange* range = command.mutable_retire_credits()->add_ranges();
  range->set_lot_id("L");
  range->set_first(1);
  range->set_last(9);
  EXPECT_EQ(ViewAsText(ViewOf(command), 0),
            "provenance: NATIVE\n"
            "retire_credits:\n"
            "  ranges:\n"
            "    -\n"
            "      lot_id: L\n"
            "      first: 1\n"
            "      last: 9\n");
}

}  // namespace
}  // namespace jcm::client
