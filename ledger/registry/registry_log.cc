// The log as the engine drives it: what is queued becomes a batch, the batch gets a slot, and what is in the log is
// applied in its order. While one batch is executed the next one is on its way; never more than one.
//
// On a registry of one node the append is done when the call returns. On several, appends may end in three ways: in,
// lost to another replica's batch, or unknown; unknown is asked for until it is one of the first two.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/seal.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

// While requests are waiting, checkpoints are made at most so often: one covers many batches.
constexpr uint64_t kMarkIntervalBusyMicros = 50'000;
constexpr size_t kFollowBytes = 4u << 20;
constexpr uint64_t kFollowPollMicros = 100'000;
constexpr uint64_t kAskAgainMicros = 50'000;
// Clients whose batch is still unknown after so long are told so; the batch itself is asked for until it is known.
constexpr uint64_t kUnknownAnswerMicros = 5'000'000;
// A log that seems to have lost what was applied may have answered from the past: it is asked again for so long.
constexpr uint64_t kDivergedGraceMicros = 3'000'000;
// So often a replica looks whether the log still has what it applied, though nobody appends anything.
constexpr uint64_t kLogCheckMicros = 1'000'000;
constexpr uint64_t kTrimIntervalBatches = 256;
constexpr uint64_t kLogBytesEvery = 64;
constexpr size_t kMarksMax = 256;
// A piece of an off-site copy is closed above this; its last part may take it further, but never above 1 MiB.
constexpr size_t kOffsitePieceBytes = 384u * 1024;
constexpr uint32_t kTickDeadlinesMax = 100;

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

// Statements are handed in once, by people. Everything else that a sequencer queues follows from what it has applied.
bool IsStatement(const v1::LogItem& item) {
  switch (static_cast<book::LeafKind>(item.system().kind())) {
    case book::LeafKind::KEY_CHANGE:
    case book::LeafKind::RESOLUTION:
    case book::LeafKind::RESUME_ALONE:
    case book::LeafKind::ACCEPT_TIME:
    case book::LeafKind::HOME_RESET:
      return item.has_system();
    default:
      return false;
  }
}

}  // namespace

bool RegistryCore::Sequencing() const {
  if (!Shared()) return true;
  return quarantine_.empty() && caught_up_ && dependencies_.hint->Holder() == options_.replica_name;
}

void RegistryCore::RunLog(std::function<void()> work, std::function<void()> done) {
  JCM_CHECK(!log_busy_);
  if (dependencies_.log_runner == nullptr) {
    work();
    done();
    return;
  }
  log_busy_ = true;
  dependencies_.log_runner->Run(std::move(work), [this, done = std::move(done)] {
    log_busy_ = false;
    done();
  });
}

// ---- ordering ------------------------------------------------------------------------------------------------------

v1::LogBatch RegistryCore::TakeBatch(Appending* appending, size_t* bytes) {
  v1::LogBatch body;
  const auto full = [&](size_t item_bytes) {
    return static_cast<size_t>(body.items_size()) >= options_.limits.batch_commands ||
           (body.items_size() > 0 && *bytes + item_bytes > options_.limits.batch_bytes);
  };
  while (!system_queue_.empty()) {
    const size_t item_bytes = system_queue_.front().ByteSizeLong();
    if (full(item_bytes)) break;
    // Queued while its book could order, or while it was recovering: that may have ended.
    if (MayOrder(system_queue_.front())) {
      *bytes += item_bytes;
      if (IsStatement(system_queue_.front())) appending->kept_items.push_back(system_queue_.front());
      *body.add_items() = std::move(system_queue_.front());
    } else if (system_queue_.front().has_recovered()) {
      --recovered_queued_;
    }
    system_queue_.pop_front();
  }
  while (!client_queue_.empty()) {
    const size_t item_bytes = client_queue_.front().bundle.size();
    if (full(item_bytes)) break;
    *bytes += item_bytes;
    client_queue_bytes_ -= item_bytes;
    body.add_items()->set_bundle(client_queue_.front().bundle);
    appending->clients.push_back(std::move(client_queue_.front()));
    client_queue_.pop_front();
  }
  return body;
}

bool RegistryCore::OrderBatch() {
  if (AskForSlot()) return true;
  if (log_busy_ || appending_.has_value() || ordered_.size() >= kOrderedMax || !Sequencing()) return false;
  if (hold_ordering_ && !Drained()) return false;
  // What a sibling has applied is in the log. If it can't be found there, anything else would begin a second history.
  if (SiblingIsAhead()) return false;
  const bool mark_owed = Drained() && !at_mark_;
  if (system_queue_.empty() && client_queue_.empty() && !mark_owed) return false;
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
  Appending next;
  size_t bytes = 0;
  v1::LogBatch body = TakeBatch(&next, &bytes);
  if (body.items().empty() && !mark_owed) return false;
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  const bool more = !client_queue_.empty() || !system_queue_.empty();
  body.set_checkpoint(!more || now >= last_mark_us_ + kMarkIntervalBusyMicros);
  const std::string body_bytes = state::Serialise(body);
  if (body_bytes.size() > log::kBatchBodyMaxBytes) {
    // Only a recovered tail can be so large; nothing of it is recorded, and the book goes on waiting.
    warnings_.insert(absl::StrCat("RECOVERY: an entry of ", body_bytes.size(), " bytes does not fit into a batch"));
    for (ClientItem& client : next.clients) client.done(Error(Reason::BUNDLE_TOO_LARGE));
    return false;
  }
  if (body.checkpoint()) last_mark_us_ = now;
  log::BatchHeader header;
  header.generation = std::max<uint64_t>(tail_.generation, 1) + (new_generation_ ? 1 : 0);
  header.generation = std::max(header.generation, generation_floor_);
  header.index = tail_.index + 1;
  header.previous = tail_.hash;
  header.time = std::max(*time, tail_.time);
  next.record = log::EncodeBatch(header, body_bytes);
  absl::StatusOr<log::Batch> batch = log::DecodeBatch(next.record);
  JCM_CHECK(batch.ok());
  next.batch = *std::move(batch);
  next.began_us = now;
  appending_ = std::move(next);
  SendAppend();
  return true;
}

void RegistryCore::SendAppend() {
  auto result = std::make_shared<absl::Status>();
  log::Log* log = dependencies_.log.get();
  auto record = std::make_shared<const std::string>(appending_->record);
  const uint64_t index = appending_->batch.header.index;
  RunLog([log, record, index, result] { *result = log->Append(index, *record); },
         [this, result] { OnAppended(*result); });
}

void RegistryCore::OnAppended(const absl::Status& status) {
  if (!failure_.ok() || !appending_.has_value()) return;
  if (status.ok()) return CommitAppend();
  log_error_ = ToText(status);
  if (!Shared()) {
    for (ClientItem& client : appending_->clients) client.done(Error(Reason::APPEND_UNKNOWN, status.message()));
    appending_.reset();
    return Fail(status);
  }
  if (HasReason(status, Reason::LOG_GAP)) {
    // What this replica has applied is not in the log: following finds out whether that stays so.
    log_checked_ = false;
    return LoseSlot();
  }
  if (HasReason(status, Reason::CHAIN_BROKEN)) {
    // Another chain, or a newer generation: looked at anew.
    log_checked_ = false;
    return LoseSlot();
  }
  appending_->unknown = true;
  appending_->ask_not_before_us =
      HasReason(status, Reason::LOG_SLOT_TAKEN) ? 0 : dependencies_.clock->MonotonicMicros() + kAskAgainMicros;
}

bool RegistryCore::AskForSlot() {
  if (log_busy_ || !appending_.has_value() || !appending_->unknown) return false;
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  if (now >= appending_->began_us + kUnknownAnswerMicros) {
    for (ClientItem& client : appending_->clients) client.done(Error(Reason::APPEND_UNKNOWN, log_error_));
    appending_->clients.clear();
  }
  if (now < appending_->ask_not_before_us) return false;
  auto found = std::make_shared<absl::StatusOr<std::vector<log::Batch>>>(std::vector<log::Batch>());
  log::Log* log = dependencies_.log.get();
  const uint64_t index = appending_->batch.header.index;
  RunLog([log, index, found] { *found = log->Read(index, index + 1, log::kBatchRecordMaxBytes); },
         [this, found] { OnSlot(std::move(*found)); });
  return true;
}

void RegistryCore::OnSlot(absl::StatusOr<std::vector<log::Batch>> found) {
  if (!failure_.ok() || !appending_.has_value()) return;
  if (!found.ok()) {
    log_error_ = ToText(found.status());
    if (HasReason(found.status(), Reason::LOG_TRIMMED)) return LoseSlot();
    appending_->ask_not_before_us = dependencies_.clock->MonotonicMicros() + kAskAgainMicros;
    return;
  }
  if (found->empty()) {
    // It may still come in: only the same bytes may be tried again at this place.
    appending_->unknown = false;
    return SendAppend();
  }
  if ((*found)[0].hash == appending_->batch.hash) return CommitAppend();
  LoseSlot();
}

void RegistryCore::CommitAppend() {
  log_error_.clear();
  new_generation_ = false;
  tail_ = log::PositionOf(appending_->batch);
  CountLogBytes(appending_->batch);
  ordered_.push_back(Ordered{std::move(appending_->batch), std::move(appending_->clients)});
  appending_.reset();
}

void RegistryCore::LoseSlot() {
  // Nothing of it is in the log, and it never will be: its predecessor's successor is another batch.
  for (auto it = appending_->clients.rbegin(); it != appending_->clients.rend(); ++it) {
    client_queue_bytes_ += it->bundle.size();
    client_queue_.push_front(std::move(*it));
  }
  for (auto it = appending_->kept_items.rbegin(); it != appending_->kept_items.rend(); ++it) {
    system_queue_.push_front(std::move(*it));
  }
  appending_.reset();
  next_follow_us_ = 0;
  DropDerived();
}

void RegistryCore::DropDerived() {
  // It follows from a state that is not the newest any more; whoever orders next derives it anew.
  if (recovered_queued_ > 0 && Recovering(kHome)) {
    // What was read from the sinks and is not in the log has to be read again.
    for (auto& entry : partners_) entry.second.offsite_sent = entry.second.offsite_base;
  }
  std::deque<v1::LogItem> kept;
  for (v1::LogItem& item : system_queue_) {
    if (IsStatement(item)) kept.push_back(std::move(item));
  }
  system_queue_ = std::move(kept);
  recovered_queued_ = 0;
  for (auto& entry : books_) entry.second.tick_pending = entry.second.genesis_pending = false;
  for (auto& entry : partners_) {
    entry.second.import_pending = entry.second.halt_pending = false;
    entry.second.import_scan = true;
  }
}

// ---- following -----------------------------------------------------------------------------------------------------

bool RegistryCore::Follow() {
  if (!Shared() || log_busy_ || !Drained()) return false;
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  // Who orders knows what it has put there; it looks now and then whether somebody else does too.
  const bool rung = doorbell_ && !Sequencing();
  if (!rung && now < next_follow_us_) return false;
  doorbell_ = false;
  next_follow_us_ = now + kFollowPollMicros;
  auto found = std::make_shared<absl::StatusOr<std::vector<log::Batch>>>(std::vector<log::Batch>());
  log::Log* log = dependencies_.log.get();
  const log::LogPosition tail = tail_;
  const bool check = !log_checked_ || now >= next_log_check_us_;
  if (check) next_log_check_us_ = now + kLogCheckMicros;
  auto generation = std::make_shared<uint64_t>(0);
  RunLog(
      [log, tail, check, found, generation] {
        const absl::Status continues = check ? log::CheckContinues(*log, tail) : absl::OkStatus();
        const absl::StatusOr<uint64_t> least = check ? log->Generation() : absl::StatusOr<uint64_t>(0);
        if (least.ok()) *generation = *least;
        if (continues.ok()) {
          *found = log->Read(tail.index + 1, log::kToTail, kFollowBytes);
        } else {
          *found = continues;
        }
      },
      [this, found, generation] {
        // An operator may have let the log begin anew behind what this replica has.
        if (*generation > tail_.generation) generation_floor_ = std::max(generation_floor_, *generation);
        OnFollowed(std::move(*found));
      });
  return true;
}

void RegistryCore::OnFollowed(absl::StatusOr<std::vector<log::Batch>> batches) {
  if (!failure_.ok()) return;
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  if (!batches.ok()) {
    log_error_ = ToText(batches.status());
    const bool diverged = HasReason(batches.status(), Reason::LOG_DIVERGED);
    if (diverged) log_checked_ = false;
    if (diverged && diverged_since_us_ == 0) diverged_since_us_ = now;
    if (!diverged) diverged_since_us_ = 0;
    if (HasReason(batches.status(), Reason::LOG_TRIMMED) || HasReason(batches.status(), Reason::STORE_CORRUPT) ||
        (diverged && now - diverged_since_us_ >= kDivergedGraceMicros)) {
      Fail(batches.status());
    }
    return;
  }
  log_error_.clear();
  diverged_since_us_ = 0;
  log_checked_ = true;
  if (batches->empty()) {
    if (caught_up_) return;
    caught_up_ = true;
    absl::Status opened = OpenBooks();
    if (!opened.ok()) Fail(opened);
    return;
  }
  for (log::Batch& batch : *batches) {
    absl::Status follows = log::CheckFollows(tail_, batch.header);
    if (!follows.ok()) {
      return Fail(Error(Reason::LOG_DIVERGED, absl::StrCat("batch ", batch.header.index, ": ", follows.message())));
    }
    tail_ = log::PositionOf(batch);
    CountLogBytes(batch);
    ordered_.push_back(Ordered{std::move(batch), {}});
  }
  next_follow_us_ = now;
  DropDerived();
}

// ---- applying ------------------------------------------------------------------------------------------------------

bool RegistryCore::ApplyOrdered() {
  if (ordered_.empty()) return false;
  Ordered next = std::move(ordered_.front());
  ordered_.pop_front();
  absl::Status applied = ApplyBatch(next.batch, std::move(next.clients));
  if (!applied.ok()) Fail(applied);
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
  // The log has the batch already; a crash before this write reaches the disk is repaired by replay. What is signed
  // must be on this disk, though: a signer's record may never be ahead of what the replica can show by itself.
  const bool durable = Shared() && body.checkpoint();
  JCM_RETURN_IF_ERROR(dependencies_.store->Write(applied.writes, durable ? store::Sync::kYes : store::Sync::kNo));
  if (durable || !Shared()) durable_index_ = batch.header.index;
  return applied;
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
  if (tail_.index < applied_.index) tail_ = applied_;  // replayed
  at_mark_ = body.checkpoint();
  for (auto& entry : partners_) entry.second.import_scan = true;
  if (guard_ != nullptr) guard_->OnBatchApplied(std::max(batch.header.time, NewestStamp()));
  if (at_mark_) RememberMark();

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
  if (kind == book::LeafKind::GENESIS && book != books_.end()) book->second.genesis_pending = false;
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

// ---- how much of the log there is ----------------------------------------------------------------------------------

void RegistryCore::CountLogBytes(const log::Batch& batch) {
  log_bytes_total_ += log::kBatchHeaderBytes + batch.body.size();
  if (log_bytes_.empty() || batch.header.index - log_bytes_.back().first >= kLogBytesEvery) {
    log_bytes_.push_back({batch.header.index, log_bytes_total_});
  }
}

void RegistryCore::RememberMark() {
  Mark mark;
  mark.index = applied_.index;
  for (const auto& entry : books_) mark.sizes[entry.first] = BookSize(entry.second.id);
  marks_.push_back(std::move(mark));
  // What a newer checkpoint covers, an older one need not.
  if (marks_.size() > kMarksMax) marks_.pop_front();
}

void RegistryCore::ForgetCoveredMarks() {
  while (!marks_.empty()) {
    for (const auto& size : marks_.front().sizes) {
      const auto book = books_.find(size.first);
      if (book == books_.end() || book->second.state != BookState::kOrdering) continue;
      absl::StatusOr<v1::BookNotes> notes = ReadNotes(*dependencies_.store, book->second.id);
      if (!notes.ok() || notes->checkpoint_size() < size.second) return;
    }
    checkpointed_index_ = marks_.front().index;
    marks_.pop_front();
  }
}

uint64_t RegistryCore::LogWaitingBytes() const {
  const uint64_t settled = std::min(checkpointed_index_, durable_index_);
  uint64_t bytes = log_bytes_.empty() || settled < log_bytes_.front().first ? 0 : log_bytes_.front().second;
  for (const auto& entry : log_bytes_) {
    if (entry.first > settled) break;
    bytes = entry.second;
  }
  return log_bytes_total_ - bytes;
}

bool RegistryCore::TrimLog() {
  if (log_busy_ || !Drained() || !Sequencing()) return false;
  const uint64_t settled = std::min(checkpointed_index_, durable_index_);
  if (settled <= options_.limits.log_kept_batches && log_bytes_total_ <= options_.limits.log_kept_bytes) return false;
  uint64_t below = tail_.index > options_.limits.log_kept_batches ? tail_.index - options_.limits.log_kept_batches : 0;
  // Large batches: fewer are kept.
  for (const auto& entry : log_bytes_) {
    if (log_bytes_total_ - entry.second < options_.limits.log_kept_bytes) break;
    below = std::max(below, entry.first);
  }
  below = std::min(below, settled);
  if (below < trimmed_below_ + kTrimIntervalBatches) return false;
  trimmed_below_ = below;
  while (log_bytes_.size() > 1 && log_bytes_[1].first <= below) log_bytes_.pop_front();
  auto result = std::make_shared<absl::Status>();
  log::Log* log = dependencies_.log.get();
  RunLog([log, below, result] { *result = log->Trim(below); },
         [this, result] {
           if (result->ok()) return;
           log_error_ = ToText(*result);
           if (!Shared()) Fail(*result);
         });
  return true;
}

}  // namespace jcm::registry
