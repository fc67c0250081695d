// Batches of the log, applied in its order: rules, books, sealed copies, answers; and how much of the log there is,
// which is trimmed behind what every replica could show by itself.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/seal.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

constexpr uint64_t kTrimIntervalBatches = 256;
constexpr uint64_t kTrimIntervalBatchesOfOthers = 1'024;
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

}  // namespace

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
    ForgetAlarms(system, &applied.writes);
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
      OnStatementApplied(body.items(i).system(), result.error);
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
    OnAlarmApplied(partner, system, error);
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

uint64_t RegistryCore::LogKeptBytes() const {
  return log_bytes_.empty() ? 0 : log_bytes_total_ - log_bytes_.front().second;
}

bool RegistryCore::TrimLog() {
  // What is settled is settled for every replica, so any that has caught up may trim; the one that orders does it
  // first. Servers that are full grant no role, and then nobody orders.
  if (log_busy_ || (Shared() && !caught_up_)) return false;
  const uint64_t settled = std::min(checkpointed_index_, durable_index_);
  if (settled <= options_.limits.log_kept_batches && log_bytes_total_ <= options_.limits.log_kept_bytes) return false;
  uint64_t below = tail_.index > options_.limits.log_kept_batches ? tail_.index - options_.limits.log_kept_batches : 0;
  // Large batches: fewer are kept.
  for (const auto& entry : log_bytes_) {
    if (log_bytes_total_ - entry.second < options_.limits.log_kept_bytes) break;
    below = std::max(below, entry.first);
  }
  below = std::min(below, settled);
  const uint64_t interval = Sequencing() ? kTrimIntervalBatches : kTrimIntervalBatchesOfOthers;
  if (below < trimmed_below_ + interval) return false;
  auto result = std::make_shared<absl::Status>();
  log::Log* log = dependencies_.log.get();
  RunLog([log, below, result] { *result = log->Trim(below); },
         [this, below, result] {
           if (!result->ok()) {
             log_error_ = ToText(*result);
             if (!Shared()) Fail(*result);
             return;
           }
           trimmed_below_ = below;
           while (log_bytes_.size() > 1 && log_bytes_[1].first <= below) log_bytes_.pop_front();
         });
  return true;
}

}  // namespace jcm::registry
