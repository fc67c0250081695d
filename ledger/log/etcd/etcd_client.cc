#include "ledger/log/etcd/etcd_client.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "etcd/etcdserverpb/rpc.grpc.pb.h"
#include "ledger/base/status.h"

namespace jcm::log {
namespace {

// gRPC waits up to two minutes before it tries a dead server again; a log can't.
constexpr int kReconnectFirstMs = 100;
constexpr int kReconnectMaxMs = 1000;
// Finds a peer that is silent. etcd refuses to be asked more often than every 5 s.
constexpr int kKeepaliveMs = 10000;
constexpr int kKeepaliveTimeoutMs = 3000;

grpc::ChannelArguments ChannelArguments() {
  grpc::ChannelArguments arguments;
  // A Txn is sent once: what a second try would mean is decided above this layer.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectFirstMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetMaxReceiveMessageSize(kEtcdAnswerMaxBytes);
  return arguments;
}

bool IsLoopback(absl::string_view endpoint) {
  return absl::StartsWith(endpoint, "127.0.0.1:") || absl::StartsWith(endpoint, "localhost:") ||
         absl::StartsWith(endpoint, "[::1]:");
}

absl::Status CheckOptions(const EtcdOptions& options) {
  if (options.endpoints.empty() || options.endpoints.size() > kEtcdEndpointsMax) {
    return Error(Reason::CONFIG_INVALID, absl::StrCat("etcd: 1 to ", kEtcdEndpointsMax, " endpoints are needed"));
  }
  const int given = !options.ca_pem.empty() + !options.certificate_pem.empty() + !options.key_pem.empty();
  if (given != 0 && given != 3) {
    return Error(Reason::CONFIG_INVALID, "etcd: TLS needs a CA, a client certificate and its key");
  }
  for (const std::string& endpoint : options.endpoints) {
    if (absl::StrContains(endpoint, "/") || !absl::StrContains(endpoint, ":")) {
      return Error(Reason::CONFIG_INVALID, absl::StrCat("etcd: an endpoint is host:port, not '", endpoint, "'"));
    }
    if (given == 0 && !IsLoopback(endpoint)) {
      return Error(Reason::CONFIG_INVALID, absl::StrCat("etcd: TLS is needed to reach ", endpoint));
    }
  }
  return absl::OkStatus();
}

std::string Describe(const grpc::Status& status) {
  return absl::StrCat(status.error_message(), " (", status.error_code(), ")");
}

// An answer to a compaction that somebody else has done, or that a member restored from a backup can't do yet.
bool NothingToCompact(const grpc::Status& status) { return status.error_code() == grpc::StatusCode::OUT_OF_RANGE; }

}  // namespace

struct EtcdClient::Endpoint {
  Endpoint(std::string endpoint_name, const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : name(std::move(endpoint_name)),
        channel(grpc::CreateCustomChannel(name, credentials, ChannelArguments())),
        kv(etcdserverpb::KV::NewStub(channel)),
        watch(etcdserverpb::Watch::NewStub(channel)),
        lease(etcdserverpb::Lease::NewStub(channel)),
        maintenance(etcdserverpb::Maintenance::NewStub(channel)) {}

  const std::string name;
  const std::shared_ptr<grpc::Channel> channel;
  const std::unique_ptr<etcdserverpb::KV::Stub> kv;
  const std::unique_ptr<etcdserverpb::Watch::Stub> watch;
  const std::unique_ptr<etcdserverpb::Lease::Stub> lease;
  const std::unique_ptr<etcdserverpb::Maintenance::Stub> maintenance;
};

void EtcdCallHandle::Cancel() {
  const std::lock_guard<std::mutex> lock(mutex_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

absl::StatusOr<std::shared_ptr<EtcdClient>> EtcdClient::Create(const EtcdOptions& options) {
  JCM_RETURN_IF_ERROR(CheckOptions(options));
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (!options.ca_pem.empty()) {
    credentials = grpc::SslCredentials({options.ca_pem, options.key_pem, options.certificate_pem});
  }
  std::shared_ptr<EtcdClient> client(new EtcdClient(options.call_timeout));
  for (const std::string& endpoint : options.endpoints) {
    client->endpoints_.push_back(std::make_unique<Endpoint>(endpoint, credentials));
  }
  return client;
}

EtcdClient::EtcdClient(std::chrono::milliseconds call_timeout) : call_timeout_(call_timeout) {}

EtcdClient::~EtcdClient() = default;

void EtcdClient::MoveOn(size_t failed) {
  size_t expected = current_.load();
  if (expected % endpoints_.size() == failed) current_.compare_exchange_strong(expected, expected + 1);
}

std::string EtcdClient::CurrentEndpoint() const { return endpoints_[Current()]->name; }

void EtcdClient::Leave(absl::string_view endpoint) {
  const size_t index = Current();
  if (endpoints_[index]->name == endpoint) MoveOn(index);
}

template <typename Call>
absl::Status EtcdClient::TryEach(absl::string_view what, const Call& call) {
  std::string errors;
  for (size_t tried = 0; tried < endpoints_.size(); ++tried) {
    const size_t index = Current();
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + call_timeout_);
    const grpc::Status status = call(*endpoints_[index], context);
    if (status.ok()) return absl::OkStatus();
    absl::StrAppend(&errors, errors.empty() ? "" : "; ", endpoints_[index]->name, ": ", Describe(status));
    MoveOn(index);
  }
  return Error(Reason::LOG_UNAVAILABLE, absl::StrCat("etcd ", what, ": ", errors));
}

absl::StatusOr<etcdserverpb::TxnResponse> EtcdClient::Read(const etcdserverpb::TxnRequest& ranges) {
  etcdserverpb::TxnResponse response;
  JCM_RETURN_IF_ERROR(TryEach("read", [&](Endpoint& endpoint, grpc::ClientContext& context) {
    return endpoint.kv->Txn(&context, ranges, &response);
  }));
  return response;
}

absl::StatusOr<etcdserverpb::TxnResponse> EtcdClient::Commit(const etcdserverpb::TxnRequest& txn) {
  const size_t index = Current();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + call_timeout_);
  etcdserverpb::TxnResponse response;
  const grpc::Status status = endpoints_[index]->kv->Txn(&context, txn, &response);
  if (status.ok()) return response;
  MoveOn(index);
  // No error is taken for a "no": "database space exceeded", for one, is also the answer to a write that was done.
  return Error(Reason::APPEND_UNKNOWN, absl::StrCat("etcd ", endpoints_[index]->name, ": ", Describe(status)));
}

absl::StatusOr<int64_t> EtcdClient::DeleteRange(absl::string_view key, absl::string_view range_end) {
  etcdserverpb::DeleteRangeRequest request;
  request.set_key(std::string(key));
  request.set_range_end(std::string(range_end));
  etcdserverpb::DeleteRangeResponse response;
  JCM_RETURN_IF_ERROR(TryEach("delete", [&](Endpoint& endpoint, grpc::ClientContext& context) {
    return endpoint.kv->DeleteRange(&context, request, &response);
  }));
  return response.header().revision();
}

absl::Status EtcdClient::Compact(int64_t revision) {
  etcdserverpb::CompactionRequest request;
  request.set_revision(revision);
  return TryEach("compact", [&](Endpoint& endpoint, grpc::ClientContext& context) {
    etcdserverpb::CompactionResponse response;
    const grpc::Status status = endpoint.kv->Compact(&context, request, &response);
    return NothingToCompact(status) ? grpc::Status::OK : status;
  });
}

absl::StatusOr<int64_t> EtcdClient::GrantLease(int64_t ttl_seconds) {
  etcdserverpb::LeaseGrantRequest request;
  request.set_ttl_seconds(ttl_seconds);
  etcdserverpb::LeaseGrantResponse response;
  // One that was granted without our knowing runs out by itself.
  JCM_RETURN_IF_ERROR(TryEach("lease", [&](Endpoint& endpoint, grpc::ClientContext& context) {
    return endpoint.lease->LeaseGrant(&context, request, &response);
  }));
  return response.id();
}

absl::StatusOr<int64_t> EtcdClient::KeepLeaseAlive(int64_t lease) {
  etcdserverpb::LeaseKeepAliveRequest request;
  request.set_id(lease);
  etcdserverpb::LeaseKeepAliveResponse response;
  JCM_RETURN_IF_ERROR(TryEach("keep-alive", [&](Endpoint& endpoint, grpc::ClientContext& context) {
    const auto stream = endpoint.lease->LeaseKeepAlive(&context);
    const bool answered = stream->Write(request) && stream->Read(&response);
    stream->WritesDone();
    if (answered) {
      // Nothing more is wanted of this stream; its end need not be waited for.
      context.TryCancel();
      stream->Finish();
      return grpc::Status::OK;
    }
    const grpc::Status status = stream->Finish();
    return status.ok() ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "no answer") : status;
  }));
  return response.ttl_seconds();
}

absl::Status EtcdClient::RevokeLease(int64_t lease) {
  etcdserverpb::LeaseRevokeRequest request;
  request.set_id(lease);
  return TryEach("revoke", [&](Endpoint& endpoint, grpc::ClientContext& context) {
    etcdserverpb::LeaseRevokeResponse response;
    const grpc::Status status = endpoint.lease->LeaseRevoke(&context, request, &response);
    return status.error_code() == grpc::StatusCode::NOT_FOUND ? grpc::Status::OK : status;
  });
}

absl::Status EtcdClient::Watch(absl::string_view key, absl::string_view range_end, EtcdCallHandle* handle,
                               const std::function<void()>& changed) {
  const size_t index = Current();
  grpc::ClientContext context;
  // Without this a member that is cut off from its leader keeps the watch and says nothing.
  context.AddMetadata("hasleader", "true");
  {
    const std::lock_guard<std::mutex> lock(handle->mutex_);
    if (handle->cancelled_) return absl::CancelledError();
    handle->context_ = &context;
  }
  etcdserverpb::WatchRequest request;
  etcdserverpb::WatchCreateRequest& create = *request.mutable_create_request();
  create.set_key(std::string(key));
  create.set_range_end(std::string(range_end));
  create.add_filters(etcdserverpb::WatchCreateRequest::NODELETE);
  create.set_fragment(true);
  const auto stream = endpoints_[index]->watch->Watch(&context);
  std::string why = "the stream ended";
  etcdserverpb::WatchResponse response;
  for (bool open = stream->Write(request); open && stream->Read(&response);) {
    if (response.canceled()) {
      why = absl::StrCat("cancelled: ", response.cancel_reason());
      context.TryCancel();
      break;
    }
    changed();
  }
  const grpc::Status status = stream->Finish();
  {
    const std::lock_guard<std::mutex> lock(handle->mutex_);
    handle->context_ = nullptr;
    if (handle->cancelled_) return absl::CancelledError();
  }
  MoveOn(index);
  return Error(Reason::LOG_UNAVAILABLE,
               absl::StrCat("etcd watch at ", endpoints_[index]->name, ": ", why, ", ", Describe(status)));
}

EtcdEndpointHealth EtcdClient::AskHealth(Endpoint& endpoint) {
  EtcdEndpointHealth health;
  health.endpoint = endpoint.name;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + call_timeout_);
  etcdserverpb::StatusResponse response;
  const grpc::Status status = endpoint.maintenance->Status(&context, {}, &response);
  health.answers = status.ok();
  if (!status.ok()) {
    health.error = Describe(status);
    return health;
  }
  for (const std::string& error : response.errors())
    absl::StrAppend(&health.error, health.error.empty() ? "" : "; ", error);
  health.version = response.version();
  health.cluster = response.header().cluster_id();
  health.member = response.header().member_id();
  health.leader = response.leader();
  health.db_bytes = static_cast<uint64_t>(response.db_size());
  health.db_in_use_bytes = static_cast<uint64_t>(response.db_size_in_use());
  return health;
}

std::vector<EtcdEndpointHealth> EtcdClient::Health() {
  std::vector<EtcdEndpointHealth> all;
  for (const auto& endpoint : endpoints_) all.push_back(AskHealth(*endpoint));
  return all;
}

absl::StatusOr<EtcdEndpointHealth> EtcdClient::AnyHealth() {
  std::string errors;
  for (size_t tried = 0; tried < endpoints_.size(); ++tried) {
    const size_t index = Current();
    EtcdEndpointHealth health = AskHealth(*endpoints_[index]);
    if (health.answers) return health;
    absl::StrAppend(&errors, errors.empty() ? "" : "; ", health.endpoint, ": ", health.error);
    MoveOn(index);
  }
  return Error(Reason::LOG_UNAVAILABLE, absl::StrCat("etcd status: ", errors));
}

std::string EndOfPrefix(absl::string_view prefix) {
  JCM_CHECK(!prefix.empty() && prefix.back() != '\xff');
  std::string end(prefix);
  ++end.back();
  return end;
}

}  // namespace jcm::log
