// What tests of logs share.
#ifndef LEDGER_LOG_LOG_TESTING_H_
#define LEDGER_LOG_LOG_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/log/log.h"

namespace jcm::log {

inline constexpr size_t kPlentyBytes = 1024 * 1024;

// The record that follows `tail`; of its generation if none is given.
std::string Next(const LogPosition& tail, const std::string& body, uint64_t generation = 0, uint64_t later_micros = 1);

LogPosition TailOf(Log& log);

// Appends `count` batches with the bodies "body <index>".
void AppendAll(Log& log, int count);

// "1 2 3", checked against the bodies; or the error.
std::string Bodies(const absl::StatusOr<std::vector<Batch>>& batches);

}  // namespace jcm::log

#endif  // LEDGER_LOG_LOG_TESTING_H_
