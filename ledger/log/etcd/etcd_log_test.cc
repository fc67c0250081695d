// The log over real etcd: the contract that every log keeps, and what an operator or another replica may do to it.
#include "ledger/log/etcd/etcd_log.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/log/etcd/testing/etcd_cluster.h"
#include "ledger/log/log_contract.h"
#include "ledger/log/log_testing.h"

namespace jcm::log {
namespace {

using std::chrono::milliseconds;

// One member for all tests here; each log has a prefix of its own.
EtcdCluster* Cluster() {
  static std::unique_ptr<EtcdCluster>* const cluster = [] {
    auto started = EtcdCluster::Start(1);
    EXPECT_TRUE(started.ok()) << ToText(started.status());
    return new std::unique_ptr<EtcdCluster>(started.ok() ? std::move(started).value() : nullptr);
  }();
  return cluster->get();
}

class StopCluster : public ::testing::Environment {
  void TearDown() override {
    if (Cluster() != nullptr) Cluster()->Kill(0);
  }
};
const auto* const kStopCluster = ::testing::AddGlobalTestEnvironment(new StopCluster);

std::shared_ptr<EtcdClient> Client() {
  EtcdOptions options;
  options.endpoints = Cluster()->endpoints();
  auto client = EtcdClient::Create(options);
  EXPECT_TRUE(client.ok()) << ToText(client.status());
  return *client;
}

std::string NewPrefix() {
  static std::atomic<int> count{0};
  return absl::StrCat("jcm/T", ++count);
}

std::unique_ptr<EtcdLog> Open(const std::string& prefix) {
  auto log = EtcdLog::Open(Client(), prefix);
  EXPECT_TRUE(log.ok()) << ToText(log.status());
  return std::move(log).value();
}

std::shared_ptr<Log> MakeEtcd() {
  if (Cluster() == nullptr) return nullptr;
  return Open(NewPrefix());
}

INSTANTIATE_TEST_SUITE_P(Etcd, LogContract, ::testing::Values(LogUnderTest{MakeEtcd, false}));

class EtcdLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(Cluster(), nullptr);
    log_ = Open(prefix_);
    other_ = Open(prefix_);
  }

  void Put(const std::string& key, const std::string& value) {
    etcdserverpb::TxnRequest txn;
    auto& put = *txn.add_success()->mutable_request_put();
    put.set_key(key);
    put.set_value(value);
    ASSERT_TRUE(log_->client().Commit(txn).ok());
  }
  void Delete(const std::string& key) { ASSERT_TRUE(log_->client().DeleteRange(key, "").ok()); }
  // Keys of the log that are there.
  int64_t Count() {
    etcdserverpb::TxnRequest txn;
    auto& range = *txn.add_success()->mutable_request_range();
    range.set_key(prefix_ + "/");
    range.set_range_end(prefix_ + "0");
    range.set_count_only(true);
    const auto response = log_->client().Read(txn);
    EXPECT_TRUE(response.ok()) << ToText(response.status());
    return response.ok() ? response->responses(0).response_range().count() : -1;
  }
  LogPosition At(uint64_t index) { return PositionOf(log_->Read(index, index + 1, 1)->at(0)); }

  const std::string prefix_ = NewPrefix();
  const EtcdKeys keys_{prefix_};
  std::unique_ptr<EtcdLog> log_;
  std::unique_ptr<EtcdLog> other_;  // of another replica
};

TEST_F(EtcdLogTest, KeepsTheLargestRecord) {
  const std::string body(kBatchBodyMaxBytes, 'x');
  for (int i = 0; i < 20; ++i) {
    const LogPosition tail = TailOf(*log_);
    ASSERT_TRUE(log_->Append(tail.index + 1, Next(tail, body)).ok());
  }
  const auto batches = other_->Read(1, kToTail, 100 * kPlentyBytes);
  ASSERT_TRUE(batches.ok()) << ToText(batches.status());
  ASSERT_EQ(batches->size(), 20u);
  for (const Batch& batch : *batches) EXPECT_EQ(batch.body, body);
  EXPECT_EQ(other_->Read(1, kToTail, kPlentyBytes)->size(), 3u);
}

TEST_F(EtcdLogTest, TwoWritersNeverShareASlot) {
  constexpr uint64_t kBatches = 200;
  std::atomic<int> won[2] = {{0}, {0}};
  const auto write = [&](EtcdLog& log, int who) {
    for (;;) {
      const LogPosition tail = TailOf(log);
      if (tail.index >= kBatches) return;
      const absl::Status appended = log.Append(tail.index + 1, Next(tail, absl::StrCat("writer ", who)));
      if (appended.ok()) ++won[who];
      EXPECT_TRUE(appended.ok() || HasReason(appended, Reason::LOG_SLOT_TAKEN)) << ToText(appended);
    }
  };
  std::thread first([&] { write(*log_, 0); });
  std::thread second([&] { write(*other_, 1); });
  first.join();
  second.join();
  const auto batches = log_->Read(1, kToTail, kPlentyBytes);
  ASSERT_TRUE(batches.ok()) << ToText(batches.status());
  int bodies[2] = {0, 0};
  for (const Batch& batch : *batches) ++bodies[batch.body == "writer 1" ? 1 : 0];
  EXPECT_EQ(bodies[0], won[0]) << "each success is in, and nothing else";
  EXPECT_EQ(bodies[1], won[1]);
  EXPECT_EQ(won[0] + won[1], static_cast<int>(batches->size()));
}

TEST_F(EtcdLogTest, AWriterWhoseMemoryIsOldIsToldWhatHappened) {
  AppendAll(*log_, 3);
  const LogPosition third = TailOf(*log_);
  ASSERT_EQ(TailOf(*other_), third);
  ASSERT_TRUE(other_->Append(4, Next(third, "body 4")).ok());
  EXPECT_TRUE(HasReason(log_->Append(4, Next(third, "other")), Reason::LOG_SLOT_TAKEN));
  const LogPosition fourth = TailOf(*log_);
  ASSERT_TRUE(other_->Append(5, Next(fourth, "body 5", 2)).ok());
  EXPECT_TRUE(HasReason(log_->Append(5, Next(fourth, "other")), Reason::LOG_SLOT_TAKEN)) << "in generation 2";
  AppendAll(*log_, 1);
  EXPECT_EQ(Bodies(other_->Read(1, kToTail, kPlentyBytes)), "1 2 3 4 5 6");
}

TEST_F(EtcdLogTest, RefusesToAppendBehindAnotherBatchThanTheOneItKnew) {
  AppendAll(*log_, 3);
  const LogPosition third = TailOf(*log_);
  // As if etcd had been emptied and filled again while this replica was away.
  Delete(keys_.Slot(1, 3));
  Put(keys_.Slot(1, 3), EncodeSlot(Next(At(2), "another 3")));
  EXPECT_TRUE(HasReason(log_->Append(4, Next(third, "body 4")), Reason::CHAIN_BROKEN));
  EXPECT_EQ(TailOf(*other_).index, 3u);
  EXPECT_TRUE(HasReason(CheckContinues(*log_, third), Reason::LOG_DIVERGED));
}

TEST_F(EtcdLogTest, TwoWritersCanNotOpenTheSameOrCrossingGenerations) {
  AppendAll(*log_, 2);
  const LogPosition tail = TailOf(*log_);
  ASSERT_EQ(TailOf(*other_), tail);
  ASSERT_TRUE(log_->Append(3, Next(tail, "body 3", 5)).ok());
  EXPECT_TRUE(HasReason(other_->Append(3, Next(tail, "x", 4)), Reason::LOG_SLOT_TAKEN));
  EXPECT_TRUE(HasReason(other_->Append(3, Next(tail, "x", 5)), Reason::LOG_SLOT_TAKEN));
  EXPECT_TRUE(HasReason(other_->Append(3, Next(tail, "x", 6)), Reason::LOG_SLOT_TAKEN));
  EXPECT_EQ(*other_->Generation(), 5u);
}

TEST_F(EtcdLogTest, TrimsOverGenerationsAndForReplicasAtATime) {
  AppendAll(*log_, 3);
  ASSERT_TRUE(log_->Append(4, Next(TailOf(*log_), "body 4", 2)).ok());
  AppendAll(*log_, 2);
  ASSERT_TRUE(log_->Append(7, Next(TailOf(*log_), "body 7", 3)).ok());
  EXPECT_EQ(Count(), 7 + 3);
  ASSERT_TRUE(log_->Trim(3).ok());
  EXPECT_EQ(*other_->First(), 3u);
  EXPECT_EQ(Bodies(other_->Read(3, kToTail, kPlentyBytes)), "3 4 5 6 7");
  std::thread second([&] { EXPECT_TRUE(other_->Trim(5).ok()); });
  EXPECT_TRUE(log_->Trim(6).ok());
  second.join();
  EXPECT_EQ(*log_->First(), 6u);
  EXPECT_TRUE(HasReason(log_->Read(2, kToTail, kPlentyBytes).status(), Reason::LOG_TRIMMED));
  EXPECT_TRUE(HasReason(log_->Read(5, kToTail, kPlentyBytes).status(), Reason::LOG_TRIMMED));
  EXPECT_EQ(Bodies(log_->Read(6, kToTail, kPlentyBytes)), "6 7");
  EXPECT_EQ(Count(), 2 + 2) << "a trimmed generation's record goes too";
  ASSERT_TRUE(other_->Trim(1000).ok());
  EXPECT_EQ(Count(), 1 + 1);
  AppendAll(*log_, 1);
  EXPECT_EQ(Bodies(other_->Read(7, kToTail, kPlentyBytes)), "7 8");
}

TEST_F(EtcdLogTest, TrimsMoreThanOneCallDeletes) {
  const uint64_t count = kEtcdTrimmedAtOnceBatches + 20;
  LogPosition tail;
  for (uint64_t i = 0; i < count; ++i) {
    const std::string record = Next(tail, "x");
    ASSERT_TRUE(log_->Append(i + 1, record).ok());
    tail = PositionOf(*DecodeBatch(record));
  }
  EXPECT_EQ(other_->Read(1, kToTail, kPlentyBytes)->size(), count);
  ASSERT_TRUE(other_->Trim(count - 5).ok());
  EXPECT_EQ(*log_->First(), count - 5);
  EXPECT_EQ(TailOf(*log_), tail);
}

TEST_F(EtcdLogTest, FindsADamagedRecord) {
  AppendAll(*log_, 10);
  Put(keys_.Slot(1, 5), "damaged");
  EXPECT_TRUE(HasReason(log_->Read(1, kToTail, kPlentyBytes).status(), Reason::STORE_CORRUPT));
  EXPECT_EQ(Bodies(log_->Read(1, 5, kPlentyBytes)), "1 2 3 4");
  Put(keys_.Slot(1, 5), EncodeSlot(Next(At(4), "another body")));
  EXPECT_TRUE(HasReason(log_->Read(4, 7, kPlentyBytes).status(), Reason::STORE_CORRUPT)) << "6 names the true one";
  std::string tail_record = EncodeSlot(Next(At(9), "body 10"));
  tail_record.back() ^= 1;
  Put(keys_.Slot(1, 10), tail_record);
  EXPECT_TRUE(HasReason(Open(prefix_)->Tail().status(), Reason::STORE_CORRUPT)) << "nothing names the tail";
}

TEST_F(EtcdLogTest, FindsAMissingRecord) {
  for (uint64_t missing = 2; missing <= 19; ++missing) {
    const std::string prefix = NewPrefix();
    const auto log = Open(prefix);
    AppendAll(*log, 20);
    Delete(EtcdKeys(prefix).Slot(1, missing));
    // A page that ends before the hole may be answered first, never one beyond it.
    const auto from_1 = log->Read(1, kToTail, kPlentyBytes);
    if (from_1.ok()) {
      EXPECT_EQ(from_1->size(), missing - 1);
    } else {
      EXPECT_TRUE(HasReason(from_1.status(), Reason::STORE_CORRUPT)) << ToText(from_1.status());
    }
    const absl::Status at_hole = log->Read(missing, kToTail, kPlentyBytes).status();
    EXPECT_TRUE(HasReason(at_hole, Reason::STORE_CORRUPT)) << missing << ToText(at_hole);
    const auto later = Open(prefix);
    EXPECT_TRUE(HasReason(later->Read(missing, kToTail, kPlentyBytes).status(), Reason::STORE_CORRUPT));
    LogPosition nineteenth;
    nineteenth.index = 19;
    nineteenth.hash[0] = 1;
    EXPECT_FALSE(later->Append(20, Next(nineteenth, "x")).ok()) << "nothing goes over a record";
  }
}

TEST_F(EtcdLogTest, AStartedGenerationGoesOnBehindWhatTheReplicasHave) {
  // Etcd was set back to 5, the replicas have 8.
  AppendAll(*log_, 8);
  const LogPosition applied = TailOf(*log_);
  for (uint64_t index = 6; index <= 8; ++index) Delete(keys_.Slot(1, index));
  EXPECT_TRUE(HasReason(CheckContinues(*log_, applied), Reason::LOG_DIVERGED));
  EXPECT_TRUE(HasReason(log_->Append(9, Next(applied, "body 9")), Reason::LOG_GAP));

  ASSERT_TRUE(log_->StartGeneration(applied, 2).ok());
  EXPECT_TRUE(log_->StartGeneration(applied, 2).ok()) << "the same act again";
  EXPECT_TRUE(HasReason(log_->StartGeneration(LogPosition{}, 2), Reason::LOG_SLOT_TAKEN)) << "another act";
  EXPECT_EQ(TailOf(*other_), applied);
  EXPECT_EQ(*other_->First(), 9u);
  EXPECT_EQ(*other_->Generation(), 2u);
  EXPECT_TRUE(CheckContinues(*other_, applied).ok());
  EXPECT_TRUE(HasReason(other_->Read(5, kToTail, kPlentyBytes).status(), Reason::LOG_TRIMMED));
  EXPECT_EQ(Bodies(other_->Read(9, kToTail, kPlentyBytes)), "");
  ASSERT_TRUE(other_->Trim(1000).ok());
  EXPECT_EQ(Count(), 5 + 2) << "the old slots are kept until there is a batch";

  EXPECT_TRUE(HasReason(log_->Append(9, Next(applied, "body 9", 1)), Reason::CHAIN_BROKEN));
  ASSERT_TRUE(log_->Append(9, Next(applied, "body 9", 2)).ok());
  AppendAll(*other_, 2);
  EXPECT_EQ(Bodies(log_->Read(9, kToTail, kPlentyBytes)), "9 10 11");
  ASSERT_TRUE(other_->Trim(10).ok());
  EXPECT_EQ(Count(), 2 + 1);
}

TEST_F(EtcdLogTest, AStartedGenerationDropsWhatIsBehindIt) {
  AppendAll(*log_, 8);
  const LogPosition sixth = At(6);
  ASSERT_TRUE(log_->StartGeneration(sixth, 4).ok());
  EXPECT_EQ(TailOf(*other_), sixth);
  EXPECT_EQ(Bodies(other_->Read(7, kToTail, kPlentyBytes)), "") << "the old 7 and 8 are not read";
  ASSERT_TRUE(other_->Append(7, Next(sixth, "body 7", 4)).ok());
  EXPECT_EQ(Bodies(log_->Read(7, kToTail, kPlentyBytes)), "7");
  EXPECT_EQ(At(7).generation, 4u);
}

TEST_F(EtcdLogTest, SurplusSlotsOfAnOldGenerationAreNotRead) {
  AppendAll(*log_, 4);
  const LogPosition fourth = TailOf(*log_);
  ASSERT_TRUE(log_->Append(5, Next(fourth, "body 5", 2)).ok());
  Put(keys_.Slot(1, 5), EncodeSlot(Next(fourth, "surplus", 1)));
  Put(keys_.Slot(1, 6), EncodeSlot(Next(TailOf(*log_), "surplus", 2)));
  const auto fresh = Open(prefix_);
  EXPECT_EQ(Bodies(fresh->Read(1, kToTail, kPlentyBytes)), "1 2 3 4 5");
  EXPECT_EQ(Bodies(fresh->Read(5, kToTail, kPlentyBytes)), "5");
  EXPECT_EQ(*fresh->First(), 1u);
  Delete(keys_.Slot(1, 1));
  EXPECT_EQ(*fresh->First(), 2u);
  ASSERT_TRUE(fresh->Trim(5).ok());
  EXPECT_EQ(*fresh->First(), 5u);
  EXPECT_EQ(Count(), 1 + 1) << "surplus goes with its generation";
}

TEST_F(EtcdLogTest, GenerationsAreStartedOnlyUpwards) {
  AppendAll(*log_, 2);
  const LogPosition tail = TailOf(*log_);
  EXPECT_TRUE(HasReason(log_->StartGeneration(tail, 1), Reason::CHAIN_BROKEN));
  ASSERT_TRUE(log_->StartGeneration(tail, 5).ok());
  EXPECT_TRUE(HasReason(other_->StartGeneration(tail, 4), Reason::CHAIN_BROKEN));
  EXPECT_TRUE(HasReason(other_->StartGeneration(LogPosition{}, 5), Reason::LOG_SLOT_TAKEN));
  ASSERT_TRUE(other_->StartGeneration(tail, 6).ok());
  EXPECT_TRUE(HasReason(log_->Append(3, Next(tail, "x", 5)), Reason::CHAIN_BROKEN));
  ASSERT_TRUE(log_->Append(3, Next(tail, "body 3", 7)).ok()) << "a batch may open one right away";
  EXPECT_EQ(Bodies(other_->Read(3, kToTail, kPlentyBytes)), "3");
  EXPECT_EQ(*other_->First(), 3u);
}

TEST_F(EtcdLogTest, AnotherReplicasAppendRingsTheBell) {
  std::atomic<int> rung{0};
  const Doorbell bell = std::make_shared<const std::function<void()>>([&] { ++rung; });
  other_->AddDoorbell(bell);
  const auto rings_within = [&](int before, std::chrono::seconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (rung == before && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(milliseconds(1));
    return rung != before;
  };
  // The watch may not be in place for the first one.
  AppendAll(*log_, 1);
  EXPECT_TRUE(rings_within(0, std::chrono::seconds(5)));
  std::this_thread::sleep_for(milliseconds(200));
  const int before = rung;
  AppendAll(*log_, 1);
  EXPECT_TRUE(rings_within(before, std::chrono::seconds(5)));
}

TEST_F(EtcdLogTest, EndsAtOnceWhateverItWaitsFor) {
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) Open(prefix_);
  EtcdOptions nobody;
  nobody.endpoints = {"127.0.0.1:1"};
  auto log = EtcdLog::Open(*EtcdClient::Create(nobody), "jcm/JPN");
  ASSERT_TRUE(log.ok());
  std::this_thread::sleep_for(milliseconds(100));
  log->reset();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3));
}

TEST_F(EtcdLogTest, SaysThatNobodyAnswers) {
  EtcdOptions nobody;
  nobody.endpoints = {"127.0.0.1:1", "127.0.0.1:2"};
  auto log = EtcdLog::Open(*EtcdClient::Create(nobody), "jcm/JPN");
  ASSERT_TRUE(log.ok());
  EXPECT_TRUE(HasReason((*log)->Tail().status(), Reason::LOG_UNAVAILABLE));
  EXPECT_TRUE(HasReason((*log)->First().status(), Reason::LOG_UNAVAILABLE));
  EXPECT_TRUE(HasReason((*log)->Read(1, kToTail, 1).status(), Reason::LOG_UNAVAILABLE));
  EXPECT_TRUE(HasReason((*log)->Append(1, Next({}, "x")), Reason::LOG_UNAVAILABLE));
  EXPECT_TRUE(HasReason((*log)->StartGeneration({}, 1), Reason::APPEND_UNKNOWN));
  EXPECT_TRUE(HasReason((*log)->Trim(1), Reason::LOG_UNAVAILABLE));
  EXPECT_TRUE(HasReason((*log)->BytesKept().status(), Reason::LOG_UNAVAILABLE));
  const auto health = (*log)->client().Health();
  ASSERT_EQ(health.size(), 2u);
  EXPECT_FALSE(health[0].answers);
  EXPECT_NE(health[0].error, "");
}

TEST_F(EtcdLogTest, TellsItsServersHealth) {
  AppendAll(*log_, 1);
  const auto health = log_->client().Health();
  ASSERT_EQ(health.size(), 1u);
  EXPECT_TRUE(health[0].answers);
  EXPECT_TRUE(health[0].IsLeader());
  EXPECT_EQ(health[0].error, "");
  EXPECT_EQ(health[0].version.substr(0, 2), "3.");
  const uint64_t before = *log_->BytesKept();
  const LogPosition tail = TailOf(*log_);
  ASSERT_TRUE(log_->Append(2, Next(tail, std::string(kBatchBodyMaxBytes, 'x'))).ok());
  EXPECT_GT(*log_->BytesKept() + kBatchBodyMaxBytes, before) << "free pages may be used again";
  EXPECT_LE(*log_->BytesKept(), log_->client().Health()[0].db_bytes);
}

TEST(EtcdOptions, RefusesAnotherMachineWithoutTls) {
  const auto with = [](std::vector<std::string> endpoints, const std::string& ca = "", const std::string& key = "") {
    EtcdOptions options;
    options.endpoints = std::move(endpoints);
    options.ca_pem = ca;
    options.key_pem = key;
    return EtcdClient::Create(options).status();
  };
  EXPECT_TRUE(with({"127.0.0.1:2379", "localhost:2379", "[::1]:2379"}).ok());
  EXPECT_TRUE(HasReason(with({}), Reason::CONFIG_INVALID));
  EXPECT_TRUE(HasReason(with({"etcd-1.example:2379"}), Reason::CONFIG_INVALID));
  EXPECT_TRUE(HasReason(with({"127.0.0.1:2379", "10.0.0.1:2379"}), Reason::CONFIG_INVALID));
  EXPECT_TRUE(HasReason(with({"http://127.0.0.1:2379"}), Reason::CONFIG_INVALID));
  EXPECT_TRUE(HasReason(with({"127.0.0.1"}), Reason::CONFIG_INVALID));
  EXPECT_TRUE(HasReason(with({"127.0.0.1:2379"}, "ca only"), Reason::CONFIG_INVALID));
  EXPECT_TRUE(HasReason(with(std::vector<std::string>(kEtcdEndpointsMax + 1, "localhost:1")), Reason::CONFIG_INVALID));
}

TEST(EtcdLogPrefix, IsCheckedBecauseItIsPartOfEachKey) {
  EtcdOptions nobody;
  nobody.endpoints = {"127.0.0.1:1"};
  const auto client = *EtcdClient::Create(nobody);
  for (const std::string prefix : {"", "/jcm", "jcm/", "jcm//JPN", "jcm JPN", "jcm/\xff"}) {
    EXPECT_TRUE(HasReason(EtcdLog::Open(client, prefix).status(), Reason::CONFIG_INVALID)) << prefix;
  }
  EXPECT_TRUE(EtcdLog::Open(client, "jcm/JPN-2_x").ok());
}

}  // namespace
}  // namespace jcm::log
