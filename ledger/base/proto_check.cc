#include "ledger/base/proto_check.h"

#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message.h"
#include "google/protobuf/unknown_field_set.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

// The fields of a type that hold messages: all that has to be looked into. Found once for each type and thread.
struct MessageFields {
  std::vector<const FieldDescriptor*> alone;  // singular, outside a oneof
  std::vector<const FieldDescriptor*> repeated;
  std::vector<const OneofDescriptor*> choices;
};

const MessageFields& FieldsOf(const Descriptor* type) {
  static thread_local std::unordered_map<const Descriptor*, MessageFields> known;
  auto found = known.find(type);
  if (found != known.end()) return found->second;
  MessageFields fields;
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const OneofDescriptor* choice = field->containing_oneof();
    if (field->is_repeated()) {
      fields.repeated.push_back(field);
    } else if (choice == nullptr) {
      fields.alone.push_back(field);
    } else if (fields.choices.empty() || fields.choices.back() != choice) {
      fields.choices.push_back(choice);
    }
  }
  return known.emplace(type, std::move(fields)).first->second;
}

absl::Status CheckFields(const Message& message, int depth) {
  if (depth > kMessageDepthMax) return Error(Reason::MESSAGE_MALFORMED, "nested too deeply");
  const Reflection& reflection = *message.GetReflection();
  const google::protobuf::UnknownFieldSet& unknown = reflection.GetUnknownFields(message);
  if (!unknown.empty()) {
    return Error(Reason::UNKNOWN_FIELD,
                 absl::StrCat("field ", unknown.field(0).number(), " of ", message.GetDescriptor()->full_name()));
  }
  const MessageFields& fields = FieldsOf(message.GetDescriptor());
  for (const FieldDescriptor* field : fields.alone) {
    if (!reflection.HasField(message, field)) continue;
    JCM_RETURN_IF_ERROR(CheckFields(reflection.GetMessage(message, field), depth + 1));
  }
  for (const OneofDescriptor* choice : fields.choices) {
    const FieldDescriptor* field = reflection.GetOneofFieldDescriptor(message, choice);
    if (field == nullptr || field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    JCM_RETURN_IF_ERROR(CheckFields(reflection.GetMessage(message, field), depth + 1));
  }
  for (const FieldDescriptor* field : fields.repeated) {
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      JCM_RETURN_IF_ERROR(CheckFields(reflection.GetRepeatedMessage(message, field, i), depth + 1));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseStrict(absl::string_view bytes, google::protobuf::Message* message) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return Error(Reason::MESSAGE_MALFORMED, "too large");
  }
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  input.SetRecursionLimit(kMessageDepthMax);
  if (!message->ParseFromCodedStream(&input) || !input.ConsumedEntireMessage()) {
    return Error(Reason::MESSAGE_MALFORMED, message->GetDescriptor()->full_name());
  }
  return CheckFields(*message, 0);
}

absl::Status CheckNoUnknownFields(const google::protobuf::Message& message) { return CheckFields(message, 0); }

}  // namespace jcm
