// A decision as both secretariats see it, on two real books: how each reply was given, and where the sides differ.
#include "services/joint_committee/replies.h"

#include <map>
#include <string>

#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/rules/testing.h"
#include "services/joint_committee/decision_view.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

constexpr char kId[] = "D1";

std::string DigestOf(const std::string& text) {
  const Digest digest = Sha256(text);
  return std::string(AsBytes(digest));
}

class Replies : public testing::Test {
 protected:
  void Submit(bool japan, const v1::Command& command, const std::vector<std::string>& signers) {
    const absl::Status done = pair_.of(japan).Submit("TH", command, signers);
    ASSERT_TRUE(done.ok()) << done;
    ASSERT_TRUE(pair_.Settle().ok());
  }
  void Open(v1::DecisionMode mode) {
    v1::DecisionText text;
    text.set_kind(v1::DECISION_KIND_DOCUMENT);
    text.set_title("Guidelines");
    text.set_document_digest(DigestOf("guidelines"));
    v1::Command command;
    v1::OpenDecision* open = command.mutable_open_decision();
    open->set_decision_id(kId);
    open->set_mode(mode);
    open->set_rulebook_version("TH/1");
    open->set_text(state::Serialise(text));
    digest_ = DigestOf(open->text());
    if (mode == v1::DECISION_MODE_MEETING) {
      *open->mutable_meeting_date() = rules::MakeDate(2026, 3, 1);
      open->set_meeting_name("8th Joint Committee");
      open->set_meeting_place("Bangkok and online");
      open->set_report_digest(DigestOf("report"));
      open->set_minutes_digest(DigestOf("minutes"));
      open->add_annex_digests(DigestOf("annex"));
      open->add_annex_titles("Project Cycle Procedure ver05.0");
    }
    Submit(true, command, {"secretary"});
  }
  void Distribute() {
    v1::Command command;
    command.mutable_distribute_decision()->set_decision_id(kId);
    command.mutable_distribute_decision()->set_text_digest(digest_);
    Submit(false, command, {"secretary"});
  }
  void Vote(bool japan, const std::string& person, v1::Vote says, bool recorded = false,
            const std::string& opinion = "") {
    v1::Command command;
    v1::CastVote* vote = command.mutable_cast_vote();
    vote->set_decision_id(kId);
    vote->set_text_digest(digest_);
    vote->set_member_id((japan ? "JPN-" : "THA-") + person);
    vote->set_vote(says);
    vote->set_opinion(opinion);
    vote->set_form(recorded ? v1::VOTE_FORM_RECORDED_BY_SECRETARIAT : v1::VOTE_FORM_SIGNED_BY_MEMBER);
    if (recorded) vote->set_document_digest(DigestOf("a letter"));
    Submit(japan, command, recorded ? std::vector<std::string>{"secretary", "secretary2"} : std::vector{person});
  }
  api::GetDecisionResponse View(bool japan) {
    const auto view =
        ViewDecision(pair_.of(japan).book("TH").state(), japan ? "JPN" : "THA", japan ? "THA" : "JPN", kId);
    EXPECT_TRUE(view.ok()) << view.status();
    return view.ok() ? *view : api::GetDecisionResponse();
  }
  // How the replies that count were given, by member.
  static std::map<std::string, std::string> Forms(const api::GetDecisionResponse& view) {
    std::map<std::string, std::string> forms;
    for (const api::MemberReply& reply : view.replies()) {
      if (reply.counts() || reply.vote() == v1::VOTE_UNSPECIFIED) forms[reply.member_id()] = reply.form_en();
    }
    return forms;
  }
  static std::string Kinds(const api::GetDecisionResponse& view) {
    std::string kinds;
    for (const api::Disagreement& one : view.disagreements()) kinds += one.kind() + " ";
    return kinds;
  }

  rules::TestPair pair_{rules::At("2026-03-02T00:00:00Z"), "TH", "THA"};
  std::string digest_;
};

TEST_F(Replies, SayOfEachMemberHowTheReplyWasGiven) {
  Open(v1::DECISION_MODE_ELECTRONIC);
  Distribute();
  v1::Command declare;
  declare.mutable_declare_conflict()->set_member_id("JPN-member");
  declare.mutable_declare_conflict()->set_object(kId);
  declare.mutable_declare_conflict()->set_text("wrote the draft");
  declare.mutable_declare_conflict()->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
  Submit(true, declare, {"member"});
  Vote(true, "chair", v1::VOTE_YES);
  Vote(false, "chair", v1::VOTE_YES, /*recorded=*/true);
  for (const bool japan : {true, false}) {
    const api::GetDecisionResponse view = View(japan);
    const std::map<std::string, std::string> expected = {
        {"JPN-chair", "signed by the member"},
        {"JPN-member", "recused: conflict of interest about D1, declared and signed by the member"},
        {"THA-chair", "recorded by the secretariat"},
        {"THA-member", "no reply"}};
    EXPECT_EQ(Forms(view), expected) << (japan ? "JPN" : "THA");
    EXPECT_EQ(view.replies(0).member_id(), "JPN-chair") << "the owner's co-chair comes first";
    ASSERT_EQ(view.conflicts_size(), 1);
    EXPECT_EQ(view.conflicts(0).text(), "wrote the draft");
    EXPECT_EQ(Kinds(view), "") << "silence is no disagreement";
    EXPECT_TRUE(view.has_window_end());
  }
}

TEST_F(Replies, ShowADisagreementAndNeverPaperItOver) {
  Open(v1::DECISION_MODE_ELECTRONIC);
  Distribute();
  Vote(true, "chair", v1::VOTE_YES);
  EXPECT_EQ(Kinds(View(false)), "CO_CHAIRS ");
  Vote(false, "chair", v1::VOTE_YES, /*recorded=*/true);
  Vote(false, "member", v1::VOTE_NO, /*recorded=*/false, "the baseline is too high");
  EXPECT_EQ(Kinds(View(true)), "NEGATIVE_REPLY ");
  EXPECT_NE(View(true).disagreements(0).text_en().find("the baseline is too high"), std::string::npos);
  // The co-chair herself says otherwise than what the secretariat recorded.
  Vote(false, "chair", v1::VOTE_NO);
  EXPECT_EQ(Kinds(View(true)), "NEGATIVE_REPLY NEGATIVE_REPLY CO_CHAIRS CONTESTED_RECORD ");
  const api::GetDecisionResponse view = View(true);
  int of_chair = 0;
  for (const api::MemberReply& reply : view.replies()) {
    if (reply.member_id() != "THA-chair") continue;
    ++of_chair;
    EXPECT_EQ(reply.counts(), reply.vote() == v1::VOTE_NO);
  }
  EXPECT_EQ(of_chair, 2) << "the earlier reply is kept";
}

TEST_F(Replies, ShowWhatAMeetingDecidedOnAndHowEachCoChairConfirmed) {
  Open(v1::DECISION_MODE_MEETING);
  Vote(true, "chair", v1::VOTE_YES);
  Vote(false, "chair", v1::VOTE_YES, /*recorded=*/true);
  const api::GetDecisionResponse view = View(false);
  EXPECT_EQ(view.decision().state(), v1::DECISION_STATE_ADOPTED);
  const std::map<std::string, std::string> expected = {
      {"JPN-chair", "electronic confirmation, signed by the member"},
      {"THA-chair", "scanned confirmation, recorded by the secretariat"}};
  EXPECT_EQ(Forms(view), expected) << "others do not vote in a meeting";
  EXPECT_EQ(view.meeting().place(), "Bangkok and online");
  EXPECT_EQ(view.meeting().minutes_digest(), DigestOf("minutes"));
  ASSERT_EQ(view.meeting().annexes_size(), 1);
  EXPECT_EQ(view.meeting().annexes(0).title(), "Project Cycle Procedure ver05.0");
}

TEST_F(Replies, NameADisputedOutcome) {
  Open(v1::DECISION_MODE_MEETING);
  Vote(true, "chair", v1::VOTE_YES);
  Vote(false, "chair", v1::VOTE_YES);
  v1::Command dispute;
  dispute.mutable_dispute_outcome()->set_decision_id(kId);
  dispute.mutable_dispute_outcome()->set_text_digest(digest_);
  dispute.mutable_dispute_outcome()->set_reason("another annex was agreed");
  Submit(false, dispute, {"secretary"});
  for (const bool japan : {true, false}) {
    const api::GetDecisionResponse view = View(japan);
    ASSERT_EQ(Kinds(view), "DISPUTED ");
    EXPECT_EQ(view.disagreements(0).registry(), "THA");
    EXPECT_NE(view.disagreements(0).text_ja().find("another annex was agreed"), std::string::npos);
  }
}

}  // namespace
}  // namespace jcm::services
