// What an operator sees of a running registry.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

const char* MismatchName(uint32_t mismatch) {
  switch (mismatch) {
    case v1::MISMATCH_CLASS_INTERNAL:
      return "INTERNAL";
    case v1::MISMATCH_CLASS_UNSUPPORTED:
      return "UNSUPPORTED";
    case v1::MISMATCH_CLASS_INVALID_ACT:
      return "INVALID_ACT";
    case v1::MISMATCH_CLASS_FORK:
      return "FORK";
    default:
      return "UNKNOWN";
  }
}

}  // namespace

uint64_t RegistryCore::WaitMicros() const {
  // Stopped: nothing is due that has a time, but a look at the log.
  if (!failure_.ok()) return options_.poll_interval_us;
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  uint64_t next = now + options_.poll_interval_us;
  for (const auto& partner : partners_) {
    if (!partner.second.in_flight && Sequencing()) next = std::min(next, partner.second.next_poll_us);
  }
  for (const auto& sibling : siblings_) {
    if (!sibling.second.in_flight) next = std::min(next, sibling.second.next_us);
  }
  if (Shared() && !log_busy_ && Drained()) next = std::min(next, next_follow_us_);
  if (appending_.has_value() && !log_busy_) next = std::min(next, appending_->ask_not_before_us);
  for (const auto& forward : forwards_) {
    // One that is answered waits for its batch to be applied here, not for a time.
    if (!forward.second.in_flight && !forward.second.outcome.has_value()) {
      next = std::min(next, forward.second.not_before_us);
    }
  }
  return next > now ? next - now : 0;
}

RegistryStatus RegistryCore::Status() {
  RegistryStatus status;
  status.clock_state = guard_->running() ? "RUNNING" : StopReasonName(guard_->reason());
  status.now = dependencies_.clock->Now();
  status.applied_index = applied_.index;
  status.durable_index = durable_index_;
  status.replica = options_.replica_name;
  status.sequencer = Shared() ? dependencies_.hint->Holder() : options_.replica_name;
  status.quarantine = quarantine_;
  status.caught_up = caught_up_;
  status.log_error = log_error_;
  if (!failure_.ok()) status.failure = ToText(failure_);
  status.log_waiting_bytes = LogWaitingBytes();
  for (const auto& entry : siblings_) {
    const Sibling& sibling = entry.second;
    SiblingInfo info;
    info.name = sibling.name;
    info.reachable = sibling.reachable;
    info.applied_index = sibling.state.applied_index();
    info.durable_index = sibling.state.durable_index();
    info.sequencing = sibling.state.sequencing();
    info.clock_skew_us = sibling.clock_skew_us;
    info.quarantine = sibling.state.quarantine();
    info.last_error = sibling.last_error;
    status.siblings.push_back(std::move(info));
  }
  status.generation = applied_.generation;
  status.offsite_acknowledged_index = LogIndexOf(offsite_acknowledged_);
  std::shared_ptr<const RegistryView> view = View();
  for (const auto& entry : books_) {
    OwnBookInfo book;
    absl::StatusOr<BookInfo> info = view->Info(entry.second.id);
    if (info.ok()) book.info = *info;
    book.info.book = entry.second.id;
    const BookState state = entry.second.state;
    book.state = state == BookState::kOrdering     ? "ORDERING"
                 : state == BookState::kRecovering ? "RECOVERING"
                                                   : "DIVERGED";
    book.opened_size = entry.second.opened_size;
    book.known_size = std::max({entry.second.record_size, entry.second.known_size, book.info.size});
    book.recovered_entries = entry.second.recovered_entries;
    if (state == BookState::kRecovering && !entry.second.answered) book.state = "WAITING_FOR_PEER";
    if (!caught_up_) book.state = "CATCHING_UP";
    auto record = view->State(entry.second.id)->Get<v1::BookRecord>(v1::TABLE_BOOK, "book");
    if (record.ok() && record->has_value()) book.last_state_root_size = (*record)->last_state_root_size();
    status.books.push_back(std::move(book));
  }
  for (const auto& entry : partners_) {
    const Partner& partner = entry.second;
    PartnerInfo info;
    info.registry = partner.registry;
    info.partnership = partner.partnership;
    info.reachable = partner.reachable;
    info.peer_checkpoint_size = partner.peer_checkpoint_size;
    info.clock_skew_us = partner.clock_skew_us;
    info.refused_messages = partner.refused_messages;
    info.last_error = partner.last_error;
    absl::StatusOr<BookInfo> mirror = view->Info(PeerBook(partner));
    if (mirror.ok()) {
      info.mirror_size = mirror->size;
      info.executed_size = mirror->executed_size;
      info.cosigned_size = mirror->cosigned_size;
    }
    absl::StatusOr<v1::CursorRecord> cursor = Cursor(partner.partnership);
    if (cursor.ok()) {
      info.imported_size = cursor->imported_size();
      if (cursor->halted()) info.halt = MismatchName(cursor->mismatch());
    }
    if (info.halt.empty() && partner.unsupported) info.halt = "UNSUPPORTED";
    absl::Status scanned = view->State({options_.registry, partner.partnership})
                               ->Scan(v1::TABLE_TRANSFER_OUT, "", "", [&](absl::string_view, absl::string_view value) {
                                 v1::TransferOutRecord transfer;
                                 if (transfer.ParseFromArray(value.data(), static_cast<int>(value.size())) &&
                                     transfer.state() == v1::TRANSFER_OUT_STATE_INITIATED) {
                                   const uint64_t at = transfer.initiated_at_us();
                                   if (info.oldest_in_transit_us == 0 || at < info.oldest_in_transit_us) {
                                     info.oldest_in_transit_us = at;
                                   }
                                 }
                                 return true;
                               });
    if (!scanned.ok()) info.last_error = ToText(scanned);
    status.partners.push_back(std::move(info));
  }
  status.lanes.push_back({"client", client_queue_.size(), options_.limits.client_queue_bundles});
  status.lanes.push_back({"system", system_queue_.size(), options_.limits.system_queue_items});
  status.lanes.push_back({"cosign-waiters", waiters_.size(), options_.limits.waiters});
  status.warnings.assign(warnings_.begin(), warnings_.end());
  const std::string log_warning = dependencies_.log->Warning();
  if (!log_warning.empty()) status.warnings.push_back(absl::StrCat("LOG: ", log_warning));
  return status;
}

}  // namespace jcm::registry
