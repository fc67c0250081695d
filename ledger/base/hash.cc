#include "ledger/base/hash.h"

// The functions below EVP are deprecated, not slower or weaker: for the short inputs of trees and leaves they take half
// the time of a reused context, as nothing is looked up or checked on the way to the same code.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "ledger/base/status.h"

namespace jcm {

Digest Sha256Of(absl::Span<const absl::string_view> parts) {
  SHA256_CTX context;
  JCM_CHECK(SHA256_Init(&context) == 1);
  for (absl::string_view part : parts) {
    JCM_CHECK(SHA256_Update(&context, part.data(), part.size()) == 1);
  }
  Digest digest;
  JCM_CHECK(SHA256_Final(digest.data(), &context) == 1);
  return digest;
}

Digest Sha256(absl::string_view bytes) { return Sha256Of({bytes}); }

Digest Sha256Prefixed(uint8_t prefix, absl::string_view a, absl::string_view b) {
  const char byte = static_cast<char>(prefix);
  return Sha256Of({absl::string_view(&byte, 1), a, b});
}

}  // namespace jcm
