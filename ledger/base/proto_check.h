// Reads protobuf messages that are hashed or signed: what this node does not know, it must not act on.
//
//   registry::v1::Retire command;
//   JCM_RETURN_IF_ERROR(ParseStrict(body, &command));
//
// Not for deciding whether values make sense: required fields, open enums and sizes are for the rule that reads them.
#ifndef LEDGER_BASE_PROTO_CHECK_H_
#define LEDGER_BASE_PROTO_CHECK_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace google {
namespace protobuf {
class Message;
}  // namespace protobuf
}  // namespace google

namespace jcm {

// Messages nested deeper than this are MESSAGE_MALFORMED.
inline constexpr int kMessageDepthMax = 32;

// Replaces `message` by what `bytes` say. Errors: MESSAGE_MALFORMED if they are not such a message, UNKNOWN_FIELD if a
// field at any depth is not in this node's definition; `message` is then unspecified.
absl::Status ParseStrict(absl::string_view bytes, google::protobuf::Message* message);

// UNKNOWN_FIELD if a message that was parsed elsewhere (for example by gRPC) has such a field at any depth.
absl::Status CheckNoUnknownFields(const google::protobuf::Message& message);

}  // namespace jcm

#endif  // LEDGER_BASE_PROTO_CHECK_H_
