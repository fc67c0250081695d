// Who signed the command of an entry, and what its confidential fields hold: checked from the entry's own bytes, with
// no rule of the domain.
//
//   JCM_ASSIGN_OR_RETURN(Authored authored, CheckAuthorship(command_bytes, context_bytes, leaf.book));
#ifndef LEDGER_BOOK_AUTHORSHIP_H_
#define LEDGER_BOOK_AUTHORSHIP_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "jcm/ledger/v1/command.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/opening.h"

namespace jcm::book {

namespace v1 = ::jcm::ledger::v1;

inline constexpr char kBundleHeaderPayloadType[] = "application/vnd.jcm.bundle-header.v1";

struct Authored {
  v1::Command command;
  std::vector<std::string> author_key_ids;  // hexadecimal, in the order of the signatures; empty without a context
};

// Reads the command bytes of a COMMAND entry: the part is of this book and lies where the signed header says. With the
// context, which carries the public keys, every signature is verified too; without it the registry's signature alone
// stands for them. Errors: MESSAGE_MALFORMED, UNKNOWN_FIELD, WRONG_REGISTRY, PROOF_INVALID, SIGNATURE_MISSING,
// SIGNATURE_INVALID, KEY_UNKNOWN, SIGNATURE_TYPE_UNSUPPORTED.
absl::StatusOr<Authored> CheckAuthorship(absl::string_view command_bytes,
                                         const absl::optional<std::string>& context_bytes, const BookId& book);

// Checks the openings against the command's commitments and adds commitments without an opening to `withheld`.
// Errors: DIGEST_MISMATCH if one does not fit; FIELD_INVALID if the command has no such commitment, or one stands
// twice.
absl::Status CheckOpenings(const v1::Command& command, absl::Span<const Opening> openings,
                           std::vector<std::string>& withheld);

}  // namespace jcm::book

#endif  // LEDGER_BOOK_AUTHORSHIP_H_
