#include "ledger/book/state_root.h"

#include <algorithm>

#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "ledger/book/leaf.h"

namespace jcm::book {
namespace {

absl::Status Invalid(absl::string_view detail) { return Error(Reason::PROOF_INVALID, detail); }

absl::Status VerifyRecord(const StateRecordProof& record, const Digest& root, uint64_t count) {
  if (record.key.size() > kStateKeyBytesMax) return Invalid("a key's size");
  return VerifyInclusion(LeafHash(StateLeafData(record.key, record.value)), record.index, count, record.path, root);
}

// The records are the last before the key and the first after it, as far as they exist.
absl::Status CheckNeighbours(const StateProof& proof, absl::string_view key, uint64_t count) {
  const std::vector<StateRecordProof>& records = proof.records;
  if (records.size() == 2) {
    const bool around = records[0].key < key && key < records[1].key;
    return around && records[0].index + 1 == records[1].index ? absl::OkStatus() : Invalid("not the two neighbours");
  }
  if (records.size() != 1) return Invalid("neither one nor two neighbours");
  const bool before_all = key < records[0].key && records[0].index == 0;
  const bool after_all = records[0].key < key && records[0].index + 1 == count;
  return before_all || after_all ? absl::OkStatus() : Invalid("not the neighbour at an end");
}

}  // namespace

std::string StateLeafData(absl::string_view key, absl::string_view value) {
  JCM_CHECK(key.size() <= kStateKeyBytesMax);
  BigEndianWriter data;
  data.U32(static_cast<uint32_t>(key.size())).Bytes(key).Bytes(value);
  return data.str();
}

absl::Status StateRootBuilder::Add(absl::string_view key, absl::string_view value, const NodeWriter& write) {
  if (key.size() > kStateKeyBytesMax || (count() > 0 && key <= absl::string_view(last_key_))) {
    return Error(Reason::FIELD_INVALID, "a record's key is not above the one before");
  }
  frontier_.Append(LeafHash(StateLeafData(key, value)), write);
  last_key_ = std::string(key);
  return absl::OkStatus();
}

absl::Status StateTree::Add(absl::string_view key, absl::string_view value) {
  JCM_RETURN_IF_ERROR(builder_.Add(key, value, [this](int level, uint64_t index, const Digest& hash) {
    if (levels_.size() <= static_cast<size_t>(level)) levels_.emplace_back();
    std::vector<Digest>& nodes = levels_[static_cast<size_t>(level)];
    JCM_CHECK(nodes.size() == index);
    nodes.push_back(hash);
  }));
  records_.emplace_back(key, value);
  return absl::OkStatus();
}

absl::StatusOr<StateRecordProof> StateTree::ProveRecord(size_t index) const {
  NodeReader read = [this](int level, uint64_t node) -> absl::StatusOr<Digest> {
    return levels_[static_cast<size_t>(level)][node];
  };
  JCM_ASSIGN_OR_RETURN(std::vector<Digest> path, InclusionProof(read, index, count()));
  return StateRecordProof{records_[index].first, records_[index].second, index, std::move(path)};
}

absl::StatusOr<StateProof> StateTree::Prove(absl::string_view key) const {
  auto at = std::lower_bound(records_.begin(), records_.end(), key,
                             [](const auto& record, absl::string_view wanted) { return record.first < wanted; });
  const size_t index = static_cast<size_t>(at - records_.begin());
  StateProof proof;
  const bool found = at != records_.end() && at->first == key;
  if (!found && index > 0) {
    JCM_ASSIGN_OR_RETURN(StateRecordProof before, ProveRecord(index - 1));
    proof.records.push_back(std::move(before));
  }
  if (at != records_.end()) {
    JCM_ASSIGN_OR_RETURN(StateRecordProof here, ProveRecord(index));
    proof.records.push_back(std::move(here));
  }
  return proof;
}

absl::StatusOr<absl::optional<std::string>> VerifyStateProof(const StateProof& proof, absl::string_view key,
                                                             const Digest& root, uint64_t count) {
  if (count == 0) {
    if (!proof.records.empty() || root != EmptyRoot()) return Invalid("a state of no records");
    return absl::optional<std::string>();
  }
  for (const StateRecordProof& record : proof.records) JCM_RETURN_IF_ERROR(VerifyRecord(record, root, count));
  if (proof.records.size() == 1 && proof.records[0].key == key) return absl::make_optional(proof.records[0].value);
  JCM_RETURN_IF_ERROR(CheckNeighbours(proof, key, count));
  return absl::optional<std::string>();
}

}  // namespace jcm::book
