// SubmitStream: many bundles over one call, answered in the order in which they came.
//
//   SubmitStreams streams(environment);
//   return streams.Open(*context, AdmitWrite(...));       // the reactor that gRPC asks for
//   streams.Stop();                                       // before the server shuts down
//
// No thread waits for a stream: a client that sends nothing or reads nothing holds one place among kSubmitStreamsMax
// and what kStreamUnansweredMax bundles and answers need, no more. A bundle that is refused is answered with its
// refusal and the stream goes on. A client that goes away ends it; what it had sent may be recorded all the same.
#ifndef SERVICES_LEDGER_SUBMIT_STREAM_H_
#define SERVICES_LEDGER_SUBMIT_STREAM_H_

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/support/server_callback.h"
#include "jcm/registry/v1/ledger_service.pb.h"
#include "services/common/call.h"

namespace jcm::services {

// Open streams of one registry, and of one certificate's owner. One more gets QUEUE_FULL.
inline constexpr size_t kSubmitStreamsMax = 16;
inline constexpr size_t kSubmitStreamsPerCallerMax = 8;
// Bundles of one stream that were read and whose answers the client has not taken. At the limit nothing more is read,
// and the client's writes wait in the end.
inline constexpr size_t kStreamUnansweredMax = 16;

class SubmitStream;
using SubmitStreamReactor =
    grpc::ServerBidiReactor<jcm::registry::v1::SubmitStreamRequest, jcm::registry::v1::SubmitStreamResponse>;

// Thread-safe. Must outlive its streams: until the server that serves them has shut down.
class SubmitStreams {
 public:
  explicit SubmitStreams(const ServiceEnvironment& environment) : environment_(environment) {}

  // Owned by gRPC. If `caller` is an error, the stream ends with it.
  SubmitStreamReactor* Open(const grpc::CallbackServerContext& context, const absl::StatusOr<Caller>& caller);

  // Open streams answer what they have read and end with APPEND_UNKNOWN, since more may be on its way; new ones are
  // refused with it.
  void Stop();

 private:
  friend class SubmitStream;
  void Forget(const SubmitStream* stream);

  const ServiceEnvironment& environment_;
  std::mutex mutex_;
  bool stopped_ = false;
  struct Place {
    std::string caller;
    std::shared_ptr<SubmitStream> stream;
  };
  std::map<const SubmitStream*, Place> open_;
};

}  // namespace jcm::services

#endif  // SERVICES_LEDGER_SUBMIT_STREAM_H_
