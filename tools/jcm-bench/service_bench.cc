#include "tools/jcm-bench/service_bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "ledger/base/status.h"
#include "services/common/grpc_status.h"
#include "tools/jcm-bench/people.h"
#include "tools/jcm-bench/workload.h"

namespace jcm::bench {
namespace {

namespace api = ::jcm::registry::v1;

constexpr int kStartSeconds = 60;
constexpr int kCallSeconds = 120;

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

absl::StatusOr<int> FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(name);
  const bool found = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0;
  if (fd >= 0) close(fd);
  if (!found) return Error(Reason::INTERNAL, "no free port");
  return ntohs(name.sin_port);
}

// A node of its own; it ends with this object, or with this process.
class Node {
 public:
  ~Node() {
    if (pid_ <= 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }

  absl::Status Start(const ServiceOptions& options, const People& people) {
    directory_ = options.directory;
    std::error_code error;
    std::filesystem::remove_all(directory_, error);
    std::filesystem::create_directories(directory_, error);
    const std::string pki = absl::StrCat(options.pki_script, " --person operator-1 --program bench ", directory_,
                                         "/pki ", kRegistry, " > ", directory_, "/pki.log 2>&1");
    if (std::system(pki.c_str()) != 0) return Error(Reason::CONFIG_INVALID, absl::StrCat(directory_, "/pki.log"));
    JCM_ASSIGN_OR_RETURN(const int port, FreePort());
    address_ = absl::StrCat("127.0.0.1:", port);
    const std::string config = WriteConfig(people);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int log = open(absl::StrCat(directory_, "/node.log").c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
      dup2(log, 1);
      dup2(log, 2);
      execl(options.node.c_str(), options.node.c_str(), "--config", config.c_str(), nullptr);
      _exit(127);
    }
    return pid_ > 0 ? absl::OkStatus() : Error(Reason::INTERNAL, "fork");
  }

  std::shared_ptr<grpc::Channel> Connect() const {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = ReadFile(absl::StrCat(directory_, "/pki/JPN/ca.pem"));
    tls.pem_cert_chain = ReadFile(absl::StrCat(directory_, "/pki/JPN/clients/person-operator-1.pem"));
    tls.pem_private_key = ReadFile(absl::StrCat(directory_, "/pki/JPN/clients/person-operator-1.key"));
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    return grpc::CreateCustomChannel(address_, grpc::SslCredentials(tls), arguments);
  }

 private:
  std::string WriteConfig(const People& people) const {
    const registry::RegistryOptions options = people.Options();
    std::ostringstream text;
    text << "registries {\n  registry: \"JPN\" domain: \"" << kDomain
         << "\" replica_name: \"1\" demonstration: true\n"
            "  data_dir: \"data\" signer_record: \"signer\" vault_dir: \"vault\"\n"
            "  replica_key: \"pki/JPN/replica-1.key\" recovery_key: \"pki/JPN/recovery.pub\""
            " offsite_key: \"pki/JPN/offsite.key\"\n  listen: \""
         << address_
         << "\"\n  tls { certificate: \"pki/JPN/node.pem\" key: \"pki/JPN/node.key\" ca: \"pki/JPN/ca.pem\" }\n"
            "  channel_roles { identity: \"jcm:JPN:person:operator-1\" roles: CHANNEL_ROLE_OPERATOR }\n"
            "  partnerships { partnership: \""
         << kPartnership << "\" peer_registry: \"" << kPeer << "\" }\n";
    for (const v1::EnrolPerson& person : options.genesis.persons()) {
      const std::string key = absl::StrCat(person.person_id(), ".pub");
      absl::StatusOr<PublicKey> parsed =
          PublicKey::FromBytes(static_cast<SignatureType>(person.keys(0).key().type()), person.keys(0).key().key());
      JCM_CHECK(parsed.ok());
      std::ofstream(absl::StrCat(directory_, "/", key)) << parsed->ToPem();
      text << "  first_persons { person_id: \"" << person.person_id() << "\" roles: \""
           << v1::Role_Name(person.roles(0)).substr(5) << "\" public_key: \"" << key
           << "\" pseudonyms { partnership: \"" << kPartnership << "\" handle: \"" << person.pseudonyms(0).handle()
           << "\" } }\n";
    }
    text << "}\n";
    const std::string path = absl::StrCat(directory_, "/JPN.textproto");
    std::ofstream(path) << text.str();
    return path;
  }

  std::string directory_;
  std::string address_;
  pid_t pid_ = -1;
};

registry::SubmitOutcome ToOutcome(const api::SubmitBundleResponse& response) {
  registry::SubmitOutcome outcome;
  for (const api::PartResult& result : response.results()) {
    registry::PartOutcome part;
    part.accepted = result.accepted();
    part.sequence = result.sequence();
    part.reason = static_cast<uint32_t>(Reason::INTERNAL);
    part.detail = absl::StrCat(result.reason(), " ", result.detail());
    outcome.parts.push_back(std::move(part));
  }
  return outcome;
}

// Keeps so many calls in flight until all bundles are answered.
class Caller {
 public:
  Caller(const std::shared_ptr<grpc::Channel>& channel, std::vector<std::string> bundles)
      : stub_(api::LedgerService::NewStub(channel)), bundles_(std::move(bundles)) {}

  absl::Status Run(int in_flight, std::vector<double>* latencies_ms) {
    latencies_ms_ = latencies_ms;
    for (int i = 0; i < in_flight; ++i) Next();
    std::unique_lock<std::mutex> lock(mutex_);
    all_done_.wait(lock, [this] { return answered_ == begun_ && (begun_ == bundles_.size() || !failed_.ok()); });
    return failed_;
  }

 private:
  struct Call {
    grpc::ClientContext context;
    api::SubmitBundleRequest request;
    api::SubmitBundleResponse response;
    Stopwatch time;
  };

  void Next() {
    auto call = std::make_shared<Call>();
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (begun_ == bundles_.size() || !failed_.ok()) return;
      call->request.set_signed_bundle(std::move(bundles_[begun_++]));
    }
    call->request.set_wait_for(api::WAIT_FOR_COMMITTED);
    call->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(kCallSeconds));
    call->time = Stopwatch();
    stub_->async()->SubmitBundle(&call->context, &call->request, &call->response,
                                 [this, call](const grpc::Status& status) { Answered(*call, status); });
  }

  void Answered(const Call& call, const grpc::Status& status) {
    absl::Status accepted = status.ok() ? MustAccept(ToOutcome(call.response)) : services::FromGrpcStatus(status);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      latencies_ms_->push_back(call.time.seconds() * 1e3);
      if (!accepted.ok()) failed_ = accepted;
    }
    Next();
    std::lock_guard<std::mutex> lock(mutex_);
    ++answered_;
    all_done_.notify_all();
  }

  const std::unique_ptr<api::LedgerService::Stub> stub_;
  std::vector<std::string> bundles_;
  std::mutex mutex_;
  std::condition_variable all_done_;
  size_t begun_ = 0;
  size_t answered_ = 0;
  absl::Status failed_;
  std::vector<double>* latencies_ms_ = nullptr;
};

absl::StatusOr<Row> Measure(const std::shared_ptr<grpc::Channel>& channel, Workload& workload, const char* id,
                            size_t transfers, int bundles, int in_flight) {
  std::vector<std::string> signed_bundles;
  for (int i = 0; i < bundles; ++i) signed_bundles.push_back(workload.NextBundle(transfers));
  std::vector<double> latencies_ms;
  Caller caller(channel, std::move(signed_bundles));
  const Stopwatch all;
  JCM_RETURN_IF_ERROR(caller.Run(in_flight, &latencies_ms));
  const double seconds = all.seconds();
  Row row{id, absl::StrCat("gRPC, mutual TLS, ", transfers, " transfers a call, ", in_flight, " in flight"), {}};
  row.figures["transfers_per_second"] = static_cast<double>(bundles) * static_cast<double>(transfers) / seconds;
  row.figures["p50_ms"] = Percentile(latencies_ms, 0.5);
  row.figures["p99_ms"] = Percentile(latencies_ms, 0.99);
  return row;
}

}  // namespace

absl::StatusOr<std::vector<Row>> RunService(const ServiceOptions& options) {
  const People people(kPeopleSeed);
  Node node;
  JCM_RETURN_IF_ERROR(node.Start(options, people));
  const std::shared_ptr<grpc::Channel> channel = node.Connect();
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(kStartSeconds))) {
    return Error(Reason::CONFIG_INVALID, absl::StrCat("the node does not answer: ", options.directory, "/node.log"));
  }
  const auto stub = api::LedgerService::NewStub(channel);
  const Submit submit = [&stub](std::string bundle) -> absl::StatusOr<registry::SubmitOutcome> {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(kCallSeconds));
    api::SubmitBundleRequest request;
    request.set_signed_bundle(std::move(bundle));
    request.set_wait_for(api::WAIT_FOR_COMMITTED);
    api::SubmitBundleResponse response;
    const grpc::Status status = stub->SubmitBundle(&context, request, &response);
    if (!status.ok()) return services::FromGrpcStatus(status);
    return ToOutcome(response);
  };
  Workload workload(people, options.blocks, SystemRandom().U64());
  JCM_RETURN_IF_ERROR(workload.SetUp(submit, ShowProgress));
  std::vector<Row> rows;
  for (int in_flight : options.in_flight) {
    JCM_ASSIGN_OR_RETURN(Row row, Measure(channel, workload, "b", 1, options.unary_calls, in_flight));
    rows.push_back(std::move(row));
  }
  JCM_ASSIGN_OR_RETURN(Row row, Measure(channel, workload, "c", options.transfers_per_bundle, options.bundles,
                                        options.bundles_in_flight));
  rows.push_back(std::move(row));
  return rows;
}

}  // namespace jcm::bench
