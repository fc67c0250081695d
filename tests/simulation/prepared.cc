#include "tests/simulation/prepared.h"

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace jcm::simulation {
namespace {

constexpr int kStartTriesMax = 10;
constexpr uint64_t kBegunMicros = 5'000'000;

struct Prepared {
  Prepared(int japan, int thailand)
      : world(1'000 + static_cast<uint64_t>(10 * japan + thailand)), story(world, "TH", "JPN", "THA") {
    const auto add = [this](const char* registry, const char* peer, int count) {
      if (count == 1) {
        world.Add(registry, {{"TH", peer}});
      } else {
        world.AddReplicas(registry, {{"TH", peer}}, count);
      }
    };
    add("JPN", "THA", japan);
    add("THA", "JPN", thailand);
    world.Start();
    story.SetUp("TH014", 2021);
    decided = story.DecideInMeeting("D-1", "TH014", 2021,
                                    {{v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "THA", kFirstOfCompany - 1},
                                     {v1::PARTY_KIND_PARTICIPANT, "THA", kIssuedTonnes - kFirstOfCompany + 1}});
    story.Must(story.Issue(world.node("THA"), decided, {{1, "government"}, {2, "company"}}), "issue");
    JCM_CHECK(world.RunUntil([this] { return story.InStep(); }));
    world.Stop();
  }

  World world;
  Story story;
  Decided decided;
};

const Prepared& PreparedWith(int japan, int thailand) {
  static auto& all = *new std::map<std::pair<int, int>, std::unique_ptr<Prepared>>();
  std::unique_ptr<Prepared>& prepared = all[{japan, thailand}];
  if (prepared == nullptr) prepared = std::make_unique<Prepared>(japan, thailand);
  return *prepared;
}

}  // namespace

Pair::Pair(uint64_t seed, int japan_replicas, int thailand_replicas)
    : world(seed, PreparedWith(japan_replicas, thailand_replicas).world),
      story(world, PreparedWith(japan_replicas, thailand_replicas).story),
      decided(PreparedWith(japan_replicas, thailand_replicas).decided),
      japan(world.Replicas("JPN")),
      thailand(world.Replicas("THA")) {
  for (Node* node : All()) JCM_CHECK(node->Restart().ok());
}

std::vector<Node*> Pair::All() {
  std::vector<Node*> all = japan;
  all.insert(all.end(), thailand.begin(), thailand.end());
  return all;
}

bool Pair::Healthy(Node& node) {
  return node.running() && node.core().failure().ok() && node.core().quarantine().empty();
}

bool Pair::AtRest() {
  std::map<std::string, uint64_t> sizes;
  for (bool thai : {false, true}) {
    const Node* first = nullptr;
    for (Node* node : Side(thai)) {
      if (!Healthy(*node)) continue;
      if (first == nullptr) first = node;
      if (!(node->core().applied() == const_cast<Node*>(first)->core().applied())) return false;
      for (const char* partnership : {"home", "TH"}) {
        const auto info = node->core().View()->Info({node->registry(), partnership});
        if (!info.ok() || info->checkpoint_size != info->size) return false;
        if (std::string(partnership) != "TH") continue;
        if (info->cosigned_size != info->size) return false;
        sizes[node->registry()] = info->size;
      }
    }
  }
  // Enough mirrors have the other book as it is.
  for (bool thai : {false, true}) {
    const std::string other = thai ? "JPN" : "THA";
    size_t whole = 0;
    for (Node* node : Side(thai)) {
      if (!Healthy(*node)) continue;
      const auto mirror = node->core().View()->Info({other, "TH"});
      if (mirror.ok() && mirror->executed_size == sizes[other]) ++whole;
    }
    if (whole < Side(thai).size() / 2 + 1) return false;
  }
  return true;
}

Node* Pair::Sequencer(bool thai) {
  if (Side(thai).size() == 1) return Side(thai)[0];
  const std::string& holder = world.shared_log(thai ? "THA" : "JPN").holder();
  for (Node* node : Side(thai)) {
    if (node->options().replica_name == holder) return node;
  }
  return nullptr;
}

Node* Pair::Follower(bool thai) {
  for (Node* node : Side(thai)) {
    if (node != Sequencer(thai) && Healthy(*node)) return node;
  }
  return nullptr;
}

std::string Pair::Describe() {
  std::string text;
  for (Node* node : All()) {
    absl::StrAppend(&text, "\n", node->address(), ":");
    if (!node->running()) {
      absl::StrAppend(&text, " down");
      continue;
    }
    const registry::RegistryStatus status = node->core().Status();
    absl::StrAppend(&text, " generation ", status.generation, " applied ", status.applied_index, " durable ",
                    status.durable_index, ", sequencer '", status.sequencer, "', clock ", status.clock_state,
                    status.caught_up ? "" : ", not caught up", " ", status.failure, " ", status.quarantine, " ",
                    status.log_error);
    for (const registry::OwnBookInfo& book : status.books) {
      absl::StrAppend(&text, "\n  ", book.info.book.ToString(), " ", book.state, " ", book.info.size, ", signed ",
                      book.info.checkpoint_size, ", cosigned ", book.info.cosigned_size);
    }
    for (const registry::PartnerInfo& partner : status.partners) {
      absl::StrAppend(&text, "\n  mirror of ", partner.registry, " ", partner.mirror_size, ", executed ",
                      partner.executed_size, ", cosigned ", partner.cosigned_size, " of ", partner.peer_checkpoint_size,
                      " ", partner.halt, " ", partner.last_error);
    }
    for (const registry::SiblingInfo& sibling : status.siblings) {
      if (!sibling.last_error.empty()) absl::StrAppend(&text, "\n  ", sibling.name, ": ", sibling.last_error);
    }
    for (const std::string& warning : status.warnings) absl::StrAppend(&text, "\n  ! ", warning);
  }
  return text;
}

absl::StatusOr<std::string> Pair::AgreeOnNewLog(Node& first, const std::vector<Node*>& others) {
  const uint64_t of_log = world.shared_log(first.registry()).memory().Generation().value_or(0);
  const uint64_t generation = std::max(first.core().applied().generation, of_log) + 1;
  JCM_ASSIGN_OR_RETURN(std::string agreement, first.core().AgreeGeneration("", generation));
  for (Node* other : others) {
    JCM_ASSIGN_OR_RETURN(agreement, other->core().AgreeGeneration(agreement, 0));
  }
  return agreement;
}

absl::Status Pair::BeginNewLog(Node& first, const std::string& agreement) {
  auto answer = std::make_shared<absl::optional<absl::Status>>();
  first.core().StartGeneration(
      agreement, {}, [answer](const absl::StatusOr<registry::GenerationProposal>& begun) { *answer = begun.status(); });
  if (!world.RunUntil([&] { return answer->has_value(); })) return absl::DeadlineExceededError("no answer");
  return **answer;
}

void Pair::StartLogAnew(bool thai) {
  const auto stands_still = [](Node* node) { return HasReason(node->core().failure(), Reason::LOG_DIVERGED); };
  Node* best = nullptr;
  for (Node* node : Side(thai)) {
    if (!node->core().quarantine().empty() || !stands_still(node)) continue;
    if (best == nullptr || node->core().applied().index > best->core().applied().index) best = node;
  }
  JCM_CHECK(best != nullptr);
  std::vector<Node*> others;
  for (Node* node : Side(thai)) {
    if (node != best && node->core().quarantine().empty() && stands_still(node)) others.push_back(node);
  }
  const absl::StatusOr<std::string> agreement = AgreeOnNewLog(*best, others);
  JCM_CHECK(agreement.ok());
  // What a lost message prevents is tried again, as people do; a start whose answer is lost has begun all the same.
  const auto begun = [&] { return HasReason(best->core().failure(), Reason::LOG_BEGUN_ANEW); };
  for (int tries = 0; tries < kStartTriesMax && !begun(); ++tries) {
    static_cast<void>(BeginNewLog(*best, *agreement));
    world.RunUntil(begun, kBegunMicros);
  }
  JCM_CHECK(begun());
  // What jcm-node does by itself.
  const auto everybody_goes_on = [&] {
    bool all = true;
    for (Node* node : Side(thai)) {
      const absl::Status failure = node->core().failure();
      all = all && (!node->core().quarantine().empty() || (failure.ok() && node->core().Status().caught_up));
      if (HasReason(failure, Reason::LOG_TRIMMED) && best->core().failure().ok()) {
        node->Kill(UINT32_MAX);  // the process alone: nothing is lost
        world.Replace(*node, *best);
        node->options().marked_restored = true;
        JCM_CHECK(node->Restart().ok());
      } else if (HasReason(failure, Reason::LOG_BEGUN_ANEW)) {
        node->Kill(UINT32_MAX);
        JCM_CHECK(node->Restart().ok());
      }
    }
    return all;
  };
  JCM_CHECK(world.RunUntil(everybody_goes_on));
}

}  // namespace jcm::simulation
