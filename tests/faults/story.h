// A partnership of two real nodes: its acts as commands, and what must be true of both books afterwards.
//
//   Story story(site, desk);
//   story.SetUp();                                            // partnership, accounts, decision in a meeting, issuance
//   story.Transfer("JPN", "T-1", "government", "company", 1, 10);
//   story.InitTransfer("X-1", 100'001, 100'010); story.AcceptTransfer("X-1");    // Thailand to Japan
//   EXPECT_TRUE(story.InStep());
//
// Lot TH014-2021-1 has 200,000 t: serials 1..100000 are issued by JPN to its government, the others by THA to a
// company. Every act goes through the desk, so it survives restarts. Thread-safe after SetUp.
#ifndef TESTS_FAULTS_STORY_H_
#define TESTS_FAULTS_STORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "jcm/registry/v1/ledger_service.pb.h"
#include "jcm/registry/v1/read_services.pb.h"
#include "tests/faults/desk.h"
#include "tests/faults/site.h"

namespace jcm::faults {

inline constexpr char kLot[] = "TH014-2021-1";
inline constexpr uint64_t kIssuedPerSide = 100'000;
inline constexpr char kProjectTitleJa[] = "工業用水貯水池における太陽光発電";

class Story {
 public:
  Story(Site& site, Desk& desk) : site_(site), desk_(desk) {}

  void SetUp();

  // `holder`: sealed with the account if it is not null; `number` empty: made from registry and name.
  void OpenAccount(const std::string& registry, const std::string& name, v1::AccountClass account_class,
                   const std::vector<std::string>& representatives, const std::string& number = "",
                   const nlohmann::ordered_json& holder = nullptr, api::WaitFor wait_for = api::WAIT_FOR_COMMITTED);
  void Transfer(const std::string& registry, const std::string& id, const std::string& from, const std::string& to,
                uint64_t first, uint64_t last, api::WaitFor wait_for = api::WAIT_FOR_COMMITTED);
  void Retire(const std::string& registry, const std::string& id, const std::string& from, uint64_t first,
              uint64_t last, api::WaitFor wait_for = api::WAIT_FOR_COMMITTED, const std::string& beneficiary = "");
  void Cancel(const std::string& registry, const std::string& id, const std::string& from, uint64_t first,
              uint64_t last, api::WaitFor wait_for = api::WAIT_FOR_COMMITTED);
  // The same, signed and not sent.
  Act CancelAct(const std::string& registry, const std::string& id, const std::string& from, uint64_t first,
                uint64_t last);
  void InitTransfer(const std::string& id, uint64_t first, uint64_t last);
  void AcceptTransfer(const std::string& id);

  // Both books are signed and cosigned to their ends, and each mirror has the same tree.
  bool InStep();
  // The same as two lines of text, for a failure.
  std::string Sizes();

  // Everything about one side, through its API.
  std::map<v1::BlockState, uint64_t> TonnesByState(const std::string& registry);
  // As TonnesByState, asked of one node and at one instant: what the node shows of serials that are cancelled. False if
  // it does not answer in time. It must have `at_least` entries of the partnership's book before it answers.
  bool TryRead(const std::string& node, uint64_t at_least);
  // What the history says is wrong with the registry's books and what was shown of them; empty: nothing.
  std::string CheckHistory(const std::string& registry);
  std::vector<api::Entry> Entries(const std::string& registry, const std::string& partnership);
  std::vector<std::string> TransferIds(const std::string& registry);
  std::vector<std::string> RetirementIds(const std::string& registry);
  std::vector<std::string> CancellationIds(const std::string& registry);
  std::vector<api::Account> Accounts(const std::string& registry);
  std::vector<v1::PersonRecord> Persons(const std::string& registry);
  // Holder, state and size of one's own book in the node's status.
  api::BookStatus BookOf(const std::string& registry, const std::string& partnership);

 private:
  void SetUpSide(const std::string& registry);
  void Decide();
  void Do(const std::string& registry, const std::vector<std::string>& signers, const v1::Command& command,
          api::WaitFor wait_for = api::WAIT_FOR_COMMITTED);
  void DoWhenPossible(const std::string& registry, const std::vector<std::string>& signers, const v1::Command& command);
  std::string SignerOf(const std::string& account) const;

  Site& site_;
  Desk& desk_;
  std::map<std::pair<std::string, std::string>, std::string> handles_;  // (registry, account)
};

}  // namespace jcm::faults

#endif  // TESTS_FAULTS_STORY_H_
