// One row of a file, field by field: each field is read into what it means, or becomes a problem of its own.
//
//   RowReader row(FormatOf("blocks.csv"), columns, csv_row, &problems);
//   block.lot_id = row.Id("lot_id");
//   block.date = row.Day("date").value_or(Date());
//
// An empty field that the format needs is FIELD_REQUIRED, once; one that it does not need gives an empty value.
#ifndef TOOLS_MIGRATION_ROW_READER_H_
#define TOOLS_MIGRATION_ROW_READER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "google/protobuf/descriptor.h"
#include "ledger/base/date.h"
#include "tools/migration/csv.h"
#include "tools/migration/format.h"
#include "tools/migration/problems.h"
#include "tools/migration/rows.h"

namespace jcm::migration {

inline constexpr size_t kTextBytesMax = 500;        // names, titles, places: what the ledger takes
inline constexpr size_t kLongTextBytesMax = 2'000;  // what was decided
inline constexpr size_t kListItemsMax = 50;

class RowReader {
 public:
  // `columns`: where each column of the file stands. All must outlive this.
  RowReader(const FileSpec& spec, const std::map<std::string, size_t>& columns, const CsvRow& row, Problems* problems)
      : spec_(spec), columns_(columns), row_(row), problems_(*problems) {}

  std::string Text(absl::string_view column, size_t bytes_max = kTextBytesMax);
  // 1..64 characters of A-Z a-z 0-9 . _ - ; accounts, objects, persons.
  std::string Id(absl::string_view column);
  std::string Partnership(absl::string_view column = "partnership");
  absl::optional<Date> Day(absl::string_view column);
  // At least `least`; 0 if the field is empty or no such number.
  uint64_t Number(absl::string_view column, uint64_t least, uint64_t most);
  bool Flag(absl::string_view column);
  int Enum(absl::string_view column, const google::protobuf::EnumDescriptor* type);
  std::string Digest(absl::string_view column);
  std::vector<std::string> List(absl::string_view column);
  std::vector<int32_t> Scopes(absl::string_view column);
  RangeOfLot Range();
  void ReadSource(Origin* origin);

  // Names what the row is about; call it before the row is used.
  Origin OriginOf(std::string object);
  void Problem(absl::string_view column, Reason reason, absl::string_view detail);
  bool good() const { return good_; }

 private:
  absl::string_view Field(absl::string_view column);

  const FileSpec& spec_;
  const std::map<std::string, size_t>& columns_;
  const CsvRow& row_;
  Problems& problems_;
  bool good_ = true;
};

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_ROW_READER_H_
