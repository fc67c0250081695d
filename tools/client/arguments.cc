#include "tools/client/arguments.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/hash.h"
#include "ledger/base/serial_range.h"
#include "ledger/base/status.h"

namespace jcm::client {
namespace {

constexpr size_t kObjectIdMax = 64;
constexpr size_t kRequestIdBytes = 16;
constexpr size_t kHandleDigits = 32;

bool IsLowerHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// SimpleAtoi takes signs and blanks; a serial has neither.
bool ParseDigits(absl::string_view text, uint64_t* value) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit) && absl::SimpleAtoi(text, value);
}

}  // namespace

absl::StatusOr<v1::UnitRange> ParseUnitRange(absl::string_view text) {
  const size_t colon = text.rfind(':');
  const absl::string_view numbers = colon == absl::string_view::npos ? "" : text.substr(colon + 1);
  const std::vector<absl::string_view> ends = absl::StrSplit(numbers, '-');
  SerialRange range;
  if (ends.size() > 2 || !ParseDigits(ends.front(), &range.first) || !ParseDigits(ends.back(), &range.last)) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("\"", text, "\" is not LOT:first-last"));
  }
  JCM_RETURN_IF_ERROR(Validate(range));
  JCM_RETURN_IF_ERROR(CheckObjectId(text.substr(0, colon)));
  v1::UnitRange out;
  out.set_lot_id(std::string(text.substr(0, colon)));
  out.set_first(range.first);
  out.set_last(range.last);
  return out;
}

std::string FormatUnitRange(const v1::UnitRange& range) {
  return absl::StrCat(range.lot_id(), ":", range.first(), "-", range.last());
}

absl::StatusOr<Tonnes> ParseTonnes(absl::string_view text) {
  const std::string digits = absl::StrReplaceAll(text, {{",", ""}});
  Tonnes tonnes = 0;
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("\"", text, "\" is not a whole number of t-CO2e"));
  }
  if (!absl::SimpleAtoi(digits, &tonnes) || tonnes > kSerialMax) return Error(Reason::QUANTITY_OVERFLOW, text);
  if (tonnes == 0) return Error(Reason::QUANTITY_NOT_POSITIVE, text);
  return tonnes;
}

absl::StatusOr<v1::Date> ParseDay(absl::string_view text) {
  JCM_ASSIGN_OR_RETURN(Date date, ParseDate(text));
  v1::Date out;
  out.set_year(date.year);
  out.set_month(date.month);
  out.set_day(date.day);
  return out;
}

absl::StatusOr<std::string> ParseDigest(absl::string_view text, FileSystem& files) {
  if (absl::ConsumePrefix(&text, "@")) {
    JCM_ASSIGN_OR_RETURN(std::string bytes, files.ReadFile(text));
    return std::string(AsBytes(Sha256(bytes)));
  }
  absl::StatusOr<std::string> digest = HexDecode(text);
  if (!digest.ok() || digest->size() != sizeof(Digest)) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("\"", text, "\" is neither 64 hexadecimal digits nor @FILE"));
  }
  return digest;
}

absl::StatusOr<std::string> ParseRequestId(absl::string_view text) {
  absl::StatusOr<std::string> id = HexDecode(text);
  if (!id.ok() || id->size() != kRequestIdBytes) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("a request id has 32 hexadecimal digits, not \"", text, "\""));
  }
  return id;
}

absl::Status CheckObjectId(absl::string_view id) {
  const auto allowed = [](char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; };
  if (id.empty() || id.size() > kObjectIdMax || !std::all_of(id.begin(), id.end(), allowed)) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("an id has 1 to 64 of A-Z a-z 0-9 . _ -, not \"", id, "\""));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> ParseEnumName(const google::protobuf::EnumDescriptor* type, absl::string_view text) {
  const std::string wanted = absl::AsciiStrToUpper(absl::StrReplaceAll(text, {{"-", "_"}}));
  std::vector<std::string> names;
  // All values but 0, which is *_UNSPECIFIED; the prefix is what 0 has before "UNSPECIFIED".
  const std::string prefix(absl::StripSuffix(type->value(0)->name(), "UNSPECIFIED"));
  for (int i = 1; i < type->value_count(); ++i) {
    const std::string name(absl::StripPrefix(type->value(i)->name(), prefix));
    if (name == wanted) return type->value(i)->number();
    names.push_back(absl::StrReplaceAll(absl::AsciiStrToLower(name), {{"_", "-"}}));
  }
  return Error(Reason::FIELD_INVALID, absl::StrCat("\"", text, "\" is none of ", absl::StrJoin(names, ", ")));
}

bool IsHandle(absl::string_view text) {
  return text.size() == kHandleDigits && std::all_of(text.begin(), text.end(), IsLowerHex);
}

absl::StatusOr<std::vector<v1::UnitRange>> SelectOldestFirst(std::vector<SpendableBlock> blocks,
                                                             absl::string_view account, Tonnes tonnes) {
  const auto order = [](const SpendableBlock& block) {
    return std::make_tuple(block.vintage, block.record.lot_id(), block.record.first());
  };
  std::sort(blocks.begin(), blocks.end(),
            [&order](const SpendableBlock& a, const SpendableBlock& b) { return order(a) < order(b); });
  std::vector<v1::UnitRange> chosen;
  Tonnes missing = tonnes;
  for (const SpendableBlock& block : blocks) {
    if (missing == 0) break;
    if (block.record.account() != account || block.record.state() != v1::BLOCK_STATE_HELD) continue;
    if (!block.record.restriction().empty()) continue;
    const Tonnes taken = std::min<Tonnes>(missing, block.record.last() - block.record.first() + 1);
    const Serial last = block.record.first() + taken - 1;
    missing -= taken;
    if (!chosen.empty() && chosen.back().lot_id() == block.record.lot_id() &&
        chosen.back().last() + 1 == block.record.first()) {
      chosen.back().set_last(last);
      continue;
    }
    chosen.emplace_back();
    chosen.back().set_lot_id(block.record.lot_id());
    chosen.back().set_first(block.record.first());
    chosen.back().set_last(last);
  }
  if (missing > 0) {
    return Error(Reason::UNITS_NOT_HELD,
                 absl::StrCat("asked for ", tonnes, " t-CO2e, the account can spend ", tonnes - missing));
  }
  return chosen;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseSettings(absl::string_view text) {
  std::vector<std::pair<std::string, std::string>> settings;
  size_t number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    const size_t equals = line.find('=');
    if (equals == absl::string_view::npos) {
      return Error(Reason::CONFIG_INVALID, absl::StrCat("line ", number, " is not \"key = value\""));
    }
    settings.emplace_back(absl::StripAsciiWhitespace(line.substr(0, equals)),
                          absl::StripAsciiWhitespace(line.substr(equals + 1)));
  }
  return settings;
}

}  // namespace jcm::client
