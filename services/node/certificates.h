// Checks of X.509 certificates that TLS itself does not make: does this one say who it should, and did the right CA
// vouch for it?
//
// In one handshake the CAs of all registries that have business here are accepted. So that the CA of one government can
// vouch for its own people and nodes alone, each caller's certificate is checked once more against the CA of the
// registry that it names. Thread-safe.
#ifndef SERVICES_NODE_CERTIFICATES_H_
#define SERVICES_NODE_CERTIFICATES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace jcm::services {

// At most so many certificates in a chain or a file of CAs.
inline constexpr size_t kCertificatesMax = 64;

// The certificates of a PEM text, at least one. KEY_FILE_INVALID.
absl::Status CheckCertificates(absl::string_view pem);

// KEY_FILE_INVALID unless `key_pem` is the private key of the first certificate in `certificate_pem`.
absl::Status CheckKeyOfCertificate(absl::string_view certificate_pem, absl::string_view key_pem);

// URI subject alternative names of the first certificate. KEY_FILE_INVALID.
absl::StatusOr<std::vector<std::string>> UrisOfCertificate(absl::string_view certificate_pem);

// Whole days until the first certificate expires; negative afterwards, and 0 if it can't be read.
int64_t DaysLeft(absl::string_view certificate_pem);

// CERTIFICATE_REQUIRED unless a CA of `ca_pem` vouches, now, for the first certificate of `chain_pem` (further ones may
// be intermediates).
absl::Status CheckVouchedFor(absl::string_view chain_pem, absl::string_view ca_pem);

}  // namespace jcm::services

#endif  // SERVICES_NODE_CERTIFICATES_H_
