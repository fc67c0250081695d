// A real node on loopback, with real TLS: what it answers, what it refuses and why, and that refusals change nothing.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"
#include "jcm/mirror/v1/mirror.grpc.pb.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "jcm/registry/v1/object_services.grpc.pb.h"
#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "ledger/base/keys.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"
#include "services/common/grpc_status.h"
#include "services/node/peer_transport.h"
#include "services/node/registry_node.h"
#include "services/node/testing/test_registry.h"
#include "tools/client/bundle_builder.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
using testing::TestSite;

constexpr char kOperator[] = "JPN/clients/person-operator-1";
constexpr char kAuditor[] = "JPN/clients/person-auditor-1";
constexpr char kRepresentative[] = "JPN/clients/person-representative-1";
constexpr char kThaiNode[] = "THA/node";

void SetDeadline(grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
}

// Any method with any bytes.
grpc::Status RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method, const std::string& bytes,
                     std::string* answer = nullptr) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  SetDeadline(&context);
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, method, grpc::StubOptions(), &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  const grpc::Status status = done.get_future().get();
  grpc::Slice all;
  if (status.ok() && answer != nullptr && response.DumpToSingleSlice(&all).ok()) {
    *answer = std::string(reinterpret_cast<const char*>(all.begin()), all.size());
  }
  return status;
}

// One call of a typed method: Call(stub, &Stub::Method, request, &response).
template <typename Stub, typename Request, typename Response>
absl::Status Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request, Response* response) {
  grpc::ClientContext context;
  SetDeadline(&context);
  return FromGrpcStatus((stub.*method)(&context, request, response));
}

class NodeTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    site_ = new TestSite;
    auto japan = site_->Start("JPN", {});
    ASSERT_TRUE(japan.ok()) << japan.status();
    japan_ = japan->release();
    auto thailand = site_->Start("THA", {});
    ASSERT_TRUE(thailand.ok()) << thailand.status();
    thailand_ = thailand->release();
    operator_ = site_->Channel(japan_->port(), "JPN", kOperator);
    // The books have begun once an act of home is recorded.
    const absl::StatusOr<api::SubmitBundleResponse> enrolled = Submit(EnrolBundle("clerk-0"));
    ASSERT_TRUE(enrolled.ok()) << enrolled.status();
    ASSERT_TRUE(enrolled->results(0).accepted()) << enrolled->DebugString();
  }
  static void TearDownTestSuite() {
    operator_ = nullptr;
    delete japan_;
    delete thailand_;
    delete site_;
  }

  // A bundle that enrols a person, signed by the operator.
  static std::string EnrolBundle(const std::string& person_id,
                                 const std::string& signer = "JPN/persons/operator-1.key") {
    SystemRandom random;
    client::BundleBuilder builder("JPN", ledger::v1::BUNDLE_MODE_ATOMIC, random);
    ledger::v1::Command command;
    command.set_provenance(ledger::v1::PROVENANCE_NATIVE);
    auto* person = command.mutable_enrol_person();
    person->set_person_id(person_id);
    person->add_roles(ledger::v1::ROLE_ACCOUNT_REPRESENTATIVE);
    auto* key = person->add_keys()->mutable_key();
    key->set_type(1);
    key->set_key(PrivateKey::Generate(random).public_key().bytes());
    EXPECT_TRUE(builder.Add("home", command).ok());
    return builder.Sign({*PrivateKey::FromPem(site_->Read(signer))})->bytes;
  }

  static absl::StatusOr<api::SubmitBundleResponse> Submit(const std::string& bundle, bool validate_only = false) {
    api::SubmitBundleRequest request;
    request.set_signed_bundle(bundle);
    request.set_validate_only(validate_only);
    api::SubmitBundleResponse response;
    const auto stub = api::LedgerService::NewStub(operator_);
    JCM_RETURN_IF_ERROR(Call(*stub, &api::LedgerService::Stub::SubmitBundle, request, &response));
    return response;
  }

  static std::string Books() {
    api::ListBooksResponse response;
    const auto stub = api::LedgerService::NewStub(operator_);
    EXPECT_TRUE(Call(*stub, &api::LedgerService::Stub::ListBooks, api::ListBooksRequest(), &response).ok());
    std::string text;
    for (const api::Book& book : response.books()) {
      text += book.name() + " " + std::to_string(book.size()) + " " + book.root() + "\n";
    }
    return text;
  }

  static std::shared_ptr<grpc::Channel> ChannelOf(const std::string& client) {
    return site_->Channel(japan_->port(), "JPN", client);
  }

  static absl::Status StatusOf(const std::string& client) {
    api::GetNodeStatusResponse response;
    const auto stub = api::NodeService::NewStub(ChannelOf(client));
    return Call(*stub, &api::NodeService::Stub::GetNodeStatus, api::GetNodeStatusRequest(), &response);
  }

  static TestSite* site_;
  static RegistryNode* japan_;
  static RegistryNode* thailand_;
  static std::shared_ptr<grpc::Channel> operator_;
};

TestSite* NodeTest::site_ = nullptr;
RegistryNode* NodeTest::japan_ = nullptr;
RegistryNode* NodeTest::thailand_ = nullptr;
std::shared_ptr<grpc::Channel> NodeTest::operator_;

// Tests that expect refusals: whatever they do, the books stay as they were.
class RefusalTest : public NodeTest {
 protected:
  void SetUp() override { before_ = Books(); }
  void TearDown() override { EXPECT_EQ(Books(), before_); }

 private:
  std::string before_;
};

TEST_F(NodeTest, SaysThatItIsHealthy) {
  std::string answer;
  ASSERT_TRUE(RawCall(ChannelOf(kRepresentative), "/grpc.health.v1.Health/Check", "", &answer).ok());
  EXPECT_EQ(answer, std::string("\x08\x01", 2));  // SERVING
}

TEST_F(NodeTest, SaysThatItIsNotHealthyOnceItHasFailed) {
  TestSite::Options options;
  options.folder = "JPN-fails";
  const auto node = site_->Start("JPN", options);
  ASSERT_TRUE(node.ok()) << node.status();
  const auto channel = site_->Channel((*node)->port(), "JPN", kOperator);
  const auto health = [&] {
    (*node)->ShowHealth();
    std::string answer;
    EXPECT_TRUE(RawCall(channel, "/grpc.health.v1.Health/Check", "", &answer).ok());
    return answer;
  };
  EXPECT_EQ(health(), std::string("\x08\x01", 2));  // SERVING
  // What it signs can't be written down any more: it stops before it signs.
  const std::string folder = site_->Path("JPN-fails/signer");
  std::filesystem::rename(folder, folder + ".away");
  std::ofstream(folder) << "not a folder";
  api::SubmitBundleRequest request;
  request.set_signed_bundle(EnrolBundle("clerk-8"));
  api::SubmitBundleResponse response;
  const auto stub = api::LedgerService::NewStub(channel);
  Call(*stub, &api::LedgerService::Stub::SubmitBundle, request, &response).IgnoreError();  // recorded before it stops
  for (int i = 0; i < 100 && (*node)->Failure().ok(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(HasReason((*node)->Failure(), Reason::STORE_FAILED)) << (*node)->Failure();
  EXPECT_EQ(health(), std::string("\x08\x02", 2));  // NOT_SERVING
}

TEST_F(NodeTest, ListsItsServicesByReflection) {
  std::string answer;
  const grpc::Status status =
      RawCall(ChannelOf(kRepresentative), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
              std::string("\x3a\x00", 2), &answer);  // list_services
  ASSERT_TRUE(status.ok()) << status.error_message();
  for (const char* service :
       {"LedgerService", "RulebookService", "ProjectService", "JointCommitteeService", "AccountService",
        "IssuanceService", "DossierService", "MethodologyService", "ThirdPartyEntityService", "HistoryService",
        "OperationService", "Article6Service", "NodeService"}) {
    EXPECT_NE(answer.find("jcm.registry.v1." + std::string(service)), std::string::npos) << service;
  }
  EXPECT_NE(answer.find("jcm.mirror.v1.MirrorService"), std::string::npos);
}

TEST_F(NodeTest, SaysEveryRefusalAndItsRuleWhenItOnlyValidates) {
  // One person alone opens a partnership of Japan with itself: both is said, and nothing recorded.
  SystemRandom random;
  client::BundleBuilder builder("JPN", ledger::v1::BUNDLE_MODE_ATOMIC, random);
  ledger::v1::Command command;
  command.set_provenance(ledger::v1::PROVENANCE_NATIVE);
  command.mutable_open_partnership()->set_partnership("TH");
  command.mutable_open_partnership()->set_peer_registry("JPN");
  ASSERT_TRUE(builder.Add("TH", command).ok());
  const std::string bundle = builder.Sign({*PrivateKey::FromPem(site_->Read("JPN/persons/operator-1.key"))})->bytes;
  const absl::StatusOr<api::SubmitBundleResponse> checked = Submit(bundle, /*validate_only=*/true);
  ASSERT_TRUE(checked.ok()) << checked.status();
  ASSERT_EQ(checked->results_size(), 1);
  const api::PartResult& result = checked->results(0);
  EXPECT_FALSE(result.accepted());
  ASSERT_EQ(result.refusals_size(), 2) << result.DebugString();
  EXPECT_EQ(result.refusals(0).reason(), "TWO_PERSONS_REQUIRED");
  EXPECT_EQ(result.refusals(0).rule(), "policy");
  EXPECT_FALSE(result.refusals(0).message_ja().empty());
  EXPECT_EQ(result.refusals(1).rule(), "act");
  EXPECT_EQ(result.reason(), "TWO_PERSONS_REQUIRED") << "the first is what a recording would be refused for";
}

TEST_F(NodeTest, RecordsAnActAndReturnsItsFirstOutcomeForEver) {
  const std::string bundle = EnrolBundle("clerk-1");
  const absl::StatusOr<api::SubmitBundleResponse> checked = Submit(bundle, /*validate_only=*/true);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_TRUE(checked->results(0).accepted());
  const std::string before = Books();
  const absl::StatusOr<api::SubmitBundleResponse> first = Submit(bundle);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(first->results(0).accepted()) << first->DebugString();
  EXPECT_FALSE(first->replayed());
  EXPECT_NE(Books(), before);
  const std::string after = Books();
  const absl::StatusOr<api::SubmitBundleResponse> again = Submit(bundle);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->replayed());
  EXPECT_EQ(again->results(0).leaf_hash(), first->results(0).leaf_hash());
  EXPECT_EQ(Books(), after);
}

TEST_F(NodeTest, GivesEntriesCheckpointsAndReceipts) {
  const auto stub = api::LedgerService::NewStub(operator_);
  api::ListEntriesRequest list;
  list.set_parent("books/JPN/home");
  list.set_page_size(1);
  api::ListEntriesResponse page;
  ASSERT_TRUE(Call(*stub, &api::LedgerService::Stub::ListEntries, list, &page).ok());
  ASSERT_EQ(page.entries_size(), 1);
  EXPECT_EQ(page.entries(0).kind(), "GENESIS");
  EXPECT_EQ(page.entries(0).summary(), "Genesis of demo.invalid/JPN/home");
  EXPECT_FALSE(page.entries(0).has_record());
  list.set_page_token(page.next_page_token());
  ASSERT_TRUE(Call(*stub, &api::LedgerService::Stub::ListEntries, list, &page).ok());
  EXPECT_EQ(page.entries(0).sequence(), 1u);
  EXPECT_EQ(page.entries(0).summary(), "EnrolPerson clerk-0");

  api::GetReceiptRequest request;
  request.set_name("books/JPN/home/entries/1");
  api::GetReceiptResponse receipt;
  const absl::Status status = Call(*stub, &api::LedgerService::Stub::GetReceipt, request, &receipt);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_FALSE(receipt.cosigned());
  EXPECT_EQ(receipt.record().leaf().size(), 165u);
  EXPECT_EQ(receipt.tlog_proof().rfind("c2sp.org/tlog-proof@v1\n", 0), 0u);
  EXPECT_FALSE(receipt.receipt_json().empty());

  api::GetCheckpointRequest checkpoint_request;
  checkpoint_request.set_name("books/JPN/home");
  api::GetCheckpointResponse checkpoint;
  ASSERT_TRUE(Call(*stub, &api::LedgerService::Stub::GetCheckpoint, checkpoint_request, &checkpoint).ok());
  EXPECT_EQ(checkpoint.note().rfind("demo.invalid/JPN/home\n", 0), 0u);
  EXPECT_GE(checkpoint.size(), 2u);
}

TEST_F(NodeTest, AnswersForTheRegistersOfAPartnershipNowAndAtAPastTime) {
  const auto committee = api::JointCommitteeService::NewStub(operator_);
  api::ListRequest list;
  list.set_parent("partnerships/TH");
  list.set_filter("state = adopted AND text.kind = issuance");
  list.mutable_recorded_at()->set_seconds(1);
  api::ListDecisionsResponse decisions;
  EXPECT_TRUE(Call(*committee, &api::JointCommitteeService::Stub::ListDecisions, list, &decisions).ok());
  list.set_filter("state = perhaps");
  EXPECT_TRUE(HasReason(Call(*committee, &api::JointCommitteeService::Stub::ListDecisions, list, &decisions),
                        Reason::FILTER_INVALID));
  api::ListRequest plain;
  plain.set_parent("partnerships/TH");
  api::ListConflictsResponse conflicts;
  EXPECT_TRUE(Call(*committee, &api::JointCommitteeService::Stub::ListConflicts, plain, &conflicts).ok());

  const auto rulebooks = api::RulebookService::NewStub(operator_);
  api::GetRulebookRequest governing;
  governing.set_parent("partnerships/TH");
  api::GetRulebookResponse rulebook;
  EXPECT_TRUE(
      HasReason(Call(*rulebooks, &api::RulebookService::Stub::GetRulebook, governing, &rulebook), Reason::NOT_FOUND));
  api::ListPartnershipsResponse partnerships;
  EXPECT_TRUE(
      Call(*rulebooks, &api::RulebookService::Stub::ListPartnerships, api::ListPartnershipsRequest(), &partnerships)
          .ok());

  const auto methodologies = api::MethodologyService::NewStub(operator_);
  api::ListMethodologiesRequest every_methodology;
  every_methodology.set_parent("partnerships/-");
  every_methodology.set_filter("status = valid");
  api::ListMethodologiesResponse known;
  EXPECT_TRUE(Call(*methodologies, &api::MethodologyService::Stub::ListMethodologies, every_methodology, &known).ok());
  api::GetMethodologyRequest one_methodology;
  one_methodology.set_name("partnerships/TH/methodologies/TH_AM001");
  api::Methodology methodology;
  EXPECT_TRUE(
      HasReason(Call(*methodologies, &api::MethodologyService::Stub::GetMethodology, one_methodology, &methodology),
                Reason::NOT_FOUND));
  const auto entities = api::ThirdPartyEntityService::NewStub(operator_);
  api::GetThirdPartyEntityRequest one_entity;
  one_entity.set_name("partnerships/TH/entities/TPE-TH-001");
  api::ThirdPartyEntity entity;
  EXPECT_TRUE(HasReason(Call(*entities, &api::ThirdPartyEntityService::Stub::GetThirdPartyEntity, one_entity, &entity),
                        Reason::RESOURCE_NAME_INVALID));

  const auto projects = api::ProjectService::NewStub(operator_);
  api::GetProjectRequest one_project;
  one_project.set_name("partnerships/TH/projects/TH014");
  api::GetProjectResponse project;
  EXPECT_TRUE(
      HasReason(Call(*projects, &api::ProjectService::Stub::GetProject, one_project, &project), Reason::NOT_FOUND));
  const auto issuances = api::IssuanceService::NewStub(operator_);
  api::GetIssuanceFileRequest one_issuance;
  one_issuance.set_name("partnerships/TH/decisions/TH-JC7-TH014");
  api::GetIssuanceFileResponse file;
  EXPECT_TRUE(HasReason(Call(*issuances, &api::IssuanceService::Stub::GetIssuanceFile, one_issuance, &file),
                        Reason::NOT_FOUND));
  const auto histories = api::HistoryService::NewStub(operator_);
  api::GetHistoryRequest of_partnership;
  of_partnership.set_name("partnerships/TH");
  api::GetHistoryResponse history;
  EXPECT_TRUE(Call(*histories, &api::HistoryService::Stub::GetHistory, of_partnership, &history).ok());
  of_partnership.set_name("partnerships/TH/wishes/1");
  EXPECT_TRUE(HasReason(Call(*histories, &api::HistoryService::Stub::GetHistory, of_partnership, &history),
                        Reason::RESOURCE_NAME_INVALID));
}

TEST_F(NodeTest, ShowsStatusAndMetricsToOperatorsAndAuditors) {
  EXPECT_TRUE(StatusOf(kAuditor).ok()) << StatusOf(kAuditor);
  api::GetNodeStatusResponse status;
  const auto stub = api::NodeService::NewStub(operator_);
  ASSERT_TRUE(Call(*stub, &api::NodeService::Stub::GetNodeStatus, api::GetNodeStatusRequest(), &status).ok());
  EXPECT_EQ(status.registry(), "JPN");
  EXPECT_TRUE(status.demonstration());
  EXPECT_EQ(status.books_size(), 2);
  EXPECT_NE(status.metrics().find("\njcm_book_entries{registry=\"JPN\",book=\"JPN/home\"} "), std::string::npos);
  EXPECT_NE(status.metrics().find("jcm_partner_reachable{registry=\"JPN\",partner=\"THA\",partnership=\"TH\"} 0\n"),
            std::string::npos);
}

TEST_F(NodeTest, ShowsPersonsOnlyToThoseWhoMayKnowThem) {
  const auto persons = [](const std::string& client) {
    api::ListPersonsResponse response;
    const auto stub = api::AccountService::NewStub(ChannelOf(client));
    EXPECT_TRUE(Call(*stub, &api::AccountService::Stub::ListPersons, api::ListPersonsRequest(), &response).ok());
    return response.persons_size();
  };
  EXPECT_GE(persons(kOperator), 2);
  EXPECT_GE(persons(kAuditor), 2);
  EXPECT_EQ(persons(kRepresentative), 0);
}

TEST_F(NodeTest, MakesABackupForTheOperatorOnly) {
  api::CreateBackupRequest request;
  request.set_directory(site_->Path("backup"));
  api::CreateBackupResponse response;
  const auto stub = api::NodeService::NewStub(operator_);
  const absl::Status made = Call(*stub, &api::NodeService::Stub::CreateBackup, request, &response);
  EXPECT_TRUE(made.ok()) << made;
  EXPECT_GT(response.applied_index(), 0u);
  EXPECT_FALSE(Call(*stub, &api::NodeService::Stub::CreateBackup, request, &response).ok()) << "it exists";
  request.set_directory("relative");
  EXPECT_TRUE(HasReason(Call(*stub, &api::NodeService::Stub::CreateBackup, request, &response), Reason::FIELD_INVALID));
  const auto auditor = api::NodeService::NewStub(ChannelOf(kAuditor));
  EXPECT_TRUE(
      HasReason(Call(*auditor, &api::NodeService::Stub::CreateBackup, request, &response), Reason::METHOD_NOT_ALLOWED));
}

TEST_F(RefusalTest, EndsTheHandshakeWithoutACertificateOrWithAForeignOne) {
  for (const char* client : {"", "MDV/node", "MDV/clients/person-operator-1", "false/JPN/clients/person-operator-1"}) {
    EXPECT_EQ(RawCall(ChannelOf(client), "/grpc.health.v1.Health/Check", "").error_code(),
              grpc::StatusCode::UNAVAILABLE)
        << client;
  }
}

TEST_F(RefusalTest, RefusesRolesThatMayNot) {
  EXPECT_TRUE(HasReason(StatusOf(kRepresentative), Reason::METHOD_NOT_ALLOWED));
  EXPECT_TRUE(HasReason(StatusOf("JPN/clients/program-gateway"), Reason::METHOD_NOT_ALLOWED));
  EXPECT_TRUE(HasReason(StatusOf(kThaiNode), Reason::METHOD_NOT_ALLOWED));
  EXPECT_TRUE(HasReason(StatusOf("JPN/node"), Reason::METHOD_NOT_ALLOWED));
  EXPECT_TRUE(HasReason(StatusOf("THA/clients/person-operator-1"), Reason::CERTIFICATE_REQUIRED));
  api::SubmitBundleRequest request;
  request.set_signed_bundle(EnrolBundle("clerk-2"));
  api::SubmitBundleResponse response;
  for (const char* client : {kAuditor, kThaiNode}) {
    const auto stub = api::LedgerService::NewStub(ChannelOf(client));
    EXPECT_TRUE(
        HasReason(Call(*stub, &api::LedgerService::Stub::SubmitBundle, request, &response), Reason::METHOD_NOT_ALLOWED))
        << client;
  }
}

TEST_F(RefusalTest, RefusesEntriesOfHomeToOrdinaryClients) {
  const auto stub = api::LedgerService::NewStub(ChannelOf(kRepresentative));
  api::ListEntriesRequest list;
  list.set_parent("books/JPN/home");
  api::ListEntriesResponse page;
  EXPECT_TRUE(HasReason(Call(*stub, &api::LedgerService::Stub::ListEntries, list, &page), Reason::METHOD_NOT_ALLOWED));
  list.set_parent("books/JPN/TH");
  EXPECT_TRUE(Call(*stub, &api::LedgerService::Stub::ListEntries, list, &page).ok());
}

TEST_F(RefusalTest, DoesNotLetTheCaOfOneGovernmentMakePeopleOfAnother) {
  // Thailand's CA, as configured here, is the one that also made certificates for "JPN" persons.
  TestSite::Options options;
  options.folder = "JPN-2";
  options.peer_ca = "false/JPN/ca";
  const auto node = site_->Start("JPN", options);
  ASSERT_TRUE(node.ok()) << node.status();
  // Alone, and with Japan's real CA beside it.
  const std::string alone = "false/JPN/clients/person-operator-1";
  site_->Write("false/decorated.key", site_->Read(alone + ".key"));
  site_->Write("false/decorated.pem", site_->Read(alone + ".pem") + site_->Read("JPN/ca.pem"));
  for (const std::string& client : {alone, std::string("false/decorated")}) {
    const auto channel = site_->Channel((*node)->port(), "JPN", client);
    EXPECT_TRUE(RawCall(channel, "/grpc.health.v1.Health/Check", "").ok()) << "the handshake itself accepts it";
    api::GetNodeStatusResponse response;
    const auto stub = api::NodeService::NewStub(channel);
    const absl::Status status =
        Call(*stub, &api::NodeService::Stub::GetNodeStatus, api::GetNodeStatusRequest(), &response);
    EXPECT_TRUE(HasReason(status, Reason::CERTIFICATE_REQUIRED)) << client << status;
    EXPECT_NE(std::string(status.message()).find("not vouched for"), std::string::npos) << status;
  }
  const auto real = api::NodeService::NewStub(site_->Channel((*node)->port(), "JPN", kOperator));
  api::GetNodeStatusResponse response;
  EXPECT_TRUE(Call(*real, &api::NodeService::Stub::GetNodeStatus, api::GetNodeStatusRequest(), &response).ok());
}

TEST_F(RefusalTest, OpensChannelzToOversightOnly) {
  constexpr char kMethod[] = "/grpc.channelz.v1.Channelz/GetServers";
  EXPECT_TRUE(RawCall(operator_, kMethod, "").ok());
  EXPECT_EQ(RawCall(ChannelOf(kRepresentative), kMethod, "").error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(RefusalTest, KnowsOneSpellingOfNames) {
  const auto ledger = api::LedgerService::NewStub(operator_);
  const auto entry = [&](const std::string& name) {
    api::GetEntryRequest request;
    request.set_name(name);
    api::GetEntryResponse response;
    return Call(*ledger, &api::LedgerService::Stub::GetEntry, request, &response);
  };
  EXPECT_TRUE(HasReason(entry("books/JPN/TH/entries/01"), Reason::RESOURCE_NAME_INVALID));
  EXPECT_TRUE(HasReason(entry("../etc/passwd"), Reason::RESOURCE_NAME_INVALID));
  EXPECT_TRUE(HasReason(entry(""), Reason::RESOURCE_NAME_INVALID));
  EXPECT_TRUE(HasReason(entry("books/JPN/MV/entries/0"), Reason::BOOK_UNKNOWN));
  EXPECT_TRUE(HasReason(entry("books/JPN/TH/entries/18446744073709551615"), Reason::NOT_FOUND));
  const auto projects = api::ProjectService::NewStub(operator_);
  api::ListRequest list;
  api::ListProjectsResponse page;
  list.set_parent("partnerships/TH");
  EXPECT_TRUE(Call(*projects, &api::ProjectService::Stub::ListProjects, list, &page).ok());
  list.set_page_token("AAAA");
  EXPECT_TRUE(
      HasReason(Call(*projects, &api::ProjectService::Stub::ListProjects, list, &page), Reason::PAGE_TOKEN_INVALID));
  list.clear_page_token();
  list.set_page_size(-1);
  EXPECT_TRUE(HasReason(Call(*projects, &api::ProjectService::Stub::ListProjects, list, &page), Reason::FIELD_INVALID));
  list.clear_page_size();
  list.set_parent("partnerships/Thailand");
  EXPECT_TRUE(
      HasReason(Call(*projects, &api::ProjectService::Stub::ListProjects, list, &page), Reason::RESOURCE_NAME_INVALID));
  list.set_parent("partnerships/MV");
  EXPECT_TRUE(HasReason(Call(*projects, &api::ProjectService::Stub::ListProjects, list, &page), Reason::BOOK_UNKNOWN));
}

TEST_F(RefusalTest, RefusesUnknownFieldsAndGarbage) {
  constexpr char kListBooks[] = "/jcm.registry.v1.LedgerService/ListBooks";
  constexpr char kSubmit[] = "/jcm.registry.v1.LedgerService/SubmitBundle";
  EXPECT_TRUE(
      HasReason(FromGrpcStatus(RawCall(operator_, kListBooks, std::string("\xf8\x07\x01", 3))), Reason::UNKNOWN_FIELD));
  SeededRandom random(7);
  for (int i = 0; i < 50; ++i) {
    EXPECT_FALSE(RawCall(operator_, kSubmit, random.Bytes(1 + random.Below(500))).ok());
    EXPECT_FALSE(Submit(random.Bytes(1 + random.Below(500))).ok());
  }
  EXPECT_TRUE(HasReason(Submit("\xff\xff\xff").status(), Reason::MESSAGE_MALFORMED));
  std::string bundle = EnrolBundle("clerk-3");
  EXPECT_FALSE(Submit(bundle.substr(0, bundle.size() - 1)).ok());
  EXPECT_TRUE(HasReason(Submit(bundle + std::string("\xf8\x07\x01", 3)).status(), Reason::UNKNOWN_FIELD));
  EXPECT_EQ(RawCall(operator_, "/jcm.registry.v1.LedgerService/Erase", "").error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(RefusalTest, RefusesWhatIsTooLarge) {
  EXPECT_EQ(RawCall(operator_, "/jcm.registry.v1.LedgerService/SubmitBundle", std::string(5 << 20, 'x')).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  ledger::v1::SignedBundle bundle;
  ASSERT_TRUE(bundle.ParseFromString(EnrolBundle("clerk-4")));
  bundle.add_parts(std::string(300 * 1024, 'x'));
  EXPECT_TRUE(HasReason(Submit(bundle.SerializeAsString()).status(), Reason::BUNDLE_TOO_LARGE));
}

TEST_F(RefusalTest, RefusesWritesWithoutADeadline) {
  const auto stub = api::LedgerService::NewStub(operator_);
  grpc::ClientContext context;
  api::SubmitBundleRequest request;
  request.set_signed_bundle(EnrolBundle("clerk-5"));
  api::SubmitBundleResponse response;
  EXPECT_TRUE(HasReason(FromGrpcStatus(stub->SubmitBundle(&context, request, &response)), Reason::DEADLINE_REQUIRED));
}

TEST_F(RefusalTest, RefusesSignaturesOfPeopleItDoesNotKnow) {
  EXPECT_TRUE(
      HasReason(Submit(EnrolBundle("clerk-6", "JPN/persons/representative-1.key")).status(), Reason::KEY_UNKNOWN));
  ledger::v1::SignedBundle forged;
  ASSERT_TRUE(forged.ParseFromString(EnrolBundle("clerk-7")));
  forged.mutable_signatures(0)->mutable_signature()->at(10) ^= 1;
  EXPECT_TRUE(HasReason(Submit(forged.SerializeAsString()).status(), Reason::SIGNATURE_INVALID));
}

TEST_F(RefusalTest, RefusesStatementsThatAreNone) {
  const auto stub = api::LedgerService::NewStub(operator_);
  const auto submit = [&](const std::string& book, api::StatementKind kind, const std::string& statement) {
    api::SubmitStatementRequest request;
    request.set_book(book);
    request.set_kind(kind);
    request.set_statement(statement);
    api::SubmitStatementResponse response;
    return Call(*stub, &api::LedgerService::Stub::SubmitStatement, request, &response);
  };
  EXPECT_TRUE(HasReason(submit("books/THA/TH", api::STATEMENT_KIND_RESOLUTION, "x"), Reason::BOOK_UNKNOWN));
  EXPECT_TRUE(HasReason(submit("books/JPN/TH", api::STATEMENT_KIND_UNSPECIFIED, "x"), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(submit("books/JPN/TH", static_cast<api::StatementKind>(2), "x"), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(submit("books/JPN/TH", api::STATEMENT_KIND_RESOLUTION, ""), Reason::FIELD_REQUIRED));
  EXPECT_FALSE(submit("books/JPN/TH", api::STATEMENT_KIND_KEY_CHANGE, "garbage").ok());
}

TEST_F(RefusalTest, GivesAPartnersNodeTheBooksOfItsPartnershipOnly) {
  const auto stub = mirror::v1::MirrorService::NewStub(ChannelOf(kThaiNode));
  const auto read = [&](const std::string& book) {
    mirror::v1::ReadEntriesRequest request;
    request.set_book(book);
    request.set_limit(10);
    mirror::v1::ReadEntriesResponse response;
    return Call(*stub, &mirror::v1::MirrorService::Stub::ReadEntries, request, &response);
  };
  EXPECT_TRUE(read("JPN/TH").ok()) << read("JPN/TH");
  EXPECT_TRUE(HasReason(read("JPN/home"), Reason::METHOD_NOT_ALLOWED));
  EXPECT_TRUE(HasReason(read("JPN/MV"), Reason::METHOD_NOT_ALLOWED));
  EXPECT_TRUE(HasReason(read("THA/TH"), Reason::METHOD_NOT_ALLOWED));
  EXPECT_TRUE(HasReason(read("nonsense"), Reason::RESOURCE_NAME_INVALID));
  const auto own = mirror::v1::MirrorService::NewStub(operator_);
  mirror::v1::ReadEntriesResponse response;
  EXPECT_TRUE(
      HasReason(Call(*own, &mirror::v1::MirrorService::Stub::ReadEntries, mirror::v1::ReadEntriesRequest(), &response),
                Reason::METHOD_NOT_ALLOWED));
}

// What a transport answers to one call.
absl::StatusOr<std::string> CallPeer(GrpcPeerTransport& transport, const std::string& peer) {
  std::promise<absl::StatusOr<std::string>> answer;
  mirror::v1::ReadEntriesRequest request;
  request.set_book("THA/TH");
  request.set_limit(1);
  transport.Call(peer, registry::PeerTransport::Method::kReadEntries, request.SerializeAsString(),
                 [&answer](absl::StatusOr<std::string> bytes) { answer.set_value(std::move(bytes)); });
  return answer.get_future().get();
}

class PeerTransportTest : public NodeTest {
 protected:
  GrpcPeerTransport Transport(const std::string& certificate, const PeerSettings& peer) {
    const TlsSettings own{site_->Read(certificate + ".pem"), site_->Read(certificate + ".key"),
                          site_->Read("JPN/ca.pem")};
    return GrpcPeerTransport(own, {peer}, std::chrono::seconds(20));
  }
  static PeerSettings Thailand() {
    return {"TH", "THA", {{"127.0.0.1:" + std::to_string(thailand_->port()), "localhost"}}, site_->Read("THA/ca.pem")};
  }
};

TEST_F(PeerTransportTest, CarriesACallToThePartnersNode) {
  GrpcPeerTransport transport = Transport("JPN/node", Thailand());
  const absl::StatusOr<std::string> bytes = CallPeer(transport, "THA");
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  mirror::v1::ReadEntriesResponse answer;
  ASSERT_TRUE(answer.ParseFromString(*bytes));
  EXPECT_EQ(answer.book(), "THA/TH");
}

TEST_F(PeerTransportTest, GivesThePartnersReasonBack) {
  GrpcPeerTransport transport = Transport("JPN/clients/person-operator-1", Thailand());
  EXPECT_TRUE(HasReason(CallPeer(transport, "THA").status(), Reason::CERTIFICATE_REQUIRED));
}

TEST_F(PeerTransportTest, SendsNothingToAnybodyElse) {
  PeerSettings other_registry = Thailand();
  other_registry.registry = "MDV";
  GrpcPeerTransport mistaken = Transport("JPN/node", other_registry);
  EXPECT_EQ(CallPeer(mistaken, "MDV").status().code(), absl::StatusCode::kUnavailable);
  PeerSettings other_name = Thailand();
  other_name.endpoints[0].server_name = "node.example";
  GrpcPeerTransport misnamed = Transport("JPN/node", other_name);
  EXPECT_EQ(CallPeer(misnamed, "THA").status().code(), absl::StatusCode::kUnavailable);
  PeerSettings other_ca = Thailand();
  other_ca.ca_pem = site_->Read("MDV/ca.pem");
  GrpcPeerTransport misled = Transport("JPN/node", other_ca);
  EXPECT_EQ(CallPeer(misled, "THA").status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(PeerTransportTest, SaysUnavailableWithoutALinkAndAfterItsEnd) {
  PeerSettings unlinked = Thailand();
  unlinked.endpoints.clear();
  GrpcPeerTransport transport = Transport("JPN/node", unlinked);
  EXPECT_EQ(CallPeer(transport, "THA").status().code(), absl::StatusCode::kUnavailable);
  GrpcPeerTransport stopped = Transport("JPN/node", Thailand());
  stopped.Stop();
  EXPECT_EQ(CallPeer(stopped, "THA").status().code(), absl::StatusCode::kUnavailable);
}

TestSite::Options At(const std::string& folder, const std::string& listen) {
  TestSite::Options options;
  options.folder = folder;
  options.listen = listen;
  return options;
}

TEST_F(NodeTest, SaysWhyItCanNotStart) {
  const std::string taken = "127.0.0.1:" + std::to_string(japan_->port());
  EXPECT_TRUE(HasReason(site_->Start("JPN", At("JPN-3", taken)).status(), Reason::PORT_TAKEN));
  EXPECT_TRUE(HasReason(site_->Start("JPN", {}).status(), Reason::STORE_LOCKED));
  EXPECT_TRUE(HasReason(site_->Start("JPN", At("JPN-3", "192.0.2.1:7001")).status(), Reason::CONFIG_INVALID));
}

TEST_F(NodeTest, RefusesTheStoreOfAnotherRegistryOrDomain) {
  TestSite::Options options;
  options.folder = "THA-2";
  auto first = site_->Start("THA", options);
  ASSERT_TRUE(first.ok()) << first.status();
  (*first)->Stop();
  first->reset();
  EXPECT_TRUE(HasReason(site_->Start("JPN", options).status(), Reason::STORE_OF_OTHER_REGISTRY));
  options.domain = "registry.example";
  EXPECT_TRUE(HasReason(site_->Start("THA", options).status(), Reason::STORE_OF_OTHER_REGISTRY));
  options.domain = "demo.invalid";
  EXPECT_TRUE(site_->Start("THA", options).ok());
}

}  // namespace
}  // namespace jcm::services
