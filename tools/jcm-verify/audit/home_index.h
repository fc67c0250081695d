// What a registry's home book said of persons, keys and accounts, and when: filled while home is audited, asked while
// the registry's other books are.
#ifndef TOOLS_JCM_VERIFY_AUDIT_HOME_INDEX_H_
#define TOOLS_JCM_VERIFY_AUDIT_HOME_INDEX_H_

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "ledger/base/types.h"
#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {

class HomeIndex {
 public:
  struct Version {
    uint64_t sequence = 0;
    uint64_t time_us = 0;
    std::string value;
  };

  // An entry of home, in order. `root` is that of the tree with it.
  void AddEntry(uint64_t time_us, const Digest& leaf_hash, const Digest& root,
                const std::vector<EffectBytes>& effects) {
    for (const EffectBytes& effect : effects) {
      records_[{effect.table, std::string(effect.key)}].push_back(
          {leaf_hashes_.size(), time_us, std::string(effect.new_value)});
    }
    leaf_hashes_.push_back(leaf_hash);
    roots_.push_back(root);
  }

  uint64_t size() const { return leaf_hashes_.size(); }
  const Digest& LeafHash(uint64_t sequence) const { return leaf_hashes_[sequence]; }
  // Of the first `size` entries, 1 ≤ size ≤ size().
  const Digest& RootAt(uint64_t size) const { return roots_[size - 1]; }

  // The record as entry `sequence` left it; null if it did not exist then.
  const Version* At(uint32_t table, absl::string_view key, uint64_t sequence) const {
    const Version* found = nullptr;
    for (const Version& version : VersionsOf(table, key)) {
      if (version.sequence <= sequence) found = &version;
    }
    return found == nullptr || found->value.empty() ? nullptr : found;
  }
  // When it was changed after entry `sequence` for the first time; the largest number if it was not.
  uint64_t ChangedAfter(uint32_t table, absl::string_view key, uint64_t sequence) const {
    for (const Version& version : VersionsOf(table, key)) {
      if (version.sequence > sequence) return version.time_us;
    }
    return std::numeric_limits<uint64_t>::max();
  }

 private:
  const std::vector<Version>& VersionsOf(uint32_t table, absl::string_view key) const {
    static const std::vector<Version>* const none = new std::vector<Version>;
    const auto found = records_.find({table, std::string(key)});
    return found == records_.end() ? *none : found->second;
  }

  std::map<std::pair<uint32_t, std::string>, std::vector<Version>> records_;
  std::vector<Digest> leaf_hashes_;
  std::vector<Digest> roots_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_HOME_INDEX_H_
