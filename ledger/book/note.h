// C2SP signed notes: a text and lines of signatures over it, readable by people and by other tools of this family.
//
//   This is an example message.
//
//   — example.com/foo Uw...=
//
//   JCM_ASSIGN_OR_RETURN(Note note, ParseNote(bytes));
//   JCM_ASSIGN_OR_RETURN(std::vector<size_t> valid, VerifyNote(note, keys));
//
// Two kinds of signature are made here: type 0x01, Ed25519 over the text, and type 0x04, the timestamped cosignature
// (checkpoint.h). Keys and types that a reader does not know are ignored, as the specification asks. Thread-safe.
#ifndef LEDGER_BOOK_NOTE_H_
#define LEDGER_BOOK_NOTE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ledger/base/keys.h"

namespace jcm::book {

inline constexpr size_t kNoteBytesMax = 64 * 1024;
inline constexpr size_t kNoteSignaturesMax = 64;  // the specification asks for at least 16
inline constexpr size_t kNoteKeyNameBytesMax = 255;

enum class NoteKeyType : uint8_t {
  ED25519 = 0x01,
  COSIGNATURE_V1 = 0x04,  // timestamped Ed25519
};

// One signature line.
struct NoteSignature {
  std::string key_name;
  uint32_t key_id = 0;
  std::string signature;  // what follows the key id: 64 bytes for type 0x01, 72 for type 0x04

  friend bool operator==(const NoteSignature& a, const NoteSignature& b) {
    return a.key_name == b.key_name && a.key_id == b.key_id && a.signature == b.signature;
  }
};

struct Note {
  std::string text;  // ends in a newline
  std::vector<NoteSignature> signatures;
};

// A key under its name, for one type of signature.
struct NoteKey {
  std::string name;
  NoteKeyType type = NoteKeyType::ED25519;
  PublicKey key;  // Ed25519

  uint32_t Id() const;
};

// Not empty, at most kNoteKeyNameBytesMax bytes of UTF-8, without spaces of any script, control characters or "+".
bool IsNoteKeyName(absl::string_view name);

// The first 4 bytes of SHA-256(name || 0x0A || type || key), big-endian.
uint32_t NoteKeyId(absl::string_view name, NoteKeyType type, absl::string_view key);

// "<name>+<hexadecimal key id>+<Base64(type || key)>", as keys are handed out.
std::string EncodeVkey(const NoteKey& key);
// Errors: NOTE_MALFORMED; SIGNATURE_TYPE_UNSUPPORTED for a type other than the two above.
absl::StatusOr<NoteKey> ParseVkey(absl::string_view vkey);

// One spelling only: FormatNote of the result gives the same bytes. Errors: NOTE_MALFORMED (not UTF-8, control
// characters other than newlines, no signature, more than kNoteSignaturesMax, larger than kNoteBytesMax, any other
// form).
absl::StatusOr<Note> ParseNote(absl::string_view bytes);
// The note must be one that ParseNote would give.
std::string FormatNote(const Note& note);

// NOTE_MALFORMED unless `text` may be the text of a note.
absl::Status CheckNoteText(absl::string_view text);

// A type 0x01 signature over `text`. The key must be Ed25519, the name valid.
NoteSignature SignNoteText(absl::string_view text, absl::string_view key_name, const PrivateKey& key);

// Indexes of the signatures made by `keys`, which must all be of type ED25519; each is valid. Unknown keys are ignored.
// Errors: SIGNATURE_INVALID if a known key's name and id stand on a line whose signature is not the key's: such a note
// was tampered with and proves nothing.
absl::StatusOr<std::vector<size_t>> VerifyNote(const Note& note, absl::Span<const NoteKey> keys);

}  // namespace jcm::book

#endif  // LEDGER_BOOK_NOTE_H_
