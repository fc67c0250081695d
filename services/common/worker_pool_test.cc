#include "services/common/worker_pool.h"

#include <atomic>
#include <future>

#include "gtest/gtest.h"

namespace jcm::services {
namespace {

TEST(WorkerPool, RunsEverythingItAcceptedBeforeItGoes) {
  std::atomic<int> done{0};
  int accepted = 0;
  {
    WorkerPool pool({3, 1'000});
    for (int i = 0; i < 500; ++i) accepted += pool.TryRun([&done] { ++done; }) ? 1 : 0;
  }
  EXPECT_EQ(done, accepted);
  EXPECT_EQ(accepted, 500);
}

TEST(WorkerPool, RefusesWhatItsQueueCanNotHold) {
  std::promise<void> started, release;
  std::atomic<int> done{0};
  {
    WorkerPool pool({1, 2});
    ASSERT_TRUE(pool.TryRun([&] {
      started.set_value();
      release.get_future().wait();
    }));
    started.get_future().wait();
    EXPECT_TRUE(pool.TryRun([&done] { ++done; }));
    EXPECT_TRUE(pool.TryRun([&done] { ++done; }));
    EXPECT_EQ(pool.depth(), 2u);
    EXPECT_FALSE(pool.TryRun([&done] { done += 100; }));
    release.set_value();
  }
  EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace jcm::services
