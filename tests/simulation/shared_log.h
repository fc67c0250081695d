// The log of several replicas in a simulation: one MemoryLog for all of them, reached over a link that delays, fails
// and leaves open what happened, and a hint at who orders that may be late or wrong.
//
//   SharedLog shared;
//   shared.Reach("JPN/1", false);            // that replica can't reach the log any more
//   shared.memory().LoseTail(3);             // the quorum's disks had lied
//
// Used by World::AddReplicas.
#ifndef TESTS_SIMULATION_SHARED_LOG_H_
#define TESTS_SIMULATION_SHARED_LOG_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ledger/base/random.h"
#include "ledger/log/log.h"
#include "ledger/log/memory_log.h"
#include "ledger/registry/sequencing.h"

namespace jcm::simulation {

class SharedLog {
 public:
  explicit SharedLog(Random& random) : memory_(std::make_unique<log::MemoryLog>()), random_(random) {}

  // A replica's own way to the log.
  std::unique_ptr<log::Log> Open(const std::string& replica);
  std::shared_ptr<registry::SequencerHint> Hint(const std::string& registry, const std::string& replica);

  // A lease that its holder can't keep alive runs out.
  void Reach(const std::string& replica, bool reachable);
  // Share of appends, in 1/1000, whose answer is lost: a third is in, a third never comes in, and a third comes in
  // later if its place is still free.
  void LoseAnswers(uint64_t permille) { lost_answers_permille_ = permille; }
  // What the replica believes of who orders; empty: the truth again.
  void Deceive(const std::string& replica, const std::string& holder) { deceived_[replica] = holder; }
  // The cluster comes back without anything.
  void Empty() { memory_->Empty(); }

  // Appends that are late come in when they are due, and leases run out.
  void Tick(uint64_t now_us);
  uint64_t NextArrival() const { return arrival_us_; }

  // The same log for another world; nobody is known to order.
  std::unique_ptr<SharedLog> Copy(Random& random) const;

  log::MemoryLog& memory() { return *memory_; }
  const std::string& holder() const { return holder_; }

 private:
  class Handle;
  class SharedHint;

  bool Reaches(const std::string& replica) { return !unreachable_[replica]; }

  std::unique_ptr<log::MemoryLog> memory_;
  Random& random_;
  uint64_t lost_answers_permille_ = 0;
  uint64_t now_us_ = 0;
  uint64_t arrival_us_ = UINT64_MAX;  // UINT64_MAX: nothing is late
  std::map<std::string, bool> unreachable_;
  std::map<std::string, std::string> deceived_;
  std::string holder_;
  std::string holder_address_;
  uint64_t cut_since_us_ = 0;  // the holder, from the log; 0: it is not
};

}  // namespace jcm::simulation

#endif  // TESTS_SIMULATION_SHARED_LOG_H_
