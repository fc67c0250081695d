// The project cycle for readers, asked at a real node over mutual TLS.
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "jcm/registry/v1/cycle_services.grpc.pb.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/cycle_testing.h"
#include "ledger/rules/testing.h"
#include "services/node/testing/cycle_desk.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;
using Dossiers = api::DossierService;
using testing::CycleDesk;

constexpr char kDayOne[] = "2026-03-02T00:00:00Z";

// Sun is at its idea, the mill's was returned, wind's idea is complete, a methodology is in public input, an entity has
// applied, and a meeting has a decision open on wind.
class DossierServiceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    desk_ = new CycleDesk;
    ASSERT_TRUE(desk_->OpenProject("sun", "Sun over the reservoir", "貯水池の太陽光").ok());
    ASSERT_TRUE(desk_->OpenProject("wind", "Wind at sea", "", v1::FUNDING_PROGRAMME_PRIVATE).ok());
    ASSERT_TRUE(desk_->OpenMethodology("AM", "Replacing boilers").ok());
    ASSERT_TRUE(desk_->OpenEntity("TPE").ok());
    ASSERT_TRUE(desk_->Take("representative-1", "sun", "PIN", "submit").ok());
    ASSERT_TRUE(desk_->Take("representative-1", "wind", "PIN", "submit").ok());
    ASSERT_TRUE(desk_->Take("representative-1", "AM", "VERSION", "propose").ok());
    v1::StepFacts scopes;
    scopes.add_scopes()->set_scope(1);
    scopes.mutable_scopes(0)->set_validation(true);
    ASSERT_TRUE(desk_->Take("entity", "TPE", "DESIGNATION", "apply", scopes).ok());
    ASSERT_TRUE(desk_->OpenProject("mill", "A mill").ok());
    ASSERT_TRUE(desk_->Take("representative-1", "mill", "PIN", "submit").ok());
    v1::Command back;
    back.set_provenance(v1::PROVENANCE_NATIVE);
    back.mutable_take_step()->set_dossier_id("mill");
    back.mutable_take_step()->set_strand("PIN");
    back.mutable_take_step()->set_instance(1);
    back.mutable_take_step()->set_step("return");
    back.mutable_take_step()->set_reason("The form is not signed.");
    ASSERT_TRUE(desk_->Act("TH", back, {"secretary"}).ok());
    desk_->SetTime("2026-03-05T00:00:00Z");
    ASSERT_TRUE(desk_->Take("secretary", "wind", "PIN", "complete", rules::Reference("TH_PIN001")).ok());
    ASSERT_TRUE(desk_->Take("secretary", "AM", "VERSION", "publish", rules::Reference("TH_PM001")).ok());
    v1::DecisionText text;
    text.set_kind(v1::DECISION_KIND_NO_OBJECTION);
    text.set_title("No objection to TH_PIN001");
    *text.add_subjects() = rules::Subject("wind", "PIN", "clear");
    ASSERT_TRUE(desk_->OpenDecision("TH-JC8-1", text).ok());
    desk_->SetTime("2026-03-15T00:00:00Z");
  }
  static void TearDownTestSuite() { delete desk_; }

  static absl::StatusOr<api::ListDossiersResponse> List(api::ListDossiersRequest request) {
    if (request.parent().empty()) request.set_parent("partnerships/TH");
    api::ListDossiersResponse response;
    JCM_RETURN_IF_ERROR(desk_->Call<Dossiers>(&Dossiers::Stub::ListDossiers, request, &response));
    return response;
  }
  // Ids, in order; the error's reason if it was refused.
  static std::vector<std::string> Ids(const api::ListDossiersRequest& request) {
    const absl::StatusOr<api::ListDossiersResponse> response = List(request);
    if (!response.ok()) return {rules::Why(response.status())};
    std::vector<std::string> ids;
    for (const api::DossierSummary& one : response->dossiers()) ids.push_back(one.dossier().dossier_id());
    EXPECT_EQ(response->total_size(), ids.size());
    return ids;
  }
  static absl::StatusOr<api::GetDossierResponse> Get(const api::GetDossierRequest& request) {
    api::GetDossierResponse response;
    JCM_RETURN_IF_ERROR(desk_->Call<Dossiers>(&Dossiers::Stub::GetDossier, request, &response));
    return response;
  }
  static api::GetDossierRequest Named(const std::string& id) {
    api::GetDossierRequest request;
    request.set_name("partnerships/TH/dossiers/" + id);
    return request;
  }
  static std::string StateIn(const api::GetDossierResponse& response, const std::string& strand) {
    for (const api::StrandSummary& one : response.summary().strands()) {
      if (one.strand() == strand) return one.state();
    }
    return "";
  }
  // "sun: complete", the person's items in order.
  static std::vector<std::string> Inbox(const std::string& person, const std::string& client = testing::kDeskOperator) {
    api::ListInboxRequest request;
    request.set_parent("partnerships/TH");
    request.set_person(person);
    api::ListInboxResponse response;
    const absl::Status status = desk_->Call<Dossiers>(&Dossiers::Stub::ListInbox, request, &response, client);
    if (!status.ok()) return {rules::Why(status)};
    std::vector<std::string> items;
    for (const api::InboxItem& item : response.items()) {
      items.push_back(item.name().substr(item.name().rfind('/') + 1) + ": " + item.step() + " as " + item.as());
    }
    return items;
  }

  static CycleDesk* desk_;
};

CycleDesk* DossierServiceTest::desk_ = nullptr;

using Texts = std::vector<std::string>;

TEST_F(DossierServiceTest, ListsDossiersByNameOfOneOrOfAllPartnerships) {
  EXPECT_EQ(Ids({}), (Texts{"AM", "TPE", "mill", "sun", "wind"}));
  api::ListDossiersRequest all;
  all.set_parent("partnerships/-");
  EXPECT_EQ(Ids(all), (Texts{"AM", "TPE", "mill", "sun", "wind"}));
}

TEST_F(DossierServiceTest, FiltersByKindStateProgrammeAndWhoIsAwaited) {
  api::ListDossiersRequest request;
  request.set_kind(v1::DOSSIER_KIND_PROJECT);
  EXPECT_EQ(Ids(request), (Texts{"mill", "sun", "wind"}));
  request.set_strand("PIN");
  request.set_state("UNDER_CONSIDERATION");
  EXPECT_EQ(Ids(request), (Texts{"wind"}));
  request.set_state("NO_OBJECTION");
  EXPECT_EQ(Ids(request), Texts{});
  api::ListDossiersRequest by_programme;
  by_programme.set_programme(v1::FUNDING_PROGRAMME_PRIVATE);
  EXPECT_EQ(Ids(by_programme), (Texts{"wind"}));
  api::ListDossiersRequest by_type;
  by_type.set_type(v1::PROJECT_TYPE_CCS);
  EXPECT_EQ(Ids(by_type), Texts{});
  api::ListDossiersRequest awaited;
  awaited.set_waits_for("committee");
  EXPECT_EQ(Ids(awaited), (Texts{"wind"}));
  awaited.set_waits_for("secretariat");
  EXPECT_EQ(Ids(awaited), (Texts{"TPE", "sun"}));
  awaited.set_waits_for("clock");
  EXPECT_EQ(Ids(awaited), (Texts{"AM"}));
}

TEST_F(DossierServiceTest, FindsWhatIsOverdueOnly) {
  api::ListDossiersRequest request;
  request.set_overdue(true);  // seven days for the secretariat's check have passed; the committee has thirty
  EXPECT_EQ(Ids(request), (Texts{"TPE", "sun"}));
}

TEST_F(DossierServiceTest, FindsTextInTitlesNumbersAndNamesOfBothLanguages) {
  api::ListDossiersRequest request;
  for (const auto& [text, ids] :
       std::vector<std::pair<std::string, Texts>>{{"RESERVOIR", {"sun"}},
                                                  {"太陽光", {"sun"}},
                                                  {"th_pin001", {"wind"}},
                                                  {"verifier", {"TPE"}},
                                                  {"synthetic partner", {"mill", "sun", "wind"}},
                                                  {"nothing like it", {}}}) {
    request.set_text(text);
    EXPECT_EQ(Ids(request), ids) << text;
  }
}

TEST_F(DossierServiceTest, PagesShowEachDossierOnceAndTellHowManyThereAre) {
  api::ListDossiersRequest request;
  request.set_page_size(1);
  std::vector<std::string> seen;
  do {
    const absl::StatusOr<api::ListDossiersResponse> page = List(request);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_EQ(page->dossiers_size(), 1);
    EXPECT_EQ(page->total_size(), 5u);
    seen.push_back(page->dossiers(0).dossier().dossier_id());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, (Texts{"AM", "TPE", "mill", "sun", "wind"}));
}

TEST_F(DossierServiceTest, APagesTokenBelongsToItsFilter) {
  api::ListDossiersRequest request;
  request.set_page_size(1);
  const absl::StatusOr<api::ListDossiersResponse> page = List(request);
  ASSERT_TRUE(page.ok()) << page.status();
  request.set_page_token(page->next_page_token());
  request.set_kind(v1::DOSSIER_KIND_PROJECT);
  EXPECT_EQ(Ids(request), (Texts{"PAGE_TOKEN_INVALID"}));
}

TEST_F(DossierServiceTest, RefusesWhatIsNoListWithItsReason) {
  api::ListDossiersRequest request;
  request.set_parent("TH");
  EXPECT_EQ(Ids(request), (Texts{"RESOURCE_NAME_INVALID"}));
  request.set_parent("partnerships/TH");
  request.set_page_size(1'001);
  EXPECT_EQ(Ids(request), (Texts{"FIELD_INVALID"}));
  request.set_page_size(0);
  request.set_text(std::string(201, 'x'));
  EXPECT_EQ(Ids(request), (Texts{"FIELD_INVALID"}));
}

TEST_F(DossierServiceTest, ShowsADossierByIdAndByOfficialNumber) {
  const absl::StatusOr<api::GetDossierResponse> by_id = Get(Named("wind"));
  ASSERT_TRUE(by_id.ok()) << by_id.status();
  EXPECT_EQ(by_id->history_size(), 2);
  EXPECT_EQ(by_id->history(1).step(), "complete");
  EXPECT_EQ(by_id->strands_size(), 1);
  const absl::StatusOr<api::GetDossierResponse> by_number = Get(Named("TH_PIN001"));
  ASSERT_TRUE(by_number.ok()) << by_number.status();
  EXPECT_EQ(by_number->DebugString(), by_id->DebugString());
}

TEST_F(DossierServiceTest, ShowsADossierAsItWasRecordedAtAPastTime) {
  api::GetDossierRequest request = Named("wind");
  request.mutable_recorded_at()->set_seconds(
      static_cast<int64_t>(rules::At("2026-03-04T00:00:00Z").micros / 1'000'000));
  const absl::StatusOr<api::GetDossierResponse> then = Get(request);
  ASSERT_TRUE(then.ok()) << then.status();
  EXPECT_EQ(StateIn(*then, "PIN"), "SUBMITTED");
  EXPECT_EQ(then->history_size(), 1);
  const absl::StatusOr<api::GetDossierResponse> now = Get(Named("wind"));
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(StateIn(*now, "PIN"), "UNDER_CONSIDERATION");
}

TEST_F(DossierServiceTest, ShowsADossierAsItStoodOnALegalDate) {
  api::GetDossierRequest request = Named("wind");
  *request.mutable_legal_date() = rules::MakeDate(2026, 3, 2);
  const absl::StatusOr<api::GetDossierResponse> then = Get(request);
  ASSERT_TRUE(then.ok()) << then.status();
  EXPECT_EQ(StateIn(*then, "PIN"), "SUBMITTED");
  *request.mutable_legal_date() = rules::MakeDate(2026, 2, 1);
  const absl::StatusOr<api::GetDossierResponse> before = Get(request);
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(StateIn(*before, "PIN"), "");
}

TEST_F(DossierServiceTest, RefusesToShowWhatIsNotThere) {
  EXPECT_EQ(rules::Why(Get(Named("moon")).status()), "NOT_FOUND");
  api::GetDossierRequest request;
  request.set_name("partnerships/TH/projects/sun");
  EXPECT_EQ(rules::Why(Get(request).status()), "RESOURCE_NAME_INVALID");
  request.set_name("partnerships/MV/dossiers/sun");
  EXPECT_EQ(rules::Why(Get(request).status()), "BOOK_UNKNOWN");
}

TEST_F(DossierServiceTest, AnInboxHasWhatWaitsForEachRoleTheLongestWaitingFirst) {
  EXPECT_EQ(Inbox("secretary"),
            (Texts{"TPE: complete as secretariat", "sun: complete as secretariat", "wind: clear as committee"}));
  EXPECT_EQ(Inbox("chair"), (Texts{"TH-JC8-1: vote as co-chair"}));
  EXPECT_EQ(Inbox("member"), Texts{});  // in a meeting the co-chairs speak
  EXPECT_EQ(Inbox("entity"), Texts{});
  EXPECT_EQ(Inbox("operator-1"), Texts{});
}

TEST_F(DossierServiceTest, AnInboxSaysSinceWhenUntilWhenAndInBothLanguages) {
  api::ListInboxRequest request;
  request.set_parent("partnerships/-");
  request.set_person("secretary");
  request.set_page_size(2);
  api::ListInboxResponse first;
  ASSERT_TRUE(desk_->Call<Dossiers>(&Dossiers::Stub::ListInbox, request, &first).ok());
  ASSERT_EQ(first.items_size(), 2);
  EXPECT_EQ(first.total_size(), 3u);
  const api::InboxItem& sun = first.items(1);
  EXPECT_EQ(sun.title(), "Sun over the reservoir");
  EXPECT_EQ(sun.since().seconds(), static_cast<int64_t>(rules::At(kDayOne).micros / 1'000'000));
  EXPECT_TRUE(sun.overdue());
  EXPECT_NE(sun.text_en(), "");
  EXPECT_NE(sun.text_ja(), "");
  request.set_page_token(first.next_page_token());
  api::ListInboxResponse second;
  ASSERT_TRUE(desk_->Call<Dossiers>(&Dossiers::Stub::ListInbox, request, &second).ok());
  ASSERT_EQ(second.items_size(), 1);
  EXPECT_FALSE(second.items(0).overdue());
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(DossierServiceTest, AnInboxIsItsOwnersAndTheOperators) {
  EXPECT_EQ(Inbox("", testing::kDeskParticipant), Inbox("representative-1"));
  EXPECT_EQ(Inbox("secretary", testing::kDeskParticipant), (Texts{"METHOD_NOT_ALLOWED"}));
  EXPECT_EQ(Inbox("secretary", testing::kDeskAuditor).size(), 3u);
  EXPECT_EQ(Inbox("nobody"), (Texts{"NOT_FOUND"}));
}

TEST_F(DossierServiceTest, AParticipantsInboxHasWhatWasReturned) {
  EXPECT_EQ(Inbox("", testing::kDeskParticipant), (Texts{"mill: submit as participant"}));
}

TEST_F(DossierServiceTest, ThePipelineCountsProjectsByProgrammeAndState) {
  api::GetPipelineRequest request;
  request.set_parent("partnerships/TH");
  api::GetPipelineResponse response;
  ASSERT_TRUE(desk_->Call<Dossiers>(&Dossiers::Stub::GetPipeline, request, &response).ok());
  bool found = false;
  for (const api::PipelineRow& row : response.rows()) {
    if (row.programme() != v1::FUNDING_PROGRAMME_PRIVATE) continue;
    found = true;
    EXPECT_EQ(row.strand(), "PIN");
    EXPECT_EQ(row.state(), "UNDER_CONSIDERATION");
    EXPECT_EQ(row.dossiers(), 1u);
    EXPECT_EQ(row.median_days(), 10u);
    EXPECT_EQ(row.longest_days(), 10u);
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(response.checkpoints().rfind("JPN/TH ", 0), 0u) << response.checkpoints();
}

TEST_F(DossierServiceTest, ShowsNothingToThoseWithoutACertificate) {
  const auto stub = Dossiers::NewStub(desk_->Channel(""));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  api::ListDossiersRequest request;
  request.set_parent("partnerships/TH");
  api::ListDossiersResponse response;
  EXPECT_FALSE(stub->ListDossiers(&context, request, &response).ok());
  EXPECT_EQ(response.dossiers_size(), 0);
}

}  // namespace
}  // namespace jcm::services
