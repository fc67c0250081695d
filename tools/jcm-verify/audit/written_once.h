// Records that are written once and never read again, as their keys and hashes: ten million of them take about 90 bytes
// each. Keys may come in any order; they are sorted when somebody wants to see all.
//
//   WrittenOnce records;
//   records.Change("T17", nullptr, &hash);     // true: there was none
//
// Not thread-safe.
#ifndef TOOLS_JCM_VERIFY_AUDIT_WRITTEN_ONCE_H_
#define TOOLS_JCM_VERIFY_AUDIT_WRITTEN_ONCE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "ledger/base/types.h"

namespace jcm::verify {

class WrittenOnce {
 public:
  // Makes the record's hash the new one; null: there is no such record. True if it was the old one.
  bool Change(absl::string_view key, const Digest* old_hash, const Digest* new_hash);
  // In the order of the keys. Sorts what has come since the last time.
  void Visit(const std::function<void(absl::string_view key, const Digest& hash)>& visit);

 private:
  struct Record {
    absl::string_view key;
    uint32_t key_hash;
    bool removed;
    Digest hash;
  };

  // Where the key's number is in the index, or would be.
  size_t SlotOf(absl::string_view key, uint32_t key_hash) const;
  void Add(absl::string_view key, uint32_t key_hash, const Digest& hash);
  void GrowIndex();
  absl::string_view Keep(absl::string_view key);

  std::vector<std::unique_ptr<char[]>> chunks_;  // bytes of keys
  char* chunk_at_ = nullptr;
  size_t chunk_left_ = 0;
  std::deque<Record> records_;
  // Hash of the key in the upper half, so that most others are told apart without looking at them, and number of the
  // record, from 1; 0: a free slot. A power of two of them.
  std::vector<uint64_t> index_;
  struct Place {
    uint64_t prefix;  // of the key: its first 8 bytes, big-endian, which tell most keys apart
    uint32_t number;  // from 0
  };
  bool Before(const Place& a, const Place& b) const;
  std::vector<Place> sorted_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_WRITTEN_ONCE_H_
