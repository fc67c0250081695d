// The program's command lines, read into the acts that they say. No node is needed: acts are collected, not sent.
#include <set>

#include "gtest/gtest.h"
#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "ledger/backup/backup_set.h"
#include "ledger/base/file_system.h"
#include "ledger/base/keys.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"
#include "tools/jcmctl/commands.h"
#include "tools/jcmctl/salts_file.h"
#include "tools/jcmctl/session.h"

namespace jcm::ctl {
namespace {

const std::string kDigest(64, 'a');
const std::string kAccount(32, '1');
const std::string kOther(32, '2');

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() {
    session_.options().registry = "JPN";
    session_.options().quiet = true;
    EXPECT_TRUE(files_.WriteFileAtomically("/key.pub", key_.public_key().ToPem()).ok());
    EXPECT_TRUE(files_
                    .WriteFileAtomically("/rulebook",
                                         "e_decision_days = 10\ncross_border_mode = host-first\n"
                                         "retirement_needs_itmo = true\n"
                                         "zone_offset = 2013-01-01, 540, 420\n"
                                         "source = e_decision_days, R-H, native\n")
                    .ok());
  }

  // Runs a line as a part of a bundle.
  absl::Status Collect(const std::string& line) {
    const std::unique_ptr<CLI::App> program = BuildProgram(session_);
    try {
      program->parse(line);
    } catch (const CLI::ParseError& error) {
      return Error(Reason::FIELD_INVALID, error.what());
    }
    return session_.RunAction();
  }

  // The only act of a line, and the book that it goes to.
  v1::Command ActOf(const std::string& line, std::string* book = nullptr) {
    EXPECT_TRUE(session_.BeginCollecting().ok());
    const absl::Status status = Collect(line);
    EXPECT_TRUE(status.ok()) << line << ": " << status;
    v1::Command command;
    if (session_.collected()->part_count() != 1) return command;
    v1::SignedBundle bundle;
    v1::BundlePart part;
    EXPECT_TRUE(bundle.ParseFromString(session_.collected()->Sign({key_})->bytes));
    EXPECT_TRUE(part.ParseFromString(bundle.parts(0)));
    EXPECT_TRUE(command.ParseFromString(part.command()));
    if (book != nullptr) *book = part.partnership();
    return command;
  }

  MemoryFileSystem files_;
  SeededRandom random_{5};
  PrivateKey key_ = PrivateKey::Generate(random_);
  Session session_{files_, random_};
};

TEST_F(ProgramTest, CanSayEveryActThereIs) {
  const std::string text =
      " --title T --project P1 --monitoring 2021-01-01..2021-12-31 --verified 10 --lot L:2021:10"
      " --row government-of-japan,JPN,L:1-10,Japan";
  const std::string authorization = " --id A --project P1 --purpose ndc --party JPN --quantity 10 --vintages 2021-2023";
  const std::vector<std::string> lines = {
      "person enrol --id p --role jc-member --public-key /key.pub --partnership TH",
      "person add-key --id p --public-key /key.pub",
      "person revoke-key --key-id " + kDigest + " --reason lost",
      "account open --number A-1 --class entity-holding --partnership TH",
      "account freeze --number A-1 --reason court",
      "account assign-handle --number A-1 --partnership MV",
      "partnership open --partnership TH --peer THA --peer-domain demo.invalid --peer-key 1=/key.pub",
      "partnership mode --partnership TH --mode attested --document " + kDigest,
      "partnership event --partnership TH --kind signed --date 2015-11-19 --text Tokyo",
      "rulebook adopt --partnership TH --version TH/1 --parameters /rulebook --effective-date 2025-01-01",
      "member appoint --partnership TH --member m --person " + kAccount + " --co-chair",
      "member end --partnership TH --member m",
      "conflict declare --partnership TH --member m --about TH014 --text adviser --document " + kDigest,
      "project register --partnership TH --id TH014 --title-en x",
      "dossier open --partnership TH --id D1 --kind project --rulebook TH/1 --title-en T --type energy"
      " --programme private --participant Owner|所有者|TH|representative|focal --no-other-scheme",
      "dossier step --partnership TH --id D1 --strand pin --step submit",
      "dossier react --partnership TH --id D1 --strand pin --kind received",
      "rules notice --partnership TH --version 2",
      "rules supports --partnership TH --version 2",
      "decision open --partnership TH --id D --rulebook TH/1" + text,
      "decision amend --partnership TH --id D" + text,
      "decision withdraw --partnership TH --id D --reason r",
      "decision distribute --partnership TH --id D --text-digest " + kDigest,
      "decision vote --partnership TH --id D --member m --vote no --text-digest " + kDigest,
      "decision confirm --partnership TH --id D --text-digest " + kDigest,
      "decision dispute --partnership TH --id D --reason r --text-digest " + kDigest,
      "credits issue --partnership TH --decision D --target 1=" + kAccount + " --text-digest " + kDigest,
      "credits transfer --partnership TH --id T --from " + kAccount + " --to " + kOther + " --range L:1-2",
      "credits retire --partnership TH --id R --from " + kAccount + " --to " + kOther + " --range L:1-2",
      "credits cancel --partnership TH --id C --from " + kAccount + " --to " + kOther + " --range L:1-2",
      "credits restrict --partnership TH --account " + kAccount + " --range L:1-2 --text t --document " + kDigest,
      "credits lift --partnership TH --account " + kAccount + " --range L:1-2 --document " + kDigest,
      "itmo authorize --partnership TH" + authorization,
      "itmo revoke --partnership TH --id A --document " + kDigest,
      "itmo first-transfer --partnership TH --id F --authorization A --range L:1-2 --action-date 2025-11-11",
      "border init --partnership TH --id X --from " + kAccount + " --range L:1-2 --expires 2025-12-31T00:00:00Z",
      "border accept --partnership TH --id X --to " + kAccount,
      "border refuse --partnership TH --id X --reason r",
      "border withdraw --partnership TH --id X",
      "attest --partnership TH --stage distributed --decision D --text-digest " + kDigest + " --document " + kDigest,
  };
  // What exists is read from files, thousands of rows at once, and no line has place for it.
  std::set<int> said = {v1::Command::kMigrateUnits, v1::Command::kMigrateDossier, v1::Command::kSignOpeningStatement};
  for (const std::string& line : lines) said.insert(ActOf(line).body_case());
  const auto* body = v1::Command::descriptor()->FindOneofByName("body");
  ASSERT_NE(body, nullptr);
  for (int i = 0; i < body->field_count(); ++i) {
    EXPECT_EQ(said.count(body->field(i)->number()), 1u) << "no command line for " << body->field(i)->name();
  }
}

TEST_F(ProgramTest, PassesAStatementFromHandToHandUntilAllHaveSigned) {
  const PrivateKey second = PrivateKey::Generate(random_);
  ASSERT_TRUE(files_.WriteFileAtomically("/one.key", key_.ToPem()).ok());
  ASSERT_TRUE(files_.WriteFileAtomically("/two.key", second.ToPem()).ok());
  ASSERT_TRUE(files_.WriteFileAtomically("/body", "origin: 'demo.invalid/THA/TH' size: 7 reason: 'alone'").ok());
  const auto run = [this](const std::string& line, const std::string& key) {
    session_.options().keys = {key};
    return Collect(line);
  };
  ASSERT_TRUE(run("statement sign --kind resume-alone --body /body --out /s1", "/one.key").ok());
  ASSERT_TRUE(run("statement sign --kind resume-alone --add /s1 --out /s2", "/two.key").ok());
  v1::ResumeAlone statement;
  ASSERT_TRUE(statement.ParseFromString(*files_.ReadFile("/s2")));
  ASSERT_EQ(statement.signatures_size(), 2);
  const std::string message = PreAuthEncode("application/vnd.jcm.resume-alone.v1", statement.statement());
  EXPECT_TRUE(key_.public_key().Verify(message, statement.signatures(0).signature()).ok());
  EXPECT_TRUE(second.public_key().Verify(message, statement.signatures(1).signature()).ok());
  EXPECT_TRUE(
      HasReason(run("statement sign --kind resolution --body /body --out /s3", "/one.key"), Reason::MESSAGE_MALFORMED));
  EXPECT_TRUE(HasReason(run("statement sign --kind resume --body /body --out /s3", "/one.key"), Reason::FIELD_INVALID));
}

TEST_F(ProgramTest, WritesTheTextOfAnIssuance) {
  std::string book;
  const v1::Command command = ActOf(
      "decision open --partnership TH --id TH-JC7 --mode meeting --rulebook TH/1 --meeting-date 2025-10-30 "
      "--title \"Issuance, TH014\" --project TH014 --monitoring 2021-01-01..2021-12-31 --verified 2,017 "
      "--lot TH014-2021-1:2021:2017 --row \"government-of-japan,THA,TH014-2021-1:1-1009,Government of Japan\" "
      "--row participant,THA,TH014-2021-1:1010-2017,participants --legal-date 2025-10-30 --provenance assumed",
      &book);
  EXPECT_EQ(book, "TH");
  EXPECT_EQ(command.provenance(), v1::PROVENANCE_ASSUMED);
  EXPECT_EQ(command.legal_date().day(), 30);
  EXPECT_EQ(command.open_decision().mode(), v1::DECISION_MODE_MEETING);
  v1::DecisionText text;
  ASSERT_TRUE(text.ParseFromString(command.open_decision().text()));
  EXPECT_EQ(text.title(), "Issuance, TH014");
  EXPECT_EQ(text.issuance().verified_tonnes(), 2017u);
  ASSERT_EQ(text.issuance().rows_size(), 2);
  EXPECT_EQ(text.issuance().rows(0).row(), 1u);
  EXPECT_EQ(text.issuance().rows(0).party_label(), "Government of Japan");
  EXPECT_EQ(text.issuance().rows(1).range().first(), 1010u);
}

TEST_F(ProgramTest, ReadsARulebookFile) {
  const v1::Command command =
      ActOf("rulebook adopt --partnership TH --version TH/1 --parameters /rulebook --effective-date 2025-01-01");
  const v1::RulebookParameters& parameters = command.adopt_rulebook().parameters();
  EXPECT_EQ(parameters.e_decision_days(), 10u);
  EXPECT_EQ(parameters.cross_border_mode(), v1::CROSS_BORDER_MODE_HOST_FIRST);
  EXPECT_TRUE(parameters.retirement_needs_itmo());
  ASSERT_EQ(parameters.zone_offsets_size(), 1);
  EXPECT_EQ(parameters.zone_offsets(0).partner_minutes(), 420);
  EXPECT_EQ(parameters.sources(0).source(), "R-H");
}

TEST_F(ProgramTest, NeverPutsANameIntoTheBook) {
  const v1::Command command = ActOf(
      "account open --number A-1 --class entity-holding --partnership TH --holder \"架空 株式会社\" --salts /a.json");
  EXPECT_EQ(command.SerializeAsString().find("架空"), std::string::npos);
  EXPECT_EQ(command.open_account().holder_commitment().size(), 32u);
  EXPECT_EQ(command.open_account().sealed_digest().size(), 32u);
  EXPECT_EQ(command.open_account().handles(0).handle().size(), 32u);
}

TEST_F(ProgramTest, RefusesToCommitWithoutKeepingTheSalts) {
  ASSERT_TRUE(session_.BeginCollecting().ok());
  const std::string retire = "credits retire --partnership TH --id R --from " + kAccount + " --to " + kOther +
                             " --range L:1-2 --scheme \"GX-ETS FY2026\"";
  EXPECT_TRUE(HasReason(Collect(retire), Reason::FIELD_REQUIRED));
  EXPECT_TRUE(Collect(retire + " --salts /r.json").ok());
  EXPECT_TRUE(files_.Exists("/r.json"));
  // Not recorded yet: no entry can be named.
  EXPECT_TRUE(HasReason(ReadSalts(session_, "/r.json").status(), Reason::FIELD_INVALID));
}

TEST_F(ProgramTest, ReadsSaltsBack) {
  ASSERT_TRUE(files_
                  .WriteFileAtomically("/r.json", R"({"registry":"JPN","partnership":"TH","sequence":42,"openings":[)"
                                                  R"({"field":"scheme","value":"GX-ETS","salt":"00ff"}]})")
                  .ok());
  const auto saved = ReadSalts(session_, "/r.json");
  ASSERT_TRUE(saved.ok()) << saved.status();
  EXPECT_EQ(saved->entry, "books/JPN/TH/entries/42");
  ASSERT_EQ(saved->openings.size(), 1u);
  EXPECT_EQ(saved->openings[0].salt, std::string("\x00\xff", 2));
  EXPECT_TRUE(HasReason(ReadSalts(session_, "/none").status(), Reason::NOT_FOUND));
  ASSERT_TRUE(files_.WriteFileAtomically("/bad.json", "{}").ok());
  EXPECT_TRUE(HasReason(ReadSalts(session_, "/bad.json").status(), Reason::FIELD_INVALID));
}

TEST_F(ProgramTest, SaysWhatIsWrongWithAnArgument) {
  ASSERT_TRUE(session_.BeginCollecting().ok());
  const std::string transfer = "credits transfer --partnership TH --id T --from " + kAccount + " --to " + kOther;
  EXPECT_TRUE(HasReason(Collect(transfer + " --range L:5-4"), Reason::RANGE_INVALID));
  EXPECT_TRUE(HasReason(Collect(transfer + " --tonnes 0"), Reason::QUANTITY_NOT_POSITIVE));
  EXPECT_TRUE(HasReason(Collect(transfer), Reason::FIELD_REQUIRED));
  EXPECT_TRUE(HasReason(Collect(transfer + " --range L:1-2 --legal-date 2025-02-30"), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(Collect(transfer + " --range L:1-2 --tonnes 3"), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(Collect("account open --number A --class castle"), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(Collect("account open --number A --class pending --partnership TH=12"), Reason::FIELD_INVALID));
  EXPECT_EQ(session_.collected()->part_count(), 0u);
}

TEST_F(ProgramTest, TakesSettingsFromAFileUnlessAFlagSaysOtherwise) {
  ASSERT_TRUE(
      files_
          .WriteFileAtomically("/etc.conf",
                               "address = 127.0.0.1:1\nregistry = THA\ntls_ca = ca.pem\nkey = a.key\nkey = /b.key\n")
          .ok());
  Session session(files_, random_);
  session.options().config_file = "/etc.conf";
  session.options().registry = "JPN";
  ASSERT_TRUE(session.LoadSettings().ok());
  EXPECT_EQ(session.options().registry, "JPN");
  EXPECT_EQ(session.options().connection.tls_ca, "/ca.pem");
  EXPECT_EQ(session.options().keys, (std::vector<std::string>{"/a.key", "/b.key"}));
  ASSERT_TRUE(files_.WriteFileAtomically("/bad.conf", "adress = 127.0.0.1:1\n").ok());
  session.options().config_file = "/bad.conf";
  EXPECT_TRUE(HasReason(session.LoadSettings(), Reason::CONFIG_INVALID));
}

TEST_F(ProgramTest, RestoresABackupByNameAndSaysWhyItCannot) {
  const std::string folder = std::string(getenv("TEST_TMPDIR")) + "/backup";
  ASSERT_TRUE(files_.WriteFileAtomically("/offsite.key", std::string(64, 'a') + "\n").ok());
  ASSERT_TRUE(files_.WriteFileAtomically("/other.key", std::string(64, 'b')).ok());
  PosixFileSystem disk;
  ASSERT_TRUE(disk.MakeDirs(folder + "/source").ok());
  ASSERT_TRUE(disk.WriteFileAtomically(folder + "/source/CURRENT", "MANIFEST-000005\n").ok());
  const std::string set = " --set " + folder + "/set";
  EXPECT_TRUE(HasReason(Collect("backup list --backup-key /offsite.key" + set), Reason::BACKUP_NOT_FOUND));
  const auto key = backup::BackupKey::FromBytes(std::string(32, '\xaa'));
  auto made = backup::BackupSet::OpenOrCreate(folder + "/set", {"JPN", "demo.invalid"}, *key);
  ASSERT_TRUE(made.ok()) << made.status();
  backup::v1::Manifest manifest;
  manifest.set_name("daily");
  ASSERT_TRUE(made->Add(manifest, folder + "/source", random_, nullptr).ok());

  const std::string named = " --backup-key /offsite.key daily" + set;
  for (const char* command : {"list --backup-key /offsite.key --set ", "show --backup-key /offsite.key daily --set ",
                              "verify --backup-key /offsite.key daily --set "}) {
    EXPECT_TRUE(Collect(std::string("backup ") + command + folder + "/set").ok()) << command;
  }
  EXPECT_TRUE(Collect("backup restore --into " + folder + "/data" + named).ok());
  EXPECT_EQ(*disk.ReadFile(folder + "/data/store/CURRENT"), "MANIFEST-000005\n");
  EXPECT_TRUE(
      HasReason(Collect("backup restore --into " + folder + "/data" + named), Reason::RESTORE_TARGET_NOT_EMPTY));
  EXPECT_TRUE(HasReason(Collect("backup verify --backup-key /other.key daily" + set), Reason::BACKUP_KEY_WRONG));
  EXPECT_TRUE(HasReason(Collect("backup verify --backup-key /none daily" + set), Reason::KEY_FILE_INVALID));
  EXPECT_TRUE(HasReason(Collect("backup verify --backup-key /offsite.key other" + set), Reason::BACKUP_NOT_FOUND));
  session_.options().registry = "THA";
  EXPECT_TRUE(HasReason(Collect("backup show" + named), Reason::BACKUP_OF_OTHER_REGISTRY));
}

TEST(ExitCode, TellsRefusalsFromWrongUseAndFromSilence) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeOf(FromNode(Error(Reason::UNITS_FINAL))), 1);
  EXPECT_EQ(ExitCodeOf(FromNode(Error(Reason::FIELD_INVALID))), 1);
  EXPECT_EQ(ExitCodeOf(Error(Reason::UNITS_NOT_HELD)), 1);
  EXPECT_EQ(ExitCodeOf(Error(Reason::FIELD_INVALID)), 2);
  EXPECT_EQ(ExitCodeOf(Error(Reason::KEY_FILE_INVALID)), 2);
  EXPECT_EQ(ExitCodeOf(FromNode(absl::UnavailableError("no answer"))), 3);
  EXPECT_EQ(ExitCodeOf(FromNode(Error(Reason::QUEUE_FULL))), 3);
  EXPECT_EQ(ExitCodeOf(FromNode(Error(Reason::APPEND_UNKNOWN))), 4);
  EXPECT_EQ(ExitCodeOf(FromNode(absl::DeadlineExceededError("late"))), 4);
  EXPECT_EQ(ExitCodeOf(FromNode(Error(Reason::COSIGN_TIMEOUT))), 5);
}

}  // namespace
}  // namespace jcm::ctl
