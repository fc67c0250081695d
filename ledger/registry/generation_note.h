// What replicas sign when a log that lost what they applied shall begin anew: a C2SP signed note (book/note.h).
//
//   demo.invalid/JPN/log
//   new generation 2
//   behind batch 57 of generation 1, hash q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=, time 1764060000000000
//   proposed at 1764060012345678
//
//   — demo.invalid/JPN/1 Kx...=            the replica agrees: it has nothing that lies behind that batch
//   — demo.invalid/JPN/3 9Q...=
//
// Times are microseconds since 1970, numbers are decimal without leading zeros, the hash is padded Base64. The text is
// the same for all who sign, so that lines can be added one after the other. It can't be taken for a checkpoint, whose
// second line is a number. generation_note_test has this example.
#ifndef LEDGER_REGISTRY_GENERATION_NOTE_H_
#define LEDGER_REGISTRY_GENERATION_NOTE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/book/key_set.h"
#include "ledger/book/note.h"
#include "ledger/log/batch_header.h"

namespace jcm::registry {

struct GenerationProposal {
  std::string domain;
  std::string registry;
  uint64_t generation = 0;
  log::LogPosition after;  // the last batch that goes on to count
  BookTime proposed;
  friend bool operator==(const GenerationProposal& a, const GenerationProposal& b) {
    return a.domain == b.domain && a.registry == b.registry && a.generation == b.generation && a.after == b.after &&
           a.proposed == b.proposed;
  }
};

// The text that is signed.
std::string FormatGeneration(const GenerationProposal& proposal);
// Exactly what FormatGeneration writes. Errors: NOTE_MALFORMED.
absl::StatusOr<GenerationProposal> ParseGeneration(absl::string_view text);

// Names of those of `keys` who signed the note, each once, in the order of the set. Errors: SIGNATURE_INVALID if one of
// these keys stands on a line that it did not sign.
absl::StatusOr<std::vector<std::string>> GenerationSigners(const book::Note& note, const book::KeySet& keys);

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_GENERATION_NOTE_H_
