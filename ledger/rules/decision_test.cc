#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

std::string DocumentText(const std::string& title) {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_DOCUMENT);
  text.set_title(title);
  text.set_document_digest(std::string(32, 'd'));
  return state::Serialise(text);
}

std::string DigestOf(const std::string& bytes) {
  const Digest digest = Sha256(bytes);
  return std::string(AsBytes(digest));
}

v1::Command OpenCommand(const std::string& id) {
  v1::Command command;
  v1::OpenDecision* open = command.mutable_open_decision();
  open->set_decision_id(id);
  open->set_mode(v1::DECISION_MODE_ELECTRONIC);
  open->set_rulebook_version("TH/1");
  open->set_text(DocumentText("Rules of procedure"));
  return command;
}

const std::string& TextDigest() {
  static const std::string* const digest = new std::string(DigestOf(DocumentText("Rules of procedure")));
  return *digest;
}

v1::Command DistributeCommand(const std::string& id) {
  v1::Command command;
  command.mutable_distribute_decision()->set_decision_id(id);
  command.mutable_distribute_decision()->set_text_digest(TextDigest());
  return command;
}

v1::Command VoteCommand(const std::string& id, const std::string& member_id, v1::Vote vote) {
  v1::Command command;
  v1::CastVote* cast = command.mutable_cast_vote();
  cast->set_decision_id(id);
  cast->set_text_digest(TextDigest());
  cast->set_member_id(member_id);
  cast->set_vote(vote);
  cast->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
  return command;
}

absl::Status Vote(TestRegistry& side, const std::string& person, v1::Vote vote) {
  return side.Submit("TH", VoteCommand("D1", absl::StrCat(side.code(), "-", person), vote), {person});
}

v1::DecisionRecord Decision(TestRegistry& owner) {
  return *owner.book("TH").Find<v1::DecisionRecord>(v1::TABLE_DECISION, "D1");
}

// Opened by Japan and distributed in Thailand on 2026-03-02 at 09:00 in Tokyo.
void OpenAndDistribute(TestPair& pair) {
  ASSERT_EQ(pair.jpn().Submit("TH", OpenCommand("D1"), {"secretary"}), absl::OkStatus());
  ASSERT_EQ(pair.Import(pair.host()), absl::OkStatus());
  ASSERT_EQ(pair.host().Submit("TH", DistributeCommand("D1"), {"secretary"}), absl::OkStatus());
  ASSERT_EQ(pair.Import(pair.jpn()), absl::OkStatus());
}

TEST(Decision, IsAdoptedAtTheEndOfTheTenthDayInTheLaterCapital) {
  TestPair pair;
  OpenAndDistribute(pair);
  pair.SetNow(At("2026-03-05T00:00:00Z"));
  ASSERT_EQ(Vote(pair.jpn(), "chair", v1::VOTE_YES), absl::OkStatus());
  ASSERT_EQ(Vote(pair.host(), "chair", v1::VOTE_YES), absl::OkStatus());
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  pair.SetNow(At("2026-03-12T16:59:59Z"));
  ASSERT_EQ(pair.Settle(), absl::OkStatus());
  EXPECT_EQ(Decision(pair.jpn()).state(), v1::DECISION_STATE_OPEN);

  pair.SetNow(At("2026-03-12T17:00:00Z"));
  ASSERT_EQ(pair.jpn().TickAll("TH").status(), absl::OkStatus());
  ASSERT_EQ(pair.host().TickAll("TH").status(), absl::OkStatus());
  ASSERT_EQ(pair.Import(pair.jpn()), absl::OkStatus());
  EXPECT_EQ(Decision(pair.jpn()).state(), v1::DECISION_STATE_ADOPTED);
  EXPECT_EQ(Decision(pair.jpn()).adopted_at_us(), At("2026-03-12T17:00:00Z").micros);
  EXPECT_EQ(pair.jpn().book("TH").ReplayAll(), absl::OkStatus());
  EXPECT_EQ(pair.host().book("TH").ReplayAll(), absl::OkStatus());
}

}  // namespace
}  // namespace jcm::rules
