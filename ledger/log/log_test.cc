// The contract of log.h, run against the embedded log and the one for simulations, and what is special to each.
#include "ledger/log/log.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "ledger/log/embedded_log.h"
#include "ledger/log/log_contract.h"
#include "ledger/log/log_testing.h"
#include "ledger/log/memory_log.h"
#include "ledger/store/memory_store.h"
#include "ledger/store/store.h"

namespace jcm::log {
namespace {

std::shared_ptr<Log> MakeEmbedded() {
  struct Both {
    std::unique_ptr<store::Store> store;
    std::unique_ptr<Log> log;
  };
  auto store = store::MemoryStore::Open(std::make_shared<store::MemoryDisk>(), {"JPN", "demo.invalid"});
  EXPECT_TRUE(store.ok());
  if (!store.ok()) return nullptr;
  auto log = EmbeddedLog::Open(store->get(), 0);
  EXPECT_TRUE(log.ok()) << ToText(log.status());
  if (!log.ok()) return nullptr;
  const auto both = std::make_shared<Both>(Both{std::move(store).value(), std::move(log).value()});
  return std::shared_ptr<Log>(both, both->log.get());
}

INSTANTIATE_TEST_SUITE_P(Embedded, LogContract, ::testing::Values(LogUnderTest{MakeEmbedded}));
INSTANTIATE_TEST_SUITE_P(Memory, LogContract,
                         ::testing::Values(LogUnderTest{[] { return std::make_shared<MemoryLog>(); }}));

class EmbeddedLogTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Close() {
    log_.reset();
    store_.reset();
  }
  absl::Status TryReopen(uint64_t applied = 0) {
    Close();
    auto store = store::MemoryStore::Open(disk_, {"JPN", "demo.invalid"});
    EXPECT_TRUE(store.ok());
    store_ = std::move(store).value();
    JCM_ASSIGN_OR_RETURN(log_, EmbeddedLog::Open(store_.get(), applied));
    return absl::OkStatus();
  }
  void Reopen(uint64_t applied = 0) {
    const absl::Status opened = TryReopen(applied);
    ASSERT_TRUE(opened.ok()) << ToText(opened);
  }
  static std::string Key(uint64_t index) { return BigEndianWriter().U64(index).str(); }

  std::shared_ptr<store::MemoryDisk> disk_ = std::make_shared<store::MemoryDisk>();
  std::unique_ptr<store::MemoryStore> store_;
  std::unique_ptr<EmbeddedLog> log_;
};

TEST_F(EmbeddedLogTest, WhatWasAppendedSurvivesACrash) {
  AppendAll(*log_, 100);
  const LogPosition tail = TailOf(*log_);
  Close();
  disk_->Crash();
  Reopen();
  EXPECT_EQ(TailOf(*log_), tail);
  AppendAll(*log_, 1);
  EXPECT_EQ(log_->Read(1, kToTail, 100 * kPlentyBytes)->size(), 101u);
}

TEST_F(EmbeddedLogTest, AnAppendWhoseSyncFailedIsUnknownUntilTheRestart) {
  for (const bool survives : {false, true}) {
    disk_ = std::make_shared<store::MemoryDisk>();
    Reopen();
    AppendAll(*log_, 3);
    const LogPosition tail = TailOf(*log_);
    const std::string record = Next(tail, "body 4");
    disk_->FailSync(1);
    EXPECT_TRUE(HasReason(log_->Append(4, record), Reason::APPEND_UNKNOWN));
    EXPECT_TRUE(HasReason(log_->Append(4, record), Reason::STORE_FAILED)) << "never tried again";
    EXPECT_EQ(TailOf(*log_), tail);
    Close();
    disk_->Crash(survives ? 1 : 0);
    Reopen();
    EXPECT_EQ(*AskSlot(*log_, 4, record), survives ? SlotState::kOurs : SlotState::kAbsent);
  }
}

TEST_F(EmbeddedLogTest, ACrashWhileTrimmingLeavesAContiguousLog) {
  const uint64_t count = 2 * kTrimmedAtOnceBatches + 500;
  AppendAll(*log_, static_cast<int>(count));
  for (uint64_t kept = 0; kept <= 3; ++kept) {
    Reopen();
    const uint64_t first = *log_->First();
    ASSERT_TRUE(log_->Trim(count - 10).ok());
    EXPECT_EQ(*log_->First(), count - 10);
    Close();
    disk_->Crash(kept);
    Reopen();
    EXPECT_EQ(*log_->First(), std::min(count - 10, first + kept * kTrimmedAtOnceBatches));
    EXPECT_EQ(TailOf(*log_).index, count);
    EXPECT_TRUE(log_->Read(*log_->First(), kToTail, 100 * kPlentyBytes).ok());
  }
}

TEST_F(EmbeddedLogTest, FindsADamagedRecordWhenItIsOpened) {
  AppendAll(*log_, 10);
  for (uint64_t index = 1; index <= 10; ++index) {
    Close();
    ASSERT_TRUE(disk_->Damage(store::Family::kLog, Key(index)));
    EXPECT_TRUE(HasReason(TryReopen(), Reason::STORE_CORRUPT)) << index;
    ASSERT_TRUE(disk_->Damage(store::Family::kLog, Key(index)));  // flips the bit back
    Reopen();
  }
}

TEST_F(EmbeddedLogTest, FindsADamagedRecordWhenItIsRead) {
  const uint64_t count = kVerifiedAtOpenBatches + 100;
  AppendAll(*log_, static_cast<int>(count));
  ASSERT_TRUE(disk_->Damage(store::Family::kLog, Key(50)));
  EXPECT_TRUE(HasReason(TryReopen(49), Reason::STORE_CORRUPT)) << "all after the applied index is checked";
  Reopen(count);
  EXPECT_TRUE(HasReason(log_->Read(1, kToTail, kPlentyBytes).status(), Reason::STORE_CORRUPT));
  EXPECT_EQ(Bodies(log_->Read(48, 50, kPlentyBytes)), "48 49");
  EXPECT_TRUE(log_->Read(51, kToTail, kPlentyBytes).ok());
}

TEST_F(EmbeddedLogTest, FindsAMissingRecord) {
  AppendAll(*log_, 10);
  store::WriteBatch batch;
  batch.Delete(store::Family::kLog, Key(5));
  ASSERT_TRUE(store_->Write(batch, store::Sync::kYes).ok());
  EXPECT_TRUE(HasReason(log_->Read(1, kToTail, kPlentyBytes).status(), Reason::STORE_CORRUPT));
  EXPECT_TRUE(HasReason(log_->Read(5, kToTail, kPlentyBytes).status(), Reason::STORE_CORRUPT));
  EXPECT_TRUE(HasReason(TryReopen(), Reason::STORE_CORRUPT));
}

TEST_F(EmbeddedLogTest, FindsARecordThatWasReplacedByAnotherValidOne) {
  AppendAll(*log_, 3);
  const LogPosition first = PositionOf(log_->Read(1, 2, 1)->at(0));
  const std::string forged = Next(first, "another body");
  store::WriteBatch batch;
  batch.Put(store::Family::kLog, Key(2), absl::StrCat(AsBytes(BatchHash(forged)), forged));
  ASSERT_TRUE(store_->Write(batch, store::Sync::kYes).ok());
  EXPECT_TRUE(HasReason(TryReopen(), Reason::STORE_CORRUPT)) << "batch 3 names the true batch 2";
}

TEST_F(EmbeddedLogTest, FindsARecordUnderAnotherIndex) {
  AppendAll(*log_, 3);
  const auto third = store_->Get(store::Family::kLog, Key(3));
  ASSERT_TRUE(third.ok() && third->has_value());
  store::WriteBatch batch;
  batch.Put(store::Family::kLog, Key(4), **third);
  ASSERT_TRUE(store_->Write(batch, store::Sync::kYes).ok());
  EXPECT_TRUE(HasReason(TryReopen(), Reason::STORE_CORRUPT));
}

TEST(MemoryLog, AnUnknownAppendMayBeInOrOutOrLate) {
  MemoryLog log;
  AppendAll(log, 1);
  std::string record = Next(TailOf(log), "body 2");
  log.NextAppend(AppendFate::kUnknownIn);
  EXPECT_TRUE(HasReason(log.Append(2, record), Reason::APPEND_UNKNOWN));
  EXPECT_EQ(*AskSlot(log, 2, record), SlotState::kOurs);

  record = Next(TailOf(log), "body 3");
  log.NextAppend(AppendFate::kUnknownOut);
  EXPECT_TRUE(HasReason(log.Append(3, record), Reason::APPEND_UNKNOWN));
  EXPECT_EQ(*AskSlot(log, 3, record), SlotState::kAbsent);
  EXPECT_TRUE(log.Append(3, record).ok());

  record = Next(TailOf(log), "body 4");
  log.NextAppend(AppendFate::kUnknownLater);
  EXPECT_TRUE(HasReason(log.Append(4, record), Reason::APPEND_UNKNOWN));
  EXPECT_EQ(*AskSlot(log, 4, record), SlotState::kAbsent);
  EXPECT_EQ(log.SettleLate(true), 1u);
  EXPECT_EQ(*AskSlot(log, 4, record), SlotState::kOurs);
  EXPECT_EQ(log.SettleLate(true), 0u);
}

TEST(MemoryLog, ALateAppendNeverTakesAnOccupiedSlot) {
  MemoryLog log;
  AppendAll(log, 1);
  const LogPosition tail = TailOf(log);
  const std::string late = Next(tail, "late");
  log.NextAppend(AppendFate::kUnknownLater);
  EXPECT_TRUE(HasReason(log.Append(2, late), Reason::APPEND_UNKNOWN));
  EXPECT_TRUE(log.Append(2, Next(tail, "body 2")).ok());
  EXPECT_EQ(log.SettleLate(true), 0u);
  EXPECT_EQ(*AskSlot(log, 2, late), SlotState::kOther);
  EXPECT_EQ(Bodies(log.Read(1, kToTail, kPlentyBytes)), "1 2");
}

TEST(MemoryLog, ALaggingServerShowsAnOlderStateButTakesNoSlotTwice) {
  MemoryLog log;
  AppendAll(log, 5);
  log.Lag(2);
  EXPECT_EQ(TailOf(log).index, 3u);
  EXPECT_EQ(Bodies(log.Read(2, kToTail, kPlentyBytes)), "2 3");
  EXPECT_TRUE(HasReason(log.Append(4, Next(TailOf(log), "other")), Reason::LOG_SLOT_TAKEN));
  log.Lag(0);
  EXPECT_EQ(Bodies(log.Read(1, kToTail, kPlentyBytes)), "1 2 3 4 5");
}

TEST(MemoryLog, ALostTailIsSeenByTheReplicaThatAppliedIt) {
  MemoryLog log;
  AppendAll(log, 5);
  const LogPosition applied = TailOf(log);
  log.LoseTail(2);
  EXPECT_TRUE(HasReason(CheckContinues(log, applied), Reason::LOG_DIVERGED));
  const LogPosition tail = TailOf(log);
  ASSERT_TRUE(log.Append(4, Next(tail, "another 4")).ok());
  ASSERT_TRUE(log.Append(5, Next(TailOf(log), "another 5")).ok());
  EXPECT_TRUE(HasReason(CheckContinues(log, applied), Reason::LOG_DIVERGED));
}

TEST(MemoryLog, MutedBellsDoNotRing) {
  MemoryLog log;
  int rung = 0;
  const Doorbell bell = std::make_shared<const std::function<void()>>([&] { ++rung; });
  log.AddDoorbell(bell);
  log.MuteDoorbells(true);
  AppendAll(log, 2);
  EXPECT_EQ(rung, 0);
  log.MuteDoorbells(false);
  AppendAll(log, 1);
  EXPECT_EQ(rung, 1);
}

TEST(MemoryLogTest, BeginsAnewBehindWhatAReplicaHas) {
  MemoryLog log;
  AppendAll(log, 5);
  const LogPosition after = TailOf(log);
  log.Empty();
  EXPECT_TRUE(HasReason(CheckContinues(log, after), Reason::LOG_DIVERGED));
  ASSERT_TRUE(log.StartGeneration(after, 2).ok());
  EXPECT_TRUE(log.StartGeneration(after, 2).ok()) << "the same act again";
  EXPECT_EQ(TailOf(log), after);
  EXPECT_EQ(*log.First(), 6u);
  EXPECT_EQ(*log.Generation(), 2u);
  EXPECT_TRUE(CheckContinues(log, after).ok());
  EXPECT_TRUE(HasReason(log.Append(6, Next(after, "body 6")), Reason::CHAIN_BROKEN)) << "of the old generation";
  ASSERT_TRUE(log.Append(6, Next(after, "body 6", 2)).ok());
  EXPECT_EQ(Bodies(log.Read(6, kToTail, kPlentyBytes)), "6");
  EXPECT_TRUE(HasReason(log.StartGeneration(TailOf(log), 2), Reason::LOG_SLOT_TAKEN));
  EXPECT_TRUE(HasReason(log.StartGeneration(TailOf(log), 1), Reason::CHAIN_BROKEN));
  EXPECT_EQ(TailOf(*log.Copy()), TailOf(log));
}

}  // namespace
}  // namespace jcm::log
