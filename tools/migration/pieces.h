// Blocks as the ledger keeps them: cut where the share that they were issued from changes, and where a disposal
// restriction begins or ends.
#ifndef TOOLS_MIGRATION_PIECES_H_
#define TOOLS_MIGRATION_PIECES_H_

#include <string>
#include <vector>

#include "tools/migration/problems.h"
#include "tools/migration/rows.h"

namespace jcm::migration {

struct Piece {
  const BlockRow* block = nullptr;
  RangeOfLot range;
  v1::PartyKind party = v1::PARTY_KIND_UNSPECIFIED;
  std::string issuing_registry;
  std::string restriction;
};

// In the order of the blocks. Serials that no allotment covers are left out: CheckPieces tells them. The pieces point
// into `migration`.
std::vector<Piece> CutIntoPieces(const Migration& migration);

// OBJECT_UNKNOWN for blocks that no allotment covers, UNITS_NOT_HELD for restrictions on what no block holds,
// RANGES_OVERLAP for restrictions on the same serials.
void CheckPieces(const Migration& migration, Problems* problems);

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_PIECES_H_
