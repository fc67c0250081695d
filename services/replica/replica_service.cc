#include "services/replica/replica_service.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::replica::v1;
namespace fs = std::filesystem;
using Method = registry::PeerTransport::Method;

template <typename Request, typename Response>
grpc::ServerUnaryReactor* Answer(const ServiceEnvironment& environment, grpc::CallbackServerContext* context,
                                 absl::string_view name, Method method, const Request* request, Response* response) {
  const auto call = PendingCall<Response>::Make(response);
  grpc::ServerUnaryReactor* reactor = call->reactor();
  absl::StatusOr<Caller> sibling = Admit(environment, *context, name, *request);
  if (!sibling.ok()) {
    call->Finish(sibling.status());
    return reactor;
  }
  environment.host->HandleSiblingCall(
      sibling->identity.name, method, request->SerializeAsString(), [call](absl::StatusOr<std::string> answer) {
        Response parsed;
        if (answer.ok() && !parsed.ParseFromString(*answer)) answer = Error(Reason::INTERNAL, "a sibling's answer");
        call->Finish(answer.status(), [&parsed](Response* response) { response->Swap(&parsed); });
      });
  return reactor;
}

// Sends one copy of the store, file after file. Reads on workers; gRPC's threads are never kept waiting.
class SnapshotSender : public grpc::ServerWriteReactor<api::ReadSnapshotResponse> {
 public:
  SnapshotSender(const ServiceEnvironment& environment, std::string directory,
                 std::shared_ptr<std::atomic<bool>> sending)
      : environment_(environment), directory_(std::move(directory)), sending_(std::move(sending)) {}
  ~SnapshotSender() override {
    file_.close();
    std::error_code error;
    fs::remove_all(directory_, error);
    sending_->store(false);
  }

  void Begin() {
    OnWorker([this] {
      std::error_code error;
      fs::remove_all(directory_, error);  // of a process that ended meanwhile
      absl::Status copied = environment_.host->Backup(directory_);
      if (!copied.ok()) return Finish(ToGrpcStatus(copied));
      for (const auto& entry : fs::directory_iterator(directory_, error)) {
        if (entry.is_regular_file()) names_.push_back(entry.path().filename().string());
      }
      std::sort(names_.begin(), names_.end());
      if (error || names_.empty()) return Finish(ToGrpcStatus(Error(Reason::STORE_FAILED, "the copy of the store")));
      Next();
    });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the sibling went away"));
    if (message_.complete()) return Finish(grpc::Status::OK);
    OnWorker([this] { Next(); });
  }
  void OnDone() override { delete this; }

 private:
  void OnWorker(std::function<void()> work) {
    if (!environment_.workers->TryRun(std::move(work))) Finish(ToGrpcStatus(Error(Reason::QUEUE_FULL, "workers")));
  }

  void Next() {
    message_.Clear();
    if (!file_.is_open()) {
      if (at_ == names_.size()) {
        message_.set_complete(true);
        return StartWrite(&message_);
      }
      file_.open(fs::path(directory_) / names_[at_], std::ios::binary);
      if (!file_) return Finish(ToGrpcStatus(Error(Reason::STORE_FAILED, names_[at_])));
      message_.set_file(names_[at_]);
    }
    std::string data(kSnapshotChunkBytes, '\0');
    file_.read(&data[0], static_cast<std::streamsize>(data.size()));
    data.resize(static_cast<size_t>(file_.gcount()));
    if (file_.bad()) return Finish(ToGrpcStatus(Error(Reason::STORE_FAILED, names_[at_])));
    if (file_.eof()) {
      message_.set_file_ends(true);
      file_.close();
      file_.clear();
      ++at_;
    }
    message_.set_data(std::move(data));
    StartWrite(&message_);
  }

  const ServiceEnvironment& environment_;
  const std::string directory_;
  const std::shared_ptr<std::atomic<bool>> sending_;
  std::vector<std::string> names_;
  size_t at_ = 0;
  std::ifstream file_;
  api::ReadSnapshotResponse message_;
};

// A stream that is refused.
class RefusedStream : public grpc::ServerWriteReactor<api::ReadSnapshotResponse> {
 public:
  explicit RefusedStream(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

#define JCM_SIBLING_METHOD(name)                                                                                       \
  grpc::ServerUnaryReactor* ReplicaServiceImpl::name(                                                                  \
      grpc::CallbackServerContext* context, const api::name##Request* request, api::name##Response* response) {        \
    return Answer(environment_, context, "/jcm.replica.v1.ReplicaService/" #name, Method::k##name, request, response); \
  }
JCM_SIBLING_METHOD(Exchange)
JCM_SIBLING_METHOD(Forward)
JCM_SIBLING_METHOD(ForwardStatement)
JCM_SIBLING_METHOD(CosignPage)
JCM_SIBLING_METHOD(KeepOffsite)
JCM_SIBLING_METHOD(KeepVaultKeys)
JCM_SIBLING_METHOD(ReadVaultKeys)
#undef JCM_SIBLING_METHOD

grpc::ServerWriteReactor<api::ReadSnapshotResponse>* ReplicaServiceImpl::ReadSnapshot(
    grpc::CallbackServerContext* context, const api::ReadSnapshotRequest* request) {
  absl::Status admitted =
      Admit(environment_, *context, "/jcm.replica.v1.ReplicaService/ReadSnapshot", *request).status();
  if (admitted.ok() && !environment_.host->Quarantine().empty()) {
    admitted = Error(Reason::REPLICA_QUARANTINED, environment_.host->Quarantine());
  }
  if (admitted.ok() && sending_->exchange(true)) admitted = Error(Reason::QUEUE_FULL, "a snapshot is being sent");
  if (!admitted.ok()) return new RefusedStream(admitted);
  auto* sender = new SnapshotSender(environment_, scratch_directory_, sending_);
  sender->Begin();
  return sender;
}

}  // namespace jcm::services
