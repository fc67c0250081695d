// AES-256-GCM: confidentiality for personal data and off-site copies.
//
//   JCM_ASSIGN_OR_RETURN(std::string sealed, Seal(key, random.Bytes(kSealNonceBytes), "person 7", plaintext));
//   JCM_ASSIGN_OR_RETURN(std::string plaintext, Unseal(key, nonce, "person 7", sealed));
//
// The caller guarantees that no (key, nonce) pair is ever used for two plaintexts. Thread-safe.
#ifndef LEDGER_BASE_SEAL_H_
#define LEDGER_BASE_SEAL_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace jcm {

inline constexpr size_t kSealKeyBytes = 32;
inline constexpr size_t kSealNonceBytes = 12;
inline constexpr size_t kSealTagBytes = 16;
inline constexpr size_t kSealMaxBytes = size_t{1} << 30;

// Ciphertext || tag. FIELD_INVALID for a key or nonce of another length or a plaintext above kSealMaxBytes.
absl::StatusOr<std::string> Seal(absl::string_view key, absl::string_view nonce, absl::string_view additional_data,
                                 absl::string_view plaintext);

// The plaintext; DIGEST_MISMATCH if key, nonce, additional data or sealed bytes are not those of Seal.
absl::StatusOr<std::string> Unseal(absl::string_view key, absl::string_view nonce, absl::string_view additional_data,
                                   absl::string_view sealed);

}  // namespace jcm

#endif  // LEDGER_BASE_SEAL_H_
