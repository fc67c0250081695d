// All dossiers of a registry's partnerships in memory, as lists, filters and inboxes need them, and which decisions are
// not settled; kept up to date from the entries that were added since.
//
//   DossierIndex index("JPN");
//   JCM_RETURN_IF_ERROR(index.Refresh(*call.view));
//   index.ForEach([&](const IndexedDossier& dossier) { … });
//   for (const IndexedDecision& decision : index.UnsettledDecisions("TH")) …
//
// Thread-safe. A dossier that both sides opened under one id appears twice, own and peer.
#ifndef SERVICES_DOSSIERS_DOSSIER_INDEX_H_
#define SERVICES_DOSSIERS_DOSSIER_INDEX_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/cycle.pb.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/registry/registry_view.h"

namespace jcm::services {

// More entries than this are not followed one by one: the state is read anew.
inline constexpr uint64_t kEntriesFollowedMax = 5'000;

struct IndexedDossier {
  std::string partnership;
  bool peer = false;
  ledger::v1::DossierRecord record;
  std::map<std::string, ledger::v1::StrandRecord> strands;  // by key of the state: strand and instance in order
  std::string text;  // what is looked through for a text: id, numbers, titles and names, in lower case
};

// What is known of a decision, as far as somebody may have to act on it.
struct IndexedDecision {
  bool own = false;                   // opened here; of one that both sides opened under one id, this side's counts
  ledger::v1::DecisionRecord record;  // without the text; with parameters while an electronic one is open
  std::string title;
  std::string project;               // of an issuance
  uint32_t monitoring_instance = 0;  // of an issuance for a dossier's monitoring period
  bool issues_here = false;          // an adopted one makes this registry issue credits
  bool issued = false;               // which it has done
  absl::optional<ledger::v1::ReactionRecord> reaction_here;
  absl::optional<ledger::v1::ReactionRecord> reaction_there;

  // Of the side that did not open it.
  const absl::optional<ledger::v1::ReactionRecord>& reaction() const { return own ? reaction_there : reaction_here; }
  bool Settled() const;
};

class DossierIndex {
 public:
  explicit DossierIndex(std::string registry) : registry_(std::move(registry)) {}

  // Brings the index to the view, or leaves it where a later view has brought it.
  absl::Status Refresh(const registry::RegistryView& view);

  // In the order of partnership, id, own before peer; then `finish`, while all that was visited is still there
  // unchanged. Neither may call back into the index.
  void ForEach(
      const std::function<void(const IndexedDossier&)>& visit, const std::function<void()>& finish = [] {}) const;
  // The partnership's decisions on which somebody may have to act, by id.
  std::vector<IndexedDecision> UnsettledDecisions(const std::string& partnership) const;
  // Sizes of the own books behind it, by partnership.
  std::map<std::string, uint64_t> Sizes() const;

 private:
  struct Book {
    uint64_t size = 0;
    std::map<std::pair<std::string, bool>, IndexedDossier> dossiers;  // by id, and whether it is the peer's
    std::map<std::string, IndexedDecision> decisions;                 // by id
  };

  absl::Status Load(const registry::RegistryView& view, const std::string& partnership, Book* book) const;
  absl::Status Follow(const registry::RegistryView& view, const std::string& partnership, uint64_t to,
                      Book* book) const;
  absl::Status Fold(const std::string& partnership, uint32_t table, absl::string_view key, absl::string_view value,
                    Book* book) const;
  absl::Status FoldDecision(ledger::v1::Table table, bool peer, const std::string& id, absl::string_view value,
                            Book* book) const;

  const std::string registry_;
  mutable std::mutex mutex_;
  std::map<std::string, Book> books_;  // by partnership
};

}  // namespace jcm::services

#endif  // SERVICES_DOSSIERS_DOSSIER_INDEX_H_
