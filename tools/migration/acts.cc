#include "tools/migration/acts.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "ledger/base/types.h"
#include "nlohmann/json.hpp"

namespace jcm::migration {
namespace {

v1::Date ToProto(Date date) {
  v1::Date out;
  out.set_year(date.year);
  out.set_month(date.month);
  out.set_day(date.day);
  return out;
}

v1::UnitRange ToProto(const RangeOfLot& range) {
  v1::UnitRange out;
  out.set_lot_id(range.lot_id);
  out.set_first(range.first);
  out.set_last(range.last);
  return out;
}

class Planner {
 public:
  Planner(const Migration& migration, const Secret& secret, const Names& names, Problems* problems)
      : m_(migration), secret_(secret), names_(names), problems_(problems) {
    for (const PartnershipRow& row : m_.partnerships) partnerships_[row.partnership] = &row;
  }

  absl::Status PlanAccounts() {
    for (const AccountRow& row : m_.accounts) {
      if (row.existing) continue;
      JCM_RETURN_IF_ERROR(PlanAccount(row));
      if (row.state == v1::ACCOUNT_STATE_ACTIVE) continue;
      v1::SetAccountState* body =
          Begin(Phase::ACCOUNT_STATES, kHome, {&row.origin}, row.opened).mutable_set_account_state();
      body->set_account_number(row.number);
      body->set_state(row.state);
      body->set_reason("as in the earlier registry");
    }
    return absl::OkStatus();
  }

  void PlanPartnerships() {
    for (const EventRow& row : m_.events) {
      v1::RecordPartnershipEvent* body =
          Begin(Phase::PARTNERSHIP, row.partnership, {&row.origin}, row.date).mutable_record_partnership_event();
      body->set_kind(row.kind);
      *body->mutable_date() = ToProto(row.date);
      body->set_text(row.text);
    }
    for (const MemberRow& row : m_.members) PlanMember(row);
  }

  void PlanDossiers() {
    for (const StrandRow& row : m_.strands) strands_[{row.partnership, row.dossier_id}].push_back(&row);
    for (const DossierRow& row : m_.methodologies) PlanDossier({&row});
    std::map<std::pair<std::string, std::string>, std::vector<const DossierRow*>> entities;
    for (const DossierRow& row : m_.entities) entities[{row.partnership, row.dossier_id}].push_back(&row);
    for (const auto& [key, rows] : entities) PlanDossier(rows);
    for (const DossierRow& row : m_.projects) {
      if (row.dossier_id.empty()) {
        PlanProject(row);
      } else {
        PlanDossier({&row});
      }
    }
  }

  void PlanUnits() {
    for (const LotRow& row : m_.lots) PlanLot(row);
    PlanTransfers();
    PlanBlocks();
  }

  std::vector<PlannedAct> TakeActs() { return std::move(acts_); }

 private:
  using Origins = std::vector<const Origin*>;

  // A new act, with its source; the first origin names it.
  v1::Command& Begin(Phase phase, const std::string& partnership, const Origins& origins,
                     absl::optional<Date> legal_date) {
    acts_.emplace_back();
    PlannedAct& act = acts_.back();
    act.phase = phase;
    act.partnership = partnership;
    act.command.set_provenance(v1::PROVENANCE_MIGRATED);
    if (legal_date.has_value()) *act.command.mutable_legal_date() = ToProto(*legal_date);
    std::string content;
    for (const Origin* origin : origins) {
      act.rows.emplace_back(origin->file, origin->row);
      absl::StrAppend(&content, origin->file, "\x1e", origin->content, "\x1e");
      const auto source = m_.sources.find(origin->source);
      if (source != m_.sources.end()) absl::StrAppend(&content, source->second.title, source->second.digest);
    }
    v1::MigrationSource* source = act.command.mutable_source();
    source->set_file(origins[0]->file);
    source->set_row(static_cast<uint32_t>(origins[0]->row));
    source->set_object(origins[0]->object);
    source->set_row_commitment(secret_.Commitment(content));
    const auto document = m_.sources.find(origins[0]->source);
    if (document != m_.sources.end()) {
      source->set_document(document->second.title);
      source->set_document_digest(document->second.digest);
    }
    source->set_document_row(origins[0]->source_row);
    return act.command;
  }

  absl::Status PlanAccount(const AccountRow& row) {
    v1::OpenAccount* body = Begin(Phase::ACCOUNTS, kHome, {&row.origin}, row.opened).mutable_open_account();
    body->set_account_number(row.number);
    body->set_account_class(row.account_class);
    for (const std::string& partnership : row.partnerships) {
      v1::Handle* handle = body->add_handles();
      handle->set_partnership(partnership);
      handle->set_handle(secret_.Handle(partnership, row.number));
    }
    for (const std::string& person : row.representatives) body->add_representatives(person);
    if (row.holder.empty()) return absl::OkStatus();
    JCM_ASSIGN_OR_RETURN(client::Commitment commitment,
                         client::CommitWithSalt(row.holder, secret_.Draw("holder-salt", row.number)));
    body->set_holder_commitment(commitment.digest);
    nlohmann::ordered_json particulars;
    particulars["holder"] = row.holder;
    if (!row.holder_en.empty()) particulars["holder_en"] = row.holder_en;
    if (!row.corporate_number.empty()) particulars["corporate_number"] = row.corporate_number;
    if (!row.country.empty()) particulars["country"] = row.country;
    particulars["holder_salt"] = HexEncode(commitment.salt);
    // Its key and nonce depend on what is sealed: one key never seals two texts.
    DrawnRandom random(secret_, absl::StrCat("seal/", particulars.dump()));
    JCM_ASSIGN_OR_RETURN(acts_.back().sealed,
                         client::SealParticulars(absl::StrCat("account/", row.number), particulars, random));
    body->set_sealed_digest(acts_.back().sealed->digest);
    return absl::OkStatus();
  }

  void PlanMember(const MemberRow& row) {
    const auto person = names_.persons.find({row.partnership, row.person_id});
    if (person == names_.persons.end()) {
      return Problem(row.origin, "person_id", Reason::OBJECT_UNKNOWN,
                     absl::StrCat(row.person_id, " has no pseudonym in ", row.partnership));
    }
    v1::AppointMember* body =
        Begin(Phase::PARTNERSHIP, row.partnership, {&row.origin}, row.from).mutable_appoint_member();
    body->set_member_id(row.member_id);
    body->set_pseudonym(person->second);
    body->set_co_chair(row.co_chair);
    body->set_title(row.title);
    if (row.term_end.has_value()) *body->mutable_term_end() = ToProto(*row.term_end);
    body->set_alternate_of(row.alternate_of);
  }

  void PlanProject(const DossierRow& row) {
    v1::RegisterProject* body =
        Begin(Phase::DOSSIERS, row.partnership, {&row.origin}, row.registration_date).mutable_register_project();
    body->set_project_id(row.project_id);
    body->set_title_en(row.title_en);
    body->set_title_ja(row.title_ja);
    if (row.registration_date.has_value()) *body->mutable_registration_date() = ToProto(*row.registration_date);
    if (row.crediting_start.has_value()) *body->mutable_crediting_start() = ToProto(*row.crediting_start);
    if (row.crediting_end.has_value()) *body->mutable_crediting_end() = ToProto(*row.crediting_end);
    body->set_synthetic(row.synthetic);
  }

  void PlanDossier(const std::vector<const DossierRow*>& rows) {
    const DossierRow& row = *rows[0];
    const std::vector<const StrandRow*>& strands = strands_[{row.partnership, row.dossier_id}];
    Origins origins;
    for (const DossierRow* one : rows) origins.push_back(&one->origin);
    for (const StrandRow* strand : strands) origins.push_back(&strand->origin);
    const absl::optional<Date> date = row.registration_date;
    v1::MigrateDossier* body = Begin(Phase::DOSSIERS, row.partnership, origins, date).mutable_migrate_dossier();
    body->set_dossier_id(row.dossier_id);
    body->set_kind(row.kind);
    const auto partnership = partnerships_.find(row.partnership);
    if (partnership != partnerships_.end()) body->set_rulebook_version(partnership->second->rulebook);
    body->set_title_en(row.title_en);
    body->set_title_ja(row.title_ja);
    body->set_applicant_en(row.applicant_en);
    body->set_applicant_ja(row.applicant_ja);
    if (row.kind == v1::DOSSIER_KIND_PROJECT) {
      FillProject(row, body);
    } else {
      for (const int32_t scope : row.scopes) body->add_scopes(scope);
    }
    for (const DossierRow* one : rows) {
      if (row.kind != v1::DOSSIER_KIND_THIRD_PARTY_ENTITY) break;
      v1::DatedScopes* scopes = body->add_designations();
      *scopes->mutable_from() = ToProto(one->from);
      for (const v1::ScopeGrant& grant : one->grants) *scopes->add_scopes() = grant;
    }
    for (const StrandRow* strand : strands) FillStrand(row, *strand, body->add_strands());
  }

  static void FillProject(const DossierRow& row, v1::MigrateDossier* body) {
    v1::ProjectFacts* facts = body->mutable_project();
    facts->set_type(row.type);
    facts->set_programme(row.programme);
    for (const int32_t scope : row.scopes) facts->add_scopes(scope);
    if (row.operation_start.has_value()) *facts->mutable_operation_start() = ToProto(*row.operation_start);
    facts->set_location(row.location);
    facts->set_synthetic(row.synthetic);
    for (const v1::MethodologyUse& use : row.methodologies) *body->add_methodologies() = use;
    if (row.registration_date.has_value()) *body->mutable_registration_date() = ToProto(*row.registration_date);
  }

  static void FillStrand(const DossierRow& dossier, const StrandRow& row, v1::MigratedStrand* strand) {
    strand->set_strand(row.strand);
    strand->set_instance(row.instance);
    strand->set_state(row.state);
    *strand->mutable_since() = ToProto(row.since);
    for (const std::string& reference : row.references) strand->add_references(reference);
    strand->set_decision_text(row.decision);
    v1::StepFacts* facts = strand->mutable_facts();
    facts->set_version(row.version);
    facts->set_third_party_entity(row.entity);
    if (!row.references.empty()) facts->set_reference(row.references.back());
    absl::optional<Date> start = row.period_start;
    absl::optional<Date> end = row.period_end;
    // The crediting period may be stated with the project.
    if (row.strand == "REGISTRATION" && !start.has_value()) {
      start = dossier.crediting_start;
      end = dossier.crediting_end;
    }
    if (start.has_value()) *facts->mutable_period()->mutable_start() = ToProto(*start);
    if (end.has_value()) *facts->mutable_period()->mutable_end() = ToProto(*end);
    if (row.strand == "DESIGNATION" || row.strand == "SCOPES") return;
    if (row.strand == "DESIGN") {
      for (const v1::MethodologyUse& use : dossier.methodologies) *facts->add_methodologies() = use;
    }
  }

  const std::string& StatementOf(const std::string& partnership) const {
    static const std::string kNone;
    const auto found = partnerships_.find(partnership);
    return found == partnerships_.end() ? kNone : found->second->statement_id;
  }

  v1::MigrateUnits* BeginUnits(Phase phase, const std::string& partnership, const Origins& origins,
                               absl::optional<Date> date) {
    v1::MigrateUnits* units = Begin(phase, partnership, origins, date).mutable_migrate_units();
    units->set_statement_id(StatementOf(partnership));
    return units;
  }

  void PlanLot(const LotRow& row) {
    v1::MigratedLot* lot = BeginUnits(Phase::LOTS, row.partnership, {&row.origin}, absl::nullopt)->add_lots();
    lot->set_lot_id(row.lot_id);
    lot->set_project_id(row.project_id);
    lot->set_vintage(row.vintage);
    lot->set_first_serial(row.first_serial);
    lot->set_tonnes(row.tonnes);
    lot->set_number_text(row.number_text);
    *lot->mutable_monitoring_start() = ToProto(row.monitoring_start);
    *lot->mutable_monitoring_end() = ToProto(row.monitoring_end);
    lot->set_decision_text(row.decision);
  }

  // The account's handle; a problem of the row if the registry has none.
  bool FindAccount(const Origin& origin, const std::string& column, const std::string& partnership,
                   const std::string& number, std::string* handle) {
    const auto found = names_.accounts.find({partnership, number});
    if (found != names_.accounts.end()) {
      *handle = found->second;
      return true;
    }
    Problem(origin, column, Reason::ACCOUNT_UNKNOWN, absl::StrCat(number, " has no handle in ", partnership));
    return false;
  }

  void PlanTransfers() {
    std::map<std::pair<std::string, std::string>, std::vector<const TransferRow*>> transfers;
    std::vector<std::pair<std::string, std::string>> order;
    for (const TransferRow& row : m_.transfers) {
      std::vector<const TransferRow*>& rows = transfers[{row.partnership, row.transfer_id}];
      if (rows.empty()) order.emplace_back(row.partnership, row.transfer_id);
      rows.push_back(&row);
    }
    for (const auto& key : order) {
      const std::vector<const TransferRow*>& rows = transfers[key];
      const TransferRow& row = *rows[0];
      std::string from, to;
      if (!FindAccount(row.origin, "from_account", row.partnership, row.from_account, &from) ||
          !FindAccount(row.origin, "to_account", row.partnership, row.to_account, &to)) {
        continue;
      }
      Origins origins;
      for (const TransferRow* one : rows) origins.push_back(&one->origin);
      v1::MigratedTransfer* transfer = BeginUnits(Phase::UNITS, row.partnership, origins, row.date)->add_transfers();
      transfer->set_transfer_id(row.transfer_id);
      transfer->set_from_account(from);
      transfer->set_to_account(to);
      for (const TransferRow* one : rows) *transfer->add_ranges() = ToProto(one->range);
      *transfer->mutable_date() = ToProto(row.date);
    }
  }

  void PlanBlocks() {
    const std::vector<Piece> pieces = CutIntoPieces(m_);
    std::map<const BlockRow*, std::vector<const Piece*>> by_block;
    for (const Piece& piece : pieces) by_block[piece.block].push_back(&piece);
    std::map<std::pair<std::string, std::string>, std::vector<const BlockRow*>> by_end;
    for (const BlockRow& row : m_.blocks) {
      if (!row.end_id.empty()) {
        by_end[{row.partnership, row.end_id}].push_back(&row);
        continue;
      }
      std::string account;
      if (!FindAccount(row.origin, "account_number", row.partnership, row.account, &account)) continue;
      v1::MigrateUnits* units = BeginUnits(Phase::UNITS, row.partnership, {&row.origin}, absl::nullopt);
      for (const Piece* piece : by_block[&row]) FillBlock(*piece, account, units->add_blocks());
    }
    for (const EndRow& row : m_.ends) PlanEnd(row, by_end[{row.partnership, row.end_id}], by_block);
  }

  static void FillBlock(const Piece& piece, const std::string& account, v1::MigratedBlock* block) {
    *block->mutable_range() = ToProto(piece.range);
    block->set_account(account);
    block->set_state(v1::BLOCK_STATE_HELD);
    block->set_first_allottee(piece.party);
    block->set_issuing_registry(piece.issuing_registry);
    block->set_restriction(piece.restriction);
  }

  // A retirement or cancellation with all its units: the ledger writes its record once.
  void PlanEnd(const EndRow& row, const std::vector<const BlockRow*>& blocks,
               std::map<const BlockRow*, std::vector<const Piece*>>& by_block) {
    const bool retired = row.state == v1::BLOCK_STATE_RETIRED;
    std::string from, to;
    if (!FindAccount(row.origin, "from_account", row.partnership, row.from_account, &from) ||
        !FindAccount(row.origin, retired ? "retirement_account" : "cancellation_account", row.partnership,
                     row.final_account, &to)) {
      return;
    }
    Origins origins = {&row.origin};
    for (const BlockRow* block : blocks) origins.push_back(&block->origin);
    v1::MigrateUnits* units = BeginUnits(Phase::UNITS, row.partnership, origins, row.date);
    for (const BlockRow* one : blocks) {
      for (const Piece* piece : by_block[one]) {
        v1::MigratedBlock* block = units->add_blocks();
        FillBlock(*piece, to, block);
        block->set_state(row.state);
        block->set_end_id(row.end_id);
        *block->mutable_end_date() = ToProto(row.date);
        block->set_purpose(row.purpose);
        block->set_from_account(from);
      }
    }
  }

  void Problem(const Origin& origin, const std::string& column, Reason reason, const std::string& detail) {
    problems_->Add(origin.file, origin.row, column, reason, detail);
  }

  const Migration& m_;
  const Secret& secret_;
  const Names& names_;
  Problems* problems_;
  std::map<std::string, const PartnershipRow*> partnerships_;
  std::map<std::pair<std::string, std::string>, std::vector<const StrandRow*>> strands_;
  std::vector<PlannedAct> acts_;
};

}  // namespace

uint64_t CountActs(const Migration& migration) {
  uint64_t count = migration.events.size() + migration.members.size() + migration.methodologies.size() +
                   migration.projects.size() + migration.lots.size() + migration.ends.size();
  for (const AccountRow& row : migration.accounts) {
    if (!row.existing) count += row.state == v1::ACCOUNT_STATE_ACTIVE ? 1 : 2;
  }
  std::set<std::pair<std::string, std::string>> entities, transfers;
  for (const DossierRow& row : migration.entities) entities.emplace(row.partnership, row.dossier_id);
  for (const TransferRow& row : migration.transfers) transfers.emplace(row.partnership, row.transfer_id);
  for (const BlockRow& row : migration.blocks) count += row.end_id.empty() ? 1 : 0;
  return count + entities.size() + transfers.size();
}

absl::StatusOr<std::vector<PlannedAct>> PlanHome(const Migration& migration, const Secret& secret) {
  const Names names;
  Planner planner(migration, secret, names, nullptr);
  JCM_RETURN_IF_ERROR(planner.PlanAccounts());
  std::vector<PlannedAct> acts = planner.TakeActs();
  std::stable_sort(acts.begin(), acts.end(),
                   [](const PlannedAct& a, const PlannedAct& b) { return a.phase < b.phase; });
  return acts;
}

std::vector<PlannedAct> PlanBooks(const Migration& migration, const Secret& secret, const Names& names,
                                  Problems* problems) {
  Planner planner(migration, secret, names, problems);
  planner.PlanPartnerships();
  planner.PlanDossiers();
  planner.PlanUnits();
  return planner.TakeActs();
}

}  // namespace jcm::migration
