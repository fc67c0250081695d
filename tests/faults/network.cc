#include "tests/faults/network.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::faults {
namespace {

constexpr char kBridge[] = "jcm0";
constexpr char kNet[] = "10.77.0.";
constexpr int kOwnNumber = 254;
constexpr size_t kMachinesMax = 200;
// A card that nobody has. A neighbour entry that names it makes packets vanish without an error for whoever sends them;
// that needs no packet filter in the kernel, and works in one direction alone.
constexpr char kNobody[] = "02:4a:43:4d:ff:ff";

[[noreturn]] void Unavailable(const std::string& what) {
  std::fprintf(
      stderr,
      "FAILED: network namespaces are not available: %s.\n"
      "This test needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN), a kernel with network namespaces, bridges and veth, "
      "and Debian's iproute2. Where that can't be had, leave it out by name: bazel test -- //... "
      "-//tests/faults:partition_test\n",
      what.c_str());
  std::exit(1);
}

void Ip(const std::string& arguments) {
  const std::string command = absl::StrCat("ip ", arguments);
  if (std::system(command.c_str()) != 0) Unavailable(absl::StrCat("'", command, "' failed"));
}

}  // namespace

Network::Network() {
  // A mount namespace too, so that the names which `ip netns` keeps under /run/netns are this process' own.
  if (unshare(CLONE_NEWNS | CLONE_NEWNET) != 0) Unavailable("unshare is not permitted");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) Unavailable("mounts can't be made private");
  if (std::system("mkdir -p /run/netns") != 0 || mount("tmpfs", "/run/netns", "tmpfs", 0, nullptr) != 0) {
    Unavailable("/run/netns can't be covered");
  }
  Ip("link set lo up");
  Ip(absl::StrCat("link add ", kBridge, " type bridge"));
  Ip(absl::StrCat("addr add ", kNet, kOwnNumber, "/24 dev ", kBridge));
  Ip(absl::StrCat("link set ", kBridge, " up"));
}

Network::~Network() {
  for (auto& entry : hosts_) close(entry.second.descriptor);
}

void Network::AddMachine(const std::string& name) {
  JCM_CHECK(hosts_.count(name) == 0 && hosts_.size() < kMachinesMax);
  const size_t number = hosts_.size() + 1;
  Host host;
  host.space = absl::StrCat("machine", number);
  host.cable = absl::StrCat("cable", number);
  host.address = absl::StrCat(kNet, number);
  Ip(absl::StrCat("netns add ", host.space));
  Ip(absl::StrCat("link add ", host.cable, " type veth peer name eth0 netns ", host.space));
  Ip(absl::StrCat("link set ", host.cable, " master ", kBridge, " up"));
  Ip(absl::StrCat("-n ", host.space, " link set lo up"));
  Ip(absl::StrCat("-n ", host.space, " addr add ", host.address, "/24 dev eth0"));
  Ip(absl::StrCat("-n ", host.space, " link set eth0 up"));
  host.descriptor = open(absl::StrCat("/run/netns/", host.space).c_str(), O_RDONLY | O_CLOEXEC);
  if (host.descriptor < 0) Unavailable("a namespace can't be opened");
  hosts_[name] = std::move(host);
}

Machine Network::Of(const std::string& name) const { return {hosts_.at(name).descriptor}; }

const std::string& Network::Address(const std::string& name) const { return hosts_.at(name).address; }

void Network::Cut(const std::string& a, const std::string& b) {
  CutOneWay(a, b);
  CutOneWay(b, a);
}

void Network::CutOneWay(const std::string& from, const std::string& to) {
  const Host& host = hosts_.at(from);
  if (std::find(cuts_.begin(), cuts_.end(), std::make_pair(host.space, Address(to))) != cuts_.end()) return;
  Ip(absl::StrCat("-n ", host.space, " neigh replace ", Address(to), " lladdr ", kNobody, " dev eth0 nud permanent"));
  cuts_.emplace_back(host.space, Address(to));
}

void Network::PullPlug(const std::string& name) {
  Ip(absl::StrCat("link set ", hosts_.at(name).cable, " down"));
  unplugged_.push_back(hosts_.at(name).cable);
}

void Network::Heal() {
  for (const auto& [space, address] : cuts_) Ip(absl::StrCat("-n ", space, " neigh del ", address, " dev eth0"));
  for (const std::string& cable : unplugged_) Ip(absl::StrCat("link set ", cable, " up"));
  cuts_.clear();
  unplugged_.clear();
}

}  // namespace jcm::faults
