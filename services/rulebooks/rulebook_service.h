// jcm.registry.v1.RulebookService: the rulebooks of a partnership, and how the partnership stands. Reads only; see
// read_services.proto.
#ifndef SERVICES_RULEBOOKS_RULEBOOK_SERVICE_H_
#define SERVICES_RULEBOOKS_RULEBOOK_SERVICE_H_

#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "services/common/call.h"

namespace jcm::services {

class RulebookServiceImpl : public jcm::registry::v1::RulebookService::CallbackService {
 public:
  // `environment` must outlive the service.
  explicit RulebookServiceImpl(const ServiceEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* ListRulebooks(grpc::CallbackServerContext* context,
                                          const jcm::registry::v1::ListRequest* request,
                                          jcm::registry::v1::ListRulebooksResponse* response) override;
  grpc::ServerUnaryReactor* GetPartnership(grpc::CallbackServerContext* context,
                                           const jcm::registry::v1::GetPartnershipRequest* request,
                                           jcm::registry::v1::GetPartnershipResponse* response) override;
  grpc::ServerUnaryReactor* GetRulebook(grpc::CallbackServerContext* context,
                                        const jcm::registry::v1::GetRulebookRequest* request,
                                        jcm::registry::v1::GetRulebookResponse* response) override;
  grpc::ServerUnaryReactor* ListPartnerships(grpc::CallbackServerContext* context,
                                             const jcm::registry::v1::ListPartnershipsRequest* request,
                                             jcm::registry::v1::ListPartnershipsResponse* response) override;

 private:
  const ServiceEnvironment& environment_;
};

}  // namespace jcm::services

#endif  // SERVICES_RULEBOOKS_RULEBOOK_SERVICE_H_
