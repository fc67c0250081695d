#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

class HomeRules : public testing::Test {
 protected:
  HomeRules() : jpn_("JPN", {"TH", "MV"}, At("2026-03-02T00:00:00Z")) {
    jpn_.AddPerson("organization", {v1::ROLE_DESIGNATED_ORGANIZATION});
    jpn_.AddPerson("holder", {v1::ROLE_ACCOUNT_REPRESENTATIVE});
  }

  std::string Submit(const v1::Command& command, const std::string& author = "operator") {
    return Why(jpn_.Submit(kHome, command, {author}));
  }

  std::string Enrol(const std::function<void(v1::EnrolPerson&)>& change, const std::string& author = "operator") {
    v1::Command command;
    v1::EnrolPerson* person = command.mutable_enrol_person();
    person->set_person_id("new");
    person->add_roles(v1::ROLE_ACCOUNT_REPRESENTATIVE);
    *person->add_keys()->mutable_key() = ToData(TestKey("JPN new").public_key());
    change(*person);
    return Submit(command, author);
  }

  std::string Open(const std::function<void(v1::OpenAccount&)>& change) {
    v1::Command command;
    v1::OpenAccount* open = command.mutable_open_account();
    open->set_account_number("A-1");
    open->set_account_class(v1::ACCOUNT_CLASS_ENTITY_HOLDING);
    change(*open);
    return Submit(command);
  }

  std::string SetState(v1::AccountState state) { return Why(jpn_.SetAccountState("A-1", state)); }

  TestRegistry jpn_;
};

void AddHandle(google::protobuf::RepeatedPtrField<v1::Handle>* handles, const std::string& partnership,
               const std::string& handle) {
  v1::Handle* added = handles->Add();
  added->set_partnership(partnership);
  added->set_handle(handle);
}

TEST_F(HomeRules, EnrolAPersonWithKeysAndPseudonyms) {
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) {
              AddHandle(p.mutable_pseudonyms(), "TH", TestHandle("b"));
              AddHandle(p.mutable_pseudonyms(), "MV", TestHandle("a"));
            }),
            "OK");
  const auto person = jpn_.home().Find<v1::PersonRecord>(v1::TABLE_PERSON, "new");
  ASSERT_TRUE(person.has_value());
  EXPECT_EQ(person->pseudonyms(0).partnership(), "MV");
  EXPECT_EQ(person->sequence(), jpn_.home().size() - 1);
  const auto key = jpn_.home().Find<v1::KeyRecord>(v1::TABLE_KEY, person->key_ids(0));
  EXPECT_EQ(key->valid_from_us(), jpn_.now().micros);
  EXPECT_EQ(jpn_.home().ReplayAll(), absl::OkStatus());
}

TEST_F(HomeRules, RefuseAPersonOutOfShape) {
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.clear_person_id(); }), "FIELD_REQUIRED");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.set_person_id(std::string(65, 'x')); }), "FIELD_INVALID");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.set_person_id("Müller"); }), "FIELD_INVALID");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.clear_roles(); }), "FIELD_REQUIRED");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.add_roles(v1::ROLE_SECRETARIAT); }), "FIELD_INVALID");  // not ascending
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.set_roles(0, static_cast<v1::Role>(99)); }), "FIELD_INVALID");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.clear_keys(); }), "FIELD_REQUIRED");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.set_sealed_digest("short"); }), "FIELD_INVALID");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.set_person_id("holder"); }), "ALREADY_EXISTS");
}

TEST_F(HomeRules, RefuseKeysOutOfShape) {
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.mutable_keys(0)->clear_key(); }), "FIELD_REQUIRED");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.mutable_keys(0)->mutable_key()->set_type(3); }),
            "SIGNATURE_TYPE_UNSUPPORTED");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.mutable_keys(0)->mutable_key()->set_type(300); }),
            "SIGNATURE_TYPE_UNSUPPORTED");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.mutable_keys(0)->mutable_key()->set_key("short"); }), "FIELD_INVALID");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { p.mutable_keys(0)->set_valid_until_us(1); }), "FIELD_INVALID");
  EXPECT_EQ(
      Enrol([](v1::EnrolPerson& p) { *p.mutable_keys(0)->mutable_key() = ToData(TestKey("JPN holder").public_key()); }),
      "ALREADY_EXISTS");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { *p.add_keys() = p.keys(0); }), "ALREADY_EXISTS");
}

TEST_F(HomeRules, GiveEachHandleOnce) {
  const std::string taken = jpn_.Pseudonym("holder", "TH");
  EXPECT_EQ(Enrol([&](v1::EnrolPerson& p) { AddHandle(p.mutable_pseudonyms(), "TH", taken); }), "ALREADY_EXISTS");
  EXPECT_EQ(Open([&](v1::OpenAccount& o) { AddHandle(o.mutable_handles(), "TH", taken); }), "ALREADY_EXISTS");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) {
              AddHandle(p.mutable_pseudonyms(), "TH", TestHandle("1"));
              AddHandle(p.mutable_pseudonyms(), "TH", TestHandle("2"));
            }),
            "ALREADY_EXISTS");
  for (const std::string& handle : {std::string("short"), std::string(32, 'g'), std::string(32, 'A')}) {
    EXPECT_EQ(Enrol([&](v1::EnrolPerson& p) { AddHandle(p.mutable_pseudonyms(), "TH", handle); }), "FIELD_INVALID");
  }
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { AddHandle(p.mutable_pseudonyms(), "TH", ""); }), "FIELD_REQUIRED");
  EXPECT_EQ(Enrol([](v1::EnrolPerson& p) { AddHandle(p.mutable_pseudonyms(), "home", TestHandle("1")); }),
            "FIELD_INVALID");
}

TEST_F(HomeRules, KeepTheGovernmentsRolesFromTheDesignatedOrganization) {
  for (v1::Role role : {v1::ROLE_JC_MEMBER, v1::ROLE_AUTHORIZING_MINISTRY, v1::ROLE_RECOVERY_OFFICER}) {
    EXPECT_EQ(Enrol([&](v1::EnrolPerson& p) {
                p.clear_roles();
                p.add_roles(v1::ROLE_DESIGNATED_ORGANIZATION);
                p.add_roles(role);
              }),
              "ROLE_NOT_ALLOWED");
  }
  const auto as_member = [](v1::EnrolPerson& p) { p.set_roles(0, v1::ROLE_JC_MEMBER); };
  EXPECT_EQ(Enrol(as_member, "organization"), "ROLE_NOT_ALLOWED");
  EXPECT_EQ(Enrol([](v1::EnrolPerson&) {}, "organization"), "OK");  // an account representative
  v1::Command enrol;
  enrol.mutable_enrol_key()->set_person_id("operator");
  *enrol.mutable_enrol_key()->mutable_key()->mutable_key() = ToData(TestKey("another").public_key());
  EXPECT_EQ(Submit(enrol, "organization"), "ROLE_NOT_ALLOWED");
  v1::Command revoke;
  const Digest key_id = TestKey("JPN operator").public_key().KeyId();
  revoke.mutable_revoke_key()->set_key_id(std::string(AsBytes(key_id)));
  revoke.mutable_revoke_key()->set_reason("none");
  EXPECT_EQ(Submit(revoke, "organization"), "ROLE_NOT_ALLOWED");
}

TEST_F(HomeRules, RevokeAKeyOnce) {
  v1::Command revoke;
  revoke.mutable_revoke_key()->set_key_id(std::string(32, 'x'));
  EXPECT_EQ(Submit(revoke), "FIELD_REQUIRED");
  revoke.mutable_revoke_key()->set_reason("lost");
  EXPECT_EQ(Submit(revoke), "KEY_UNKNOWN");
  const Digest key_id = TestKey("JPN holder").public_key().KeyId();
  revoke.mutable_revoke_key()->set_key_id(std::string(AsBytes(key_id)));
  EXPECT_EQ(Submit(revoke), "OK");
  EXPECT_EQ(Submit(revoke), "KEY_REVOKED");
}

TEST_F(HomeRules, EnrolFurtherKeysOfAKnownPersonOnly) {
  v1::Command enrol;
  enrol.mutable_enrol_key()->set_person_id("nobody");
  *enrol.mutable_enrol_key()->mutable_key()->mutable_key() = ToData(TestKey("another").public_key());
  EXPECT_EQ(Submit(enrol), "OBJECT_UNKNOWN");
  enrol.mutable_enrol_key()->set_person_id("holder");
  EXPECT_EQ(Submit(enrol), "OK");
}

TEST_F(HomeRules, RefuseAnAccountOutOfShape) {
  EXPECT_EQ(Open([](v1::OpenAccount& o) { o.clear_account_number(); }), "FIELD_REQUIRED");
  EXPECT_EQ(Open([](v1::OpenAccount& o) { o.clear_account_class(); }), "FIELD_INVALID");
  EXPECT_EQ(Open([](v1::OpenAccount& o) { o.set_holder_commitment("short"); }), "FIELD_INVALID");
  EXPECT_EQ(Open([](v1::OpenAccount& o) { o.set_sealed_digest("short"); }), "FIELD_INVALID");
  EXPECT_EQ(Open([](v1::OpenAccount& o) { o.add_representatives("nobody"); }), "OBJECT_UNKNOWN");
  EXPECT_EQ(Open([](v1::OpenAccount& o) {
              o.add_representatives("holder");
              o.add_representatives("holder");
            }),
            "FIELD_INVALID");
  EXPECT_EQ(Open([](v1::OpenAccount& o) { o.add_representatives("holder"); }), "OK");
  EXPECT_EQ(Open([](v1::OpenAccount&) {}), "ALREADY_EXISTS");
}

TEST_F(HomeRules, KeepAClosedAccountClosed) {
  EXPECT_EQ(SetState(v1::ACCOUNT_STATE_FROZEN), "OBJECT_UNKNOWN");
  ASSERT_EQ(Open([](v1::OpenAccount&) {}), "OK");
  EXPECT_EQ(SetState(v1::ACCOUNT_STATE_ACTIVE), "FIELD_INVALID");
  EXPECT_EQ(SetState(v1::ACCOUNT_STATE_APPLIED), "FIELD_INVALID");
  EXPECT_EQ(SetState(v1::ACCOUNT_STATE_UNSPECIFIED), "FIELD_INVALID");
  EXPECT_EQ(SetState(v1::ACCOUNT_STATE_FROZEN), "OK");
  EXPECT_EQ(SetState(v1::ACCOUNT_STATE_ACTIVE), "OK");
  EXPECT_EQ(SetState(v1::ACCOUNT_STATE_CLOSED), "OK");
  for (v1::AccountState state :
       {v1::ACCOUNT_STATE_APPLIED, v1::ACCOUNT_STATE_ACTIVE, v1::ACCOUNT_STATE_FROZEN, v1::ACCOUNT_STATE_CLOSED}) {
    EXPECT_EQ(SetState(state), "FIELD_INVALID");
  }
}

TEST_F(HomeRules, AssignAHandleInOneMorePartnership) {
  ASSERT_EQ(Open([](v1::OpenAccount&) {}), "OK");
  v1::Command assign;
  v1::AssignHandle* act = assign.mutable_assign_handle();
  act->mutable_handle()->set_partnership("ID");
  act->mutable_handle()->set_handle(TestHandle("new"));
  EXPECT_EQ(Submit(assign), "FIELD_INVALID");  // neither
  act->set_person_id("holder");
  act->set_account_number("A-1");
  EXPECT_EQ(Submit(assign), "FIELD_INVALID");  // both
  act->clear_account_number();
  act->set_person_id("nobody");
  EXPECT_EQ(Submit(assign), "OBJECT_UNKNOWN");
  act->set_person_id("holder");
  EXPECT_EQ(Submit(assign), "OK");
  EXPECT_EQ(Submit(assign), "ALREADY_EXISTS");
  act->clear_person_id();
  act->set_account_number("A-1");
  EXPECT_EQ(Submit(assign), "ALREADY_EXISTS");  // the handle is the person's
  act->mutable_handle()->set_handle(TestHandle("another"));
  EXPECT_EQ(Submit(assign), "OK");
  act->set_account_number("A-9");
  act->mutable_handle()->set_handle(TestHandle("a third"));
  EXPECT_EQ(Submit(assign), "OBJECT_UNKNOWN");
}

}  // namespace
}  // namespace jcm::rules
