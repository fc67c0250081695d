// A few threads that do what a gRPC callback must not: read the store.
//
//   WorkerPool pool({4, 1'024});
//   if (!pool.TryRun([=] { ... reactor->Finish(...); })) reactor->Finish(ToGrpcStatus(Error(Reason::QUEUE_FULL)));
//
// Everything accepted is run before the destructor returns. Thread-safe.
#ifndef SERVICES_COMMON_WORKER_POOL_H_
#define SERVICES_COMMON_WORKER_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace jcm::services {

class WorkerPool {
 public:
  struct Options {
    size_t threads = 4;
    size_t queue_limit = 1'024;  // tasks that wait; running ones do not count
  };

  explicit WorkerPool(Options options);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;

  // False if the queue is full: the task was not taken and will not run.
  bool TryRun(std::function<void()> task);

  size_t depth() const;
  size_t queue_limit() const { return options_.queue_limit; }

 private:
  void Work();

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace jcm::services

#endif  // SERVICES_COMMON_WORKER_POOL_H_
