#include "ledger/log/log_contract.h"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/log/log_testing.h"

namespace jcm::log {

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
  struct Heard {
    std::atomic<int> rung{0};
    std::mutex mutex;
    LogPosition seen;
  };
  // Shared, because another thread may still be ringing when the bell is let go.
  const auto heard = std::make_shared<Heard>();
  const auto log = log_;
  Doorbell bell = std::make_shared<const std::function<void()>>([heard, log] {
    const LogPosition tail = TailOf(*log);  // no lock is held
    const std::lock_guard<std::mutex> lock(heard->mutex);
    if (tail.index > heard->seen.index) heard->seen = tail;
    ++heard->rung;
  });
  log_->AddDoorbell(bell);
  AppendAll(*log_, 2);
  {
    const std::lock_guard<std::mutex> lock(heard->mutex);
    EXPECT_EQ(heard->seen, TailOf(*log_));
  }
  EXPECT_GE(heard->rung, 2);
  EXPECT_FALSE(log_->Append(1, Next(LogPosition{}, "taken")).ok());
  if (GetParam().rings_exactly) {
    EXPECT_EQ(heard->rung, 2);
  }
  const std::weak_ptr<const std::function<void()>> last_holder = bell;
  bell.reset();
  while (!last_holder.expired()) std::this_thread::yield();
  const int rung = heard->rung;
  AppendAll(*log_, 1);
  EXPECT_EQ(heard->rung, rung);
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

}  // namespace jcm::log
