// What the rows of a migration are as acts in the ledger: one act for each account, event, member, dossier, project,
// lot, transfer, block, retirement and cancellation, in the order in which they can be recorded.
//
//   std::vector<PlannedAct> acts = PlanHome(migration, secret);              // accounts
//   ... record them, read the registry's names ...
//   JCM_ASSIGN_OR_RETURN(acts, PlanBooks(migration, secret, names, &problems));
//
// The same files, secret and names give the same acts, byte for byte.
#ifndef TOOLS_MIGRATION_ACTS_H_
#define TOOLS_MIGRATION_ACTS_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/command.pb.h"
#include "tools/client/particulars.h"
#include "tools/migration/pieces.h"
#include "tools/migration/problems.h"
#include "tools/migration/rows.h"
#include "tools/migration/secret.h"

namespace jcm::migration {

// One step after another: what a later one names was recorded by an earlier one.
enum class Phase { ACCOUNTS, ACCOUNT_STATES, PARTNERSHIP, DOSSIERS, LOTS, UNITS };

struct PlannedAct {
  Phase phase = Phase::ACCOUNTS;
  std::string partnership;  // or "home"
  v1::Command command;      // with its source
  // Rows that it takes over; the first one is that of its source.
  std::vector<std::pair<std::string, uint64_t>> rows;
  absl::optional<client::SealedParticulars> sealed;
};

// Names under which the registry knows accounts and persons: (partnership, number or id) -> handle.
struct Names {
  std::map<std::pair<std::string, std::string>, std::string> accounts;
  std::map<std::pair<std::string, std::string>, std::string> persons;
};

// How many acts there will be in all.
uint64_t CountActs(const Migration& migration);

absl::StatusOr<std::vector<PlannedAct>> PlanHome(const Migration& migration, const Secret& secret);

// A row whose account or person the registry does not know is a problem (ACCOUNT_UNKNOWN, OBJECT_UNKNOWN) and left out.
std::vector<PlannedAct> PlanBooks(const Migration& migration, const Secret& secret, const Names& names,
                                  Problems* problems);

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_ACTS_H_
