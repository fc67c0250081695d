// Where the entries of one book come from: files of an export, a stored book, a live node. The auditor reads all of
// them the same way, from entry 0 on, and believes nothing of what a source says about itself.
#ifndef TOOLS_JCM_VERIFY_AUDIT_SOURCE_H_
#define TOOLS_JCM_VERIFY_AUDIT_SOURCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "ledger/base/types.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {

// A signed note that came with the entries, and what proves that it continues them.
struct SourcedNote {
  std::string note;
  std::string place;
  bool has_proof = false;
  std::vector<Digest> proof;  // of consistency, from the tree of all entries given so far to the note's
  // From an export: that leaf `prior_size - 1` lies in the note's tree.
  uint64_t prior_size = 0;
  Digest prior_leaf{};
  std::vector<Digest> prior_proof;
};

class EntrySource {
 public:
  virtual ~EntrySource() = default;

  // "JPN/TH"; as the source says.
  virtual const BookId& book() const = 0;
  // For people: "JPN-TH.mirror".
  virtual const std::string& name() const = 0;

  // The next entry; its bytes last until the next call. False at the end, also where reading cannot go on: then the
  // source has written a finding.
  virtual bool Next(EntryBytes* entry, BookReport* report) = 0;
  // Notes that have come since the last call.
  virtual std::vector<SourcedNote> TakeNotes() = 0;
  // Whether the source holds nodes of the book's tree; then each is shown as it comes about, to be compared.
  virtual bool HoldsNodes() const { return false; }
  virtual void CompareNode(int level, uint64_t index, const Digest& hash, BookReport* report) {}
  // Where these bytes, of the present entry, lie: "JPN-TH.mirror bytes 120..284".
  virtual std::string PlaceOf(absl::string_view bytes) const = 0;

  // For progress: entries in all; 0 if not known.
  virtual uint64_t entries_expected() const = 0;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_SOURCE_H_
