#include "ledger/rules/policy.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

constexpr v1::Role kOperator = v1::ROLE_SYSTEM_OPERATOR;
constexpr v1::Role kDesignated = v1::ROLE_DESIGNATED_ORGANIZATION;
constexpr v1::Role kSecretariat = v1::ROLE_SECRETARIAT;
constexpr v1::Role kMember = v1::ROLE_JC_MEMBER;
constexpr v1::Role kMinistry = v1::ROLE_AUTHORIZING_MINISTRY;
constexpr v1::Role kRepresentative = v1::ROLE_ACCOUNT_REPRESENTATIVE;
constexpr v1::Role kAuditor = v1::ROLE_AUDITOR;
constexpr v1::Role kRecovery = v1::ROLE_RECOVERY_OFFICER;
constexpr v1::Role kParticipant = v1::ROLE_PROJECT_PARTICIPANT;
constexpr v1::Role kEntity = v1::ROLE_THIRD_PARTY_ENTITY;
const std::vector<v1::Role> kAllRoles = {kOperator,       kDesignated, kSecretariat, kMember,      kMinistry,
                                         kRepresentative, kAuditor,    kRecovery,    kParticipant, kEntity};

v1::SignerContext Signer(const std::string& pseudonym, const std::vector<v1::Role>& roles) {
  v1::SignerContext signer;
  signer.set_pseudonym(pseudonym);
  for (v1::Role role : roles) signer.add_roles(role);
  return signer;
}

v1::Context Signers(const std::vector<v1::SignerContext>& signers) {
  v1::Context context;
  for (const v1::SignerContext& signer : signers) *context.add_signers() = signer;
  return context;
}

v1::Command Act(const std::function<void(v1::Command&)>& set) {
  v1::Command command;
  set(command);
  return command;
}

struct Expectation {
  const char* name;
  v1::Command command;
  std::vector<v1::Role> authors;
  std::vector<v1::Role> seconds;  // empty: one person
};

v1::Command Vote(v1::VoteForm form) {
  return Act([&](v1::Command& c) { c.mutable_cast_vote()->set_form(form); });
}

v1::Command Conflict(v1::VoteForm form) {
  return Act([&](v1::Command& c) { c.mutable_declare_conflict()->set_form(form); });
}

v1::Command Attestation(v1::AttestedStage stage) {
  return Act([&](v1::Command& c) { c.mutable_attest()->set_stage(stage); });
}

std::vector<Expectation> Expectations() {
  const std::vector<v1::Role> registry = {kOperator, kDesignated};
  const std::vector<v1::Role> office = {kSecretariat, kDesignated};
  const std::vector<v1::Role> both = {kOperator, kDesignated, kSecretariat};
  const std::vector<v1::Role> holder = {kRepresentative, kOperator, kDesignated};
  const std::vector<v1::Role> witnesses = {kSecretariat, kOperator, kMember, kMinistry};
  return {
      {"enrol person", Act([](v1::Command& c) { c.mutable_enrol_person(); }), registry, {}},
      {"enrol key", Act([](v1::Command& c) { c.mutable_enrol_key(); }), registry, {}},
      {"revoke key", Act([](v1::Command& c) { c.mutable_revoke_key(); }), registry, {}},
      {"open account", Act([](v1::Command& c) { c.mutable_open_account(); }), registry, {}},
      {"set account state", Act([](v1::Command& c) { c.mutable_set_account_state(); }), registry, {}},
      {"assign handle", Act([](v1::Command& c) { c.mutable_assign_handle(); }), registry, {}},
      {"open partnership",
       Act([](v1::Command& c) { c.mutable_open_partnership(); }),
       {kOperator},
       {kOperator, kSecretariat, kRecovery}},
      {"set mode", Act([](v1::Command& c) { c.mutable_set_partnership_mode(); }), {kOperator}, {}},
      {"adopt rulebook", Act([](v1::Command& c) { c.mutable_adopt_rulebook(); }), both, {}},
      {"appoint member", Act([](v1::Command& c) { c.mutable_appoint_member(); }), both, {}},
      {"end member", Act([](v1::Command& c) { c.mutable_end_member(); }), both, {}},
      {"register project", Act([](v1::Command& c) { c.mutable_register_project(); }), both, {}},
      {"partnership event", Act([](v1::Command& c) { c.mutable_record_partnership_event(); }), both, {}},
      {"open dossier",
       Act([](v1::Command& c) { c.mutable_open_dossier(); }),
       {kParticipant, kEntity, kSecretariat, kDesignated, kMinistry},
       {}},
      {"take step",
       Act([](v1::Command& c) { c.mutable_take_step(); }),
       {kParticipant, kEntity, kOperator, kDesignated, kSecretariat, kMinistry, kRepresentative},
       {}},
      {"react to dossier", Act([](v1::Command& c) { c.mutable_react_to_dossier(); }), both, {}},
      {"migrate units", Act([](v1::Command& c) { c.mutable_migrate_units(); }), registry, {}},
      {"migrate dossier", Act([](v1::Command& c) { c.mutable_migrate_dossier(); }), both, {}},
      {"restrict units",
       Act([](v1::Command& c) { c.mutable_restrict_units(); }),
       registry,
       {kOperator, kSecretariat, kRecovery, kDesignated}},
      {"sign opening statement",
       Act([](v1::Command& c) { c.mutable_sign_opening_statement(); }),
       {kOperator},
       {kOperator, kSecretariat, kRecovery}},
      {"rules notice", Act([](v1::Command& c) { c.mutable_rules_notice(); }), registry, {}},
      {"supports rules", Act([](v1::Command& c) { c.mutable_supports_rules(); }), registry, {}},
      {"open decision", Act([](v1::Command& c) { c.mutable_open_decision(); }), office, {}},
      {"amend decision", Act([](v1::Command& c) { c.mutable_amend_decision(); }), office, {}},
      {"withdraw decision", Act([](v1::Command& c) { c.mutable_withdraw_decision(); }), office, {}},
      {"distribute decision", Act([](v1::Command& c) { c.mutable_distribute_decision(); }), office, {}},
      {"vote", Vote(v1::VOTE_FORM_SIGNED_BY_MEMBER), {kMember}, {}},
      {"recorded vote",
       Vote(v1::VOTE_FORM_RECORDED_BY_SECRETARIAT),
       {kSecretariat},
       {kSecretariat, kOperator, kMember}},
      {"conflict", Conflict(v1::VOTE_FORM_SIGNED_BY_MEMBER), {kMember}, {}},
      {"recorded conflict",
       Conflict(v1::VOTE_FORM_RECORDED_BY_SECRETARIAT),
       {kSecretariat},
       {kSecretariat, kOperator, kMember}},
      {"confirm outcome", Act([](v1::Command& c) { c.mutable_confirm_outcome(); }), {kSecretariat, kMember}, {}},
      {"dispute outcome", Act([](v1::Command& c) { c.mutable_dispute_outcome(); }), {kSecretariat, kMember}, {}},
      {"issue", Act([](v1::Command& c) { c.mutable_issue_credits(); }), registry, {}},
      {"transfer", Act([](v1::Command& c) { c.mutable_transfer_credits(); }), holder, {}},
      {"retire", Act([](v1::Command& c) { c.mutable_retire_credits(); }), holder, {}},
      {"cancel", Act([](v1::Command& c) { c.mutable_cancel_credits(); }), holder, {}},
      {"authorize", Act([](v1::Command& c) { c.mutable_authorize_itmo(); }), {kMinistry}, {}},
      {"revoke authorization", Act([](v1::Command& c) { c.mutable_revoke_authorization(); }), {kMinistry}, {}},
      {"first transfer", Act([](v1::Command& c) { c.mutable_record_first_transfer(); }), {kMinistry}, {}},
      {"init transfer", Act([](v1::Command& c) { c.mutable_init_transfer(); }), holder, {}},
      {"accept transfer", Act([](v1::Command& c) { c.mutable_accept_transfer(); }), holder, {}},
      {"refuse transfer", Act([](v1::Command& c) { c.mutable_refuse_transfer(); }), holder, {}},
      {"withdraw transfer", Act([](v1::Command& c) { c.mutable_withdraw_transfer(); }), holder, {}},
      {"attest distribution",
       Attestation(v1::ATTESTED_STAGE_DISTRIBUTED),
       both,
       {kSecretariat, kOperator, kMember, kMinistry, kDesignated}},
      {"attest issuance",
       Attestation(v1::ATTESTED_STAGE_ISSUED),
       both,
       {kSecretariat, kOperator, kMember, kMinistry, kDesignated}},
      {"attest vote", Attestation(v1::ATTESTED_STAGE_VOTE), {kSecretariat, kOperator}, witnesses},
      {"attest confirmation", Attestation(v1::ATTESTED_STAGE_OUTCOME_CONFIRMED), {kSecretariat, kOperator}, witnesses},
      {"attest authorization", Attestation(v1::ATTESTED_STAGE_AUTHORIZED), {kSecretariat, kOperator}, witnesses},
      {"attest first transfer",
       Attestation(v1::ATTESTED_STAGE_FIRST_TRANSFERRED),
       {kSecretariat, kOperator},
       witnesses},
  };
}

bool Contains(const std::vector<v1::Role>& roles, v1::Role role) {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

TEST(Policy, CoversEveryActOfACommand) {
  std::set<int> covered;
  for (const Expectation& row : Expectations()) covered.insert(row.command.body_case());
  const auto* body = v1::Command::descriptor()->FindOneofByName("body");
  EXPECT_EQ(static_cast<int>(covered.size()), body->field_count());
}

TEST(Policy, AllowsExactlyTheRolesOfTheTable) {
  for (const Expectation& row : Expectations()) {
    for (v1::Role role : kAllRoles) {
      // A second person who may do it, where one is needed.
      std::vector<v1::SignerContext> signers = {Signer("author", {role})};
      if (!row.seconds.empty()) signers.push_back(Signer("second", {row.seconds.front()}));
      EXPECT_EQ(Why(CheckPolicy(row.command, Signers(signers))),
                Contains(row.authors, role) ? "OK" : "ROLE_NOT_ALLOWED")
          << row.name << " by " << v1::Role_Name(role);
    }
  }
}

TEST(Policy, AsksForASecondPersonWithARoleOfTheTable) {
  for (const Expectation& row : Expectations()) {
    if (row.seconds.empty()) continue;
    const v1::SignerContext author = Signer("author", {row.authors.front()});
    EXPECT_EQ(Why(CheckPolicy(row.command, Signers({author}))), "TWO_PERSONS_REQUIRED") << row.name;
    for (v1::Role role : kAllRoles) {
      EXPECT_EQ(Why(CheckPolicy(row.command, Signers({author, Signer("second", {role})}))),
                Contains(row.seconds, role) ? "OK" : "ROLE_NOT_ALLOWED")
          << row.name << " with " << v1::Role_Name(role);
    }
  }
}

TEST(Policy, CountsPersonsAndNotKeys) {
  v1::Command open;
  open.mutable_open_partnership();
  const v1::SignerContext author = Signer("the same person", {kOperator});
  EXPECT_EQ(Why(CheckPolicy(open, Signers({author, author}))), "TWO_PERSONS_REQUIRED");
}

TEST(Policy, ShutsTheDesignatedOrganizationOutWhateverElseThePersonIs) {
  const std::vector<v1::Role> both = {kDesignated, kMember};
  EXPECT_EQ(Why(CheckPolicy(Vote(v1::VOTE_FORM_SIGNED_BY_MEMBER), Signers({Signer("a", both)}))), "ROLE_NOT_ALLOWED");
  const v1::SignerContext secretary = Signer("b", {kSecretariat});
  EXPECT_EQ(Why(CheckPolicy(Vote(v1::VOTE_FORM_RECORDED_BY_SECRETARIAT), Signers({secretary, Signer("a", both)}))),
            "ROLE_NOT_ALLOWED");
}

TEST(Policy, RefusesACommandWithoutBodyOrAuthor) {
  EXPECT_EQ(Why(CheckPolicy(v1::Command(), Signers({Signer("a", {kOperator})}))), "FIELD_REQUIRED");
  EXPECT_EQ(Why(CheckPolicy(Expectations().front().command, v1::Context())), "SIGNATURE_MISSING");
}

}  // namespace
}  // namespace jcm::rules
