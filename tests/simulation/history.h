// What clients of a simulation asked and were told, what left each registry, and whether all of it fits together.
//
//   History history(pair);
//   history.Send(client, node);                 // one more act of this client; it waits for its answer
//   ... faults ...
//   history.Resolve(…);                         // asks again for everything, with the same bytes
//   history.Check();                            // fails the test
//
// Each act cancels one tonne of its own, so that what became of it is seen in the book.
#ifndef TESTS_SIMULATION_HISTORY_H_
#define TESTS_SIMULATION_HISTORY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "tests/simulation/prepared.h"

namespace jcm::simulation {

class History {
 public:
  explicit History(Pair& pair);

  // False while the client still waits for its last act; it gives up after kPatienceMicros.
  bool Ready(int client);
  void Send(int client, Node& node);
  // Reads from any replica: never a tonne more or less, and the invariants of the units hold.
  void Sample(Node& node);
  // Asks for each act again until there is an outcome, and compares it with what was told before; calls `supervise` now
  // and then.
  void Resolve(const std::function<void()>& supervise);
  // After Resolve, at rest.
  void Check();

  size_t acts() const { return acts_.size(); }
  size_t acknowledged() const;
  // Replicas that must not speak to the other government any more; a test adds those that it has damaged.
  std::set<std::string> silenced;
  uint64_t cancelled_elsewhere = 0;  // tonnes, by acts that did not come from here

 private:
  struct Act {
    int client = 0;
    uint64_t serial = 0;
    std::string bundle;
    std::string request_id;
    uint64_t sent_us = 0;
    uint64_t told_us = 0;  // 0: nobody was told that it is recorded
    bool given_up = false;
    absl::optional<absl::StatusOr<registry::SubmitOutcome>> answer;
    absl::optional<registry::SubmitOutcome> outcome;  // what was acknowledged, or found out
  };

  void OnSpoken(const Node& speaker, registry::PeerTransport::Method method, bool answer, const std::string& bytes);
  void Take(Act& act);
  void CheckOnce();
  void CheckOrder();
  void CheckReplicas();
  void CheckNotes();

  Pair& pair_;
  std::vector<std::shared_ptr<Act>> acts_;
  std::map<int, std::shared_ptr<Act>> open_;  // by client
  std::set<std::string> notes_;               // all that left a registry
};

}  // namespace jcm::simulation

#endif  // TESTS_SIMULATION_HISTORY_H_
