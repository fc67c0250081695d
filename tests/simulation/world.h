// Two or more registries in one process under one seed: a simulated clock, a network that delays, drops and reorders,
// disks that lose what was not synced. Everything else is the real engine.
//
//   World world(7);
//   Node& japan = world.Add("JPN", {{"TH", "THA"}});
//   Node& thailand = world.Add("THA", {{"TH", "JPN"}});
//   world.Start();
//   SubmitOutcome done = world.Submit(japan, {&japan.person("operator")}, "TH", command);
//   japan.Kill(); japan.Restart(); world.RunUntil([&] { return ...; });
#ifndef TESTS_SIMULATION_WORLD_H_
#define TESTS_SIMULATION_WORLD_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/command.pb.h"
#include "ledger/base/clock.h"
#include "ledger/base/file_system.h"
#include "ledger/base/random.h"
#include "ledger/registry/registry_core.h"
#include "ledger/store/memory_store.h"
#include "tests/simulation/shared_log.h"

namespace jcm::simulation {

namespace v1 = ::jcm::ledger::v1;

// Somebody who signs.
struct Person {
  std::string id;
  std::vector<v1::Role> roles;
  PrivateKey key;
  std::map<std::string, std::string> pseudonyms;  // by partnership
};

struct Link {
  std::string partnership;
  std::string peer;
};

class World;

// One machine's clock: the world's, and what somebody has done to it.
class NodeClock : public Clock {
 public:
  explicit NodeClock(std::shared_ptr<ManualClock> world) : world_(std::move(world)) {}
  BookTime Now() override;
  uint64_t MonotonicMicros() override { return world_->MonotonicMicros(); }
  // The wall clock is set; what was set adds up.
  void Step(int64_t micros) { offset_us_ += micros; }
  void Repair() { offset_us_ = 0; }
  int64_t offset_us() const { return offset_us_; }

 private:
  const std::shared_ptr<ManualClock> world_;
  int64_t offset_us_ = 0;
};

class Node {
 public:
  Node(World& world, std::string registry, std::vector<Link> links);
  // The same machine in another world, not running.
  Node(World& world, const Node& other);

  const std::string& registry() const { return registry_; }
  // What others call it: "JPN", or "JPN/2" where there are several.
  const std::string& address() const { return address_; }
  registry::RegistryCore& core() { return *core_; }
  bool running() const { return core_ != nullptr; }
  const Person& person(const std::string& id) const { return persons_.at(id); }
  std::string pseudonym(const std::string& id, const std::string& partnership) const;
  v1::KeySetData keys() const;
  v1::PublicKeyData recovery_public_key() const;
  const PrivateKey& replica_key() const { return replica_key_; }

  // The machine dies; of what was not synced, `unsynced_kept` batches survive.
  void Kill(uint64_t unsynced_kept = 0);
  absl::Status Restart();
  // Everything on the machine is gone: store, signer's record and vault. Only the keys remain.
  void LoseSite();
  // Puts back the store as it was when it was copied.
  void Backup(const std::string& name);
  void Restore(const std::string& name);

  registry::RegistryOptions& options() { return options_; }
  store::MemoryDisk& disk() { return *disk_; }
  MemoryFileSystem& files() { return *files_; }
  NodeClock& clock() { return *clock_; }
  // The disk as it is now, and one that is put in its place: a store that was rolled back without a word. Not running.
  std::shared_ptr<store::MemoryDisk> CopyDisk() const { return disk_->Copy(); }
  void PutDisk(std::shared_ptr<store::MemoryDisk> disk) { disk_ = std::move(disk); }

 private:
  friend class World;
  World& world_;
  const std::string registry_;
  std::string address_;
  SharedLog* shared_log_ = nullptr;  // null: it has its own
  std::vector<Link> links_;
  std::map<std::string, Person> persons_;
  PrivateKey replica_key_;
  v1::KeySetData key_set_;  // of all replicas, where there are several
  absl::optional<PrivateKey> new_key_;
  PrivateKey recovery_key_;
  std::string offsite_key_;
  std::shared_ptr<store::MemoryDisk> disk_;
  std::shared_ptr<MemoryFileSystem> files_;
  std::shared_ptr<NodeClock> clock_;
  log::Doorbell doorbell_;
  registry::RegistryOptions options_;
  std::unique_ptr<registry::RegistryCore> core_;
  uint64_t incarnation_ = 0;
  uint64_t copies_ = 0;                                       // made for siblings
  std::multimap<uint64_t, std::function<void()>> log_calls_;  // on their way to the log, by due time
};

class World {
 public:
  explicit World(uint64_t seed);
  // What `prepared` has on its disks and in its logs, with the randomness of another seed. No node of either runs.
  World(uint64_t seed, const World& prepared);
  ~World();

  Node& Add(const std::string& registry, std::vector<Link> links);
  // `count` replicas of one registry over a shared log, "JPN/1", "JPN/2", …; a majority of their keys signs.
  std::vector<Node*> AddReplicas(const std::string& registry, std::vector<Link> links, int count);
  SharedLog& shared_log(const std::string& registry) { return *shared_logs_.at(registry); }
  // A machine with nothing on it takes a replica's place, with the same key and `sibling`'s store.
  void Replace(Node& replica, Node& sibling);
  // All nodes of a registry, by address.
  std::vector<Node*> Replicas(const std::string& registry);
  // Starts all nodes. Checks that they start.
  void Start();
  // All processes end; nothing is lost.
  void Stop();
  // By address; for a registry with several replicas, one that is running.
  Node& node(const std::string& name);

  // Lets time pass: nodes step, messages arrive. Everything happens in an order that the seed decides.
  void Run(uint64_t micros);
  // Until the condition holds; false if it doesn't within `micros`.
  bool RunUntil(const std::function<bool()>& condition, uint64_t micros = 60'000'000);
  // Until nothing is in flight and no node has anything to do now.
  void Settle();
  void AdvanceTo(BookTime time);

  // Signs and submits one command; runs until it is answered. The status of a refusal carries its reason.
  absl::StatusOr<registry::PartOutcome> Submit(Node& node, const std::vector<std::string>& signers,
                                               const std::string& partnership, const v1::Command& command,
                                               registry::WaitFor wait_for = registry::WaitFor::kCommitted);
  std::string Bundle(Node& node, const std::vector<std::string>& signers, const std::string& partnership,
                     const std::vector<v1::Command>& commands, v1::BundleMode mode = v1::BUNDLE_MODE_ATOMIC);
  absl::StatusOr<registry::SubmitOutcome> SubmitBundle(Node& node, std::string bundle, registry::WaitFor wait_for);

  // Writes an entry into a running node's book whose effects the rules do not give, as a node with other code would:
  // its own checkpoint covers it.
  void AppendUnchecked(Node& node, const BookId& book);
  // Writes an import into a running node's book that brings the leaves of the other book's newest entries without what
  // they say: its own checkpoint covers it.
  void AppendImportWithoutBodies(Node& importer, Node& writer, const std::string& partnership);
  // A ResumeAlone for the book as it stands on the node, signed by these persons.
  std::string SignResumeAlone(Node& node, const BookId& book, const std::vector<std::string>& signers);
  // Orders a change to a new replica key, signed by the old and the new one, in these books of the node, which hold it
  // from their next entry on. The node goes on with the old key until UseNewKey.
  absl::Status ChangeKey(Node& node, const std::vector<BookId>& books);
  void UseNewKey(Node& node);
  absl::Status TryNewKey(Node& node);
  // The same for one of several replicas, whose siblings keep theirs: signed by all old keys and the new one.
  absl::Status ChangeReplicaKey(Node& hand_in, Node& replica, const std::vector<BookId>& books);
  void UseNewReplicaKey(Node& replica);
  // The statement about one book, as that stands on `shown_by`; the first for a replica draws its new key.
  std::string SignReplicaKeyChange(Node& shown_by, Node& replica, const BookId& book);
  // A Resolution signed by the recovery keys of these nodes.
  std::string SignResolution(const v1::ResolutionBody& body, const std::vector<Node*>& signers);

  void Cut(const std::string& a, const std::string& b, bool cut);
  // Share of messages, in 1/1000, that the network loses, and the longest delay.
  void Disturb(uint64_t lost_permille, uint64_t delay_max_us);
  // What a partner that means ill, or the network, makes of its answers; none: nothing.
  using Tamper = std::function<void(registry::PeerTransport::Method method, std::string* response)>;
  void TamperWith(const std::string& answers_of, Tamper tamper);
  // Sees everything that one government's nodes say to the other's: requests and answers, by who says it.
  using Watch = std::function<void(const Node& speaker, registry::PeerTransport::Method method, bool answer,
                                   const std::string& bytes)>;
  void WatchLinks(Watch watch) { watch_ = std::move(watch); }
  // Called before each step.
  void WhenStepping(std::function<void()> hook) { step_hook_ = std::move(hook); }
  // How long Submit waits for its answer.
  void AnswerWithin(uint64_t micros) { answer_timeout_us_ = micros; }
  // Hands a bundle in and goes on; `done` is called in a later step, or never.
  void Send(Node& node, std::string bundle, registry::SubmitOptions options,
            std::function<void(absl::StatusOr<registry::SubmitOutcome>)> done);

  ManualClock& clock() { return *clock_; }
  Random& random() { return random_; }

 private:
  friend class Node;
  class LogLink;
  class Transport;
  Node* FindCallee(const std::string& name);
  uint64_t LogDelay();
  uint64_t NextDue();
  struct Message {
    uint64_t due_us;
    std::function<void()> deliver;
  };
  void Send(const std::string& from, const std::string& to, std::function<void()> deliver, std::function<void()> lost);
  bool Step();
  bool IsCut(const std::string& from, const std::string& to);

  SeededRandom random_;
  std::shared_ptr<ManualClock> clock_;
  std::map<std::string, std::unique_ptr<SharedLog>> shared_logs_;
  std::map<std::string, std::unique_ptr<Node>> nodes_;       // by address
  std::multimap<uint64_t, std::function<void()>> messages_;  // by due time
  std::map<std::pair<std::string, std::string>, bool> cut_;
  std::map<std::string, Tamper> tamper_;
  Watch watch_;
  std::function<void()> step_hook_;
  uint64_t answer_timeout_us_ = 120'000'000;
  uint64_t lost_permille_ = 0;
  uint64_t delay_max_us_ = 5'000;
};

}  // namespace jcm::simulation

#endif  // TESTS_SIMULATION_WORLD_H_
