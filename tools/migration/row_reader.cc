#include "tools/migration/row_reader.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "tools/client/arguments.h"

namespace jcm::migration {
namespace {

// Separates fields in what a commitment is made of; no field holds it (csv.h refuses control characters).
constexpr char kUnitSeparator = '\x1f';
constexpr size_t kDigestBytes = 32;
constexpr int32_t kScopeMax = 99;

}  // namespace

std::string Migration::FilesDigest() const {
  std::string listing;
  for (const auto& [name, digest] : file_digests) absl::StrAppend(&listing, name, " ", HexEncode(digest), "\n");
  return std::string(AsBytes(Sha256(listing)));
}

void RowReader::Problem(absl::string_view column, Reason reason, absl::string_view detail) {
  good_ = false;
  problems_.Add(spec_.name, row_.number, std::string(column), reason, std::string(detail));
}

absl::string_view RowReader::Field(absl::string_view column) {
  const ColumnSpec* spec = spec_.Find(column);
  JCM_CHECK(spec != nullptr);
  const auto at = columns_.find(std::string(column));
  const absl::string_view field = at == columns_.end() ? absl::string_view() : row_.fields[at->second];
  if (field.empty() && spec->required) Problem(column, Reason::FIELD_REQUIRED, "empty");
  return field;
}

std::string RowReader::Text(absl::string_view column, size_t bytes_max) {
  const absl::string_view field = Field(column);
  if (field.size() > bytes_max) Problem(column, Reason::FIELD_INVALID, absl::StrCat("more than ", bytes_max, " bytes"));
  return std::string(field);
}

std::string RowReader::Id(absl::string_view column) {
  const std::string field(Field(column));
  if (!field.empty() && !client::CheckObjectId(field).ok()) {
    Problem(column, Reason::FIELD_INVALID, absl::StrCat("\"", field, "\" is not 1..64 of A-Z a-z 0-9 . _ -"));
  }
  return field;
}

std::string RowReader::Partnership(absl::string_view column) {
  const std::string field(Field(column));
  const bool good = field.size() == 2 && absl::ascii_isupper(field[0]) && absl::ascii_isupper(field[1]);
  if (!field.empty() && !good) {
    Problem(column, Reason::FIELD_INVALID, absl::StrCat("\"", field, "\" is not two capital letters"));
  }
  return field;
}

absl::optional<Date> RowReader::Day(absl::string_view column) {
  const absl::string_view field = Field(column);
  if (field.empty()) return absl::nullopt;
  const absl::StatusOr<Date> date = ParseDate(field);
  if (date.ok()) return *date;
  Problem(column, Reason::FIELD_INVALID, absl::StrCat("\"", field, "\" is no day, as 2016-09-30"));
  return absl::nullopt;
}

uint64_t RowReader::Number(absl::string_view column, uint64_t least, uint64_t most) {
  const absl::string_view field = Field(column);
  if (field.empty()) return 0;
  uint64_t value = 0;
  // Digits alone: no sign, no separators, nothing behind a point.
  const bool digits = std::all_of(field.begin(), field.end(), absl::ascii_isdigit);
  if (!digits || (field.size() > 1 && field[0] == '0')) {
    Problem(column, Reason::FIELD_INVALID, absl::StrCat("\"", field, "\" is no whole number"));
    return 0;
  }
  if (!absl::SimpleAtoi(field, &value) || value > most) {
    Problem(column, Reason::QUANTITY_OVERFLOW, absl::StrCat(field, " is above ", most));
    return 0;
  }
  if (value < least) Problem(column, Reason::QUANTITY_NOT_POSITIVE, absl::StrCat(field, " is below ", least));
  return value;
}

bool RowReader::Flag(absl::string_view column) {
  const absl::string_view field = Field(column);
  if (!field.empty() && field != "yes" && field != "no") {
    Problem(column, Reason::FIELD_INVALID, absl::StrCat("\"", field, "\" is neither yes nor no"));
  }
  return field == "yes";
}

int RowReader::Enum(absl::string_view column, const google::protobuf::EnumDescriptor* type) {
  const absl::string_view field = Field(column);
  if (field.empty()) return 0;
  const absl::StatusOr<int> value = client::ParseEnumName(type, field);
  if (value.ok() && *value != 0) return *value;
  Problem(column, Reason::FIELD_INVALID, absl::StrCat("\"", field, "\" is none of: ", spec_.Find(column)->form));
  return 0;
}

std::string RowReader::Digest(absl::string_view column) {
  const absl::string_view field = Field(column);
  if (field.empty()) return "";
  const absl::StatusOr<std::string> digest = HexDecode(field);
  if (digest.ok() && digest->size() == kDigestBytes) return *digest;
  Problem(column, Reason::FIELD_INVALID, absl::StrCat("\"", field, "\" is not 64 hexadecimal digits"));
  return "";
}

std::vector<std::string> RowReader::List(absl::string_view column) {
  const absl::string_view field = Field(column);
  if (field.empty()) return {};
  std::vector<std::string> items = absl::StrSplit(field, ';');
  if (items.size() > kListItemsMax || std::find(items.begin(), items.end(), "") != items.end()) {
    Problem(column, Reason::FIELD_INVALID,
            absl::StrCat("\"", field, "\" is no list like a;b of at most ", kListItemsMax));
    return {};
  }
  return items;
}

std::vector<int32_t> RowReader::Scopes(absl::string_view column) {
  std::vector<int32_t> scopes;
  for (const std::string& item : List(column)) {
    int32_t scope = 0;
    if (!absl::SimpleAtoi(item, &scope) || scope < 1 || scope > kScopeMax ||
        (!scopes.empty() && scope <= scopes.back())) {
      Problem(column, Reason::FIELD_INVALID, absl::StrCat("\"", item, "\": scopes are numbers that ascend"));
      return {};
    }
    scopes.push_back(scope);
  }
  return scopes;
}

RangeOfLot RowReader::Range() {
  RangeOfLot range{Id("lot_id"), Number("first", 1, kSerialMax), Number("last", 1, kSerialMax)};
  if (range.first != 0 && range.last != 0 && range.first > range.last) {
    Problem("last", Reason::RANGE_INVALID, absl::StrCat(range.first, "..", range.last));
  }
  return range;
}

void RowReader::ReadSource(Origin* origin) {
  origin->source = Id("source");
  origin->source_row = static_cast<uint32_t>(Number("source_row", 1, UINT32_MAX));
}

Origin RowReader::OriginOf(std::string object) {
  Origin origin;
  origin.file = spec_.name;
  origin.row = row_.number;
  origin.object = std::move(object);
  // By column, so that an added empty column or another order of columns changes nothing.
  std::vector<std::string> fields;
  for (const ColumnSpec& column : spec_.columns) {
    const auto at = columns_.find(column.name);
    fields.push_back(at == columns_.end() ? "" : row_.fields[at->second]);
  }
  origin.content = absl::StrJoin(fields, std::string(1, kUnitSeparator));
  ReadSource(&origin);
  return origin;
}

}  // namespace jcm::migration
