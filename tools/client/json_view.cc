#include "tools/client/json_view.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/common.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"

namespace jcm::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::ordered_json;

// "ACCOUNT_CLASS_" for AccountClass.
std::string EnumPrefix(absl::string_view type_name) {
  std::string prefix;
  for (size_t i = 0; i < type_name.size(); ++i) {
    if (i > 0 && absl::ascii_isupper(type_name[i])) prefix += '_';
    prefix += absl::ascii_toupper(type_name[i]);
  }
  return prefix + "_";
}

ordered_json EnumView(const google::protobuf::EnumDescriptor* type, int number) {
  const google::protobuf::EnumValueDescriptor* value = type->FindValueByNumber(number);
  if (value == nullptr) return number;
  return std::string(absl::StripPrefix(value->name(), EnumPrefix(type->name())));
}

ordered_json BytesView(const FieldDescriptor* field, const std::string& bytes) {
  if (field->name() == "text") {
    ledger::v1::DecisionText text;
    if (text.ParseFromString(bytes)) return ViewOf(text);
  }
  if (field->name() == "note" || absl::EndsWith(field->name(), "_json")) return bytes;
  return HexEncode(bytes);
}

ordered_json UnsignedView(const FieldDescriptor* field, uint64_t value) {
  if (absl::EndsWith(field->name(), "_us") && value != 0) return FormatRfc3339(BookTime::FromMicros(value));
  return value;
}

ordered_json ValueView(const Message& message, const FieldDescriptor* field, int index) {
  const Reflection* reflection = message.GetReflection();
  const bool repeated = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT64:
      return UnsignedView(field, repeated ? reflection->GetRepeatedUInt64(message, field, index)
                                          : reflection->GetUInt64(message, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return repeated ? reflection->GetRepeatedInt64(message, field, index) : reflection->GetInt64(message, field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return repeated ? reflection->GetRepeatedUInt32(message, field, index) : reflection->GetUInt32(message, field);
    case FieldDescriptor::CPPTYPE_INT32:
      return repeated ? reflection->GetRepeatedInt32(message, field, index) : reflection->GetInt32(message, field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return repeated ? reflection->GetRepeatedBool(message, field, index) : reflection->GetBool(message, field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumView(field->enum_type(), repeated ? reflection->GetRepeatedEnumValue(message, field, index)
                                                   : reflection->GetEnumValue(message, field));
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string value =
          repeated ? reflection->GetRepeatedString(message, field, index) : reflection->GetString(message, field);
      if (field->type() == FieldDescriptor::TYPE_BYTES) return BytesView(field, value);
      return value;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ViewOf(repeated ? reflection->GetRepeatedMessage(message, field, index)
                             : reflection->GetMessage(message, field));
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      break;
  }
  return nullptr;  // the ledger's messages hold no fractions
}

}  // namespace

ordered_json ViewOf(const Message& message) {
  const Descriptor* type = message.GetDescriptor();
  if (type == ledger::v1::Date::descriptor()) {
    const auto& date = static_cast<const ledger::v1::Date&>(message);
    return FormatDate(Date{date.year(), date.month(), date.day()});
  }
  if (type == google::protobuf::Timestamp::descriptor()) {
    const auto& time = static_cast<const google::protobuf::Timestamp&>(message);
    return FormatRfc3339(BookTime::FromMicros(static_cast<uint64_t>(time.seconds()) * kMicrosPerSecond +
                                              static_cast<uint64_t>(time.nanos()) / 1'000));
  }
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  ordered_json view = ordered_json::object();
  for (const FieldDescriptor* field : fields) {
    if (!field->is_repeated()) {
      view[field->name()] = ValueView(message, field, 0);
      continue;
    }
    ordered_json items = ordered_json::array();
    for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
      items.push_back(ValueView(message, field, i));
    }
    view[field->name()] = std::move(items);
  }
  return view;
}

std::string ViewAsText(const ordered_json& view, int indent) {
  const std::string margin(static_cast<size_t>(indent), ' ');
  std::string out;
  for (const auto& [name, value] : view.items()) {
    const std::string label = view.is_array() ? std::string("-") : absl::StrCat(name, ":");
    if (value.is_structured()) {
      absl::StrAppend(&out, margin, label, "\n", ViewAsText(value, indent + 2));
    } else {
      absl::StrAppend(&out, margin, label, " ", value.is_string() ? value.get<std::string>() : value.dump(), "\n");
    }
  }
  return out;
}

}  // namespace jcm::client
