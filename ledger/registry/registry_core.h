// A registry's engine with no threads of its own: it orders, executes, signs, mirrors, imports and recovers, one step
// at a time, driven from outside. RegistryHost runs it on a thread; the simulation runs several of them under one seed.
//
//   JCM_ASSIGN_OR_RETURN(auto core, RegistryCore::Open(options, dependencies));
//   core->Submit(bundle, options, done);
//   while (core->Step()) {}        // until there is nothing left that can be done now
//
// Not thread-safe. Transport callbacks must come back on the thread that calls Step.
#ifndef LEDGER_REGISTRY_REGISTRY_CORE_H_
#define LEDGER_REGISTRY_REGISTRY_CORE_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/storage.pb.h"
#include "ledger/log/log.h"
#include "ledger/registry/applier.h"
#include "ledger/registry/clock_guard.h"
#include "ledger/registry/mirror.h"
#include "ledger/registry/options.h"
#include "ledger/registry/registry_host.h"
#include "ledger/registry/registry_view.h"
#include "ledger/registry/verifier_cache.h"
#include "ledger/store/signer_record.h"
#include "ledger/store/store.h"
#include "ledger/store/vault.h"

namespace jcm::registry {

// Sealed copies that go to a partner in one call.
inline constexpr int kOffsiteBlobsPerPut = 1'000;
inline constexpr size_t kOffsiteBytesPerPut = 1u << 20;

class RegistryCore {
 public:
  using SubmitDone = std::function<void(absl::StatusOr<SubmitOutcome>)>;

  // Opens the books, replays the log beyond what was applied, compares the store with the signer's record. Errors:
  // STORE_*, LOG_DIVERGED, CONFIG_INVALID, SIMULATED_CLOCK_REFUSED is the caller's to check.
  static absl::StatusOr<std::unique_ptr<RegistryCore>> Open(RegistryOptions options, Dependencies dependencies);

  // See RegistryHost::Submit; `done` is called at once or from a later Step.
  void Submit(std::string signed_bundle, SubmitOptions options, SubmitDone done);
  absl::StatusOr<SubmitOutcome> Validate(absl::string_view signed_bundle);

  // Does what can be done now: at most one batch, due signatures, calls to partners. True if it did anything.
  bool Step();
  // How long nothing is due if nothing comes in.
  uint64_t WaitMicros() const;

  absl::StatusOr<std::string> HandlePeerCall(const std::string& peer_registry, PeerTransport::Method method,
                                             const std::string& request);
  absl::StatusOr<std::string> ImportMirrorFile(absl::string_view file);
  absl::StatusOr<std::string> ExportMirrorFile(const BookId& book, uint64_t from);
  absl::StatusOr<std::string> OpenAttachment(absl::string_view digest);
  absl::Status Backup(const std::string& directory);
  // Statements of two persons or of governments: RESUME_ALONE, RESOLUTION, KEY_CHANGE, HOME_RESET, ACCEPT_TIME.
  absl::Status SubmitStatement(const std::string& partnership, book::LeafKind kind, std::string statement);

  // Orders nothing more, and answers everyone who waits: the process ends.
  void Close();

  std::shared_ptr<const RegistryView> View() const;
  RegistryStatus Status();
  // Not ok once the store or the log has failed: the process must end and start again.
  const absl::Status& failure() const { return failure_; }
  rules::SignatureVerifier& verifier() { return verifier_; }
  const RegistryOptions& options() const { return options_; }

 private:
  enum class BookState { kOrdering, kRecovering, kDiverged };
  struct OwnBook {
    BookId id;
    BookState state = BookState::kRecovering;
    uint64_t signed_size = 0;  // from the signer's record
    uint64_t record_size = 0;  // the same, as it was at start
    bool record_present = false;
    bool answered = false;  // a partner has said how much it has
    bool tick_pending = false;
    uint32_t tick_limit = UINT32_MAX;  // deadlines in the next tick; fewer after one that was too large
    uint64_t tick_not_before_us = 0;
    uint64_t next_state_root_us = 0;
  };
  struct ClientItem {
    std::string bundle;
    SubmitOptions options;
    SubmitDone done;
  };
  struct Waiter {
    SubmitOutcome outcome;
    std::vector<std::pair<BookId, uint64_t>> sizes;  // each must be cosigned at least that far
    uint64_t offsite_position = 0;
    uint64_t deadline_us = 0;
    SubmitDone done;
  };
  struct Partner {
    std::string partnership;
    std::string registry;
    bool in_flight = false;
    uint64_t next_poll_us = 0;
    uint64_t failures = 0;
    bool reachable = false;
    bool poll_now = false;
    bool mirror_turn = false;  // the last call brought sealed copies; the next one looks at the partner's book
    bool import_pending = false;
    uint64_t import_not_before_us = 0;  // after a refusal
    bool halt_pending = false;
    uint64_t scanned_to = 0;  // entries before it trigger no import
    // Most entries of the next import, 0: the limit. Halved when an import changes too much at once.
    uint64_t import_entries = 0;
    uint64_t last_import_entries = 0;
    uint64_t cosign_sent = 0;  // size of the peer's book that it knows we cosigned
    uint64_t peer_checkpoint_size = 0;
    uint64_t offsite_sent = 0;
    uint64_t offsite_in_flight = 0;
    bool offsite_answered = false;
    uint64_t refused_messages = 0;
    int64_t clock_skew_us = 0;
    bool unsupported = false;
    std::string last_error;
  };

  explicit RegistryCore(RegistryOptions options, Dependencies dependencies);

  // registry_core.cc: opening, ordering, applying
  absl::Status Start();
  absl::Status OpenBook(const BookId& book);
  absl::Status Replay();
  bool OrderBatch();
  absl::Status ApplyBatch(const log::Batch& batch, std::vector<ClientItem> clients);
  absl::Status SealOffsite(const log::Batch& batch, AppliedBatch* applied);
  void Fail(absl::Status status);
  ClockGuard::Reading ReadClock() const;
  bool QueueSystem(const std::string& partnership, book::LeafKind kind, std::string command);
  void QueueDueTicks();
  void QueueStateRoots();
  bool CanOrder(const std::string& partnership) const;
  bool MayOrder(const v1::LogItem& item) const;
  absl::Status BeginBook(OwnBook& book);
  absl::StatusOr<AppliedBatch> ExecuteBatch(const log::Batch& batch, const v1::LogBatch& body);
  void OnSystemApplied(const v1::SystemItem& system, const absl::Status& error);
  BookTime NewestStamp() const;
  uint64_t BookSize(const BookId& book) const;

  // registry_submit.cc: requests, answers, waiting
  void Answer(ClientItem client, const ItemResult& result, uint64_t offsite_position);
  SubmitOutcome ToOutcome(const v1::RequestOutcome& outcome, bool replayed) const;
  bool WaiterSatisfied(const Waiter& waiter) const;
  bool ServeWaiters();
  absl::Status CheckSubmit(absl::string_view signed_bundle, absl::optional<v1::RequestOutcome>* earlier);

  // registry_sign.cc: checkpoints and cosignatures
  bool SignDue();
  bool HasKey(const v1::KeySetData& keys) const;
  absl::Status CheckReplicaKey(const BookId& book) const;
  bool MaySignWithThisKey(const BookId& book, uint64_t size) const;
  absl::Status SignBook(OwnBook& book, uint64_t size, const Digest& root);
  absl::StatusOr<std::string> CosignMirror(Partner& partner);
  absl::StatusOr<uint64_t> TakeCosignature(const std::string& peer_registry, const std::string& book_name,
                                           const std::string& note);
  std::string KeyName() const;

  // registry_peers.cc: answering partners
  absl::StatusOr<std::string> ServeEntries(Partner& partner, const std::string& request);
  absl::StatusOr<std::string> ServeMirror(const Partner& partner, const std::string& request);
  absl::StatusOr<std::string> KeepOffsite(const Partner& partner, const std::string& request);
  absl::Status KeepBlob(const Partner& partner, const mirror_v1::OffsiteBlob& blob, store::WriteBatch* writes,
                        uint64_t* kept) const;
  absl::StatusOr<std::string> ServeOffsite(const Partner& partner, const std::string& request);
  absl::StatusOr<mirror_v1::ReadEntriesResponse> PageOf(const BookId& book, uint64_t from, uint64_t limit) const;
  Partner* FindPartner(const std::string& registry);

  // registry_link.cc: asking partners
  bool PollPartners();
  bool CallPartner(Partner& partner);
  bool CallForRecovery(Partner& partner);
  bool CallForMirror(Partner& partner);
  bool PutOffsite(Partner& partner);
  std::unique_ptr<store::Iterator> OffsiteDue(const Partner& partner) const;
  void Call(Partner& partner, PeerTransport::Method method, std::string request);
  void OnResponse(const std::string& registry, PeerTransport::Method method, absl::StatusOr<std::string> response);
  absl::Status OnEntries(Partner& partner, const std::string& response);
  absl::Status TakePage(Partner& partner, const mirror_v1::ReadEntriesResponse& page, MirrorPage* result);
  absl::Status OrderHalt(Partner& partner, const v1::Evidence& evidence);
  absl::StatusOr<absl::optional<book::KeyHistory>> PeerKeys(const Partner& partner) const;
  absl::StatusOr<v1::CursorRecord> Cursor(const std::string& partnership) const;
  absl::Status OnResolution(const std::string& partnership, const std::string& command, store::WriteBatch* writes);
  bool QueueImports();
  absl::Status BuildImport(Partner& partner, const v1::CursorRecord& cursor, uint64_t executed_size);
  BookId PeerBook(const Partner& partner) const { return {partner.registry, partner.partnership}; }

  // registry_recovery.cc: getting one's own tail back
  bool Recovering(const std::string& partnership) const;
  absl::Status OnOwnMirror(Partner& partner, const std::string& response);
  absl::Status OnOffsite(Partner& partner, const std::string& response);
  void QueueRecovered(std::vector<v1::RecoveredTail> tails);
  void OnRecoveredApplied(const std::string& partnership, const absl::Status& error);
  absl::Status OnResumeAlone(const v1::SystemItem& system);
  absl::Status FinishHome(OwnBook& home);
  absl::Status FinishRecovery(OwnBook& book);
  absl::Status CheckOwnTail(const BookId& book, const mirror_v1::ReadMirrorResponse& response) const;
  absl::Status TryStatement(const std::string& partnership, book::LeafKind kind, const std::string& statement);
  void WarnOfBrokenBundles();

  RegistryOptions options_;
  Dependencies dependencies_;
  VerifierCache verifier_;
  std::unique_ptr<ClockGuard> guard_;
  std::map<std::string, OwnBook> books_;     // by partnership, "home" too
  std::map<std::string, Partner> partners_;  // by registry
  std::deque<ClientItem> client_queue_;
  size_t client_queue_bytes_ = 0;
  std::deque<v1::LogItem> system_queue_;
  std::deque<Waiter> waiters_;
  log::LogPosition applied_;
  uint64_t newest_offsite_position_ = 0;
  uint64_t offsite_acknowledged_ = 0;
  uint64_t last_sign_us_ = 0;
  bool new_generation_ = false;    // the next batch opens a new generation
  uint64_t generation_floor_ = 0;  // above all generations whose copies the off-site sinks keep
  size_t recovered_queued_ = 0;    // recovered tails in the queue: only when they are ordered, more is asked for
  std::set<std::string> warnings_;
  absl::Status failure_;
};

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_REGISTRY_CORE_H_
