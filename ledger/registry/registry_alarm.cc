// What a partner's page obliges this registry to say in its own book: that it stops the partnership (HALT), or that
// entries were stamped before what was cosigned (LATE_STAMPED). The obligation is on disk with what it follows from,
// and stays until the book says it, so that no crash and no change of roles in between loses it.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

// What was refused is asked for again after twice as long each time, at most a thousand times the longest poll.
constexpr int kWaitShiftMax = 10;

absl::StatusOr<absl::optional<std::string>> ReadAlarm(const store::ReadView& records, const std::string& registry,
                                                      book::LeafKind kind) {
  return records.Get(store::Family::kMeta, AlarmKey(registry, static_cast<uint32_t>(kind)));
}

}  // namespace

absl::Status RegistryCore::LoadAlarms() {
  for (auto& entry : partners_) {
    Partner& partner = entry.second;
    JCM_ASSIGN_OR_RETURN(partner.halt.command, ReadAlarm(*dependencies_.store, partner.registry, book::LeafKind::HALT));
    JCM_ASSIGN_OR_RETURN(partner.late.command,
                         ReadAlarm(*dependencies_.store, partner.registry, book::LeafKind::LATE_STAMPED));
  }
  return absl::OkStatus();
}

void RegistryCore::OweLateStamped(Partner& partner, v1::LateStamped late, store::WriteBatch* writes) {
  // Another replica was shown the same page, and its book has said so.
  if (late.to() <= partner.late.said_to) return;
  v1::LateStamped owed;
  if (partner.late.command.has_value() && owed.ParseFromString(*partner.late.command)) {
    late.set_from(std::min(late.from(), owed.from()));
    late.set_stamped_at_us(std::min(late.stamped_at_us(), owed.stamped_at_us()));
  }
  PutAlarm(partner, book::LeafKind::LATE_STAMPED, state::Serialise(late), writes);
}

void RegistryCore::PutAlarm(Partner& partner, book::LeafKind kind, std::string command, store::WriteBatch* writes) {
  writes->Put(store::Family::kMeta, AlarmKey(partner.registry, static_cast<uint32_t>(kind)), command);
  (kind == book::LeafKind::HALT ? partner.halt : partner.late).command = std::move(command);
}

void RegistryCore::QueueAlarms() {
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  for (auto& entry : partners_) {
    Partner& partner = entry.second;
    for (const book::LeafKind kind : {book::LeafKind::HALT, book::LeafKind::LATE_STAMPED}) {
      Alarm& alarm = kind == book::LeafKind::HALT ? partner.halt : partner.late;
      if (!alarm.command.has_value() || alarm.pending || now < alarm.not_before_us) continue;
      alarm.pending = QueueSystem(partner.partnership, kind, *alarm.command);
    }
  }
}

bool RegistryCore::IsSaidBy(const Alarm& alarm, const v1::SystemItem& system) {
  if (!alarm.command.has_value()) return false;
  // One halt stops the partnership, whatever it was that another replica found.
  if (static_cast<book::LeafKind>(system.kind()) == book::LeafKind::HALT) return true;
  v1::LateStamped said;
  v1::LateStamped owed;
  return said.ParseFromString(system.command()) && owed.ParseFromString(*alarm.command) && owed.to() <= said.to();
}

void RegistryCore::ForgetAlarms(const v1::SystemItem& system, store::WriteBatch* writes) const {
  const auto kind = static_cast<book::LeafKind>(system.kind());
  if (kind != book::LeafKind::HALT && kind != book::LeafKind::LATE_STAMPED) return;
  for (const auto& entry : partners_) {
    const Partner& partner = entry.second;
    const Alarm& alarm = kind == book::LeafKind::HALT ? partner.halt : partner.late;
    if (partner.partnership != system.partnership() || !IsSaidBy(alarm, system)) continue;
    writes->Delete(store::Family::kMeta, AlarmKey(partner.registry, system.kind()));
  }
}

void RegistryCore::OnAlarmApplied(Partner& partner, const v1::SystemItem& system, const absl::Status& error) {
  const auto kind = static_cast<book::LeafKind>(system.kind());
  if (kind != book::LeafKind::HALT && kind != book::LeafKind::LATE_STAMPED) return;
  Alarm& alarm = kind == book::LeafKind::HALT ? partner.halt : partner.late;
  alarm.pending = false;
  if (error.ok()) {
    if (IsSaidBy(alarm, system)) alarm.command.reset();
    v1::LateStamped late;
    if (kind == book::LeafKind::LATE_STAMPED && late.ParseFromString(system.command())) {
      alarm.said_to = std::max(alarm.said_to, late.to());
    }
    alarm.refusals = 0;
    return;
  }
  // It stays owed, but a refusal is in the log each time.
  alarm.not_before_us = dependencies_.clock->MonotonicMicros() +
                        (options_.poll_interval_max_us << std::min(alarm.refusals, kWaitShiftMax));
  ++alarm.refusals;
  warnings_.insert(absl::StrCat("ALARM: ", book::KindName(kind), " of ", partner.registry, ": ", ToText(error)));
}

}  // namespace jcm::registry
