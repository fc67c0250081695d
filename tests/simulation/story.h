// Real cases of the JCM as commands, for simulations: two governments that open their partnership, decide, issue,
// transfer and retire. Each function submits to the right node, waits for what the other side must have imported, and
// returns what happened.
//
//   Story story(world, "TH", "JPN", "THA");
//   story.OpenPartnership();
//   story.DecideInMeeting(IssuanceOf("TH-JC7-TH014", "TH014", 2021, {{JP government, "THA", 1009}, {participants,
//   "THA", 1008}}));
#ifndef TESTS_SIMULATION_STORY_H_
#define TESTS_SIMULATION_STORY_H_

#include <string>
#include <vector>

#include "jcm/ledger/v1/command.pb.h"
#include "tests/simulation/world.h"

namespace jcm::simulation {

// One row of an allocation: serials follow each other in the order of the rows.
struct Row {
  v1::PartyKind party;
  std::string issuing_registry;
  uint64_t tonnes;
};

struct Decided {
  std::string decision_id;
  std::string project_id;
  std::string lot_id;
  std::string text;  // serialised DecisionText
  std::string text_digest;
};

class Story {
 public:
  // `owner` opens decisions; `partnership` is the partner's code, one of the two registries is JPN.
  Story(World& world, std::string partnership, std::string owner, std::string peer);
  // The same story, going on in a copy of its world.
  Story(World& world, const Story& other);

  // Partnership, rulebook, members, project and accounts on both sides. Checks that each act is accepted.
  void SetUp(const std::string& project_id, int vintage);

  Decided Text(const std::string& decision_id, const std::string& project_id, int vintage,
               const std::vector<Row>& rows);
  // A meeting decision from opening to the other side's confirmation, imported by both.
  Decided DecideInMeeting(const std::string& decision_id, const std::string& project_id, int vintage,
                          const std::vector<Row>& rows);
  void OpenMeeting(const Decided& decided);
  absl::Status OpenElectronic(const Decided& decided);
  absl::Status Distribute(const Decided& decided);
  absl::Status Amend(const Decided& decided);
  absl::Status Withdraw(const Decided& decided);
  absl::Status TryVote(Node& node, const Decided& decided, const std::string& member, v1::Vote vote);
  absl::Status TryConfirm(const Decided& decided, v1::DecisionOutcome outcome);
  absl::Status Dispute(const Decided& decided);
  void Vote(Node& node, const Decided& decided, const std::string& member, v1::Vote vote);
  void Confirm(const Decided& decided);

  absl::Status Issue(Node& node, const Decided& decided, const std::vector<std::pair<uint32_t, std::string>>& targets);
  absl::Status Authorize(const std::string& authorization_id, const std::string& project_id, uint64_t quantity,
                         int vintage);
  absl::Status FirstTransfer(const std::string& id, const std::string& authorization_id, const v1::UnitRange& range);
  absl::Status Transfer(Node& node, const std::string& id, const std::string& signer, const std::string& from,
                        const std::string& to, const v1::UnitRange& range);
  absl::Status Retire(Node& node, const std::string& id, const std::string& signer, const std::string& from,
                      const v1::UnitRange& range, registry::WaitFor wait_for = registry::WaitFor::kCommitted);
  absl::Status Cancel(Node& node, const std::string& id, const std::string& signer, const std::string& from,
                      const v1::UnitRange& range);
  // The same act, signed, for whoever hands it in.
  std::string CancelBundle(Node& node, const std::string& id, const std::string& signer, const std::string& from,
                           const v1::UnitRange& range);
  absl::Status InitTransfer(Node& sender, const std::string& id, const std::string& from,
                            const std::string& authorization_id, const v1::UnitRange& range);
  absl::Status AcceptTransfer(Node& receiver, const std::string& id, const std::string& to);

  // Handle of an account on that side: "government", "company", "rival", "retirement", "cancellation", "suspense".
  std::string Account(const Node& node, const std::string& name) const;
  Node& owner() { return world_.node(owner_); }
  Node& peer() { return world_.node(peer_); }
  Node& host() { return owner_ == "JPN" ? peer() : owner(); }
  World& world() { return world_; }
  const std::string& partnership() const { return partnership_; }

  // Tonnes on one side in blocks of that state.
  uint64_t TonnesIn(Node& node, v1::BlockState state);
  // Both books and both mirrors agree: sizes, roots, imports, cosignatures.
  bool InStep();
  // Checks one accepted act; prints what refused it otherwise.
  void Must(absl::Status status, const char* what);

  static v1::Command Native();

 private:
  void SetUpSide(Node& node, Node& other, const std::string& project_id, int vintage);
  void OpenAccount(Node& node, const std::string& name, v1::AccountClass account_class,
                   const std::vector<std::string>& representatives);
  absl::Status Do(Node& node, const std::vector<std::string>& signers, const v1::Command& command,
                  registry::WaitFor wait_for = registry::WaitFor::kCommitted);
  absl::Status DoHome(Node& node, const v1::Command& command);
  v1::Command CancelCommand(Node& node, const std::string& id, const std::string& from, const v1::UnitRange& range);

  World& world_;
  const std::string partnership_;
  const std::string owner_;
  const std::string peer_;
  std::map<std::pair<std::string, std::string>, std::string> handles_;  // (registry, name)
};

// A node of one replica takes a partner's file, and answers at once.
absl::StatusOr<std::string> ImportFile(Node& node, const std::string& file);

// A world in which Japan and Thailand have opened their partnership and TH014 is registered.
struct Bilateral {
  explicit Bilateral(uint64_t seed = 1)
      : world(seed),
        japan(world.Add("JPN", {{"TH", "THA"}})),
        thailand(world.Add("THA", {{"TH", "JPN"}})),
        story(world, "TH", "JPN", "THA") {
    world.Start();
    story.SetUp("TH014", 2021);
  }

  // Decides 2,017 t, of which 1,009 for the Government of Japan, all issued in Thailand, and issues them there.
  Decided HostFirst() {
    Decided decided = story.DecideInMeeting(
        "TH-JC7-TH014", "TH014", 2021,
        {{v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "THA", 1009}, {v1::PARTY_KIND_PARTICIPANT, "THA", 1008}});
    story.Must(story.Issue(thailand, decided, {{1, "government"}, {2, "company"}}), "issue");
    return decided;
  }

  // Decides 750 t in parallel: 433 for the Government of Japan in Japan, 317 in Thailand.
  Decided Parallel() {
    Decided decided = story.DecideInMeeting(
        "TH-JC8", "TH014", 2021,
        {{v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "JPN", 433}, {v1::PARTY_KIND_PARTICIPANT, "THA", 317}});
    story.Must(story.Issue(japan, decided, {{1, "government"}}), "issue in Japan");
    story.Must(story.Issue(thailand, decided, {{2, "company"}}), "issue in Thailand");
    return decided;
  }

  World world;
  Node& japan;
  Node& thailand;
  Story story;
};

v1::UnitRange Range(const std::string& lot_id, uint64_t first, uint64_t last);

}  // namespace jcm::simulation

#endif  // TESTS_SIMULATION_STORY_H_
