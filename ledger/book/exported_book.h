// Verifies a whole book from its export, with no rules and no network: every byte of every entry, chain, tree, keys,
// checkpoints.
//
//   BookVerifier verifier(trust);
//   for (const ExportPiece& piece : pieces) JCM_RETURN_IF_ERROR(verifier.Add(piece));
//   BookVerdict verdict = verifier.Finish();
//
// What the entries mean, and whether the effects follow from the commands, is for re-execution to say.
#ifndef LEDGER_BOOK_EXPORTED_BOOK_H_
#define LEDGER_BOOK_EXPORTED_BOOK_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/book.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/key_set.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"
#include "ledger/book/receipt.h"
#include "ledger/book/trust.h"

namespace jcm::book {

// Entries [from, from + entries) of a book, and a checkpoint that covers them.
struct ExportPiece {
  uint64_t from = 0;
  std::vector<v1::EntryRecord> entries;
  std::string checkpoint;                 // signed note
  std::vector<Digest> consistency_proof;  // from the tree of size from + entries to the checkpoint's
};

struct BookVerdict {
  Level level = Level::INVALID;
  Level required = Level::BOTH;
  bool satisfied = false;
  absl::Status reason;
  std::string origin;
  bool demonstration = false;
  uint64_t size = 0;             // entries verified
  Digest root{};                 // over them
  uint64_t checkpoint_size = 0;  // of the last checkpoint
  uint64_t cosigned_size = 0;    // largest size that the other government cosigned
  absl::optional<BookTime> cosigned_at;
  std::vector<std::string> signers;
  std::vector<std::string> cosigners;
  uint64_t key_changes = 0;
  std::map<std::string, uint64_t> entries_by_kind;
};

// Takes the pieces in order, from entry 0 on without gaps. After an error everything further is refused.
class BookVerifier {
 public:
  // The trust must outlive this.
  explicit BookVerifier(const Trust& trust) : trust_(trust) {}

  // Errors: KEY_UNKNOWN if the origin, or the keys of its genesis, are not trusted; else what is wrong: LEAF_MALFORMED,
  // DIGEST_MISMATCH, CHAIN_BROKEN, PROOF_INVALID, SIGNATURE_INVALID, SIGNATURES_NOT_ENOUGH, CHECKPOINT_MALFORMED, ...
  absl::Status Add(const ExportPiece& piece);

  // INVALID with the first error; INVALID if there was no piece.
  BookVerdict Finish() const;

 private:
  absl::Status AddPiece(const ExportPiece& piece);
  absl::Status OpenBook(const Checkpoint& checkpoint);
  absl::Status AddEntry(const v1::EntryRecord& entry);
  absl::Status ApplyKeys(const v1::EntryRecord& entry, const Leaf& leaf);
  absl::Status CheckCheckpoint(const ExportPiece& piece, const Note& note, const Checkpoint& checkpoint);
  // That the keys which the entries gave are those of the trust file, as far as both reach.
  absl::Status CompareKeys() const;

  const Trust& trust_;
  const TrustedBook* book_ = nullptr;
  absl::optional<KeyHistory> keys_;  // as genesis and changes of keys say
  ChainTip tip_;
  Frontier frontier_;
  BookVerdict verdict_;
  absl::optional<Cosignatures> last_cosignatures_;
  absl::Status error_;
};

}  // namespace jcm::book

#endif  // LEDGER_BOOK_EXPORTED_BOOK_H_
