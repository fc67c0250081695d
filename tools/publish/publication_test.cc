#include "tools/publish/publication.h"

#include <algorithm>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "nlohmann/json.hpp"
#include "tools/publish/pipeline.h"
#include "tools/publish/testing.h"

namespace jcm::publish {
namespace {

using Files = std::map<std::string, std::string>;

Files ByName(const std::vector<PublishedFile>& publication) {
  Files files;
  for (const PublishedFile& file : publication) files[file.name] = file.bytes;
  return files;
}

// The story is told once: it takes a second, and nothing here changes it.
PublishStory& Story() {
  static PublishStory* const story = new PublishStory;
  return *story;
}

PublishSettings Settings() {
  PublishSettings settings;
  settings.comments_to["TH"] = "secretariat@example.invalid";
  return settings;
}

Files Publish(bool host = false) { return ByName(MakePublication({Story().Book(host)}, Settings())); }

std::vector<std::string> LinesOf(const std::string& csv) {
  std::vector<std::string> lines = absl::StrSplit(csv, "\r\n");
  lines.pop_back();  // behind the last line end
  return lines;
}

TEST(SiteTables, ProjectsAreInTheSitesColumnsDatesAndBytes) {
  const std::string csv = Publish()["site-projects.csv"];
  const std::string checkpoint = Story().Book().CheckpointText();
  EXPECT_EQ(csv.substr(0, 3), "\xEF\xBB\xBF");
  EXPECT_EQ(LinesOf(csv.substr(3)),
            (std::vector<std::string>{
                "Reference No.,Host country,Project title,Status,Registration date,Host-country participant,Japanese "
                "participant,Methodology No.,Methodology title,Checkpoint",
                "TH014,Thailand,A synthetic project,Registered,,,,,," + checkpoint,
                "TH015,Thailand,Project sun,Registered,18 Apr 26,A synthetic partner,A synthetic company,TH_AM001 "
                "Ver1.0,Methodology AM," +
                    checkpoint,
                "TH_PIN002,Thailand,Project wind,Under public inputs,,A synthetic partner,A synthetic "
                "company,TH_AM001 Ver1.0,Methodology AM," +
                    checkpoint}));
}

TEST(SiteTables, MethodologiesSayWhenTheyWereOpenForInput) {
  const std::string csv = Publish()["site-methodologies.csv"];
  const std::vector<std::string> lines = LinesOf(csv);
  ASSERT_EQ(lines.size(), 2u);
  // Fifteen days, the first and the last one counted.
  EXPECT_EQ(lines[1],
            "TH_AM001,TH_PM001,Thailand,1,Methodology AM,1.0,Valid,A synthetic company,02 Mar 26,16 Mar 26,18 "
            "Mar 26," +
                Story().Book().CheckpointText());
}

TEST(SiteTables, CreditsShowWhatWasNotifiedAndWhatEachSideHasIssued) {
  const std::vector<std::string> lines = LinesOf(Publish()["site-credits.csv"]);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(absl::StartsWith(lines[1], "TH014,Thailand,A synthetic project,01 Jan 21,31 Dec 21,2021,"));
  EXPECT_TRUE(absl::StrContains(lines[1], ",2017,1009,1008,1009,1009,")) << lines[1];
  // Thailand has issued nothing yet.
  EXPECT_TRUE(absl::EndsWith(lines[1], ",,," + Story().Book().CheckpointText())) << lines[1];
  const std::vector<std::string> there = LinesOf(Publish(/*host=*/true)["site-credits.csv"]);
  EXPECT_TRUE(absl::StrContains(there[1], ",2017,1009,1008,1009,1009,")) << there[1];
}

TEST(SiteTables, TheOtherFormHasIsoDatesBothLanguagesAndNoMark) {
  Files files = Publish();
  const std::vector<std::string> lines = LinesOf(files["projects.csv"]);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(absl::StartsWith(lines[0], "reference,partnership,country_en,"));
  EXPECT_TRUE(absl::StartsWith(lines[2], "TH015,TH,Thailand,タイ,Project sun,,Registered,登録済,2026-04-18,"))
      << lines[2];
  EXPECT_TRUE(absl::StrContains(files["methodologies.csv"], ",2026-03-02,2026-03-16,2026-03-18,"));
  // No cell of this story has a comma in it: each row has as many cells as the head.
  for (const char* name : {"projects.csv", "methodologies.csv", "credits.csv", "pipeline.csv"}) {
    const std::vector<std::string> rows = LinesOf(files[name]);
    for (const std::string& row : rows) {
      EXPECT_EQ(std::count(row.begin(), row.end(), ','), std::count(rows[0].begin(), rows[0].end(), ',')) << row;
    }
  }
}

TEST(SiteTables, NoCellIsRunAsAFormula) {
  PublishStory story;
  v1::Command command;
  v1::OpenDossier* open = command.mutable_open_dossier();
  open->set_dossier_id("formula");
  open->set_kind(v1::DOSSIER_KIND_PROJECT);
  open->set_rulebook_version("TH/C1");
  open->set_title_en("=HYPERLINK(\"https://example.invalid\",\"x\")");
  *open->mutable_project() = rules::TestProject(v1::PROJECT_TYPE_ENERGY);
  open->add_persons(story.pair().pair().jpn().Pseudonym("participant", "TH"));
  ASSERT_TRUE(story.pair().pair().jpn().Submit("TH", command, {"participant"}).ok());
  ASSERT_TRUE(story.pair().Take("participant", "formula", "PIN", "submit").ok());
  ASSERT_TRUE(story.pair().Take("secretary", "formula", "PIN", "complete", rules::Reference("TH_PIN003")).ok());
  ASSERT_TRUE(story.pair().Decide(v1::DECISION_KIND_NO_OBJECTION, {rules::Subject("formula", "PIN", "clear")}).ok());
  const std::string csv = ByName(MakePublication({story.Book()}, {}))["site-projects.csv"];
  EXPECT_TRUE(absl::StrContains(csv, "\"'=HYPERLINK(\"\"https://example.invalid\"\",\"\"x\"\")\"")) << csv;
}

TEST(Publication, TheSameCheckpointGivesTheSameBytesWhateverWasRecordedSince) {
  PublishStory story;
  const uint64_t size = story.pair().book().size();
  const std::vector<PublishedFile> before = MakePublication({story.Book()}, Settings());
  ASSERT_TRUE(story.pair().Days(40).ok());  // public input closes
  ASSERT_GT(story.pair().book().size(), size);
  const std::vector<PublishedFile> again = MakePublication({story.Book(false, size)}, Settings());
  ASSERT_EQ(before.size(), again.size());
  for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(before[i].bytes, again[i].bytes) << before[i].name;
  Files later = ByName(MakePublication({story.Book()}, Settings()));
  EXPECT_NE(later["public-inputs.json"], ByName(before)["public-inputs.json"]);
}

TEST(Publication, BothGovernmentsPublishTheSameProjectsMethodologiesAndCredits) {
  Files japan = Publish();
  Files thailand = Publish(/*host=*/true);
  for (const char* name : {"site-projects.csv", "site-methodologies.csv", "site-credits.csv"}) {
    EXPECT_EQ(absl::StrReplaceAll(japan[name], {{Story().Book().CheckpointText(), "here"}}),
              absl::StrReplaceAll(thailand[name], {{Story().Book(true).CheckpointText(), "here"}}))
        << name;
  }
}

TEST(Publication, EachFileNamesItsCheckpoint) {
  const std::string checkpoint = Story().Book().CheckpointText();
  for (const auto& [name, bytes] : Publish()) {
    EXPECT_TRUE(absl::StrContains(bytes, checkpoint)) << name;
  }
}

TEST(Publication, NothingConfidentialOrUnpublishedIsInAnyFile) {
  rules::TestRegistry& japan = Story().pair().pair().jpn();
  for (const bool host : {false, true}) {
    for (const auto& [name, bytes] : Publish(host)) {
      EXPECT_FALSE(absl::StrContains(bytes, kSecretReason)) << name;
      EXPECT_FALSE(absl::StrContains(bytes, HexEncode(SecretDigest()))) << name;
      EXPECT_FALSE(absl::StrContains(bytes, kSecretTitle)) << name;
      EXPECT_FALSE(absl::StrContains(bytes, kSecretId)) << name;
      for (const char* person : {"participant", "entity", "secretary", "chair", "operator"}) {
        EXPECT_FALSE(absl::StrContains(bytes, japan.Pseudonym(person, "TH"))) << name << " " << person;
      }
      EXPECT_FALSE(absl::StrContains(bytes, japan.AccountHandle("JP-GOV", "TH"))) << name;
    }
  }
}

TEST(Publication, TheManifestHasTheHashOfEachFile) {
  Files files = Publish();
  const nlohmann::json manifest = nlohmann::json::parse(files["manifest.json"]);
  EXPECT_EQ(manifest["files"].size() + 1, files.size());
  for (const auto& file : manifest["files"]) {
    const std::string& bytes = files[file["name"]];
    EXPECT_EQ(file["sha256"], HexEncode(Sha256(bytes)));
    EXPECT_EQ(file["bytes"], bytes.size());
  }
  EXPECT_EQ(manifest["checkpoints"][0]["size"], Story().Book().checkpoint.size());
}

TEST(Publication, IsWrittenFileByFileWholeOrNotAtAll) {
  MemoryFileSystem files;
  const std::vector<PublishedFile> publication = MakePublication({Story().Book()}, Settings());
  ASSERT_TRUE(WritePublication(publication, "/www", files).ok());
  std::vector<PublishedFile> changed = publication;
  for (PublishedFile& file : changed) file.bytes += "\n";
  files.FailNthWrite(4);  // the folder is there; the fourth file
  EXPECT_FALSE(WritePublication(changed, "/www", files).ok());
  size_t old_ones = 0;
  for (size_t i = 0; i < publication.size(); ++i) {
    const std::string bytes = *files.ReadFile("/www/" + publication[i].name);
    EXPECT_TRUE(bytes == publication[i].bytes || bytes == changed[i].bytes) << publication[i].name;
    old_ones += bytes == publication[i].bytes ? 1 : 0;
  }
  EXPECT_GT(old_ones, 0u);
  EXPECT_EQ(*files.ReadFile("/www/manifest.json"), publication.back().bytes) << "the manifest comes last";
}

TEST(Publication, LeavesUnchangedFilesAlone) {
  MemoryFileSystem files;
  const std::vector<PublishedFile> publication = MakePublication({Story().Book()}, Settings());
  ASSERT_TRUE(WritePublication(publication, "/www", files).ok());
  const uint64_t writes = files.write_count();
  ASSERT_TRUE(WritePublication(publication, "/www", files).ok());
  EXPECT_LE(files.write_count(), writes + 1);  // making the folder counts
}

TEST(DecisionsFeed, HasTheNewestFirstWithIdsThatStay) {
  Files files = Publish();
  const nlohmann::json feed = nlohmann::json::parse(files["decisions.en.json"]);
  EXPECT_EQ(feed["version"], "https://jsonfeed.org/version/1.1");
  EXPECT_EQ(feed["authors"][0]["name"], "JCM registry of Japan");
  ASSERT_GE(feed["items"].size(), 5u);
  std::string newest = feed["items"][0]["date_modified"];
  for (const auto& item : feed["items"]) {
    EXPECT_LE(item["date_modified"].get<std::string>(), newest);
    newest = item["date_modified"];
    EXPECT_TRUE(absl::StartsWith(item["id"].get<std::string>(), "tag:"));
  }
  const nlohmann::json japanese = nlohmann::json::parse(files["decisions.ja.json"]);
  EXPECT_EQ(japanese["items"][0]["id"], feed["items"][0]["id"]);
  EXPECT_NE(japanese["items"][0]["title"], feed["items"][0]["title"]);
}

TEST(DecisionsFeed, TellsAmountsAndSharesOfAnIssuance) {
  const nlohmann::json feed = nlohmann::json::parse(Publish()["decisions.en.json"]);
  const auto issuance = std::find_if(feed["items"].begin(), feed["items"].end(),
                                     [](const nlohmann::json& item) { return item["_jcm"]["kind"] == "issuance"; });
  ASSERT_NE(issuance, feed["items"].end());
  const std::string text = (*issuance)["content_text"];
  EXPECT_TRUE(absl::StrContains(text, "Government of Japan: 1,009 t-CO2e, issued by Japan")) << text;
  EXPECT_EQ((*issuance)["_jcm"]["standing"], "confirmed");
  EXPECT_EQ((*issuance)["_jcm"]["issuance"]["lots"][0]["tonnes"], 2017);
}

TEST(DecisionsFeed, LeavesOutWhatIsOpenAndShowsADisputeAsOne) {
  PublishStory story;
  rules::TestRegistry& japan = story.pair().pair().jpn();
  const auto open = [&](const std::string& id) {
    v1::DecisionText text;
    text.set_kind(v1::DECISION_KIND_DOCUMENT);
    text.set_title("Guidelines " + id);
    text.set_document_digest(std::string(32, '\x11'));
    v1::Command command;
    command.mutable_open_decision()->set_decision_id(id);
    command.mutable_open_decision()->set_mode(v1::DECISION_MODE_MEETING);
    command.mutable_open_decision()->set_rulebook_version("TH/C1");
    command.mutable_open_decision()->set_text(state::Serialise(text));
    *command.mutable_open_decision()->mutable_meeting_date() = rules::MakeDate(2026, 4, 1);
    command.mutable_open_decision()->set_meeting_name("A meeting");
    command.mutable_open_decision()->set_report_digest(std::string(32, '\x12'));
    EXPECT_TRUE(japan.Submit("TH", command, {"secretary"}).ok());
    EXPECT_TRUE(story.pair().pair().Settle().ok());
    return std::string(AsBytes(Sha256(state::Serialise(text))));
  };
  const std::string digest = open("DISPUTED");
  for (const bool is_japan : {true, false}) {
    rules::TestRegistry& side = story.pair().pair().of(is_japan);
    v1::Command vote;
    vote.mutable_cast_vote()->set_decision_id("DISPUTED");
    vote.mutable_cast_vote()->set_text_digest(digest);
    vote.mutable_cast_vote()->set_member_id(side.code() + "-chair");
    vote.mutable_cast_vote()->set_vote(v1::VOTE_YES);
    vote.mutable_cast_vote()->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
    ASSERT_TRUE(side.Submit("TH", vote, {"chair"}).ok());
  }
  ASSERT_TRUE(story.pair().pair().Settle().ok());
  v1::Command dispute;
  dispute.mutable_dispute_outcome()->set_decision_id("DISPUTED");
  dispute.mutable_dispute_outcome()->set_text_digest(digest);
  dispute.mutable_dispute_outcome()->set_reason("not what was agreed");
  ASSERT_TRUE(story.pair().pair().host().Submit("TH", dispute, {"secretary"}).ok());
  ASSERT_TRUE(story.pair().pair().Settle().ok());
  open("OPEN");
  Files files = ByName(MakePublication({story.Book()}, {}));
  const std::string& feed = files["decisions.en.json"];
  EXPECT_TRUE(absl::StrContains(feed, "Disputed by the other side: without effect"));
  EXPECT_TRUE(absl::StrContains(feed, "decision/DISPUTED"));
  EXPECT_FALSE(absl::StrContains(feed, "decision/OPEN"));
}

TEST(AtomFeeds, HaveWhatTheStandardAsksFor) {
  Files files = Publish();
  for (const char* name :
       {"decisions.en.atom", "decisions.ja.atom", "public-inputs.en.atom", "public-inputs.ja.atom"}) {
    const std::string& xml = files[name];
    EXPECT_TRUE(absl::StartsWith(
        xml, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\""));
    const std::vector<std::string> entries = absl::StrSplit(xml, "<entry>");
    EXPECT_GT(entries.size(), 1u) << name;
    for (const std::string& part : entries) {  // the feed's own part is the first
      for (const char* element : {"<id>tag:", "<title>", "<updated>2026-"}) {
        EXPECT_TRUE(absl::StrContains(part, element)) << name << element;
      }
    }
  }
}

TEST(PublicInputs, SayWhatIsOpenUntilWhenWhichTextAndWhereCommentsGo) {
  const nlohmann::json calls = nlohmann::json::parse(Publish()["public-inputs.json"])["calls"];
  ASSERT_EQ(calls.size(), 3u);  // the methodology, sun, wind
  const nlohmann::json& wind = calls[2];
  EXPECT_EQ(wind["state"], "open");
  EXPECT_EQ(wind["reference"], "TH_PIN002");
  EXPECT_EQ(wind["comments_to"], "secretariat@example.invalid");
  EXPECT_EQ(wind["documents"][0]["form"], "F_PDD");
  EXPECT_EQ(wind["documents"][0]["partly_withheld"], true);
  EXPECT_EQ(wind["documents"][0]["sha256"], HexEncode(rules::TestDocument("F_PDD").public_digest()));
  EXPECT_EQ(calls[0]["state"], "closed");
  EXPECT_EQ(calls[0]["first_day"], "2026-03-02");
  EXPECT_EQ(calls[0]["last_day"], "2026-03-16");
}

TEST(Pipeline, CountsAllProjectsAndHowLongTheyWaitOrWaited) {
  const std::vector<PipelineRow> rows = PipelineOf({Story().Book()});
  const auto row = [&](v1::FundingProgramme programme, const std::string& strand, const std::string& state) {
    for (const PipelineRow& one : rows) {
      if (one.programme == programme && one.strand == strand && one.state == state) return one;
    }
    return PipelineRow();
  };
  const PipelineRow hush = row(v1::FUNDING_PROGRAMME_PRIVATE, "PIN", "SUBMITTED");
  EXPECT_EQ(hush.now.count, 1u);
  EXPECT_EQ(hush.now.median, 3u);
  EXPECT_EQ(hush.waits_for, "secretariat");
  const PipelineRow design = row(v1::FUNDING_PROGRAMME_MODEL_PROJECT, "DESIGN", "PUBLIC");
  EXPECT_EQ(design.now.count, 1u);     // wind
  EXPECT_EQ(design.passed.count, 1u);  // sun
  EXPECT_GE(design.passed.longest, 29u);
  EXPECT_LE(design.passed.longest, 31u);
}

TEST(Pipeline, ThePictureHasABarForEachCountryAndProgramme) {
  const PipelinePicture picture = PictureOf({Story().Book()});
  ASSERT_EQ(picture.bars.size(), 2u);
  EXPECT_EQ(picture.bars[0].programme, v1::FUNDING_PROGRAMME_PRIVATE);
  EXPECT_EQ(picture.bars[0].projects[static_cast<size_t>(Stage::kIdea)], 1u);
  EXPECT_EQ(picture.bars[1].projects[static_cast<size_t>(Stage::kDesign)], 1u);
  EXPECT_EQ(picture.bars[1].projects[static_cast<size_t>(Stage::kRegistered)], 1u);
  const std::string svg = PipelineSvg({Story().Book()});
  EXPECT_TRUE(absl::StrContains(svg, "Thailand タイ"));
  EXPECT_TRUE(absl::EndsWith(svg, "</svg>\n"));
}

TEST(Pipeline, OfOneValueMedianAndLongestAreThatValue) {
  EXPECT_EQ(Summarize({}).count, 0u);
  const DaysOf days = Summarize({9, 1, 4});
  EXPECT_EQ(days.median, 4u);
  EXPECT_EQ(days.longest, 9u);
}

}  // namespace
}  // namespace jcm::publish
