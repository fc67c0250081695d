#include "ledger/book/checkpoint.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"

namespace jcm::book {
namespace {

constexpr size_t kDomainBytesMax = 200;

absl::Status Malformed(absl::string_view detail) { return Error(Reason::CHECKPOINT_MALFORMED, detail); }

// What a cosigner signs.
std::string CosignedMessage(absl::string_view checkpoint_text, uint64_t time_seconds) {
  return absl::StrCat("cosignature/v1\ntime ", time_seconds, "\n", checkpoint_text);
}

// The key of the set that a line names for this type of signature; null if it is none of them.
const RegistryKey* FindKey(const KeySet& keys, const NoteSignature& line, NoteKeyType type) {
  for (const RegistryKey& key : keys.keys) {
    if (key.name == line.key_name && NoteKeyId(key.name, type, key.key.bytes()) == line.key_id) return &key;
  }
  return nullptr;
}

std::vector<std::string> NamesInOrder(const KeySet& keys, const std::map<const RegistryKey*, BookTime>& found) {
  std::vector<std::string> names;
  for (const RegistryKey& key : keys.keys) {
    if (found.count(&key) != 0) names.push_back(key.name);
  }
  return names;
}

}  // namespace

std::string OriginOf(absl::string_view domain, const BookId& book) {
  return absl::StrCat(domain, "/", book.registry, "/", book.partnership);
}

std::string KeyNameOf(absl::string_view domain, absl::string_view registry, absl::string_view replica) {
  return absl::StrCat(domain, "/", registry, "/", replica);
}

bool IsDomain(absl::string_view domain) {
  return !domain.empty() && domain.size() <= kDomainBytesMax && std::all_of(domain.begin(), domain.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

absl::StatusOr<Origin> ParseOrigin(absl::string_view origin) {
  const std::vector<absl::string_view> parts = absl::StrSplit(origin, '/');
  if (parts.size() != 3 || !IsDomain(parts[0]) || !IsRegistryCode(parts[1]) || !IsPartnershipCode(parts[2])) {
    return Malformed("the origin");
  }
  return Origin{std::string(parts[0]), BookId{std::string(parts[1]), std::string(parts[2])}};
}

std::string FormatCheckpoint(const Checkpoint& checkpoint) {
  return absl::StrCat(checkpoint.origin, "\n", checkpoint.size, "\n", Base64Encode(AsBytes(checkpoint.root)), "\n");
}

absl::StatusOr<Checkpoint> ParseCheckpoint(absl::string_view text) {
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (lines.size() != 4 || !lines[3].empty()) return Malformed("not three lines");
  JCM_RETURN_IF_ERROR(ParseOrigin(lines[0]).status());
  Checkpoint checkpoint;
  checkpoint.origin = std::string(lines[0]);
  if (!absl::SimpleAtoi(lines[1], &checkpoint.size) || checkpoint.size > kTreeSizeMax) return Malformed("the size");
  absl::StatusOr<std::string> root = Base64Decode(lines[2]);
  if (!root.ok() || root->size() != checkpoint.root.size()) return Malformed("the root");
  checkpoint.root = *DigestFromBytes(*root);
  if (FormatCheckpoint(checkpoint) != text) return Malformed("the size has another spelling");
  return checkpoint;
}

Note UnsignedCheckpoint(const Checkpoint& checkpoint) { return Note{FormatCheckpoint(checkpoint), {}}; }

NoteSignature SignCheckpoint(const Checkpoint& checkpoint, absl::string_view key_name, const PrivateKey& key) {
  return SignNoteText(FormatCheckpoint(checkpoint), key_name, key);
}

NoteSignature Cosign(const Checkpoint& checkpoint, absl::string_view key_name, const PrivateKey& key, BookTime time) {
  JCM_CHECK(IsNoteKeyName(key_name) && key.public_key().type() == SignatureType::ED25519);
  const uint64_t seconds = time.micros / 1'000'000;
  BigEndianWriter signature;
  signature.U64(seconds).Bytes(key.Sign(CosignedMessage(FormatCheckpoint(checkpoint), seconds)));
  return NoteSignature{std::string(key_name),
                       NoteKeyId(key_name, NoteKeyType::COSIGNATURE_V1, key.public_key().bytes()), signature.str()};
}

absl::Status AddSignatureLine(Note& note, NoteSignature line) {
  if (std::find(note.signatures.begin(), note.signatures.end(), line) != note.signatures.end()) {
    return absl::OkStatus();
  }
  if (note.signatures.size() >= kNoteSignaturesMax) return Error(Reason::NOTE_MALFORMED, "too many signatures");
  note.signatures.push_back(std::move(line));
  return absl::OkStatus();
}

absl::StatusOr<VerifiedCheckpoint> FindSigners(const Note& note, const KeySet& keys) {
  VerifiedCheckpoint result;
  JCM_ASSIGN_OR_RETURN(result.checkpoint, ParseCheckpoint(note.text));
  std::map<const RegistryKey*, BookTime> found;
  for (const NoteSignature& line : note.signatures) {
    const RegistryKey* key = FindKey(keys, line, NoteKeyType::ED25519);
    if (key == nullptr) continue;
    if (!key->key.Verify(note.text, line.signature).ok()) return Error(Reason::SIGNATURE_INVALID, key->name);
    found.emplace(key, BookTime());
  }
  result.signers = NamesInOrder(keys, found);
  return result;
}

absl::StatusOr<VerifiedCheckpoint> VerifyCheckpoint(const Note& note, const KeySet& keys) {
  JCM_ASSIGN_OR_RETURN(VerifiedCheckpoint result, FindSigners(note, keys));
  if (keys.k == 0 || result.signers.size() < keys.k) {
    return Error(Reason::SIGNATURES_NOT_ENOUGH, absl::StrCat(result.signers.size(), " of ", keys.k));
  }
  return result;
}

absl::StatusOr<VerifiedCheckpoint> VerifyCheckpoint(absl::string_view note, const KeySet& keys) {
  JCM_ASSIGN_OR_RETURN(Note parsed, ParseNote(note));
  return VerifyCheckpoint(parsed, keys);
}

absl::StatusOr<Cosignatures> VerifyCosignatures(const Note& note, const KeySet& keys) {
  JCM_RETURN_IF_ERROR(ParseCheckpoint(note.text).status());
  std::map<const RegistryKey*, BookTime> found;  // with the time of the first cosignature
  for (const NoteSignature& line : note.signatures) {
    const RegistryKey* key = FindKey(keys, line, NoteKeyType::COSIGNATURE_V1);
    if (key == nullptr) continue;
    BigEndianReader reader(line.signature);
    absl::StatusOr<uint64_t> seconds = reader.U64();
    absl::StatusOr<absl::string_view> signature = reader.Bytes(kEd25519SignatureBytes);
    if (!seconds.ok() || !signature.ok() || !reader.AtEnd() || *seconds > kTreeSizeMax / 1'000'000 ||
        !key->key.Verify(CosignedMessage(note.text, *seconds), *signature).ok()) {
      return Error(Reason::SIGNATURE_INVALID, absl::StrCat("cosignature of ", key->name));
    }
    const BookTime time = BookTime::FromSeconds(*seconds);
    auto [entry, is_new] = found.emplace(key, time);
    if (!is_new) entry->second = std::min(entry->second, time);
  }
  Cosignatures result;
  result.signers = NamesInOrder(keys, found);
  result.enough = keys.k > 0 && found.size() >= keys.k;
  std::vector<BookTime> times;
  for (const auto& entry : found) times.push_back(entry.second);
  std::sort(times.begin(), times.end());
  if (!times.empty()) {
    result.earliest = times.front();
    result.latest = times.back();
  }
  if (result.enough) result.cosigned_at = times[keys.k - 1];
  return result;
}

}  // namespace jcm::book
