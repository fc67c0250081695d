#include "services/dossiers/dossier_index.h"

#include <utility>

#include "ledger/base/status.h"
#include "ledger/state/state.h"

namespace jcm::services {
namespace {

namespace v1 = ::jcm::ledger::v1;

constexpr v1::Table kTables[] = {v1::TABLE_DOSSIER, v1::TABLE_STRAND};

}  // namespace

absl::Status DossierIndex::Refresh(const registry::RegistryView& view) {
  JCM_ASSIGN_OR_RETURN(std::vector<registry::BookInfo> books, view.Books());
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const registry::BookInfo& info : books) {
    if (info.mirror || info.book.is_home()) continue;
    Book& book = books_[info.book.partnership];
    if (info.size <= book.size) continue;
    const bool anew = book.size == 0 || info.size - book.size > kEntriesFollowedMax;
    JCM_RETURN_IF_ERROR(anew ? Load(view, info.book.partnership, &book)
                             : Follow(view, info.book.partnership, info.size, &book));
    book.size = info.size;
  }
  return absl::OkStatus();
}

absl::Status DossierIndex::Load(const registry::RegistryView& view, const std::string& partnership, Book* book) const {
  const std::unique_ptr<state::StateReader> state = view.State(BookId{registry_, partnership});
  book->dossiers.clear();
  for (const v1::Table table : kTables) {
    for (const uint32_t place : {static_cast<uint32_t>(table), state::Shadow(table)}) {
      absl::Status folded;
      JCM_RETURN_IF_ERROR(state->Scan(place, "", "", [&](absl::string_view key, absl::string_view value) {
        folded = Fold(partnership, place, key, value, book);
        return folded.ok();
      }));
      JCM_RETURN_IF_ERROR(folded);
    }
  }
  return absl::OkStatus();
}

absl::Status DossierIndex::Follow(const registry::RegistryView& view, const std::string& partnership, uint64_t to,
                                  Book* book) const {
  for (uint64_t sequence = book->size; sequence < to; ++sequence) {
    JCM_ASSIGN_OR_RETURN(v1::EntryRecord entry, view.Entry(BookId{registry_, partnership}, sequence));
    v1::Effects effects;
    if (!effects.ParseFromString(entry.effects())) return Error(Reason::STORE_CORRUPT, "effects");
    for (const v1::Effect& effect : effects.effects()) {
      JCM_RETURN_IF_ERROR(Fold(partnership, effect.table(), effect.key(), effect.new_value(), book));
    }
  }
  return absl::OkStatus();
}

absl::Status DossierIndex::Fold(const std::string& partnership, uint32_t table, absl::string_view key,
                                absl::string_view value, Book* book) {
  const bool peer = state::IsShadow(table);
  const uint32_t plain = peer ? table - state::kShadowOffset : table;
  if (plain != v1::TABLE_DOSSIER && plain != v1::TABLE_STRAND) return absl::OkStatus();
  const std::string id(key.substr(0, key.find('/')));
  IndexedDossier& dossier = book->dossiers[{id, peer}];
  dossier.partnership = partnership;
  dossier.peer = peer;
  const bool parsed =
      plain == v1::TABLE_DOSSIER
          ? dossier.record.ParseFromArray(value.data(), static_cast<int>(value.size()))
          : dossier.strands[std::string(key)].ParseFromArray(value.data(), static_cast<int>(value.size()));
  return parsed ? absl::OkStatus() : Error(Reason::STORE_CORRUPT, "a dossier");
}

void DossierIndex::ForEach(const std::function<void(const IndexedDossier&)>& visit) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [partnership, book] : books_) {
    for (const auto& [key, dossier] : book.dossiers) visit(dossier);
  }
}

std::map<std::string, uint64_t> DossierIndex::Sizes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::map<std::string, uint64_t> sizes;
  for (const auto& [partnership, book] : books_) sizes[partnership] = book.size;
  return sizes;
}

}  // namespace jcm::services
