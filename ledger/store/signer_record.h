// What this replica has signed, on a path of its own: the largest tree of each book, so that it never signs a smaller
// or another one whatever becomes of the store.
//
//   SignerRecord record(files, "/var/lib/jcm-signer/JPN-1");
//   JCM_RETURN_IF_ERROR(record.Advance({"JPN", "TH"}, {size, root, now}, Consistency::VERIFIED));
//   ... only now make the signature ...
//
// One file per book. The directory lies outside the store and outside every backup: an old copy of it would undo its
// purpose. It serves for the own books (checkpoints) and for the partners' (cosignatures) alike.
#ifndef LEDGER_STORE_SIGNER_RECORD_H_
#define LEDGER_STORE_SIGNER_RECORD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/file_system.h"
#include "ledger/base/types.h"

namespace jcm::store {

struct SignedTree {
  uint64_t size = 0;
  Digest root{};
  BookTime signed_at;
  friend bool operator==(const SignedTree& a, const SignedTree& b) {
    return a.size == b.size && a.root == b.root && a.signed_at == b.signed_at;
  }
};

// Has the caller checked that the new tree contains the recorded one (by a consistency proof, or by its own tree)?
enum class Consistency { UNVERIFIED, VERIFIED };

// The text of one file; described in README.md.
std::string EncodeSignerRecord(const BookId& book, const SignedTree& tree, absl::string_view authority);

// Thread-safe. All calls but MaySign on a loaded book block for the file system.
class SignerRecord {
 public:
  enum class Condition { MISSING, DAMAGED, PRESENT };
  struct Loaded {
    Condition condition = Condition::MISSING;
    SignedTree tree;     // if PRESENT
    std::string detail;  // if DAMAGED: what is wrong
  };

  SignerRecord(std::shared_ptr<FileSystem> files, std::string directory);

  // What is on the disk for a book. Errors only if the file system fails: STORE_FAILED.
  absl::StatusOr<Loaded> Load(const BookId& book);

  // Begins the record of a book that has never been signed, or whose record was lost and whose tail has been recovered:
  // `tree` is what siblings or the partner have confirmed (size 0 for a new book). ALREADY_EXISTS if a record is
  // PRESENT.
  absl::Status Establish(const BookId& book, const SignedTree& tree);

  // OK if a tree of `size` with `root` may be signed:
  //   SIGNER_RECORD_MISSING  no readable record
  //   SIGNER_RECORD_AHEAD    something larger was signed
  //   FORK_DETECTED          another root was signed at this size
  //   PROOF_INVALID          larger than what was signed, and not VERIFIED
  //   STORE_FAILED           writing this record has failed before, in this run
  absl::Status MaySign(const BookId& book, uint64_t size, const Digest& root, Consistency consistency);

  // As MaySign, and on OK the tree is recorded durably: the signature may be made. After STORE_FAILED nothing more is
  // signed in this run, since nobody knows what is on the disk.
  absl::Status Advance(const BookId& book, const SignedTree& tree, Consistency consistency);

  // Puts another tree into the record, smaller or not: for ResumeAlone and HomeReset alone. `authority` names the
  // signed statement (printable, e.g. its digest) and stays in the file; the former file is kept beside it as
  // "<name>.replaced-<n>", n from 1.
  absl::Status Replace(const BookId& book, const SignedTree& tree, absl::string_view authority);

 private:
  absl::StatusOr<Loaded> LoadLocked(const BookId& book);
  absl::Status MaySignLocked(const BookId& book, uint64_t size, const Digest& root, Consistency consistency);
  absl::Status PersistLocked(const BookId& book, const SignedTree& tree, absl::string_view authority);
  std::string PathOf(const BookId& book) const;

  const std::shared_ptr<FileSystem> files_;
  const std::string directory_;
  std::mutex mutex_;
  std::map<BookId, Loaded> loaded_;  // PRESENT ones
  bool failed_ = false;
};

}  // namespace jcm::store

#endif  // LEDGER_STORE_SIGNER_RECORD_H_
