// Sealed backups of a registry that goes on: made under load, cut short by a kill, restored by name when they are
// behind what has left the machine, and refused where they must be.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "ledger/backup/backup_set.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "services/common/grpc_status.h"
#include "tests/faults/desk.h"
#include "tests/faults/site.h"
#include "tests/faults/story.h"

namespace jcm::faults {
namespace {

namespace fs = std::filesystem;

constexpr char kHolder[] = "株式会社瑞穂水力";
constexpr char kHolderEn[] = "Mizuho Hydro K.K.";
constexpr char kNumber[] = "JP-100-2002-3003-1";

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class BackupTest : public testing::Test {
 protected:
  BackupTest() : desk_(site_, 5), story_(site_, desk_) {
    for (const char* registry : {"JPN", "THA"}) site_.Start(registry);
    story_.SetUp();
    story_.OpenAccount("JPN", "named", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"company-1"}, kNumber,
                       {{"holder", kHolder}, {"holder_en", kHolderEn}});
    story_.Transfer("JPN", "T-1", "government", "company", 1, 100);
  }

  std::string SetPath() const { return site_.Path("backups"); }

  backup::BackupKey KeyOf(const std::string& registry) const {
    std::string hex = ReadAll(site_.Path("pki/" + registry + "/offsite.key"));
    while (!hex.empty() && hex.back() == '\n') hex.pop_back();
    return *backup::BackupKey::FromBytes(*HexDecode(hex));
  }

  backup::BackupSet Set() const { return *backup::BackupSet::Open(SetPath(), "JPN", KeyOf("JPN")); }

  absl::Status StartBackup(const std::string& registry, const std::string& name, uint64_t keep = 0) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    api::StartBackupRequest request;
    request.set_set_directory(SetPath());
    request.set_name(name);
    request.set_keep(keep);
    api::BackupRun run;
    return services::FromGrpcStatus(
        api::NodeService::NewStub(site_.Channel(registry))->StartBackup(&context, request, &run));
  }

  api::BackupRun LastRun() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    api::BackupRun run;
    api::NodeService::NewStub(site_.Channel("JPN"))->GetBackupRun(&context, {}, &run);
    return run;
  }

  api::BackupRun Backup(const std::string& name, uint64_t keep = 0) {
    const absl::Status started = StartBackup("JPN", name, keep);
    EXPECT_TRUE(started.ok()) << started;
    EXPECT_TRUE(Eventually([this] { return LastRun().state() != api::BackupRun::STATE_RUNNING; }));
    const api::BackupRun run = LastRun();
    EXPECT_EQ(run.state(), api::BackupRun::STATE_DONE) << run.ShortDebugString();
    return run;
  }

  // Leaf hashes of both of Japan's books.
  std::vector<std::string> History() {
    std::vector<std::string> leaves;
    for (const char* partnership : {"home", kPartnership}) {
      for (const api::Entry& entry : story_.Entries("JPN", partnership)) leaves.push_back(entry.leaf_hash());
    }
    return leaves;
  }

  bool Orders() {
    return story_.BookOf("JPN", "home").state() == "ORDERING" &&
           story_.BookOf("JPN", kPartnership).state() == "ORDERING";
  }

  Site site_;
  Desk desk_;
  Story story_;
};

TEST_F(BackupTest, RestoresByNameAnOldBackupAndGetsTheRestBackFromThePartner) {
  Backup("before");
  const backup::v1::Manifest manifest = *Set().Show("before");
  EXPECT_EQ(backup::OwnEntriesOf(manifest), History().size());
  constexpr uint64_t kLate = 6;
  for (uint64_t i = 0; i < kLate; ++i) {
    story_.Transfer("JPN", absl::StrCat("T-late-", i), "company", "rival", 21 + i, 21 + i, api::WAIT_FOR_COSIGNED);
  }
  story_.OpenAccount("JPN", "late", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"company-1"}, "", nullptr,
                     api::WAIT_FOR_COSIGNED);
  Backup("after");
  const std::vector<std::string> history = History();
  const uint64_t size = story_.BookOf("JPN", kPartnership).size();
  const uint64_t home_size = story_.BookOf("JPN", "home").size();

  site_.Stop("THA");
  site_.Kill("JPN");
  fs::remove_all(site_.DataDir("JPN"));
  const absl::Status restored = Set().Restore("before", site_.DataDir("JPN"), nullptr);
  ASSERT_TRUE(restored.ok()) << restored;
  site_.Start("JPN");
  const api::BookStatus waiting = story_.BookOf("JPN", kPartnership);
  EXPECT_EQ(waiting.state(), "WAITING_FOR_PEER");
  EXPECT_EQ(waiting.size(), size - kLate);
  EXPECT_EQ(waiting.known_size(), size) << "the signer's record knows what is missing";
  ASSERT_TRUE(Eventually([this] { return site_.Status("JPN").has_restore(); }));
  api::RestoreStatus report = site_.Status("JPN").restore();
  EXPECT_EQ(report.backup(), "before");
  EXPECT_FALSE(report.complete());
  EXPECT_TRUE(absl::StrContains(report.text(), absl::StrCat(kLate, " of ", size, " still missing"))) << report.text();

  site_.Start("THA");
  ASSERT_TRUE(Eventually([this] { return Orders(); })) << story_.Sizes() << site_.Log("JPN");
  const std::vector<std::string> now = History();
  ASSERT_EQ(now.size(), history.size());
  EXPECT_EQ(now, history) << "byte for byte";
  desk_.CheckRemembered("JPN", 0);
  ASSERT_TRUE(Eventually([this] { return site_.Status("JPN").restore().complete(); }));
  report = site_.Status("JPN").restore();
  const std::string books = absl::StrCat("JPN/TH ORDERING: restored at size ", size - kLate, ", ", kLate,
                                         " entries recovered from THA's mirror");
  const std::string home = absl::StrCat("JPN/home ORDERING: restored at size ", home_size - 1,
                                        ", 1 entries recovered from the off-site sink");
  for (const std::string& part : {std::string("restored from backup before"), books, home,
                                  absl::StrCat("generation ", site_.Status("JPN").generation())}) {
    EXPECT_TRUE(absl::StrContains(report.text(), part)) << report.text();
    EXPECT_TRUE(absl::StrContains(site_.Log("JPN"), part)) << site_.Log("JPN");
  }
  story_.Transfer("JPN", "T-after", "company", "rival", 51, 60, api::WAIT_FOR_COSIGNED);

  // Later lives still know it, and start like any other.
  site_.Kill("JPN");
  site_.Start("JPN");
  EXPECT_TRUE(Orders());
  EXPECT_EQ(site_.Status("JPN").restore().text(), report.text());
}

TEST_F(BackupTest, IsMadeWhilePeopleActAndHasEachBookAtOneMoment) {
  std::atomic<bool> end{false};
  std::atomic<uint64_t> acts{0};
  std::thread worker([&] {
    for (uint64_t i = 0; !end; ++i, ++acts) {
      story_.Transfer("JPN", absl::StrCat("T-load-", i), i % 2 == 0 ? "company" : "rival",
                      i % 2 == 0 ? "rival" : "company", 1, 1);
    }
  });
  for (const char* name : {"a", "b", "c"}) {
    const uint64_t before = acts;
    const api::BackupRun run = Backup(name, 2);
    EXPECT_GT(acts, before) << "nobody waits for a backup";
    std::printf("copy %llu us, %llu bytes, %llu written\n", static_cast<unsigned long long>(run.copy_micros()),
                static_cast<unsigned long long>(run.bytes()), static_cast<unsigned long long>(run.bytes_written()));
  }
  end = true;
  worker.join();
  const std::vector<backup::Listed> all = *Set().List();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "b");
  EXPECT_FALSE(fs::exists(site_.DataDir("JPN") + "/backup-staging"));
  // A copy from the middle of it all is a store that opens, and goes on to the same end.
  const std::vector<std::string> history = History();
  ASSERT_TRUE(Eventually([this] { return story_.InStep(); })) << story_.Sizes();
  site_.Stop("JPN");
  fs::remove_all(site_.DataDir("JPN"));
  ASSERT_TRUE(Set().Restore("b", site_.DataDir("JPN"), nullptr).ok());
  site_.Start("JPN");
  ASSERT_TRUE(Eventually([this] { return Orders(); })) << story_.Sizes() << site_.Log("JPN");
  EXPECT_EQ(History(), history);
}

TEST_F(BackupTest, LeavesNoBackupWhenTheNodeIsKilledMeanwhile) {
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(StartBackup("JPN", absl::StrCat("k", i)).ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(4 * i));
    site_.Kill("JPN");
    site_.Start("JPN");
    EXPECT_TRUE(Orders());
    EXPECT_FALSE(fs::exists(site_.DataDir("JPN") + "/backup-staging"));
  }
  Backup("whole");
  uint64_t seen = 0;
  const std::vector<backup::Listed> all = *Set().List();
  for (const backup::Listed& listed : all) {
    const absl::Status verified = Set().Verify(listed.name, nullptr);
    EXPECT_TRUE(verified.ok()) << listed.name << ": " << verified;
    ++seen;
  }
  EXPECT_GE(seen, 1u);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(SetPath())) {
    EXPECT_FALSE(absl::EndsWith(entry.path().string(), ".part")) << entry.path();
  }
}

TEST_F(BackupTest, TellsNothingToWhoHasTheSetWithoutItsKey) {
  Backup("sealed");
  const std::string id(kNumber);
  uint64_t searched = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(SetPath())) {
    if (!entry.is_regular_file()) continue;
    const std::string bytes = ReadAll(entry.path());
    searched += bytes.size();
    for (const std::string& secret : {std::string(kHolder), std::string(kHolderEn), id, std::string("JPN-government"),
                                      std::string("operator-1"), std::string(kProjectTitleJa), std::string(kLot)}) {
      EXPECT_FALSE(absl::StrContains(bytes, secret)) << entry.path() << " has " << secret;
    }
  }
  EXPECT_GT(searched, 10'000u);
  // The same search finds what is there when it is opened.
  ASSERT_TRUE(Set().Restore("sealed", site_.Path("opened"), nullptr).ok());
  bool number = false;
  bool lot = false;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(site_.Path("opened"))) {
    if (!entry.is_regular_file()) continue;
    const std::string bytes = ReadAll(entry.path());
    number = number || absl::StrContains(bytes, id);
    lot = lot || absl::StrContains(bytes, kLot);
    EXPECT_FALSE(absl::StrContains(bytes, kHolderEn)) << "names are sealed in the store too";
  }
  EXPECT_TRUE(number || lot);
}

TEST_F(BackupTest, RefusesWhatIsNotItsOwnAndSaysWhatIsDamaged) {
  Backup("first");
  EXPECT_TRUE(HasReason(StartBackup("JPN", "first"), Reason::ALREADY_EXISTS));
  EXPECT_TRUE(HasReason(StartBackup("JPN", "../first"), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(StartBackup("THA", "theirs"), Reason::BACKUP_OF_OTHER_REGISTRY));
  EXPECT_TRUE(HasReason(backup::BackupSet::Open(SetPath(), "JPN", KeyOf("THA")).status(), Reason::BACKUP_KEY_WRONG));
  const backup::v1::File file = (*Set().Show("first")).files(0);
  const std::string object = absl::StrCat(SetPath(), "/objects/", file.object());
  std::string bytes = ReadAll(object);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  std::ofstream(object, std::ios::binary | std::ios::trunc) << bytes;
  const absl::Status damaged = Set().Restore("first", site_.Path("opened"), nullptr);
  EXPECT_TRUE(HasReason(damaged, Reason::BACKUP_DAMAGED)) << damaged;
  EXPECT_TRUE(absl::StrContains(damaged.message(), file.name())) << damaged;
  EXPECT_FALSE(fs::exists(site_.Path("opened/store")));
}

}  // namespace
}  // namespace jcm::faults
