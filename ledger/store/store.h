// An ordered key-value store with column families: what a registry keeps on disk.
//
//   WriteBatch batch;
//   batch.Put(Family::kEntry, EntryKey(book, sequence), bytes);
//   batch.Put(Family::kMeta, "applied", index);
//   JCM_RETURN_IF_ERROR(store->Write(batch, Sync::kYes));          // all of it or nothing, on disk on return
//
//   std::unique_ptr<ReadView> view = store->Snapshot();            // frozen; later writes do not show in it
//   auto it = view->NewIterator(Family::kEntry, first, last);      // keys in [first, last)
//   for (it->Seek(first); it->Valid(); it->Next()) Use(it->key(), it->value());
//   JCM_RETURN_IF_ERROR(it->status());                             // the end, or damaged data?
//
// Two implementations keep this contract: RocksDbStore (rocksdb_store.h) and MemoryStore (memory_store.h).
// The meaning of keys and values belongs to those who write them. Not for signing keys, nor for the signer's record.
#ifndef LEDGER_STORE_STORE_H_
#define LEDGER_STORE_STORE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace jcm::store {

// The column families. Their names (FamilyName) are on disk: never renamed, never used for something else.
enum class Family : uint8_t {
  kMeta,     // "meta": facts of this node: the store's identity, applied index, heads of the books
  kLog,      // "log": batches of the embedded log, by index
  kEntry,    // "entry": entries of books, own and mirrored, byte for byte; sealed attachments
  kNode,     // "node": nodes of the Merkle trees of the same books
  kState,    // "state": their tables, as the rules read and write them
  kOutcome,  // "outcome": what became of each request id
  kNote,     // "note": their checkpoints and cosignatures, by book and size
  kMirror,   // "mirror": evidence against partners, and entries in quarantine that do not fit into their book
  kIndex,    // "index": empty; for secondary indexes, which can be built again from the others
  kOffsite,  // "offsite": sealed bytes kept unread for partners
  kVault,    // "vault": empty; data keys are never in the store (vault.h keeps them outside)
};
inline constexpr size_t kFamilyCount = 11;
inline constexpr std::array<Family, kFamilyCount> kAllFamilies = {
    Family::kMeta, Family::kLog,    Family::kEntry, Family::kNode,    Family::kState, Family::kOutcome,
    Family::kNote, Family::kMirror, Family::kIndex, Family::kOffsite, Family::kVault};

const char* FamilyName(Family family);

// The largest key; a value may have up to kValueMaxBytes. Larger ones are refused with INTERNAL, before anything is
// written.
inline constexpr size_t kKeyMaxBytes = 1024;
inline constexpr size_t kValueMaxBytes = 16 * 1024 * 1024;

// Whose store it is. Written when the store is created, compared each time it is opened.
struct StoreIdentity {
  std::string registry;  // ISO 3166-1 alpha-3
  std::string domain;    // of the origin: "demo.invalid"
  friend bool operator==(const StoreIdentity& a, const StoreIdentity& b) {
    return a.registry == b.registry && a.domain == b.domain;
  }
};
inline constexpr uint32_t kStoreFormat = 1;
inline constexpr char kIdentityKey[] = "identity";  // in Family::kMeta; WriteBatch users leave it alone

// The identity record: three lines of text, "jcm-store 1\n<registry>\n<domain>\n".
std::string EncodeStoreIdentity(const StoreIdentity& identity);

// OK if `record` is the identity record of `expected`; else STORE_OF_OTHER_REGISTRY saying what was found.
absl::Status CheckStoreIdentity(absl::string_view record, const StoreIdentity& expected);

// Changes that are written together or not at all, in the order in which they were added.
class WriteBatch {
 public:
  struct Operation {
    Family family;
    std::string key;
    absl::optional<std::string> value;  // nullopt deletes
  };

  void Put(Family family, absl::string_view key, absl::string_view value);
  void PutOwned(Family family, std::string key, std::string value);  // the same, without copying
  void Delete(Family family, absl::string_view key);                 // deleting what is not there is allowed
  void Append(const WriteBatch& later);
  void Clear();

  const std::vector<Operation>& operations() const { return operations_; }
  size_t size() const { return operations_.size(); }
  bool empty() const { return operations_.empty(); }
  size_t bytes() const { return bytes_; }  // of keys and values

 private:
  std::vector<Operation> operations_;
  size_t bytes_ = 0;
};

// OK if all keys and values are within their limits.
absl::Status CheckLimits(const WriteBatch& batch);

// Walks over the keys of one family in the order of their bytes, over a state frozen when it was made. New ones stand
// nowhere: Seek first. key() and value() may be called while Valid(), and their bytes last until the next move. One
// thread at a time.
class Iterator {
 public:
  virtual ~Iterator() = default;
  virtual bool Valid() const = 0;
  virtual void Seek(absl::string_view target) = 0;         // to the first key >= target (and >= lower)
  virtual void SeekForPrev(absl::string_view target) = 0;  // to the last key <= target (and < upper)
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  virtual void Next() = 0;
  virtual void Prev() = 0;
  virtual absl::string_view key() const = 0;
  virtual absl::string_view value() const = 0;
  virtual absl::Status status() const = 0;  // STORE_CORRUPT or STORE_FAILED if Valid() is false because reading failed
};

// Something that can be read: the store as it is now, or a snapshot. Thread-safe. Iterators must go before their view.
class ReadView {
 public:
  virtual ~ReadView() = default;

  // The value, or nullopt if there is none. STORE_CORRUPT or STORE_FAILED if it cannot be read.
  virtual absl::StatusOr<absl::optional<std::string>> Get(Family family, absl::string_view key) const = 0;

  // Over the keys in [lower, upper); an empty `upper` means no upper bound. Never null.
  virtual std::unique_ptr<Iterator> NewIterator(Family family, absl::string_view lower = "",
                                                absl::string_view upper = "") const = 0;

  // The record with the largest key in [lower, at]; nullopt if there is none.
  virtual absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> FindAtOrBefore(
      Family family, absl::string_view lower, absl::string_view at) const;
  // The records in [from, upper), ascending, until `visit` says false.
  using Visitor = std::function<bool(absl::string_view key, absl::string_view value)>;
  virtual absl::Status Scan(Family family, absl::string_view from, absl::string_view upper, const Visitor& visit) const;
};

// kNo: the batch is ordered and visible, and lost if the machine dies before a later synced write.
// kYes: this batch and all before it are on disk on return. An empty batch with kYes does just that.
enum class Sync : bool { kNo, kYes };

class Store : public ReadView {
 public:
  // Writes the batch atomically. Thread-safe; concurrent calls are put into some order. After a crash the store holds a
  // prefix of that order that contains at least everything up to the last synced write that returned OK.
  //
  // The first failure is the last: what was being written may or may not be there after the next opening, failed()
  // turns true and every later Write is refused with STORE_FAILED. It is never tried again (a second fsync can succeed
  // without having written).
  virtual absl::Status Write(const WriteBatch& batch, Sync sync) = 0;

  // A frozen view of all writes that have returned. It may outlive the store, whose files then stay open (and locked)
  // until it goes.
  virtual std::unique_ptr<ReadView> Snapshot() const = 0;

  // Reads everything and compares with its checksums; STORE_CORRUPT names what is damaged. Slow; not on the apply
  // thread.
  virtual absl::Status Verify() = 0;

  // Makes a copy in `directory`, which must not exist and should be on the same file system. A store opened from such a
  // copy says restored() until ClearRestored: a registry must not go on by itself from an old copy.
  virtual absl::Status Backup(absl::string_view directory) = 0;
  virtual bool restored() const = 0;
  virtual absl::Status ClearRestored() = 0;

  // True after the first failed write or background error. Reads still work.
  virtual bool failed() const = 0;
};

}  // namespace jcm::store

#endif  // LEDGER_STORE_STORE_H_
