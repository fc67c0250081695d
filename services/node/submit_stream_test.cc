// SubmitStream at a real node, with real TLS: order, refusals, limits, and clients that behave badly.
#include "services/ledger/submit_stream.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "ledger/base/keys.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"
#include "services/common/grpc_status.h"
#include "services/node/registry_node.h"
#include "services/node/testing/test_registry.h"
#include "tools/client/bundle_builder.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::TestSite;

constexpr char kOperator[] = "JPN/clients/person-operator-1";
constexpr char kAuditor[] = "JPN/clients/person-auditor-1";
constexpr char kRepresentative[] = "JPN/clients/person-representative-1";
constexpr char kGateway[] = "JPN/clients/program-gateway";
constexpr char kThaiNode[] = "THA/node";

// A client's end of one stream.
class Stream {
 public:
  explicit Stream(const std::shared_ptr<grpc::Channel>& channel, milliseconds timeout = seconds(60))
      : stub_(api::LedgerService::NewStub(channel)) {
    context_.set_deadline(std::chrono::system_clock::now() + timeout);
    stream_ = stub_->SubmitStream(&context_);
  }

  bool Send(const std::string& bundle, api::WaitFor wait_for = api::WAIT_FOR_COMMITTED, uint32_t timeout_ms = 0) {
    api::SubmitStreamRequest request;
    request.set_signed_bundle(bundle);
    request.set_wait_for(wait_for);
    request.set_timeout_ms(timeout_ms);
    return stream_->Write(request);
  }
  // Position 0: the stream has ended.
  api::SubmitStreamResponse Take() {
    api::SubmitStreamResponse response;
    if (!stream_->Read(&response)) response.Clear();
    return response;
  }
  void Cancel() { context_.TryCancel(); }
  void EndWrites() { stream_->WritesDone(); }
  absl::Status Finish() {
    for (api::SubmitStreamResponse rest = Take(); rest.position() != 0; rest = Take()) {
    }
    return FromGrpcStatus(stream_->Finish());
  }
  // Nothing more will be sent.
  absl::Status End() {
    EndWrites();
    return Finish();
  }

 private:
  const std::unique_ptr<api::LedgerService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<api::SubmitStreamRequest, api::SubmitStreamResponse>> stream_;
};

class SubmitStreamTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    site_ = new TestSite;
    auto japan = site_->Start("JPN", {});
    ASSERT_TRUE(japan.ok()) << japan.status();
    japan_ = japan->release();
  }
  static void TearDownTestSuite() {
    delete japan_;
    delete site_;
  }

  static std::shared_ptr<grpc::Channel> ChannelOf(const std::string& client) {
    return site_->Channel(japan_->port(), "JPN", client);
  }

  // Enrols a person, signed by the operator.
  static std::string Bundle() {
    static std::atomic<int> number{0};
    SystemRandom random;
    client::BundleBuilder builder("JPN", ledger::v1::BUNDLE_MODE_ATOMIC, random);
    ledger::v1::Command command;
    command.set_provenance(ledger::v1::PROVENANCE_NATIVE);
    auto* person = command.mutable_enrol_person();
    person->set_person_id("clerk-" + std::to_string(++number));
    person->add_roles(ledger::v1::ROLE_ACCOUNT_REPRESENTATIVE);
    auto* key = person->add_keys()->mutable_key();
    key->set_type(1);
    key->set_key(PrivateKey::Generate(random).public_key().bytes());
    EXPECT_TRUE(builder.Add("home", command).ok());
    return builder.Sign({*PrivateKey::FromPem(site_->Read("JPN/persons/operator-1.key"))})->bytes;
  }

  static absl::StatusOr<api::SubmitBundleResponse> SubmitAlone(const std::string& bundle) {
    const auto stub = api::LedgerService::NewStub(ChannelOf(kOperator));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + seconds(30));
    api::SubmitBundleRequest request;
    request.set_signed_bundle(bundle);
    api::SubmitBundleResponse response;
    JCM_RETURN_IF_ERROR(FromGrpcStatus(stub->SubmitBundle(&context, request, &response)));
    return response;
  }

  // Waits for what happens at the server a moment after the client has seen its part.
  static bool Eventually(const std::function<bool()>& condition) {
    for (int tried = 0; tried < 500; ++tried) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(20));
    }
    return false;
  }

  // Whether a new stream of this client is served; why not, if not.
  static absl::Status TryStream(const std::string& client) {
    Stream stream(ChannelOf(client));
    stream.Send("no bundle");
    if (stream.Take().position() == 1) return stream.End();
    return stream.Finish();
  }

  static TestSite* site_;
  static RegistryNode* japan_;
};

TestSite* SubmitStreamTest::site_ = nullptr;
RegistryNode* SubmitStreamTest::japan_ = nullptr;

TEST_F(SubmitStreamTest, RecordsInTheOrderOfTheStreamAndAnswersInIt) {
  constexpr uint64_t kBundles = 3 * kStreamUnansweredMax;
  Stream stream(ChannelOf(kOperator));
  std::thread writer([&] {
    for (uint64_t i = 0; i < kBundles; ++i) EXPECT_TRUE(stream.Send(Bundle()));
    stream.EndWrites();
  });
  uint64_t last = 0;
  for (uint64_t position = 1; position <= kBundles; ++position) {
    const api::SubmitStreamResponse response = stream.Take();
    EXPECT_EQ(response.position(), position);
    ASSERT_TRUE(response.has_outcome()) << response.DebugString();
    ASSERT_TRUE(response.outcome().results(0).accepted()) << response.DebugString();
    EXPECT_GT(response.outcome().results(0).sequence(), last);
    last = response.outcome().results(0).sequence();
  }
  writer.join();
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(SubmitStreamTest, GoesOnAfterABundleThatIsRefused) {
  const std::string bundle = Bundle();
  Stream stream(ChannelOf(kOperator));
  for (const std::string& each : {bundle, std::string("no bundle"), bundle, Bundle()}) ASSERT_TRUE(stream.Send(each));
  const api::SubmitStreamResponse first = stream.Take();
  ASSERT_TRUE(first.outcome().results(0).accepted()) << first.DebugString();
  const api::SubmitStreamResponse refused = stream.Take();
  EXPECT_EQ(refused.position(), 2u);
  EXPECT_EQ(refused.refusal().reason(), "MESSAGE_MALFORMED");
  EXPECT_EQ(refused.refusal().reason_number(), static_cast<uint32_t>(Reason::MESSAGE_MALFORMED));
  EXPECT_EQ(refused.refusal().code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_FALSE(refused.refusal().message_ja().empty());
  const api::SubmitStreamResponse again = stream.Take();
  EXPECT_TRUE(again.outcome().replayed());
  EXPECT_EQ(again.outcome().results(0).leaf_hash(), first.outcome().results(0).leaf_hash());
  EXPECT_TRUE(stream.Take().outcome().results(0).accepted());
  EXPECT_TRUE(stream.End().ok());
}

TEST_F(SubmitStreamTest, RefusesWhatIsWrongAroundABundleByItself) {
  Stream stream(ChannelOf(kOperator));
  ASSERT_TRUE(stream.Send(Bundle(), static_cast<api::WaitFor>(99)));
  ASSERT_TRUE(stream.Send(Bundle()));
  EXPECT_EQ(stream.Take().refusal().reason(), "FIELD_INVALID");
  EXPECT_TRUE(stream.Take().outcome().results(0).accepted());
  EXPECT_TRUE(stream.End().ok());
}

TEST_F(SubmitStreamTest, AnswersABundleAtItsOwnTimeoutAlthoughTheStreamHasMoreTime) {
  // The partner's node does not run: nobody cosigns.
  Stream stream(ChannelOf(kOperator));
  ASSERT_TRUE(stream.Send(Bundle(), api::WAIT_FOR_COSIGNED, 300));
  ASSERT_TRUE(stream.Send(Bundle()));
  EXPECT_EQ(stream.Take().refusal().reason(), "COSIGN_TIMEOUT");
  EXPECT_TRUE(stream.Take().outcome().results(0).accepted());
  EXPECT_TRUE(stream.End().ok());
}

TEST_F(SubmitStreamTest, IsOpenToThoseWhoMaySubmitBundlesAndNeedsADeadline) {
  EXPECT_TRUE(TryStream(kRepresentative).ok());
  for (const char* client : {kAuditor, kThaiNode}) {
    EXPECT_TRUE(HasReason(TryStream(client), Reason::METHOD_NOT_ALLOWED)) << client;
  }
  const auto stub = api::LedgerService::NewStub(ChannelOf(kOperator));
  grpc::ClientContext context;
  const auto stream = stub->SubmitStream(&context);
  EXPECT_TRUE(HasReason(FromGrpcStatus(stream->Finish()), Reason::DEADLINE_REQUIRED));
}

TEST_F(SubmitStreamTest, ReadsNoMoreFromAClientThatDoesNotReadAndGoesOnWhenItDoes) {
  constexpr uint64_t kBundles = 4'000;
  const std::string no_bundle(8 * 1024, 'x');
  // A window of 64 KiB for answers, which gRPC would else widen by what it has measured of the line.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  Stream stream(site_->Channel(japan_->port(), "JPN", kOperator, arguments));
  std::atomic<uint64_t> sent{0};
  std::thread writer([&] {
    for (uint64_t i = 0; i < kBundles; ++i) {
      if (!stream.Send(no_bundle)) return;
      ++sent;
    }
    stream.EndWrites();
  });
  // Until nothing moves any more.
  uint64_t before = 0;
  do {
    before = sent;
    std::this_thread::sleep_for(milliseconds(1'000));
  } while (sent != before);
  EXPECT_GT(before, 0u);
  EXPECT_LT(before, kBundles) << "the server has read everything";
  // The others don't notice.
  EXPECT_TRUE(SubmitAlone(Bundle()).ok());
  EXPECT_TRUE(TryStream(kOperator).ok());
  for (uint64_t position = 1; position <= kBundles; ++position) {
    ASSERT_EQ(stream.Take().position(), position);
  }
  writer.join();
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(SubmitStreamTest, ForgetsAClientThatGoesAwayButNotWhatItHadSent) {
  std::vector<std::string> bundles;
  for (size_t i = 0; i < 2 * kSubmitStreamsPerCallerMax; ++i) {
    bundles.push_back(Bundle());
    Stream stream(ChannelOf(kGateway));
    ASSERT_TRUE(stream.Send(bundles.back()));
    ASSERT_TRUE(stream.Take().outcome().results(0).accepted());
    bundles.push_back(Bundle());
    ASSERT_TRUE(stream.Send(bundles.back()));
    stream.Cancel();
    EXPECT_FALSE(stream.Finish().ok());
    // Its place is free again, or else there would be none left before the end of this loop.
    EXPECT_TRUE(Eventually([] { return TryStream(kGateway).ok(); }));
  }
  for (const std::string& bundle : bundles) {
    const absl::StatusOr<api::SubmitBundleResponse> outcome = SubmitAlone(bundle);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_TRUE(outcome->results(0).accepted());
  }
}

TEST_F(SubmitStreamTest, GivesThePlaceBackAtTheDeadlineOfAClientThatSaysNothing) {
  std::vector<std::unique_ptr<Stream>> silent;
  for (size_t i = 0; i < kSubmitStreamsPerCallerMax; ++i) {
    silent.push_back(std::make_unique<Stream>(ChannelOf(kGateway), seconds(3)));
    ASSERT_TRUE(silent.back()->Send("no bundle"));
    ASSERT_EQ(silent.back()->Take().position(), 1u);
  }
  EXPECT_TRUE(HasReason(TryStream(kGateway), Reason::QUEUE_FULL));
  EXPECT_TRUE(Eventually([] { return TryStream(kGateway).ok(); }));
  for (const auto& stream : silent) EXPECT_FALSE(stream->Finish().ok());
}

TEST_F(SubmitStreamTest, LimitsTheStreamsOfOneCallerAndOfAll) {
  std::vector<std::unique_ptr<Stream>> open;
  const auto fill = [&](const std::string& client) {
    for (size_t i = 0; i < kSubmitStreamsPerCallerMax; ++i) {
      open.push_back(std::make_unique<Stream>(ChannelOf(client)));
      ASSERT_TRUE(open.back()->Send("no bundle"));
      ASSERT_EQ(open.back()->Take().position(), 1u);
    }
  };
  // Of earlier tests' streams the server may still hold the ends.
  ASSERT_TRUE(Eventually([] { return TryStream(kGateway).ok() && TryStream(kRepresentative).ok(); }));
  fill(kGateway);
  const absl::Status one_more = TryStream(kGateway);
  EXPECT_TRUE(HasReason(one_more, Reason::QUEUE_FULL)) << one_more;
  EXPECT_EQ(one_more.message(), "submit_streams_per_caller");
  EXPECT_TRUE(TryStream(kOperator).ok()) << "another caller has places of its own";
  static_assert(2 * kSubmitStreamsPerCallerMax == kSubmitStreamsMax, "two callers fill all places");
  fill(kRepresentative);
  const absl::Status all_taken = TryStream(kOperator);
  EXPECT_TRUE(HasReason(all_taken, Reason::QUEUE_FULL)) << all_taken;
  EXPECT_EQ(all_taken.message(), "submit_streams");
  EXPECT_TRUE(SubmitAlone(Bundle()).ok()) << "single calls need no place";
  EXPECT_TRUE(open.back()->End().ok());
  EXPECT_TRUE(Eventually([] { return TryStream(kOperator).ok(); }));
}

TEST_F(SubmitStreamTest, EndsWithTheNodeWithoutHoldingItUp) {
  TestSite::Options options;
  options.folder = "JPN-2";
  auto node = site_->Start("JPN", options);
  ASSERT_TRUE(node.ok()) << node.status();
  Stream stream(site_->Channel((*node)->port(), "JPN", kOperator));
  ASSERT_TRUE(stream.Send("no bundle"));
  ASSERT_EQ(stream.Take().position(), 1u);
  const auto begin = std::chrono::steady_clock::now();
  (*node)->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(8)) << "a silent stream was waited for";
  EXPECT_TRUE(HasReason(stream.Finish(), Reason::APPEND_UNKNOWN));
}

}  // namespace
}  // namespace jcm::services
