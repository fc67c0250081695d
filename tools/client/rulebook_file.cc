#include "tools/client/rulebook_file.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"
#include "ledger/base/status.h"
#include "tools/client/arguments.h"

namespace jcm::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;

constexpr size_t kDecimalsMax = 9;

absl::Status Wrong(absl::string_view name, absl::string_view value, absl::string_view expected) {
  return Error(Reason::CONFIG_INVALID, absl::StrCat(name, " = ", value, ": expected ", expected));
}

std::vector<std::string> Fields(absl::string_view value) {
  std::vector<std::string> fields;
  for (absl::string_view field : absl::StrSplit(value, ',')) fields.emplace_back(absl::StripAsciiWhitespace(field));
  return fields;
}

absl::Status AddZoneOffset(const std::string& value, v1::RulebookParameters* parameters) {
  const std::vector<std::string> fields = Fields(value);
  int32_t japan = 0;
  int32_t partner = 0;
  if (fields.size() != 3 || !absl::SimpleAtoi(fields[1], &japan) || !absl::SimpleAtoi(fields[2], &partner)) {
    return Wrong("zone_offset", value, "DATE, minutes of Japan, minutes of the partner");
  }
  v1::ZoneOffset* offset = parameters->add_zone_offsets();
  JCM_ASSIGN_OR_RETURN(*offset->mutable_from(), ParseDay(fields[0]));
  offset->set_japan_minutes(japan);
  offset->set_partner_minutes(partner);
  return absl::OkStatus();
}

absl::Status AddSource(const std::string& value, v1::RulebookParameters* parameters) {
  const std::vector<std::string> fields = Fields(value);
  if (fields.size() != 3) return Wrong("source", value, "PARAMETER, SOURCE, PROVENANCE");
  v1::ParameterSource source;
  source.set_parameter(fields[0]);
  source.set_source(fields[1]);
  JCM_ASSIGN_OR_RETURN(const v1::Provenance provenance,
                       ParseEnum<v1::Provenance>(v1::Provenance_descriptor(), fields[2]));
  source.set_provenance(provenance);
  for (v1::ParameterSource& known : *parameters->mutable_sources()) {
    if (known.parameter() != source.parameter()) continue;
    known = source;
    return absl::OkStatus();
  }
  *parameters->add_sources() = source;
  return absl::OkStatus();
}

// permanence = TYPE, REGIME [, discount=1/5] [, safeguards] [, reserve=3/100] [, base=NAME] [, rounding=NAME]
absl::Status AddPermanence(const std::string& value, v1::RulebookParameters* parameters) {
  const std::vector<std::string> fields = Fields(value);
  if (fields.size() < 2) return Wrong("permanence", value, "TYPE, REGIME and what belongs to it");
  v1::PermanenceRule rule;
  JCM_ASSIGN_OR_RETURN(const v1::ProjectType type, ParseEnum<v1::ProjectType>(v1::ProjectType_descriptor(), fields[0]));
  JCM_ASSIGN_OR_RETURN(const v1::PermanenceRegime regime,
                       ParseEnum<v1::PermanenceRegime>(v1::PermanenceRegime_descriptor(), fields[1]));
  rule.set_type(type);
  rule.set_regime(regime);
  for (size_t i = 2; i < fields.size(); ++i) {
    absl::string_view field = fields[i];
    if (field == "safeguards") {
      rule.set_safeguards_required(true);
    } else if (absl::ConsumePrefix(&field, "discount=")) {
      JCM_ASSIGN_OR_RETURN(*rule.mutable_discount(), ParseFraction(field));
    } else if (absl::ConsumePrefix(&field, "reserve=")) {
      JCM_ASSIGN_OR_RETURN(*rule.mutable_reserve_rate(), ParseFraction(field));
    } else if (absl::ConsumePrefix(&field, "base=")) {
      rule.set_reserve_base(std::string(field));
    } else if (absl::ConsumePrefix(&field, "rounding=")) {
      rule.set_reserve_rounding(std::string(field));
    } else {
      return Wrong("permanence", value, "discount=, safeguards, reserve=, base= or rounding=");
    }
  }
  std::vector<v1::PermanenceRule> rules(parameters->permanence().begin(), parameters->permanence().end());
  rules.erase(std::remove_if(rules.begin(), rules.end(), [&](const auto& one) { return one.type() == rule.type(); }),
              rules.end());
  rules.push_back(rule);
  std::sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) { return a.type() < b.type(); });
  parameters->clear_permanence();
  for (v1::PermanenceRule& one : rules) *parameters->add_permanence() = std::move(one);
  return absl::OkStatus();
}

absl::Status AddScope(const std::string& value, v1::RulebookParameters* parameters) {
  // Names may hold commas: the number comes first, the Japanese name after a bar.
  const std::vector<std::string> halves = absl::StrSplit(value, absl::MaxSplits('|', 1));
  const std::vector<std::string> head = absl::StrSplit(halves[0], absl::MaxSplits(',', 1));
  int32_t number = 0;
  if (head.size() != 2 || !absl::SimpleAtoi(head[0], &number)) {
    return Wrong("scope", value, "NUMBER, name in English | name in Japanese");
  }
  v1::SectoralScope scope;
  scope.set_number(number);
  scope.set_name_en(std::string(absl::StripAsciiWhitespace(head[1])));
  if (halves.size() == 2) scope.set_name_ja(std::string(absl::StripAsciiWhitespace(halves[1])));
  for (v1::SectoralScope& known : *parameters->mutable_sectoral_scopes()) {
    if (known.number() != number) continue;
    known = scope;
    return absl::OkStatus();
  }
  *parameters->add_sectoral_scopes() = scope;
  return absl::OkStatus();
}

absl::Status AddDocument(const std::string& value, v1::RulebookParameters* parameters) {
  const std::vector<std::string> fields = Fields(value);
  if (fields.size() != 2) return Wrong("document", value, "CODE, VERSION");
  for (v1::GuidelineDocument& known : *parameters->mutable_documents()) {
    if (known.code() != fields[0]) continue;
    known.set_version(fields[1]);
    return absl::OkStatus();
  }
  v1::GuidelineDocument* document = parameters->add_documents();
  document->set_code(fields[0]);
  document->set_version(fields[1]);
  return absl::OkStatus();
}

absl::Status AddMethod(const std::string& value, v1::RulebookParameters* parameters) {
  JCM_ASSIGN_OR_RETURN(const v1::NetReductionMethod method,
                       ParseEnum<v1::NetReductionMethod>(v1::NetReductionMethod_descriptor(), value));
  const auto& known = parameters->net_reduction_methods();
  if (std::find(known.begin(), known.end(), method) == known.end()) parameters->add_net_reduction_methods(method);
  return absl::OkStatus();
}

absl::Status SetMessage(const std::string& name, const std::string& value, google::protobuf::Message* message) {
  if (auto* fraction = dynamic_cast<v1::Fraction*>(message)) {
    JCM_ASSIGN_OR_RETURN(*fraction, ParseFraction(value));
    return absl::OkStatus();
  }
  if (auto* date = dynamic_cast<v1::Date*>(message)) {
    JCM_ASSIGN_OR_RETURN(*date, ParseDay(value));
    return absl::OkStatus();
  }
  return Error(Reason::CONFIG_INVALID, absl::StrCat("no parameter ", name));
}

absl::Status SetField(const std::string& name, const std::string& value, v1::RulebookParameters* parameters) {
  const FieldDescriptor* field = v1::RulebookParameters::descriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated()) {
    return Error(Reason::CONFIG_INVALID, absl::StrCat("no parameter ", name));
  }
  const Reflection* reflection = parameters->GetReflection();
  uint32_t number = 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      if (!absl::SimpleAtoi(value, &number)) return Wrong(name, value, "a number");
      reflection->SetUInt32(parameters, field, number);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_BOOL:
      if (value != "true" && value != "false") return Wrong(name, value, "true or false");
      reflection->SetBool(parameters, field, value == "true");
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_ENUM: {
      JCM_ASSIGN_OR_RETURN(const int chosen, ParseEnumName(field->enum_type(), value));
      reflection->SetEnumValue(parameters, field, chosen);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(parameters, field, value);
      return absl::OkStatus();
    default:
      return SetMessage(name, value, reflection->MutableMessage(parameters, field));
  }
}

absl::Status SetLine(const std::string& name, const std::string& value, RulebookFile* rulebook,
                     std::set<std::string>* replaced) {
  v1::RulebookParameters* parameters = &rulebook->parameters;
  if (name == "version") {
    rulebook->version = value;
    return absl::OkStatus();
  }
  if (name == "effective_date") {
    JCM_ASSIGN_OR_RETURN(rulebook->effective_date, ParseDay(value));
    return absl::OkStatus();
  }
  if (name == "supersedes") {
    rulebook->supersedes = value;
    return absl::OkStatus();
  }
  if (name == "in_flight") {
    JCM_ASSIGN_OR_RETURN(rulebook->in_flight, ParseEnum<v1::InFlight>(v1::InFlight_descriptor(), value));
    return absl::OkStatus();
  }
  if (name == "zone_offset") {
    // Zones belong together: the first line of a file replaces those of its base.
    if (replaced->insert(name).second) parameters->clear_zone_offsets();
    return AddZoneOffset(value, parameters);
  }
  if (name == "source") return AddSource(value, parameters);
  if (name == "permanence") return AddPermanence(value, parameters);
  if (name == "scope") return AddScope(value, parameters);
  if (name == "document") return AddDocument(value, parameters);
  if (name == "net_reduction_method") return AddMethod(value, parameters);
  return SetField(name, value, parameters);
}

absl::Status ReadInto(FileSystem& files, const std::string& path, int depth, RulebookFile* rulebook) {
  if (depth > kRulebookBasesMax) return Error(Reason::CONFIG_INVALID, absl::StrCat(path, ": too many bases"));
  JCM_ASSIGN_OR_RETURN(const std::string text, files.ReadFile(path));
  JCM_ASSIGN_OR_RETURN(auto settings, ParseSettings(text));
  std::set<std::string> replaced;
  for (const auto& [name, value] : settings) {
    absl::Status set;
    if (name == "base") {
      const size_t slash = path.rfind('/');
      const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
      set = ReadInto(files, absl::StrCat(folder, value), depth + 1, rulebook);
    } else {
      set = SetLine(name, value, rulebook, &replaced);
    }
    if (!set.ok()) return Error(*ReasonOf(set), absl::StrCat(path, ": ", set.message()));
  }
  return absl::OkStatus();
}

std::string TextOfOne(const google::protobuf::Message& message, const FieldDescriptor* field, int index);

// "14, Afforestation and reforestation, 植林・再植林": what people know the fields by is their order.
std::string TextOfMessage(const google::protobuf::Message& message) {
  if (const auto* fraction = dynamic_cast<const v1::Fraction*>(&message)) return FormatFraction(*fraction);
  if (const auto* date = dynamic_cast<const v1::Date*>(&message)) {
    return absl::StrCat(date->year(), "-", absl::Dec(date->month(), absl::kZeroPad2), "-",
                        absl::Dec(date->day(), absl::kZeroPad2));
  }
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  std::vector<std::string> parts;
  for (const FieldDescriptor* field : fields) {
    const int size = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 1;
    for (int i = 0; i < size; ++i) {
      const std::string text = TextOfOne(message, field, i);
      // A bare number or "true" says nothing without its name, unless it is the number of the thing.
      const bool plain = parts.empty() || field->cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
                         field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
      parts.push_back(plain ? text : absl::StrCat(field->name(), " ", text));
    }
  }
  return absl::StrJoin(parts, ", ");
}

std::string TextOfOne(const google::protobuf::Message& message, const FieldDescriptor* field, int index) {
  const Reflection* reflection = message.GetReflection();
  const bool repeated = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(repeated ? reflection->GetRepeatedUInt32(message, field, index)
                                   : reflection->GetUInt32(message, field));
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(repeated ? reflection->GetRepeatedInt32(message, field, index)
                                   : reflection->GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(message, field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value =
          repeated ? reflection->GetRepeatedEnum(message, field, index) : reflection->GetEnum(message, field);
      return value->number() == 0 ? "" : value->name();
    }
    case FieldDescriptor::CPPTYPE_STRING:
      return repeated ? reflection->GetRepeatedString(message, field, index) : reflection->GetString(message, field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (repeated) return TextOfMessage(reflection->GetRepeatedMessage(message, field, index));
      return reflection->HasField(message, field) ? TextOfMessage(reflection->GetMessage(message, field)) : "";
    default:
      JCM_CHECK(false && "a rulebook has no fields of this type");
      return "";
  }
}

std::vector<std::string> ElementsOf(const v1::RulebookParameters& parameters, const FieldDescriptor* field) {
  if (!field->is_repeated()) return {TextOfOne(parameters, field, 0)};
  std::vector<std::string> elements;
  for (int i = 0; i < parameters.GetReflection()->FieldSize(parameters, field); ++i) {
    elements.push_back(TextOfOne(parameters, field, i));
  }
  return elements;
}

// What an element of a list is known by: its first field.
absl::string_view KeyOf(absl::string_view element) { return element.substr(0, element.find(", ")); }

// Pairs of what differs; elements of a list meet by what they are known by.
std::vector<std::pair<std::string, std::string>> DifferentElements(const std::vector<std::string>& left,
                                                                   const std::vector<std::string>& right) {
  std::vector<std::pair<std::string, std::string>> pairs;
  std::vector<bool> met(right.size(), false);
  for (const std::string& element : left) {
    size_t at = 0;
    while (at < right.size() && (met[at] || KeyOf(right[at]) != KeyOf(element))) ++at;
    if (at < right.size()) met[at] = true;
    const std::string other = at < right.size() ? right[at] : "";
    if (element != other) pairs.emplace_back(element, other);
  }
  for (size_t at = 0; at < right.size(); ++at) {
    if (!met[at]) pairs.emplace_back("", right[at]);
  }
  return pairs;
}

std::string SourceOf(const v1::RulebookParameters& parameters, const std::string& name) {
  for (const v1::ParameterSource& source : parameters.sources()) {
    if (source.parameter() == name) return source.source();
  }
  return "";
}

}  // namespace

absl::StatusOr<RulebookFile> ReadRulebook(FileSystem& files, const std::string& path) {
  RulebookFile rulebook;
  JCM_RETURN_IF_ERROR(ReadInto(files, path, 0, &rulebook));
  return rulebook;
}

std::vector<RulebookDifference> DiffRulebooks(const v1::RulebookParameters& left, const v1::RulebookParameters& right) {
  std::vector<RulebookDifference> differences;
  const google::protobuf::Descriptor* type = v1::RulebookParameters::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->name() == "sources") continue;
    const bool scalar = !field->is_repeated();
    const std::vector<std::string> lefts = ElementsOf(left, field);
    const std::vector<std::string> rights = ElementsOf(right, field);
    std::vector<std::pair<std::string, std::string>> pairs;
    if (!scalar) pairs = DifferentElements(lefts, rights);
    if (scalar && lefts != rights) pairs = {{lefts[0], rights[0]}};
    for (std::pair<std::string, std::string>& pair : pairs) {
      RulebookDifference one;
      one.parameter = field->name();
      one.left = std::move(pair.first);
      one.right = std::move(pair.second);
      one.left_source = SourceOf(left, one.parameter);
      one.right_source = SourceOf(right, one.parameter);
      differences.push_back(std::move(one));
    }
  }
  return differences;
}

absl::StatusOr<v1::Fraction> ParseFraction(absl::string_view text) {
  v1::Fraction fraction;
  const size_t slash = text.find('/');
  uint64_t numerator = 0;
  uint64_t denominator = 1;
  const bool readable = absl::SimpleAtoi(text.substr(0, slash), &numerator) &&
                        (slash == absl::string_view::npos || absl::SimpleAtoi(text.substr(slash + 1), &denominator));
  if (!readable || denominator == 0) {
    return Error(Reason::CONFIG_INVALID, absl::StrCat("not a fraction such as 3/100: ", text));
  }
  fraction.set_numerator(numerator);
  fraction.set_denominator(denominator);
  return fraction;
}

absl::StatusOr<v1::Fraction> ParseAmount(absl::string_view text) {
  if (absl::StrContains(text, '/')) return ParseFraction(text);
  const size_t point = text.find('.');
  std::string digits(text.substr(0, point));
  uint64_t denominator = 1;
  if (point != absl::string_view::npos) {
    const absl::string_view decimals = text.substr(point + 1);
    if (digits.empty() || decimals.empty() || decimals.size() > kDecimalsMax) {
      return Error(Reason::CONFIG_INVALID, absl::StrCat("not an amount such as 1234.5: ", text));
    }
    absl::StrAppend(&digits, decimals);
    for (size_t i = 0; i < decimals.size(); ++i) denominator *= 10;
  }
  uint64_t numerator = 0;
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(digits, &numerator)) {
    return Error(Reason::CONFIG_INVALID, absl::StrCat("not an amount such as 1234.5: ", text));
  }
  const uint64_t divisor = numerator == 0 ? denominator : std::gcd(numerator, denominator);
  v1::Fraction fraction;
  fraction.set_numerator(numerator / divisor);
  fraction.set_denominator(denominator / divisor);
  return fraction;
}

std::string FormatFraction(const v1::Fraction& fraction) {
  if (fraction.denominator() == 0) return "";
  if (fraction.denominator() == 1) return absl::StrCat(fraction.numerator());
  return absl::StrCat(fraction.numerator(), "/", fraction.denominator());
}

}  // namespace jcm::client
