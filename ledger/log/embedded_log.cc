#include "ledger/log/embedded_log.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"

namespace jcm::log {
namespace {

constexpr size_t kVerifyAtATimeBytes = 4 * 1024 * 1024;

std::string Key(uint64_t index) { return BigEndianWriter().U64(index).str(); }

absl::StatusOr<uint64_t> IndexOf(absl::string_view key) {
  BigEndianReader reader(key);
  const absl::StatusOr<uint64_t> index = reader.U64();
  if (!index.ok() || !reader.AtEnd()) return Error(Reason::STORE_CORRUPT, "log key of another length");
  return *index;
}

absl::Status Damaged(uint64_t index, absl::string_view how) {
  return Error(Reason::STORE_CORRUPT, absl::StrCat("log batch ", index, ": ", how));
}

// The batch stored under `index`, checked against its own hash.
absl::StatusOr<Batch> DecodeStored(uint64_t index, absl::string_view value) {
  if (value.size() < sizeof(Digest)) return Damaged(index, "too short");
  const absl::string_view stated = value.substr(0, sizeof(Digest));
  absl::StatusOr<Batch> batch = DecodeBatch(value.substr(sizeof(Digest)));
  if (!batch.ok()) return Damaged(index, batch.status().message());
  if (AsBytes(batch->hash) != stated) return Damaged(index, "its hash is another one");
  if (batch->header.index != index) return Damaged(index, absl::StrCat("says that it is ", batch->header.index));
  return batch;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EmbeddedLog>> EmbeddedLog::Open(store::Store* store, uint64_t applied_index) {
  auto log = std::unique_ptr<EmbeddedLog>(new EmbeddedLog(store));
  JCM_RETURN_IF_ERROR(log->FindEnds());
  if (log->tail_.index == 0) return log;
  const uint64_t last_ones =
      log->tail_.index > kVerifiedAtOpenBatches ? log->tail_.index - kVerifiedAtOpenBatches + 1 : 1;
  JCM_RETURN_IF_ERROR(log->VerifyFrom(std::max(log->first_, std::min(applied_index, last_ones))));
  return log;
}

absl::Status EmbeddedLog::FindEnds() {
  const std::unique_ptr<store::Iterator> iterator = store_->NewIterator(store::Family::kLog);
  iterator->SeekToFirst();
  JCM_RETURN_IF_ERROR(iterator->status());
  if (!iterator->Valid()) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(first_, IndexOf(iterator->key()));
  iterator->SeekToLast();
  JCM_RETURN_IF_ERROR(iterator->status());
  if (!iterator->Valid()) return Error(Reason::STORE_CORRUPT, "the log has a first batch and no last one");
  JCM_ASSIGN_OR_RETURN(const uint64_t last, IndexOf(iterator->key()));
  JCM_ASSIGN_OR_RETURN(const Batch batch, DecodeStored(last, iterator->value()));
  tail_ = PositionOf(batch);
  return absl::OkStatus();
}

absl::Status EmbeddedLog::VerifyFrom(uint64_t index) {
  while (index <= tail_.index) {
    JCM_ASSIGN_OR_RETURN(const std::vector<Batch> batches, Read(index, kToTail, kVerifyAtATimeBytes));
    // The last one is read again with those that follow it, so that the seam is checked too.
    const uint64_t last = batches.back().header.index;
    index = last == tail_.index ? last + 1 : std::max(last, index + 1);
  }
  return absl::OkStatus();
}

absl::StatusOr<LogPosition> EmbeddedLog::Tail() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return tail_;
}

absl::StatusOr<uint64_t> EmbeddedLog::First() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return first_;
}

absl::Status EmbeddedLog::Append(uint64_t index, absl::string_view record) {
  {
    const std::lock_guard<std::mutex> appending(append_mutex_);
    if (store_->failed()) return Error(Reason::STORE_FAILED, "an earlier write failed");
    JCM_ASSIGN_OR_RETURN(const LogPosition tail, Tail());
    JCM_ASSIGN_OR_RETURN(const Batch batch, DecodeBatch(record));
    if (batch.header.index != index) {
      return Error(Reason::CHAIN_BROKEN, absl::StrCat("batch ", batch.header.index, " for slot ", index));
    }
    if (index <= tail.index) return Error(Reason::LOG_SLOT_TAKEN, absl::StrCat("slot ", index));
    if (index > tail.index + 1) return Error(Reason::LOG_GAP, absl::StrCat("slot ", index, " after ", tail.index));
    JCM_RETURN_IF_ERROR(CheckFollows(tail, batch.header));

    store::WriteBatch write;
    write.Put(store::Family::kLog, Key(index), absl::StrCat(AsBytes(batch.hash), record));
    const absl::Status written = store_->Write(write, store::Sync::kYes);
    // A failed sync says nothing about what a restart will find.
    if (!written.ok()) return Error(Reason::APPEND_UNKNOWN, absl::StrCat("slot ", index, ": ", written.message()));
    const std::lock_guard<std::mutex> lock(mutex_);
    tail_ = PositionOf(batch);
  }
  doorbells_.Ring();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Batch>> EmbeddedLog::Read(uint64_t from, uint64_t to, size_t max_bytes) {
  std::vector<Batch> batches;
  JCM_ASSIGN_OR_RETURN(const LogPosition tail, Tail());
  // Made before `first_` is looked at, so that a trim in between can't look like damage.
  const std::unique_ptr<store::Iterator> iterator = store_->NewIterator(store::Family::kLog, Key(from));
  JCM_ASSIGN_OR_RETURN(const uint64_t first, First());
  if (from < first) return Error(Reason::LOG_TRIMMED, absl::StrCat("batch ", from, ", the first one is ", first));
  size_t bytes = 0;
  iterator->SeekToFirst();
  for (uint64_t index = from; index < to && index <= tail.index; ++index, iterator->Next()) {
    JCM_RETURN_IF_ERROR(iterator->status());
    if (!iterator->Valid()) return Damaged(index, "missing");
    JCM_ASSIGN_OR_RETURN(const uint64_t found, IndexOf(iterator->key()));
    if (found != index) return Damaged(index, "missing");
    if (!batches.empty() && bytes + iterator->value().size() > max_bytes) break;
    bytes += iterator->value().size();
    JCM_ASSIGN_OR_RETURN(Batch batch, DecodeStored(index, iterator->value()));
    if (!batches.empty()) {
      const absl::Status follows = CheckFollows(PositionOf(batches.back()), batch.header);
      if (!follows.ok()) return Damaged(index, follows.message());
    }
    batches.push_back(std::move(batch));
  }
  return batches;
}

absl::Status EmbeddedLog::Trim(uint64_t below) {
  const std::lock_guard<std::mutex> trimming(trim_mutex_);
  for (;;) {
    store::WriteBatch write;
    uint64_t first = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const uint64_t end = std::min(std::min(below, tail_.index), first_ + kTrimmedAtOnceBatches);
      for (; first_ < end; ++first_) write.Delete(store::Family::kLog, Key(first_));
      first = first_;
    }
    if (write.empty()) return absl::OkStatus();
    // The lowest ones go first: whatever a crash undoes, the rest is contiguous.
    JCM_RETURN_IF_ERROR(store_->Write(write, store::Sync::kNo));
    if (first >= below) return absl::OkStatus();
  }
}

void EmbeddedLog::AddDoorbell(const Doorbell& doorbell) { doorbells_.Add(doorbell); }

}  // namespace jcm::log
