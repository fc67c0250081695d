#include "ledger/base/hash.h"

#include <openssl/evp.h>

#include "ledger/base/status.h"

namespace jcm {
namespace {

// Fetched once and kept for the life of the process: a fetch per hash costs several times the hash.
const EVP_MD* Algorithm() {
  static const EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  JCM_CHECK(algorithm != nullptr);
  return algorithm;
}

class Context {
 public:
  Context() : context_(EVP_MD_CTX_new()) { JCM_CHECK(context_ != nullptr); }
  ~Context() { EVP_MD_CTX_free(context_); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  EVP_MD_CTX* get() { return context_; }

 private:
  EVP_MD_CTX* context_;
};

}  // namespace

Digest Sha256Of(absl::Span<const absl::string_view> parts) {
  static thread_local Context context;
  JCM_CHECK(EVP_DigestInit_ex2(context.get(), Algorithm(), nullptr) == 1);
  for (absl::string_view part : parts) {
    JCM_CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  Digest digest;
  unsigned int size = 0;
  JCM_CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1 && size == digest.size());
  return digest;
}

Digest Sha256(absl::string_view bytes) { return Sha256Of({bytes}); }

Digest Sha256Prefixed(uint8_t prefix, absl::string_view a, absl::string_view b) {
  const char byte = static_cast<char>(prefix);
  return Sha256Of({absl::string_view(&byte, 1), a, b});
}

}  // namespace jcm
