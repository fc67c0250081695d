// Clients' bundles that a replica which doesn't order hands on to the one that does. The answer is given once the batch
// is applied here, so that whoever asked here also reads it here. Statements: registry_statement.cc.
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/proto_check.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

using Method = PeerTransport::Method;

constexpr uint64_t kForwardRetryMicros = 50'000;
constexpr uint64_t kForwardGiveUpMicros = 30'000'000;

}  // namespace

// As the hint says; where that can't be read, as the siblings do.
std::string RegistryCore::WhoOrders() const {
  std::string holder = dependencies_.hint->Holder();
  if (!holder.empty()) return holder;
  for (const auto& entry : siblings_) {
    if (entry.second.reachable && entry.second.state.sequencing()) return entry.first;
  }
  return holder;
}

size_t RegistryCore::ForwardedBytes() const {
  size_t bytes = 0;
  for (const auto& entry : forwards_) bytes += entry.second.item.bundle.size();
  return bytes;
}

bool RegistryCore::ServeForwards() {
  if (!Shared()) return false;
  bool worked = false;
  // It was queued here while this replica ordered.
  while (!Sequencing() && Drained() && !client_queue_.empty()) {
    Forwarded forward;
    client_queue_bytes_ -= client_queue_.front().bundle.size();
    forward.item = std::move(client_queue_.front());
    client_queue_.pop_front();
    forward.give_up_us = dependencies_.clock->MonotonicMicros() + kForwardGiveUpMicros;
    forwards_.emplace(next_forward_++, std::move(forward));
    worked = true;
  }
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  std::vector<uint64_t> due;
  const std::string holder = WhoOrders();
  for (auto& entry : forwards_) {
    Forwarded& forward = entry.second;
    // Who was asked orders no more: it may hang, and its answer, should it come, is as good as any.
    if (forward.in_flight && !holder.empty() && forward.to != holder) forward.in_flight = false;
    if (!forward.in_flight && (forward.outcome.has_value() || now >= forward.not_before_us)) {
      due.push_back(entry.first);
    }
  }
  for (const uint64_t id : due) {
    Forwarded& forward = forwards_.at(id);
    const bool late =
        now >= forward.give_up_us || (forward.item.options.deadline_us != 0 && now >= forward.item.options.deadline_us);
    if (forward.outcome.has_value()) {
      // Whoever was told that an act is recorded finds it on the replica that told so.
      if (applied_.index < forward.outcome->log_index && !late) continue;
      SubmitDone done = std::move(forward.item.done);
      SubmitOutcome outcome = *std::move(forward.outcome);
      forwards_.erase(id);
      done(std::move(outcome));
    } else if (late) {
      SubmitDone done = std::move(forward.item.done);
      forwards_.erase(id);
      done(Error(Reason::APPEND_UNKNOWN, "no replica that orders has answered"));
    } else if (Sequencing()) {
      ClientItem item = std::move(forward.item);
      forwards_.erase(id);
      Submit(std::move(item.bundle), std::move(item.options), std::move(item.done));
    } else {
      Forward(id);
    }
    worked = true;
  }
  return worked;
}

void RegistryCore::Forward(uint64_t id) {
  Forwarded& forward = forwards_.at(id);
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  const std::string holder = WhoOrders();
  const auto sibling = siblings_.find(holder);
  if (sibling == siblings_.end() || !sibling->second.reachable) {
    forward.not_before_us = now + kForwardRetryMicros;
    return;
  }
  forward.in_flight = true;
  forward.to = holder;
  replica_v1::ForwardRequest request;
  request.set_signed_bundle(forward.item.bundle);
  request.set_cosigned(forward.item.options.wait_for == WaitFor::kCosigned);
  if (forward.item.options.deadline_us != 0) request.set_remaining_us(forward.item.options.deadline_us - now);
  for (const auto& key : forward.item.options.vault_keys) {
    v1::OffsiteVaultKey* copy = request.add_vault_keys();
    copy->set_subject(key.first);
    copy->set_key(key.second);
  }
  CallSibling(holder, Method::kForward, request.SerializeAsString(),
              [this, id](absl::StatusOr<std::string> response) { OnForwarded(id, std::move(response)); });
}

void RegistryCore::OnForwarded(uint64_t id, absl::StatusOr<std::string> response) {
  const auto it = forwards_.find(id);
  if (it == forwards_.end()) return;
  Forwarded& forward = it->second;
  forward.in_flight = false;
  forward.not_before_us = dependencies_.clock->MonotonicMicros() + kForwardRetryMicros;
  replica_v1::ForwardResponse parsed;
  absl::Status status = response.status();
  if (status.ok()) status = ParseStrict(*response, &parsed);
  if (status.ok()) {
    forward.outcome = ToOutcome(parsed.outcome(), parsed.replayed());
    forward.outcome->cosigned = parsed.cosigned();
    forward.outcome->log_index = parsed.log_index();
    doorbell_ = true;
    return;
  }
  // The same request again is safe for ever; what was refused for a reason of its own is not asked again.
  const bool again = !ReasonOf(status).has_value() || HasReason(status, Reason::INTERNAL) ||
                     HasReason(status, Reason::NOT_SEQUENCER) || HasReason(status, Reason::APPEND_UNKNOWN) ||
                     HasReason(status, Reason::REPLICA_QUARANTINED) || HasReason(status, Reason::STORE_FAILED);
  if (again) return;
  SubmitDone done = std::move(forward.item.done);
  forwards_.erase(it);
  done(status);
}

void RegistryCore::AnswerForward(const std::string& request, PeerTransport::Done done) {
  replica_v1::ForwardRequest parsed;
  absl::Status status = ParseStrict(request, &parsed);
  if (status.ok() && !Sequencing()) status = Error(Reason::NOT_SEQUENCER, options_.replica_name);
  if (!status.ok()) return done(status);
  SubmitOptions options;
  options.wait_for = parsed.cosigned() ? WaitFor::kCosigned : WaitFor::kCommitted;
  if (parsed.remaining_us() > 0) options.deadline_us = dependencies_.clock->MonotonicMicros() + parsed.remaining_us();
  for (const v1::OffsiteVaultKey& key : parsed.vault_keys()) options.vault_keys.emplace_back(key.subject(), key.key());
  status = rules::CheckBundleShape(parsed.signed_bundle(), options_.registry);
  if (!status.ok()) return done(status);
  Submit(std::move(*parsed.mutable_signed_bundle()), std::move(options), [done](absl::StatusOr<SubmitOutcome> outcome) {
    if (!outcome.ok()) return done(outcome.status());
    replica_v1::ForwardResponse response;
    *response.mutable_outcome() = ToProto(*outcome);
    response.set_replayed(outcome->replayed);
    response.set_cosigned(outcome->cosigned);
    response.set_log_index(outcome->log_index);
    done(response.SerializeAsString());
  });
}

}  // namespace jcm::registry
