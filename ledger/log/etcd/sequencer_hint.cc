#include "ledger/log/etcd/sequencer_hint.h"

#include <utility>

#include "ledger/base/status.h"

namespace jcm::log {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;

void AddValueIs(TxnRequest* txn, const std::string& key, const std::string& value) {
  Compare& compare = *txn->add_compare();
  compare.set_result(Compare::EQUAL);
  compare.set_target(Compare::VALUE);
  compare.set_key(key);
  compare.set_value(value);
}

void AddAbsent(TxnRequest* txn, const std::string& key) {
  Compare& compare = *txn->add_compare();
  compare.set_result(Compare::EQUAL);
  compare.set_target(Compare::CREATE);
  compare.set_key(key);
  compare.set_create_revision(0);
}

}  // namespace

SequencerHint::SequencerHint(std::shared_ptr<EtcdClient> client, absl::string_view prefix, absl::string_view replica)
    : client_(std::move(client)), key_(EtcdKeys(prefix).Sequencer()), replica_(replica) {
  JCM_CHECK(!replica_.empty());
  thread_ = std::thread([this] { Run(); });
}

SequencerHint::~SequencerHint() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  // The key goes with its lease, at once.
  if (lease_ != 0) client_->RevokeLease(lease_).IgnoreError();
}

std::string SequencerHint::Holder() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const bool fresh = std::chrono::steady_clock::now() - answered_at_ < std::chrono::seconds(kSequencerLeaseSeconds);
  return fresh ? holder_ : "";
}

void SequencerHint::Campaign() {
  const std::lock_guard<std::mutex> lock(mutex_);
  wanted_.campaigning = true;
  hurry_ = true;
  changed_.notify_all();
}

void SequencerHint::Resign() {
  const std::lock_guard<std::mutex> lock(mutex_);
  wanted_ = {};
  // Not ours any more, whatever etcd says until the thread has told it.
  if (holder_ == replica_) holder_.clear();
  hurry_ = true;
  changed_.notify_all();
}

void SequencerHint::TakeOver(absl::string_view expected_holder) {
  const std::lock_guard<std::mutex> lock(mutex_);
  wanted_.campaigning = true;
  wanted_.take_over_from = std::string(expected_holder);
  hurry_ = true;
  changed_.notify_all();
}

void SequencerHint::Run() {
  do {
    Round(TakeWanted());
  } while (WaitForNextRound());
}

bool SequencerHint::WaitForNextRound() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, kSequencerPollEvery, [&] { return stopping_ || hurry_; });
  return !stopping_;
}

SequencerHint::Wanted SequencerHint::TakeWanted() {
  const std::lock_guard<std::mutex> lock(mutex_);
  hurry_ = false;
  Wanted wanted = wanted_;
  wanted_.take_over_from.reset();
  return wanted;
}

void SequencerHint::Round(const Wanted& wanted) {
  const absl::StatusOr<Seen> seen = Ask();
  if (!seen.ok()) {
    // An order to take over is kept for the next answer, unless there is a newer one.
    const std::lock_guard<std::mutex> lock(mutex_);
    if (wanted_.campaigning && !wanted_.take_over_from.has_value()) wanted_.take_over_from = wanted.take_over_from;
    return;
  }
  if (!wanted.campaigning) return GiveUp(*seen);
  const bool mine = seen->holder == replica_;
  const bool free = seen->holder.empty();
  const bool take = wanted.take_over_from.has_value() && seen->holder == *wanted.take_over_from;
  if (!(mine || free || take) || !HaveLease()) return Publish(mine ? "" : seen->holder);
  if (mine && seen->lease == lease_) return Publish(replica_);
  Claim(*seen);
}

absl::StatusOr<SequencerHint::Seen> SequencerHint::Ask() {
  TxnRequest txn;
  txn.add_success()->mutable_request_range()->set_key(key_);
  JCM_ASSIGN_OR_RETURN(const TxnResponse response, client_->Read(txn));
  if (response.responses_size() != 1) return Error(Reason::LOG_UNAVAILABLE, "etcd: an answer with too few parts");
  const auto& range = response.responses(0).response_range();
  if (range.kvs_size() == 0) return Seen{};
  return Seen{range.kvs(0).value(), range.kvs(0).lease()};
}

void SequencerHint::GiveUp(const Seen& seen) {
  const bool mine = lease_ != 0 && seen.lease == lease_;
  // If it can't be revoked now, it runs out, as nothing keeps it alive.
  if (lease_ != 0 && client_->RevokeLease(lease_).ok()) lease_ = 0;
  Publish(mine ? "" : seen.holder);
}

bool SequencerHint::HaveLease() {
  if (lease_ != 0) {
    const absl::StatusOr<int64_t> left = client_->KeepLeaseAlive(lease_);
    if (left.ok() && *left > 0) return true;
    if (!left.ok()) return false;
  }
  lease_ = client_->GrantLease(kSequencerLeaseSeconds).value_or(0);
  return lease_ != 0;
}

void SequencerHint::Claim(const Seen& seen) {
  TxnRequest txn;
  if (seen.holder.empty()) {
    AddAbsent(&txn, key_);
  } else {
    AddValueIs(&txn, key_, seen.holder);
  }
  auto& put = *txn.add_success()->mutable_request_put();
  put.set_key(key_);
  put.set_value(replica_);
  put.set_lease(lease_);
  const absl::StatusOr<TxnResponse> claimed = client_->Commit(txn);
  if (claimed.ok() && claimed->succeeded()) return Publish(replica_);
  // Somebody else was faster, or the lease is gone, or nobody knows: the next round will see.
  Publish(seen.holder == replica_ ? "" : seen.holder);
}

void SequencerHint::Publish(const std::string& holder) {
  const std::lock_guard<std::mutex> lock(mutex_);
  // Resigned while this was on its way.
  holder_ = holder == replica_ && !wanted_.campaigning ? "" : holder;
  answered_at_ = std::chrono::steady_clock::now();
}

}  // namespace jcm::log
