#include "ledger/rules/cycle/tables.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/base/status.h"

namespace jcm::rules {
namespace {

constexpr char kProjectText[] =
#include "ledger/rules/cycle/project.inc"
    ;
constexpr char kMethodologyText[] =
#include "ledger/rules/cycle/methodology.inc"
    ;
constexpr char kThirdPartyEntityText[] =
#include "ledger/rules/cycle/third_party_entity.inc"
    ;

constexpr size_t kColumns = 11;
constexpr char kBegins[] = "–";
constexpr char kStays[] = "=";

constexpr std::pair<const char*, Who> kWhoNames[] = {
    {"participant", Who::kParticipant}, {"applicant", Who::kApplicant},   {"entity", Who::kEntity},
    {"secretariat", Who::kSecretariat}, {"government", Who::kGovernment}, {"registry", Who::kRegistry},
    {"anyone", Who::kAnyone},           {"committee", Who::kCommittee},   {"clock", Who::kClock},
    {"ledger", Who::kLedger},
};

absl::Status Wrong(absl::string_view line, absl::string_view what) {
  return Error(Reason::FIELD_INVALID, absl::StrCat(what, ": ", line));
}

std::vector<std::string> List(absl::string_view cell) {
  std::vector<std::string> items;
  for (absl::string_view item : absl::StrSplit(cell, ',')) {
    item = absl::StripAsciiWhitespace(item);
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

std::vector<Need> Needs(absl::string_view cell) {
  std::vector<Need> needs;
  for (const std::string& item : List(cell)) {
    const size_t bracket = item.find('[');
    if (item.back() == '?') {
      needs.push_back({item.substr(0, item.size() - 1), "", true});
    } else if (bracket == std::string::npos || item.back() != ']') {
      needs.push_back({item, "", false});
    } else {
      needs.push_back({item.substr(0, bracket), item.substr(bracket + 1, item.size() - bracket - 2), false});
    }
  }
  return needs;
}

absl::StatusOr<Strand> ParseStrand(absl::string_view line) {
  const std::vector<std::string> parts = absl::StrSplit(absl::string_view(line).substr(3), " · ");
  if (parts.size() != 4 || (parts[3] != "once" && parts[3] != "repeated")) return Wrong(line, "not a strand's title");
  return Strand{parts[0], parts[1], parts[2], parts[3] == "repeated", {}};
}

absl::StatusOr<Step> ParseStep(absl::string_view line) {
  std::vector<absl::string_view> cells = absl::StrSplit(line, '|');
  if (cells.size() != kColumns + 2) return Wrong(line, "not eleven columns");
  for (absl::string_view& cell : cells) cell = absl::StripAsciiWhitespace(cell);
  Step step;
  step.name = std::string(cells[1]);
  step.from = List(cells[2]);
  for (std::string& state : step.from) {
    if (state == kBegins) state.clear();
  }
  if (cells[3] != kStays) step.to = std::string(cells[3]);
  for (const std::string& name : List(cells[4])) {
    const auto* found = std::find_if(std::begin(kWhoNames), std::end(kWhoNames),
                                     [&](const auto& known) { return known.first == name; });
    if (found == std::end(kWhoNames)) return Wrong(line, "nobody of this name");
    step.who.push_back(found->second);
  }
  step.documents = Needs(cells[5]);
  step.facts = Needs(cells[6]);
  if (!cells[7].empty() && !v1::DecisionKind_Parse(absl::StrCat("DECISION_KIND_", cells[7]), &step.decision)) {
    return Wrong(line, "no such kind of decision");
  }
  step.conditions = List(cells[8]);
  step.within = std::string(cells[9]);
  step.text_en = std::string(cells[10]);
  step.text_ja = std::string(cells[11]);
  if (step.name.empty() || step.from.empty() || step.who.empty() || step.text_en.empty() || step.text_ja.empty()) {
    return Wrong(line, "a step without name, state, actor or text");
  }
  if ((step.decision != v1::DECISION_KIND_UNSPECIFIED) != step.Takes(Who::kCommittee)) {
    return Wrong(line, "the committee acts by a decision, and nobody else does");
  }
  if (step.Takes(Who::kClock) && step.within.empty()) return Wrong(line, "the clock needs days");
  return step;
}

Cycle Load(v1::DossierKind kind, absl::string_view text) {
  absl::StatusOr<Cycle> cycle = ParseCycle(kind, text);
  JCM_CHECK(cycle.ok());
  return *std::move(cycle);
}

}  // namespace

bool Step::StartsAt(absl::string_view state) const { return std::find(from.begin(), from.end(), state) != from.end(); }

bool Step::Takes(Who one) const { return std::find(who.begin(), who.end(), one) != who.end(); }

const Step* Strand::Find(absl::string_view step) const {
  for (const Step& one : steps) {
    if (one.name == step) return &one;
  }
  return nullptr;
}

std::vector<std::string> Strand::States() const {
  std::vector<std::string> states;
  const auto add = [&](const std::string& state) {
    if (!state.empty() && std::find(states.begin(), states.end(), state) == states.end()) states.push_back(state);
  };
  for (const Step& step : steps) {
    for (const std::string& state : step.from) add(state);
    add(step.to);
  }
  return states;
}

std::vector<const Step*> Strand::After(absl::string_view state) const {
  std::vector<const Step*> after;
  for (const Step& step : steps) {
    if (step.StartsAt(state)) after.push_back(&step);
  }
  return after;
}

std::vector<const Step*> Strand::Awaited(absl::string_view state) const {
  std::vector<const Step*> dated;
  std::vector<const Step*> others;
  for (const Step* step : After(state)) {
    if (!step->within.empty()) {
      dated.push_back(step);
    } else if (step->name != "withdraw" && step->name != "retract" && !step->to.empty() &&
               !step->Takes(Who::kCommittee)) {
      others.push_back(step);
    }
  }
  return dated.empty() ? others : dated;
}

const Strand* Cycle::Find(absl::string_view strand) const {
  for (const Strand& one : strands) {
    if (one.name == strand) return &one;
  }
  return nullptr;
}

const Step* Cycle::FindStep(absl::string_view strand, absl::string_view step) const {
  const Strand* found = Find(strand);
  return found == nullptr ? nullptr : found->Find(step);
}

absl::StatusOr<Cycle> ParseCycle(v1::DossierKind kind, absl::string_view text) {
  Cycle cycle;
  cycle.kind = kind;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(line, "## ")) {
      JCM_ASSIGN_OR_RETURN(Strand strand, ParseStrand(line));
      if (cycle.Find(strand.name) != nullptr) return Wrong(line, "a strand twice");
      cycle.strands.push_back(std::move(strand));
    } else if (absl::StartsWith(line, "| ") && !absl::StartsWith(line, "| step |")) {
      JCM_ASSIGN_OR_RETURN(Step step, ParseStep(line));
      if (cycle.strands.empty() || cycle.strands.back().Find(step.name) != nullptr) {
        return Wrong(line, "a step of no strand, or twice");
      }
      cycle.strands.back().steps.push_back(std::move(step));
    }
  }
  if (cycle.strands.empty()) return Error(Reason::FIELD_INVALID, "no strands");
  return cycle;
}

const Cycle& CycleOf(v1::DossierKind kind) {
  static const Cycle* const kProject = new Cycle(Load(v1::DOSSIER_KIND_PROJECT, kProjectText));
  static const Cycle* const kMethodology = new Cycle(Load(v1::DOSSIER_KIND_METHODOLOGY, kMethodologyText));
  static const Cycle* const kEntity = new Cycle(Load(v1::DOSSIER_KIND_THIRD_PARTY_ENTITY, kThirdPartyEntityText));
  switch (kind) {
    case v1::DOSSIER_KIND_PROJECT:
      return *kProject;
    case v1::DOSSIER_KIND_METHODOLOGY:
      return *kMethodology;
    default:
      JCM_CHECK(kind == v1::DOSSIER_KIND_THIRD_PARTY_ENTITY);
      return *kEntity;
  }
}

absl::Span<const v1::DossierKind> AllDossierKinds() {
  static constexpr v1::DossierKind kKinds[] = {v1::DOSSIER_KIND_PROJECT, v1::DOSSIER_KIND_METHODOLOGY,
                                               v1::DOSSIER_KIND_THIRD_PARTY_ENTITY};
  return kKinds;
}

absl::string_view WhoName(Who who) {
  for (const auto& known : kWhoNames) {
    if (known.second == who) return known.first;
  }
  return "";
}

}  // namespace jcm::rules
