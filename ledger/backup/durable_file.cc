#include "ledger/backup/durable_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::backup {
namespace {

constexpr mode_t kOwnerFile = 0600;
constexpr mode_t kOwnerDirectory = 0700;

absl::Status FromErrno(int error, absl::string_view path) {
  const std::string text = absl::StrCat(path, ": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) return Error(Reason::DISK_FULL, text);
  if (error == ENOENT || error == ENOTDIR) return Error(Reason::NOT_FOUND, text);
  return Error(Reason::STORE_FAILED, text);
}

std::string ParentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Create(const std::string& path) {
  const std::string unfinished = path + kUnfinishedEnding;
  const int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kOwnerFile);
  if (fd < 0) return FromErrno(errno, unfinished);
  return std::unique_ptr<OutputFile>(new OutputFile(path, fd));
}

OutputFile::~OutputFile() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(UnfinishedPath().c_str());
}

absl::Status OutputFile::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return FromErrno(errno, path_);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
    size_ += static_cast<uint64_t>(written);
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Commit() {
  if (fsync(fd_) != 0) return FromErrno(errno, path_);
  if (rename(UnfinishedPath().c_str(), path_.c_str()) != 0) return FromErrno(errno, path_);
  const int fd = fd_;
  fd_ = -1;
  if (close(fd) != 0) return FromErrno(errno, path_);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<InputFile>> InputFile::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FromErrno(errno, path);
  return std::unique_ptr<InputFile>(new InputFile(path, fd));
}

InputFile::~InputFile() { close(fd_); }

absl::StatusOr<std::string> InputFile::Read(size_t size) {
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < size) {
    const ssize_t got = read(fd_, &bytes[done], size - done);
    if (got < 0) {
      if (errno == EINTR) continue;
      return FromErrno(errno, path_);
    }
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

absl::StatusOr<uint64_t> InputFile::FileSize() {
  struct stat info {};
  if (fstat(fd_, &info) != 0) return FromErrno(errno, path_);
  return static_cast<uint64_t>(info.st_size);
}

absl::Status SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FromErrno(errno, path);
  const int synced = fsync(fd);
  const int error = errno;
  close(fd);
  return synced == 0 ? absl::OkStatus() : FromErrno(error, path);
}

absl::Status MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), kOwnerDirectory) == 0) return SyncDirectory(ParentOf(path));
  if (errno == EEXIST && std::filesystem::is_directory(path)) return absl::OkStatus();
  if (errno != ENOENT || ParentOf(path) == path) return FromErrno(errno, path);
  JCM_RETURN_IF_ERROR(MakeDirectory(ParentOf(path)));
  if (mkdir(path.c_str(), kOwnerDirectory) != 0 && errno != EEXIST) return FromErrno(errno, path);
  return SyncDirectory(ParentOf(path));
}

absl::Status RenamePath(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) return FromErrno(errno, to);
  return SyncDirectory(ParentOf(to));
}

absl::Status RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) != 0) return FromErrno(errno, path);
  return absl::OkStatus();
}

absl::Status RemoveTree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return FromErrno(error.value(), path);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename());
  }
  if (error) return FromErrno(error.value(), path);
  std::sort(names.begin(), names.end());
  return names;
}

bool PathExists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

absl::StatusOr<std::unique_ptr<DirectoryLock>> DirectoryLock::Take(const std::string& path, Kind kind) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FromErrno(errno, path);
  if (flock(fd, (kind == Kind::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    const int error = errno;
    close(fd);
    if (error == EWOULDBLOCK) return Error(Reason::BACKUP_RUNNING, absl::StrCat(path, " is in use"));
    return FromErrno(error, path);
  }
  return std::unique_ptr<DirectoryLock>(new DirectoryLock(fd));
}

DirectoryLock::~DirectoryLock() { close(fd_); }

}  // namespace jcm::backup
