// A store in memory for simulations and unit tests, with a disk that can lose what was not synced.
//
//   auto disk = std::make_shared<MemoryDisk>();
//   {
//     JCM_ASSIGN_OR_RETURN(auto store, MemoryStore::Open(disk, {"JPN", "demo.invalid"}));
//     ... store->Write(batch, Sync::kNo) ...
//   }                                       // the process ends: nothing is lost
//   disk->Crash(2);                         // the machine dies: of the unsynced batches, the first two survive
//   JCM_ASSIGN_OR_RETURN(auto again, MemoryStore::Open(disk, {"JPN", "demo.invalid"}));
#ifndef LEDGER_STORE_MEMORY_STORE_H_
#define LEDGER_STORE_MEMORY_STORE_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/store/store.h"

namespace jcm::store {

// What outlives a MemoryStore. Thread-safe. Each batch has a number; a key's versions carry the number of their batch,
// so that snapshots are a number, and a crash cuts off the highest ones.
class MemoryDisk {
 public:
  MemoryDisk();

  // Forgets the unsynced batches but the first `unsynced_kept`. No store may be open. Returns how many were forgotten.
  uint64_t Crash(uint64_t unsynced_kept = 0);
  uint64_t unsynced_batches() const;

  // The nth write from now (1 = the next one) fails; its batch is not on the disk.
  void FailWrite(uint64_t nth);
  // The nth synced write from now fails in its sync; its batch is on the disk, unsynced, and shows only after
  // reopening.
  void FailSync(uint64_t nth);

  // The disk in the state of a backup made by Store::Backup(directory); null if there is none. A copy each time.
  std::shared_ptr<MemoryDisk> RestoreBackup(absl::string_view directory) const;

  // Flips a bit of a stored value, so that Verify and readers with checksums of their own can be tested. False if it is
  // absent or empty.
  bool Damage(Family family, absl::string_view key);
  // A bit flips in the block that holds the value, and the block's checksum shows it: reads fail with STORE_CORRUPT
  // until it is written again. False if it is absent.
  bool Spoil(Family family, absl::string_view key);
  // The files of the family are gone: reads fail, and no store opens any more. STORE_CORRUPT.
  void LoseFamily(Family family);
  // All that have a value, so that a test can choose one.
  std::vector<std::string> Keys(Family family) const;

  // A disk with the same on it, synced or not, backups apart. No store may be open.
  std::shared_ptr<MemoryDisk> Copy() const;

 private:
  friend class MemoryStore;
  friend class MemoryView;
  friend class MemoryIterator;

  struct Version {
    uint64_t batch;
    absl::optional<std::string> value;
    bool damaged = false;
    bool spoilt = false;
  };
  using Versions = std::vector<Version>;  // rising batch numbers
  using Table = std::map<std::string, Versions>;

  static const Version* Find(const Versions& versions, uint64_t batch);
  absl::Status Readable(Family family, const Version* version) const;
  void Apply(const WriteBatch& batch);
  void Forget(Family family, const std::string& key);
  void MarkDurable();

  mutable std::mutex mutex_;
  std::array<Table, kFamilyCount> tables_;
  uint64_t last_batch_ = 0;
  uint64_t durable_batch_ = 0;
  std::multiset<uint64_t> pins_;                          // batch numbers that snapshots and iterators look at
  std::vector<std::pair<Family, std::string>> unsynced_;  // keys written since the last sync
  uint64_t writes_until_failure_ = 0;
  uint64_t syncs_until_failure_ = 0;
  bool open_ = false;
  bool restored_ = false;
  std::set<Family> lost_;
  std::map<std::string, std::shared_ptr<const MemoryDisk>> backups_;
};

class MemoryStore : public Store {
 public:
  // Errors: STORE_LOCKED if the disk is open already, STORE_OF_OTHER_REGISTRY.
  static absl::StatusOr<std::unique_ptr<MemoryStore>> Open(std::shared_ptr<MemoryDisk> disk,
                                                           const StoreIdentity& identity);
  ~MemoryStore() override;

  absl::StatusOr<absl::optional<std::string>> Get(Family family, absl::string_view key) const override;
  std::unique_ptr<Iterator> NewIterator(Family family, absl::string_view lower = "",
                                        absl::string_view upper = "") const override;
  absl::Status Write(const WriteBatch& batch, Sync sync) override;
  std::unique_ptr<ReadView> Snapshot() const override;
  absl::Status Verify() override;
  absl::Status Backup(absl::string_view directory) override;
  bool restored() const override;
  absl::Status ClearRestored() override;
  bool failed() const override;

 private:
  explicit MemoryStore(std::shared_ptr<MemoryDisk> disk);

  const std::shared_ptr<MemoryDisk> disk_;
  uint64_t visible_batch_ = 0;  // guarded by disk_->mutex_
  bool failed_ = false;         // guarded by disk_->mutex_
};

}  // namespace jcm::store

#endif  // LEDGER_STORE_MEMORY_STORE_H_
