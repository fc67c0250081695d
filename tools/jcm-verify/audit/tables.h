// A book's state as its effects make it, filled by folding one effect after another.
//
//   Tables tables;
//   if (!tables.Change(effect.table, effect.key, effect.old_value, effect.new_value)) ...   // it was another value
//
// Memory is that of the state. Blocks of units, which change all the time, lie by lot and serial; records that no check
// reads again, of which there is one for each act, are kept as the hash that the state root needs.
#ifndef TOOLS_JCM_VERIFY_AUDIT_TABLES_H_
#define TOOLS_JCM_VERIFY_AUDIT_TABLES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/types.h"
#include "tools/jcm-verify/audit/written_once.h"

namespace jcm::verify {

namespace v1 = ::jcm::ledger::v1;

// Numbers of tables of imported records are this much above those of the other book.
inline constexpr uint32_t kShadowOffset = 1'000;

// The tables whose records each side takes over from the other one's book.
bool IsPublished(uint32_t table);

struct TextLess {
  using is_transparent = void;
  bool operator()(absl::string_view a, absl::string_view b) const { return a < b; }
};

using Records = std::map<std::string, std::string, TextLess>;
// The blocks of one lot, by their first serials.
using LotBlocks = absl::btree_map<Serial, std::string>;

class Tables {
 public:
  // Empty: there is no such record. Not for records that are kept as hashes, and not for blocks.
  absl::string_view Get(uint32_t table, absl::string_view key) const;
  // Makes the record `new_value`; true if it was `old_value`. An empty value is an absent record.
  bool Change(uint32_t table, absl::string_view key, absl::string_view old_value, absl::string_view new_value);
  // All records of a table that Get knows.
  const Records& Of(uint32_t table) const;
  const LotBlocks& BlocksOf(absl::string_view lot_id) const;
  // Grows whenever a record of the table changes.
  uint64_t ChangesOf(uint32_t table) const;

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
  bool ChangeBlock(absl::string_view lot_id, Serial first, absl::string_view old_value, absl::string_view new_value);
  bool ChangeRecord(uint32_t table, absl::string_view key, absl::string_view old_value, absl::string_view new_value);
  void VisitTable(uint32_t table, const std::function<void(uint32_t, absl::string_view, const Digest&)>& visit) const;

  std::map<uint32_t, Records> records_;
  std::map<uint32_t, uint64_t> changes_;
  // By lot id and "/", so that their order is that of the keys.
  std::map<std::string, LotBlocks, TextLess> blocks_;
  std::pair<const std::string, LotBlocks>* last_lot_ = nullptr;
  mutable std::map<uint32_t, WrittenOnce> written_once_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_TABLES_H_
