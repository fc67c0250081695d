// jcm.registry.v1.LedgerService: the one door for writes, and everything by which a reader checks the registry.
//
// Entries of `home` are for operators and auditors; books of partnerships, which name nobody, for all own clients.
#ifndef SERVICES_LEDGER_LEDGER_SERVICE_H_
#define SERVICES_LEDGER_LEDGER_SERVICE_H_

#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "services/common/call.h"
#include "services/ledger/submit_stream.h"

namespace jcm::services {

class LedgerServiceImpl : public jcm::registry::v1::LedgerService::CallbackService {
 public:
  // `environment` must outlive the service.
  explicit LedgerServiceImpl(const ServiceEnvironment& environment)
      : environment_(environment), streams_(environment) {}

  // Ends open streams as soon as they have answered what they have read; new ones are refused. Call it before the
  // server shuts down, which else waits for streams whose clients say nothing.
  void StopStreams() { streams_.Stop(); }

  grpc::ServerUnaryReactor* SubmitBundle(grpc::CallbackServerContext* context,
                                         const jcm::registry::v1::SubmitBundleRequest* request,
                                         jcm::registry::v1::SubmitBundleResponse* response) override;
  grpc::ServerBidiReactor<jcm::registry::v1::SubmitStreamRequest, jcm::registry::v1::SubmitStreamResponse>*
  SubmitStream(grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* ListBooks(grpc::CallbackServerContext* context,
                                      const jcm::registry::v1::ListBooksRequest* request,
                                      jcm::registry::v1::ListBooksResponse* response) override;
  grpc::ServerUnaryReactor* ListEntries(grpc::CallbackServerContext* context,
                                        const jcm::registry::v1::ListEntriesRequest* request,
                                        jcm::registry::v1::ListEntriesResponse* response) override;
  grpc::ServerUnaryReactor* GetEntry(grpc::CallbackServerContext* context,
                                     const jcm::registry::v1::GetEntryRequest* request,
                                     jcm::registry::v1::GetEntryResponse* response) override;
  grpc::ServerUnaryReactor* GetCheckpoint(grpc::CallbackServerContext* context,
                                          const jcm::registry::v1::GetCheckpointRequest* request,
                                          jcm::registry::v1::GetCheckpointResponse* response) override;
  grpc::ServerUnaryReactor* GetReceipt(grpc::CallbackServerContext* context,
                                       const jcm::registry::v1::GetReceiptRequest* request,
                                       jcm::registry::v1::GetReceiptResponse* response) override;
  grpc::ServerUnaryReactor* ExportMirror(grpc::CallbackServerContext* context,
                                         const jcm::registry::v1::ExportMirrorRequest* request,
                                         jcm::registry::v1::ExportMirrorResponse* response) override;
  grpc::ServerUnaryReactor* ImportMirror(grpc::CallbackServerContext* context,
                                         const jcm::registry::v1::ImportMirrorRequest* request,
                                         jcm::registry::v1::ImportMirrorResponse* response) override;
  grpc::ServerUnaryReactor* SubmitStatement(grpc::CallbackServerContext* context,
                                            const jcm::registry::v1::SubmitStatementRequest* request,
                                            jcm::registry::v1::SubmitStatementResponse* response) override;

 private:
  const ServiceEnvironment& environment_;
  SubmitStreams streams_;
};

}  // namespace jcm::services

#endif  // SERVICES_LEDGER_LEDGER_SERVICE_H_
