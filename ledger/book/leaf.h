// The leaf: the fixed record of 165 bytes that stands for one entry of a book in its chain and its tree.
//
//   Leaf leaf;
//   leaf.kind = LeafKind::COMMAND; ...
//   std::string record = EncodeLeaf(leaf);
//   Digest hash = LeafHash(record);
//
// The layout is described byte by byte in FORMAT.md. The entry's command, context and effects bytes lie beside the leaf
// exactly as signed or computed; the leaf holds their digests. Nothing here reads those bytes. Thread-safe.
#ifndef LEDGER_BOOK_LEAF_H_
#define LEDGER_BOOK_LEAF_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/types.h"

namespace jcm::book {

inline constexpr size_t kLeafBytes = 165;
inline constexpr uint8_t kLeafFormatVersion = 1;

// What the command bytes of the entry are (proto/jcm/ledger/v1/book.proto). Numbers are never used again.
enum class LeafKind : uint8_t {
  GENESIS = 1,
  COMMAND = 2,
  IMPORT = 3,
  TICK = 4,
  STATE_ROOT = 5,
  HALT = 6,
  ACTIVATE_RULES = 7,
  KEY_CHANGE = 8,
  RESOLUTION = 9,
  RESUME_ALONE = 10,
  ACCEPT_TIME = 11,
  HOME_RESET = 12,
  LATE_STAMPED = 13,
};

bool IsKnownKind(uint8_t number);
// "COMMAND"; for people.
const char* KindName(LeafKind kind);

struct Leaf {
  LeafKind kind = LeafKind::COMMAND;
  BookId book;
  uint64_t sequence = 0;
  BookTime time;           // of the batch
  Digest previous_hash{};  // LeafHash of the entry before; zeros for sequence 0
  uint32_t rules_version = 0;
  uint64_t peer_size = 0;  // entries of the other book imported up to and with this entry; 0 in home
  Digest command_digest{};
  Digest context_digest{};
  Digest effects_digest{};

  friend bool operator==(const Leaf& a, const Leaf& b);
  friend bool operator!=(const Leaf& a, const Leaf& b) { return !(a == b); }
};

// Three letters A-Z; "home" or two letters A-Z.
bool IsRegistryCode(absl::string_view text);
bool IsPartnershipCode(absl::string_view text);

// The book's codes must be valid: anything else ends the process.
std::string EncodeLeaf(const Leaf& leaf);
// Exactly what EncodeLeaf writes. Errors: LEAF_MALFORMED (length, format version, kind, codes, padding).
absl::StatusOr<Leaf> DecodeLeaf(absl::string_view record);

// SHA-256(0x00 || record): the hash that the tree holds and the next leaf names.
Digest LeafHash(absl::string_view record);

// SHA-256 of no bytes, for an entry that has no context or no effects.
Digest EmptyDigest();

// DIGEST_MISMATCH unless the three digests of the leaf are those of the bytes.
absl::Status CheckBodies(const Leaf& leaf, absl::string_view command, absl::string_view context,
                         absl::string_view effects);

// The end of a chain, to which the next leaf must fit. Default: the end of an empty book.
struct ChainTip {
  uint64_t size = 0;
  Digest last_hash{};
  BookTime last_time;
  uint32_t last_rules_version = 0;
  uint64_t last_peer_size = 0;

  friend bool operator==(const ChainTip& a, const ChainTip& b) {
    return a.size == b.size && a.last_hash == b.last_hash && a.last_time == b.last_time &&
           a.last_rules_version == b.last_rules_version && a.last_peer_size == b.last_peer_size;
  }
};

// CHAIN_BROKEN unless `leaf` is of `book`, has the next sequence and names the last hash; its time, rules version and
// peer size have not gone back; and it is a GENESIS exactly if it is the first.
absl::Status CheckFollows(const BookId& book, const ChainTip& tip, const Leaf& leaf);

// The tip after `leaf`, whose hash is `leaf_hash`.
ChainTip TipAfter(const Leaf& leaf, const Digest& leaf_hash);

}  // namespace jcm::book

#endif  // LEDGER_BOOK_LEAF_H_
