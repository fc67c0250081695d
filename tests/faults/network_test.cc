#include "tests/faults/network.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm::faults {
namespace {

constexpr uint16_t kPort = 7;
constexpr int kHearMs = 400;

// A datagram socket on a machine; made by a thread that goes there and does not come back.
int SocketOn(const Network& network, const std::string& machine) {
  int handle = -1;
  std::thread([&] {
    JCM_CHECK(setns(network.Of(machine).network_namespace, CLONE_NEWNET) == 0);
    handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(kPort);
    JCM_CHECK(inet_pton(AF_INET, network.Address(machine).c_str(), &name.sin_addr) == 1);
    JCM_CHECK(bind(handle, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0);
  }).join();
  return handle;
}

// Whether `to` hears what is said to it from `from`.
bool Hears(const Network& network, int to_socket, const std::string& to, int from_socket) {
  char byte = 0;
  while (recv(to_socket, &byte, 1, MSG_DONTWAIT) > 0) continue;
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(kPort);
  JCM_CHECK(inet_pton(AF_INET, network.Address(to).c_str(), &name.sin_addr) == 1);
  sendto(from_socket, "x", 1, 0, reinterpret_cast<sockaddr*>(&name), sizeof(name));
  pollfd wait{to_socket, POLLIN, 0};
  return poll(&wait, 1, kHearMs) == 1;
}

TEST(Network, CutsAndHealsInEachDirection) {
  Network network;
  network.AddMachine("a");
  network.AddMachine("b");
  const int a = SocketOn(network, "a");
  const int b = SocketOn(network, "b");
  EXPECT_TRUE(Hears(network, b, "b", a));
  EXPECT_TRUE(Hears(network, a, "a", b));
  network.CutOneWay("a", "b");
  EXPECT_FALSE(Hears(network, b, "b", a));
  EXPECT_TRUE(Hears(network, a, "a", b));
  network.Cut("a", "b");
  EXPECT_FALSE(Hears(network, b, "b", a));
  EXPECT_FALSE(Hears(network, a, "a", b));
  network.Heal();
  EXPECT_TRUE(Hears(network, b, "b", a));
  EXPECT_TRUE(Hears(network, a, "a", b));
  network.PullPlug("a");
  EXPECT_FALSE(Hears(network, b, "b", a));
  EXPECT_FALSE(Hears(network, a, "a", b));
  network.Heal();
  EXPECT_TRUE(Hears(network, b, "b", a));
  close(a);
  close(b);
}

}  // namespace
}  // namespace jcm::faults
