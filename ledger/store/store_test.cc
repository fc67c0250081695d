// The contract of store.h, run against every implementation.
#include "ledger/store/store.h"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/store/memory_store.h"
#include "ledger/store/rocksdb_store.h"

namespace jcm::store {
namespace {

const StoreIdentity kJapan{"JPN", "demo.invalid"};
const StoreIdentity kThailand{"THA", "demo.invalid"};

// A place where a store can be opened again and again.
class Place {
 public:
  virtual ~Place() = default;
  virtual absl::StatusOr<std::unique_ptr<Store>> Open(const StoreIdentity& identity) = 0;
  virtual absl::StatusOr<std::unique_ptr<Store>> OpenBackup(const std::string& name) = 0;
  virtual std::string BackupPath(const std::string& name) = 0;
};

class RocksPlace : public Place {
 public:
  RocksPlace() {
    std::string pattern = absl::StrCat(::testing::TempDir(), "/store.XXXXXX");
    root_ = ::mkdtemp(&pattern[0]);
  }
  ~RocksPlace() override { std::filesystem::remove_all(root_); }
  absl::StatusOr<std::unique_ptr<Store>> Open(const StoreIdentity& identity) override {
    return OpenAt(absl::StrCat(root_, "/store"), identity);
  }
  absl::StatusOr<std::unique_ptr<Store>> OpenBackup(const std::string& name) override {
    return OpenAt(BackupPath(name), kJapan);
  }
  std::string BackupPath(const std::string& name) override { return absl::StrCat(root_, "/", name); }

 private:
  static absl::StatusOr<std::unique_ptr<Store>> OpenAt(const std::string& path, const StoreIdentity& identity) {
    RocksDbOptions options;
    options.path = path;
    options.identity = identity;
    JCM_ASSIGN_OR_RETURN(std::unique_ptr<RocksDbStore> store, RocksDbStore::Open(options));
    return std::unique_ptr<Store>(std::move(store));
  }
  std::string root_;
};

class MemoryPlace : public Place {
 public:
  absl::StatusOr<std::unique_ptr<Store>> Open(const StoreIdentity& identity) override {
    return OpenAt(disk_, identity);
  }
  absl::StatusOr<std::unique_ptr<Store>> OpenBackup(const std::string& name) override {
    return OpenAt(disk_->RestoreBackup(name), kJapan);
  }
  std::string BackupPath(const std::string& name) override { return name; }

 private:
  static absl::StatusOr<std::unique_ptr<Store>> OpenAt(std::shared_ptr<MemoryDisk> disk,
                                                       const StoreIdentity& identity) {
    JCM_ASSIGN_OR_RETURN(std::unique_ptr<MemoryStore> store, MemoryStore::Open(std::move(disk), identity));
    return std::unique_ptr<Store>(std::move(store));
  }
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
};

enum class Kind { kRocksDb, kMemory };

class StoreContract : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kRocksDb) {
      place_ = std::make_unique<RocksPlace>();
    } else {
      place_ = std::make_unique<MemoryPlace>();
    }
    Reopen();
  }

  void Reopen() {
    store_.reset();
    auto store = place_->Open(kJapan);
    ASSERT_TRUE(store.ok()) << ToText(store.status());
    store_ = std::move(store).value();
  }

  void Put(const std::string& key, const std::string& value, Sync sync = Sync::kYes, Family family = Family::kState) {
    WriteBatch batch;
    batch.Put(family, key, value);
    const absl::Status written = store_->Write(batch, sync);
    ASSERT_TRUE(written.ok()) << ToText(written);
  }

  static std::string Get(const ReadView& view, const std::string& key, Family family = Family::kState) {
    const auto value = view.Get(family, key);
    EXPECT_TRUE(value.ok()) << ToText(value.status());
    if (!value.ok()) return "<error>";
    return value->has_value() ? **value : "<none>";
  }

  static std::string Forward(const ReadView& view, const std::string& lower, const std::string& upper) {
    std::string keys;
    const auto iterator = view.NewIterator(Family::kState, lower, upper);
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next())
      absl::StrAppend(&keys, std::string(iterator->key()), " ");
    EXPECT_TRUE(iterator->status().ok());
    return keys;
  }

  static std::string Backward(const ReadView& view, const std::string& lower, const std::string& upper) {
    std::string keys;
    const auto iterator = view.NewIterator(Family::kState, lower, upper);
    for (iterator->SeekToLast(); iterator->Valid(); iterator->Prev())
      absl::StrAppend(&keys, std::string(iterator->key()), " ");
    EXPECT_TRUE(iterator->status().ok());
    return keys;
  }

  std::unique_ptr<Place> place_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreContract, KeepsWhatWasWrittenAndForgetsWhatWasDeleted) {
  Put("a", "1");
  Put("b", "2");
  WriteBatch batch;
  batch.Delete(Family::kState, "a");
  batch.Delete(Family::kState, "never there");
  batch.Put(Family::kState, "b", "3");
  ASSERT_TRUE(store_->Write(batch, Sync::kYes).ok());
  EXPECT_EQ(Get(*store_, "a"), "<none>");
  EXPECT_EQ(Get(*store_, "b"), "3");
  Reopen();
  EXPECT_EQ(Get(*store_, "a"), "<none>");
  EXPECT_EQ(Get(*store_, "b"), "3");
}

TEST_P(StoreContract, TheLaterOfTwoChangesInABatchWins) {
  WriteBatch batch;
  batch.Put(Family::kState, "a", "1");
  batch.Put(Family::kState, "a", "2");
  batch.Put(Family::kState, "b", "1");
  batch.Delete(Family::kState, "b");
  batch.Delete(Family::kState, "c");
  batch.Put(Family::kState, "c", "1");
  EXPECT_EQ(batch.size(), 6u);
  EXPECT_EQ(batch.bytes(), 10u);
  ASSERT_TRUE(store_->Write(batch, Sync::kNo).ok());
  EXPECT_EQ(Get(*store_, "a"), "2");
  EXPECT_EQ(Get(*store_, "b"), "<none>");
  EXPECT_EQ(Get(*store_, "c"), "1");
}

TEST_P(StoreContract, FamiliesDoNotShareKeys) {
  WriteBatch batch;
  for (Family family : kAllFamilies) batch.Put(family, "key", FamilyName(family));
  ASSERT_TRUE(store_->Write(batch, Sync::kYes).ok());
  Reopen();
  for (Family family : kAllFamilies) EXPECT_EQ(Get(*store_, "key", family), FamilyName(family));
}

TEST_P(StoreContract, KeysAndValuesAreAnyBytes) {
  const std::string key("\x00\xff\x00", 3);
  Put(key, std::string("\x00", 1));
  Put("empty", "");
  EXPECT_EQ(Get(*store_, key), std::string("\x00", 1));
  EXPECT_EQ(Get(*store_, "empty"), "");
}

TEST_P(StoreContract, RefusesOversizeKeysAndValuesBeforeWritingAnything) {
  WriteBatch batch;
  batch.Put(Family::kState, "a", "1");
  batch.Put(Family::kState, std::string(kKeyMaxBytes + 1, 'k'), "1");
  EXPECT_TRUE(HasReason(store_->Write(batch, Sync::kYes), Reason::INTERNAL));
  WriteBatch large;
  large.Put(Family::kState, "a", std::string(kValueMaxBytes + 1, 'v'));
  EXPECT_TRUE(HasReason(store_->Write(large, Sync::kYes), Reason::INTERNAL));
  EXPECT_EQ(Get(*store_, "a"), "<none>");
  EXPECT_FALSE(store_->failed());
  Put(std::string(kKeyMaxBytes, 'k'), std::string(kValueMaxBytes, 'v'));
}

TEST_P(StoreContract, IteratorsStayInsideTheirBounds) {
  for (const char* key : {"a", "b", "c", "d", "e"}) Put(key, absl::StrCat("value of ", key), Sync::kNo);
  EXPECT_EQ(Forward(*store_, "", ""), "a b c d e ");
  EXPECT_EQ(Backward(*store_, "", ""), "e d c b a ");
  EXPECT_EQ(Forward(*store_, "b", "d"), "b c ");
  EXPECT_EQ(Backward(*store_, "b", "d"), "c b ");
  EXPECT_EQ(Forward(*store_, "bb", "bc"), "");
  EXPECT_EQ(Backward(*store_, "bb", "bc"), "");
  EXPECT_EQ(Forward(*store_, "f", ""), "");
}

TEST_P(StoreContract, SeekFindsTheNeighbours) {
  for (const char* key : {"b", "d", "f", "h"}) Put(key, absl::StrCat("value of ", key), Sync::kNo);
  const auto iterator = store_->NewIterator(Family::kState, "c", "h");
  EXPECT_FALSE(iterator->Valid());
  iterator->Seek("a");
  ASSERT_TRUE(iterator->Valid());
  EXPECT_EQ(iterator->key(), "d");
  EXPECT_EQ(iterator->value(), "value of d");
  iterator->Seek("e");
  ASSERT_TRUE(iterator->Valid());
  EXPECT_EQ(iterator->key(), "f");
  iterator->Seek("g");
  EXPECT_FALSE(iterator->Valid());
  iterator->SeekForPrev("z");
  ASSERT_TRUE(iterator->Valid());
  EXPECT_EQ(iterator->key(), "f");
  iterator->Prev();
  ASSERT_TRUE(iterator->Valid());
  EXPECT_EQ(iterator->key(), "d");
  iterator->Next();
  ASSERT_TRUE(iterator->Valid());
  EXPECT_EQ(iterator->key(), "f");
  iterator->SeekForPrev("e");
  ASSERT_TRUE(iterator->Valid());
  EXPECT_EQ(iterator->key(), "d");
  iterator->SeekForPrev("c");
  EXPECT_FALSE(iterator->Valid());
  iterator->SeekForPrev("a");
  EXPECT_FALSE(iterator->Valid());
  EXPECT_TRUE(iterator->status().ok());
}

TEST_P(StoreContract, SnapshotsAndIteratorsDoNotSeeLaterWrites) {
  Put("a", "1");
  Put("b", "1");
  const auto snapshot = store_->Snapshot();
  const auto iterator = store_->NewIterator(Family::kState);
  Put("a", "2");
  Put("c", "2");
  WriteBatch batch;
  batch.Delete(Family::kState, "b");
  ASSERT_TRUE(store_->Write(batch, Sync::kYes).ok());
  EXPECT_EQ(Get(*snapshot, "a"), "1");
  EXPECT_EQ(Get(*snapshot, "b"), "1");
  EXPECT_EQ(Get(*snapshot, "c"), "<none>");
  EXPECT_EQ(Forward(*snapshot, "", ""), "a b ");
  EXPECT_EQ(Backward(*snapshot, "", ""), "b a ");
  std::string seen;
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    absl::StrAppend(&seen, std::string(iterator->key()), "=", std::string(iterator->value()), " ");
  }
  EXPECT_EQ(seen, "a=1 b=1 ");
  EXPECT_EQ(Forward(*store_, "", ""), "a c ");
}

TEST_P(StoreContract, ASnapshotMayOutliveTheStore) {
  Put("a", "1");
  auto snapshot = store_->Snapshot();
  Put("a", "2");
  store_.reset();
  EXPECT_EQ(Get(*snapshot, "a"), "1");
  EXPECT_EQ(Forward(*snapshot, "", ""), "a ");
  snapshot.reset();
  Reopen();
  EXPECT_EQ(Get(*store_, "a"), "2");
}

TEST_P(StoreContract, AnEmptySyncedBatchIsAllowed) {
  Put("a", "1", Sync::kNo);
  EXPECT_TRUE(store_->Write(WriteBatch(), Sync::kYes).ok());
  EXPECT_TRUE(store_->Write(WriteBatch(), Sync::kNo).ok());
  EXPECT_EQ(Get(*store_, "a"), "1");
}

TEST_P(StoreContract, RefusesToBeOpenedTwice) {
  EXPECT_TRUE(HasReason(place_->Open(kJapan).status(), Reason::STORE_LOCKED));
  EXPECT_FALSE(store_->failed());
  Put("a", "1");
}

TEST_P(StoreContract, RefusesTheStoreOfAnotherRegistry) {
  Put("a", "1");
  store_.reset();
  EXPECT_TRUE(HasReason(place_->Open(kThailand).status(), Reason::STORE_OF_OTHER_REGISTRY));
  EXPECT_TRUE(HasReason(place_->Open({"JPN", "registry.example"}).status(), Reason::STORE_OF_OTHER_REGISTRY));
  Reopen();
  EXPECT_EQ(Get(*store_, "a"), "1");
}

TEST_P(StoreContract, ABackupSaysThatItIsOneUntilItIsCleared) {
  Put("a", "1", Sync::kNo);
  EXPECT_FALSE(store_->restored());
  ASSERT_TRUE(store_->Backup(place_->BackupPath("monday")).ok());
  EXPECT_TRUE(HasReason(store_->Backup(place_->BackupPath("monday")), Reason::ALREADY_EXISTS));
  EXPECT_FALSE(store_->restored());
  Put("a", "2");
  Reopen();
  EXPECT_FALSE(store_->restored());

  auto copy = place_->OpenBackup("monday");
  ASSERT_TRUE(copy.ok()) << ToText(copy.status());
  EXPECT_TRUE((*copy)->restored());
  EXPECT_EQ(Get(**copy, "a"), "1");
  WriteBatch batch;
  batch.Put(Family::kState, "a", "3");
  ASSERT_TRUE((*copy)->Write(batch, Sync::kYes).ok());
  EXPECT_EQ(Get(*store_, "a"), "2");
  ASSERT_TRUE((*copy)->ClearRestored().ok());
  EXPECT_FALSE((*copy)->restored());
  EXPECT_TRUE((*copy)->ClearRestored().ok());
}

TEST_P(StoreContract, VerifiesWhatIsUndamaged) {
  for (int i = 0; i < 1000; ++i) Put(absl::StrCat("key ", i), std::string(100, 'x'), Sync::kNo);
  const absl::Status verified = store_->Verify();
  EXPECT_TRUE(verified.ok()) << ToText(verified);
}

// Both are compared with a std::map after each of many random batches, over reopenings, with snapshots of older states.
TEST_P(StoreContract, BehavesLikeAMap) {
  std::mt19937_64 random(20251030);
  std::map<std::string, std::string> model;
  const auto all = [](const ReadView& view) {
    std::map<std::string, std::string> content;
    const auto iterator = view.NewIterator(Family::kState);
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
      content.emplace(std::string(iterator->key()), std::string(iterator->value()));
    }
    EXPECT_TRUE(iterator->status().ok());
    return content;
  };
  std::vector<std::pair<std::unique_ptr<ReadView>, std::map<std::string, std::string>>> older;
  for (int round = 0; round < 400; ++round) {
    WriteBatch batch;
    for (uint64_t n = random() % 8; n > 0; --n) {
      const std::string key = absl::StrCat("k", random() % 40);
      if (random() % 3 == 0) {
        batch.Delete(Family::kState, key);
        model.erase(key);
      } else {
        const std::string value = absl::StrCat(random());
        batch.Put(Family::kState, key, value);
        model[key] = value;
      }
    }
    ASSERT_TRUE(store_->Write(batch, random() % 4 == 0 ? Sync::kYes : Sync::kNo).ok());
    ASSERT_EQ(all(*store_), model);
    if (random() % 10 == 0) older.emplace_back(store_->Snapshot(), model);
    if (older.size() > 4) older.erase(older.begin() + random() % older.size());
    for (const auto& view : older) ASSERT_EQ(all(*view.first), view.second);
    if (random() % 50 == 0) {
      older.clear();
      Reopen();
      ASSERT_EQ(all(*store_), model);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, StoreContract, ::testing::Values(Kind::kRocksDb, Kind::kMemory),
                         [](const auto& info) { return info.param == Kind::kRocksDb ? "RocksDb" : "Memory"; });

// Only MemoryDisk can be told what to lose.
class MemoryDiskTest : public ::testing::Test {
 protected:
  std::unique_ptr<MemoryStore> Open() {
    auto store = MemoryStore::Open(disk_, kJapan);
    EXPECT_TRUE(store.ok());
    return std::move(store).value();
  }
  static absl::Status Put(Store& store, int number, Sync sync) {
    WriteBatch batch;
    batch.Put(Family::kState, "last", absl::StrCat(number));
    batch.Put(Family::kState, absl::StrCat("n", number), "x");
    return store.Write(batch, sync);
  }
  static int Last(const Store& store) {
    const auto value = store.Get(Family::kState, "last");
    return value->has_value() ? std::stoi(**value) : 0;
  }
  static int Count(const Store& store) {
    int count = 0;
    const auto iterator = store.NewIterator(Family::kState, "n", "o");
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) ++count;
    return count;
  }
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
};

TEST_F(MemoryDiskTest, ACrashKeepsWhatWasSyncedAndAPrefixOfTheRest) {
  for (uint64_t kept = 0; kept <= 5; ++kept) {
    disk_ = std::make_shared<MemoryDisk>();
    auto store = Open();
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(Put(*store, i, i == 3 ? Sync::kYes : Sync::kNo).ok());
    for (int i = 4; i <= 7; ++i) ASSERT_TRUE(Put(*store, i, Sync::kNo).ok());
    EXPECT_EQ(disk_->unsynced_batches(), 4u);
    store.reset();
    EXPECT_EQ(disk_->Crash(kept), kept >= 4 ? 0 : 4 - kept);
    store = Open();
    const int expected = 3 + static_cast<int>(std::min<uint64_t>(kept, 4));
    EXPECT_EQ(Last(*store), expected);
    EXPECT_EQ(Count(*store), expected);
    ASSERT_TRUE(Put(*store, 99, Sync::kYes).ok());
    EXPECT_EQ(Count(*store), expected + 1);
  }
}

TEST_F(MemoryDiskTest, ACrashBringsBackWhatWasDeletedWithoutSync) {
  auto store = Open();
  ASSERT_TRUE(Put(*store, 1, Sync::kYes).ok());
  WriteBatch batch;
  batch.Delete(Family::kState, "last");
  ASSERT_TRUE(store->Write(batch, Sync::kNo).ok());
  EXPECT_EQ(Last(*store), 0);
  store.reset();
  disk_->Crash();
  EXPECT_EQ(Last(*Open()), 1);
}

TEST_F(MemoryDiskTest, TheFailedWriteIsTheLastAndIsNotThere) {
  auto store = Open();
  disk_->FailWrite(3);
  EXPECT_TRUE(Put(*store, 1, Sync::kNo).ok());
  EXPECT_TRUE(Put(*store, 2, Sync::kNo).ok());
  EXPECT_TRUE(HasReason(Put(*store, 3, Sync::kNo), Reason::STORE_FAILED));
  EXPECT_TRUE(store->failed());
  EXPECT_TRUE(HasReason(Put(*store, 4, Sync::kNo), Reason::STORE_FAILED));
  EXPECT_EQ(Last(*store), 2);
  store.reset();
  EXPECT_EQ(Last(*Open()), 2);
}

TEST_F(MemoryDiskTest, AWriteWhoseSyncFailedMayBeThereAfterwards) {
  for (const bool survives : {false, true}) {
    disk_ = std::make_shared<MemoryDisk>();
    auto store = Open();
    disk_->FailSync(2);
    EXPECT_TRUE(Put(*store, 1, Sync::kYes).ok());
    EXPECT_TRUE(HasReason(Put(*store, 2, Sync::kYes), Reason::STORE_FAILED));
    EXPECT_TRUE(store->failed());
    EXPECT_EQ(Last(*store), 1);
    EXPECT_TRUE(HasReason(Put(*store, 3, Sync::kYes), Reason::STORE_FAILED));
    store.reset();
    disk_->Crash(survives ? 1 : 0);
    EXPECT_EQ(Last(*Open()), survives ? 2 : 1);
  }
}

TEST_F(MemoryDiskTest, VerifyFindsDamage) {
  auto store = Open();
  ASSERT_TRUE(Put(*store, 1, Sync::kYes).ok());
  EXPECT_TRUE(store->Verify().ok());
  EXPECT_FALSE(disk_->Damage(Family::kState, "absent"));
  EXPECT_TRUE(disk_->Damage(Family::kState, "last"));
  EXPECT_TRUE(HasReason(store->Verify(), Reason::STORE_CORRUPT));
}

TEST_F(MemoryDiskTest, ASpoiltBlockIsNeverReadAndALostFamilyDoesNotOpen) {
  {
    auto store = Open();
    WriteBatch batch;
    batch.Put(Family::kEntry, "1", "one");
    batch.Put(Family::kEntry, "2", "two");
    ASSERT_TRUE(store->Write(batch, Sync::kYes).ok());
    ASSERT_TRUE(disk_->Spoil(Family::kEntry, "2"));
    EXPECT_FALSE(disk_->Spoil(Family::kEntry, "3"));
    EXPECT_EQ(*store->Get(Family::kEntry, "1"), "one");
    EXPECT_TRUE(HasReason(store->Get(Family::kEntry, "2").status(), Reason::STORE_CORRUPT));
    auto it = store->NewIterator(Family::kEntry);
    it->SeekToFirst();
    ASSERT_TRUE(it->Valid());
    it->Next();
    EXPECT_FALSE(it->Valid());
    EXPECT_TRUE(HasReason(it->status(), Reason::STORE_CORRUPT));
    EXPECT_TRUE(HasReason(store->Verify(), Reason::STORE_CORRUPT));
  }
  const std::shared_ptr<MemoryDisk> copy = disk_->Copy();
  EXPECT_EQ(copy->Keys(Family::kEntry), disk_->Keys(Family::kEntry));
  disk_->LoseFamily(Family::kEntry);
  EXPECT_TRUE(HasReason(MemoryStore::Open(disk_, kJapan).status(), Reason::STORE_CORRUPT));
  EXPECT_TRUE(MemoryStore::Open(copy, kJapan).ok());
}

}  // namespace
}  // namespace jcm::store
