#include "ledger/base/proto_check.h"

#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message.h"
#include "google/protobuf/unknown_field_set.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::Status CheckFields(const Message& message, int depth) {
  if (depth > kMessageDepthMax) return Error(Reason::MESSAGE_MALFORMED, "nested too deeply");
  const Reflection& reflection = *message.GetReflection();
  const google::protobuf::UnknownFieldSet& unknown = reflection.GetUnknownFields(message);
  if (!unknown.empty()) {
    return Error(Reason::UNKNOWN_FIELD,
                 absl::StrCat("field ", unknown.field(0).number(), " of ", message.GetDescriptor()->full_name()));
  }
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      JCM_RETURN_IF_ERROR(CheckFields(reflection.GetMessage(message, field), depth + 1));
      continue;
    }
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
