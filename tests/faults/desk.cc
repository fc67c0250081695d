#include "tests/faults/desk.h"

#include <chrono>
#include <cstdio>

#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "ledger/base/status.h"
#include "services/common/grpc_status.h"
#include "tools/client/bundle_builder.h"

namespace jcm::faults {
namespace {

constexpr int kAnswerSeconds = 60;

// The registry said nothing about the act: it may or may not have been recorded.
bool Unanswered(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return true;
    default:
      return HasReason(status, Reason::QUEUE_FULL) || HasReason(status, Reason::APPEND_UNKNOWN) ||
             HasReason(status, Reason::COSIGN_TIMEOUT);
  }
}

// The end of the test: an act that nothing may refuse has been refused, or nobody answers any more.
[[noreturn]] void GiveUp(Site& site, const Act& act, const std::string& why) {
  std::fprintf(stderr, "%s, %s: %s\n", act.registry.c_str(), act.what.c_str(), why.c_str());
  for (const char* registry : {"JPN", "THA"}) {
    std::fprintf(stderr, "---- log of %s\n%s", registry, site.Log(registry).c_str());
    api::GetNodeStatusResponse status = site.Status(registry);
    status.clear_metrics();
    std::fprintf(stderr, "---- status of %s\n%s", registry, status.DebugString().c_str());
  }
  std::abort();
}

bool Accepted(const api::SubmitBundleResponse& response) {
  for (const api::PartResult& result : response.results()) {
    if (!result.accepted()) return false;
  }
  return response.results_size() > 0;
}

std::vector<Place> PlacesOf(const api::SubmitBundleResponse& answer) {
  std::vector<Place> places;
  for (const api::PartResult& result : answer.results()) {
    places.push_back({result.book(), result.sequence(), result.leaf_hash()});
  }
  return places;
}

}  // namespace

Act Desk::Sign(const std::string& registry, const std::vector<std::string>& signers, const std::string& partnership,
               const v1::Command& command, const client::SealedParticulars* sealed) {
  Act act;
  act.registry = registry;
  act.what = command.ShortDebugString();
  std::vector<PrivateKey> keys;
  for (const std::string& signer : signers) keys.push_back(site_.Person(registry, signer));
  std::lock_guard<std::mutex> lock(mutex_);
  client::BundleBuilder builder(registry, v1::BUNDLE_MODE_ATOMIC, random_);
  JCM_CHECK(builder.Add(partnership, command).ok());
  if (sealed != nullptr) {
    builder.Attach(sealed->attachment);
    act.vault_keys.emplace_back(sealed->attachment.subject(), sealed->key);
  }
  absl::StatusOr<client::BuiltBundle> built = builder.Sign(keys);
  JCM_CHECK(built.ok());
  act.bundle = built->bytes;
  return act;
}

absl::StatusOr<api::SubmitBundleResponse> Desk::Send(const Act& act, api::WaitFor wait_for, bool validate_only,
                                                     int timeout_ms) {
  api::SubmitBundleRequest request;
  request.set_signed_bundle(act.bundle);
  request.set_wait_for(wait_for);
  request.set_validate_only(validate_only);
  for (const auto& [subject, key] : act.vault_keys) {
    api::VaultKey* vault_key = request.add_vault_keys();
    vault_key->set_subject(subject);
    vault_key->set_key(key);
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ++calls_;
  }
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(timeout_ms));
  api::SubmitBundleResponse response;
  const grpc::Status status =
      api::LedgerService::NewStub(site_.Channel(act.registry))->SubmitBundle(&context, request, &response);
  if (!status.ok()) return services::FromGrpcStatus(status);
  return response;
}

api::SubmitBundleResponse Desk::Acknowledge(const Act& act, api::WaitFor wait_for) {
  const size_t number = history_.Begin(act.client, act.registry, act.what, act.serial);
  const api::SubmitBundleResponse answer = SendUntilAnswered(act, wait_for);
  history_.Acknowledge(number, PlacesOf(answer));
  Remember(act, answer);
  return answer;
}

bool Desk::Try(const Act& act, int calls, int timeout_ms) {
  const size_t number = history_.Begin(act.client, act.registry, act.what, act.serial);
  for (int i = 0; i < calls; ++i) {
    const absl::StatusOr<api::SubmitBundleResponse> answer = Send(act, api::WAIT_FOR_COMMITTED, false, timeout_ms);
    if (!answer.ok() && Unanswered(answer.status())) continue;
    if (!answer.ok()) GiveUp(site_, act, ToText(answer.status()));
    if (!Accepted(*answer)) GiveUp(site_, act, answer->ShortDebugString());
    history_.Acknowledge(number, PlacesOf(*answer));
    Remember(act, *answer);
    return true;
  }
  std::lock_guard<std::mutex> lock(mutex_);
  unknown_.emplace_back(number, act);
  return false;
}

void Desk::ResolveUnknown() {
  std::vector<std::pair<size_t, Act>> unknown;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    unknown.swap(unknown_);
  }
  for (const auto& [number, act] : unknown) {
    const api::SubmitBundleResponse answer = SendUntilAnswered(act, api::WAIT_FOR_COMMITTED);
    history_.Resolve(number, PlacesOf(answer));
    Remember(act, answer);
  }
}

void Desk::Remember(const Act& act, const api::SubmitBundleResponse& answer) {
  std::lock_guard<std::mutex> lock(mutex_);
  acknowledged_[act.registry].push_back({act, answer});
}

api::SubmitBundleResponse Desk::SendUntilAnswered(const Act& act, api::WaitFor wait_for) {
  absl::StatusOr<api::SubmitBundleResponse> answer = absl::UnknownError("not sent");
  uint64_t calls = 0;
  const bool answered = Eventually(
      [&] {
        ++calls;
        answer = Send(act, wait_for);
        return answer.ok() || !Unanswered(answer.status());
      },
      kAnswerSeconds);
  if (!answered || !answer.ok()) GiveUp(site_, act, ToText(answer.status()));
  if (!Accepted(*answer)) GiveUp(site_, act, answer->ShortDebugString());
  std::lock_guard<std::mutex> lock(mutex_);
  repeats_ += calls - 1;
  return *answer;
}

api::SubmitBundleResponse Desk::AcknowledgeWhenPossible(const Act& act) {
  absl::StatusOr<api::SubmitBundleResponse> trial = absl::UnknownError("not sent");
  const bool possible = Eventually(
      [&] {
        trial = Send(act, api::WAIT_FOR_COMMITTED, /*validate_only=*/true);
        return trial.ok() && Accepted(*trial);
      },
      kAnswerSeconds);
  if (!possible) GiveUp(site_, act, trial.ok() ? trial->ShortDebugString() : ToText(trial.status()));
  return Acknowledge(act);
}

size_t Desk::CheckRemembered(const std::string& registry, size_t from) {
  const std::vector<Acknowledged> all = AcknowledgedBy(registry);
  for (size_t i = from; i < all.size(); ++i) {
    const absl::StatusOr<api::SubmitBundleResponse> again = Send(all[i].act, api::WAIT_FOR_COMMITTED);
    EXPECT_TRUE(again.ok()) << registry << " forgot " << all[i].act.what << ": " << ToText(again.status());
    if (!again.ok()) continue;
    EXPECT_TRUE(again->replayed()) << registry << " did it once more: " << all[i].act.what;
    EXPECT_EQ(again->batch_time().seconds(), all[i].answer.batch_time().seconds());
    EXPECT_EQ(again->batch_time().nanos(), all[i].answer.batch_time().nanos());
    EXPECT_EQ(again->results_size(), all[i].answer.results_size());
    for (int part = 0; part < again->results_size() && part < all[i].answer.results_size(); ++part) {
      EXPECT_EQ(again->results(part).SerializeAsString(), all[i].answer.results(part).SerializeAsString())
          << all[i].act.what;
    }
  }
  return all.size();
}

std::vector<Acknowledged> Desk::AcknowledgedBy(const std::string& registry) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = acknowledged_.find(registry);
  return found == acknowledged_.end() ? std::vector<Acknowledged>() : found->second;
}

uint64_t Desk::calls() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return calls_;
}

uint64_t Desk::repeats() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return repeats_;
}

std::string Desk::RandomBytes(size_t size) {
  std::lock_guard<std::mutex> lock(mutex_);
  return random_.Bytes(size);
}

client::SealedParticulars Desk::Seal(const std::string& subject, const nlohmann::ordered_json& particulars) {
  std::lock_guard<std::mutex> lock(mutex_);
  absl::StatusOr<client::SealedParticulars> sealed = client::SealParticulars(subject, particulars, random_);
  JCM_CHECK(sealed.ok());
  return *std::move(sealed);
}

client::Commitment Desk::Commit(const std::string& value) {
  std::lock_guard<std::mutex> lock(mutex_);
  return client::Commit(value, random_);
}

}  // namespace jcm::faults
