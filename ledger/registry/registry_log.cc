// The log as the engine drives it: what is queued becomes a batch, the batch gets a slot, and what is in the log is
// applied in its order. While one batch is executed the next one is on its way; never more than one.
//
// On a registry of one node the append is done when the call returns. On several, appends may end in three ways: in,
// lost to another replica's batch, or unknown; unknown is asked for until it is one of the first two.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
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
    } else {
      const v1::SystemItem& system = system_queue_.front().system();
      OnStatementApplied(system, Error(Reason::BOOK_NOT_ORDERING, system.partnership()));
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
    if (HasReason(found.status(), Reason::LOG_TRIMMED)) {
      // It may have been in, and is applied by the others since: nobody is told that it was not, and nothing is tried
      // again.
      for (ClientItem& client : appending_->clients) client.done(Error(Reason::APPEND_UNKNOWN, log_error_));
      appending_->clients.clear();
      appending_->kept_items.clear();
      return LoseSlot();
    }
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
    entry.second.import_pending = entry.second.halt.pending = entry.second.late.pending = false;
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

}  // namespace jcm::registry
