#include "ledger/base/file_system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

absl::Status Failure(absl::string_view what, absl::string_view path, int error) {
  return Error(error == ENOENT ? Reason::NOT_FOUND : Reason::STORE_FAILED,
               absl::StrCat(what, " ", path, ": ", strerror(error)));
}

// A file descriptor that is closed when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  const int fd_;
};

std::string ParentOf(absl::string_view path) {
  size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

absl::Status WriteAll(int fd, absl::string_view bytes, absl::string_view path) {
  while (!bytes.empty()) {
    ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failure("write", path, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(fd) != 0) return Failure("fsync", path, errno);
  return absl::OkStatus();
}

// Without this the file's name may be lost with the power although its bytes are on the disk.
absl::Status SyncDirectory(const std::string& path) {
  Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok()) return Failure("open", path, errno);
  if (fsync(directory.get()) != 0) return Failure("fsync", path, errno);
  return absl::OkStatus();
}

// Different for each call of this process and for each process that runs now.
std::string TemporaryName(absl::string_view path) {
  static std::atomic<uint64_t> counter{0};
  return absl::StrCat(path, ".tmp-", getpid(), "-", counter.fetch_add(1));
}

}  // namespace

absl::StatusOr<std::string> PosixFileSystem::ReadFile(absl::string_view path) {
  Descriptor file(open(std::string(path).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok()) return Failure("open", path, errno);
  std::string bytes;
  struct stat status;
  if (fstat(file.get(), &status) == 0 && status.st_size > 0) bytes.reserve(static_cast<size_t>(status.st_size));
  char buffer[65536];
  while (true) {
    ssize_t size = read(file.get(), buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Failure("read", path, errno);
    if (size == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(size));
  }
}

absl::Status PosixFileSystem::WriteFileAtomically(absl::string_view path, absl::string_view bytes, FileMode mode) {
  const std::string target(path);
  const std::string temporary = TemporaryName(path);
  absl::Status status;
  {
    Descriptor file(
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode == FileMode::OWNER ? 0600 : 0644));
    if (!file.ok()) return Failure("create", temporary, errno);
    status = WriteAll(file.get(), bytes, temporary);
  }
  if (status.ok() && rename(temporary.c_str(), target.c_str()) != 0) status = Failure("rename", temporary, errno);
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncDirectory(ParentOf(path));
}

absl::Status PosixFileSystem::AppendFile(absl::string_view path, absl::string_view bytes) {
  const std::string target(path);
  const bool is_new = !Exists(path);
  Descriptor file(open(target.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!file.ok()) return Failure("open", path, errno);
  JCM_RETURN_IF_ERROR(WriteAll(file.get(), bytes, path));
  return is_new ? SyncDirectory(ParentOf(path)) : absl::OkStatus();
}

absl::Status PosixFileSystem::MakeDirs(absl::string_view path) {
  for (size_t end = 1; end <= path.size(); ++end) {
    if (end < path.size() && path[end] != '/') continue;
    const std::string directory(path.substr(0, end));
    // Not left to mkdir's EEXIST: below a read-only parent an existing directory gives another error.
    if (Exists(directory)) continue;
    if (mkdir(directory.c_str(), 0700) == 0) {
      JCM_RETURN_IF_ERROR(SyncDirectory(ParentOf(directory)));
    } else if (errno != EEXIST) {
      return Failure("mkdir", directory, errno);
    }
  }
  struct stat info;
  if (stat(std::string(path).c_str(), &info) != 0) return Failure("stat", path, errno);
  return S_ISDIR(info.st_mode) ? absl::OkStatus() : Failure("mkdir", path, ENOTDIR);
}

absl::Status PosixFileSystem::Remove(absl::string_view path) {
  if (remove(std::string(path).c_str()) != 0) return Failure("remove", path, errno);
  return SyncDirectory(ParentOf(path));
}

bool PosixFileSystem::Exists(absl::string_view path) {
  struct stat info;
  return stat(std::string(path).c_str(), &info) == 0;
}

absl::StatusOr<std::vector<std::string>> PosixFileSystem::ListDir(absl::string_view path) {
  std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(std::string(path).c_str()), &closedir);
  if (directory == nullptr) return Failure("open", path, errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) return Failure("read", path, errno);
  std::sort(names.begin(), names.end());
  return names;
}

bool MemoryFileSystem::CountWrite() { return ++write_count_ == failing_write_; }

absl::Status MemoryFileSystem::CheckParent(const std::string& path) {
  if (directories_.count(path) != 0) return Failure("write", path, EISDIR);
  return directories_.count(ParentOf(path)) != 0 ? absl::OkStatus() : Failure("write", path, ENOENT);
}

absl::StatusOr<std::string> MemoryFileSystem::ReadFile(absl::string_view path) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto file = files_.find(std::string(path));
  if (file == files_.end()) return Failure("open", path, ENOENT);
  return file->second;
}

absl::Status MemoryFileSystem::WriteFileAtomically(absl::string_view path, absl::string_view bytes, FileMode) {
  std::lock_guard<std::mutex> lock(mutex_);
  const std::string target(path);
  JCM_RETURN_IF_ERROR(CheckParent(target));
  if (CountWrite()) return Failure("write", path, EIO);
  files_[target] = std::string(bytes);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::AppendFile(absl::string_view path, absl::string_view bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  const std::string target(path);
  JCM_RETURN_IF_ERROR(CheckParent(target));
  const bool fails = CountWrite();
  if (fails) bytes = bytes.substr(0, bytes.size() / 2);
  files_[target].append(bytes.data(), bytes.size());
  return fails ? Failure("write", path, EIO) : absl::OkStatus();
}

absl::Status MemoryFileSystem::MakeDirs(absl::string_view path) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (CountWrite()) return Failure("mkdir", path, EIO);
  for (size_t end = 1; end <= path.size(); ++end) {
    if (end < path.size() && path[end] != '/') continue;
    const std::string directory(path.substr(0, end));
    if (files_.count(directory) != 0) return Failure("mkdir", directory, ENOTDIR);
    directories_.insert(directory);
  }
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Remove(absl::string_view path) {
  std::lock_guard<std::mutex> lock(mutex_);
  const std::string target(path);
  const bool is_directory = directories_.count(target) != 0;
  if (!is_directory && files_.count(target) == 0) return Failure("remove", path, ENOENT);
  const std::string inside = target + "/";
  auto next_file = files_.lower_bound(inside);
  auto next_directory = directories_.lower_bound(inside);
  if ((next_file != files_.end() && next_file->first.compare(0, inside.size(), inside) == 0) ||
      (next_directory != directories_.end() && next_directory->compare(0, inside.size(), inside) == 0)) {
    return Failure("remove", path, ENOTEMPTY);
  }
  if (CountWrite()) return Failure("remove", path, EIO);
  files_.erase(target);
  directories_.erase(target);
  return absl::OkStatus();
}

bool MemoryFileSystem::Exists(absl::string_view path) {
  std::lock_guard<std::mutex> lock(mutex_);
  const std::string target(path);
  return files_.count(target) != 0 || directories_.count(target) != 0;
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::ListDir(absl::string_view path) {
  std::lock_guard<std::mutex> lock(mutex_);
  const std::string target(path);
  if (directories_.count(target) == 0) return Failure("open", path, files_.count(target) != 0 ? ENOTDIR : ENOENT);
  std::set<std::string> names;
  auto add = [&](const std::string& candidate) {
    if (candidate != target && ParentOf(candidate) == target) names.insert(candidate.substr(candidate.rfind('/') + 1));
  };
  for (const auto& file : files_) add(file.first);
  for (const std::string& directory : directories_) add(directory);
  return std::vector<std::string>(names.begin(), names.end());
}

void MemoryFileSystem::FailNthWrite(uint64_t n) {
  std::lock_guard<std::mutex> lock(mutex_);
  failing_write_ = write_count_ + n;
}

uint64_t MemoryFileSystem::write_count() {
  std::lock_guard<std::mutex> lock(mutex_);
  return write_count_;
}

bool MemoryFileSystem::Damage(absl::string_view path) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto file = files_.find(std::string(path));
  if (file == files_.end() || file->second.empty()) return false;
  char& byte = file->second[file->second.size() / 2];
  byte = static_cast<char>(byte ^ 0x01);
  return true;
}

std::shared_ptr<MemoryFileSystem> MemoryFileSystem::Copy() {
  std::lock_guard<std::mutex> lock(mutex_);
  auto copy = std::make_shared<MemoryFileSystem>();
  copy->files_ = files_;
  copy->directories_ = directories_;
  return copy;
}

}  // namespace jcm
