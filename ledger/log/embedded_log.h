// The log of a registry that runs on one node: its batches lie in the node's own store, and the synced write is the
// append.
//
//   JCM_ASSIGN_OR_RETURN(std::unique_ptr<EmbeddedLog> log, EmbeddedLog::Open(store.get(), applied.index));
//   JCM_RETURN_IF_ERROR(CheckContinues(*log, applied));
//   ... apply everything after applied.index, then go on ...
//
// Layout: Family::kLog, key = index (8 bytes, big-endian), value = SHA-256 of the record || the record.
#ifndef LEDGER_LOG_EMBEDDED_LOG_H_
#define LEDGER_LOG_EMBEDDED_LOG_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/log/log.h"
#include "ledger/store/store.h"

namespace jcm::log {

// At least so many batches at the tail are read and re-hashed when the log is opened.
inline constexpr uint64_t kVerifiedAtOpenBatches = 64;
// Trimming deletes so many batches with one write.
inline constexpr uint64_t kTrimmedAtOnceBatches = 1000;

class EmbeddedLog : public Log {
 public:
  // Finds the tail, and checks the chain from `applied_index` (as far as that is there), and at least the last
  // kVerifiedAtOpenBatches. STORE_CORRUPT if a batch is damaged or missing. `store` must outlive the log.
  static absl::StatusOr<std::unique_ptr<EmbeddedLog>> Open(store::Store* store, uint64_t applied_index);

  absl::StatusOr<LogPosition> Tail() override;
  absl::StatusOr<uint64_t> First() override;
  absl::Status Append(uint64_t index, absl::string_view record) override;
  absl::StatusOr<std::vector<Batch>> Read(uint64_t from, uint64_t to, size_t max_bytes) override;
  absl::Status Trim(uint64_t below) override;
  void AddDoorbell(const Doorbell& doorbell) override;

 private:
  explicit EmbeddedLog(store::Store* store) : store_(store) {}
  absl::Status FindEnds();
  absl::Status VerifyFrom(uint64_t index);

  store::Store* const store_;
  Doorbells doorbells_;
  std::mutex append_mutex_;  // held while a batch is written
  std::mutex trim_mutex_;    // held while batches are deleted
  std::mutex mutex_;         // guards first_ and tail_; never held during I/O
  uint64_t first_ = 1;
  LogPosition tail_;
};

}  // namespace jcm::log

#endif  // LEDGER_LOG_EMBEDDED_LOG_H_
