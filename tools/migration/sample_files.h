// A small migration for tests: every file of the format, made so that all sums agree.
//
//   MigrationFiles files;
//   files.Replace("blocks.csv", "50061,50085,JP-CO", "50061,50084,JP-CO");
//   for (const auto& [name, text] : files.files) ...
//
// Of TH: project TH014 and the dossiers of a project, a methodology and an entity; one lot of 100 t numbered
// 50001..50100, issued to the government (60) and a company (40); one transfer, one retirement (10), one cancellation
// (5), one disposal restriction (5).
#ifndef TOOLS_MIGRATION_SAMPLE_FILES_H_
#define TOOLS_MIGRATION_SAMPLE_FILES_H_

#include <map>
#include <string>

namespace jcm::migration {

struct MigrationFiles {
  // `more_lots`: lots of 1,000 t on top, each of one block of the government, for runs that take a while.
  explicit MigrationFiles(int more_lots = 0, const std::string& rulebook = "TH/C1");

  // The text must be there.
  void Replace(const std::string& file, const std::string& text, const std::string& by);
  void Append(const std::string& file, const std::string& line);

  std::map<std::string, std::string> files;
};

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_SAMPLE_FILES_H_
