// Reads what people type: dates, ranges of units, digests, ids, names of enums. Each error says what was expected.
//
//   JCM_ASSIGN_OR_RETURN(v1::UnitRange range, ParseUnitRange("TH014-2021-1:1-1009"));
//   JCM_ASSIGN_OR_RETURN(std::string digest, ParseDigest("@meeting-report.pdf", files));
#ifndef TOOLS_CLIENT_ARGUMENTS_H_
#define TOOLS_CLIENT_ARGUMENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/file_system.h"
#include "ledger/base/types.h"

namespace google {
namespace protobuf {
class EnumDescriptor;
}  // namespace protobuf
}  // namespace google

namespace jcm::client {

namespace v1 = ::jcm::ledger::v1;

// "LOT:first-last" or "LOT:serial". Errors: FIELD_INVALID for another form; RANGE_INVALID, QUANTITY_OVERFLOW.
absl::StatusOr<v1::UnitRange> ParseUnitRange(absl::string_view text);
std::string FormatUnitRange(const v1::UnitRange& range);

// "2,017" or "2017": at least 1. Errors: QUANTITY_NOT_POSITIVE, QUANTITY_OVERFLOW, FIELD_INVALID.
absl::StatusOr<Tonnes> ParseTonnes(absl::string_view text);

// "2025-10-30". Errors: FIELD_INVALID.
absl::StatusOr<v1::Date> ParseDay(absl::string_view text);

// 64 hexadecimal digits, or "@FILE" for the SHA-256 of a file. Gives 32 bytes. Errors: FIELD_INVALID, NOT_FOUND.
absl::StatusOr<std::string> ParseDigest(absl::string_view text, FileSystem& files);

// 32 hexadecimal digits. Gives 16 bytes. Errors: FIELD_INVALID.
absl::StatusOr<std::string> ParseRequestId(absl::string_view text);

// An id that names an object for ever: 1..64 characters of A-Z a-z 0-9 . _ - . Errors: FIELD_INVALID.
absl::Status CheckObjectId(absl::string_view id);

// "entity-holding", "ENTITY_HOLDING" -> the number in the enum. Errors: FIELD_INVALID, with all names.
absl::StatusOr<int> ParseEnumName(const google::protobuf::EnumDescriptor* type, absl::string_view text);

template <typename Enum>
absl::StatusOr<Enum> ParseEnum(const google::protobuf::EnumDescriptor* type, absl::string_view text) {
  absl::StatusOr<int> number = ParseEnumName(type, text);
  if (!number.ok()) return number.status();
  return static_cast<Enum>(*number);
}

// Whether the text is a handle: 32 hexadecimal digits, lower case.
bool IsHandle(absl::string_view text);

// Chooses whole ranges for `tonnes` from the spendable units of `account`, oldest vintage first, then by lot and
// serial. Only blocks in state HELD and under no disposal restriction count. UNITS_NOT_HELD, with what is there, if
// they are too few.
struct SpendableBlock {
  v1::BlockRecord record;
  int32_t vintage = 0;
};
absl::StatusOr<std::vector<v1::UnitRange>> SelectOldestFirst(std::vector<SpendableBlock> blocks,
                                                             absl::string_view account, Tonnes tonnes);

// Settings: lines "key = value", "#" begins a comment, a key may stand several times. Errors: CONFIG_INVALID with the
// line.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseSettings(absl::string_view text);

}  // namespace jcm::client

#endif  // TOOLS_CLIENT_ARGUMENTS_H_
