#include "services/issuance/reconciliation.h"

#include <string>

#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/state/state.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

// Japan's book of the Thai partnership, record by record.
class Book {
 public:
  void Put(uint32_t table, const std::string& key, const google::protobuf::MessageLite& record) {
    v1::Effects effects;
    v1::Effect* effect = effects.add_effects();
    effect->set_table(table);
    effect->set_key(key);
    effect->set_new_value(record.SerializeAsString());
    ASSERT_TRUE(state_.Apply(effects).ok());
  }
  void PutImported(uint32_t table, const std::string& key, const google::protobuf::MessageLite& record) {
    Put(state::Shadow(table), key, record);
  }
  absl::StatusOr<api::GetReconciliationResponse> Rows() const { return Reconcile(state_); }

 private:
  state::MapState state_;
};

v1::UnitRange Range(uint64_t first, uint64_t last) {
  v1::UnitRange range;
  range.set_lot_id("TH014-2021-1");
  range.set_first(first);
  range.set_last(last);
  return range;
}

// TH014: 2,017 t, of which 1,009 for the Government of Japan.
v1::DecisionRecord Decision(v1::DecisionState state) {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  auto* issuance = text.mutable_issuance();
  issuance->set_project_id("TH014");
  auto* lot = issuance->add_lots();
  lot->set_lot_id("TH014-2021-1");
  lot->set_vintage(2021);
  lot->set_tonnes(2'017);
  auto* japan = issuance->add_rows();
  japan->set_party(v1::PARTY_KIND_GOVERNMENT_OF_JAPAN);
  *japan->mutable_range() = Range(1, 1'009);
  auto* others = issuance->add_rows();
  others->set_party(v1::PARTY_KIND_PARTICIPANT);
  *others->mutable_range() = Range(1'010, 2'017);
  v1::DecisionRecord decision;
  decision.set_decision_id("TH-JC7-TH014");
  decision.set_text(text.SerializeAsString());
  decision.set_state(state);
  return decision;
}

v1::BlockRecord Block(uint64_t first, uint64_t last, v1::BlockState state) {
  v1::BlockRecord block;
  block.set_lot_id("TH014-2021-1");
  block.set_first(first);
  block.set_last(last);
  block.set_state(state);
  return block;
}

TEST(Reconciliation, TellsTheStoryOfUnitsThatCameFromTheHost) {
  Book book;
  book.Put(v1::TABLE_DECISION, "TH-JC7-TH014", Decision(v1::DECISION_STATE_ADOPTED));
  v1::IssuanceRecord issuance;
  issuance.set_decision_id("TH-JC7-TH014");
  issuance.set_registry("THA");
  issuance.set_tonnes(2'017);
  issuance.set_provenance(v1::PROVENANCE_ASSUMED);
  book.PutImported(v1::TABLE_ISSUANCE, "TH-JC7-TH014", issuance);
  v1::TransferOutRecord sent;
  sent.set_transfer_id("T-1");
  sent.set_state(v1::TRANSFER_OUT_STATE_POSTED);
  *sent.add_ranges() = Range(1, 1'009);
  auto* lot = sent.add_lots();
  lot->set_lot_id("TH014-2021-1");
  lot->set_project_id("TH014");
  book.PutImported(v1::TABLE_TRANSFER_OUT, "T-1", sent);
  v1::TransferInRecord received;
  received.set_transfer_id("T-1");
  received.set_state(v1::TRANSFER_IN_STATE_CREDITED);
  received.set_tonnes(1'009);
  book.Put(v1::TABLE_TRANSFER_IN, "T-1", received);
  v1::FirstTransferRecord first_transfer;
  first_transfer.set_first_transfer_id("FT-1");
  *first_transfer.add_ranges() = Range(1, 1'009);
  book.PutImported(v1::TABLE_FIRST_TRANSFER, "FT-1", first_transfer);
  book.Put(v1::TABLE_BLOCK, "1", Block(1, 1'000, v1::BLOCK_STATE_HELD));
  book.Put(v1::TABLE_BLOCK, "2", Block(1'001, 1'006, v1::BLOCK_STATE_RETIRED));
  book.Put(v1::TABLE_BLOCK, "3", Block(1'007, 1'008, v1::BLOCK_STATE_CANCELLED));
  book.Put(v1::TABLE_BLOCK, "4", Block(1'009, 1'009, v1::BLOCK_STATE_IN_TRANSIT));

  const absl::StatusOr<api::GetReconciliationResponse> response = book.Rows();
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->rows_size(), 1);
  const api::ReconciliationRow& row = response->rows(0);
  EXPECT_EQ(row.project_id(), "TH014");
  EXPECT_EQ(row.decided(), 2'017u);
  EXPECT_EQ(row.government_of_japan(), 1'009u);
  EXPECT_EQ(row.other_allottees(), 1'008u);
  EXPECT_EQ(row.newly_issued_own(), 0u);
  EXPECT_EQ(row.newly_issued_peer(), 2'017u);
  EXPECT_EQ(row.transferred_in(), 1'009u);
  EXPECT_EQ(row.transferred_out(), 0u);
  EXPECT_EQ(row.first_transferred(), 1'009u);
  EXPECT_EQ(row.spendable(), 1'000u);
  EXPECT_EQ(row.retired(), 6u);
  EXPECT_EQ(row.cancelled(), 2u);
  EXPECT_EQ(row.in_transit(), 1u);
  ASSERT_EQ(row.provenance_notes_size(), 1);
  EXPECT_EQ(row.provenance_notes(0), "issuance by THA of decision TH-JC7-TH014: assumed, no source states it");
}

TEST(Reconciliation, CountsSharesIssuedOnBothSides) {
  Book book;
  book.PutImported(v1::TABLE_DECISION, "TH-JC7-TH014", Decision(v1::DECISION_STATE_ADOPTED));
  v1::IssuanceRecord issuance;
  issuance.set_decision_id("TH-JC7-TH014");
  issuance.set_tonnes(1'009);
  book.Put(v1::TABLE_ISSUANCE, "TH-JC7-TH014", issuance);
  issuance.set_tonnes(1'008);
  book.PutImported(v1::TABLE_ISSUANCE, "TH-JC7-TH014", issuance);
  const api::ReconciliationRow row = book.Rows()->rows(0);
  EXPECT_EQ(row.decided(), 2'017u);
  EXPECT_EQ(row.newly_issued_own(), 1'009u);
  EXPECT_EQ(row.newly_issued_peer(), 1'008u);
}

// Mongolia, 2016: 157 t decided; Japan's registry issued 125 t, of which 109 t for the government and 16 t for a
// company; 32 t are the host's.
TEST(Reconciliation, ConservesMongolias157OverBothRegistries) {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  auto* issuance = text.mutable_issuance();
  issuance->set_project_id("MN001");
  auto* lot = issuance->add_lots();
  lot->set_lot_id("MN001-2015-1");
  lot->set_tonnes(157);
  const auto add = [&](v1::PartyKind party, uint64_t first, uint64_t last) {
    auto* row = issuance->add_rows();
    row->set_party(party);
    row->mutable_range()->set_lot_id("MN001-2015-1");
    row->mutable_range()->set_first(first);
    row->mutable_range()->set_last(last);
  };
  add(v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, 1, 109);
  add(v1::PARTY_KIND_PARTICIPANT, 110, 125);
  add(v1::PARTY_KIND_GOVERNMENT_OF_PARTNER, 126, 157);
  v1::DecisionRecord decision;
  decision.set_decision_id("MN-JC4");
  decision.set_text(text.SerializeAsString());
  decision.set_state(v1::DECISION_STATE_ADOPTED);
  Book book;
  book.Put(v1::TABLE_DECISION, "MN-JC4", decision);
  v1::IssuanceRecord issued;
  issued.set_decision_id("MN-JC4");
  issued.set_tonnes(125);
  book.Put(v1::TABLE_ISSUANCE, "MN-JC4", issued);
  issued.set_tonnes(32);
  book.PutImported(v1::TABLE_ISSUANCE, "MN-JC4", issued);
  const api::ReconciliationRow row = book.Rows()->rows(0);
  EXPECT_EQ(row.decided(), 157u);
  EXPECT_EQ(row.government_of_japan(), 109u);
  EXPECT_EQ(row.newly_issued_own() + row.newly_issued_peer(), row.decided());
}

TEST(Reconciliation, HasNoRowForWhatIsNotAdopted) {
  for (const v1::DecisionState state :
       {v1::DECISION_STATE_OPEN, v1::DECISION_STATE_NOT_ADOPTED, v1::DECISION_STATE_WITHDRAWN}) {
    Book book;
    book.Put(v1::TABLE_DECISION, "TH-JC7-TH014", Decision(state));
    EXPECT_EQ(book.Rows()->rows_size(), 0);
  }
}

TEST(Reconciliation, CountsOnlyWhatWasPosted) {
  Book book;
  book.Put(v1::TABLE_DECISION, "TH-JC7-TH014", Decision(v1::DECISION_STATE_ADOPTED));
  v1::TransferOutRecord transfer;
  *transfer.add_ranges() = Range(1, 10);
  transfer.set_state(v1::TRANSFER_OUT_STATE_INITIATED);
  book.Put(v1::TABLE_TRANSFER_OUT, "T-1", transfer);
  transfer.set_state(v1::TRANSFER_OUT_STATE_VOIDED);
  book.Put(v1::TABLE_TRANSFER_OUT, "T-2", transfer);
  EXPECT_EQ(book.Rows()->rows(0).transferred_out(), 0u);
  transfer.set_state(v1::TRANSFER_OUT_STATE_POSTED);
  book.Put(v1::TABLE_TRANSFER_OUT, "T-3", transfer);
  EXPECT_EQ(book.Rows()->rows(0).transferred_out(), 10u);
}

TEST(Reconciliation, SaysThatTheStoreIsDamagedRatherThanAWrongFigure) {
  Book book;
  v1::TransferInRecord received;
  received.set_transfer_id("T-1");
  received.set_state(v1::TRANSFER_IN_STATE_CREDITED);
  book.Put(v1::TABLE_TRANSFER_IN, "T-1", received);
  EXPECT_TRUE(HasReason(book.Rows().status(), Reason::STORE_CORRUPT));
}

}  // namespace
}  // namespace jcm::services
