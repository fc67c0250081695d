// The contract of log.h as tests that every implementation has to pass, and what tests of logs share.
//
//   INSTANTIATE_TEST_SUITE_P(Memory, LogContract, ::testing::Values(LogUnderTest{[] { return ...; }}));
#ifndef LEDGER_LOG_LOG_CONTRACT_H_
#define LEDGER_LOG_LOG_CONTRACT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
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

struct LogUnderTest {
  // An empty log; nothing if it can't be made, after a failure was added.
  std::function<std::shared_ptr<Log>()> make;
  // False: the bell rings more often than once for each append, and from other threads.
  bool rings_exactly = true;
};

class LogContract : public ::testing::TestWithParam<LogUnderTest> {
 protected:
  void SetUp() override {
    log_ = GetParam().make();
    ASSERT_NE(log_, nullptr);
  }

  std::shared_ptr<Log> log_;
};

}  // namespace jcm::log

#endif  // LEDGER_LOG_LOG_CONTRACT_H_
