// What a migration asks of a registry's node, over the link that jcmctl has. A node that is away for a while
// (restarted, busy, not reachable) is asked again, with the same bytes, until patience ends.
//
//   NodeLink link(connection, "JPN", {});
//   JCM_ASSIGN_OR_RETURN(Names names, link.ReadNames());
//   JCM_ASSIGN_OR_RETURN(api::SubmitBundleResponse answer, link.Submit(request));
#ifndef TOOLS_MIGRATION_NODE_LINK_H_
#define TOOLS_MIGRATION_NODE_LINK_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "jcm/registry/v1/ledger_service.pb.h"
#include "tools/client/connection.h"
#include "tools/migration/acts.h"
#include "tools/migration/recorded.h"

namespace jcm::migration {

namespace api = ::jcm::registry::v1;

struct Patience {
  uint32_t seconds = 60;  // how long to go on asking a node that does not answer; 0: ask once
};

class NodeLink {
 public:
  // `connection` must outlive this.
  NodeLink(const client::Connection& connection, std::string registry, Patience patience)
      : connection_(connection), registry_(std::move(registry)), patience_(patience) {}

  absl::StatusOr<Names> ReadNames();
  // Reads on from where the last call of the same book ended. BOOK_UNKNOWN if the registry keeps no such book.
  absl::Status ReadRecorded(const std::string& partnership, Recorded* recorded);
  absl::StatusOr<api::SubmitBundleResponse> Submit(const api::SubmitBundleRequest& request);

  const std::string& registry() const { return registry_; }

 private:
  // Asks again while nobody answers.
  absl::Status Ask(const std::function<absl::Status()>& call);

  const client::Connection& connection_;
  const std::string registry_;
  const Patience patience_;
  std::map<std::string, std::string> next_pages_;  // by partnership: the last page that was begun
  std::map<std::string, uint64_t> read_sizes_;
};

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_NODE_LINK_H_
