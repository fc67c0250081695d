#include "services/node_admin/node_service.h"

#include "absl/strings/match.h"
#include "services/common/resource_name.h"
#include "services/ledger/entry_view.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;

constexpr size_t kPathBytesMax = 1'024;

void AddBook(const registry::OwnBookInfo& from, api::BookStatus* to) {
  to->set_book(BookName(from.info.book));
  to->set_state(from.state);
  to->set_size(from.info.size);
  to->set_checkpoint_size(from.info.checkpoint_size);
  to->set_cosigned_size(from.info.cosigned_size);
  to->set_last_state_root_size(from.last_state_root_size);
  to->set_known_size(from.known_size);
  to->set_recovered_entries(from.recovered_entries);
}

void AddPartner(const registry::PartnerInfo& from, api::PartnerStatus* to) {
  to->set_registry(from.registry);
  to->set_partnership(from.partnership);
  to->set_reachable(from.reachable);
  to->set_mirror_size(from.mirror_size);
  to->set_executed_size(from.executed_size);
  to->set_imported_size(from.imported_size);
  to->set_cosigned_size(from.cosigned_size);
  to->set_peer_checkpoint_size(from.peer_checkpoint_size);
  to->set_clock_skew_us(from.clock_skew_us);
  to->set_halt(from.halt);
  to->set_refused_messages(from.refused_messages);
  to->set_oldest_in_transit_us(from.oldest_in_transit_us);
  to->set_last_error(from.last_error);
}

void AddReplicas(const registry::RegistryStatus& status, api::GetNodeStatusResponse* response) {
  response->set_replica(status.replica);
  response->set_sequencer(status.sequencer);
  response->set_quarantine(status.quarantine);
  response->set_caught_up(status.caught_up);
  response->set_log_error(status.log_error);
  response->set_log_waiting_bytes(status.log_waiting_bytes);
  response->set_failure(status.failure);
  for (const registry::SiblingInfo& from : status.siblings) {
    api::ReplicaStatus* to = response->add_siblings();
    to->set_replica(from.name);
    to->set_reachable(from.reachable);
    to->set_applied_index(from.applied_index);
    to->set_durable_index(from.durable_index);
    to->set_sequencing(from.sequencing);
    to->set_clock_skew_us(from.clock_skew_us);
    to->set_quarantine(from.quarantine);
    to->set_last_error(from.last_error);
  }
}

const char* StepName(BackupRunner::Step step) {
  switch (step) {
    case BackupRunner::Step::kCopy:
      return "COPY";
    case BackupRunner::Step::kSeal:
      return "SEAL";
    case BackupRunner::Step::kVerifyNewest:
      return "VERIFY_NEWEST";
  }
  return "";
}

void FillRun(const BackupRunner::Run& from, api::BackupRun* to) {
  to->set_state(!from.ended        ? api::BackupRun::STATE_RUNNING
                : from.status.ok() ? api::BackupRun::STATE_DONE
                                   : api::BackupRun::STATE_FAILED);
  to->set_set_directory(from.request.set_directory);
  to->set_name(from.request.name);
  to->set_step(StepName(from.step));
  to->set_bytes_done(from.bytes_done);
  to->set_bytes_total(from.bytes_total);
  *to->mutable_started() = ToTimestamp(from.started);
  if (from.ended) *to->mutable_ended() = ToTimestamp(from.ended_at);
  if (from.ended && !from.status.ok()) {
    to->set_error(static_cast<uint32_t>(*ReasonOf(from.status)));
    to->set_error_detail(std::string(from.status.message()));
  }
  to->set_applied_index(from.applied_index);
  to->set_bytes(from.bytes);
  to->set_bytes_written(from.bytes_written);
  to->set_copy_micros(from.copy_micros);
  for (const std::string& name : from.removed) to->add_removed(name);
}

}  // namespace

grpc::ServerUnaryReactor* NodeServiceImpl::GetNodeStatus(grpc::CallbackServerContext* context,
                                                         const api::GetNodeStatusRequest* request,
                                                         api::GetNodeStatusResponse* response) {
  return AnswerOfNode(
      environment_, context, "/jcm.registry.v1.NodeService/GetNodeStatus", request, response,
      [this](const Caller&, const api::GetNodeStatusRequest&, api::GetNodeStatusResponse* response) -> absl::Status {
        const registry::RegistryStatus status = environment_.host->Status();
        response->set_registry(environment_.registry);
        response->set_domain(environment_.domain);
        response->set_demonstration(environment_.demonstration);
        response->set_clock_state(status.clock_state);
        *response->mutable_now() = ToTimestamp(status.now);
        response->set_applied_index(status.applied_index);
        response->set_durable_index(status.durable_index);
        response->set_generation(status.generation);
        response->set_offsite_acknowledged_index(status.offsite_acknowledged_index);
        for (const registry::OwnBookInfo& book : status.books) AddBook(book, response->add_books());
        for (const registry::PartnerInfo& partner : status.partners) AddPartner(partner, response->add_partners());
        for (const auto& lane : status.lanes) {
          api::LaneStatus* to = response->add_lanes();
          to->set_lane(lane.name);
          to->set_depth(lane.depth);
          to->set_limit(lane.limit);
        }
        for (const std::string& warning : status.warnings) response->add_warnings(warning);
        AddReplicas(status, response);
        const absl::optional<RestoreReport> restored = restore_->Last();
        if (restored.has_value()) {
          response->mutable_restore()->set_backup(restored->backup);
          response->mutable_restore()->set_complete(restored->complete);
          response->mutable_restore()->set_text(restored->text);
        }
        response->set_metrics(MetricsText(environment_.registry, status, figures_()));
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* NodeServiceImpl::CreateBackup(grpc::CallbackServerContext* context,
                                                        const api::CreateBackupRequest* request,
                                                        api::CreateBackupResponse* response) {
  return AnswerWrite(environment_, context, "/jcm.registry.v1.NodeService/CreateBackup", request, response,
                     [this](const Caller&, const api::CreateBackupRequest& request,
                            api::CreateBackupResponse* response) -> absl::Status {
                       if (!absl::StartsWith(request.directory(), "/") || request.directory().size() > kPathBytesMax) {
                         return Error(Reason::FIELD_INVALID, "directory must be an absolute path");
                       }
                       // What was applied before the copy began is in it.
                       const uint64_t applied_index = environment_.host->Status().applied_index;
                       JCM_RETURN_IF_ERROR(environment_.host->Backup(request.directory()));
                       response->set_applied_index(applied_index);
                       return absl::OkStatus();
                     });
}

grpc::ServerUnaryReactor* NodeServiceImpl::StartBackup(grpc::CallbackServerContext* context,
                                                       const api::StartBackupRequest* request,
                                                       api::BackupRun* response) {
  return AnswerWrite(
      environment_, context, "/jcm.registry.v1.NodeService/StartBackup", request, response,
      [this](const Caller&, const api::StartBackupRequest& request, api::BackupRun* response) -> absl::Status {
        JCM_RETURN_IF_ERROR(backups_->Start({request.set_directory(), request.name(), request.keep()}));
        FillRun(*backups_->Last(), response);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* NodeServiceImpl::GetBackupRun(grpc::CallbackServerContext* context,
                                                        const api::GetBackupRunRequest* request,
                                                        api::BackupRun* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.NodeService/GetBackupRun", request, response,
                    [this](const ReadCall&, const api::GetBackupRunRequest&, api::BackupRun* response) -> absl::Status {
                      const absl::optional<BackupRunner::Run> run = backups_->Last();
                      if (!run.has_value()) return Error(Reason::NOT_FOUND, "no backup since the node was started");
                      FillRun(*run, response);
                      return absl::OkStatus();
                    });
}

grpc::ServerUnaryReactor* NodeServiceImpl::AgreeGeneration(grpc::CallbackServerContext* context,
                                                           const api::AgreeGenerationRequest* request,
                                                           api::AgreeGenerationResponse* response) {
  return AnswerWrite(environment_, context, "/jcm.registry.v1.NodeService/AgreeGeneration", request, response,
                     [this](const Caller&, const api::AgreeGenerationRequest& request,
                            api::AgreeGenerationResponse* response) -> absl::Status {
                       JCM_ASSIGN_OR_RETURN(
                           *response->mutable_agreement(),
                           environment_.host->AgreeGeneration(request.agreement(), request.generation()));
                       return absl::OkStatus();
                     });
}

grpc::ServerUnaryReactor* NodeServiceImpl::StartGeneration(grpc::CallbackServerContext* context,
                                                           const api::StartGenerationRequest* request,
                                                           api::StartGenerationResponse* response) {
  return AnswerWrite(environment_, context, "/jcm.registry.v1.NodeService/StartGeneration", request, response,
                     [this](const Caller&, const api::StartGenerationRequest& request,
                            api::StartGenerationResponse* response) -> absl::Status {
                       JCM_ASSIGN_OR_RETURN(
                           const registry::GenerationProposal started,
                           environment_.host->StartGeneration(request.agreement(),
                                                              {request.without().begin(), request.without().end()}));
                       response->set_generation(started.generation);
                       response->set_after_index(started.after.index);
                       return absl::OkStatus();
                     });
}

}  // namespace jcm::services
