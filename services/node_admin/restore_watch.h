// Follows a restored store until its books take entries again, and says from where it came and what partners gave back.
//
//   RestoreWatch watch("/var/lib/jcm/JPN", {{"TH", "THA"}}, log);    // before the store is opened
//   watch.Start(host);
//   absl::optional<RestoreReport> report = watch.Last();
//
// Says so in the node's log when something changed, and keeps the last report in <data_dir>/last-restore, so that later
// lives of the node still have it. Of a store that was not restored there is nothing to follow.
#ifndef SERVICES_NODE_ADMIN_RESTORE_WATCH_H_
#define SERVICES_NODE_ADMIN_RESTORE_WATCH_H_

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "ledger/backup/manifest.h"
#include "ledger/registry/registry_host.h"

namespace jcm::services {

struct RestoreReport {
  std::string backup;  // empty: a copy that is not from a backup set
  bool complete = false;
  std::string text;
};

// The report for a store that came from `from`. `peers`: partnership -> the partner's registry. Of several replicas it
// tells what the log had, which siblings wrote, from what this replica was given back by partners.
RestoreReport ReportOf(const backup::RestoredFrom& from, const std::map<std::string, std::string>& peers,
                       const registry::RegistryStatus& status);

class RestoreWatch {
 public:
  using Log = std::function<void(absl::string_view)>;

  // Reads the marker; call it before the registry is started. `log` may be called from another thread.
  RestoreWatch(std::string data_dir, std::map<std::string, std::string> peers, Log log);
  ~RestoreWatch();

  // Begins to follow, if there is something to follow. `host` must outlive Stop().
  void Start(registry::RegistryHost* host);
  void Stop();

  // The newest report, of an earlier life too; nullopt if the store was never restored. Thread-safe.
  absl::optional<RestoreReport> Last() const;

 private:
  void Follow(registry::RegistryHost* host);
  void Keep(const RestoreReport& report);

  const std::string data_dir_;
  const std::map<std::string, std::string> peers_;
  const Log log_;
  absl::optional<backup::RestoredFrom> from_;
  mutable std::mutex mutex_;
  std::condition_variable bell_;
  bool stopping_ = false;
  absl::optional<RestoreReport> last_;
  std::thread thread_;
};

}  // namespace jcm::services

#endif  // SERVICES_NODE_ADMIN_RESTORE_WATCH_H_
