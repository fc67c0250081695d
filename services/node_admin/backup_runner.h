// Makes sealed backups of a running registry, one at a time, on a thread of its own.
//
//   BackupRunner runner(options, host, clock, random);
//   JCM_RETURN_IF_ERROR(runner.Start({"/backup/JPN", "", /*keep=*/14}));    // returns once the set is open
//   BackupRunner::Run run = *runner.Last();                                 // how far it is
//
// First the store copies itself into the staging folder: its tables are linked, so that takes as long as writing what
// is in memory, and the registry goes on meanwhile. Then the copy is read, sealed into the set (ledger/backup) and
// removed.
#ifndef SERVICES_NODE_ADMIN_BACKUP_RUNNER_H_
#define SERVICES_NODE_ADMIN_BACKUP_RUNNER_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "ledger/backup/backup_set.h"
#include "ledger/base/clock.h"
#include "ledger/base/random.h"
#include "ledger/registry/registry_host.h"

namespace jcm::services {

class BackupRunner {
 public:
  struct Options {
    backup::Owner owner;
    backup::BackupKey key;
    std::string staging;  // on the store's file system; whatever lies there is removed
  };
  struct Request {
    std::string set_directory;
    std::string name;   // empty: DefaultName
    uint64_t keep = 0;  // 0: nothing is removed
  };
  enum class Step { kCopy, kSeal, kVerifyNewest };
  struct Run {
    Request request;  // with the name, once it is known
    bool ended = false;
    absl::Status status;  // once it has ended
    Step step = Step::kCopy;
    uint64_t bytes_done = 0;
    uint64_t bytes_total = 0;
    BookTime started, ended_at;
    uint64_t applied_index = 0;
    uint64_t bytes = 0;
    uint64_t bytes_written = 0;
    uint64_t copy_micros = 0;
    std::vector<std::string> removed;
  };

  // `host`, `clock` and `random` must outlive this. Removes what an earlier life left in the staging folder.
  BackupRunner(Options options, registry::RegistryHost* host, Clock* clock, Random* random);
  // Cuts short what is running.
  ~BackupRunner();

  // Errors at once: BACKUP_RUNNING, FIELD_INVALID, ALREADY_EXISTS, BACKUP_OF_OTHER_REGISTRY, BACKUP_KEY_WRONG,
  // DISK_FULL; what comes later is in the run. Thread-safe.
  absl::Status Start(const Request& request);
  absl::optional<Run> Last() const;

 private:
  absl::Status Make(backup::BackupSet& set, const Request& request);
  absl::Status Copy(const Request& request, backup::v1::Manifest* manifest);
  absl::Status Seal(backup::BackupSet& set, const backup::v1::Manifest& manifest);
  absl::Status ReadFacts(backup::v1::Manifest* manifest) const;
  backup::Progress ProgressOf(Step step);
  template <typename Change>
  void Update(Change change) {
    std::lock_guard<std::mutex> lock(mutex_);
    change(*run_);
  }

  const Options options_;
  registry::RegistryHost* const host_;
  Clock* const clock_;
  Random* const random_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  absl::optional<Run> run_;  // guarded by mutex_
  std::thread thread_;       // guarded by mutex_, but for the destructor
};

}  // namespace jcm::services

#endif  // SERVICES_NODE_ADMIN_BACKUP_RUNNER_H_
