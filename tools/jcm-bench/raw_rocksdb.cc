#include "tools/jcm-bench/raw_rocksdb.h"

#include "ledger/base/status.h"
#include "ledger/store/rocksdb_options.h"
#include "rocksdb/cache.h"

namespace jcm::bench {

absl::StatusOr<std::unique_ptr<RawRocksDb>> RawRocksDb::Open(const store::RocksDbOptions& options) {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (store::Family family : store::kAllFamilies) {
    descriptors.emplace_back(store::FamilyName(family), store::FamilyOptions(options, family, cache));
  }
  descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());
  std::unique_ptr<RawRocksDb> raw(new RawRocksDb);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      rocksdb::DB::Open(store::DatabaseOptions(options), options.path, descriptors, &raw->columns_, &db);
  if (!opened.ok()) return Error(Reason::STORE_FAILED, opened.ToString());
  raw->db_.reset(db);
  return raw;
}

RawRocksDb::~RawRocksDb() {
  for (rocksdb::ColumnFamilyHandle* column : columns_) db_->DestroyColumnFamilyHandle(column);
}

absl::Status RawRocksDb::Write(const RecordedWrite& write) {
  rocksdb::WriteBatch changes(write.batch.bytes(), 0, store::kProtectionBytesPerKey, 0);
  for (const store::WriteBatch::Operation& operation : write.batch.operations()) {
    rocksdb::ColumnFamilyHandle* const column = columns_[static_cast<size_t>(operation.family)];
    const rocksdb::Status added = operation.value.has_value() ? changes.Put(column, operation.key, *operation.value)
                                                              : changes.Delete(column, operation.key);
    if (!added.ok()) return Error(Reason::INTERNAL, added.ToString());
  }
  rocksdb::WriteOptions options;
  options.sync = write.sync == store::Sync::kYes;
  options.protection_bytes_per_key = store::kProtectionBytesPerKey;
  const rocksdb::Status written = db_->Write(options, &changes);
  return written.ok() ? absl::OkStatus() : Error(Reason::STORE_FAILED, written.ToString());
}

}  // namespace jcm::bench
