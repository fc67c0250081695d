// Real etcd members on this machine, for tests: started, killed, paused, restarted and emptied at will.
//
//   auto cluster = EtcdCluster::Start(3);
//   ASSERT_TRUE(cluster.ok()) << ToText(cluster.status());
//   options.endpoints = (*cluster)->endpoints();
//   (*cluster)->Kill(*(*cluster)->Leader());
//
// Members listen on loopback ports that were free, without TLS, or on machines of their own, keep their data in a
// temporary directory and end with the cluster object, or with the thread that started them. Not thread-safe.
#ifndef LEDGER_LOG_ETCD_TESTING_ETCD_CLUSTER_H_
#define LEDGER_LOG_ETCD_TESTING_ETCD_CLUSTER_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/log/etcd/etcd_client.h"

namespace jcm::log {

inline constexpr char kEtcdProgram[] = "/usr/bin/etcd";
inline constexpr std::chrono::seconds kEtcdClusterStartTimeout{30};

class EtcdCluster {
 public:
  // `members` is 1 or 3. Returns when all of them know their leader and answer reads. An error says what to install, or
  // shows the end of a member's output.
  static absl::StatusOr<std::unique_ptr<EtcdCluster>> Start(size_t members);
  // The same with each member on a machine of its own, at etcd's own ports and with mutual TLS.
  struct Place {
    std::string address;         // of the machine; the caller must reach it too
    int network_namespace = -1;  // a descriptor, which must outlive the cluster
  };
  static absl::StatusOr<std::unique_ptr<EtcdCluster>> Start(const std::vector<Place>& places);
  ~EtcdCluster();

  size_t size() const { return members_.size(); }
  // "127.0.0.1:40001"
  std::string endpoint(size_t member) const;
  std::vector<std::string> endpoints() const;
  const std::string& directory() const { return directory_; }
  // What a client needs beside the endpoints: files in PEM. Empty names on loopback.
  struct Tls {
    std::string ca;
    std::string certificate;
    std::string key;
  };
  const Tls& tls() const { return tls_; }
  // For EtcdClient.
  EtcdOptions ClientOptions() const;

  // SIGKILL, and waits for the end.
  void Kill(size_t member);
  // SIGSTOP and SIGCONT: the member holds its connections and says nothing.
  void Pause(size_t member);
  void Resume(size_t member);
  // Starts a member that was killed, with what is on its disk. Does not wait until it answers; see WaitUntilHealthy.
  absl::Status Restart(size_t member);
  // Kills the member and deletes its data. Wipe all members before any is restarted: a single one that forgot what it
  // has promised is a fault that Raft does not tolerate.
  void Wipe(size_t member);

  bool IsRunning(size_t member) const { return members_[member].pid > 0; }
  // All members that run and are not paused know the same leader and answer linearizable reads.
  absl::Status WaitUntilHealthy(std::chrono::milliseconds timeout = kEtcdClusterStartTimeout);
  // The leader, as the members that run say. LOG_UNAVAILABLE after 10 s without one.
  absl::StatusOr<size_t> Leader();

 private:
  struct Member {
    std::string name;
    Place place;
    int client_port = 0;
    int peer_port = 0;
    pid_t pid = -1;
    bool paused = false;
  };

  EtcdCluster() = default;
  absl::Status MakeCertificate();
  std::vector<std::string> Arguments(const Member& member) const;
  std::string LogPath(const Member& member) const;
  std::string LogEnd(const Member& member) const;
  absl::Status Launch(Member& member);
  // LOG_UNAVAILABLE unless all members that run have the same leader now; else its index.
  absl::StatusOr<size_t> AskLeader();

  std::string directory_;
  Tls tls_;
  std::vector<Member> members_;
};

}  // namespace jcm::log

#endif  // LEDGER_LOG_ETCD_TESTING_ETCD_CLUSTER_H_
