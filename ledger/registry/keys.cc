#include "ledger/registry/keys.h"

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "ledger/state/state.h"

namespace jcm::registry {

using state::SortableNumber;

std::string BookPrefix(const BookId& book) {
  std::string prefix = book.ToString();
  prefix.push_back('\0');
  return prefix;
}

std::string HeadKey(const BookId& book) { return absl::StrCat(kHeadPrefix, book.ToString()); }
std::string NotesKey(const BookId& book) { return absl::StrCat("notes/", book.ToString()); }
std::string OffsiteAcknowledgedKey(absl::string_view registry) {
  return absl::StrCat("offsite-acknowledged/", registry);
}

std::string OffsiteKeptKey(absl::string_view registry) { return absl::StrCat("offsite-kept/", registry); }

std::string AlarmKey(absl::string_view registry, uint32_t leaf_kind) {
  return absl::StrCat("alarm/", registry, "/", leaf_kind);
}

std::string EntryKey(const BookId& book, uint64_t sequence) { return BookPrefix(book) + SortableNumber(sequence); }
std::string AttachmentKey(absl::string_view digest) { return absl::StrCat("attachment/", digest); }

std::string NodeKey(const BookId& book, int level, uint64_t index) {
  std::string key = BookPrefix(book);
  BigEndianWriter(&key).U8(static_cast<uint8_t>(level)).U64(index);
  return key;
}

std::string StateKey(const BookId& book, uint32_t table, absl::string_view key) {
  std::string out = BookPrefix(book);
  BigEndianWriter(&out).U32(table).Bytes(key);
  return out;
}

std::string NoteKey(const BookId& book, uint64_t size) {
  return absl::StrCat(BookPrefix(book), "s", SortableNumber(size));
}
std::string CosignedNoteKey(const BookId& book, uint64_t size) {
  return absl::StrCat(BookPrefix(book), "c", SortableNumber(size));
}

std::string OutcomeKey(absl::string_view person_id, absl::string_view request_id) {
  std::string key(person_id);
  key.push_back('\0');
  key.append(request_id.data(), request_id.size());
  return key;
}

std::string EvidenceKey(const BookId& book, uint64_t sequence) {
  return absl::StrCat("evidence/", BookPrefix(book), SortableNumber(sequence));
}
std::string QuarantineKey(const BookId& book, uint64_t sequence) {
  return absl::StrCat("quarantine/", BookPrefix(book), SortableNumber(sequence));
}
std::string OffsiteOutKey(uint64_t position) { return absl::StrCat("out/", SortableNumber(position)); }
std::string OffsiteInKey(absl::string_view registry, uint64_t position) {
  return absl::StrCat("in/", registry, "/", SortableNumber(position));
}

std::string AfterPrefix(absl::string_view prefix) {
  std::string after(prefix);
  while (!after.empty() && static_cast<uint8_t>(after.back()) == 0xff) after.pop_back();
  JCM_CHECK(!after.empty());
  after.back() = static_cast<char>(static_cast<uint8_t>(after.back()) + 1);
  return after;
}

uint64_t OffsitePosition(uint64_t generation, uint64_t index) {
  JCM_CHECK(generation < (uint64_t{1} << 16) && index < (uint64_t{1} << 40));
  return generation << 48 | index << 8 | (kOffsiteBlobsPerBatchMax - 1);
}

uint64_t GenerationOfOffsitePosition(uint64_t position) { return position >> 48; }

uint64_t LogIndexOf(uint64_t position) { return (position >> 8) & ((uint64_t{1} << 40) - 1); }

}  // namespace jcm::registry
