#include "services/node/listen_probe.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::services {

absl::Status ProbeListen(const std::string& host_port) {
  const size_t colon = host_port.rfind(':');
  if (colon == std::string::npos || colon == 0) return Error(Reason::CONFIG_INVALID, host_port);
  std::string host = host_port.substr(0, colon);
  const std::string port = host_port.substr(colon + 1);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return Error(Reason::CONFIG_INVALID, absl::StrCat("cannot listen on ", host_port, ": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  const int socket_fd = socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) return Error(Reason::CONFIG_INVALID, absl::StrCat(host_port, ": ", std::strerror(errno)));
  // As gRPC does: a port whose last connections are still winding down is free.
  const int on = 1;
  setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const bool bound = bind(socket_fd, addresses->ai_addr, addresses->ai_addrlen) == 0 && listen(socket_fd, 1) == 0;
  const int error = errno;
  close(socket_fd);
  if (bound) return absl::OkStatus();
  return Error(error == EADDRINUSE ? Reason::PORT_TAKEN : Reason::CONFIG_INVALID,
               absl::StrCat("cannot listen on ", host_port, ": ", std::strerror(error)));
}

}  // namespace jcm::services
