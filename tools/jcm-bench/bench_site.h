// jcm-node processes of one registry, as a benchmark needs them: certificates, keys, configurations, one node or three.
//
//   BenchSite site;
//   JCM_RETURN_IF_ERROR(site.Start(options, people));     // they start; Connect waits until one answers
//   JCM_ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel, site.Connect(1));
//
// Real processes on loopback with mutual TLS. They end with this object, or with the thread that started them.
#ifndef TOOLS_JCM_BENCH_BENCH_SITE_H_
#define TOOLS_JCM_BENCH_BENCH_SITE_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "tools/jcm-bench/people.h"

namespace jcm::bench {

struct SiteOptions {
  std::string directory;                    // is emptied first
  std::string node;                         // path of jcm-node
  std::string pki_script;                   // deploy/pki/make-development-pki
  int replicas = 1;                         // 1..9
  std::vector<std::string> etcd_endpoints;  // with several replicas
};

class BenchSite {
 public:
  BenchSite() = default;
  BenchSite(const BenchSite&) = delete;
  BenchSite& operator=(const BenchSite&) = delete;
  ~BenchSite() { Stop(); }

  absl::Status Start(const SiteOptions& options, const People& people);
  // SIGTERM to all, and waits.
  void Stop();

  // To replica 1, 2, …, with an operator's certificate. CONFIG_INVALID, naming the node's log, if it does not answer.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(int replica) const;

 private:
  std::string Path(const std::string& name) const { return options_.directory + "/" + name; }
  std::string WriteConfig(int replica, const People& people) const;
  absl::Status Launch(int replica, const std::string& config);

  SiteOptions options_;
  std::vector<std::string> addresses_;  // of replica 1, 2, …
  std::vector<pid_t> processes_;
};

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_BENCH_SITE_H_
