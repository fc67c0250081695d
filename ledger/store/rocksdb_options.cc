#include "ledger/store/rocksdb_options.h"

#include <algorithm>
#include <vector>

#include "rocksdb/convenience.h"
#include "rocksdb/file_checksum.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/table.h"

namespace jcm::store {
namespace {

constexpr uint64_t kWalMaxBytes = 256 * 1024 * 1024;

bool Supports(rocksdb::CompressionType type) {
  const std::vector<rocksdb::CompressionType> all = rocksdb::GetSupportedCompressions();
  return std::find(all.begin(), all.end(), type) != all.end();
}

}  // namespace

rocksdb::DBOptions DatabaseOptions(const RocksDbOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = options.create_if_missing;
  db.create_missing_column_families = options.create_if_missing;
  // An incomplete tail is cut off; damage before it refuses to open. The default would silently stop at the damage.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.paranoid_checks = true;
  db.verify_sst_unique_id_in_manifest = true;
  db.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  // A failed write is never tried again behind our back.
  db.max_bgerror_resume_count = 0;
  // 7.8.3: both have bugs in recovery.
  db.wal_compression = rocksdb::kNoCompression;
  db.track_and_verify_wals_in_manifest = false;
  // One writer: nothing is gained by these.
  db.enable_pipelined_write = false;
  db.unordered_write = false;
  db.two_write_queues = false;
  db.max_total_wal_size = kWalMaxBytes;
  db.db_write_buffer_size = 4 * options.write_buffer_bytes;
  db.max_open_files = 1000;
  db.max_background_jobs = 2;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.keep_log_file_num = 5;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

rocksdb::ColumnFamilyOptions FamilyOptions(const RocksDbOptions& options, Family family,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions column;
  column.write_buffer_size = options.write_buffer_bytes;
  column.memtable_protection_bytes_per_key = kProtectionBytesPerKey;
  column.paranoid_file_checks = true;
  column.force_consistency_checks = true;
  column.compression = Supports(rocksdb::kLZ4Compression) ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  if (Supports(rocksdb::kZSTD)) column.bottommost_compression = rocksdb::kZSTD;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.format_version = 5;
  table.cache_index_and_filter_blocks = true;
  // Entries and log batches are read in order and always found: a filter would only cost memory.
  const bool sequential = family == Family::kEntry || family == Family::kLog || family == Family::kMirror;
  if (!sequential) {
    table.filter_policy.reset(rocksdb::NewRibbonFilterPolicy(10, 0));
    // Every new id is looked for first, and is not there: memtables answer that without a search too.
    column.memtable_whole_key_filtering = true;
    column.memtable_prefix_bloom_size_ratio = 0.05;
  }
  column.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return column;
}

}  // namespace jcm::store
