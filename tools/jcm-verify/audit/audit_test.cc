// What the auditor says of good books, and that each of its checks finds what it is for: the damage is done with the
// registry's own keys where needed, so that hashes, chain and signatures are true and only that check can find it.
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
#include "tools/jcm-verify/audit/testing/story_books.h"

namespace jcm::verify {
namespace {

using C = v1::Command;

constexpr char kLot2022[] = "TH014-2022-1";

StoryBooks& Story() {
  static StoryBooks* const story = new StoryBooks;
  return *story;
}

// The effect on a table, of the first entry that has one from `sequence` on.
v1::Effect* EffectOn(v1::Effects* effects, uint32_t table) {
  for (v1::Effect& effect : *effects->mutable_effects()) {
    if (effect.table() == table) return &effect;
  }
  return nullptr;
}

template <typename Record>
void ChangeRecord(v1::Effect* effect, const std::function<void(Record*)>& change) {
  ASSERT_NE(effect, nullptr);
  Record record;
  ASSERT_TRUE(record.ParseFromString(effect->new_value()));
  change(&record);
  effect->set_new_value(state::Serialise(record));
}

// Cuts the book behind the damage, so that nothing built on it is seen.
AuditReport AuditUpTo(BookCopy copy, uint64_t sequence) {
  copy.entries.resize(sequence + 1);
  Story().Rebuild(&copy);
  return Story().Audit({copy});
}

// Changes one record of one act's effects and audits the book up to it.
template <typename Record>
std::string AfterChange(const std::string& registry, C::BodyCase act, const std::string& id, uint32_t table,
                        const std::function<void(Record*)>& change) {
  BookCopy copy = Story().Copy(registry, "TH");
  const uint64_t sequence = StoryBooks::Find(copy, act, id);
  StoryBooks::ChangeEffects(&copy, sequence,
                            [&](v1::Effects* effects) { ChangeRecord<Record>(EffectOn(effects, table), change); });
  return FailedChecks(AuditUpTo(std::move(copy), sequence));
}

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

// ---- bytes
// ------------------------------------------------------------------------------------------------------------

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

// ---- state and persons
// ---------------------------------------------------------------------------------------------------

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

// ---- acts
// --------------------------------------------------------------------------------------------------------------------

TEST(Audit, FindsUnitsThatGoWhereTheCommandDoesNotSay) {
  EXPECT_EQ(AfterChange<v1::BlockRecord>("THA", C::kCancelCredits, "C1", v1::TABLE_BLOCK,
                                         [](v1::BlockRecord* block) { block->set_account("elsewhere"); }),
            "effects");
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = StoryBooks::Find(copy, C::kTransferCredits);
  Story().ChangeCommand(&copy, at,
                        [](C* command) { command->mutable_transfer_credits()->mutable_ranges(0)->set_last(599); },
                        {"operator"});
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "effects");
}

TEST(Audit, FindsATableThatTheActMayNotChange) {
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = StoryBooks::Find(copy, C::kTransferCredits);
  StoryBooks::ChangeEffects(&copy, at, [](v1::Effects* effects) {
    v1::Effect* effect = effects->add_effects();
    effect->set_table(v1::TABLE_PROJECT);
    effect->set_key("TH999");
    v1::ProjectRecord project;
    project.set_project_id("TH999");
    effect->set_new_value(state::Serialise(project));
  });
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "effects");
}

TEST(Audit, FindsASerialThatDisappearsOrIsTwice) {
  BookCopy copy = Story().Copy("THA", "TH");
  const uint64_t at = StoryBooks::Find(copy, C::kCancelCredits);
  StoryBooks::ChangeEffects(&copy, at, [](v1::Effects* effects) {
    for (v1::Effect& effect : *effects->mutable_effects()) {
      v1::BlockRecord block;
      if (effect.table() != v1::TABLE_BLOCK || !block.ParseFromString(effect.new_value())) continue;
      if (block.state() != v1::BLOCK_STATE_HELD || block.first() < 1111) continue;
      block.set_last(block.last() - 1);
      effect.set_new_value(state::Serialise(block));
    }
  });
  EXPECT_TRUE(absl::StrContains(FailedChecks(AuditUpTo(copy, at)), "units-once"));

  EXPECT_TRUE(absl::StrContains(
      AfterChange<v1::BlockRecord>("THA", C::kIssueCredits, "TH-JC7-TH014", v1::TABLE_BLOCK,
                                   [](v1::BlockRecord* block) { block->set_last(block->last() + 1); }),
      "units-once"));
}

TEST(Audit, FindsRetiredUnitsThatMove) {
  // The second retirement, as if it had taken the serials of the first one along.
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t first = StoryBooks::Find(copy, C::kRetireCredits, "R1");
  const uint64_t at = StoryBooks::Find(copy, C::kRetireCredits, "R2");
  v1::Effects retired;
  ASSERT_TRUE(retired.ParseFromString(copy.entries[first].effects()));
  StoryBooks::ChangeEffects(&copy, at, [&](v1::Effects* effects) {
    for (const v1::Effect& effect : retired.effects()) {
      v1::BlockRecord block;
      if (effect.table() != v1::TABLE_BLOCK || !block.ParseFromString(effect.new_value())) continue;
      if (block.state() != v1::BLOCK_STATE_RETIRED) continue;
      v1::Effect* back = effects->add_effects();
      *back = effect;
      back->set_old_value(effect.new_value());
      block.set_state(v1::BLOCK_STATE_HELD);
      back->set_new_value(state::Serialise(block));
    }
  });
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "effects units-final");
}

TEST(Audit, FindsAnIssuanceWithoutConfirmation) {
  BookCopy copy = Story().Copy("THA", "TH");
  const uint64_t at = StoryBooks::Find(copy, C::kIssueCredits);
  Story().ChangeCommand(&copy, at,
                        [](C* command) { command->mutable_issue_credits()->set_text_digest(std::string(32, 'x')); },
                        {"operator"});
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "issuance");
  EXPECT_EQ(AfterChange<v1::IssuanceRecord>("THA", C::kIssueCredits, "TH-JC7-TH014", v1::TABLE_ISSUANCE,
                                            [](v1::IssuanceRecord* record) { record->set_tonnes(2018); }),
            "issuance");
}

TEST(Audit, FindsOverlappingPeriods) {
  EXPECT_EQ(AfterChange<v1::IssuedPeriodRecord>(
                "JPN", C::kIssueCredits, "TH-JC8-TH014", v1::TABLE_ISSUED_PERIOD,
                [](v1::IssuedPeriodRecord* period) { *period->mutable_start() = rules::MakeDate(2021, 12, 31); }),
            "periods");
}

TEST(Audit, FindsAnItmoFromBefore2021) {
  EXPECT_TRUE(absl::StrContains(
      AfterChange<v1::AuthorizationRecord>("THA", C::kAuthorizeItmo, "TH-A1", v1::TABLE_AUTHORIZATION,
                                           [](v1::AuthorizationRecord* record) { record->set_vintage_first(2020); }),
      "itmo-vintage"));
}

TEST(Audit, FindsFirstTransfersAboveTheAuthorization) {
  EXPECT_EQ(
      AfterChange<v1::AuthorizationRecord>("THA", C::kRecordFirstTransfer, "F1", v1::TABLE_AUTHORIZATION,
                                           [](v1::AuthorizationRecord* record) { record->set_first_transferred(200); }),
      "first-transfer");
  EXPECT_EQ(AfterChange<v1::AuthorizationRecord>("THA", C::kRecordFirstTransfer, "F1", v1::TABLE_AUTHORIZATION,
                                                 [](v1::AuthorizationRecord* record) { record->set_quantity(299); }),
            "first-transfer");
}

TEST(Audit, FindsTheReserveMovedByHand) {
  EXPECT_EQ(AfterChange<v1::BlockRecord>("JPN", C::kTransferCredits, "T1", v1::TABLE_BLOCK,
                                         [](v1::BlockRecord* block) { block->set_state(v1::BLOCK_STATE_RESERVED); }),
            "effects reserve");
}

TEST(Audit, FindsSumsThatAreNotThoseOfTheirRanges) {
  EXPECT_EQ(AfterChange<v1::RetirementRecord>("JPN", C::kRetireCredits, "R1", v1::TABLE_RETIREMENT,
                                              [](v1::RetirementRecord* record) { record->set_tonnes(51); }),
            "sums");
}

// ---- both sides
// --------------------------------------------------------------------------------------------------------------

// The first import of Japan's book that changes an imported record of the table.
uint64_t FindImport(const BookCopy& copy, uint32_t table, uint64_t from = 0) {
  for (uint64_t i = from; i < copy.entries.size(); ++i) {
    v1::Effects effects;
    if (book::DecodeLeaf(copy.entries[i].leaf())->kind != book::LeafKind::IMPORT) continue;
    if (effects.ParseFromString(copy.entries[i].effects()) && EffectOn(&effects, table) != nullptr) return i;
  }
  ADD_FAILURE() << "no such import";
  return 0;
}

TEST(Audit, FindsAnImportedRecordThatTheOtherBookDoesNotHave) {
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = FindImport(copy, v1::TABLE_MEMBER + kShadowOffset);
  StoryBooks::ChangeEffects(&copy, at, [](v1::Effects* effects) {
    ChangeRecord<v1::MemberRecord>(EffectOn(effects, v1::TABLE_MEMBER + kShadowOffset),
                                   [](v1::MemberRecord* member) { member->set_title("somebody else"); });
  });
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "shadow");
}

TEST(Audit, FindsACursorThatIsNotWhereTheImportEnded) {
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = FindImport(copy, v1::TABLE_CURSOR);
  StoryBooks::ChangeEffects(&copy, at, [](v1::Effects* effects) {
    ChangeRecord<v1::CursorRecord>(EffectOn(effects, v1::TABLE_CURSOR),
                                   [](v1::CursorRecord* cursor) { cursor->set_imported_size(1); });
  });
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "import");
}

TEST(Audit, FindsAnImportThatTheOtherSideDidNotSign) {
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = FindImport(copy, v1::TABLE_CURSOR);
  v1::Import import;
  ASSERT_TRUE(import.ParseFromString(copy.entries[at].command()));
  std::string* note = import.mutable_checkpoint();
  note->at(note->size() - 10) = note->at(note->size() - 10) == 'A' ? 'B' : 'A';
  copy.entries[at].set_command(state::Serialise(import));
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "import");
}

TEST(Audit, FindsImportedLeavesThatAreNotThoseOfTheOtherBook) {
  // Thailand shows the auditor another history than it gave to Japan, signed just as well.
  BookCopy shown = Story().Copy("THA", "TH");
  const uint64_t at = StoryBooks::Find(shown, C::kRegisterProject);
  absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(shown.entries[at].leaf());
  Story().ChangeCommand(&shown, at, [](C* command) { command->set_note("another"); }, {"secretary"});
  Story().Rebuild(&shown);
  const AuditReport report = Story().Audit({Story().Copy("JPN", "TH"), shown});
  EXPECT_TRUE(absl::StrContains(FailedChecks(report), "imported-leaves")) << AllFindings(report);
  EXPECT_FALSE(absl::StrContains(FailedChecks(report), "chain"));
}

TEST(Audit, FindsAConfirmationOfAnotherOutcome) {
  EXPECT_EQ(AfterChange<v1::ReactionRecord>(
                "THA", C::kConfirmOutcome, "TH-JC7-TH014", v1::TABLE_REACTION,
                [](v1::ReactionRecord* reaction) { reaction->set_outcome(v1::DECISION_OUTCOME_NOT_ADOPTED); }),
            "decision");
}

TEST(Audit, FindsADecisionThatNobodyOfTheOtherSideVotedFor) {
  BookCopy copy = Story().Copy("JPN", "TH");
  for (uint64_t at = 0; at < copy.entries.size(); ++at) {
    v1::Effects effects;
    ASSERT_TRUE(effects.ParseFromString(copy.entries[at].effects()));
    v1::Effect* decision = EffectOn(&effects, v1::TABLE_DECISION);
    v1::DecisionRecord record;
    if (decision == nullptr || !record.ParseFromString(decision->new_value())) continue;
    if (record.state() != v1::DECISION_STATE_ADOPTED) continue;
    record.set_adopted_at_us(record.opened_at_us());  // before anybody voted
    decision->set_new_value(state::Serialise(record));
    copy.entries[at].set_effects(state::Serialise(effects));
    EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "decision");
    return;
  }
  FAIL() << "no decision was adopted";
}

TEST(Audit, FindsATransferPostedThatNobodyAccepted) {
  BookCopy copy = Story().Copy("THA", "TH");
  const uint64_t at = StoryBooks::Find(copy, C::kWithdrawTransfer);
  StoryBooks::ChangeEffects(&copy, at, [](v1::Effects* effects) {
    ChangeRecord<v1::TransferOutRecord>(EffectOn(effects, v1::TABLE_TRANSFER_OUT), [](v1::TransferOutRecord* transfer) {
      transfer->set_void_cause(v1::VOID_CAUSE_EXPIRED);
    });
  });
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "transfer-pair");
}

TEST(Audit, FindsAnImportOfWhatDidNotExistYet) {
  // Thailand's book imports Japan's before Japan's entries were stamped: both wait for each other.
  BookCopy jpn = Story().Copy("JPN", "TH");
  BookCopy tha = Story().Copy("THA", "TH");
  const uint64_t at = FindImport(jpn, v1::TABLE_CURSOR);
  for (uint64_t i = 0; i <= at; ++i) {
    absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(jpn.entries[i].leaf());
    leaf->peer_size = tha.entries.size();
    jpn.entries[i].set_leaf(book::EncodeLeaf(*leaf));
  }
  jpn.entries.resize(at + 1);
  Story().Rebuild(&jpn);
  const AuditReport report = Story().Audit({jpn, tha});
  EXPECT_TRUE(absl::StrContains(FailedChecks(report), "causality")) << AllFindings(report);
}

TEST(Audit, SaysThatTheOtherSideHasSeenMore) {
  BookCopy tha = Story().Copy("THA", "TH");
  tha.entries.resize(StoryBooks::Find(tha, C::kCancelCredits));
  Story().Rebuild(&tha);
  const AuditReport report = Story().Audit({Story().Copy("JPN", "TH"), tha});
  EXPECT_EQ(report.errors(), 0u) << AllFindings(report);
  EXPECT_EQ(FailedChecks(report), "complete");
  EXPECT_NE(report.books()[1].count(Check::CONSERVATION).not_checkable, "");
}

TEST(Audit, FindsUnitsThatAreInBothBooks) {
  // Both governments' recovery keys sign a compensation that makes units of Thailand's appear in Japan: no act is
  // broken, but the sums are.
  BookCopy jpn = Story().Copy("JPN", "TH");
  v1::ResolutionBody body;
  body.set_resolution_id("RES-1");
  v1::Resolution resolution;
  resolution.set_resolution(state::Serialise(body));
  for (bool japan : {true, false}) {
    *resolution.add_signatures() = rules::TestSign(Story().pair().of(japan).recovery_key(),
                                                   "application/vnd.jcm.resolution.v1", resolution.resolution());
  }
  v1::BlockRecord block;
  block.set_lot_id(kLot2022);
  block.set_first(901);
  block.set_last(910);
  block.set_account("somewhere");
  block.set_state(v1::BLOCK_STATE_HELD);
  v1::Effects effects;
  v1::Effect* effect = effects.add_effects();
  effect->set_table(v1::TABLE_BLOCK);
  effect->set_key(RangeKey(kLot2022, 901));
  effect->set_new_value(state::Serialise(block));
  v1::EntryRecord entry = jpn.entries.back();
  absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(entry.leaf());
  leaf->kind = book::LeafKind::RESOLUTION;
  entry.set_leaf(book::EncodeLeaf(*leaf));
  entry.set_command(state::Serialise(resolution));
  entry.set_context("");
  entry.set_effects(state::Serialise(effects));
  jpn.entries.push_back(entry);
  Story().Rebuild(&jpn);

  AuditReport report = Story().Audit({jpn, Story().Copy("THA", "TH")});
  EXPECT_EQ(FailedChecks(report), "conservation units-once") << AllFindings(report);
  EXPECT_TRUE(absl::StrContains(AllFindings(report), "serial 901")) << AllFindings(report);
  report = Story().Audit({jpn});
  EXPECT_EQ(FailedChecks(report), "conservation") << AllFindings(report);
}

}  // namespace
}  // namespace jcm::verify
