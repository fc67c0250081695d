#include "services/node/registry_node.h"

#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpcpp/ext/channelz_service_plugin.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "ledger/backup/sealed_file.h"
#include "ledger/base/clock.h"
#include "ledger/base/file_system.h"
#include "ledger/base/random.h"
#include "ledger/book/genesis.h"
#include "ledger/log/embedded_log.h"
#include "ledger/registry/registry_host.h"
#include "ledger/store/rocksdb_store.h"
#include "ledger/store/signer_record.h"
#include "ledger/store/vault.h"
#include "services/accounts/account_service.h"
#include "services/article6/article6_service.h"
#include "services/common/call.h"
#include "services/common/worker_pool.h"
#include "services/dossiers/dossier_service.h"
#include "services/dossiers/object_services.h"
#include "services/history/history_service.h"
#include "services/issuance/issuance_service.h"
#include "services/joint_committee/joint_committee_service.h"
#include "services/ledger/ledger_service.h"
#include "services/mirror/mirror_service.h"
#include "services/node/certificates.h"
#include "services/node/etcd_sequencing.h"
#include "services/node/listen_probe.h"
#include "services/node/log_line.h"
#include "services/node/peer_transport.h"
#include "services/node/tls_authorizer.h"
#include "services/node_admin/backup_runner.h"
#include "services/node_admin/node_service.h"
#include "services/node_admin/restore_watch.h"
#include "services/operations/operation_service.h"
#include "services/projects/project_service.h"
#include "services/publication/publication_service.h"
#include "services/replica/replica_service.h"
#include "services/replica/snapshot_join.h"
#include "services/rulebooks/rulebook_service.h"

namespace jcm::services {
namespace {

constexpr uint64_t kMicrosPerMilli = 1'000;

registry::Limits ToLimits(const node::v1::LimitsConfig& config) {
  registry::Limits limits;
  limits.client_queue_bundles = config.client_queue_bundles();
  limits.client_queue_bytes = config.client_queue_bytes();
  limits.system_queue_items = config.system_queue_items();
  limits.waiters = config.waiters();
  limits.batch_commands = config.batch_commands();
  limits.batch_bytes = config.batch_bytes();
  limits.offsite_blobs_per_partner = config.offsite_blobs_per_partner();
  limits.log_kept_batches = config.log_kept_batches();
  limits.log_kept_bytes = config.log_kept_bytes();
  limits.log_high_water_bytes = config.log_high_water_bytes();
  return limits;
}

registry::RegistryOptions ToOptions(const RegistrySettings& settings) {
  const node::v1::RegistryConfig& config = settings.config;
  registry::RegistryOptions options;
  options.registry = config.registry();
  options.domain = config.domain();
  options.replica_name = config.replica_name();
  options.demonstration = config.demonstration();
  for (const PeerSettings& peer : settings.peers) options.partnerships.push_back({peer.partnership, peer.registry});
  for (const SiblingSettings& sibling : settings.siblings) options.siblings.push_back(sibling.name);
  options.genesis = settings.genesis;
  options.create_books = !config.after_loss();
  options.marked_restored = config.marked_restored();
  options.poll_interval_us = config.poll_interval_ms() * kMicrosPerMilli;
  options.poll_interval_max_us = config.poll_interval_max_ms() * kMicrosPerMilli;
  options.state_root_interval_us = config.state_root_interval_seconds() * uint64_t{1'000'000};
  options.limits = ToLimits(config.limits());
  return options;
}

absl::StatusOr<std::shared_ptr<Clock>> MakeClock(const RegistrySettings& settings) {
  if (!settings.simulated_clock()) return std::shared_ptr<Clock>(std::make_shared<SystemClock>());
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<FileClock> clock, FileClock::Open(settings.config.clock().path()));
  return std::shared_ptr<Clock>(std::move(clock));
}

std::string StoreDirectory(const node::v1::RegistryConfig& config) { return absl::StrCat(config.data_dir(), "/store"); }

// Everything that the registry works with; opens the store.
absl::StatusOr<registry::Dependencies> OpenDependencies(const RegistrySettings& settings, std::shared_ptr<Clock> clock,
                                                        std::shared_ptr<registry::PeerTransport> transport) {
  const node::v1::RegistryConfig& config = settings.config;
  auto files = std::make_shared<PosixFileSystem>();
  for (const std::string& folder : {config.data_dir(), config.signer_record(), config.vault_dir()}) {
    JCM_RETURN_IF_ERROR(files->MakeDirs(folder));
  }
  store::RocksDbOptions store_options;
  store_options.path = StoreDirectory(config);
  store_options.identity = {config.registry(), config.domain()};
  store_options.on_failed = [registry = config.registry()] {
    LogLine(Severity::kError, registry, "STORE_FAILED: the store failed; writes are refused until a restart");
  };
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<store::Store> store, store::RocksDbStore::Open(store_options));
  EtcdSequencing sequencing;
  if (settings.config.has_etcd()) {
    JCM_ASSIGN_OR_RETURN(sequencing, OpenEtcdSequencing(settings));
  } else {
    // The whole chain is checked at start.
    JCM_ASSIGN_OR_RETURN(sequencing.log, log::EmbeddedLog::Open(store.get(), 0));
  }
  auto vault = std::make_unique<store::Vault>(files, config.vault_dir());
  JCM_RETURN_IF_ERROR(vault->FinishErasures());
  return registry::Dependencies{std::move(store),
                                std::move(sequencing.log),
                                std::make_unique<store::SignerRecord>(files, config.signer_record()),
                                std::move(vault),
                                std::move(clock),
                                std::make_shared<SystemRandom>(),
                                std::move(transport),
                                *settings.replica_key,
                                settings.offsite_key,
                                nullptr,
                                std::move(sequencing.hint)};
}

std::map<std::string, std::string> PeersOf(const RegistrySettings& settings) {
  std::map<std::string, std::string> peers;
  for (const PeerSettings& peer : settings.peers) peers[peer.partnership] = peer.registry;
  return peers;
}

std::map<std::string, std::string> CaByRegistry(const RegistrySettings& settings) {
  std::map<std::string, std::string> ca = {{settings.config.registry(), settings.tls.ca_pem}};
  for (const PeerSettings& peer : settings.peers) ca[peer.registry] = peer.ca_pem;
  return ca;
}

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const RegistrySettings& settings,
                                                               std::shared_ptr<const TlsAuthorizer> authorizer) {
  grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  for (const auto& [registry, ca_pem] : CaByRegistry(settings)) absl::StrAppend(&options.pem_root_certs, ca_pem, "\n");
  options.pem_key_cert_pairs.push_back({settings.tls.key_pem, settings.tls.certificate_pem});
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::SslServerCredentials(options);
  credentials->SetAuthMetadataProcessor(std::make_shared<BuiltInServicesGuard>(std::move(authorizer)));
  return credentials;
}

}  // namespace

// In the order of construction; destroyed the other way round.
struct RegistryNode::Parts {
  explicit Parts(const RegistrySettings& settings, const node::v1::NodeConfig& process)
      : name(settings.config.registry()),
        stop_timeout(process.stop_timeout_seconds()),
        tls_certificate(settings.tls.certificate_pem),
        authorizer(std::make_shared<TlsAuthorizer>(settings.policy, CaByRegistry(settings))),
        transport(std::make_shared<GrpcPeerTransport>(settings.tls, settings.peers,
                                                      std::chrono::milliseconds(settings.config.peer_call_timeout_ms()),
                                                      settings.config.registry(), settings.siblings)),
        workers({process.worker_threads(), process.worker_queue()}) {}

  NodeFigures Figures() const {
    NodeFigures figures;
    figures.worker_queue_depth = workers.depth();
    figures.worker_queue_limit = workers.queue_limit();
    figures.tls_days_left = DaysLeft(tls_certificate);
    return figures;
  }

  const std::string name;
  const std::chrono::seconds stop_timeout;
  const std::string tls_certificate;
  std::shared_ptr<Clock> clock;
  std::shared_ptr<const TlsAuthorizer> authorizer;
  std::shared_ptr<GrpcPeerTransport> transport;
  std::unique_ptr<registry::RegistryHost> host;
  SystemRandom random;
  std::unique_ptr<RestoreWatch> restore;
  std::unique_ptr<BackupRunner> backups;
  WorkerPool workers;
  ServiceEnvironment environment;
  std::vector<std::unique_ptr<grpc::Service>> services;
  LedgerServiceImpl* ledger = nullptr;  // one of them
  std::unique_ptr<grpc::Server> server;
  int port = 0;
  bool stopped = false;

  absl::Status StartHost(const RegistrySettings& settings);
  absl::Status StartServer(const RegistrySettings& settings);
};

absl::Status RegistryNode::Parts::StartHost(const RegistrySettings& settings) {
  JCM_ASSIGN_OR_RETURN(clock, MakeClock(settings));
  JCM_ASSIGN_OR_RETURN(backup::BackupKey backup_key, backup::BackupKey::FromBytes(settings.backup_key));
  restore = std::make_unique<RestoreWatch>(
      settings.config.data_dir(), PeersOf(settings),
      [registry = name](absl::string_view text) { LogLine(Severity::kInfo, registry, text); });
  JCM_ASSIGN_OR_RETURN(registry::Dependencies dependencies, OpenDependencies(settings, clock, transport));
  JCM_ASSIGN_OR_RETURN(host, registry::RegistryHost::Start(ToOptions(settings), std::move(dependencies)));
  environment.registry = name;
  environment.domain = settings.config.domain();
  environment.demonstration = settings.config.demonstration();
  environment.peers = PeersOf(settings);
  environment.host = host.get();
  environment.clock = clock.get();
  environment.workers = &workers;
  environment.authorizer = authorizer.get();
  restore->Start(host.get());
  const BackupRunner::Options options{{name, settings.config.domain()},
                                      std::move(backup_key),
                                      absl::StrCat(settings.config.data_dir(), "/backup-staging")};
  backups = std::make_unique<BackupRunner>(options, host.get(), clock.get(), &random);
  return absl::OkStatus();
}

absl::Status RegistryNode::Parts::StartServer(const RegistrySettings& settings) {
  auto ledger_service = std::make_unique<LedgerServiceImpl>(environment);
  ledger = ledger_service.get();
  services.push_back(std::move(ledger_service));
  services.push_back(std::make_unique<RulebookServiceImpl>(environment));
  services.push_back(std::make_unique<ProjectServiceImpl>(environment));
  const auto dossiers = std::make_shared<DossierIndex>(environment.registry);
  services.push_back(std::make_unique<DossierServiceImpl>(environment, dossiers));
  services.push_back(std::make_unique<MethodologyServiceImpl>(environment, dossiers));
  services.push_back(std::make_unique<ThirdPartyEntityServiceImpl>(environment, dossiers));
  services.push_back(std::make_unique<HistoryServiceImpl>(environment));
  services.push_back(std::make_unique<PublicationServiceImpl>(environment));
  services.push_back(std::make_unique<JointCommitteeServiceImpl>(environment));
  services.push_back(std::make_unique<AccountServiceImpl>(environment));
  services.push_back(std::make_unique<IssuanceServiceImpl>(environment));
  services.push_back(std::make_unique<OperationServiceImpl>(environment));
  services.push_back(std::make_unique<Article6ServiceImpl>(environment));
  services.push_back(std::make_unique<NodeServiceImpl>(
      environment, [this] { return Figures(); }, backups.get(), restore.get()));
  services.push_back(std::make_unique<MirrorServiceImpl>(environment));
  if (!settings.siblings.empty()) {
    services.push_back(std::make_unique<ReplicaServiceImpl>(
        environment, absl::StrCat(settings.config.data_dir(), "/snapshot-for-sibling")));
  }

  grpc::ServerBuilder builder;
  builder.AddListeningPort(settings.config.listen(), MakeServerCredentials(settings, authorizer), &port);
  // Without it a second node would share the port instead of being told that it is taken.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(kMessageBytesMax);
  builder.SetMaxSendMessageSize(kMessageBytesMax);
  for (const std::unique_ptr<grpc::Service>& service : services) builder.RegisterService(service.get());
  server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    JCM_RETURN_IF_ERROR(ProbeListen(settings.config.listen()));
    return Error(Reason::PORT_TAKEN, settings.config.listen());
  }
  return absl::OkStatus();
}

RegistryNode::RegistryNode(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

RegistryNode::~RegistryNode() { Stop(); }

int RegistryNode::port() const { return parts_->port; }

absl::Status RegistryNode::Failure() const { return parts_->host->Failure(); }

void RegistryNode::ShowHealth() {
  const bool takes_part = parts_->host->Failure().ok() && parts_->host->Quarantine().empty();
  parts_->server->GetHealthCheckService()->SetServingStatus(takes_part);
}

absl::Status RegistryNode::Join(const RegistrySettings& settings) {
  const node::v1::RegistryConfig& config = settings.config;
  JCM_ASSIGN_OR_RETURN(EtcdSequencing sequencing, OpenEtcdSequencing(settings));
  auto files = std::make_shared<PosixFileSystem>();
  JCM_RETURN_IF_ERROR(files->MakeDirs(config.vault_dir()));
  store::Vault vault(files, config.vault_dir());
  JoinOptions options;
  options.registry = config.registry();
  options.domain = config.domain();
  options.books = {kHome};
  for (const PeerSettings& peer : settings.peers) options.books.push_back(peer.partnership);
  JCM_ASSIGN_OR_RETURN(options.keys, book::KeySetFromProto(settings.genesis.keys()));
  options.store_directory = StoreDirectory(config);
  for (const SiblingSettings& sibling : settings.siblings) {
    options.siblings.emplace_back(sibling.name, ConnectSibling(settings.tls, config.registry(), sibling));
  }
  return JoinFromSiblings(options, vault, *sequencing.log, [&config](absl::string_view told) {
    LogLine(Severity::kInfo, config.registry(), absl::StrCat("join: ", told));
  });
}

absl::StatusOr<std::unique_ptr<RegistryNode>> RegistryNode::Start(const RegistrySettings& settings,
                                                                  const node::v1::NodeConfig& process) {
  // Before any server is built: these belong to the process.
  static const bool once = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::channelz::experimental::InitChannelzService();
    return true;
  }();
  JCM_CHECK(once);
  JCM_RETURN_IF_ERROR(ProbeListen(settings.config.listen()));
  std::unique_ptr<RegistryNode> node(new RegistryNode(std::make_unique<Parts>(settings, process)));
  JCM_RETURN_IF_ERROR(node->parts_->StartHost(settings));
  JCM_RETURN_IF_ERROR(node->parts_->StartServer(settings));
  node->ShowHealth();  // it may have been put into quarantine in an earlier life
  LogLine(Severity::kInfo, settings.config.registry(),
          absl::StrCat("serving on ", settings.config.listen(), " (port ", node->port(), ")",
                       settings.config.demonstration() ? ": DEMONSTRATION, NOT AN OFFICIAL RECORD" : ""));
  return node;
}

void RegistryNode::Stop() {
  Parts& parts = *parts_;
  if (parts.stopped) return;
  parts.stopped = true;
  if (parts.server != nullptr) {
    parts.server->GetHealthCheckService()->SetServingStatus(false);
    parts.ledger->StopStreams();
    parts.server->Shutdown(std::chrono::system_clock::now() + parts.stop_timeout);
    parts.server->Wait();
  }
  if (parts.restore != nullptr) parts.restore->Stop();
  parts.backups = nullptr;
  // The registry's calls to partners end before the registry does.
  parts.transport->Stop();
  parts.host = nullptr;
  LogLine(Severity::kInfo, parts.name, "stopped");
}

}  // namespace jcm::services
