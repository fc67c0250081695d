// A secretariat at work on a real node: Japan's registry with the partnership TH in mode ATTESTED, a rulebook with the
// whole project cycle, people of every role, and a clock that the test sets. For tests of what is shown to readers.
//
//   CycleDesk desk;
//   ASSERT_TRUE(desk.OpenProject("sun", "Sun").ok());
//   ASSERT_TRUE(desk.Take("representative-1", "sun", "PIN", "submit").ok());
//   desk.SetTime("2026-03-05T00:00:00Z");
//
// Persons: operator-1 (operator), operator-2, secretary, secretary-2, chair and member (Joint Committee), ministry,
// entity, representative-1 (project participant). operator-1, auditor-1 and representative-1 have TLS certificates.
#ifndef SERVICES_NODE_TESTING_CYCLE_DESK_H_
#define SERVICES_NODE_TESTING_CYCLE_DESK_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "grpcpp/grpcpp.h"
#include "jcm/ledger/v1/command.pb.h"
#include "ledger/base/random.h"
#include "services/common/grpc_status.h"
#include "services/node/testing/test_registry.h"

namespace jcm::services::testing {

namespace v1 = ::jcm::ledger::v1;

inline constexpr char kDeskOperator[] = "JPN/clients/person-operator-1";
inline constexpr char kDeskAuditor[] = "JPN/clients/person-auditor-1";
inline constexpr char kDeskParticipant[] = "JPN/clients/person-representative-1";
inline constexpr char kDeskRulebook[] = "TH/C1";

class CycleDesk {
 public:
  // Everything is set up at 2026-03-02T00:00:00Z; ends the process if that fails.
  CycleDesk();

  std::shared_ptr<grpc::Channel> Channel(const std::string& client = kDeskOperator) const;
  // One call of a typed method with the operator's certificate, or another one.
  template <typename Service, typename Request, typename Response>
  absl::Status Call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response, const std::string& client = kDeskOperator) const {
    auto stub = Service::NewStub(client == kDeskOperator ? operator_ : Channel(client));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    return FromGrpcStatus((stub.get()->*method)(&context, request, response));
  }

  // The clock never goes back.
  void SetTime(const std::string& rfc3339);

  // Each act must be accepted: the first refusal otherwise. The first person is the author.
  absl::Status Act(const std::string& partnership, const v1::Command& command, const std::vector<std::string>& persons);
  absl::Status OpenProject(const std::string& id, const std::string& title_en, const std::string& title_ja = "",
                           v1::FundingProgramme programme = v1::FUNDING_PROGRAMME_MODEL_PROJECT);
  absl::Status OpenMethodology(const std::string& id, const std::string& title_en);
  absl::Status OpenEntity(const std::string& id);
  // With the documents that the row lists, or with these.
  absl::Status Take(const std::string& person, const std::string& id, const std::string& strand,
                    const std::string& step, const v1::StepFacts& facts = {},
                    const std::vector<v1::Document>& documents = {});
  // Only opens it; a meeting of today.
  absl::Status OpenDecision(const std::string& decision, const v1::DecisionText& text);
  // Opened, both co-chairs in favour, confirmed by the other side; takes some seconds of the desk's clock.
  absl::Status Decide(const std::string& decision, v1::DecisionKind kind, std::vector<v1::DecisionSubject> subjects);

  // Empty: not begun.
  std::string StateOf(const std::string& dossier, const std::string& strand) const;
  // Whether it comes true within 30 s.
  static bool Comes(const std::function<bool()>& condition);
  bool ComesTo(const std::string& dossier, const std::string& strand, const std::string& state) const;
  // The book's size once all of it is under a checkpoint.
  uint64_t SettledSize() const;

  static std::string Pseudonym(const std::string& person);

 private:
  void EnrolPeople();
  void BeginPartnership();

  TestSite site_;
  std::string clock_file_;
  SystemRandom random_;
  std::unique_ptr<RegistryNode> node_;
  std::shared_ptr<grpc::Channel> operator_;
  std::string today_;
};

}  // namespace jcm::services::testing

#endif  // SERVICES_NODE_TESTING_CYCLE_DESK_H_
