// What stands between a signed part and its rule.
#include "ledger/rules/command.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/proto_check.h"
#include "ledger/rules/key_checks.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

using book::LeafKind;

v1::Command Project(const std::string& id) {
  v1::Command command;
  command.set_provenance(v1::PROVENANCE_NATIVE);
  command.mutable_register_project()->set_project_id(id);
  command.mutable_register_project()->set_title_en("A project");
  return command;
}

template <typename Message>
Message Parse(const std::string& bytes) {
  Message message;
  EXPECT_TRUE(ParseStrict(bytes, &message).ok());
  return message;
}

class CommandRules : public testing::Test {
 protected:
  std::string Refusal(const v1::SignedPart& part) {
    return Why(pair_.jpn().Append("TH", LeafKind::COMMAND, state::Serialise(part)));
  }

  v1::SignedPart Signed(const std::vector<std::string>& signers = {"secretary"}) {
    return pair_.jpn().Sign("TH", Project("TH020"), signers);
  }

  // Changes the header and signs it again.
  v1::SignedPart WithHeader(const std::function<void(v1::BundleHeader&)>& change) {
    v1::SignedPart part = Signed();
    auto header = Parse<v1::BundleHeader>(part.header());
    change(header);
    part.set_header(state::Serialise(header));
    *part.mutable_signatures(0) = TestSign(TestKey("JPN secretary"), kBundleHeaderType, part.header());
    return part;
  }

  // Replaces the part and signs a header over the new one.
  v1::SignedPart WithPart(const std::function<void(v1::BundlePart&)>& change) {
    v1::SignedPart part = Signed();
    auto inner = Parse<v1::BundlePart>(part.part());
    change(inner);
    part.set_part(state::Serialise(inner));
    auto header = Parse<v1::BundleHeader>(part.header());
    const Digest root = book::LeafHash(part.part());
    header.set_parts_root(std::string(AsBytes(root)));
    part.set_header(state::Serialise(header));
    *part.mutable_signatures(0) = TestSign(TestKey("JPN secretary"), kBundleHeaderType, part.header());
    return part;
  }

  v1::SignedPart WithCommand(const std::function<void(v1::Command&)>& change) {
    return WithPart([&](v1::BundlePart& part) {
      auto command = Parse<v1::Command>(part.command());
      change(command);
      part.set_command(state::Serialise(command));
    });
  }

  TestPair pair_;
};

TEST_F(CommandRules, TakesASignedPartOfThisBook) {
  EXPECT_EQ(Refusal(Signed()), "OK");
  EXPECT_EQ(pair_.jpn().book("TH").ReplayAll(), absl::OkStatus());
}

TEST_F(CommandRules, TakesOnePartOfManyByItsPath) {
  v1::SignedPart part = Signed();
  const Digest other = book::LeafHash("another part");
  auto header = Parse<v1::BundleHeader>(part.header());
  header.set_part_count(2);
  const Digest root = book::NodeHash(other, book::LeafHash(part.part()));
  header.set_parts_root(std::string(AsBytes(root)));
  part.set_header(state::Serialise(header));
  part.set_part_index(1);
  part.add_part_path(std::string(AsBytes(other)));
  *part.mutable_signatures(0) = TestSign(TestKey("JPN secretary"), kBundleHeaderType, part.header());
  v1::SignedPart elsewhere = part;
  elsewhere.set_part_index(0);
  EXPECT_EQ(Refusal(elsewhere), "PROOF_INVALID");
  v1::SignedPart short_hash = part;
  short_hash.set_part_path(0, "short");
  EXPECT_EQ(Refusal(short_hash), "PROOF_INVALID");
  EXPECT_EQ(Refusal(part), "OK");
}

TEST_F(CommandRules, RefusesBytesThatAreNoSignedPart) {
  EXPECT_EQ(Why(pair_.jpn().Append("TH", LeafKind::COMMAND, "\xff\xff")), "MESSAGE_MALFORMED");
  EXPECT_EQ(Why(pair_.jpn().Append("TH", LeafKind::COMMAND, state::Serialise(Signed()) + "\x7a\x01x")),
            "UNKNOWN_FIELD");
}

TEST_F(CommandRules, RefusesUnknownFieldsInsideTheCommand) {
  EXPECT_EQ(Refusal(WithPart([](v1::BundlePart& part) { part.set_command(part.command() + "\xfa\x7f\x01x"); })),
            "UNKNOWN_FIELD");
}

TEST_F(CommandRules, RefusesAnotherRegistryOrBook) {
  EXPECT_EQ(Refusal(WithHeader([](v1::BundleHeader& h) { h.set_registry("THA"); })), "WRONG_REGISTRY");
  EXPECT_EQ(Refusal(WithPart([](v1::BundlePart& p) { p.set_partnership("MV"); })), "FIELD_INVALID");
}

TEST_F(CommandRules, RefusesAPartThatIsNotUnderTheSignedRoot) {
  v1::SignedPart part = Signed();
  part.set_part(pair_.jpn().Sign("TH", Project("TH021"), {"secretary"}).part());
  EXPECT_EQ(Refusal(part), "PROOF_INVALID");
}

TEST_F(CommandRules, RefusesHeadersOutOfShape) {
  EXPECT_EQ(Refusal(WithHeader([](v1::BundleHeader& h) { h.set_format(2); })), "FIELD_INVALID");
  EXPECT_EQ(Refusal(WithHeader([](v1::BundleHeader& h) { h.set_request_id("short"); })), "FIELD_INVALID");
  EXPECT_EQ(Refusal(WithHeader([](v1::BundleHeader& h) { h.clear_mode(); })), "FIELD_INVALID");
  EXPECT_EQ(Refusal(WithHeader([](v1::BundleHeader& h) { h.set_part_count(0); })), "BUNDLE_EMPTY");
  EXPECT_EQ(Refusal(WithHeader([](v1::BundleHeader& h) { h.set_part_count(1'001); })), "BUNDLE_TOO_LARGE");
  EXPECT_EQ(Refusal(WithHeader([](v1::BundleHeader& h) { h.clear_registry(); })), "FIELD_REQUIRED");
  EXPECT_EQ(Refusal(WithHeader([](v1::BundleHeader& h) { h.set_parts_root("short"); })), "FIELD_INVALID");
  EXPECT_EQ(Refusal(WithHeader([](v1::BundleHeader& h) { h.set_author_key_id("short"); })), "FIELD_INVALID");
}

TEST_F(CommandRules, RefusesPartsOutOfShape) {
  EXPECT_EQ(Refusal(WithPart([](v1::BundlePart& p) { p.set_salt("short"); })), "FIELD_INVALID");
  EXPECT_EQ(Refusal(WithPart([](v1::BundlePart& p) { p.clear_command(); })), "FIELD_REQUIRED");
  EXPECT_EQ(Refusal(WithPart([](v1::BundlePart& p) { p.set_command(std::string(kCommandBytesMax + 1, 'x')); })),
            "MESSAGE_MALFORMED");  // found while home is asked; a part of that size is refused before it is queued
}

TEST_F(CommandRules, RefusesACommandAbove64KiB) {
  const v1::SignedPart part = WithCommand([](v1::Command& c) { c.set_note(std::string(kCommandBytesMax, 'x')); });
  EXPECT_EQ(Refusal(part), "COMMAND_TOO_LARGE");
}

TEST_F(CommandRules, RefusesUnstatedOrUnknownProvenance) {
  EXPECT_EQ(Refusal(WithCommand([](v1::Command& c) { c.clear_provenance(); })), "FIELD_REQUIRED");
  EXPECT_EQ(Refusal(WithCommand([](v1::Command& c) { c.set_provenance(static_cast<v1::Provenance>(9)); })),
            "FIELD_INVALID");
  EXPECT_EQ(Refusal(WithCommand([](v1::Command& c) { c.set_provenance(v1::PROVENANCE_ATTESTED); })), "FIELD_INVALID");
}

TEST_F(CommandRules, RefusesImpossibleDatesAndLongNotes) {
  EXPECT_EQ(Refusal(WithCommand([](v1::Command& c) { *c.mutable_legal_date() = MakeDate(2026, 2, 30); })),
            "FIELD_INVALID");
  EXPECT_EQ(Refusal(WithCommand([](v1::Command& c) { c.set_note(std::string(2'001, 'x')); })), "FIELD_INVALID");
}

TEST_F(CommandRules, RefusesACommandWithoutBody) {
  EXPECT_EQ(Refusal(WithCommand([](v1::Command& c) { c.clear_body(); })), "FIELD_REQUIRED");
}

TEST_F(CommandRules, RefusesMissingSignatures) {
  v1::SignedPart none = Signed();
  none.clear_signatures();
  EXPECT_EQ(Refusal(none), "SIGNATURE_MISSING");
  v1::SignedPart empty = Signed();
  empty.mutable_signatures(0)->clear_signature();
  EXPECT_EQ(Refusal(empty), "SIGNATURE_MISSING");
}

TEST_F(CommandRules, RefusesASignatureOverOtherBytes) {
  v1::SignedPart part = Signed();
  part.mutable_signatures(0)->set_signature(Signed().signatures(0).signature());
  EXPECT_EQ(Refusal(part), "SIGNATURE_INVALID");
}

TEST_F(CommandRules, RefusesASignatureOfAnotherPayloadType) {
  v1::SignedPart part = Signed();
  *part.mutable_signatures(0) = TestSign(TestKey("JPN secretary"), kResolutionType, part.header());
  EXPECT_EQ(Refusal(part), "SIGNATURE_INVALID");
}

TEST_F(CommandRules, RefusesASignatureOfAnotherTypeThanTheKey) {
  v1::SignedPart part = Signed();
  part.mutable_signatures(0)->set_type(2);
  EXPECT_EQ(Refusal(part), "SIGNATURE_INVALID");
}

TEST_F(CommandRules, RefusesAWrongSecondSignature) {
  v1::SignedPart part = Signed({"secretary", "secretary2"});
  part.mutable_signatures(1)->set_signature(part.signatures(0).signature());
  EXPECT_EQ(Refusal(part), "SIGNATURE_INVALID");
}

TEST_F(CommandRules, RefusesAKeyThatSignedTwice) {
  v1::SignedPart part = Signed();
  *part.add_signatures() = part.signatures(0);
  EXPECT_EQ(Refusal(part), "FIELD_INVALID");
}

TEST_F(CommandRules, RefusesMoreThanSixteenSignatures) {
  v1::SignedPart part = Signed();
  for (int i = 0; i < 16; ++i) *part.add_signatures() = part.signatures(0);
  EXPECT_EQ(Refusal(part), "FIELD_INVALID");
}

TEST_F(CommandRules, RefusesAnAuthorWhoDidNotSignFirst) {
  v1::SignedPart part = Signed({"secretary", "secretary2"});
  part.mutable_signatures()->SwapElements(0, 1);
  EXPECT_EQ(Refusal(part), "SIGNATURE_INVALID");
}

TEST_F(CommandRules, RefusesAKeyThatIsNotEnrolled) { EXPECT_EQ(Refusal(Signed({"nobody"})), "KEY_UNKNOWN"); }

TEST_F(CommandRules, RefusesARevokedKeyFromItsInstantOn) {
  v1::Command revoke;
  const Digest id = TestKey("JPN secretary").public_key().KeyId();
  revoke.mutable_revoke_key()->set_key_id(std::string(AsBytes(id)));
  revoke.mutable_revoke_key()->set_reason("lost");
  ASSERT_EQ(pair_.jpn().Submit(kHome, revoke, {"operator"}), absl::OkStatus());
  EXPECT_EQ(Refusal(Signed()), "KEY_REVOKED");
}

TEST_F(CommandRules, RefusesAKeyOutsideItsValidity) {
  v1::Command enrol;
  enrol.mutable_enrol_key()->set_person_id("secretary");
  v1::EnrolledKey* key = enrol.mutable_enrol_key()->mutable_key();
  *key->mutable_key() = ToData(TestKey("JPN young").public_key());
  key->set_valid_from_us(pair_.jpn().now().micros + 10);
  key->set_valid_until_us(pair_.jpn().now().micros + 20);
  ASSERT_EQ(pair_.jpn().Submit(kHome, enrol, {"operator"}), absl::OkStatus());
  EXPECT_EQ(Refusal(Signed({"young"})), "KEY_EXPIRED");
  pair_.Advance(10);
  EXPECT_EQ(Refusal(Signed({"young"})), "OK");
  pair_.Advance(10);
  EXPECT_EQ(Refusal(pair_.jpn().Sign("TH", Project("TH022"), {"young"})), "KEY_EXPIRED");
}

TEST_F(CommandRules, RefusesARoleThatThePolicyDoesNotName) {
  EXPECT_EQ(Refusal(Signed({"representative"})), "ROLE_NOT_ALLOWED");
}

TEST_F(CommandRules, RefusesActsInTheWrongKindOfBook) {
  v1::Command account;
  account.mutable_open_account()->set_account_number("A");
  EXPECT_EQ(Why(pair_.jpn().Submit("TH", account, {"operator"})), "FIELD_INVALID");
  EXPECT_EQ(Why(pair_.jpn().Submit(kHome, Project("TH023"), {"operator"})), "FIELD_INVALID");
}

TEST_F(CommandRules, RefusesActsBeforeThePartnershipIsOpen) {
  TestRegistry alone("JPN", {"TH"}, At("2026-03-02T00:00:00Z"));
  EXPECT_EQ(Why(alone.Submit("TH", Project("TH024"), {"operator"})), "OBJECT_UNKNOWN");
}

// ---- the context
// -----------------------------------------------------------------------------------------------------

class ContextRules : public CommandRules {
 protected:
  // Executes with a context of the test's own making.
  std::string RefusalWith(const v1::Context& context, const std::string& partnership = "TH") {
    const std::string command = state::Serialise(part_);
    const std::string bytes = state::Serialise(context);
    EntryInput input;
    input.book = {"JPN", partnership};
    input.sequence = pair_.jpn().book(partnership).size();
    input.time = pair_.jpn().now();
    input.command = command;
    input.context = bytes;
    return Why(Execute(pair_.jpn().book(partnership).state(), input, PlainVerifier()).status());
  }

  v1::Context TrueContext(const std::string& partnership = "TH") {
    const std::string command = state::Serialise(part_);
    EntryInput input;
    input.book = {"JPN", partnership};
    input.command = command;
    auto needs = CollectNeeds(pair_.jpn().book(partnership).state(), input);
    EXPECT_TRUE(needs.ok());
    auto context = BuildContext(pair_.jpn().home().state(), input.book, *needs,
                                [](uint64_t) { return absl::StatusOr<Digest>(Digest{}); });
    EXPECT_TRUE(context.ok());
    return Parse<v1::Context>(*context);
  }

  v1::SignedPart part_ = Signed();
};

TEST_F(ContextRules, MustNameEachSigner) {
  v1::Context context = TrueContext();
  EXPECT_EQ(RefusalWith(context), "OK");
  context.clear_signers();
  EXPECT_EQ(RefusalWith(context), "KEY_UNKNOWN");
}

TEST_F(ContextRules, MustHoldTheKeyThatItsIdNames) {
  v1::Context context = TrueContext();
  *context.mutable_signers(0)->mutable_key() = ToData(TestKey("JPN secretary2").public_key());
  EXPECT_EQ(RefusalWith(context), "KEY_UNKNOWN");
  context = TrueContext();
  context.mutable_signers(0)->set_key_id(std::string(32, 'x'));
  EXPECT_EQ(RefusalWith(context), "KEY_UNKNOWN");
  context = TrueContext();
  context.mutable_signers(0)->clear_pseudonym();
  EXPECT_EQ(RefusalWith(context), "KEY_UNKNOWN");
}

TEST_F(ContextRules, MustListAccountsSortedAndOnce) {
  v1::Context context = TrueContext();
  context.add_accounts()->set_handle("b");
  context.add_accounts()->set_handle("a");
  EXPECT_EQ(RefusalWith(context), "FIELD_INVALID");
  context.mutable_accounts(1)->set_handle("b");
  EXPECT_EQ(RefusalWith(context), "FIELD_INVALID");
}

TEST_F(ContextRules, MustBeReadable) {
  EntryInput input;
  input.book = {"JPN", "TH"};
  input.context = "\xff";
  EXPECT_EQ(Why(Execute(pair_.jpn().book("TH").state(), input, PlainVerifier()).status()), "MESSAGE_MALFORMED");
}

TEST_F(ContextRules, OfHomeMustBeWhatHomeSays) {
  v1::Command command;
  command.set_provenance(v1::PROVENANCE_NATIVE);
  command.mutable_open_account()->set_account_number("A-1");
  command.mutable_open_account()->set_account_class(v1::ACCOUNT_CLASS_ENTITY_HOLDING);
  part_ = pair_.jpn().Sign(kHome, command, {"secretary"});
  v1::Context context = TrueContext(kHome);
  EXPECT_EQ(RefusalWith(context, kHome), "ROLE_NOT_ALLOWED");
  context.mutable_signers(0)->set_roles(0, v1::ROLE_SYSTEM_OPERATOR);
  EXPECT_EQ(RefusalWith(context, kHome), "KEY_UNKNOWN");
  context = TrueContext(kHome);
  context.mutable_signers(0)->set_pseudonym("operator");
  EXPECT_EQ(RefusalWith(context, kHome), "KEY_UNKNOWN");
}

TEST_F(ContextRules, NamesPersonsAndAccountsOfThisPartnershipOnly) {
  v1::Command enrol;
  v1::EnrolPerson* person = enrol.mutable_enrol_person();
  person->set_person_id("homely");
  person->add_roles(v1::ROLE_SECRETARIAT);
  *person->add_keys()->mutable_key() = ToData(TestKey("JPN homely").public_key());
  ASSERT_EQ(pair_.jpn().Submit(kHome, enrol, {"operator"}), absl::OkStatus());
  EXPECT_EQ(Refusal(Signed({"homely"})), "KEY_UNKNOWN");
  v1::Command transfer;
  transfer.set_provenance(v1::PROVENANCE_NATIVE);
  transfer.mutable_transfer_credits()->set_from_account(TestHandle("nobody's"));
  EXPECT_EQ(Refusal(pair_.jpn().Sign("TH", transfer, {"operator"})), "ACCOUNT_UNKNOWN");
  transfer.mutable_transfer_credits()->set_from_account(pair_.jpn().Pseudonym("chair", "TH"));
  EXPECT_EQ(Refusal(pair_.jpn().Sign("TH", transfer, {"operator"})), "ACCOUNT_UNKNOWN");
}

TEST_F(ContextRules, TellsTheRepresentativesByPseudonym) {
  const std::string handle = pair_.jpn().AddAccount("A-1", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"representative"});
  Needs needs;
  needs.account_handles = {handle};
  auto bytes = BuildContext(pair_.jpn().home().state(), {"JPN", "TH"}, needs,
                            [](uint64_t) { return absl::StatusOr<Digest>(Digest{}); });
  ASSERT_TRUE(bytes.ok());
  const auto context = Parse<v1::Context>(*bytes);
  ASSERT_EQ(context.accounts_size(), 1);
  EXPECT_EQ(context.accounts(0).representatives(0), pair_.jpn().Pseudonym("representative", "TH"));
  EXPECT_EQ(bytes->find("A-1"), std::string::npos);  // nothing of home's own names leaves it
}

// ---- versions
// --------------------------------------------------------------------------------------------------------

TEST_F(CommandRules, ReadsTheRulesVersionBeforeAnythingElse) {
  EntryInput input;
  input.book = {"JPN", "TH"};
  input.rules_version = kRulesVersion + 1;
  input.command = "\xff";
  EXPECT_EQ(Why(Execute(pair_.jpn().book("TH").state(), input, PlainVerifier()).status()), "RULES_UNSUPPORTED");
  input.rules_version = 0;
  EXPECT_EQ(Why(Execute(pair_.jpn().book("TH").state(), input, PlainVerifier()).status()), "FIELD_REQUIRED");
}

}  // namespace
}  // namespace jcm::rules
