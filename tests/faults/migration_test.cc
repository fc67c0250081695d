// An earlier registry is taken over into a real node over mutual TLS, by jcmctl as an operator runs it. The tool and
// the node are killed again and again in the middle; in the end each row is in the books exactly once, the sums are
// those of the files to the tonne, two persons sign them, and the other government's auditor finds nothing.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "ledger/base/random.h"
#include "nlohmann/json.hpp"
#include "tests/faults/site.h"
#include "tools/migration/sample_files.h"

namespace jcm::faults {
namespace {

namespace ledger = ::jcm::ledger::v1;
using ::testing::HasSubstr;

constexpr char kJcmctl[] = "tools/jcmctl/jcmctl";
constexpr char kVerify[] = "tools/jcm-verify/jcm-verify";
constexpr char kRulebook[] = "deploy/rulebooks/TH-existing.rulebook";
constexpr char kRulebookVersion[] = "TH-existing/2024-07-08";
constexpr int kMoreLots = 600;
constexpr int kKillsMax = 20;
constexpr uint64_t kSeed = 20'260'402;
constexpr uint64_t kTonnesHeld = 85 + 1'000 * kMoreLots;
constexpr char kDigest[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

// jcmctl as a child process that can be killed.
class Child {
 public:
  Child(const std::vector<std::string>& arguments, const std::string& out, const std::string& err) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ != 0) return;
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    dup2(open(out.c_str(), flags, 0600), STDOUT_FILENO);
    dup2(open(err.c_str(), flags, 0600), STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  ~Child() { Kill(); }
  // The exit code, -signal, or nothing while it runs.
  absl::optional<int> Ended() {
    int status = 0;
    if (pid_ <= 0) return code_;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return absl::nullopt;
    return End(status);
  }
  int Wait() {
    int status = 0;
    if (pid_ <= 0) return *code_;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    return End(status);
  }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    Wait();
  }

 private:
  int End(int status) {
    pid_ = -1;
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return *code_;
  }

  pid_t pid_ = -1;
  absl::optional<int> code_;
};

class MigrationRun : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* registry : {"JPN", "THA"}) site_.Start(registry);
    for (const char* registry : {"JPN", "THA"}) {
      const std::string peer = std::string(registry) == "JPN" ? "THA" : "JPN";
      ASSERT_EQ(Ctl(registry,
                    absl::StrCat("partnership open --partnership TH --peer ", peer, " --peer-domain ", kDomain,
                                 " --mode node --peer-key 1=", Pki(peer), "/replica-1.pub --peer-recovery-key ",
                                 Pki(peer), "/recovery.pub --signed-date 2015-11-19 --document ", kDigest),
                    {"operator-1", "operator-2"}),
                0)
          << err_;
      ASSERT_EQ(
          Ctl(registry, absl::StrCat("rulebook adopt --partnership TH --provenance assumed --parameters ", kRulebook),
              {"secretariat-1"}),
          0)
          << err_;
    }
    WriteFiles(migration::MigrationFiles(kMoreLots, kRulebookVersion));
  }

  std::string Pki(const std::string& registry) const { return site_.Path("pki/" + registry); }
  std::string Folder() const { return site_.Path("migration"); }

  void WriteFiles(const migration::MigrationFiles& sample) {
    mkdir(Folder().c_str(), 0700);
    for (const auto& [name, text] : sample.files) std::ofstream(absl::StrCat(Folder(), "/", name)) << text;
  }

  std::vector<std::string> Arguments(const std::string& registry, const std::string& arguments,
                                     const std::vector<std::string>& signers) const {
    std::vector<std::string> all = {kJcmctl};
    for (const absl::string_view word : absl::StrSplit(arguments, ' ')) all.emplace_back(word);
    for (const absl::string_view word : absl::StrSplit(site_.ClientFlags(registry), ' ')) all.emplace_back(word);
    for (const std::string& signer : signers) {
      all.push_back("--key");
      all.push_back(absl::StrCat(Pki(registry), "/persons/", signer, ".key"));
    }
    all.push_back("--yes");
    return all;
  }
  int Ctl(const std::string& registry, const std::string& arguments,
          const std::vector<std::string>& signers = {"operator-1"}) {
    return Run(Arguments(registry, arguments, signers));
  }
  int Run(const std::vector<std::string>& arguments) {
    const int code = Child(arguments, site_.Path("ctl.out"), site_.Path("ctl.err")).Wait();
    out_ = ReadAll("ctl.out");
    err_ = ReadAll("ctl.err");
    return code;
  }
  std::string ReadAll(const std::string& name) const {
    std::ifstream file(site_.Path(name));
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  nlohmann::json Summary(const std::string& command) {
    Ctl("JPN", absl::StrCat("migration ", command, " ", Folder(), " --quiet --output json"));
    const nlohmann::json view = nlohmann::json::parse(out_, nullptr, /*allow_exceptions=*/false);
    return view.is_object() ? view.value("summary", nlohmann::json()) : nlohmann::json();
  }

  // How often each row of a file is the source of an entry of the kind, in both books.
  std::map<std::string, int> SourcesInBooks() {
    std::map<std::string, int> count;
    for (const char* book : {"home", "TH"}) {
      api::ListEntriesRequest request;
      request.set_parent(absl::StrCat("books/JPN/", book));
      request.set_page_size(1'000);
      request.set_with_records(true);
      do {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
        api::ListEntriesResponse response;
        const grpc::Status status =
            api::LedgerService::NewStub(site_.Channel("JPN"))->ListEntries(&context, request, &response);
        EXPECT_TRUE(status.ok()) << status.error_message();
        for (const api::Entry& entry : response.entries()) {
          ledger::SignedPart signed_part;
          ledger::BundlePart part;
          ledger::Command command;
          if (entry.kind() != "COMMAND" || !signed_part.ParseFromString(entry.record().command()) ||
              !part.ParseFromString(signed_part.part()) || !command.ParseFromString(part.command()) ||
              !command.has_source()) {
            continue;
          }
          ++count[absl::StrCat(command.source().file(), "/", command.source().row(), "/",
                               static_cast<int>(command.body_case()))];
        }
        request.set_page_token(response.next_page_token());
      } while (!request.page_token().empty());
    }
    return count;
  }

  std::map<ledger::BlockState, uint64_t> TonnesByState() {
    std::map<ledger::BlockState, uint64_t> tonnes;
    api::ListUnitBlocksRequest request;
    request.set_parent("partnerships/TH");
    request.set_page_size(1'000);
    do {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
      api::ListUnitBlocksResponse response;
      const grpc::Status status =
          api::OperationService::NewStub(site_.Channel("JPN"))->ListUnitBlocks(&context, request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      for (const api::UnitBlock& block : response.blocks()) {
        tonnes[block.record().state()] += block.record().last() - block.record().first() + 1;
      }
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return tonnes;
  }

  // Thailand has mirrored, re-executed and cosigned Japan's book; then both are audited from exports alone.
  void AuditBothBooks() {
    std::vector<std::string> audit = {kVerify, "audit"};
    for (const std::string registry : {"JPN", "THA"}) {
      const std::string trust = site_.Path(registry + ".trust");
      const std::string book = site_.Path(registry + ".mirror");
      ASSERT_TRUE(Eventually([&] { return IsCosigned(registry); }, 60)) << site_.Log(registry);
      ASSERT_EQ(Ctl(registry, absl::StrCat("trust export --out ", trust)), 0) << err_;
      ASSERT_EQ(Ctl(registry, absl::StrCat("mirror export --book ", registry, "/TH --out ", book)), 0) << err_;
      audit.insert(audit.end(), {"--trust", trust, book});
    }
    EXPECT_EQ(Run(audit), 0) << out_ << err_;
    EXPECT_THAT(out_, HasSubstr("AUDIT CLEAN"));
  }
  bool IsCosigned(const std::string& registry) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    api::ListBooksResponse response;
    if (!api::LedgerService::NewStub(site_.Channel(registry))->ListBooks(&context, {}, &response).ok()) return false;
    for (const api::Book& book : response.books()) {
      if (book.name() == absl::StrCat("books/", registry, "/TH")) {
        return book.cosigned_size() == book.size() && book.checkpoint_size() == book.size();
      }
    }
    return false;
  }

  void Pause(uint64_t milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

  // Runs the tool and kills it, or the node under it, until a run comes to its end.
  void RunThroughKills() {
    const std::vector<std::string> arguments =
        Arguments("JPN", absl::StrCat("migration run ", Folder(), " --quiet"), {"operator-1"});
    for (int i = 0; i < kKillsMax; ++i) {
      Child child(arguments, site_.Path("run.out"), site_.Path("run.err"));
      // Later and later, so that the migration ends.
      Pause(20 + random_.Below(80) + static_cast<uint64_t>(i) * 20);
      if (child.Ended().has_value()) {
        EXPECT_EQ(child.Wait(), 0) << ReadAll("run.out") << ReadAll("run.err");
        return;
      }
      if (i % 4 != 3) {
        child.Kill();
        ++tool_kills_;
        continue;
      }
      // The node goes and comes back; the tool asks again and goes on.
      site_.Kill("JPN");
      ++node_kills_;
      Pause(random_.Below(200));
      site_.Start("JPN");
      Pause(random_.Below(400));
      child.Kill();
    }
    Child child(arguments, site_.Path("run.out"), site_.Path("run.err"));
    EXPECT_EQ(child.Wait(), 0) << ReadAll("run.out") << ReadAll("run.err");
  }

  Site site_;
  SeededRandom random_{kSeed};
  std::string out_;
  std::string err_;
  int tool_kills_ = 0;
  int node_kills_ = 0;
};

TEST_F(MigrationRun, RecordsEachRowExactlyOnceThroughKillsOfTheToolAndTheNode) {
  ASSERT_EQ(Ctl("JPN", absl::StrCat("migration dry-run ", Folder())), 0) << out_ << err_;
  RunThroughKills();
  std::printf("%d kills of the tool, %d of the node\n", tool_kills_, node_kills_);
  EXPECT_GE(tool_kills_, 3);
  EXPECT_GE(node_kills_, 1);

  const std::map<std::string, int> sources = SourcesInBooks();
  // Accounts and a frozen one; event; three dossiers; projects; lots; blocks; a transfer; two ends.
  EXPECT_EQ(sources.size(), 6u + 1 + 3 + (1 + kMoreLots / 5) + (1 + kMoreLots) + (2 + kMoreLots) + 1 + 2);
  for (const auto& [row, times] : sources) EXPECT_EQ(times, 1) << row;
  std::map<ledger::BlockState, uint64_t> tonnes = TonnesByState();
  EXPECT_EQ(tonnes[ledger::BLOCK_STATE_HELD], kTonnesHeld);
  EXPECT_EQ(tonnes[ledger::BLOCK_STATE_RETIRED], 10u);
  EXPECT_EQ(tonnes[ledger::BLOCK_STATE_CANCELLED], 5u);

  // Once more: nothing is left to be done.
  const nlohmann::json again = Summary("run");
  EXPECT_EQ(again.value("recorded", -1), 0) << out_ << err_;
  EXPECT_EQ(again.value("refused", -1), 0);
  EXPECT_EQ(again.value("bundles", -1), 0);
  EXPECT_EQ(SourcesInBooks(), sources);
}

TEST_F(MigrationRun, RefusesAChangedRowByNameAndIsClosedByTheStatementOfTwoPersons) {
  migration::MigrationFiles sample(0, kRulebookVersion);
  WriteFiles(sample);
  ASSERT_EQ(Ctl("JPN", absl::StrCat("migration run ", Folder())), 0) << out_ << err_;
  sample.Replace("projects.csv", "Water reservoir", "Pond");
  WriteFiles(sample);
  EXPECT_EQ(Ctl("JPN", absl::StrCat("migration run ", Folder())), 1);
  EXPECT_THAT(out_, HasSubstr("MIGRATED_ROW_CHANGED (7016)"));
  EXPECT_THAT(out_, HasSubstr("TH014 is entry"));
  sample.Replace("projects.csv", "Pond", "Water reservoir");
  WriteFiles(sample);
  EXPECT_EQ(Summary("status").value("recorded_before", 0), 24) << out_ << err_;

  const std::string statement = site_.Path("opening.statement");
  const std::string sign = absl::StrCat("migration statement ", Folder());
  EXPECT_EQ(Ctl("JPN", sign + " --send"), 1);
  EXPECT_THAT(out_ + err_, HasSubstr("TWO_PERSONS_REQUIRED"));
  ASSERT_EQ(Ctl("JPN", absl::StrCat(sign, " --out ", statement)), 0) << err_;
  ASSERT_EQ(Ctl("JPN", absl::StrCat("migration show --language ja --statement ", statement)), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("開始残高報告書"));
  EXPECT_THAT(out_, HasSubstr("85 t-CO2e"));
  // The second person has a copy of the files in which a tonne is somewhere else.
  sample.Replace("balances.csv", "JP-CO,TH014,2016,15", "JP-CO,TH014,2016,14");
  WriteFiles(sample);
  EXPECT_EQ(Ctl("JPN", absl::StrCat(sign, " --add ", statement, " --send"), {"secretariat-1"}), 1);
  EXPECT_THAT(err_, HasSubstr("MIGRATION_DIFFERS"));
  sample.Replace("balances.csv", "JP-CO,TH014,2016,14", "JP-CO,TH014,2016,15");
  WriteFiles(sample);
  ASSERT_EQ(Ctl("JPN", absl::StrCat(sign, " --add ", statement, " --send"), {"secretariat-1"}), 0) << out_ << err_;

  sample.Append("events.csv", "TH,EXTENDED,2020-01-01,late,extract,2");
  WriteFiles(sample);
  EXPECT_EQ(Ctl("JPN", absl::StrCat("migration run ", Folder())), 1);
  EXPECT_THAT(out_, HasSubstr("MIGRATION_CLOSED (7015)"));
  AuditBothBooks();
}

TEST_F(MigrationRun, RetriesWhatWasRefusedOnceItsReasonIsGone) {
  migration::MigrationFiles sample(0, "TH/none");
  WriteFiles(sample);
  EXPECT_EQ(Ctl("JPN", absl::StrCat("migration run ", Folder())), 1);
  EXPECT_THAT(out_, HasSubstr("RULEBOOK_UNKNOWN"));
  // The same rows again, refused again; then under a rulebook that is in force.
  EXPECT_EQ(Ctl("JPN", absl::StrCat("migration run ", Folder())), 1);
  sample = migration::MigrationFiles(0, kRulebookVersion);
  WriteFiles(sample);
  EXPECT_EQ(Ctl("JPN", absl::StrCat("migration run ", Folder())), 0) << out_ << err_;
  for (const auto& [row, times] : SourcesInBooks()) EXPECT_EQ(times, 1) << row;
}

}  // namespace
}  // namespace jcm::faults
