#include "tools/publish/meeting_pack.h"

#include <map>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "tools/publish/paper.h"
#include "tools/publish/testing.h"

namespace jcm::publish {
namespace {

constexpr Date kMeetingDay = {2026, 6, 18};

std::map<std::string, std::string> PackOf(const BookAt& book) {
  std::map<std::string, std::string> files;
  for (const PublishedFile& file : MakeMeetingPack(book, {kMeetingDay, "8th Joint Committee", "Bangkok"})) {
    files[file.name] = file.bytes;
  }
  return files;
}

// The idea of hush-project is complete: the committee has to say whether it objects.
void MakeRipe(PublishStory* story) {
  ASSERT_TRUE(story->pair().Take("secretary", kSecretId, "PIN", "complete", rules::Reference("TH_PIN004")).ok());
}

absl::Status OpenDecision(PublishStory* story, const std::string& id, v1::Date day) {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_NO_OBJECTION);
  text.set_title("No objection to TH_PIN004");
  *text.add_subjects() = rules::Subject(kSecretId, "PIN", "clear");
  v1::Command command;
  command.mutable_open_decision()->set_decision_id(id);
  command.mutable_open_decision()->set_mode(v1::DECISION_MODE_MEETING);
  command.mutable_open_decision()->set_rulebook_version("TH/C1");
  command.mutable_open_decision()->set_text(state::Serialise(text));
  *command.mutable_open_decision()->mutable_meeting_date() = day;
  command.mutable_open_decision()->set_meeting_name("8th Joint Committee");
  command.mutable_open_decision()->set_report_digest(std::string(32, '\x12'));
  command.mutable_open_decision()->add_annex_digests(std::string(32, '\x13'));
  return story->pair().pair().jpn().Submit("TH", command, {"secretary"});
}

TEST(AgendaOf, HasWhatWaitsForTheCommitteeAndNothingElse) {
  PublishStory story;
  EXPECT_TRUE(AgendaOf(story.Book(), kMeetingDay).items.empty());
  MakeRipe(&story);
  const Agenda agenda = AgendaOf(story.Book(), kMeetingDay);
  ASSERT_EQ(agenda.items.size(), 1u);
  EXPECT_EQ(agenda.items[0].number, 1u);
  EXPECT_EQ(agenda.items[0].kind, v1::DECISION_KIND_NO_OBJECTION);
  EXPECT_EQ(agenda.items[0].reference, "TH_PIN004");
  EXPECT_EQ(agenda.items[0].ripeness, Ripeness::kRipe);
  EXPECT_EQ(agenda.items[0].outcomes.size(), 3u);  // no objection, objection, planned project
}

TEST(AgendaOf, ShowsADossierOnceWhenADecisionOnItIsOpen) {
  PublishStory story;
  MakeRipe(&story);
  ASSERT_TRUE(OpenDecision(&story, "TH-JC8", rules::MakeDate(2026, 6, 18)).ok());
  const Agenda agenda = AgendaOf(story.Book(), kMeetingDay);
  ASSERT_EQ(agenda.items.size(), 1u);
  EXPECT_EQ(agenda.items[0].ripeness, Ripeness::kOpen);
  EXPECT_EQ(agenda.items[0].name, "TH-JC8");
  ASSERT_EQ(agenda.items[0].digests.size(), 3u);  // text, report, annex
}

TEST(AgendaOf, ShowsWhatThatMeetingDecidedAndWaitsForConfirmation) {
  PublishStory story;
  MakeRipe(&story);
  ASSERT_TRUE(OpenDecision(&story, "TH-JC8", rules::MakeDate(2026, 6, 18)).ok());
  ASSERT_TRUE(story.pair().pair().Settle().ok());
  const BookAt open = story.Book();
  for (const bool japan : {true, false}) {
    rules::TestRegistry& side = story.pair().pair().of(japan);
    v1::Command vote;
    vote.mutable_cast_vote()->set_decision_id("TH-JC8");
    vote.mutable_cast_vote()->set_text_digest(open.decisions.back().record.text_digest());
    vote.mutable_cast_vote()->set_member_id(side.code() + "-chair");
    vote.mutable_cast_vote()->set_vote(v1::VOTE_YES);
    vote.mutable_cast_vote()->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
    for (const DecisionAt& decision : open.decisions) {
      if (decision.record.decision_id() == "TH-JC8") {
        vote.mutable_cast_vote()->set_text_digest(decision.record.text_digest());
      }
    }
    ASSERT_TRUE(side.Submit("TH", vote, {"chair"}).ok());
  }
  ASSERT_TRUE(story.pair().pair().Settle().ok());
  const Agenda agenda = AgendaOf(story.Book(), kMeetingDay);
  ASSERT_EQ(agenda.items.size(), 1u);
  EXPECT_EQ(agenda.items[0].ripeness, Ripeness::kTaken);
  EXPECT_TRUE(absl::StrContains(agenda.items[0].standing.en, "confirmation is pending"));
  const Agenda later = AgendaOf(story.Book(), Date{2026, 9, 1});
  EXPECT_TRUE(later.items.empty());
  ASSERT_EQ(later.for_information.size(), 1u);
  EXPECT_TRUE(absl::StrContains(later.for_information[0].text.en, "TH-JC8"));
}

TEST(AgendaOf, NamesMembersWhoseTermsEndSoonAndEmptyChairs) {
  PublishStory story;
  rules::TestRegistry& japan = story.pair().pair().jpn();
  v1::Command appoint;
  v1::AppointMember* member = appoint.mutable_appoint_member();
  member->set_member_id("JPN-late");
  member->set_pseudonym(japan.Pseudonym("organization", "TH"));
  member->set_title("member");
  *member->mutable_term_end() = rules::MakeDate(2026, 8, 31);
  japan.AddPerson("late", {v1::ROLE_JC_MEMBER});
  member->set_pseudonym(japan.Pseudonym("late", "TH"));
  const absl::Status appointed = japan.Submit("TH", appoint, {"secretary"});
  ASSERT_TRUE(appointed.ok()) << appointed;
  const Agenda agenda = AgendaOf(story.Book(), kMeetingDay);
  ASSERT_EQ(agenda.mandates.size(), 1u);
  EXPECT_EQ(agenda.mandates[0].text.en, "Japan: the term of JPN-late ends on 2026-08-31");
  EXPECT_TRUE(AgendaOf(story.Book(), Date{2025, 6, 18}).mandates.empty());
  BookAt without = story.Book();
  for (MemberAt& one : without.members) one.record.set_co_chair(one.record.co_chair() && one.peer);
  EXPECT_EQ(AgendaOf(without, Date{2025, 6, 18}).mandates[0].text.ja, "日本：共同議長が空席");
}

TEST(MeetingPack, HasEachPaperInBothLanguagesAsMarkdownAndHtml) {
  PublishStory story;
  MakeRipe(&story);
  std::map<std::string, std::string> files = PackOf(story.Book());
  for (const std::string name : {"agenda", "decision-texts", "annexes", "minutes-draft", "press-table"}) {
    for (const std::string language : {"en", "ja"}) {
      for (const std::string form : {"md", "html"}) {
        const std::string& text = files[name + "." + language + "." + form];
        EXPECT_TRUE(absl::StrContains(text, "8th Joint Committee")) << name << language << form;
        EXPECT_TRUE(absl::StrContains(text, story.Book().CheckpointText())) << name << language << form;
      }
    }
  }
  EXPECT_TRUE(absl::StrContains(files["agenda.ja.md"], "計画案件への異議の有無の決定"));
  EXPECT_TRUE(absl::StrContains(files["decision-texts.en.md"], "The Joint Committee has no objection."));
  EXPECT_TRUE(absl::StrContains(files["minutes-draft.ja.html"], "共同議長"));
  EXPECT_EQ(files.size(), 21u);
}

TEST(MeetingPack, GivesTheHashesOfAnnexesOfPublicVersionsOnly) {
  PublishStory story;
  MakeRipe(&story);
  ASSERT_TRUE(story.pair().Days(40).ok());
  std::map<std::string, std::string> files = PackOf(story.Book());
  EXPECT_TRUE(absl::StrContains(files["annexes.en.md"], HexEncode(rules::TestDocument("F_PIN").public_digest())));
  for (const auto& [name, bytes] : files) {
    EXPECT_FALSE(absl::StrContains(bytes, kSecretReason)) << name;
    EXPECT_FALSE(absl::StrContains(bytes, HexEncode(SecretDigest()))) << name;
  }
}

TEST(MeetingPack, TheSameCheckpointGivesTheSameBytes) {
  PublishStory story;
  MakeRipe(&story);
  const uint64_t size = story.pair().book().size();
  const std::map<std::string, std::string> before = PackOf(story.Book());
  ASSERT_TRUE(story.pair().Days(40).ok());
  EXPECT_EQ(PackOf(story.Book(false, size)), before);
}

TEST(Paper, TakesTextForText) {
  Paper paper(Same("A | *title*"));
  paper.Bullets({Same("<script>alert(1)</script>")});
  paper.Table({Same("a"), Same("b")}, {{Same("1|2"), Same("line\nbreak")}});
  EXPECT_EQ(paper.Markdown(Language::kEnglish),
            "# A \\| \\*title\\*\n\n* \\<script\\>alert(1)\\</script\\>\n\n| a | b |\n| --- | --- |\n| 1\\|2 | line "
            "break |\n");
  const std::string html = paper.Html(Language::kJapanese);
  EXPECT_FALSE(absl::StrContains(html, "<script>"));
  EXPECT_TRUE(absl::StrContains(html, "<html lang=\"ja\">"));
}

TEST(Paper, SaysThatATableIsEmpty) {
  Paper paper(Same("T"));
  paper.Table({Same("a")}, {});
  EXPECT_EQ(paper.Markdown(Language::kJapanese), "# T\n\nなし\n");
}

}  // namespace
}  // namespace jcm::publish
