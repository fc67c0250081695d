// What the auditor says of good books, and that its checks of bytes, state and persons find what they are for: the
// damage is done with the registry's own keys where needed, so that hashes, chain and signatures are true and only that
// check can find it. What acts may do: act_audit_test.cc.
#include "tools/jcm-verify/audit/audit.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/book/leaf.h"
#include "ledger/rules/import.h"
#include "tools/jcm-verify/audit/testing/damaged_story.h"

namespace jcm::verify {
namespace {

using C = v1::Command;

TEST(Audit, FindsNothingInABilateralStoryWithBothHomes) {
  const AuditReport report = Story().Audit(Story().All());
  EXPECT_EQ(AllFindings(report), "");
  EXPECT_EQ(report.books().size(), 4u);
  EXPECT_GT(report.entries(), 100u);
  for (const BookReport& book : report.books()) {
    EXPECT_EQ(book.checkpoints, 1u) << book.name();
    EXPECT_GT(book.count(Check::STATE_ROOT).passed, 0u) << book.name();
    EXPECT_GT(book.count(Check::AUTHOR_HOME).passed, 0u) << book.name();
    if (absl::EndsWith(book.name(), "/home")) continue;
    for (const Check check : {Check::IMPORT, Check::IMPORTED_LEAVES, Check::SHADOW, Check::TWO_PERSONS, Check::DECISION,
                              Check::COSIGNATURE}) {
      EXPECT_GT(book.count(check).passed, 0u) << book.name() << " " << Describe(check).name;
    }
  }
}

TEST(Audit, ChecksOneBookAloneAndSaysWhatItCannotCheck) {
  const AuditReport report = Story().Audit({Story().Copy("JPN", "TH")});
  EXPECT_EQ(AllFindings(report), "");
  const BookReport& book = report.books()[0];
  EXPECT_EQ(book.count(Check::AUTHOR_HOME).not_checkable, "home not given");
  EXPECT_NE(book.count(Check::IMPORTED_LEAVES).not_checkable, "");
  EXPECT_GT(book.count(Check::CONSERVATION).passed, 0u);
}

TEST(Audit, PublishesTheTablesThatTheRulesPublish) {
  for (uint32_t table = 0; table < 1'000; ++table)
    EXPECT_EQ(IsPublished(table), rules::IsPublishedTable(table)) << table;
}

TEST(Audit, LeavesOutSignaturesWhenAskedTo) {
  AuditSettings settings;
  settings.author_signatures = false;
  const AuditReport report = Story().Audit(Story().All(), settings);
  EXPECT_EQ(AllFindings(report), "");
  EXPECT_EQ(report.books()[1].author_signatures, 0u);
  EXPECT_NE(report.books()[1].count(Check::AUTHOR_SIGNATURE).not_checkable, "");
}

// ---- bytes ---------------------------------------------------------------------------------------------------------

TEST(Audit, NamesTheFieldWhoseBytesAreNotThoseOfTheLeaf) {
  const auto flip = [](std::string bytes) {
    bytes[bytes.size() / 2] ^= 1;
    return bytes;
  };
  for (int field = 0; field < 3; ++field) {
    BookCopy copy = Story().Copy("JPN", "TH");
    const uint64_t at = StoryBooks::Find(copy, C::kTransferCredits);
    v1::EntryRecord& entry = copy.entries[at];
    if (field == 0) entry.set_command(flip(entry.command()));
    if (field == 1) entry.set_context(flip(entry.context()));
    if (field == 2) entry.set_effects(flip(entry.effects()));
    const AuditReport report = Story().Audit({copy});
    const char* names[] = {"command-digest", "context-digest", "effects-digest"};
    EXPECT_EQ(FailedChecks(report), names[field]) << AllFindings(report);
    EXPECT_EQ(report.books()[0].findings()[0].sequence, at);
  }
}

TEST(Audit, FindsALeafOfAnotherBookAndABrokenChain) {
  BookCopy copy = Story().Copy("JPN", "TH");
  std::string leaf = copy.entries[9].leaf();
  leaf[2] = 'K';
  copy.entries[9].set_leaf(leaf);
  AuditReport report = Story().Audit({copy});
  EXPECT_EQ(FailedChecks(report), "chain leaf tree") << AllFindings(report);
  EXPECT_EQ(report.books()[0].findings()[0].sequence, 9u);

  copy = Story().Copy("JPN", "TH");
  copy.entries.erase(copy.entries.begin() + 9);
  report = Story().Audit({copy});
  EXPECT_TRUE(absl::StrContains(FailedChecks(report), "chain")) << AllFindings(report);
  EXPECT_EQ(report.books()[0].findings()[0].sequence, 9u);
}

TEST(Audit, FindsTimeThatGoesBack) {
  BookCopy copy = Story().Copy("JPN", "home");
  absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(copy.entries[3].leaf());
  ASSERT_TRUE(leaf.ok());
  leaf->time.micros -= 1;
  copy.entries[3].set_leaf(book::EncodeLeaf(*leaf));
  Story().Rebuild(&copy);
  EXPECT_EQ(FailedChecks(Story().Audit({copy})), "chain");
}

TEST(Audit, FindsEntriesThatWereNotSigned) {
  BookCopy copy = Story().Copy("THA", "TH");
  const std::string signed_note = copy.checkpoint;
  StoryBooks::ChangeEffects(&copy, copy.entries.size() - 1, [](v1::Effects*) {});
  copy.entries.back().set_command(copy.entries.back().command() + std::string());
  absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(copy.entries.back().leaf());
  leaf->time.micros += 1;
  copy.entries.back().set_leaf(book::EncodeLeaf(*leaf));
  copy.checkpoint = signed_note;
  EXPECT_EQ(FailedChecks(Story().Audit({copy})), "tree");
}

TEST(Audit, FindsACheckpointThatNobodySigned) {
  BookCopy copy = Story().Copy("THA", "TH");
  const size_t line = copy.checkpoint.find("\n\n") + 2;
  copy.checkpoint.erase(line, copy.checkpoint.find('\n', line) + 1 - line);  // the registry's own line
  EXPECT_TRUE(absl::StrContains(FailedChecks(Story().Audit({copy})), "checkpoint"));
}

TEST(Audit, SaysThatACosignatureIsMissing) {
  BookCopy copy = Story().Copy("THA", "TH");
  const size_t first = copy.checkpoint.find("\n\n") + 2;
  copy.checkpoint.erase(copy.checkpoint.find('\n', first) + 1);
  const AuditReport report = Story().Audit({copy});
  EXPECT_EQ(FailedChecks(report), "cosignature");
  EXPECT_EQ(report.errors(), 0u);
  EXPECT_EQ(report.warnings(), 1u);
}

TEST(Audit, FindsABookThatIsBehindItsCheckpoint) {
  BookCopy copy = Story().Copy("THA", "TH");
  const uint64_t signed_size = copy.entries.size();
  copy.entries.resize(signed_size - 5);
  const AuditReport report = Story().Audit({copy});
  EXPECT_TRUE(absl::StrContains(FailedChecks(report), "complete")) << AllFindings(report);
  EXPECT_TRUE(absl::StrContains(AllFindings(report), absl::StrCat(signed_size, " entries")));

  // A rolled-back book with a good checkpoint of its own, against a later one that left the registry.
  AuditSettings settings;
  SourcedNote later;
  later.note = Story().Copy("THA", "TH").checkpoint;
  later.place = "later.txt";
  settings.checkpoints = {later};
  Story().Rebuild(&copy);
  EXPECT_EQ(FailedChecks(Story().Audit({copy}, settings)), "complete");
}

TEST(Audit, FindsCopiesThatDiffer) {
  BookCopy copy = Story().Copy("THA", "TH");
  EXPECT_EQ(AllFindings(Story().Audit({copy, copy})), "");
  BookCopy fork = copy;
  absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(fork.entries.back().leaf());
  leaf->time.micros += 1;
  fork.entries.back().set_leaf(book::EncodeLeaf(*leaf));
  Story().Rebuild(&fork);
  EXPECT_EQ(FailedChecks(Story().Audit({copy, fork})), "copy");
}

TEST(Audit, FindsKeysThatAreNotTheTrustedOnes) {
  BookCopy copy = Story().Copy("THA", "TH");
  v1::Genesis genesis;
  ASSERT_TRUE(genesis.ParseFromString(copy.entries[0].command()));
  *genesis.mutable_recovery_key() = rules::ToData(rules::TestKey("a stranger").public_key());
  copy.entries[0].set_command(state::Serialise(genesis));
  Story().Rebuild(&copy);
  EXPECT_TRUE(absl::StrContains(FailedChecks(Story().Audit({copy})), "keys"));
}

// ---- state and persons ---------------------------------------------------------------------------------------------

TEST(Audit, FindsAnOldValueThatIsNotThePresentOne) {
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = StoryBooks::Find(copy, C::kTransferCredits);
  StoryBooks::ChangeEffects(&copy, at, [](v1::Effects* effects) {
    v1::Effect* block = EffectOn(effects, v1::TABLE_BLOCK);
    block->set_old_value(block->old_value() + std::string("\x62\x01x", 3));
  });
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "old-value");
}

TEST(Audit, FindsAStateRootThatIsNotTheReplayedOne) {
  for (const bool of_home : {false, true}) {
    BookCopy copy = Story().Copy("JPN", "TH");
    for (v1::EntryRecord& entry : copy.entries) {
      v1::StateRoot root;
      if (book::DecodeLeaf(entry.leaf())->kind != book::LeafKind::STATE_ROOT) continue;
      ASSERT_TRUE(root.ParseFromString(entry.command()));
      (of_home ? root.mutable_home_root() : root.mutable_root())->at(0) ^= 1;
      entry.set_command(state::Serialise(root));
    }
    Story().Rebuild(&copy);
    EXPECT_EQ(FailedChecks(Story().Audit({Story().Copy("JPN", "home"), copy})), "state-root");
  }
}

TEST(Audit, FindsAForgedSignature) {
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = StoryBooks::Find(copy, C::kRetireCredits);
  v1::SignedPart part;
  ASSERT_TRUE(part.ParseFromString(copy.entries[at].command()));
  part.mutable_signatures(0)->mutable_signature()->at(7) ^= 1;
  copy.entries[at].set_command(state::Serialise(part));
  Story().Rebuild(&copy);
  EXPECT_EQ(FailedChecks(Story().Audit({copy})), "author-signature");
}

TEST(Audit, FindsAPartThatTheHeaderDoesNotName) {
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = StoryBooks::Find(copy, C::kRetireCredits);
  v1::SignedPart part;
  v1::BundlePart bundle_part;
  ASSERT_TRUE(part.ParseFromString(copy.entries[at].command()) && bundle_part.ParseFromString(part.part()));
  bundle_part.mutable_salt()->at(0) ^= 1;
  part.set_part(state::Serialise(bundle_part));
  copy.entries[at].set_command(state::Serialise(part));
  Story().Rebuild(&copy);
  EXPECT_EQ(FailedChecks(Story().Audit({copy})), "author-path");
}

// Changes the context of the retirement's author.
std::string WithSigner(const std::function<void(v1::SignerContext*)>& change, bool with_home) {
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = StoryBooks::Find(copy, C::kRetireCredits);
  v1::Context context;
  EXPECT_TRUE(context.ParseFromString(copy.entries[at].context()));
  change(context.mutable_signers(0));
  copy.entries[at].set_context(state::Serialise(context));
  Story().Rebuild(&copy);
  std::vector<BookCopy> copies = {copy};
  if (with_home) copies.push_back(Story().Copy("JPN", "home"));
  return FailedChecks(Story().Audit(copies));
}

TEST(Audit, FindsKeysThatWereNotValid) {
  EXPECT_EQ(WithSigner([](v1::SignerContext* signer) { signer->set_revoked_at_us(1); }, false), "author-key");
  EXPECT_EQ(WithSigner([](v1::SignerContext* signer) { signer->set_valid_until_us(1); }, false), "author-key");
  EXPECT_EQ(WithSigner([](v1::SignerContext* signer) { signer->set_valid_from_us(uint64_t{1} << 60); }, false),
            "author-key");
}

TEST(Audit, FindsPersonsThatHomeDoesNotKnowLikeThat) {
  EXPECT_EQ(WithSigner([](v1::SignerContext* signer) { signer->add_roles(v1::ROLE_AUDITOR); }, true), "author-home");
  EXPECT_EQ(WithSigner([](v1::SignerContext* signer) { signer->mutable_home_leaf_hash()->at(0) ^= 1; }, true),
            "author-home");
}

TEST(Audit, FindsAnAuthorWhoMayNot) {
  EXPECT_EQ(WithSigner(
                [](v1::SignerContext* signer) {
                  signer->clear_roles();
                  signer->add_roles(v1::ROLE_AUDITOR);
                },
                false),
            "authority");
  EXPECT_EQ(WithSigner([](v1::SignerContext* signer) { signer->set_pseudonym("somebody else"); }, false), "authority");
}

TEST(Audit, FindsOnePersonWhereTwoAreNeeded) {
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = StoryBooks::Find(copy, C::kOpenPartnership);
  v1::Context context;
  ASSERT_TRUE(context.ParseFromString(copy.entries[at].context()));
  ASSERT_EQ(context.signers_size(), 2);
  context.mutable_signers(1)->set_pseudonym(context.signers(0).pseudonym());  // one person with two keys
  copy.entries[at].set_context(state::Serialise(context));
  Story().Rebuild(&copy);
  EXPECT_EQ(FailedChecks(Story().Audit({copy})), "two-persons");
}

}  // namespace
}  // namespace jcm::verify
