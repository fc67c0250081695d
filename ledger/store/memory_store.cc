#include "ledger/store/memory_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::store {

MemoryDisk::MemoryDisk() = default;

const MemoryDisk::Version* MemoryDisk::Find(const Versions& versions, uint64_t batch) {
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    if (version->batch <= batch) return version->value.has_value() ? &*version : nullptr;
  }
  return nullptr;
}

void MemoryDisk::Apply(const WriteBatch& batch) {
  ++last_batch_;
  for (const WriteBatch::Operation& operation : batch.operations()) {
    Versions& versions = tables_[static_cast<size_t>(operation.family)][operation.key];
    if (!versions.empty() && versions.back().batch == last_batch_) versions.pop_back();
    versions.push_back({last_batch_, operation.value});
    unsynced_.emplace_back(operation.family, operation.key);
  }
}

// Drops versions of a key that no view, and no crash, can ask for any more.
void MemoryDisk::Forget(Family family, const std::string& key) {
  Table& table = tables_[static_cast<size_t>(family)];
  const auto row = table.find(key);
  if (row == table.end()) return;
  Versions& versions = row->second;
  const uint64_t oldest = pins_.empty() ? durable_batch_ : std::min(durable_batch_, *pins_.begin());
  size_t first = 0;
  while (first + 1 < versions.size() && versions[first + 1].batch <= oldest) ++first;
  versions.erase(versions.begin(), versions.begin() + first);
  // Iterators stand on rows: these may only go when nobody looks.
  if (pins_.empty() && versions.size() == 1 && !versions[0].value.has_value()) table.erase(row);
}

void MemoryDisk::MarkDurable() {
  durable_batch_ = last_batch_;
  for (const auto& written : unsynced_) Forget(written.first, written.second);
  unsynced_.clear();
}

uint64_t MemoryDisk::Crash(uint64_t unsynced_kept) {
  const std::lock_guard<std::mutex> lock(mutex_);
  JCM_CHECK(!open_ && pins_.empty());
  const uint64_t kept = std::min(last_batch_, durable_batch_ + unsynced_kept);
  const uint64_t lost = last_batch_ - kept;
  for (Table& table : tables_) {
    for (auto row = table.begin(); row != table.end();) {
      Versions& versions = row->second;
      while (!versions.empty() && versions.back().batch > kept) versions.pop_back();
      row = versions.empty() ? table.erase(row) : std::next(row);
    }
  }
  last_batch_ = kept;
  MarkDurable();
  return lost;
}

uint64_t MemoryDisk::unsynced_batches() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_batch_ - durable_batch_;
}

void MemoryDisk::FailWrite(uint64_t nth) {
  const std::lock_guard<std::mutex> lock(mutex_);
  writes_until_failure_ = nth;
}

void MemoryDisk::FailSync(uint64_t nth) {
  const std::lock_guard<std::mutex> lock(mutex_);
  syncs_until_failure_ = nth;
}

std::shared_ptr<MemoryDisk> MemoryDisk::RestoreBackup(absl::string_view directory) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto backup = backups_.find(std::string(directory));
  if (backup == backups_.end()) return nullptr;
  auto copy = std::make_shared<MemoryDisk>();
  copy->tables_ = backup->second->tables_;
  copy->last_batch_ = copy->durable_batch_ = backup->second->last_batch_;
  copy->restored_ = true;
  return copy;
}

bool MemoryDisk::Damage(Family family, absl::string_view key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Table& table = tables_[static_cast<size_t>(family)];
  const auto row = table.find(std::string(key));
  if (row == table.end() || !row->second.back().value.has_value() || row->second.back().value->empty()) return false;
  Version& version = row->second.back();
  std::string& value = *version.value;
  value[value.size() / 2] = static_cast<char>(value[value.size() / 2] ^ 0x10);
  version.damaged = true;
  return true;
}

bool MemoryDisk::Spoil(Family family, absl::string_view key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Table& table = tables_[static_cast<size_t>(family)];
  const auto row = table.find(std::string(key));
  if (row == table.end() || !row->second.back().value.has_value()) return false;
  return row->second.back().spoilt = true;
}

void MemoryDisk::LoseFamily(Family family) {
  const std::lock_guard<std::mutex> lock(mutex_);
  lost_.insert(family);
}

std::vector<std::string> MemoryDisk::Keys(Family family) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> keys;
  for (const auto& row : tables_[static_cast<size_t>(family)]) {
    if (row.second.back().value.has_value()) keys.push_back(row.first);
  }
  return keys;
}

std::shared_ptr<MemoryDisk> MemoryDisk::Copy() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  JCM_CHECK(!open_ && pins_.empty());
  auto copy = std::make_shared<MemoryDisk>();
  copy->tables_ = tables_;
  copy->last_batch_ = last_batch_;
  copy->durable_batch_ = durable_batch_;
  copy->unsynced_ = unsynced_;
  copy->restored_ = restored_;
  copy->lost_ = lost_;
  return copy;
}

absl::Status MemoryDisk::Readable(Family family, const Version* version) const {
  if (lost_.count(family) > 0) return Error(Reason::STORE_CORRUPT, absl::StrCat("no file of ", FamilyName(family)));
  if (version != nullptr && version->spoilt) {
    return Error(Reason::STORE_CORRUPT, absl::StrCat("checksum of a block of ", FamilyName(family)));
  }
  return absl::OkStatus();
}

// Pins its batch number for its life.
class MemoryIterator : public Iterator {
 public:
  MemoryIterator(std::shared_ptr<MemoryDisk> disk, uint64_t batch, Family family, absl::string_view lower,
                 absl::string_view upper)
      : disk_(std::move(disk)),
        family_(family),
        table_(disk_->tables_[static_cast<size_t>(family)]),
        batch_(batch),
        lower_(lower),
        upper_(upper) {
    disk_->pins_.insert(batch_);  // the maker holds the lock
  }
  ~MemoryIterator() override {
    const std::lock_guard<std::mutex> lock(disk_->mutex_);
    disk_->pins_.erase(disk_->pins_.find(batch_));
  }

  bool Valid() const override { return valid_; }
  void Seek(absl::string_view target) override {
    const std::lock_guard<std::mutex> lock(disk_->mutex_);
    Forward(table_.lower_bound(std::string(std::max<absl::string_view>(target, lower_))));
  }
  void SeekForPrev(absl::string_view target) override {
    const std::lock_guard<std::mutex> lock(disk_->mutex_);
    if (!upper_.empty() && target >= upper_) {
      Backward(table_.lower_bound(upper_));
    } else {
      Backward(table_.upper_bound(std::string(target)));
    }
  }
  void SeekToFirst() override { Seek(lower_); }
  void SeekToLast() override {
    const std::lock_guard<std::mutex> lock(disk_->mutex_);
    Backward(upper_.empty() ? table_.end() : table_.lower_bound(upper_));
  }
  void Next() override {
    JCM_CHECK(valid_);
    const std::lock_guard<std::mutex> lock(disk_->mutex_);
    Forward(std::next(table_.find(key_)));
  }
  void Prev() override {
    JCM_CHECK(valid_);
    const std::lock_guard<std::mutex> lock(disk_->mutex_);
    Backward(table_.find(key_));
  }
  absl::string_view key() const override {
    JCM_CHECK(valid_);
    return key_;
  }
  absl::string_view value() const override {
    JCM_CHECK(valid_);
    return value_;
  }
  absl::Status status() const override { return status_; }

 private:
  using Row = MemoryDisk::Table::const_iterator;

  // To the first row from `row` on that has a value; to nowhere at the bound.
  void Forward(Row row) {
    for (; row != table_.end() && (upper_.empty() || row->first < upper_); ++row) {
      if (Take(*row)) return;
      if (!status_.ok()) break;
    }
    valid_ = false;
  }
  // To the last row before `row` that has a value.
  void Backward(Row row) {
    while (row != table_.begin()) {
      --row;
      if (row->first < lower_) break;
      if (Take(*row)) return;
      if (!status_.ok()) break;
    }
    valid_ = false;
  }
  bool Take(const MemoryDisk::Table::value_type& row) {
    const MemoryDisk::Version* const version = MemoryDisk::Find(row.second, batch_);
    if (version == nullptr) return false;
    status_ = disk_->Readable(family_, version);
    if (!status_.ok()) return false;
    key_ = row.first;
    value_ = *version->value;
    return valid_ = true;
  }

  const std::shared_ptr<MemoryDisk> disk_;
  const Family family_;
  const MemoryDisk::Table& table_;
  const uint64_t batch_;
  const std::string lower_, upper_;
  bool valid_ = false;
  absl::Status status_;
  std::string key_, value_;
};

class MemoryView : public ReadView {
 public:
  MemoryView(std::shared_ptr<MemoryDisk> disk, uint64_t batch) : disk_(std::move(disk)), batch_(batch) {
    disk_->pins_.insert(batch_);  // the maker holds the lock
  }
  ~MemoryView() override {
    const std::lock_guard<std::mutex> lock(disk_->mutex_);
    disk_->pins_.erase(disk_->pins_.find(batch_));
  }

  absl::StatusOr<absl::optional<std::string>> Get(Family family, absl::string_view key) const override {
    const std::lock_guard<std::mutex> lock(disk_->mutex_);
    return Read(*disk_, batch_, family, key);
  }
  std::unique_ptr<Iterator> NewIterator(Family family, absl::string_view lower,
                                        absl::string_view upper) const override {
    const std::lock_guard<std::mutex> lock(disk_->mutex_);
    return std::make_unique<MemoryIterator>(disk_, batch_, family, lower, upper);
  }

  static absl::StatusOr<absl::optional<std::string>> Read(const MemoryDisk& disk, uint64_t batch, Family family,
                                                          absl::string_view key) {
    const MemoryDisk::Table& table = disk.tables_[static_cast<size_t>(family)];
    const auto row = table.find(std::string(key));
    const MemoryDisk::Version* const version = row == table.end() ? nullptr : MemoryDisk::Find(row->second, batch);
    JCM_RETURN_IF_ERROR(disk.Readable(family, version));
    if (version == nullptr) return absl::optional<std::string>();
    return version->value;
  }

 private:
  const std::shared_ptr<MemoryDisk> disk_;
  const uint64_t batch_;
};

absl::StatusOr<std::unique_ptr<MemoryStore>> MemoryStore::Open(std::shared_ptr<MemoryDisk> disk,
                                                               const StoreIdentity& identity) {
  const std::lock_guard<std::mutex> lock(disk->mutex_);
  if (disk->open_) return Error(Reason::STORE_LOCKED, "the memory disk is open");
  for (const Family family : disk->lost_) JCM_RETURN_IF_ERROR(disk->Readable(family, nullptr));
  JCM_ASSIGN_OR_RETURN(const absl::optional<std::string> record,
                       MemoryView::Read(*disk, disk->last_batch_, Family::kMeta, kIdentityKey));
  if (record.has_value()) {
    JCM_RETURN_IF_ERROR(CheckStoreIdentity(*record, identity));
  } else {
    WriteBatch creation;
    creation.Put(Family::kMeta, kIdentityKey, EncodeStoreIdentity(identity));
    disk->Apply(creation);
    disk->MarkDurable();
  }
  disk->open_ = true;
  auto store = std::unique_ptr<MemoryStore>(new MemoryStore(disk));
  store->visible_batch_ = disk->last_batch_;
  return store;
}

MemoryStore::MemoryStore(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {}

MemoryStore::~MemoryStore() {
  const std::lock_guard<std::mutex> lock(disk_->mutex_);
  disk_->open_ = false;
}

absl::StatusOr<absl::optional<std::string>> MemoryStore::Get(Family family, absl::string_view key) const {
  const std::lock_guard<std::mutex> lock(disk_->mutex_);
  return MemoryView::Read(*disk_, visible_batch_, family, key);
}

std::unique_ptr<Iterator> MemoryStore::NewIterator(Family family, absl::string_view lower,
                                                   absl::string_view upper) const {
  const std::lock_guard<std::mutex> lock(disk_->mutex_);
  return std::make_unique<MemoryIterator>(disk_, visible_batch_, family, lower, upper);
}

absl::Status MemoryStore::Write(const WriteBatch& batch, Sync sync) {
  JCM_RETURN_IF_ERROR(CheckLimits(batch));
  const std::lock_guard<std::mutex> lock(disk_->mutex_);
  if (failed_) return Error(Reason::STORE_FAILED, "an earlier write failed");
  if (disk_->writes_until_failure_ > 0 && --disk_->writes_until_failure_ == 0) {
    failed_ = true;
    return Error(Reason::STORE_FAILED, "the write failed, as the test asked for");
  }
  disk_->Apply(batch);
  if (sync == Sync::kYes) {
    if (disk_->syncs_until_failure_ > 0 && --disk_->syncs_until_failure_ == 0) {
      failed_ = true;
      return Error(Reason::STORE_FAILED, "the sync failed, as the test asked for");
    }
    disk_->MarkDurable();
  }
  visible_batch_ = disk_->last_batch_;
  return absl::OkStatus();
}

std::unique_ptr<ReadView> MemoryStore::Snapshot() const {
  const std::lock_guard<std::mutex> lock(disk_->mutex_);
  return std::make_unique<MemoryView>(disk_, visible_batch_);
}

absl::Status MemoryStore::Verify() {
  const std::lock_guard<std::mutex> lock(disk_->mutex_);
  for (Family family : kAllFamilies) {
    for (const auto& row : disk_->tables_[static_cast<size_t>(family)]) {
      const MemoryDisk::Version* const version = MemoryDisk::Find(row.second, visible_batch_);
      if (version != nullptr && (version->damaged || version->spoilt)) {
        return Error(Reason::STORE_CORRUPT, absl::StrCat("damaged value in ", FamilyName(family)));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status MemoryStore::Backup(absl::string_view directory) {
  const std::lock_guard<std::mutex> lock(disk_->mutex_);
  if (disk_->backups_.count(std::string(directory)) > 0) return Error(Reason::ALREADY_EXISTS, directory);
  auto copy = std::make_shared<MemoryDisk>();
  copy->last_batch_ = copy->durable_batch_ = visible_batch_;
  for (Family family : kAllFamilies) {
    for (const auto& row : disk_->tables_[static_cast<size_t>(family)]) {
      const MemoryDisk::Version* const version = MemoryDisk::Find(row.second, visible_batch_);
      if (version != nullptr) copy->tables_[static_cast<size_t>(family)][row.first] = {*version};
    }
  }
  disk_->backups_.emplace(std::string(directory), std::move(copy));
  return absl::OkStatus();
}

bool MemoryStore::restored() const {
  const std::lock_guard<std::mutex> lock(disk_->mutex_);
  return disk_->restored_;
}

absl::Status MemoryStore::ClearRestored() {
  const std::lock_guard<std::mutex> lock(disk_->mutex_);
  disk_->restored_ = false;
  return absl::OkStatus();
}

bool MemoryStore::failed() const {
  const std::lock_guard<std::mutex> lock(disk_->mutex_);
  return failed_;
}

}  // namespace jcm::store
