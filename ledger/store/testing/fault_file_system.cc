#include "ledger/store/testing/fault_file_system.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "ledger/base/status.h"

namespace jcm::store {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

bool IsWal(const std::string& path) { return path.size() > 4 && path.compare(path.size() - 4, 4, ".log") == 0; }
bool IsInfoLog(const std::string& path) { return path.find("/LOG") != std::string::npos; }
std::string ParentOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

class FaultFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultFile(FaultFileSystem* disk, std::string path, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk), path_(std::move(path)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    bool torn = false;
    const IOStatus counted = disk_->Count(path_, Calls::WAL_APPENDS, &torn);
    if (!counted.ok() && !torn) return counted;
    const Slice part(data.data(), torn ? data.size() / 2 : data.size());
    const IOStatus appended = FSWritableFileOwnerWrapper::Append(part, options, debug);
    const std::lock_guard<std::mutex> lock(disk_->mutex_);
    if (appended.ok()) disk_->files_[path_].written_bytes += part.size();
    return torn ? counted : appended;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return Synced(FSWritableFileOwnerWrapper::Flush(options, debug));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }
  // Only Sync makes bytes safe. Space given ahead would only change the sizes of files.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Allocate(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  void PrepareWrite(size_t, size_t, const IOOptions&, IODebugContext*) override {}

 private:
  IOStatus Synced(const IOStatus& flushed) {
    if (!flushed.ok()) return flushed;
    const IOStatus counted = disk_->Count(path_, Calls::WAL_SYNCS);
    if (!counted.ok()) return counted;
    const std::lock_guard<std::mutex> lock(disk_->mutex_);
    FaultFileSystem::Tracked& tracked = disk_->files_[path_];
    tracked.synced_bytes = tracked.written_bytes;
    tracked.name_safe = true;
    return IOStatus::OK();
  }

  FaultFileSystem* const disk_;
  const std::string path_;
};

class FaultDirectory : public rocksdb::FSDirectoryWrapper {
 public:
  FaultDirectory(FaultFileSystem* disk, std::string path, std::unique_ptr<rocksdb::FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), disk_(disk), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    const IOStatus counted = disk_->Count(path_, Calls::ALL);
    if (!counted.ok()) return counted;
    const std::lock_guard<std::mutex> lock(disk_->mutex_);
    for (auto& file : disk_->files_) {
      if (ParentOf(file.first) == path_) file.second.name_safe = true;
    }
    return IOStatus::OK();
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  FaultFileSystem* const disk_;
  const std::string path_;
};

FaultFileSystem::FaultFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

void FaultFileSystem::FailCall(uint64_t nth, Fault fault, Calls calls) {
  const std::lock_guard<std::mutex> lock(mutex_);
  calls_until_failure_ = nth;
  fault_ = fault;
  counted_ = calls;
}

bool FaultFileSystem::failing() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return failing_;
}

void FaultFileSystem::Repair() {
  const std::lock_guard<std::mutex> lock(mutex_);
  failing_ = false;
  calls_until_failure_ = 0;
}

uint64_t FaultFileSystem::call_count() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return call_count_;
}

IOStatus FaultFileSystem::Count(const std::string& path, Calls kind, bool* torn) {
  if (IsInfoLog(path)) return IOStatus::OK();
  const std::lock_guard<std::mutex> lock(mutex_);
  ++call_count_;
  if (failing_) return IOStatus::IOError("the disk has failed", path);
  const bool counts = counted_ == Calls::ALL || (counted_ == kind && IsWal(path));
  if (!counts || calls_until_failure_ == 0 || --calls_until_failure_ > 0) return IOStatus::OK();
  failing_ = true;
  if (torn != nullptr) *torn = fault_ == Fault::TORN;
  return IOStatus::IOError("the disk fails, as the test asked for", path);
}

bool FaultFileSystem::LosePower(double kept) {
  const std::lock_guard<std::mutex> lock(mutex_);
  bool lost = false;
  for (const auto& file : files_) {
    const Tracked& tracked = file.second;
    if (!tracked.name_safe) {
      JCM_CHECK(::unlink(file.first.c_str()) == 0);
      lost = true;
      continue;
    }
    const auto unsynced = static_cast<double>(tracked.written_bytes - tracked.synced_bytes);
    const uint64_t size = tracked.synced_bytes + static_cast<uint64_t>(unsynced * kept);
    JCM_CHECK(::truncate(file.first.c_str(), static_cast<off_t>(size)) == 0);
    lost = lost || size < tracked.written_bytes;
  }
  files_.clear();
  return lost;
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  if (IsInfoLog(path)) return target()->NewWritableFile(path, options, file, debug);
  const IOStatus counted = Count(path, Calls::ALL);
  if (!counted.ok()) return counted;
  const IOStatus made = target()->NewWritableFile(path, options, file, debug);
  if (!made.ok()) return made;
  const std::lock_guard<std::mutex> lock(mutex_);
  files_[path] = Tracked();
  *file = std::make_unique<FaultFile>(this, path, std::move(*file));
  return made;
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  const IOStatus counted = Count(path, Calls::ALL);
  if (!counted.ok()) return counted;
  const IOStatus opened = target()->ReopenWritableFile(path, options, file, debug);
  if (!opened.ok()) return opened;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (files_.find(path) == files_.end()) {
    struct stat state {};
    JCM_CHECK(::stat(path.c_str(), &state) == 0);
    const auto size = static_cast<uint64_t>(state.st_size);
    files_[path] = Tracked{size, size, true};
  }
  *file = std::make_unique<FaultFile>(this, path, std::move(*file));
  return opened;
}

IOStatus FaultFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* directory, IODebugContext* debug) {
  const IOStatus opened = target()->NewDirectory(path, options, directory, debug);
  if (opened.ok()) *directory = std::make_unique<FaultDirectory>(this, path, std::move(*directory));
  return opened;
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                     IODebugContext* debug) {
  const IOStatus counted = Count(from, Calls::ALL);
  if (!counted.ok()) return counted;
  const IOStatus renamed = target()->RenameFile(from, to, options, debug);
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto file = files_.find(from);
  if (!renamed.ok() || file == files_.end()) return renamed;
  files_[to] = file->second;
  files_[to].name_safe = true;
  files_.erase(file);
  return renamed;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) {
  const IOStatus counted = Count(path, Calls::ALL);
  if (!counted.ok()) return counted;
  const std::lock_guard<std::mutex> lock(mutex_);
  files_.erase(path);
  return target()->DeleteFile(path, options, debug);
}

}  // namespace jcm::store
