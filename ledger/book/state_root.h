// The state root: an RFC 6962 tree over a book's records in the order of their keys.
//
//   StateTree tree;
//   for (...) JCM_RETURN_IF_ERROR(tree.Add(key, value));         // keys ascending
//   Digest root = tree.Root();
//   JCM_ASSIGN_OR_RETURN(StateProof proof, tree.Prove("account/42"));
//   JCM_ASSIGN_OR_RETURN(absl::optional<std::string> value, VerifyStateProof(proof, "account/42", root, tree.count()));
//
// A record's leaf is SHA-256(0x00 || u32 key size || key || value). That a key is absent is shown by its two
// neighbours. Root and count are stated by an entry of kind STATE_ROOT, which a checkpoint covers.
#ifndef LEDGER_BOOK_STATE_ROOT_H_
#define LEDGER_BOOK_STATE_ROOT_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "ledger/base/types.h"
#include "ledger/book/merkle.h"

namespace jcm::book {

inline constexpr size_t kStateKeyBytesMax = 64 * 1024;

// The data of a record's leaf. The key has at most kStateKeyBytesMax bytes.
std::string StateLeafData(absl::string_view key, absl::string_view value);

// The root alone, record by record, in constant memory.
class StateRootBuilder {
 public:
  // Errors: FIELD_INVALID unless the key is above the one before.
  absl::Status Add(absl::string_view key, absl::string_view value, const NodeWriter& write = nullptr);
  Digest Root() const { return frontier_.Root(); }
  uint64_t count() const { return frontier_.size(); }

 private:
  Frontier frontier_;
  std::string last_key_;
};

struct StateRecordProof {
  std::string key;
  std::string value;
  uint64_t index = 0;
  std::vector<Digest> path;
};

// One record (the key is there) or the neighbours of where it would be: two, one at an end, none of an empty tree.
struct StateProof {
  std::vector<StateRecordProof> records;
};

// The tree in memory, with the records, to make proofs: about the size of the records and 64 bytes each.
class StateTree {
 public:
  absl::Status Add(absl::string_view key, absl::string_view value);
  Digest Root() const { return builder_.Root(); }
  uint64_t count() const { return builder_.count(); }
  absl::StatusOr<StateProof> Prove(absl::string_view key) const;

 private:
  absl::StatusOr<StateRecordProof> ProveRecord(size_t index) const;

  StateRootBuilder builder_;
  std::vector<std::pair<std::string, std::string>> records_;
  std::vector<std::vector<Digest>> levels_;
};

// The value that `key` has in the state of `count` records under `root`, or nullopt if it has none. Errors:
// PROOF_INVALID.
absl::StatusOr<absl::optional<std::string>> VerifyStateProof(const StateProof& proof, absl::string_view key,
                                                             const Digest& root, uint64_t count);

}  // namespace jcm::book

#endif  // LEDGER_BOOK_STATE_ROOT_H_
