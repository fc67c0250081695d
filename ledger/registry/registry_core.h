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
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/storage.pb.h"
#include "jcm/replica/v1/replica.pb.h"
#include "ledger/log/log.h"
#include "ledger/registry/applier.h"
#include "ledger/registry/clock_guard.h"
#include "ledger/registry/generation_note.h"
#include "ledger/registry/mirror.h"
#include "ledger/registry/options.h"
#include "ledger/registry/registry_host.h"
#include "ledger/registry/registry_view.h"
#include "ledger/registry/verifier_cache.h"
#include "ledger/store/signer_record.h"
#include "ledger/store/store.h"
#include "ledger/store/vault.h"

namespace jcm::registry {

namespace replica_v1 = ::jcm::replica::v1;

// Sealed copies that go to a partner in one call.
inline constexpr int kOffsiteBlobsPerPut = 1'000;
inline constexpr size_t kOffsiteBytesPerPut = 1u << 20;
// Batches that are in the log and not applied yet; while one is executed, the next one is on its way.
inline constexpr size_t kOrderedMax = 2;

class RegistryCore {
 public:
  using SubmitDone = std::function<void(absl::StatusOr<SubmitOutcome>)>;

  // Opens the books, replays the log beyond what was applied, compares the store with the signer's record. A log shared
  // with siblings is not waited for: it is followed by Step. Errors: STORE_*, LOG_DIVERGED, CONFIG_INVALID,
  // SIMULATED_CLOCK_REFUSED is the caller's to check.
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
  // The same, but what a partner gives into keeping is answered only when enough replicas have it.
  void AnswerPeer(const std::string& peer_registry, PeerTransport::Method method, const std::string& request,
                  PeerTransport::Done done);
  // A sibling asks; `sibling` is its name, from its certificate. `done` at once or from a later Step.
  void AnswerSibling(const std::string& sibling, PeerTransport::Method method, const std::string& request,
                     PeerTransport::Done done);
  // The log rang: it is worth asking for what is new there.
  void OnDoorbell() { doorbell_ = true; }
  // Takes a partner's file; answers with the cosignature of k replicas, as a file for it, or empty if the file does not
  // end with its checkpoint. `done` at once or from a later Step. COSIGN_TIMEOUT: too few siblings took it, and the
  // same file may be imported again.
  void ImportMirrorFile(absl::string_view file, std::function<void(absl::StatusOr<std::string>)> done);
  absl::StatusOr<std::string> ExportMirrorFile(const BookId& book, uint64_t from);
  absl::StatusOr<std::string> OpenAttachment(absl::string_view digest);
  absl::Status Backup(const std::string& directory);
  // Statements of two persons or of governments: RESUME_ALONE, RESOLUTION, KEY_CHANGE, HOME_RESET, ACCEPT_TIME.
  // Where this replica orders; else NOT_SEQUENCER.
  absl::Status SubmitStatement(const std::string& partnership, book::LeafKind kind, std::string statement);
  // The same anywhere: handed on to the replica that orders, and answered when it is recorded, and seen here, or
  // refused. `done` at once or from a later Step; APPEND_UNKNOWN, if nobody knows. QUEUE_FULL.
  void HandInStatement(const std::string& partnership, book::LeafKind kind, std::string statement,
                       std::function<void(absl::Status)> done);

  // After LOG_DIVERGED: this replica's signature on an agreement that the log shall begin anew (generation_note.h); on
  // a new one about its own position, if `agreement` is empty. `generation`: its number, 0: the next one. Errors:
  // GENERATION_NOT_DUE, GENERATION_BEHIND (this replica has more, or another batch there), GENERATION_OUTDATED (too
  // old, of another registry, or of a generation that is not new), NOTE_MALFORMED, REPLICA_QUARANTINED,
  // KEY_FILE_INVALID (this replica's key is not one of the registry's), STORE_FAILED.
  absl::StatusOr<std::string> AgreeGeneration(absl::string_view agreement, uint64_t generation);
  // Lets the log begin anew, where k replicas agreed that it shall do so behind this replica's last batch. Asks
  // siblings first: GENERATION_BEHIND if one has more, GENERATION_REPLICA_MISSING if one does not answer, whatever it
  // signed, and is not among `without`, by name. Also SIGNATURES_NOT_ENOUGH, SIGNATURE_INVALID (a line that a replica
  // did not sign), LOG_UNAVAILABLE, CHAIN_BROKEN (there is a newer generation), QUEUE_FULL (another start waits), and
  // errors as above. `done` at once or from a later Step.
  void StartGeneration(const std::string& agreement, std::vector<std::string> without,
                       std::function<void(absl::StatusOr<GenerationProposal>)> done);

  // Orders nothing more, and answers everyone who waits: the process ends.
  void Close();

  std::shared_ptr<const RegistryView> View() const;
  RegistryStatus Status();
  // Not ok once the store or the log has failed: this run is over, and a new one may be begun in the same process.
  // STORE_FAILED: a start helps when the disk takes writes again. LOG_TRIMMED: this replica is so far behind that only
  // a sibling's snapshot brings it back. LOG_DIVERGED turns into that one, or into LOG_BEGUN_ANEW, when the log goes on
  // again: then a start is enough. STORE_CORRUPT waits for a person.
  const absl::Status& failure() const { return failure_; }
  // Why this replica speaks no more; empty while it does.
  const std::string& quarantine() const { return quarantine_; }
  const log::LogPosition& applied() const { return applied_; }
  rules::SignatureVerifier& verifier() { return verifier_; }
  const RegistryOptions& options() const { return options_; }

 private:
  enum class BookState { kOrdering, kRecovering, kDiverged };
  struct OwnBook {
    BookId id;
    BookState state = BookState::kRecovering;
    uint64_t signed_size = 0;  // from the signer's record
    uint64_t record_size = 0;  // the same, as it was at start
    uint64_t opened_size = 0;  // of the store's copy of the book, at start
    uint64_t known_size = 0;   // the largest that its partner's mirror said
    uint64_t recovered_entries = 0;
    bool record_present = false;
    bool answered = false;  // a partner has said how much it has
    bool genesis_pending = false;
    bool tick_pending = false;
    uint32_t tick_limit = UINT32_MAX;  // deadlines in the next tick; fewer after one that was too large
    uint64_t tick_not_before_us = 0;
    uint64_t next_state_root_us = 0;
    bool begun = false;  // it has entries
    // The earliest deadline in its state, as it was after that batch.
    absl::optional<BookTime> deadline;
    uint64_t deadline_at_index = UINT64_MAX;
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
  // A partner's file that was taken, and is to be cosigned by siblings too.
  struct FileWaiter {
    std::string registry;
    uint64_t size = 0;
    uint64_t give_up_us = 0;
    std::function<void(absl::StatusOr<std::string>)> done;
  };
  // A batch on its way into the log: it may be in, come in, or have lost its slot.
  struct Appending {
    log::Batch batch;
    std::string record;
    std::vector<ClientItem> clients;
    std::vector<v1::LogItem> kept_items;  // what nobody would ask for again: statements
    uint64_t began_us = 0;
    bool unknown = false;  // it is to be asked for
    uint64_t ask_not_before_us = 0;
  };
  // A batch in the log, to be applied.
  struct Ordered {
    log::Batch batch;
    std::vector<ClientItem> clients;  // empty: another replica's
  };
  struct Forwarded {
    ClientItem item;
    bool in_flight = false;
    std::string to;  // the replica that was asked last
    uint64_t not_before_us = 0;
    uint64_t give_up_us = 0;
    absl::optional<SubmitOutcome> outcome;  // answered; shown once its batch is applied here
  };
  // A statement that was handed in here.
  struct HandedIn {
    v1::SystemItem item;
    std::function<void(absl::Status)> done;
    uint64_t give_up_us = 0;
    uint64_t not_before_us = 0;
    bool queued = false;     // in this replica's queue, or in its batch
    bool in_flight = false;  // another replica was asked
    bool told = false;       // another replica may have it: only the log says whether it is recorded
    bool recorded = false;   // another replica said that it is
  };
  struct Sibling {
    std::string name;
    bool in_flight = false;
    bool push = false;  // something new to tell
    uint64_t next_us = 0;
    uint64_t first_failure_us = 0;  // of the failures since it was last heard; 0: none
    bool reachable = false;
    replica_v1::ReplicaState state;
    int64_t clock_skew_us = 0;
    std::string last_error;
  };
  // What replicas say of the trees of one own book.
  struct Signatures {
    std::map<uint64_t, std::vector<book::NoteSignature>> lines;          // by size, of this tree's root
    std::map<uint64_t, std::map<Digest, std::set<std::string>>> others;  // by size, other roots and who signed them
    std::map<std::pair<uint64_t, std::string>, std::string> early;       // by size and sibling: notes beyond this tree
    uint64_t own_size = 0;                                               // this replica's newest line in `lines`
  };
  // The sizes of the books after a batch after which every replica signs.
  struct Mark {
    uint64_t index = 0;
    std::map<std::string, uint64_t> sizes;
  };
  // What siblings cosigned of a partner's book at one checkpoint.
  struct CosignRound {
    uint64_t size = 0;
    std::string note;  // the partner's checkpoint
    std::vector<book::NoteSignature> lines;
  };
  // What this registry owes to the common book, until the book says it (registry_alarm.cc).
  struct Alarm {
    absl::optional<std::string> command;  // as it is in the store
    bool pending = false;                 // queued or ordered
    uint64_t not_before_us = 0;
    int refusals = 0;
    uint64_t said_to = 0;  // of LATE_STAMPED: the last size that the book spoke of in this run
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
    uint64_t scanned_to = 0;            // entries before it trigger no import
    bool import_scan = true;            // its book, or what was imported of it, may have changed since it was looked at
    // Most entries of the next import, 0: the limit. Halved when an import changes too much at once.
    uint64_t import_entries = 0;
    uint64_t last_import_entries = 0;
    uint64_t cosign_sent = 0;  // size of the peer's book that it knows we cosigned
    uint64_t peer_checkpoint_size = 0;
    uint64_t offsite_sent = 0;
    uint64_t offsite_base = 0;  // the same, as it was at start: what lies behind it is asked for in a recovery
    uint64_t offsite_in_flight = 0;
    bool offsite_answered = false;
    uint64_t refused_messages = 0;
    int64_t clock_skew_us = 0;
    bool unsupported = false;
    std::string last_error;
    CosignRound round;
    uint64_t next_offer_us = 0;  // of the newest page to siblings that may have missed it
    Alarm halt;
    Alarm late;
  };

  explicit RegistryCore(RegistryOptions options, Dependencies dependencies);

  // registry_core.cc: opening, what is due
  absl::Status Start();
  absl::Status OpenBooks();
  absl::Status OpenBook(const BookId& book);
  absl::Status BeginBook(OwnBook& book);
  absl::Status Replay();
  void Fail(absl::Status status);
  // What somebody asked for could not be written or read: after the first, nothing more is written in this run; where
  // siblings have what can't be read, this replica makes room for them.
  void NoticeDamage(const absl::Status& status);
  ClockGuard::Reading ReadClock() const;
  bool QueueSystem(const std::string& partnership, book::LeafKind kind, std::string command);
  void QueueGenesis();
  void QueueDueTicks();
  void QueueStateRoots();
  void QueueDue();
  bool CanOrder(const std::string& partnership) const;
  bool MayOrder(const v1::LogItem& item) const;
  BookTime NewestStamp() const;
  uint64_t BookSize(const BookId& book) const;

  // registry_log.cc: ordering, following
  bool Shared() const { return dependencies_.hint != nullptr; }
  bool Sequencing() const;
  void RunLog(std::function<void()> work, std::function<void()> done);
  bool OrderBatch();
  v1::LogBatch TakeBatch(Appending* appending, size_t* bytes);
  void SendAppend();
  void OnAppended(const absl::Status& status);
  bool AskForSlot();
  void OnSlot(absl::StatusOr<std::vector<log::Batch>> found);
  void CommitAppend();
  void LoseSlot();
  void DropDerived();
  bool Follow();
  void OnFollowed(absl::StatusOr<std::vector<log::Batch>> batches);

  // registry_apply.cc: applying, how much of the log there is
  bool ApplyOrdered();
  absl::Status ApplyBatch(const log::Batch& batch, std::vector<ClientItem> clients);
  absl::StatusOr<AppliedBatch> ExecuteBatch(const log::Batch& batch, const v1::LogBatch& body);
  absl::Status SealOffsite(const log::Batch& batch, AppliedBatch* applied);
  void OnSystemApplied(const v1::SystemItem& system, const absl::Status& error);
  bool Drained() const { return !appending_.has_value() && ordered_.empty(); }
  void CountLogBytes(const log::Batch& batch);
  void RememberMark();
  void ForgetCoveredMarks();
  uint64_t LogWaitingBytes() const;
  uint64_t LogKeptBytes() const;
  bool TrimLog();

  // registry_submit.cc: requests, answers, waiting
  void Answer(ClientItem client, const ItemResult& result, uint64_t offsite_position);
  SubmitOutcome ToOutcome(const v1::RequestOutcome& outcome, bool replayed) const;
  static v1::RequestOutcome ToProto(const SubmitOutcome& outcome);
  bool WaiterSatisfied(const Waiter& waiter) const;
  bool ServeWaiters();
  absl::Status CheckSubmit(absl::string_view signed_bundle, absl::optional<v1::RequestOutcome>* earlier);
  void OrderLater(ClientItem item);

  // registry_sign.cc: checkpoints and cosignatures
  bool SignDue();
  absl::StatusOr<book::KeySet> OwnKeys(const BookId& book, uint64_t size) const;
  void AddLine(const BookId& book, uint64_t size, const book::NoteSignature& line);
  absl::Status CompleteCheckpoint(const BookId& book, uint64_t size);
  bool HasKey(const v1::KeySetData& keys) const;
  absl::Status CheckReplicaKey(const BookId& book) const;
  bool MaySignWithThisKey(const BookId& book, uint64_t size) const;
  absl::Status SignBook(OwnBook& book, uint64_t size, const Digest& root);
  absl::StatusOr<std::string> CosignMirror(Partner& partner);
  absl::Status CompleteCosignature(Partner& partner);
  absl::StatusOr<uint64_t> TakeCosignature(const std::string& peer_registry, const std::string& book_name,
                                           const std::string& note);
  std::string KeyName() const;

  // registry_peers.cc: answering partners
  // REPLICA_QUARANTINED, STORE_FAILED: neither over the link nor through files.
  absl::Status CheckMaySpeak() const;
  absl::StatusOr<std::string> ServeEntries(Partner& partner, const std::string& request);
  absl::StatusOr<std::string> ServeMirror(const Partner& partner, const std::string& request);
  absl::StatusOr<std::string> KeepOffsite(const Partner& partner, const std::string& request);
  absl::Status KeepBlob(const Partner& partner, const mirror_v1::OffsiteBlob& blob, store::WriteBatch* writes,
                        uint64_t* kept) const;
  absl::StatusOr<std::string> ServeOffsite(const Partner& partner, const std::string& request);
  absl::StatusOr<mirror_v1::ReadEntriesResponse> PageOf(const BookId& book, uint64_t from, uint64_t limit) const;
  Partner* FindPartner(const std::string& registry);
  absl::StatusOr<absl::optional<std::string>> CosignatureFile(const Partner& partner, uint64_t size) const;
  bool ServeFileWaiters();

  // registry_replicas.cc: siblings
  bool ServeSiblings();
  void CallSibling(const std::string& name, PeerTransport::Method method, std::string request,
                   PeerTransport::Done done);
  void ExchangeWith(Sibling& sibling);
  replica_v1::ReplicaState OwnState() const;
  void TakeState(Sibling& sibling, const replica_v1::ReplicaState& state);
  absl::Status TakeNote(const std::string& sibling, const std::string& note);
  absl::Status TakeOwnCosignature(Partner& partner, uint64_t size, const book::Note& note,
                                  const book::Checkpoint& checkpoint);
  bool BringsNews(const BookId& book, const book::Note& note, uint64_t size) const;
  absl::Status TakeLines(const std::string& sibling, OwnBook& book, const book::Note& note,
                         const book::Checkpoint& checkpoint);
  void ConfirmBook(const replica_v1::BookState& theirs);
  void CompareBooks();
  bool SiblingIsAhead() const;
  bool SiblingKeepsTime() const;
  void RetakeEarlyNotes();
  void Quarantine(std::string detail);
  void KeepHint();

  // registry_forward.cc: what is handed on to the replica that orders
  std::string WhoOrders() const;
  size_t ForwardedBytes() const;
  bool ServeForwards();
  void Forward(uint64_t id);
  void OnForwarded(uint64_t id, absl::StatusOr<std::string> response);
  void AnswerForward(const std::string& request, PeerTransport::Done done);

  // registry_statement.cc: statements on their way into the record
  static bool IsStatement(const v1::LogItem& item);
  uint64_t AddStatement(v1::SystemItem item, std::function<void(absl::Status)> done);
  void AnswerHandedIn(uint64_t id, const absl::Status& status);
  void OnStatementApplied(const v1::SystemItem& system, const absl::Status& error);
  void ServeStatement(uint64_t id);
  void OnStatementForwarded(uint64_t id, const absl::Status& status);
  bool PassOnStatements();
  bool ServeStatements();
  void AnswerStatement(const std::string& request, PeerTransport::Done done);

  // registry_handover.cc: what siblings keep and do for each other
  absl::StatusOr<std::string> AnswerCosignPage(const std::string& request);
  absl::StatusOr<std::string> AnswerKeepVaultKeys(const std::string& request);
  absl::StatusOr<std::string> AnswerReadVaultKeys(const std::string& request);
  void ShareVaultKeys(const std::vector<std::pair<std::string, std::string>>& keys,
                      std::function<void(absl::Status)> done);
  bool PullVaultKeys();
  absl::Status TakeVaultKeys(absl::StatusOr<std::string> response);
  void AskForCosignatures(Partner& partner, const mirror_v1::ReadEntriesResponse& page);
  void AskOneForCosignature(const std::string& sibling, const std::string& registry,
                            const mirror_v1::ReadEntriesResponse& page);
  void OnCosignPage(const std::string& sibling, const std::string& registry, uint64_t sent_from,
                    absl::StatusOr<std::string> response);
  size_t Majority() const;

  // registry_generation.cc: a log that begins anew
  absl::Status MayChangeGeneration() const;
  absl::Status CheckProposal(const GenerationProposal& proposal) const;
  absl::StatusOr<GenerationProposal> CheckAgreement(const std::string& agreement) const;
  void WriteGeneration(const GenerationProposal& proposal,
                       std::function<void(absl::StatusOr<GenerationProposal>)> done);
  bool LookAtLogAgain();

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

  // registry_alarm.cc: what a partner's page obliges this registry to say
  absl::Status LoadAlarms();
  static void PutAlarm(Partner& partner, book::LeafKind kind, std::string command, store::WriteBatch* writes);
  static void OweLateStamped(Partner& partner, v1::LateStamped late, store::WriteBatch* writes);
  void QueueAlarms();
  static bool IsSaidBy(const Alarm& alarm, const v1::SystemItem& system);
  void ForgetAlarms(const v1::SystemItem& system, store::WriteBatch* writes) const;
  void OnAlarmApplied(Partner& partner, const v1::SystemItem& system, const absl::Status& error);

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
  // Bundles whose data keys siblings are being asked to keep: they count as queued.
  size_t sharing_bundles_ = 0;
  size_t sharing_bytes_ = 0;
  std::deque<v1::LogItem> system_queue_;
  std::deque<Waiter> waiters_;
  std::list<FileWaiter> file_waiters_;
  log::LogPosition applied_;
  log::LogPosition tail_;       // the last batch that is known to be in the log: applied_, or the last of ordered_
  uint64_t durable_index_ = 0;  // what a crash leaves of the store
  bool at_mark_ = true;         // the last batch applied was one after which every replica signs
  absl::optional<Appending> appending_;
  std::deque<Ordered> ordered_;
  bool log_busy_ = false;
  bool log_checked_ = false;  // the log goes on from what this replica has
  bool caught_up_ = false;
  bool doorbell_ = false;
  bool hold_ordering_ = false;  // a state root is due: first what is on its way is applied
  uint64_t next_follow_us_ = 0;
  uint64_t last_mark_us_ = 0;
  uint64_t diverged_since_us_ = 0;
  uint64_t next_log_check_us_ = 0;
  std::function<void()> when_log_is_free_;  // one start of a generation that waits; null: none
  std::string log_error_;
  // How much of the log there is: bytes up to an index, for some indexes.
  std::deque<std::pair<uint64_t, uint64_t>> log_bytes_;
  uint64_t log_bytes_total_ = 0;
  std::deque<Mark> marks_;  // those that no checkpoint of k replicas covers yet
  uint64_t checkpointed_index_ = 0;
  uint64_t trimmed_below_ = 0;
  std::map<std::string, Sibling> siblings_;       // by name
  std::map<std::string, Signatures> signatures_;  // by partnership, "home" too
  std::map<uint64_t, Forwarded> forwards_;
  uint64_t next_forward_ = 1;
  std::map<uint64_t, HandedIn> statements_;
  uint64_t next_statement_ = 1;
  uint64_t next_hint_us_ = 0;
  // Data keys that siblings have and this replica may have missed: one page after the other, of one sibling at a time.
  struct VaultPull {
    std::set<std::string> from;  // who is to be asked
    std::string sibling;         // who is being asked, and how far it is
    std::string after_subject;
    bool in_flight = false;
    uint64_t not_before_us = 0;
    uint64_t next_of_all_us = 0;
  };
  VaultPull vault_pull_;
  std::string quarantine_;
  uint64_t newest_offsite_position_ = 0;
  uint64_t offsite_acknowledged_ = 0;
  // What SignDue has seen to: the batch, and how many books could sign.
  uint64_t signed_at_index_ = UINT64_MAX;
  size_t signing_books_ = 0;
  bool new_generation_ = false;    // the next batch opens a new generation
  uint64_t generation_floor_ = 0;  // above all generations whose copies the off-site sinks keep
  size_t recovered_queued_ = 0;    // recovered tails in the queue: only when they are ordered, more is asked for
  std::set<std::string> warnings_;
  absl::Status failure_;
};

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_REGISTRY_CORE_H_
