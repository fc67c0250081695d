// The project cycle as data: strands, states and steps, read from project.md, methodology.md and third_party_entity.md,
// which are compiled in. Those files are the rule; this is how programs read it.
//
//   const Cycle& cycle = CycleOf(v1::DOSSIER_KIND_PROJECT);
//   const Step* step = cycle.FindStep("MONITORING", "report");     // null: there is no such step
//   step->from, step->to, step->who, step->documents …
//
// The tables never change while a process runs. A file that cannot be read ends the process at first use; tables_test
// would have found it.
#ifndef LEDGER_RULES_CYCLE_TABLES_H_
#define LEDGER_RULES_CYCLE_TABLES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/cycle.pb.h"

namespace jcm::rules {

namespace v1 = ::jcm::ledger::v1;

// Who takes a step.
enum class Who {
  kParticipant,  // a person named in the dossier
  kApplicant,    // the same, of a third-party entity
  kEntity,       // a person of the third-party entity that the strand names
  kSecretariat,  // of the side that keeps the dossier
  kGovernment,   // the authorizing ministry of that side
  kRegistry,     // its registry
  kAnyone,       // anybody enrolled
  kCommittee,    // a decision of the Joint Committee
  kClock,        // nobody: the days have passed
  kLedger,       // nobody: it follows from other entries
};

// "F_SDIP[sustainable_development]": needed where the rulebook says so; no condition: always.
struct Need {
  std::string name;
  std::string condition;
  bool optional = false;  // "x?": may be stated
};

struct Step {
  std::string name;
  std::vector<std::string> from;  // "": the strand has not begun
  std::string to;                 // empty: the state stays
  std::vector<Who> who;
  std::vector<Need> documents;  // codes of forms
  std::vector<Need> facts;      // "reference:PIN" and the like: the grammar of the number
  v1::DecisionKind decision = v1::DECISION_KIND_UNSPECIFIED;
  std::vector<std::string> conditions;  // see conditions.h
  std::string within;                   // a rulebook parameter of days; empty: no date
  std::string text_en;
  std::string text_ja;

  bool StartsAt(absl::string_view state) const;
  bool Takes(Who one) const;
};

struct Strand {
  std::string name;
  std::string title_en;
  std::string title_ja;
  bool repeated = false;
  std::vector<Step> steps;

  const Step* Find(absl::string_view step) const;
  // All states, in the order of the table; without "".
  std::vector<std::string> States() const;
  // The steps that may follow a state.
  std::vector<const Step*> After(absl::string_view state) const;
  // Those that a strand in this state waits for: the ones with a date; where none has one, all but those that give up
  // (withdraw, retract), only add to what is there, or are the committee's to take if it ever wants to (suspend).
  std::vector<const Step*> Awaited(absl::string_view state) const;
};

struct Cycle {
  v1::DossierKind kind = v1::DOSSIER_KIND_UNSPECIFIED;
  std::vector<Strand> strands;

  const Strand* Find(absl::string_view strand) const;
  const Step* FindStep(absl::string_view strand, absl::string_view step) const;
};

// The table of a kind of dossier; `kind` must be one of the three.
const Cycle& CycleOf(v1::DossierKind kind);
absl::Span<const v1::DossierKind> AllDossierKinds();

// "participant", "secretariat" …, as in the tables.
absl::string_view WhoName(Who who);

// Reads one file. FIELD_INVALID with the line.
absl::StatusOr<Cycle> ParseCycle(v1::DossierKind kind, absl::string_view text);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_CYCLE_TABLES_H_
