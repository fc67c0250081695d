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
  JCM_RETURN_IF_ERROR(log::CheckContinues(*dependencies_.log, applied_));
  JCM_RETURN_IF_ERROR(Replay());
  absl::optional<BookTime> last_batch;
  if (applied_.index > 0) last_batch = applied_.time;
  guard_ = std::make_unique<ClockGuard>(ReadClock(), last_batch);

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
  std::unique_ptr<store::Iterator> it =
      dependencies_.store->NewIterator(store::Family::kOffsite, "out/", AfterPrefix("out/"));
  it->SeekToLast();
  if (it->Valid()) newest_offsite_position_ = state::FromSortableNumber(it->key().substr(4));
  it.reset();

  JCM_RETURN_IF_ERROR(OpenBook({options_.registry, kHome}));
  for (const PartnershipOptions& partnership : options_.partnerships) {
    JCM_RETURN_IF_ERROR(OpenBook({options_.registry, partnership.partnership}));
  }
  return absl::OkStatus();
}

absl::Status RegistryCore::OpenBook(const BookId& id) {
  OwnBook book;
  book.id = id;
  book.next_state_root_us = dependencies_.clock->MonotonicMicros() + options_.state_root_interval_us;
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
    store::SignedTree none;
    none.root = book::EmptyRoot();
    none.signed_at = dependencies_.clock->Now();
    JCM_RETURN_IF_ERROR(dependencies_.signer_record->Establish(id, none));
    book.record_present = true;
    book.state = BookState::kOrdering;
  }
  if (book.state == BookState::kOrdering && size == 0) {
    v1::Genesis genesis = options_.genesis;
    genesis.set_format(1);
    genesis.set_origin(book::OriginOf(options_.domain, id));
    genesis.set_rules_version(rules::kRulesVersion);
    genesis.set_demonstration(options_.demonstration);
    if (!id.is_home()) genesis.clear_persons();
    QueueSystem(id.partnership, book::LeafKind::GENESIS, state::Serialise(genesis));
  }
  books_[id.partnership] = book;
  return absl::OkStatus();
}

absl::Status RegistryCore::Replay() {
  while (true) {
    JCM_ASSIGN_OR_RETURN(std::vector<log::Batch> batches,
                         dependencies_.log->Read(applied_.index + 1, log::kToTail, kReplayBytes));
    if (batches.empty()) return absl::OkStatus();
    for (const log::Batch& batch : batches) JCM_RETURN_IF_ERROR(ApplyBatch(batch, {}));
  }
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
}

bool RegistryCore::CanOrder(const std::string& partnership) const {
  auto it = books_.find(partnership);
  return it != books_.end() && it->second.state == BookState::kOrdering;
}

void RegistryCore::QueueSystem(const std::string& partnership, book::LeafKind kind, std::string command) {
  if (system_queue_.size() >= options_.limits.system_queue_items) return;  // asked for again at a later step
  v1::LogItem item;
  item.mutable_system()->set_partnership(partnership);
  item.mutable_system()->set_kind(static_cast<uint32_t>(kind));
  item.mutable_system()->set_command(std::move(command));
  system_queue_.push_back(std::move(item));
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
    v1::Tick tick;
    tick.set_limit(kTickDeadlinesMax);
    book.tick_pending = true;
    QueueSystem(book.id.partnership, book::LeafKind::TICK, state::Serialise(tick));
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
    QueueSystem(book.id.partnership, book::LeafKind::STATE_ROOT, state::Serialise(root));
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
    bytes += item_bytes;
    *body.add_items() = std::move(system_queue_.front());
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

absl::Status RegistryCore::ApplyBatch(const log::Batch& batch, std::vector<ClientItem> clients) {
  Applier applier(options_.registry, *dependencies_.store, verifier_);
  JCM_ASSIGN_OR_RETURN(AppliedBatch applied, applier.Apply(batch));
  JCM_RETURN_IF_ERROR(SealOffsite(batch, &applied));
  // The log has the batch on disk already; a crash before this write reaches the disk is repaired by replay.
  JCM_RETURN_IF_ERROR(dependencies_.store->Write(applied.writes, store::Sync::kNo));
  applied_ = log::PositionOf(batch);
  if (guard_ != nullptr) guard_->OnBatchApplied(batch.header.time);

  v1::LogBatch body;
  JCM_CHECK(body.ParseFromString(batch.body));
  const uint64_t position = OffsitePosition(batch.header.generation, batch.header.index);
  size_t client = 0;
  for (int i = 0; i < body.items_size(); ++i) {
    const ItemResult& result = applied.items[static_cast<size_t>(i)];
    if (result.bundle) {
      if (client < clients.size()) Answer(std::move(clients[client++]), result, position);
      continue;
    }
    const v1::SystemItem& system = body.items(i).system();
    const auto kind = static_cast<book::LeafKind>(system.kind());
    if (body.items(i).has_recovered()) {
      if (!result.error.ok()) warnings_.insert(absl::StrCat("RECOVERY: ", ToText(result.error)));
      continue;
    }
    auto book = books_.find(system.partnership());
    if (kind == book::LeafKind::RESOLUTION && result.error.ok()) {
      JCM_RETURN_IF_ERROR(OnResolution(system.partnership(), system.command()));
    }
    if (kind == book::LeafKind::TICK && book != books_.end()) book->second.tick_pending = false;
    for (auto& partner : partners_) {
      if (partner.second.partnership != system.partnership()) continue;
      if (kind == book::LeafKind::IMPORT) {
        partner.second.import_pending = false;
        const bool too_large = HasReason(result.error, Reason::BUNDLE_TOO_LARGE);
        partner.second.import_entries = too_large ? std::max<uint64_t>(partner.second.last_import_entries / 2, 1) : 0;
      }
      if (kind == book::LeafKind::HALT) partner.second.halt_pending = false;
      if (!result.error.ok()) partner.second.last_error = ToText(result.error);
      // What a partner signed was executed in the mirror, so a refused import means that its bytes and its acts
      // disagree.
      if (kind == book::LeafKind::IMPORT && HasReason(result.error, Reason::IMPOSSIBLE_ACT)) {
        v1::Evidence evidence;
        evidence.set_mismatch(v1::MISMATCH_CLASS_INVALID_ACT);
        evidence.set_book(PeerBook(partner.second).ToString());
        evidence.set_reason(static_cast<uint32_t>(Reason::IMPOSSIBLE_ACT));
        evidence.set_detail(std::string(result.error.message()));
        evidence.set_sequence(partner.second.scanned_to);
        JCM_RETURN_IF_ERROR(OrderHalt(partner.second, evidence));
      }
    }
  }
  return absl::OkStatus();
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
  const v1::OffsiteBatch& offsite = applied->offsite;
  if (offsite.home_entries().empty() && offsite.outcomes().empty() && offsite.attachments().empty() &&
      offsite.vault_keys().empty()) {
    return absl::OkStatus();
  }
  const uint64_t position = OffsitePosition(batch.header.generation, batch.header.index);
  const std::string nonce = dependencies_.random->Bytes(kSealNonceBytes);
  JCM_ASSIGN_OR_RETURN(std::string sealed,
                       Seal(dependencies_.offsite_key, nonce,
                            absl::StrCat("jcm-offsite/", options_.registry, "/", position), state::Serialise(offsite)));
  applied->writes.Put(store::Family::kOffsite, OffsiteOutKey(position), nonce + sealed);
  newest_offsite_position_ = position;
  return absl::OkStatus();
}

std::shared_ptr<const RegistryView> RegistryCore::View() const {
  return std::make_shared<RegistryView>(std::shared_ptr<const store::ReadView>(dependencies_.store->Snapshot()));
}

}  // namespace jcm::registry
