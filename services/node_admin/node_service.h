// jcm.registry.v1.NodeService: how the node is, for those who run it, and backups.
#ifndef SERVICES_NODE_ADMIN_NODE_SERVICE_H_
#define SERVICES_NODE_ADMIN_NODE_SERVICE_H_

#include <functional>
#include <utility>

#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "services/common/call.h"
#include "services/node_admin/metrics.h"

namespace jcm::services {

class NodeServiceImpl : public jcm::registry::v1::NodeService::CallbackService {
 public:
  // `environment` must outlive the service. `figures` is called from workers.
  NodeServiceImpl(const ServiceEnvironment& environment, std::function<NodeFigures()> figures)
      : environment_(environment), figures_(std::move(figures)) {}

  grpc::ServerUnaryReactor* GetNodeStatus(grpc::CallbackServerContext* context,
                                          const jcm::registry::v1::GetNodeStatusRequest* request,
                                          jcm::registry::v1::GetNodeStatusResponse* response) override;
  grpc::ServerUnaryReactor* CreateBackup(grpc::CallbackServerContext* context,
                                         const jcm::registry::v1::CreateBackupRequest* request,
                                         jcm::registry::v1::CreateBackupResponse* response) override;

 private:
  const ServiceEnvironment& environment_;
  const std::function<NodeFigures()> figures_;
};

}  // namespace jcm::services

#endif  // SERVICES_NODE_ADMIN_NODE_SERVICE_H_
