// The log: the one order of everything that a registry does. Replicas append batches to it and apply what it says.
//
//   JCM_ASSIGN_OR_RETURN(LogPosition tail, log->Tail());
//   std::string record = EncodeBatch({tail.generation, tail.index + 1, tail.hash, now}, body);
//   absl::Status appended = log->Append(tail.index + 1, record);
//   if (HasReason(appended, Reason::APPEND_UNKNOWN)) { ... AskSlot, until it answers ... }
//   if (HasReason(appended, Reason::LOG_SLOT_TAKEN)) { ... read what is there, apply it, batch again ... }
//
//   // the apply thread
//   JCM_ASSIGN_OR_RETURN(std::vector<Batch> batches, log->Read(applied + 1, kToTail, kBytesAtATime));
//
// One append at a time: the next one is begun when the last one is known to be in or out. Indexes are contiguous from
// 1, so a reader can prove that it missed nothing. Implementations: EmbeddedLog (the node's own store), MemoryLog
// (simulation), etcd/EtcdLog (several replicas). One that works over a network may answer any call with
// LOG_UNAVAILABLE.
#ifndef LEDGER_LOG_LOG_H_
#define LEDGER_LOG_LOG_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/log/batch_header.h"

namespace jcm::log {

inline constexpr uint64_t kToTail = std::numeric_limits<uint64_t>::max();

// Called after something was appended, from any thread and with no lock held. Calls may be missing or too many: it only
// says that it is worth asking for the tail now. Whoever wants calls keeps the pointer; letting go of it ends them.
using Doorbell = std::shared_ptr<const std::function<void()>>;

// Thread-safe.
class Log {
 public:
  virtual ~Log() = default;

  // The last batch that is known to be in. It may be an old answer, never a wrong one. Does not wait for more.
  virtual absl::StatusOr<LogPosition> Tail() = 0;

  // The smallest index that can be read; tail index + 1 if the log is empty.
  virtual absl::StatusOr<uint64_t> First() = 0;

  // The smallest generation that the next batch may have; 0 if the log is empty. Above Tail().generation where an
  // operator has let the log begin anew.
  virtual absl::StatusOr<uint64_t> Generation();

  // Puts `record` at `index`, if that is free and index - 1 is not. Durable on OK. May block for an fsync or a round
  // trip.
  //
  //   OK              it is in, for good
  //   LOG_SLOT_TAKEN  something is at `index` already, maybe this record
  //   LOG_GAP         index - 1 is not there
  //   CHAIN_BROKEN    the record does not follow the batch before it (CheckFollows), or its index is another one
  //   MESSAGE_MALFORMED  not a batch record
  //   APPEND_UNKNOWN  it may be in or come in; AskSlot. For an embedded log: after a restart
  //   STORE_FAILED    nothing was written; the node must stop
  //   LOG_UNAVAILABLE nothing was written by this call; try again
  virtual absl::Status Append(uint64_t index, absl::string_view record) = 0;

  // Batches from..to-1 as far as they are there, checked against each other, and no more than about `max_bytes` of them
  // but at least one. Empty if `from` is beyond the tail. LOG_TRIMMED if `from` has been trimmed; STORE_CORRUPT if a
  // record is damaged or missing.
  virtual absl::StatusOr<std::vector<Batch>> Read(uint64_t from, uint64_t to, size_t max_bytes) = 0;

  // Forgets the batches below `index`, but never the last one. Only what is durably applied may be trimmed.
  virtual absl::Status Trim(uint64_t below) = 0;

  virtual void AddDoorbell(const Doorbell& doorbell) = 0;

  // What an operator should look at though the log works, in English; empty: nothing. No I/O.
  virtual std::string Warning() { return ""; }

  // Lets a log that was emptied or set back begin anew behind `after`: an operator's act, see etcd/etcd_log.h.
  // GENERATION_NOT_DUE where nobody shares the log: it can't lose what its replica has.
  virtual absl::Status StartGeneration(const LogPosition& after, uint64_t generation);
};

// What is at a slot after APPEND_UNKNOWN.
enum class SlotState {
  kAbsent,  // nothing (yet): append the same record again
  kOurs,    // it is in
  kOther,   // lost the slot
};

// Reads the slot. LOG_TRIMMED if that can't be told any more.
absl::StatusOr<SlotState> AskSlot(Log& log, uint64_t index, absl::string_view record);

// OK if the log goes on from `applied`: its tail is not behind, and what it has at that index has that hash.
// LOG_TRIMMED if it begins behind what comes next: only a sibling's snapshot brings this replica back. Else
// LOG_DIVERGED: this replica must stop, as its log lost what it has applied, or is another one.
absl::Status CheckContinues(Log& log, const LogPosition& applied);

// The bells of a log; each Log has one of these.
class Doorbells {
 public:
  void Add(const Doorbell& doorbell);
  void Ring();

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<const std::function<void()>>> doorbells_;
};

}  // namespace jcm::log

#endif  // LEDGER_LOG_LOG_H_
