#include "tools/jcm-verify/audit/dossier_steps.h"

#include "absl/strings/str_split.h"

namespace jcm::verify {
namespace {

constexpr DossierStep kSteps[] = {
#define JCM_STEP(kind, strand, step, from, to, who) \
  {v1::DOSSIER_KIND_##kind, strand, step, from, to, who, v1::DECISION_KIND_UNSPECIFIED},
#define JCM_DECIDED(kind, strand, step, from, to, decision) \
  {v1::DOSSIER_KIND_##kind, strand, step, from, to, "committee", v1::DECISION_KIND_##decision},
#include "tools/jcm-verify/audit/dossier_steps.def"
#undef JCM_STEP
#undef JCM_DECIDED
};

}  // namespace

absl::Span<const DossierStep> DossierSteps() { return kSteps; }

const DossierStep* FindDossierStep(v1::DossierKind kind, absl::string_view strand, absl::string_view step) {
  for (const DossierStep& one : kSteps) {
    if (one.kind == kind && one.strand == strand && one.step == step) return &one;
  }
  return nullptr;
}

bool HasWord(absl::string_view words, absl::string_view word) {
  for (const absl::string_view one : absl::StrSplit(words, ' ')) {
    if (one == word) return true;
  }
  return false;
}

}  // namespace jcm::verify
