// The way to a node: mutual TLS and deadlines. Errors of calls become statuses through services/common/grpc_status.h.
//
//   JCM_ASSIGN_OR_RETURN(Connection connection, Connection::Open(settings, files));
//   auto stub = registry::v1::LedgerService::NewStub(connection.channel());
//   grpc::ClientContext context;
//   connection.Prepare(&context);
//   absl::Status status = services::FromGrpcStatus(stub->ListBooks(&context, request, &response));
//
// Opening reads the files and starts to connect; the first call shows whether anybody answers.
#ifndef TOOLS_CLIENT_CONNECTION_H_
#define TOOLS_CLIENT_CONNECTION_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/file_system.h"

namespace jcm::client {

struct ConnectionSettings {
  std::string address;  // "127.0.0.1:7443"
  std::string tls_ca;   // PEM files
  std::string tls_cert;
  std::string tls_key;
  std::string server_name;  // name that the node's certificate must have, if not that of the address
  uint32_t timeout_seconds = 60;
};

class Connection {
 public:
  // Errors: CONFIG_INVALID if a setting is missing; KEY_FILE_INVALID if a file cannot be read.
  static absl::StatusOr<Connection> Open(const ConnectionSettings& settings, FileSystem& files);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  // Sets the deadline.
  void Prepare(grpc::ClientContext* context) const;

 private:
  std::shared_ptr<grpc::Channel> channel_;
  uint32_t timeout_seconds_ = 0;
};

}  // namespace jcm::client

#endif  // TOOLS_CLIENT_CONNECTION_H_
