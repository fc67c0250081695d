// jcm.registry.v1.JointCommitteeService: members and decisions of the Joint Committee. Reads only; see
// read_services.proto.
#ifndef SERVICES_JOINT_COMMITTEE_JOINT_COMMITTEE_SERVICE_H_
#define SERVICES_JOINT_COMMITTEE_JOINT_COMMITTEE_SERVICE_H_

#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "services/common/call.h"

namespace jcm::services {

class JointCommitteeServiceImpl : public jcm::registry::v1::JointCommitteeService::CallbackService {
 public:
  // `environment` must outlive the service.
  explicit JointCommitteeServiceImpl(const ServiceEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* ListMembers(grpc::CallbackServerContext* context,
                                        const jcm::registry::v1::ListRequest* request,
                                        jcm::registry::v1::ListMembersResponse* response) override;
  grpc::ServerUnaryReactor* ListDecisions(grpc::CallbackServerContext* context,
                                          const jcm::registry::v1::ListRequest* request,
                                          jcm::registry::v1::ListDecisionsResponse* response) override;
  grpc::ServerUnaryReactor* GetDecision(grpc::CallbackServerContext* context,
                                        const jcm::registry::v1::GetDecisionRequest* request,
                                        jcm::registry::v1::GetDecisionResponse* response) override;
  grpc::ServerUnaryReactor* ListConflicts(grpc::CallbackServerContext* context,
                                          const jcm::registry::v1::ListRequest* request,
                                          jcm::registry::v1::ListConflictsResponse* response) override;

 private:
  const ServiceEnvironment& environment_;
};

}  // namespace jcm::services

#endif  // SERVICES_JOINT_COMMITTEE_JOINT_COMMITTEE_SERVICE_H_
