// What a registry on several machines needs beside its log: where calls to a log run that is not as near as the store,
// and a guess at which replica should order now.
//
//   dependencies.log_runner = std::make_shared<ThreadRunner>(...);      // a registry of one node needs neither
//   dependencies.hint = std::make_shared<EtcdSequencerHint>(...);
//
// Neither makes anything safe. Two replicas that both believe that they order fight for the slots of the log, one
// append at a time, and every slot is won once.
#ifndef LEDGER_REGISTRY_SEQUENCING_H_
#define LEDGER_REGISTRY_SEQUENCING_H_

#include <functional>
#include <string>

namespace jcm::registry {

// Runs calls to the log that may take a round trip or a timeout.
class LogRunner {
 public:
  virtual ~LogRunner() = default;
  // Runs `work` away from the engine, then `done` on the engine's thread. One at a time (the engine sees to that).
  // After a stop neither may run.
  virtual void Run(std::function<void()> work, std::function<void()> done) = 0;
};

// Calls never block.
class SequencerHint {
 public:
  virtual ~SequencerHint() = default;
  // Name of the replica that orders, as last heard; empty if none is known.
  virtual std::string Holder() = 0;
  // Asks for the role if nobody has it.
  virtual void Campaign() = 0;
  // Asks for the role in place of `holder`, whom this replica can't reach.
  virtual void TakeOver(const std::string& holder) = 0;
  // Gives the role up, if this replica has it.
  virtual void Resign() = 0;
};

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_SEQUENCING_H_
