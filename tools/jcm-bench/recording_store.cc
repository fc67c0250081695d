#include "tools/jcm-bench/recording_store.h"

#include "tools/jcm-bench/measure.h"

namespace jcm::bench {

void RecordingStore::Keep(bool keep) {
  const std::lock_guard<std::mutex> lock(mutex_);
  keep_ = keep;
  kept_.clear();
}

std::vector<RecordedWrite> RecordingStore::TakeKept() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::move(kept_);
}

WriteCount RecordingStore::Count() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return count_;
}

double RecordingStore::overhead_seconds() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return overhead_seconds_;
}

absl::Status RecordingStore::Write(const store::WriteBatch& batch, store::Sync sync) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const Stopwatch overhead;
    ++count_.writes;
    if (sync == store::Sync::kYes) ++count_.syncs;
    count_.puts += batch.size();
    count_.bytes += batch.bytes();
    for (const store::WriteBatch::Operation& operation : batch.operations()) {
      const auto family = static_cast<size_t>(operation.family);
      ++count_.family_puts[family];
      count_.family_bytes[family] += operation.key.size() + (operation.value.has_value() ? operation.value->size() : 0);
    }
    if (keep_) kept_.push_back({batch, sync});
    overhead_seconds_ += overhead.seconds();
  }
  return real_->Write(batch, sync);
}

}  // namespace jcm::bench
