// Faults under a seed: lossy network, crashes at any moment, partitions; afterwards both books agree and no
// acknowledged act is lost or done twice. A failure prints its seed.
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/simulation/story.h"

namespace jcm::simulation {
namespace {

constexpr uint64_t kSeeds = 12;
constexpr int kOperationsPerSeed = 60;

void RunSeed(uint64_t seed) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  World world(seed);
  Node& japan = world.Add("JPN", {{"TH", "THA"}});
  Node& thailand = world.Add("THA", {{"TH", "JPN"}});
  Story story(world, "TH", seed % 2 == 0 ? "JPN" : "THA", seed % 2 == 0 ? "THA" : "JPN");
  world.Start();
  story.SetUp("TH014", 2021);
  Decided decided = story.DecideInMeeting(
      "D-1", "TH014", 2021,
      {{v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "THA", 600}, {v1::PARTY_KIND_PARTICIPANT, "THA", 400}});
  story.Must(story.Issue(thailand, decided, {{1, "government"}, {2, "company"}}), "issue");
  story.Must(story.Authorize("AUTH", "TH014", 1000, 2021), "authorize");

  world.Disturb(/*lost_permille=*/100, /*delay_max_us=*/300'000);
  Random& random = world.random();
  std::map<std::string, uint64_t> acknowledged;  // transfers by id, first serial
  uint64_t next_serial = 1;
  for (int i = 0; i < kOperationsPerSeed; ++i) {
    Node& node = random.Below(2) == 0 ? japan : thailand;
    switch (random.Below(6)) {
      case 0:
        node.Kill(random.Below(3));
        world.Run(random.Below(400'000));
        ASSERT_TRUE(node.Restart().ok());
        break;
      case 1:
        world.Cut("JPN", "THA", random.Below(2) == 0);
        break;
      case 2:
      case 3: {
        if (next_serial + 20 > 600) break;
        const std::string id = absl::StrCat("X-", i);
        absl::Status init =
            story.InitTransfer(thailand, id, "government", "AUTH", Range(decided.lot_id, next_serial, next_serial + 9));
        ASSERT_TRUE(init.ok()) << ToText(init);
        acknowledged[id] = next_serial;
        next_serial += 10;
        break;
      }
      case 4:
        world.Run(random.Below(2'000'000));
        break;
      case 5: {
        for (const auto& entry : acknowledged) {
          absl::Status accepted = story.AcceptTransfer(japan, entry.first, "government");
          EXPECT_TRUE(accepted.ok() || HasReason(accepted, Reason::TRANSFER_UNKNOWN) ||
                      HasReason(accepted, Reason::TRANSFER_ALREADY_ANSWERED) ||
                      HasReason(accepted, Reason::TRANSFER_DECIDED) || HasReason(accepted, Reason::ALREADY_EXISTS))
              << ToText(accepted);
        }
        break;
      }
    }
  }
  // The faults end: everything comes to rest, and both sides agree.
  world.Cut("JPN", "THA", false);
  world.Disturb(0, 5'000);
  ASSERT_TRUE(world.RunUntil([&] { return story.InStep(); }, 300'000'000));
  for (const auto& entry : acknowledged) {
    absl::Status accepted = story.AcceptTransfer(japan, entry.first, "government");
    EXPECT_TRUE(accepted.ok() || HasReason(accepted, Reason::TRANSFER_ALREADY_ANSWERED) ||
                HasReason(accepted, Reason::ALREADY_EXISTS) || HasReason(accepted, Reason::TRANSFER_DECIDED))
        << entry.first << ": " << ToText(accepted);
  }
  ASSERT_TRUE(world.RunUntil([&] { return story.InStep(); }, 300'000'000));
  EXPECT_EQ(story.TonnesIn(japan, v1::BLOCK_STATE_HELD), 10 * acknowledged.size());
  EXPECT_EQ(story.TonnesIn(thailand, v1::BLOCK_STATE_SENT), 10 * acknowledged.size());
  EXPECT_EQ(story.TonnesIn(thailand, v1::BLOCK_STATE_HELD), 1000 - 10 * acknowledged.size());
  EXPECT_EQ(story.TonnesIn(thailand, v1::BLOCK_STATE_IN_TRANSIT), 0u);
  for (Node* node : {&japan, &thailand}) EXPECT_EQ(node->core().Status().partners[0].halt, "");
}

class Chaos : public testing::TestWithParam<uint64_t> {};

TEST_P(Chaos, LosesNothingAndRepeatsNothing) { RunSeed(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Seeds, Chaos, testing::Range<uint64_t>(1, kSeeds + 1));

}  // namespace
}  // namespace jcm::simulation
