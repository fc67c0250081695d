#include "ledger/state/state.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace jcm::state {
namespace {

bool StartsWith(absl::string_view text, absl::string_view prefix) {
  return text.size() >= prefix.size() && text.substr(0, prefix.size()) == prefix;
}

std::pair<uint32_t, std::string> RecordKey(uint32_t table, absl::string_view key) { return {table, std::string(key)}; }

}  // namespace

std::string SortableNumber(uint64_t value) {
  std::string out(8, '\0');
  for (int i = 7; i >= 0; --i, value >>= 8) out[i] = static_cast<char>(value & 0xff);
  return out;
}

uint64_t FromSortableNumber(absl::string_view eight_bytes) {
  JCM_CHECK(eight_bytes.size() == 8);
  uint64_t value = 0;
  for (char c : eight_bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

std::string Serialise(const google::protobuf::MessageLite& message) {
  std::string out;
  {
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    JCM_CHECK(message.SerializeToCodedStream(&coded));
  }
  return out;
}

absl::StatusOr<absl::optional<std::string>> MapState::Get(uint32_t table, absl::string_view key) const {
  auto it = records_.find(RecordKey(table, key));
  if (it == records_.end()) return absl::optional<std::string>();
  return absl::optional<std::string>(it->second);
}

absl::Status MapState::Scan(uint32_t table, absl::string_view prefix, absl::string_view from,
                            const RecordVisitor& visit) const {
  for (auto it = records_.lower_bound(RecordKey(table, std::max(prefix, from))); it != records_.end(); ++it) {
    if (it->first.first != table || !StartsWith(it->first.second, prefix)) break;
    if (!visit(it->first.second, it->second)) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> MapState::FindAtOrBefore(
    uint32_t table, absl::string_view prefix, absl::string_view at) const {
  auto it = records_.upper_bound(RecordKey(table, at));
  if (it != records_.begin()) {
    --it;
    if (it->first.first == table && StartsWith(it->first.second, prefix)) {
      return absl::make_optional(std::make_pair(it->first.second, it->second));
    }
  }
  return absl::optional<std::pair<std::string, std::string>>();
}

absl::Status MapState::Apply(const v1::Effects& effects) {
  for (const v1::Effect& effect : effects.effects()) {
    auto it = records_.find(RecordKey(effect.table(), effect.key()));
    const bool matches = it == records_.end() ? effect.old_value().empty() : it->second == effect.old_value();
    if (!matches) return Error(Reason::DIGEST_MISMATCH, "an effect's old value is not the present one");
  }
  for (const v1::Effect& effect : effects.effects()) {
    if (effect.new_value().empty()) {
      records_.erase(RecordKey(effect.table(), effect.key()));
    } else {
      records_[RecordKey(effect.table(), effect.key())] = effect.new_value();
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<std::string>> Transition::Get(uint32_t table, absl::string_view key) const {
  auto it = changes_.find(KeyView(table, key));
  if (it == changes_.end()) return base_.Get(table, key);
  if (it->second.new_value.empty()) return absl::optional<std::string>();
  return absl::optional<std::string>(it->second.new_value);
}

absl::Status Transition::Scan(uint32_t table, absl::string_view prefix, absl::string_view from,
                              const RecordVisitor& visit) const {
  // Both sources are ascending: a merge in which a change hides the base's record of the same key.
  auto change = changes_.lower_bound(KeyView(table, std::max(prefix, from)));
  const auto in_range = [&] {
    return change != changes_.end() && change->first.first == table && StartsWith(change->first.second, prefix);
  };
  bool stopped = false;
  const auto visit_change = [&] {
    if (!change->second.new_value.empty() && !visit(change->first.second, change->second.new_value)) stopped = true;
    ++change;
  };
  JCM_RETURN_IF_ERROR(base_.Scan(table, prefix, from, [&](absl::string_view key, absl::string_view value) {
    while (!stopped && in_range() && change->first.second < key) visit_change();
    if (stopped) return false;
    if (in_range() && change->first.second == key) {
      visit_change();
      return !stopped;
    }
    if (!visit(key, value)) stopped = true;
    return !stopped;
  }));
  while (!stopped && in_range()) visit_change();
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> Transition::FindAtOrBefore(
    uint32_t table, absl::string_view prefix, absl::string_view at) const {
  using Found = absl::optional<std::pair<std::string, std::string>>;
  // The base's candidate may have been removed here: step down until one is not hidden.
  Found from_base;
  std::string bound(at);
  while (true) {
    JCM_ASSIGN_OR_RETURN(from_base, base_.FindAtOrBefore(table, prefix, bound));
    if (!from_base.has_value()) break;
    if (changes_.find(KeyView(table, from_base->first)) == changes_.end()) break;
    if (from_base->first.empty()) {
      from_base = absl::nullopt;
      break;
    }
    // The largest key below `first`: the scan's order has no predecessor function, so ask for a strictly smaller bound.
    std::string smaller = from_base->first;
    if (smaller.back() == '\0') {
      smaller.pop_back();
    } else {
      smaller.back() = static_cast<char>(static_cast<uint8_t>(smaller.back()) - 1);
      smaller.append(32, '\xff');
    }
    bound = smaller;
  }
  Found from_changes;
  for (auto it = changes_.upper_bound(KeyView(table, at)); it != changes_.begin();) {
    --it;
    if (it->first.first != table || !StartsWith(it->first.second, prefix)) break;
    if (it->second.new_value.empty()) continue;
    from_changes = std::make_pair(it->first.second, it->second.new_value);
    break;
  }
  if (!from_changes.has_value()) return from_base;
  if (!from_base.has_value() || from_base->first < from_changes->first) return from_changes;
  return from_base;
}

absl::Status Transition::Set(uint32_t table, absl::string_view key, std::string value) {
  auto it = changes_.find(KeyView(table, key));
  if (it != changes_.end()) {
    it->second.new_value = std::move(value);
    return absl::OkStatus();
  }
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> old_value, base_.Get(table, key));
  changes_.emplace(RecordKey(table, key), Change{old_value.value_or(""), std::move(value), next_order_++});
  return absl::OkStatus();
}

absl::Status Transition::Put(uint32_t table, absl::string_view key, std::string value) {
  JCM_CHECK(!value.empty());
  return Set(table, key, std::move(value));
}

absl::Status Transition::Put(uint32_t table, absl::string_view key, const google::protobuf::MessageLite& record) {
  return Put(table, key, Serialise(record));
}

absl::Status Transition::Delete(uint32_t table, absl::string_view key) { return Set(table, key, ""); }

void Transition::Take(const v1::Effect& effect) {
  auto it = changes_.find(KeyView(effect.table(), effect.key()));
  if (it != changes_.end()) {
    it->second.new_value = effect.new_value();
    return;
  }
  changes_.emplace(RecordKey(effect.table(), effect.key()),
                   Change{effect.old_value(), effect.new_value(), next_order_++});
}

void Transition::Adopt(Transition&& later) {
  JCM_CHECK(&later.base_ == this);
  std::vector<std::map<Key, Change, Before>::node_type> ordered;
  while (!later.changes_.empty()) ordered.push_back(later.changes_.extract(later.changes_.begin()));
  std::sort(ordered.begin(), ordered.end(),
            [](const auto& a, const auto& b) { return a.mapped().order < b.mapped().order; });
  for (auto& change : ordered) {
    if (change.mapped().old_value == change.mapped().new_value) continue;
    auto present = changes_.find(change.key());
    if (present != changes_.end()) {
      present->second.new_value = std::move(change.mapped().new_value);
      continue;
    }
    change.mapped().order = next_order_++;
    changes_.insert(std::move(change));
  }
}

std::vector<const std::pair<const Transition::Key, Transition::Change>*> Transition::Ordered() const {
  std::vector<const std::pair<const Key, Change>*> ordered;
  for (const auto& change : changes_) {
    if (change.second.old_value != change.second.new_value) ordered.push_back(&change);
  }
  std::sort(ordered.begin(), ordered.end(),
            [](const auto* a, const auto* b) { return a->second.order < b->second.order; });
  return ordered;
}

void Transition::ForEachChange(const ChangeVisitor& visit) const {
  for (const auto* change : Ordered()) visit(change->first.first, change->first.second, change->second.new_value);
}

v1::Effects Transition::Effects() const {
  v1::Effects effects;
  for (const auto* change : Ordered()) {
    v1::Effect* effect = effects.add_effects();
    effect->set_table(change->first.first);
    effect->set_key(change->first.second);
    effect->set_old_value(change->second.old_value);
    effect->set_new_value(change->second.new_value);
  }
  return effects;
}

}  // namespace jcm::state
