#include "services/history/change_index.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/status.h"

namespace jcm::services {
namespace {

namespace v1 = ::jcm::ledger::v1;

}  // namespace

bool IsTold(uint32_t table) {
  switch (table) {
    case v1::TABLE_PARTNERSHIP:
    case v1::TABLE_RULEBOOK:
    case v1::TABLE_MEMBER:
    case v1::TABLE_CONFLICT:
    case v1::TABLE_PROJECT:
    case v1::TABLE_DECISION:
    case v1::TABLE_REACTION:
    case v1::TABLE_VOTE:
    case v1::TABLE_VOTES_CLOSED:
    case v1::TABLE_DOSSIER:
    case v1::TABLE_STRAND:
    case v1::TABLE_DOSSIER_REACTION:
    case v1::TABLE_LOT:
    case v1::TABLE_ISSUANCE:
    case v1::TABLE_AUTHORIZATION:
      return true;
    default:
      return false;
  }
}

std::string TableName(uint32_t table) {
  return v1::Table_Name(static_cast<v1::Table>(table)).substr(sizeof("TABLE_") - 1);
}

absl::Status ChangeIndex::Refresh(const registry::RegistryView& view) {
  JCM_ASSIGN_OR_RETURN(const std::vector<registry::BookInfo> infos, view.Books());
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const registry::BookInfo& info : infos) {
    if (info.book.is_home()) continue;
    JCM_RETURN_IF_ERROR(Follow(view, info, &books_[info.book]));
  }
  return absl::OkStatus();
}

absl::Status ChangeIndex::Follow(const registry::RegistryView& view, const registry::BookInfo& info, Book* book) {
  for (; book->size < info.executed_size; ++book->size) {
    JCM_ASSIGN_OR_RETURN(const v1::EntryRecord entry, view.Entry(info.book, book->size));
    v1::Effects effects;
    if (!effects.ParseFromString(entry.effects())) return Error(Reason::STORE_CORRUPT, "effects");
    for (const v1::Effect& effect : effects.effects()) {
      if (IsTold(effect.table())) book->entries[{effect.table(), effect.key()}].push_back(book->size);
    }
  }
  return absl::OkStatus();
}

std::vector<ChangedAt> ChangeIndex::Of(const BookId& book_id, uint32_t table, absl::string_view key,
                                       bool prefix) const {
  std::vector<ChangedAt> changes;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto book = books_.find(book_id);
  if (book == books_.end()) return changes;
  const auto& entries = book->second.entries;
  for (auto at = entries.lower_bound({table, std::string(key)}); at != entries.end(); ++at) {
    if (at->first.first != table || !(prefix ? absl::StartsWith(at->first.second, key) : at->first.second == key))
      break;
    for (const uint64_t sequence : at->second) changes.push_back({sequence, at->first.second});
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const ChangedAt& a, const ChangedAt& b) { return a.sequence < b.sequence; });
  return changes;
}

}  // namespace jcm::services
