#include "tools/jcm-verify/audit/tables.h"

#include <array>
#include <utility>

#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/hash.h"
#include "ledger/book/merkle.h"

namespace jcm::verify {
namespace {

namespace v1 = ::jcm::ledger::v1;

constexpr char kLeafPrefix = 0x00;

std::array<char, 4> BigEndian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

// Inserts where the map most likely grows: at its end, as ids and serials mostly rise.
template <typename Map, typename Value>
void Set(Map& map, absl::string_view key, Value&& value) {
  auto at = map.end();
  if (!map.empty() && !(absl::string_view(std::prev(map.end())->first) < key)) at = map.lower_bound(key);
  if (at != map.end() && absl::string_view(at->first) == key) {
    at->second = std::forward<Value>(value);
  } else {
    map.emplace_hint(at, std::string(key), std::forward<Value>(value));
  }
}

}  // namespace

bool IsPublished(uint32_t table) {
  switch (table) {
    case v1::TABLE_RULES:
    case v1::TABLE_MEMBER:
    case v1::TABLE_DECISION:
    case v1::TABLE_REACTION:
    case v1::TABLE_VOTE:
    case v1::TABLE_VOTES_CLOSED:
    case v1::TABLE_LOT:
    case v1::TABLE_ISSUANCE:
    case v1::TABLE_AUTHORIZATION:
    case v1::TABLE_FIRST_TRANSFER:
    case v1::TABLE_TRANSFER_OUT:
    case v1::TABLE_TRANSFER_IN:
      return true;
    default:
      return false;
  }
}

bool Tables::KeptAsHash(uint32_t table) {
  return table == v1::TABLE_TRANSFER || table == v1::TABLE_RETIREMENT || table == v1::TABLE_CANCELLATION;
}

Digest Tables::LeafOf(uint32_t table, absl::string_view key, absl::string_view value) {
  const std::array<char, 4> size = BigEndian(static_cast<uint32_t>(key.size() + 4));
  const std::array<char, 4> number = BigEndian(table);
  return Sha256Of({absl::string_view(&kLeafPrefix, 1), absl::string_view(size.data(), size.size()),
                   absl::string_view(number.data(), number.size()), key, value});
}

absl::string_view Tables::Get(uint32_t table, absl::string_view key) const {
  const auto records = records_.find(table);
  if (records == records_.end()) return "";
  const auto record = records->second.find(key);
  return record == records->second.end() ? absl::string_view() : absl::string_view(record->second);
}

bool Tables::Holds(uint32_t table, absl::string_view key, absl::string_view value) const {
  if (!KeptAsHash(table)) return Get(table, key) == value;
  const auto hashes = hashes_.find(table);
  if (hashes == hashes_.end()) return value.empty();
  const auto hash = hashes->second.find(key);
  if (hash == hashes->second.end()) return value.empty();
  return !value.empty() && hash->second == LeafOf(table, key, value);
}

void Tables::Put(uint32_t table, absl::string_view key, absl::string_view value) {
  if (value.empty()) {
    const auto erase = [&](auto& map) {
      const auto at = map.find(key);
      if (at != map.end()) map.erase(at);
    };
    if (KeptAsHash(table)) {
      erase(hashes_[table]);
    } else {
      erase(records_[table]);
    }
    return;
  }
  if (KeptAsHash(table)) {
    Set(hashes_[table], key, LeafOf(table, key, value));
  } else {
    Set(records_[table], key, std::string(value));
  }
}

const Records& Tables::Of(uint32_t table) const {
  static const Records* const none = new Records;
  const auto records = records_.find(table);
  return records == records_.end() ? *none : records->second;
}

void Tables::Visit(const std::function<void(uint32_t, absl::string_view, const Digest&)>& visit) const {
  auto record = records_.begin();
  auto hash = hashes_.begin();
  while (record != records_.end() || hash != hashes_.end()) {
    if (hash == hashes_.end() || (record != records_.end() && record->first < hash->first)) {
      for (const auto& [key, value] : record->second) visit(record->first, key, LeafOf(record->first, key, value));
      ++record;
    } else {
      for (const auto& [key, digest] : hash->second) visit(hash->first, key, digest);
      ++hash;
    }
  }
}

Tables::Root Tables::StateRoot() const {
  book::Frontier frontier;
  Visit([&](uint32_t, absl::string_view, const Digest& leaf) { frontier.Append(leaf); });
  return Root{frontier.Root(), frontier.size()};
}

}  // namespace jcm::verify
