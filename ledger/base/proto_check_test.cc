#include "ledger/base/proto_check.h"

#include <string>

#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/unknown_field_set.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::Struct;
using google::protobuf::Timestamp;
using google::protobuf::Value;

TEST(ParseStrict, ReadsAMessageItKnows) {
  Timestamp written, read;
  written.set_seconds(7);
  read.set_nanos(9);
  EXPECT_TRUE(ParseStrict(written.SerializeAsString(), &read).ok());
  EXPECT_EQ(read.seconds(), 7);
  EXPECT_EQ(read.nanos(), 0);
}

TEST(ParseStrict, RefusesBytesThatAreNoMessage) {
  Timestamp message;
  EXPECT_TRUE(HasReason(ParseStrict("\x08", &message), Reason::MESSAGE_MALFORMED));
  EXPECT_TRUE(HasReason(ParseStrict("\xff\xff\xff", &message), Reason::MESSAGE_MALFORMED));
  EXPECT_TRUE(HasReason(ParseStrict(std::string(1, '\0'), &message), Reason::MESSAGE_MALFORMED));
  EXPECT_TRUE(HasReason(ParseStrict("\x0c", &message), Reason::MESSAGE_MALFORMED));
}

TEST(ParseStrict, RefusesTextThatIsNotUtf8) {
  Value value;
  EXPECT_TRUE(HasReason(ParseStrict("\x1a\x01\xff", &value), Reason::MESSAGE_MALFORMED));
}

TEST(ParseStrict, RefusesAnUnknownFieldAtTheTop) {
  Timestamp message;
  EXPECT_TRUE(HasReason(ParseStrict("\x08\x07\x18\x01", &message), Reason::UNKNOWN_FIELD));
}

TEST(ParseStrict, RefusesAnUnknownFieldInSingleRepeatedAndMapFields) {
  DescriptorProto outer;
  outer.add_field();
  outer.add_field()->mutable_options()->mutable_unknown_fields()->AddVarint(77, 1);
  DescriptorProto read;
  EXPECT_TRUE(HasReason(ParseStrict(outer.SerializeAsString(), &read), Reason::UNKNOWN_FIELD));

  Struct map;
  Value& value = (*map.mutable_fields())["key"];
  value.set_number_value(1);
  Struct read_map;
  EXPECT_TRUE(ParseStrict(map.SerializeAsString(), &read_map).ok());
  EXPECT_TRUE(CheckNoUnknownFields(read_map).ok());
  value.GetReflection()->MutableUnknownFields(&value)->AddVarint(77, 1);
  EXPECT_TRUE(HasReason(ParseStrict(map.SerializeAsString(), &read_map), Reason::UNKNOWN_FIELD));
  EXPECT_TRUE(HasReason(CheckNoUnknownFields(read_map), Reason::UNKNOWN_FIELD));
}

TEST(ParseStrict, RefusesDeepNesting) {
  auto nested = [](int depth) {
    DescriptorProto outer;
    DescriptorProto* inner = &outer;
    for (int i = 0; i < depth; ++i) inner = inner->add_nested_type();
    inner->set_name("x");
    return outer.SerializeAsString();
  };
  DescriptorProto read;
  EXPECT_TRUE(ParseStrict(nested(kMessageDepthMax), &read).ok());
  EXPECT_TRUE(HasReason(ParseStrict(nested(kMessageDepthMax + 1), &read), Reason::MESSAGE_MALFORMED));
}

}  // namespace
}  // namespace jcm
