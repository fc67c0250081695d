// RocksDB by itself, set up as the store sets it up: what the disk and the key-value store alone would take for the
// same bytes.
#ifndef TOOLS_JCM_BENCH_RAW_ROCKSDB_H_
#define TOOLS_JCM_BENCH_RAW_ROCKSDB_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/store/rocksdb_store.h"
#include "rocksdb/db.h"
#include "tools/jcm-bench/recording_store.h"

namespace jcm::bench {

class RawRocksDb {
 public:
  // Opens a copy of a store.
  static absl::StatusOr<std::unique_ptr<RawRocksDb>> Open(const store::RocksDbOptions& options);
  ~RawRocksDb();

  // The same keys and values, in the same batch, with the same sync.
  absl::Status Write(const RecordedWrite& write);

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> columns_;
};

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_RAW_ROCKSDB_H_
