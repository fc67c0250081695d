// jcm.registry.v1.AccountService: accounts and persons of this registry, and the names behind handles. Operators and
// auditors see all of them; everybody else sees what is their own.
#ifndef SERVICES_ACCOUNTS_ACCOUNT_SERVICE_H_
#define SERVICES_ACCOUNTS_ACCOUNT_SERVICE_H_

#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "services/common/call.h"
#include "services/common/disclosure.h"

namespace jcm::services {

class AccountServiceImpl : public jcm::registry::v1::AccountService::CallbackService {
 public:
  // `environment` must outlive the service.
  explicit AccountServiceImpl(const ServiceEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* ListAccounts(grpc::CallbackServerContext* context,
                                         const jcm::registry::v1::ListAccountsRequest* request,
                                         jcm::registry::v1::ListAccountsResponse* response) override;
  grpc::ServerUnaryReactor* ListPersons(grpc::CallbackServerContext* context,
                                        const jcm::registry::v1::ListPersonsRequest* request,
                                        jcm::registry::v1::ListPersonsResponse* response) override;
  grpc::ServerUnaryReactor* ResolveHandle(grpc::CallbackServerContext* context,
                                          const jcm::registry::v1::ResolveHandleRequest* request,
                                          jcm::registry::v1::ResolveHandleResponse* response) override;

 private:
  // With the holder's name opened.
  absl::Status FillAccount(const ledger::v1::AccountRecord& record, jcm::registry::v1::Account* account) const;

  const ServiceEnvironment& environment_;
};

}  // namespace jcm::services

#endif  // SERVICES_ACCOUNTS_ACCOUNT_SERVICE_H_
