// A book's state as its effects make it: plain maps, filled by folding one effect after another.
//
//   Tables tables;
//   if (!tables.Holds(effect.table, effect.key, effect.old_value)) ...   // the effect starts from another value
//   tables.Put(effect.table, effect.key, effect.new_value);
//
// Memory is that of the state. Records that no check reads again, of which there is one for each act, are kept as the
// hash that the state root needs.
#ifndef TOOLS_JCM_VERIFY_AUDIT_TABLES_H_
#define TOOLS_JCM_VERIFY_AUDIT_TABLES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "ledger/base/types.h"

namespace jcm::verify {

// Numbers of tables of imported records are this much above those of the other book.
inline constexpr uint32_t kShadowOffset = 1'000;

// The tables whose records each side takes over from the other one's book.
bool IsPublished(uint32_t table);

struct TextLess {
  using is_transparent = void;
  bool operator()(absl::string_view a, absl::string_view b) const { return a < b; }
};

using Records = std::map<std::string, std::string, TextLess>;

class Tables {
 public:
  // Empty: there is no such record.
  absl::string_view Get(uint32_t table, absl::string_view key) const;
  // Whether the record is `value` now; an empty value is an absent record.
  bool Holds(uint32_t table, absl::string_view key, absl::string_view value) const;
  // An empty value removes the record.
  void Put(uint32_t table, absl::string_view key, absl::string_view value);
  // All records of a table, never of one that is kept as hashes.
  const Records& Of(uint32_t table) const;

  struct Root {
    Digest root{};
    uint64_t count = 0;
  };
  // The RFC 6962 root over all records in the order of (table, key).
  Root StateRoot() const;
  // Every record in that order, by the hash of its leaf.
  void Visit(const std::function<void(uint32_t table, absl::string_view key, const Digest& hash)>& visit) const;
  static Digest LeafOf(uint32_t table, absl::string_view key, absl::string_view value);

 private:
  static bool KeptAsHash(uint32_t table);

  std::map<uint32_t, Records> records_;
  std::map<uint32_t, std::map<std::string, Digest, TextLess>> hashes_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_TABLES_H_
