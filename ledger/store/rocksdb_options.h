// How RocksDB is set up: here for the store, and for the benchmark that writes the same bytes without it.
// Why each is set is in the source and in README.md.
#ifndef LEDGER_STORE_ROCKSDB_OPTIONS_H_
#define LEDGER_STORE_ROCKSDB_OPTIONS_H_

#include <cstddef>
#include <memory>

#include "ledger/store/rocksdb_store.h"
#include "ledger/store/store.h"
#include "rocksdb/cache.h"
#include "rocksdb/options.h"

namespace jcm::store {

// Checksum that goes with each key and value from the caller to the file.
inline constexpr size_t kProtectionBytesPerKey = 8;

rocksdb::DBOptions DatabaseOptions(const RocksDbOptions& options);
// `cache` is shared by all families.
rocksdb::ColumnFamilyOptions FamilyOptions(const RocksDbOptions& options, Family family,
                                           const std::shared_ptr<rocksdb::Cache>& cache);

}  // namespace jcm::store

#endif  // LEDGER_STORE_ROCKSDB_OPTIONS_H_
