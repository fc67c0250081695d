// What is wrong with the files of a migration: every row of it, with file, row, column and a reason of the catalogue.
//
//   Problems problems;
//   problems.Add("blocks.csv", 17, "last", Reason::RANGE_INVALID, "first is larger than last");
//   if (problems.any()) for (const Problem& problem : problems.list()) ...
#ifndef TOOLS_MIGRATION_PROBLEMS_H_
#define TOOLS_MIGRATION_PROBLEMS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "ledger/base/status.h"

namespace jcm::migration {

// Beyond so many, problems are only counted: the file is then not what it is said to be.
inline constexpr size_t kProblemsMax = 100'000;

struct Problem {
  std::string file;
  uint64_t row = 0;    // the header is row 1; 0: the file as a whole
  std::string column;  // empty: the row as a whole
  Reason reason = Reason::FIELD_INVALID;
  std::string detail;
};

class Problems {
 public:
  void Add(std::string file, uint64_t row, std::string column, Reason reason, std::string detail) {
    ++count_;
    if (list_.size() < kProblemsMax) {
      list_.push_back({std::move(file), row, std::move(column), reason, std::move(detail)});
    }
  }
  // A status with a reason, as of parsers.
  void Add(std::string file, uint64_t row, std::string column, const absl::Status& status) {
    Add(std::move(file), row, std::move(column), ReasonOf(status).value_or(Reason::FIELD_INVALID),
        std::string(status.message()));
  }

  bool any() const { return count_ > 0; }
  uint64_t count() const { return count_; }
  const std::vector<Problem>& list() const { return list_; }

 private:
  std::vector<Problem> list_;
  uint64_t count_ = 0;
};

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_PROBLEMS_H_
