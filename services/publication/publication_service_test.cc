// A book's records at a checkpoint, asked at a real node over mutual TLS: they are those of the first `size` entries,
// again and again, and nothing personal or confidential is among them.
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "jcm/registry/v1/publication.grpc.pb.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/cycle_testing.h"
#include "ledger/rules/testing.h"
#include "ledger/state/state.h"
#include "services/node/testing/cycle_desk.h"
#include "services/publication/record_page.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;
using testing::CycleDesk;

constexpr char kSecret[] = "only the furnace maker may know this";

class PublicationServiceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    desk_ = new CycleDesk;
    ASSERT_TRUE(desk_->OpenProject("sun", "Sun over the reservoir").ok());
    v1::Document idea = rules::TestDocument("F_PIN");
    idea.set_confidential_digest(std::string(32, '\x7e'));
    idea.set_redaction_reason(kSecret);
    ASSERT_TRUE(desk_->Take("representative-1", "sun", "PIN", "submit", {}, {idea}).ok());
    desk_->SetTime("2026-03-05T00:00:00Z");
    ASSERT_TRUE(desk_->Take("secretary", "sun", "PIN", "complete", rules::Reference("TH_PIN001")).ok());
    early_ = desk_->SettledSize();
    early_records_ = All(early_, 1'000);
    desk_->SetTime("2026-03-09T00:00:00Z");
    ASSERT_TRUE(desk_->Decide("D1", v1::DECISION_KIND_NO_OBJECTION, {rules::Subject("sun", "PIN", "clear")}).ok());
    ASSERT_TRUE(desk_->ComesTo("sun", "PIN", "NO_OBJECTION"));
    ASSERT_TRUE(desk_->OpenProject("wind", "Wind at sea").ok());
    late_ = desk_->SettledSize();
  }
  static void TearDownTestSuite() { delete desk_; }

  static absl::StatusOr<api::ListRecordsAtCheckpointResponse> List(const api::ListRecordsAtCheckpointRequest& request,
                                                                   const std::string& client = testing::kDeskOperator) {
    api::ListRecordsAtCheckpointResponse response;
    JCM_RETURN_IF_ERROR(desk_->Call<api::PublicationService>(&api::PublicationService::Stub::ListRecordsAtCheckpoint,
                                                             request, &response, client));
    return response;
  }

  // All pages as one answer.
  static api::ListRecordsAtCheckpointResponse All(uint64_t size, int page_size) {
    api::ListRecordsAtCheckpointRequest request;
    request.set_parent("partnerships/TH");
    request.set_size(size);
    request.set_page_size(page_size);
    api::ListRecordsAtCheckpointResponse all;
    do {
      absl::StatusOr<api::ListRecordsAtCheckpointResponse> page = List(request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return all;
      request.set_page_token(page->next_page_token());
      page->clear_next_page_token();
      all.MergeFrom(*page);
    } while (!request.page_token().empty());
    return all;
  }

  // The same from the entries alone: their effects folded from the first one on.
  static api::ListRecordsAtCheckpointResponse Folded(uint64_t size) {
    state::MapState state;
    api::ListEntriesRequest request;
    request.set_parent("books/JPN/TH");
    request.set_page_size(1'000);
    request.set_with_records(true);
    api::ListEntriesResponse entries;
    EXPECT_TRUE(desk_->Call<api::LedgerService>(&api::LedgerService::Stub::ListEntries, request, &entries).ok());
    for (const api::Entry& entry : entries.entries()) {
      v1::Effects effects;
      EXPECT_TRUE(effects.ParseFromString(entry.record().effects()));
      if (entry.sequence() >= size) continue;
      EXPECT_TRUE(state.Apply(effects).ok());
    }
    api::ListRecordsAtCheckpointResponse all;
    RecordPosition position;
    EXPECT_TRUE(FillRecords(state, *PlacesOf({}), 1'000'000, &position, &all).ok());
    return all;
  }

  static CycleDesk* desk_;
  static uint64_t early_;
  static uint64_t late_;
  static api::ListRecordsAtCheckpointResponse early_records_;
};

CycleDesk* PublicationServiceTest::desk_ = nullptr;
uint64_t PublicationServiceTest::early_ = 0;
uint64_t PublicationServiceTest::late_ = 0;
api::ListRecordsAtCheckpointResponse PublicationServiceTest::early_records_;

TEST_F(PublicationServiceTest, GivesTheSameRecordsWhateverTheBookHasRecordedSince) {
  ASSERT_GT(late_, early_);
  EXPECT_EQ(All(early_, 1'000).SerializeAsString(), early_records_.SerializeAsString());
  EXPECT_NE(All(late_, 1'000).SerializeAsString(), early_records_.SerializeAsString());
}

TEST_F(PublicationServiceTest, GivesWhatTheEntriesAloneSay) {
  for (const uint64_t size : {early_, late_, early_ - 3, (early_ + late_) / 2}) {
    api::ListRecordsAtCheckpointResponse all = All(size, 1'000);
    EXPECT_EQ(all.checkpoint().size(), size);
    all.clear_checkpoint();
    EXPECT_EQ(all.SerializeAsString(), Folded(size).SerializeAsString()) << "at " << size;
  }
}

TEST_F(PublicationServiceTest, PagesShowEachRecordOnceAndStayAtTheirCheckpoint) {
  api::ListRecordsAtCheckpointRequest request;
  request.set_parent("partnerships/TH");
  request.set_page_size(1);
  absl::StatusOr<api::ListRecordsAtCheckpointResponse> page = List(request);
  ASSERT_TRUE(page.ok()) << page.status();
  const uint64_t size = page->checkpoint().size();
  ASSERT_TRUE(desk_->OpenProject("mill", "A mill").ok());
  ASSERT_GT(desk_->SettledSize(), size);
  request.set_page_token(page->next_page_token());
  page = List(request);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->checkpoint().size(), size);
  EXPECT_EQ(All(late_, 1).SerializeAsString(), All(late_, 1'000).SerializeAsString());
}

TEST_F(PublicationServiceTest, NamesTheCheckpointAndTheTimeOfItsNewestEntry) {
  const api::BookCheckpoint checkpoint = early_records_.checkpoint();
  EXPECT_EQ(checkpoint.origin(), "demo.invalid/JPN/TH");
  EXPECT_EQ(checkpoint.registry(), "JPN");
  EXPECT_EQ(checkpoint.peer_registry(), "THA");
  EXPECT_TRUE(checkpoint.demonstration());
  EXPECT_EQ(checkpoint.root().size(), 32u);
  EXPECT_EQ(static_cast<uint64_t>(checkpoint.time().seconds()) * 1'000'000, rules::At("2026-03-05T00:00:00Z").micros);
}

TEST_F(PublicationServiceTest, NeverGivesWhatIsConfidentialOrPersonal) {
  const std::string bytes = All(late_, 1'000).SerializeAsString();
  EXPECT_EQ(bytes.find(kSecret), std::string::npos);
  EXPECT_EQ(bytes.find(std::string(32, '\x7e')), std::string::npos);
  for (const std::string person : {"operator-1", "secretary", "chair", "member", "representative-1"}) {
    EXPECT_EQ(bytes.find(CycleDesk::Pseudonym(person)), std::string::npos) << person;
  }
  // They are in the book: the test would see them.
  api::ListEntriesRequest request;
  request.set_parent("books/JPN/TH");
  request.set_page_size(1'000);
  request.set_with_records(true);
  api::ListEntriesResponse entries;
  ASSERT_TRUE(desk_->Call<api::LedgerService>(&api::LedgerService::Stub::ListEntries, request, &entries).ok());
  const std::string book = entries.SerializeAsString();
  EXPECT_NE(book.find(kSecret), std::string::npos);
  EXPECT_NE(book.find(CycleDesk::Pseudonym("representative-1")), std::string::npos);
}

TEST_F(PublicationServiceTest, SaysThatAPartOfADocumentIsWithheld) {
  bool found = false;
  for (const api::PublishedRecord& record : early_records_.records()) {
    if (!record.has_strand()) continue;
    for (const v1::Document& document : record.strand().documents()) {
      found = true;
      EXPECT_EQ(document.redaction_reason(), "withheld");
      EXPECT_EQ(document.public_digest(), rules::TestDocument("F_PIN").public_digest());
    }
  }
  EXPECT_TRUE(found);
}

TEST_F(PublicationServiceTest, ListsOnlyTheTablesAskedFor) {
  api::ListRecordsAtCheckpointRequest request;
  request.set_parent("partnerships/TH");
  request.add_tables(v1::TABLE_DOSSIER);
  const absl::StatusOr<api::ListRecordsAtCheckpointResponse> page = List(request);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_GE(page->records_size(), 2);
  for (const api::PublishedRecord& record : page->records()) EXPECT_TRUE(record.has_dossier());
}

TEST_F(PublicationServiceTest, RefusesWhatIsNotPublishedOrNotThere) {
  const auto refusal = [](const std::string& parent, uint64_t size, v1::Table table, const std::string& token) {
    api::ListRecordsAtCheckpointRequest request;
    request.set_parent(parent);
    request.set_size(size);
    if (table != v1::TABLE_UNSPECIFIED) request.add_tables(table);
    request.set_page_token(token);
    return rules::Why(List(request).status());
  };
  EXPECT_EQ(refusal("partnerships/TH", 0, v1::TABLE_VOTE, ""), "FIELD_INVALID");
  EXPECT_EQ(refusal("partnerships/TH", 0, v1::TABLE_BLOCK, ""), "FIELD_INVALID");
  EXPECT_EQ(refusal("partnerships/TH", 1'000'000, v1::TABLE_UNSPECIFIED, ""), "NOT_FOUND");
  EXPECT_EQ(refusal("partnerships/MV", 0, v1::TABLE_UNSPECIFIED, ""), "BOOK_UNKNOWN");
  EXPECT_EQ(refusal("books/JPN/TH", 0, v1::TABLE_UNSPECIFIED, ""), "RESOURCE_NAME_INVALID");
  EXPECT_EQ(refusal("partnerships/TH", 0, v1::TABLE_UNSPECIFIED, "x"), "PAGE_TOKEN_INVALID");
  EXPECT_EQ(refusal("partnerships/TH", 1, v1::TABLE_UNSPECIFIED, ""), "OK");
}

TEST_F(PublicationServiceTest, ReadersOfTheRegistryMayRead) {
  api::ListRecordsAtCheckpointRequest request;
  request.set_parent("partnerships/TH");
  EXPECT_EQ(rules::Why(List(request, testing::kDeskParticipant).status()), "OK");
  EXPECT_EQ(rules::Why(List(request, testing::kDeskAuditor).status()), "OK");
}

}  // namespace
}  // namespace jcm::services
