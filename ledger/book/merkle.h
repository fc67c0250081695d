// The Merkle tree of RFC 6962: roots, inclusion proofs, consistency proofs. Every function is O(log n).
//
//   Frontier frontier;
//   frontier.Append(LeafHash(record), [&](int level, uint64_t index, const Digest& hash) { store(level, index, hash);
//   }); Digest root = frontier.Root(); JCM_ASSIGN_OR_RETURN(std::vector<Digest> proof, InclusionProof(read_node, 5,
//   frontier.size())); JCM_RETURN_IF_ERROR(VerifyInclusion(leaf_hash, 5, frontier.size(), proof, root));
//
// A node (level, index) is the root of the perfect subtree over the 2^level leaves from index * 2^level on; (0, i) is
// leaf i. Nodes once complete never change, so they are stored once. Thread-safe, save for changing one Frontier.
#ifndef LEDGER_BOOK_MERKLE_H_
#define LEDGER_BOOK_MERKLE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ledger/base/types.h"

namespace jcm::book {

inline constexpr uint64_t kTreeSizeMax = (uint64_t{1} << 63) - 1;
// No proof for a tree of at most kTreeSizeMax leaves is longer.
inline constexpr size_t kProofHashesMax = 64;

// SHA-256(0x01 || left || right).
Digest NodeHash(const Digest& left, const Digest& right);
// The root of the tree of no leaves: SHA-256 of no bytes.
Digest EmptyRoot();

// Receives each node that an append completes, the leaf first.
using NodeWriter = std::function<void(int level, uint64_t index, const Digest& hash)>;
// Gives a completed node. Its errors are handed on.
using NodeReader = std::function<absl::StatusOr<Digest>(int level, uint64_t index)>;

// The right border of a growing tree: the roots of its perfect subtrees, largest first. At most 63 hashes.
class Frontier {
 public:
  void Append(const Digest& leaf_hash, const NodeWriter& write = nullptr);

  uint64_t size() const { return size_; }
  Digest Root() const;

  // u64 size, then the hashes.
  std::string Encode() const;
  // Errors: STORE_CORRUPT unless exactly what Encode writes.
  static absl::StatusOr<Frontier> Decode(absl::string_view bytes);
  // The frontier of the first `size` leaves of a stored tree.
  static absl::StatusOr<Frontier> At(const NodeReader& read, uint64_t size);

 private:
  uint64_t size_ = 0;
  std::vector<Digest> peaks_;  // one per bit of size_, the highest first
};

// The root of the first `size` leaves.
absl::StatusOr<Digest> RootAt(const NodeReader& read, uint64_t size);

// RFC 6962 section 2.1.1: the siblings of leaf `index` in the tree of `size` leaves, lowest first. Errors:
// FIELD_INVALID unless index < size <= kTreeSizeMax.
absl::StatusOr<std::vector<Digest>> InclusionProof(const NodeReader& read, uint64_t index, uint64_t size);

// RFC 6962 section 2.1.2. Errors: FIELD_INVALID unless 1 <= old_size <= new_size <= kTreeSizeMax: nothing can be proven
// about a tree of no leaves.
absl::StatusOr<std::vector<Digest>> ConsistencyProof(const NodeReader& read, uint64_t old_size, uint64_t new_size);

// The root to which leaf and proof lead. Errors: PROOF_INVALID if index >= size or the proof has another length than
// the position demands.
absl::StatusOr<Digest> RootFromInclusion(const Digest& leaf_hash, uint64_t index, uint64_t size,
                                         absl::Span<const Digest> proof);

// PROOF_INVALID unless the leaf with this hash is number `index` of the `size` leaves under `root`.
absl::Status VerifyInclusion(const Digest& leaf_hash, uint64_t index, uint64_t size, absl::Span<const Digest> proof,
                             const Digest& root);

// PROOF_INVALID unless the `old_size` leaves under `old_root` are the first ones of the `new_size` leaves under
// `new_root`. Equal sizes need equal roots and an empty proof; an old size of 0 is never valid.
absl::Status VerifyConsistency(uint64_t old_size, uint64_t new_size, const Digest& old_root, const Digest& new_root,
                               absl::Span<const Digest> proof);

}  // namespace jcm::book

#endif  // LEDGER_BOOK_MERKLE_H_
