// The contract of log.h, run against both implementations, and what is special to each.
#include "ledger/log/log.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "ledger/log/embedded_log.h"
#include "ledger/log/memory_log.h"
#include "ledger/store/memory_store.h"
#include "ledger/store/store.h"

namespace jcm::log {
namespace {

constexpr size_t kPlentyBytes = 1024 * 1024;

std::string Next(const LogPosition& tail, const std::string& body, uint64_t generation = 0, uint64_t later_micros = 1) {
  BatchHeader header;
  header.generation = generation != 0 ? generation : tail.generation != 0 ? tail.generation : 1;
  header.index = tail.index + 1;
  header.previous = tail.hash;
  header.time = BookTime::FromMicros(tail.time.micros + later_micros);
  return EncodeBatch(header, body);
}

LogPosition TailOf(Log& log) {
  const auto tail = log.Tail();
  EXPECT_TRUE(tail.ok()) << ToText(tail.status());
  return tail.ok() ? *tail : LogPosition{};
}

void AppendAll(Log& log, int count) {
  for (int i = 0; i < count; ++i) {
    const LogPosition tail = TailOf(log);
    const absl::Status appended = log.Append(tail.index + 1, Next(tail, absl::StrCat("body ", tail.index + 1)));
    ASSERT_TRUE(appended.ok()) << ToText(appended);
  }
}

// "1 2 3", from the bodies.
std::string Bodies(const absl::StatusOr<std::vector<Batch>>& batches) {
  if (!batches.ok()) return ToText(batches.status());
  std::string text;
  for (const Batch& batch : *batches) {
    EXPECT_EQ(batch.body, absl::StrCat("body ", batch.header.index));
    absl::StrAppend(&text, text.empty() ? "" : " ", batch.header.index);
  }
  return text;
}

enum class Kind { kEmbedded, kMemory };

class LogContract : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kEmbedded) {
      auto store = store::MemoryStore::Open(std::make_shared<store::MemoryDisk>(), {"JPN", "demo.invalid"});
      ASSERT_TRUE(store.ok());
      store_ = std::move(store).value();
      auto log = EmbeddedLog::Open(store_.get(), 0);
      ASSERT_TRUE(log.ok()) << ToText(log.status());
      log_ = std::move(log).value();
    } else {
      log_ = std::make_unique<MemoryLog>();
    }
  }

  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Log> log_;
};

TEST_P(LogContract, BeginsEmpty) {
  EXPECT_EQ(TailOf(*log_), LogPosition{});
  EXPECT_EQ(*log_->First(), 1u);
  EXPECT_EQ(Bodies(log_->Read(1, kToTail, kPlentyBytes)), "");
}

TEST_P(LogContract, ReadsWhatWasAppended) {
  AppendAll(*log_, 5);
  EXPECT_EQ(Bodies(log_->Read(1, kToTail, kPlentyBytes)), "1 2 3 4 5");
  EXPECT_EQ(Bodies(log_->Read(2, 4, kPlentyBytes)), "2 3");
  EXPECT_EQ(Bodies(log_->Read(5, 5, kPlentyBytes)), "");
  EXPECT_EQ(Bodies(log_->Read(6, kToTail, kPlentyBytes)), "");
  EXPECT_EQ(Bodies(log_->Read(100, kToTail, kPlentyBytes)), "");
  EXPECT_EQ(Bodies(log_->Read(2, kToTail, 1)), "2") << "at least one";
  EXPECT_EQ(Bodies(log_->Read(2, kToTail, 205)), "2 3");
  EXPECT_EQ(TailOf(*log_), PositionOf(log_->Read(5, kToTail, 1)->at(0)));
}

TEST_P(LogContract, AcceptsOnlyTheNextSlot) {
  AppendAll(*log_, 3);
  const LogPosition tail = TailOf(*log_);
  LogPosition second = PositionOf(log_->Read(2, 3, 1)->at(0));
  EXPECT_TRUE(HasReason(log_->Append(3, Next(second, "other")), Reason::LOG_SLOT_TAKEN));
  EXPECT_TRUE(HasReason(log_->Append(1, Next(LogPosition{}, "other")), Reason::LOG_SLOT_TAKEN));
  LogPosition beyond = tail;
  beyond.index = 4;
  EXPECT_TRUE(HasReason(log_->Append(5, Next(beyond, "other")), Reason::LOG_GAP));
  EXPECT_TRUE(HasReason(log_->Append(5, Next(tail, "other")), Reason::CHAIN_BROKEN)) << "the record says 4";
  EXPECT_EQ(TailOf(*log_), tail);
  EXPECT_TRUE(log_->Append(4, Next(tail, "body 4")).ok());
}

TEST_P(LogContract, RefusesABatchThatDoesNotFollow) {
  AppendAll(*log_, 2);
  const LogPosition tail = TailOf(*log_);
  LogPosition other = tail;
  other.hash[0] ^= 1;
  EXPECT_TRUE(HasReason(log_->Append(3, Next(other, "x")), Reason::CHAIN_BROKEN));
  LogPosition earlier = tail;
  earlier.time.micros = 0;
  EXPECT_TRUE(HasReason(log_->Append(3, Next(earlier, "x")), Reason::CHAIN_BROKEN));
  EXPECT_TRUE(HasReason(log_->Append(3, "not a record"), Reason::MESSAGE_MALFORMED));
  EXPECT_EQ(TailOf(*log_), tail);
  EXPECT_TRUE(log_->Append(3, Next(tail, "x", 0, 0)).ok()) << "the same time is not earlier";
}

TEST_P(LogContract, ANewGenerationGoesOnAtTheNextIndex) {
  AppendAll(*log_, 2);
  ASSERT_TRUE(log_->Append(3, Next(TailOf(*log_), "body 3", 7)).ok());
  EXPECT_EQ(TailOf(*log_).generation, 7u);
  EXPECT_TRUE(HasReason(log_->Append(4, Next(TailOf(*log_), "body 4", 6)), Reason::CHAIN_BROKEN));
  AppendAll(*log_, 1);
  EXPECT_EQ(TailOf(*log_).generation, 7u);
  EXPECT_EQ(Bodies(log_->Read(1, kToTail, kPlentyBytes)), "1 2 3 4");
}

TEST_P(LogContract, TrimsFromTheFrontButNeverTheTail) {
  AppendAll(*log_, 10);
  ASSERT_TRUE(log_->Trim(1).ok());
  EXPECT_EQ(*log_->First(), 1u);
  ASSERT_TRUE(log_->Trim(4).ok());
  EXPECT_EQ(*log_->First(), 4u);
  EXPECT_TRUE(HasReason(log_->Read(3, kToTail, kPlentyBytes).status(), Reason::LOG_TRIMMED));
  EXPECT_EQ(Bodies(log_->Read(4, kToTail, kPlentyBytes)), "4 5 6 7 8 9 10");
  ASSERT_TRUE(log_->Trim(2).ok());
  EXPECT_EQ(*log_->First(), 4u);
  ASSERT_TRUE(log_->Trim(1000).ok());
  EXPECT_EQ(*log_->First(), 10u);
  EXPECT_EQ(Bodies(log_->Read(10, kToTail, kPlentyBytes)), "10");
  AppendAll(*log_, 1);
  EXPECT_EQ(Bodies(log_->Read(10, kToTail, kPlentyBytes)), "10 11");
}

TEST_P(LogContract, RingsAfterEachAppendWhileTheBellIsKept) {
  int rung = 0;
  LogPosition seen;
  Doorbell bell = std::make_shared<const std::function<void()>>([&] {
    ++rung;
    seen = TailOf(*log_);  // no lock is held
  });
  log_->AddDoorbell(bell);
  AppendAll(*log_, 2);
  EXPECT_EQ(rung, 2);
  EXPECT_EQ(seen, TailOf(*log_));
  EXPECT_FALSE(log_->Append(1, Next(LogPosition{}, "taken")).ok());
  EXPECT_EQ(rung, 2);
  bell.reset();
  AppendAll(*log_, 1);
  EXPECT_EQ(rung, 2);
}

TEST_P(LogContract, TellsWhatIsAtASlot) {
  AppendAll(*log_, 1);
  const LogPosition tail = TailOf(*log_);
  const std::string ours = Next(tail, "ours");
  EXPECT_EQ(*AskSlot(*log_, 2, ours), SlotState::kAbsent);
  ASSERT_TRUE(log_->Append(2, ours).ok());
  EXPECT_EQ(*AskSlot(*log_, 2, ours), SlotState::kOurs);
  EXPECT_EQ(*AskSlot(*log_, 2, Next(tail, "theirs")), SlotState::kOther);
  AppendAll(*log_, 1);
  ASSERT_TRUE(log_->Trim(3).ok());
  EXPECT_TRUE(HasReason(AskSlot(*log_, 2, ours).status(), Reason::LOG_TRIMMED));
}

TEST_P(LogContract, KnowsWhetherItContinuesWhatWasApplied) {
  EXPECT_TRUE(CheckContinues(*log_, {}).ok());
  AppendAll(*log_, 5);
  std::vector<LogPosition> positions;
  const auto batches = log_->Read(1, kToTail, kPlentyBytes);
  ASSERT_TRUE(batches.ok());
  for (const Batch& batch : *batches) positions.push_back(PositionOf(batch));
  for (const LogPosition& position : positions) {
    EXPECT_TRUE(CheckContinues(*log_, position).ok()) << position.index;
    LogPosition other = position;
    other.hash[5] ^= 1;
    EXPECT_TRUE(HasReason(CheckContinues(*log_, other), Reason::LOG_DIVERGED)) << position.index;
  }
  LogPosition ahead = positions.back();
  ahead.index = 6;
  EXPECT_TRUE(HasReason(CheckContinues(*log_, ahead), Reason::LOG_DIVERGED));

  ASSERT_TRUE(log_->Trim(4).ok());
  EXPECT_TRUE(HasReason(CheckContinues(*log_, positions[1]), Reason::LOG_TRIMMED)) << "3 is missing";
  EXPECT_TRUE(CheckContinues(*log_, positions[2]).ok()) << "4 names the hash of 3";
  LogPosition other = positions[2];
  other.hash[5] ^= 1;
  EXPECT_TRUE(HasReason(CheckContinues(*log_, other), Reason::LOG_DIVERGED));
  EXPECT_TRUE(CheckContinues(*log_, positions[4]).ok());
}

INSTANTIATE_TEST_SUITE_P(All, LogContract, ::testing::Values(Kind::kEmbedded, Kind::kMemory),
                         [](const auto& info) { return info.param == Kind::kEmbedded ? "Embedded" : "Memory"; });

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

}  // namespace
}  // namespace jcm::log
