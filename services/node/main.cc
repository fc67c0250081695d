// jcm-node: runs the registries of one configuration file until SIGTERM or SIGINT.
//
//   jcm-node --config /etc/jcm/jpn.textproto [--check]
//
// Exit codes: 0 stopped in good order, or --check found nothing wrong; 1 could not start; 2 wrong usage or
// configuration.
#include <csignal>
#include <cstdio>
#include <cstring>
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

// The log has gone on without this replica: it comes back with a sibling's snapshot.
absl::Status Rejoin(const RegistrySettings& registry, const node::v1::NodeConfig& process,
                    std::unique_ptr<RegistryNode>* node) {
  LogLine(Severity::kInfo, registry.config.registry(), ToText((*node)->Failure()));
  (*node)->Stop();
  node->reset();
  JCM_RETURN_IF_ERROR(RegistryNode::Join(registry));
  JCM_ASSIGN_OR_RETURN(*node, RegistryNode::Start(registry, process));
  return absl::OkStatus();
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
  std::vector<std::unique_ptr<RegistryNode>> nodes;
  for (const RegistrySettings& registry : settings->registries) {
    absl::StatusOr<std::unique_ptr<RegistryNode>> node = RegistryNode::Start(registry, settings->config);
    if (!node.ok()) {
      LogLine(Severity::kError, registry.config.registry(), ToText(node.status()));
      return ExitCodeOf(node.status());
    }
    nodes.push_back(*std::move(node));
  }
  int signal_number = 0;
  while (signal_number == 0) {
    const timespec wait{kLookAtNodesSeconds, 0};
    signal_number = std::max(sigtimedwait(&signals, nullptr, &wait), 0);
    for (size_t i = 0; i < nodes.size() && signal_number == 0; ++i) {
      if (!HasReason(nodes[i]->Failure(), Reason::LOG_TRIMMED)) continue;
      const absl::Status joined = Rejoin(settings->registries[i], settings->config, &nodes[i]);
      if (joined.ok()) continue;
      LogLine(Severity::kError, settings->registries[i].config.registry(), ToText(joined));
      return ExitCodeOf(joined);
    }
  }
  LogLine(Severity::kInfo, "", absl::StrCat("stopping: ", strsignal(signal_number)));
  for (const std::unique_ptr<RegistryNode>& node : nodes) node->Stop();
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
