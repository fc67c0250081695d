// A registry running: one engine thread that orders, executes, signs and talks to partners, and a thread-safe face for
// the services in front of it.
//
//   auto host = RegistryHost::Start(options, dependencies);
//   host->Submit(bundle, {WaitFor::kCosigned, deadline}, [](absl::StatusOr<SubmitOutcome> outcome) { ... });
//   std::shared_ptr<const RegistryView> view = host->View();
//
// Callbacks run on the engine thread and must not block. Nothing here knows gRPC.
#ifndef LEDGER_REGISTRY_REGISTRY_HOST_H_
#define LEDGER_REGISTRY_REGISTRY_HOST_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "jcm/mirror/v1/mirror.pb.h"
#include "ledger/registry/generation_note.h"
#include "ledger/registry/options.h"
#include "ledger/registry/registry_view.h"

namespace jcm::registry {

enum class WaitFor { kCommitted, kCosigned };

struct SubmitOptions {
  WaitFor wait_for = WaitFor::kCommitted;
  uint64_t deadline_us = 0;  // by the monotonic clock; 0: none. After it the act may still be recorded.
  std::vector<std::pair<std::string, std::string>> vault_keys;  // subject, 32-byte key
};

// One of several refusals of a dry run.
struct PartRefusal {
  uint32_t reason = 0;  // catalogue number
  std::string detail;
  std::string rule;  // which rule refused: "cycle/REGISTRATION/request/validated"
};

// The outcome of one part.
struct PartOutcome {
  BookId book;
  bool accepted = false;
  uint64_t sequence = 0;
  Digest leaf_hash{};
  uint32_t reason = 0;  // catalogue number
  std::string detail;
  std::vector<PartRefusal> refusals;  // of a dry run: every one, the first one first
};

struct SubmitOutcome {
  std::vector<PartOutcome> parts;  // in the order of the bundle
  BookTime batch_time;
  bool replayed = false;  // the first outcome of a request seen before
  bool cosigned = false;
  std::string request_digest;  // of the request that it is the outcome of
  uint64_t log_index = 0;      // of its batch
};

struct PartnerInfo {
  std::string registry;
  std::string partnership;
  bool reachable = false;
  uint64_t mirror_size = 0;
  uint64_t executed_size = 0;
  uint64_t imported_size = 0;
  uint64_t cosigned_size = 0;
  uint64_t peer_checkpoint_size = 0;
  int64_t clock_skew_us = 0;
  std::string halt;
  uint64_t refused_messages = 0;
  uint64_t oldest_in_transit_us = 0;
  std::string last_error;
};

struct OwnBookInfo {
  BookInfo info;
  std::string state;  // ORDERING, RECOVERING, WAITING_FOR_PEER, CATCHING_UP (with the log), DIVERGED
  uint64_t last_state_root_size = 0;
  uint64_t opened_size = 0;        // what the store had at start
  uint64_t known_size = 0;         // what is known to have been written: by the signer's record or the partner's mirror
  uint64_t recovered_entries = 0;  // given back by partners since the start
};

// Another replica of the same registry, as this one sees it.
struct SiblingInfo {
  std::string name;
  bool reachable = false;
  uint64_t applied_index = 0;
  uint64_t durable_index = 0;
  bool sequencing = false;
  int64_t clock_skew_us = 0;
  std::string quarantine;
  std::string last_error;
};

struct RegistryStatus {
  std::string clock_state;
  std::string replica;
  std::string sequencer;           // name of the replica that orders; empty if none is known
  std::string quarantine;          // why this replica speaks no more; empty: it does
  bool caught_up = true;           // it has reached the end of the log since it started
  std::string failure;             // why it has stopped until a restart; empty: it has not
  std::string log_error;           // what the log answered last, if that was an error
  uint64_t log_waiting_bytes = 0;  // of the log that waits for checkpoints
  std::vector<SiblingInfo> siblings;
  BookTime now;
  uint64_t applied_index = 0;
  uint64_t durable_index = 0;
  uint64_t generation = 0;
  uint64_t offsite_acknowledged_index = 0;
  std::vector<OwnBookInfo> books;
  std::vector<PartnerInfo> partners;
  struct Lane {
    std::string name;
    uint64_t depth;
    uint64_t limit;
  };
  std::vector<Lane> lanes;
  std::vector<std::string> warnings;
};

// Calls to one partner's node. Implemented over gRPC by services/node and over a simulated network in tests. The
// callback may run on any thread and at most once; it is called with UNAVAILABLE or DEADLINE_EXCEEDED if the partner
// can't be reached.
class PeerTransport {
 public:
  virtual ~PeerTransport() = default;
  enum class Method {
    // Of partners: jcm.mirror.v1.
    kReadEntries,
    kAddCosignature,
    kReadMirror,
    kPutOffsite,
    kReadOffsite,
    // Of siblings: jcm.replica.v1.
    kExchange,
    kForward,
    kForwardStatement,
    kCosignPage,
    kKeepOffsite,
    kKeepVaultKeys,
    kReadVaultKeys,
  };
  using Done = std::function<void(absl::StatusOr<std::string>)>;
  // `request` and the answer are serialised messages. `peer` is a partner's registry, "THA", or a sibling, "JPN/2".
  virtual void Call(const std::string& peer, Method method, std::string request, Done done) = 0;
};

class RegistryHost {
 public:
  virtual ~RegistryHost() = default;  // stops the engine; what was acknowledged is on disk

  // Opens the store, recovers, and starts the engine thread. Errors: STORE_*, KEY_FILE_INVALID, CONFIG_INVALID.
  static absl::StatusOr<std::unique_ptr<RegistryHost>> Start(RegistryOptions options, Dependencies dependencies);

  // Queues a signed bundle. `done` gets QUEUE_FULL, shape and authority errors, APPEND_UNKNOWN, COSIGN_TIMEOUT, or the
  // outcome; refusals by the rules are outcomes, not errors.
  virtual void Submit(std::string signed_bundle, SubmitOptions options,
                      std::function<void(absl::StatusOr<SubmitOutcome>)> done) = 0;
  // What would happen now; records nothing. Blocks shortly.
  virtual absl::StatusOr<SubmitOutcome> Validate(absl::string_view signed_bundle) = 0;

  virtual std::shared_ptr<const RegistryView> View() const = 0;
  // Calls back once readers see entry `sequence` of the book, or with SEQUENCE_NOT_REACHED at the deadline (monotonic
  // clock). BOOK_UNKNOWN.
  virtual void WhenAt(const BookId& book, uint64_t sequence, uint64_t deadline_us,
                      std::function<void(absl::Status)> done) = 0;
  // Not ok once the store or the log has failed: this host must end, and another may be started in the same process.
  // STORE_FAILED: once the disk takes writes again. LOG_TRIMMED: only a sibling's snapshot brings this replica back.
  // LOG_BEGUN_ANEW: a start is enough. STORE_CORRUPT, LOG_DIVERGED: a person must see to it.
  virtual absl::Status Failure() const = 0;
  // Why this replica speaks no more (k siblings contradict it); empty while it does. Its readings must not be shown.
  virtual std::string Quarantine() const = 0;

  // The partner's node asks. `peer_registry` comes from its TLS certificate. Request and answer as in PeerTransport.
  virtual void HandlePeerCall(const std::string& peer_registry, PeerTransport::Method method, std::string request,
                              PeerTransport::Done done) = 0;

  // A sibling asks. `sibling` is the replica's name, from its TLS certificate.
  virtual void HandleSiblingCall(const std::string& sibling, PeerTransport::Method method, std::string request,
                                 PeerTransport::Done done) = 0;

  // Books and cosignatures as files: `file` is a serialised ReadEntriesResponse. Returns a serialised
  // AddCosignatureRequest, or an empty string if no checkpoint was reached.
  virtual absl::StatusOr<std::string> ImportMirrorFile(absl::string_view file) = 0;
  virtual absl::StatusOr<std::string> ExportMirrorFile(const BookId& book, uint64_t from) = 0;
  // Takes a cosignature carried as a file (serialised AddCosignatureRequest).
  virtual absl::Status TakeCosignature(const std::string& peer_registry, absl::string_view file) = 0;

  // The text of a sealed attachment, opened with the vault's key; empty if the key was erased.
  virtual absl::StatusOr<std::string> OpenAttachment(absl::string_view digest) = 0;

  // A statement signed by two persons or by both governments (book.proto): RESUME_ALONE, RESOLUTION, KEY_CHANGE,
  // HOME_RESET, ACCEPT_TIME. `statement` is the serialised message of that kind, `kind` the leaf kind.
  virtual absl::Status SubmitStatement(const std::string& partnership, uint32_t kind, std::string statement) = 0;

  // A log that lost what replicas applied begins anew: see RegistryCore, and generation_note.h for what is signed.
  // StartGeneration blocks until siblings and the log have answered.
  virtual absl::StatusOr<std::string> AgreeGeneration(absl::string_view agreement, uint64_t generation) = 0;
  virtual absl::StatusOr<GenerationProposal> StartGeneration(const std::string& agreement,
                                                             const std::vector<std::string>& without) = 0;

  // Copies the store (store.h) while it goes on: not on the engine thread. Blocks.
  virtual absl::Status Backup(const std::string& directory) = 0;
  virtual RegistryStatus Status() = 0;
};

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_REGISTRY_HOST_H_
