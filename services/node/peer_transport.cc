#include "services/node/peer_transport.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "grpcpp/support/channel_arguments.h"
#include "services/common/grpc_status.h"
#include "services/node/identity.h"

namespace jcm::services {
namespace {

namespace tls = ::grpc::experimental;

constexpr int kMessageBytesMax = 4 * 1024 * 1024;
constexpr int kReconnectMinMs = 200;
constexpr int kReconnectMaxMs = 5'000;
constexpr int kConnectMs = 10'000;  // one attempt with its TLS handshake, on a slow line or machine
constexpr int kKeepaliveMs = 20'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr size_t kFailuresWaitingMax = 65'536;

// After the handshake has verified the chain: is this the partner's node?
class PartnerVerifier : public tls::ExternalCertificateVerifier {
 public:
  PartnerVerifier(std::string registry, std::string server_name)
      : registry_(std::move(registry)), server_name_(std::move(server_name)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    const std::vector<grpc::string_ref> names = request->dns_names();
    const bool named = std::any_of(names.begin(), names.end(),
                                   [this](grpc::string_ref name) { return name == grpc::string_ref(server_name_); });
    std::vector<std::string> uris;
    for (const grpc::string_ref& uri : request->uri_names()) uris.emplace_back(uri.data(), uri.size());
    const absl::StatusOr<Identity> identity = IdentityOfCertificate(uris);
    const bool node = identity.ok() && identity->registry == registry_ && identity->kind == IdentityKind::kNode;
    *sync_status = named && node ? grpc::Status::OK
                                 : grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                                                absl::StrCat("the certificate is not of a node of ", registry_));
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::string registry_;
  const std::string server_name_;
};

std::shared_ptr<grpc::Channel> Connect(const TlsSettings& own, const PeerSettings& peer) {
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<tls::StaticDataCertificateProvider>(
      peer.ca_pem, std::vector<tls::IdentityKeyCertPair>{{own.key_pem, own.certificate_pem}}));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  options.set_check_call_host(false);  // the verifier looks at the names
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<PartnerVerifier>(peer.registry, peer.server_name));

  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(peer.server_name);
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);  // gRPC's name for how long an attempt may take
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // Two registries in one process must not share a connection: each shows its own certificate.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(peer.address, tls::TlsCredentials(options), arguments);
}

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

absl::StatusOr<std::string> ToString(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.TrySingleSlice(&slice).ok() && !buffer.DumpToSingleSlice(&slice).ok()) {
    return absl::InternalError("an answer without bytes");
  }
  return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

}  // namespace

struct GrpcPeerTransport::Pending {
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
  Done done;
};

const char* PeerMethodName(registry::PeerTransport::Method method) {
  using Method = registry::PeerTransport::Method;
  switch (method) {
    case Method::kReadEntries:
      return "/jcm.mirror.v1.MirrorService/ReadEntries";
    case Method::kAddCosignature:
      return "/jcm.mirror.v1.MirrorService/AddCosignature";
    case Method::kReadMirror:
      return "/jcm.mirror.v1.MirrorService/ReadMirror";
    case Method::kPutOffsite:
      return "/jcm.mirror.v1.MirrorService/PutOffsite";
    case Method::kReadOffsite:
      return "/jcm.mirror.v1.MirrorService/ReadOffsite";
  }
  JCM_CHECK(false);
}

GrpcPeerTransport::GrpcPeerTransport(const TlsSettings& own, const std::vector<PeerSettings>& peers,
                                     std::chrono::milliseconds call_timeout)
    : call_timeout_(call_timeout), callbacks_({1, kFailuresWaitingMax}) {
  for (const PeerSettings& peer : peers) {
    if (!peer.address.empty()) stubs_[peer.registry] = std::make_unique<grpc::GenericStub>(Connect(own, peer));
  }
}

GrpcPeerTransport::~GrpcPeerTransport() { Stop(); }

void GrpcPeerTransport::Fail(Done done, absl::Status status) {
  callbacks_.TryRun([done = std::move(done), status = std::move(status)] { done(status); });
}

void GrpcPeerTransport::Call(const std::string& peer_registry, Method method, std::string request, Done done) {
  const auto stub = stubs_.find(peer_registry);
  if (stub == stubs_.end()) {
    Fail(std::move(done), absl::UnavailableError(absl::StrCat("no link to ", peer_registry, " is configured")));
    return;
  }
  auto owned = std::make_unique<Pending>();
  Pending* pending = owned.get();
  pending->context.set_deadline(std::chrono::system_clock::now() + call_timeout_);
  pending->request = ToBuffer(request);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) {
      Fail(std::move(done), absl::UnavailableError("the node is stopping"));
      return;
    }
    pending->done = std::move(done);
    pending_.insert(owned.release());
  }
  stub->second->UnaryCall(&pending->context, PeerMethodName(method), grpc::StubOptions(), &pending->request,
                          &pending->response, [this, pending](grpc::Status status) {
                            if (status.ok()) {
                              pending->done(ToString(pending->response));
                            } else {
                              pending->done(FromGrpcStatus(status));
                            }
                            Finished(pending);
                          });
}

void GrpcPeerTransport::Finished(Pending* pending) {
  const std::unique_ptr<Pending> owned(pending);
  std::lock_guard<std::mutex> lock(mutex_);
  pending_.erase(pending);
  if (pending_.empty()) idle_.notify_all();
}

void GrpcPeerTransport::Stop() {
  std::unique_lock<std::mutex> lock(mutex_);
  stopped_ = true;
  for (Pending* pending : pending_) pending->context.TryCancel();
  idle_.wait(lock, [this] { return pending_.empty(); });
}

}  // namespace jcm::services
