#include "services/joint_committee/decision_view.h"

#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

constexpr char kId[] = "TH-E1";

void Put(state::MapState* state, uint32_t table, const std::string& key, const google::protobuf::MessageLite& record) {
  const auto old_value = *static_cast<const state::StateReader&>(*state).Get(table, key);
  v1::Effects effects;
  v1::Effect* effect = effects.add_effects();
  effect->set_table(table);
  effect->set_key(key);
  if (old_value.has_value()) effect->set_old_value(*old_value);
  effect->set_new_value(record.SerializeAsString());
  ASSERT_TRUE(state->Apply(effects).ok());
}

v1::DecisionRecord Decision(v1::DecisionState decision_state) {
  v1::DecisionRecord decision;
  decision.set_decision_id(kId);
  decision.set_mode(v1::DECISION_MODE_ELECTRONIC);
  decision.set_text_digest("digest-2");
  decision.set_text_version(2);
  decision.set_state(decision_state);
  return decision;
}

v1::ReactionRecord Reaction(v1::ReactionState reaction_state, const std::string& text_digest) {
  v1::ReactionRecord reaction;
  reaction.set_decision_id(kId);
  reaction.set_state(reaction_state);
  reaction.set_text_digest(text_digest);
  return reaction;
}

v1::VoteRecord Vote(const std::string& member, v1::Vote vote, const std::string& text_digest) {
  v1::VoteRecord record;
  record.set_member_id(member);
  record.set_vote(vote);
  record.set_text_digest(text_digest);
  return record;
}

// Japan's view; Japan owns the decision.
std::string WaitsFor(const state::MapState& state) { return ViewDecision(state, "JPN", "THA", kId)->waits_for(); }

TEST(DecisionView, SaysStepByStepWhatIsMissing) {
  state::MapState state;
  Put(&state, v1::TABLE_DECISION, kId, Decision(v1::DECISION_STATE_OPEN));
  EXPECT_EQ(WaitsFor(state), "distribution by THA");
  Put(&state, state::Shadow(v1::TABLE_REACTION), kId, Reaction(v1::REACTION_STATE_DISTRIBUTED, "digest-1"));
  EXPECT_EQ(WaitsFor(state), "distribution by THA") << "an older text was distributed";
  Put(&state, state::Shadow(v1::TABLE_REACTION), kId, Reaction(v1::REACTION_STATE_DISTRIBUTED, "digest-2"));
  Put(&state, v1::TABLE_VOTE, "TH-E1/1", Vote("a", v1::VOTE_YES, "digest-2"));
  Put(&state, v1::TABLE_VOTE, "TH-E1/2", Vote("b", v1::VOTE_YES, "digest-1"));
  Put(&state, v1::TABLE_VOTE, "TH-E1/3", Vote("c", v1::VOTE_NO, "digest-2"));
  Put(&state, v1::TABLE_VOTE, "TH-E10/1", Vote("d", v1::VOTE_YES, "digest-2"));
  EXPECT_EQ(WaitsFor(state), "votes on text 2 (yes so far: own side 1, other side 0) and the outcome");
  EXPECT_EQ(ViewDecision(state, "JPN", "THA", kId)->own_votes_size(), 3);
  Put(&state, v1::TABLE_DECISION, kId, Decision(v1::DECISION_STATE_ADOPTED));
  EXPECT_EQ(WaitsFor(state), "confirmation of the outcome by THA");
  Put(&state, state::Shadow(v1::TABLE_REACTION), kId, Reaction(v1::REACTION_STATE_CONFIRMED, "digest-2"));
  EXPECT_EQ(WaitsFor(state), "");
}

TEST(DecisionView, SaysWhyNothingWillCome) {
  state::MapState state;
  Put(&state, v1::TABLE_DECISION, kId, Decision(v1::DECISION_STATE_ADOPTED));
  Put(&state, state::Shadow(v1::TABLE_REACTION), kId, Reaction(v1::REACTION_STATE_DISPUTED, "digest-2"));
  EXPECT_NE(WaitsFor(state).find("disputed"), std::string::npos);
  Put(&state, v1::TABLE_DECISION, kId, Decision(v1::DECISION_STATE_NOT_ADOPTED));
  EXPECT_NE(WaitsFor(state).find("not adopted"), std::string::npos);
  Put(&state, v1::TABLE_DECISION, kId, Decision(v1::DECISION_STATE_WITHDRAWN));
  EXPECT_NE(WaitsFor(state).find("withdrawn"), std::string::npos);
}

TEST(DecisionView, LooksAtADecisionOfTheOtherSideTheOtherWayRound) {
  state::MapState state;
  Put(&state, state::Shadow(v1::TABLE_DECISION), kId, Decision(v1::DECISION_STATE_ADOPTED));
  Put(&state, v1::TABLE_REACTION, kId, Reaction(v1::REACTION_STATE_DISTRIBUTED, "digest-2"));
  Put(&state, state::Shadow(v1::TABLE_VOTE), "TH-E1/1", Vote("a", v1::VOTE_YES, "digest-2"));
  const api::GetDecisionResponse view = *ViewDecision(state, "JPN", "THA", kId);
  EXPECT_EQ(view.owner_registry(), "THA");
  EXPECT_EQ(view.reaction().state(), v1::REACTION_STATE_DISTRIBUTED);
  EXPECT_EQ(view.peer_votes_size(), 1);
  EXPECT_EQ(view.waits_for(), "confirmation of the outcome by JPN");
}

TEST(DecisionView, KnowsNoOther) {
  EXPECT_TRUE(HasReason(ViewDecision(state::MapState(), "JPN", "THA", kId).status(), Reason::NOT_FOUND));
}

}  // namespace
}  // namespace jcm::services
