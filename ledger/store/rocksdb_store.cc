#include "ledger/store/rocksdb_store.h"

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/store/ordered_cache.h"
#include "ledger/store/rocksdb_options.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"
#include "rocksdb/listener.h"
#include "rocksdb/utilities/checkpoint.h"

namespace jcm::store {
namespace {

// Lies in a backup; a store that is opened with it says restored().
constexpr char kRestoredMarker[] = "RESTORED_FROM_BACKUP";

rocksdb::Slice ToSlice(absl::string_view bytes) { return rocksdb::Slice(bytes.data(), bytes.size()); }
absl::string_view ToView(const rocksdb::Slice& bytes) { return absl::string_view(bytes.data(), bytes.size()); }

absl::Status ToStatus(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsCorruption()) return Error(Reason::STORE_CORRUPT, status.ToString());
  return Error(Reason::STORE_FAILED, status.ToString());
}

absl::Status ToOpenStatus(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  // RocksDB has no code of its own for these two.
  if (status.IsIOError() &&
      (absl::StrContains(text, "lock hold by current process") || absl::StrContains(text, "While lock file"))) {
    return Error(Reason::STORE_LOCKED, text);
  }
  if (status.IsInvalidArgument() && absl::StrContains(text, "Column families not opened")) {
    return Error(Reason::STORE_OF_OTHER_REGISTRY, text);
  }
  if (status.IsInvalidArgument() || status.IsPathNotFound()) return Error(Reason::STORE_CORRUPT, text);
  return ToStatus(status);
}

// Turns the first error that RocksDB meets in the background into failed(), for ever.
class FailureListener : public rocksdb::EventListener {
 public:
  explicit FailureListener(std::function<void()> on_failed) : on_failed_(std::move(on_failed)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status*) override { Fail(); }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }

  void Fail() {
    if (!failed_.exchange(true) && on_failed_) on_failed_();
  }
  bool failed() const { return failed_.load(); }

 private:
  const std::function<void()> on_failed_;
  std::atomic<bool> failed_{false};
};

class RocksIterator : public Iterator {
 public:
  RocksIterator(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* column, const rocksdb::Snapshot* snapshot,
                absl::string_view lower, absl::string_view upper)
      : lower_(lower), upper_(upper), lower_slice_(lower_), upper_slice_(upper_) {
    rocksdb::ReadOptions read;
    read.snapshot = snapshot;
    if (!lower_.empty()) read.iterate_lower_bound = &lower_slice_;
    if (!upper_.empty()) read.iterate_upper_bound = &upper_slice_;
    iterator_.reset(db->NewIterator(read, column));
  }

  bool Valid() const override { return iterator_->Valid(); }
  void Seek(absl::string_view target) override {
    iterator_->Seek(ToSlice(std::max<absl::string_view>(target, lower_)));
  }
  void SeekForPrev(absl::string_view target) override {
    // RocksDB allows targets beyond the upper bound only for Seek.
    if (!upper_.empty() && target >= upper_) return SeekToLast();
    if (target < lower_) return SeekBefore();
    iterator_->SeekForPrev(ToSlice(target));
  }
  void SeekToFirst() override { iterator_->SeekToFirst(); }
  void SeekToLast() override { iterator_->SeekToLast(); }
  void Next() override { iterator_->Next(); }
  void Prev() override { iterator_->Prev(); }
  absl::string_view key() const override { return ToView(iterator_->key()); }
  absl::string_view value() const override { return ToView(iterator_->value()); }
  absl::Status status() const override { return ToStatus(iterator_->status()); }

 private:
  // Nowhere, as nothing lies before the lower bound.
  void SeekBefore() {
    iterator_->SeekToFirst();
    if (iterator_->Valid()) iterator_->Prev();
  }

  const std::string lower_, upper_;
  const rocksdb::Slice lower_slice_, upper_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

// Records of books that were read or written lately, in front of the live store. While a write is under way, nothing
// that is read is remembered: it may be from before the write.
class RecordCache {
 public:
  RecordCache(Family family, size_t limit_bytes) : family_(family), enabled_(limit_bytes > 0), cache_(limit_bytes) {}

  // `ask` gives what is known already, `read` asks the store, `learn` remembers its answer.
  template <typename Answer, typename Ask, typename Read, typename Learn>
  absl::StatusOr<Answer> Find(const Ask& ask, const Read& read, const Learn& learn) {
    uint64_t writes_begun = 0;
    if (enabled_) {
      const std::lock_guard<std::mutex> lock(mutex_);
      absl::optional<Answer> known = ask(cache_);
      if (known.has_value()) return *std::move(known);
      writes_begun = writes_begun_;
    }
    JCM_ASSIGN_OR_RETURN(Answer answer, read());
    if (enabled_) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (writes_begun == writes_begun_ && writes_done_ == writes_begun_) learn(cache_, answer);
    }
    return answer;
  }

  void BeginWrite() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++writes_begun_;
  }
  void EndWrite(const WriteBatch& batch, bool written) {
    if (!enabled_) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    ++writes_done_;
    // Two writes at once may have been put into either order.
    if (!written || writes_done_ != writes_begun_ || concurrent_) {
      concurrent_ = writes_done_ != writes_begun_;
      return cache_.Clear();
    }
    for (const WriteBatch::Operation& operation : batch.operations()) {
      if (operation.family != family_) continue;
      if (!operation.value.has_value()) {
        cache_.Delete(operation.key);
      } else {
        // What nobody has asked about is not kept: most new records are looked at once a year.
        cache_.PutIfKnown(operation.key, *operation.value);
      }
    }
  }

 private:
  const Family family_;
  const bool enabled_;
  std::mutex mutex_;
  OrderedCache cache_;
  uint64_t writes_begun_ = 0;
  uint64_t writes_done_ = 0;
  bool concurrent_ = false;
};

bool ChangesBooks(const WriteBatch& batch) {
  for (const WriteBatch::Operation& operation : batch.operations()) {
    if (operation.family == Family::kState || operation.family == Family::kNode) return true;
  }
  return false;
}

// So many records of a scan are taken one by one from the cache; whoever wants more reads them in one go.
constexpr int kCachedScanRecords = 4;

}  // namespace

class RocksDbStore::Impl {
 public:
  class View;

  explicit Impl(size_t record_cache_bytes)
      : records(Family::kState, record_cache_bytes), nodes(Family::kNode, record_cache_bytes / 16) {}

  ~Impl() {
    for (rocksdb::ColumnFamilyHandle* column : columns) db->DestroyColumnFamilyHandle(column);
    db.reset();
  }

  absl::StatusOr<absl::optional<std::string>> Get(const rocksdb::Snapshot* snapshot, Family family,
                                                  absl::string_view key) const {
    rocksdb::ReadOptions read;
    read.snapshot = snapshot;
    std::string value;
    const rocksdb::Status status = db->Get(read, Column(family), ToSlice(key), &value);
    if (status.IsNotFound()) return absl::optional<std::string>();
    JCM_RETURN_IF_ERROR(ToStatus(status));
    return absl::optional<std::string>(std::move(value));
  }

  rocksdb::ColumnFamilyHandle* Column(Family family) const { return columns[static_cast<size_t>(family)]; }
  std::string MarkerPath() const { return absl::StrCat(path, "/", kRestoredMarker); }
  absl::Status CheckIdentity(const StoreIdentity& identity);

  std::string path;
  std::shared_ptr<rocksdb::FileSystem> file_system;
  std::unique_ptr<rocksdb::Env> owned_env;
  rocksdb::Env* env = nullptr;
  std::shared_ptr<FailureListener> listener;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> columns;  // by number of the family
  std::atomic<bool> restored{false};
  mutable RecordCache records;
  mutable RecordCache nodes;  // contexts name the leaf hashes of a few entries of home again and again
};

class RocksDbStore::Impl::View : public ReadView {
 public:
  explicit View(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)), snapshot_(impl_->db->GetSnapshot()) {}
  ~View() override { impl_->db->ReleaseSnapshot(snapshot_); }

  absl::StatusOr<absl::optional<std::string>> Get(Family family, absl::string_view key) const override {
    return impl_->Get(snapshot_, family, key);
  }
  std::unique_ptr<Iterator> NewIterator(Family family, absl::string_view lower,
                                        absl::string_view upper) const override {
    return std::make_unique<RocksIterator>(impl_->db.get(), impl_->Column(family), snapshot_, lower, upper);
  }

 private:
  const std::shared_ptr<const Impl> impl_;
  const rocksdb::Snapshot* const snapshot_;
};

absl::Status RocksDbStore::Impl::CheckIdentity(const StoreIdentity& identity) {
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> record, Get(nullptr, Family::kMeta, kIdentityKey));
  if (record.has_value()) return CheckStoreIdentity(*record, identity);
  // A crash between creation and this record leaves an empty store. One with data but without the record is not ours.
  for (rocksdb::ColumnFamilyHandle* column : columns) {
    std::unique_ptr<rocksdb::Iterator> iterator(db->NewIterator(rocksdb::ReadOptions(), column));
    iterator->SeekToFirst();
    JCM_RETURN_IF_ERROR(ToStatus(iterator->status()));
    if (iterator->Valid()) return Error(Reason::STORE_OF_OTHER_REGISTRY, "the store has data and no identity record");
  }
  rocksdb::WriteOptions write;
  write.sync = true;
  write.protection_bytes_per_key = kProtectionBytesPerKey;
  return ToStatus(db->Put(write, Column(Family::kMeta), kIdentityKey, EncodeStoreIdentity(identity)));
}

namespace {

class SilentLogger : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// RocksDB would create a new store where only the file CURRENT is missing: refuses that.
absl::Status CheckFiles(rocksdb::Env* env, const RocksDbOptions& options) {
  std::vector<std::string> names;
  const rocksdb::Status listed = env->GetChildren(options.path, &names);
  if (!listed.ok() && !listed.IsNotFound()) return ToStatus(listed);
  const bool current = std::find(names.begin(), names.end(), "CURRENT") != names.end();
  if (current) return absl::OkStatus();
  if (!options.create_if_missing) return Error(Reason::STORE_CORRUPT, absl::StrCat("no store in ", options.path));
  for (const std::string& name : names) {
    if (absl::EndsWith(name, ".sst") || absl::EndsWith(name, ".log")) {
      return Error(Reason::STORE_CORRUPT, absl::StrCat(options.path, " has ", name, " but no file CURRENT"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<RocksDbStore>> RocksDbStore::Open(const RocksDbOptions& options) {
  auto impl = std::make_shared<Impl>(options.record_cache_bytes);
  impl->path = options.path;
  impl->file_system = options.file_system;
  impl->env = rocksdb::Env::Default();
  if (options.file_system != nullptr) {
    impl->owned_env = rocksdb::NewCompositeEnv(options.file_system);
    impl->env = impl->owned_env.get();
  }
  impl->listener = std::make_shared<FailureListener>(options.on_failed);

  std::error_code error;
  if (options.create_if_missing && std::filesystem::create_directories(options.path, error)) {
    std::filesystem::permissions(options.path, std::filesystem::perms::owner_all, error);
  }
  if (error) return Error(Reason::STORE_FAILED, absl::StrCat(options.path, ": ", error.message()));
  JCM_RETURN_IF_ERROR(CheckFiles(impl->env, options));

  rocksdb::DBOptions database = DatabaseOptions(options);
  database.env = impl->env;
  database.listeners = {impl->listener};
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (Family family : kAllFamilies)
    descriptors.emplace_back(FamilyName(family), FamilyOptions(options, family, cache));
  descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName,
                           rocksdb::ColumnFamilyOptions());  // RocksDB insists; unused

  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(database, options.path, descriptors, &impl->columns, &db);
  if (!opened.ok()) return ToOpenStatus(opened);
  impl->db.reset(db);
  JCM_RETURN_IF_ERROR(impl->CheckIdentity(options.identity));
  impl->restored = impl->env->FileExists(impl->MarkerPath()).ok();
  return std::unique_ptr<RocksDbStore>(new RocksDbStore(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<RocksDbStore>> RocksDbStore::OpenReadOnly(const RocksDbOptions& options,
                                                                         bool whole_log) {
  RocksDbOptions existing = options;
  existing.create_if_missing = false;
  auto impl = std::make_shared<Impl>(options.record_cache_bytes);
  impl->path = options.path;
  impl->env = rocksdb::Env::Default();
  impl->listener = std::make_shared<FailureListener>(options.on_failed);
  JCM_RETURN_IF_ERROR(CheckFiles(impl->env, existing));
  rocksdb::DBOptions database = DatabaseOptions(existing);
  database.env = impl->env;
  // RocksDB's own log of the store would be a file written.
  database.info_log = std::make_shared<SilentLogger>();
  if (whole_log) database.wal_recovery_mode = rocksdb::WALRecoveryMode::kAbsoluteConsistency;
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (Family family : kAllFamilies)
    descriptors.emplace_back(FamilyName(family), FamilyOptions(existing, family, cache));
  descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::OpenForReadOnly(database, options.path, descriptors, &impl->columns, &db);
  if (!opened.ok()) return ToOpenStatus(opened);
  impl->db.reset(db);
  impl->restored = impl->env->FileExists(impl->MarkerPath()).ok();
  return std::unique_ptr<RocksDbStore>(new RocksDbStore(std::move(impl)));
}

RocksDbStore::RocksDbStore(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksDbStore::~RocksDbStore() = default;

absl::StatusOr<absl::optional<std::string>> RocksDbStore::Get(Family family, absl::string_view key) const {
  if (family != Family::kState && family != Family::kNode) return impl_->Get(nullptr, family, key);
  RecordCache& cached = family == Family::kState ? impl_->records : impl_->nodes;
  using Answer = absl::optional<std::string>;
  return cached.Find<Answer>([&](OrderedCache& cache) { return cache.Get(key); },
                             [&] { return impl_->Get(nullptr, family, key); },
                             [&](OrderedCache& cache, const Answer& answer) { cache.LearnGet(key, answer); });
}

absl::StatusOr<absl::optional<KeyValue>> RocksDbStore::FindAtOrBefore(Family family, absl::string_view lower,
                                                                      absl::string_view at) const {
  if (family != Family::kState) return Store::FindAtOrBefore(family, lower, at);
  using Answer = absl::optional<KeyValue>;
  return impl_->records.Find<Answer>(
      [&](OrderedCache& cache) { return cache.FindAtOrBefore(lower, at); },
      [&] { return Store::FindAtOrBefore(family, lower, at); },
      [&](OrderedCache& cache, const Answer& answer) { cache.LearnAtOrBefore(lower, at, answer); });
}

absl::Status RocksDbStore::Scan(Family family, absl::string_view from, absl::string_view upper,
                                const Visitor& visit) const {
  if (family != Family::kState) return Store::Scan(family, from, upper, visit);
  using Answer = absl::optional<KeyValue>;
  std::string cursor(from);
  for (int i = 0; i < kCachedScanRecords; ++i) {
    JCM_ASSIGN_OR_RETURN(Answer found, impl_->records.Find<Answer>(
                                           [&](OrderedCache& cache) { return cache.FindAtOrAfter(cursor, upper); },
                                           [&]() -> absl::StatusOr<Answer> {
                                             std::unique_ptr<Iterator> it = NewIterator(family, cursor, upper);
                                             it->SeekToFirst();
                                             JCM_RETURN_IF_ERROR(it->status());
                                             if (!it->Valid()) return Answer();
                                             return Answer(KeyValue(std::string(it->key()), std::string(it->value())));
                                           },
                                           [&](OrderedCache& cache, const Answer& answer) {
                                             cache.LearnAtOrAfter(cursor, upper, answer);
                                           }));
    if (!found.has_value() || !visit(found->first, found->second)) return absl::OkStatus();
    cursor = found->first + '\0';
  }
  return Store::Scan(family, cursor, upper, visit);
}

std::unique_ptr<Iterator> RocksDbStore::NewIterator(Family family, absl::string_view lower,
                                                    absl::string_view upper) const {
  return std::make_unique<RocksIterator>(impl_->db.get(), impl_->Column(family), nullptr, lower, upper);
}

absl::Status RocksDbStore::Write(const WriteBatch& batch, Sync sync) {
  if (failed()) return Error(Reason::STORE_FAILED, "an earlier write failed");
  JCM_RETURN_IF_ERROR(CheckLimits(batch));
  rocksdb::WriteBatch changes(batch.bytes(), 0, kProtectionBytesPerKey, 0);
  for (const WriteBatch::Operation& operation : batch.operations()) {
    rocksdb::ColumnFamilyHandle* const column = impl_->Column(operation.family);
    const rocksdb::Status added = operation.value.has_value() ? changes.Put(column, operation.key, *operation.value)
                                                              : changes.Delete(column, operation.key);
    if (!added.ok()) return Error(Reason::INTERNAL, added.ToString());
  }
  rocksdb::WriteOptions options;
  options.sync = sync == Sync::kYes;
  options.protection_bytes_per_key = kProtectionBytesPerKey;
  const bool changes_books = ChangesBooks(batch);
  if (changes_books) {
    impl_->records.BeginWrite();
    impl_->nodes.BeginWrite();
  }
  const rocksdb::Status written = impl_->db->Write(options, &changes);
  if (changes_books) {
    impl_->records.EndWrite(batch, written.ok());
    impl_->nodes.EndWrite(batch, written.ok());
  }
  if (written.ok()) return absl::OkStatus();
  impl_->listener->Fail();
  return Error(Reason::STORE_FAILED, written.ToString());
}

std::unique_ptr<ReadView> RocksDbStore::Snapshot() const { return std::make_unique<Impl::View>(impl_); }

absl::Status RocksDbStore::Verify() {
  rocksdb::ReadOptions read;
  read.fill_cache = false;
  JCM_RETURN_IF_ERROR(ToStatus(impl_->db->VerifyFileChecksums(read)));
  return ToStatus(impl_->db->VerifyChecksum(read));
}

absl::Status RocksDbStore::Backup(absl::string_view directory) {
  const std::string target(directory);
  const std::string making = absl::StrCat(target, ".making");
  if (impl_->env->FileExists(target).ok()) return Error(Reason::ALREADY_EXISTS, target);
  std::error_code error;
  std::filesystem::remove_all(making, error);  // of an attempt that a crash ended
  rocksdb::Checkpoint* created = nullptr;
  JCM_RETURN_IF_ERROR(ToStatus(rocksdb::Checkpoint::Create(impl_->db.get(), &created)));
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(created);
  JCM_RETURN_IF_ERROR(ToStatus(checkpoint->CreateCheckpoint(making)));
  // The marker is there before the copy has its name: no copy can be opened without it.
  JCM_RETURN_IF_ERROR(ToStatus(rocksdb::WriteStringToFile(impl_->env, "This is a copy of a store.\n",
                                                          absl::StrCat(making, "/", kRestoredMarker), true)));
  std::unique_ptr<rocksdb::Directory> copy;
  JCM_RETURN_IF_ERROR(ToStatus(impl_->env->NewDirectory(making, &copy)));
  JCM_RETURN_IF_ERROR(ToStatus(copy->Fsync()));
  return ToStatus(impl_->env->RenameFile(making, target));
}

bool RocksDbStore::restored() const { return impl_->restored.load(); }

absl::Status RocksDbStore::ClearRestored() {
  if (!restored()) return absl::OkStatus();
  JCM_RETURN_IF_ERROR(ToStatus(impl_->env->DeleteFile(impl_->MarkerPath())));
  std::unique_ptr<rocksdb::Directory> directory;
  JCM_RETURN_IF_ERROR(ToStatus(impl_->env->NewDirectory(impl_->path, &directory)));
  JCM_RETURN_IF_ERROR(ToStatus(directory->Fsync()));
  impl_->restored = false;
  return absl::OkStatus();
}

bool RocksDbStore::failed() const { return impl_->listener->failed(); }

absl::Status RocksDbStore::Flush() { return ToStatus(impl_->db->Flush(rocksdb::FlushOptions(), impl_->columns)); }

}  // namespace jcm::store
