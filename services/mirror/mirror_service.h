// jcm.mirror.v1.MirrorService: the door for partners' nodes. What they may ask for is the books of their own
// partnership; everything else is the registry's business (RegistryHost::HandlePeerCall).
#ifndef SERVICES_MIRROR_MIRROR_SERVICE_H_
#define SERVICES_MIRROR_MIRROR_SERVICE_H_

#include "jcm/mirror/v1/mirror.grpc.pb.h"
#include "services/common/call.h"

namespace jcm::services {

class MirrorServiceImpl : public jcm::mirror::v1::MirrorService::CallbackService {
 public:
  // `environment` must outlive the service.
  explicit MirrorServiceImpl(const ServiceEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* ReadEntries(grpc::CallbackServerContext* context,
                                        const jcm::mirror::v1::ReadEntriesRequest* request,
                                        jcm::mirror::v1::ReadEntriesResponse* response) override;
  grpc::ServerUnaryReactor* AddCosignature(grpc::CallbackServerContext* context,
                                           const jcm::mirror::v1::AddCosignatureRequest* request,
                                           jcm::mirror::v1::AddCosignatureResponse* response) override;
  grpc::ServerUnaryReactor* ReadMirror(grpc::CallbackServerContext* context,
                                       const jcm::mirror::v1::ReadMirrorRequest* request,
                                       jcm::mirror::v1::ReadMirrorResponse* response) override;
  grpc::ServerUnaryReactor* PutOffsite(grpc::CallbackServerContext* context,
                                       const jcm::mirror::v1::PutOffsiteRequest* request,
                                       jcm::mirror::v1::PutOffsiteResponse* response) override;
  grpc::ServerUnaryReactor* ReadOffsite(grpc::CallbackServerContext* context,
                                        const jcm::mirror::v1::ReadOffsiteRequest* request,
                                        jcm::mirror::v1::ReadOffsiteResponse* response) override;

 private:
  const ServiceEnvironment& environment_;
};

}  // namespace jcm::services

#endif  // SERVICES_MIRROR_MIRROR_SERVICE_H_
