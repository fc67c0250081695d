#include "ledger/store/ordered_cache.h"

#include <utility>

namespace jcm::store {
namespace {

// What a node costs beside its bytes: two strings, flags, its share of tree, hash table and allocator.
constexpr size_t kNodeOverheadBytes = 160;

}  // namespace

size_t OrderedCache::BytesOf(const Node& node) { return node.key.size() + node.value.size() + kNodeOverheadBytes; }

OrderedCache::Node* OrderedCache::Find(absl::string_view key) {
  auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : it->second.get();
}

OrderedCache::Map::iterator OrderedCache::AtOrBefore(absl::string_view key) {
  auto it = nodes_.upper_bound(key);
  return it == nodes_.begin() ? nodes_.end() : --it;
}

void OrderedCache::Set(Node* node, State state, absl::string_view value) {
  bytes_ -= BytesOf(*node);
  node->state = state;
  node->value.assign(value.data(), value.size());
  node->used = true;
  bytes_ += BytesOf(*node);
}

OrderedCache::Node* OrderedCache::Insert(absl::string_view key, State state, absl::string_view value) {
  Node* present = Find(key);
  if (present != nullptr) {
    if (state != State::kUnknown) Set(present, state, value);
    return present;
  }
  // A gap that was known stays known on both sides of the new key.
  auto before = AtOrBefore(key);
  const bool in_known_gap = before != nodes_.end() && before->second->gap_known;
  if (in_known_gap && state == State::kUnknown) state = State::kAbsent;
  auto node = std::make_unique<Node>();
  Node* const inserted = node.get();
  inserted->key = std::string(key);
  inserted->gap_known = in_known_gap;
  bytes_ += BytesOf(*inserted);
  nodes_.emplace(inserted->key, inserted);
  by_key_.emplace(inserted->key, std::move(node));
  Set(inserted, state, value);
  return inserted;
}

OrderedCache::Map::iterator OrderedCache::Erase(Map::iterator it) {
  Node* const node = it->second;
  if (it != nodes_.begin()) {
    auto before = it;
    --before;
    before->second->gap_known = before->second->gap_known && node->gap_known && node->state == State::kAbsent;
  }
  bytes_ -= BytesOf(*node);
  auto next = nodes_.erase(it);
  by_key_.erase(by_key_.find(node->key));
  return next;
}

void OrderedCache::EraseBetween(absl::string_view after, absl::string_view before) {
  auto it = nodes_.upper_bound(after);
  while (it != nodes_.end() && it->first < before) {
    Node* const node = it->second;
    bytes_ -= BytesOf(*node);
    it = nodes_.erase(it);
    by_key_.erase(by_key_.find(node->key));
  }
}

OrderedCache::Value OrderedCache::Get(absl::string_view key) {
  Node* const node = Find(key);
  if (node == nullptr) {
    if (!gaps_learned_) return absl::nullopt;
    auto before = AtOrBefore(key);
    if (before == nodes_.end() || !before->second->gap_known) return absl::nullopt;
    return Value(absl::optional<std::string>());
  }
  if (node->state == State::kUnknown) return absl::nullopt;
  node->used = true;
  if (node->state == State::kAbsent) return Value(absl::optional<std::string>());
  return Value(absl::optional<std::string>(node->value));
}

OrderedCache::Record OrderedCache::FindAtOrBefore(absl::string_view lower, absl::string_view at) {
  Node* const exact = Find(at);
  if (exact != nullptr && exact->state == State::kPresent) {
    exact->used = true;
    return Record(absl::optional<KeyValue>(KeyValue(exact->key, exact->value)));
  }
  auto it = AtOrBefore(at);
  if (it == nodes_.end() || (it->first != at && !it->second->gap_known)) return absl::nullopt;
  while (true) {
    Node* const node = it->second;
    if (it->first < lower) return Record(absl::optional<KeyValue>());
    if (node->state == State::kUnknown) return absl::nullopt;
    node->used = true;
    if (node->state == State::kPresent) return Record(absl::optional<KeyValue>(KeyValue(node->key, node->value)));
    if (it->first == lower) return Record(absl::optional<KeyValue>());
    if (it == nodes_.begin()) return absl::nullopt;
    --it;
    if (!it->second->gap_known) return absl::nullopt;
  }
}

OrderedCache::Record OrderedCache::FindAtOrAfter(absl::string_view from, absl::string_view upper) {
  Node* const exact = Find(from);
  if (exact != nullptr && exact->state == State::kPresent && (upper.empty() || from < upper)) {
    exact->used = true;
    return Record(absl::optional<KeyValue>(KeyValue(exact->key, exact->value)));
  }
  auto it = nodes_.lower_bound(from);
  if (it == nodes_.end() || it->first != from) {
    if (it == nodes_.begin()) return absl::nullopt;
    auto before = it;
    --before;
    if (!before->second->gap_known) return absl::nullopt;
  }
  while (true) {
    // A known gap always ends at a node.
    if (it == nodes_.end()) return absl::nullopt;
    Node* const node = it->second;
    if (!upper.empty() && it->first >= upper) return Record(absl::optional<KeyValue>());
    if (node->state == State::kUnknown) return absl::nullopt;
    node->used = true;
    if (node->state == State::kPresent) return Record(absl::optional<KeyValue>(KeyValue(node->key, node->value)));
    if (!node->gap_known) return absl::nullopt;
    ++it;
  }
}

void OrderedCache::LearnGet(absl::string_view key, const absl::optional<std::string>& value) {
  // Most keys that are not there are new ids, which nobody asks for again.
  if (!value.has_value()) return;
  Insert(key, State::kPresent, *value);
  Evict();
}

void OrderedCache::LearnAtOrBefore(absl::string_view lower, absl::string_view at,
                                   const absl::optional<KeyValue>& found) {
  // Nothing lies between what was found (or the lower bound) and `at`.
  if (found.has_value() && found->first == at) {
    Insert(at, State::kPresent, found->second);
    return Evict();
  }
  Insert(at, State::kAbsent, "");
  const absl::string_view begin = found.has_value() ? absl::string_view(found->first) : lower;
  if (begin != at) {
    Node* const node =
        found.has_value() ? Insert(begin, State::kPresent, found->second) : Insert(begin, State::kAbsent, "");
    EraseBetween(begin, at);
    node->gap_known = gaps_learned_ = true;
  }
  Evict();
}

void OrderedCache::LearnAtOrAfter(absl::string_view from, absl::string_view upper,
                                  const absl::optional<KeyValue>& found) {
  // Nothing lies between `from` and what was found (or the upper bound).
  if (!found.has_value() && upper.empty()) return;
  const absl::string_view end = found.has_value() ? absl::string_view(found->first) : upper;
  if (found.has_value()) {
    Insert(end, State::kPresent, found->second);
  } else {
    Insert(end, State::kUnknown, "");
  }
  // The next key after one that is here: that one's own gap, with no node for `from`.
  Node* before = from.empty() || from.back() != '\0' ? nullptr : Find(from.substr(0, from.size() - 1));
  if (before == nullptr && end != from) before = Insert(from, State::kAbsent, "");
  if (before != nullptr) {
    EraseBetween(before->key, end);
    before->gap_known = gaps_learned_ = true;
  }
  Evict();
}

void OrderedCache::Put(absl::string_view key, absl::string_view value) {
  Insert(key, State::kPresent, value);
  Evict();
}

void OrderedCache::PutIfKnown(absl::string_view key, absl::string_view value) {
  if (Find(key) != nullptr) return Put(key, value);
  if (!gaps_learned_) return;
  auto before = AtOrBefore(key);
  if (before != nodes_.end() && before->second->gap_known) Put(key, value);
}

void OrderedCache::Delete(absl::string_view key) {
  Node* const node = Find(key);
  if (node == nullptr) return;
  Set(node, State::kAbsent, "");
  auto it = nodes_.find(key);
  if (it == nodes_.begin() || !node->gap_known) return;
  auto before = it;
  --before;
  if (before->second->gap_known) Erase(it);  // one gap from two
}

void OrderedCache::Clear() {
  nodes_.clear();
  by_key_.clear();
  bytes_ = 0;
}

void OrderedCache::Evict() {
  while (bytes_ > limit_bytes_ && !nodes_.empty()) {
    auto it = nodes_.lower_bound(hand_);
    if (it == nodes_.end()) it = nodes_.begin();
    if (it->second->used) {
      it->second->used = false;
      ++it;
    } else {
      it = Erase(it);
    }
    hand_ = it == nodes_.end() ? std::string() : it->second->key;
  }
}

}  // namespace jcm::store
