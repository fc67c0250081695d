// What is special to RocksDbStore: power failures at every call, torn and refused writes, damaged files, other
// processes.
#include "ledger/store/rocksdb_store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/store/testing/fault_file_system.h"
#include "rocksdb/env.h"

namespace jcm::store {
namespace {

const StoreIdentity kJapan{"JPN", "demo.invalid"};

class RocksDbTest : public ::testing::Test {
 protected:
  RocksDbTest() {
    std::string pattern = absl::StrCat(::testing::TempDir(), "/rocksdb.XXXXXX");
    root_ = ::mkdtemp(&pattern[0]);
    path_ = absl::StrCat(root_, "/store");
  }
  ~RocksDbTest() override { std::filesystem::remove_all(root_); }

  absl::StatusOr<std::unique_ptr<RocksDbStore>> Open(std::shared_ptr<rocksdb::FileSystem> disk = nullptr) const {
    RocksDbOptions options;
    options.path = path_;
    options.identity = kJapan;
    options.block_cache_bytes = 1024 * 1024;
    options.write_buffer_bytes = 1024 * 1024;
    options.file_system = std::move(disk);
    options.on_failed = [this] { ++failures_; };
    return RocksDbStore::Open(options);
  }
  std::unique_ptr<RocksDbStore> MustOpen() const {
    auto store = Open();
    EXPECT_TRUE(store.ok()) << ToText(store.status());
    return std::move(store).value();
  }

  static absl::Status Put(Store& store, int number, Sync sync) {
    WriteBatch batch;
    batch.Put(Family::kState, "last", absl::StrCat(number));
    batch.Put(Family::kEntry, absl::StrCat("n", number), std::string(100, 'x'));
    return store.Write(batch, sync);
  }
  static int Last(const ReadView& view) {
    const auto value = view.Get(Family::kState, "last");
    EXPECT_TRUE(value.ok()) << ToText(value.status());
    return value.ok() && value->has_value() ? std::stoi(**value) : 0;
  }
  // The store holds the batches 1..Last(), all of each and no others.
  static void ExpectAPrefix(const ReadView& view) {
    const int last = Last(view);
    int count = 0;
    const auto iterator = view.NewIterator(Family::kEntry);
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) ++count;
    ASSERT_TRUE(iterator->status().ok()) << ToText(iterator->status());
    ASSERT_EQ(count, last);
    for (int i = 1; i <= last; ++i) ASSERT_TRUE(view.Get(Family::kEntry, absl::StrCat("n", i))->has_value()) << i;
  }

  std::vector<std::string> Files(absl::string_view ending) const {
    std::vector<std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(path_)) {
      if (absl::EndsWith(file.path().string(), ending)) files.push_back(file.path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
  }
  static void FlipBit(const std::string& path, double position) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(0, std::ios::end);
    const auto offset = static_cast<std::streamoff>(static_cast<double>(file.tellg()) * position);
    file.seekg(offset);
    const char byte = static_cast<char>(file.get());
    file.seekp(offset);
    file.put(static_cast<char>(byte ^ 0x10));
  }

  std::string root_, path_;
  mutable std::atomic<int> failures_{0};
};

// A life of a store, until its disk fails: creation, writes of which every third is synced, and a flush.
struct Life {
  int acknowledged = 0;         // newest batch that was written with OK
  int acknowledged_synced = 0;  // newest batch that a synced write covers
  int attempted = 0;
};

constexpr int kBatches = 12;
// RocksDB waits for a second after a flush that failed; many lives wait together.
constexpr int kLivesAtOnce = 12;

class PowerFailure : public RocksDbTest, public ::testing::WithParamInterface<std::tuple<Fault, double>> {
 protected:
  static Life Live(const RocksDbOptions& options, const std::atomic<int>& failures) {
    Life life;
    auto opened = RocksDbStore::Open(options);
    if (!opened.ok()) return life;
    RocksDbStore& store = **opened;
    for (int i = 1; i <= kBatches; ++i) {
      const Sync sync = i % 3 == 0 ? Sync::kYes : Sync::kNo;
      life.attempted = i;
      const absl::Status written = Put(store, i, sync);
      if (!written.ok()) {
        EXPECT_TRUE(HasReason(written, Reason::STORE_FAILED));
        EXPECT_TRUE(store.failed());
        EXPECT_EQ(failures, 1);
        EXPECT_TRUE(HasReason(Put(store, i, sync), Reason::STORE_FAILED)) << "never tried again";
        EXPECT_EQ(Last(store), life.acknowledged) << "reads go on";
        break;
      }
      life.acknowledged = i;
      if (sync == Sync::kYes) life.acknowledged_synced = i;
      if (i == 7) (void)store.Flush();
    }
    return life;
  }

  // Lives until the nth call fails, loses power, and looks at what is left. Sets `failed` if there was an nth call.
  void FailAtCall(uint64_t nth, bool* failed) const {
    const auto [fault, kept] = GetParam();
    std::atomic<int> failures{0};
    const auto disk = std::make_shared<FaultFileSystem>();
    RocksDbOptions options;
    options.path = absl::StrCat(path_, nth);
    options.identity = kJapan;
    options.file_system = disk;
    options.on_failed = [&failures] { ++failures; };
    disk->FailCall(nth, fault);
    const Life life = Live(options, failures);
    *failed = disk->failing();
    disk->LosePower(kept);

    options.file_system = std::make_shared<FaultFileSystem>();  // one that works
    auto again = RocksDbStore::Open(options);
    ASSERT_TRUE(again.ok()) << ToText(again.status());
    ASSERT_NO_FATAL_FAILURE(ExpectAPrefix(**again));
    const int last = Last(**again);
    ASSERT_GE(last, life.acknowledged_synced);
    ASSERT_LE(last, life.attempted);
    ASSERT_TRUE(Put(**again, last + 1, Sync::kYes).ok());
    ASSERT_TRUE((*again)->Verify().ok());
  }
};

TEST_P(PowerFailure, AtEveryCallLeavesAPrefixWithAllThatWasSynced) {
  rocksdb::Env::Default()->SetBackgroundThreads(2 * kLivesAtOnce, rocksdb::Env::HIGH);
  std::atomic<uint64_t> next{1};
  std::atomic<int> failed_lives{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kLivesAtOnce; ++i) {
    threads.emplace_back([&] {
      for (bool failed = true; failed && !HasFatalFailure();) {
        const uint64_t nth = next++;
        SCOPED_TRACE(absl::StrCat("call ", nth));
        FailAtCall(nth, &failed);
        if (failed) ++failed_lives;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  RecordProperty("failed_lives", failed_lives.load());
  EXPECT_GT(failed_lives, 3 * kBatches);
}

INSTANTIATE_TEST_SUITE_P(All, PowerFailure,
                         ::testing::Values(std::make_tuple(Fault::REFUSED, 0.0), std::make_tuple(Fault::REFUSED, 1.0),
                                           std::make_tuple(Fault::TORN, 0.5), std::make_tuple(Fault::TORN, 1.0)),
                         [](const auto& info) {
                           return absl::StrCat(std::get<0>(info.param) == Fault::TORN ? "Torn" : "Refused", "Kept",
                                               static_cast<int>(std::get<1>(info.param) * 100), "Percent");
                         });

TEST_F(RocksDbTest, AnEmptySyncedBatchMakesEverythingBeforeItDurable) {
  auto disk = std::make_shared<FaultFileSystem>();
  auto store = Open(disk);
  ASSERT_TRUE(store.ok());
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(Put(**store, i, Sync::kNo).ok());
  ASSERT_TRUE((*store)->Write(WriteBatch(), Sync::kYes).ok());
  ASSERT_TRUE(Put(**store, 6, Sync::kNo).ok());
  disk->FailCall(1, Fault::REFUSED);  // closing saves nothing more
  store->reset();
  EXPECT_TRUE(disk->LosePower(0));
  EXPECT_EQ(Last(*MustOpen()), 5);
}

TEST_F(RocksDbTest, AFailedSyncOfTheLogIsTheEnd) {
  for (uint64_t nth = 1; nth <= 4; ++nth) {
    std::filesystem::remove_all(path_);
    auto disk = std::make_shared<FaultFileSystem>();
    auto store = Open(disk);
    ASSERT_TRUE(store.ok());
    failures_ = 0;
    disk->FailCall(nth, Fault::REFUSED, Calls::WAL_SYNCS);
    int acknowledged = 0;
    for (int i = 1; i <= 4; ++i) {
      if (Put(**store, i, Sync::kYes).ok()) acknowledged = i;
    }
    EXPECT_EQ(acknowledged, static_cast<int>(nth) - 1);
    EXPECT_TRUE((*store)->failed());
    EXPECT_EQ(failures_, 1) << "told once";
    disk->Repair();
    EXPECT_TRUE(HasReason(Put(**store, 9, Sync::kYes), Reason::STORE_FAILED)) << "although the disk works again";
    EXPECT_EQ(Last(**store), acknowledged);
    store->reset();
    disk->LosePower(0);
    EXPECT_EQ(Last(*MustOpen()), acknowledged);
  }
}

TEST_F(RocksDbTest, CutsATornTailAndRefusesDamageBeforeIt) {
  {
    const auto store = MustOpen();
    for (int i = 1; i <= 50; ++i) ASSERT_TRUE(Put(*store, i, Sync::kYes).ok());
  }
  std::vector<std::string> logs = Files(".log");
  std::sort(logs.begin(), logs.end(), [](const std::string& a, const std::string& b) {
    return std::filesystem::file_size(a) > std::filesystem::file_size(b);
  });
  ASSERT_GT(std::filesystem::file_size(logs[0]), 5000u);
  const std::string copy = absl::StrCat(root_, "/copy");
  std::filesystem::copy(path_, copy, std::filesystem::copy_options::recursive);

  std::filesystem::resize_file(logs[0], std::filesystem::file_size(logs[0]) - 10);
  {
    const auto store = MustOpen();
    EXPECT_EQ(Last(*store), 49);
    ExpectAPrefix(*store);
  }

  std::filesystem::remove_all(path_);
  std::filesystem::copy(copy, path_, std::filesystem::copy_options::recursive);
  FlipBit(logs[0], 0.5);
  EXPECT_TRUE(HasReason(Open().status(), Reason::STORE_CORRUPT));
}

TEST_F(RocksDbTest, VerifyFindsADamagedFile) {
  {
    const auto store = MustOpen();
    for (int i = 1; i <= 500; ++i) ASSERT_TRUE(Put(*store, i, Sync::kNo).ok());
    ASSERT_TRUE(store->Flush().ok());
    ASSERT_TRUE(store->Verify().ok());
  }
  ASSERT_FALSE(Files(".sst").empty());
  for (const std::string& file : Files(".sst")) {
    FlipBit(file, 0.3);
    auto store = Open();
    if (store.ok()) {
      EXPECT_TRUE(HasReason((*store)->Verify(), Reason::STORE_CORRUPT)) << file;
    } else {
      EXPECT_TRUE(HasReason(store.status(), Reason::STORE_CORRUPT)) << ToText(store.status());
    }
    if (store.ok()) store->reset();
    FlipBit(file, 0.3);
  }
  EXPECT_TRUE(MustOpen()->Verify().ok());
}

TEST_F(RocksDbTest, RefusesAStoreWithMissingFiles) {
  {
    const auto store = MustOpen();
    ASSERT_TRUE(Put(*store, 1, Sync::kYes).ok());
    ASSERT_TRUE(store->Flush().ok());
  }
  for (const std::string& file : {Files(".sst")[0], absl::StrCat(path_, "/CURRENT")}) {
    const std::string away = absl::StrCat(root_, "/away");
    std::filesystem::rename(file, away);
    EXPECT_TRUE(HasReason(Open().status(), Reason::STORE_CORRUPT)) << file;
    std::filesystem::rename(away, file);
  }
  EXPECT_EQ(Last(*MustOpen()), 1);
}

TEST_F(RocksDbTest, CreatesNothingWhereAStoreIsExpected) {
  RocksDbOptions options;
  options.path = path_;
  options.identity = kJapan;
  options.create_if_missing = false;
  EXPECT_TRUE(HasReason(RocksDbStore::Open(options).status(), Reason::STORE_CORRUPT));
  EXPECT_FALSE(std::filesystem::exists(path_));
  MustOpen();
  EXPECT_TRUE(RocksDbStore::Open(options).ok());
}

TEST_F(RocksDbTest, OnlyItsOwnerMayReadIt) {
  MustOpen();
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms::owner_all);
}

// Another process, store_writer, that writes batches as Put does and says the number of each when it is acknowledged.
class Writer {
 public:
  explicit Writer(const std::string& path) {
    int ends[2];
    JCM_CHECK(::pipe(ends) == 0);
    child_ = ::fork();
    JCM_CHECK(child_ >= 0);
    if (child_ == 0) {
      ::dup2(ends[1], 1);
      ::close(ends[0]);
      ::execl("ledger/store/testing/store_writer", "store_writer", path.c_str(), nullptr);
      ::_exit(1);
    }
    ::close(ends[1]);
    acknowledgements_ = ends[0];
  }
  ~Writer() {
    Kill();
    ::close(acknowledgements_);
  }
  // The next number acknowledged; waits for it. 0 when the process has ended.
  int Hear() {
    int number = 0;
    return ::read(acknowledgements_, &number, sizeof(number)) == static_cast<ssize_t>(sizeof(number)) ? number : 0;
  }
  void Kill() {
    if (child_ < 0) return;
    JCM_CHECK(::kill(child_, SIGKILL) == 0);
    JCM_CHECK(::waitpid(child_, nullptr, 0) == child_);
    child_ = -1;
  }

 private:
  pid_t child_ = -1;
  int acknowledgements_ = -1;
};

TEST_F(RocksDbTest, RefusesAStoreThatAnotherProcessHasOpen) {
  Writer writer(path_);
  EXPECT_EQ(writer.Hear(), 1);
  EXPECT_TRUE(HasReason(Open().status(), Reason::STORE_LOCKED));
  writer.Kill();
  EXPECT_TRUE(Open().ok());
}

// Killed at any moment, without a power failure: everything acknowledged is there, synced or not.
TEST_F(RocksDbTest, AKilledProcessLosesNothingAcknowledged) {
  int acknowledged = 0;
  for (int round = 1; round <= 10; ++round) {
    Writer writer(path_);
    for (int heard = 0; heard < 17 * round; ++heard) {
      acknowledged = writer.Hear();
      ASSERT_GT(acknowledged, 0);
    }
    writer.Kill();
    while (const int more = writer.Hear()) acknowledged = more;
    const auto store = MustOpen();
    ASSERT_NO_FATAL_FAILURE(ExpectAPrefix(*store));
    ASSERT_GE(Last(*store), acknowledged);
    ASSERT_LE(Last(*store), acknowledged + 1);
    acknowledged = Last(*store);
  }
}

TEST_F(RocksDbTest, TwoThreadsMayWriteAndOthersRead) {
  const auto store = MustOpen();
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) {
      const auto view = store->Snapshot();
      const auto a = view->Get(Family::kState, "a"), b = view->Get(Family::kState, "b");
      ASSERT_TRUE(a.ok() && b.ok());
      ASSERT_EQ(*a, *b) << "a batch is seen whole";
    }
  });
  const auto write = [&](int first) {
    for (int i = 0; i < 300; ++i) {
      WriteBatch batch;
      batch.Put(Family::kState, "a", absl::StrCat(first + i));
      batch.Put(Family::kState, "b", absl::StrCat(first + i));
      ASSERT_TRUE(store->Write(batch, i % 50 == 0 ? Sync::kYes : Sync::kNo).ok());
    }
  };
  std::thread writer([&] { write(1000); });
  write(2000);
  writer.join();
  done = true;
  reader.join();
}

}  // namespace
}  // namespace jcm::store
