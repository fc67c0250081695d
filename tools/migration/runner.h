// Records a migration in a registry, in bundles, with an answer for every row; may be cut off at any point and run
// again.
//
//   Runner runner(link, signers, secret, progress);
//   JCM_ASSIGN_OR_RETURN(RunReport report, runner.Run(migration));
//   for (const RowResult& result : report.rows) ...
//
// Exactly once: what the books have is read first (recorded.h). The acts that are left go in bundles whose composition,
// bytes and request id follow from the rows alone, so the same bundle sent twice has one outcome. An act whose row has
// changed since it was recorded is not sent: MIGRATED_ROW_CHANGED, by name. A refused act burns the request id of its
// bundle; the next run sends it under the next one.
#ifndef TOOLS_MIGRATION_RUNNER_H_
#define TOOLS_MIGRATION_RUNNER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ledger/base/keys.h"
#include "tools/migration/acts.h"
#include "tools/migration/node_link.h"
#include "tools/migration/problems.h"
#include "tools/migration/recorded.h"
#include "tools/migration/secret.h"

namespace jcm::migration {

inline constexpr size_t kActsPerBundleMax = 200;
inline constexpr size_t kBundleBytesWanted = 160 * 1024;  // of commands and attachments; far enough below the limit
inline constexpr int kAttemptsMax = 1'000;

enum class RowOutcome { RECORDED, RECORDED_BEFORE, REFUSED, NOT_SENT };
const char* NameOf(RowOutcome outcome);

struct RowResult {
  std::string file;
  uint64_t row = 0;
  std::string object;
  RowOutcome outcome = RowOutcome::NOT_SENT;
  std::string book;  // "TH", "home"
  uint64_t sequence = 0;
  std::string leaf_hash;
  Reason reason = Reason::INTERNAL;  // of what was refused
  std::string detail;
};

struct RunReport {
  std::vector<RowResult> rows;  // in the order in which they were dealt with
  uint64_t bundles = 0;

  uint64_t Count(RowOutcome outcome) const;
  bool complete() const { return Count(RowOutcome::REFUSED) + Count(RowOutcome::NOT_SENT) == 0; }
};

// Acts done, and in all.
using Progress = std::function<void(uint64_t done, uint64_t total)>;

class Runner {
 public:
  // All must outlive this. The first signer is the author.
  Runner(NodeLink& link, absl::Span<const PrivateKey> signers, const Secret& secret, Progress progress)
      : link_(link), signers_(signers), secret_(secret), progress_(std::move(progress)) {}

  // Stops with the link's status if nobody answers any more; what was recorded until then is recorded.
  absl::StatusOr<RunReport> Run(const Migration& migration);
  // The same without sending anything: which rows are recorded, changed or missing.
  absl::StatusOr<RunReport> Look(const Migration& migration);

 private:
  absl::Status ReadBooks(const Migration& migration);
  absl::Status RunActs(const std::vector<PlannedAct>& acts, bool send);
  absl::Status RunBundle(const std::vector<const PlannedAct*>& acts, bool send);
  absl::StatusOr<api::SubmitBundleResponse> SendOnce(const std::vector<const PlannedAct*>& acts, int attempt);
  absl::Status CheckAgainstBooks(std::vector<std::pair<const PlannedAct*, api::PartResult>>* refused);
  void Report(const PlannedAct& act, const RowResult& result);
  void ReportRecorded(const PlannedAct& act, const RecordedAct& recorded);
  absl::StatusOr<RunReport> RunAll(const Migration& migration, bool send);

  NodeLink& link_;
  const absl::Span<const PrivateKey> signers_;
  const Secret& secret_;
  const Progress progress_;
  std::vector<std::string> books_;
  Recorded recorded_;
  RunReport report_;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
};

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_RUNNER_H_
