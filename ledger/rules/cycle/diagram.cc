#include "ledger/rules/cycle/diagram.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace jcm::rules {
namespace {

std::string Node(const std::string& state) { return state.empty() ? "[*]" : state; }

}  // namespace

std::string DiagramOf(const Strand& strand) {
  std::string text = "stateDiagram-v2\n";
  for (const Step& step : strand.steps) {
    const std::string who =
        absl::StrJoin(step.who, ", ", [](std::string* out, Who one) { absl::StrAppend(out, WhoName(one)); });
    for (const std::string& from : step.from) {
      const std::string& to = step.to.empty() ? from : step.to;
      absl::StrAppend(&text, "  ", Node(from), " --> ", to, " : ", step.name, " (", who, ")\n");
    }
  }
  // States that nothing leaves.
  for (const std::string& state : strand.States()) {
    if (strand.After(state).empty()) absl::StrAppend(&text, "  ", state, " --> [*]\n");
  }
  return text;
}

std::string DiagramsOf(v1::DossierKind kind) {
  std::string text;
  for (const Strand& strand : CycleOf(kind).strands) {
    absl::StrAppend(&text, "## ", strand.name, " · ", strand.title_en, " · ", strand.title_ja, "\n\n```mermaid\n",
                    DiagramOf(strand), "```\n\n");
  }
  return text;
}

}  // namespace jcm::rules
