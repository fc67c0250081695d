// Conformance to RFC 6962 with published vectors, to its recursive definition, and against every mutation of a proof
// that the public conformance sets name.
#include "ledger/book/merkle.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/book/leaf.h"

namespace jcm::book {
namespace {

Digest FromHex(const std::string& hex) { return *DigestFromBytes(*HexDecode(hex)); }

// A tree with its nodes kept, and how often they were read.
class Tree {
 public:
  explicit Tree(const std::vector<std::string>& leaves) {
    for (const std::string& leaf : leaves) Append(leaf);
  }

  void Append(const std::string& leaf) {
    hashes_.push_back(LeafHash(leaf));
    frontier_.Append(hashes_.back(), [this](int level, uint64_t index, const Digest& hash) {
      EXPECT_TRUE(nodes_.emplace(std::make_pair(level, index), hash).second) << "written twice";
    });
  }

  NodeReader Reader() {
    return [this](int level, uint64_t index) -> absl::StatusOr<Digest> {
      ++reads_;
      auto node = nodes_.find({level, index});
      if (node == nodes_.end()) return Error(Reason::STORE_CORRUPT, "no such node");
      return node->second;
    };
  }

  const std::vector<Digest>& hashes() const { return hashes_; }
  const Frontier& frontier() const { return frontier_; }
  int TakeReads() { return std::exchange(reads_, 0); }

 private:
  std::vector<Digest> hashes_;
  Frontier frontier_;
  std::map<std::pair<int, uint64_t>, Digest> nodes_;
  int reads_ = 0;
};

// ---- the definition of RFC 6962 section 2.1, word by word ----------------------------------------------------------

using Leaves = std::vector<Digest>;

Leaves Part(const Leaves& d, size_t from, size_t to) {
  return Leaves(d.begin() + static_cast<long>(from), d.begin() + static_cast<long>(to));  // NOLINT(runtime/int)
}

size_t SplitPoint(size_t n) {
  size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

Digest NaiveRoot(const Leaves& d) {
  if (d.empty()) return Sha256("");
  if (d.size() == 1) return d[0];
  size_t k = SplitPoint(d.size());
  return NodeHash(NaiveRoot(Part(d, 0, k)), NaiveRoot(Part(d, k, d.size())));
}

std::vector<Digest> NaivePath(size_t m, const Leaves& d) {
  if (d.size() == 1) return {};
  size_t k = SplitPoint(d.size());
  std::vector<Digest> path;
  if (m < k) {
    path = NaivePath(m, Part(d, 0, k));
    path.push_back(NaiveRoot(Part(d, k, d.size())));
  } else {
    path = NaivePath(m - k, Part(d, k, d.size()));
    path.push_back(NaiveRoot(Part(d, 0, k)));
  }
  return path;
}

std::vector<Digest> NaiveSubproof(size_t m, const Leaves& d, bool complete) {
  if (m == d.size()) return complete ? std::vector<Digest>{} : std::vector<Digest>{NaiveRoot(d)};
  size_t k = SplitPoint(d.size());
  std::vector<Digest> proof;
  if (m <= k) {
    proof = NaiveSubproof(m, Part(d, 0, k), complete);
    proof.push_back(NaiveRoot(Part(d, k, d.size())));
  } else {
    proof = NaiveSubproof(m - k, Part(d, k, d.size()), false);
    proof.push_back(NaiveRoot(Part(d, 0, k)));
  }
  return proof;
}

constexpr size_t kSizes = 70;

Tree NumberedTree(size_t size) {
  Tree tree({});
  for (size_t i = 0; i < size; ++i) tree.Append("leaf " + std::to_string(i));
  return tree;
}

TEST(MerkleDefinition, RootsAreThoseOfTheRecursion) {
  Tree tree({});
  for (size_t size = 0; size <= kSizes; ++size) {
    EXPECT_EQ(tree.frontier().Root(), NaiveRoot(tree.hashes())) << size;
    for (size_t old = 0; old <= size; ++old) {
      ASSERT_EQ(*RootAt(tree.Reader(), old), NaiveRoot(Part(tree.hashes(), 0, old))) << old << " of " << size;
    }
    tree.Append("leaf " + std::to_string(size));
  }
}

TEST(MerkleDefinition, InclusionProofsAreThoseOfTheRecursionAndVerify) {
  Tree tree = NumberedTree(kSizes);
  for (size_t size = 1; size <= kSizes; ++size) {
    Leaves leaves = Part(tree.hashes(), 0, size);
    Digest root = NaiveRoot(leaves);
    for (size_t index = 0; index < size; ++index) {
      std::vector<Digest> proof = *InclusionProof(tree.Reader(), index, size);
      ASSERT_EQ(proof, NaivePath(index, leaves)) << index << " of " << size;
      ASSERT_TRUE(VerifyInclusion(leaves[index], index, size, proof, root).ok()) << index << " of " << size;
    }
  }
}

TEST(MerkleDefinition, ConsistencyProofsAreThoseOfTheRecursionAndVerify) {
  Tree tree = NumberedTree(kSizes);
  for (size_t size = 1; size <= kSizes; ++size) {
    Leaves leaves = Part(tree.hashes(), 0, size);
    Digest root = NaiveRoot(leaves);
    for (size_t old = 1; old <= size; ++old) {
      std::vector<Digest> proof = *ConsistencyProof(tree.Reader(), old, size);
      ASSERT_EQ(proof, NaiveSubproof(old, leaves, true)) << old << " in " << size;
      ASSERT_TRUE(VerifyConsistency(old, size, NaiveRoot(Part(leaves, 0, old)), root, proof).ok())
          << old << " in " << size;
    }
  }
}

TEST(MerkleDefinition, ProofsReadFewNodes) {
  Tree tree = NumberedTree(1000);
  for (uint64_t size : {1000u, 999u, 768u, 513u, 512u}) {
    for (uint64_t index = 0; index < size; index += 7) {
      tree.TakeReads();
      ASSERT_TRUE(InclusionProof(tree.Reader(), index, size).ok());
      EXPECT_LE(tree.TakeReads(), 20) << index << " of " << size;
      ASSERT_TRUE(ConsistencyProof(tree.Reader(), index + 1, size).ok());
      EXPECT_LE(tree.TakeReads(), 20) << index + 1 << " in " << size;
    }
  }
}

// ---- published vectors ---------------------------------------------------------------------------------------------

Tree ReferenceTree() {
  std::vector<std::string> leaves;
  for (const char* hex :
       {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}) {
    leaves.push_back(*HexDecode(hex));
  }
  return Tree(leaves);
}

const char* const kRoots[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                              "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                              "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                              "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                              "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                              "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                              "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                              "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                              "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

const char* const kLeafHashes[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                   "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                                   "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
                                   "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
                                   "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                                   "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
                                   "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
                                   "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1"};

struct ProofVector {
  uint64_t first;  // index, or old size
  uint64_t size;
  std::vector<std::string> hashes;
};

const std::string kNode1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const std::string kNode23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const std::string kNode4567 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const std::string kNode4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const std::string kNode67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const std::string kNode0123 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
const std::string kNode01 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
const std::string kNode0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
const std::string kNode45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const std::string kNode6 = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f";

const std::vector<ProofVector>& InclusionVectors() {
  static const auto* const vectors = new std::vector<ProofVector>{{0, 8, {kNode1, kNode23, kNode4567}},
                                                                  {5, 8, {kNode4, kNode67, kNode0123}},
                                                                  {2, 3, {kNode01}},
                                                                  {1, 5, {kNode0, kNode23, kNode4}},
                                                                  {0, 1, {}}};
  return *vectors;
}

const std::vector<ProofVector>& ConsistencyVectors() {
  static const auto* const vectors = new std::vector<ProofVector>{{1, 1, {}},
                                                                  {1, 8, {kNode1, kNode23, kNode4567}},
                                                                  {6, 8, {kNode45, kNode67, kNode0123}},
                                                                  {2, 5, {kNode23, kNode4}},
                                                                  {6, 7, {kNode45, kNode6, kNode0123}}};
  return *vectors;
}

std::vector<Digest> Hashes(const ProofVector& vector) {
  std::vector<Digest> hashes;
  for (const std::string& hex : vector.hashes) hashes.push_back(FromHex(hex));
  return hashes;
}

TEST(MerkleVectors, RootsAndLeafHashes) {
  Tree tree = ReferenceTree();
  for (uint64_t size = 0; size <= 8; ++size) EXPECT_EQ(HexEncode(*RootAt(tree.Reader(), size)), kRoots[size]) << size;
  for (size_t i = 0; i < 8; ++i) EXPECT_EQ(HexEncode(tree.hashes()[i]), kLeafHashes[i]) << i;
}

TEST(MerkleVectors, LeafAndNodeHashes) {
  EXPECT_EQ(HexEncode(LeafHash("L123456")), "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
  EXPECT_EQ(HexEncode(Sha256Prefixed(1, "N123", "N456")),
            "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb");
  EXPECT_EQ(NodeHash(Sha256("a"), Sha256("b")), Sha256Prefixed(1, AsBytes(Sha256("a")), AsBytes(Sha256("b"))));
}

TEST(MerkleVectors, InclusionProofs) {
  Tree tree = ReferenceTree();
  for (const ProofVector& vector : InclusionVectors()) {
    EXPECT_EQ(*InclusionProof(tree.Reader(), vector.first, vector.size), Hashes(vector));
    EXPECT_TRUE(VerifyInclusion(tree.hashes()[vector.first], vector.first, vector.size, Hashes(vector),
                                FromHex(kRoots[vector.size]))
                    .ok());
  }
}

TEST(MerkleVectors, ConsistencyProofs) {
  Tree tree = ReferenceTree();
  for (const ProofVector& vector : ConsistencyVectors()) {
    EXPECT_EQ(*ConsistencyProof(tree.Reader(), vector.first, vector.size), Hashes(vector));
    EXPECT_TRUE(VerifyConsistency(vector.first, vector.size, FromHex(kRoots[vector.first]),
                                  FromHex(kRoots[vector.size]), Hashes(vector))
                    .ok());
  }
}

// ---- every mutation fails ------------------------------------------------------------------------------------------

struct InclusionCase {
  Digest leaf_hash;
  uint64_t index;
  uint64_t size;
  std::vector<Digest> proof;
  Digest root;
};

struct ConsistencyCase {
  uint64_t old_size;
  uint64_t new_size;
  Digest old_root;
  Digest new_root;
  std::vector<Digest> proof;
};

absl::Status Verify(const InclusionCase& c) { return VerifyInclusion(c.leaf_hash, c.index, c.size, c.proof, c.root); }

absl::Status Verify(const ConsistencyCase& c) {
  return VerifyConsistency(c.old_size, c.new_size, c.old_root, c.new_root, c.proof);
}

template <typename Case, typename Change>
void ExpectInvalid(const Case& valid, const char* name, Change change) {
  Case changed = valid;
  change(changed);
  EXPECT_TRUE(HasReason(Verify(changed), Reason::PROOF_INVALID)) << name;
}

template <typename Case>
void ExpectEveryProofMutationInvalid(const Case& valid) {
  for (size_t i = 0; i < valid.proof.size(); ++i) {
    for (size_t byte = 0; byte < 32; ++byte) {
      for (int bit = 0; bit < 8; ++bit) {
        ExpectInvalid(valid, "modified-proof", [&](Case& c) { c.proof[i][byte] ^= static_cast<uint8_t>(1 << bit); });
      }
    }
    ExpectInvalid(valid, "removed-component", [&](Case& c) { c.proof.erase(c.proof.begin() + static_cast<int>(i)); });
    ExpectInvalid(valid, "inserted-component",
                  [&](Case& c) { c.proof.insert(c.proof.begin() + static_cast<int>(i), Digest{}); });
    ExpectInvalid(valid, "doubled-component",
                  [&](Case& c) { c.proof.insert(c.proof.begin() + static_cast<int>(i), c.proof[i]); });
    if (i > 0 && valid.proof[i] != valid.proof[i - 1]) {
      ExpectInvalid(valid, "swapped-components", [&](Case& c) { std::swap(c.proof[i], c.proof[i - 1]); });
    }
  }
  ExpectInvalid(valid, "trailing-garbage", [](Case& c) { c.proof.push_back(Digest{}); });
  ExpectInvalid(valid, "trailing-root", [](Case& c) { c.proof.push_back(Sha256("root")); });
  ExpectInvalid(valid, "preceding-garbage", [](Case& c) { c.proof.insert(c.proof.begin(), Digest{}); });
  if (!valid.proof.empty()) {
    ExpectInvalid(valid, "truncated", [](Case& c) { c.proof.pop_back(); });
    ExpectInvalid(valid, "empty-proof", [](Case& c) { c.proof.clear(); });
  }
}

TEST(MerkleMutations, OfInclusionProofsAreAllInvalid) {
  Tree tree = ReferenceTree();
  for (uint64_t size = 1; size <= 8; ++size) {
    for (uint64_t index = 0; index < size; ++index) {
      InclusionCase valid{tree.hashes()[index], index, size, *InclusionProof(tree.Reader(), index, size),
                          FromHex(kRoots[size])};
      ASSERT_TRUE(Verify(valid).ok());
      ExpectEveryProofMutationInvalid(valid);
      for (size_t byte = 0; byte < 32; ++byte) {
        ExpectInvalid(valid, "modified-leaf", [&](InclusionCase& c) { c.leaf_hash[byte] ^= 1; });
        ExpectInvalid(valid, "modified-root", [&](InclusionCase& c) { c.root[byte] ^= 1; });
      }
      ExpectInvalid(valid, "empty-root", [](InclusionCase& c) { c.root = Digest{}; });
      ExpectInvalid(valid, "root-of-empty-tree", [](InclusionCase& c) { c.root = EmptyRoot(); });
      ExpectInvalid(valid, "empty-leaf", [](InclusionCase& c) { c.leaf_hash = Digest{}; });
      ExpectInvalid(valid, "size-zero", [](InclusionCase& c) { c.size = 0; });
      ExpectInvalid(valid, "index-at-size", [](InclusionCase& c) { c.index = c.size; });
      ExpectInvalid(valid, "index-far-outside", [](InclusionCase& c) { c.index = ~uint64_t{0}; });
      ExpectInvalid(valid, "size-far-outside", [](InclusionCase& c) { c.size = ~uint64_t{0}; });
      for (uint64_t other = 0; other < size; ++other) {
        if (other != index) ExpectInvalid(valid, "wrong-index", [&](InclusionCase& c) { c.index = other; });
      }
    }
  }
}

// A tree of another size is refused wherever the size changes the path. Where it does not (leaf 5 of 8 under a claimed
// size of 7 has the same path), the size is bound by the checkpoint that states it together with the root.
TEST(MerkleMutations, AnotherSizeIsInvalidWhereItChangesThePath) {
  Tree tree = ReferenceTree();
  int refused = 0;
  for (uint64_t size = 1; size <= 8; ++size) {
    for (uint64_t index = 0; index < size; ++index) {
      InclusionCase valid{tree.hashes()[index], index, size, *InclusionProof(tree.Reader(), index, size),
                          FromHex(kRoots[size])};
      for (uint64_t other : {size - 1, size + 1, size * 2, size / 2}) {
        if (other == size || other <= index || other > 8) continue;
        std::vector<Digest> proof_there = *InclusionProof(tree.Reader(), index, other);
        if (proof_there.size() == valid.proof.size()) continue;
        ExpectInvalid(valid, "size-plus-or-minus", [&](InclusionCase& c) { c.size = other; });
        ++refused;
      }
      ExpectInvalid(valid, "root-of-another-size", [&](InclusionCase& c) { c.root = FromHex(kRoots[size - 1]); });
    }
  }
  EXPECT_GT(refused, 20);
}

TEST(MerkleMutations, OfConsistencyProofsAreAllInvalid) {
  Tree tree = ReferenceTree();
  for (uint64_t new_size = 1; new_size <= 8; ++new_size) {
    for (uint64_t old_size = 1; old_size <= new_size; ++old_size) {
      ConsistencyCase valid{old_size, new_size, FromHex(kRoots[old_size]), FromHex(kRoots[new_size]),
                            *ConsistencyProof(tree.Reader(), old_size, new_size)};
      ASSERT_TRUE(Verify(valid).ok());
      ExpectEveryProofMutationInvalid(valid);
      for (size_t byte = 0; byte < 32; ++byte) {
        ExpectInvalid(valid, "modified-old-root", [&](ConsistencyCase& c) { c.old_root[byte] ^= 1; });
        ExpectInvalid(valid, "modified-new-root", [&](ConsistencyCase& c) { c.new_root[byte] ^= 1; });
      }
      ExpectInvalid(valid, "empty-old-root", [](ConsistencyCase& c) { c.old_root = Digest{}; });
      ExpectInvalid(valid, "empty-new-root", [](ConsistencyCase& c) { c.new_root = Digest{}; });
      ExpectInvalid(valid, "old-size-zero", [](ConsistencyCase& c) { c.old_size = 0; });
      ExpectInvalid(valid, "old-size-zero-without-proof", [](ConsistencyCase& c) {
        c.old_size = 0;
        c.old_root = EmptyRoot();
        c.proof.clear();
      });
      ExpectInvalid(valid, "old-size-above-new", [](ConsistencyCase& c) { c.old_size = c.new_size + 1; });
      ExpectInvalid(valid, "new-size-far-outside", [](ConsistencyCase& c) { c.new_size = ~uint64_t{0}; });
      if (old_size == new_size) continue;
      ExpectInvalid(valid, "swapped-roots", [](ConsistencyCase& c) { std::swap(c.old_root, c.new_root); });
      ExpectInvalid(valid, "swapped-sizes", [](ConsistencyCase& c) { std::swap(c.old_size, c.new_size); });
      ExpectInvalid(valid, "equal-roots-old", [](ConsistencyCase& c) { c.new_root = c.old_root; });
      ExpectInvalid(valid, "equal-roots-new", [](ConsistencyCase& c) { c.old_root = c.new_root; });
      for (uint64_t other : {old_size - 1, old_size + 1}) {
        ExpectInvalid(valid, "old-size-plus-or-minus", [&](ConsistencyCase& c) { c.old_size = other; });
      }
      if (new_size - 1 == old_size) {
        ExpectInvalid(valid, "new-size-minus", [](ConsistencyCase& c) { c.new_size -= 1; });
      }
    }
  }
}

// ---- the frontier --------------------------------------------------------------------------------------------------

TEST(Frontier, SurvivesEncodingAndStorageAtEverySize) {
  Tree tree = NumberedTree(kSizes);
  for (uint64_t size = 0; size <= kSizes; ++size) {
    Frontier frontier = *Frontier::At(tree.Reader(), size);
    Frontier decoded = *Frontier::Decode(frontier.Encode());
    EXPECT_EQ(decoded.size(), size);
    EXPECT_EQ(decoded.Root(), *RootAt(tree.Reader(), size));
    for (uint64_t next = size; next < kSizes; ++next) decoded.Append(tree.hashes()[next]);
    EXPECT_EQ(decoded.Encode(), tree.frontier().Encode());
  }
}

TEST(Frontier, DoesNotDecodeOtherLengths) {
  std::string bytes = NumberedTree(5).frontier().Encode();
  EXPECT_TRUE(HasReason(Frontier::Decode(bytes + "x").status(), Reason::STORE_CORRUPT));
  EXPECT_TRUE(HasReason(Frontier::Decode(bytes.substr(1)).status(), Reason::STORE_CORRUPT));
  EXPECT_TRUE(HasReason(Frontier::Decode("").status(), Reason::STORE_CORRUPT));
  bytes[7] = 7;
  EXPECT_TRUE(HasReason(Frontier::Decode(bytes).status(), Reason::STORE_CORRUPT));
  std::string huge = bytes;
  huge[0] = static_cast<char>(0x80);
  huge[7] = 1;
  EXPECT_TRUE(HasReason(Frontier::Decode(huge).status(), Reason::STORE_CORRUPT));
}

TEST(Proofs, AreNotMadeOutsideTheTree) {
  Tree tree = NumberedTree(3);
  EXPECT_TRUE(HasReason(InclusionProof(tree.Reader(), 3, 3).status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(InclusionProof(tree.Reader(), 0, 0).status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(InclusionProof(tree.Reader(), 0, ~uint64_t{0}).status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ConsistencyProof(tree.Reader(), 0, 3).status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(ConsistencyProof(tree.Reader(), 3, 2).status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(InclusionProof(tree.Reader(), 0, 5).status(), Reason::STORE_CORRUPT));
}

}  // namespace
}  // namespace jcm::book
