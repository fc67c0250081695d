#include "services/issuance/reconciliation.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "services/common/record_list.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

// Both sides' records of a table: the own book's, then the imported ones.
template <typename Record>
absl::StatusOr<std::vector<Record>> BothSides(const state::StateReader& book, uint32_t table) {
  JCM_ASSIGN_OR_RETURN(std::vector<Record> records, AllRecords<Record>(book, table));
  JCM_ASSIGN_OR_RETURN(std::vector<Record> imported, AllRecords<Record>(book, state::Shadow(table)));
  for (Record& record : imported) records.push_back(std::move(record));
  return records;
}

// Builds the rows step by step; each step adds the figures of one kind of record.
class Reconciliation {
 public:
  explicit Reconciliation(const state::StateReader& book) : book_(book) {}

  absl::StatusOr<api::GetReconciliationResponse> Build() {
    JCM_RETURN_IF_ERROR(AddLots());
    JCM_RETURN_IF_ERROR(AddDecisions());
    JCM_RETURN_IF_ERROR(AddIssuances());
    JCM_RETURN_IF_ERROR(AddTransfers());
    JCM_RETURN_IF_ERROR(AddFirstTransfers());
    JCM_RETURN_IF_ERROR(AddBlocks());
    api::GetReconciliationResponse response;
    for (auto& [project_id, row] : rows_) {
      row.set_project_id(project_id);
      for (const std::string& note : notes_[project_id]) row.add_provenance_notes(note);
      *response.add_rows() = std::move(row);
    }
    return response;
  }

 private:
  absl::Status AddLots() {
    JCM_ASSIGN_OR_RETURN(std::vector<v1::LotRecord> lots, BothSides<v1::LotRecord>(book_, v1::TABLE_LOT));
    for (const v1::LotRecord& lot : lots) project_of_lot_[lot.lot_id()] = lot.project_id();
    return absl::OkStatus();
  }

  absl::Status AddDecisions() {
    JCM_ASSIGN_OR_RETURN(std::vector<v1::DecisionRecord> decisions,
                         BothSides<v1::DecisionRecord>(book_, v1::TABLE_DECISION));
    for (const v1::DecisionRecord& decision : decisions) {
      v1::DecisionText text;
      if (!text.ParseFromString(decision.text())) return Error(Reason::STORE_CORRUPT, "a decision's text");
      if (text.kind() != v1::DECISION_KIND_ISSUANCE) continue;
      const std::string& project_id = text.issuance().project_id();
      project_of_decision_[decision.decision_id()] = project_id;
      if (decision.state() != v1::DECISION_STATE_ADOPTED) continue;
      api::ReconciliationRow& row = rows_[project_id];
      for (const v1::LotText& lot : text.issuance().lots()) {
        row.set_decided(row.decided() + lot.tonnes());
        project_of_lot_[lot.lot_id()] = project_id;
      }
      for (const v1::AllocationRow& allotted : text.issuance().rows()) {
        const uint64_t tonnes = allotted.range().last() - allotted.range().first() + 1;
        if (allotted.party() == v1::PARTY_KIND_GOVERNMENT_OF_JAPAN) {
          row.set_government_of_japan(row.government_of_japan() + tonnes);
        } else {
          row.set_other_allottees(row.other_allottees() + tonnes);
        }
      }
      Note(project_id, absl::StrCat("decision ", decision.decision_id()), decision.provenance());
    }
    return absl::OkStatus();
  }

  absl::Status AddIssuances() {
    JCM_ASSIGN_OR_RETURN(std::vector<v1::IssuanceRecord> own,
                         AllRecords<v1::IssuanceRecord>(book_, v1::TABLE_ISSUANCE));
    JCM_ASSIGN_OR_RETURN(std::vector<v1::IssuanceRecord> peer,
                         AllRecords<v1::IssuanceRecord>(book_, state::Shadow(v1::TABLE_ISSUANCE)));
    for (const v1::IssuanceRecord& issuance : own) {
      api::ReconciliationRow& row = rows_[ProjectOfDecision(issuance.decision_id())];
      row.set_newly_issued_own(row.newly_issued_own() + issuance.tonnes());
    }
    for (const v1::IssuanceRecord& issuance : peer) {
      api::ReconciliationRow& row = rows_[ProjectOfDecision(issuance.decision_id())];
      row.set_newly_issued_peer(row.newly_issued_peer() + issuance.tonnes());
      own.push_back(issuance);
    }
    for (const v1::IssuanceRecord& issuance : own) {
      Note(ProjectOfDecision(issuance.decision_id()),
           absl::StrCat("issuance by ", issuance.registry(), " of decision ", issuance.decision_id()),
           issuance.provenance());
    }
    return absl::OkStatus();
  }

  absl::Status AddTransfers() {
    JCM_ASSIGN_OR_RETURN(std::vector<v1::TransferOutRecord> sent,
                         AllRecords<v1::TransferOutRecord>(book_, v1::TABLE_TRANSFER_OUT));
    for (const v1::TransferOutRecord& transfer : sent) {
      if (transfer.state() != v1::TRANSFER_OUT_STATE_POSTED) continue;
      for (const auto& [project_id, tonnes] : TonnesByProject(transfer.ranges())) {
        rows_[project_id].set_transferred_out(rows_[project_id].transferred_out() + tonnes);
      }
    }
    JCM_ASSIGN_OR_RETURN(std::vector<v1::TransferInRecord> received,
                         AllRecords<v1::TransferInRecord>(book_, v1::TABLE_TRANSFER_IN));
    for (const v1::TransferInRecord& transfer : received) {
      if (transfer.state() != v1::TRANSFER_IN_STATE_CREDITED) continue;
      JCM_ASSIGN_OR_RETURN(
          auto sender, book_.Get<v1::TransferOutRecord>(state::Shadow(v1::TABLE_TRANSFER_OUT), transfer.transfer_id()));
      if (!sender.has_value()) return Error(Reason::STORE_CORRUPT, "a credited transfer was never sent");
      for (const v1::LotRecord& lot : sender->lots()) project_of_lot_[lot.lot_id()] = lot.project_id();
      for (const auto& [project_id, tonnes] : TonnesByProject(sender->ranges())) {
        rows_[project_id].set_transferred_in(rows_[project_id].transferred_in() + tonnes);
      }
    }
    return absl::OkStatus();
  }

  // Only the host's book has any.
  absl::Status AddFirstTransfers() {
    JCM_ASSIGN_OR_RETURN(std::vector<v1::FirstTransferRecord> first_transfers,
                         BothSides<v1::FirstTransferRecord>(book_, v1::TABLE_FIRST_TRANSFER));
    for (const v1::FirstTransferRecord& first_transfer : first_transfers) {
      for (const auto& [project_id, tonnes] : TonnesByProject(first_transfer.ranges())) {
        rows_[project_id].set_first_transferred(rows_[project_id].first_transferred() + tonnes);
        Note(project_id, absl::StrCat("first transfer ", first_transfer.first_transfer_id()),
             first_transfer.provenance());
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddBlocks() {
    absl::Status failure;
    JCM_RETURN_IF_ERROR(book_.Scan(v1::TABLE_BLOCK, "", "", [&](absl::string_view, absl::string_view value) {
      v1::BlockRecord block;
      if (!block.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
        failure = Error(Reason::STORE_CORRUPT, "a unit block");
        return false;
      }
      AddBlock(block, &rows_[ProjectOfLot(block.lot_id())]);
      return true;
    }));
    return failure;
  }

  static void AddBlock(const v1::BlockRecord& block, api::ReconciliationRow* row) {
    const uint64_t tonnes = block.last() - block.first() + 1;
    switch (block.state()) {
      case v1::BLOCK_STATE_HELD:
        row->set_spendable(row->spendable() + tonnes);
        break;
      case v1::BLOCK_STATE_IN_TRANSIT:
        row->set_in_transit(row->in_transit() + tonnes);
        break;
      case v1::BLOCK_STATE_RETIRED:
        row->set_retired(row->retired() + tonnes);
        break;
      case v1::BLOCK_STATE_CANCELLED:
        row->set_cancelled(row->cancelled() + tonnes);
        break;
      default:  // sent ones are the other registry's; reserved ones have no column of their own
        break;
    }
  }

  std::map<std::string, uint64_t> TonnesByProject(
      const google::protobuf::RepeatedPtrField<v1::UnitRange>& ranges) const {
    std::map<std::string, uint64_t> tonnes;
    for (const v1::UnitRange& range : ranges) tonnes[ProjectOfLot(range.lot_id())] += range.last() - range.first() + 1;
    return tonnes;
  }

  std::string ProjectOfLot(const std::string& lot_id) const { return Find(project_of_lot_, lot_id); }
  std::string ProjectOfDecision(const std::string& id) const { return Find(project_of_decision_, id); }

  static std::string Find(const std::map<std::string, std::string>& projects, const std::string& id) {
    const auto found = projects.find(id);
    return found == projects.end() ? std::string("(unknown)") : found->second;
  }

  // Figures that were not recorded when they happened say so.
  void Note(const std::string& project_id, const std::string& what, v1::Provenance provenance) {
    switch (provenance) {
      case v1::PROVENANCE_MIGRATED:
        notes_[project_id].insert(absl::StrCat(what, ": migrated"));
        break;
      case v1::PROVENANCE_ATTESTED:
        notes_[project_id].insert(absl::StrCat(what, ": attested"));
        break;
      case v1::PROVENANCE_ASSUMED:
        notes_[project_id].insert(absl::StrCat(what, ": assumed, no source states it"));
        break;
      default:
        break;
    }
  }

  const state::StateReader& book_;
  std::map<std::string, std::string> project_of_lot_;
  std::map<std::string, std::string> project_of_decision_;
  std::map<std::string, api::ReconciliationRow> rows_;
  std::map<std::string, std::set<std::string>> notes_;
};

}  // namespace

absl::StatusOr<api::GetReconciliationResponse> Reconcile(const state::StateReader& book) {
  return Reconciliation(book).Build();
}

}  // namespace jcm::services
