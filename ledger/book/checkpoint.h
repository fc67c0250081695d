// C2SP checkpoints: a registry's signed statement of a book's size and root, and the other government's cosignature.
//
//   demo.invalid/JPN/TH
//   1234
//   XcncSnB6ayJ...=
//
//   — demo.invalid/JPN/1 Kx...=            the registry's replica (type 0x01)
//   — demo.invalid/THA/1 9Q...=            the other government's cosignature (type 0x04)
//
//   JCM_ASSIGN_OR_RETURN(VerifiedCheckpoint signed_by, VerifyCheckpoint(note, keys));
//   JCM_ASSIGN_OR_RETURN(Cosignatures cosigned, VerifyCosignatures(note, peer_keys));
//
// Signers must keep their own durable record of what they signed; these functions keep nothing. Thread-safe.
#ifndef LEDGER_BOOK_CHECKPOINT_H_
#define LEDGER_BOOK_CHECKPOINT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "ledger/base/keys.h"
#include "ledger/base/types.h"
#include "ledger/book/key_set.h"
#include "ledger/book/note.h"

namespace jcm::book {

inline constexpr size_t kCosignatureBytes = 76;  // in the note: 4 key id, 8 time, 64 signature

struct Checkpoint {
  std::string origin;
  uint64_t size = 0;
  Digest root{};

  friend bool operator==(const Checkpoint& a, const Checkpoint& b) {
    return a.origin == b.origin && a.size == b.size && a.root == b.root;
  }
};

// "<domain>/<REGISTRY>/<book>": "demo.invalid/JPN/TH".
std::string OriginOf(absl::string_view domain, const BookId& book);
// "<domain>/<REGISTRY>/<replica>": "demo.invalid/JPN/1", the name of a replica's key.
std::string KeyNameOf(absl::string_view domain, absl::string_view registry, absl::string_view replica);

struct Origin {
  std::string domain;
  BookId book;
};
// Lower-case letters, digits, "." and "-" in the domain; codes as in leaf.h. Errors: CHECKPOINT_MALFORMED.
absl::StatusOr<Origin> ParseOrigin(absl::string_view origin);
bool IsDomain(absl::string_view domain);

// The text that is signed: three lines.
std::string FormatCheckpoint(const Checkpoint& checkpoint);
// Exactly three lines, a valid origin, a decimal size without leading zeros of at most kTreeSizeMax, a canonical root.
// Errors: CHECKPOINT_MALFORMED.
absl::StatusOr<Checkpoint> ParseCheckpoint(absl::string_view text);

// The note with no signatures yet; lines are added with AddSignatureLine.
Note UnsignedCheckpoint(const Checkpoint& checkpoint);
// A replica's signature line over the checkpoint.
NoteSignature SignCheckpoint(const Checkpoint& checkpoint, absl::string_view key_name, const PrivateKey& key);
// A cosignature line: at `time` (whole seconds are kept) this is the largest tree that the cosigner has seen for the
// origin, and it extends all that it cosigned before.
NoteSignature Cosign(const Checkpoint& checkpoint, absl::string_view key_name, const PrivateKey& key, BookTime time);
// Adds the line, unless the same one is there. Errors: NOTE_MALFORMED if the note is full.
absl::Status AddSignatureLine(Note& note, NoteSignature line);

struct VerifiedCheckpoint {
  Checkpoint checkpoint;
  std::vector<std::string> signers;  // names of different keys of the set, in its order
};

// The checkpoint and who of `keys` signed it, however few. Errors: NOTE_MALFORMED, CHECKPOINT_MALFORMED,
// SIGNATURE_INVALID if one of these keys stands on a line that it did not sign.
absl::StatusOr<VerifiedCheckpoint> FindSigners(const Note& note, const KeySet& keys);
// As FindSigners, and SIGNATURES_NOT_ENOUGH if they are fewer than k.
absl::StatusOr<VerifiedCheckpoint> VerifyCheckpoint(const Note& note, const KeySet& keys);
absl::StatusOr<VerifiedCheckpoint> VerifyCheckpoint(absl::string_view note, const KeySet& keys);

struct Cosignatures {
  std::vector<std::string> signers;  // names of different keys of the set, in its order
  bool enough = false;               // at least k
  BookTime earliest;                 // of the first cosigner; 0 if there is none
  BookTime latest;                   // of the last cosigner's first cosignature
  // When the registry had cosigned: the k-th cosigner's first cosignature. Unset if they are not enough.
  absl::optional<BookTime> cosigned_at;
};

// Who of `keys` cosigned, and when; none is not an error. Errors: NOTE_MALFORMED, CHECKPOINT_MALFORMED,
// SIGNATURE_INVALID if one of these keys stands on a cosignature line that it did not sign.
absl::StatusOr<Cosignatures> VerifyCosignatures(const Note& note, const KeySet& keys);

}  // namespace jcm::book

#endif  // LEDGER_BOOK_CHECKPOINT_H_
