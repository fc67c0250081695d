// The project cycle's tables as pictures: a Mermaid state diagram per strand, which any viewer of Markdown draws.
//
//   std::string all = DiagramsOf(v1::DOSSIER_KIND_PROJECT);     // what diagrams.md holds
#ifndef LEDGER_RULES_CYCLE_DIAGRAM_H_
#define LEDGER_RULES_CYCLE_DIAGRAM_H_

#include <string>

#include "ledger/rules/cycle/tables.h"

namespace jcm::rules {

// One strand, without the fence around it. The arrows say step and actor.
std::string DiagramOf(const Strand& strand);
// All strands of a kind of dossier, with headings, as Markdown.
std::string DiagramsOf(v1::DossierKind kind);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_CYCLE_DIAGRAM_H_
