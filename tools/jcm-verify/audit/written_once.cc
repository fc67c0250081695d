#include "tools/jcm-verify/audit/written_once.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/hash/hash.h"
#include "ledger/base/status.h"

namespace jcm::verify {
namespace {

constexpr size_t kChunkBytes = 1024 * 1024;
constexpr size_t kSlotsAtFirst = 1024;

// A shorter key counts as if it went on with zeros.
uint64_t PrefixOf(absl::string_view key) {
  uint64_t prefix = 0;
  for (size_t i = 0; i < sizeof(prefix); ++i) {
    prefix = prefix << 8 | (i < key.size() ? static_cast<uint8_t>(key[i]) : 0u);
  }
  return prefix;
}

uint64_t Slot(uint32_t key_hash, uint32_t number) { return uint64_t{key_hash} << 32 | number; }
uint32_t NumberIn(uint64_t slot) { return static_cast<uint32_t>(slot); }

}  // namespace

absl::string_view WrittenOnce::Keep(absl::string_view key) {
  if (key.size() > chunk_left_) {
    chunk_left_ = std::max(kChunkBytes, key.size());
    chunks_.emplace_back(new char[chunk_left_]);
    chunk_at_ = chunks_.back().get();
  }
  char* const at = chunk_at_;
  std::memcpy(at, key.data(), key.size());
  chunk_at_ += key.size();
  chunk_left_ -= key.size();
  return absl::string_view(at, key.size());
}

size_t WrittenOnce::SlotOf(absl::string_view key, uint32_t key_hash) const {
  const size_t mask = index_.size() - 1;
  size_t slot = key_hash & mask;
  while (index_[slot] != 0) {
    if (index_[slot] >> 32 == key_hash && records_[NumberIn(index_[slot]) - 1].key == key) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

void WrittenOnce::GrowIndex() {
  index_.assign(std::max(kSlotsAtFirst, index_.size() * 2), 0);
  const size_t mask = index_.size() - 1;
  uint32_t number = 0;
  for (const Record& record : records_) {
    size_t slot = record.key_hash & mask;
    while (index_[slot] != 0) slot = (slot + 1) & mask;
    index_[slot] = Slot(record.key_hash, ++number);
  }
}

void WrittenOnce::Add(absl::string_view key, uint32_t key_hash, const Digest& hash) {
  JCM_CHECK(records_.size() < std::numeric_limits<uint32_t>::max() - 1);
  // Never fuller than three quarters, so that a free slot is near.
  if (4 * (records_.size() + 1) > 3 * index_.size()) GrowIndex();
  const size_t slot = SlotOf(key, key_hash);
  records_.push_back({Keep(key), key_hash, false, hash});
  index_[slot] = Slot(key_hash, static_cast<uint32_t>(records_.size()));
}

bool WrittenOnce::Change(absl::string_view key, const Digest* old_hash, const Digest* new_hash) {
  const auto key_hash = static_cast<uint32_t>(absl::HashOf(key));
  const uint32_t number = index_.empty() ? 0 : NumberIn(index_[SlotOf(key, key_hash)]);
  if (number == 0) {
    if (new_hash != nullptr) Add(key, key_hash, *new_hash);
    return old_hash == nullptr;
  }
  Record& record = records_[number - 1];
  const bool held = old_hash == nullptr ? record.removed : !record.removed && record.hash == *old_hash;
  record.removed = new_hash == nullptr;
  if (new_hash != nullptr) record.hash = *new_hash;
  return held;
}

bool WrittenOnce::Before(const Place& a, const Place& b) const {
  return a.prefix != b.prefix ? a.prefix < b.prefix : records_[a.number].key < records_[b.number].key;
}

void WrittenOnce::Visit(const std::function<void(absl::string_view, const Digest&)>& visit) {
  const auto before = [this](const Place& a, const Place& b) { return Before(a, b); };
  const size_t sorted = sorted_.size();
  for (size_t i = sorted; i < records_.size(); ++i) {
    sorted_.push_back({PrefixOf(records_[i].key), static_cast<uint32_t>(i)});
  }
  const auto middle = sorted_.begin() + static_cast<std::ptrdiff_t>(sorted);
  std::sort(middle, sorted_.end(), before);
  std::inplace_merge(sorted_.begin(), middle, sorted_.end(), before);
  for (const Place& place : sorted_) {
    const Record& record = records_[place.number];
    if (!record.removed) visit(record.key, record.hash);
  }
}

}  // namespace jcm::verify
