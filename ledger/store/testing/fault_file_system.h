// A disk for RocksDB tests that loses power, fails and tears: counts the calls that change it, and fails the one it is
// told to.
//
//   auto disk = std::make_shared<FaultFileSystem>();
//   disk->FailCall(17, Fault::TORN);        // the 17th change from now is half done and fails; so do all later ones
//   ... open a store with options.file_system = disk, write until it fails, close it ...
//   disk->LosePower(0.5);                   // files keep what was synced, and half of the rest
//   ... open again with a disk that works, and compare ...
//
// Model: a file's bytes are safe when it was synced, its name when it was synced or its directory was; renames and
// deletions are safe at once. Files are real ones. Thread-safe.
#ifndef LEDGER_STORE_TESTING_FAULT_FILE_SYSTEM_H_
#define LEDGER_STORE_TESTING_FAULT_FILE_SYSTEM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "rocksdb/file_system.h"

namespace jcm::store {

enum class Fault {
  REFUSED,  // nothing is written
  TORN,     // an append writes the first half; other calls do nothing
};

// Which calls are counted by FailCall.
enum class Calls {
  ALL,        // appends, syncs, new files, renames, directory syncs
  WAL_SYNCS,  // syncs of the write-ahead log
  WAL_APPENDS,
};

class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  FaultFileSystem();
  const char* Name() const override { return "FaultFileSystem"; }

  // The nth counted call from now fails with `fault`, and every change after it with REFUSED, until Repair.
  void FailCall(uint64_t nth, Fault fault, Calls calls = Calls::ALL);
  bool failing();
  void Repair();
  uint64_t call_count();  // of Calls::ALL

  // No file may be open for writing. Of the unsynced bytes of each file the first `kept` part stays (0 to 1). Returns
  // whether anything was lost.
  bool LosePower(double kept);

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  friend class FaultFile;
  friend class FaultDirectory;
  struct Tracked {
    uint64_t written_bytes = 0;
    uint64_t synced_bytes = 0;
    bool name_safe = false;
  };

  // OK if the call may go on; else the failure, and in `torn` whether half of it is to be done.
  rocksdb::IOStatus Count(const std::string& path, Calls kind, bool* torn = nullptr);

  std::mutex mutex_;
  std::map<std::string, Tracked> files_;  // those opened for writing since the last loss of power
  uint64_t call_count_ = 0;
  uint64_t calls_until_failure_ = 0;
  Fault fault_ = Fault::REFUSED;
  Calls counted_ = Calls::ALL;
  bool failing_ = false;
};

}  // namespace jcm::store

#endif  // LEDGER_STORE_TESTING_FAULT_FILE_SYSTEM_H_
