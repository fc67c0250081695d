// Verifies signatures one by one.
#include "ledger/base/keys.h"
#include "ledger/base/status.h"
#include "ledger/rules/engine.h"

namespace jcm::rules {
namespace {

class Plain : public SignatureVerifier {
 public:
  absl::Status Verify(const v1::PublicKeyData& key, absl::string_view message, absl::string_view signature) override {
    if (key.type() == 0 || key.type() > 0xff) return Error(Reason::SIGNATURE_TYPE_UNSUPPORTED, "unknown type of key");
    auto parsed = PublicKey::FromBytes(static_cast<SignatureType>(key.type()), key.key());
    if (HasReason(parsed.status(), Reason::SIGNATURE_TYPE_UNSUPPORTED)) return parsed.status();
    if (!parsed.ok()) return Error(Reason::SIGNATURE_INVALID, "the key cannot be used");
    return parsed->Verify(message, signature);
  }
};

}  // namespace

SignatureVerifier& PlainVerifier() {
  static Plain* const verifier = new Plain;
  return *verifier;
}

}  // namespace jcm::rules
