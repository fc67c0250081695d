// The openings of an act's commitments, kept for certificates: whoever loses them can never prove what was committed
// to.
//
//   SaltsFile salts(session, "TH", "retirement-1.salts.json");
//   body->set_scheme_commitment(salts.Commit("scheme", "GX-ETS FY2026"));
//   JCM_RETURN_IF_ERROR(salts.Save());               // before the act is sent
//   JCM_RETURN_IF_ERROR(session.Act(...));
//   JCM_RETURN_IF_ERROR(salts.SaveWithSequence());   // now it says which entry it opens
#ifndef TOOLS_JCMCTL_SALTS_FILE_H_
#define TOOLS_JCMCTL_SALTS_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/book/opening.h"
#include "nlohmann/json.hpp"
#include "tools/jcmctl/session.h"

namespace jcm::ctl {

class SaltsFile {
 public:
  SaltsFile(Session& session, const std::string& partnership, std::string path);

  // Commits to `value` with a new salt; an empty value gives an empty commitment.
  std::string Commit(const std::string& field, const std::string& value);
  // In hexadecimal; empty if nothing was committed under this field.
  std::string SaltOf(const std::string& field) const;

  // FIELD_REQUIRED if there is something to keep and no path.
  absl::Status Save() const;
  // Once the act is recorded. Does nothing for a dry run or inside a bundle.
  absl::Status SaveWithSequence();

 private:
  Session& session_;
  const std::string path_;
  nlohmann::ordered_json json_;
};

// What such a file says. `entry` is the resource name of the entry that it opens.
struct SavedOpenings {
  std::string entry;
  std::vector<book::Opening> openings;
};

// Errors: NOT_FOUND; FIELD_INVALID if it is no such file, or the act has not been recorded.
absl::StatusOr<SavedOpenings> ReadSalts(Session& session, const std::string& path);

}  // namespace jcm::ctl

#endif  // TOOLS_JCMCTL_SALTS_FILE_H_
