// Three real members that are killed, paused and emptied under a writer: no holes, no lost acknowledgements, and every
// unknown append resolves to one answer.
#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/log/etcd/etcd_log.h"
#include "ledger/log/etcd/testing/etcd_cluster.h"
#include "ledger/log/log_testing.h"

namespace jcm::log {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr char kPrefix[] = "jcm/JPN";
constexpr seconds kRecovery{20};

class EtcdFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    auto cluster = EtcdCluster::Start(3);
    ASSERT_TRUE(cluster.ok()) << ToText(cluster.status());
    cluster_ = std::move(cluster).value();
  }

  // A log whose client begins at that member.
  std::unique_ptr<EtcdLog> OpenAt(size_t member) {
    EtcdOptions options;
    for (size_t i = 0; i < cluster_->size(); ++i) {
      options.endpoints.push_back(cluster_->endpoint((member + i) % cluster_->size()));
    }
    auto log = EtcdLog::Open(*EtcdClient::Create(options), kPrefix);
    EXPECT_TRUE(log.ok()) << ToText(log.status());
    return std::move(log).value();
  }

  template <typename Result>
  Result Until(const std::function<Result()>& call) {
    const auto deadline = steady_clock::now() + kRecovery;
    for (;;) {
      Result result = call();
      if (result.ok() || steady_clock::now() > deadline) return result;
      std::this_thread::sleep_for(milliseconds(10));
    }
  }
  LogPosition TailWhenBack(EtcdLog& log) {
    const auto tail = Until<absl::StatusOr<LogPosition>>([&] { return log.Tail(); });
    EXPECT_TRUE(tail.ok()) << ToText(tail.status());
    return tail.value_or(LogPosition{});
  }

  std::unique_ptr<EtcdCluster> cluster_;
};

// What a sequencer does: one append after the other, and each unknown one asked for until it is known.
class Writer {
 public:
  explicit Writer(std::unique_ptr<EtcdLog> log, std::string name) : log_(std::move(log)), name_(std::move(name)) {}

  void Start() {
    thread_ = std::thread([this] {
      while (!stop_) Step();
    });
  }
  void Stop() {
    stop_ = true;
    thread_.join();
  }
  int acknowledged_count() const { return count_; }
  int unknown() const { return unknown_; }
  int unexpected() const { return unexpected_; }
  EtcdLog& log() { return *log_; }
  // Call after Stop: the positions of the batches that were acknowledged, or found to be in.
  const std::vector<LogPosition>& acknowledged() const { return acknowledged_; }

 private:
  void Step() {
    if (!known_) {
      const auto tail = log_->Tail();
      if (!tail.ok()) return;
      tail_ = *tail;
      known_ = true;
    }
    const std::string record = Next(tail_, absl::StrCat(name_, " ", ++bodies_));
    absl::Status appended = log_->Append(tail_.index + 1, record);
    while (HasReason(appended, Reason::APPEND_UNKNOWN) || HasReason(appended, Reason::LOG_UNAVAILABLE)) {
      ++unknown_;
      const auto slot = AskSlot(*log_, tail_.index + 1, record);
      if (!slot.ok()) {
        if (!HasReason(slot.status(), Reason::LOG_UNAVAILABLE)) {
          ++unexpected_;
          return;
        }
        continue;
      }
      if (*slot == SlotState::kOurs) {
        appended = absl::OkStatus();
      } else if (*slot == SlotState::kOther) {
        known_ = false;
        return;
      } else {
        appended = log_->Append(tail_.index + 1, record);
        // The first attempt may have come in meanwhile.
        if (HasReason(appended, Reason::LOG_SLOT_TAKEN)) appended = Error(Reason::APPEND_UNKNOWN);
      }
    }
    if (!appended.ok()) {
      known_ = false;
      if (!HasReason(appended, Reason::LOG_SLOT_TAKEN)) ++unexpected_;
      return;
    }
    tail_ = PositionOf(*DecodeBatch(record));
    acknowledged_.push_back(tail_);
    ++count_;
  }

  const std::unique_ptr<EtcdLog> log_;
  const std::string name_;
  std::atomic<bool> stop_{false};
  std::atomic<int> count_{0};
  std::atomic<int> unknown_{0};
  std::atomic<int> unexpected_{0};
  bool known_ = false;
  int bodies_ = 0;
  LogPosition tail_;
  std::vector<LogPosition> acknowledged_;
  std::thread thread_;
};

// The whole log, by pages; it is checked on the way.
std::vector<Batch> ReadAll(EtcdLog& log) {
  std::vector<Batch> all;
  for (;;) {
    const auto batches = log.Read(all.size() + 1, kToTail, kPlentyBytes);
    EXPECT_TRUE(batches.ok()) << ToText(batches.status());
    if (!batches.ok() || batches->empty()) return all;
    for (const Batch& batch : *batches) {
      EXPECT_EQ(batch.header.index, all.size() + 1) << "a hole";
      all.push_back(batch);
    }
  }
}

// Changes a byte of `text` wherever it is in the file; how often that was.
int FlipInFile(const std::string& path, const std::string& text) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  int found = 0;
  for (size_t at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + 1)) {
    file.clear();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(text[0] ^ 1));
    ++found;
  }
  return file.flush() ? found : 0;
}

void ExpectAllIn(const Writer& writer, const std::vector<Batch>& log) {
  for (const LogPosition& position : writer.acknowledged()) {
    ASSERT_LE(position.index, log.size()) << "a lost acknowledgement";
    EXPECT_EQ(PositionOf(log[position.index - 1]), position) << "a lost acknowledgement";
  }
  EXPECT_EQ(writer.unexpected(), 0);
}

TEST_F(EtcdFaults, KillingLeadersLosesNothingAndLeavesNoHoles) {
  Writer first(OpenAt(0), "first");
  Writer second(OpenAt(1), "second");
  first.Start();
  second.Start();
  for (int kills = 0; kills < 3; ++kills) {
    std::this_thread::sleep_for(milliseconds(400));
    const auto leader = cluster_->Leader();
    ASSERT_TRUE(leader.ok()) << ToText(leader.status());
    const int before = first.acknowledged_count() + second.acknowledged_count();
    cluster_->Kill(*leader);
    const auto deadline = steady_clock::now() + kRecovery;
    while (first.acknowledged_count() + second.acknowledged_count() < before + 20 && steady_clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    EXPECT_GE(first.acknowledged_count() + second.acknowledged_count(), before + 20) << "two of three go on";
    ASSERT_TRUE(cluster_->Restart(*leader).ok());
    ASSERT_TRUE(cluster_->WaitUntilHealthy().ok());
  }
  first.Stop();
  second.Stop();
  EXPECT_GT(first.unknown() + second.unknown(), 0) << "no append was cut: this test shows nothing";
  for (size_t member = 0; member < 3; ++member) {
    const auto log = OpenAt(member);
    const std::vector<Batch> all = ReadAll(*log);
    ExpectAllIn(first, all);
    ExpectAllIn(second, all);
    EXPECT_EQ(all.size(), first.acknowledged().size() + second.acknowledged().size()) << "and nothing else is in";
  }
}

TEST_F(EtcdFaults, APausedLeaderIsLeftAndLearnsWhatItMissed) {
  Writer writer(OpenAt(0), "writer");
  writer.Start();
  std::this_thread::sleep_for(milliseconds(300));
  const auto leader = cluster_->Leader();
  ASSERT_TRUE(leader.ok()) << ToText(leader.status());
  const auto reader = OpenAt(*leader);
  EXPECT_TRUE(reader->Tail().ok());
  const int before = writer.acknowledged_count();
  cluster_->Pause(*leader);
  const auto deadline = steady_clock::now() + kRecovery;
  while (writer.acknowledged_count() < before + 20 && steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_GE(writer.acknowledged_count(), before + 20);
  // The reader's watch hangs on the silent member; polling reads on from another one.
  EXPECT_GT(TailWhenBack(*reader).index, static_cast<uint64_t>(before));
  cluster_->Resume(*leader);
  // Right after a pause is when 3.4 may answer reads from its past: old is allowed, wrong is not.
  const auto asked_at_once = OpenAt(*leader);
  for (int i = 0; i < 20; ++i) asked_at_once->Tail().IgnoreError();
  ASSERT_TRUE(cluster_->WaitUntilHealthy().ok());
  writer.Stop();
  const std::vector<Batch> all = ReadAll(*asked_at_once);
  ExpectAllIn(writer, all);
  EXPECT_EQ(all.size(), writer.acknowledged().size());
}

TEST_F(EtcdFaults, WithoutAMajorityNothingIsAcknowledgedAndItGoesOnAfterwards) {
  const auto log = OpenAt(0);
  AppendAll(*log, 5);
  const LogPosition tail = TailOf(*log);
  const auto leader = cluster_->Leader();
  ASSERT_TRUE(leader.ok());
  cluster_->Kill((*leader + 1) % 3);
  cluster_->Kill((*leader + 2) % 3);
  const std::string record = Next(tail, "body 6");
  int unknown = 0;
  for (int i = 0; i < 3; ++i) {
    const absl::Status appended = log->Append(6, record);
    EXPECT_TRUE(HasReason(appended, Reason::APPEND_UNKNOWN)) << ToText(appended);
    if (HasReason(appended, Reason::APPEND_UNKNOWN)) ++unknown;
    EXPECT_TRUE(HasReason(AskSlot(*log, 6, record).status(), Reason::LOG_UNAVAILABLE)) << "nobody may tell";
  }
  EXPECT_EQ(unknown, 3);
  ASSERT_TRUE(cluster_->Restart((*leader + 1) % 3).ok());
  ASSERT_TRUE(cluster_->Restart((*leader + 2) % 3).ok());
  ASSERT_TRUE(cluster_->WaitUntilHealthy().ok());
  TailWhenBack(*log);
  const absl::Status again = log->Append(6, record);
  EXPECT_TRUE(again.ok() || HasReason(again, Reason::LOG_SLOT_TAKEN)) << ToText(again);
  EXPECT_EQ(*AskSlot(*log, 6, record), SlotState::kOurs);
  EXPECT_EQ(Bodies(log->Read(1, kToTail, kPlentyBytes)), "1 2 3 4 5 6");
}

TEST_F(EtcdFaults, AnEmptiedClusterIsNoticedAndANewGenerationGoesOn) {
  const auto log = OpenAt(0);
  const auto stale = OpenAt(1);
  AppendAll(*log, 20);
  const LogPosition applied = TailOf(*log);
  ASSERT_EQ(TailOf(*stale), applied);
  for (size_t i = 0; i < 3; ++i) cluster_->Wipe(i);
  for (size_t i = 0; i < 3; ++i) ASSERT_TRUE(cluster_->Restart(i).ok());
  ASSERT_TRUE(cluster_->WaitUntilHealthy().ok());

  EXPECT_EQ(TailWhenBack(*log), LogPosition{});
  EXPECT_TRUE(HasReason(CheckContinues(*log, applied), Reason::LOG_DIVERGED));
  const absl::Status appended = Until<absl::Status>([&] {
    const absl::Status tried = stale->Append(21, Next(applied, "body 21"));
    return HasReason(tried, Reason::APPEND_UNKNOWN) || HasReason(tried, Reason::LOG_UNAVAILABLE) ? tried
                                                                                                 : absl::OkStatus();
  });
  EXPECT_TRUE(appended.ok());
  EXPECT_TRUE(HasReason(stale->Append(21, Next(applied, "body 21")), Reason::LOG_GAP));

  ASSERT_TRUE(log->StartGeneration(applied, 2).ok());
  EXPECT_EQ(TailOf(*stale), applied);
  EXPECT_TRUE(CheckContinues(*stale, applied).ok());
  EXPECT_TRUE(HasReason(stale->Append(21, Next(applied, "body 21")), Reason::CHAIN_BROKEN)) << "of generation 1";
  ASSERT_TRUE(stale->Append(21, Next(applied, "body 21", 2)).ok());
  AppendAll(*log, 3);
  EXPECT_EQ(Bodies(stale->Read(21, kToTail, kPlentyBytes)), "21 22 23 24");
}

TEST_F(EtcdFaults, ABellThatWasCutRingsAgainAndNothingIsMissed) {
  const auto reader = OpenAt(0);
  const auto writer = OpenAt(1);
  std::atomic<int> rung{0};
  const Doorbell bell = std::make_shared<const std::function<void()>>([&] { ++rung; });
  reader->AddDoorbell(bell);
  AppendAll(*writer, 3);
  cluster_->Kill(0);
  // Appended while nobody can ring for the reader: polling has them at once.
  for (int i = 0; i < 3; ++i) {
    const LogPosition tail = TailWhenBack(*writer);
    const std::string record = Next(tail, absl::StrCat("body ", tail.index + 1));
    Until<absl::Status>([&] {
      const absl::Status appended = writer->Append(tail.index + 1, record);
      return HasReason(appended, Reason::LOG_SLOT_TAKEN) ? absl::OkStatus() : appended;
    }).IgnoreError();
  }
  EXPECT_EQ(TailWhenBack(*reader).index, 6u);
  EXPECT_EQ(Bodies(reader->Read(1, kToTail, kPlentyBytes)), "1 2 3 4 5 6");
  // The watch moves to another member and rings again.
  std::this_thread::sleep_for(seconds(1));
  const int before = rung;
  const LogPosition tail = TailWhenBack(*writer);
  ASSERT_TRUE(writer->Append(7, Next(tail, "body 7")).ok());
  const auto deadline = steady_clock::now() + seconds(5);
  while (rung == before && steady_clock::now() < deadline) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_GT(rung, before);
}

TEST_F(EtcdFaults, ARecordThatRottedOnOneMembersDiskIsReadFromAnother) {
  const auto writer = OpenAt(1);
  LogPosition tail;
  for (int i = 0; i < 5; ++i) {
    const std::string record = Next(tail, absl::StrCat("body ", i, " rots here"));
    ASSERT_TRUE(writer->Append(tail.index + 1, record).ok());
    tail = PositionOf(*DecodeBatch(record));
  }
  std::this_thread::sleep_for(milliseconds(500));  // etcd writes its tree every 100 ms
  cluster_->Kill(0);
  ASSERT_GT(FlipInFile(absl::StrCat(cluster_->directory(), "/m1/member/snap/db"), "body 3 rots here"), 0);
  ASSERT_TRUE(cluster_->Restart(0).ok());
  ASSERT_TRUE(cluster_->WaitUntilHealthy().ok());

  EtcdOptions alone;
  alone.endpoints = {cluster_->endpoint(0)};
  const auto damaged = EtcdLog::Open(*EtcdClient::Create(alone), kPrefix);
  EXPECT_TRUE(HasReason((*damaged)->Read(1, kToTail, kPlentyBytes).status(), Reason::STORE_CORRUPT))
      << "the member does not check what it reads";
  const auto reader = OpenAt(0);
  const auto batches = reader->Read(1, kToTail, kPlentyBytes);
  ASSERT_TRUE(batches.ok()) << ToText(batches.status());
  ASSERT_EQ(batches->size(), 5u);
  EXPECT_EQ((*batches)[3].body, "body 3 rots here");
  EXPECT_NE(reader->Warning().find(cluster_->endpoint(0)), std::string::npos) << reader->Warning();
  EXPECT_EQ(writer->Warning(), "");
  ASSERT_TRUE(reader->Append(6, Next(tail, "body 6")).ok());
}

}  // namespace
}  // namespace jcm::log
