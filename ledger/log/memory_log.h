// A log for simulations and tests, which several replicas may share, and which can be as unhelpful as a real one.
//
//   MemoryLog log;
//   log.NextAppend(AppendFate::kUnknownLater);
//   EXPECT_TRUE(HasReason(log.Append(1, record), Reason::APPEND_UNKNOWN));
//   ... a moment later, if its place is still free ...
//   log.SettleLate(true);
//
// It keeps the contract of log.h in all of this: fates are what a network and a quorum may do to a correct log. Only
// LoseTail and Empty break it, for tests of what happens then; StartGeneration is how an operator goes on.
#ifndef LEDGER_LOG_MEMORY_LOG_H_
#define LEDGER_LOG_MEMORY_LOG_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/log/log.h"

namespace jcm::log {

// What becomes of an append that could succeed. Those that can't are answered as log.h says.
enum class AppendFate {
  kIn,            // OK
  kUnknownIn,     // APPEND_UNKNOWN, and it is in
  kUnknownOut,    // APPEND_UNKNOWN, and it never comes in
  kUnknownLater,  // APPEND_UNKNOWN, and SettleLate decides
};

class MemoryLog : public Log {
 public:
  absl::StatusOr<LogPosition> Tail() override;
  absl::StatusOr<uint64_t> First() override;
  absl::StatusOr<uint64_t> Generation() override;
  absl::Status Append(uint64_t index, absl::string_view record) override;
  absl::StatusOr<std::vector<Batch>> Read(uint64_t from, uint64_t to, size_t max_bytes) override;
  absl::Status Trim(uint64_t below) override;
  void AddDoorbell(const Doorbell& doorbell) override;

  // The fates of the next appends that could succeed, in this order; after that all are kIn.
  void NextAppend(AppendFate fate);
  void ForgetFates();
  // The late appends arrive, or never will. Those whose place is taken are dropped. Returns how many came in.
  size_t SettleLate(bool arrive);

  // Tail and Read answer from a state without the last `batches`, as a server that is behind would. 0 ends it.
  void Lag(uint64_t batches);
  void MuteDoorbells(bool muted);
  // The machine died and its disk had lied: the last `batches` are gone. Late appends are gone too.
  void LoseTail(uint64_t batches);
  // Everything is gone, generations too.
  void Empty();

  // As EtcdLog::StartGeneration: the log begins anew behind `after`, whatever it has. LOG_SLOT_TAKEN, CHAIN_BROKEN.
  absl::Status StartGeneration(const LogPosition& after, uint64_t generation) override;

  // A log with the same batches, and nothing on its way to either.
  std::unique_ptr<MemoryLog> Copy() const;

 private:
  struct Stored {
    std::string record;
    Batch batch;
  };

  LogPosition TailLocked(uint64_t lag) const;
  absl::Status CheckLocked(uint64_t index, const Batch& batch) const;

  mutable std::mutex mutex_;
  Doorbells doorbells_;
  // What the first batch stands behind: nothing, or where an operator let the log begin anew.
  LogPosition base_;
  uint64_t base_generation_ = 0;
  uint64_t first_ = 1;
  std::deque<Stored> batches_;
  std::deque<AppendFate> fates_;
  std::vector<Stored> late_;
  uint64_t lag_ = 0;
  bool muted_ = false;
};

}  // namespace jcm::log

#endif  // LEDGER_LOG_MEMORY_LOG_H_
