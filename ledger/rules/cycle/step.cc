#include "ledger/rules/cycle/step.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/conditions.h"
#include "ledger/rules/cycle/consequences.h"
#include "ledger/rules/cycle/facts.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"

namespace jcm::rules {
namespace {

constexpr char kCreditingPeriod[] = "crediting_period";

// A refusal says which row of which table it comes from, and under which rulebook.
absl::Status Named(const absl::Status& status, const v1::DossierRecord& dossier, const StepRequest& request,
                   const std::string& rulebook_version) {
  const auto reason = ReasonOf(status);
  if (status.ok() || !reason.has_value() || *reason == Reason::STORE_CORRUPT) return status;
  return Error(*reason, absl::StrCat(dossier.dossier_id(), " ", request.strand, "/", request.instance, " ",
                                     request.step, " (rulebook ", rulebook_version, "): ", status.message()));
}

// When the step is expected, or happens by itself; 0: no date.
BookTime DueOf(const Step& step, BookTime since, const v1::RulebookParameters& parameters,
               const v1::DossierRecord& dossier) {
  if (step.within.empty()) return BookTime();
  if (step.within == kCreditingPeriod) {
    if (!dossier.crediting().has_end()) return BookTime();
    return EndOfDay(ToDate(dossier.crediting().end()), parameters);
  }
  const uint32_t days = DaysNamed(step.within, parameters);
  if (!step.Takes(Who::kClock)) return days == 0 ? BookTime() : EndOfDayAfter(since, days, parameters);
  // Days of public input count the first one.
  return days == 0 ? since : EndOfDayAfter(since, days - 1, parameters);
}

absl::Status CheckInstance(const DossierView& dossier, const Strand& strand, const StepRequest& request, bool begins,
                           const state::StateReader& state) {
  if (request.instance < 1 || request.instance > kInstancesMax || (!strand.repeated && request.instance != 1)) {
    return Error(Reason::FIELD_INVALID, "instance");
  }
  if (!begins || request.instance == 1) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(auto previous, FindStrand(dossier, strand.name, request.instance - 1, state));
  if (previous.has_value()) return absl::OkStatus();
  return Error(Reason::FIELD_INVALID, absl::StrCat("instance ", request.instance - 1, " has not begun"));
}

absl::Status CheckState(const RuleInput& input, const Strand& strand, const Step& step,
                        const v1::StrandRecord& before) {
  const bool passed = before.due_by_clock() && before.due_us() <= input.time.micros;
  if (step.StartsAt(before.state())) {
    if (!passed || step.Takes(Who::kClock)) return absl::OkStatus();
    return Error(Reason::STEP_TOO_LATE, absl::StrCat("until ", FormatRfc3339(BookTime::FromMicros(before.due_us()))));
  }
  // The clock has led away from where the step was possible.
  for (const Step& other : strand.steps) {
    if (!other.Takes(Who::kClock) || other.to != before.state()) continue;
    for (const std::string& from : other.from) {
      if (step.StartsAt(from)) return Error(Reason::STEP_TOO_LATE, absl::StrCat("the strand is ", before.state()));
    }
  }
  return Error(Reason::STEP_NOT_POSSIBLE,
               absl::StrCat("the strand is ", before.state().empty() ? "not begun" : before.state()));
}

void ReplaceDocuments(const google::protobuf::RepeatedPtrField<v1::Document>& filed, v1::StrandRecord* record) {
  std::vector<v1::Document> documents(record->documents().begin(), record->documents().end());
  for (const v1::Document& document : filed) {
    auto same = std::find_if(documents.begin(), documents.end(),
                             [&](const v1::Document& one) { return one.form() == document.form(); });
    if (same != documents.end()) {
      *same = document;
    } else if (documents.size() < static_cast<size_t>(kDocumentsPerStepMax)) {
      documents.push_back(document);
    }
  }
  record->clear_documents();
  for (v1::Document& document : documents) *record->add_documents() = std::move(document);
}

absl::StatusOr<v1::StrandRecord> Before(const DossierView& dossier, const StepRequest& request,
                                        const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto before, FindStrand(dossier, request.strand, request.instance, state));
  return before.value_or(v1::StrandRecord());
}

absl::Status CheckAll(const RuleInput& input, const DossierView& dossier, const Step& step, const StepRequest& request,
                      const v1::RulebookRecord& rulebook, const v1::StrandRecord& before,
                      const state::StateReader& state) {
  const v1::RulebookParameters& parameters = rulebook.parameters();
  const std::string& rulebook_version = rulebook.version();
  const Strand& strand = *CycleOf(dossier.record.kind()).Find(request.strand);
  const std::string rule = absl::StrCat("cycle/", request.strand, "/", request.step, "/");
  const auto named = [&](const absl::Status& status) {
    return Named(status, dossier.record, request, rulebook_version);
  };
  JCM_NOTE_REFUSAL(input, rule + "instance",
                   named(CheckInstance(dossier, strand, request, before.state().empty(), state)));
  JCM_NOTE_REFUSAL(input, rule + "from", named(CheckState(input, strand, step, before)));
  JCM_NOTE_REFUSAL(input, rule + "reason", named(CheckText(request.reason, kReasonBytesMax, /*required=*/false)));
  for (const absl::Status& missing :
       CheckDocuments(request.documents, step, parameters, dossier.record.project().type())) {
    JCM_NOTE_REFUSAL(input, rule + "documents", named(missing));
  }
  const Date today = DayInZone(input.time, kTokyoOffsetMinutes);
  const absl::Status stated =
      CheckFacts(request.facts, step, {input.book.partnership, request.reason, today, parameters});
  JCM_NOTE_REFUSAL(input, rule + "facts", named(stated));
  JCM_NOTE_REFUSAL(input, rule + "reference", named(CheckReferenceFree(dossier, request.facts.reference(), state)));
  if (!stated.ok()) return absl::OkStatus();  // in a dry run: conditions rest on the facts
  v1::StepFacts facts = before.facts();
  MergeFacts(request.facts, &facts);
  for (const std::string& condition : step.conditions) {
    JCM_NOTE_REFUSAL(input, rule + condition,
                     named(CheckCondition(condition, {input, dossier, request.strand, request.instance, before, facts,
                                                      parameters, state})));
  }
  return absl::OkStatus();
}

absl::Status PutReference(const DossierView& dossier, const StepRequest& request, Transition& transition) {
  v1::ReferenceRecord record;
  record.set_reference(request.facts.reference());
  record.set_dossier_id(dossier.record.dossier_id());
  record.set_strand(request.strand);
  record.set_instance(request.instance);
  return transition.Put(v1::TABLE_REFERENCE, record.reference(), record);
}

absl::Status PutHistory(const RuleInput& input, const v1::DossierRecord& dossier, const StepRequest& request,
                        const v1::StrandRecord& before, const v1::StrandRecord& after, Transition& transition) {
  v1::DossierStepRecord record;
  record.set_dossier_id(dossier.dossier_id());
  record.set_number(dossier.steps());
  record.set_strand(request.strand);
  record.set_instance(request.instance);
  record.set_step(request.step);
  record.set_from_state(before.state());
  record.set_to_state(after.state());
  record.set_at_us(input.time.micros);
  *record.mutable_legal_date() = request.legal_date;
  record.set_provenance(request.provenance);
  record.set_actor(request.actor);
  record.set_decision_id(request.decision_id);
  record.set_rulebook_version(after.rulebook_version());
  *record.mutable_documents() = request.documents;
  record.set_reason(request.reason);
  record.set_on_behalf(!request.on_behalf_digest.empty());
  record.set_on_behalf_digest(request.on_behalf_digest);
  record.set_sequence(input.sequence);
  return transition.Put(v1::TABLE_DOSSIER_STEP, DossierStepKey(dossier.dossier_id(), dossier.steps()), record);
}

}  // namespace

void SetDue(const Strand& strand, const v1::RulebookParameters& parameters, const v1::DossierRecord& dossier,
            v1::StrandRecord* record) {
  record->clear_due_us();
  record->clear_due_step();
  record->clear_due_by_clock();
  for (const Step* next : strand.After(record->state())) {
    const bool by_clock = next->Takes(Who::kClock);
    const BookTime due = DueOf(*next, BookTime::FromMicros(record->since_us()), parameters, dossier);
    if (due.micros == 0 || record->due_by_clock()) continue;
    if (!by_clock && record->due_us() != 0 && record->due_us() <= due.micros) continue;
    record->set_due_us(due.micros);
    record->set_due_step(next->name);
    record->set_due_by_clock(by_clock);
  }
}

absl::Status CheckReferenceFree(const DossierView& dossier, const std::string& reference,
                                const state::StateReader& state) {
  if (reference.empty()) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(auto holder, FindDossierByReference(reference, state));
  const bool free = !holder.has_value() || holder->record.dossier_id() == dossier.record.dossier_id();
  JCM_ASSIGN_OR_RETURN(auto project, state.Get(v1::TABLE_PROJECT, reference));
  const bool recorded = project.has_value() && !holder.has_value();
  if (free && !recorded) return absl::OkStatus();
  return Error(Reason::REFERENCE_TAKEN, reference);
}

absl::StatusOr<const Step*> FindStep(const v1::DossierRecord& dossier, const std::string& strand,
                                     const std::string& step) {
  const Step* found = CycleOf(dossier.kind()).FindStep(strand, step);
  if (found == nullptr) return Error(Reason::STEP_UNKNOWN, absl::StrCat(strand, "/", step));
  return found;
}

absl::Status CheckStep(const RuleInput& input, const DossierView& dossier, const Step& step, const StepRequest& request,
                       const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(v1::RulebookRecord rulebook, RulebookOf(dossier.record, input.time, state));
  JCM_ASSIGN_OR_RETURN(v1::StrandRecord before, Before(dossier, request, state));
  return CheckAll(input, dossier, step, request, rulebook, before, state);
}

absl::Status TakeOneStep(const RuleInput& input, const std::string& dossier_id, const StepRequest& request,
                         Transition& transition) {
  JCM_ASSIGN_OR_RETURN(DossierView dossier, FindDossier(dossier_id, transition));
  if (!dossier.own) return Error(Reason::WRONG_SIDE, "the other side keeps this dossier");
  JCM_ASSIGN_OR_RETURN(const Step* step, FindStep(dossier.record, request.strand, request.step));
  JCM_ASSIGN_OR_RETURN(v1::RulebookRecord rulebook, RulebookOf(dossier.record, input.time, transition));
  JCM_ASSIGN_OR_RETURN(v1::StrandRecord before, Before(dossier, request, transition));
  JCM_RETURN_IF_ERROR(CheckAll(input, dossier, *step, request, rulebook, before, transition));
  // A dry run that collects has said it all; what follows rests on the checks.
  if (input.refusals != nullptr && !input.refusals->empty()) return absl::OkStatus();

  const std::string key = StrandKey(dossier_id, request.strand, request.instance);
  if (before.due_by_clock()) {
    JCM_RETURN_IF_ERROR(
        RemoveDeadline(BookTime::FromMicros(before.due_us()), v1::DEADLINE_KIND_DOSSIER, key, transition));
  }
  v1::StrandRecord after = before;
  after.set_dossier_id(dossier_id);
  after.set_kind(dossier.record.kind());
  after.set_strand(request.strand);
  after.set_instance(request.instance);
  after.set_rulebook_version(rulebook.version());
  MergeFacts(request.facts, after.mutable_facts());
  ReplaceDocuments(request.documents, &after);
  const bool moves = !step->to.empty();
  if (moves) {
    after.set_state(step->to);
    after.set_since_us(input.time.micros);
    *after.mutable_since_date() = request.legal_date;
    after.set_decision_id(request.decision_id);
    after.clear_remark();
  }
  dossier.record.set_steps(dossier.record.steps() + 1);
  if (!request.facts.reference().empty()) {
    const auto& known = dossier.record.references();
    if (std::find(known.begin(), known.end(), request.facts.reference()) == known.end()) {
      dossier.record.add_references(request.facts.reference());
    }
    JCM_RETURN_IF_ERROR(PutReference(dossier, request, transition));
  }
  JCM_RETURN_IF_ERROR(PutHistory(input, dossier.record, request, before, after, transition));
  JCM_RETURN_IF_ERROR(ChangeDossier(input, request, *step, rulebook.parameters(), &dossier.record, &after, transition));
  if (moves)
    SetDue(*CycleOf(dossier.record.kind()).Find(request.strand), rulebook.parameters(), dossier.record, &after);
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_DOSSIER, dossier_id, dossier.record));
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_STRAND, key, after));
  if (after.due_by_clock()) {
    JCM_RETURN_IF_ERROR(AddDeadline(BookTime::FromMicros(after.due_us()), v1::DEADLINE_KIND_DOSSIER, key, transition));
  }
  return FollowUp(input, request, dossier.record, after, transition);
}

}  // namespace jcm::rules
