// Statements of persons and governments, on their way into the record. Each is handed in once, by people, so it is not
// answered before it is recorded or refused: whatever happens to the replica that has it in its queue, it is in the
// log, or at another replica, or whoever handed it in hears that nobody knows.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/proto_check.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

using Method = PeerTransport::Method;

constexpr uint64_t kStatementRetryMicros = 50'000;
constexpr uint64_t kStatementGiveUpMicros = 10'000'000;
// So many wait at a time: each was signed by two persons or by two governments.
constexpr size_t kStatementsMax = 100;

bool SameItem(const v1::SystemItem& a, const v1::SystemItem& b) {
  return a.partnership() == b.partnership() && a.kind() == b.kind() && a.command() == b.command();
}

// The other replica has not taken it, whatever it is: the next one that orders may.
bool NotTaken(const absl::Status& status) {
  return HasReason(status, Reason::NOT_SEQUENCER) || HasReason(status, Reason::REPLICA_QUARANTINED) ||
         HasReason(status, Reason::STORE_FAILED);
}

// Nobody knows whether it was taken.
bool Unclear(const absl::Status& status) {
  return !ReasonOf(status).has_value() || HasReason(status, Reason::INTERNAL) ||
         HasReason(status, Reason::APPEND_UNKNOWN);
}

}  // namespace

bool RegistryCore::IsStatement(const v1::LogItem& item) {
  switch (static_cast<book::LeafKind>(item.system().kind())) {
    case book::LeafKind::KEY_CHANGE:
    case book::LeafKind::RESOLUTION:
    case book::LeafKind::RESUME_ALONE:
    case book::LeafKind::ACCEPT_TIME:
    case book::LeafKind::HOME_RESET:
      return item.has_system();
    default:
      return false;
  }
}

void RegistryCore::HandInStatement(const std::string& partnership, book::LeafKind kind, std::string statement,
                                   std::function<void(absl::Status)> done) {
  if (!failure_.ok()) return done(Error(Reason::STORE_FAILED, failure_.message()));
  if (!quarantine_.empty()) return done(Error(Reason::REPLICA_QUARANTINED, quarantine_));
  if (statements_.size() >= kStatementsMax) {
    return done(Error(Reason::QUEUE_FULL, absl::StrCat("statements: ", statements_.size())));
  }
  v1::SystemItem item;
  item.set_partnership(partnership);
  item.set_kind(static_cast<uint32_t>(kind));
  item.set_command(std::move(statement));
  ServeStatement(AddStatement(std::move(item), std::move(done)));
}

uint64_t RegistryCore::AddStatement(v1::SystemItem item, std::function<void(absl::Status)> done) {
  HandedIn act;
  act.item = std::move(item);
  act.done = std::move(done);
  act.give_up_us = dependencies_.clock->MonotonicMicros() + kStatementGiveUpMicros;
  statements_.emplace(next_statement_, std::move(act));
  return next_statement_++;
}

void RegistryCore::AnswerHandedIn(uint64_t id, const absl::Status& status) {
  const auto it = statements_.find(id);
  if (it == statements_.end()) return;
  const std::function<void(absl::Status)> done = std::move(it->second.done);
  statements_.erase(it);
  if (done != nullptr) done(status);
}

void RegistryCore::OnStatementApplied(const v1::SystemItem& system, const absl::Status& error) {
  std::vector<uint64_t> same;
  for (const auto& entry : statements_) {
    if (SameItem(entry.second.item, system)) same.push_back(entry.first);
  }
  for (const uint64_t id : same) AnswerHandedIn(id, error);
}

void RegistryCore::ServeStatement(uint64_t id) {
  HandedIn& act = statements_.at(id);
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  if (now >= act.give_up_us) {
    // Recorded there, if not yet seen here.
    if (act.recorded) return AnswerHandedIn(id, absl::OkStatus());
    const bool unclear = act.queued || act.in_flight || act.told;
    return AnswerHandedIn(id, unclear ? Error(Reason::APPEND_UNKNOWN, "the statement may be recorded or not")
                                      : Error(Reason::NOT_SEQUENCER, "no replica is known to order now"));
  }
  if (act.queued || act.in_flight || act.told || now < act.not_before_us) return;
  if (Sequencing()) {
    act.queued = true;
    const v1::SystemItem item = act.item;
    const absl::Status taken =
        SubmitStatement(item.partnership(), static_cast<book::LeafKind>(item.kind()), item.command());
    if (!taken.ok()) AnswerHandedIn(id, taken);
    return;
  }
  const std::string holder = WhoOrders();
  const auto sibling = siblings_.find(holder);
  if (sibling == siblings_.end() || !sibling->second.reachable) {
    act.not_before_us = now + kStatementRetryMicros;
    return;
  }
  act.in_flight = true;
  replica_v1::ForwardStatementRequest request;
  request.set_partnership(act.item.partnership());
  request.set_kind(act.item.kind());
  request.set_statement(act.item.command());
  CallSibling(holder, Method::kForwardStatement, request.SerializeAsString(),
              [this, id](absl::StatusOr<std::string> response) { OnStatementForwarded(id, response.status()); });
}

void RegistryCore::OnStatementForwarded(uint64_t id, const absl::Status& status) {
  const auto it = statements_.find(id);
  if (it == statements_.end()) return;  // seen in the log, or given up
  HandedIn& act = it->second;
  act.in_flight = false;
  if (status.ok()) {
    // Whoever handed it in here also reads it here.
    act.told = act.recorded = true;
    doorbell_ = true;
  } else if (NotTaken(status)) {
    act.not_before_us = dependencies_.clock->MonotonicMicros() + kStatementRetryMicros;
  } else if (Unclear(status)) {
    // Not handed in twice: the second would be refused for what the first has done. The log shows it, if it is there.
    act.told = true;
  } else {
    AnswerHandedIn(id, status);
  }
}

// What this replica had queued when it ceased to order goes to the one that does.
bool RegistryCore::PassOnStatements() {
  if (!Shared() || Sequencing() || !Drained()) return false;
  std::deque<v1::LogItem> others;
  std::deque<v1::LogItem> queue = std::move(system_queue_);
  bool any = false;
  for (v1::LogItem& item : queue) {
    if (!IsStatement(item)) {
      others.push_back(std::move(item));
      continue;
    }
    any = true;
    const auto known = std::find_if(statements_.begin(), statements_.end(),
                                    [&](const auto& entry) { return SameItem(entry.second.item, item.system()); });
    if (known != statements_.end()) {
      known->second.queued = false;
    } else {
      AddStatement(std::move(*item.mutable_system()), nullptr);
    }
  }
  system_queue_ = std::move(others);
  return any;
}

bool RegistryCore::ServeStatements() {
  const bool worked = PassOnStatements();
  std::vector<uint64_t> waiting;
  for (const auto& entry : statements_) waiting.push_back(entry.first);
  for (const uint64_t id : waiting) {
    if (statements_.count(id) > 0) ServeStatement(id);
  }
  return worked;
}

void RegistryCore::AnswerStatement(const std::string& request, PeerTransport::Done done) {
  replica_v1::ForwardStatementRequest parsed;
  absl::Status status = ParseStrict(request, &parsed);
  if (status.ok() && !Sequencing()) status = Error(Reason::NOT_SEQUENCER, options_.replica_name);
  if (!status.ok()) return done(status);
  HandInStatement(parsed.partnership(), static_cast<book::LeafKind>(parsed.kind()),
                  std::move(*parsed.mutable_statement()), [done](const absl::Status& recorded) {
                    if (!recorded.ok()) return done(recorded);
                    done(replica_v1::ForwardStatementResponse().SerializeAsString());
                  });
}

}  // namespace jcm::registry
