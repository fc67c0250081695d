// Two registries whose nodes are killed with SIGKILL again and again, at moments that a seed draws, while people go on
// acting. Nothing that was acknowledged is lost, nothing is done twice, and both books agree in the end.
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/random.h"
#include "tests/faults/desk.h"
#include "tests/faults/site.h"
#include "tests/faults/story.h"

namespace jcm::faults {
namespace {

constexpr uint64_t kSeed = 20'251'030;
constexpr uint64_t kKills = 60;
constexpr uint64_t kCallsBetweenKillsMax = 30;
constexpr uint64_t kRoundsPerKill = 4;  // of each worker, so that checking everything again stays affordable
constexpr uint64_t kMomentMicrosMax = 5'000;
constexpr size_t kOlderActsChecked = 20;

// Lets the workers act, a few rounds for each kill.
class Pace {
 public:
  void Allow(uint64_t rounds) {
    std::lock_guard<std::mutex> lock(mutex_);
    allowed_ = rounds;
    changed_.notify_all();
  }
  void End() {
    std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  // Waits until this round may begin. False: the story is over.
  bool Next(uint64_t round) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || round < allowed_; });
    return !ended_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t allowed_ = 0;
  bool ended_ = false;
};

// What the workers have had acknowledged; each worker writes its own.
struct Tally {
  std::vector<std::string> transfers;
  std::vector<std::string> retirements;
  std::vector<std::string> cancellations;
  uint64_t retired = 0;
  uint64_t cancelled = 0;
  uint64_t sent = 0;
};

// Domestic acts on a slice of serials that no other worker touches: a chain of transfers, then an end.
void ActAtHome(Story& story, const std::string& registry, uint64_t first, Pace& pace, Tally* tally) {
  const std::string start = registry == "JPN" ? "government" : "company";
  for (uint64_t i = 0; pace.Next(i); ++i) {
    const uint64_t from = first + 3 * i;
    const std::string id = absl::StrCat(registry, "-", i);
    story.Transfer(registry, id + "-a", start, "rival", from, from + 2);
    tally->transfers.push_back(id + "-a");
    if (i % 3 == 0) {
      story.Retire(registry, id, "rival", from, from + 1);
      tally->retirements.push_back(id);
      tally->retired += 2;
    } else if (i % 3 == 1) {
      story.Cancel(registry, id, "rival", from + 2, from + 2);
      tally->cancellations.push_back(id);
      tally->cancelled += 1;
    } else {
      story.Transfer(registry, id + "-b", "rival", registry == "JPN" ? "company" : "government", from, from);
      tally->transfers.push_back(id + "-b");
    }
  }
}

// Cross-border transfers of small ranges, each accepted as soon as Japan's book knows it.
void ActAcrossTheBorder(Story& story, const std::string& name, uint64_t first, Pace& pace, Tally* tally) {
  for (uint64_t i = 0; pace.Next(i); ++i) {
    const std::string id = absl::StrCat("X-", name, "-", i);
    story.InitTransfer(id, first + 2 * i, first + 2 * i + 1);
    story.AcceptTransfer(id);
    tally->sent += 2;
  }
}

std::vector<std::string> Sorted(std::vector<std::string> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

// Each act that was acknowledged is one entry of a book, where it was said to be, and the books have no other acts.
void CheckEntries(Story& story, const Desk& desk, const std::string& registry) {
  std::map<std::string, std::vector<api::Entry>> entries;
  size_t commands = 0;
  for (const char* partnership : {"home", kPartnership}) {
    const std::string book = absl::StrCat("books/", registry, "/", partnership);
    entries[book] = story.Entries(registry, partnership);
    for (const api::Entry& entry : entries[book]) commands += entry.kind() == "COMMAND" ? 1 : 0;
  }
  std::set<std::pair<std::string, uint64_t>> places;
  for (const Acknowledged& done : desk.AcknowledgedBy(registry)) {
    for (const api::PartResult& result : done.answer.results()) {
      const std::vector<api::Entry>& book = entries[result.book()];
      ASSERT_LT(result.sequence(), book.size()) << done.act.what;
      EXPECT_EQ(book[result.sequence()].leaf_hash(), result.leaf_hash()) << done.act.what;
      EXPECT_TRUE(places.emplace(result.book(), result.sequence()).second) << done.act.what;
    }
  }
  EXPECT_EQ(commands, places.size()) << registry << " has acts that nobody asked for, or has one twice";
}

TEST(Kill, LosesNoAcknowledgedActRepeatsNoneAndCatchesUp) {
  SCOPED_TRACE(absl::StrCat("seed ", kSeed));
  Site site;
  Desk desk(site, kSeed);
  Story story(site, desk);
  for (const char* registry : {"JPN", "THA"}) site.Start(registry);

  Pace pace;
  Tally tallies[4];
  std::thread people([&] {
    story.SetUp();
    std::thread workers[] = {
        std::thread([&] { ActAtHome(story, "JPN", 1, pace, &tallies[0]); }),
        std::thread([&] { ActAtHome(story, "THA", kIssuedPerSide + 1, pace, &tallies[1]); }),
        std::thread([&] { ActAcrossTheBorder(story, "a", kIssuedPerSide + 50'001, pace, &tallies[2]); }),
        std::thread([&] { ActAcrossTheBorder(story, "b", kIssuedPerSide + 75'001, pace, &tallies[3]); }),
    };
    for (std::thread& worker : workers) worker.join();
  });

  SeededRandom random(kSeed);
  std::map<std::string, size_t> checked;
  for (uint64_t kill = 0; kill < kKills; ++kill) {
    pace.Allow((kill + 1) * kRoundsPerKill);
    const std::string victim = random.Below(2) == 0 ? "JPN" : "THA";
    const uint64_t calls = desk.calls() + 1 + random.Below(kCallsBetweenKillsMax);
    // The workers may be through with their rounds first; then the kill meets registries that only talk to each other.
    Eventually([&] { return desk.calls() >= calls; }, 1);
    // The moment of the fault, anywhere between two calls; nothing waits for it.
    usleep(static_cast<useconds_t>(random.Below(kMomentMicrosMax)));
    site.Kill(victim);
    site.Start(victim);
    size_t& from = checked[victim];
    from = desk.CheckRemembered(victim, from > kOlderActsChecked ? from - kOlderActsChecked : 0);
  }
  pace.End();
  people.join();

  ASSERT_TRUE(Eventually([&] { return story.TonnesByState("THA")[v1::BLOCK_STATE_IN_TRANSIT] == 0; })) << story.Sizes();
  uint64_t sent = 0;
  for (const Tally& tally : tallies) sent += tally.sent;
  ASSERT_TRUE(Eventually([&] {
    auto tonnes = story.TonnesByState("JPN");
    return tonnes[v1::BLOCK_STATE_HELD] == kIssuedPerSide - tallies[0].retired - tallies[0].cancelled + sent;
  })) << story.Sizes();
  ASSERT_TRUE(Eventually([&] { return story.InStep(); })) << story.Sizes();

  for (int side = 0; side < 2; ++side) {
    const std::string registry = side == 0 ? "JPN" : "THA";
    SCOPED_TRACE(registry);
    desk.CheckRemembered(registry, 0);
    CheckEntries(story, desk, registry);
    EXPECT_EQ(Sorted(story.TransferIds(registry)), Sorted(tallies[side].transfers));
    EXPECT_EQ(Sorted(story.RetirementIds(registry)), Sorted(tallies[side].retirements));
    EXPECT_EQ(Sorted(story.CancellationIds(registry)), Sorted(tallies[side].cancellations));
    auto tonnes = story.TonnesByState(registry);
    EXPECT_EQ(tonnes[v1::BLOCK_STATE_RETIRED], tallies[side].retired);
    EXPECT_EQ(tonnes[v1::BLOCK_STATE_CANCELLED], tallies[side].cancelled);
    EXPECT_EQ(tonnes[v1::BLOCK_STATE_IN_TRANSIT], 0u);
    EXPECT_EQ(tonnes[v1::BLOCK_STATE_SENT], side == 0 ? 0 : sent);
    const api::GetNodeStatusResponse status = site.Status(registry);
    for (const api::PartnerStatus& partner : status.partners()) EXPECT_EQ(partner.halt(), "");
    for (const std::string& warning : status.warnings()) ADD_FAILURE() << warning;
  }
  EXPECT_GT(sent, 0u);
  EXPECT_GT(desk.repeats(), 0u) << "no act was ever interrupted";
  RecordProperty("calls", static_cast<int>(desk.calls()));
  RecordProperty("acts", static_cast<int>(desk.AcknowledgedBy("JPN").size() + desk.AcknowledgedBy("THA").size()));
  RecordProperty("interrupted", static_cast<int>(desk.repeats()));
}

}  // namespace
}  // namespace jcm::faults
