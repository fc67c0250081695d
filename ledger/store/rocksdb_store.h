// The store on disk: RocksDB, set up to notice damage and to refuse rather than to guess.
//
//   RocksDbOptions options;
//   options.path = "/var/lib/jcm/JPN/store";
//   options.identity = {"JPN", "registry.example"};
//   JCM_ASSIGN_OR_RETURN(std::unique_ptr<RocksDbStore> store, RocksDbStore::Open(options));
//
// What is set and why is in rocksdb_store.cc and README.md.
#ifndef LEDGER_STORE_ROCKSDB_STORE_H_
#define LEDGER_STORE_ROCKSDB_STORE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "ledger/store/store.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace jcm::store {

struct RocksDbOptions {
  std::string path;
  StoreIdentity identity;
  // False: a missing store is STORE_CORRUPT, for a registry that knows that it has one.
  bool create_if_missing = true;
  size_t block_cache_bytes = 256 * 1024 * 1024;
  // Of one memtable, for each family; all families together may use four times as much.
  size_t write_buffer_bytes = 32 * 1024 * 1024;
  // Of records of books (Family::kState) kept ready for the rules, with what is known about the gaps between them; 0:
  // none.
  size_t record_cache_bytes = 128 * 1024 * 1024;
  // Called once, from any thread, when failed() turns true. Must not call the store.
  std::function<void()> on_failed;
  // Null: the machine's own. Fault tests give one that loses, tears and refuses writes.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

class RocksDbStore : public Store {
 public:
  // Opens the store, or creates it with its identity. Blocks while the write-ahead log is replayed.
  //
  // Errors: STORE_LOCKED (another process, or another RocksDbStore of this one, has it open), STORE_OF_OTHER_REGISTRY,
  // STORE_CORRUPT (damaged before the tail of the write-ahead log, or files missing), STORE_FAILED (I/O).
  static absl::StatusOr<std::unique_ptr<RocksDbStore>> Open(const RocksDbOptions& options);
  // Opens a store for reading alone, whosever it is: takes no lock, writes nothing, sees what was written when it was
  // opened; every Write is refused. `whole_log`: an incomplete tail of the write-ahead log, which a crash may leave and
  // which Open cuts off, is STORE_CORRUPT too. For those who examine a store from outside. Of `options`, identity and
  // create_if_missing are not used. Errors: STORE_CORRUPT, STORE_FAILED.
  static absl::StatusOr<std::unique_ptr<RocksDbStore>> OpenReadOnly(const RocksDbOptions& options, bool whole_log);
  ~RocksDbStore() override;

  absl::StatusOr<absl::optional<std::string>> Get(Family family, absl::string_view key) const override;
  std::unique_ptr<Iterator> NewIterator(Family family, absl::string_view lower = "",
                                        absl::string_view upper = "") const override;
  // Family::kState is answered from the cache of records where that knows. Snapshots read past it.
  absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> FindAtOrBefore(
      Family family, absl::string_view lower, absl::string_view at) const override;
  absl::Status Scan(Family family, absl::string_view from, absl::string_view upper,
                    const Visitor& visit) const override;
  absl::Status Write(const WriteBatch& batch, Sync sync) override;
  std::unique_ptr<ReadView> Snapshot() const override;
  absl::Status Verify() override;
  absl::Status Backup(absl::string_view directory) override;
  bool restored() const override;
  absl::Status ClearRestored() override;
  bool failed() const override;

  // Writes all memtables into files, so that tests can damage those.
  absl::Status Flush();

 private:
  class Impl;
  explicit RocksDbStore(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with snapshots
};

}  // namespace jcm::store

#endif  // LEDGER_STORE_ROCKSDB_STORE_H_
