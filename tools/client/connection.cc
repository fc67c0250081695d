#include "tools/client/connection.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::client {
namespace {

constexpr int kMessageBytesMax = 64 << 20;  // exports of whole books

absl::StatusOr<std::string> ReadTlsFile(absl::string_view what, const std::string& path, FileSystem& files) {
  if (path.empty()) return Error(Reason::CONFIG_INVALID, absl::StrCat(what, " is not set"));
  absl::StatusOr<std::string> pem = files.ReadFile(path);
  if (!pem.ok()) return Error(Reason::KEY_FILE_INVALID, absl::StrCat(what, ": cannot read ", path));
  return pem;
}

}  // namespace

absl::StatusOr<Connection> Connection::Open(const ConnectionSettings& settings, FileSystem& files) {
  if (settings.address.empty()) return Error(Reason::CONFIG_INVALID, "address is not set");
  grpc::SslCredentialsOptions tls;
  JCM_ASSIGN_OR_RETURN(tls.pem_root_certs, ReadTlsFile("tls_ca", settings.tls_ca, files));
  JCM_ASSIGN_OR_RETURN(tls.pem_cert_chain, ReadTlsFile("tls_cert", settings.tls_cert, files));
  JCM_ASSIGN_OR_RETURN(tls.pem_private_key, ReadTlsFile("tls_key", settings.tls_key, files));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  if (!settings.server_name.empty()) arguments.SetSslTargetNameOverride(settings.server_name);
  Connection connection;
  connection.channel_ = grpc::CreateCustomChannel(settings.address, grpc::SslCredentials(tls), arguments);
  connection.timeout_seconds_ = settings.timeout_seconds;
  return connection;
}

void Connection::Prepare(grpc::ClientContext* context) const {
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(timeout_seconds_));
}

}  // namespace jcm::client
