#include "tools/jcm-bench/replica_bench.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "ledger/base/status.h"
#include "ledger/log/etcd/etcd_client.h"
#include "ledger/log/etcd/etcd_layout.h"
#include "ledger/log/etcd/etcd_log.h"
#include "ledger/log/etcd/testing/etcd_cluster.h"
#include "services/common/grpc_status.h"
#include "tools/jcm-bench/bench_site.h"
#include "tools/jcm-bench/bundle_caller.h"
#include "tools/jcm-bench/workload.h"

namespace jcm::bench {
namespace {

namespace api = ::jcm::registry::v1;

constexpr int kReplicas = 3;
constexpr char kLogPrefix[] = "jcm/JPN";  // of the nodes' configuration, by default
constexpr char kRawPrefix[] = "raw/JPN";
constexpr std::chrono::seconds kStatusTimeout{5};
constexpr int kSequencerTries = 300;
constexpr std::chrono::milliseconds kSequencerPause{100};
constexpr int kRawRounds = 3;

// Number of the replica that orders, as that of the channel knows.
absl::StatusOr<int> Sequencer(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = api::NodeService::NewStub(channel);
  for (int tried = 0; tried < kSequencerTries; ++tried) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kStatusTimeout);
    api::GetNodeStatusResponse response;
    const grpc::Status status = stub->GetNodeStatus(&context, {}, &response);
    int number = 0;
    if (status.ok() && absl::SimpleAtoi(response.sequencer(), &number)) return number;
    std::this_thread::sleep_for(kSequencerPause);
  }
  return Error(Reason::INTERNAL, "no replica orders");
}

// What the nodes' log holds in etcd, byte for byte.
class LoggedBatches {
 public:
  static absl::StatusOr<std::unique_ptr<LoggedBatches>> Open(const log::EtcdCluster& cluster) {
    std::unique_ptr<LoggedBatches> batches(new LoggedBatches);
    log::EtcdOptions options;
    options.endpoints = cluster.endpoints();
    JCM_ASSIGN_OR_RETURN(batches->client_, log::EtcdClient::Create(options));
    JCM_ASSIGN_OR_RETURN(batches->log_, log::EtcdLog::Open(batches->client_, kLogPrefix));
    return batches;
  }

  log::EtcdClient& client() { return *client_; }
  absl::StatusOr<log::LogPosition> Tail() { return log_->Tail(); }

  // The values of the slots after `from` up to `to`, which were written in one generation.
  absl::StatusOr<std::vector<std::string>> Values(const log::LogPosition& from, const log::LogPosition& to) {
    if (from.generation != to.generation) return Error(Reason::INTERNAL, "another replica began to order meanwhile");
    const log::EtcdKeys keys(kLogPrefix);
    std::vector<std::string> values;
    for (uint64_t index = from.index + 1; index <= to.index; ++index) {
      etcdserverpb::TxnRequest read;
      read.add_success()->mutable_request_range()->set_key(keys.Slot(to.generation, index));
      JCM_ASSIGN_OR_RETURN(const etcdserverpb::TxnResponse answer, client_->Read(read));
      const auto& range = answer.responses(0).response_range();
      if (range.kvs_size() != 1) return Error(Reason::INTERNAL, absl::StrCat("slot ", index, " is gone"));
      values.push_back(range.kvs(0).value());
    }
    return values;
  }

 private:
  LoggedBatches() = default;
  std::shared_ptr<log::EtcdClient> client_;
  std::unique_ptr<log::EtcdLog> log_;
};

// Each into a new key of the same length, if that is absent; the next one when the last one is in, as the log does it.
absl::StatusOr<CallTimes> WriteRaw(log::EtcdClient& client, const std::vector<std::string>& values,
                                   uint64_t first_index) {
  const log::EtcdKeys keys(kRawPrefix);
  CallTimes times;
  const Stopwatch all;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string key = keys.Slot(1, first_index + i);
    etcdserverpb::TxnRequest txn;
    etcdserverpb::Compare& absent = *txn.add_compare();
    absent.set_result(etcdserverpb::Compare::EQUAL);
    absent.set_target(etcdserverpb::Compare::CREATE);
    absent.set_key(key);
    absent.set_create_revision(0);
    etcdserverpb::PutRequest& put = *txn.add_success()->mutable_request_put();
    put.set_key(key);
    put.set_value(values[i]);
    const Stopwatch one;
    JCM_ASSIGN_OR_RETURN(const etcdserverpb::TxnResponse answer, client.Commit(txn));
    if (!answer.succeeded()) return Error(Reason::INTERNAL, absl::StrCat(key, " was taken"));
    times.latencies_ms.push_back(one.seconds() * 1e3);
  }
  times.seconds = all.seconds();
  return times;
}

Row ToRow(const char* id, std::string name, const CallTimes& times, uint64_t transfers) {
  Row row{id, std::move(name), {}};
  row.figures["transfers_per_second"] = static_cast<double>(transfers) / times.seconds;
  row.figures["p50_ms"] = Percentile(times.latencies_ms, 0.5);
  row.figures["p99_ms"] = Percentile(times.latencies_ms, 0.99);
  return row;
}

// (d) at one replica.
absl::StatusOr<Row> MeasureReplica(const BenchSite& site, int replica, const char* role, const ServiceOptions& options,
                                   Workload& workload) {
  JCM_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel, site.Connect(replica));
  std::vector<std::string> bundles;
  for (int i = 0; i < options.bundles; ++i) bundles.push_back(workload.NextBundle(options.transfers_per_bundle));
  JCM_ASSIGN_OR_RETURN(const CallTimes times, CallEach(channel, std::move(bundles), options.bundles_in_flight));
  return ToRow("d",
               absl::StrCat("three replicas on etcd, gRPC, calls of ", options.transfers_per_bundle, " transfers, ",
                            options.bundles_in_flight, " in flight, at the one that ", role),
               times, static_cast<uint64_t>(options.bundles) * options.transfers_per_bundle);
}

}  // namespace

absl::StatusOr<std::vector<Row>> RunReplicas(const ServiceOptions& options) {
  const People people(kPeopleSeed);
  JCM_ASSIGN_OR_RETURN(const std::unique_ptr<log::EtcdCluster> cluster, log::EtcdCluster::Start(kReplicas));
  BenchSite site;
  JCM_RETURN_IF_ERROR(
      site.Start({options.directory, options.node, options.pki_script, kReplicas, cluster->endpoints()}, people));
  JCM_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> first, site.Connect(1));
  JCM_ASSIGN_OR_RETURN(int sequencer, Sequencer(first));
  Workload workload(people, options.blocks, SystemRandom().U64());
  {
    JCM_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel, site.Connect(sequencer));
    JCM_RETURN_IF_ERROR(
        workload.SetUp([&](std::string bundle) { return CallOnce(channel, std::move(bundle)); }, ShowProgress));
  }
  JCM_ASSIGN_OR_RETURN(const std::unique_ptr<LoggedBatches> batches, LoggedBatches::Open(*cluster));
  JCM_ASSIGN_OR_RETURN(sequencer, Sequencer(first));
  JCM_ASSIGN_OR_RETURN(const log::LogPosition before, batches->Tail());
  std::vector<Row> rows;
  JCM_ASSIGN_OR_RETURN(Row row, MeasureReplica(site, sequencer, "orders", options, workload));
  rows.push_back(std::move(row));
  JCM_ASSIGN_OR_RETURN(const log::LogPosition after, batches->Tail());
  JCM_ASSIGN_OR_RETURN(const int still, Sequencer(first));
  if (still != sequencer) return Error(Reason::INTERNAL, "another replica began to order meanwhile");
  JCM_ASSIGN_OR_RETURN(row, MeasureReplica(site, sequencer % kReplicas + 1, "forwards", options, workload));
  rows.push_back(std::move(row));
  JCM_ASSIGN_OR_RETURN(const std::vector<std::string> values, batches->Values(before, after));
  site.Stop();

  const uint64_t transfers = static_cast<uint64_t>(options.bundles) * options.transfers_per_bundle;
  CallTimes raw;
  for (int round = 0; round < kRawRounds; ++round) {
    JCM_ASSIGN_OR_RETURN(const CallTimes times,
                         WriteRaw(batches->client(), values, static_cast<uint64_t>(round) * values.size() + 1));
    raw.seconds += times.seconds;
    raw.latencies_ms.insert(raw.latencies_ms.end(), times.latencies_ms.begin(), times.latencies_ms.end());
  }
  rows.push_back(ToRow("f", "raw etcd, three members, the same bytes in the same batches, one in flight", raw,
                       kRawRounds * transfers));
  size_t bytes = 0;
  for (const std::string& value : values) bytes += value.size();
  rows.back().figures["bytes_per_transfer"] = static_cast<double>(bytes) / static_cast<double>(transfers);
  rows.back().figures["batches"] = values.size();
  return rows;
}

}  // namespace jcm::bench
