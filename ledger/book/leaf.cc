#include "ledger/book/leaf.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::book {
namespace {

constexpr size_t kRegistryBytes = 3;
constexpr size_t kPartnershipBytes = 4;
constexpr uint8_t kLeafPrefix = 0x00;  // RFC 6962 section 2.1

constexpr const char* kKindNames[] = {"GENESIS",     "COMMAND",        "IMPORT",      "TICK",       "STATE_ROOT",
                                      "HALT",        "ACTIVATE_RULES", "KEY_CHANGE",  "RESOLUTION", "RESUME_ALONE",
                                      "ACCEPT_TIME", "HOME_RESET",     "LATE_STAMPED"};

bool IsUpperCase(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

absl::Status Malformed(absl::string_view detail) { return Error(Reason::LEAF_MALFORMED, detail); }

absl::Status Broken(const Leaf& leaf, absl::string_view detail) {
  return Error(Reason::CHAIN_BROKEN, absl::StrCat(leaf.book.ToString(), " entry ", leaf.sequence, ": ", detail));
}

// The fields after the kind, in their order; the record has already been checked for its length.
absl::Status ReadFields(BigEndianReader& reader, Leaf& leaf) {
  JCM_ASSIGN_OR_RETURN(absl::string_view registry, reader.Bytes(kRegistryBytes));
  JCM_ASSIGN_OR_RETURN(absl::string_view partnership, reader.Bytes(kPartnershipBytes));
  if (partnership.substr(2) == absl::string_view("\0\0", 2)) partnership = partnership.substr(0, 2);
  if (!IsRegistryCode(registry) || !IsPartnershipCode(partnership)) return Malformed("codes of the book");
  leaf.book = BookId{std::string(registry), std::string(partnership)};
  JCM_ASSIGN_OR_RETURN(leaf.sequence, reader.U64());
  JCM_ASSIGN_OR_RETURN(leaf.time.micros, reader.U64());
  JCM_ASSIGN_OR_RETURN(leaf.previous_hash, reader.Hash());
  JCM_ASSIGN_OR_RETURN(leaf.rules_version, reader.U32());
  JCM_ASSIGN_OR_RETURN(leaf.peer_size, reader.U64());
  JCM_ASSIGN_OR_RETURN(leaf.command_digest, reader.Hash());
  JCM_ASSIGN_OR_RETURN(leaf.context_digest, reader.Hash());
  JCM_ASSIGN_OR_RETURN(leaf.effects_digest, reader.Hash());
  return reader.ExpectEnd();
}

}  // namespace

bool operator==(const Leaf& a, const Leaf& b) {
  auto tie = [](const Leaf& leaf) {
    return std::tie(leaf.kind, leaf.book, leaf.sequence, leaf.time, leaf.previous_hash, leaf.rules_version,
                    leaf.peer_size, leaf.command_digest, leaf.context_digest, leaf.effects_digest);
  };
  return tie(a) == tie(b);
}

bool IsKnownKind(uint8_t number) {
  return number >= static_cast<uint8_t>(LeafKind::GENESIS) && number <= static_cast<uint8_t>(LeafKind::LATE_STAMPED);
}

const char* KindName(LeafKind kind) {
  const uint8_t number = static_cast<uint8_t>(kind);
  return IsKnownKind(number) ? kKindNames[number - 1] : "UNKNOWN";
}

bool IsRegistryCode(absl::string_view text) { return text.size() == kRegistryBytes && IsUpperCase(text); }

bool IsPartnershipCode(absl::string_view text) { return text == kHome || (text.size() == 2 && IsUpperCase(text)); }

std::string EncodeLeaf(const Leaf& leaf) {
  JCM_CHECK(IsRegistryCode(leaf.book.registry) && IsPartnershipCode(leaf.book.partnership));
  JCM_CHECK(IsKnownKind(static_cast<uint8_t>(leaf.kind)));
  std::string partnership = leaf.book.partnership;
  partnership.resize(kPartnershipBytes, '\0');
  std::string record;
  record.reserve(kLeafBytes);
  BigEndianWriter(&record)
      .U8(kLeafFormatVersion)
      .U8(static_cast<uint8_t>(leaf.kind))
      .Bytes(leaf.book.registry)
      .Bytes(partnership)
      .U64(leaf.sequence)
      .U64(leaf.time.micros)
      .Bytes(AsBytes(leaf.previous_hash))
      .U32(leaf.rules_version)
      .U64(leaf.peer_size)
      .Bytes(AsBytes(leaf.command_digest))
      .Bytes(AsBytes(leaf.context_digest))
      .Bytes(AsBytes(leaf.effects_digest));
  JCM_CHECK(record.size() == kLeafBytes);
  return record;
}

absl::StatusOr<Leaf> DecodeLeaf(absl::string_view record) {
  if (record.size() != kLeafBytes) return Malformed(absl::StrCat(record.size(), " bytes"));
  BigEndianReader reader(record);
  JCM_ASSIGN_OR_RETURN(uint8_t version, reader.U8());
  if (version != kLeafFormatVersion) return Malformed(absl::StrCat("format version ", version));
  JCM_ASSIGN_OR_RETURN(uint8_t kind, reader.U8());
  if (!IsKnownKind(kind)) return Malformed(absl::StrCat("kind ", kind));
  Leaf leaf;
  leaf.kind = static_cast<LeafKind>(kind);
  JCM_RETURN_IF_ERROR(ReadFields(reader, leaf));
  return leaf;
}

Digest LeafHash(absl::string_view record) { return Sha256Prefixed(kLeafPrefix, record); }

Digest EmptyDigest() {
  static const Digest digest = Sha256("");
  return digest;
}

absl::Status CheckBodies(const Leaf& leaf, absl::string_view command, absl::string_view context,
                         absl::string_view effects) {
  if (Sha256(command) != leaf.command_digest) return Error(Reason::DIGEST_MISMATCH, "command");
  if (Sha256(context) != leaf.context_digest) return Error(Reason::DIGEST_MISMATCH, "context");
  if (Sha256(effects) != leaf.effects_digest) return Error(Reason::DIGEST_MISMATCH, "effects");
  return absl::OkStatus();
}

absl::Status CheckFollows(const BookId& book, const ChainTip& tip, const Leaf& leaf) {
  if (leaf.book != book) return Broken(leaf, absl::StrCat("not of ", book.ToString()));
  if (leaf.sequence != tip.size) return Broken(leaf, absl::StrCat("follows ", tip.size, " entries"));
  if (leaf.previous_hash != tip.last_hash) return Broken(leaf, "names another entry as the one before it");
  if (leaf.time < tip.last_time) return Broken(leaf, "its time goes back");
  if (leaf.rules_version < tip.last_rules_version) return Broken(leaf, "its rules version goes back");
  if (leaf.peer_size < tip.last_peer_size) return Broken(leaf, "its peer size goes back");
  if ((leaf.kind == LeafKind::GENESIS) != (tip.size == 0)) return Broken(leaf, "genesis is the first entry, once");
  return absl::OkStatus();
}

ChainTip TipAfter(const Leaf& leaf, const Digest& leaf_hash) {
  return ChainTip{leaf.sequence + 1, leaf_hash, leaf.time, leaf.rules_version, leaf.peer_size};
}

}  // namespace jcm::book
