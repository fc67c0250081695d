#include "ledger/registry/verifier_cache.h"

#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"

namespace jcm::registry {

absl::Status VerifierCache::Verify(const ledger::v1::PublicKeyData& key, absl::string_view message,
                                   absl::string_view signature) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!last_signature_.empty() && key.key() == last_key_ && key.type() == last_type_ && message == last_message_ &&
        signature == last_signature_) {
      return absl::OkStatus();
    }
  }
  const auto remember = [&] {
    last_key_ = key.key();
    last_type_ = key.type();
    last_message_ = std::string(message);
    last_signature_ = std::string(signature);
  };
  std::string name;
  BigEndianWriter writer(&name);
  for (absl::string_view part : {absl::string_view(key.key()), message, signature}) {
    writer.U64(part.size()).Bytes(part);
  }
  writer.U32(key.type());
  const Digest digest = Sha256(name);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (verified_.count(digest) != 0) {
      remember();
      return absl::OkStatus();
    }
  }
  absl::Status status = rules::PlainVerifier().Verify(key, message, signature);
  if (!status.ok()) return status;
  std::lock_guard<std::mutex> lock(mutex_);
  remember();
  if (!verified_.insert(digest).second) return absl::OkStatus();
  order_.push_back(digest);
  if (order_.size() > kVerifiedSignaturesMax) {
    verified_.erase(order_.front());
    order_.pop_front();
  }
  return absl::OkStatus();
}

}  // namespace jcm::registry
