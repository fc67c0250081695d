// C2SP tlog-proof: an inclusion proof and its checkpoint as one text file, for people to keep.
//
//   c2sp.org/tlog-proof@v1
//   extra QUJD
//   index 5
//   vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=
//   ...
//   (blank line)
//   demo.invalid/JPN/TH
//   8
//   ...
#ifndef LEDGER_BOOK_TLOG_PROOF_H_
#define LEDGER_BOOK_TLOG_PROOF_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "ledger/base/types.h"

namespace jcm::book {

inline constexpr size_t kTlogProofBytesMax = 128 * 1024;

struct TlogProof {
  absl::optional<std::string> extra;  // any bytes, for the application
  uint64_t index = 0;
  std::vector<Digest> hashes;
  std::string checkpoint;  // the signed note
};

std::string FormatTlogProof(const TlogProof& proof);

// One spelling only: FormatTlogProof of the result gives the same bytes. The checkpoint is well-formed; its
// signatures are not verified here. Errors: RECEIPT_MALFORMED.
absl::StatusOr<TlogProof> ParseTlogProof(absl::string_view text);

}  // namespace jcm::book

#endif  // LEDGER_BOOK_TLOG_PROOF_H_
