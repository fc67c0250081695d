// Reads the folder of a migration: every file of format.h that is there, every row of it.
//
//   Problems problems;
//   Migration migration = ReadFolder(files, "extract-2026-03-01", &problems);
//
// Only rows without a problem are in the result. Whether rows fit together, checks.h says.
#ifndef TOOLS_MIGRATION_FOLDER_H_
#define TOOLS_MIGRATION_FOLDER_H_

#include <string>

#include "ledger/base/file_system.h"
#include "tools/migration/problems.h"
#include "tools/migration/rows.h"

namespace jcm::migration {

// A file that is not part of the format but looks like one ("blocks.CSV", "balance.csv") is a problem too: it would
// otherwise be left out without a word. sources.csv and partnerships.csv must be there.
Migration ReadFolder(FileSystem& files, const std::string& folder, Problems* problems);

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_FOLDER_H_
