#include "services/ledger/submit_stream.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "ledger/registry/registry_host.h"
#include "services/common/grpc_status.h"
#include "services/ledger/entry_view.h"
#include "services/ledger/submit_request.h"

namespace jcm::services {

namespace api = ::jcm::registry::v1;

namespace {

constexpr uint64_t kMicrosPerMilli = 1'000;

api::BundleRefusal ToRefusal(const absl::Status& status) {
  const ReasonInfo& row = Describe(*ReasonOf(status));
  api::BundleRefusal refusal;
  refusal.set_code(static_cast<int>(row.code));
  refusal.set_reason(row.name);
  refusal.set_reason_number(static_cast<uint32_t>(row.reason));
  refusal.set_message_en(row.english);
  refusal.set_message_ja(row.japanese);
  refusal.set_detail(DetailForCaller(status));
  refusal.set_retry_after_ms(RetryDelayMs(row.reason));
  return refusal;
}

// A stream that never begins.
class RefusedStream : public SubmitStreamReactor {
 public:
  explicit RefusedStream(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

// What a stream has read and not answered yet. gRPC's reactor lives until gRPC lets go of it; this lives on while
// the registry owes an outcome.
class SubmitStream : public std::enable_shared_from_this<SubmitStream> {
 public:
  SubmitStream(const ServiceEnvironment& environment, uint64_t deadline_us)
      : environment_(environment), deadline_us_(deadline_us) {}

  class Reactor : public SubmitStreamReactor {
   public:
    Reactor(SubmitStreams* streams, std::shared_ptr<SubmitStream> stream)
        : streams_(streams), stream_(std::move(stream)) {}
    // Each holds the stream by itself: finishing it may delete this reactor.
    void OnReadDone(bool ok) override { std::shared_ptr<SubmitStream>(stream_)->ReadDone(ok); }
    void OnWriteDone(bool ok) override { std::shared_ptr<SubmitStream>(stream_)->WriteDone(ok); }
    void OnCancel() override { std::shared_ptr<SubmitStream>(stream_)->Gone(); }
    void OnDone() override {
      streams_->Forget(stream_.get());
      delete this;
    }

   private:
    SubmitStreams* const streams_;
    const std::shared_ptr<SubmitStream> stream_;
  };

  SubmitStreamReactor* Begin(SubmitStreams* streams) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto* reactor = new Reactor(streams, shared_from_this());
    reactor_ = reactor;
    Advance();
    return reactor;
  }

  void Stop() {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    Advance();
  }

 private:
  void ReadDone(bool ok) {
    uint64_t position = 0;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!ok || gone_) {
        reading_ = false;
        read_all_ = true;
        return Advance();
      }
      answers_.emplace_back();
      position = ++read_;
    }
    // Without the lock, as the answer may come at once; but still `reading_`, so that bundles are handed in in order.
    HandIn(position);
    std::lock_guard<std::mutex> lock(mutex_);
    reading_ = false;
    Advance();
  }

  void HandIn(uint64_t position) {
    absl::Status fields = CheckNoUnknownFields(request_);
    if (!fields.ok()) return Answer(position, fields);
    uint64_t deadline_us = deadline_us_;
    if (request_.timeout_ms() > 0) {
      const uint64_t timeout_us = request_.timeout_ms() * kMicrosPerMilli;
      deadline_us = std::min(deadline_us, environment_.clock->MonotonicMicros() + timeout_us);
    }
    absl::StatusOr<registry::SubmitOptions> options =
        ToSubmitOptions(request_.wait_for(), request_.vault_keys(), deadline_us);
    if (!options.ok()) return Answer(position, options.status());
    environment_.host->Submit(
        std::move(*request_.mutable_signed_bundle()), *std::move(options),
        [self = shared_from_this(), position](const absl::StatusOr<registry::SubmitOutcome>& outcome) {
          self->Answer(position, outcome);
        });
  }

  void Answer(uint64_t position, const absl::StatusOr<registry::SubmitOutcome>& outcome) {
    api::SubmitStreamResponse response;
    response.set_position(position);
    if (outcome.ok()) {
      *response.mutable_outcome() = ToResponse(*outcome);
    } else {
      *response.mutable_refusal() = ToRefusal(outcome.status());
    }
    std::lock_guard<std::mutex> lock(mutex_);
    // Nothing is taken away before it is answered, except when nobody is there any more.
    if (finished_) return;
    answers_[position - written_ - 1] = std::move(response);
    Advance();
  }

  void WriteDone(bool ok) {
    std::lock_guard<std::mutex> lock(mutex_);
    writing_ = false;
    answers_.pop_front();
    ++written_;
    if (!ok) gone_ = true;
    Advance();
  }

  void Gone() {
    std::lock_guard<std::mutex> lock(mutex_);
    gone_ = true;
    Advance();
  }

  // Starts what can be started now. gRPC runs nothing of ours inside these calls but OnDone, which takes no lock of
  // this.
  void Advance() {
    if (reactor_ == nullptr || finished_) return;  // without a reactor: stopped before it has begun
    if (!gone_ && !writing_ && !answers_.empty() && answers_.front().has_value()) {
      writing_ = true;
      reactor_->StartWrite(&*answers_.front());  // a deque keeps its elements where they are
    }
    const bool reads_on = !gone_ && !read_all_ && !stopping_;
    if (reads_on && !reading_ && answers_.size() < kStreamUnansweredMax) {
      reading_ = true;
      request_.Clear();
      reactor_->StartRead(&request_);
    }
    if (writing_) return;
    if (gone_) return End(Error(Reason::APPEND_UNKNOWN, "the caller went away"));
    if (!answers_.empty() || reads_on) return;
    End(read_all_ ? absl::OkStatus() : Error(Reason::APPEND_UNKNOWN, "the node is stopping"));
  }

  void End(const absl::Status& status) {
    finished_ = true;
    reactor_->Finish(ToGrpcStatus(status));
  }

  const ServiceEnvironment& environment_;
  const uint64_t deadline_us_;
  std::mutex mutex_;
  Reactor* reactor_ = nullptr;        // since Begin; valid until finished
  api::SubmitStreamRequest request_;  // being read, or handed in
  std::deque<absl::optional<api::SubmitStreamResponse>> answers_;
  uint64_t read_ = 0;
  uint64_t written_ = 0;  // answers_[0] is that of bundle written_ + 1
  bool reading_ = false;
  bool writing_ = false;
  bool read_all_ = false;
  bool gone_ = false;
  bool stopping_ = false;
  bool finished_ = false;
};

SubmitStreamReactor* SubmitStreams::Open(const grpc::CallbackServerContext& context,
                                         const absl::StatusOr<Caller>& caller) {
  if (!caller.ok()) return new RefusedStream(caller.status());
  const std::string name = caller->identity.ToString();
  auto stream =
      std::make_shared<SubmitStream>(environment_, environment_.clock->MonotonicMicros() + RemainingMicros(context));
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return new RefusedStream(Error(Reason::APPEND_UNKNOWN, "the node is stopping"));
    const auto same =
        std::count_if(open_.begin(), open_.end(), [&name](const auto& entry) { return entry.second.caller == name; });
    if (static_cast<size_t>(same) >= kSubmitStreamsPerCallerMax) {
      return new RefusedStream(Error(Reason::QUEUE_FULL, "submit_streams_per_caller"));
    }
    if (open_.size() >= kSubmitStreamsMax) return new RefusedStream(Error(Reason::QUEUE_FULL, "submit_streams"));
    open_[stream.get()] = Place{name, stream};
  }
  return stream->Begin(this);
}

void SubmitStreams::Forget(const SubmitStream* stream) {
  std::lock_guard<std::mutex> lock(mutex_);
  open_.erase(stream);
}

void SubmitStreams::Stop() {
  std::vector<std::shared_ptr<SubmitStream>> streams;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    for (const auto& entry : open_) streams.push_back(entry.second.stream);
  }
  for (const std::shared_ptr<SubmitStream>& stream : streams) stream->Stop();
}

}  // namespace jcm::services
