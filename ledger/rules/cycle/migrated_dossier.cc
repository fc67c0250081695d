// Dossiers of an earlier registry: taken over in the state in which they were, with their historic dates, and not step
// by step. Who took which step there is in the documents behind them; here each strand has one line of history,
// "migrated". From then on the dossier goes on natively: a call for public input that was running ends by this book's
// clock.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/conditions.h"
#include "ledger/rules/cycle/consequences.h"
#include "ledger/rules/cycle/facts.h"
#include "ledger/rules/cycle/step.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"

namespace jcm::rules {
namespace {

constexpr int kStrandsPerDossierMax = 200;
constexpr int kReferencesPerStrandMax = 20;
constexpr int kDesignationsMax = 100;
constexpr char kStep[] = "migrated";

struct Known {
  const RuleInput& input;
  const v1::MigrateDossier& command;
  const v1::RulebookParameters& parameters;
  Date today;
};

absl::Status CheckPast(const v1::Date& date, Date today, absl::string_view what) {
  JCM_RETURN_IF_ERROR(CheckDate(date, /*required=*/true));
  if (ToDate(date) <= today) return absl::OkStatus();
  return Error(Reason::FIELD_INVALID, absl::StrCat(what, " has not come yet"));
}

// Less than for a new dossier: an old one may not say what kind of project it is, or who takes part.
absl::Status CheckProject(const v1::ProjectFacts& project, const v1::RulebookParameters& parameters) {
  if (!v1::ProjectType_IsValid(project.type())) return Error(Reason::FIELD_INVALID, "the project's type");
  if (!v1::FundingProgramme_IsValid(project.programme())) return Error(Reason::FIELD_INVALID, "the funding programme");
  JCM_RETURN_IF_ERROR(CheckScopes(project.scopes(), parameters));
  if (!project.participants().empty()) JCM_RETURN_IF_ERROR(CheckParticipants(project.participants()));
  JCM_RETURN_IF_ERROR(CheckDate(project.operation_start(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckText(project.location(), kTitleBytesMax, /*required=*/false));
  return DeliveryShareOf(project, parameters).status();
}

absl::Status CheckDesignations(const Known& known) {
  const auto& rows = known.command.designations();
  const bool entity = known.command.kind() == v1::DOSSIER_KIND_THIRD_PARTY_ENTITY;
  if ((!entity && !rows.empty()) || rows.size() > kDesignationsMax) {
    return Error(Reason::FIELD_INVALID, "designations belong to a third-party entity");
  }
  for (int i = 0; i < rows.size(); ++i) {
    JCM_RETURN_IF_ERROR(CheckPast(rows[i].from(), known.today, "a designation"));
    if (i > 0 && ToDate(rows[i].from()) <= ToDate(rows[i - 1].from())) {
      return Error(Reason::FIELD_INVALID, "designations ascend by their day");
    }
    google::protobuf::RepeatedField<int32_t> scopes;
    for (const v1::ScopeGrant& grant : rows[i].scopes()) {
      if (!grant.validation() && !grant.verification()) return Error(Reason::FIELD_INVALID, "a scope for no function");
      scopes.Add(grant.scope());
    }
    JCM_RETURN_IF_ERROR(CheckScopes(scopes, known.parameters));
  }
  for (const v1::MigratedStrand& strand : known.command.strands()) {
    if (strand.strand() != "DESIGNATION") continue;
    const bool acts = !rows.empty() && !rows.rbegin()->scopes().empty();
    if (acts != (strand.state() == "DESIGNATED")) {
      return Error(Reason::FIELD_INVALID, absl::StrCat("the last scopes are not those of an entity ", strand.state()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckHead(const Known& known) {
  const v1::MigrateDossier& command = known.command;
  if (known.parameters.completeness_days() == 0) {
    return Error(Reason::STEP_NOT_IN_RULEBOOK, "this rulebook has no project cycle");
  }
  const bool project = command.kind() == v1::DOSSIER_KIND_PROJECT;
  if (project != command.has_project()) return Error(Reason::FIELD_INVALID, "project facts belong to a project");
  if (!project && (command.has_registration_date() || !command.methodologies().empty())) {
    return Error(Reason::FIELD_INVALID, "a registration date and methodologies belong to a project");
  }
  JCM_RETURN_IF_ERROR(CheckText(command.title_en(), kTitleBytesMax, /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckText(command.title_ja(), kTitleBytesMax, /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckText(command.applicant_en(), kTitleBytesMax, /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckText(command.applicant_ja(), kTitleBytesMax, /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckPersons(command.persons()));
  JCM_RETURN_IF_ERROR(CheckScopes(command.scopes(), known.parameters));
  if (project) JCM_RETURN_IF_ERROR(CheckProject(command.project(), known.parameters));
  v1::StepFacts used;
  *used.mutable_methodologies() = command.methodologies();
  JCM_RETURN_IF_ERROR(
      CheckStatedFacts(used, /*monitored=*/false, {known.input.book.partnership, "", known.today, known.parameters}));
  return CheckDesignations(known);
}

// The grammars of the numbers that a strand's steps give.
absl::Status CheckReferences(const Known& known, const Strand& strand, const v1::MigratedStrand& migrated,
                             const Transition& transition) {
  if (migrated.references_size() > kReferencesPerStrandMax) return Error(Reason::FIELD_INVALID, "too many references");
  DossierView self;
  self.record.set_dossier_id(known.command.dossier_id());
  for (const std::string& reference : migrated.references()) {
    bool fits = false;
    for (const Step& step : strand.steps) {
      for (const Need& need : step.facts) {
        const size_t colon = need.name.find(':');
        if (colon == std::string::npos) continue;
        const absl::string_view kind = absl::string_view(need.name).substr(colon + 1);
        fits = fits || CheckReference(kind, known.input.book.partnership, reference).ok();
      }
    }
    if (!fits) return Error(Reason::REFERENCE_INVALID, absl::StrCat(strand.name, " gives no number like ", reference));
    JCM_RETURN_IF_ERROR(CheckReferenceFree(self, reference, transition));
  }
  return absl::OkStatus();
}

absl::Status CheckStrand(const Known& known, const Strand* strand, const v1::MigratedStrand& migrated,
                         std::map<std::string, uint32_t>* instances) {
  if (strand == nullptr) return Error(Reason::STEP_UNKNOWN, absl::StrCat("strand ", migrated.strand()));
  uint32_t& last = (*instances)[migrated.strand()];
  if (migrated.instance() != last + 1 || (!strand->repeated && last != 0) || migrated.instance() > kInstancesMax) {
    return Error(Reason::FIELD_INVALID, absl::StrCat(migrated.strand(), ": instances are 1, 2 … without gaps"));
  }
  last = migrated.instance();
  const std::vector<std::string> states = strand->States();
  if (std::find(states.begin(), states.end(), migrated.state()) == states.end()) {
    return Error(Reason::FIELD_INVALID, absl::StrCat(migrated.strand(), " has no state ", migrated.state()));
  }
  JCM_RETURN_IF_ERROR(
      CheckPast(migrated.since(), known.today, absl::StrCat("the day since which ", migrated.strand())));
  JCM_RETURN_IF_ERROR(CheckText(migrated.decision_text(), kReasonBytesMax, /*required=*/false));
  for (const absl::Status& wrong : CheckDocuments(migrated.documents(), Step(), {}, v1::PROJECT_TYPE_UNSPECIFIED)) {
    return wrong;
  }
  return CheckStatedFacts(migrated.facts(), /*monitored=*/migrated.strand() == "MONITORING",
                          {known.input.book.partnership, "", known.today, known.parameters});
}

bool WasRegistered(const v1::MigratedStrand& strand) {
  return strand.strand() == "REGISTRATION" &&
         (strand.state() == "REGISTERED" || strand.state() == "CREDITING_ENDED" || strand.state() == "DEREGISTERED");
}

absl::Status PutHistory(const Known& known, const v1::MigratedStrand& strand, uint64_t number, Transition& transition) {
  v1::DossierStepRecord record;
  record.set_dossier_id(known.command.dossier_id());
  record.set_number(number);
  record.set_strand(strand.strand());
  record.set_instance(strand.instance());
  record.set_step(kStep);
  record.set_to_state(strand.state());
  record.set_at_us(known.input.time.micros);
  *record.mutable_legal_date() = strand.since();
  record.set_provenance(v1::PROVENANCE_MIGRATED);
  record.set_actor(known.input.context->signers(0).pseudonym());
  record.set_rulebook_version(known.command.rulebook_version());
  *record.mutable_documents() = strand.documents();
  record.set_reason(strand.decision_text());
  record.set_sequence(known.input.sequence);
  return transition.Put(v1::TABLE_DOSSIER_STEP, DossierStepKey(record.dossier_id(), number), record);
}

absl::Status PutStrand(const Known& known, const Strand& strand, const v1::MigratedStrand& migrated,
                       const v1::DossierRecord& dossier, Transition& transition) {
  v1::StrandRecord record;
  record.set_dossier_id(known.command.dossier_id());
  record.set_kind(known.command.kind());
  record.set_strand(migrated.strand());
  record.set_instance(migrated.instance());
  record.set_state(migrated.state());
  // Since that day, so that waiting and dates count from when they really began.
  record.set_since_us(EndOfDay(AddDays(ToDate(migrated.since()), -1), known.parameters).micros);
  *record.mutable_since_date() = migrated.since();
  record.set_rulebook_version(known.command.rulebook_version());
  *record.mutable_facts() = migrated.facts();
  *record.mutable_documents() = migrated.documents();
  SetDue(strand, known.parameters, dossier, &record);
  const std::string key = StrandKey(record.dossier_id(), record.strand(), record.instance());
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_STRAND, key, record));
  for (const std::string& reference : migrated.references()) {
    v1::ReferenceRecord row;
    row.set_reference(reference);
    row.set_dossier_id(record.dossier_id());
    row.set_strand(record.strand());
    row.set_instance(record.instance());
    JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_REFERENCE, reference, row));
  }
  if (!record.due_by_clock()) return absl::OkStatus();
  return AddDeadline(BookTime::FromMicros(record.due_us()), v1::DEADLINE_KIND_DOSSIER, key, transition);
}

v1::DossierRecord RecordOf(const Known& known) {
  const v1::MigrateDossier& command = known.command;
  v1::DossierRecord record;
  record.set_dossier_id(command.dossier_id());
  record.set_kind(command.kind());
  record.set_rulebook_version(command.rulebook_version());
  record.set_title_en(command.title_en());
  record.set_title_ja(command.title_ja());
  if (command.has_project()) *record.mutable_project() = command.project();
  *record.mutable_scopes() = command.scopes();
  *record.mutable_persons() = command.persons();
  record.set_applicant_en(command.applicant_en());
  record.set_applicant_ja(command.applicant_ja());
  record.set_opened_at_us(known.input.time.micros);
  *record.mutable_legal_date() = known.input.legal_date;
  record.set_provenance(v1::PROVENANCE_MIGRATED);
  *record.mutable_methodologies() = command.methodologies();
  *record.mutable_designations() = command.designations();
  record.set_steps(static_cast<uint64_t>(command.strands_size()));
  std::set<std::string> references;
  for (const v1::MigratedStrand& strand : command.strands()) {
    for (const std::string& reference : strand.references()) {
      if (references.insert(reference).second) record.add_references(reference);
    }
    if (WasRegistered(strand) && strand.facts().has_period()) *record.mutable_crediting() = strand.facts().period();
    if (strand.strand() == "DESIGN") record.set_document_version(1);
  }
  return record;
}

}  // namespace

absl::Status ApplyMigrateDossier(const RuleInput& input, const v1::MigrateDossier& command, Transition& transition) {
  if (input.provenance != v1::PROVENANCE_MIGRATED) return Error(Reason::FIELD_INVALID, "provenance is MIGRATED");
  JCM_RETURN_IF_ERROR(CheckId(command.dossier_id()));
  const auto present = FindDossier(command.dossier_id(), transition);
  if (present.ok()) return Error(Reason::ALREADY_EXISTS, absl::StrCat("there is a dossier ", command.dossier_id()));
  if (!HasReason(present.status(), Reason::DOSSIER_UNKNOWN)) return present.status();
  if (!v1::DossierKind_IsValid(command.kind()) || command.kind() == v1::DOSSIER_KIND_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "the dossier's kind");
  }
  if (command.strands().empty()) return Error(Reason::FIELD_REQUIRED, "strands");
  if (command.strands_size() > kStrandsPerDossierMax) return Error(Reason::FIELD_INVALID, "too many strands");
  JCM_ASSIGN_OR_RETURN(v1::RulebookRecord rulebook,
                       RulebookInForce(command.rulebook_version(), input.time, transition));
  const Known known{input, command, rulebook.parameters(), DayInZone(input.time, kTokyoOffsetMinutes)};
  JCM_RETURN_IF_ERROR(CheckHead(known));

  const Cycle& cycle = CycleOf(command.kind());
  const v1::DossierRecord dossier = RecordOf(known);
  std::map<std::string, uint32_t> instances;
  uint64_t number = 0;
  for (const v1::MigratedStrand& migrated : command.strands()) {
    const Strand* strand = cycle.Find(migrated.strand());
    JCM_RETURN_IF_ERROR(CheckStrand(known, strand, migrated, &instances));
    JCM_RETURN_IF_ERROR(CheckReferences(known, *strand, migrated, transition));
    JCM_RETURN_IF_ERROR(PutStrand(known, *strand, migrated, dossier, transition));
    JCM_RETURN_IF_ERROR(PutHistory(known, migrated, ++number, transition));
  }
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_DOSSIER, dossier.dossier_id(), dossier));
  for (const v1::MigratedStrand& migrated : command.strands()) {
    if (!WasRegistered(migrated)) continue;
    JCM_RETURN_IF_ERROR(CheckDate(command.registration_date(), /*required=*/true));
    if (migrated.references_size() != 1) return Error(Reason::FIELD_REQUIRED, "a registered project has one number");
    JCM_RETURN_IF_ERROR(PutProject(command.registration_date(), dossier, transition));
  }
  return absl::OkStatus();
}

}  // namespace jcm::rules
