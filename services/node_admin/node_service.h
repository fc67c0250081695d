// jcm.registry.v1.NodeService: how the node is, for those who run it, backups, and new generations
// of the log.
#ifndef SERVICES_NODE_ADMIN_NODE_SERVICE_H_
#define SERVICES_NODE_ADMIN_NODE_SERVICE_H_

#include <functional>
#include <utility>

#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "services/common/call.h"
#include "services/node_admin/backup_runner.h"
#include "services/node_admin/metrics.h"
#include "services/node_admin/restore_watch.h"

namespace jcm::services {

class NodeServiceImpl : public jcm::registry::v1::NodeService::CallbackService {
 public:
  // All but `figures` must outlive the service; `figures` is called from workers.
  NodeServiceImpl(const ServiceEnvironment& environment, std::function<NodeFigures()> figures, BackupRunner* backups,
                  const RestoreWatch* restore)
      : environment_(environment), figures_(std::move(figures)), backups_(backups), restore_(restore) {}

  grpc::ServerUnaryReactor* GetNodeStatus(grpc::CallbackServerContext* context,
                                          const jcm::registry::v1::GetNodeStatusRequest* request,
                                          jcm::registry::v1::GetNodeStatusResponse* response) override;
  grpc::ServerUnaryReactor* CreateBackup(grpc::CallbackServerContext* context,
                                         const jcm::registry::v1::CreateBackupRequest* request,
                                         jcm::registry::v1::CreateBackupResponse* response) override;

  grpc::ServerUnaryReactor* StartBackup(grpc::CallbackServerContext* context,
                                        const jcm::registry::v1::StartBackupRequest* request,
                                        jcm::registry::v1::BackupRun* response) override;
  grpc::ServerUnaryReactor* GetBackupRun(grpc::CallbackServerContext* context,
                                         const jcm::registry::v1::GetBackupRunRequest* request,
                                         jcm::registry::v1::BackupRun* response) override;

  grpc::ServerUnaryReactor* AgreeGeneration(grpc::CallbackServerContext* context,
                                            const jcm::registry::v1::AgreeGenerationRequest* request,
                                            jcm::registry::v1::AgreeGenerationResponse* response) override;
  grpc::ServerUnaryReactor* StartGeneration(grpc::CallbackServerContext* context,
                                            const jcm::registry::v1::StartGenerationRequest* request,
                                            jcm::registry::v1::StartGenerationResponse* response) override;

 private:
  const ServiceEnvironment& environment_;
  const std::function<NodeFigures()> figures_;
  BackupRunner* const backups_;
  const RestoreWatch* const restore_;
};

}  // namespace jcm::services

#endif  // SERVICES_NODE_ADMIN_NODE_SERVICE_H_
