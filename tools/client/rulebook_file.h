// Rulebooks as files: what a partnership's parameters are, where each comes from, and how two differ.
//
//   JCM_ASSIGN_OR_RETURN(RulebookFile rulebook, ReadRulebook(files, "deploy/rulebooks/TH-premium-t-ver.rulebook"));
//   rulebook.version, rulebook.parameters …
//
// A file has lines "name = value"; "#" begins a comment. `base = FILE` takes everything of another file first, and what
// follows replaces it. Names are those of RulebookParameters; lists have one line per row and a name in the singular:
// zone_offset, permanence, scope, document, net_reduction_method, source. See deploy/rulebooks/README.md.
#ifndef TOOLS_CLIENT_RULEBOOK_FILE_H_
#define TOOLS_CLIENT_RULEBOOK_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/command.pb.h"
#include "ledger/base/file_system.h"

namespace jcm::client {

namespace v1 = ::jcm::ledger::v1;

// Files that take each other as a base may be so many.
inline constexpr int kRulebookBasesMax = 5;

struct RulebookFile {
  std::string version;      // "TH/2024-07-08"
  v1::Date effective_date;  // unset if the file does not say
  std::string supersedes;
  v1::InFlight in_flight = v1::IN_FLIGHT_UNSPECIFIED;
  v1::RulebookParameters parameters;
};

// Errors: NOT_FOUND, CONFIG_INVALID with file and line's name.
absl::StatusOr<RulebookFile> ReadRulebook(FileSystem& files, const std::string& path);

struct RulebookDifference {
  std::string parameter;
  std::string left;  // as text; empty: not stated
  std::string right;
  std::string left_source;
  std::string right_source;
};
// In the order of the fields. Of a list, each element that differs: they meet by their first field, e.g. the number of a
// scope or the code of a document.
std::vector<RulebookDifference> DiffRulebooks(const v1::RulebookParameters& left, const v1::RulebookParameters& right);

// "1/2", "3/100", "1". CONFIG_INVALID.
absl::StatusOr<v1::Fraction> ParseFraction(absl::string_view text);
// "1234.5" or "2469/2", exact. CONFIG_INVALID.
absl::StatusOr<v1::Fraction> ParseAmount(absl::string_view text);
std::string FormatFraction(const v1::Fraction& fraction);

}  // namespace jcm::client

#endif  // TOOLS_CLIENT_RULEBOOK_FILE_H_
