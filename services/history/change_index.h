// Which entries changed which record, of all books that this registry has, mirrors too; kept up to date from the
// entries that were added since.
//
//   ChangeIndex index;
//   JCM_RETURN_IF_ERROR(index.Refresh(*call.view));
//   for (const ChangedAt& at : index.Of({"JPN", "TH"}, ledger::v1::TABLE_DECISION, "TH-JC7-TH014", false)) …
//
// Thread-safe. Only tables that histories are told of: not units, keys, deadlines.
#ifndef SERVICES_HISTORY_CHANGE_INDEX_H_
#define SERVICES_HISTORY_CHANGE_INDEX_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "ledger/base/types.h"
#include "ledger/registry/registry_view.h"

namespace jcm::services {

struct ChangedAt {
  uint64_t sequence = 0;
  std::string key;
};

class ChangeIndex {
 public:
  // Follows the books of the view, or leaves the index where a later view has brought it. The first call reads every
  // entry.
  absl::Status Refresh(const registry::RegistryView& view);

  // Changes of the record, or with `prefix` of all records whose keys begin with `key`; by sequence, then key.
  std::vector<ChangedAt> Of(const BookId& book, uint32_t table, absl::string_view key, bool prefix) const;

 private:
  struct Book {
    uint64_t size = 0;
    std::map<std::pair<uint32_t, std::string>, std::vector<uint64_t>> entries;  // by table and key
  };

  static absl::Status Follow(const registry::RegistryView& view, const registry::BookInfo& info, Book* book);

  mutable std::mutex mutex_;
  std::map<BookId, Book> books_;
};

// Whether histories are told of a table, and its name for people: "DECISION".
bool IsTold(uint32_t table);
std::string TableName(uint32_t table);

}  // namespace jcm::services

#endif  // SERVICES_HISTORY_CHANGE_INDEX_H_
