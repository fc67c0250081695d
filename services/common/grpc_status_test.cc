#include "services/common/grpc_status.h"

#include <set>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace jcm::services {
namespace {

google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status wire;
  EXPECT_TRUE(wire.ParseFromString(status.error_details()));
  return wire;
}

TEST(GrpcStatus, CarriesReasonNumberDetailAndBothLanguages) {
  const grpc::Status status = ToGrpcStatus(Error(Reason::RANGE_INVALID, "first 10, last 9"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  google::rpc::ErrorInfo info;
  std::set<std::string> locales;
  const google::rpc::Status wire = Details(status);
  for (const auto& detail : wire.details()) {
    google::rpc::LocalizedMessage message;
    if (detail.UnpackTo(&info)) continue;
    if (detail.UnpackTo(&message)) {
      locales.insert(message.locale());
      EXPECT_FALSE(message.message().empty());
    }
  }
  EXPECT_EQ(info.reason(), "RANGE_INVALID");
  EXPECT_EQ(info.domain(), "jcm.registry");
  EXPECT_EQ(info.metadata().at("number"), "7003");
  EXPECT_EQ(info.metadata().at("detail"), "first 10, last 9");
  EXPECT_EQ(locales, (std::set<std::string>{"en", "ja"}));
}

TEST(GrpcStatus, KeepsEveryReasonOfTheCatalogueOnTheWayThereAndBack) {
  for (const ReasonInfo& row : Catalogue()) {
    const absl::Status back = FromGrpcStatus(ToGrpcStatus(Error(row.reason, "detail")));
    EXPECT_TRUE(HasReason(back, row.reason)) << row.name;
    EXPECT_EQ(back.code(), row.code) << row.name;
  }
}

TEST(GrpcStatus, SaysWhenToTryAgainOnlyWhereThatHelps) {
  const auto has_retry = [](Reason reason) {
    const google::rpc::Status wire = Details(ToGrpcStatus(Error(reason)));
    for (const auto& detail : wire.details()) {
      if (detail.Is<google::rpc::RetryInfo>()) return true;
    }
    return false;
  };
  EXPECT_TRUE(has_retry(Reason::QUEUE_FULL));
  EXPECT_TRUE(has_retry(Reason::APPEND_UNKNOWN));
  EXPECT_FALSE(has_retry(Reason::UNITS_FINAL));
  EXPECT_FALSE(has_retry(Reason::REQUEST_ID_REUSED));
}

TEST(GrpcStatus, EveryReasonOfTheSameCodeAsAFullQueueSaysWhenToTryAgain) {
  for (const ReasonInfo& row : Catalogue()) {
    if (row.code == absl::StatusCode::kResourceExhausted) {
      EXPECT_GT(RetryDelayMs(row.reason), 0u) << row.name;
    }
  }
}

TEST(GrpcStatus, TellsNobodyWhatAnInternalErrorWas) {
  const grpc::Status status = ToGrpcStatus(absl::InternalError("the secret is 42"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(status.error_message().find("42"), std::string::npos);
  EXPECT_EQ(status.error_details().find("42"), std::string::npos);
}

TEST(GrpcStatus, CutsALongDetailBetweenCharacters) {
  std::string text(kDetailBytesMax - 1, 'a');
  text += "号号";
  const absl::Status back = FromGrpcStatus(ToGrpcStatus(Error(Reason::FIELD_INVALID, text)));
  EXPECT_EQ(back.message(), std::string(kDetailBytesMax - 1, 'a'));
}

TEST(GrpcStatus, KeepsTheCodeOfATransportFailure) {
  const absl::Status back = FromGrpcStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection refused"));
  EXPECT_EQ(back.code(), absl::StatusCode::kUnavailable);
}

TEST(GrpcStatus, DoesNotTakeAReasonOfAnotherDomain) {
  google::rpc::ErrorInfo info;
  info.set_reason("UNITS_FINAL");
  info.set_domain("example.com");
  google::rpc::Status wire;
  wire.add_details()->PackFrom(info);
  const absl::Status back =
      FromGrpcStatus(grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "x", wire.SerializeAsString()));
  EXPECT_FALSE(HasReason(back, Reason::UNITS_FINAL));
}

}  // namespace
}  // namespace jcm::services
