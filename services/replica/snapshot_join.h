// How a replica that the log can't bring up to date any more joins again: a sibling's store, proven and put in the
// place of one's own.
//
//   JCM_RETURN_IF_ERROR(JoinFromSiblings(options, vault, *log, progress));      // then open the store as always
//
// Nothing of one's own is changed before the snapshot is proven. The former store is kept beside it.
#ifndef SERVICES_REPLICA_SNAPSHOT_JOIN_H_
#define SERVICES_REPLICA_SNAPSHOT_JOIN_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/channel.h"
#include "ledger/book/key_set.h"
#include "ledger/log/log.h"
#include "ledger/store/store.h"
#include "ledger/store/vault.h"

namespace jcm::services {

// A snapshot larger than this is refused.
inline constexpr uint64_t kSnapshotBytesMax = uint64_t{1} << 40;

struct JoinOptions {
  std::string registry;  // "JPN"
  std::string domain;
  std::vector<std::string> books;  // partnerships, and "home"
  // What this replica's own configuration says: k of these keys must have signed what the sibling sends.
  book::KeySet keys;
  std::string store_directory;  // the store's; the snapshot is made beside it
  std::vector<std::pair<std::string, std::shared_ptr<grpc::Channel>>> siblings;  // name and channel
};

// Takes the data keys and the snapshot of the first sibling that gives one that holds. Blocks. Errors of the last one:
// SNAPSHOT_INVALID with what is wrong, UNAVAILABLE, STORE_FAILED, LOG_*.
absl::Status JoinFromSiblings(const JoinOptions& options, store::Vault& vault, log::Log& log,
                              const std::function<void(absl::string_view)>& progress);

// Whether a store of this registry proves itself: for each book all leaves follow each other, bodies are those that
// their leaves name, the root is that of a checkpoint with k signatures of `keys` and, where the partner keeps a book,
// k cosignatures; the records are what the effects add up to. SNAPSHOT_INVALID names book, entry and what is wrong.
absl::Status ProveStore(const store::ReadView& records, const JoinOptions& options,
                        const std::function<void(absl::string_view)>& progress);

}  // namespace jcm::services

#endif  // SERVICES_REPLICA_SNAPSHOT_JOIN_H_
