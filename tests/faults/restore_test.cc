// A store put back from an old copy, a start while the partner is cut off, and the loss of a whole site: what a node
// may do on its own, and what it gets back from its partner.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "ledger/base/status.h"
#include "tests/faults/desk.h"
#include "tests/faults/site.h"
#include "tests/faults/story.h"

namespace jcm::faults {
namespace {

namespace fs = std::filesystem;

constexpr char kHolder[] = "株式会社瑞穂水力";
constexpr char kHolderEn[] = "Mizuho Hydro K.K.";

// Leaf hashes by book.
using History = std::map<std::string, std::vector<std::string>>;

// JPN and THA in the middle of their story, in step.
struct Bilateral {
  explicit Bilateral(uint64_t seed) : desk(site, seed), story(site, desk) {
    for (const char* registry : {"JPN", "THA"}) site.Start(registry);
    story.SetUp();
    story.Transfer("JPN", "T-1", "government", "company", 1, 100);
    story.Retire("JPN", "R-1", "company", 1, 10);
    story.InitTransfer("X-1", kIssuedPerSide + 1, kIssuedPerSide + 10);
    story.AcceptTransfer("X-1");
    EXPECT_TRUE(Eventually([&] { return story.InStep(); })) << story.Sizes();
  }

  // Acts in both of Japan's books that only COSIGNED makes safe against the loss of the site.
  void ActCosigned() {
    for (uint64_t i = 0; i < 5; ++i) {
      story.Transfer("JPN", absl::StrCat("T-late-", i), "company", "rival", 21 + i, 21 + i, api::WAIT_FOR_COSIGNED);
    }
    story.OpenAccount("JPN", "late", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"company-1"}, "JP-100-2002-3003-1",
                      {{"holder", kHolder}, {"holder_en", kHolderEn}}, api::WAIT_FOR_COSIGNED);
    story.Retire("JPN", "R-late", "company", 31, 40, api::WAIT_FOR_COSIGNED);
  }

  History HistoryOf(const std::string& registry) {
    History history;
    for (const char* partnership : {"home", kPartnership}) {
      for (const api::Entry& entry : story.Entries(registry, partnership)) {
        history[partnership].push_back(entry.leaf_hash());
      }
    }
    return history;
  }

  bool Orders(const std::string& registry) {
    return story.BookOf(registry, "home").state() == "ORDERING" &&
           story.BookOf(registry, kPartnership).state() == "ORDERING";
  }

  // Each book begins with all that it had.
  void ExpectRecovered(const std::string& registry, const History& before) {
    const History after = HistoryOf(registry);
    for (const auto& [partnership, leaves] : before) {
      const std::vector<std::string>& now = after.at(partnership);
      ASSERT_GE(now.size(), leaves.size()) << registry << "/" << partnership;
      for (size_t i = 0; i < leaves.size(); ++i) EXPECT_EQ(now[i], leaves[i]) << registry << "/" << partnership << i;
    }
    desk.CheckRemembered(registry, 0);
  }

  // Nothing is accepted, neither new acts nor questions about old ones, in either book.
  void ExpectNeitherOrdersNorSigns(const std::string& registry) {
    for (const char* partnership : {"home", kPartnership}) {
      SCOPED_TRACE(partnership);
      const api::BookStatus before = story.BookOf(registry, partnership);
      EXPECT_EQ(before.state(), "WAITING_FOR_PEER");
      v1::Command command;
      command.set_provenance(v1::PROVENANCE_NATIVE);
      if (partnership == std::string("home")) {
        command.mutable_set_account_state()->set_account_number(registry + "-rival");
        command.mutable_set_account_state()->set_state(v1::ACCOUNT_STATE_FROZEN);
        command.mutable_set_account_state()->set_reason("test");
      } else {
        command.mutable_rules_notice()->set_rules_version(1);
      }
      const Act act = desk.Sign(registry, {"operator-1", "operator-2"}, partnership, command);
      const absl::Status refused = desk.Send(act, api::WAIT_FOR_COMMITTED).status();
      EXPECT_TRUE(HasReason(refused, Reason::BOOK_NOT_ORDERING)) << ToText(refused);
      const api::BookStatus after = story.BookOf(registry, partnership);
      EXPECT_EQ(after.SerializeAsString(), before.SerializeAsString()) << after.ShortDebugString();
    }
    const std::vector<Acknowledged> acts = desk.AcknowledgedBy(registry);
    EXPECT_TRUE(HasReason(desk.Send(acts.front().act, api::WAIT_FOR_COMMITTED).status(), Reason::BOOK_NOT_ORDERING));
  }

  Site site;
  Desk desk;
  Story story;
};

// The files of a folder with their contents.
std::map<std::string, std::string> FilesOf(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    files[entry.path().string()] = text.str();
  }
  return files;
}

enum class Copy { kBackup, kMarkedFiles, kFiles };

std::string NameOf(const testing::TestParamInfo<Copy>& info) {
  switch (info.param) {
    case Copy::kBackup:
      return "MadeByTheNode";
    case Copy::kMarkedFiles:
      return "OfFilesMarkedRestored";
    case Copy::kFiles:
      return "OfFilesThatNobodyMarked";
  }
  return "";
}

void MakeCopy(Bilateral& b, Copy kind, const std::string& path) {
  if (kind != Copy::kBackup) {
    b.site.Stop("JPN");
    fs::copy(b.site.DataDir("JPN"), path, fs::copy_options::recursive);
    b.site.Start("JPN");
    return;
  }
  fs::create_directory(path);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  api::CreateBackupRequest request;
  api::CreateBackupResponse response;
  request.set_directory(path + "/store");
  const grpc::Status status =
      api::NodeService::NewStub(b.site.Channel("JPN"))->CreateBackup(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_GT(response.applied_index(), 0u);
}

class OldCopy : public testing::TestWithParam<Copy> {};

TEST_P(OldCopy, NeitherOrdersNorSignsUntilThePartnerHasGivenItsTailBack) {
  Bilateral b(1);
  const std::string copy = b.site.Path("copy");
  ASSERT_NO_FATAL_FAILURE(MakeCopy(b, GetParam(), copy));
  const std::map<std::string, uint64_t> old_sizes = {{"home", b.HistoryOf("JPN").at("home").size()},
                                                     {kPartnership, b.HistoryOf("JPN").at(kPartnership).size()}};
  b.ActCosigned();
  const History history = b.HistoryOf("JPN");
  const uint64_t generation = b.site.Status("JPN").generation();

  b.site.Stop("THA");
  b.site.Kill("JPN");
  fs::remove_all(b.site.DataDir("JPN"));
  fs::rename(copy, b.site.DataDir("JPN"));
  const auto signed_before = FilesOf(b.site.SignerDir("JPN"));
  Site::StartOptions options;
  options.marked_restored = GetParam() == Copy::kMarkedFiles;
  b.site.Start("JPN", options);
  for (const auto& [partnership, size] : old_sizes) {
    EXPECT_EQ(b.story.BookOf("JPN", partnership).size(), size);
    EXPECT_LT(size, history.at(partnership).size());
  }
  b.ExpectNeitherOrdersNorSigns("JPN");
  EXPECT_EQ(FilesOf(b.site.SignerDir("JPN")), signed_before);

  b.site.Start("THA");
  ASSERT_TRUE(Eventually([&] { return b.Orders("JPN"); })) << b.story.Sizes() << b.site.Log("JPN");
  b.ExpectRecovered("JPN", history);
  EXPECT_GT(b.site.Status("JPN").generation(), generation);
  b.story.Transfer("JPN", "T-after", "company", "rival", 51, 60, api::WAIT_FOR_COSIGNED);
  EXPECT_TRUE(Eventually([&] { return b.story.InStep(); })) << b.story.Sizes();

  // From now on it starts alone, like any other.
  b.site.Stop("THA");
  b.site.Kill("JPN");
  b.site.Start("JPN");
  EXPECT_TRUE(b.Orders("JPN"));
  b.story.Transfer("JPN", "T-alone", "company", "rival", 61, 70);
}

INSTANTIATE_TEST_SUITE_P(Copies, OldCopy, testing::Values(Copy::kBackup, Copy::kMarkedFiles, Copy::kFiles), NameOf);

TEST(Restart, GoesOnAtOnceWhenThePartnerIsCutOff) {
  Bilateral b(2);
  for (const bool in_good_order : {false, true}) {
    b.site.Kill("THA");
    if (in_good_order) {
      b.site.Stop("JPN");
    } else {
      b.site.Kill("JPN");
    }
    b.site.Start("JPN");
    EXPECT_TRUE(b.Orders("JPN"));
    const uint64_t first = in_good_order ? 41 : 51;
    b.story.Retire("JPN", absl::StrCat("R-alone-", first), "company", first, first + 9);
    EXPECT_GT(b.story.BookOf("JPN", kPartnership).size(), b.story.BookOf("JPN", kPartnership).cosigned_size());
    b.desk.CheckRemembered("JPN", 0);
    b.site.Start("THA");
    ASSERT_TRUE(Eventually([&] { return b.story.InStep(); })) << b.story.Sizes();
  }
}

void LoseSite(Site& site, const std::string& registry) {
  site.Kill(registry);
  for (const std::string& folder : {site.DataDir(registry), site.SignerDir(registry), site.VaultDir(registry)}) {
    ASSERT_GT(fs::remove_all(folder), 0u) << folder;
  }
}

// Records and names of home, as text.
std::vector<std::string> HomeOf(Story& story, const std::string& registry) {
  std::vector<std::string> home;
  for (const api::Account& account : story.Accounts(registry)) home.push_back(account.SerializeAsString());
  for (const v1::PersonRecord& person : story.Persons(registry)) home.push_back(person.SerializeAsString());
  return home;
}

TEST(LossOfASite, GivesBackEverythingThatWasAcknowledgedAsCosigned) {
  Bilateral b(3);
  b.ActCosigned();
  const History history = b.HistoryOf("JPN");
  const std::vector<std::string> home = HomeOf(b.story, "JPN");
  ASSERT_GT(home.size(), 13u);

  b.site.Stop("THA");
  LoseSite(b.site, "JPN");
  Site::StartOptions options;
  options.after_loss = true;
  b.site.Start("JPN", options);
  EXPECT_FALSE(b.Orders("JPN"));
  EXPECT_EQ(b.story.BookOf("JPN", kPartnership).size(), 0u);
  b.ExpectNeitherOrdersNorSigns("JPN");

  b.site.Start("THA");
  ASSERT_TRUE(Eventually([&] { return b.Orders("JPN"); })) << b.story.Sizes() << b.site.Log("JPN");
  b.ExpectRecovered("JPN", history);
  EXPECT_EQ(HomeOf(b.story, "JPN"), home);
  bool opened = false;
  for (const api::Account& account : b.story.Accounts("JPN")) {
    if (account.record().account_number() != "JP-100-2002-3003-1") continue;
    opened = absl::StrContains(account.holder(), kHolder) && absl::StrContains(account.holder(), kHolderEn);
  }
  EXPECT_TRUE(opened);
  // The persons and accounts that came back act as before.
  b.story.Transfer("JPN", "T-after", "company", "rival", 51, 60, api::WAIT_FOR_COSIGNED);
  EXPECT_TRUE(Eventually([&] { return b.story.InStep(); })) << b.story.Sizes();
}

// The partner's sealed copies are gone with the site that kept them. They are sent again, even if their owner crashes
// as soon as it has seen that.
TEST(LossOfASite, MayBefallOneGovernmentAfterTheOther) {
  Bilateral b(4);
  b.ActCosigned();
  const History japan = b.HistoryOf("JPN");
  const History thailand = b.HistoryOf("THA");
  Site::StartOptions options;
  options.after_loss = true;
  LoseSite(b.site, "JPN");
  b.site.Start("JPN", options);
  ASSERT_TRUE(Eventually([&] { return b.Orders("JPN"); })) << b.story.Sizes() << b.site.Log("JPN");
  b.site.Kill("THA");
  b.site.Start("THA");
  // The first answer says that Japan's node has read Thailand's book anew; the second that all copies are there again.
  for (uint64_t i = 0; i < 2; ++i) {
    b.story.Transfer("THA", absl::StrCat("T-", i), "company", "rival", kIssuedPerSide + 21 + i, kIssuedPerSide + 21 + i,
                     api::WAIT_FOR_COSIGNED);
  }
  LoseSite(b.site, "THA");
  b.site.Start("THA", options);
  ASSERT_TRUE(Eventually([&] { return b.Orders("THA"); })) << b.story.Sizes() << b.site.Log("THA");
  b.ExpectRecovered("THA", thailand);
  b.ExpectRecovered("JPN", japan);
  EXPECT_TRUE(Eventually([&] { return b.story.InStep(); })) << b.story.Sizes();
}

}  // namespace
}  // namespace jcm::faults
