// What of a migration is in the ledger already, read from the books themselves: each migrated act names its file,
// object and row commitment. So no file of this machine has to be right for a migration to be recorded exactly once.
//
//   Recorded recorded;
//   recorded.Add("JPN/TH", sequence, leaf_hash, entry_command_bytes);
//   const RecordedAct* act = recorded.Find("TH", command);     // null: not recorded
//   if (act != nullptr && act->row_commitment != command.source().row_commitment()) ...   // the row has changed
#ifndef TOOLS_MIGRATION_RECORDED_H_
#define TOOLS_MIGRATION_RECORDED_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/command.pb.h"

namespace jcm::migration {

namespace v1 = ::jcm::ledger::v1;

struct RecordedAct {
  std::string partnership;
  uint64_t sequence = 0;
  std::string leaf_hash;
  std::string row_commitment;
};

class Recorded {
 public:
  // Of an entry of kind COMMAND; acts without a source are passed over. MESSAGE_MALFORMED.
  absl::Status Add(absl::string_view partnership, uint64_t sequence, absl::string_view leaf_hash,
                   absl::string_view command_bytes);
  // By book, file, object and kind of act.
  const RecordedAct* Find(const std::string& partnership, const v1::Command& command) const;
  size_t size() const { return acts_.size(); }

 private:
  using Key = std::tuple<std::string, std::string, std::string, int>;
  static Key KeyOf(absl::string_view partnership, const v1::Command& command);

  std::map<Key, RecordedAct> acts_;
};

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_RECORDED_H_
