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
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  uint64_t next = now + options_.poll_interval_us;
  for (const auto& partner : partners_) {
    if (!partner.second.in_flight) next = std::min(next, partner.second.next_poll_us);
  }
  return next > now ? next - now : 0;
}

RegistryStatus RegistryCore::Status() {
  RegistryStatus status;
  status.clock_state = guard_->running() ? "RUNNING" : StopReasonName(guard_->reason());
  status.now = dependencies_.clock->Now();
  status.applied_index = applied_.index;
  status.durable_index = applied_.index;  // the embedded log's append is the synced write
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
    if (state == BookState::kRecovering && !entry.second.answered) book.state = "WAITING_FOR_PEER";
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
  return status;
}

}  // namespace jcm::registry
