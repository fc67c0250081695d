// The files of a migration, column by column: the one place from which the reader, the documentation and `jcmctl
// migration format` take them.
//
//   for (const FileSpec& file : Format()) for (const ColumnSpec& column : file.columns) ...
//
// Every file but sources.csv ends with the columns `source` and `source_row`: which document of sources.csv says so,
// and where in it.
#ifndef TOOLS_MIGRATION_FORMAT_H_
#define TOOLS_MIGRATION_FORMAT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace jcm::migration {

struct ColumnSpec {
  const char* name;
  bool required;        // in every row; a column that no row needs may be left out of the file
  const char* form;     // what is written in it, with its unit
  const char* meaning;  // in English
};

struct FileSpec {
  const char* name;  // "blocks.csv"
  const char* meaning;
  std::vector<ColumnSpec> columns;

  const ColumnSpec* Find(absl::string_view column) const;
};

// In the order in which they are read and taken over.
const std::vector<FileSpec>& Format();
const FileSpec& FormatOf(absl::string_view file);

// The whole as Markdown, as it stands in FORMAT.md.
std::string FormatAsMarkdown();

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_FORMAT_H_
