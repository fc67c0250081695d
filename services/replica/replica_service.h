// jcm.replica.v1.ReplicaService: the door for the other replicas of this registry. What they tell is the engine's
// business (RegistryHost::HandleSiblingCall); here is who may call, and the stream of a snapshot.
#ifndef SERVICES_REPLICA_REPLICA_SERVICE_H_
#define SERVICES_REPLICA_REPLICA_SERVICE_H_

#include <atomic>
#include <memory>
#include <string>

#include "jcm/replica/v1/replica.grpc.pb.h"
#include "services/common/call.h"

namespace jcm::services {

// A message of a snapshot's stream has at most so much data.
inline constexpr size_t kSnapshotChunkBytes = 256u * 1024;

class ReplicaServiceImpl : public jcm::replica::v1::ReplicaService::CallbackService {
 public:
  // Snapshots are made in `scratch_directory`, on the store's file system. `environment` must outlive the service.
  ReplicaServiceImpl(const ServiceEnvironment& environment, std::string scratch_directory)
      : environment_(environment), scratch_directory_(std::move(scratch_directory)) {}

  grpc::ServerUnaryReactor* Exchange(grpc::CallbackServerContext* context,
                                     const jcm::replica::v1::ExchangeRequest* request,
                                     jcm::replica::v1::ExchangeResponse* response) override;
  grpc::ServerUnaryReactor* Forward(grpc::CallbackServerContext* context,
                                    const jcm::replica::v1::ForwardRequest* request,
                                    jcm::replica::v1::ForwardResponse* response) override;
  grpc::ServerUnaryReactor* ForwardStatement(grpc::CallbackServerContext* context,
                                             const jcm::replica::v1::ForwardStatementRequest* request,
                                             jcm::replica::v1::ForwardStatementResponse* response) override;
  grpc::ServerUnaryReactor* CosignPage(grpc::CallbackServerContext* context,
                                       const jcm::replica::v1::CosignPageRequest* request,
                                       jcm::replica::v1::CosignPageResponse* response) override;
  grpc::ServerUnaryReactor* KeepOffsite(grpc::CallbackServerContext* context,
                                        const jcm::replica::v1::KeepOffsiteRequest* request,
                                        jcm::replica::v1::KeepOffsiteResponse* response) override;
  grpc::ServerUnaryReactor* KeepVaultKeys(grpc::CallbackServerContext* context,
                                          const jcm::replica::v1::KeepVaultKeysRequest* request,
                                          jcm::replica::v1::KeepVaultKeysResponse* response) override;
  grpc::ServerUnaryReactor* ReadVaultKeys(grpc::CallbackServerContext* context,
                                          const jcm::replica::v1::ReadVaultKeysRequest* request,
                                          jcm::replica::v1::ReadVaultKeysResponse* response) override;
  grpc::ServerWriteReactor<jcm::replica::v1::ReadSnapshotResponse>* ReadSnapshot(
      grpc::CallbackServerContext* context, const jcm::replica::v1::ReadSnapshotRequest* request) override;

 private:
  const ServiceEnvironment& environment_;
  const std::string scratch_directory_;
  std::shared_ptr<std::atomic<bool>> sending_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace jcm::services

#endif  // SERVICES_REPLICA_REPLICA_SERVICE_H_
