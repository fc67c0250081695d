#include "ledger/registry/generation_note.h"

#include <algorithm>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"

namespace jcm::registry {
namespace {

constexpr size_t kOriginParts = 3;

absl::Status Malformed() { return Error(Reason::NOTE_MALFORMED, "no agreement to a new generation"); }

bool TakeNumber(absl::string_view* text, absl::string_view before, uint64_t* number) {
  if (!absl::ConsumePrefix(text, before)) return false;
  const size_t digits = std::min(text->find_first_not_of("0123456789"), text->size());
  if (!absl::SimpleAtoi(text->substr(0, digits), number)) return false;
  text->remove_prefix(digits);
  return true;
}

}  // namespace

std::string FormatGeneration(const GenerationProposal& proposal) {
  return absl::StrCat(proposal.domain, "/", proposal.registry, "/log\nnew generation ", proposal.generation,
                      "\nbehind batch ", proposal.after.index, " of generation ", proposal.after.generation, ", hash ",
                      Base64Encode(AsBytes(proposal.after.hash)), ", time ", proposal.after.time.micros,
                      "\nproposed at ", proposal.proposed.micros, "\n");
}

absl::StatusOr<GenerationProposal> ParseGeneration(absl::string_view text) {
  GenerationProposal proposal;
  const size_t first_line = std::min(text.find('\n'), text.size());
  const std::vector<absl::string_view> origin = absl::StrSplit(text.substr(0, first_line), '/');
  if (origin.size() != kOriginParts) return Malformed();
  proposal.domain = std::string(origin[0]);
  proposal.registry = std::string(origin[1]);
  absl::string_view rest = text.substr(first_line);
  if (!TakeNumber(&rest, "\nnew generation ", &proposal.generation) ||
      !TakeNumber(&rest, "\nbehind batch ", &proposal.after.index) ||
      !TakeNumber(&rest, " of generation ", &proposal.after.generation) || !absl::ConsumePrefix(&rest, ", hash ")) {
    return Malformed();
  }
  const size_t hash_end = std::min(rest.find(','), rest.size());
  const absl::StatusOr<std::string> hash = Base64Decode(rest.substr(0, hash_end));
  if (!hash.ok() || hash->size() != proposal.after.hash.size()) return Malformed();
  std::copy(hash->begin(), hash->end(), proposal.after.hash.begin());
  rest.remove_prefix(hash_end);
  if (!TakeNumber(&rest, ", time ", &proposal.after.time.micros) ||
      !TakeNumber(&rest, "\nproposed at ", &proposal.proposed.micros)) {
    return Malformed();
  }
  // One spelling only.
  if (FormatGeneration(proposal) != text) return Malformed();
  return proposal;
}

absl::StatusOr<std::vector<std::string>> GenerationSigners(const book::Note& note, const book::KeySet& keys) {
  std::vector<book::NoteKey> note_keys;
  for (const book::RegistryKey& key : keys.keys) {
    note_keys.push_back({key.name, book::NoteKeyType::ED25519, key.key});
  }
  JCM_ASSIGN_OR_RETURN(const std::vector<size_t> valid, book::VerifyNote(note, note_keys));
  std::set<std::string> names;
  for (const size_t line : valid) names.insert(note.signatures[line].key_name);
  std::vector<std::string> signers;
  for (const book::RegistryKey& key : keys.keys) {
    if (names.count(key.name) > 0) signers.push_back(key.name);
  }
  return signers;
}

}  // namespace jcm::registry
