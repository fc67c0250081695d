#include "services/common/filter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/timestamp.pb.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/common.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"

namespace jcm::services {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
namespace v1 = ::jcm::ledger::v1;

constexpr char kOperatorChars[] = "=!<>:";

bool IsDate(const FieldDescriptor& field) {
  return field.message_type() != nullptr && field.message_type() == v1::Date::descriptor();
}

bool IsTimestamp(const FieldDescriptor& field) {
  return field.message_type() != nullptr && field.message_type() == google::protobuf::Timestamp::descriptor();
}

bool IsMicros(const FieldDescriptor& field) { return absl::EndsWith(field.name(), "_us"); }

// Bytes that hold a message: the text of a decision.
const Descriptor* Inside(const FieldDescriptor& field) {
  if (field.message_type() != nullptr) return field.message_type();
  const bool text = field.type() == FieldDescriptor::TYPE_BYTES && field.name() == "text";
  return text ? v1::DecisionText::descriptor() : nullptr;
}

absl::Status Bad(absl::string_view detail) { return Error(Reason::FILTER_INVALID, detail); }

// Words, quoted values and operators, in order.
absl::StatusOr<std::vector<std::string>> Tokens(absl::string_view text) {
  std::vector<std::string> tokens;
  size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
      ++i;
    } else if (c == '"') {
      const size_t end = text.find('"', i + 1);
      if (end == absl::string_view::npos) return Bad("a quotation mark is missing");
      tokens.emplace_back(text.substr(i, end - i));  // keeps the first mark: a quoted AND is a value
      i = end + 1;
    } else if (absl::StrContains(kOperatorChars, c)) {
      const size_t length = i + 1 < text.size() && text[i + 1] == '=' && c != '=' && c != ':' ? 2 : 1;
      tokens.emplace_back(text.substr(i, length));
      i += length;
    } else {
      size_t end = i;
      // A time has colons of its own, which stand between digits.
      while (end < text.size() && !absl::ascii_isspace(static_cast<unsigned char>(text[end])) && text[end] != '"' &&
             (!absl::StrContains(kOperatorChars, text[end]) ||
              (text[end] == ':' && end > i && absl::ascii_isdigit(static_cast<unsigned char>(text[end - 1])) &&
               absl::StrContains(text.substr(i, end - i), 'T')))) {
        ++end;
      }
      tokens.emplace_back(text.substr(i, end - i));
      i = end;
    }
  }
  return tokens;
}

// Numbers of an enumeration whose name ends with the word.
absl::StatusOr<int64_t> EnumNumber(const EnumDescriptor& type, const std::string& lower) {
  const std::string wanted = absl::StrReplaceAll(lower, {{"-", "_"}});
  absl::optional<int64_t> found;
  size_t shortest = 0;
  for (int i = 0; i < type.value_count(); ++i) {
    const std::string name = absl::AsciiStrToLower(type.value(i)->name());
    if (name != wanted && !absl::EndsWith(name, absl::StrCat("_", wanted))) continue;
    // "adopted" ends NOT_ADOPTED too; the value with nothing between its prefix and the word is meant.
    if (!found.has_value() || name.size() < shortest) {
      found = type.value(i)->number();
      shortest = name.size();
    }
  }
  if (!found.has_value()) return Bad(absl::StrCat(lower, " is no value of ", type.name()));
  return *found;
}

// A date stands for its midnight in UTC.
absl::StatusOr<int64_t> Micros(const std::string& text) {
  const auto time = ParseRfc3339(absl::AsciiStrToUpper(text));
  if (time.ok()) return static_cast<int64_t>(time->micros);
  const auto day = ParseDate(text);
  if (!day.ok()) return Bad(absl::StrCat(text, " is no date or time"));
  JCM_ASSIGN_OR_RETURN(const BookTime midnight, StartOfDay(*day, 0));
  return static_cast<int64_t>(midnight.micros);
}

int64_t DayNumber(const v1::Date& date) { return date.year() * 10'000LL + date.month() * 100 + date.day(); }

template <typename Value>
bool Compare(const Value& left, const Value& right, int op) {
  switch (op) {
    case 0:
      return left == right;
    case 1:
      return left != right;
    case 2:
      return left < right;
    case 3:
      return left <= right;
    case 4:
      return left > right;
    case 5:
      return left >= right;
    default:
      return left == right;  // ":" of a number: a list has it
  }
}

}  // namespace

absl::StatusOr<Filter> Filter::Parse(absl::string_view text, const Descriptor& record) {
  if (text.size() > kFilterBytesMax) return Bad("it is too long");
  JCM_ASSIGN_OR_RETURN(const std::vector<std::string> tokens, Tokens(text));
  Filter filter;
  if (tokens.empty()) return filter;
  for (size_t i = 0; i < tokens.size(); i += 4) {
    if (i + 3 > tokens.size()) return Bad("each part is FIELD OPERATOR VALUE");
    if (i + 3 < tokens.size() && !absl::EqualsIgnoreCase(tokens[i + 3], "AND")) {
      return Bad(absl::StrCat("AND, not ", tokens[i + 3]));
    }
    if (i + 4 == tokens.size()) return Bad("something follows AND");
    if (filter.terms_.size() == kFilterTermsMax) return Bad("it has too many parts");
    JCM_ASSIGN_OR_RETURN(Term term, ParseTerm(tokens[i], tokens[i + 1], tokens[i + 2], record));
    filter.terms_.push_back(std::move(term));
  }
  return filter;
}

absl::StatusOr<Filter::Term> Filter::ParseTerm(absl::string_view field, absl::string_view op, absl::string_view value,
                                               const Descriptor& record) {
  static constexpr std::pair<absl::string_view, Operator> kOperators[] = {
      {"=", Operator::kEqual},        {"!=", Operator::kNotEqual}, {"<", Operator::kLess},
      {"<=", Operator::kLessOrEqual}, {">", Operator::kGreater},   {">=", Operator::kGreaterOrEqual},
      {":", Operator::kHas}};
  Term term;
  const Descriptor* type = &record;
  for (const absl::string_view name : absl::StrSplit(field, '.')) {
    const FieldDescriptor* found = type == nullptr ? nullptr : type->FindFieldByName(std::string(name));
    if (found == nullptr) return Bad(absl::StrCat("there is no field ", field));
    term.path.push_back(found);
    type = Inside(*found);
  }
  const auto* known = std::find_if(std::begin(kOperators), std::end(kOperators),
                                   [&](const auto& candidate) { return candidate.first == op; });
  if (known == std::end(kOperators)) return Bad(absl::StrCat(op, " is no operator"));
  term.op = known->second;
  term.text = absl::AsciiStrToLower(value[0] == '"' ? value.substr(1) : value);
  JCM_RETURN_IF_ERROR(ReadValue(&term));
  return term;
}

absl::Status Filter::ReadValue(Term* term) {
  const FieldDescriptor& field = *term->path.back();
  if (IsDate(field)) {
    JCM_ASSIGN_OR_RETURN(const Date day, ParseDate(term->text));
    term->number = day.year * 10'000LL + day.month * 100 + day.day;
    return absl::OkStatus();
  }
  if (IsTimestamp(field)) {
    JCM_ASSIGN_OR_RETURN(term->number, Micros(term->text));
    return absl::OkStatus();
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_ENUM: {
      JCM_ASSIGN_OR_RETURN(term->number, EnumNumber(*field.enum_type(), term->text));
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      if (term->text != "true" && term->text != "false") return Bad(absl::StrCat(field.name(), " is true or false"));
      term->number = term->text == "true" ? 1 : 0;
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64: {
      if (absl::SimpleAtoi(term->text, &term->number)) return absl::OkStatus();
      if (!IsMicros(field)) return Bad(absl::StrCat(term->text, " is no number"));
      JCM_ASSIGN_OR_RETURN(term->number, Micros(term->text));
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_STRING:
      return absl::OkStatus();
    default:
      return Bad(absl::StrCat(field.name(), " has fields of its own; name one of them"));
  }
}

bool Filter::Matches(const Message& record) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) { return Holds(term, 0, record); });
}

bool Filter::Holds(const Term& term, size_t at, const Message& message) {
  const FieldDescriptor* field = term.path[at];
  if (!field->is_repeated()) return HoldsAt(term, at, message, -1);
  const int size = message.GetReflection()->FieldSize(message, field);
  // "!=" of a list: none of its elements is it.
  const bool none = term.op == Operator::kNotEqual;
  for (int i = 0; i < size; ++i) {
    if (HoldsAt(term, at, message, i) != none) return !none;
  }
  return none;
}

bool Filter::HoldsAt(const Term& term, size_t at, const Message& message, int index) {
  const FieldDescriptor* field = term.path[at];
  const Reflection& reflection = *message.GetReflection();
  const int op = static_cast<int>(term.op);
  const auto number = [&](int64_t one, int64_t other) { return Compare(index < 0 ? one : other, term.number, op); };
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    const Message& inner =
        index < 0 ? reflection.GetMessage(message, field) : reflection.GetRepeatedMessage(message, field, index);
    if (at + 1 < term.path.size()) return Holds(term, at + 1, inner);
    if (IsDate(*field)) return Compare(DayNumber(static_cast<const v1::Date&>(inner)), term.number, op);
    const auto& time = static_cast<const google::protobuf::Timestamp&>(inner);
    return Compare<int64_t>(time.seconds() * 1'000'000 + time.nanos() / 1'000, term.number, op);
  }
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_ENUM:
      return index < 0 ? number(reflection.GetEnumValue(message, field), 0)
                       : number(0, reflection.GetRepeatedEnumValue(message, field, index));
    case FieldDescriptor::CPPTYPE_BOOL:
      return index < 0 ? number(reflection.GetBool(message, field) ? 1 : 0, 0)
                       : number(0, reflection.GetRepeatedBool(message, field, index) ? 1 : 0);
    case FieldDescriptor::CPPTYPE_INT32:
      return index < 0 ? number(reflection.GetInt32(message, field), 0)
                       : number(0, reflection.GetRepeatedInt32(message, field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return index < 0 ? number(reflection.GetInt64(message, field), 0)
                       : number(0, reflection.GetRepeatedInt64(message, field, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return index < 0 ? number(reflection.GetUInt32(message, field), 0)
                       : number(0, reflection.GetRepeatedUInt32(message, field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return index < 0 ? number(static_cast<int64_t>(reflection.GetUInt64(message, field)), 0)
                       : number(0, static_cast<int64_t>(reflection.GetRepeatedUInt64(message, field, index)));
    default:
      break;
  }
  std::string text =
      index < 0 ? reflection.GetString(message, field) : reflection.GetRepeatedString(message, field, index);
  if (at + 1 < term.path.size()) {
    v1::DecisionText inside;
    return inside.ParseFromString(text) && Holds(term, at + 1, inside);
  }
  text = field->type() == FieldDescriptor::TYPE_BYTES ? HexEncode(text) : absl::AsciiStrToLower(text);
  return term.op == Operator::kHas ? absl::StrContains(text, term.text) : Compare(text, term.text, op);
}

}  // namespace jcm::services
