#include "services/node/tls_authorizer.h"

#include "absl/strings/match.h"
#include "grpc/grpc_security_constants.h"
#include "ledger/base/hash.h"
#include "services/node/certificates.h"

namespace jcm::services {
namespace {

constexpr size_t kKnownMax = 4'096;
constexpr char kOwnMethods[] = "/jcm.";

std::vector<std::string> Property(const grpc::AuthContext& channel, const char* name) {
  std::vector<std::string> values;
  for (const grpc::string_ref& value : channel.FindPropertyValues(name))
    values.emplace_back(value.data(), value.size());
  return values;
}

}  // namespace

absl::StatusOr<Caller> TlsAuthorizer::Authorize(const grpc::ServerContextBase& context,
                                                absl::string_view method) const {
  const std::shared_ptr<const grpc::AuthContext> channel = context.auth_context();
  if (channel == nullptr) return Error(Reason::CERTIFICATE_REQUIRED, "the channel has no certificate");
  return AuthorizeChannel(*channel, method);
}

absl::StatusOr<Caller> TlsAuthorizer::AuthorizeChannel(const grpc::AuthContext& channel,
                                                       absl::string_view method) const {
  JCM_ASSIGN_OR_RETURN(Caller caller, policy_.Authorize(method, Property(channel, GRPC_PEER_URI_PROPERTY_NAME)));
  if (caller.identity.registry.empty()) return caller;  // the method is open to every accepted certificate
  // On a server gRPC's chain is what the caller sent beside its own certificate: it proves nothing by itself.
  const std::vector<std::string> leaf = Property(channel, GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (leaf.size() != 1) return Error(Reason::CERTIFICATE_REQUIRED, "the channel has no certificate");
  std::string chain = leaf[0];
  for (const std::string& sent : Property(channel, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME)) chain += "\n" + sent;
  JCM_RETURN_IF_ERROR(CheckVouchedForBy(caller.identity.registry, chain));
  return caller;
}

absl::Status TlsAuthorizer::CheckVouchedForBy(const std::string& registry, const std::string& chain_pem) const {
  const std::pair<std::string, Digest> key(registry, Sha256(chain_pem));
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (known_.count(key) > 0) return absl::OkStatus();
  }
  const auto ca = ca_by_registry_.find(registry);
  if (ca == ca_by_registry_.end()) return Error(Reason::CERTIFICATE_REQUIRED, "no CA of this registry is known here");
  JCM_RETURN_IF_ERROR(CheckVouchedFor(chain_pem, ca->second));
  std::lock_guard<std::mutex> lock(mutex_);
  if (known_.size() >= kKnownMax) known_.clear();
  known_[key] = true;
  return absl::OkStatus();
}

grpc::Status BuiltInServicesGuard::Process(const InputMetadata& metadata, grpc::AuthContext* context,
                                           OutputMetadata* consumed, OutputMetadata* response) {
  const auto path = metadata.find(":path");
  if (path == metadata.end()) return ToGrpcStatus(Error(Reason::METHOD_NOT_ALLOWED, "no method"));
  const absl::string_view method(path->second.data(), path->second.size());
  if (absl::StartsWith(method, kOwnMethods)) return grpc::Status::OK;
  // gRPC itself answers UNIMPLEMENTED for methods that nobody has.
  if (FindPolicyRow(method) == nullptr) return grpc::Status::OK;
  return ToGrpcStatus(authorizer_->AuthorizeChannel(*context, method).status());
}

}  // namespace jcm::services
