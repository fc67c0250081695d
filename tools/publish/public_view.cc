#include "tools/publish/public_view.h"

#include <algorithm>

#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/cycle/tables.h"
#include "ledger/rules/rulebook.h"

namespace jcm::publish {
namespace {

constexpr char kPublish[] = "publish";
constexpr char kCloseInputs[] = "close_inputs";
constexpr char kCommentForm[] = "comment";

bool IsOneOf(const std::string& state, std::initializer_list<const char*> states) {
  return std::any_of(states.begin(), states.end(), [&](const char* one) { return state == one; });
}

// The number that the step assigned, if the strand has one of its own; else the dossier's latest.
std::string ReferenceOf(const DossierAt& dossier, const v1::StrandRecord& strand) {
  for (const v1::ReferenceRecord& reference : dossier.references) {
    if (reference.strand() == strand.strand() && reference.instance() == strand.instance())
      return reference.reference();
  }
  return dossier.BestReference();
}

}  // namespace

bool IsPublicProject(const DossierAt& dossier) {
  if (dossier.record.kind() != v1::DOSSIER_KIND_PROJECT) return false;
  return dossier.Ever("PIN", "clear") || dossier.Ever("PIN", "plan") || dossier.Ever("DESIGN", kPublish) ||
         dossier.Ever("REGISTRATION", "register");
}

bool IsPublicVersion(const DossierAt& dossier, const v1::StrandRecord& version) {
  return dossier.record.kind() == v1::DOSSIER_KIND_METHODOLOGY &&
         dossier.LastStep(version.strand(), version.instance(), kPublish) != nullptr;
}

Words TitleOf(const DossierAt& dossier) {
  const v1::DossierRecord& record = dossier.record;
  return {record.title_en(), record.title_ja().empty() ? record.title_en() : record.title_ja()};
}

Words ProjectStatus(const DossierAt& dossier) {
  const std::string registration = dossier.StateOf("REGISTRATION");
  if (IsOneOf(registration, {"REQUESTED", "COMPLETE"})) return {"Registration requested", "登録申請中"};
  if (IsOneOf(registration, {"INCOMPLETE", "RETURNED"})) return {"Registration request returned", "登録申請差戻し"};
  if (!registration.empty()) return StateName(registration);
  const std::string design = dossier.StateOf("DESIGN");
  if (IsOneOf(design, {"PUBLIC", "INPUTS_CLOSED"})) return StateName(design);
  return StateName(dossier.StateOf("PIN"));
}

Words MethodologyStatus(const v1::StrandRecord& version) {
  if (version.state() == "APPROVED") return {"Valid", "有効"};
  if (version.state() == "CONSIDERATION") return StateName("INPUTS_CLOSED");
  return StateName(version.state());
}

InputCall CallOf(const BookAt& book, const DossierAt& dossier, const v1::StrandRecord& strand, bool* known) {
  InputCall call;
  const v1::DossierStepRecord* opened = dossier.LastStep(strand.strand(), strand.instance(), kPublish);
  const rules::Step* close = rules::CycleOf(dossier.record.kind()).FindStep(strand.strand(), kCloseInputs);
  *known = opened != nullptr && close != nullptr;
  if (!*known) return call;
  call.dossier = &dossier;
  call.strand = strand.strand();
  call.instance = strand.instance();
  call.reference = ReferenceOf(dossier, strand);
  call.open = strand.state() == "PUBLIC";
  call.opened_at_us = call.changed_at_us = opened->at_us();
  const v1::DossierStepRecord* closed = dossier.LastStep(strand.strand(), strand.instance(), kCloseInputs);
  if (!call.open) call.changed_at_us = closed != nullptr ? closed->at_us() : strand.since_us();
  const v1::RulebookParameters* parameters = book.ParametersOf(opened->rulebook_version());
  if (parameters != nullptr && !parameters->zone_offsets().empty()) {
    call.first_day = rules::DayInLaterCapital(BookTime::FromMicros(call.opened_at_us), *parameters);
    const uint32_t days = rules::DaysNamed(close->within, *parameters);
    call.last_day_known = days > 0;
    if (days > 0) call.last_day = AddDays(call.first_day, static_cast<int64_t>(days) - 1);  // the first day counts
  } else {
    call.first_day = DayInZone(BookTime::FromMicros(call.opened_at_us), 0);
  }
  for (const v1::Document& document : strand.documents()) {
    if (document.form() != kCommentForm && !document.public_digest().empty()) call.documents.push_back(document);
  }
  call.comments = static_cast<uint64_t>(
      std::count_if(dossier.steps.begin(), dossier.steps.end(), [&](const v1::DossierStepRecord& step) {
        return step.strand() == strand.strand() && step.instance() == strand.instance() && step.step() == kCommentForm;
      }));
  return call;
}

std::vector<InputCall> CallsOf(const BookAt& book) {
  std::vector<InputCall> calls;
  for (const DossierAt& dossier : book.dossiers) {
    for (const v1::StrandRecord& strand : dossier.strands) {
      bool known = false;
      InputCall call = CallOf(book, dossier, strand, &known);
      if (known) calls.push_back(std::move(call));
    }
  }
  return calls;
}

}  // namespace jcm::publish
