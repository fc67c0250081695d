#include "ledger/log/etcd/etcd_log.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::log {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RangeRequest;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;

// Refusals that say "something changed": each takes another writer's success.
constexpr int kAppendTriesMax = 4;
constexpr std::chrono::milliseconds kListenAgainFirst{50};
constexpr std::chrono::milliseconds kListenAgainMax{2000};

// Answers of the else branch of an append, in this order.
constexpr int kElseSlot = 0;
constexpr int kElseBefore = 1;
constexpr int kElseNewer = 2;
constexpr int kElseCount = 3;

bool IsPrefix(absl::string_view prefix) {
  if (prefix.empty() || prefix.size() > kEtcdPrefixMaxBytes) return false;
  if (prefix.front() == '/' || prefix.back() == '/' || absl::StrContains(prefix, "//")) return false;
  return std::all_of(prefix.begin(), prefix.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '/';
  });
}

// The key that follows directly.
std::string KeyAfter(absl::string_view key) { return absl::StrCat(key, absl::string_view("\0", 1)); }

void AddCreatedIs(TxnRequest* txn, absl::string_view key, int64_t create_revision) {
  Compare& compare = *txn->add_compare();
  compare.set_result(Compare::EQUAL);
  compare.set_target(Compare::CREATE);
  compare.set_key(std::string(key));
  compare.set_create_revision(create_revision);
}

void AddAbsent(TxnRequest* txn, absl::string_view key) { AddCreatedIs(txn, key, 0); }

void AddNoneIn(TxnRequest* txn, absl::string_view from, absl::string_view end) {
  AddCreatedIs(txn, from, 0);
  txn->mutable_compare(txn->compare_size() - 1)->set_range_end(std::string(end));
}

void AddPut(TxnRequest* txn, absl::string_view key, absl::string_view value) {
  etcdserverpb::PutRequest& put = *txn->add_success()->mutable_request_put();
  put.set_key(std::string(key));
  put.set_value(std::string(value));
}

void AddElseKey(TxnRequest* txn, absl::string_view key, absl::string_view range_end = "") {
  RangeRequest& range = *txn->add_failure()->mutable_request_range();
  range.set_key(std::string(key));
  range.set_range_end(std::string(range_end));
  range.set_keys_only(true);
  range.set_limit(1);
}

// Whether the record may follow what is there. The same answers in the same order as every other Log.
absl::Status CheckAppend(const LogState& state, const BatchHeader& header) {
  const LogPosition& tail = state.last.position;
  if (header.index <= tail.index) return Error(Reason::LOG_SLOT_TAKEN, absl::StrCat("slot ", header.index));
  if (header.index > tail.index + 1) {
    return Error(Reason::LOG_GAP, absl::StrCat("slot ", header.index, " after ", tail.index));
  }
  JCM_RETURN_IF_ERROR(CheckFollows(tail, header));
  if (header.generation < state.newest()) {
    return Error(Reason::CHAIN_BROKEN, absl::StrCat("batch ", header.index, " of generation ", header.generation,
                                                    ", which was ended by ", state.newest()));
  }
  if (header.generation > state.newest() && state.generations.size() >= kGenerationsMax) {
    return Error(Reason::QUEUE_FULL, absl::StrCat(kGenerationsMax, " generations; trim the log first"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<EtcdLog>> EtcdLog::Open(std::shared_ptr<EtcdClient> client, absl::string_view prefix) {
  if (!IsPrefix(prefix)) return Error(Reason::CONFIG_INVALID, absl::StrCat("etcd: not a prefix: '", prefix, "'"));
  return std::unique_ptr<EtcdLog>(new EtcdLog(std::move(client), EtcdKeys(prefix)));
}

EtcdLog::EtcdLog(std::shared_ptr<EtcdClient> client, EtcdKeys keys)
    : client_(std::move(client)), keys_(std::move(keys)), view_(client_, keys_) {
  listener_ = std::thread([this] { Listen(); });
}

EtcdLog::~EtcdLog() {
  {
    const std::lock_guard<std::mutex> lock(stop_mutex_);
    stopping_ = true;
  }
  stop_changed_.notify_all();
  listening_.Cancel();
  listener_.join();
}

absl::StatusOr<LogPosition> EtcdLog::Tail() {
  JCM_ASSIGN_OR_RETURN(const LogState state, view_.Look());
  return state.last.position;
}

absl::StatusOr<uint64_t> EtcdLog::First() { return view_.First(); }

absl::StatusOr<uint64_t> EtcdLog::Generation() {
  JCM_ASSIGN_OR_RETURN(const LogState state, view_.Look());
  return state.newest();
}

absl::StatusOr<std::vector<Batch>> EtcdLog::Read(uint64_t from, uint64_t to, size_t max_bytes) {
  return view_.Read(from, to, max_bytes);
}

absl::StatusOr<uint64_t> EtcdLog::BytesKept() {
  JCM_ASSIGN_OR_RETURN(const EtcdEndpointHealth health, client_->AnyHealth());
  return health.db_in_use_bytes;
}

void EtcdLog::AddDoorbell(const Doorbell& doorbell) { doorbells_.Add(doorbell); }

// ---- Append --------------------------------------------------------------------------------------------------------

absl::Status EtcdLog::Append(uint64_t index, absl::string_view record) {
  {
    // One append in flight: unary calls overtake each other, and a slot that is filled before the one below it is a
    // hole if that one never comes.
    const std::lock_guard<std::mutex> appending(append_mutex_);
    JCM_RETURN_IF_ERROR(AppendLocked(index, record));
  }
  // The watch rings too; this one is earlier, and comes even if there is no watch.
  doorbells_.Ring();
  return absl::OkStatus();
}

absl::Status EtcdLog::AppendLocked(uint64_t index, absl::string_view record) {
  JCM_ASSIGN_OR_RETURN(const Batch batch, DecodeBatch(record));
  if (batch.header.index != index) {
    return Error(Reason::CHAIN_BROKEN, absl::StrCat("batch ", batch.header.index, " for slot ", index));
  }
  if (batch.header.generation > kGenerationMax) {
    return Error(Reason::MESSAGE_MALFORMED, absl::StrCat("generation ", batch.header.generation));
  }
  LogState state = view_.Remembered();
  bool fresh = state.last.key.empty() || state.last.position.index + 1 != index;
  for (int tried = 0; tried < kAppendTriesMax; ++tried) {
    if (fresh) {
      JCM_ASSIGN_OR_RETURN(state, view_.Look());
    }
    const absl::Status may = CheckAppend(state, batch.header);
    if (!may.ok()) {
      // Not by what is remembered: it may be from before etcd was emptied.
      if (fresh) return may;
      fresh = true;
      continue;
    }
    JCM_ASSIGN_OR_RETURN(const TxnResponse response, client_->Commit(AppendTxn(state, batch, record)));
    if (response.succeeded()) {
      LearnAppended(std::move(state), batch, response.header().revision());
      return absl::OkStatus();
    }
    const Refused refused = WhyRefused(response);
    if (refused == Refused::kTaken) return Error(Reason::LOG_SLOT_TAKEN, absl::StrCat("slot ", index));
    view_.Forget();
    if (refused == Refused::kGap) return Error(Reason::LOG_GAP, absl::StrCat("slot ", index - 1, " is gone"));
    fresh = true;
  }
  return Error(Reason::LOG_UNAVAILABLE, "etcd: the log changes with each append");
}

// The else branch asks, at the same instant, for what the compares were about.
TxnRequest EtcdLog::AppendTxn(const LogState& state, const Batch& batch, absl::string_view record) const {
  const uint64_t index = batch.header.index;
  const uint64_t newest = state.newest();
  const bool opens = batch.header.generation > newest;
  // The slot is absent, in the generation that is going on and in the one that is opened.
  const std::string slot = keys_.Slot(batch.header.generation, index);
  TxnRequest txn;
  AddAbsent(&txn, slot);
  if (opens && newest != 0) AddAbsent(&txn, keys_.Slot(newest, index));
  AddElseKey(&txn, newest != 0 ? keys_.Slot(newest, index) : slot);
  // The batch before it, or the record of a generation that has no batch yet, is the one that was checked.
  if (!state.last.key.empty()) AddCreatedIs(&txn, state.last.key, state.last.create_revision);
  AddElseKey(&txn, state.last.key.empty() ? slot : state.last.key);
  // No newer generation.
  const std::string newer = newest == 0 ? keys_.Generation(0) : KeyAfter(keys_.Generation(newest));
  AddNoneIn(&txn, newer, keys_.GenerationsEnd());
  AddElseKey(&txn, newer, keys_.GenerationsEnd());
  if (opens) {
    jcm::log::Generation generation;
    generation.number = batch.header.generation;
    generation.before = state.last.position;
    AddPut(&txn, keys_.Generation(generation.number), EncodeGeneration(generation));
  }
  AddPut(&txn, slot, EncodeSlot(record));
  return txn;
}

EtcdLog::Refused EtcdLog::WhyRefused(const TxnResponse& response) {
  if (response.responses_size() != kElseCount) return Refused::kLookAgain;
  const auto there = [&](int at) { return response.responses(at).response_range().kvs_size() > 0; };
  if (there(kElseSlot)) return Refused::kTaken;
  // In a newer generation this place may be taken, or not be the next one: that takes another look.
  if (there(kElseNewer)) return Refused::kLookAgain;
  return there(kElseBefore) ? Refused::kLookAgain : Refused::kGap;
}

void EtcdLog::LearnAppended(LogState state, const Batch& batch, int64_t revision) {
  if (batch.header.generation > state.newest()) {
    jcm::log::Generation generation;
    generation.number = batch.header.generation;
    generation.before = state.last.position;
    state.generations.push_back({generation, revision});
  }
  state.last = {PositionOf(batch), keys_.Slot(batch.header.generation, batch.header.index), revision, true};
  view_.Learn(state);
}

// ---- Generations and trimming --------------------------------------------------------------------------------------

absl::Status EtcdLog::StartGeneration(const LogPosition& after, uint64_t generation) {
  if (generation <= after.generation || generation > kGenerationMax) {
    return Error(Reason::CHAIN_BROKEN, absl::StrCat("generation ", generation, " after ", after.generation));
  }
  jcm::log::Generation started;
  started.number = generation;
  started.before = after;
  started.begins_log = true;
  const std::lock_guard<std::mutex> appending(append_mutex_);
  const std::string key = keys_.Generation(generation);
  const std::string value = EncodeGeneration(started);
  TxnRequest txn;
  AddNoneIn(&txn, key, keys_.GenerationsEnd());
  AddPut(&txn, key, value);
  txn.add_failure()->mutable_request_range()->set_key(key);
  AddElseKey(&txn, KeyAfter(key), keys_.GenerationsEnd());
  JCM_ASSIGN_OR_RETURN(const TxnResponse response, client_->Commit(txn));
  view_.Forget();
  if (response.succeeded()) return absl::OkStatus();
  if (response.responses_size() != 2) return Error(Reason::APPEND_UNKNOWN, "etcd: an answer with too few parts");
  if (response.responses(1).response_range().kvs_size() > 0) {
    return Error(Reason::CHAIN_BROKEN, absl::StrCat("there is a newer generation than ", generation));
  }
  const auto& same = response.responses(0).response_range();
  if (same.kvs_size() == 1 && same.kvs(0).value() == value) return absl::OkStatus();
  return Error(Reason::LOG_SLOT_TAKEN, absl::StrCat("generation ", generation, " was started otherwise"));
}

absl::Status EtcdLog::Trim(uint64_t below) {
  const std::lock_guard<std::mutex> trimming(trim_mutex_);
  JCM_ASSIGN_OR_RETURN(const LogState state, view_.Look());
  // What lies before a new generation is kept until that has a batch: for the operator who started it.
  if (!state.last.is_slot) return absl::OkStatus();
  // Another replica may have seen a later tail: each deletes what is below its own, and both are right.
  const uint64_t end = std::min(below, state.last.position.index);
  int64_t revision = 0;
  for (size_t at = 0; at < state.generations.size(); ++at) {
    JCM_RETURN_IF_ERROR(TrimGeneration(state, at, end, &revision));
  }
  // Deleting alone frees nothing.
  return revision == 0 ? absl::OkStatus() : client_->Compact(revision);
}

// From the front, so that what is left after a crash in the middle is contiguous.
absl::Status EtcdLog::TrimGeneration(const LogState& state, size_t at, uint64_t end, int64_t* revision) {
  const uint64_t number = state.generations[at].generation.number;
  const bool last = at + 1 == state.generations.size();
  const bool abandoned = at < EtcdLogView::BeginOf(state.generations);
  if (!abandoned && (last || end < state.generations[at + 1].generation.first())) {
    return DeleteSlots(number, end, revision);
  }
  JCM_RETURN_IF_ERROR(DeleteSlots(number, kToTail, revision));
  JCM_ASSIGN_OR_RETURN(*revision, client_->DeleteRange(keys_.Generation(number), KeyAfter(keys_.Generation(number))));
  return absl::OkStatus();
}

absl::Status EtcdLog::DeleteSlots(uint64_t generation, uint64_t to, int64_t* revision) {
  for (;;) {
    JCM_ASSIGN_OR_RETURN(const absl::optional<uint64_t> first, view_.FirstSlotOf(generation, 0, to));
    if (!first.has_value()) return absl::OkStatus();
    const RangeRequest range =
        view_.SlotsOf(generation, *first, *first + std::min(kEtcdTrimmedAtOnceBatches, to - *first));
    JCM_ASSIGN_OR_RETURN(*revision, client_->DeleteRange(range.key(), range.range_end()));
  }
}

// ---- The doorbell --------------------------------------------------------------------------------------------------

void EtcdLog::Listen() {
  std::chrono::milliseconds wait = kListenAgainFirst;
  do {
    // Rings as soon as the watch is in place: what came before that was not heard.
    client_
        ->Watch(keys_.Slots(), EndOfPrefix(keys_.Slots()), &listening_,
                [&] {
                  wait = kListenAgainFirst;
                  doorbells_.Ring();
                })
        .IgnoreError();
    wait = std::min(2 * wait, kListenAgainMax);
  } while (WaitToListenAgain(wait));
}

bool EtcdLog::WaitToListenAgain(std::chrono::milliseconds wait) {
  std::unique_lock<std::mutex> lock(stop_mutex_);
  return !stop_changed_.wait_for(lock, wait, [&] { return stopping_; });
}

}  // namespace jcm::log
