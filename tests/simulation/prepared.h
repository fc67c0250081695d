// Two governments whose partnership is open, with a thousand tonnes issued, to begin a test with: the story up to there
// is told once in a process, and each seed goes on in a copy of its disks and logs.
//
//   Pair pair(seed, /*japan=*/1, /*thailand=*/3);
//   pair.story.Cancel(pair.world.node("THA"), "C-1", "company", "company", Range(pair.decided.lot_id, 601, 601));
#ifndef TESTS_SIMULATION_PREPARED_H_
#define TESTS_SIMULATION_PREPARED_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/simulation/story.h"

namespace jcm::simulation {

// All issued in Thailand: 1..600 in the account "government", 601..1000 in "company".
inline constexpr uint64_t kIssuedTonnes = 1'000;
inline constexpr uint64_t kFirstOfCompany = 601;

struct Pair {
  // One replica: a node with its own log. Three: a shared log. All nodes run.
  Pair(uint64_t seed, int japan_replicas, int thailand_replicas);

  std::vector<Node*>& Side(bool thai) { return thai ? thailand : japan; }
  std::vector<Node*> All();
  // Runs, and neither stopped nor speaks no more.
  static bool Healthy(Node& node);
  // Every healthy replica has applied the same and shows checkpoints and cosignatures of all of it, and both
  // governments agree.
  bool AtRest();
  // The replica that orders, and one that does not; null if there is none.
  Node* Sequencer(bool thai);
  Node* Follower(bool thai);
  // An agreement that a lost log shall begin anew behind what `first` has, signed by it and `others`.
  absl::StatusOr<std::string> AgreeOnNewLog(Node& first, const std::vector<Node*>& others);
  // What `first` answers to whoever lets the log begin anew there.
  absl::Status BeginNewLog(Node& first, const std::string& agreement);
  // What operators do after the log of a registry was lost: all that stand still agree, and it begins anew behind the
  // most advanced one; those that stopped start again, and who is too far behind gets a sibling's store. All must run.
  void StartLogAnew(bool thai);
  // How everybody stands, for a failure's message.
  std::string Describe();

  World world;
  Story story;
  Decided decided;
  std::vector<Node*> japan;
  std::vector<Node*> thailand;
};

}  // namespace jcm::simulation

#endif  // TESTS_SIMULATION_PREPARED_H_
