// Shows a protobuf message as people and scripts want to read it: the one way in which jcmctl prints records.
//
//   nlohmann::ordered_json json = ViewOf(record);   // {"lot_id": "TH014-2021-1", "tonnes": 2017, ...}
//
// Digests and keys are lower-case hexadecimal, instants (`*_us` and Timestamp) RFC 3339 in UTC, dates YYYY-MM-DD, enums
// their names without the type's prefix, numbers numbers; fields that are not set are left out. A decision's text, kept
// in the ledger as signed bytes, is shown opened. Not for anything that is hashed, signed or read back.
#ifndef TOOLS_CLIENT_JSON_VIEW_H_
#define TOOLS_CLIENT_JSON_VIEW_H_

#include <string>

#include "nlohmann/json.hpp"

namespace google {
namespace protobuf {
class Message;
}  // namespace protobuf
}  // namespace google

namespace jcm::client {

nlohmann::ordered_json ViewOf(const google::protobuf::Message& message);

// The view as indented lines "field: value", for the summary that is shown before signing.
std::string ViewAsText(const nlohmann::ordered_json& view, int indent);

}  // namespace jcm::client

#endif  // TOOLS_CLIENT_JSON_VIEW_H_
