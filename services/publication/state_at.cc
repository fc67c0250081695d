#include "services/publication/state_at.h"

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/book/leaf.h"

namespace jcm::services {

namespace v1 = ::jcm::ledger::v1;

absl::StatusOr<std::unique_ptr<StateAt>> StateAt::Open(const registry::RegistryView& view, const BookId& book,
                                                       uint64_t size) {
  JCM_ASSIGN_OR_RETURN(const registry::BookInfo info, view.Info(book));
  if (size == 0 || size > info.size || info.size - size > kEntriesUndoneMax) {
    return Error(Reason::NOT_FOUND, absl::StrCat(book.ToString(), " with ", size, " entries; it has ", info.size));
  }
  std::unique_ptr<StateAt> at(new StateAt(view.State(book)));
  for (uint64_t sequence = info.size; sequence > size; --sequence) {
    JCM_RETURN_IF_ERROR(at->Undo(view, book, sequence - 1));
  }
  JCM_ASSIGN_OR_RETURN(const v1::EntryRecord newest, view.Entry(book, size - 1));
  JCM_ASSIGN_OR_RETURN(const book::Leaf leaf, book::DecodeLeaf(newest.leaf()));
  at->time_ = leaf.time;
  return at;
}

absl::Status StateAt::Undo(const registry::RegistryView& view, const BookId& book, uint64_t sequence) {
  JCM_ASSIGN_OR_RETURN(const v1::EntryRecord entry, view.Entry(book, sequence));
  v1::Effects effects;
  if (!effects.ParseFromString(entry.effects())) return Error(Reason::STORE_CORRUPT, "effects");
  for (int i = effects.effects_size() - 1; i >= 0; --i) {
    const v1::Effect& effect = effects.effects(i);
    JCM_RETURN_IF_ERROR(effect.old_value().empty() ? past_.Delete(effect.table(), effect.key())
                                                   : past_.Put(effect.table(), effect.key(), effect.old_value()));
  }
  return absl::OkStatus();
}

}  // namespace jcm::services
