// What the log writes into etcd: keys, and the bytes of their values. README.md has a worked example.
//
//   <prefix>/generation/<number, 10 digits>               which batch a generation goes on from
//   <prefix>/log/<generation, 10 digits>/<index, 20 digits>   SHA-256 of the record || the record
//   <prefix>/sequencer                                     name of the replica that sequences, with a lease; a hint
//
// Digits are decimal and padded with zeros, so that the order of keys is the order of the log.
#ifndef LEDGER_LOG_ETCD_ETCD_LAYOUT_H_
#define LEDGER_LOG_ETCD_ETCD_LAYOUT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/log/batch_header.h"

namespace jcm::log {

// What fits into the 10 digits of a key.
inline constexpr uint64_t kGenerationMax = 9999999999;

struct Generation {
  uint64_t number = 0;
  // The batch that it goes on from; index 0: none.
  LogPosition before;
  // Started by an operator: the log begins with it, and nothing of earlier generations belongs to it any more. Else it
  // was opened by a batch, and the log goes on through it.
  bool begins_log = false;
  uint64_t first() const { return before.index + 1; }
  friend bool operator==(const Generation& a, const Generation& b) {
    return a.number == b.number && a.before == b.before && a.begins_log == b.begins_log;
  }
};

// Of one log.
class EtcdKeys {
 public:
  explicit EtcdKeys(absl::string_view prefix) : prefix_(prefix) {}

  std::string Generation(uint64_t number) const;
  std::string GenerationsEnd() const;
  // The slots of a generation are those in [Slot(generation, 0), SlotsEnd(generation)).
  std::string Slot(uint64_t generation, uint64_t index) const;
  std::string SlotsEnd(uint64_t generation) const;
  // All slots of all generations begin with this.
  std::string Slots() const;
  std::string Sequencer() const;

  // The number or index at the end of a key of ours. STORE_CORRUPT.
  static absl::StatusOr<uint64_t> LastNumber(absl::string_view key);

 private:
  const std::string prefix_;
};

// The value of a generation: "JLG1", 1 byte begins_log, and of the batch before it: generation, index, hash, time.
std::string EncodeGeneration(const Generation& generation);
// STORE_CORRUPT.
absl::StatusOr<Generation> DecodeGeneration(uint64_t number, absl::string_view value);

std::string EncodeSlot(absl::string_view record);
// The batch at that slot, checked against its own hash and the key. STORE_CORRUPT.
absl::StatusOr<Batch> DecodeSlot(uint64_t generation, uint64_t index, absl::string_view value);

}  // namespace jcm::log

#endif  // LEDGER_LOG_ETCD_ETCD_LAYOUT_H_
