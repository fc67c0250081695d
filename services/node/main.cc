// jcm-node: runs the registries of one configuration file until SIGTERM or SIGINT.
//
//   jcm-node --config /etc/jcm/jpn.textproto [--check]
//
// Exit codes: 0 stopped in good order, or --check found nothing wrong; 1 could not start; 2 wrong usage or
// configuration.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "services/node/config.h"
#include "services/node/log_line.h"
#include "services/node/registry_node.h"

namespace jcm::services {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr time_t kLookAtNodesSeconds = 1;
// A registry is started anew so often, then it waits for a person. Tries are forgotten when one has lasted.
constexpr int kStartAnewTriesMax = 60;
constexpr std::chrono::seconds kTriesForgottenAfter(60);
// So much a registry wants free before it tries its disks again: its memtables and what replaces its newest tables.
constexpr uint64_t kRoomBytes = 64u << 20;

struct Arguments {
  std::string config;
  bool check = false;
};

bool ParseArguments(int argc, char** argv, Arguments* arguments) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
      arguments->config = argv[++i];
    } else if (std::strcmp(argv[i], "--check") == 0) {
      arguments->check = true;
    } else {
      return false;
    }
  }
  return !arguments->config.empty();
}

// In each folder that it writes to: they may be on several disks.
bool HasRoom(const node::v1::RegistryConfig& config) {
  for (const std::string& folder : {config.data_dir(), config.signer_record(), config.vault_dir()}) {
    std::error_code error;
    const std::filesystem::space_info space = std::filesystem::space(folder, error);
    if (error || space.available < kRoomBytes) return false;
  }
  return true;
}

// Threads started later inherit the mask, so that the signals come to sigwait alone.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// For a registry whose start was refused; what is wrong with the machine's configuration counts as wrong usage.
int ExitCodeOf(const absl::Status& status) {
  for (const Reason reason : {Reason::CONFIG_INVALID, Reason::KEY_FILE_INVALID, Reason::SIMULATED_CLOCK_REFUSED}) {
    if (HasReason(status, reason)) return kExitUsage;
  }
  return kExitFailed;
}

// What a registry that has stopped may be started anew for, without a person.
bool MayStartAnew(const absl::Status& failure, const RegistrySettings& registry) {
  if (HasReason(failure, Reason::LOG_TRIMMED) || HasReason(failure, Reason::LOG_BEGUN_ANEW)) return true;
  // A disk that was full; what else may be wrong with it shows when the store is opened.
  return HasReason(failure, Reason::STORE_FAILED) && HasRoom(registry.config);
}

// A registry of this process, which may be down for a while between two runs.
struct Registry {
  const RegistrySettings* settings;
  std::unique_ptr<RegistryNode> node;
  absl::Status stopped_for;  // why it is down
  int tries = 0;             // starts anew, until one of them lasts
  std::chrono::steady_clock::time_point started;
};

// Stops what can't go on by itself and starts it anew: with a sibling's snapshot, where the log has gone on without
// this replica. OK also while that is to be tried again, and when a registry that has stopped waits for a person.
absl::Status LookAfter(Registry& registry, const node::v1::NodeConfig& process) {
  const std::string& name = registry.settings->config.registry();
  if (registry.node != nullptr) {
    registry.node->ShowHealth();
    const absl::Status failure = registry.node->Failure();
    const auto lasted = std::chrono::steady_clock::now() - registry.started;
    if (failure.ok() && lasted >= kTriesForgottenAfter) registry.tries = 0;
    if (registry.tries >= kStartAnewTriesMax || !MayStartAnew(failure, *registry.settings)) return absl::OkStatus();
    LogLine(
        Severity::kInfo, name,
        absl::StrCat("starting anew (", registry.tries + 1, " of ", kStartAnewTriesMax, ") after ", ToText(failure)));
    registry.stopped_for = failure;
    registry.node->Stop();
    registry.node.reset();
  }
  ++registry.tries;
  absl::Status status;
  if (HasReason(registry.stopped_for, Reason::LOG_TRIMMED)) status = RegistryNode::Join(*registry.settings);
  if (status.ok()) {
    absl::StatusOr<std::unique_ptr<RegistryNode>> node = RegistryNode::Start(*registry.settings, process);
    if (node.ok()) {
      registry.node = *std::move(node);
      registry.started = std::chrono::steady_clock::now();
      return absl::OkStatus();
    }
    status = node.status();
  }
  LogLine(Severity::kError, name, ToText(status));
  // Siblings may be starting anew too, a disk may fill up again: that passes.
  const bool passes = status.code() == absl::StatusCode::kUnavailable;
  return passes && registry.tries < kStartAnewTriesMax ? absl::OkStatus() : status;
}

int Run(const Arguments& arguments) {
  const absl::StatusOr<NodeSettings> settings = LoadConfig(arguments.config);
  if (!settings.ok()) {
    LogLine(Severity::kError, "", ToText(settings.status()));
    return kExitUsage;
  }
  if (arguments.check) {
    LogLine(Severity::kInfo, "", absl::StrCat(arguments.config, ": nothing wrong"));
    return kExitOk;
  }
  const sigset_t signals = BlockStopSignals();
  std::vector<Registry> registries;
  for (const RegistrySettings& registry : settings->registries) {
    absl::StatusOr<std::unique_ptr<RegistryNode>> node = RegistryNode::Start(registry, settings->config);
    if (!node.ok()) {
      LogLine(Severity::kError, registry.config.registry(), ToText(node.status()));
      return ExitCodeOf(node.status());
    }
    registries.push_back({&registry, *std::move(node), absl::OkStatus(), 0, std::chrono::steady_clock::now()});
  }
  int signal_number = 0;
  while (signal_number == 0) {
    const timespec wait{kLookAtNodesSeconds, 0};
    signal_number = std::max(sigtimedwait(&signals, nullptr, &wait), 0);
    for (Registry& registry : registries) {
      if (signal_number != 0) break;
      const absl::Status status = LookAfter(registry, settings->config);
      if (!status.ok()) return ExitCodeOf(status);
    }
  }
  LogLine(Severity::kInfo, "", absl::StrCat("stopping: ", strsignal(signal_number)));
  for (const Registry& registry : registries) {
    if (registry.node != nullptr) registry.node->Stop();
  }
  return kExitOk;
}

}  // namespace
}  // namespace jcm::services

int main(int argc, char** argv) {
  jcm::services::Arguments arguments;
  if (!jcm::services::ParseArguments(argc, argv, &arguments)) {
    std::fprintf(stderr, "usage: jcm-node --config FILE [--check]\n");
    return jcm::services::kExitUsage;
  }
  return jcm::services::Run(arguments);
}
