// Where things lie in the store: keys by family. Keys of one book share a prefix, and numbers sort as numbers.
//
//   kMeta    "head/" book, "notes/" book, "applied", "quarantine", "offsite-acknowledged/" registry,
//            "offsite-kept/" registry, "generation/agreed", "generation/started",
//            "alarm/" registry "/" kind: a command that is owed to the common book
//   kEntry   book sequence             entries from there on (stored_entries.h)
//            "attachment/" digest      SealedAttachment
//   kNode    book level index          32 bytes
//   kState   book table key            record
//   kNote    book "s" size             newest own signature at that size;  book "c" size: with cosignatures
//   kOutcome person 0x00 request id    RequestOutcome
//   kMirror  "evidence/" book sequence Evidence;  "quarantine/" book sequence: EntryRecord
//   kOffsite "out/" position           own sealed batch;  "in/" registry "/" position: a partner's, unread
//
// `book` is "JPN/TH" followed by a zero byte.
#ifndef LEDGER_REGISTRY_KEYS_H_
#define LEDGER_REGISTRY_KEYS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "ledger/base/types.h"

namespace jcm::registry {

inline constexpr char kAppliedKey[] = "applied";
inline constexpr char kQuarantineKey[] = "quarantine";  // why this replica speaks no more; absent: it does

// The newest agreement to a new generation that this replica signed, as a note; and the text of the newest one, without
// signatures, that it wrote to the log or was about to.
inline constexpr char kGenerationAgreedKey[] = "generation/agreed";
inline constexpr char kGenerationStartedKey[] = "generation/started";

std::string BookPrefix(const BookId& book);
std::string HeadKey(const BookId& book);
inline constexpr char kHeadPrefix[] = "head/";
std::string NotesKey(const BookId& book);
std::string OffsiteAcknowledgedKey(absl::string_view registry);
std::string OffsiteKeptKey(absl::string_view registry);  // how many copies are kept for it
std::string AlarmKey(absl::string_view registry, uint32_t leaf_kind);

std::string EntryKey(const BookId& book, uint64_t sequence);
std::string AttachmentKey(absl::string_view digest);
std::string NodeKey(const BookId& book, int level, uint64_t index);
std::string StateKey(const BookId& book, uint32_t table, absl::string_view key);
std::string NoteKey(const BookId& book, uint64_t size);
std::string CosignedNoteKey(const BookId& book, uint64_t size);
std::string OutcomeKey(absl::string_view person_id, absl::string_view request_id);
std::string EvidenceKey(const BookId& book, uint64_t sequence);
std::string QuarantineKey(const BookId& book, uint64_t sequence);
std::string OffsiteOutKey(uint64_t position);
std::string OffsiteInKey(absl::string_view registry, uint64_t position);

// The smallest key above all keys with this prefix; prefixes here never consist of 0xff bytes alone.
std::string AfterPrefix(absl::string_view prefix);

// A batch's sealed copy travels in so many pieces at most: a sink takes no piece above 1 MiB.
inline constexpr uint64_t kOffsiteBlobsPerBatchMax = 256;

// The place of a log batch among off-site copies: rises over generations too, so that a new generation never overwrites
// what an earlier one has left abroad. It is that of the batch's last piece; those before it have the numbers below.
// Log indexes stay below 2^40 and generations below 2^16 (checked).
uint64_t OffsitePosition(uint64_t generation, uint64_t index);
// The log index in a position, for people.
uint64_t LogIndexOf(uint64_t position);
uint64_t GenerationOfOffsitePosition(uint64_t position);

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_KEYS_H_
