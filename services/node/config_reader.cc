#include "services/node/config_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"

namespace jcm::services {
namespace {

using google::protobuf::TextFormat;

// Keeps the first error; lines count from 0 here and from 1 for people.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    if (!text_.empty()) return;
    text_ = absl::StrCat(std::max(line, 0) + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string Indexed(absl::string_view field, int index) {
  return index < 0 ? std::string(field) : absl::StrCat(field, "[", index, "]");
}

}  // namespace

const google::protobuf::FieldDescriptor* FieldPlace::Find(absl::string_view field) const {
  const auto* descriptor = type_->FindFieldByName(std::string(field));
  JCM_CHECK(descriptor != nullptr);
  return descriptor;
}

FieldPlace FieldPlace::Child(absl::string_view field, int index) const {
  const auto* descriptor = Find(field);
  FieldPlace child;
  child.file_ = file_;
  child.type_ = descriptor->message_type();
  child.prefix_ = absl::StrCat(prefix_, Indexed(field, index), ".");
  child.line_ = line_;
  if (tree_ != nullptr) {
    child.tree_ = tree_->GetTreeForNested(descriptor, index);
    const TextFormat::ParseLocation location = tree_->GetLocation(descriptor, index);
    if (location.line >= 0) child.line_ = location.line + 1;
  }
  return child;
}

absl::Status FieldPlace::Bad(Reason reason, absl::string_view field, absl::string_view what, int index) const {
  int line = line_;
  const auto* descriptor = Find(field);
  if (tree_ != nullptr && descriptor->is_repeated() == (index >= 0)) {
    const TextFormat::ParseLocation location = tree_->GetLocation(descriptor, index);
    if (location.line >= 0) line = location.line + 1;
  }
  return Error(reason, absl::StrCat(*file_, ":", line, ": ", prefix_, Indexed(field, index), " ", what));
}

absl::StatusOr<ParsedConfig> ParsedConfig::Parse(const std::string& file, const std::string& text) {
  ParsedConfig parsed;
  parsed.file_ = std::make_shared<std::string>(file);
  parsed.config_ = std::make_shared<node::v1::NodeConfig>();
  parsed.tree_ = std::make_shared<TextFormat::ParseInfoTree>();
  FirstError errors;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.WriteLocationsTo(parsed.tree_.get());
  if (!parser.ParseFromString(text, parsed.config_.get())) {
    return Error(Reason::CONFIG_INVALID, absl::StrCat(file, ":", errors.text()));
  }
  return parsed;
}

FieldPlace ParsedConfig::root() const {
  FieldPlace place;
  place.file_ = file_.get();
  place.type_ = node::v1::NodeConfig::descriptor();
  place.tree_ = tree_.get();
  return place;
}

}  // namespace jcm::services
