#include "tools/migration/checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/rules/cycle/tables.h"
#include "tools/client/particulars.h"
#include "tools/migration/history.h"
#include "tools/migration/pieces.h"

namespace jcm::migration {
namespace {

using PartnershipKey = std::pair<std::string, std::string>;  // partnership, id

bool MayHold(v1::AccountClass account_class, v1::BlockState state) {
  switch (state) {
    case v1::BLOCK_STATE_RETIRED:
      return account_class == v1::ACCOUNT_CLASS_RETIREMENT;
    case v1::BLOCK_STATE_CANCELLED:
      return account_class == v1::ACCOUNT_CLASS_CANCELLATION;
    default:
      return account_class == v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING ||
             account_class == v1::ACCOUNT_CLASS_ENTITY_HOLDING || account_class == v1::ACCOUNT_CLASS_PENDING ||
             account_class == v1::ACCOUNT_CLASS_SUSPENSE;
  }
}

class Checker {
 public:
  Checker(const Migration& migration, Problems* problems) : m_(migration), problems_(*problems) {}

  void CheckAll() {
    Index();
    CheckPeople();
    CheckDossiers();
    CheckLots();
    CheckHistory();
    CheckBlocks();
    CheckBalances();
  }

 private:
  void Tell(const Origin& origin, const std::string& column, Reason reason, const std::string& detail) {
    problems_.Add(origin.file, origin.row, column, reason, detail);
  }

  // The first row of an id counts; each later one is told.
  template <typename Map, typename Row>
  void AddOnce(Map* map, const typename Map::key_type& key, const Row& row, const std::string& column) {
    const auto [at, added] = map->emplace(key, &row);
    if (!added) Tell(row.origin, column, Reason::ALREADY_EXISTS, absl::StrCat("as row ", at->second->origin.row));
  }

  void Index() {
    for (const PartnershipRow& row : m_.partnerships) {
      AddOnce(&partnerships_, row.partnership, row, "partnership");
      CheckSource(row.origin);
    }
    for (const AccountRow& row : m_.accounts) AddOnce(&accounts_, row.number, row, "account_number");
    for (const LotRow& row : m_.lots) AddOnce(&lots_, PartnershipKey{row.partnership, row.lot_id}, row, "lot_id");
    for (const EndRow& row : m_.ends) {
      AddOnce(&ends_, std::make_tuple(row.partnership, row.end_id), row,
              row.state == v1::BLOCK_STATE_RETIRED ? "retirement_id" : "cancellation_id");
    }
    for (const DossierRow& row : m_.projects) {
      if (!row.project_id.empty()) {
        AddOnce(&projects_, PartnershipKey{row.partnership, row.project_id}, row, "project_id");
      }
    }
    for (const auto* list : {&m_.methodologies, &m_.entities, &m_.projects}) {
      for (const DossierRow& row : *list) AddDossier(row);
    }
  }

  void AddDossier(const DossierRow& row) {
    if (row.dossier_id.empty()) return;
    const auto [at, added] = dossiers_.emplace(PartnershipKey{row.partnership, row.dossier_id}, &row);
    // An entity has a row for each day on which its scopes changed.
    const DossierRow& first = *at->second;
    if (added || (row.kind == v1::DOSSIER_KIND_THIRD_PARTY_ENTITY && first.kind == row.kind)) return;
    Tell(row.origin, "dossier_id", Reason::ALREADY_EXISTS,
         absl::StrCat("as ", first.origin.file, " row ", first.origin.row));
  }

  void CheckSource(const Origin& origin) {
    if (m_.sources.count(origin.source) == 0) Tell(origin, "source", Reason::OBJECT_UNKNOWN, origin.source);
  }

  // The partnership's row, if it is known.
  const PartnershipRow* CheckPartnership(const Origin& origin, const std::string& partnership) {
    CheckSource(origin);
    const auto found = partnerships_.find(partnership);
    if (found != partnerships_.end()) return found->second;
    Tell(origin, "partnership", Reason::OBJECT_UNKNOWN, absl::StrCat(partnership, " is not in partnerships.csv"));
    return nullptr;
  }

  void CheckNotLater(const Origin& origin, const std::string& partnership, const std::string& column, Date date) {
    const auto found = partnerships_.find(partnership);
    if (found == partnerships_.end() || date <= found->second->as_of) return;
    Tell(origin, column, Reason::FIELD_INVALID,
         absl::StrCat(FormatDate(date), " is after ", FormatDate(found->second->as_of), ", the day of the statement"));
  }

  const AccountRow* FindAccount(const Origin& origin, const std::string& column, const std::string& partnership,
                                const std::string& number) {
    const auto found = accounts_.find(number);
    if (found == accounts_.end()) {
      Tell(origin, column, Reason::ACCOUNT_UNKNOWN, absl::StrCat(number, " is not in accounts.csv"));
      return nullptr;
    }
    const std::vector<std::string>& in = found->second->partnerships;
    if (std::find(in.begin(), in.end(), partnership) == in.end()) {
      Tell(origin, column, Reason::ACCOUNT_UNKNOWN, absl::StrCat(number, " is in no accounts of ", partnership));
    }
    return found->second;
  }

  const LotRow* CheckRange(const Origin& origin, const std::string& partnership, const RangeOfLot& range) {
    const auto found = lots_.find({partnership, range.lot_id});
    if (found == lots_.end()) {
      Tell(origin, "lot_id", Reason::OBJECT_UNKNOWN, absl::StrCat(range.lot_id, " is not in issuances.csv"));
      return nullptr;
    }
    const LotRow& lot = *found->second;
    if (range.first < lot.first_serial || range.last > lot.first_serial + lot.tonnes - 1) {
      Tell(origin, range.first < lot.first_serial ? "first" : "last", Reason::RANGE_OUTSIDE_LOT,
           absl::StrCat(lot.lot_id, " has ", lot.first_serial, "..", lot.first_serial + lot.tonnes - 1));
    }
    return found->second;
  }

  void CheckPeople() {
    std::map<std::tuple<std::string, int, Date>, const EventRow*> events;
    for (const EventRow& row : m_.events) {
      CheckPartnership(row.origin, row.partnership);
      AddOnce(&events, std::make_tuple(row.partnership, static_cast<int>(row.kind), row.date), row, "date");
      CheckNotLater(row.origin, row.partnership, "date", row.date);
    }
    std::map<PartnershipKey, const MemberRow*> members;
    for (const MemberRow& row : m_.members) {
      CheckPartnership(row.origin, row.partnership);
      CheckNotLater(row.origin, row.partnership, "from", row.from);
      if (!row.alternate_of.empty() && members.count({row.partnership, row.alternate_of}) == 0) {
        Tell(row.origin, "alternate_of", Reason::MEMBER_UNKNOWN, absl::StrCat(row.alternate_of, " in no earlier row"));
      }
      AddOnce(&members, PartnershipKey{row.partnership, row.member_id}, row, "member_id");
    }
    for (const AccountRow& row : m_.accounts) CheckAccount(row);
  }

  void CheckAccount(const AccountRow& row) {
    CheckSource(row.origin);
    std::set<std::string> seen;
    for (const std::string& partnership : row.partnerships) {
      if (partnerships_.count(partnership) == 0) {
        Tell(row.origin, "partnerships", Reason::OBJECT_UNKNOWN,
             absl::StrCat(partnership, " is not in partnerships.csv"));
      }
      if (!seen.insert(partnership).second) Tell(row.origin, "partnerships", Reason::FIELD_INVALID, partnership);
    }
    if (row.account_class == v1::ACCOUNT_CLASS_RESERVE) {
      Tell(row.origin, "class", Reason::ACCOUNT_CLASS_WRONG, "the reserve moves by decisions only");
    }
    if (row.state == v1::ACCOUNT_STATE_APPLIED) {
      Tell(row.origin, "state", Reason::FIELD_INVALID, "one that was applied for is opened anew");
    }
    if (!row.corporate_number.empty() && !client::CheckCorporateNumber(row.corporate_number).ok()) {
      Tell(row.origin, "corporate_number", Reason::FIELD_INVALID, "its check digit is not right");
    }
  }

  void CheckDossiers() {
    for (const auto* list : {&m_.methodologies, &m_.entities, &m_.projects}) {
      for (const DossierRow& row : *list) {
        const PartnershipRow* partnership = CheckPartnership(row.origin, row.partnership);
        if (partnership != nullptr && !row.dossier_id.empty() && partnership->rulebook.empty()) {
          Tell(row.origin, "dossier_id", Reason::RULEBOOK_UNKNOWN,
               absl::StrCat("partnerships.csv names no rulebook for ", row.partnership));
        }
        if (row.registration_date.has_value()) {
          CheckNotLater(row.origin, row.partnership, "registration_date", *row.registration_date);
        }
        if (row.crediting_end.has_value() &&
            (!row.crediting_start.has_value() || *row.crediting_end < *row.crediting_start)) {
          Tell(row.origin, "crediting_end", Reason::FIELD_INVALID, "the crediting period ends before it begins");
        }
      }
    }
    CheckEntities();
    CheckStrands();
  }

  void CheckEntities() {
    std::map<PartnershipKey, Date> last;
    for (const DossierRow& row : m_.entities) {
      CheckNotLater(row.origin, row.partnership, "from", row.from);
      const auto [at, first] = last.emplace(PartnershipKey{row.partnership, row.dossier_id}, row.from);
      if (first) continue;
      if (row.from <= at->second) Tell(row.origin, "from", Reason::FIELD_INVALID, "days of one entity ascend");
      at->second = row.from;
    }
  }

  void CheckStrands() {
    std::map<std::tuple<std::string, std::string, std::string>, uint32_t> instances;
    std::set<PartnershipKey> with_strands;
    for (const StrandRow& row : m_.strands) {
      CheckPartnership(row.origin, row.partnership);
      CheckNotLater(row.origin, row.partnership, "since", row.since);
      const auto dossier = dossiers_.find({row.partnership, row.dossier_id});
      if (dossier == dossiers_.end()) {
        Tell(row.origin, "dossier_id", Reason::DOSSIER_UNKNOWN, row.dossier_id);
        continue;
      }
      with_strands.insert(dossier->first);
      const rules::Strand* strand = rules::CycleOf(dossier->second->kind).Find(row.strand);
      if (strand == nullptr) {
        Tell(row.origin, "strand", Reason::STEP_UNKNOWN, absl::StrCat("no strand ", row.strand, " in such a dossier"));
        continue;
      }
      const std::vector<std::string> states = strand->States();
      if (std::find(states.begin(), states.end(), row.state) == states.end()) {
        Tell(row.origin, "state", Reason::FIELD_INVALID, absl::StrCat(row.strand, " has no state ", row.state));
      }
      uint32_t& last = instances[{row.partnership, row.dossier_id, row.strand}];
      if (row.instance != last + 1 || (!strand->repeated && last > 0)) {
        Tell(row.origin, "instance", Reason::FIELD_INVALID, "instances are 1, 2 … without gaps, in this order");
      }
      last = row.instance;
    }
    for (const auto& [key, row] : dossiers_) {
      if (with_strands.count(key) == 0) {
        Tell(row->origin, "dossier_id", Reason::FIELD_REQUIRED, "no row of strands.csv says where it stands");
      }
    }
  }

  void CheckLots() {
    for (const LotRow& row : m_.lots) {
      CheckPartnership(row.origin, row.partnership);
      CheckNotLater(row.origin, row.partnership, "monitoring_end", row.monitoring_end);
      if (projects_.count({row.partnership, row.project_id}) == 0) {
        Tell(row.origin, "project_id", Reason::PROJECT_UNKNOWN,
             absl::StrCat(row.project_id, " is not in projects.csv"));
      }
    }
  }

  void CheckHistory() {
    for (const AllotmentRow& row : m_.allotments) {
      CheckPartnership(row.origin, row.partnership);
      CheckNotLater(row.origin, row.partnership, "date", row.date);
      CheckRange(row.origin, row.partnership, row.range);
      FindAccount(row.origin, "account_number", row.partnership, row.account);
    }
    std::map<PartnershipKey, std::pair<const TransferRow*, size_t>> transfers;
    for (const TransferRow& row : m_.transfers) {
      CheckPartnership(row.origin, row.partnership);
      CheckNotLater(row.origin, row.partnership, "date", row.date);
      CheckRange(row.origin, row.partnership, row.range);
      FindAccount(row.origin, "from_account", row.partnership, row.from_account);
      FindAccount(row.origin, "to_account", row.partnership, row.to_account);
      auto& [first, ranges] =
          transfers.emplace(PartnershipKey{row.partnership, row.transfer_id}, std::make_pair(&row, 0u)).first->second;
      if (first->date != row.date || first->from_account != row.from_account || first->to_account != row.to_account) {
        Tell(row.origin, "transfer_id", Reason::ALREADY_EXISTS,
             absl::StrCat("row ", first->origin.row, " has other accounts or another day"));
      }
      if (++ranges == kRangesPerTransferMax + 1) {
        Tell(row.origin, "transfer_id", Reason::FILE_TOO_LARGE,
             absl::StrCat("more than ", kRangesPerTransferMax, " ranges"));
      }
    }
    for (const EndRow& row : m_.ends) {
      CheckPartnership(row.origin, row.partnership);
      CheckNotLater(row.origin, row.partnership, "date", row.date);
      FindAccount(row.origin, "from_account", row.partnership, row.from_account);
      const std::string column = row.state == v1::BLOCK_STATE_RETIRED ? "retirement_account" : "cancellation_account";
      const AccountRow* account = FindAccount(row.origin, column, row.partnership, row.final_account);
      if (account != nullptr && !MayHold(account->account_class, row.state)) {
        Tell(row.origin, column, Reason::ACCOUNT_CLASS_WRONG, row.final_account);
      }
    }
  }

  void CheckBlocks() {
    std::map<PartnershipKey, Stretches> taken;
    std::map<std::tuple<std::string, std::string>, size_t> blocks_of_end;
    for (const BlockRow& row : m_.blocks) {
      CheckPartnership(row.origin, row.partnership);
      CheckRange(row.origin, row.partnership, row.range);
      const AccountRow* account = FindAccount(row.origin, "account_number", row.partnership, row.account);
      CheckBlockAccount(row, account, &blocks_of_end);
      Stretches& lot = taken[{row.partnership, row.range.lot_id}];
      if (lot.MissingIn("", row.range.first, row.range.last).size() > 0) {
        Tell(row.origin, "first", Reason::RANGES_OVERLAP, "an earlier row has a part of it");
      }
      lot.Put(absl::StrCat(row.origin.row), row.range.first, row.range.last);
    }
    for (const auto& [key, row] : ends_) {
      const size_t blocks = blocks_of_end[key];
      if (blocks == 0) Tell(row->origin, "", Reason::FIELD_REQUIRED, "no block of blocks.csv names it");
      if (blocks > kBlocksPerEndMax) {
        Tell(row->origin, "", Reason::FILE_TOO_LARGE, absl::StrCat("more than ", kBlocksPerEndMax, " blocks"));
      }
    }
    CheckPieces(m_, &problems_);
  }

  void CheckBlockAccount(const BlockRow& row, const AccountRow* account,
                         std::map<std::tuple<std::string, std::string>, size_t>* blocks_of_end) {
    v1::BlockState state = v1::BLOCK_STATE_HELD;
    if (!row.end_id.empty()) {
      const auto end = ends_.find(std::make_tuple(row.partnership, row.end_id));
      if (end == ends_.end()) {
        Tell(row.origin, "end_id", Reason::OBJECT_UNKNOWN,
             absl::StrCat(row.end_id, " is no retirement or cancellation"));
        return;
      }
      ++(*blocks_of_end)[end->first];
      state = end->second->state;
      if (end->second->final_account != row.account) {
        Tell(row.origin, "account_number", Reason::FIELD_INVALID,
             absl::StrCat(row.end_id, " ended in ", end->second->final_account));
      }
    }
    if (account == nullptr) return;
    if (!MayHold(account->account_class, state)) {
      Tell(row.origin, row.end_id.empty() ? "end_id" : "account_number", Reason::ACCOUNT_CLASS_WRONG,
           absl::StrCat(row.account, " is no account for ", row.end_id.empty() ? "what is held" : "what is final"));
    }
    if (account->state == v1::ACCOUNT_STATE_CLOSED) {
      Tell(row.origin, "account_number", Reason::ACCOUNT_NOT_ACTIVE, absl::StrCat(row.account, " is closed"));
    }
  }

  void CheckBalances() {
    std::map<std::tuple<std::string, std::string, std::string, int32_t>, const BalanceRow*> balances;
    for (const BalanceRow& row : m_.balances) {
      CheckPartnership(row.origin, row.partnership);
      FindAccount(row.origin, "account_number", row.partnership, row.account);
      if (projects_.count({row.partnership, row.project_id}) == 0) {
        Tell(row.origin, "project_id", Reason::PROJECT_UNKNOWN, row.project_id);
      }
      AddOnce(&balances, std::make_tuple(row.partnership, row.account, row.project_id, row.vintage), row,
              "account_number");
    }
  }

  const Migration& m_;
  Problems& problems_;
  std::map<std::string, const PartnershipRow*> partnerships_;
  std::map<std::string, const AccountRow*> accounts_;
  std::map<PartnershipKey, const LotRow*> lots_;
  std::map<PartnershipKey, const DossierRow*> projects_;
  std::map<PartnershipKey, const DossierRow*> dossiers_;
  std::map<std::tuple<std::string, std::string>, const EndRow*> ends_;
};

}  // namespace

void CheckRows(const Migration& migration, Problems* problems) { Checker(migration, problems).CheckAll(); }

}  // namespace jcm::migration
