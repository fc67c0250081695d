// A configuration's messages together with the lines where their fields stand, so that an error can say where.
//
//   JCM_ASSIGN_OR_RETURN(ParsedConfig parsed, ParsedConfig::Parse(path, text));
//   FieldPlace registry = parsed.root().Child("registries", 0);
//   return registry.Bad(Reason::CONFIG_INVALID, "domain", "is missing");
//   // jpn.textproto:3: registries[0].domain is missing
#ifndef SERVICES_NODE_CONFIG_READER_H_
#define SERVICES_NODE_CONFIG_READER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/text_format.h"
#include "jcm/node/v1/config.pb.h"
#include "ledger/base/status.h"

namespace jcm::services {

// A message inside the file. Cheap to copy; lives no longer than its ParsedConfig.
class FieldPlace {
 public:
  // The message in `field`; `index` is -1 for a field that is not repeated.
  FieldPlace Child(absl::string_view field, int index = -1) const;

  // A status that names file, line and field. The line is the field's own, or its message's if it is not in the file.
  absl::Status Bad(Reason reason, absl::string_view field, absl::string_view what, int index = -1) const;

 private:
  friend class ParsedConfig;
  const google::protobuf::FieldDescriptor* Find(absl::string_view field) const;

  const std::string* file_ = nullptr;
  const google::protobuf::Descriptor* type_ = nullptr;
  google::protobuf::TextFormat::ParseInfoTree* tree_ = nullptr;  // null if the message is not in the file
  std::string prefix_;                                           // "registries[0]."
  int line_ = 1;
};

class ParsedConfig {
 public:
  // CONFIG_INVALID with file and line for text that is not a NodeConfig.
  static absl::StatusOr<ParsedConfig> Parse(const std::string& file, const std::string& text);

  const node::v1::NodeConfig& config() const { return *config_; }
  FieldPlace root() const;

 private:
  std::shared_ptr<std::string> file_;
  std::shared_ptr<node::v1::NodeConfig> config_;
  std::shared_ptr<google::protobuf::TextFormat::ParseInfoTree> tree_;
};

}  // namespace jcm::services

#endif  // SERVICES_NODE_CONFIG_READER_H_
