// A receipt: one entry of a book with all that convinces somebody who is offline. A certificate is a receipt that also
// opens confidential fields.
//
//   JCM_ASSIGN_OR_RETURN(Receipt receipt, ParseReceipt(text));          // certificate.json
//   Verdict verdict = Evaluate(receipt, trust);
//   Headline(verdict, Language::ENGLISH) == "VALID (both governments)"
//
// The file holds no text of its own: what a reader is told is derived from the signed bytes (receipt_text.h), so no
// figure can be shown that nobody signed. A receipt is upgraded under the same name by writing it again with a newer
// proof. Thread-safe.
#ifndef LEDGER_BOOK_RECEIPT_H_
#define LEDGER_BOOK_RECEIPT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/command.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/leaf.h"
#include "ledger/book/opening.h"
#include "ledger/book/trust.h"

namespace jcm::book {

namespace v1 = ::jcm::ledger::v1;

inline constexpr size_t kReceiptBytesMax = 4 * 1024 * 1024;
inline constexpr size_t kOpeningsMax = 16;
// A stamp earlier than the last cosignature by more than this is LATE_STAMPED.
inline constexpr uint64_t kLateStampMicros = 120'000'000;

struct Receipt {
  bool certificate = false;
  std::string leaf;  // 165 bytes
  // The bodies; any may be withheld.
  absl::optional<std::string> command;
  absl::optional<std::string> context;
  absl::optional<std::string> effects;
  std::string tlog_proof;           // inclusion proof and checkpoint with cosignatures
  std::string previous_checkpoint;  // last cosigned note before the leaf; may be empty
  std::vector<Opening> openings;    // of a certificate
};

// The JSON file. Bodies and the leaf are Base64, the proof and the note are text.
std::string FormatReceipt(const Receipt& receipt);
// Strict. Errors: RECEIPT_MALFORMED.
absl::StatusOr<Receipt> ParseReceipt(absl::string_view json);

enum class Level {
  BOTH,             // VALID (both governments)
  PENDING,          // VALID (JPN only, cosignature pending)
  NO_PARTNER_BOOK,  // VALID (JPN only, partner keeps no book), or home, which has no partner
  UNKNOWN_KEY,      // the reader's trust does not reach these keys
  INVALID,
};

struct Verdict {
  Level level = Level::INVALID;
  Level required = Level::BOTH;       // what the body needs: BOTH, or one side for home and attested books
  bool satisfied = false;             // valid, and at the level required
  absl::Status reason;                // why it is not BOTH; OK if it is
  std::vector<std::string> withheld;  // bodies not shown and commitments not opened
  bool demonstration = false;
  bool hosted = false;  // the partner's registry runs in this operator's process: not independent
  bool late_stamped = false;
  bool command_understood = false;  // `command` is set

  // Set as far as the evaluation came.
  absl::optional<Leaf> leaf;
  absl::optional<Checkpoint> checkpoint;
  std::vector<std::string> signers;
  std::vector<std::string> cosigners;
  absl::optional<BookTime> cosigned_before;  // newest cosignature before the leaf
  absl::optional<BookTime> cosigned_at;      // first cosignature that covers the leaf
  std::vector<std::string> author_key_ids;   // hexadecimal; those whose signature over the command was verified
  v1::Command command;
};

// Judges a receipt: digests, place in the book, inclusion proof, k signatures of the keys that held at the checkpoint's
// size, cosignatures of the other government (of the keys that held at that size or later), the author's signatures
// if the context is shown, openings. Never valid if anything that is there does not verify.
Verdict Evaluate(const Receipt& receipt, const Trust& trust);

bool IsValid(Level level);

// The origin that the receipt's checkpoint names. Errors: RECEIPT_MALFORMED.
absl::StatusOr<std::string> OriginOfReceipt(const Receipt& receipt);

}  // namespace jcm::book

#endif  // LEDGER_BOOK_RECEIPT_H_
