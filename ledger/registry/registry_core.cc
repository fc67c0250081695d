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
// A piece of an off-site copy is closed above this; its last part may take it further, but never above 1 MiB.
constexpr size_t kOffsitePieceBytes = 384u * 1024;

// The copy in pieces that a sink takes, in their order; none if there is nothing to keep.
std::vector<v1::OffsiteBatch> OffsitePieces(const v1::OffsiteBatch& whole) {
  std::vector<v1::OffsiteBatch> pieces;
  size_t bytes = 0;
  const auto next = [&](size_t part_bytes) -> v1::OffsiteBatch* {
    if (pieces.empty() || bytes > kOffsitePieceBytes) {
      pieces.emplace_back();
      pieces.back().set_log_index(whole.log_index());
      bytes = 0;
    }
    bytes += part_bytes;
    return &pieces.back();
  };
  // Keys first: nothing that they open is ever abroad without them.
  for (const auto& key : whole.vault_keys()) *next(key.ByteSizeLong())->add_vault_keys() = key;
  for (const auto& entry : whole.home_entries()) *next(entry.ByteSizeLong())->add_home_entries() = entry;
  for (const auto& outcome : whole.outcomes()) *next(outcome.ByteSizeLong())->add_outcomes() = outcome;
  for (const auto& copy : whole.attachments()) *next(copy.ByteSizeLong())->add_attachments() = copy;
  return pieces;
}

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
  }
  for (const PartnershipOptions& partnership : options_.partnerships) {
    Partner partner;
    partner.partnership = partnership.partnership;
    partner.registry = partnership.peer_registry;
    JCM_ASSIGN_OR_RETURN(absl::optional<std::string> acknowledged,
                         dependencies_.store->Get(store::Family::kMeta, OffsiteAcknowledgedKey(partner.registry)));
    if (acknowledged.has_value() && acknowledged->size() == 8) {
      partner.offsite_sent = state::FromSortableNumber(*acknowledged);
      offsite_acknowledged_ = std::max(offsite_acknowledged_, partner.offsite_sent);
    }
    partners_[partner.registry] = partner;
  }
  JCM_RETURN_IF_ERROR(log::CheckContinues(*dependencies_.log, applied_));
  JCM_RETURN_IF_ERROR(Replay());
  std::unique_ptr<store::Iterator> it =
      dependencies_.store->NewIterator(store::Family::kOffsite, "out/", AfterPrefix("out/"));
  it->SeekToLast();
  if (it->Valid()) newest_offsite_position_ = state::FromSortableNumber(it->key().substr(4));
  it.reset();

  JCM_RETURN_IF_ERROR(OpenBook({options_.registry, kHome}));
  for (const PartnershipOptions& partnership : options_.partnerships) {
    JCM_RETURN_IF_ERROR(OpenBook({options_.registry, partnership.partnership}));
  }
  for (const auto& book : books_) JCM_RETURN_IF_ERROR(CheckReplicaKey(book.second.id));
  absl::optional<BookTime> last_batch;
  if (applied_.index > 0) last_batch = std::max(applied_.time, NewestStamp());
  guard_ = std::make_unique<ClockGuard>(ReadClock(), last_batch);
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
  const uint64_t size = BookSize(id);
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
      if (!same)
        warnings_.insert(absl::StrCat("INTERNAL: the store of ", id.ToString(), " contradicts what was signed"));
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
  v1::Genesis genesis = options_.genesis;
  genesis.set_format(1);
  genesis.set_origin(book::OriginOf(options_.domain, book.id));
  genesis.set_rules_version(rules::kRulesVersion);
  genesis.set_demonstration(options_.demonstration);
  if (!book.id.is_home()) genesis.clear_persons();
  if (QueueSystem(book.id.partnership, book::LeafKind::GENESIS, state::Serialise(genesis))) return absl::OkStatus();
  return Error(Reason::QUEUE_FULL, "system lane");
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
  if (system_queue_.size() >= options_.limits.system_queue_items || !MayOrder(item)) return false;
  if (item.ByteSizeLong() > log::kBatchCommandsMaxBytes) return false;
  system_queue_.push_back(std::move(item));
  return true;
}

void RegistryCore::QueueDueTicks() {
  const BookTime now = std::max(dependencies_.clock->Now(), applied_.time);
  for (auto& entry : books_) {
    OwnBook& book = entry.second;
    if (book.tick_pending || book.state != BookState::kOrdering || book.id.is_home() || BookSize(book.id) == 0)
      continue;
    StoreState state(*dependencies_.store, book.id);
    absl::StatusOr<absl::optional<BookTime>> due = rules::EarliestDeadline(state);
    if (!due.ok() || !due->has_value() || now < **due) continue;
    if (dependencies_.clock->MonotonicMicros() < book.tick_not_before_us) continue;
    v1::Tick tick;
    tick.set_limit(std::min(book.tick_limit, kTickDeadlinesMax));
    book.tick_pending = QueueSystem(book.id.partnership, book::LeafKind::TICK, state::Serialise(tick));
  }
}

void RegistryCore::QueueStateRoots() {
  const uint64_t now = dependencies_.clock->MonotonicMicros();
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

bool RegistryCore::Step() {
  if (!failure_.ok()) return ServeWaiters();
  guard_->Observe(ReadClock());
  QueueDueTicks();
  QueueStateRoots();
  bool worked = QueueImports();
  worked = OrderBatch() || worked;
  if (!failure_.ok()) return true;
  worked = SignDue() || worked;
  worked = ServeWaiters() || worked;
  worked = PollPartners() || worked;
  return worked;
}

bool RegistryCore::OrderBatch() {
  if (system_queue_.empty() && client_queue_.empty()) return false;
  absl::StatusOr<BookTime> time = guard_->StampBatch(ReadClock());
  if (!time.ok()) {
    // Nothing was ordered, so no request id is used up: clients may try again.
    while (!client_queue_.empty()) {
      client_queue_.front().done(time.status());
      client_queue_.pop_front();
    }
    client_queue_bytes_ = 0;
    return false;
  }
  v1::LogBatch body;
  size_t bytes = 0;
  while (!system_queue_.empty() && static_cast<size_t>(body.items_size()) < options_.limits.batch_commands) {
    const size_t item_bytes = system_queue_.front().ByteSizeLong();
    if (body.items_size() > 0 && bytes + item_bytes > options_.limits.batch_bytes) break;
    // Queued while its book could order, or while it was recovering: that may have ended.
    if (MayOrder(system_queue_.front())) {
      bytes += item_bytes;
      *body.add_items() = std::move(system_queue_.front());
    } else if (system_queue_.front().has_recovered()) {
      --recovered_queued_;
    }
    system_queue_.pop_front();
  }
  const size_t system_items = static_cast<size_t>(body.items_size());
  std::vector<ClientItem> clients;
  while (!client_queue_.empty() && static_cast<size_t>(body.items_size()) < options_.limits.batch_commands) {
    const size_t item_bytes = client_queue_.front().bundle.size();
    if (body.items_size() > 0 && bytes + item_bytes > options_.limits.batch_bytes) break;
    bytes += item_bytes;
    client_queue_bytes_ -= item_bytes;
    body.add_items()->set_bundle(client_queue_.front().bundle);
    clients.push_back(std::move(client_queue_.front()));
    client_queue_.pop_front();
  }
  if (body.items().empty()) return false;
  body.set_checkpoint(true);
  JCM_CHECK(system_items + clients.size() == static_cast<size_t>(body.items_size()));

  const std::string body_bytes = state::Serialise(body);
  if (body_bytes.size() > log::kBatchBodyMaxBytes) {
    // Only a recovered tail can be so large; nothing of it is recorded, and the book goes on waiting.
    warnings_.insert(absl::StrCat("RECOVERY: an entry of ", body_bytes.size(), " bytes does not fit into a batch"));
    for (ClientItem& client : clients) client.done(Error(Reason::BUNDLE_TOO_LARGE));
    return false;
  }
  log::BatchHeader header;
  header.generation = std::max<uint64_t>(applied_.generation, 1) + (new_generation_ ? 1 : 0);
  header.generation = std::max(header.generation, generation_floor_);
  header.index = applied_.index + 1;
  header.previous = applied_.hash;
  header.time = *time;
  const std::string record = log::EncodeBatch(header, body_bytes);
  absl::Status appended = dependencies_.log->Append(header.index, record);
  absl::StatusOr<log::Batch> batch = log::DecodeBatch(record);
  JCM_CHECK(batch.ok());
  if (appended.ok()) {
    new_generation_ = false;
    appended = ApplyBatch(*batch, std::move(clients));
  } else {
    for (ClientItem& client : clients) client.done(Error(Reason::APPEND_UNKNOWN, appended.message()));
  }
  if (!appended.ok()) Fail(appended);
  return true;
}

absl::StatusOr<AppliedBatch> RegistryCore::ExecuteBatch(const log::Batch& batch, const v1::LogBatch& body) {
  Applier applier(options_.registry, *dependencies_.store, verifier_);
  JCM_ASSIGN_OR_RETURN(AppliedBatch applied, applier.Apply(batch));
  JCM_RETURN_IF_ERROR(SealOffsite(batch, &applied));
  // What a statement does beside the book is done before the book says so: after a crash in between, replay does it
  // again.
  for (int i = 0; i < body.items_size(); ++i) {
    const v1::SystemItem& system = body.items(i).system();
    const auto kind = static_cast<book::LeafKind>(system.kind());
    if (!body.items(i).has_system() || !applied.items[static_cast<size_t>(i)].error.ok()) continue;
    if (kind == book::LeafKind::RESUME_ALONE) JCM_RETURN_IF_ERROR(OnResumeAlone(system));
    if (kind == book::LeafKind::RESOLUTION) {
      JCM_RETURN_IF_ERROR(OnResolution(system.partnership(), system.command(), &applied.writes));
    }
  }
  // The log has the batch on disk already; a crash before this write reaches the disk is repaired by replay.
  JCM_RETURN_IF_ERROR(dependencies_.store->Write(applied.writes, store::Sync::kNo));
  return applied;
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

absl::Status RegistryCore::ApplyBatch(const log::Batch& batch, std::vector<ClientItem> clients) {
  v1::LogBatch body;
  if (!body.ParseFromString(batch.body)) return Error(Reason::STORE_CORRUPT, "a log batch cannot be read");
  absl::StatusOr<AppliedBatch> executed = ExecuteBatch(batch, body);
  if (!executed.ok()) {
    // It is in the log, and a restart finds it there: whoever asks again then is told.
    for (ClientItem& item : clients) item.done(Error(Reason::APPEND_UNKNOWN, executed.status().message()));
    return executed.status();
  }
  const AppliedBatch& applied = *executed;
  applied_ = log::PositionOf(batch);
  if (guard_ != nullptr) guard_->OnBatchApplied(std::max(batch.header.time, NewestStamp()));

  const uint64_t position = OffsitePosition(batch.header.generation, batch.header.index);
  size_t client = 0;
  for (int i = 0; i < body.items_size(); ++i) {
    const ItemResult& result = applied.items[static_cast<size_t>(i)];
    if (result.bundle) {
      if (client < clients.size()) Answer(std::move(clients[client++]), result, position);
      continue;
    }
    if (body.items(i).has_recovered()) {
      OnRecoveredApplied(body.items(i).recovered().partnership(), result.error);
    } else {
      OnSystemApplied(body.items(i).system(), result.error);
    }
  }
  return absl::OkStatus();
}

void RegistryCore::OnSystemApplied(const v1::SystemItem& system, const absl::Status& error) {
  const auto kind = static_cast<book::LeafKind>(system.kind());
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  auto book = books_.find(system.partnership());
  if (kind == book::LeafKind::TICK && book != books_.end()) {
    book->second.tick_pending = false;
    // Too much may be due at once for one entry; and what is refused is not asked for again at each step.
    const bool less = !error.ok() && book->second.tick_limit > 1;
    book->second.tick_limit = error.ok() ? kTickDeadlinesMax : std::max(book->second.tick_limit / 2, 1u);
    book->second.tick_not_before_us = error.ok() || less ? 0 : now + options_.poll_interval_max_us;
    if (!error.ok() && !less) warnings_.insert(absl::StrCat("TICK: ", book->second.id.ToString(), ": ", ToText(error)));
  }
  for (auto& entry : partners_) {
    Partner& partner = entry.second;
    if (partner.partnership != system.partnership()) continue;
    if (kind == book::LeafKind::HALT) partner.halt_pending = false;
    if (!error.ok()) partner.last_error = ToText(error);
    if (kind != book::LeafKind::IMPORT) continue;
    partner.import_pending = false;
    const bool too_large = HasReason(error, Reason::BUNDLE_TOO_LARGE);
    const bool less = too_large && partner.last_import_entries > 1;
    partner.import_entries = too_large ? std::max<uint64_t>(partner.last_import_entries / 2, 1) : 0;
    partner.import_not_before_us = error.ok() || less ? 0 : now + options_.poll_interval_max_us;
    // What a partner signed was executed in the mirror, so a refused import means that its bytes and its acts
    // disagree.
    v1::Import import;
    if (!HasReason(error, Reason::IMPOSSIBLE_ACT) || !import.ParseFromString(system.command())) continue;
    v1::Evidence evidence;
    evidence.set_mismatch(v1::MISMATCH_CLASS_INVALID_ACT);
    evidence.set_book(PeerBook(partner).ToString());
    evidence.set_reason(static_cast<uint32_t>(Reason::IMPOSSIBLE_ACT));
    evidence.set_detail(std::string(error.message()));
    evidence.set_sequence(import.from());
    absl::Status halted = OrderHalt(partner, evidence);
    if (!halted.ok()) Fail(halted);
  }
}

absl::Status RegistryCore::SealOffsite(const log::Batch& batch, AppliedBatch* applied) {
  // From the vault and not from the request, so that a replay after a crash seals the same keys.
  std::set<std::string> subjects;
  for (const v1::OffsiteAttachment& copy : applied->offsite.attachments()) {
    v1::SealedAttachment attachment;
    if (attachment.ParseFromString(copy.attachment())) subjects.insert(attachment.subject());
  }
  for (const std::string& subject : subjects) {
    absl::StatusOr<std::string> key = dependencies_.vault->Get(subject);
    if (!key.ok()) continue;  // erased, or sealed with a key that only the client has
    v1::OffsiteVaultKey* copy = applied->offsite.add_vault_keys();
    copy->set_subject(subject);
    copy->set_key(*key);
  }
  const std::vector<v1::OffsiteBatch> pieces = OffsitePieces(applied->offsite);
  if (pieces.empty()) return absl::OkStatus();
  JCM_CHECK(pieces.size() <= kOffsiteBlobsPerBatchMax);
  // The last piece has the batch's own position: what is acknowledged that far is there as a whole.
  const uint64_t last = OffsitePosition(batch.header.generation, batch.header.index);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const uint64_t position = last - (pieces.size() - 1 - i);
    const std::string nonce = dependencies_.random->Bytes(kSealNonceBytes);
    JCM_ASSIGN_OR_RETURN(std::string sealed, Seal(dependencies_.offsite_key, nonce,
                                                  absl::StrCat("jcm-offsite/", options_.registry, "/", position),
                                                  state::Serialise(pieces[i])));
    applied->writes.Put(store::Family::kOffsite, OffsiteOutKey(position), nonce + sealed);
  }
  newest_offsite_position_ = std::max(newest_offsite_position_, last);
  return absl::OkStatus();
}

std::shared_ptr<const RegistryView> RegistryCore::View() const {
  return std::make_shared<RegistryView>(std::shared_ptr<const store::ReadView>(dependencies_.store->Snapshot()));
}

}  // namespace jcm::registry
