// A batch as it stands in the log: a header of 64 bytes and a body that the log does not look into.
//
//   offset size
//        0    4  "JLB1"
//        4    4  size of the body, u32
//        8    8  generation, u64, from 1; rises when an operator starts the log anew
//       16    8  index, u64, from 1; contiguous over all generations
//       24   32  hash of the batch before it; zero only at index 1
//       56    8  batch time, u64, microseconds since 1970; never before that of the batch before it
//       64       body
//
// All numbers are big-endian. The hash of a batch is SHA-256 over all its bytes. A worked example is in README.md.
//
//   std::string record = EncodeBatch({tail.generation, tail.index + 1, tail.hash, now}, body);
//   JCM_ASSIGN_OR_RETURN(Batch batch, DecodeBatch(record));
#ifndef LEDGER_LOG_BATCH_HEADER_H_
#define LEDGER_LOG_BATCH_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/types.h"

namespace jcm::log {

// The sequencer closes a batch at the first of these.
inline constexpr size_t kBatchCommandsMaxBytes = 256 * 1024;
inline constexpr size_t kBatchCommandsMax = 1000;
// What the body may need around its commands: 64 bytes for each.
inline constexpr size_t kBatchFramingMaxBytes = 64 * kBatchCommandsMax;
inline constexpr size_t kBatchHeaderBytes = 64;
inline constexpr size_t kBatchBodyMaxBytes = kBatchCommandsMaxBytes + kBatchFramingMaxBytes;
inline constexpr size_t kBatchRecordMaxBytes = kBatchHeaderBytes + kBatchBodyMaxBytes;

struct BatchHeader {
  uint64_t generation = 0;
  uint64_t index = 0;
  Digest previous{};
  BookTime time;
  friend bool operator==(const BatchHeader& a, const BatchHeader& b) {
    return a.generation == b.generation && a.index == b.index && a.previous == b.previous && a.time == b.time;
  }
};

struct Batch {
  BatchHeader header;
  Digest hash{};  // of the whole record
  std::string body;
};

// Where a log, or a replica that follows it, has got to. Index 0: nothing yet.
struct LogPosition {
  uint64_t generation = 0;
  uint64_t index = 0;
  Digest hash{};
  BookTime time;
  friend bool operator==(const LogPosition& a, const LogPosition& b) {
    return a.generation == b.generation && a.index == b.index && a.hash == b.hash && a.time == b.time;
  }
};

// The record. The header must be one that DecodeBatch accepts and the body at most kBatchBodyMaxBytes (checked).
std::string EncodeBatch(const BatchHeader& header, absl::string_view body);

// The batch of exactly these bytes. MESSAGE_MALFORMED unless every field is as described above and nothing follows the
// body.
absl::StatusOr<Batch> DecodeBatch(absl::string_view record);

Digest BatchHash(absl::string_view record);

// OK if `next` may stand directly behind `before`: the next index, the hash, no earlier time, no lower generation.
// Else CHAIN_BROKEN, saying which.
absl::Status CheckFollows(const LogPosition& before, const BatchHeader& next);

// The position of a batch.
LogPosition PositionOf(const Batch& batch);

}  // namespace jcm::log

#endif  // LEDGER_LOG_BATCH_HEADER_H_
