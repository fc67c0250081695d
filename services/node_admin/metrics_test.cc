#include "services/node_admin/metrics.h"

#include <set>
#include <sstream>

#include "gtest/gtest.h"

namespace jcm::services {
namespace {

registry::RegistryStatus Status() {
  registry::RegistryStatus status;
  status.clock_state = "RUNNING";
  status.applied_index = 40;
  status.durable_index = 42;
  status.offsite_acknowledged_index = 30;
  registry::OwnBookInfo book;
  book.info.book = {"JPN", "TH"};
  book.info.size = 100;
  book.info.cosigned_size = 90;
  book.state = "ORDERING";
  status.books = {book};
  registry::PartnerInfo partner;
  partner.registry = "THA";
  partner.partnership = "TH";
  partner.reachable = true;
  partner.peer_checkpoint_size = 60;
  partner.mirror_size = 55;
  partner.executed_size = 54;
  partner.imported_size = 50;
  partner.cosigned_size = 40;
  partner.clock_skew_us = -12;
  partner.halt = "FORK";
  status.partners = {partner};
  status.lanes = {{"client", 3, 4'096}};
  status.replica = status.sequencer = "2";
  status.log_waiting_bytes = 77;
  registry::SiblingInfo sibling;
  sibling.name = "3";
  sibling.reachable = true;
  sibling.applied_index = status.applied_index - 4;
  sibling.quarantine = "JPN/TH at 9";
  status.siblings = {sibling};
  return status;
}

bool Has(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, SayHowFarEverythingIsBehind) {
  const std::string text = MetricsText("JPN", Status(), {1, 1'024, 364});
  const std::string partner = "{registry=\"JPN\",partner=\"THA\",partnership=\"TH\"} ";
  EXPECT_TRUE(Has(text, "jcm_clock_trusted{registry=\"JPN\",state=\"RUNNING\"} 1"));
  EXPECT_TRUE(Has(text, "jcm_apply_lag{registry=\"JPN\"} 2"));
  EXPECT_TRUE(Has(text, "jcm_offsite_lag{registry=\"JPN\"} 10"));
  EXPECT_TRUE(Has(text, "jcm_book_cosign_lag_entries{registry=\"JPN\",book=\"JPN/TH\"} 10"));
  EXPECT_TRUE(Has(text, "jcm_book_ordering{registry=\"JPN\",book=\"JPN/TH\"} 1"));
  EXPECT_TRUE(Has(text, "jcm_partner_reachable" + partner + "1"));
  EXPECT_TRUE(Has(text, "jcm_partner_mirror_lag_entries" + partner + "5"));
  EXPECT_TRUE(Has(text, "jcm_partner_execute_lag_entries" + partner + "1"));
  EXPECT_TRUE(Has(text, "jcm_partner_import_lag_entries" + partner + "5"));
  EXPECT_TRUE(Has(text, "jcm_partner_cosign_lag_entries" + partner + "20"));
  EXPECT_TRUE(Has(text, "jcm_partner_clock_skew_microseconds" + partner + "-12"));
  EXPECT_TRUE(Has(text, "jcm_partner_halted" + partner + "1"));
  EXPECT_TRUE(Has(text, "jcm_sequencing{registry=\"JPN\",replica=\"2\"} 1"));
  EXPECT_TRUE(Has(text, "jcm_quarantined{registry=\"JPN\"} 0"));
  EXPECT_TRUE(Has(text, "jcm_stopped{registry=\"JPN\"} 0"));
  EXPECT_TRUE(Has(text, "jcm_log_waiting_bytes{registry=\"JPN\"} 77"));
  EXPECT_TRUE(Has(text, "jcm_sibling_reachable{registry=\"JPN\",sibling=\"3\"} 1"));
  EXPECT_TRUE(Has(text, "jcm_sibling_apply_lag{registry=\"JPN\",sibling=\"3\"} 4"));
  EXPECT_TRUE(Has(text, "jcm_sibling_quarantined{registry=\"JPN\",sibling=\"3\"} 1"));
  EXPECT_TRUE(Has(text, "jcm_lane_depth{registry=\"JPN\",lane=\"client\"} 3"));
  EXPECT_TRUE(Has(text, "jcm_lane_limit{registry=\"JPN\",lane=\"workers\"} 1024"));
  EXPECT_TRUE(Has(text, "jcm_tls_certificate_days_left{registry=\"JPN\"} 364"));
}

TEST(Metrics, NeverSayThatSomethingIsLessThanNothingBehind) {
  registry::RegistryStatus status = Status();
  status.offsite_acknowledged_index = 41;  // acknowledged since `applied` was read
  EXPECT_TRUE(Has(MetricsText("JPN", status, {}), "jcm_offsite_lag{registry=\"JPN\"} 0"));
}

TEST(Metrics, AreOneGroupOfLinesForEachName) {
  std::istringstream lines(MetricsText("JPN", Status(), {}));
  std::set<std::string> groups;
  std::string line;
  std::string group;
  while (std::getline(lines, line)) {
    if (line.rfind("# HELP ", 0) == 0) {
      group = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(groups.insert(group).second) << group;
    } else if (line.rfind("# TYPE ", 0) == 0) {
      EXPECT_EQ(line, "# TYPE " + group + " gauge");
    } else {
      EXPECT_EQ(line.substr(0, line.find('{')), group) << line;
    }
  }
  EXPECT_GT(groups.size(), 20u);
}

TEST(Metrics, EscapeLabels) {
  registry::RegistryStatus status = Status();
  status.clock_state = "a\"b\\c\nd";
  EXPECT_TRUE(Has(MetricsText("JPN", status, {}), "jcm_clock_trusted{registry=\"JPN\",state=\"a\\\"b\\\\c\\nd\"} 0"));
}

}  // namespace
}  // namespace jcm::services
