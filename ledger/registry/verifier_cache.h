// Remembers signatures that were found valid, so that the service thread's check is not done again on the engine
// thread.
#ifndef LEDGER_REGISTRY_VERIFIER_CACHE_H_
#define LEDGER_REGISTRY_VERIFIER_CACHE_H_

#include <deque>
#include <mutex>
#include <set>
#include <string>

#include "ledger/base/types.h"
#include "ledger/rules/engine.h"

namespace jcm::registry {

// Thread-safe. Holds at most kVerifiedSignaturesMax signatures, the oldest goes first. Only valid ones are remembered:
// an invalid signature is checked, and refused, each time.
class VerifierCache : public rules::SignatureVerifier {
 public:
  static constexpr size_t kVerifiedSignaturesMax = 16'384;

  absl::Status Verify(const ledger::v1::PublicKeyData& key, absl::string_view message,
                      absl::string_view signature) override;

 private:
  std::mutex mutex_;
  // The newest valid one as it was given: all entries of a bundle ask for the same.
  std::string last_key_, last_message_, last_signature_;
  uint32_t last_type_ = 0;
  std::set<Digest> verified_;
  std::deque<Digest> order_;
};

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_VERIFIER_CACHE_H_
