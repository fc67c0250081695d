// Electronic decisions under faults: votes, amendments, withdrawals, days that pass, crashes and partitions in an order
// that the seed decides. Afterwards nothing is stuck, and the outcome that the two books state is the one that all
// votes together give.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/simulation/story.h"

namespace jcm::simulation {
namespace {

constexpr uint64_t kSeeds = 24;
constexpr int kStepsPerSeed = 30;
constexpr uint64_t kDayMicros = 24ull * 3600 * 1'000'000;

// Refusals that are part of the game: the act came too early, too late, twice, or on another text.
bool Expected(const absl::Status& status) {
  if (status.ok()) return true;
  for (Reason reason :
       {Reason::DECISION_UNKNOWN, Reason::DECISION_NOT_OPEN, Reason::DECISION_TEXT_MISMATCH, Reason::VOTE_NOT_ALLOWED,
        Reason::ALREADY_EXISTS, Reason::OUTCOME_DIFFERS, Reason::DECISION_NOT_CONFIRMED}) {
    if (HasReason(status, reason)) return true;
  }
  return false;
}

struct Seen {
  absl::optional<v1::DecisionRecord> decision;
  absl::optional<v1::ReactionRecord> reaction;
};

// The decision as a node's own book and its shadows have it.
Seen Look(Story& story, Node& node, bool owner, const std::string& id) {
  auto state = node.core().View()->State({node.registry(), story.partnership()});
  const uint32_t decision = owner ? uint32_t{v1::TABLE_DECISION} : state::Shadow(v1::TABLE_DECISION);
  const uint32_t reaction = owner ? state::Shadow(v1::TABLE_REACTION) : uint32_t{v1::TABLE_REACTION};
  return {*state->Get<v1::DecisionRecord>(decision, id), *state->Get<v1::ReactionRecord>(reaction, id)};
}

void RandomStep(World& world, Story& story, std::vector<Decided>& texts, int* amendments) {
  Random& random = world.random();
  Node& owner = story.owner();
  Node& peer = story.peer();
  Node& either = random.Below(2) == 0 ? owner : peer;
  const Decided& text = texts[random.Below(texts.size())];
  absl::Status status;
  switch (random.Below(12)) {
    case 0:
      either.Kill(random.Below(3));
      world.Run(random.Below(300'000));
      JCM_CHECK(either.Restart().ok());
      break;
    case 1:
      world.Cut("JPN", "THA", random.Below(3) == 0);
      break;
    case 2:
      world.AdvanceTo(BookTime::FromMicros(world.clock().Now().micros + random.Below(4 * kDayMicros)));
      break;
    case 3:
      if (*amendments < 2 && random.Below(3) == 0) {
        ++*amendments;
        Decided amended = story.Text(
            texts[0].decision_id, "TH014", 2021,
            {{v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "JPN", 100 + texts.size()}, {v1::PARTY_KIND_PARTICIPANT, "THA", 50}});
        status = story.Amend(amended);
        if (status.ok()) texts.push_back(amended);
      }
      break;
    case 4:
      status = story.Distribute(text);
      break;
    case 5:
      if (random.Below(8) == 0) status = story.Withdraw(texts[0]);
      break;
    case 6:
      status = story.TryConfirm(text,
                                random.Below(3) == 0 ? v1::DECISION_OUTCOME_NOT_ADOPTED : v1::DECISION_OUTCOME_ADOPTED);
      break;
    default:
      status = story.TryVote(either, text, random.Below(2) == 0 ? "chair" : "member",
                             random.Below(6) == 0 ? v1::VOTE_NO : v1::VOTE_YES);
  }
  EXPECT_TRUE(Expected(status)) << ToText(status);
}

class DecisionChaos : public testing::TestWithParam<uint64_t> {};

TEST_P(DecisionChaos, LeavesNothingStuckAndBothSidesAgreed) {
  const uint64_t seed = GetParam();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  World world(seed);
  Node& japan = world.Add("JPN", {{"TH", "THA"}});
  Node& thailand = world.Add("THA", {{"TH", "JPN"}});
  Story story(world, "TH", seed % 2 == 0 ? "JPN" : "THA", seed % 2 == 0 ? "THA" : "JPN");
  world.Start();
  story.SetUp("TH014", 2021);
  std::vector<Decided> texts = {
      story.Text("E-1", "TH014", 2021,
                 {{v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "JPN", 100}, {v1::PARTY_KIND_PARTICIPANT, "THA", 50}})};
  story.Must(story.OpenElectronic(texts[0]), "open");
  world.Disturb(/*lost_permille=*/50, /*delay_max_us=*/100'000);
  int amendments = 0;
  for (int i = 0; i < kStepsPerSeed; ++i) RandomStep(world, story, texts, &amendments);

  world.Cut("JPN", "THA", false);
  world.Disturb(0, 5'000);
  ASSERT_TRUE(world.RunUntil([&] { return story.InStep(); }, 300'000'000));
  // Whatever is still open ends at the long stop, once the other side has had the text.
  EXPECT_TRUE(Expected(story.Distribute(texts.back())));
  world.AdvanceTo(BookTime::FromMicros(world.clock().Now().micros + 92 * kDayMicros));
  ASSERT_TRUE(world.RunUntil([&] { return story.InStep(); }, 300'000'000));

  const Seen owner = Look(story, story.owner(), true, "E-1");
  const Seen peer = Look(story, story.peer(), false, "E-1");
  ASSERT_TRUE(owner.decision.has_value() && peer.decision.has_value());
  EXPECT_NE(owner.decision->state(), v1::DECISION_STATE_OPEN) << owner.decision->ShortDebugString();
  EXPECT_EQ(state::Serialise(*owner.decision), state::Serialise(*peer.decision));
  ASSERT_EQ(owner.reaction.has_value(), peer.reaction.has_value());
  if (owner.reaction.has_value()) {
    EXPECT_EQ(state::Serialise(*owner.reaction), state::Serialise(*peer.reaction));
  }
  // The peer's own computation gives the outcome that the owner has written.
  if (owner.decision->state() == v1::DECISION_STATE_ADOPTED ||
      owner.decision->state() == v1::DECISION_STATE_NOT_ADOPTED) {
    const bool adopted = owner.decision->state() == v1::DECISION_STATE_ADOPTED;
    Decided last = texts.back();
    if (peer.reaction->state() == v1::REACTION_STATE_DISTRIBUTED) {
      EXPECT_TRUE(
          HasReason(story.TryConfirm(last, adopted ? v1::DECISION_OUTCOME_NOT_ADOPTED : v1::DECISION_OUTCOME_ADOPTED),
                    Reason::OUTCOME_DIFFERS));
      absl::Status confirmed =
          story.TryConfirm(last, adopted ? v1::DECISION_OUTCOME_ADOPTED : v1::DECISION_OUTCOME_NOT_ADOPTED);
      EXPECT_TRUE(confirmed.ok()) << ToText(confirmed);
    }
  }
  for (Node* node : {&japan, &thailand}) EXPECT_EQ(node->core().Status().partners[0].halt, "");
}

INSTANTIATE_TEST_SUITE_P(Seeds, DecisionChaos, testing::Range<uint64_t>(1, kSeeds + 1));

}  // namespace
}  // namespace jcm::simulation
