#include "ledger/book/note.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::book {
namespace {

constexpr char kSignaturePrefix[] = "\xe2\x80\x94 ";  // em dash, space
constexpr size_t kKeyIdBytes = 4;

absl::Status Malformed(absl::string_view detail) { return Error(Reason::NOTE_MALFORMED, detail); }

// Takes one character off the front of `text`; -1 if it is not well-formed UTF-8.
int32_t TakeCharacter(absl::string_view& text) {
  const uint8_t lead = static_cast<uint8_t>(text[0]);
  const size_t size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return -1;
  int32_t character = size == 1 ? lead : lead & (0xff >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    const uint8_t byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xc0) != 0x80) return -1;
    character = character << 6 | (byte & 0x3f);
  }
  const bool overlong = (size == 3 && character < 0x800) || (size == 4 && character < 0x10000);
  const bool surrogate = character >= 0xd800 && character <= 0xdfff;
  if (overlong || surrogate || character > 0x10ffff) return -1;
  text.remove_prefix(size);
  return character;
}

bool IsControl(int32_t character) { return character < 0x20 || character == 0x7f; }

// White space as Unicode defines it.
bool IsSpace(int32_t character) {
  return character == 0x20 || (character >= 0x09 && character <= 0x0d) || character == 0x85 || character == 0xa0 ||
         character == 0x1680 || (character >= 0x2000 && character <= 0x200a) || character == 0x2028 ||
         character == 0x2029 || character == 0x202f || character == 0x205f || character == 0x3000;
}

absl::StatusOr<NoteSignature> ParseSignatureLine(absl::string_view line) {
  if (!absl::StartsWith(line, kSignaturePrefix)) return Malformed("a signature line without its dash");
  line.remove_prefix(sizeof(kSignaturePrefix) - 1);
  const size_t space = line.find(' ');
  if (space == absl::string_view::npos || !IsNoteKeyName(line.substr(0, space))) return Malformed("a key's name");
  absl::StatusOr<std::string> bytes = Base64Decode(line.substr(space + 1));
  if (!bytes.ok() || bytes->size() <= kKeyIdBytes) return Malformed("a signature's Base64");
  NoteSignature signature;
  signature.key_name = std::string(line.substr(0, space));
  signature.key_id = *BigEndianReader(*bytes).U32();
  signature.signature = bytes->substr(kKeyIdBytes);
  return signature;
}

}  // namespace

uint32_t NoteKey::Id() const { return NoteKeyId(name, type, key.bytes()); }

bool IsNoteKeyName(absl::string_view name) {
  if (name.empty() || name.size() > kNoteKeyNameBytesMax) return false;
  while (!name.empty()) {
    const int32_t character = TakeCharacter(name);
    if (character < 0 || IsControl(character) || IsSpace(character) || character == '+') return false;
  }
  return true;
}

uint32_t NoteKeyId(absl::string_view name, NoteKeyType type, absl::string_view key) {
  const char separator[] = {'\n', static_cast<char>(type)};
  const Digest digest = Sha256Of({name, absl::string_view(separator, 2), key});
  return *BigEndianReader(AsBytes(digest)).U32();
}

std::string EncodeVkey(const NoteKey& key) {
  JCM_CHECK(IsNoteKeyName(key.name));
  BigEndianWriter id;
  id.U32(key.Id());
  BigEndianWriter bytes;
  bytes.U8(static_cast<uint8_t>(key.type)).Bytes(key.key.bytes());
  return absl::StrCat(key.name, "+", HexEncode(id.str()), "+", Base64Encode(bytes.str()));
}

absl::StatusOr<NoteKey> ParseVkey(absl::string_view vkey) {
  // Base64 has "+" too, so only the first two count.
  const std::vector<absl::string_view> parts = absl::StrSplit(vkey, absl::MaxSplits('+', 2));
  if (parts.size() != 3 || !IsNoteKeyName(parts[0])) return Malformed("a verifier key's name");
  absl::StatusOr<std::string> bytes = Base64Decode(parts[2]);
  if (!bytes.ok() || bytes->empty()) return Malformed("a verifier key's Base64");
  const NoteKeyType type = static_cast<NoteKeyType>(bytes->at(0));
  if (type != NoteKeyType::ED25519 && type != NoteKeyType::COSIGNATURE_V1) {
    return Error(Reason::SIGNATURE_TYPE_UNSUPPORTED, absl::StrCat("note key type ", static_cast<int>(type)));
  }
  absl::StatusOr<PublicKey> key = PublicKey::FromBytes(SignatureType::ED25519, absl::string_view(*bytes).substr(1));
  if (!key.ok()) return Malformed(key.status().message());
  NoteKey result{std::string(parts[0]), type, *std::move(key)};
  if (EncodeVkey(result) != vkey) return Malformed("a verifier key's id is not that of its key");
  return result;
}

absl::Status CheckNoteText(absl::string_view text) {
  if (text.empty() || text.size() > kNoteBytesMax || text.back() != '\n') return Malformed("the text's size or end");
  while (!text.empty()) {
    const int32_t character = TakeCharacter(text);
    if (character < 0) return Malformed("not UTF-8");
    if (IsControl(character) && character != '\n') return Malformed("a control character");
  }
  return absl::OkStatus();
}

absl::StatusOr<Note> ParseNote(absl::string_view bytes) {
  if (bytes.size() > kNoteBytesMax) return Malformed("too large");
  const size_t blank_line = bytes.rfind("\n\n");
  if (blank_line == absl::string_view::npos) return Malformed("no blank line");
  Note note;
  note.text = std::string(bytes.substr(0, blank_line + 1));
  JCM_RETURN_IF_ERROR(CheckNoteText(note.text));
  absl::string_view lines = bytes.substr(blank_line + 2);
  if (lines.empty() || lines.back() != '\n') return Malformed("no signature");
  lines.remove_suffix(1);
  for (absl::string_view line : absl::StrSplit(lines, '\n')) {
    if (note.signatures.size() == kNoteSignaturesMax) return Malformed("too many signatures");
    JCM_ASSIGN_OR_RETURN(NoteSignature signature, ParseSignatureLine(line));
    note.signatures.push_back(std::move(signature));
  }
  return note;
}

std::string FormatNote(const Note& note) {
  std::string bytes = absl::StrCat(note.text, "\n");
  for (const NoteSignature& line : note.signatures) {
    BigEndianWriter signature;
    signature.U32(line.key_id).Bytes(line.signature);
    absl::StrAppend(&bytes, kSignaturePrefix, line.key_name, " ", Base64Encode(signature.str()), "\n");
  }
  return bytes;
}

NoteSignature SignNoteText(absl::string_view text, absl::string_view key_name, const PrivateKey& key) {
  JCM_CHECK(IsNoteKeyName(key_name) && key.public_key().type() == SignatureType::ED25519);
  return NoteSignature{std::string(key_name), NoteKeyId(key_name, NoteKeyType::ED25519, key.public_key().bytes()),
                       key.Sign(text)};
}

absl::StatusOr<std::vector<size_t>> VerifyNote(const Note& note, absl::Span<const NoteKey> keys) {
  std::vector<size_t> valid;
  for (size_t i = 0; i < note.signatures.size(); ++i) {
    const NoteSignature& line = note.signatures[i];
    auto key = std::find_if(keys.begin(), keys.end(), [&](const NoteKey& candidate) {
      return candidate.name == line.key_name && candidate.Id() == line.key_id;
    });
    if (key == keys.end()) continue;
    JCM_CHECK(key->type == NoteKeyType::ED25519);
    if (!key->key.Verify(note.text, line.signature).ok()) return Error(Reason::SIGNATURE_INVALID, line.key_name);
    valid.push_back(i);
  }
  return valid;
}

}  // namespace jcm::book
