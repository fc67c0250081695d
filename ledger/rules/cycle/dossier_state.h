// Reads dossiers as either side's book knows them: one's own, or the other side's as imported. Inside ledger/rules.
//
//   JCM_ASSIGN_OR_RETURN(DossierView dossier, FindDossier(id, state));
//   JCM_ASSIGN_OR_RETURN(std::string state, StateOf(dossier, "REGISTRATION", 1, state));    // "": not begun
#ifndef LEDGER_RULES_CYCLE_DOSSIER_STATE_H_
#define LEDGER_RULES_CYCLE_DOSSIER_STATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/cycle.pb.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/types.h"
#include "ledger/state/state.h"

namespace jcm::rules {

namespace v1 = ::jcm::ledger::v1;

inline constexpr uint32_t kInstancesMax = 9'999;

struct DossierView {
  bool own = false;
  // Both sides opened a dossier of this id before either had read the other's: the Joint Committee decides on neither.
  bool collides = false;
  v1::DossierRecord record;
};

// "TH-17/MONITORING/0002".
std::string StrandKey(absl::string_view dossier_id, absl::string_view strand, uint32_t instance);
std::string DossierStepKey(absl::string_view dossier_id, uint64_t number);
std::string DossierReactionKey(absl::string_view dossier_id, absl::string_view strand, uint32_t instance,
                               v1::ReactionKind kind);

// DOSSIER_UNKNOWN.
absl::StatusOr<DossierView> FindDossier(absl::string_view dossier_id, const state::StateReader& state);
// By an official reference ("TH014"); nullopt if neither side has assigned it.
absl::StatusOr<absl::optional<DossierView>> FindDossierByReference(absl::string_view reference,
                                                                   const state::StateReader& state);

absl::StatusOr<absl::optional<v1::StrandRecord>> FindStrand(const DossierView& dossier, absl::string_view strand,
                                                            uint32_t instance, const state::StateReader& state);
// All instances of a strand, ascending.
absl::StatusOr<std::vector<v1::StrandRecord>> FindInstances(const DossierView& dossier, absl::string_view strand,
                                                            const state::StateReader& state);
// Empty: not begun.
absl::StatusOr<std::string> StateOf(const DossierView& dossier, absl::string_view strand, uint32_t instance,
                                    const state::StateReader& state);

// The rulebook that governs the dossier at `time`: the one that it was opened under, or a later one of the same track
// that took over what was in flight. RULEBOOK_UNKNOWN.
absl::StatusOr<v1::RulebookRecord> RulebookOf(const v1::DossierRecord& dossier, BookTime time,
                                              const state::StateReader& state);

// The regime of a type of project: NONE where the rulebook has no row for it.
v1::PermanenceRule PermanenceOf(const v1::RulebookParameters& parameters, v1::ProjectType type);

// Whether the rulebook switches something on: the words in brackets of the tables.
bool IsSwitchedOn(absl::string_view name, const v1::RulebookParameters& parameters, v1::ProjectType type);

// A rulebook's days of that name; 0 if it states none.
uint32_t DaysNamed(absl::string_view name, const v1::RulebookParameters& parameters);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_CYCLE_DOSSIER_STATE_H_
