#include "services/dossiers/dossier_index.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/state/state.h"

namespace jcm::services {
namespace {

namespace v1 = ::jcm::ledger::v1;

constexpr v1::Table kTables[] = {v1::TABLE_DOSSIER, v1::TABLE_STRAND, v1::TABLE_DECISION, v1::TABLE_REACTION,
                                 v1::TABLE_ISSUANCE};

template <typename Record>
bool Parse(absl::string_view value, Record* record) {
  return record->ParseFromArray(value.data(), static_cast<int>(value.size()));
}

std::string TextOf(const v1::DossierRecord& record) {
  std::string text = absl::StrCat(record.dossier_id(), "\n", record.title_en(), "\n", record.title_ja(), "\n",
                                  record.applicant_en(), "\n", record.applicant_ja());
  for (const std::string& reference : record.references()) absl::StrAppend(&text, "\n", reference);
  for (const v1::Participant& participant : record.project().participants()) {
    absl::StrAppend(&text, "\n", participant.name_en(), "\n", participant.name_ja());
  }
  absl::AsciiStrToLower(&text);
  return text;
}

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
  book->decisions.clear();
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
                                absl::string_view value, Book* book) const {
  const bool peer = state::IsShadow(table);
  const auto plain = static_cast<v1::Table>(peer ? table - state::kShadowOffset : table);
  if (std::find(std::begin(kTables), std::end(kTables), plain) == std::end(kTables)) return absl::OkStatus();
  if (plain != v1::TABLE_DOSSIER && plain != v1::TABLE_STRAND) {
    return FoldDecision(plain, peer, std::string(key), value, book);
  }
  const std::string id(key.substr(0, key.find('/')));
  IndexedDossier& dossier = book->dossiers[{id, peer}];
  dossier.partnership = partnership;
  dossier.peer = peer;
  const bool parsed =
      plain == v1::TABLE_DOSSIER ? Parse(value, &dossier.record) : Parse(value, &dossier.strands[std::string(key)]);
  if (plain == v1::TABLE_DOSSIER) dossier.text = TextOf(dossier.record);
  return parsed ? absl::OkStatus() : Error(Reason::STORE_CORRUPT, "a dossier");
}

absl::Status DossierIndex::FoldDecision(v1::Table table, bool peer, const std::string& id, absl::string_view value,
                                        Book* book) const {
  IndexedDecision& decision = book->decisions[id];
  if (table == v1::TABLE_ISSUANCE) {
    decision.issued = decision.issued || !peer;
    return absl::OkStatus();
  }
  if (table == v1::TABLE_REACTION) {
    absl::optional<v1::ReactionRecord>& reaction = peer ? decision.reaction_there : decision.reaction_here;
    return Parse(value, &reaction.emplace()) ? absl::OkStatus() : Error(Reason::STORE_CORRUPT, "a reaction");
  }
  v1::DecisionRecord record;
  v1::DecisionText text;
  if (!Parse(value, &record) || !text.ParseFromString(record.text())) {
    return Error(Reason::STORE_CORRUPT, "a decision");
  }
  if (peer && decision.own) return absl::OkStatus();
  decision.own = !peer;
  decision.title = text.title();
  decision.project = text.issuance().project_id();
  decision.monitoring_instance = text.issuance().monitoring_instance();
  const auto& rows = text.issuance().rows();
  decision.issues_here = std::any_of(
      rows.begin(), rows.end(), [this](const v1::AllocationRow& row) { return row.issuing_registry() == registry_; });
  // Texts are long, and of the parameters only those of a running clock are asked for.
  record.clear_text();
  if (record.state() != v1::DECISION_STATE_OPEN || record.mode() != v1::DECISION_MODE_ELECTRONIC) {
    record.clear_parameters();
  }
  decision.record = std::move(record);
  return absl::OkStatus();
}

bool IndexedDecision::Settled() const {
  const bool answered = reaction().has_value() && (reaction()->state() == v1::REACTION_STATE_CONFIRMED ||
                                                   reaction()->state() == v1::REACTION_STATE_DISPUTED);
  switch (record.state()) {
    case v1::DECISION_STATE_ADOPTED:
      return answered && (!issues_here || issued);
    case v1::DECISION_STATE_NOT_ADOPTED:
      return answered;
    case v1::DECISION_STATE_WITHDRAWN:
      return true;
    default:
      return record.decision_id().empty();  // not opened: the other side's reaction may be read first
  }
}

std::vector<IndexedDecision> DossierIndex::UnsettledDecisions(const std::string& partnership) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<IndexedDecision> decisions;
  const auto book = books_.find(partnership);
  if (book == books_.end()) return decisions;
  for (const auto& [id, decision] : book->second.decisions) {
    if (!decision.Settled()) decisions.push_back(decision);
  }
  return decisions;
}

void DossierIndex::ForEach(const std::function<void(const IndexedDossier&)>& visit,
                           const std::function<void()>& finish) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [partnership, book] : books_) {
    for (const auto& [key, dossier] : book.dossiers) visit(dossier);
  }
  finish();
}

std::map<std::string, uint64_t> DossierIndex::Sizes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::map<std::string, uint64_t> sizes;
  for (const auto& [partnership, book] : books_) sizes[partnership] = book.size;
  return sizes;
}

}  // namespace jcm::services
