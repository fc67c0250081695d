// Whether three accounts of the same units agree to the tonne: the balances that the earlier registry stated, what its
// blocks of serials add up to, and what its history gives (issued, transferred, retired, cancelled).
//
//   Reconciliation reconciliation = Reconcile(migration);
//   if (reconciliation.differs()) ...
//
// Per account, project, vintage and class of account, each within its partnership; and serial by serial, where history
// and blocks have a unit in different places although every sum agrees.
#ifndef TOOLS_MIGRATION_RECONCILIATION_H_
#define TOOLS_MIGRATION_RECONCILIATION_H_

#include <string>
#include <vector>

#include "ledger/base/types.h"
#include "tools/migration/history.h"
#include "tools/migration/rows.h"

namespace jcm::migration {

enum class Dimension { TOTAL, ACCOUNT, PROJECT, VINTAGE, ACCOUNT_CLASS };
const char* NameOf(Dimension dimension);

struct ReconciledRow {
  Dimension dimension = Dimension::TOTAL;
  std::string partnership;
  std::string key;  // account number, project, year, class
  Tonnes stated = 0;
  Tonnes blocks = 0;
  Tonnes history = 0;

  bool differs() const { return stated != blocks || blocks != history; }
};

struct SerialDifference {
  std::string partnership;
  RangeOfLot range;
  std::string blocks_say;  // account; empty: nowhere
  std::string history_says;
};

struct Reconciliation {
  std::vector<ReconciledRow> rows;  // by dimension, partnership, key
  std::vector<SerialDifference> serials;
  std::vector<Contradiction> contradictions;

  bool differs() const;
};

Reconciliation Reconcile(const Migration& migration);

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_RECONCILIATION_H_
