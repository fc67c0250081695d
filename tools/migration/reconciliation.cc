#include "tools/migration/reconciliation.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace jcm::migration {
namespace {

struct Figures {
  Tonnes stated = 0;
  Tonnes blocks = 0;
  Tonnes history = 0;
};

// What a figure is about.
struct Cell {
  std::string partnership;
  std::string account;
  std::string project;
  int32_t vintage = 0;

  bool operator<(const Cell& other) const {
    return std::tie(partnership, account, project, vintage) <
           std::tie(other.partnership, other.account, other.project, other.vintage);
  }
};

using Cells = std::map<Cell, Figures>;

Cells Collect(const Migration& migration, const History& history) {
  std::map<LotKey, const LotRow*> lots;
  for (const LotRow& lot : migration.lots) lots[{lot.partnership, lot.lot_id}] = &lot;
  const auto cell_of = [&](const LotKey& key, const std::string& account) {
    const auto lot = lots.find(key);
    const bool known = lot != lots.end();
    return Cell{key.first, account, known ? lot->second->project_id : "", known ? lot->second->vintage : 0};
  };
  Cells cells;
  for (const BalanceRow& row : migration.balances) {
    cells[{row.partnership, row.account, row.project_id, row.vintage}].stated += row.tonnes;
  }
  for (const BlockRow& row : migration.blocks) {
    cells[cell_of({row.partnership, row.range.lot_id}, row.account)].blocks += row.range.Count();
  }
  for (const auto& [key, stretches] : history.lots()) {
    for (const auto& [first, stretch] : stretches.all()) {
      cells[cell_of(key, stretch.account)].history += stretch.last - first + 1;
    }
  }
  return cells;
}

std::map<std::string, std::string> ClassesOf(const Migration& migration) {
  std::map<std::string, std::string> classes;
  for (const AccountRow& account : migration.accounts) {
    std::string name = v1::AccountClass_Name(account.account_class);
    classes[account.number] = std::string(absl::StripPrefix(name, "ACCOUNT_CLASS_"));
  }
  return classes;
}

std::string KeyOf(Dimension dimension, const Cell& cell, const std::map<std::string, std::string>& classes) {
  switch (dimension) {
    case Dimension::TOTAL:
      return "";
    case Dimension::ACCOUNT:
      return cell.account;
    case Dimension::PROJECT:
      return cell.project;
    case Dimension::VINTAGE:
      return absl::StrCat(cell.vintage);
    case Dimension::ACCOUNT_CLASS:
      break;
  }
  const auto found = classes.find(cell.account);
  return found == classes.end() ? "UNKNOWN" : found->second;
}

void CompareSerials(const Migration& migration, const History& history, std::vector<SerialDifference>* differences) {
  std::map<LotKey, Stretches> stated;
  for (const BlockRow& row : migration.blocks) {
    stated[{row.partnership, row.range.lot_id}].Put(row.account, row.range.first, row.range.last);
  }
  static const Stretches kNothing;
  const auto find = [](const std::map<LotKey, Stretches>& lots, const LotKey& key) -> const Stretches& {
    const auto found = lots.find(key);
    return found == lots.end() ? kNothing : found->second;
  };
  // What blocks have and history has elsewhere or nowhere; then what history has and blocks have nowhere.
  for (const auto& [key, stretches] : stated) {
    const Stretches& told = find(history.lots(), key);
    for (const auto& [first, stretch] : stretches.all()) {
      for (const auto& [from, to] : told.MissingIn(stretch.account, first, stretch.last)) {
        differences->push_back({key.first, {key.second, from, to}, stretch.account, told.At(from)});
      }
    }
  }
  for (const auto& [key, stretches] : history.lots()) {
    const Stretches& blocks = find(stated, key);
    for (const auto& [first, stretch] : stretches.all()) {
      for (const auto& [from, to] : blocks.MissingIn(stretch.account, first, stretch.last)) {
        if (blocks.At(from).empty()) differences->push_back({key.first, {key.second, from, to}, "", stretch.account});
      }
    }
  }
}

}  // namespace

const char* NameOf(Dimension dimension) {
  switch (dimension) {
    case Dimension::TOTAL:
      return "total";
    case Dimension::ACCOUNT:
      return "account";
    case Dimension::PROJECT:
      return "project";
    case Dimension::VINTAGE:
      return "vintage";
    case Dimension::ACCOUNT_CLASS:
      return "account class";
  }
  return "";
}

bool Reconciliation::differs() const {
  return !serials.empty() || !contradictions.empty() ||
         std::any_of(rows.begin(), rows.end(), [](const ReconciledRow& row) { return row.differs(); });
}

Reconciliation Reconcile(const Migration& migration) {
  const History history(migration);
  const Cells cells = Collect(migration, history);
  const std::map<std::string, std::string> classes = ClassesOf(migration);
  std::map<std::tuple<Dimension, std::string, std::string>, Figures> sums;
  for (const auto& [cell, figures] : cells) {
    for (const Dimension dimension :
         {Dimension::TOTAL, Dimension::ACCOUNT, Dimension::PROJECT, Dimension::VINTAGE, Dimension::ACCOUNT_CLASS}) {
      Figures& sum = sums[{dimension, cell.partnership, KeyOf(dimension, cell, classes)}];
      sum.stated += figures.stated;
      sum.blocks += figures.blocks;
      sum.history += figures.history;
    }
  }
  Reconciliation result;
  for (const auto& [key, sum] : sums) {
    result.rows.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), sum.stated, sum.blocks, sum.history});
  }
  CompareSerials(migration, history, &result.serials);
  result.contradictions = history.contradictions();
  return result;
}

}  // namespace jcm::migration
