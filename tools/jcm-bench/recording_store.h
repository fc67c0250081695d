// A store that passes everything on and counts what is written; for a while it also keeps the batches, so that the same
// bytes can be written again by something else.
#ifndef TOOLS_JCM_BENCH_RECORDING_STORE_H_
#define TOOLS_JCM_BENCH_RECORDING_STORE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ledger/store/store.h"

namespace jcm::bench {

struct RecordedWrite {
  store::WriteBatch batch;
  store::Sync sync;
};

struct WriteCount {
  uint64_t writes = 0;
  uint64_t syncs = 0;
  uint64_t puts = 0;   // and deletes
  uint64_t bytes = 0;  // of keys and values
  std::array<uint64_t, store::kFamilyCount> family_puts{};
  std::array<uint64_t, store::kFamilyCount> family_bytes{};
};

// Thread-safe.
class RecordingStore : public store::Store {
 public:
  explicit RecordingStore(std::unique_ptr<store::Store> real) : real_(std::move(real)) {}

  // From now on; what was kept before is dropped.
  void Keep(bool keep);
  std::vector<RecordedWrite> TakeKept();
  WriteCount Count() const;
  // Spent on keeping and counting so far, which the registry would not do.
  double overhead_seconds() const;

  absl::StatusOr<absl::optional<std::string>> Get(store::Family family, absl::string_view key) const override {
    return real_->Get(family, key);
  }
  std::unique_ptr<store::Iterator> NewIterator(store::Family family, absl::string_view lower = "",
                                               absl::string_view upper = "") const override {
    return real_->NewIterator(family, lower, upper);
  }
  absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> FindAtOrBefore(
      store::Family family, absl::string_view lower, absl::string_view at) const override {
    return real_->FindAtOrBefore(family, lower, at);
  }
  absl::Status Scan(store::Family family, absl::string_view from, absl::string_view upper,
                    const Visitor& visit) const override {
    return real_->Scan(family, from, upper, visit);
  }
  absl::Status Write(const store::WriteBatch& batch, store::Sync sync) override;
  std::unique_ptr<store::ReadView> Snapshot() const override { return real_->Snapshot(); }
  absl::Status Verify() override { return real_->Verify(); }
  absl::Status Backup(absl::string_view directory) override { return real_->Backup(directory); }
  bool restored() const override { return real_->restored(); }
  absl::Status ClearRestored() override { return real_->ClearRestored(); }
  bool failed() const override { return real_->failed(); }

 private:
  const std::unique_ptr<store::Store> real_;
  mutable std::mutex mutex_;
  bool keep_ = false;
  std::vector<RecordedWrite> kept_;
  WriteCount count_;
  double overhead_seconds_ = 0;
};

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_RECORDING_STORE_H_
