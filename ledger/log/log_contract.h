// The contract of log.h as tests that every implementation has to pass.
//
//   INSTANTIATE_TEST_SUITE_P(Memory, LogContract, ::testing::Values(LogUnderTest{[] { return ...; }}));
#ifndef LEDGER_LOG_LOG_CONTRACT_H_
#define LEDGER_LOG_LOG_CONTRACT_H_

#include <functional>
#include <memory>

#include "gtest/gtest.h"
#include "ledger/log/log.h"

namespace jcm::log {

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
