// Partnerships as files: who the partner is, how the partnership has gone, which rulebooks hold. A new partner is one
// such file and one rulebook.
//
//   JCM_ASSIGN_OR_RETURN(PartnerFile partner, ReadPartner(files, "deploy/rulebooks/partners/TH.partner"));
//   for (const std::string& act : ActsToOpen(partner, NodeState())) puts(act.c_str());      // jcmctl command lines
//
// A file has lines "name = value"; "#" begins a comment: partnership, registry, name_en, name_ja, status
// (article-6, rules-under-revision, first-committee-planned, candidate, unknown), partner_minutes (east of UTC),
// `rulebook = FILE` beside the folder of partners, and `event = DATE, KIND, TEXT` with the kinds of
// PartnershipEventKind.
#ifndef TOOLS_CLIENT_PARTNER_FILE_H_
#define TOOLS_CLIENT_PARTNER_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/file_system.h"
#include "tools/client/rulebook_file.h"

namespace jcm::client {

struct PartnerFile {
  std::string path;
  std::string partnership;  // "TH"
  std::string registry;     // "THA"
  std::string name_en;
  std::string name_ja;
  std::string status;
  int32_t partner_minutes = 0;
  std::vector<std::string> rulebook_paths;
  std::vector<RulebookFile> rulebooks;             // read, in the same order
  std::vector<v1::RecordPartnershipEvent> events;  // by date

  // Of the bilateral document; null: not signed.
  const v1::Date* signed_date() const;
};

// Reads the file and its rulebooks. NOT_FOUND, CONFIG_INVALID with the file's name.
absl::StatusOr<PartnerFile> ReadPartner(FileSystem& files, const std::string& path);

// All files NAME.partner of a folder, by partnership.
absl::StatusOr<std::vector<PartnerFile>> ReadPartners(FileSystem& files, const std::string& folder);

// What a node has of a partnership.
struct NodeState {
  bool opened = false;
  v1::PartnershipRecord partnership;
  std::vector<v1::RulebookRecord> rulebooks;
};

struct PartnerDifference {
  std::string what;  // "event signed of 2015-11-19", "rulebook TH/2024-07-08", "registry"
  std::string file;  // empty: not in the file
  std::string node;  // empty: not on the node
};
std::vector<PartnerDifference> DiffPartner(const PartnerFile& partner, const NodeState& node);

// Events of the file that the node does not have; a candidate's talks are recorded nowhere before a book is opened.
std::vector<v1::RecordPartnershipEvent> MissingEvents(const PartnerFile& partner, const NodeState& node);
// Places in `rulebooks` of those whose version the node does not have.
std::vector<size_t> MissingRulebooks(const PartnerFile& partner, const NodeState& node);

// The acts that are left, as command lines of jcmctl for people, in order. `mode` is how the partner is known at first:
// "node", "hosted" or "attested". Keys, persons and documents are to be filled in by who runs them.
std::vector<std::string> ActsToOpen(const PartnerFile& partner, const NodeState& node, const std::string& mode);

}  // namespace jcm::client

#endif  // TOOLS_CLIENT_PARTNER_FILE_H_
