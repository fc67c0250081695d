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
  PartnerVerifier(std::string registry, std::string replica, std::string server_name)
      : registry_(std::move(registry)), replica_(std::move(replica)), server_name_(std::move(server_name)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    const std::vector<grpc::string_ref> names = request->dns_names();
    const bool named = std::any_of(names.begin(), names.end(),
                                   [this](grpc::string_ref name) { return name == grpc::string_ref(server_name_); });
    std::vector<std::string> uris;
    for (const grpc::string_ref& uri : request->uri_names()) uris.emplace_back(uri.data(), uri.size());
    const absl::StatusOr<Identity> identity = IdentityOfCertificate(uris);
    const bool node = identity.ok() && identity->registry == registry_ && identity->kind == IdentityKind::kNode &&
                      (replica_.empty() || identity->name == replica_);
    *sync_status = named && node ? grpc::Status::OK
                                 : grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                                                absl::StrCat("the certificate is not of a node of ", registry_));
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::string registry_;
  const std::string replica_;
  const std::string server_name_;
};

// Which certificate the other end must show.
struct Expected {
  std::string registry;
  std::string replica;  // empty: any
  NodeEndpoint endpoint;
  std::string ca_pem;
};

std::shared_ptr<grpc::Channel> Connect(const TlsSettings& own, const Expected& peer) {
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<tls::StaticDataCertificateProvider>(
      peer.ca_pem, std::vector<tls::IdentityKeyCertPair>{{own.key_pem, own.certificate_pem}}));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  options.set_check_call_host(false);  // the verifier looks at the names
  options.set_certificate_verifier(tls::ExternalCertificateVerifier::Create<PartnerVerifier>(
      peer.registry, peer.replica, peer.endpoint.server_name));

  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(peer.endpoint.server_name);
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);  // gRPC's name for how long an attempt may take
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // Two registries in one process must not share a connection: each shows its own certificate.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(peer.endpoint.address, tls::TlsCredentials(options), arguments);
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

namespace {

// A sibling that does not answer at once is taken for dead soon: service must be back within seconds.
constexpr std::chrono::milliseconds kSiblingExchangeTimeout{500};
constexpr std::chrono::milliseconds kSiblingForwardTimeout{30'000};

bool TryAnother(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE ||
      status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return true;
  }
  const absl::Status told = FromGrpcStatus(status);
  return HasReason(told, Reason::REPLICA_QUARANTINED) || HasReason(told, Reason::STORE_FAILED);
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
    case Method::kExchange:
      return "/jcm.replica.v1.ReplicaService/Exchange";
    case Method::kForward:
      return "/jcm.replica.v1.ReplicaService/Forward";
    case Method::kForwardStatement:
      return "/jcm.replica.v1.ReplicaService/ForwardStatement";
    case Method::kCosignPage:
      return "/jcm.replica.v1.ReplicaService/CosignPage";
    case Method::kKeepOffsite:
      return "/jcm.replica.v1.ReplicaService/KeepOffsite";
    case Method::kKeepVaultKeys:
      return "/jcm.replica.v1.ReplicaService/KeepVaultKeys";
    case Method::kReadVaultKeys:
      return "/jcm.replica.v1.ReplicaService/ReadVaultKeys";
  }
  JCM_CHECK(false);
}

std::shared_ptr<grpc::Channel> ConnectSibling(const TlsSettings& own, const std::string& registry,
                                              const SiblingSettings& sibling) {
  return Connect(own, Expected{registry, sibling.name, sibling.endpoint, own.ca_pem});
}

GrpcPeerTransport::GrpcPeerTransport(const TlsSettings& own, const std::vector<PeerSettings>& peers,
                                     std::chrono::milliseconds call_timeout, const std::string& registry,
                                     const std::vector<SiblingSettings>& siblings)
    : call_timeout_(call_timeout), callbacks_({1, kFailuresWaitingMax}) {
  for (const PeerSettings& peer : peers) {
    for (const NodeEndpoint& endpoint : peer.endpoints) {
      links_[peer.registry].stubs.push_back(
          std::make_unique<grpc::GenericStub>(Connect(own, Expected{peer.registry, "", endpoint, peer.ca_pem})));
    }
  }
  for (const SiblingSettings& sibling : siblings) {
    links_[absl::StrCat(registry, "/", sibling.name)].stubs.push_back(
        std::make_unique<grpc::GenericStub>(ConnectSibling(own, registry, sibling)));
  }
}

GrpcPeerTransport::~GrpcPeerTransport() { Stop(); }

std::chrono::milliseconds GrpcPeerTransport::TimeoutOf(Method method) const {
  if (method == Method::kExchange) return std::min(call_timeout_, kSiblingExchangeTimeout);
  // The caller's own deadline is in the request; the holder answers late where a cosignature is waited for.
  if (method == Method::kForward) return kSiblingForwardTimeout;
  return call_timeout_;
}

void GrpcPeerTransport::Fail(Done done, absl::Status status) {
  callbacks_.TryRun([done = std::move(done), status = std::move(status)] { done(status); });
}

void GrpcPeerTransport::Call(const std::string& peer_registry, Method method, std::string request, Done done) {
  const auto link = links_.find(peer_registry);
  if (link == links_.end()) {
    Fail(std::move(done), absl::UnavailableError(absl::StrCat("no link to ", peer_registry, " is configured")));
    return;
  }
  auto owned = std::make_unique<Pending>();
  Pending* pending = owned.get();
  pending->context.set_deadline(std::chrono::system_clock::now() + TimeoutOf(method));
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
  Link& replicas = link->second;
  const size_t at = replicas.current.load();
  replicas.stubs[at % replicas.stubs.size()]->UnaryCall(
      &pending->context, PeerMethodName(method), grpc::StubOptions(), &pending->request, &pending->response,
      [this, pending, &replicas, at](grpc::Status status) {
        if (status.ok()) {
          pending->done(ToString(pending->response));
        } else {
          // Another replica of the same registry may do better; one that refuses for a reason speaks for all.
          if (TryAnother(status)) {
            size_t expected = at;
            replicas.current.compare_exchange_strong(expected, at + 1);
          }
          pending->done(FromGrpcStatus(status));
        }
        Finished(pending);
      });
}

void GrpcPeerTransport::Finished(Pending* pending) {
  // Before Stop() may return: its context holds the channel, and whoever lets go of a channel last ends the very
  // threads that run callbacks. On one of them that is an abort inside gRPC.
  std::unique_ptr<Pending> owned(pending);
  owned->done = nullptr;
  std::lock_guard<std::mutex> lock(mutex_);
  pending_.erase(pending);
  owned = nullptr;
  if (pending_.empty()) idle_.notify_all();
}

void GrpcPeerTransport::Stop() {
  std::unique_lock<std::mutex> lock(mutex_);
  stopped_ = true;
  for (Pending* pending : pending_) pending->context.TryCancel();
  idle_.wait(lock, [this] { return pending_.empty(); });
}

}  // namespace jcm::services
