#include "services/node_admin/restore_watch.h"

#include "gtest/gtest.h"

namespace jcm::services {
namespace {

registry::OwnBookInfo Book(const std::string& partnership, const std::string& state, uint64_t opened, uint64_t size,
                           uint64_t known, uint64_t recovered) {
  registry::OwnBookInfo book;
  book.info.book = {"JPN", partnership};
  book.info.size = size;
  book.state = state;
  book.opened_size = opened;
  book.known_size = known;
  book.recovered_entries = recovered;
  return book;
}

backup::RestoredFrom From() {
  backup::RestoredFrom from;
  from.name = "daily";
  from.made_at_us = 1'764'049'348'000'000;
  from.applied_index = 40;
  from.books = {{"JPN/home", 12}, {"JPN/TH", 34}};
  return from;
}

const std::map<std::string, std::string> kPeers = {{"TH", "THA"}};

TEST(RestoreReport, SaysHowMuchIsMissingWhileABookWaits) {
  registry::RegistryStatus status;
  status.generation = 1;
  status.books = {Book("home", "ORDERING", 12, 12, 12, 0), Book("TH", "WAITING_FOR_PEER", 34, 34, 57, 0)};
  const RestoreReport report = ReportOf(From(), kPeers, status);
  EXPECT_FALSE(report.complete);
  EXPECT_EQ(
      report.text,
      "restored from backup daily of 2025-11-25T05:42:28Z at log index 40; JPN/home ORDERING: restored at size 12, 0 "
      "entries recovered from the off-site sink; JPN/TH WAITING_FOR_PEER: restored at size 34, 0 entries recovered "
      "from THA's mirror, 23 of 57 still missing; generation 1");
}

TEST(RestoreReport, CountsWhatAnEarlierLifeRecoveredBeforeItCrashed) {
  registry::RegistryStatus status;
  status.generation = 2;
  status.books = {Book("home", "ORDERING", 18, 18, 18, 0), Book("TH", "ORDERING", 50, 60, 60, 7)};
  const RestoreReport report = ReportOf(From(), kPeers, status);
  EXPECT_TRUE(report.complete);
  EXPECT_NE(report.text.find("restored at size 12, 6 entries recovered from the off-site sink"), std::string::npos);
  // Three of the sixty came after it resumed.
  EXPECT_NE(report.text.find("restored at size 34, 23 entries recovered from THA's mirror"), std::string::npos);
}

TEST(RestoreReport, TellsWhatTheLogOfSeveralReplicasHadFromWhatPartnersGaveBack) {
  registry::RegistryStatus status;
  status.generation = 3;
  status.siblings.resize(2);
  status.books = {Book("home", "CATCHING_UP", 0, 15, 15, 0), Book("TH", "CATCHING_UP", 0, 40, 40, 0)};
  const RestoreReport catching_up = ReportOf(From(), kPeers, status);
  EXPECT_FALSE(catching_up.complete);
  EXPECT_NE(catching_up.text.find("JPN/TH CATCHING_UP: restored at size 34, 6 entries from the log (siblings), 0 from "
                                  "THA's mirror;"),
            std::string::npos)
      << catching_up.text;
  status.books = {Book("home", "ORDERING", 18, 18, 18, 0), Book("TH", "ORDERING", 50, 57, 57, 7)};
  const RestoreReport report = ReportOf(From(), kPeers, status);
  EXPECT_TRUE(report.complete);
  EXPECT_NE(report.text.find("JPN/home ORDERING: restored at size 12, 6 entries from the log (siblings), 0 from the "
                             "off-site sink;"),
            std::string::npos)
      << report.text;
  EXPECT_NE(report.text.find("JPN/TH ORDERING: restored at size 34, 16 entries from the log (siblings), 7 from THA's "
                             "mirror;"),
            std::string::npos)
      << report.text;
}

TEST(RestoreReport, IsNotCompleteBeforeThereAreBooks) {
  EXPECT_FALSE(ReportOf(From(), kPeers, registry::RegistryStatus()).complete);
}

}  // namespace
}  // namespace jcm::services
