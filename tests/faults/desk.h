// Where acts are signed and sent from: a client of both registries that never gives up on an act and never makes it
// anew.
//
//   Desk desk(site, /*seed=*/7);
//   const Act act = desk.Sign("JPN", {"company-1"}, "TH", command);   // request id and bytes are fixed here
//   api::SubmitBundleResponse answer = desk.Acknowledge(act);         // the same bytes until somebody answers
//   desk.CheckRemembered("JPN", 0);                                   // everything acknowledged has the same outcome
//
// Thread-safe.
#ifndef TESTS_FAULTS_DESK_H_
#define TESTS_FAULTS_DESK_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/registry/v1/ledger_service.pb.h"
#include "ledger/base/random.h"
#include "tests/faults/history.h"
#include "tests/faults/site.h"
#include "tools/client/particulars.h"

namespace jcm::faults {

namespace v1 = ::jcm::ledger::v1;

// How long a call waits for its answer.
inline constexpr int kCallMs = 5'000;

struct Act {
  std::string registry;
  std::string what;    // for people
  std::string bundle;  // a serialised SignedBundle
  std::vector<std::pair<std::string, std::string>> vault_keys;
  int client = 0;
  uint64_t serial = 0;  // that it takes out of circulation; 0: none or more than one
};

struct Acknowledged {
  Act act;
  api::SubmitBundleResponse answer;
};

class Desk {
 public:
  Desk(Site& site, uint64_t seed) : site_(site), random_(seed) {}

  // `partnership` is "TH" or "home". `sealed`: particulars that the command names, or null.
  Act Sign(const std::string& registry, const std::vector<std::string>& signers, const std::string& partnership,
           const v1::Command& command, const client::SealedParticulars* sealed = nullptr);

  // One call. UNAVAILABLE and the like if nobody answered.
  absl::StatusOr<api::SubmitBundleResponse> Send(const Act& act, api::WaitFor wait_for, bool validate_only = false,
                                                 int timeout_ms = kCallMs);
  // At most `calls` calls. False if none of them was answered: then nobody knows whether the act is recorded, until
  // ResolveUnknown asks.
  bool Try(const Act& act, int calls, int timeout_ms = kCallMs);
  // Sends what nobody answered until it has an outcome.
  void ResolveUnknown();

  // Sends until there is an outcome, through any number of restarts, and remembers it. Checks that the act was
  // accepted.
  api::SubmitBundleResponse Acknowledge(const Act& act, api::WaitFor wait_for = api::WAIT_FOR_COMMITTED);
  // As Acknowledge, once a trial says that the registry would accept it: for acts that wait for the other book.
  api::SubmitBundleResponse AcknowledgeWhenPossible(const Act& act);

  // Sends everything that was acknowledged from position `from` on once more: each must have the outcome that it had.
  // Returns how many acts of this registry have been acknowledged.
  size_t CheckRemembered(const std::string& registry, size_t from);
  std::vector<Acknowledged> AcknowledgedBy(const std::string& registry) const;

  // Everything that was asked and answered.
  History& history() { return history_; }

  // How many calls have been begun, answered or not; how many of them were sent again.
  uint64_t calls() const;
  uint64_t repeats() const;

  std::string RandomBytes(size_t size);
  client::SealedParticulars Seal(const std::string& subject, const nlohmann::ordered_json& particulars);
  client::Commitment Commit(const std::string& value);

 private:
  api::SubmitBundleResponse SendUntilAnswered(const Act& act, api::WaitFor wait_for);
  void Remember(const Act& act, const api::SubmitBundleResponse& answer);

  Site& site_;
  mutable std::mutex mutex_;
  SeededRandom random_;
  std::map<std::string, std::vector<Acknowledged>> acknowledged_;  // by registry
  History history_;
  std::vector<std::pair<size_t, Act>> unknown_;  // with their numbers in the history
  uint64_t calls_ = 0;
  uint64_t repeats_ = 0;
};

}  // namespace jcm::faults

#endif  // TESTS_FAULTS_DESK_H_
