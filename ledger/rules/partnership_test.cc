#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/rules/rulebook.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

using book::LeafKind;

v1::Command OpenWith(TestRegistry& other, const std::function<void(v1::OpenPartnership&)>& change) {
  v1::Command command;
  v1::OpenPartnership* open = command.mutable_open_partnership();
  open->set_partnership("TH");
  open->set_peer_registry("THA");
  open->set_peer_domain("demo.invalid");
  open->set_mode(v1::PARTNERSHIP_MODE_NODE);
  *open->mutable_peer_keys() = other.replica_keys();
  *open->mutable_peer_recovery_key() = ToData(other.recovery_key().public_key());
  change(*open);
  return command;
}

TEST(OpenPartnership, PinsThePartnersKeysOnce) {
  TestRegistry jpn("JPN", {"TH"}, At("2026-03-02T00:00:00Z"));
  TestRegistry tha("THA", {"TH"}, At("2026-03-02T00:00:00Z"));
  const auto open = [&](const std::function<void(v1::OpenPartnership&)>& change) {
    return Why(jpn.Submit("TH", OpenWith(tha, change), {"operator", "operator2"}));
  };
  EXPECT_EQ(open([](v1::OpenPartnership& o) { o.set_partnership("MV"); }), "FIELD_INVALID");
  EXPECT_EQ(open([](v1::OpenPartnership& o) { o.set_peer_registry("Tha"); }), "FIELD_INVALID");
  EXPECT_EQ(open([](v1::OpenPartnership& o) { o.set_peer_registry("TH"); }), "FIELD_INVALID");
  EXPECT_EQ(open([](v1::OpenPartnership& o) { o.set_peer_registry("JPN"); }), "FIELD_INVALID");
  EXPECT_EQ(open([](v1::OpenPartnership& o) { o.clear_mode(); }), "FIELD_INVALID");
  EXPECT_EQ(open([](v1::OpenPartnership& o) { o.clear_peer_domain(); }), "FIELD_REQUIRED");
  EXPECT_EQ(open([](v1::OpenPartnership& o) { o.clear_peer_keys(); }), "FIELD_REQUIRED");
  EXPECT_EQ(open([](v1::OpenPartnership& o) { o.mutable_peer_keys()->set_k(2); }), "FIELD_INVALID");
  EXPECT_EQ(open([](v1::OpenPartnership& o) { o.clear_peer_recovery_key(); }), "FIELD_REQUIRED");
  EXPECT_EQ(open([](v1::OpenPartnership& o) { *o.mutable_signed_date() = MakeDate(2015, 13, 1); }), "FIELD_INVALID");
  EXPECT_EQ(Why(jpn.Submit("TH", OpenWith(tha, [](v1::OpenPartnership&) {}), {"operator"})), "TWO_PERSONS_REQUIRED");
  EXPECT_EQ(open([](v1::OpenPartnership&) {}), "OK");
  EXPECT_EQ(open([](v1::OpenPartnership&) {}), "ALREADY_EXISTS");
}

TEST(OpenPartnership, NeedsNoKeysOfAPartnerWithoutABook) {
  TestRegistry jpn("JPN", {"TH"}, At("2026-03-02T00:00:00Z"));
  v1::Command command = OpenWith(jpn, [](v1::OpenPartnership& o) {
    o.set_mode(v1::PARTNERSHIP_MODE_ATTESTED);
    o.clear_peer_keys();
    o.clear_peer_recovery_key();
  });
  ASSERT_EQ(jpn.Submit("TH", command, {"operator", "operator2"}), absl::OkStatus());
  v1::Command mode;
  mode.mutable_set_partnership_mode()->set_mode(v1::PARTNERSHIP_MODE_NODE);
  EXPECT_EQ(Why(jpn.Submit("TH", mode, {"operator"})), "FIELD_REQUIRED");
  mode.mutable_set_partnership_mode()->set_document_digest(std::string(32, 'd'));
  EXPECT_EQ(Why(jpn.Submit("TH", mode, {"operator"})), "MODE_NOT_ALLOWED");  // nobody knows the partner's keys
}

class PartnershipRules : public testing::Test {
 protected:
  std::string Submit(const v1::Command& command, const std::string& author = "secretary") {
    return Why(pair_.jpn().Submit("TH", command, {author}));
  }
  TestPair pair_;
};

TEST_F(PartnershipRules, NeverTakeAnImportedPartnerAtSomebodyElsesWord) {
  v1::Command mode;
  mode.mutable_set_partnership_mode()->set_mode(v1::PARTNERSHIP_MODE_ATTESTED);
  mode.mutable_set_partnership_mode()->set_document_digest(std::string(32, 'd'));
  TestPair before = pair_;
  EXPECT_EQ(Why(before.jpn().Submit("TH", mode, {"operator"})), "OK");
  EXPECT_EQ(Why(before.Import(before.jpn())), "MODE_NOT_ALLOWED");
  ASSERT_EQ(pair_.Import(pair_.jpn()), absl::OkStatus());
  EXPECT_EQ(Submit(mode, "operator"), "MODE_NOT_ALLOWED");
  mode.mutable_set_partnership_mode()->set_mode(v1::PARTNERSHIP_MODE_NODE);
  EXPECT_EQ(Submit(mode, "operator"), "FIELD_INVALID");
  mode.mutable_set_partnership_mode()->set_mode(v1::PARTNERSHIP_MODE_HOSTED);
  EXPECT_EQ(Submit(mode, "operator"), "OK");
}

TEST_F(PartnershipRules, KeepOneCoChairInOffice) {
  v1::Command appoint;
  v1::AppointMember* act = appoint.mutable_appoint_member();
  act->set_member_id("JPN-second");
  act->set_pseudonym(TestHandle("second"));
  act->set_co_chair(true);
  EXPECT_EQ(Submit(appoint), "ALREADY_EXISTS");
  v1::Command end;
  end.mutable_end_member()->set_member_id("JPN-chair");
  end.mutable_end_member()->set_replaced_by("JPN-chair");
  EXPECT_EQ(Submit(end), "FIELD_INVALID");
  end.mutable_end_member()->set_replaced_by("JPN-second");
  EXPECT_EQ(Submit(end), "OK");
  EXPECT_EQ(Submit(end), "MEMBER_UNKNOWN");
  EXPECT_EQ(Submit(appoint), "OK");
  act->set_member_id("JPN-chair");  // a term keeps its id
  act->set_pseudonym(TestHandle("third"));
  act->set_co_chair(false);
  EXPECT_EQ(Submit(appoint), "ALREADY_EXISTS");
  act->set_member_id("JPN-third");
  act->set_pseudonym(TestHandle("second"));  // in office already
  EXPECT_EQ(Submit(appoint), "ALREADY_EXISTS");
  act->set_pseudonym("somebody");
  EXPECT_EQ(Submit(appoint), "FIELD_INVALID");
  end.mutable_end_member()->set_member_id("nobody");
  EXPECT_EQ(Submit(end), "MEMBER_UNKNOWN");
}

TEST_F(PartnershipRules, RegisterAProjectOnce) {
  v1::Command command;
  v1::RegisterProject* act = command.mutable_register_project();
  act->set_project_id("TH015");
  EXPECT_EQ(Submit(command), "FIELD_REQUIRED");
  act->set_title_en("A project");
  *act->mutable_crediting_start() = MakeDate(2021, 1, 1);
  *act->mutable_crediting_end() = MakeDate(2020, 1, 1);
  EXPECT_EQ(Submit(command), "FIELD_INVALID");
  *act->mutable_crediting_end() = MakeDate(2030, 12, 31);
  EXPECT_EQ(Submit(command), "OK");
  EXPECT_EQ(Submit(command), "ALREADY_EXISTS");
}

TEST_F(PartnershipRules, AdoptAVersionOfTheRulebookOnce) {
  v1::Command command;
  v1::AdoptRulebook* act = command.mutable_adopt_rulebook();
  act->set_version("TH/2");
  *act->mutable_parameters() = TestParameters();
  act->mutable_parameters()->set_track("second");
  EXPECT_EQ(Submit(command), "FIELD_REQUIRED");
  *act->mutable_effective_date() = MakeDate(2026, 3, 3);
  act->set_version("TH 2");
  EXPECT_EQ(Submit(command), "FIELD_INVALID");
  act->set_version("TH/2");
  EXPECT_EQ(Submit(command), "OK");
  EXPECT_EQ(Submit(command), "ALREADY_EXISTS");
}

TEST_F(PartnershipRules, AdoptALaterVersionOfATrackOnlyAsTheCommitteeDecided) {
  v1::Command command;
  v1::AdoptRulebook* act = command.mutable_adopt_rulebook();
  act->set_version("TH/2");
  *act->mutable_parameters() = TestParameters();
  act->mutable_parameters()->set_e_decision_days(14);
  *act->mutable_effective_date() = MakeDate(2026, 3, 3);
  EXPECT_EQ(Submit(command), "FIELD_INVALID");  // it supersedes nothing
  act->set_supersedes("TH/1");
  EXPECT_EQ(Submit(command), "RULES_NOT_DECIDED");
  act->set_decision_id("RULES-1");
  EXPECT_EQ(Submit(command), "DECISION_UNKNOWN");

  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_RULES);
  text.set_title("Rules, second version");
  text.mutable_rules()->set_version("TH/2");
  *text.mutable_rules()->mutable_effective_date() = MakeDate(2026, 3, 3);
  const Digest digest = Sha256(state::Serialise(act->parameters()));
  text.mutable_rules()->set_parameters_digest(std::string(AsBytes(digest)));
  v1::Command open;
  open.mutable_open_decision()->set_decision_id("RULES-1");
  open.mutable_open_decision()->set_mode(v1::DECISION_MODE_MEETING);
  open.mutable_open_decision()->set_rulebook_version("TH/1");
  *open.mutable_open_decision()->mutable_meeting_date() = MakeDate(2026, 3, 1);
  open.mutable_open_decision()->set_meeting_name("A meeting");
  open.mutable_open_decision()->set_report_digest(std::string(32, 'r'));
  open.mutable_open_decision()->set_text(state::Serialise(text));
  // It must say what becomes of dossiers in flight.
  EXPECT_EQ(Why(pair_.jpn().Submit("TH", open, {"secretary"})), "FIELD_REQUIRED");
  text.mutable_rules()->set_in_flight(v1::IN_FLIGHT_MIGRATE);
  open.mutable_open_decision()->set_text(state::Serialise(text));
  ASSERT_EQ(Why(pair_.jpn().Submit("TH", open, {"secretary"})), "OK");
  ASSERT_EQ(Why(pair_.Settle()), "OK");
  EXPECT_EQ(Submit(command), "DECISION_NOT_CONFIRMED");
  const Digest text_digest = Sha256(state::Serialise(text));
  for (TestRegistry* side : {&pair_.jpn(), &pair_.host()}) {
    v1::Command vote;
    vote.mutable_cast_vote()->set_decision_id("RULES-1");
    vote.mutable_cast_vote()->set_text_digest(std::string(AsBytes(text_digest)));
    vote.mutable_cast_vote()->set_member_id(side->code() + "-chair");
    vote.mutable_cast_vote()->set_vote(v1::VOTE_YES);
    vote.mutable_cast_vote()->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
    ASSERT_EQ(Why(side->Submit("TH", vote, {"chair"})), "OK");
  }
  ASSERT_EQ(Why(pair_.Settle()), "OK");
  v1::Command confirm;
  confirm.mutable_confirm_outcome()->set_decision_id("RULES-1");
  confirm.mutable_confirm_outcome()->set_text_digest(std::string(AsBytes(text_digest)));
  confirm.mutable_confirm_outcome()->set_outcome(v1::DECISION_OUTCOME_ADOPTED);
  ASSERT_EQ(Why(pair_.host().Submit("TH", confirm, {"secretary"})), "OK");
  ASSERT_EQ(Why(pair_.Settle()), "OK");

  act->set_in_flight(v1::IN_FLIGHT_STAY);
  EXPECT_EQ(Submit(command), "RULES_NOT_DECIDED");
  act->set_in_flight(v1::IN_FLIGHT_MIGRATE);
  act->mutable_parameters()->set_e_decision_days(15);
  EXPECT_EQ(Submit(command), "RULES_NOT_DECIDED");
  act->mutable_parameters()->set_e_decision_days(14);
  EXPECT_EQ(Submit(command), "OK");
  const auto first = pair_.jpn().book("TH").Find<v1::RulebookRecord>(v1::TABLE_RULEBOOK, "TH/1");
  EXPECT_EQ(first->superseded_by(), "TH/2");
}

TEST_F(PartnershipRules, HoldARulebookInForceFromItsDayInTokyoOn) {
  v1::Command command;
  command.mutable_adopt_rulebook()->set_version("TH/2");
  *command.mutable_adopt_rulebook()->mutable_parameters() = TestParameters();
  command.mutable_adopt_rulebook()->mutable_parameters()->set_track("second");
  *command.mutable_adopt_rulebook()->mutable_effective_date() = MakeDate(2026, 3, 3);
  ASSERT_EQ(Submit(command), "OK");
  const state::MapState& state = pair_.jpn().book("TH").state();
  EXPECT_EQ(Why(RulebookInForce("TH/2", At("2026-03-02T14:59:59Z"), state).status()), "RULEBOOK_UNKNOWN");
  EXPECT_EQ(Why(RulebookInForce("TH/2", At("2026-03-02T15:00:00Z"), state).status()), "OK");
  EXPECT_EQ(Why(RulebookInForce("TH/3", At("2026-03-02T15:00:00Z"), state).status()), "RULEBOOK_UNKNOWN");
}

TEST(RulebookParameters, HaveLimits) {
  using P = v1::RulebookParameters;
  EXPECT_EQ(Why(CheckRulebookParameters(TestParameters())), "OK");
  const std::vector<std::function<void(P&)>> invalid = {
      [](P& p) { p.set_e_decision_days(0); },
      [](P& p) { p.set_e_decision_days(366); },
      [](P& p) { p.set_e_decision_long_stop_days(12); },
      [](P& p) { p.set_e_decision_long_stop_days(3'651); },
      [](P& p) { p.clear_zone_offsets(); },
      [](P& p) { p.mutable_zone_offsets(0)->clear_from(); },
      [](P& p) { p.mutable_zone_offsets(0)->set_japan_minutes(1'081); },
      [](P& p) { p.mutable_zone_offsets(0)->set_partner_minutes(-1'081); },
      [](P& p) { *p.add_zone_offsets() = p.zone_offsets(0); },
      [](P& p) { p.set_itmo_vintage_from(2020); },
      [](P& p) { p.clear_cross_border_mode(); },
      [](P& p) { p.clear_first_transfer_trigger(); },
      [](P& p) { p.set_operation_signatures(0); },
      [](P& p) { p.set_operation_signatures(11); },
      [](P& p) { p.set_transfer_expiry_days_max(0); },
      [](P& p) { p.set_rules_notice_days(0); },
      [](P& p) { p.clear_allocation_rounding(); },
      [](P& p) { p.add_sources()->set_parameter("e_decision_days"); },
  };
  for (size_t i = 0; i < invalid.size(); ++i) {
    P parameters = TestParameters();
    invalid[i](parameters);
    EXPECT_FALSE(CheckRulebookParameters(parameters).ok()) << i;
  }
}

TEST_F(PartnershipRules, ActivateNewRulesAfterTheNoticeOrThePartnersSupport) {
  v1::ActivateRules activate;
  activate.set_rules_version(2);
  const auto activation = [&](TestPair& pair) {
    return Why(pair.jpn().Append("TH", LeafKind::ACTIVATE_RULES, state::Serialise(activate)));
  };
  EXPECT_EQ(activation(pair_), "FIELD_INVALID");
  TestPair supported = pair_;
  v1::Command supports;
  EXPECT_EQ(Submit(supports), "FIELD_REQUIRED");
  supports.mutable_supports_rules();
  EXPECT_EQ(Submit(supports, "operator"), "FIELD_REQUIRED");
  supports.mutable_supports_rules()->set_rules_version(2);
  ASSERT_EQ(supported.host().Submit("TH", supports, {"operator"}), absl::OkStatus());
  EXPECT_EQ(Why(supported.host().Submit("TH", supports, {"operator"})), "ALREADY_EXISTS");
  EXPECT_EQ(activation(supported), "FIELD_INVALID");
  ASSERT_EQ(supported.Import(supported.jpn()), absl::OkStatus());
  EXPECT_EQ(activation(supported), "OK");

  v1::Command notice;
  notice.mutable_rules_notice()->set_rules_version(3);
  EXPECT_EQ(Submit(notice, "operator"), "FIELD_INVALID");
  notice.mutable_rules_notice()->set_rules_version(2);
  EXPECT_EQ(Submit(notice, "operator"), "OK");
  EXPECT_EQ(Submit(notice, "operator"), "ALREADY_EXISTS");
  pair_.SetNow(At("2026-05-30T23:59:59Z"));
  EXPECT_EQ(activation(pair_), "FIELD_INVALID");
  pair_.SetNow(At("2026-05-31T00:00:00Z"));
  activate.set_rules_version(3);
  EXPECT_EQ(activation(pair_), "FIELD_INVALID");
  activate.set_rules_version(2);
  EXPECT_EQ(activation(pair_), "OK");
}

}  // namespace
}  // namespace jcm::rules
