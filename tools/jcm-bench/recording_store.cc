#include "tools/jcm-bench/recording_store.h"

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

absl::Status RecordingStore::Write(const store::WriteBatch& batch, store::Sync sync) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
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
  }
  return real_->Write(batch, sync);
}

}  // namespace jcm::bench
