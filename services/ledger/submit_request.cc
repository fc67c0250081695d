#include "services/ledger/submit_request.h"

#include "absl/strings/str_cat.h"
#include "ledger/base/seal.h"
#include "ledger/base/status.h"

namespace jcm::services {

namespace api = ::jcm::registry::v1;

absl::StatusOr<registry::SubmitOptions> ToSubmitOptions(
    api::WaitFor wait_for, const google::protobuf::RepeatedPtrField<api::VaultKey>& vault_keys, uint64_t deadline_us) {
  registry::SubmitOptions options;
  switch (wait_for) {
    case api::WAIT_FOR_UNSPECIFIED:
    case api::WAIT_FOR_COMMITTED:
      options.wait_for = registry::WaitFor::kCommitted;
      break;
    case api::WAIT_FOR_COSIGNED:
      options.wait_for = registry::WaitFor::kCosigned;
      break;
    default:
      return Error(Reason::FIELD_INVALID, absl::StrCat("wait_for ", static_cast<int>(wait_for)));
  }
  if (static_cast<size_t>(vault_keys.size()) > kVaultKeysMax) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("more than ", kVaultKeysMax, " vault_keys"));
  }
  for (const api::VaultKey& key : vault_keys) {
    if (key.subject().empty() || key.key().size() != kSealKeyBytes) {
      return Error(Reason::FIELD_INVALID, "vault_keys: a subject, and a key of 32 bytes");
    }
    options.vault_keys.emplace_back(key.subject(), key.key());
  }
  options.deadline_us = deadline_us;
  return options;
}

}  // namespace jcm::services
