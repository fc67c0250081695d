// Large files that are written piece by piece and have their name only once all of it is on disk.
//
//   JCM_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> file, OutputFile::Create("/restore/000012.sst"));
//   JCM_RETURN_IF_ERROR(file->Append(piece));
//   JCM_RETURN_IF_ERROR(file->Commit());               // fsync, then the name
//   JCM_RETURN_IF_ERROR(SyncDirectory("/restore"));    // and the name is on disk too
//
// Errors everywhere: DISK_FULL (also a quota or a limit on the size of files), NOT_FOUND, STORE_FAILED. For small files
// see ledger/base/file_system.h. Everything blocks.
#ifndef LEDGER_BACKUP_DURABLE_FILE_H_
#define LEDGER_BACKUP_DURABLE_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace jcm::backup {

// The ending of a file that is being written. Files with it are remains of what was cut short.
inline constexpr char kUnfinishedEnding[] = ".part";

class OutputFile {
 public:
  // Begins `path` anew, for the owner alone (0600), under its unfinished name.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Create(const std::string& path);
  // Removes what was not committed.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  absl::Status Append(absl::string_view bytes);
  // Replaces a file of that name. The directory is still to be synced.
  absl::Status Commit();
  uint64_t size() const { return size_; }

 private:
  OutputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string UnfinishedPath() const { return path_ + kUnfinishedEnding; }

  const std::string path_;
  int fd_;
  uint64_t size_ = 0;
};

class InputFile {
 public:
  static absl::StatusOr<std::unique_ptr<InputFile>> Open(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // Up to `size` bytes; fewer only at the end of the file.
  absl::StatusOr<std::string> Read(size_t size);
  absl::StatusOr<uint64_t> FileSize();

 private:
  InputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  const std::string path_;
  const int fd_;
};

// Makes names that were given, changed or removed in the directory durable.
absl::Status SyncDirectory(const std::string& path);
// For the owner alone (0700), parents too; durable. OK if it is there already.
absl::Status MakeDirectory(const std::string& path);
absl::Status RenamePath(const std::string& from, const std::string& to);
absl::Status RemoveFile(const std::string& path);
absl::Status RemoveTree(const std::string& path);
// Names in the directory, sorted; NOT_FOUND if there is no such directory.
absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& path);
bool PathExists(const std::string& path);

// Keeps others out of a directory until it goes: one writer, or any number of readers. The lock is the kernel's: it
// ends with the process.
class DirectoryLock {
 public:
  enum class Kind { kShared, kExclusive };
  // Does not wait: BACKUP_RUNNING if somebody is in the way.
  static absl::StatusOr<std::unique_ptr<DirectoryLock>> Take(const std::string& path, Kind kind);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace jcm::backup

#endif  // LEDGER_BACKUP_DURABLE_FILE_H_
