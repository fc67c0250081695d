#include "ledger/log/memory_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::log {

// Never shows less than one batch, if there are any: those below are as trimmed for a server that lags as for the
// others.
LogPosition MemoryLog::TailLocked(uint64_t lag) const {
  const bool from_base = first_ == base_.index + 1;
  if (batches_.empty()) return from_base ? base_ : LogPosition{};
  if (lag >= batches_.size()) return from_base ? base_ : PositionOf(batches_.front().batch);
  return PositionOf(batches_[batches_.size() - 1 - lag].batch);
}

absl::StatusOr<LogPosition> MemoryLog::Tail() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return TailLocked(lag_);
}

absl::StatusOr<uint64_t> MemoryLog::First() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return first_;
}

absl::StatusOr<uint64_t> MemoryLog::Generation() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::max(base_generation_, TailLocked(lag_).generation);
}

absl::Status MemoryLog::CheckLocked(uint64_t index, const Batch& batch) const {
  const LogPosition tail = TailLocked(0);
  if (batch.header.index != index) {
    return Error(Reason::CHAIN_BROKEN, absl::StrCat("batch ", batch.header.index, " for slot ", index));
  }
  if (index <= tail.index) return Error(Reason::LOG_SLOT_TAKEN, absl::StrCat("slot ", index));
  if (batch.header.generation < base_generation_) {
    return Error(Reason::CHAIN_BROKEN, absl::StrCat("the log begins anew with generation ", base_generation_));
  }
  if (index > tail.index + 1) return Error(Reason::LOG_GAP, absl::StrCat("slot ", index, " after ", tail.index));
  return CheckFollows(tail, batch.header);
}

absl::Status MemoryLog::Append(uint64_t index, absl::string_view record) {
  AppendFate fate = AppendFate::kIn;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    JCM_ASSIGN_OR_RETURN(Batch batch, DecodeBatch(record));
    JCM_RETURN_IF_ERROR(CheckLocked(index, batch));
    if (!fates_.empty()) {
      fate = fates_.front();
      fates_.pop_front();
    }
    Stored stored{std::string(record), std::move(batch)};
    if (fate == AppendFate::kUnknownLater) {
      late_.push_back(std::move(stored));
    } else if (fate != AppendFate::kUnknownOut) {
      batches_.push_back(std::move(stored));
    }
    if (muted_ && fate == AppendFate::kIn) return absl::OkStatus();
  }
  if (fate != AppendFate::kIn) return Error(Reason::APPEND_UNKNOWN, absl::StrCat("slot ", index));
  doorbells_.Ring();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Batch>> MemoryLog::Read(uint64_t from, uint64_t to, size_t max_bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (from < first_) return Error(Reason::LOG_TRIMMED, absl::StrCat("batch ", from, ", the first one is ", first_));
  std::vector<Batch> batches;
  const uint64_t tail = TailLocked(lag_).index;
  size_t bytes = 0;
  for (uint64_t index = from; index < to && index <= tail; ++index) {
    const Stored& stored = batches_[index - first_];
    if (!batches.empty() && bytes + stored.record.size() > max_bytes) break;
    bytes += stored.record.size();
    batches.push_back(stored.batch);
  }
  return batches;
}

absl::Status MemoryLog::Trim(uint64_t below) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (; first_ < below && batches_.size() > 1; ++first_) batches_.pop_front();
  return absl::OkStatus();
}

void MemoryLog::AddDoorbell(const Doorbell& doorbell) { doorbells_.Add(doorbell); }

void MemoryLog::NextAppend(AppendFate fate) {
  const std::lock_guard<std::mutex> lock(mutex_);
  fates_.push_back(fate);
}

void MemoryLog::ForgetFates() {
  const std::lock_guard<std::mutex> lock(mutex_);
  fates_.clear();
}

size_t MemoryLog::SettleLate(bool arrive) {
  size_t came_in = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Stored& stored : late_) {
      if (!arrive || !CheckLocked(stored.batch.header.index, stored.batch).ok()) continue;
      batches_.push_back(std::move(stored));
      ++came_in;
    }
    late_.clear();
    if (muted_) return came_in;
  }
  if (came_in > 0) doorbells_.Ring();
  return came_in;
}

void MemoryLog::Lag(uint64_t batches) {
  const std::lock_guard<std::mutex> lock(mutex_);
  lag_ = batches;
}

void MemoryLog::MuteDoorbells(bool muted) {
  const std::lock_guard<std::mutex> lock(mutex_);
  muted_ = muted;
}

void MemoryLog::LoseTail(uint64_t batches) {
  const std::lock_guard<std::mutex> lock(mutex_);
  late_.clear();
  for (; batches > 0 && !batches_.empty(); --batches) batches_.pop_back();
}

void MemoryLog::Empty() {
  const std::lock_guard<std::mutex> lock(mutex_);
  batches_.clear();
  late_.clear();
  base_ = {};
  base_generation_ = 0;
  first_ = 1;
}

absl::Status MemoryLog::StartGeneration(const LogPosition& after, uint64_t generation) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (generation == base_generation_ && base_ == after) return absl::OkStatus();
    const uint64_t newest = std::max(base_generation_, TailLocked(0).generation);
    if (generation == newest) return Error(Reason::LOG_SLOT_TAKEN, absl::StrCat("generation ", generation));
    if (generation < newest || after.generation >= generation) {
      return Error(Reason::CHAIN_BROKEN, absl::StrCat("generation ", generation, " behind ", newest));
    }
    batches_.clear();
    late_.clear();
    base_ = after;
    base_generation_ = generation;
    first_ = after.index + 1;
  }
  doorbells_.Ring();
  return absl::OkStatus();
}

std::unique_ptr<MemoryLog> MemoryLog::Copy() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto copy = std::make_unique<MemoryLog>();
  copy->batches_ = batches_;
  copy->base_ = base_;
  copy->base_generation_ = base_generation_;
  copy->first_ = first_;
  return copy;
}

}  // namespace jcm::log
