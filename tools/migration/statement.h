// The opening statement: what the registry manager and a second person stand by when they have taken an earlier
// registry over. One bundle for all books of the migration, all or nothing; it goes from hand to hand as a file, like
// every act that two persons sign, and each signs the same bytes.
//
//   std::vector<StatementTotals> totals = TotalsOf(migration);
//   JCM_ASSIGN_OR_RETURN(v1::SignedBundle bundle, BeginStatement(migration, "JPN", {key}, random));
//   JCM_RETURN_IF_ERROR(AddSignature(migration, {key2}, &bundle));   // the second person, from his own copy of the
//   files
//
// The ledger compares the sums with what it has taken over and refuses what differs (STATEMENT_DIFFERS); after it
// nothing migrated is recorded in those books any more.
#ifndef TOOLS_MIGRATION_STATEMENT_H_
#define TOOLS_MIGRATION_STATEMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "ledger/base/keys.h"
#include "ledger/base/random.h"
#include "tools/migration/rows.h"

namespace jcm::migration {

struct StatementTotals {
  std::string partnership;
  std::string statement_id;
  Date as_of;
  uint64_t lots = 0;
  uint64_t blocks = 0;
  Tonnes held = 0;
  Tonnes restricted = 0;  // of what is held
  Tonnes retired = 0;
  Tonnes cancelled = 0;
  uint64_t transfers = 0;
};

// In the order of partnerships.csv.
std::vector<StatementTotals> TotalsOf(const Migration& migration);

// The acts of a statement, one per book, in the same order. A book without units is stated too: with that it is closed.
std::vector<std::pair<std::string, v1::Command>> StatementActs(const Migration& migration);

// A bundle with the statement of every book; signed by each key. FIELD_REQUIRED if there are none.
absl::StatusOr<v1::SignedBundle> BeginStatement(const Migration& migration, const std::string& registry,
                                                absl::Span<const PrivateKey> signers, Random& random);
// Another person's signature over the same bytes. STATEMENT_DIFFERS if the bundle does not say what these files say;
// ALREADY_EXISTS if the key has signed. Whether earlier signatures hold, the node judges.
absl::Status AddSignature(const Migration& migration, absl::Span<const PrivateKey> signers, v1::SignedBundle* bundle);
// The acts in a bundle that is a statement and nothing else. MESSAGE_MALFORMED otherwise.
absl::StatusOr<std::vector<std::pair<std::string, v1::Command>>> ReadStatement(const v1::SignedBundle& bundle);

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_STATEMENT_H_
