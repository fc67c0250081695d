#include "ledger/book/merkle.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::book {
namespace {

constexpr uint8_t kNodePrefix = 0x01;

int BitWidth(uint64_t value) { return value == 0 ? 0 : 64 - __builtin_clzll(value); }

int CountOnes(uint64_t value) { return __builtin_popcountll(value); }

absl::Status Invalid(absl::string_view detail) { return Error(Reason::PROOF_INVALID, detail); }

// The largest power of two below `size`; size is at least 2.
uint64_t SplitOf(uint64_t size) { return uint64_t{1} << (BitWidth(size - 1) - 1); }

// The root over leaves [begin, end), where begin is a multiple of the next power of two >= end - begin: as all subtrees
// of RFC 6962 are.
absl::StatusOr<Digest> SubtreeRoot(const NodeReader& read, uint64_t begin, uint64_t end) {
  // A subtree is a row of perfect ones, largest first; they are joined from the smallest up.
  std::vector<Digest> peaks;
  for (uint64_t at = begin; at < end;) {
    const int level = BitWidth(end - at) - 1;
    JCM_ASSIGN_OR_RETURN(Digest peak, read(level, at >> level));
    peaks.push_back(peak);
    at += uint64_t{1} << level;
  }
  Digest root = peaks.back();
  for (size_t i = peaks.size() - 1; i-- > 0;) root = NodeHash(peaks[i], root);
  return root;
}

}  // namespace

Digest NodeHash(const Digest& left, const Digest& right) {
  return Sha256Prefixed(kNodePrefix, AsBytes(left), AsBytes(right));
}

Digest EmptyRoot() { return Sha256(""); }

void Frontier::Append(const Digest& leaf_hash, const NodeWriter& write) {
  JCM_CHECK(size_ < kTreeSizeMax);
  Digest hash = leaf_hash;
  if (write) write(0, size_, hash);
  // Each trailing one bit of the size is a perfect subtree that the new one completes to the next level.
  for (int level = 0; (size_ >> level & 1) != 0; ++level) {
    hash = NodeHash(peaks_.back(), hash);
    peaks_.pop_back();
    if (write) write(level + 1, size_ >> (level + 1), hash);
  }
  peaks_.push_back(hash);
  ++size_;
}

Digest Frontier::Root() const {
  if (peaks_.empty()) return EmptyRoot();
  Digest root = peaks_.back();
  for (size_t i = peaks_.size() - 1; i-- > 0;) root = NodeHash(peaks_[i], root);
  return root;
}

std::string Frontier::Encode() const {
  BigEndianWriter writer;
  writer.U64(size_);
  for (const Digest& peak : peaks_) writer.Bytes(AsBytes(peak));
  return writer.str();
}

absl::StatusOr<Frontier> Frontier::Decode(absl::string_view bytes) {
  BigEndianReader reader(bytes);
  absl::StatusOr<uint64_t> size = reader.U64();
  if (!size.ok() || *size > kTreeSizeMax ||
      reader.remaining() != static_cast<size_t>(CountOnes(*size)) * sizeof(Digest)) {
    return Error(Reason::STORE_CORRUPT, absl::StrCat("a tree frontier of ", bytes.size(), " bytes"));
  }
  Frontier frontier;
  frontier.size_ = *size;
  while (!reader.AtEnd()) frontier.peaks_.push_back(*reader.Hash());
  return frontier;
}

absl::StatusOr<Frontier> Frontier::At(const NodeReader& read, uint64_t size) {
  if (size > kTreeSizeMax) return Error(Reason::FIELD_INVALID, absl::StrCat("tree size ", size));
  Frontier frontier;
  for (uint64_t at = 0; at < size;) {
    const int level = BitWidth(size - at) - 1;
    JCM_ASSIGN_OR_RETURN(Digest peak, read(level, at >> level));
    frontier.peaks_.push_back(peak);
    at += uint64_t{1} << level;
  }
  frontier.size_ = size;
  return frontier;
}

absl::StatusOr<Digest> RootAt(const NodeReader& read, uint64_t size) {
  JCM_ASSIGN_OR_RETURN(Frontier frontier, Frontier::At(read, size));
  return frontier.Root();
}

absl::StatusOr<std::vector<Digest>> InclusionProof(const NodeReader& read, uint64_t index, uint64_t size) {
  if (size > kTreeSizeMax || index >= size) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("leaf ", index, " of ", size));
  }
  std::vector<Digest> proof;
  uint64_t begin = 0;
  uint64_t end = size;
  while (end - begin > 1) {
    const uint64_t middle = begin + SplitOf(end - begin);
    if (index < middle) {
      JCM_ASSIGN_OR_RETURN(Digest sibling, SubtreeRoot(read, middle, end));
      proof.push_back(sibling);
      end = middle;
    } else {
      JCM_ASSIGN_OR_RETURN(Digest sibling, SubtreeRoot(read, begin, middle));
      proof.push_back(sibling);
      begin = middle;
    }
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

absl::StatusOr<std::vector<Digest>> ConsistencyProof(const NodeReader& read, uint64_t old_size, uint64_t new_size) {
  if (old_size == 0 || old_size > new_size || new_size > kTreeSizeMax) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("tree sizes ", old_size, " and ", new_size));
  }
  std::vector<Digest> proof;
  uint64_t begin = 0;
  uint64_t end = new_size;
  // Down to the subtree that ends where the old tree ends.
  while (end != old_size) {
    const uint64_t middle = begin + SplitOf(end - begin);
    if (old_size <= middle) {
      JCM_ASSIGN_OR_RETURN(Digest right, SubtreeRoot(read, middle, end));
      proof.push_back(right);
      end = middle;
    } else {
      JCM_ASSIGN_OR_RETURN(Digest left, SubtreeRoot(read, begin, middle));
      proof.push_back(left);
      begin = middle;
    }
  }
  // If that subtree is the whole old tree, the verifier has its root already.
  if (begin != 0) {
    JCM_ASSIGN_OR_RETURN(Digest shared, SubtreeRoot(read, begin, end));
    proof.push_back(shared);
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

absl::StatusOr<Digest> RootFromInclusion(const Digest& leaf_hash, uint64_t index, uint64_t size,
                                         absl::Span<const Digest> proof) {
  if (size > kTreeSizeMax || index >= size) return Invalid(absl::StrCat("leaf ", index, " of ", size));
  // Below the point where the paths to this leaf and to the last one part, every level has a sibling; above it, only
  // where the path turns right.
  const int inner = BitWidth(index ^ (size - 1));
  const int border = CountOnes(index >> inner);
  if (proof.size() != static_cast<size_t>(inner + border)) {
    return Invalid(absl::StrCat(proof.size(), " hashes instead of ", inner + border));
  }
  Digest hash = leaf_hash;
  for (int level = 0; level < inner; ++level) {
    const Digest& sibling = proof[static_cast<size_t>(level)];
    hash = (index >> level & 1) == 0 ? NodeHash(hash, sibling) : NodeHash(sibling, hash);
  }
  for (const Digest& sibling : proof.subspan(static_cast<size_t>(inner))) hash = NodeHash(sibling, hash);
  return hash;
}

absl::Status VerifyInclusion(const Digest& leaf_hash, uint64_t index, uint64_t size, absl::Span<const Digest> proof,
                             const Digest& root) {
  JCM_ASSIGN_OR_RETURN(Digest computed, RootFromInclusion(leaf_hash, index, size, proof));
  return computed == root ? absl::OkStatus() : Invalid("the leaf leads to another root");
}

absl::Status VerifyConsistency(uint64_t old_size, uint64_t new_size, const Digest& old_root, const Digest& new_root,
                               absl::Span<const Digest> proof) {
  if (old_size == 0 || old_size > new_size || new_size > kTreeSizeMax) {
    return Invalid(absl::StrCat("tree sizes ", old_size, " and ", new_size));
  }
  if (old_size == new_size) {
    if (!proof.empty()) return Invalid("a proof between equal sizes");
    return old_root == new_root ? absl::OkStatus() : Invalid("equal sizes, different roots");
  }
  // The subtree in which the old tree ends, in units of its own size: the deepest one that ends with the old tree.
  const int shift = __builtin_ctzll(old_size);
  const bool is_whole_old_tree = old_size == uint64_t{1} << shift;
  const uint64_t index = (old_size - 1) >> shift;
  const uint64_t last = (new_size - 1) >> shift;
  const int inner = BitWidth(index ^ last);
  const int border = CountOnes(index >> inner);
  const size_t length = static_cast<size_t>(inner + border) + (is_whole_old_tree ? 0 : 1);
  if (proof.size() != length) return Invalid(absl::StrCat(proof.size(), " hashes instead of ", length));

  Digest old_hash = is_whole_old_tree ? old_root : proof[0];
  Digest new_hash = old_hash;
  if (!is_whole_old_tree) proof.remove_prefix(1);
  for (int level = 0; level < inner; ++level) {
    const Digest& sibling = proof[static_cast<size_t>(level)];
    if ((index >> level & 1) == 0) {
      new_hash = NodeHash(new_hash, sibling);
    } else {
      old_hash = NodeHash(sibling, old_hash);
      new_hash = NodeHash(sibling, new_hash);
    }
  }
  for (const Digest& sibling : proof.subspan(static_cast<size_t>(inner))) {
    old_hash = NodeHash(sibling, old_hash);
    new_hash = NodeHash(sibling, new_hash);
  }
  if (old_hash != old_root) return Invalid("the proof leads to another old root");
  return new_hash == new_root ? absl::OkStatus() : Invalid("the proof leads to another new root");
}

}  // namespace jcm::book
