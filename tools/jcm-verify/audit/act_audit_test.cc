// That each check of what acts may do, and of both sides against each other, finds what it is for: all bytes are true.
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/book/leaf.h"
#include "ledger/rules/testing.h"
#include "tools/jcm-verify/audit/audit.h"
#include "tools/jcm-verify/audit/testing/damaged_story.h"

namespace jcm::verify {
namespace {

using C = v1::Command;

constexpr char kLot2022[] = "TH014-2022-1";

// ---- acts ----------------------------------------------------------------------------------------------------------

TEST(ActAudit, FindsUnitsThatGoWhereTheCommandDoesNotSay) {
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

TEST(ActAudit, FindsATableThatTheActMayNotChange) {
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

TEST(ActAudit, FindsASerialThatDisappearsOrIsTwice) {
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

TEST(ActAudit, FindsRetiredUnitsThatMove) {
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

TEST(ActAudit, FindsAnIssuanceWithoutConfirmation) {
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

TEST(ActAudit, FindsOverlappingPeriods) {
  EXPECT_EQ(AfterChange<v1::IssuedPeriodRecord>(
                "JPN", C::kIssueCredits, "TH-JC8-TH014", v1::TABLE_ISSUED_PERIOD,
                [](v1::IssuedPeriodRecord* period) { *period->mutable_start() = rules::MakeDate(2021, 12, 31); }),
            "periods");
}

TEST(ActAudit, FindsAnItmoFromBefore2021) {
  EXPECT_TRUE(absl::StrContains(
      AfterChange<v1::AuthorizationRecord>("THA", C::kAuthorizeItmo, "TH-A1", v1::TABLE_AUTHORIZATION,
                                           [](v1::AuthorizationRecord* record) { record->set_vintage_first(2020); }),
      "itmo-vintage"));
}

TEST(ActAudit, FindsFirstTransfersAboveTheAuthorization) {
  EXPECT_EQ(
      AfterChange<v1::AuthorizationRecord>("THA", C::kRecordFirstTransfer, "F1", v1::TABLE_AUTHORIZATION,
                                           [](v1::AuthorizationRecord* record) { record->set_first_transferred(200); }),
      "first-transfer");
  EXPECT_EQ(AfterChange<v1::AuthorizationRecord>("THA", C::kRecordFirstTransfer, "F1", v1::TABLE_AUTHORIZATION,
                                                 [](v1::AuthorizationRecord* record) { record->set_quantity(299); }),
            "first-transfer");
}

TEST(ActAudit, FindsTheReserveMovedByHand) {
  EXPECT_EQ(AfterChange<v1::BlockRecord>("JPN", C::kTransferCredits, "T1", v1::TABLE_BLOCK,
                                         [](v1::BlockRecord* block) { block->set_state(v1::BLOCK_STATE_RESERVED); }),
            "effects reserve");
}

TEST(ActAudit, FindsSumsThatAreNotThoseOfTheirRanges) {
  EXPECT_EQ(AfterChange<v1::RetirementRecord>("JPN", C::kRetireCredits, "R1", v1::TABLE_RETIREMENT,
                                              [](v1::RetirementRecord* record) { record->set_tonnes(51); }),
            "sums");
}

// ---- both sides ----------------------------------------------------------------------------------------------------

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

TEST(ActAudit, FindsAnImportedRecordThatTheOtherBookDoesNotHave) {
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = FindImport(copy, v1::TABLE_MEMBER + kShadowOffset);
  StoryBooks::ChangeEffects(&copy, at, [](v1::Effects* effects) {
    ChangeRecord<v1::MemberRecord>(EffectOn(effects, v1::TABLE_MEMBER + kShadowOffset),
                                   [](v1::MemberRecord* member) { member->set_title("somebody else"); });
  });
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "shadow");
}

TEST(ActAudit, FindsACursorThatIsNotWhereTheImportEnded) {
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = FindImport(copy, v1::TABLE_CURSOR);
  StoryBooks::ChangeEffects(&copy, at, [](v1::Effects* effects) {
    ChangeRecord<v1::CursorRecord>(EffectOn(effects, v1::TABLE_CURSOR),
                                   [](v1::CursorRecord* cursor) { cursor->set_imported_size(1); });
  });
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "import");
}

TEST(ActAudit, FindsAnImportThatTheOtherSideDidNotSign) {
  BookCopy copy = Story().Copy("JPN", "TH");
  const uint64_t at = FindImport(copy, v1::TABLE_CURSOR);
  v1::Import import;
  ASSERT_TRUE(import.ParseFromString(copy.entries[at].command()));
  std::string* note = import.mutable_checkpoint();
  note->at(note->size() - 10) = note->at(note->size() - 10) == 'A' ? 'B' : 'A';
  copy.entries[at].set_command(state::Serialise(import));
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "import");
}

TEST(ActAudit, FindsImportedLeavesThatAreNotThoseOfTheOtherBook) {
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

TEST(ActAudit, FindsAConfirmationOfAnotherOutcome) {
  EXPECT_EQ(AfterChange<v1::ReactionRecord>(
                "THA", C::kConfirmOutcome, "TH-JC7-TH014", v1::TABLE_REACTION,
                [](v1::ReactionRecord* reaction) { reaction->set_outcome(v1::DECISION_OUTCOME_NOT_ADOPTED); }),
            "decision");
}

TEST(ActAudit, FindsADecisionThatNobodyOfTheOtherSideVotedFor) {
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

TEST(ActAudit, FindsATransferPostedThatNobodyAccepted) {
  BookCopy copy = Story().Copy("THA", "TH");
  const uint64_t at = StoryBooks::Find(copy, C::kWithdrawTransfer);
  StoryBooks::ChangeEffects(&copy, at, [](v1::Effects* effects) {
    ChangeRecord<v1::TransferOutRecord>(EffectOn(effects, v1::TABLE_TRANSFER_OUT), [](v1::TransferOutRecord* transfer) {
      transfer->set_void_cause(v1::VOID_CAUSE_EXPIRED);
    });
  });
  EXPECT_EQ(FailedChecks(AuditUpTo(copy, at)), "transfer-pair");
}

TEST(ActAudit, FindsAnImportOfWhatDidNotExistYet) {
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

TEST(ActAudit, SaysThatTheOtherSideHasSeenMore) {
  BookCopy tha = Story().Copy("THA", "TH");
  tha.entries.resize(StoryBooks::Find(tha, C::kCancelCredits));
  Story().Rebuild(&tha);
  const AuditReport report = Story().Audit({Story().Copy("JPN", "TH"), tha});
  EXPECT_EQ(report.errors(), 0u) << AllFindings(report);
  EXPECT_EQ(FailedChecks(report), "complete");
  EXPECT_NE(report.books()[1].count(Check::CONSERVATION).not_checkable, "");
}

TEST(ActAudit, FindsUnitsThatAreInBothBooks) {
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
