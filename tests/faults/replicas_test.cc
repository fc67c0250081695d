// Real registries of three nodes each over three real etcd members each, all on this machine: any node or member may be
// killed or paused, and another one answers. A person acts all the while; the history is checked afterwards.
//
// JCM_KILLS=100 makes the long run, in which the time without service is judged too (3 s); by default 20 faults are
// made and only loss, repetition and recovery are judged.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"
#include "tests/faults/desk.h"
#include "tests/faults/site.h"
#include "tests/faults/story.h"

namespace jcm::faults {
namespace {

constexpr uint64_t kSeed = 20'260'630;
constexpr uint64_t kFaults = 20;
constexpr uint64_t kLongRunFaults = 100;
constexpr double kServiceBackSeconds = 3;
constexpr int kReplicas = 3;
constexpr size_t kOlderActsChecked = 10;

uint64_t Faults() {
  const char* wanted = std::getenv("JCM_KILLS");
  uint64_t faults = kFaults;
  if (wanted != nullptr && !absl::SimpleAtoi(wanted, &faults)) faults = kFaults;
  return faults;
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Something of one registry that can fail, and come back.
struct Victim {
  enum class Kind { kNode, kPausedNode, kEtcdMember, kEtcdLeader };
  Kind kind;
  std::string registry;
  size_t at;  // replica from 1, or member from 0

  std::string ToString() const {
    const char* const names[] = {"node killed", "node paused", "etcd member killed", "etcd leader killed"};
    return absl::StrCat(registry, " ", at, " ", names[static_cast<int>(kind)]);
  }
};

Victim Draw(Site& site, Random& random) {
  Victim victim;
  victim.registry = random.Below(2) == 0 ? "JPN" : "THA";
  victim.kind = static_cast<Victim::Kind>(random.Below(4));
  victim.at = 1 + random.Below(kReplicas);
  if (victim.kind == Victim::Kind::kEtcdMember) victim.at = random.Below(3);
  if (victim.kind == Victim::Kind::kEtcdLeader) {
    const absl::StatusOr<size_t> leader = site.etcd(victim.registry).Leader();
    JCM_CHECK(leader.ok());
    victim.at = *leader;
  }
  return victim;
}

void Break(Site& site, const Victim& victim) {
  const std::string node = absl::StrCat(victim.registry, "/", victim.at);
  switch (victim.kind) {
    case Victim::Kind::kNode:
      return site.Kill(node);
    case Victim::Kind::kPausedNode:
      return site.Pause(node);
    default:
      return site.etcd(victim.registry).Kill(victim.at);
  }
}

void Mend(Site& site, const Victim& victim) {
  const std::string node = absl::StrCat(victim.registry, "/", victim.at);
  switch (victim.kind) {
    case Victim::Kind::kNode:
      return site.Start(node);
    case Victim::Kind::kPausedNode:
      return site.Resume(node);
    default:
      JCM_CHECK(site.etcd(victim.registry).Restart(victim.at).ok());
      JCM_CHECK(site.etcd(victim.registry).WaitUntilHealthy().ok());
  }
}

TEST(Replicas, ServeOnWithoutOneNodeOrOneMemberAndLoseNothing) {
  SCOPED_TRACE(absl::StrCat("seed ", kSeed));
  Site site(kReplicas);
  Desk desk(site, kSeed);
  Story story(site, desk);
  for (const char* registry : {"JPN", "THA"}) site.Start(registry);
  story.SetUp();

  SeededRandom random(kSeed);
  const uint64_t faults = Faults();
  std::map<std::string, size_t> checked;
  std::map<std::string, uint64_t> cancelled;
  std::vector<double> seconds;
  for (uint64_t i = 0; i < faults; ++i) {
    const Victim victim = Draw(site, random);
    Break(site, victim);
    const auto broken = std::chrono::steady_clock::now();
    // Through whichever node still runs.
    const uint64_t serial = (victim.registry == "JPN" ? 1 : kIssuedPerSide + 1) + 2 * i;
    const std::string from = victim.registry == "JPN" ? "government" : "company";
    story.Cancel(victim.registry, absl::StrCat("C-", i, "-a"), from, serial, serial);
    seconds.push_back(SecondsSince(broken));
    std::printf("%3d of %3d: %-26s back after %.2f s\n", static_cast<int>(i + 1), static_cast<int>(faults),
                victim.ToString().c_str(), seconds.back());
    story.Cancel(victim.registry, absl::StrCat("C-", i, "-b"), from, serial + 1, serial + 1);
    cancelled[victim.registry] += 2;
    size_t& at = checked[victim.registry];
    at = desk.CheckRemembered(victim.registry, at > kOlderActsChecked ? at - kOlderActsChecked : 0);
    // From one of the nodes that run; the history says whether it may show that.
    const std::string book = absl::StrCat("books/", victim.registry, "/", kPartnership);
    const std::string node = absl::StrCat(victim.registry, "/", 1 + victim.at % kReplicas);
    EXPECT_TRUE(story.TryRead(node, desk.history().NewestAcknowledged(book))) << node;
    Mend(site, victim);
  }
  ASSERT_TRUE(Eventually([&] { return story.InStep(); }, 60)) << story.Sizes();

  for (const std::string registry : {"JPN", "THA"}) {
    SCOPED_TRACE(registry);
    EXPECT_EQ(desk.CheckRemembered(registry, 0), desk.AcknowledgedBy(registry).size());
    EXPECT_EQ(story.CheckHistory(registry), "");
    EXPECT_EQ(story.TonnesByState(registry)[v1::BLOCK_STATE_CANCELLED], cancelled[registry]);
    for (int replica = 1; replica <= kReplicas; ++replica) {
      const api::GetNodeStatusResponse status = site.Status(absl::StrCat(registry, "/", replica));
      EXPECT_EQ(status.quarantine(), "");
      EXPECT_EQ(status.failure(), "");
      for (const api::PartnerStatus& partner : status.partners()) EXPECT_EQ(partner.halt(), "");
    }
  }
  std::sort(seconds.begin(), seconds.end());
  std::printf("service back after: median %.2f s, largest %.2f s, over %d faults\n", seconds[seconds.size() / 2],
              seconds.back(), static_cast<int>(seconds.size()));
  RecordProperty("largest_ms", static_cast<int>(seconds.back() * 1000));
  if (faults >= kLongRunFaults) {
    EXPECT_LT(seconds.back(), kServiceBackSeconds);
  }
}

TEST(Replicas, ANodeWithAnEmptyDiskJoinsFromASiblingWhenTheLogHasGoneOn) {
  Site site(kReplicas);
  Desk desk(site, kSeed + 1);
  Story story(site, desk);
  for (const char* registry : {"JPN", "THA"}) site.Start(registry);
  story.SetUp();
  ASSERT_TRUE(Eventually([&] { return story.InStep(); }, 60)) << story.Sizes();
  site.Kill("THA/2");
  for (const std::string& folder : {site.DataDir("THA/2"), site.SignerDir("THA/2"), site.VaultDir("THA/2")}) {
    std::filesystem::remove_all(folder);
  }
  // What the log no longer has: its beginning.
  site.TrimLog("THA");
  story.Cancel("THA", "C-1", "company", kIssuedPerSide + 1, kIssuedPerSide + 1);
  site.Start("THA/2");
  ASSERT_TRUE(Eventually(
      [&] {
        const api::GetNodeStatusResponse joined = site.TryStatus("THA/2");
        const api::GetNodeStatusResponse other = site.Status("THA/1");
        return !joined.replica().empty() && joined.failure().empty() && joined.caught_up() &&
               joined.applied_index() == other.applied_index();
      },
      60))
      << site.TryStatus("THA/2").ShortDebugString() << site.Log("THA/2");
  // It signs again: with it and one other there are two of three.
  site.Kill("THA/3");
  story.Cancel("THA", "C-2", "company", kIssuedPerSide + 2, kIssuedPerSide + 2);
  ASSERT_TRUE(Eventually([&] { return story.InStep(); }, 60)) << story.Sizes() << site.Log("THA/2");
}

}  // namespace
}  // namespace jcm::faults
