// What an earlier registry had, audited: the sums that two persons signed, nothing migrated after them, and units that
// a restriction holds where they are.
#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/rules/testing.h"
#include "tools/jcm-verify/audit/audit.h"
#include "tools/jcm-verify/audit/testing/damaged_story.h"
#include "tools/jcm-verify/audit/unit_audit.h"

namespace jcm::verify {
namespace {

using C = v1::Command;
using rules::At;
using rules::MakeDate;

class MigrationStory : public testing::Test {
 protected:
  void SetUp() override {
    government_ = jpn().AddAccount("JP-GOV", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {"operator"});
    company_ = jpn().AddAccount("JP-CO", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"representative"});
    retired_ = jpn().AddAccount("JP-RET", v1::ACCOUNT_CLASS_RETIREMENT, {"operator"});
    C units;
    units.set_provenance(v1::PROVENANCE_MIGRATED);
    v1::MigrateUnits* body = units.mutable_migrate_units();
    body->set_statement_id("OPEN-1");
    v1::MigratedLot* lot = body->add_lots();
    lot->set_lot_id("OLD");
    lot->set_project_id("TH014");
    lot->set_vintage(2016);
    lot->set_first_serial(501);
    lot->set_tonnes(100);
    *lot->mutable_monitoring_start() = MakeDate(2016, 1, 1);
    *lot->mutable_monitoring_end() = MakeDate(2016, 12, 31);
    AddBlock(body, 501, 590, company_, v1::BLOCK_STATE_HELD);
    AddBlock(body, 591, 600, retired_, v1::BLOCK_STATE_RETIRED);
    v1::MigratedTransfer* transfer = body->add_transfers();
    transfer->set_transfer_id("OLD-T");
    transfer->set_from_account(government_);
    transfer->set_to_account(company_);
    *transfer->add_ranges() = Range(501, 520);
    *transfer->mutable_date() = MakeDate(2018, 1, 1);
    Submit(units, {"operator"});
    C sign;
    sign.set_provenance(v1::PROVENANCE_MIGRATED);
    v1::SignOpeningStatement* statement = sign.mutable_sign_opening_statement();
    statement->set_statement_id("OPEN-1");
    *statement->mutable_as_of() = MakeDate(2026, 3, 1);
    statement->set_files_digest(std::string(32, 'f'));
    statement->set_lots(1);
    statement->set_blocks(2);
    statement->set_held(90);
    statement->set_retired(10);
    statement->set_transfers(1);
    Submit(sign, {"operator", "secretary"});
    Restrict(541, 560, "attachment 2026-7");
    C native;
    native.mutable_transfer_credits()->set_transfer_id("T-1");
    native.mutable_transfer_credits()->set_from_account(company_);
    native.mutable_transfer_credits()->set_to_account(government_);
    *native.mutable_transfer_credits()->add_ranges() = Range(561, 570);
    Submit(native, {"representative"});
    Restrict(541, 560, "");
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(story_.pair().Settle().ok());
  }

  rules::TestRegistry& jpn() { return story_.pair().jpn(); }
  static v1::UnitRange Range(uint64_t first, uint64_t last) {
    v1::UnitRange range;
    range.set_lot_id("OLD");
    range.set_first(first);
    range.set_last(last);
    return range;
  }
  static void AddBlock(v1::MigrateUnits* units, uint64_t first, uint64_t last, const std::string& account,
                       v1::BlockState state) {
    v1::MigratedBlock* block = units->add_blocks();
    *block->mutable_range() = Range(first, last);
    block->set_account(account);
    block->set_state(state);
    block->set_first_allottee(v1::PARTY_KIND_PARTICIPANT);
    block->set_issuing_registry("JPN");
    if (state != v1::BLOCK_STATE_RETIRED) return;
    block->set_end_id("OLD-R");
    *block->mutable_end_date() = MakeDate(2019, 4, 1);
  }
  void Submit(const C& command, const std::vector<std::string>& signers) {
    const absl::Status status = jpn().Submit("TH", command, signers);
    ASSERT_TRUE(status.ok()) << status;
  }
  void Restrict(uint64_t first, uint64_t last, const std::string& text) {
    C command;
    v1::RestrictUnits* restrict = command.mutable_restrict_units();
    restrict->set_account(company_);
    *restrict->add_ranges() = Range(first, last);
    restrict->set_restriction(text);
    restrict->set_document_digest(std::string(32, 'd'));
    Submit(command, {"operator", "secretary"});
  }
  // Failed checks of Japan's book up to the first act of that kind, once `change` has rewritten it.
  std::string AfterCommand(C::BodyCase act, const std::vector<std::string>& signers,
                           const std::function<void(C*)>& change) {
    BookCopy copy = story_.Copy("JPN", "TH");
    const uint64_t at = StoryBooks::Find(copy, act);
    story_.ChangeCommand(&copy, at, change, signers);
    v1::Context context;
    EXPECT_TRUE(context.ParseFromString(copy.entries[at].context()));
    while (context.signers_size() > static_cast<int>(signers.size())) context.mutable_signers()->RemoveLast();
    copy.entries[at].set_context(state::Serialise(context));
    return FailedChecks(AuditUpTo(std::move(copy), at, story_));
  }

  StoryBooks story_{StoryBooks::NothingYet(), At("2026-03-02T03:00:00Z")};
  std::string government_;
  std::string company_;
  std::string retired_;
};

TEST_F(MigrationStory, IsFoundGood) { EXPECT_EQ(AllFindings(story_.Audit(story_.All())), ""); }

TEST_F(MigrationStory, FindsSumsThatWereNotTakenOver) {
  const std::vector<std::string> both = {"operator", "secretary"};
  EXPECT_EQ(AfterCommand(C::kSignOpeningStatement, both,
                         [](C* command) { command->mutable_sign_opening_statement()->set_held(91); }),
            "sums");
  EXPECT_EQ(AfterCommand(C::kSignOpeningStatement, both,
                         [](C* command) { command->mutable_sign_opening_statement()->set_retired(0); }),
            "sums");
  EXPECT_EQ(AfterCommand(C::kSignOpeningStatement, both,
                         [](C* command) { command->mutable_sign_opening_statement()->set_restricted(1); }),
            "sums");
  EXPECT_EQ(AfterCommand(C::kSignOpeningStatement, both,
                         [](C* command) { command->mutable_sign_opening_statement()->set_transfers(0); }),
            "sums");
  EXPECT_EQ(AfterCommand(C::kSignOpeningStatement, both,
                         [](C* command) { command->mutable_sign_opening_statement()->set_blocks(3); }),
            "sums");
  EXPECT_EQ(AfterCommand(C::kSignOpeningStatement, {"operator"}, [](C*) {}), "two-persons");
}

TEST_F(MigrationStory, FindsAPastTransferThatWasNotCommanded) {
  EXPECT_EQ(AfterCommand(C::kMigrateUnits, {"operator"},
                         [this](C* command) {
                           command->mutable_migrate_units()->mutable_transfers(0)->set_from_account(company_);
                           command->mutable_migrate_units()->mutable_transfers(0)->set_to_account(government_);
                         }),
            "effects");
  EXPECT_EQ(AfterCommand(C::kMigrateUnits, {"operator"},
                         [](C* command) { command->mutable_migrate_units()->clear_transfers(); }),
            "effects");
}

TEST_F(MigrationStory, FindsWhatWasTakenOverAfterTheStatement) {
  // The restriction after it, dressed up as if it had been there before.
  EXPECT_EQ(AfterCommand(C::kRestrictUnits, {"operator", "secretary"},
                         [](C* command) { command->set_provenance(v1::PROVENANCE_MIGRATED); }),
            "issuance");
}

TEST_F(MigrationStory, FindsARestrictionOfOtherUnitsThanCommanded) {
  EXPECT_EQ(AfterCommand(C::kRestrictUnits, {"operator", "secretary"},
                         [](C* command) { command->mutable_restrict_units()->mutable_ranges(0)->set_last(559); }),
            "effects");
  EXPECT_EQ(AfterCommand(C::kRestrictUnits, {"operator"}, [](C*) {}), "two-persons");
}

TEST_F(MigrationStory, FindsUnitsThatMovedAlthoughTheyWereRestricted) {
  BookCopy copy = story_.Copy("JPN", "TH");
  const uint64_t moved = StoryBooks::Find(copy, C::kTransferCredits);
  ASSERT_LT(StoryBooks::Find(copy, C::kRestrictUnits), moved);
  // The transfer of 561..570, rewritten to one of 541..550, which a restriction holds at that time.
  story_.ChangeCommand(&copy, moved,
                       [](C* command) { *command->mutable_transfer_credits()->mutable_ranges(0) = Range(541, 550); },
                       {"representative"});
  StoryBooks::ChangeEffects(&copy, moved, [this](v1::Effects* effects) {
    v1::Effects rewritten;
    v1::BlockRecord block;
    for (const v1::Effect& effect : effects->effects()) {
      if (effect.table() != v1::TABLE_BLOCK) *rewritten.add_effects() = effect;
      v1::BlockRecord one;
      // What was there before, but for its serials and the restriction: its first piece was cut from the same block.
      if (effect.table() == v1::TABLE_BLOCK && one.ParseFromString(effect.old_value()) && one.first() == 561)
        block = one;
    }
    ASSERT_EQ(block.first(), 561u);
    block.set_restriction("attachment 2026-7");
    const auto piece = [&block](uint64_t first, uint64_t last, const std::string& account) {
      block.set_first(first);
      block.set_last(last);
      block.set_account(account);
      return state::Serialise(block);
    };
    v1::Effect* cut = rewritten.add_effects();
    cut->set_table(v1::TABLE_BLOCK);
    cut->set_key(RangeKey("OLD", 541));
    cut->set_old_value(piece(541, 560, company_));
    cut->set_new_value(piece(541, 550, government_));
    v1::Effect* rest = rewritten.add_effects();
    rest->set_table(v1::TABLE_BLOCK);
    rest->set_key(RangeKey("OLD", 551));
    rest->set_new_value(piece(551, 560, company_));
    std::sort(rewritten.mutable_effects()->begin(), rewritten.mutable_effects()->end(),
              [](const auto& x, const auto& y) {
                return std::make_pair(x.table(), x.key()) < std::make_pair(y.table(), y.key());
              });
    ChangeRecord<v1::TransferRecord>(EffectOn(&rewritten, v1::TABLE_TRANSFER),
                                     [](v1::TransferRecord* record) { *record->mutable_ranges(0) = Range(541, 550); });
    *effects = rewritten;
  });
  const AuditReport report = AuditUpTo(std::move(copy), moved, story_);
  EXPECT_EQ(FailedChecks(report), "effects") << AllFindings(report);
  EXPECT_NE(AllFindings(report).find("restricted"), std::string::npos) << AllFindings(report);
}

}  // namespace
}  // namespace jcm::verify
