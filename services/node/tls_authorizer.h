// CallAuthorizer over mutual TLS: the policy, applied to the certificate that the handshake accepted.
//
// The handshake accepts certificates of all CAs that have business here. A caller is believed to be of a registry only
// if that registry's own CA vouches for it, so that no government's CA can make people or nodes of another one.
#ifndef SERVICES_NODE_TLS_AUTHORIZER_H_
#define SERVICES_NODE_TLS_AUTHORIZER_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/security/auth_metadata_processor.h"
#include "services/common/call.h"
#include "services/node/policy.h"

namespace jcm::services {

class TlsAuthorizer : public CallAuthorizer {
 public:
  // `ca_by_registry`: PEM, for this registry and for each partner's.
  TlsAuthorizer(PolicyOptions policy, std::map<std::string, std::string> ca_by_registry)
      : policy_(std::move(policy)), ca_by_registry_(std::move(ca_by_registry)) {}

  absl::StatusOr<Caller> Authorize(const grpc::ServerContextBase& context, absl::string_view method) const override;
  absl::Status CheckPartnership(const Caller& partner, absl::string_view partnership) const override {
    return policy_.CheckPartnership(partner, partnership);
  }

  absl::StatusOr<Caller> AuthorizeChannel(const grpc::AuthContext& channel, absl::string_view method) const;

 private:
  absl::Status CheckVouchedForBy(const std::string& registry, const std::string& chain_pem) const;

  const Policy policy_;
  const std::map<std::string, std::string> ca_by_registry_;
  // Certificates found good, by registry and content. Each connection's handshake looks at their dates anyway.
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::string, Digest>, bool> known_;
};

// Applies the policy to gRPC's own services (channelz …), whose code we do not write. Calls of ours pass: their
// services ask the authorizer themselves, and can answer with details.
class BuiltInServicesGuard : public grpc::AuthMetadataProcessor {
 public:
  explicit BuiltInServicesGuard(std::shared_ptr<const TlsAuthorizer> authorizer) : authorizer_(std::move(authorizer)) {}
  bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata* consumed,
                       OutputMetadata* response) override;

 private:
  const std::shared_ptr<const TlsAuthorizer> authorizer_;
};

}  // namespace jcm::services

#endif  // SERVICES_NODE_TLS_AUTHORIZER_H_
