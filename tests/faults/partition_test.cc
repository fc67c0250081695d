// Real registries of three nodes and three etcd members each, every one of them on a machine of its own in a network
// that this test makes, and what befalls such networks: two machines that don't hear each other, one that is cut off
// from the majority, a cable that is pulled, packets that get through in one direction only. Several people act and
// read all the while, through whichever node they happen to ask; the history is checked afterwards (history.h).
//
// Network is made in main, before gRPC has threads.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"
#include "tests/faults/desk.h"
#include "tests/faults/network.h"
#include "tests/faults/site.h"
#include "tests/faults/story.h"

namespace jcm::faults {
namespace {

constexpr uint64_t kSeed = 20'261'125;
constexpr int kReplicas = 3;
constexpr int kClients = 3;  // of JPN; and one of THA
constexpr int kCutSeconds = 5;
constexpr int kRestSeconds = 2;
constexpr uint64_t kSerialsPerClient = 1'000;
constexpr int kActsPerReading = 4;
constexpr int kPauseMs = 50;
// One call in three is given up after so long; the others are made again.
constexpr int kImpatientMs = 700;
constexpr int kCallsMax = 6;
constexpr size_t kActsMin = 100;
constexpr size_t kReadingsMin = 20;

using Time = std::chrono::steady_clock::time_point;

Network* network = nullptr;

std::string BookOf(const std::string& registry) { return absl::StrCat("books/", registry, "/", kPartnership); }

// People who act one after the other and read now and then, until they are told to go home.
class Clients {
 public:
  Clients(Site& site, Desk& desk, Story& story) : site_(site), desk_(desk), story_(story) {}
  ~Clients() { GoHome(); }

  void Come(int client, const std::string& registry) {
    threads_.emplace_back([this, client, registry] { Work(client, registry); });
  }
  void GoHome() {
    going_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  uint64_t answered() const { return answered_; }
  // The longest time in which nobody of JPN was answered, since `since`.
  double LongestSilence(Time since) {
    std::lock_guard<std::mutex> lock(mutex_);
    std::chrono::duration<double> longest{0};
    Time last = since;
    for (const Time at : answers_) {
      if (at < since) continue;
      longest = std::max<std::chrono::duration<double>>(longest, at - last);
      last = at;
    }
    return std::max<std::chrono::duration<double>>(longest, std::chrono::steady_clock::now() - last).count();
  }

 private:
  void Work(int client, const std::string& registry) {
    SeededRandom random(kSeed + static_cast<uint64_t>(client));
    const std::vector<std::string> nodes = site_.NodesOf(registry);
    const std::string from = registry == "JPN" ? "government" : "company";
    const uint64_t base =
        (registry == "JPN" ? 1 : kIssuedPerSide + 1) + static_cast<uint64_t>(client) * kSerialsPerClient;
    for (uint64_t i = 0; i < kSerialsPerClient && !going_; ++i) {
      Act act = story_.CancelAct(registry, absl::StrCat("C-", client, "-", i), from, base + i, base + i);
      act.client = client;
      // Some give up after one call and go on: what became of that act is asked for in the end.
      const bool impatient = random.Below(3) == 0;
      if (desk_.Try(act, impatient ? 1 : kCallsMax, impatient ? kImpatientMs : kCallMs)) {
        ++answered_;
        std::lock_guard<std::mutex> lock(mutex_);
        if (registry == "JPN") answers_.push_back(std::chrono::steady_clock::now());
      }
      if (i % kActsPerReading == 0) {
        story_.TryRead(nodes[random.Below(nodes.size())], desk_.history().NewestAcknowledged(BookOf(registry)));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(kPauseMs));
    }
  }

  Site& site_;
  Desk& desk_;
  Story& story_;
  std::atomic<bool> going_{false};
  std::atomic<uint64_t> answered_{0};
  std::mutex mutex_;
  std::vector<Time> answers_;  // when somebody of JPN was answered
  std::vector<std::thread> threads_;
};

class Partitions : public ::testing::Test {
 protected:
  static SiteOptions Options() {
    SiteOptions options;
    options.replicas = {{"JPN", kReplicas}, {"THA", kReplicas}};
    options.network = network;
    return options;
  }

  std::string Orders(const std::string& registry) {
    std::string node;
    EXPECT_TRUE(Eventually([&] {
      for (const std::string& each : site_.NodesOf(registry)) {
        const api::GetNodeStatusResponse status = site_.TryStatus(each);
        if (status.sequencer().empty()) continue;
        node = absl::StrCat(registry, "/", status.sequencer());
        // As that one says itself.
        return site_.TryStatus(node).sequencer() == status.sequencer();
      }
      return false;
    }));
    return node;
  }
  std::string Other(const std::string& node) {
    for (const std::string& each : site_.NodesOf(node.substr(0, 3))) {
      if (each != node) return each;
    }
    return "";
  }
  std::string EtcdLeader(const std::string& registry) {
    const absl::StatusOr<size_t> leader = site_.etcd(registry).Leader();
    JCM_CHECK(leader.ok());
    return absl::StrCat(registry, "/etcd/", *leader);
  }
  void CutFromEtcd(const std::string& node, bool leave_one) {
    const std::string registry = node.substr(0, 3);
    const std::string leader = EtcdLeader(registry);
    bool left = !leave_one;
    for (int i = 0; i < 3; ++i) {
      const std::string member = absl::StrCat(registry, "/etcd/", i);
      if (!left && member != leader) {
        left = true;
        continue;
      }
      network->Cut(node, member);
    }
  }

  // Makes a cut, waits, and heals it. Somebody is answered while it lasts.
  void During(
      const std::string& what, const std::function<void()>& cut, Clients& clients,
      const std::function<void()>& meanwhile = [] {}) {
    SCOPED_TRACE(what);
    const uint64_t before = clients.answered();
    const auto start = std::chrono::steady_clock::now();
    cut();
    meanwhile();
    std::this_thread::sleep_until(start + std::chrono::seconds(kCutSeconds));
    EXPECT_TRUE(Eventually([&] { return clients.answered() > before; })) << "nobody was answered";
    std::printf("%-75s %3d answered, nobody for %.1f s\n", what.c_str(), static_cast<int>(clients.answered() - before),
                clients.LongestSilence(start));
    std::fflush(stdout);
    network->Heal();
    std::this_thread::sleep_for(std::chrono::seconds(kRestSeconds));
  }

  Site site_{Options()};
  Desk desk_{site_, kSeed};
  Story story_{site_, desk_};
};

TEST_F(Partitions, LoseNothingAndLeaveNobodyWithoutAnAnswer) {
  SCOPED_TRACE(absl::StrCat("seed ", kSeed));
  for (const char* registry : {"JPN", "THA"}) site_.Start(registry);
  story_.SetUp();
  ASSERT_TRUE(Eventually([&] { return story_.InStep(); }, 60)) << story_.Sizes();
  Clients clients(site_, desk_, story_);
  for (int i = 1; i <= kClients; ++i) clients.Come(i, "JPN");
  clients.Come(kClients + 1, "THA");

  std::string orders = Orders("JPN");
  During(
      "the node that orders and a sibling do not hear each other", [&] { network->Cut(orders, Other(orders)); },
      clients);
  orders = Orders("JPN");
  During(
      "the node that orders is cut off from etcd's leader", [&] { network->Cut(orders, EtcdLeader("JPN")); }, clients);
  orders = Orders("JPN");
  During(
      "the node that orders is cut off from the majority of etcd", [&] { CutFromEtcd(orders, true); }, clients);
  orders = Orders("JPN");
  During(
      "nothing from the node that orders gets through, all comes in",
      [&] {
        for (const std::string& each : site_.NodesOf("JPN")) {
          if (each != orders) network->CutOneWay(orders, each);
        }
        for (int i = 0; i < 3; ++i) network->CutOneWay(orders, absl::StrCat("JPN/etcd/", i));
      },
      clients);
  const std::string leader = EtcdLeader("JPN");
  During(
      "etcd's leader is cut off from the other members",
      [&] {
        for (int i = 0; i < 3; ++i) {
          const std::string member = absl::StrCat("JPN/etcd/", i);
          if (member != leader) network->Cut(leader, member);
        }
      },
      clients);
  orders = Orders("JPN");
  During(
      "the machine of the node that orders has no link at all", [&] { network->PullPlug(orders); }, clients);
  During(
      "the governments' nodes that order do not hear each other; others do",
      [&] { network->Cut(Orders("JPN"), Orders("THA")); }, clients,
      [&] {
        // The other government still signs for what is done now.
        story_.Cancel("JPN", "C-cosigned", "government", kSerialsPerClient - 1, kSerialsPerClient - 1,
                      api::WAIT_FOR_COSIGNED);
      });
  clients.GoHome();

  desk_.ResolveUnknown();
  ASSERT_TRUE(Eventually([&] { return story_.InStep(); }, 60)) << story_.Sizes();
  for (const std::string registry : {"JPN", "THA"}) {
    SCOPED_TRACE(registry);
    EXPECT_EQ(story_.CheckHistory(registry), "");
    EXPECT_EQ(desk_.CheckRemembered(registry, 0), desk_.AcknowledgedBy(registry).size());
    for (const std::string& node : site_.NodesOf(registry)) {
      const api::GetNodeStatusResponse status = site_.Status(node);
      EXPECT_EQ(status.quarantine(), "");
      EXPECT_EQ(status.failure(), "");
      for (const api::PartnerStatus& partner : status.partners()) EXPECT_EQ(partner.halt(), "");
    }
  }
  std::printf("%d acts, %d of them with an outcome that was unknown at first; %d readings\n",
              static_cast<int>(desk_.history().acts()), static_cast<int>(desk_.history().unknown()),
              static_cast<int>(desk_.history().readings()));
  EXPECT_GE(desk_.history().acts(), kActsMin);
  EXPECT_GE(desk_.history().unknown(), 1u) << "no outcome was unknown: the clients were too patient";
  EXPECT_GE(desk_.history().readings(), kReadingsMin);
}

}  // namespace
}  // namespace jcm::faults

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  jcm::faults::Network network;
  jcm::faults::network = &network;
  return RUN_ALL_TESTS();
}
