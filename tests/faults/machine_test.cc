// What befalls one machine of a registry's three: its disk is full, or its clock is wrong. It says so and takes no part
// until that is over; its siblings go on; nothing is lost, and nothing is recorded at a wrong time.
//
// Clocks are Debian's libfaketime under one process alone; the machine's clock is never touched.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "tests/faults/desk.h"
#include "tests/faults/site.h"
#include "tests/faults/small_disk.h"
#include "tests/faults/story.h"

namespace jcm::faults {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSeed = 20'261'231;
constexpr int kReplicas = 3;
constexpr int kDiskMebibytes = 192;
constexpr int kClockSlackSeconds = 60;
constexpr char kServing[] = "\x08\x01";
constexpr char kNotServing[] = "\x08\x02";
// $LIB is the dynamic linker's own word.
constexpr char kFakeTime[] = "/usr/$LIB/faketime/libfaketimeMT.so.1";

const std::vector<std::string>& Nodes() {
  static const auto& nodes = *new std::vector<std::string>{"JPN/1", "JPN/2", "JPN/3"};
  return nodes;
}

class OneMachine : public ::testing::Test {
 protected:
  static SiteOptions Options() {
    SiteOptions options;
    options.replicas = {{"JPN", kReplicas}, {"THA", 1}};
    options.certificates_of_yesterday = true;
    return options;
  }

  void Begin() {
    story_.SetUp();
    ASSERT_TRUE(Eventually([&] { return story_.InStep(); }, 60)) << story_.Sizes();
  }
  // The node that orders, as it says itself.
  std::string Orders() {
    std::string orders;
    EXPECT_TRUE(Eventually([&] {
      for (const std::string& node : Nodes()) {
        const api::GetNodeStatusResponse status = site_.TryStatus(node);
        // One that has stopped orders nothing, and may be the last to hear who does.
        if (status.failure().empty() && absl::StrCat("JPN/", status.sequencer()) == node) orders = node;
      }
      return !orders.empty();
    }));
    return orders;
  }
  void Cancel() {
    ++serial_;
    story_.Cancel("JPN", absl::StrCat("C-", serial_), "government", serial_, serial_);
  }
  // What the node itself says to an act, without going on to another one. The act stays unknown until the end.
  std::string AnswerOf(const std::string& node) {
    for (const std::string& each : Nodes()) {
      if (each != node) site_.SendTo(each, false);
    }
    ++serial_;
    const Act act = story_.CancelAct("JPN", absl::StrCat("C-", serial_), "government", serial_, serial_);
    const absl::Status status = desk_.Send(act, api::WAIT_FOR_COMMITTED).status();
    desk_.Try(act, 0);
    for (const std::string& each : Nodes()) {
      if (each != node) site_.SendTo(each, true);
    }
    return ToText(status);
  }
  bool TakesPart(const std::string& node) {
    const api::GetNodeStatusResponse status = site_.TryStatus(node);
    return !status.replica().empty() && status.failure().empty() && status.quarantine().empty() && status.caught_up() &&
           status.clock_state() == "RUNNING";
  }
  // It answers, and stamps nothing.
  bool ClockIsStopped(const std::string& node) {
    const std::string state = site_.TryStatus(node).clock_state();
    return !state.empty() && state != "RUNNING";
  }
  // What balancers are told: a grpc.health.v1.HealthCheckResponse; empty without an answer.
  std::string HealthOf(const std::string& node) {
    grpc::GenericStub stub(site_.ChannelTo(node));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    const grpc::Slice nothing("");
    const grpc::ByteBuffer request(&nothing, 1);
    grpc::ByteBuffer response;
    std::promise<bool> done;
    stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                   [&done](const grpc::Status& status) { done.set_value(status.ok()); });
    grpc::Slice answer;
    if (!done.get_future().get() || !response.DumpToSingleSlice(&answer).ok()) return "";
    return std::string(reinterpret_cast<const char*>(answer.begin()), answer.size());
  }
  void CheckAll() {
    desk_.ResolveUnknown();
    ASSERT_TRUE(Eventually([&] { return story_.InStep(); }, 60)) << story_.Sizes();
    for (const std::string registry : {"JPN", "THA"}) {
      EXPECT_EQ(story_.CheckHistory(registry), "");
      EXPECT_EQ(desk_.CheckRemembered(registry, 0), desk_.AcknowledgedBy(registry).size());
      CheckTimes(registry);
    }
  }
  // Times never go back, and all of them are times at which this test ran.
  void CheckTimes(const std::string& registry) {
    int64_t last = begun_ - kClockSlackSeconds;
    for (const api::Entry& entry : story_.Entries(registry, kPartnership)) {
      EXPECT_GE(entry.batch_time().seconds(), last) << registry << " entry " << entry.sequence();
      last = entry.batch_time().seconds();
    }
    EXPECT_LE(last, Now() + kClockSlackSeconds) << registry;
  }
  static int64_t Now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  // The node's clock is so much ahead or behind from now on: "+0", "+1h", "-1h".
  void SetClock(const std::string& node, const std::string& offset) {
    const std::string path = ClockFile(node);
    std::ofstream(path + ".new", std::ios::trunc) << offset << "\n";
    std::filesystem::rename(path + ".new", path);
  }
  std::string ClockFile(const std::string& node) const { return absl::StrCat(site_.Path(node), ".clock"); }
  void StartWithClock(const std::string& node, const std::string& offset) {
    SetClock(node, offset);
    Site::StartOptions options;
    options.environment = {absl::StrCat("LD_PRELOAD=", kFakeTime),
                           absl::StrCat("FAKETIME_TIMESTAMP_FILE=", ClockFile(node)), "FAKETIME_NO_CACHE=1",
                           "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1"};
    site_.Start(node, options);
  }

  const int64_t begun_ = Now();
  Site site_{Options()};
  Desk desk_{site_, kSeed};
  Story story_{site_, desk_};
  uint64_t serial_ = 0;
};

TEST_F(OneMachine, WithAFullDiskRefusesAndComesBackWhenThereIsRoom) {
  std::map<std::string, std::unique_ptr<SmallDisk>> disks;
  for (const std::string& node : Nodes()) {
    disks[node] = std::make_unique<SmallDisk>(site_.Path(node), kDiskMebibytes);
  }
  for (const char* registry : {"JPN", "THA"}) site_.Start(registry);
  Begin();
  // First the one that orders, then one that follows.
  for (const bool ordering : {true, false}) {
    SCOPED_TRACE(ordering ? "the one that orders" : "one that follows");
    const std::string orders = Orders();
    const std::string full = ordering ? orders : orders == "JPN/1" ? "JPN/2" : "JPN/1";
    disks[full]->Fill();
    // Its siblings go on meanwhile.
    ASSERT_TRUE(Eventually([&] {
      Cancel();
      return !site_.TryStatus(full).failure().empty();
    })) << site_.TryStatus(full).ShortDebugString();
    EXPECT_THAT(site_.TryStatus(full).failure(), HasSubstr("No space left on device"));
    EXPECT_THAT(AnswerOf(full), HasSubstr("No space left on device"));
    for (int i = 0; i < 5; ++i) Cancel();
    EXPECT_FALSE(TakesPart(full));
    EXPECT_NE(Orders(), full);
    // It shows what it has, to those who ask it all the same.
    EXPECT_TRUE(Eventually([&] { return HealthOf(full) == kNotServing; }));
    EXPECT_TRUE(story_.TryRead(full, 0));

    disks[full]->MakeRoom();
    ASSERT_TRUE(Eventually([&] { return TakesPart(full); }, 60)) << site_.TryStatus(full).ShortDebugString();
    EXPECT_TRUE(Eventually([&] { return HealthOf(full) == kServing; }));
    // And is one of two of three again.
    const std::string other = Orders() == full || full != "JPN/3" ? "JPN/3" : "JPN/2";
    site_.Kill(other);
    Cancel();
    ASSERT_TRUE(Eventually([&] { return story_.InStep(); }, 60)) << story_.Sizes();
    site_.Start(other);
    ASSERT_TRUE(Eventually([&] { return TakesPart(other); }, 60));
  }
  CheckAll();
  for (const std::string& node : Nodes()) site_.Kill(node);  // before their disks go
}

TEST_F(OneMachine, WhoseClockJumpsStampsNothingUntilItIsRight) {
  ASSERT_EQ(std::system("faketime -f +0 true"), 0) << "install Debian's faketime (tools/install-packages)";
  for (const std::string& node : Nodes()) StartWithClock(node, "+0");
  StartWithClock("THA", "+0");
  Begin();
  for (const std::string step : {"+1h", "-1h"}) {
    SCOPED_TRACE(step);
    const std::string wrong = Orders();
    SetClock(wrong, step);
    // Whoever asks the wrong one is served all the same: another one orders now.
    Cancel();
    ASSERT_TRUE(Eventually([&] { return ClockIsStopped(wrong); })) << site_.TryStatus(wrong).ShortDebugString();
    EXPECT_NE(Orders(), wrong);
    for (int i = 0; i < 5; ++i) Cancel();
    SetClock(wrong, "+0");
    ASSERT_TRUE(Eventually([&] { return TakesPart(wrong); }, 60)) << site_.TryStatus(wrong).ShortDebugString();
  }
  // One that is started with a wrong clock.
  for (const std::string step : {"+1h", "-1h"}) {
    SCOPED_TRACE(step);
    site_.Kill("JPN/2");
    StartWithClock("JPN/2", step);
    for (int i = 0; i < 5; ++i) Cancel();
    ASSERT_TRUE(Eventually([&] { return ClockIsStopped("JPN/2"); })) << site_.TryStatus("JPN/2").ShortDebugString();
    EXPECT_NE(Orders(), "JPN/2");
    SetClock("JPN/2", "+0");
    ASSERT_TRUE(Eventually([&] { return TakesPart("JPN/2"); }, 60)) << site_.TryStatus("JPN/2").ShortDebugString();
  }
  // A government with a single node can only stop.
  SetClock("THA", "+1h");
  Act act = story_.CancelAct("THA", "C-late", "company", kIssuedPerSide + 1, kIssuedPerSide + 1);
  absl::Status refused;
  ASSERT_TRUE(Eventually([&] {
    refused = desk_.Send(act, api::WAIT_FOR_COMMITTED).status();
    return HasReason(refused, Reason::CLOCK_NOT_TRUSTED);
  })) << ToText(refused);
  SetClock("THA", "+0");
  // The partner's clock confirms that it is right again.
  ASSERT_TRUE(Eventually([&] { return TakesPart("THA"); }, 60)) << site_.TryStatus("THA").ShortDebugString();
  desk_.Acknowledge(act);
  CheckAll();
}

}  // namespace
}  // namespace jcm::faults
