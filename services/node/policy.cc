#include "services/node/policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ledger/base/status.h"

namespace jcm::services {
namespace {

constexpr RoleSet kEverybody = ChannelRole::kPublic;
constexpr RoleSet kOwnClients = ChannelRole::kClient;
constexpr RoleSet kReaders = ChannelRole::kClient | ChannelRole::kOperator | ChannelRole::kAuditor;
constexpr RoleSet kOversight = ChannelRole::kOperator | ChannelRole::kAuditor;
constexpr RoleSet kOperators = ChannelRole::kOperator;
constexpr RoleSet kPartners = ChannelRole::kPartnerNode;
constexpr RoleSet kSiblings = ChannelRole::kSiblingNode;

constexpr bool kRead = false;
constexpr bool kWrite = true;

constexpr PolicyRow kTable[] = {
    {"/jcm.registry.v1.LedgerService/SubmitBundle", kOwnClients, kWrite},
    {"/jcm.registry.v1.LedgerService/SubmitStream", kOwnClients, kWrite},
    {"/jcm.registry.v1.LedgerService/ListBooks", kReaders, kRead},
    {"/jcm.registry.v1.LedgerService/ListEntries", kReaders, kRead},
    {"/jcm.registry.v1.LedgerService/GetEntry", kReaders, kRead},
    {"/jcm.registry.v1.LedgerService/GetCheckpoint", kReaders, kRead},
    {"/jcm.registry.v1.LedgerService/GetReceipt", kReaders, kRead},
    {"/jcm.registry.v1.LedgerService/ExportMirror", kOversight, kRead},
    {"/jcm.registry.v1.LedgerService/ImportMirror", kOperators, kWrite},
    {"/jcm.registry.v1.LedgerService/SubmitStatement", kOperators, kWrite},
    {"/jcm.registry.v1.RulebookService/ListRulebooks", kReaders, kRead},
    {"/jcm.registry.v1.RulebookService/GetRulebook", kReaders, kRead},
    {"/jcm.registry.v1.RulebookService/GetPartnership", kReaders, kRead},
    {"/jcm.registry.v1.RulebookService/ListPartnerships", kReaders, kRead},
    {"/jcm.registry.v1.ProjectService/ListProjects", kReaders, kRead},
    {"/jcm.registry.v1.ProjectService/GetProject", kReaders, kRead},
    {"/jcm.registry.v1.MethodologyService/ListMethodologies", kReaders, kRead},
    {"/jcm.registry.v1.MethodologyService/GetMethodology", kReaders, kRead},
    {"/jcm.registry.v1.ThirdPartyEntityService/ListThirdPartyEntities", kReaders, kRead},
    {"/jcm.registry.v1.ThirdPartyEntityService/GetThirdPartyEntity", kReaders, kRead},
    {"/jcm.registry.v1.HistoryService/GetHistory", kReaders, kRead},
    {"/jcm.registry.v1.DossierService/ListDossiers", kReaders, kRead},
    {"/jcm.registry.v1.DossierService/GetDossier", kReaders, kRead},
    {"/jcm.registry.v1.DossierService/ListInbox", kReaders, kRead},
    {"/jcm.registry.v1.DossierService/GetPipeline", kReaders, kRead},
    {"/jcm.registry.v1.PublicationService/ListRecordsAtCheckpoint", kReaders, kRead},
    {"/jcm.registry.v1.JointCommitteeService/ListMembers", kReaders, kRead},
    {"/jcm.registry.v1.JointCommitteeService/ListDecisions", kReaders, kRead},
    {"/jcm.registry.v1.JointCommitteeService/GetDecision", kReaders, kRead},
    {"/jcm.registry.v1.JointCommitteeService/ListConflicts", kReaders, kRead},
    {"/jcm.registry.v1.AccountService/ListAccounts", kReaders, kRead},
    {"/jcm.registry.v1.AccountService/ListPersons", kReaders, kRead},
    {"/jcm.registry.v1.AccountService/ResolveHandle", kReaders, kRead},
    {"/jcm.registry.v1.IssuanceService/ListIssuances", kReaders, kRead},
    {"/jcm.registry.v1.IssuanceService/ListLots", kReaders, kRead},
    {"/jcm.registry.v1.IssuanceService/GetReconciliation", kReaders, kRead},
    {"/jcm.registry.v1.IssuanceService/GetIssuanceFile", kReaders, kRead},
    {"/jcm.registry.v1.OperationService/ListUnitBlocks", kReaders, kRead},
    {"/jcm.registry.v1.OperationService/ListTransfers", kReaders, kRead},
    {"/jcm.registry.v1.OperationService/ListRetirements", kReaders, kRead},
    {"/jcm.registry.v1.OperationService/ListCancellations", kReaders, kRead},
    {"/jcm.registry.v1.Article6Service/ListAuthorizations", kReaders, kRead},
    {"/jcm.registry.v1.Article6Service/ListFirstTransfers", kReaders, kRead},
    {"/jcm.registry.v1.Article6Service/ListOutgoingTransfers", kReaders, kRead},
    {"/jcm.registry.v1.Article6Service/ListIncomingTransfers", kReaders, kRead},
    {"/jcm.registry.v1.NodeService/GetNodeStatus", kOversight, kRead},
    {"/jcm.registry.v1.NodeService/CreateBackup", kOperators, kWrite},
    {"/jcm.registry.v1.NodeService/StartBackup", kOperators, kWrite},
    {"/jcm.registry.v1.NodeService/GetBackupRun", kOversight, kRead},
    {"/jcm.registry.v1.NodeService/AgreeGeneration", kOperators, kWrite},
    {"/jcm.registry.v1.NodeService/StartGeneration", kOperators, kWrite},
    {"/jcm.mirror.v1.MirrorService/ReadEntries", kPartners, kRead},
    {"/jcm.mirror.v1.MirrorService/AddCosignature", kPartners, kWrite},
    {"/jcm.mirror.v1.MirrorService/ReadMirror", kPartners, kRead},
    {"/jcm.mirror.v1.MirrorService/PutOffsite", kPartners, kWrite},
    {"/jcm.mirror.v1.MirrorService/ReadOffsite", kPartners, kRead},
    {"/jcm.replica.v1.ReplicaService/Exchange", kSiblings, kRead},
    {"/jcm.replica.v1.ReplicaService/Forward", kSiblings, kWrite},
    {"/jcm.replica.v1.ReplicaService/ForwardStatement", kSiblings, kWrite},
    {"/jcm.replica.v1.ReplicaService/CosignPage", kSiblings, kWrite},
    {"/jcm.replica.v1.ReplicaService/KeepOffsite", kSiblings, kWrite},
    {"/jcm.replica.v1.ReplicaService/KeepVaultKeys", kSiblings, kWrite},
    {"/jcm.replica.v1.ReplicaService/ReadVaultKeys", kSiblings, kRead},
    {"/jcm.replica.v1.ReplicaService/ReadSnapshot", kSiblings, kRead},
    // gRPC's own services.
    {"/grpc.health.v1.Health/Check", kEverybody, kRead},
    {"/grpc.health.v1.Health/Watch", kEverybody, kRead},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", kEverybody, kRead},
    {"/grpc.channelz.v1.Channelz/GetTopChannels", kOversight, kRead},
    {"/grpc.channelz.v1.Channelz/GetServers", kOversight, kRead},
    {"/grpc.channelz.v1.Channelz/GetServer", kOversight, kRead},
    {"/grpc.channelz.v1.Channelz/GetServerSockets", kOversight, kRead},
    {"/grpc.channelz.v1.Channelz/GetChannel", kOversight, kRead},
    {"/grpc.channelz.v1.Channelz/GetSubchannel", kOversight, kRead},
    {"/grpc.channelz.v1.Channelz/GetSocket", kOversight, kRead},
};

}  // namespace

std::string ToString(RoleSet roles) {
  constexpr std::pair<ChannelRole, const char*> kNames[] = {{ChannelRole::kPublic, "PUBLIC"},
                                                            {ChannelRole::kClient, "CLIENT"},
                                                            {ChannelRole::kOperator, "OPERATOR"},
                                                            {ChannelRole::kAuditor, "AUDITOR"},
                                                            {ChannelRole::kPartnerNode, "PARTNER_NODE"},
                                                            {ChannelRole::kSiblingNode, "SIBLING_NODE"}};
  std::vector<std::string> names;
  for (const auto& [role, name] : kNames) {
    if (roles.Has(role)) names.push_back(name);
  }
  return absl::StrJoin(names, ", ");
}

absl::Span<const PolicyRow> PolicyTable() { return kTable; }

const PolicyRow* FindPolicyRow(absl::string_view method) {
  const auto* row = std::find_if(std::begin(kTable), std::end(kTable),
                                 [method](const PolicyRow& candidate) { return candidate.method == method; });
  return row == std::end(kTable) ? nullptr : row;
}

RoleSet Policy::RolesOf(const Identity& identity) const {
  RoleSet roles = ChannelRole::kPublic;
  if (identity.registry != options_.registry) {
    const bool partner = identity.kind == IdentityKind::kNode && options_.partners.count(identity.registry) > 0;
    return partner ? roles | ChannelRole::kPartnerNode : roles;
  }
  // A node's certificate lies on a server; it opens nothing but the siblings' door, and only where it is expected.
  if (identity.kind == IdentityKind::kNode) {
    return options_.siblings.count(identity.name) > 0 ? roles | ChannelRole::kSiblingNode : roles;
  }
  const auto extra = options_.roles_by_identity.find(identity.ToString());
  if (extra == options_.roles_by_identity.end()) return roles | ChannelRole::kClient;
  // An auditor's channel carries no acts.
  const bool reads_only = extra->second.Has(ChannelRole::kAuditor) && !extra->second.Has(ChannelRole::kOperator);
  return reads_only ? roles | extra->second : roles | ChannelRole::kClient | extra->second;
}

absl::StatusOr<Caller> Policy::Authorize(absl::string_view method,
                                         const std::vector<std::string>& certificate_uris) const {
  const PolicyRow* row = FindPolicyRow(method);
  if (row == nullptr) return Error(Reason::METHOD_NOT_ALLOWED, absl::StrCat("no rule allows ", method));
  if (row->allowed.Has(ChannelRole::kPublic)) return Caller{Identity{}, ChannelRole::kPublic};

  JCM_ASSIGN_OR_RETURN(Identity identity, IdentityOfCertificate(certificate_uris));
  if (identity.registry != options_.registry && identity.kind != IdentityKind::kNode) {
    return Error(Reason::CERTIFICATE_REQUIRED,
                 absl::StrCat(identity.ToString(), " is of another registry than ", options_.registry));
  }
  const RoleSet roles = RolesOf(identity);
  if (!roles.Intersects(row->allowed)) {
    return Error(Reason::METHOD_NOT_ALLOWED, absl::StrCat(identity.ToString(), " (", ToString(roles), ") may not call ",
                                                          method, " (", ToString(row->allowed), ")"));
  }
  return Caller{std::move(identity), roles};
}

absl::Status Policy::CheckPartnership(const Caller& partner, absl::string_view partnership) const {
  const auto shared = options_.partners.find(partner.identity.registry);
  if (shared == options_.partners.end() || shared->second.count(std::string(partnership)) == 0) {
    return Error(Reason::METHOD_NOT_ALLOWED,
                 absl::StrCat(partner.identity.registry, " has no part in partnership ", partnership));
  }
  return absl::OkStatus();
}

}  // namespace jcm::services
