#include "services/node/policy.h"

#include <set>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "jcm/mirror/v1/mirror.pb.h"
#include "jcm/registry/v1/cycle_services.pb.h"
#include "jcm/registry/v1/ledger_service.pb.h"
#include "jcm/registry/v1/object_services.pb.h"
#include "jcm/registry/v1/publication.pb.h"
#include "jcm/registry/v1/read_services.pb.h"
#include "jcm/replica/v1/replica.pb.h"
#include "ledger/base/status.h"

namespace jcm::services {
namespace {

using Uris = std::vector<std::string>;

constexpr char kSubmit[] = "/jcm.registry.v1.LedgerService/SubmitBundle";
constexpr char kListLots[] = "/jcm.registry.v1.IssuanceService/ListLots";
constexpr char kStatus[] = "/jcm.registry.v1.NodeService/GetNodeStatus";
constexpr char kBackup[] = "/jcm.registry.v1.NodeService/CreateBackup";
constexpr char kReadEntries[] = "/jcm.mirror.v1.MirrorService/ReadEntries";
constexpr char kHealth[] = "/grpc.health.v1.Health/Check";

Policy JapansPolicy() {
  PolicyOptions options;
  options.registry = "JPN";
  options.partners["THA"] = {"TH"};
  options.siblings = {"2", "3"};
  options.roles_by_identity["jcm:JPN:person:operator-1"] = ChannelRole::kOperator;
  options.roles_by_identity["jcm:JPN:person:auditor-1"] = ChannelRole::kAuditor;
  return Policy(options);
}

std::vector<std::string> MethodsOf(const google::protobuf::FileDescriptor* file) {
  std::vector<std::string> methods;
  for (int s = 0; s < file->service_count(); ++s) {
    for (int m = 0; m < file->service(s)->method_count(); ++m) {
      methods.push_back("/" + file->service(s)->full_name() + "/" + file->service(s)->method(m)->name());
    }
  }
  return methods;
}

TEST(PolicyTable, HasExactlyOneRowForEachMethodOfEachService) {
  std::multiset<std::string> rows;
  for (const PolicyRow& row : PolicyTable()) rows.insert(std::string(row.method));
  std::set<std::string> methods;
  for (const auto* file : {jcm::registry::v1::SubmitBundleRequest::descriptor()->file(),
                           jcm::registry::v1::ListRequest::descriptor()->file(),
                           jcm::registry::v1::ListDossiersRequest::descriptor()->file(),
                           jcm::registry::v1::ListRecordsAtCheckpointRequest::descriptor()->file(),
                           jcm::registry::v1::GetHistoryRequest::descriptor()->file(),
                           jcm::mirror::v1::ReadEntriesRequest::descriptor()->file(),
                           jcm::replica::v1::ExchangeRequest::descriptor()->file()}) {
    for (const std::string& method : MethodsOf(file)) {
      methods.insert(method);
      EXPECT_EQ(rows.count(method), 1u) << method;
    }
  }
  EXPECT_EQ(methods.size(), 64u);
  for (const std::string& row : rows) {
    EXPECT_TRUE(methods.count(row) == 1 || row.rfind("/grpc.", 0) == 0) << row << " is no method of ours";
  }
}

TEST(PolicyTable, NeverOpensAMethodOfARegistryToEverybodyOrToPartners) {
  for (const PolicyRow& row : PolicyTable()) {
    const std::string method(row.method);
    if (method.rfind("/jcm.", 0) == 0) {
      EXPECT_FALSE(row.allowed.Has(ChannelRole::kPublic)) << method;
    }
    EXPECT_EQ(row.allowed.Has(ChannelRole::kPartnerNode), method.rfind("/jcm.mirror.", 0) == 0) << method;
    if (row.write) {
      EXPECT_FALSE(row.allowed.Has(ChannelRole::kAuditor)) << method;
    }
  }
}

TEST(Policy, LetsClientsSubmitAndRead) {
  const Policy policy = JapansPolicy();
  for (const char* uri : {"jcm:JPN:person:representative-1", "jcm:JPN:program:gateway"}) {
    EXPECT_TRUE(policy.Authorize(kSubmit, {uri}).ok());
    EXPECT_TRUE(policy.Authorize(kListLots, {uri}).ok());
    EXPECT_FALSE(policy.Authorize(kListLots, {uri})->SeesPrivate());
    EXPECT_TRUE(HasReason(policy.Authorize(kStatus, {uri}).status(), Reason::METHOD_NOT_ALLOWED));
    EXPECT_TRUE(HasReason(policy.Authorize(kReadEntries, {uri}).status(), Reason::METHOD_NOT_ALLOWED));
  }
}

TEST(Policy, LetsOperatorsSeeAndAuditorsSeeButNotChange) {
  const Policy policy = JapansPolicy();
  EXPECT_TRUE(policy.Authorize(kStatus, {"jcm:JPN:person:operator-1"})->SeesPrivate());
  EXPECT_TRUE(policy.Authorize(kBackup, {"jcm:JPN:person:operator-1"}).ok());
  EXPECT_TRUE(policy.Authorize(kStatus, {"jcm:JPN:person:auditor-1"})->SeesPrivate());
  EXPECT_TRUE(HasReason(policy.Authorize(kBackup, {"jcm:JPN:person:auditor-1"}).status(), Reason::METHOD_NOT_ALLOWED));
  EXPECT_TRUE(HasReason(policy.Authorize(kSubmit, {"jcm:JPN:person:auditor-1"}).status(), Reason::METHOD_NOT_ALLOWED));
}

TEST(Policy, LetsPartnersNodesMirrorTheirPartnershipOnly) {
  const Policy policy = JapansPolicy();
  const Caller thailand = *policy.Authorize(kReadEntries, {"jcm:THA:node:1"});
  EXPECT_TRUE(policy.CheckPartnership(thailand, "TH").ok());
  EXPECT_TRUE(HasReason(policy.CheckPartnership(thailand, "MV"), Reason::METHOD_NOT_ALLOWED));
  EXPECT_TRUE(HasReason(policy.CheckPartnership(thailand, "home"), Reason::METHOD_NOT_ALLOWED));
  EXPECT_TRUE(HasReason(policy.Authorize(kSubmit, {"jcm:THA:node:1"}).status(), Reason::METHOD_NOT_ALLOWED));
  EXPECT_TRUE(HasReason(policy.Authorize(kListLots, {"jcm:THA:node:1"}).status(), Reason::METHOD_NOT_ALLOWED));
}

TEST(Policy, RefusesOtherRegistriesPeopleAndStrangers) {
  const Policy policy = JapansPolicy();
  EXPECT_TRUE(
      HasReason(policy.Authorize(kSubmit, {"jcm:THA:person:operator-1"}).status(), Reason::CERTIFICATE_REQUIRED));
  EXPECT_TRUE(HasReason(policy.Authorize(kReadEntries, {"jcm:MDV:node:1"}).status(), Reason::METHOD_NOT_ALLOWED));
  EXPECT_TRUE(HasReason(policy.Authorize(kListLots, {"jcm:JPN:node:1"}).status(), Reason::METHOD_NOT_ALLOWED));
}

TEST(Policy, RefusesCertificatesThatNameNobodyOrTwo) {
  const Policy policy = JapansPolicy();
  for (const Uris& uris :
       {Uris{}, Uris{"https://example.com"}, Uris{"jcm:JPN:robot:1"}, Uris{"jcm:JPN:person:"},
        Uris{"jcm:JPN:person:a:b"}, Uris{"jcm:jpn:person:a"}, Uris{"jcm:JPN:person:a", "jcm:JPN:person:operator-1"}}) {
    EXPECT_TRUE(HasReason(policy.Authorize(kSubmit, uris).status(), Reason::CERTIFICATE_REQUIRED));
  }
}

TEST(Policy, AnswersHealthToEveryAcceptedCertificate) { EXPECT_TRUE(JapansPolicy().Authorize(kHealth, {}).ok()); }

TEST(Policy, RefusesAMethodWithoutARow) {
  EXPECT_TRUE(HasReason(
      JapansPolicy().Authorize("/jcm.registry.v1.LedgerService/Erase", {"jcm:JPN:person:operator-1"}).status(),
      Reason::METHOD_NOT_ALLOWED));
}

TEST(Identity, IsWrittenAsItIsRead) {
  for (const char* uri : {"jcm:JPN:node:1", "jcm:THA:program:gateway", "jcm:MDV:person:a.b_c-1"}) {
    EXPECT_EQ(ParseIdentity(uri)->ToString(), uri);
  }
}

TEST(Policy, LetsOnlyTheSiblingsThatItNamesThroughTheirDoor) {
  const Policy policy = JapansPolicy();
  for (const PolicyRow& row : PolicyTable()) {
    if (row.method.rfind("/jcm.replica.", 0) != 0) continue;
    EXPECT_TRUE(policy.Authorize(row.method, {"jcm:JPN:node:2"}).ok()) << row.method;
    for (const char* other : {"jcm:JPN:node:4", "jcm:JPN:node:1", "jcm:THA:node:2", "jcm:JPN:person:operator-1",
                              "jcm:JPN:program:2", "jcm:JPN:person:2"}) {
      EXPECT_TRUE(HasReason(policy.Authorize(row.method, {other}).status(), Reason::METHOD_NOT_ALLOWED))
          << row.method << " by " << other;
    }
  }
  // And a sibling's certificate opens no other door.
  EXPECT_FALSE(policy.Authorize(kStatus, {"jcm:JPN:node:2"}).ok());
  EXPECT_FALSE(policy.Authorize(kReadEntries, {"jcm:JPN:node:2"}).ok());
}

}  // namespace
}  // namespace jcm::services
