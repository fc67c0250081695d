#include "services/node/etcd_sequencing.h"

#include <utility>

#include "ledger/base/status.h"
#include "ledger/log/etcd/etcd_log.h"
#include "ledger/log/etcd/sequencer_hint.h"

namespace jcm::services {
namespace {

// Who orders, as a key in etcd with a lease says.
class EtcdHint : public registry::SequencerHint {
 public:
  EtcdHint(std::shared_ptr<log::EtcdClient> client, const std::string& prefix, const std::string& replica)
      : hint_(std::move(client), prefix, replica) {}

  std::string Holder() override { return hint_.Holder(); }
  void Campaign() override { hint_.Campaign(); }
  void TakeOver(const std::string& holder) override { hint_.TakeOver(holder); }
  void Resign() override { hint_.Resign(); }

 private:
  log::SequencerHint hint_;
};

}  // namespace

absl::StatusOr<EtcdSequencing> OpenEtcdSequencing(const RegistrySettings& settings) {
  const node::v1::EtcdConfig& config = settings.config.etcd();
  log::EtcdOptions options;
  options.endpoints.assign(config.endpoints().begin(), config.endpoints().end());
  options.ca_pem = settings.etcd_tls.ca_pem;
  options.certificate_pem = settings.etcd_tls.certificate_pem;
  options.key_pem = settings.etcd_tls.key_pem;
  EtcdSequencing sequencing;
  JCM_ASSIGN_OR_RETURN(sequencing.client, log::EtcdClient::Create(options));
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<log::EtcdLog> log, log::EtcdLog::Open(sequencing.client, config.prefix()));
  sequencing.log = std::move(log);
  sequencing.hint = std::make_shared<EtcdHint>(sequencing.client, config.prefix(), settings.config.replica_name());
  return sequencing;
}

}  // namespace jcm::services
