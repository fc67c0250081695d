#include "ledger/log/log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::log {

absl::StatusOr<uint64_t> Log::Generation() {
  JCM_ASSIGN_OR_RETURN(const LogPosition tail, Tail());
  return tail.generation;
}

absl::Status Log::StartGeneration(const LogPosition& after, uint64_t generation) {
  return Error(Reason::GENERATION_NOT_DUE, "the log is this replica's own");
}

absl::StatusOr<SlotState> AskSlot(Log& log, uint64_t index, absl::string_view record) {
  JCM_ASSIGN_OR_RETURN(const std::vector<Batch> found, log.Read(index, index + 1, kBatchRecordMaxBytes));
  if (found.empty()) return SlotState::kAbsent;
  return found[0].hash == BatchHash(record) ? SlotState::kOurs : SlotState::kOther;
}

absl::Status CheckContinues(Log& log, const LogPosition& applied) {
  if (applied.index == 0) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(const LogPosition tail, log.Tail());
  if (tail.index < applied.index) {
    return Error(Reason::LOG_DIVERGED, absl::StrCat("applied ", applied.index, ", the log ends at ", tail.index));
  }
  // A log that was begun anew may name the batch that it goes on from without having it.
  if (tail.index == applied.index && tail.hash == applied.hash) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(const uint64_t first, log.First());
  if (applied.index + 1 < first) {
    return Error(Reason::LOG_TRIMMED, absl::StrCat("applied ", applied.index, ", the log begins at ", first));
  }
  // Behind `applied` either that batch itself or its successor names its hash.
  JCM_ASSIGN_OR_RETURN(const std::vector<Batch> found,
                       log.Read(std::max(applied.index, first), applied.index + 2, kBatchRecordMaxBytes));
  if (found.empty()) return Error(Reason::LOG_DIVERGED, absl::StrCat("the log has no batch ", applied.index));
  const Batch& batch = found[0];
  const bool same =
      batch.header.index == applied.index ? batch.hash == applied.hash : batch.header.previous == applied.hash;
  if (!same) return Error(Reason::LOG_DIVERGED, absl::StrCat("the log has another batch ", applied.index));
  return absl::OkStatus();
}

void Doorbells::Add(const Doorbell& doorbell) {
  const std::lock_guard<std::mutex> lock(mutex_);
  doorbells_.erase(
      std::remove_if(doorbells_.begin(), doorbells_.end(), [](const auto& bell) { return bell.expired(); }),
      doorbells_.end());
  doorbells_.push_back(doorbell);
}

void Doorbells::Ring() {
  std::vector<std::weak_ptr<const std::function<void()>>> doorbells;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    doorbells = doorbells_;
  }
  for (const auto& weak : doorbells) {
    if (const Doorbell doorbell = weak.lock()) (*doorbell)();
  }
}

}  // namespace jcm::log
