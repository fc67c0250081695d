#include "ledger/log/etcd/etcd_log_view.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/log/log.h"

namespace jcm::log {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;

// Asking again because something changed in between. Each change is a trim, a batch or a new generation.
constexpr int kTriesMax = 10;

absl::Status Damaged(uint64_t index, absl::string_view how) {
  return Error(Reason::STORE_CORRUPT, absl::StrCat("log batch ", index, ": ", how));
}

absl::Status KeepsChanging() { return Error(Reason::LOG_UNAVAILABLE, "etcd: the log changes while it is looked at"); }

bool Same(const std::vector<OpenGeneration>& a, const std::vector<OpenGeneration>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
           return x.create_revision == y.create_revision && x.generation == y.generation;
         });
}

absl::StatusOr<std::vector<OpenGeneration>> DecodeGenerations(const RangeResponse& response) {
  if (response.more()) return Error(Reason::STORE_CORRUPT, "etcd: too many generations");
  std::vector<OpenGeneration> generations;
  for (const mvccpb::KeyValue& kv : response.kvs()) {
    JCM_ASSIGN_OR_RETURN(const uint64_t number, EtcdKeys::LastNumber(kv.key()));
    JCM_ASSIGN_OR_RETURN(const Generation generation, DecodeGeneration(number, kv.value()));
    generations.push_back({generation, kv.create_revision()});
  }
  for (size_t i = 1; i < generations.size(); ++i) {
    const Generation& next = generations[i].generation;
    if (!next.begins_log && next.first() < generations[i - 1].generation.first()) {
      return Error(Reason::STORE_CORRUPT, absl::StrCat("etcd: generation ", next.number, " goes back"));
    }
  }
  return generations;
}

// The first readable batch, from the answers to AddLowest that begin at `at`; nullopt if there is none.
absl::StatusOr<absl::optional<uint64_t>> LowestOf(const TxnResponse& response, int at) {
  for (int i = at; i < response.responses_size(); ++i) {
    const RangeResponse& range = response.responses(i).response_range();
    if (range.kvs_size() == 0) continue;
    JCM_ASSIGN_OR_RETURN(const uint64_t index, EtcdKeys::LastNumber(range.kvs(0).key()));
    return absl::optional<uint64_t>(index);
  }
  return absl::optional<uint64_t>();
}

RangeRequest OnlyFirstKey(RangeRequest range) {
  range.set_keys_only(true);
  range.set_limit(1);
  return range;
}

}  // namespace

// A part of Read: which generation has `from`, and what was found there.
struct EtcdLogView::Page {
  std::vector<OpenGeneration> generations;
  size_t at = 0;             // the generation that has `from`
  uint64_t segment_end = 0;  // the first index of the next one
  RangeResponse slots;
  bool empty_log = false;
  bool ends_here = false;  // by Explain: `from` is behind the tail

  const Generation& generation() const { return generations[at].generation; }
  bool is_newest() const { return at + 1 == generations.size(); }
};

size_t EtcdLogView::BeginOf(const std::vector<OpenGeneration>& generations) {
  for (size_t i = generations.size(); i > 0; --i) {
    if (generations[i - 1].generation.begins_log) return i - 1;
  }
  return 0;
}

RangeRequest EtcdLogView::SlotsOf(uint64_t generation, uint64_t from, uint64_t to) const {
  RangeRequest range;
  range.set_key(keys_.Slot(generation, from));
  range.set_range_end(to == kToTail ? keys_.SlotsEnd(generation) : keys_.Slot(generation, to));
  return range;
}

LogState EtcdLogView::Remembered() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return remembered_;
}

void EtcdLogView::Learn(const LogState& state) {
  const std::lock_guard<std::mutex> lock(mutex_);
  remembered_ = state;
}

void EtcdLogView::Forget() {
  const std::lock_guard<std::mutex> lock(mutex_);
  remembered_ = {};
}

std::string EtcdLogView::Damage() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return damage_;
}

template <typename T, typename Looking>
absl::StatusOr<T> EtcdLogView::FromASoundMember(const Looking& look) {
  std::string damage;
  for (size_t asked = 1;; ++asked) {
    const std::string endpoint = client_->CurrentEndpoint();
    absl::StatusOr<T> answer = look();
    if (!HasReason(answer.status(), Reason::STORE_CORRUPT) || asked >= client_->endpoints()) {
      if (answer.ok() && !damage.empty()) {
        const std::lock_guard<std::mutex> lock(mutex_);
        damage_ = std::move(damage);
      }
      return answer;
    }
    absl::StrAppend(&damage, damage.empty() ? "" : "; ", "etcd ", endpoint, ": ", answer.status().message());
    client_->Leave(endpoint);
    Forget();
  }
}

absl::StatusOr<LogState> EtcdLogView::Look() {
  return FromASoundMember<LogState>([this] { return LookOnce(); });
}

absl::StatusOr<std::vector<Batch>> EtcdLogView::Read(uint64_t from, uint64_t to, size_t max_bytes) {
  return FromASoundMember<std::vector<Batch>>([&] { return ReadOnce(from, to, max_bytes); });
}

absl::StatusOr<TxnResponse> EtcdLogView::Ask(const std::vector<RangeRequest>& ranges,
                                             std::vector<OpenGeneration>* generations) {
  TxnRequest txn;
  RangeRequest& records = *txn.add_success()->mutable_request_range();
  records.set_key(keys_.Generation(0));
  records.set_range_end(keys_.GenerationsEnd());
  records.set_limit(kGenerationsMax);
  for (const RangeRequest& range : ranges) *txn.add_success()->mutable_request_range() = range;
  JCM_ASSIGN_OR_RETURN(TxnResponse response, client_->Read(txn));
  if (response.responses_size() != txn.success_size()) {
    return Error(Reason::LOG_UNAVAILABLE, "etcd: an answer with too few parts");
  }
  JCM_ASSIGN_OR_RETURN(*generations, DecodeGenerations(response.responses(0).response_range()));
  return response;
}

absl::StatusOr<std::vector<OpenGeneration>> EtcdLogView::Generations() {
  std::vector<OpenGeneration> generations = Remembered().generations;
  if (generations.empty()) JCM_RETURN_IF_ERROR(Ask({}, &generations).status());
  return generations;
}

// False if there is no such slot.
absl::StatusOr<bool> EtcdLogView::FetchLast(uint64_t generation, uint64_t index, LogState* state) {
  TxnRequest txn;
  txn.add_success()->mutable_request_range()->set_key(keys_.Slot(generation, index));
  JCM_ASSIGN_OR_RETURN(const TxnResponse response, client_->Read(txn));
  if (response.responses_size() != 1 || response.responses(0).response_range().kvs_size() != 1) return false;
  const mvccpb::KeyValue& kv = response.responses(0).response_range().kvs(0);
  JCM_ASSIGN_OR_RETURN(const Batch batch, DecodeSlot(generation, index, kv.value()));
  state->last = {PositionOf(batch), kv.key(), kv.create_revision(), true};
  return true;
}

// The tail's index is counted, from the last batch that is known or from the first one of its generation: etcd can't
// give the last key of a range without reading them all. A hole makes the count too small; whoever reads finds it.
absl::StatusOr<LogState> EtcdLogView::LookOnce() {
  LastBatch hint = Remembered().last;
  uint64_t generation = hint.is_slot ? hint.position.generation : Remembered().newest();
  for (int tried = 0; tried < kTriesMax; ++tried) {
    LogState state;
    const uint64_t from = hint.is_slot ? hint.position.index : 0;
    std::vector<RangeRequest> ranges;
    if (generation != 0) ranges.push_back(OnlyFirstKey(SlotsOf(generation, from, kToTail)));
    JCM_ASSIGN_OR_RETURN(const TxnResponse response, Ask(ranges, &state.generations));
    if (state.newest() != generation) {
      generation = state.newest();
      hint = {};
      if (generation != 0) continue;
    }
    if (generation == 0) {
      Learn(state);
      return state;
    }
    const RangeResponse& slots = response.responses(1).response_range();
    const bool hint_holds = hint.is_slot && slots.kvs_size() == 1 && slots.kvs(0).key() == hint.key &&
                            slots.kvs(0).create_revision() == hint.create_revision;
    if (hint.is_slot && !hint_holds) {
      hint = {};
      continue;
    }
    if (slots.kvs_size() == 0) {
      const OpenGeneration& newest = state.generations.back();
      if (!newest.generation.begins_log) return Damaged(newest.generation.first(), "its generation has no batch");
      state.last = {newest.generation.before, keys_.Generation(generation), newest.create_revision, false};
    } else if (hint_holds && slots.count() == 1) {
      state.last = hint;
    } else {
      JCM_ASSIGN_OR_RETURN(const uint64_t first, EtcdKeys::LastNumber(slots.kvs(0).key()));
      const uint64_t last = first + static_cast<uint64_t>(slots.count()) - 1;
      JCM_ASSIGN_OR_RETURN(const bool found, FetchLast(generation, last, &state));
      if (!found) {
        // Trimmed since it was counted; or it is the hole that makes the count wrong.
        if (tried + 1 == kTriesMax) return Damaged(last, "missing");
        hint = {};
        continue;
      }
    }
    Learn(state);
    return state;
  }
  return KeepsChanging();
}

void EtcdLogView::AddLowest(const std::vector<OpenGeneration>& generations, std::vector<RangeRequest>* ranges) const {
  for (size_t i = BeginOf(generations); i < generations.size(); ++i) {
    const Generation& generation = generations[i].generation;
    const uint64_t end = i + 1 < generations.size() ? generations[i + 1].generation.first() : kToTail;
    ranges->push_back(OnlyFirstKey(SlotsOf(generation.number, generation.first(), end)));
  }
}

absl::StatusOr<uint64_t> EtcdLogView::First() {
  JCM_ASSIGN_OR_RETURN(std::vector<OpenGeneration> generations, Generations());
  for (int tried = 0; tried < kTriesMax; ++tried) {
    std::vector<RangeRequest> ranges;
    AddLowest(generations, &ranges);
    std::vector<OpenGeneration> seen;
    JCM_ASSIGN_OR_RETURN(const TxnResponse response, Ask(ranges, &seen));
    if (!Same(seen, generations)) {
      generations = seen;
      continue;
    }
    if (generations.empty()) return uint64_t{1};
    JCM_ASSIGN_OR_RETURN(const absl::optional<uint64_t> lowest, LowestOf(response, 1));
    return lowest.value_or(generations.back().generation.first());
  }
  return KeepsChanging();
}

absl::StatusOr<absl::optional<uint64_t>> EtcdLogView::FirstSlotOf(uint64_t generation, uint64_t from, uint64_t to) {
  TxnRequest txn;
  *txn.add_success()->mutable_request_range() = OnlyFirstKey(SlotsOf(generation, from, to));
  JCM_ASSIGN_OR_RETURN(const TxnResponse response, client_->Read(txn));
  return LowestOf(response, 0);
}

absl::Status EtcdLogView::FetchPage(uint64_t from, uint64_t to, uint64_t limit, Page* page) {
  for (int tried = 0; tried < kTriesMax; ++tried) {
    std::vector<RangeRequest> ranges;
    if (!page->generations.empty()) {
      const size_t begin = BeginOf(page->generations);
      const uint64_t first = page->generations[begin].generation.first();
      if (from < first) return Error(Reason::LOG_TRIMMED, absl::StrCat("batch ", from, ", the log begins at ", first));
      page->at = begin;
      while (!page->is_newest() && page->generations[page->at + 1].generation.first() <= from) ++page->at;
      page->segment_end = page->is_newest() ? kToTail : page->generations[page->at + 1].generation.first();
      const uint64_t end = from + std::min(limit, std::min(to, page->segment_end) - from);
      ranges.push_back(SlotsOf(page->generation().number, from, end));
    }
    std::vector<OpenGeneration> seen;
    JCM_ASSIGN_OR_RETURN(TxnResponse response, Ask(ranges, &seen));
    if (!Same(seen, page->generations)) {
      page->generations = seen;
      continue;
    }
    page->empty_log = seen.empty();
    if (!page->empty_log) page->slots.Swap(response.mutable_responses(1)->mutable_response_range());
    return absl::OkStatus();
  }
  return KeepsChanging();
}

// There is nothing at `from`: because it is behind the tail (OK, and `ends_here`), because it came or another
// generation began a moment ago (OK, and ask again), LOG_TRIMMED, or because it is lost (STORE_CORRUPT).
absl::Status EtcdLogView::Explain(uint64_t from, Page* page) {
  std::vector<RangeRequest> ranges = {OnlyFirstKey(SlotsOf(page->generation().number, from, page->segment_end))};
  AddLowest(page->generations, &ranges);
  std::vector<OpenGeneration> seen;
  JCM_ASSIGN_OR_RETURN(const TxnResponse response, Ask(ranges, &seen));
  if (!Same(seen, page->generations)) {
    page->generations = seen;
    return absl::OkStatus();
  }
  JCM_ASSIGN_OR_RETURN(const absl::optional<uint64_t> lowest, LowestOf(response, 2));
  const uint64_t first = lowest.value_or(seen.back().generation.first());
  if (from < first) return Error(Reason::LOG_TRIMMED, absl::StrCat("batch ", from, ", the first one is ", first));
  const RangeResponse& later = response.responses(1).response_range();
  if (later.kvs_size() == 0) {
    if (!page->is_newest()) return Damaged(from, "missing");
    page->ends_here = true;
    return absl::OkStatus();
  }
  JCM_ASSIGN_OR_RETURN(const uint64_t found, EtcdKeys::LastNumber(later.kvs(0).key()));
  return found == from ? absl::OkStatus() : Damaged(from, "missing");
}

absl::StatusOr<std::vector<Batch>> EtcdLogView::ReadOnce(uint64_t from, uint64_t to, size_t max_bytes) {
  if (from == 0) return Error(Reason::LOG_TRIMMED, "batch 0");
  std::vector<Batch> batches;
  size_t bytes = 0;
  int explained = 0;
  uint64_t limit = std::min(kReadPageBatches, 2 + static_cast<uint64_t>(max_bytes / kBatchRecordMaxBytes));
  Page page;
  page.generations = Remembered().generations;
  while (from < to && !page.ends_here) {
    const absl::Status fetched = FetchPage(from, to, limit, &page);
    if (HasReason(fetched, Reason::LOG_UNAVAILABLE) && limit > 1) {
      // Over a slow link a page may need longer than a call may take.
      limit = 1;
      continue;
    }
    if (!fetched.ok() && !batches.empty() && !HasReason(fetched, Reason::STORE_CORRUPT)) return batches;
    JCM_RETURN_IF_ERROR(fetched);
    if (page.empty_log) return batches;
    if (page.slots.kvs_size() == 0 || page.slots.kvs(0).key() != keys_.Slot(page.generation().number, from)) {
      const absl::Status why = Explain(from, &page);
      if (!batches.empty() && !HasReason(why, Reason::STORE_CORRUPT) && !why.ok()) return batches;
      JCM_RETURN_IF_ERROR(why);
      if (++explained > kTriesMax) return KeepsChanging();
      continue;
    }
    const Generation& generation = page.generation();
    for (const mvccpb::KeyValue& kv : page.slots.kvs()) {
      if (kv.key() != keys_.Slot(generation.number, from)) return Damaged(from, "missing");
      if (!batches.empty() && bytes + kv.value().size() > max_bytes) return batches;
      bytes += kv.value().size();
      JCM_ASSIGN_OR_RETURN(Batch batch, DecodeSlot(generation.number, from, kv.value()));
      const bool opens = from == generation.first();
      if (opens || !batches.empty()) {
        const absl::Status follows = CheckFollows(opens ? generation.before : PositionOf(batches.back()), batch.header);
        if (!follows.ok()) return Damaged(from, follows.message());
        // Of the seam both sides were seen: what the record says of the batch before, and that batch.
        if (opens && !batches.empty() && !(PositionOf(batches.back()) == generation.before)) {
          return Damaged(from, "its generation goes on from another batch");
        }
      }
      batches.push_back(std::move(batch));
      ++from;
    }
    // A page that wasn't filled ends at the tail, unless its generation is over.
    if (page.is_newest() && static_cast<uint64_t>(page.slots.kvs_size()) < limit) return batches;
  }
  return batches;
}

}  // namespace jcm::log
