// What SubmitBundle and SubmitStream have in common: what a client says beside the bundle itself.
#ifndef SERVICES_LEDGER_SUBMIT_REQUEST_H_
#define SERVICES_LEDGER_SUBMIT_REQUEST_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "jcm/registry/v1/ledger_service.pb.h"
#include "ledger/registry/registry_host.h"

namespace jcm::services {

inline constexpr size_t kVaultKeysMax = 1'000;

// `deadline_us` by the monotonic clock. FIELD_INVALID: an unknown wait_for, too many vault keys, or a malformed one.
absl::StatusOr<registry::SubmitOptions> ToSubmitOptions(
    jcm::registry::v1::WaitFor wait_for,
    const google::protobuf::RepeatedPtrField<jcm::registry::v1::VaultKey>& vault_keys, uint64_t deadline_us);

}  // namespace jcm::services

#endif  // SERVICES_LEDGER_SUBMIT_REQUEST_H_
