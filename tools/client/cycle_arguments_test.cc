#include "tools/client/cycle_arguments.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/base/file_system.h"
#include "ledger/base/status.h"
#include "tools/client/calendar.h"

namespace jcm::client {
namespace {

TEST(CycleArguments, ReadDocumentsWithTheirFilesAndWhatIsWithheld) {
  PosixFileSystem files;
  const std::string path = testing::TempDir() + "/design.pdf";
  ASSERT_TRUE(files.WriteFileAtomically(path, "design").ok());
  const auto document = ParseDocument(
      "F_PDD=@" + path + ",version=ver02.0,confidential=" + std::string(64, 'a') + ",reason=prices", files);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->form(), "F_PDD");
  EXPECT_EQ(document->name(), "design.pdf");
  EXPECT_EQ(document->media_type(), "application/pdf");
  EXPECT_EQ(document->public_digest().size(), 32u);
  EXPECT_EQ(document->redaction_reason(), "prices");
  EXPECT_FALSE(ParseDocument("F_PDD", files).ok());
  EXPECT_FALSE(ParseDocument("F_PDD=@/no/such/file", files).ok());
  EXPECT_FALSE(ParseDocument("F_PDD=" + std::string(64, 'a') + ",colour=red", files).ok());
}

TEST(CycleArguments, ReadSubjectsOfDecisions) {
  const auto plain = ParseSubject("sun/PIN/clear");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->instance(), 1u);
  const auto numbered = ParseSubject("AM/VERSION/2/approve;reference=TH_AM001;version=2.0;with-revisions");
  ASSERT_TRUE(numbered.ok()) << numbered.status();
  EXPECT_EQ(numbered->instance(), 2u);
  EXPECT_EQ(numbered->facts().version(), "2.0");
  EXPECT_TRUE(numbered->facts().with_revisions());
  for (const char* text : {"sun", "sun/PIN", "sun/PIN/two/clear", "sun/PIN/clear;colour=red"}) {
    EXPECT_FALSE(ParseSubject(text).ok()) << text;
  }
}

TEST(CycleArguments, ReadEmissionsExactly) {
  const auto year = ParseEmissions("2021:4662.5:4338::0.25");
  ASSERT_TRUE(year.ok()) << year.status();
  EXPECT_EQ(year->reference().numerator(), 9325u);
  EXPECT_EQ(year->reference().denominator(), 2u);
  EXPECT_FALSE(year->has_business_as_usual());
  EXPECT_EQ(year->leakage().denominator(), 4u);
  EXPECT_FALSE(ParseEmissions("2021:1").ok());
}

TEST(CycleArguments, ReadParticipantsSharesAndScopes) {
  const auto participant = ParseParticipant("A company|ある会社|JP|representative|focal");
  ASSERT_TRUE(participant.ok()) << participant.status();
  EXPECT_TRUE(participant->focal_point());
  EXPECT_EQ(participant->consortium(), v1::CONSORTIUM_ROLE_REPRESENTATIVE);
  const auto share = ParseShare("Government of Japan=1/2,government-of-japan");
  ASSERT_TRUE(share.ok());
  EXPECT_TRUE(share->government_of_japan());
  EXPECT_TRUE(ParseScopeGrant("3")->verification());
  EXPECT_FALSE(ParseScopeGrant("3:validation")->verification());
  EXPECT_FALSE(ParseScopeGrant("3:sleeping").ok());
  EXPECT_FALSE(ParsePeriod("2021-01-01..")->has_end());
  EXPECT_FALSE(ParsePeriod("2021-01-01").ok());
}

TEST(Calendar, HasAnEventForEachItemWithADateAndKeepsItsName) {
  nlohmann::ordered_json dated = {{"name", "partnerships/TH/dossiers/sun"},
                                  {"title", "Solar; power, at a factory whose name is long enough to be folded"},
                                  {"strand", "PIN"},
                                  {"instance", 1},
                                  {"step", "complete"},
                                  {"text_en", "It is complete and gets its number."},
                                  {"text_ja", "完備を確認し、番号を付す。完備を確認し、番号を付す。"},
                                  {"since", "2026-03-02T00:00:00Z"},
                                  {"due", "2026-03-09T17:00:00Z"}};
  nlohmann::ordered_json undated = dated;
  undated.erase("due");
  const std::string text = CalendarOf({dated, undated}, false);
  EXPECT_THAT(text, testing::HasSubstr("DTSTART:20260309T170000Z\r\n"));
  EXPECT_THAT(text, testing::HasSubstr("SUMMARY:Solar\\; power\\, at"));
  size_t events = 0;
  for (size_t at = text.find("BEGIN:VEVENT"); at != std::string::npos; at = text.find("BEGIN:VEVENT", at + 1)) ++events;
  EXPECT_EQ(events, 1u);
  EXPECT_EQ(text, CalendarOf({dated, undated}, false));
  size_t begin = 0;
  const std::string japanese = CalendarOf({dated}, true);
  for (size_t end = japanese.find("\r\n"); end != std::string::npos; end = japanese.find("\r\n", begin)) {
    EXPECT_LE(end - begin, 75u);
    begin = end + 2;
  }
}

}  // namespace
}  // namespace jcm::client
