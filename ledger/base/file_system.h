// Files as something that is handed in, so that a simulation can lose power between two writes.
//
//   PosixFileSystem files;
//   JCM_RETURN_IF_ERROR(files.WriteFileAtomically("/var/lib/jcm/signer/THA-TH", record, FileMode::OWNER));
//
// For small files: keys, settings, signer records, exports. Not for the store, which is RocksDB's. Calls block.
// Errors everywhere: NOT_FOUND for a file or directory that is not there, STORE_FAILED for any other failure.
#ifndef LEDGER_BASE_FILE_SYSTEM_H_
#define LEDGER_BASE_FILE_SYSTEM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace jcm {

// Who may read a new file. OWNER: 0600, for keys and records. ALL: 0644, for what is handed out.
enum class FileMode { OWNER, ALL };

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual absl::StatusOr<std::string> ReadFile(absl::string_view path) = 0;

  // After OK the file has exactly these bytes, also after a loss of power; after an error or a crash it has either
  // these or what it had before. (Temporary file, fsync, rename, fsync of the directory.)
  virtual absl::Status WriteFileAtomically(absl::string_view path, absl::string_view bytes,
                                           FileMode mode = FileMode::OWNER) = 0;

  // Appends and makes durable; creates the file if needed. After an error or a crash a part of `bytes` may be there.
  virtual absl::Status AppendFile(absl::string_view path, absl::string_view bytes) = 0;

  // With all parents; OK if it is there already. New directories are for the owner alone (0700).
  virtual absl::Status MakeDirs(absl::string_view path) = 0;
  // A file, or an empty directory; durable.
  virtual absl::Status Remove(absl::string_view path) = 0;
  virtual bool Exists(absl::string_view path) = 0;
  // Names inside the directory, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> ListDir(absl::string_view path) = 0;
};

class PosixFileSystem : public FileSystem {
 public:
  absl::StatusOr<std::string> ReadFile(absl::string_view path) override;
  absl::Status WriteFileAtomically(absl::string_view path, absl::string_view bytes,
                                   FileMode mode = FileMode::OWNER) override;
  absl::Status AppendFile(absl::string_view path, absl::string_view bytes) override;
  absl::Status MakeDirs(absl::string_view path) override;
  absl::Status Remove(absl::string_view path) override;
  bool Exists(absl::string_view path) override;
  absl::StatusOr<std::vector<std::string>> ListDir(absl::string_view path) override;
};

// Files in memory, for tests and simulation. Thread-safe. "/" exists from the start.
class MemoryFileSystem : public FileSystem {
 public:
  absl::StatusOr<std::string> ReadFile(absl::string_view path) override;
  absl::Status WriteFileAtomically(absl::string_view path, absl::string_view bytes,
                                   FileMode mode = FileMode::OWNER) override;
  absl::Status AppendFile(absl::string_view path, absl::string_view bytes) override;
  absl::Status MakeDirs(absl::string_view path) override;
  absl::Status Remove(absl::string_view path) override;
  bool Exists(absl::string_view path) override;
  absl::StatusOr<std::vector<std::string>> ListDir(absl::string_view path) override;

  // The Nth write from now on fails (1 = the next): an atomic write changes nothing, an append leaves the first half of
  // its bytes. Removals and new directories count as writes.
  void FailNthWrite(uint64_t n);
  uint64_t write_count();
  // Flips a bit in the middle of a file. False if it is absent or empty.
  bool Damage(absl::string_view path);
  // The same files, on another disk.
  std::shared_ptr<MemoryFileSystem> Copy();

 private:
  // True if the write that begins now is the one to fail.
  bool CountWrite();
  absl::Status CheckParent(const std::string& path);

  std::mutex mutex_;
  std::map<std::string, std::string> files_;
  std::set<std::string> directories_ = {"/"};
  uint64_t write_count_ = 0;
  uint64_t failing_write_ = 0;
};

}  // namespace jcm

#endif  // LEDGER_BASE_FILE_SYSTEM_H_
