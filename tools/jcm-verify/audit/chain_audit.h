// The bytes of one book: leaves, chain, digests, tree, keys and signed notes. Knows nothing of what entries mean.
//
//   ChainAudit chain(trusted, &report);
//   bool intact = chain.AddEntry(entry, LeafView(entry.leaf), source);
//   chain.AddNote(note);
//   chain.Finish();
#ifndef TOOLS_JCM_VERIFY_AUDIT_CHAIN_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_CHAIN_AUDIT_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "ledger/base/types.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/key_set.h"
#include "ledger/book/merkle.h"
#include "ledger/book/trust.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/leaf_view.h"
#include "tools/jcm-verify/audit/source.h"
#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {

// Checkpoints that wait for their size; more are refused as a finding.
inline constexpr size_t kPendingNotesMax = 100'000;
// No calendar here goes beyond the year 9999.
inline constexpr uint64_t kTimeEndUs = 253'402'300'800'000'000;

class ChainAudit {
 public:
  // `trusted`: the keys of this book by the trust file; null: none are known. Both must outlive this.
  ChainAudit(const BookId& book, const book::TrustedBook* trusted, BookReport* report);

  // True if every byte of the entry is what leaf, chain and digests say. After the first false, only hashes are checked
  // any more: what later entries mean is built on bytes that are wrong.
  bool AddEntry(const EntryBytes& entry, const LeafView& leaf, EntrySource& source);
  void AddNote(const SourcedNote& note);
  // The other government's recovery key, once the book knows it.
  void set_partner_recovery_key(PublicKey key) { partner_recovery_key_ = std::move(key); }
  // What must be said at the end: missing entries, cosignatures, keys.
  void Finish();

  uint64_t size() const { return frontier_.size(); }
  const Digest& last_hash() const { return last_hash_; }
  Digest Root() const { return frontier_.Root(); }
  const std::string& origin() const { return origin_; }
  // None before a genesis that could be read.
  const absl::optional<book::KeyHistory>& keys() const { return keys_; }

 private:
  struct PendingNote {
    book::Note note;
    book::Checkpoint checkpoint;
    std::string place;
  };

  bool CheckLeaf(const EntryBytes& entry, const LeafView& leaf, const EntrySource& source);
  bool CheckDigests(const EntryBytes& entry, const LeafView& leaf, const EntrySource& source);
  void ReadGenesis(const EntryBytes& entry, const book::Leaf& leaf);
  void ReadKeyChange(const EntryBytes& entry, const book::Leaf& leaf);
  void CheckProofs(const SourcedNote& sourced, const book::Checkpoint& checkpoint);
  void CheckDue();
  void CheckSignatures(const PendingNote& pending);
  void CheckCosignatures(const PendingNote& pending);
  void CompareKeys();

  const BookId book_;
  std::string partnership_bytes_;  // as in the leaf
  const book::TrustedBook* const trusted_;
  BookReport& report_;
  std::string origin_;
  book::Frontier frontier_;
  Digest last_hash_{};
  uint64_t last_time_us_ = 0;
  uint32_t last_rules_version_ = 0;
  uint64_t last_peer_size_ = 0;
  absl::optional<book::KeyHistory> keys_;
  absl::optional<PublicKey> partner_recovery_key_;
  std::map<uint64_t, std::vector<PendingNote>> pending_;
  size_t pending_count_ = 0;
  std::string last_note_;  // most files of an export carry the same one
  uint64_t newest_size_ = 0;
  std::string newest_place_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_CHAIN_AUDIT_H_
