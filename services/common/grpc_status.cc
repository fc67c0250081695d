#include "services/common/grpc_status.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"

namespace jcm::services {
namespace {

// Cuts at a character's boundary, so that the text stays UTF-8.
std::string CutText(absl::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

void AddLocalized(const char* locale, const char* text, google::rpc::Status* to) {
  google::rpc::LocalizedMessage message;
  message.set_locale(locale);
  message.set_message(text);
  to->add_details()->PackFrom(message);
}

}  // namespace

uint64_t RetryDelayMs(Reason reason) {
  switch (reason) {
    case Reason::QUEUE_FULL:
      return 200;
    case Reason::APPEND_UNKNOWN:
    case Reason::MIRROR_BEHIND:
    case Reason::COSIGN_TIMEOUT:
    case Reason::NOT_SEQUENCER:
    case Reason::SEQUENCE_NOT_REACHED:
    case Reason::VAULT_KEY_NOT_SAFE:
    case Reason::LOG_UNAVAILABLE:
      return 1'000;
    case Reason::CLOCK_NOT_TRUSTED:
    case Reason::BOOK_NOT_ORDERING:
    case Reason::STAMPED_AHEAD:
    case Reason::LOG_FULL:
    case Reason::BACKUP_RUNNING:
      return 5'000;
    case Reason::DISK_FULL:
      return 60'000;  // a person has to make room
    default:
      return 0;
  }
}

std::string DetailForCaller(const absl::Status& status) {
  // What went wrong inside is for the log, not for the caller.
  const bool internal = *ReasonOf(status) == Reason::INTERNAL;
  return internal ? std::string() : CutText(status.message(), kDetailBytesMax);
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const ReasonInfo& row = Describe(*ReasonOf(status));
  const std::string detail = DetailForCaller(status);
  const std::string message =
      detail.empty() || detail == row.english ? row.english : absl::StrCat(row.english, " ", detail);

  google::rpc::Status wire;
  wire.set_code(static_cast<int>(row.code));
  wire.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(row.name);
  info.set_domain(kErrorDomain);
  (*info.mutable_metadata())["number"] = absl::StrCat(static_cast<int>(row.reason));
  if (!detail.empty()) (*info.mutable_metadata())["detail"] = detail;
  wire.add_details()->PackFrom(info);
  AddLocalized("en", row.english, &wire);
  AddLocalized("ja", row.japanese, &wire);
  if (const uint64_t delay_ms = RetryDelayMs(row.reason); delay_ms > 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(static_cast<int64_t>(delay_ms / 1'000));
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(delay_ms % 1'000) * 1'000'000);
    wire.add_details()->PackFrom(retry);
  }
  return grpc::Status(static_cast<grpc::StatusCode>(row.code), message, wire.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status wire;
  if (wire.ParseFromString(status.error_details())) {
    for (const auto& detail : wire.details()) {
      google::rpc::ErrorInfo info;
      if (!detail.Is<google::rpc::ErrorInfo>() || !detail.UnpackTo(&info) || info.domain() != kErrorDomain) continue;
      for (const ReasonInfo& row : Catalogue()) {
        if (info.reason() != row.name) continue;
        const auto text = info.metadata().find("detail");
        return Error(row.reason, text == info.metadata().end() ? "" : text->second);
      }
    }
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace jcm::services
