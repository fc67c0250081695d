#include "ledger/registry/registry_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/seal.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/state_roots.h"

namespace jcm::registry {
namespace {

constexpr uint32_t kTickDeadlinesMax = 100;
constexpr size_t kReplayBytes = 4u << 20;
constexpr uint64_t kStateRootAfterStartMicros = 600'000'000;
}  // namespace

RegistryCore::RegistryCore(RegistryOptions options, Dependencies dependencies)
    : options_(std::move(options)), dependencies_(std::move(dependencies)) {}

absl::StatusOr<std::unique_ptr<RegistryCore>> RegistryCore::Open(RegistryOptions options, Dependencies dependencies) {
  std::unique_ptr<RegistryCore> core(new RegistryCore(std::move(options), std::move(dependencies)));
  JCM_RETURN_IF_ERROR(core->Start());
  return core;
}

absl::Status RegistryCore::Start() {
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> bytes, dependencies_.store->Get(store::Family::kMeta, kAppliedKey));
  if (bytes.has_value()) {
    v1::AppliedPosition position;
    if (!position.ParseFromString(*bytes) || position.hash().size() != sizeof(Digest)) {
      return Error(Reason::STORE_CORRUPT, "applied position");
    }
    applied_.generation = position.generation();
    applied_.index = position.index();
    applied_.time = BookTime::FromMicros(position.time_us());
    std::copy(position.hash().begin(), position.hash().end(), applied_.hash.begin());
    at_mark_ = !position.unmarked();
  }
  tail_ = applied_;
  durable_index_ = checkpointed_index_ = trimmed_below_ = applied_.index;
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> quarantine,
                       dependencies_.store->Get(store::Family::kMeta, kQuarantineKey));
  quarantine_ = quarantine.value_or("");
  for (const std::string& name : options_.siblings) siblings_[name].name = name;
  for (const PartnershipOptions& partnership : options_.partnerships) {
    Partner partner;
    partner.partnership = partnership.partnership;
    partner.registry = partnership.peer_registry;
    JCM_ASSIGN_OR_RETURN(absl::optional<std::string> acknowledged,
                         dependencies_.store->Get(store::Family::kMeta, OffsiteAcknowledgedKey(partner.registry)));
    if (acknowledged.has_value() && acknowledged->size() == 8) {
      partner.offsite_sent = partner.offsite_base = state::FromSortableNumber(*acknowledged);
      offsite_acknowledged_ = std::max(offsite_acknowledged_, partner.offsite_sent);
    }
    partners_[partner.registry] = partner;
  }
  JCM_RETURN_IF_ERROR(LoadAlarms());
  if (!Shared()) {
    JCM_RETURN_IF_ERROR(log::CheckContinues(*dependencies_.log, applied_));
    JCM_RETURN_IF_ERROR(Replay());
    log_checked_ = caught_up_ = true;
  }
  std::unique_ptr<store::Iterator> it =
      dependencies_.store->NewIterator(store::Family::kOffsite, "out/", AfterPrefix("out/"));
  it->SeekToLast();
  if (it->Valid()) newest_offsite_position_ = state::FromSortableNumber(it->key().substr(4));
  it.reset();

  absl::optional<BookTime> last_batch;
  if (applied_.index > 0) last_batch = applied_.time;
  guard_ = std::make_unique<ClockGuard>(ReadClock(), last_batch);
  if (caught_up_) return OpenBooks();
  // What the log has beyond this store decides how the books stand; until it was reached they wait.
  books_[kHome].id = {options_.registry, kHome};
  for (const PartnershipOptions& partnership : options_.partnerships) {
    books_[partnership.partnership].id = {options_.registry, partnership.partnership};
  }
  return absl::OkStatus();
}

absl::Status RegistryCore::OpenBooks() {
  JCM_RETURN_IF_ERROR(OpenBook({options_.registry, kHome}));
  for (const PartnershipOptions& partnership : options_.partnerships) {
    JCM_RETURN_IF_ERROR(OpenBook({options_.registry, partnership.partnership}));
  }
  for (const auto& book : books_) JCM_RETURN_IF_ERROR(CheckReplicaKey(book.second.id));
  if (applied_.index > 0) guard_->OnBatchApplied(std::max(applied_.time, NewestStamp()));
  return absl::OkStatus();
}

absl::Status RegistryCore::CheckReplicaKey(const BookId& id) const {
  StoreState state(*dependencies_.store, id);
  JCM_ASSIGN_OR_RETURN(absl::optional<v1::BookRecord> record, state.Get<v1::BookRecord>(v1::TABLE_BOOK, "book"));
  if (!record.has_value()) return absl::OkStatus();  // the book has not begun, or its tail is to be recovered
  // One of the two newest sets: around a change of keys the node may already, or still, run with the other one.
  if (HasKey(record->keys()) || HasKey(record->previous_keys())) return absl::OkStatus();
  return Error(Reason::KEY_FILE_INVALID,
               absl::StrCat("the replica's key ", KeyName(), " is not among the keys of ", id.ToString()));
}

absl::Status RegistryCore::OpenBook(const BookId& id) {
  OwnBook book;
  book.id = id;
  // Soon after a start, so that a node that is restarted often states its root too.
  book.next_state_root_us =
      dependencies_.clock->MonotonicMicros() + std::min(options_.state_root_interval_us, kStateRootAfterStartMicros);
  const uint64_t size = book.opened_size = BookSize(id);
  JCM_ASSIGN_OR_RETURN(store::SignerRecord::Loaded record, dependencies_.signer_record->Load(id));
  const bool restored = options_.marked_restored || dependencies_.store->restored();
  if (record.condition == store::SignerRecord::Condition::PRESENT) {
    book.record_present = true;
    book.signed_size = book.record_size = record.tree.size;
    if (record.tree.size <= size && !restored) {
      Digest root = book::EmptyRoot();
      if (record.tree.size > 0) {
        JCM_ASSIGN_OR_RETURN(root, View()->Root(id, record.tree.size));
      }
      const bool same = record.tree.size == 0 || root == record.tree.root;
      book.state = same ? BookState::kOrdering : BookState::kDiverged;
      if (!same) {
        const std::string detail =
            absl::StrCat("INTERNAL: the store of ", id.ToString(), " contradicts what was signed");
        warnings_.insert(detail);
        if (!siblings_.empty()) Quarantine(detail);
      }
    }
  } else if (record.condition == store::SignerRecord::Condition::MISSING && size == 0 && options_.create_books &&
             !restored) {
    book.state = BookState::kOrdering;
  }
  OwnBook& opened = books_[id.partnership] = book;
  return book.state == BookState::kOrdering && size == 0 ? BeginBook(opened) : absl::OkStatus();
}

absl::Status RegistryCore::BeginBook(OwnBook& book) {
  if (!book.record_present) {
    const store::SignedTree none{0, book::EmptyRoot(), dependencies_.clock->Now()};
    JCM_RETURN_IF_ERROR(dependencies_.signer_record->Establish(book.id, none));
    book.record_present = true;
  }
  book.state = BookState::kOrdering;
  return absl::OkStatus();
}

void RegistryCore::QueueGenesis() {
  for (auto& entry : books_) {
    OwnBook& book = entry.second;
    if (book.state != BookState::kOrdering || book.genesis_pending || book.begun) continue;
    absl::StatusOr<v1::BookHead> head = ReadHead(*dependencies_.store, book.id);
    if (!head.ok()) return Fail(head.status());
    book.begun = head->size() > 0;
    if (book.begun) continue;
    v1::Genesis genesis = options_.genesis;
    genesis.set_format(1);
    genesis.set_origin(book::OriginOf(options_.domain, book.id));
    genesis.set_rules_version(rules::kRulesVersion);
    genesis.set_demonstration(options_.demonstration);
    if (!book.id.is_home()) genesis.clear_persons();
    book.genesis_pending = QueueSystem(book.id.partnership, book::LeafKind::GENESIS, state::Serialise(genesis));
  }
}

absl::Status RegistryCore::Replay() {
  while (true) {
    JCM_ASSIGN_OR_RETURN(std::vector<log::Batch> batches,
                         dependencies_.log->Read(applied_.index + 1, log::kToTail, kReplayBytes));
    if (batches.empty()) return absl::OkStatus();
    for (const log::Batch& batch : batches) JCM_RETURN_IF_ERROR(ApplyBatch(batch, {}));
  }
}

void RegistryCore::Close() {
  Fail(Error(Reason::STORE_FAILED, "the node is stopping"));
  std::deque<Waiter> waiting = std::move(waiters_);
  waiters_.clear();
  // Recorded, but not known to be cosigned: whoever asks again is told.
  for (Waiter& waiter : waiting) waiter.done(Error(Reason::COSIGN_TIMEOUT, "the node is stopping"));
  ServeFileWaiters();
}

ClockGuard::Reading RegistryCore::ReadClock() const {
  return {dependencies_.clock->Now(), dependencies_.clock->MonotonicMicros()};
}

uint64_t RegistryCore::BookSize(const BookId& book) const {
  absl::StatusOr<v1::BookHead> head = ReadHead(*dependencies_.store, book);
  return head.ok() ? head->size() : 0;
}

void RegistryCore::Fail(absl::Status status) {
  if (failure_.ok()) failure_ = std::move(status);
  warnings_.insert(absl::StrCat("STOPPED: ", ToText(failure_)));
  // Nothing of this is in the log, and nothing more will be.
  std::deque<ClientItem> unordered = std::move(client_queue_);
  client_queue_.clear();
  client_queue_bytes_ = 0;
  for (ClientItem& client : unordered) client.done(Error(Reason::STORE_FAILED, failure_.message()));
  // This may be: whoever asks again is told.
  std::vector<ClientItem> unknown;
  if (appending_.has_value()) unknown = std::move(appending_->clients);
  appending_.reset();
  for (Ordered& ordered : ordered_) {
    for (ClientItem& client : ordered.clients) unknown.push_back(std::move(client));
  }
  ordered_.clear();
  for (auto& forward : forwards_) unknown.push_back(std::move(forward.second.item));
  forwards_.clear();
  for (ClientItem& client : unknown) client.done(Error(Reason::APPEND_UNKNOWN, failure_.message()));
  while (!statements_.empty()) {
    AnswerHandedIn(statements_.begin()->first, Error(Reason::APPEND_UNKNOWN, failure_.message()));
  }
}

void RegistryCore::NoticeDamage(const absl::Status& status) {
  if (HasReason(status, Reason::STORE_FAILED) || (!siblings_.empty() && HasReason(status, Reason::STORE_CORRUPT))) {
    Fail(status);
  }
}

bool RegistryCore::CanOrder(const std::string& partnership) const {
  auto it = books_.find(partnership);
  return it != books_.end() && it->second.state == BookState::kOrdering;
}

bool RegistryCore::MayOrder(const v1::LogItem& item) const {
  if (item.has_recovered()) return Recovering(item.recovered().partnership());
  const auto kind = static_cast<book::LeafKind>(item.system().kind());
  return CanOrder(item.system().partnership()) ||
         (kind == book::LeafKind::RESUME_ALONE && Recovering(item.system().partnership()));
}

bool RegistryCore::QueueSystem(const std::string& partnership, book::LeafKind kind, std::string command) {
  v1::LogItem item;
  item.mutable_system()->set_partnership(partnership);
  item.mutable_system()->set_kind(static_cast<uint32_t>(kind));
  item.mutable_system()->set_command(std::move(command));
  // Whoever asked asks again at a later step; a book whose tail is not back, or that contradicts itself, takes nothing.
  if (system_queue_.size() >= options_.limits.system_queue_items || !MayOrder(item) || !Sequencing()) return false;
  if (item.ByteSizeLong() > log::kBatchCommandsMaxBytes) return false;
  system_queue_.push_back(std::move(item));
  return true;
}

void RegistryCore::QueueDueTicks() {
  const BookTime now = std::max(dependencies_.clock->Now(), applied_.time);
  for (auto& entry : books_) {
    OwnBook& book = entry.second;
    if (book.tick_pending || book.state != BookState::kOrdering || book.id.is_home() || !book.begun) continue;
    if (book.deadline_at_index != applied_.index) {
      StoreState state(*dependencies_.store, book.id);
      absl::StatusOr<absl::optional<BookTime>> due = rules::EarliestDeadline(state);
      if (!due.ok()) return Fail(due.status());
      book.deadline = *due;
      book.deadline_at_index = applied_.index;
    }
    if (!book.deadline.has_value() || now < *book.deadline) continue;
    if (dependencies_.clock->MonotonicMicros() < book.tick_not_before_us) continue;
    v1::Tick tick;
    tick.set_limit(std::min(book.tick_limit, kTickDeadlinesMax));
    book.tick_pending = QueueSystem(book.id.partnership, book::LeafKind::TICK, state::Serialise(tick));
  }
}

void RegistryCore::QueueStateRoots() {
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  const bool due = std::any_of(books_.begin(), books_.end(), [&](const auto& entry) {
    return now >= entry.second.next_state_root_us && entry.second.state == BookState::kOrdering &&
           BookSize(entry.second.id) > 0;
  });
  // A root is of all that is in the log: what is on its way is applied first.
  hold_ordering_ = due && !Drained();
  if (!due || hold_ordering_) return;
  for (auto& entry : books_) {
    OwnBook& book = entry.second;
    const uint64_t size = BookSize(book.id);
    if (now < book.next_state_root_us || book.state != BookState::kOrdering || size == 0) continue;
    book.next_state_root_us = now + options_.state_root_interval_us;
    absl::StatusOr<StateRootValue> value = ComputeStateRoot(StoreState(*dependencies_.store, book.id));
    absl::StatusOr<BookInfo> home = View()->Info({options_.registry, kHome});
    if (!value.ok() || !home.ok()) continue;
    v1::StateRoot root;
    root.set_size(size);
    root.set_root(std::string(AsBytes(value->root)));
    root.set_record_count(value->record_count);
    root.set_home_size(home->size);
    root.set_home_root(std::string(AsBytes(home->root)));
    // Ahead of everything else: it is the next entry of its book, so that a mirror can check it at that very place.
    if (!QueueSystem(book.id.partnership, book::LeafKind::STATE_ROOT, state::Serialise(root))) continue;
    std::rotate(system_queue_.begin(), system_queue_.end() - 1, system_queue_.end());
  }
}

void RegistryCore::QueueDue() {
  if (!Sequencing()) {
    hold_ordering_ = false;
    return;
  }
  QueueGenesis();
  QueueAlarms();
  QueueDueTicks();
  QueueStateRoots();
}

bool RegistryCore::Step() {
  if (!failure_.ok()) return LookAtLogAgain() || ServeWaiters() || ServeFileWaiters();
  guard_->Observe(ReadClock());
  KeepHint();
  bool worked = Follow();
  QueueDue();
  worked = QueueImports() || worked;
  if (!failure_.ok()) return true;
  // Before anything is ordered: while clients wait, the log is busy from one append to the next, and a log that is
  // never trimmed fills its servers.
  worked = TrimLog() || worked;
  worked = OrderBatch() || worked;
  worked = ApplyOrdered() || worked;
  if (!failure_.ok()) return true;
  worked = SignDue() || worked;
  worked = ServeSiblings() || worked;
  worked = ServeForwards() || worked;
  worked = ServeStatements() || worked;
  worked = PullVaultKeys() || worked;
  worked = ServeWaiters() || worked;
  worked = ServeFileWaiters() || worked;
  worked = PollPartners() || worked;
  return worked;
}

BookTime RegistryCore::NewestStamp() const {
  // Entries that were recovered may be stamped later than the batch that brought them back.
  BookTime newest;
  for (const auto& entry : books_) {
    absl::StatusOr<v1::BookHead> head = ReadHead(*dependencies_.store, entry.second.id);
    if (head.ok()) newest = std::max(newest, BookTime::FromMicros(head->last_time_us()));
  }
  return newest;
}

std::shared_ptr<const RegistryView> RegistryCore::View() const {
  return std::make_shared<RegistryView>(std::shared_ptr<const store::ReadView>(dependencies_.store->Snapshot()));
}

}  // namespace jcm::registry
