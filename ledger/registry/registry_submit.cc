// Requests from clients: checked before they are queued, answered when their batch is applied or cosigned.
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/proto_check.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

// What no replica has taken for so long goes back to the client, without a deadline of its own.
constexpr uint64_t kForwardGiveUpMicros = 30'000'000;

}  // namespace

absl::Status RegistryCore::CheckSubmit(absl::string_view signed_bundle, absl::optional<v1::RequestOutcome>* earlier) {
  JCM_RETURN_IF_ERROR(rules::CheckBundleShape(signed_bundle, options_.registry));
  v1::SignedBundle bundle;
  JCM_RETURN_IF_ERROR(ParseStrict(signed_bundle, &bundle));
  // Who may act is said in home: while its tail is missing, a revocation may be missing too.
  if (!CanOrder(kHome)) return Error(Reason::BOOK_NOT_ORDERING, kHome);
  for (const std::string& bytes : bundle.parts()) {
    v1::BundlePart part;
    JCM_RETURN_IF_ERROR(ParseStrict(bytes, &part));
    auto book = books_.find(part.partnership());
    if (book == books_.end()) return Error(Reason::BOOK_UNKNOWN, part.partnership());
    if (book->second.state != BookState::kOrdering) return Error(Reason::BOOK_NOT_ORDERING, part.partnership());
  }
  Applier applier(options_.registry, *dependencies_.store, verifier_);
  JCM_ASSIGN_OR_RETURN(Applier::Request request, applier.Authenticate(bundle));
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> bytes,
                       dependencies_.store->Get(store::Family::kOutcome, request.outcome_key));
  if (!bytes.has_value()) return absl::OkStatus();
  v1::RequestOutcome outcome;
  if (!outcome.ParseFromString(*bytes)) return Error(Reason::STORE_CORRUPT, "request outcome");
  if (outcome.request_digest() != request.digest) return Error(Reason::REQUEST_ID_REUSED);
  *earlier = std::move(outcome);
  return absl::OkStatus();
}

void RegistryCore::Submit(std::string signed_bundle, SubmitOptions options, SubmitDone done) {
  if (!failure_.ok()) return done(Error(Reason::STORE_FAILED, failure_.message()));
  if (!quarantine_.empty()) return done(Error(Reason::REPLICA_QUARANTINED, quarantine_));
  if (!Sequencing()) {
    // Checked where it is ordered: this replica may not have seen the key of its author yet.
    if (forwards_.size() >= options_.limits.client_queue_bundles ||
        ForwardedBytes() + signed_bundle.size() > options_.limits.client_queue_bytes) {
      return done(Error(Reason::QUEUE_FULL, absl::StrCat("forwarded: ", forwards_.size(), " bundles")));
    }
    Forwarded forward;
    forward.item = ClientItem{std::move(signed_bundle), std::move(options), std::move(done)};
    forward.give_up_us = dependencies_.clock->MonotonicMicros() + kForwardGiveUpMicros;
    forwards_.emplace(next_forward_++, std::move(forward));
    return;
  }
  absl::optional<v1::RequestOutcome> earlier;
  absl::Status status = CheckSubmit(signed_bundle, &earlier);
  NoticeDamage(status);
  if (!status.ok()) return done(status);
  if (earlier.has_value()) {
    ItemResult result;
    result.outcome = *std::move(earlier);
    result.replayed = true;
    if (options.wait_for == WaitFor::kCosigned && waiters_.size() >= options_.limits.waiters) {
      return done(Error(Reason::QUEUE_FULL, absl::StrCat("waiting for cosignatures: ", waiters_.size())));
    }
    const uint64_t position = result.outcome.log_index();
    return Answer(ClientItem{std::move(signed_bundle), std::move(options), std::move(done)}, result, position);
  }
  if (!guard_->running()) {
    return done(Error(Reason::CLOCK_NOT_TRUSTED, StopReasonName(guard_->reason())));
  }
  if (client_queue_.size() + sharing_bundles_ >= options_.limits.client_queue_bundles ||
      client_queue_bytes_ + sharing_bytes_ + signed_bundle.size() > options_.limits.client_queue_bytes) {
    return done(Error(Reason::QUEUE_FULL, absl::StrCat("client lane: ", client_queue_.size(), " bundles")));
  }
  if (options.wait_for == WaitFor::kCosigned && waiters_.size() >= options_.limits.waiters) {
    return done(Error(Reason::QUEUE_FULL, absl::StrCat("waiting for cosignatures: ", waiters_.size())));
  }
  // Checkpoints that are not made, or a log that cannot be trimmed: either way it must not fill its servers.
  if (LogWaitingBytes() > options_.limits.log_high_water_bytes) {
    return done(Error(Reason::LOG_FULL, absl::StrCat(LogWaitingBytes(), " bytes")));
  }
  if (LogKeptBytes() > options_.limits.log_kept_bytes + 2 * options_.limits.log_high_water_bytes) {
    return done(Error(Reason::LOG_FULL, absl::StrCat(LogKeptBytes(), " bytes are not trimmed")));
  }
  // A key must be safe before anything is sealed with it for good.
  const std::vector<std::pair<std::string, std::string>> vault_keys = options.vault_keys;
  auto item = std::make_shared<ClientItem>(ClientItem{std::move(signed_bundle), std::move(options), std::move(done)});
  ++sharing_bundles_;
  sharing_bytes_ += item->bundle.size();
  ShareVaultKeys(vault_keys, [this, item](const absl::Status& kept) {
    --sharing_bundles_;
    sharing_bytes_ -= item->bundle.size();
    if (!kept.ok()) return item->done(kept);
    OrderLater(std::move(*item));
  });
}

void RegistryCore::OrderLater(ClientItem item) {
  if (!failure_.ok()) return item.done(Error(Reason::STORE_FAILED, failure_.message()));
  client_queue_bytes_ += item.bundle.size();
  client_queue_.push_back(std::move(item));
}

absl::StatusOr<SubmitOutcome> RegistryCore::Validate(absl::string_view signed_bundle) {
  absl::optional<v1::RequestOutcome> earlier;
  JCM_RETURN_IF_ERROR(CheckSubmit(signed_bundle, &earlier));
  if (earlier.has_value()) return ToOutcome(*earlier, /*replayed=*/true);
  Applier applier(options_.registry, *dependencies_.store, verifier_);
  const BookTime now = std::max(dependencies_.clock->Now(), applied_.time);
  JCM_ASSIGN_OR_RETURN(ItemResult result, applier.DryRun(signed_bundle, now));
  JCM_RETURN_IF_ERROR(result.error);
  SubmitOutcome outcome = ToOutcome(result.outcome, result.replayed);
  for (size_t i = 0; i < outcome.parts.size() && i < result.refusals.size(); ++i) {
    for (const rules::Refusal& refusal : result.refusals[i]) {
      outcome.parts[i].refusals.push_back(
          {static_cast<uint32_t>(*ReasonOf(refusal.status)), std::string(refusal.status.message()), refusal.rule});
    }
  }
  return outcome;
}

SubmitOutcome RegistryCore::ToOutcome(const v1::RequestOutcome& outcome, bool replayed) const {
  SubmitOutcome answer;
  answer.batch_time = BookTime::FromMicros(outcome.batch_time_us());
  answer.replayed = replayed;
  answer.request_digest = outcome.request_digest();
  answer.log_index = LogIndexOf(outcome.log_index());
  for (const v1::RequestPart& part : outcome.parts()) {
    PartOutcome result;
    result.book = {options_.registry, part.partnership()};
    result.accepted = part.accepted();
    result.sequence = part.sequence();
    if (part.leaf_hash().size() == sizeof(Digest)) {
      std::copy(part.leaf_hash().begin(), part.leaf_hash().end(), result.leaf_hash.begin());
    }
    result.reason = part.reason();
    result.detail = part.detail();
    answer.parts.push_back(std::move(result));
  }
  return answer;
}

v1::RequestOutcome RegistryCore::ToProto(const SubmitOutcome& outcome) {
  v1::RequestOutcome message;
  message.set_batch_time_us(outcome.batch_time.micros);
  message.set_request_digest(outcome.request_digest);
  for (const PartOutcome& part : outcome.parts) {
    v1::RequestPart* result = message.add_parts();
    result->set_partnership(part.book.partnership);
    result->set_accepted(part.accepted);
    result->set_recorded(part.accepted);
    result->set_sequence(part.sequence);
    result->set_leaf_hash(std::string(AsBytes(part.leaf_hash)));
    result->set_reason(part.reason);
    result->set_detail(part.detail);
  }
  return message;
}

void RegistryCore::Answer(ClientItem client, const ItemResult& result, uint64_t offsite_position) {
  if (!result.error.ok()) return client.done(result.error);
  SubmitOutcome outcome = ToOutcome(result.outcome, result.replayed);
  if (client.options.wait_for == WaitFor::kCommitted) return client.done(std::move(outcome));
  Waiter waiter;
  for (const PartOutcome& part : outcome.parts) {
    if (part.accepted && !part.book.is_home()) waiter.sizes.push_back({part.book, part.sequence + 1});
  }
  waiter.outcome = std::move(outcome);
  waiter.offsite_position = offsite_position;
  waiter.deadline_us = client.options.deadline_us;
  waiter.done = std::move(client.done);
  waiters_.push_back(std::move(waiter));
}

bool RegistryCore::WaiterSatisfied(const Waiter& waiter) const {
  if (offsite_acknowledged_ < waiter.offsite_position) return false;
  for (const auto& need : waiter.sizes) {
    absl::StatusOr<v1::BookNotes> notes = ReadNotes(*dependencies_.store, need.first);
    if (!notes.ok() || notes->cosigned_size() < need.second) return false;
  }
  return true;
}

bool RegistryCore::ServeWaiters() {
  bool worked = false;
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    absl::StatusOr<SubmitOutcome> answer = Error(Reason::COSIGN_TIMEOUT);
    if (WaiterSatisfied(*it)) {
      it->outcome.cosigned = true;
      answer = it->outcome;
    } else if (it->deadline_us == 0 || now < it->deadline_us) {
      ++it;
      continue;
    }
    SubmitDone done = std::move(it->done);
    it = waiters_.erase(it);
    done(std::move(answer));
    worked = true;
  }
  return worked;
}

}  // namespace jcm::registry
