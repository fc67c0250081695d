// What a book took over from the other one: leaves, records, the signed checkpoint over them; and how far.
#ifndef TOOLS_JCM_VERIFY_AUDIT_IMPORT_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_IMPORT_AUDIT_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "jcm/ledger/v1/book.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/key_set.h"
#include "ledger/book/merkle.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/leaf_view.h"
#include "tools/jcm-verify/audit/tables.h"
#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {

namespace v1 = ::jcm::ledger::v1;

// The entries of a book that the other side has not imported yet: what it must find.
class LeafWindow {
 public:
  struct Entry {
    Digest hash{};
    bool published = false;  // changes records that the other side takes over
  };

  void Add(const Entry& entry) { entries_.push_back(entry); }
  // No more will come: what was given of the book ends here, though the book itself may go on.
  void End() { ended_ = true; }
  bool ended() const { return ended_; }
  uint64_t size() const { return begin_ + entries_.size(); }
  // Null if it is not there yet, or has been dropped.
  const Entry* At(uint64_t sequence) const {
    return sequence < begin_ || sequence >= size() ? nullptr : &entries_[sequence - begin_];
  }
  void DropBelow(uint64_t sequence) {
    for (; begin_ < sequence && !entries_.empty(); ++begin_) entries_.pop_front();
  }

 private:
  uint64_t begin_ = 0;
  bool ended_ = false;
  std::deque<Entry> entries_;
};

class ImportAudit {
 public:
  // All must outlive this.
  ImportAudit(const BookId& book, const Tables& tables, BookReport* report);

  // An entry of kind IMPORT, before its effects are folded. `other`: the other book; null if it is not audited.
  void Audit(uint64_t sequence, const v1::Import& import, const std::vector<EffectBytes>& effects, LeafWindow* other);
  // Any entry: its peer size is what has been imported with it.
  void CheckPeerSize(uint64_t sequence, uint64_t peer_size);
  // For the other side's changes of keys.
  void set_own_recovery_key(const PublicKey& key) { own_recovery_key_ = key; }

  uint64_t imported_size() const { return frontier_.size(); }

 private:
  using Key = std::pair<uint32_t, std::string>;
  struct Change {
    std::string from;
    std::string to;
  };

  bool CheckLeaf(uint64_t sequence, const v1::ImportedEntry& entry, LeafWindow* other);
  void CheckBody(uint64_t sequence, const v1::ImportedEntry& entry, const LeafView& leaf,
                 const LeafWindow::Entry* original);
  void ReadKeys(uint64_t sequence, const v1::ImportedEntry& entry, const LeafView& leaf);
  void Fold(uint64_t sequence, uint64_t peer_sequence, absl::string_view effects);
  void CompareShadows(uint64_t sequence, const std::vector<EffectBytes>& effects);
  void CheckCursor(uint64_t sequence, const std::vector<EffectBytes>& effects);
  void CheckCheckpoint(uint64_t sequence, const v1::Import& import);

  const BookId book_;
  const Tables& tables_;
  BookReport& report_;
  std::string peer_registry_;  // as the first imported leaf says
  book::Frontier frontier_;
  Digest last_hash_{};
  std::string origin_;
  absl::optional<book::KeyHistory> keys_;
  absl::optional<PublicKey> own_recovery_key_;
  std::map<Key, Change> expected_;  // of the present import
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_IMPORT_AUDIT_H_
