// How a refusal travels: canonical code, message, and details that programs can rely on.
//
//   reactor->Finish(ToGrpcStatus(Error(Reason::QUEUE_FULL, "client_queue_bundles")));
//   absl::Status back = FromGrpcStatus(grpc_status);      // HasReason(back, Reason::QUEUE_FULL)
//
// Details (google.rpc.Status in grpc-status-details-bin): ErrorInfo {reason, domain "jcm.registry", metadata "number"
// and "detail"}, LocalizedMessage "en" and "ja", and RetryInfo where the same request may succeed later.
#ifndef SERVICES_COMMON_GRPC_STATUS_H_
#define SERVICES_COMMON_GRPC_STATUS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"
#include "ledger/base/status.h"

namespace jcm::services {

inline constexpr char kErrorDomain[] = "jcm.registry";

// The detail of a status is cut to so many bytes on the wire: headers are limited to 8 KiB.
inline constexpr size_t kDetailBytesMax = 1'024;

// OK for OK. A status without a reason becomes INTERNAL, and its text stays on this side.
grpc::Status ToGrpcStatus(const absl::Status& status);

// What a caller is told beside the catalogue's text: the message, cut; nothing of what went wrong inside. Not for OK.
std::string DetailForCaller(const absl::Status& status);

// The catalogue's status again. Without a known ErrorInfo (the transport itself failed) the canonical code and message
// are kept; ReasonOf() is then INTERNAL.
absl::Status FromGrpcStatus(const grpc::Status& status);

// How long a caller should wait before it tries again; 0 if trying again does not help.
uint64_t RetryDelayMs(Reason reason);

}  // namespace jcm::services

#endif  // SERVICES_COMMON_GRPC_STATUS_H_
