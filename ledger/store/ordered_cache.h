// Records of one column family that were read or written lately, in the order of their keys, with what is known about
// the gaps between them: that a key is not there, or that nothing lies between two others, is known as well as a value
// is. So questions like "the last key before this one" are answered here too.
//
//   OrderedCache cache(limit_bytes);
//   auto found = cache.FindAtOrBefore(lower, at);       // nullopt: unknown, ask the store
//   cache.LearnAtOrBefore(lower, at, from_store);       // and remember what it said
//   cache.Put(key, value); cache.Delete(key);           // each write to the store, in its order
//
// Not thread-safe. Forgetting is always allowed, and happens above the limit: what was not asked for lately goes first.
#ifndef LEDGER_STORE_ORDERED_CACHE_H_
#define LEDGER_STORE_ORDERED_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace jcm::store {

using KeyValue = std::pair<std::string, std::string>;

class OrderedCache {
 public:
  explicit OrderedCache(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // The outer optional: whether the answer is known. The inner one: whether there is such a record.
  using Value = absl::optional<absl::optional<std::string>>;
  using Record = absl::optional<absl::optional<KeyValue>>;
  Value Get(absl::string_view key);
  // The largest key in [lower, at].
  Record FindAtOrBefore(absl::string_view lower, absl::string_view at);
  // The smallest key in [from, upper).
  Record FindAtOrAfter(absl::string_view from, absl::string_view upper);

  // What the store answered to the same question.
  void LearnGet(absl::string_view key, const absl::optional<std::string>& value);
  void LearnAtOrBefore(absl::string_view lower, absl::string_view at, const absl::optional<KeyValue>& found);
  void LearnAtOrAfter(absl::string_view from, absl::string_view upper, const absl::optional<KeyValue>& found);

  void Put(absl::string_view key, absl::string_view value);
  // A write of something that need not be remembered: only what is known of the key is brought up to date.
  void PutIfKnown(absl::string_view key, absl::string_view value);
  void Delete(absl::string_view key);
  void Clear();

  size_t bytes() const { return bytes_; }

 private:
  enum class State : uint8_t {
    kPresent,
    kAbsent,
    kUnknown,  // only the end of a gap
  };
  struct Node {
    std::string key;
    std::string value;
    State state = State::kUnknown;
    bool gap_known = false;  // nothing lies between this key and the next one here
    bool used = false;       // since the hand of Evict came by
  };
  // In the order of the keys; the views are of the nodes' own keys. Most questions are about a key that is here: those
  // are answered from the hash table, without walking down the tree.
  using Map = absl::btree_map<absl::string_view, Node*>;

  // The last node at or before `key`; end() if there is none.
  Map::iterator AtOrBefore(absl::string_view key);
  Node* Find(absl::string_view key);
  Node* Insert(absl::string_view key, State state, absl::string_view value);
  void Set(Node* node, State state, absl::string_view value);
  // Removes the nodes strictly between two keys: the store has said that nothing is there.
  void EraseBetween(absl::string_view after, absl::string_view before);
  Map::iterator Erase(Map::iterator it);
  void Evict();
  static size_t BytesOf(const Node& node);

  const size_t limit_bytes_;
  absl::flat_hash_map<absl::string_view, std::unique_ptr<Node>> by_key_;
  Map nodes_;
  size_t bytes_ = 0;
  bool gaps_learned_ = false;  // without any, a key that is not here is simply unknown
  std::string hand_;  // eviction goes on here
};

}  // namespace jcm::store

#endif  // LEDGER_STORE_ORDERED_CACHE_H_
