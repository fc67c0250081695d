// Whether the rows of a migration fit together: every name that a row uses is there, each object is there once, ranges
// lie in their lots and don't overlap, days are in order, states are states of the project cycle. No node is asked;
// what only the ledger knows (accounts, persons, rulebooks that exist already) it says itself when the rows are taken
// over.
#ifndef TOOLS_MIGRATION_CHECKS_H_
#define TOOLS_MIGRATION_CHECKS_H_

#include "tools/migration/problems.h"
#include "tools/migration/rows.h"

namespace jcm::migration {

// What one part of an opening statement can hold (ledger/rules/migration.cc).
inline constexpr size_t kBlocksPerEndMax = 200;
inline constexpr size_t kRangesPerTransferMax = 100;

// Adds a problem for each row that does not fit.
void CheckRows(const Migration& migration, Problems* problems);

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_CHECKS_H_
